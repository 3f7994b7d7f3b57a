"""Taking back at the station: each act by an act of its own, by whom, how long, and what comes back with it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.bench import commands, reversing, work
from biobank.bench.models import WorkSession
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db, unit_of_work
from biobank.core.errors import RuleViolation
from biobank.core.times import When
from biobank.patients.models import Patient
from biobank.quality import service as quality
from biobank.samples import collection, holds, processing
from biobank.samples.models import QuantityEntry, Sample
from biobank.samples.reading import find_sample
from biobank.storage import destruction
from biobank.storage import service as storage
from biobank.storage.models import DiscardReversal, Placement
from biobank.studies.models import Study
from tests import people
from tests.bench.test_work import Station, parent_patient, place_of
from tests.factories import ContainerFactory, SampleFactory, act, fresh, withdraw
from tests.racing import refusals, together


@pytest.fixture
def station(app_context) -> Station:
    return Station(people.actor("technician"))


@pytest.fixture
def tube(app_context) -> Sample:
    """A tube of one millilitre, at A01 of a box."""
    made = SampleFactory(volume_ul=1000)
    act(storage.place, container=ContainerFactory(), position="A1", sample=made)
    return made


def throw_away(station: Station, tube: Sample) -> None:
    station.command("discard")
    station.scan(commands.number_of("reason", reason="Tube broken"))
    station.scan(tube.code)
    assert station.command("confirm") == "done_discard"


def why_not(station: Station) -> str:
    """Why the last act is not taken back."""
    return station.refused(commands.number_of("undo")).code


def acts_of(tube: Sample) -> list[str]:
    return [entry["act"] for entry in audit.history("sample", tube.code)]


# --- a tube that was thrown away


def test_a_tube_thrown_away_by_a_slip_of_the_hand_is_what_it_was_where_it_was(station, tube):
    place = place_of(tube)
    throw_away(station, tube)
    assert (place_of(tube), fresh(tube).remaining) == (None, 0)

    assert station.command("undo") == "undone"

    assert (fresh(tube).status, tube.remaining, place_of(tube)) == ("available", 1_000_000, place)
    assert {"discarded", "undone", "put_back"} <= set(acts_of(tube))
    ledger = select(func.sum(QuantityEntry.amount)).where(QuantityEntry.sample_id == tube.id)
    assert db.session.scalar(ledger) == 1_000_000


def test_where_somebody_stands_in_its_place_it_comes_back_without_one_and_it_is_said(station, tube):
    box, position = place_of(tube)
    throw_away(station, tube)
    other = SampleFactory()
    act(storage.place, container=storage.find_container(box, station.by), position=position, sample=other)

    step = station.step(commands.number_of("undo"))

    assert [why["code"] for why in step.told["shown"]["reasons"]] == [
        "undone_without_place",
        "position_taken",
    ]
    assert (fresh(tube).status, place_of(tube), place_of(other)) == ("available", None, (box, position))


def test_nobody_takes_back_what_somebody_else_threw_away(station, tube):
    throw_away(station, tube)
    session, manager = station.session, people.actor("manager")

    with pytest.raises(RuleViolation) as refusal:
        unit_of_work(lambda: work.undo_all(session=session, by=manager))

    assert refusal.value.reasons[0].code == "undo_discard_of_another"
    assert fresh(tube).status == "destroyed"


def test_after_an_hour_a_tube_is_gone(station, tube):
    throw_away(station, tube)

    with clock.freeze(clock.now() + timedelta(minutes=61)):
        assert why_not(station) == "undo_discard_late"


def test_what_was_thrown_away_is_not_brought_back_after_a_withdrawal(station, tube):
    throw_away(station, tube)
    withdraw(parent_patient(tube))

    assert why_not(station) == "undo_withdrawn_since"
    assert fresh(tube).status == "destroyed"


def test_what_two_people_saw_destroyed_stays_so(station, tube):
    throw_away(station, tube)
    station.command("undo")
    first, second = people.actor("technician"), people.actor("manager")
    unit_of_work(lambda: destruction.open_tasks(sample_ids=[tube.id], reason="asked", by=first))
    unit_of_work(lambda: destruction.confirm(task=task_of(tube), tube=tube.code, by=first))
    unit_of_work(lambda: destruction.witness(task=task_of(tube), tube=tube.code, by=second))

    with pytest.raises(RuleViolation) as by_itself:
        unit_of_work(lambda: setattr(find_sample(tube.code, first), "status", "available"))
    with pytest.raises(RuleViolation) as by_a_reversal:
        unit_of_work(lambda: db.session.add(reversal_of(tube, second)))

    assert by_itself.value.code == by_a_reversal.value.code == "refused_by_database"
    assert fresh(tube).status == "destroyed"


def task_of(tube: Sample) -> destruction.DestructionTask:
    return destruction.open_of([tube.id])[tube.id]


def reversal_of(tube: Sample, by: Actor) -> DiscardReversal:
    """A reversal as a program might write it that asks no rule."""
    seq = max(entry["seq"] for entry in audit.history("sample", tube.code) if entry["act"] == "discarded")
    return DiscardReversal(sample_id=tube.id, entry_seq=seq, recorded_at=clock.now(), recorded_by=by.key)


def test_the_database_lets_nobody_but_who_did_it_take_a_discard_back(station, tube):
    throw_away(station, tube)
    another = people.actor("technician")

    with pytest.raises(RuleViolation, match="refused_by_database"):
        unit_of_work(lambda: db.session.add(reversal_of(tube, another)))


def test_a_reversal_that_was_used_brings_nothing_back_a_second_time(station, tube):
    throw_away(station, tube)
    station.command("undo")
    throw_away(station, tube)

    with pytest.raises(RuleViolation, match="refused_by_database"):
        unit_of_work(lambda: setattr(find_sample(tube.code, station.by), "status", "available"))


def test_undo_drops_what_is_pending_before_it_takes_an_act_back(station, tube):
    other = SampleFactory()
    station.command("take_out")
    station.scan(tube.code)
    station.command("discard")
    station.scan(commands.number_of("reason", reason="Tube broken"))

    assert station.command("undo") == "sentence_dropped"
    assert (place_of(tube), station.session.state) == (None, {"verb": "take_out"})

    station.command("discard")
    station.scan(commands.number_of("reason", reason="Tube broken"))
    station.scan(other.code)
    assert station.command("undo") == "discard_not_done"
    assert (fresh(other).status, station.session.state) == ("available", {"verb": "take_out"})

    told = station.step(commands.number_of("undo")).told
    assert (told["code"], told["params"]) == ("undone", {"read": tube.code})
    assert [reason["code"] for reason in told["shown"]["reasons"]] == ["undone_stands"]


def test_a_discard_that_is_taken_back_names_the_tube_and_asks_nothing(station, tube):
    throw_away(station, tube)

    told = station.step(commands.number_of("undo")).told

    assert told["params"] == {"read": tube.code}
    assert [reason["code"] for reason in told["shown"]["reasons"]] == ["undone_discard", "undone_stands"]
    assert "asked" not in station.session.state
    assert station.refused(commands.number_of("confirm")).code == "command_out_of_turn"
    assert fresh(tube).status == "available"


def test_undo_leaves_out_the_tube_that_was_scanned_last(station, tube):
    station.command("aliquot")
    station.scan(tube.code)
    station.scan("0363132553")

    assert [station.command("undo") for _ in range(2)] == ["dropped", "sentence_dropped"]
    assert station.refused(commands.number_of("undo")).code == "nothing_to_undo"


# --- the rest of what a station does


def test_something_wrong_that_was_said_by_mistake_is_closed_as_one_and_the_hold_ends(station, tube):
    station.command("non_conformity")
    station.scan(tube.code)
    station.scan(commands.number_of("non_conformity", reason="mislabelled_discard"))
    assert holds.open_holds([tube.id])

    assert station.command("undo") == "undone"

    assert (quality.open_of([tube.id]), holds.open_holds([tube.id])) == ({}, {})
    (item,) = quality.history(sample=tube)
    assert "by mistake" in item.action


def test_a_whole_session_of_every_kind_is_taken_back(station, tube):
    place = place_of(tube)
    other = SampleFactory()
    act(storage.place, container=ContainerFactory(), position="B2", sample=other)
    station.command("take_out")
    station.scan(tube.code)
    station.scan(other.code)
    station.command("discard")
    station.scan(commands.number_of("reason", reason="Leaked"))
    station.scan(other.code)
    station.command("confirm")
    session = station.session

    assert unit_of_work(lambda: work.undo_all(session=session, by=station.by)) == 3

    assert (place_of(tube), fresh(other).status) == (place, "available")
    assert place_of(other)[1] == "B02"


# --- in the same moment


@pytest.mark.parametrize("_round", range(3))
def test_taking_back_while_somebody_moves_the_tube_leaves_it_in_one_place(app, station, _round):
    box, other, tube = ContainerFactory(), ContainerFactory(), SampleFactory()
    station.scan(box.code)
    station.scan(tube.code)
    session, by = station.session.id, station.by

    outcomes = together(
        app,
        lambda: work.undo_last(session=db.session.get_one(WorkSession, session), by=by),
        lambda: storage.place(
            container=storage.find_container(other.code, by), position="C3", sample=find_sample(tube.code, by), by=by
        ),
    )  # fmt: skip

    assert set(refusals(outcomes)) <= {"undo_not_last"}
    assert place_of(tube) == (other.code, "C03")
    standing = select(func.count()).where(Placement.sample_id == tube.id, Placement.removed_at.is_(None))
    assert db.session.scalar(standing) == 1


@pytest.mark.parametrize("_round", range(3))
def test_a_tube_is_divided_or_its_reception_taken_back_and_never_both(app, station, _round):
    tube = SampleFactory(volume_ul=1000, container_code=f"FD7700{_round}")
    by = station.by

    def take_back() -> None:
        reversing.reverse({"act": "registered", "sample": tube.code}, by)

    outcomes = together(
        app,
        take_back,
        lambda: (
            processing.aliquot(sample=find_sample(tube.code, by), count=2, amount=100_000, by=by) and None
        ),
    )

    assert refusals(outcomes) in (["undo_too_late"], ["act_not_possible"])
    assert fresh(tube).status == ("available" if "undo_too_late" in refusals(outcomes) else "destroyed")


@pytest.mark.parametrize("_round", range(3))
def test_a_tube_fetched_out_of_the_bin_pushes_nobody_out_of_its_place(app, station, tube, _round):
    box, position = place_of(tube)
    throw_away(station, tube)
    other, session, by = SampleFactory(), station.session.id, station.by

    outcomes = together(
        app,
        lambda: work.undo_last(session=db.session.get_one(WorkSession, session), by=by) and None,
        lambda: storage.place(
            container=storage.find_container(box, by), position=position, sample=find_sample(other.code, by), by=by
        ) and None,
    )  # fmt: skip

    assert fresh(tube).status == "available"
    assert sorted([place_of(tube) is None, place_of(other) is None]) == [False, True]
    assert set(refusals(outcomes)) <= {"position_taken"}


def test_of_two_who_enter_a_code_again_that_was_given_back_one_does(app, station):
    mistaken = SampleFactory(container_code="FD88001")
    donor, study, by = parent_patient(mistaken).id, mistaken.study_id, station.by
    unit_of_work(lambda: reversing.reverse({"act": "registered", "sample": mistaken.code}, by))

    def enter() -> None:
        collection.collect(
            patient=db.session.get_one(Patient, donor), study=db.session.get_one(Study, study), type="WholeBlood",
            collected=When.unknown(), container_code="FD88001", by=by,
        )  # fmt: skip

    outcomes = together(app, enter, enter)

    assert refusals(outcomes) == ["code_taken"]
