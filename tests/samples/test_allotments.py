"""Numbers given out before there are tubes: nobody else gets them, and each ends on one tube, in a drawer, or void."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from biobank.core import checks as nightly
from biobank.core import clock, codes, scans
from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError, Malformed, NotFound, RuleViolation
from biobank.core.times import When
from biobank.procedures import kits
from biobank.samples import allotments, allotted, collection, numbers, undoing
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample
from tests import people
from tests.factories import BY, ConsentFactory, FormFactory, PatientFactory, StudyFactory, act, fresh
from tests.racing import refusals, together

pytestmark = pytest.mark.usefixtures("app_context")

TUBES = [
    {"type": "WholeBlood", "label": "EDTA, purple", "count": 2, "volume_nl": 4_000_000},
    {"type": "Serum", "label": "Dry, red", "count": 1},
]


@pytest.fixture
def study():
    return StudyFactory()


@pytest.fixture
def kit(study):
    return act(kits.make_kit, code="V1", study=study, title="Visit 1", visit="V1", tubes=TUBES)


@pytest.fixture
def patient(study):
    return ConsentFactory(form=FormFactory(study=study)).patient


@pytest.fixture
def ahead(kit):
    """The numbers of two kits of three tubes."""
    made = act(allotments.allot, site_id=kit.site_id, kit=kit, sets=2)
    return [number.code for number in allotted.numbers_in(made)]


def collect(patient, study, code, type="WholeBlood", **told):
    drawn = When.exactly(clock.now() - timedelta(hours=1))
    return act(
        collection.collect, patient=patient, study=study, type=type, collected=drawn, code=code, **told
    )


def state(code):
    db.session.rollback()
    number = allotted.find_number(code, BY)
    db.session.refresh(number)
    return number.state


def test_each_tube_that_a_kit_foresees_gets_a_number(kit, ahead):
    (made,) = allotted.list_allotments(BY).items
    told = [(each.set_number, each.place, each.type, each.label) for each in allotted.numbers_in(made)]

    assert told == [
        (number, place, type, label)
        for number in (1, 2)
        for place, type, label in (
            (1, "WholeBlood", "EDTA, purple"), (2, "WholeBlood", "EDTA, purple"), (3, "Serum", "Dry, red"),
        )
    ]  # fmt: skip
    assert len(set(ahead)) == 6
    assert allotted.counts([made.id]) == {made.id: {"out": 6, "returned": 0, "used": 0, "voided": 0}}


def test_nobody_else_gets_an_allotted_number(ahead, study, patient):
    others = {collect(patient, study, None).code for _ in range(3)}
    assert not others & set(ahead)

    for kind in ("sample", "tube", "container"):
        if kind != "sample":
            with pytest.raises(RuleViolation, match="code_taken"):
                act_register(ahead[0], kind, study.site_id)
    with pytest.raises(RuleViolation, match="code_taken"):
        collect(patient, study, None, container_code=ahead[0])
    assert codes.taken_codes(ahead[:1], study.site_id) == {ahead[0]: "sample"}


def act_register(code, kind, site_id):
    unit_of_work(lambda: codes.register(code, kind, 1, site_id))


def test_a_tube_that_bears_it_is_that_number(ahead, patient, study):
    tube = collect(patient, study, ahead[0])

    assert tube.code == ahead[0]
    assert find_sample(ahead[0], BY).id == tube.id
    assert state(ahead[0]) == "used"
    from biobank.samples.reading import events_of

    assert [event.visit for event in events_of([tube]).values()] == ["V1"]
    assert [finding for found in nightly.run() for finding in found.findings] == []


def test_it_is_on_one_tube_only(ahead, patient, study):
    collect(patient, study, ahead[0])

    with pytest.raises(RuleViolation, match="number_used"):
        collect(patient, study, ahead[0])


def test_a_tube_of_another_type_study_or_visit_does_not_get_it(ahead, patient, study):
    with pytest.raises(RuleViolation, match="number_other_type"):
        collect(patient, study, ahead[0], type="Serum")
    with pytest.raises(RuleViolation, match="number_other_visit"):
        collect(patient, study, ahead[0], visit="V2")
    with pytest.raises(RuleViolation, match="number_other_study"):
        collect(patient, StudyFactory(), ahead[0])
    assert state(ahead[0]) == "out"


def test_a_number_of_another_site_is_unknown(ahead):
    elsewhere = people.site("IUCT")
    study, patient = StudyFactory(site=elsewhere), PatientFactory(site=elsewhere)

    with pytest.raises(NotFound, match="number_unknown"):
        collect(patient, study, ahead[0])
    with pytest.raises(NotFound, match="number_unknown"):
        act(allotments.return_, numbers=ahead[:1], by=people.actor("technician", site_code="IUCT"))
    kit = allotted.kit_of(allotted.find_number(ahead[0], BY))
    with pytest.raises(NotFound, match="kit_unknown"):
        act(allotments.allot, site_id=elsewhere.id, kit=kit)


def test_what_comes_back_may_go_out_again(ahead, patient, study):
    act(allotments.return_, numbers=ahead[:2])
    assert [state(code) for code in ahead[:3]] == ["returned", "returned", "out"]
    with pytest.raises(RuleViolation, match="number_is_back"):
        act(allotments.return_, numbers=ahead[1:3])
    assert state(ahead[2]) == "out"  # all of them, or none

    act(allotments.send_out, numbers=ahead[:1])
    assert [state(code) for code in ahead[:2]] == ["out", "returned"]
    with pytest.raises(RuleViolation, match="number_is_out"):
        act(allotments.send_out, numbers=ahead[:1])
    assert collect(patient, study, ahead[1]).code == ahead[1]


def test_a_void_number_is_never_accepted_again_and_says_why(ahead, patient, study, frozen_clock):
    act(allotments.void, numbers=ahead[:1], reason="Label is damaged")

    for refused_act in (
        lambda: collect(patient, study, ahead[0]),
        lambda: act(allotments.return_, numbers=ahead[:1]),
        lambda: act(allotments.void, numbers=ahead[:1], reason="again"),
        lambda: scans.meant(ahead[0], BY),
        lambda: find_sample(ahead[0], BY),
        lambda: act_register(ahead[0], "sample", study.site_id),
    ):
        with pytest.raises(BiobankError) as refused:
            refused_act()
        assert refused.value.code in ("number_void", "code_taken")
    with pytest.raises(RuleViolation) as refused:
        scans.meant(ahead[0], BY)
    assert refused.value.params == {
        "number": ahead[0], "voided_on": "2012-03-14", "why": "Label is damaged",
    }  # fmt: skip
    with pytest.raises(Malformed):
        act(allotments.void, numbers=ahead[1:2], reason=" ")


def test_a_scan_of_one_that_is_on_no_tube_says_so(ahead):
    found = scans.meant(ahead[1], BY).found
    assert (found.kind, found.code) == ("allotted", ahead[1])
    told = allotted.ahead(ahead[1], BY)
    assert (told.number.place, told.tubes, told.number.set_number, told.sets) == (2, 3, 1, 2)

    with pytest.raises(NotFound) as unknown:
        find_sample(ahead[1], BY)
    assert [reason.code for reason in unknown.value.reasons] == ["number_on_no_tube"]


def test_what_is_out_for_long_is_asked_after(frozen_clock, ahead):
    assert allotted.overdue(BY) == []

    with clock.freeze(frozen_clock + timedelta(days=61)):
        assert [count for _made, count in allotted.overdue(BY)] == [6]
        assert allotted.overdue(people.actor("technician", site_code="IUCT")) == []
        act(allotments.return_, numbers=ahead)
        assert allotted.overdue(BY) == []


def test_as_many_as_are_printed_at_once(kit):
    for told in ({"kit": kit, "sets": 167}, {"count": 501}, {"count": 0}, {"count": None}):
        with pytest.raises(Malformed):
            act(allotments.allot, site_id=kit.site_id, **told)
    act(kits.retire_kit, kit=kit)
    with pytest.raises(RuleViolation, match="kit_retired"):
        act(allotments.allot, site_id=kit.site_id, kit=kit)


# --- a tube that was entered by mistake


def test_the_number_of_a_tube_that_was_entered_by_mistake_waits_for_whose_it_is(ahead, patient, study):
    wrong = collect(patient, study, ahead[0])
    act(undoing.undo_register, sample=wrong)

    assert state(ahead[0]) == "out"
    wrong = fresh(wrong)
    assert (wrong.status, wrong.code != ahead[0]) == ("destroyed", True)
    other = ConsentFactory(form=FormFactory(study=study)).patient

    right = collect(other, study, ahead[0])

    assert (right.code, right.id != wrong.id) == (ahead[0], True)
    assert [entry["act"] for entry in numbers.story(right)] == ["collected", "received"]
    assert [entry["act"] for entry in numbers.story(wrong)] == ["collected", "received", "undone"]
    from biobank.audit import service as audit

    assert audit.verify().broken_at is None
    assert [finding for found in nightly.run() for finding in found.findings] == []


def test_it_may_be_mistaken_more_than_once(ahead, patient, study):
    for _ in range(3):
        act(undoing.undo_register, sample=collect(patient, study, ahead[0]))
    tube = collect(patient, study, ahead[0])

    assert [entry["act"] for entry in numbers.story(tube)] == ["collected", "received"]
    mistaken = db.session.scalars(select(Sample).where(Sample.status == "destroyed")).all()
    assert [len(numbers.story(each)) for each in mistaken] == [3, 3, 3]


# --- at the same moment


def test_of_two_stations_that_scan_it_at_once_one_has_it(app, ahead, study):
    people_ = [ConsentFactory(form=FormFactory(study=study)).patient for _ in range(2)]
    from biobank.patients.models import Patient
    from biobank.studies.models import Study

    def work(key, code):
        def collect_it():
            return collection.collect(
                patient=db.session.get_one(Patient, key), study=db.session.get_one(Study, study_id),
                type="WholeBlood", collected=When.unknown(), code=code, by=BY,
            ).id  # fmt: skip

        return collect_it

    study_id = study.id
    keys = [each.id for each in people_]
    for code in (ahead[0], ahead[1], ahead[3]):
        outcomes = together(app, *(work(key, code) for key in keys))
        assert refusals(outcomes) == ["number_used"]


def test_returned_voided_or_used_at_once_it_is_one_of_them(app, ahead, patient, study):
    patient_id, study_id, code = patient.id, study.id, ahead[0]
    from biobank.patients.models import Patient
    from biobank.studies.models import Study

    def collect_it():
        return collection.collect(
            patient=db.session.get_one(Patient, patient_id), study=db.session.get_one(Study, study_id),
            type="WholeBlood", collected=When.unknown(), code=code, by=BY,
        ).id  # fmt: skip

    outcomes = together(app, collect_it, lambda: allotments.void(numbers=[code], reason="lost", by=BY)[0].id)

    assert len(refusals(outcomes)) == 1
    assert set(refusals(outcomes)) <= {"number_used", "number_void"}
    assert state(code) == ("used" if refusals(outcomes) == ["number_used"] else "voided")
