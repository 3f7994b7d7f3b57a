"""Work at the station: every scan is carried out once, says what came of it, and can be taken back."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from biobank.bench import commands, work
from biobank.bench.models import WorkSession, WorkStep
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Forbidden, NotFound, RuleViolation
from biobank.samples.models import QuantityEntry, Sample
from biobank.samples.reading import find_sample
from biobank.storage import places
from biobank.storage import service as storage
from tests import people
from tests.factories import ContainerFactory, SampleFactory, act, fresh, withdraw


@pytest.fixture
def technician(app_context) -> Actor:
    return people.actor("technician")


class Station:
    """Somebody at a scan station."""

    def __init__(self, by: Actor) -> None:
        self.by = by

    def scan(self, raw: str, **told: Any) -> str:
        """One scan; returns the code of what the station says."""
        step = self.step(raw, **told)
        return "card" if step is None else step.told["code"]

    def step(self, raw: str, **told: Any) -> WorkStep | None:
        told.setdefault("key", str(uuid.uuid4()))
        return unit_of_work(lambda: work.heed(raw=raw, by=self.by, **told)).step

    def refused(self, raw: str, **told: Any) -> RuleViolation:
        with pytest.raises((RuleViolation, NotFound)) as refusal:
            self.step(raw, **told)
        return refusal.value

    def command(self, verb: str, **told: Any) -> str:
        return self.scan(commands.number_of(verb, **told))

    @property
    def session(self) -> WorkSession | None:
        db.session.rollback()
        return work.current(self.by)


@pytest.fixture
def station(technician) -> Station:
    return Station(technician)


def place_of(sample: Sample) -> tuple[str, str | None] | None:
    path = places.where_is([sample.id]).get(sample.id)
    return (path[-1].code, path[-1].position) if path else None


# --- filling a box


def test_a_box_and_then_tubes_fill_it_place_after_place(station):
    box, tubes = ContainerFactory(), [SampleFactory() for _ in range(3)]

    assert station.scan(box.code) == "fill_opened"
    said = [station.scan(tube.code) for tube in tubes]

    assert said == ["fill_placed"] * 3
    assert [place_of(tube) for tube in tubes] == [(box.code, "A01"), (box.code, "A02"), (box.code, "A03")]


def test_a_tube_that_is_usually_kept_colder_is_taken_and_the_screen_says_look(station):
    shelf = ContainerFactory(kind="unpositioned_shelf", parent=ContainerFactory(kind="fridge_4c"))
    box, tube = ContainerFactory(parent=shelf), SampleFactory()
    station.scan(box.code)

    told = station.step(tube.code).told

    assert (told["code"], told["tone"]) == ("fill_placed", "look")
    assert [reason["code"] for reason in told["shown"]["reasons"]] == ["temperature_unusual"]
    assert place_of(tube) == (box.code, "A01")


def test_a_place_in_the_box_is_where_filling_goes_on(station):
    box, tube = ContainerFactory(), SampleFactory()

    station.scan(f"{box.code}P12")
    station.scan(tube.code)

    assert place_of(tube) == (box.code, "B03")


def test_a_tube_that_is_in_the_box_already_stays_where_it_is(station):
    box, tube = ContainerFactory(), SampleFactory()
    station.scan(box.code)
    station.scan(tube.code)

    assert station.scan(tube.code) == "fill_already_here"
    assert place_of(tube) == (box.code, "A01")


def test_a_tube_that_stands_elsewhere_is_moved_only_when_it_is_scanned_once_more(station):
    box, other, neighbour = ContainerFactory(), ContainerFactory(), SampleFactory()
    act(storage.place, container=other, position="C5", sample=neighbour)
    station.scan(box.code)

    assert station.scan(neighbour.code) == "fill_stands_elsewhere"
    assert place_of(neighbour) == (other.code, "C05")

    assert station.scan(neighbour.code) == "fill_placed"
    assert place_of(neighbour) == (box.code, "A01")


def test_a_question_is_forgotten_when_another_tube_is_scanned(station):
    box, other, neighbour, tube = ContainerFactory(), ContainerFactory(), SampleFactory(), SampleFactory()
    act(storage.place, container=other, position="C5", sample=neighbour)
    station.scan(box.code)
    station.scan(neighbour.code)

    assert station.scan(tube.code) == "fill_placed"
    assert station.scan(neighbour.code) == "fill_stands_elsewhere"
    assert station.command("cancel") == "fill_left_there"
    assert place_of(neighbour) == (other.code, "C05")


def test_two_stations_at_one_box_are_shown_two_places(station):
    other = Station(people.actor("technician"))
    box, first, second = ContainerFactory(), SampleFactory(), SampleFactory()

    station.scan(box.code)
    other.scan(box.code)
    other.scan(first.code)
    station.scan(second.code)

    assert place_of(second) == (box.code, "A01")
    assert place_of(first) != place_of(second)


def test_what_a_session_reserved_is_free_again_at_its_end(station):
    box = ContainerFactory()
    station.scan(box.code)
    assert station.command("finish") == "session_finished"

    other = Station(people.actor("technician"))
    tube = SampleFactory()
    other.scan(box.code)
    other.scan(tube.code)

    assert place_of(tube) == (box.code, "A01")


def test_a_scan_that_waited_for_the_line_goes_where_the_screen_showed_or_nowhere(station):
    other = Station(people.actor("technician"))
    box, mine, theirs = ContainerFactory(), SampleFactory(), SampleFactory()
    station.scan(box.code)
    act(storage.place, container=box, position="B9", sample=theirs, by=other.by)

    refusal = station.refused(mine.code, position="B09", scanned_at=clock.now())

    assert refusal.code == "fill_taken_meanwhile"
    assert refusal.params["occupant"] == theirs.code
    assert place_of(mine) is None
    assert [step.raw for step in work.refusals(station.session)] == [mine.code]

    assert station.scan(mine.code) == "fill_placed"
    assert work.refusals(station.session) == []


def test_a_place_that_somebody_took_is_no_longer_shown(station):
    box, mine, theirs = ContainerFactory(), SampleFactory(), SampleFactory()
    station.scan(box.code)
    act(storage.place, container=box, position="A1", sample=theirs, by=station.by)

    station.refused(mine.code, position="A01")

    assert "A01" not in station.session.state["free"]
    station.scan(mine.code)
    assert place_of(mine) == (box.code, "A02")


def test_the_same_scan_sent_twice_is_carried_out_once(station):
    box, tube = ContainerFactory(), SampleFactory()
    station.scan(box.code)

    first = station.step(tube.code, key="one")
    again = station.step(tube.code, key="one")

    assert first.id == again.id
    assert db.session.scalar(select(func.count()).select_from(WorkStep)) == 2


def test_an_unknown_code_is_refused_and_the_next_scan_is_heard(station):
    box, tube = ContainerFactory(), SampleFactory()
    station.scan(box.code)

    assert station.refused("NOBODY-KNOWS-ME").code == "unknown_code"
    assert station.scan(tube.code) == "fill_placed"


def test_a_tube_of_another_site_is_unknown(station):
    box = ContainerFactory()
    station.scan(box.code)
    elsewhere = Station(people.actor("technician", site_code="IUCT"))

    assert elsewhere.refused(box.code).code == "unknown_code"


def test_the_place_of_a_refused_scan_is_told_and_stays_free(station):
    box, tube = ContainerFactory(), SampleFactory()
    station.scan(box.code)

    station.refused("NOBODY-KNOWS-ME", position="A01")
    station.scan(tube.code, position="A02")

    (refused,) = work.refusals(station.session)
    assert refused.told["shown"]["pointed_at"] == "A01"
    assert station.session.state["free"][0] == "A01"


def test_what_was_typed_by_hand_is_kept_as_typed(station):
    box = ContainerFactory()

    assert station.step(box.code, how="typed").how == "typed"
    assert station.step(SampleFactory().code).how is None


# --- taking back


def test_undo_takes_the_tube_out_again_and_shows_its_place_again(station):
    box, first, second = ContainerFactory(), SampleFactory(), SampleFactory()
    station.scan(box.code)
    station.scan(first.code)

    assert station.command("undo") == "undone"
    assert place_of(first) is None

    station.scan(second.code)
    assert place_of(second) == (box.code, "A01")


def test_undo_moves_a_moved_tube_back(station):
    box, other, tube = ContainerFactory(), ContainerFactory(), SampleFactory()
    act(storage.place, container=other, position="C5", sample=tube)
    station.scan(box.code)
    station.scan(tube.code)
    station.scan(tube.code)

    station.command("undo")

    assert place_of(tube) == (other.code, "C05")


def test_a_whole_session_is_taken_back_or_nothing_of_it(station, technician):
    box, tubes = ContainerFactory(), [SampleFactory() for _ in range(3)]
    station.scan(box.code)
    for tube in tubes:
        station.scan(tube.code)
    session = station.session

    assert unit_of_work(lambda: work.undo_all(session=session, by=technician)) == 3
    assert [place_of(tube) for tube in tubes] == [None] * 3
    assert fresh(session).closed_at is not None


def test_a_session_is_not_taken_back_under_what_came_after_it(station, technician):
    box, other = ContainerFactory(), ContainerFactory()
    first, second = SampleFactory(), SampleFactory()
    station.scan(box.code)
    station.scan(first.code)
    station.scan(second.code)
    session = station.session
    act(storage.place, container=other, position="A1", sample=first)

    with pytest.raises(RuleViolation) as refusal:
        unit_of_work(lambda: work.undo_all(session=session, by=technician))

    assert refusal.value.code == "undo_stopped"
    assert place_of(second) == (box.code, "A02")


def test_nobody_takes_back_what_somebody_else_did(station):
    box, tube = ContainerFactory(), SampleFactory()
    station.scan(box.code)
    station.scan(tube.code)
    session, colleague = station.session, people.actor("technician")

    with pytest.raises(Forbidden):
        unit_of_work(lambda: work.undo_all(session=session, by=colleague))
    manager = people.actor("manager")
    assert unit_of_work(lambda: work.undo_all(session=session, by=manager)) == 1


def test_after_two_days_a_session_stands(station, technician):
    box, tube = ContainerFactory(), SampleFactory()
    station.scan(box.code)
    station.scan(tube.code)
    session = station.session
    station.command("finish")

    with clock.freeze(clock.now() + timedelta(days=3)), pytest.raises(RuleViolation, match="undo_hours_over"):
        unit_of_work(lambda: work.undo_all(session=session, by=technician))


# --- taking out, putting back, discarding


def test_taking_out_and_putting_back_tube_after_tube(station):
    box, tubes = ContainerFactory(), [SampleFactory() for _ in range(2)]
    for number, tube in enumerate(tubes, 1):
        act(storage.place, container=box, position=f"A{number}", sample=tube)

    station.command("take_out")
    assert [station.scan(tube.code) for tube in tubes] == ["done_take_out"] * 2
    assert [place_of(tube) for tube in tubes] == [None] * 2

    station.command("put_back")
    assert [station.scan(tube.code) for tube in tubes] == ["done_put_back"] * 2
    assert [place_of(tube) for tube in tubes] == [(box.code, "A01"), (box.code, "A02")]


def test_undo_of_taking_out_puts_it_back(station):
    box, tube = ContainerFactory(), SampleFactory()
    act(storage.place, container=box, position="A1", sample=tube)
    station.command("take_out")
    station.scan(tube.code)

    station.command("undo")

    assert place_of(tube) == (box.code, "A01")


def test_discarding_takes_a_reason_the_tube_and_a_yes(station):
    tube = SampleFactory()
    station.command("discard")
    assert station.refused(tube.code).code == "discard_reason_first"

    station.scan(commands.number_of("reason", reason="Tube broken"))
    assert station.scan(tube.code) == "discard_sure"
    assert fresh(tube).status == "available"

    assert station.command("confirm") == "done_discard"
    assert fresh(tube).status == "destroyed"


def test_a_discard_wants_a_clean_reading(station):
    tube = SampleFactory()
    station.command("discard")
    station.scan(commands.number_of("reason", reason="Tube broken"))
    garbled = tube.code.translate(str.maketrans("0123456789", "à&é\"'(-è_ç"))

    assert station.refused(garbled).code == "clean_reading_needed"
    assert fresh(tube).status == "available"


def test_a_tube_that_is_out_already_is_told_how_its_thaw_is_counted(station):
    shelf = ContainerFactory(kind="unpositioned_shelf", parent=ContainerFactory(kind="freezer_minus80"))
    tube = SampleFactory()
    act(storage.place, container=ContainerFactory(parent=shelf), position="A1", sample=tube)
    station.command("take_out")
    station.scan(tube.code)
    station.command("thaw")

    assert station.refused(tube.code).code == "thaw_out_already"
    station.command("put_back")
    station.scan(tube.code)
    station.command("thaw")
    assert station.scan(tube.code) == "done_thaw"


def test_a_command_that_fits_nothing_is_told_in_words(station):
    refusal = station.refused(commands.number_of("confirm"))

    assert (refusal.code, dict(refusal.params)) == ("command_out_of_turn", {"command": "confirm"})


def test_the_end_says_what_was_done_and_what_was_left_open(station):
    tubes = [SampleFactory(), SampleFactory()]
    station.command("discard")
    station.scan(commands.number_of("reason", reason="Tube broken"))
    station.scan(tubes[0].code)
    station.command("confirm")
    station.scan(tubes[1].code)

    told = station.step(commands.number_of("finish")).told
    assert (told["code"], told["params"], told["tone"]) == ("session_finished", {"count": 1}, "look")
    assert [reason["code"] for reason in told["shown"]["reasons"]] == ["finish_question"]
    assert fresh(tubes[1]).status == "available"


def test_cancelling_takes_nothing_back_and_says_so(station):
    box, tube = ContainerFactory(), SampleFactory()
    station.scan(box.code)
    station.scan(tube.code)

    told = station.step(commands.number_of("cancel")).told

    assert (told["code"], told["params"], told["tone"]) == ("session_cancelled", {"count": 1}, "look")
    assert place_of(tube) == (box.code, "A01")


# --- carrying


def test_store_here_takes_a_tube_and_then_its_place(station):
    box, first, second = ContainerFactory(), SampleFactory(), SampleFactory()

    assert station.command("store") == "carry_store"
    station.scan(first.code)
    assert station.scan(f"{box.code}P10") == "carry_done"
    station.scan(second.code)
    station.scan(box.code)

    assert [place_of(first), place_of(second)] == [(box.code, "B01"), (box.code, "A01")]
    assert station.command("undo") == "undone"
    assert place_of(second) is None


def test_a_place_without_a_tube_in_hand_is_refused(station):
    box = ContainerFactory()
    station.command("store")

    assert station.refused(box.code).code == "carry_what_first"


def test_a_whole_rack_is_moved_by_two_scans_and_goes_back_by_one(station):
    freezer, other = ContainerFactory(kind="shelf"), ContainerFactory(kind="shelf")
    box = ContainerFactory(parent=freezer)
    station.command("move_rack")
    station.scan(box.code)

    assert station.scan(other.code) == "carry_done"
    assert places.path_of([box.id])[box.id][-1].code == other.code

    station.command("undo")
    assert places.path_of([box.id])[box.id][-1].code == freezer.code


# --- dividing


def test_a_tube_is_divided_by_scans_alone(station):
    parent = SampleFactory(volume_ul=3000)

    station.command("aliquot")
    assert station.scan(parent.code) == "divide_planned"
    station.scan(commands.number_of("count", number=4))
    station.scan(commands.number_of("volume", number=500))
    step = station.step(commands.number_of("confirm"))

    assert step.told["code"] == "divide_done"
    children = [find_sample(code, station.by) for code in step.told["undo"]["children"]]
    assert [child.remaining for child in children] == [500_000] * 4
    assert fresh(parent).remaining == 1_000_000


def test_empty_tubes_with_codes_become_the_children(station):
    parent = SampleFactory(volume_ul=1000)
    station.command("aliquot")
    station.scan(parent.code)
    station.scan("2")
    assert [station.scan(code) for code in ("0363132553", "0363132554")] == ["divide_child"] * 2

    assert station.command("close") == "divide_done"

    child = find_sample("0363132554", station.by)
    assert child.remaining == 500_000
    assert fresh(parent).status == "depleted"


def test_a_tube_in_use_is_no_empty_tube(station):
    parent, used = SampleFactory(volume_ul=1000), SampleFactory(container_code="0363132553")
    station.command("aliquot")
    station.scan(parent.code)
    station.scan("2")
    station.scan("0363132554")

    assert station.refused(used.container_code).code == "divide_not_empty"


def test_more_than_there_is_cannot_be_divided(station):
    parent = SampleFactory(volume_ul=900)
    station.command("aliquot")
    station.scan(parent.code)
    station.scan("3")

    assert station.refused(commands.number_of("confirm")).code == "overdraw"


def test_undoing_a_dividing_gives_the_parent_back_what_it_held(station):
    parent = SampleFactory(volume_ul=1000)
    station.command("aliquot")
    station.scan(parent.code)
    station.scan("2")
    made = station.step(commands.number_of("close")).told["undo"]["children"]

    assert station.command("undo") == "undone"

    assert fresh(parent).remaining == 1_000_000
    assert fresh(parent).status == "available"
    assert {find_sample(code, station.by).status for code in made} == {"destroyed"}
    ledger = select(func.sum(QuantityEntry.amount)).where(QuantityEntry.sample_id == parent.id)
    assert db.session.scalar(ledger) == 1_000_000


def test_a_dividing_stands_when_a_child_stands_somewhere(station):
    parent, box = SampleFactory(volume_ul=1000), ContainerFactory()
    station.command("aliquot")
    station.scan(parent.code)
    made = station.step(commands.number_of("confirm")).told["undo"]["children"]
    act(storage.place, container=box, position="A1", sample=find_sample(made[0], station.by))

    assert station.refused(commands.number_of("undo")).code == "undo_too_late"


def test_a_tube_of_somebody_who_withdrew_is_not_divided(station):
    parent = SampleFactory(volume_ul=1000)
    station.command("aliquot")
    station.scan(parent.code)
    withdraw(parent_patient(parent))

    assert station.refused(commands.number_of("confirm")).code != ""
    assert fresh(parent).remaining == 1_000_000


def parent_patient(sample: Sample):
    from biobank.patients.models import Patient
    from biobank.samples.gate import donors_of

    (key,) = donors_of([sample.id])[sample.id]
    return db.session.get_one(Patient, key)


# --- as a page and as a program ask


@pytest.fixture
def box_code(app) -> str:
    with app.app_context():
        return ContainerFactory().code


def test_scans_that_waited_in_somebody_elses_browser_are_not_carried_out(app, box_code):
    page = people.browser(app, "technician")

    answer = page.post("/station/scans", {"raw": box_code, "key": "one", "queue": "somebody else"})
    assert (answer.status_code, "Somebody else scanned this" in answer.text) == (401, True)
    assert "Filling a box" not in page.get("/station").text

    assert page.post("/station/scans", {"raw": box_code, "key": "one"}).status_code == 303
    assert "Filling a box" in page.get("/station").text


def test_a_program_tells_how_a_code_came_and_nothing_it_cannot_know(app, box_code):
    program = people.api(app, "technician")

    assert program.post("/station/scans", {"raw": box_code, "how": "typed"}).json["said"]["how"] == "typed"
    assert program.post("/station/scans", {"raw": box_code, "how": "guessed"}).status_code == 422
