"""Numbers on labels, attacked: by plain SQL on a stranger's connection, at the same moment, and by labels that lie."""

import tracemalloc
from datetime import timedelta

import pytest
from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import checks as nightly
from biobank.core import clock, codes
from biobank.core.db import db
from biobank.core.errors import BiobankError, Malformed, NotFound, RuleViolation
from biobank.core.times import When
from biobank.printing import jobs, relabelling
from biobank.printing.models import LabelJob
from biobank.procedures import kits
from biobank.samples import allotments, allotted, collection, numbers, processing, replacing, undoing
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample, find_samples
from biobank.storage import service as storage
from tests import people
from tests.factories import BY, ConsentFactory, FormFactory, SampleFactory, StudyFactory, act, fresh
from tests.guarded import NOON, Stranger, literal
from tests.racing import together

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def bare(database_uri):
    stranger = Stranger(database_uri)
    yield stranger
    stranger.close()


@pytest.fixture
def study():
    return StudyFactory()


@pytest.fixture
def patient(study):
    return ConsentFactory(form=FormFactory(study=study)).patient


def ahead(site_id, count=3, **told):
    made = act(allotments.allot, site_id=site_id, count=count, **told)
    return [number.code for number in allotted.numbers_in(made)]


def collect(patient, study, code=None, **told):
    drawn = When.exactly(clock.now() - timedelta(hours=1))
    told = {"type": "Plasma", "collected": drawn, "quantity": ("volume", 1_000_000), "code": code} | told
    return act(collection.collect, patient=patient, study=study, **told)


def replace(tube, new_code=None):
    act(replacing.replace_code, sample=tube, reason="torn", new_code=new_code)
    return fresh(tube)


def findings():
    db.session.rollback()
    return [finding for found in nightly.run() for finding in found.findings]


def insertion(table, **values):
    told = ", ".join(map(literal, values.values()))
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({told})"


TOLD = {"recorded_at": NOON, "recorded_by": "x"}


# --- a stranger's connection


def test_no_tube_is_entered_under_a_number_that_another_one_had_or_that_is_void(bare):
    tube = SampleFactory()
    old, spoilt = tube.code, ahead(tube.site_id)[0]
    replace(tube)
    act(allotments.void, numbers=[spoilt], reason="torn")
    columns = "site_id, study_id, type, vessel, status, origin, reserved, recorded_at"

    for code in (old, spoilt):
        for verb in ("INSERT", "INSERT OR REPLACE") if bare.sqlite else ("INSERT",):
            copied = f"{verb} INTO sample (code, {columns}) SELECT '{code}', {columns} FROM sample"
            assert "belongs to another tube" in bare.refusal(copied)


def test_a_number_leads_to_no_other_tube_under_which_its_record_would_be_read(bare):
    tube, other = SampleFactory(), SampleFactory()
    elsewhere = people.site("IUCT").id
    stray = {"kind": "sample", "target_id": tube.id}

    for code, site in ((other.code, elsewhere), ("T99", tube.site_id)):
        for void in ({}, {"voided_at": NOON}):
            told = insertion("scannable_code", code=code, site_id=site, **stray, **void)
            assert "leads to the tube" in bare.refusal(told)
    void = f"UPDATE scannable_code SET voided_at = '{NOON}' WHERE code = '{tube.code}'"
    assert "void when it was replaced" in bare.refusal(void)


def test_a_replacement_names_no_number_of_another(bare):
    tube, other = SampleFactory(), SampleFactory()
    old = other.code
    other = replace(other)
    spoilt, out = ahead(tube.site_id)[:2]
    act(allotments.void, numbers=[spoilt], reason="torn")

    for code in (old, other.code, spoilt, tube.code):
        told = insertion(
            "code_replacement", sample_id=tube.id, old_code=tube.code, new_code=code, reason="x", **TOLD
        )
        assert bare.refusal(told)
    act(storage.discard, sample=tube, reason="broken")
    told = insertion(
        "code_replacement", sample_id=tube.id, old_code=tube.code, new_code=out, reason="x", **TOLD
    )
    assert "the number that the tube has" in bare.refusal(told)


def test_a_replacement_that_the_record_does_not_tell_of_is_found(bare):
    tube = SampleFactory()
    told = {"sample_id": tube.id, "old_code": tube.code, "new_code": "T99", "reason": "x"}
    bare.say(
        insertion("code_replacement", **told, **TOLD),
        insertion("scannable_code", code="T99", kind="sample", target_id=tube.id, site_id=tube.site_id),
        f"UPDATE scannable_code SET voided_at = '{NOON}' WHERE code = '{tube.code}'",
        f"UPDATE sample SET code = 'T99' WHERE id = {tube.id}",
    )

    assert f"{tube.code} was replaced by T99, and the record does not tell of it" in findings()


