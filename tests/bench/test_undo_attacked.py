"""Undo is no way round the promises: not by who is quick, not by plain SQL, not after a withdrawal."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from biobank.audit import service as audit
from biobank.bench import commands, work
from biobank.bench.models import WorkSession
from biobank.core import clock
from biobank.core.db import GUARD, db, unit_of_work
from biobank.core.errors import Malformed, RuleViolation
from biobank.procedures import kits
from biobank.racks import naming
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample
from biobank.storage import destruction, discarding, undoing
from biobank.storage import service as storage
from biobank.storage.models import Container
from tests import people
from tests.bench.test_receiving import TUBES
from tests.bench.test_work import Station, parent_patient, place_of
from tests.factories import (
    BY,
    ConsentFactory,
    ContainerFactory,
    FormFactory,
    SampleFactory,
    StudyFactory,
    act,
    fresh,
    withdraw,
)
from tests.racing import together

CODE = "FX9000000001"


@pytest.fixture
def station(app_context) -> Station:
    return Station(people.actor("technician"))


def registered(station: Station, code: str = CODE) -> Sample:
    """A tube that was entered at the station just now."""
    study = StudyFactory()
    patient = ConsentFactory(form=FormFactory(study=study)).patient
    act(kits.make_kit, code=f"V{code}", study=study, title="Visit 1", visit="V1", tubes=TUBES)
    station.scan(patient.code)
    station.scan(code)
    return find_sample(code, station.by)


def refused_by_the_database(statement: str, **values) -> bool:
    db.session.rollback()
    try:
        db.session.execute(text(statement), values)
        db.session.commit()
    except DBAPIError as error:
        return GUARD in str(error.orig)
    finally:
        db.session.rollback()
    return False


def test_who_entered_a_tube_does_not_take_it_out_of_the_world_once_its_donor_withdrew(station):
    tube = registered(station)
    withdraw(parent_patient(tube), fate="destroy")

    assert station.refused(commands.number_of("undo")).code == "destruction_takes_two"

    assert (fresh(tube).status, find_sample(CODE, BY).id) == ("available", tube.id)
    assert tube.id in destruction.open_of([tube.id])


def test_what_two_are_asked_to_destroy_one_does_not_destroy_even_by_plain_sql(station):
    tube = registered(station)
    act(destruction.open_tasks, sample_ids=[tube.id], reason="asked for")

    assert station.refused(commands.number_of("undo")).code in ("undo_too_late", "destruction_takes_two")
    assert refused_by_the_database("UPDATE sample SET status = 'destroyed' WHERE id = :id", id=tube.id)


def test_a_tube_that_somebody_places_meanwhile_stays_in_the_world(app, station):
    by = station.by
    for number in range(4):
        tube = registered(station, f"FX90000010{number:02d}")
        box = ContainerFactory().id
        key, tube_id = station.session.id, tube.id

        together(
            app,
            lambda key=key: work.undo_last(session=db.session.get_one(WorkSession, key), by=by),
            lambda box=box, tube_id=tube_id: storage.place(
                container=db.session.get_one(Container, box), position="A1",
                sample=db.session.get_one(Sample, tube_id), by=by,
            ),
        )  # fmt: skip

        found = db.session.get_one(Sample, tube_id)
        assert (found.status == "destroyed") == (place_of(found) is None)
        station.command("finish")


@pytest.mark.parametrize("minutes", [-2, 2])
def test_a_discard_is_not_taken_back_after_a_withdrawal_whatever_the_clocks_say(station, minutes):
    tube = SampleFactory(volume_ul=1000)
    act(discarding.discard, sample=tube, reason="broken", by=station.by)
    with clock.freeze(clock.now() + timedelta(minutes=minutes)):
        withdraw(parent_patient(tube))

    with pytest.raises(RuleViolation) as refusal:
        unit_of_work(lambda: undoing.undo_discarded(sample=find_sample(tube.code, BY), by=station.by))

    assert refusal.value.code in ("undo_withdrawn_since", "undo_too_late")
    assert fresh(tube).status == "destroyed"


REVERSAL = """INSERT INTO discard_reversal (sample_id, entry_seq, recorded_at, recorded_by)
    VALUES (:sample, :entry, '2026-01-01 00:00:00', :who)"""


def test_the_database_takes_no_wildcard_for_who_discarded(station):
    tube = SampleFactory(volume_ul=1000)
    act(discarding.discard, sample=tube, reason="broken", by=station.by)
    (entry,) = [each["seq"] for each in audit.history("sample", tube.code) if each["act"] == "discarded"]

    assert refused_by_the_database(REVERSAL, sample=tube.id, entry=entry, who="%")
    assert not refused_by_the_database(REVERSAL, sample=tube.id, entry=entry, who=station.by.key)


def test_the_database_takes_no_reversal_for_the_tube_of_a_donor_who_withdrew(station):
    tube = SampleFactory(volume_ul=1000)
    act(discarding.discard, sample=tube, reason="broken", by=station.by)
    (entry,) = [each["seq"] for each in audit.history("sample", tube.code) if each["act"] == "discarded"]
    withdraw(parent_patient(tube))

    assert refused_by_the_database(REVERSAL, sample=tube.id, entry=entry, who=station.by.key)


def test_nothing_is_poured_into_what_was_destroyed(station):
    tube = SampleFactory(volume_ul=1000)
    act(discarding.discard, sample=tube, reason="broken", by=station.by)

    assert refused_by_the_database(
        "INSERT INTO quantity_entry (sample_id, amount, act, happened_at, recorded_at, actor_key)"
        " VALUES (:id, 1000, 'undone', '2026-01-01 00:00:00', '2026-01-01 00:00:00', 'x')",
        id=tube.id,
    )


def test_aliquots_are_not_poured_back_into_a_tube_that_is_gone(station):
    parent = SampleFactory(volume_ul=1000)
    station.command("aliquot")
    station.scan(parent.code)
    assert station.command("confirm")
    act(discarding.discard, sample=fresh(parent), reason="broken")

    assert station.refused(commands.number_of("undo")).code == "undo_too_late"

    assert fresh(parent).remaining == 0


def test_a_code_stands_for_what_it_was_given_to_whoever_speaks_to_the_database(station):
    one, other = SampleFactory(container_code="FX1000001"), SampleFactory(container_code="FX1000002")
    points = "UPDATE scannable_code SET target_id = :to WHERE code = :code"

    assert refused_by_the_database(points, to=other.id, code=one.code)
    assert refused_by_the_database(points, to=other.id, code="FX1000001")
    assert refused_by_the_database(points, to=0, code="FX1000002")


def test_a_rack_takes_no_command_card_and_no_number_of_ours(station):
    box = ContainerFactory()
    for taken in (commands.number_of("undo"), f"{box.code}P12", SampleFactory().code.lower()):
        with pytest.raises(Malformed):
            naming._give_code(box, taken, BY)


def test_a_scan_sent_again_after_the_next_session_began_is_not_carried_out_in_that_one(station):
    tube, box = SampleFactory(), ContainerFactory()
    station.scan(box.code)
    assert station.scan(tube.code, key="the-very-same") == "fill_placed"
    station.command("take_out")

    assert station.scan(tube.code, key="the-very-same") == "fill_placed"

    assert place_of(tube) == (box.code, "A01")


def test_a_session_that_nobody_closed_is_not_open_to_undo_for_ever(station):
    tube, box = SampleFactory(), ContainerFactory()
    station.scan(box.code)
    station.scan(tube.code)

    with clock.freeze(clock.now() + timedelta(days=300)):
        assert station.refused(commands.number_of("undo")).code == "undo_hours_over"
