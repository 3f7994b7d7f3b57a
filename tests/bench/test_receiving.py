"""Receiving a kit: four tubes are one scan for the patient, one for each tube and one for each label."""

from datetime import timedelta

import pytest

from biobank.bench import commands, work
from biobank.core import clock
from biobank.core.times import When
from biobank.printing import checks, jobs
from biobank.procedures import kits
from biobank.quality import service as quality
from biobank.samples import collection
from biobank.samples.gate import donors_of
from biobank.samples.reading import find_sample
from tests import people
from tests.bench.test_work import Station
from tests.factories import (
    BY,
    ConsentFactory,
    FormFactory,
    PatientFactory,
    StudyFactory,
    act,
    fresh,
    withdraw,
)

TUBES = [
    {"type": "WholeBlood", "label": "EDTA, purple", "count": 3, "volume_nl": 4_000_000},
    {"type": "Serum", "label": "Dry, red", "count": 1, "volume_nl": 5_000_000},
]


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


def test_four_tubes_are_nine_scans_and_no_click(station, patient, kit):
    scans = 0

    def scan(raw: str) -> str:
        nonlocal scans
        scans += 1
        return station.scan(raw)

    assert scan(patient.code) == "receive_patient"
    for number in range(4):
        step_code = scan(f"FD0629991{number}")
        assert step_code == "receive_tube"
        label = station.session.state["tubes"][-1]["sample"]
        said = scan(label)

    assert scans == 9
    assert said == "receive_complete"
    tubes = [find_sample(f"FD0629991{number}", BY) for number in range(4)]
    assert [tube.type for tube in tubes] == ["WholeBlood", "WholeBlood", "WholeBlood", "Serum"]
    assert {tube.status for tube in tubes} == {"available"}
    assert checks.verified([tube.id for tube in tubes]) == {tube.id for tube in tubes}


def test_all_tubes_first_and_then_all_labels_will_do_as_well(station, patient, kit):
    station.scan(patient.code)
    for number in range(4):
        station.scan(f"FD0629991{number}")
    labels = [tube["sample"] for tube in station.session.state["tubes"]]
    station.scan("FD06299910")  # the first one is in the hand

    assert station.scan(labels[0]) == "receive_label_right"
    assert [station.scan(label) for label in labels[1:]] == ["receive_label_right"] * 2 + ["receive_complete"]


def test_the_wrong_label_on_a_tube_is_told_at_once(station, patient, kit):
    station.scan(patient.code)
    station.scan("FD06299910")
    station.scan("FD06299911")
    first, second = (tube["sample"] for tube in station.session.state["tubes"])
    station.scan("FD06299910")

    assert station.refused(second).code == "label_mismatch"
    assert checks.verified([find_sample(first, BY).id, find_sample(second, BY).id]) == set()
    assert station.scan(first) == "receive_label_right"


def test_the_tube_of_another_patient_is_stopped(station, patient, kit, study):
    other = ConsentFactory(form=FormFactory(study=study)).patient
    foreign = act(
        collection.collect, patient=other, study=study, type="WholeBlood", receive=False,
        collected=When.exactly(clock.now() - timedelta(hours=1)), container_code="FD00000001",
    )  # fmt: skip
    station.scan(patient.code)

    assert station.refused("FD00000001").code == "receive_other_patient"
    assert fresh(foreign).status == "collected"


def test_tubes_that_were_announced_are_received(station, patient, study):
    tubes = [
        act(collection.collect, patient=patient, study=study, type="WholeBlood", receive=False,
            collected=When.exactly(clock.now() - timedelta(hours=1)), container_code=f"FD0000000{number}")
        for number in range(2)
    ]  # fmt: skip
    station.scan(patient.code)

    assert station.scan("FD00000000") == "receive_tube"
    assert station.scan(tubes[1].code) == "receive_tube_labelled"  # its own label: nothing is left to verify
    assert station.scan(tubes[0].code) == "receive_complete"
    assert {fresh(tube).status for tube in tubes} == {"available"}


def test_a_tube_more_than_the_kit_has_is_refused(station, patient, kit):
    station.scan(patient.code)
    for number in range(4):
        station.scan(f"FD0629991{number}")

    assert station.refused("FD06299919").code == "receive_kit_full"


def test_a_new_code_that_smells_of_a_wrong_keyboard_is_not_entered(station, patient, kit):
    station.scan(patient.code)

    assert station.refused("FDà-éçççà").code == "new_code_doubtful"
    assert station.session.state["tubes"] == []


def test_a_number_of_ours_that_was_misread_is_not_entered(station, patient, kit):
    station.scan(patient.code)

    assert station.refused("T00421737").code == "unknown_code"


def test_without_a_time_the_time_of_the_draw_is_unknown(station, patient, kit):
    station.scan(patient.code)
    station.scan("FD06299910")
    tube = find_sample("FD06299910", BY)

    from biobank.samples.reading import events_of

    (event,) = events_of([tube]).values()
    assert event.precision == "unknown"


