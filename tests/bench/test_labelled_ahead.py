"""Receiving a kit whose labels were printed before the draw: one scan for the patient, and one for each tube."""

import threading

import pytest

from biobank.bench import service as scanning
from biobank.bench import work
from biobank.core.db import db
from biobank.core.errors import BiobankError
from biobank.printing import checks, jobs, relabelling
from biobank.printing.models import LabelCheck
from biobank.procedures import kits
from biobank.samples import allotments, allotted, replacing
from biobank.samples.gate import donors_of
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample
from tests import people
from tests.bench.test_receiving import TUBES
from tests.bench.test_work import Station
from tests.factories import BY, ConsentFactory, FormFactory, StudyFactory, act, fresh

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def station(app_context) -> Station:
    return Station(people.actor("technician"))


@pytest.fixture
def study(app_context):
    return StudyFactory()


@pytest.fixture
def patient(study):
    return ConsentFactory(form=FormFactory(study=study)).patient


@pytest.fixture
def kit(study):
    return act(kits.make_kit, code="V1", study=study, title="Visit 1", visit="V1", tubes=TUBES)


@pytest.fixture
def ahead(kit):
    """The numbers of two kits of four tubes: three of blood, one dry."""
    made = act(allotments.allot, site_id=kit.site_id, kit=kit, sets=2)
    return [number.code for number in allotted.numbers_in(made)]


def state(code):
    db.session.rollback()
    number = allotted.find_number(code, BY)
    db.session.refresh(number)
    return number.state


def test_four_tubes_with_labels_on_them_are_five_scans(station, patient, ahead):
    station.scan(patient.code)

    said = [station.scan(code) for code in ahead[:4]]

    assert said == ["receive_tube_labelled"] * 3 + ["receive_complete_labelled"]
    tubes = [find_sample(code, BY) for code in ahead[:4]]
    assert [tube.type for tube in tubes] == ["WholeBlood"] * 3 + ["Serum"]
    assert checks.verified([tube.id for tube in tubes]) == {tube.id for tube in tubes}
    assert {(check.read, check.known_by) for check in db.session.query(LabelCheck)} == {
        (code, code) for code in ahead[:4]
    }
    assert jobs.list_jobs(BY).items == []  # nothing is printed
    assert [state(code) for code in ahead] == ["used"] * 4 + ["out"] * 4


def test_the_label_says_which_tube_it_is_whatever_the_order(station, patient, ahead):
    station.scan(patient.code)

    assert station.scan(ahead[3]) == "receive_tube_labelled"

    assert find_sample(ahead[3], BY).type == "Serum"
    assert [tube["type"] for tube in station.session.state["left"]] == ["WholeBlood"] * 3


def test_a_patient_comes_first(station, ahead, kit):
    station.scan(kit.number)

    assert station.refused(ahead[0]).code == "receive_patient_first"


def test_what_is_scanned_without_a_session_is_a_card(station, ahead):
    assert station.scan(ahead[1]) == "card"

    card = scanning.scan(ahead[1], station.by)
    assert (card.kind, card.card["place"], card.card["tubes"], card.card["set"], card.card["sets"]) == (
        "allotted", 2, 4, 1, 2,
    )  # fmt: skip


def test_labels_of_two_kits_are_told_apart(station, patient, ahead):
    station.scan(patient.code)
    station.scan(ahead[0])

    told = station.step(ahead[5]).told

    assert (told["code"], told["tone"]) == ("receive_tube_labelled", "look")
    assert told["shown"]["reasons"] == [
        {"code": "receive_kits_mixed", "params": {"number": ahead[5], "others": ahead[0]}}
    ]


def test_the_same_tube_of_another_kit_is_stopped(station, patient, ahead):
    station.scan(patient.code)
    station.scan(ahead[0])

    assert station.refused(ahead[4]).code == "receive_place_taken"
    assert state(ahead[4]) == "out"


def test_the_label_of_another_visit_is_stopped(station, patient, ahead, study):
    other = act(kits.make_kit, code="V2", study=study, title="Visit 2", visit="V2", tubes=TUBES)
    made = act(allotments.allot, site_id=study.site_id, kit=other)
    number = allotted.numbers_in(made)[0].code
    station.scan(patient.code)
    station.scan(ahead[0])

    refused = station.refused(number)

    assert (refused.code, refused.params["kit"], refused.params["here"]) == (
        "receive_label_other_kit", "Visit 2", "Visit 1",
    )  # fmt: skip


def test_a_label_chooses_the_kit_where_a_patient_may_have_several(station, patient, ahead, study):
    act(kits.make_kit, code="V2", study=study, title="Visit 2", visit="V2", tubes=TUBES)

    assert station.scan(patient.code) == "receive_which_kit"
    assert station.scan(ahead[0]) == "receive_tube_labelled"
    assert station.session.state["title"] == "Visit 1"