def test_the_number_of_a_destroyed_tube_does_not_come_free(bare, patient, study):
    number = ahead(study.site_id)[0]
    tube = collect(patient, study, number)
    act(storage.discard, sample=tube, reason="broken")

    assert "stays as it was" in bare.refusal(
        f"UPDATE sample SET treated_precision = NULL WHERE id = {tube.id}"
    )
    other = insertion("scannable_code", code="T99", kind="sample", target_id=tube.id, site_id=study.site_id)
    assert "leads to the tube" in bare.refusal(other)
    with pytest.raises(RuleViolation, match="number_used"):
        collect(patient, study, number)


def test_a_number_that_was_taken_off_a_tube_by_hand_is_found(bare, patient, study):
    number = ahead(study.site_id)[0]
    tube = collect(patient, study, number)
    bare.say(
        f"UPDATE sample SET status = 'destroyed', treated_precision = NULL WHERE id = {tube.id}",
        insertion("scannable_code", code="T99", kind="sample", target_id=tube.id, site_id=study.site_id),
        f"UPDATE sample SET code = 'T99' WHERE id = {tube.id}",
        f"UPDATE scannable_code SET target_id = 0 WHERE code = '{number}'",
        f"UPDATE allotted_number SET state = 'out', sample_id = NULL WHERE code = '{number}'",
    )

    assert f"{number} is off a tube, and the record does not tell of it" in findings()


@pytest.mark.parametrize(
    "change", ["reason = 'other'", "ended_by = 'other'", f"ended_at = '{NOON}'", "reason = NULL"]
)
def test_why_when_and_by_whom_a_number_was_voided_stays(bare, change):
    number = ahead(people.site("IPC").id)[0]
    act(allotments.void, numbers=[number], reason="torn")

    assert bare.refusal(f"UPDATE allotted_number SET {change} WHERE code = '{number}'")


def test_a_label_that_came_out_is_not_made_undone(bare):
    tube = SampleFactory()
    (job,) = act(jobs.order, codes=[tube.code], site_id=tube.site_id)
    act(jobs.show, jobs=[job])
    again = act(jobs.reprint, code=tube.code, reason="torn")
    act(jobs.show, jobs=[again])

    for change in ("state = 'cancelled'", "reprint = 0", "code = 'T99'"):
        assert bare.refusal(f"UPDATE label_job SET {change} WHERE id = {again.id}"), change


def test_a_label_that_nobody_verified_is_found(bare):
    tube = SampleFactory()
    check = {"sample_id": tube.id, "expected": tube.code, "read": tube.code, "matched": True, "reprint": 0}
    bare.say(insertion("label_check", **check, **TOLD))

    assert f"the label of {tube.code} was verified by nobody" in findings()


def test_nothing_is_written_into_a_tube_above_what_it_began_with(bare):
    tube, unknown = SampleFactory(volume_ul=1000), SampleFactory(volume_ul=None)
    act(processing.aliquot, sample=tube, count=1, amount=200_000)
    says = "more is written into a tube than it began with"

    def line(sample, amount):
        told = {"happened_at": NOON, "recorded_at": NOON, "actor_key": "x"}
        return insertion("quantity_entry", sample_id=sample.id, amount=amount, act="undone", **told)

    assert says in bare.refusal(line(tube, 200_001))
    assert says in bare.refusal(line(unknown, 1))
    for change in ("initial = 9000000", "quantity_kind = 'mass'"):
        assert "never changes" in bare.refusal(f"UPDATE sample SET {change} WHERE id = {tube.id}")
    assert bare.refusal(line(tube, 200_000)) == ""
    assert says in bare.refusal(line(tube, 1))


# --- labels that lie


def test_a_label_that_was_printed_for_another_type_study_or_visit_replaces_none(patient, study):
    tubes = [{"type": "Serum", "label": "Dry", "count": 1}]
    kit = act(kits.make_kit, code="V1", study=study, title="Visit 1", visit="V1", tubes=tubes)
    (number,) = ahead(study.site_id, kit=kit, count=None)

    for tube, why in (
        (collect(patient, study), "number_other_type"),
        (collect(patient, StudyFactory(), type="Serum"), "number_other_study"),
        (collect(patient, study, type="Serum", visit="V2"), "number_other_visit"),
        (collect(patient, study, type="Serum"), "number_other_visit"),
    ):
        with pytest.raises(RuleViolation, match=why):
            replace(tube, number)
    assert replace(collect(patient, study, type="Serum", visit="V1"), number).code == number


def test_a_label_that_was_on_a_tube_entered_by_mistake_replaces_no_other_and_is_received(patient, study):
    number = ahead(study.site_id)[0]
    mistaken = replace(collect(patient, study), number)
    act(undoing.undo_register, sample=mistaken)
    other = collect(patient, study)

    with pytest.raises(RuleViolation, match="number_before"):
        replace(other, number)
    assert collect(patient, study, number).code == number
    assert findings() == []


