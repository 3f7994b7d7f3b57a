"""What a container accepts, at any depth, and what it refuses."""

import pytest

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, RuleViolation
from biobank.samples.models import Sample
from biobank.storage import accepting
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.studies.models import Study
from tests.storage.test_races import at_once, codes, placing
from tests.storage.test_service import Statements


@pytest.fixture
def nested(bench):
    freezer = bench.container("freezer_minus80", name="Freezer 3")
    rack = bench.container("drawer_rack", parent=freezer)
    return freezer, rack, bench.container(parent=rack)


@pytest.fixture
def other_study(bench):
    def work():
        study = Study(site_id=bench.site_id, code="AUTRE", title="Autre", recorded_at=clock.now())
        db.session.add(study)
        db.session.flush()
        return study.id

    return unit_of_work(work)


def rule(bench, container, **told):
    return bench.do(accepting.set_accepts, container=container, **told)


def refused(bench, act, **told):
    with pytest.raises(RuleViolation) as refusal:
        bench.do(act, **told)
    return refusal.value


def test_what_fits_is_accepted_where_nothing_was_said(bench, nested):
    assert accepting.explain(nested[0]) == []
    bench.place(nested[2], "A1", sample=bench.tube())


def test_a_freezer_refuses_at_any_depth_what_it_does_not_accept(bench, nested, other_study):
    freezer, _, box = nested
    rule(bench, freezer, studies=["ESSAI"], types=["Plasma", "Serum"])

    bench.place(box, "A1", sample=bench.tube())
    wrong_study, wrong_type = bench.tube(study_id=other_study), bench.tube(type="DNA")

    study = refused(bench, storage.put, container=box, position="A2", sample=wrong_study)
    type_ = refused(bench, storage.put, container=box, position="A2", sample=wrong_type)
    assert (study.code, study.params["study"], study.params["name"]) == (
        "study_not_accepted",
        "AUTRE",
        "Freezer 3",
    )
    assert (type_.code, type_.params["accepted"]) == ("type_not_accepted", "Plasma, Serum")
    assert storage.what_is_in(box).used == 1


def test_a_box_is_refused_for_what_stands_in_it(bench, nested):
    freezer, rack, _ = nested
    box, tube = bench.container(), bench.tube(type="DNA")
    bench.place(box, "A1", sample=tube)
    outside = bench.container("drawer_rack")
    bench.place(outside, "1", child=box)
    rule(bench, freezer, types=["Plasma"])

    refusal = refused(bench, storage.put, container=rack, position="5", child=box)
    again = refused(bench, storage.put, container=freezer, position="5", child=outside)

    assert (refusal.code, refusal.params["sample"]) == ("type_not_accepted", tube.code)
    assert again.code == "type_not_accepted"


def test_what_stands_there_already_stays_and_may_change_its_place(bench, nested):
    freezer, rack, box = nested
    tube = bench.tube(type="DNA")
    bench.place(box, "A1", sample=tube)

    rule(bench, freezer, types=["Plasma"])

    assert accepting.count_against(freezer) == 1
    bench.place(box, "A1", sample=tube)
    bench.place(box, "A2", sample=tube)
    bench.place(rack, "9", child=box)  # inside the freezer that it is in
    assert storage.what_is_in(box).by_position["A02"].code == tube.code


def test_the_rule_is_told_in_words_and_in_the_record_and_taken_away_again(bench, nested):
    freezer = nested[0]
    rule(bench, freezer, studies=["ESSAI"], families="together")

    told = [reason.code for reason in accepting.explain(freezer)]
    rule(bench, freezer)

    assert told == ["accepts_studies", "accepts_families_together"]
    assert accepting.explain(freezer) == []
    befores = [
        entry["before"] for entry in audit.history("container", freezer.code) if entry["act"] == "accepts_set"
    ]
    assert {"studies": ["ESSAI"], "families": "together"} in befores


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"studies": ["NONE"]}, "studies"),
        ({"types": ["Soup"]}, "types"),
        ({"families": "beside"}, "families"),
    ],
)
def test_a_rule_of_things_that_there_are_not_is_refused(bench, nested, told, field):
    with pytest.raises(Malformed) as refusal:
        rule(bench, nested[0], **told)
    assert list(refusal.value.fields) == [field]


def test_families_are_never_refused(bench, nested):
    rule(bench, nested[2], families="apart")

    for tube in bench.tubes(2):
        bench.do(storage.put, container=nested[2], sample=tube, next_free=True)


def test_a_full_box_is_asked_about_in_a_constant_number_of_statements(bench, nested):
    freezer, rack, _ = nested
    rule(bench, freezer, types=["Plasma"])

    def moved(count, position):
        box = bench.container()
        for tube in bench.tubes(count):
            bench.do(storage.put, container=box, sample=tube, next_free=True)
        with Statements() as sent:
            bench.place(rack, position, child=box)
        return len(sent)

    assert moved(1, "10") == moved(20, "11")


@pytest.mark.parametrize("_round", range(4))
def test_a_tube_does_not_slip_in_while_its_box_is_carried_into_a_freezer_that_refuses_it(
    app, bench, nested, _round
):
    freezer, rack, _ = nested
    rule(bench, freezer, types=["Plasma"])
    box, tube = bench.container(), bench.tube(type="DNA")
    bench.place(bench.container("drawer_rack"), "1", child=box)

    outcomes = at_once(
        app, placing(bench, box, "A1", sample=tube), placing(bench, rack, str(_round + 10), child=box),
    )  # fmt: skip

    assert codes(outcomes) == ["", "type_not_accepted"]
    assert accepting.count_against(db.session.get(Container, freezer.id)) == 0
    assert db.session.get(Sample, tube.id) is not None