def test_four_digits_before_the_first_tube_are_the_time_of_the_draw(station, patient, kit, frozen_clock):
    station.scan(patient.code)
    assert station.scan("1130") == "receive_time"
    station.scan("FD06299910")

    from biobank.samples.reading import events_of

    (event,) = events_of([find_sample("FD06299910", BY)]).values()
    assert (event.precision, event.happened_at.isoformat()) == ("minute", "2012-03-14T10:30:00+00:00")


def test_what_is_wrong_with_a_tube_is_one_key(station, patient, kit):
    station.scan(patient.code)
    station.scan("FD06299910")
    card = next(card for name, cards in commands.sheet() if name == "non_conformity" for card in cards)

    assert station.scan(commands.card_of(card)) == "receive_wrong"

    tube = find_sample("FD06299910", BY)
    assert [each.code for each in quality.open_of([tube.id])[tube.id]] == [card.reason]


def test_a_tube_that_was_entered_by_mistake_goes_out_of_the_world_and_its_code_is_free_for_whose_it_is(
    station, patient, kit, study
):
    other = ConsentFactory(form=FormFactory(study=study)).patient
    station.scan(patient.code)
    station.scan("FD06299910")
    number = station.session.state["tubes"][-1]["sample"]

    assert station.command("undo") == "undone"

    entered = find_sample(number, BY)
    assert (entered.status, entered.treated_at, entered.remaining) == ("destroyed", None, 0)
    assert [job.state for job in jobs.list_jobs(BY).items if job.code == number] == ["cancelled"]

    station.scan(other.code)
    assert station.scan("FD06299910") == "receive_tube"
    tube = find_sample("FD06299910", BY)
    assert (tube.status, donors_of([tube.id])[tube.id]) == ("available", {other.id})
    assert tube.code != number


def test_a_tube_that_was_announced_is_on_its_way_again(station, patient, study):
    tube = act(
        collection.collect, patient=patient, study=study, type="WholeBlood", receive=False,
        collected=When.exactly(clock.now() - timedelta(hours=1)), container_code="FD00000001",
    )  # fmt: skip
    station.scan(patient.code)
    station.scan("FD00000001")

    station.command("undo")

    assert (fresh(tube).status, tube.treated_at) == ("collected", None)
    assert station.scan("FD00000001") == "receive_tube"


def test_what_is_wrong_is_taken_back_before_the_tube_is(station, patient, kit):
    station.scan(patient.code)
    station.scan("FD06299910")
    tube = find_sample("FD06299910", BY)
    station.scan(commands.number_of("non_conformity", reason="broken"))

    station.command("undo")

    assert quality.open_of([tube.id]) == {}
    assert fresh(tube).status == "available"
    assert station.session.state["tubes"][-1]["wrong"] == []


def test_a_second_kit_of_the_same_patient_is_told_of_and_received(station, patient, kit):
    station.scan(patient.code)
    assert station.scan("FD06299910") == "receive_tube"
    ended = station.step(commands.number_of("finish")).told
    assert (ended["tone"], ended["shown"]["reasons"]) == (
        "look", [{"code": "finish_labels", "params": {"tubes": 1, "count": 1}}],
    )  # fmt: skip

    told = station.step(patient.code).told

    assert (told["code"], told["tone"]) == ("receive_patient", "look")
    assert [reason["code"] for reason in told["shown"]["reasons"]] == ["receive_kit_before"]
    assert station.scan("FD06299911") == "receive_tube"


def test_a_patient_who_withdrew_gives_no_more_tubes(station, patient, kit):
    withdraw(patient)
    station.scan(patient.code)

    assert station.refused("FD06299910").code == "preserving_refused"
    assert station.session.state["tubes"] == []


def test_a_patient_without_a_kit_is_asked_for_its_card(station, study, kit):
    stranger = PatientFactory()

    assert station.scan(stranger.code) == "receive_no_kit"
    assert station.refused("FD06299910").code == "receive_kit_first"
    assert station.scan(kit.number) == "receive_kit"
    assert station.scan("FD06299910") == "receive_tube"


def test_another_patient_begins_another_session(station, patient, kit, study):
    other = ConsentFactory(form=FormFactory(study=study)).patient
    station.scan(patient.code)
    station.scan("FD06299910")
    first = station.session.id

    station.scan(other.code)

    assert station.session.id != first
    assert station.session.state["patient"] == other.code


def test_a_retired_kit_is_refused(station, kit):
    act(kits.retire_kit, kit=kit)

    assert station.refused(kit.number).code == "kit_retired"


def test_a_session_knows_nothing_of_a_patient_but_the_pseudonym(station, patient, kit):
    station.scan(patient.code)
    station.scan("FD06299910")

    assert set(station.session.state) <= {
        "patient", "kit", "title", "tubes", "left", "now", "collected", "expected",
    }  # fmt: skip
    assert work.sentence(station.session).code == "receive_sentence_label"