def test_the_story_of_a_tube_that_was_renumbered_and_taken_back_is_told_in_its_order(patient, study):
    tube = replace(collect(patient, study), ahead(study.site_id)[0])
    act(undoing.undo_register, sample=tube)

    story = numbers.story(fresh(tube))

    assert [entry["act"] for entry in story] == ["collected", "received", "code_replaced", "undone"]


def test_the_next_persons_tube_knows_nothing_of_the_one_that_had_its_number(study, patient):
    number = ahead(study.site_id)[0]
    other = ConsentFactory(form=FormFactory(study=study)).patient
    mistaken = collect(patient, study, number)
    act(jobs.reprint, code=number, reason="torn")
    act(undoing.undo_register, sample=mistaken)
    tube = collect(other, study, number)

    story = numbers.story(fresh(tube))

    assert [entry["act"] for entry in story] == ["collected", "received"]
    assert story[0]["after"]["subject"] == other.subject_key
    assert "label_reprinted" in [entry["act"] for entry in numbers.story(fresh(mistaken))]


def test_who_reads_no_samples_is_not_told_why_a_number_was_replaced():
    tube = SampleFactory()
    old = tube.code
    act(replacing.replace_code, sample=tube, reason="Mme X had two")

    for look in (lambda by: find_sample(old, by), lambda by: find_samples([old], by)):
        with pytest.raises(RuleViolation, match="code_replaced") as refused:
            look(people.actor("researcher"))
        assert (refused.value.params["new_code"], refused.value.params["why"]) == (fresh(tube).code, "–")
        with pytest.raises(RuleViolation) as refused:
            look(people.actor("technician"))
        assert refused.value.params["why"] == "Mme X had two"


def test_a_file_that_names_one_of_our_numbers_is_told_that_it_is_taken():
    tube = SampleFactory()
    old, (out, spoilt, back) = tube.code, ahead(tube.site_id)
    new = replace(tube).code
    act(allotments.void, numbers=[spoilt], reason="torn")
    act(allotments.return_, numbers=[back])
    named = {old, new, out, spoilt, back}

    assert codes.taken_codes(named, tube.site_id) == dict.fromkeys(named, "sample")
    for code in named:
        with pytest.raises(RuleViolation, match="code_taken"):
            SampleFactory(container_code=code)


def test_a_figure_that_was_mistyped_costs_nothing():
    site_id = people.site("IPC").id
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            act(allotments.allot, site_id=site_id, count=200_000)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    with pytest.raises(Malformed):
        act(allotments.allot, site_id=site_id, count=10**30)


def test_an_allotment_of_a_number_that_no_database_keeps_is_unknown():
    with pytest.raises(NotFound, match="allotment_unknown"):
        allotted.find_allotment(2**70, BY)


# --- at the same moment


def test_whatever_happens_to_a_tube_while_its_number_is_replaced_every_check_is_green(app):
    box = act(storage.make_container, site_id=people.site("IPC").id, kind="tube_box_9x9", name="Box")
    others = {
        "discard": lambda tube: storage.discard(sample=tube, reason="broken", by=BY),
        "move": lambda tube: storage.put(container=box, sample=tube, next_free=True, by=BY),
        "aliquot": lambda tube: processing.aliquot(sample=tube, count=2, amount=1000, by=BY),
        "undo": lambda tube: undoing.undo_register(sample=tube, by=BY),
        "replace": lambda tube: replacing.replace_code(sample=tube, reason="torn", by=BY),
    }
    for name, other in others.items():
        tube = SampleFactory()
        key, number = tube.id, ahead(tube.site_id)[0]
        outcomes = together(
            app,
            lambda key=key, number=number: (
                replacing.replace_code(
                    sample=db.session.get_one(Sample, key), reason="torn", new_code=number, by=BY
                ).new_code
            ),
            lambda key=key, other=other: other(db.session.get_one(Sample, key)),
        )
        told = {outcome.code for outcome in outcomes if isinstance(outcome, BiobankError)}
        assert told <= {"replace_not_here", "code_replaced"}, name
    assert findings() == []
    assert audit.verify().broken_at is None


def test_no_label_is_asked_for_with_a_number_that_is_replaced_in_that_moment(app):
    for _ in range(4):
        tube = SampleFactory()
        key, old = tube.id, tube.code
        db.session.rollback()
        together(
            app,
            lambda key=key: (
                relabelling.replace_code(sample=db.session.get_one(Sample, key), reason="torn", by=BY)[
                    0
                ].new_code
            ),
            lambda old=old: jobs.reprint(code=old, reason="torn", by=BY).id,
        )
        states = set(db.session.scalars(select(LabelJob.state).where(LabelJob.code == old)))
        assert states <= {"cancelled"}
