"""Starting and stopping a step of a procedure by scans: its card, the tubes, and a yes."""

from datetime import timedelta

import pytest

from biobank.bench import commands
from biobank.core import clock
from biobank.procedures import service as procedures
from biobank.samples import steps
from tests import people
from tests.bench.test_work import Station
from tests.factories import SampleFactory, SiteFactory, act

STEPS = [
    {"key": "spin", "kind": "spin", "title": "First spin", "min_minutes": 10, "max_minutes": 15},
    {"key": "rest", "kind": "rest", "title": "Rest", "max_minutes": 60},
]


@pytest.fixture
def station(app_context) -> Station:
    return Station(people.actor("technician"))


@pytest.fixture
def procedure(app_context):
    return act(procedures.make, code="SOP-PLASMA", title="Plasma", steps=STEPS, site_id=SiteFactory().id)


def test_tubes_go_through_a_step_together(station, procedure):
    tubes = [SampleFactory() for _ in range(3)]

    assert station.scan(procedure.number) == "step_chosen"
    assert [station.scan(tube.code) for tube in tubes] == ["step_tube"] * 3
    assert station.command("confirm") == "step_started"

    (batch,) = steps.running(station.by)
    assert len(batch.runs) == 3
    assert batch.step.key == "spin"


def test_one_tube_stops_all_that_went_in_with_it(station, procedure):
    tubes = [SampleFactory() for _ in range(2)]
    station.scan(procedure.number)
    for tube in tubes:
        station.scan(tube.code)
    station.command("start")

    with clock.freeze(clock.now() + timedelta(minutes=12)):
        station.command("stop")
        assert station.scan(tubes[0].code) == "step_stopped"
    assert steps.running(station.by) == []


def test_a_step_that_lasted_too_long_is_told_and_recorded(station, procedure):
    tube = SampleFactory()
    station.scan(procedure.number)
    station.scan(tube.code)
    station.command("start")

    with clock.freeze(clock.now() + timedelta(minutes=30)):
        station.command("stop")
        assert station.scan(tube.code) == "step_stopped_outside"
    ((run, _),) = steps.steps_of([tube.id])[tube.id]
    assert [each["code"] for each in run.outside] == ["step_too_long"]


def test_tubes_that_ran_together_are_named_and_told_once(station, procedure):
    tubes = [SampleFactory() for _ in range(2)]
    station.scan(procedure.number)
    for tube in tubes:
        station.scan(tube.code)
    station.command("start")

    with clock.freeze(clock.now() + timedelta(minutes=30)):
        station.command("stop")
        told = station.step(tubes[1].code).told
    assert told["params"] == {"tubes": f"{tubes[0].code}, {tubes[1].code}"}
    assert [reason["code"] for reason in told["shown"]["reasons"]] == ["step_too_long"]


def test_undo_leaves_the_last_tube_out_before_the_clock_runs(station, procedure):
    tubes = [SampleFactory() for _ in range(2)]
    station.scan(procedure.number)
    for tube in tubes:
        station.scan(tube.code)

    assert station.command("undo") == "dropped"
    assert station.command("start") == "step_started_one"
    (batch,) = steps.running(station.by)
    assert len(batch.runs) == 1


def test_another_step_is_chosen_by_its_number_or_the_next(station, procedure):
    station.scan(procedure.number)

    station.scan("2")
    assert station.session.state["step"] == "rest"
    station.command("next")
    assert station.session.state["step"] == "spin"
    assert station.refused("3").code == "procedure_step_unknown"


def test_a_tube_scanned_twice_goes_in_once(station, procedure):
    tube = SampleFactory()
    station.scan(procedure.number)
    station.scan(tube.code)

    assert station.scan(tube.code) == "step_tube_again"
    assert station.session.state["samples"] == [tube.code]


def test_undoing_a_start_stops_the_clock_as_if_it_never_ran(station, procedure):
    tube = SampleFactory()
    station.scan(procedure.number)
    station.scan(tube.code)
    station.command("start")

    assert station.command("undo") == "undone"
    assert steps.running(station.by) == []


def test_a_step_that_was_stopped_by_mistake_runs_on_from_when_it_began(station, procedure):
    tubes = [SampleFactory() for _ in range(2)]
    station.scan(procedure.number)
    for tube in tubes:
        station.scan(tube.code)
    station.command("start")
    (before,) = steps.running(station.by)

    with clock.freeze(clock.now() + timedelta(minutes=2)):
        station.command("stop")
        assert station.scan(tubes[0].code) == "step_stopped_outside"
        assert station.command("undo") == "undone"
        (again,) = steps.running(station.by)
        assert (again.key, again.started_at, len(again.runs)) == (before.key, before.started_at, 2)

    with clock.freeze(clock.now() + timedelta(minutes=12)):
        assert station.scan(tubes[1].code) == "step_stopped"


def test_a_step_is_not_taken_up_again_when_a_tube_has_gone_on_to_another(station, procedure):
    tube = SampleFactory()
    station.scan(procedure.number)
    station.scan(tube.code)
    station.command("start")
    station.command("stop")
    station.scan(tube.code)
    act(steps.start, samples=[tube], procedure=procedure, step="rest")

    assert station.refused(commands.number_of("undo")).code == "undo_too_late"


def test_a_tube_that_runs_nowhere_cannot_be_stopped(station):
    tube = SampleFactory()
    station.scan(commands.number_of("stop"))

    assert station.refused(tube.code).code == "step_not_running"


def test_a_retired_procedure_is_refused(station, procedure):
    act(procedures.retire, procedure=procedure)

    assert station.refused(procedure.number).code == "procedure_not_in_force"
