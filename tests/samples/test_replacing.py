"""A tube gets another number: the old one is void for ever, and everything that was known of the tube stays known."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from biobank.audit import service as audit
from biobank.bench import service as bench
from biobank.core import checks as nightly
from biobank.core import clock, codes, scans
from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError, Malformed, NotFound, RuleViolation
from biobank.printing import checks, jobs, relabelling
from biobank.printing.models import LabelJob
from biobank.reports import trail
from biobank.samples import allotments, allotted, numbers, processing, replacing
from biobank.samples.models import CodeReplacement, Sample
from biobank.samples.reading import find_sample, find_samples, find_told
from biobank.storage import service as storage
from biobank.storage import undoing as storage_undoing
from tests import people
from tests.factories import BY, ContainerFactory, SampleFactory, act, fresh, withdraw
from tests.racing import refusals, together

pytestmark = pytest.mark.usefixtures("app_context")

WHY = "Label cannot be read"


def replace(tube, reason=WHY, **told):
    """Replace its number, and return the old one and the new one."""
    old = tube.code
    act(replacing.replace_code, sample=tube, reason=reason, **told)
    return old, fresh(tube).code


def test_the_tube_has_the_new_number_and_whoever_scans_the_old_one_is_told_all(frozen_clock):
    tube = SampleFactory()

    old, new = replace(tube)

    assert new != old
    assert find_sample(new, BY).id == tube.id
    for look in (find_sample, scans.meant, bench.scan):
        with pytest.raises(RuleViolation, match="code_replaced") as refused:
            look(old, BY)
        assert refused.value.params == {
            "sample": old, "new_code": new, "replaced_on": "2012-03-14", "why": WHY,
        }  # fmt: skip
    with pytest.raises(RuleViolation, match="code_replaced"):
        find_samples([new, old], BY)


def test_a_number_that_was_replaced_twice_tells_the_one_that_is_on_the_tube_now():
    tube = SampleFactory()
    first, second = replace(tube)
    _, third = replace(tube)

    for old in (first, second):
        with pytest.raises(RuleViolation) as refused:
            find_sample(old, BY)
        assert refused.value.params["new_code"] == third


def test_the_story_goes_on_under_the_new_number_and_can_be_asked_for_by_either(frozen_clock):
    box, tube = ContainerFactory(), SampleFactory()
    act(storage.place, container=box, position="A1", sample=tube)
    old, new = replace(tube)
    act(storage.take_out, sample=fresh(tube))

    told = [entry["act"] for entry in numbers.story(fresh(tube))]

    assert told[:3] == ["collected", "received", "placed"]
    assert sorted(told[3:]) == ["code_replaced", "taken_out"]
    for code in (old, new, *([tube.container_code] if tube.container_code else [])):
        assert len(trail.entries(people.actor("administrator"), code=code).items) == 5
    assert audit.verify().broken_at is None


def test_everything_stays_with_the_tube(frozen_clock):
    box, tube = ContainerFactory(), SampleFactory(volume_ul=100)
    act(storage.place, container=box, position="A1", sample=tube)
    children = act(processing.aliquot, sample=tube, count=2, amount=10_000)
    replace(tube)

    tube = fresh(tube)
    assert (tube.remaining, tube.status) == (80_000, "available")
    assert storage.where_is([tube.id])[tube.id][-1].code == box.code
    from biobank.samples.reading import parents_of

    assert parents_of([child.id for child in children]) == {child.id: [tube.code] for child in children}


def test_a_discard_after_it_is_undone_by_who_did_it(frozen_clock):
    tube = SampleFactory()
    replace(tube)
    act(storage.discard, sample=fresh(tube), reason="broken")

    act(storage_undoing.undo_discarded, sample=fresh(tube))

    assert fresh(tube).status == "available"


def test_the_nightly_checks_find_nothing_wrong():
    tube = SampleFactory(container_code="FD06299910")
    replace(tube)
    replace(tube)

    assert [finding for found in nightly.run() for finding in found.findings] == []


def test_a_reason_is_needed():
    with pytest.raises(Malformed):
        replace(SampleFactory(), reason=" ")


@pytest.mark.parametrize("status", ["destroyed", "lost"])
def test_no_label_is_stuck_on_a_tube_that_is_not_here(status):
    tube = SampleFactory()
    if status == "destroyed":
        act(storage.discard, sample=tube, reason="broken")
    else:
        act(storage.lose, sample=tube)

    with pytest.raises(RuleViolation, match="replace_not_here"):
        replace(fresh(tube))


def test_the_tube_of_who_withdrew_must_be_known_until_it_is_destroyed():
    tube = SampleFactory()
    patient_id = next(iter(people_of(tube)))
    from biobank.patients.models import Patient

    withdraw(db.session.get_one(Patient, patient_id), fate="destroy")

    old, new = replace(fresh(tube))

    assert old != new


def people_of(tube):
    from biobank.samples.gate import donors_of

    return donors_of([tube.id])[tube.id]


def test_another_site_replaces_nothing():
    tube = SampleFactory()

    with pytest.raises(NotFound):
        replace(tube, by=people.actor("technician", site_code="IUCT"))
    with pytest.raises(NotFound, match="sample_unknown"):
        find_sample(replace(tube)[0], people.actor("technician", site_code="IUCT"))


def test_the_label_of_the_old_number_is_not_printed_any_more_and_the_new_one_is_to_be_verified():
    tube = SampleFactory(container_code="FD06299910")
    old = tube.code
    act(jobs.order, codes=[old], site_id=tube.site_id)
    unit_of_work(lambda: checks.verify(sample=fresh_in(tube), read=old, by=BY))
    assert checks.verified([tube.id]) == {tube.id}

    _told, job = act(relabelling.replace_code, sample=fresh(tube), reason=WHY)

    states = dict(db.session.execute(select(LabelJob.code, LabelJob.state)).all())
    assert states == {old: "cancelled", job.code: "waiting"}
    assert checks.verified([tube.id]) == set()
    unit_of_work(lambda: checks.verify(sample=fresh_in(tube), read=job.code, known_by=old, by=BY))
    assert checks.verified([tube.id]) == {tube.id}


def fresh_in(tube):
    return db.session.get_one(Sample, tube.id)


def test_a_label_that_was_printed_ahead_can_be_stuck_on_it():
    tube = SampleFactory()
    made = act(allotments.allot, site_id=tube.site_id, count=2)
    first, second = [number.code for number in allotted.numbers_in(made)]

    _old, new = replace(tube, new_code=first)

    assert new == first
    assert allotted.find_number(first, BY).sample_id == tube.id
    replace(tube, new_code=second)
    assert [number.state for number in allotted.numbers_in(made)] == ["voided", "used"]
    with pytest.raises(RuleViolation, match="number_used"):
        replace(SampleFactory(), new_code=second)
    with pytest.raises(RuleViolation, match="number_void"):
        replace(SampleFactory(), new_code=first)


def test_what_we_wrote_down_ourselves_is_looked_up_by_the_old_number():
    tube = SampleFactory()
    old, new = replace(tube)

    assert {find_told(code, BY).id for code in (old, new)} == {tube.id}


@given(steps=st.lists(st.sampled_from(["replace", "allot", "collect"]), max_size=6))
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_a_number_that_was_replaced_is_never_issued_or_accepted_again(steps):
    tube = SampleFactory()
    gone = {replace(tube)[0]}
    for step in steps:
        if step == "replace":
            gone.add(replace(tube)[0])
        elif step == "allot":
            made = act(allotments.allot, site_id=tube.site_id, count=3)
            assert not gone & {number.code for number in allotted.numbers_in(made)}
        else:
            assert SampleFactory().code not in gone
    for code in gone:
        for entered in (
            lambda code=code: codes.register(code, "sample", tube.id, tube.site_id),
            lambda code=code: codes.register(code, "tube", tube.id, tube.site_id),
            lambda code=code: replacing.replace_code(sample=fresh_in(tube), reason=WHY, new_code=code, by=BY),
        ):
            with pytest.raises(BiobankError):
                unit_of_work(entered)
        with pytest.raises(RuleViolation, match="code_replaced"):
            find_sample(code, BY)


# --- at the same moment


def test_of_two_who_replace_it_at_once_one_does(app):
    tube = SampleFactory()
    key = tube.id

    def work():
        sample = db.session.get_one(Sample, key)
        return replacing.replace_code(sample=sample, reason=WHY, by=BY).new_code

    for _ in range(3):
        before = fresh(tube).code
        outcomes = together(app, work, work)
        told = [row.old_code for row in db.session.scalars(select(CodeReplacement))]
        assert told.count(before) == 1
        assert len(set(told)) == len(told)
        # whoever comes second is refused, or read the number that the first one gave
        assert set(refusals(outcomes)) <= {"code_replaced"}


def test_a_replacement_and_a_new_tube_at_once_never_share_a_number(app):
    tube = SampleFactory()
    key = tube.id

    def work():
        return replacing.replace_code(sample=db.session.get_one(Sample, key), reason=WHY, by=BY).new_code

    def allot():
        made = allotments.allot(site_id=db.session.get_one(Sample, key).site_id, count=5, by=BY)
        return [number.code for number in allotted.numbers_in(made)]

    new, ahead = together(app, work, allot)
    assert new not in ahead


def test_a_tube_that_was_replaced_long_ago_still_says_when(frozen_clock):
    tube = SampleFactory()
    old, _new = replace(tube)

    with clock.freeze(frozen_clock + timedelta(days=700)), pytest.raises(RuleViolation) as refused:
        find_sample(old, BY)
    assert refused.value.params["replaced_on"] == "2012-03-14"