def test_a_loose_label_is_that_of_the_next_tube(station, patient, kit, study):
    made = act(allotments.allot, site_id=study.site_id, count=1)
    (number,) = allotted.numbers_in(made)
    station.scan(patient.code)

    assert station.scan(number.code) == "receive_tube_labelled"
    assert find_sample(number.code, BY).type == "WholeBlood"


def test_a_void_label_and_one_of_another_tube_are_stopped(station, patient, ahead, study):
    act(allotments.void, numbers=ahead[:1], reason="Label is damaged")
    station.scan(patient.code)
    assert station.refused(ahead[0]).code == "number_void"

    station.scan(ahead[1])
    other = ConsentFactory(form=FormFactory(study=study)).patient
    station.scan(other.code)
    assert station.refused(ahead[1]).code == "receive_other_patient"


def test_a_tube_that_was_entered_for_the_wrong_patient_is_free_for_the_right_one(
    station, patient, ahead, study
):
    other = ConsentFactory(form=FormFactory(study=study)).patient
    station.scan(patient.code)
    station.scan(ahead[0])

    assert station.command("undo") == "undone"
    assert state(ahead[0]) == "out"
    assert station.session.state["tubes"] == []

    station.scan(other.code)
    assert station.scan(ahead[0]) == "receive_tube_labelled"
    tube = find_sample(ahead[0], BY)
    assert donors_of([tube.id])[tube.id] == {other.id}
    assert checks.verified([tube.id]) == {tube.id}


def test_a_whole_session_is_taken_back_and_every_label_waits_again(station, patient, ahead):
    act(relabelling.print_ahead, allotment=allotted.list_allotments(BY).items[0])
    station.scan(patient.code)
    for code in ahead[:3]:
        station.scan(code)
    session = station.session

    act(work.undo_all, session=session, by=station.by)

    assert {state(code) for code in ahead} == {"out"}
    assert {job.state for job in jobs.list_jobs(BY).items} == {"waiting"}  # the labels are not unprinted


def test_an_act_on_a_tube_whose_number_was_replaced_is_undone_all_the_same(station, patient, kit):
    station.scan(patient.code)
    station.scan("FD06299910")
    tube = find_sample("FD06299910", BY)
    act(replacing.replace_code, sample=tube, reason="torn")

    assert station.command("undo") == "undone"
    assert fresh(tube).status == "destroyed"


def test_of_two_stations_that_scan_one_label_at_once_one_receives_the_tube(app, ahead, study):
    others = [ConsentFactory(form=FormFactory(study=study)).patient for _ in range(2)]
    stations = [Station(people.actor(role)) for role in ("technician", "manager")]
    for each, other in zip(stations, others, strict=True):
        each.scan(other.code)
    start, outcomes = threading.Barrier(2), []

    def scan(each):
        with app.app_context():
            start.wait(60)
            try:
                outcomes.append(each.scan(ahead[0]))
            except BiobankError as refusal:
                outcomes.append(refusal.code)
            db.session.remove()

    threads = [threading.Thread(target=scan, args=[each]) for each in stations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert outcomes.count("receive_tube_labelled") == 1
    assert set(outcomes) - {"receive_tube_labelled"} <= {"number_used", "receive_other_patient"}
    db.session.rollback()
    assert db.session.query(Sample).filter(Sample.code == ahead[0]).count() == 1


def test_a_tube_whose_number_is_replaced_while_its_kit_is_received_goes_by_the_new_one(station, patient, kit):
    station.scan(patient.code)
    station.scan("FD06299910")
    tube = find_sample("FD06299910", BY)
    act(replacing.replace_code, sample=tube, reason="torn")
    new = fresh(tube).code

    assert station.scan(new) == "receive_label_right"
    assert [(each["sample"], each["verified"]) for each in station.session.state["tubes"]] == [(new, True)]
    assert checks.verified([tube.id]) == {tube.id}


def test_what_is_wrong_with_a_tube_is_said_although_its_number_was_replaced(station, patient, kit):
    station.scan(patient.code)
    station.scan("FD06299910")
    act(replacing.replace_code, sample=find_sample("FD06299910", BY), reason="torn")

    assert station.command("non_conformity", reason="broken") == "receive_wrong"


def test_a_label_asked_for_again_for_the_wrong_person_is_not_printed_for_the_right_one(
    station, patient, ahead
):
    station.scan(patient.code)
    station.scan(ahead[0])
    job = act(jobs.reprint, code=ahead[0], reason="torn")

    assert station.command("undo") == "undone"

    assert fresh(job).state == "cancelled"
