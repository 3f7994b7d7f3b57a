"""Sessions of work at the scan station, by a scanner alone: how many scans they take, and that none needs a click."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from biobank.bench import commands
from tests.browser.conftest import PASSWORD, new_box
from tests.browser.hands import scan, sign_in
from tests.browser.readable import complaints
from tests.test_journey import Bank, ok

pytestmark = pytest.mark.browser

#: Whatever is pressed and is lower than a gloved finger; the map of a box is a picture.
TOO_SMALL = """(station) => [...station.querySelectorAll("a, button, summary, input:not([type=hidden])")]
    .filter((piece) => piece.checkVisibility() && !piece.closest(".map-grid"))
    .filter((piece) => piece.getBoundingClientRect().height < 44).map((piece) => piece.outerHTML)"""

NUMBERS = iter(range(10**9, 2 * 10**9))


class Hand:
    """Somebody in gloves: scans, counts them, and does not touch the mouse."""

    def __init__(self, page: Page) -> None:
        self.page, self.scans, self.waits = page, 0, True
        page.goto("/station")
        if page.locator("#station").get_attribute("data-session"):
            self.command("finish")
            self.reads("Nothing is going on")
        self.scans = 0

    def scan(self, code: str) -> None:
        self.scans += 1
        scan(self.page, code)
        if self.waits:
            self.is_answered()

    def is_answered(self) -> None:
        """Nothing that was scanned waits for the bank."""
        expect(self.page.locator("#station")).to_have_attribute("data-waiting", "0")

    def command(self, verb: str, **told: Any) -> None:
        self.scan(commands.number_of(verb, **told))

    def reads(self, text: str | re.Pattern[str]) -> None:
        """What the person sees at arm's length."""
        expect(self.page.locator("#station")).to_contain_text(text)

    def shows(self, position: str) -> None:
        """The place that the next tube goes to."""
        expect(self.page.locator("#station-next")).to_have_text(position)


@pytest.fixture
def hand(desk) -> Hand:
    return Hand(desk("technician"))


def tubes_of(bank: Bank, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        found += bank.aliquot(bank.draw(bank.consenting_patient()))
    return found[:count]


def test_a_box_of_tubes_takes_one_scan_more_than_it_has_tubes(hand, bank):
    box, tubes = new_box(bank), tubes_of(bank, 4)

    hand.scan(box)
    hand.shows("A01")
    for number, tube in enumerate(tubes, 1):
        hand.scan(tube)
        hand.shows(f"A0{number + 1}")

    assert hand.scans == len(tubes) + 1
    hand.reads(tubes[-1])
    assert [bank.sample(tube)["position"]["position"] for tube in tubes] == ["A01", "A02", "A03", "A04"]
    assert complaints(hand.page) == []


def test_a_tube_read_twice_and_a_neighbour_are_caught_before_they_are_put_away(hand, bank):
    box, other = new_box(bank), new_box(bank)
    tube, neighbour = tubes_of(bank, 2)
    ok(bank.technician.put(f"/containers/{other}/positions/C5", {"sample": neighbour}))
    hand.scan(box)
    hand.scan(tube)
    hand.shows("A02")

    hand.page.wait_for_timeout(2100)  # within two seconds it is one scan
    hand.scan(tube)
    hand.reads("was read already")
    hand.scan(neighbour)
    hand.reads("Was a neighbour read?")

    assert bank.sample(neighbour)["position"]["container"] == other
    hand.shows("A02")


def test_an_unknown_code_swallows_nothing(hand, bank):
    box, (tube,) = new_box(bank), tubes_of(bank, 1)
    hand.scan(box)
    hand.shows("A01")

    hand.scan("NOBODY-KNOWS-ME")
    hand.scan(tube)

    hand.shows("A02")
    expect(hand.page.locator(".station-refused")).to_contain_text("NOBODY-KNOWS-ME")


def test_a_tube_goes_where_the_screen_pointed_even_if_the_answer_before_it_was_late(hand, bank):
    """Where the screen pointed is where the tube was put: a code that turns out to be unknown leaves its place free."""
    box, tubes = new_box(bank), tubes_of(bank, 3)
    hand.scan(box)
    hand.shows("A01")

    hand.page.context.set_offline(True)
    hand.waits = False
    pointed = {}
    for code in (tubes[0], "NOBODY-KNOWS-ME-EITHER", *tubes[1:]):
        pointed[code] = hand.page.locator("#station-next").inner_text()
        hand.scan(code)
    hand.page.context.set_offline(False)
    hand.is_answered()

    assert [pointed[tube] for tube in tubes] == ["A01", "A03", "A04"]
    assert [bank.sample(tube)["position"]["position"] for tube in tubes] == ["A01", "A03", "A04"]
    refused = hand.page.locator(".station-refused")
    expect(refused).to_contain_text("NOBODY-KNOWS-ME-EITHER")
    expect(refused).to_contain_text("A02 stays free")


@pytest.fixture(scope="session")
def kit(bank):
    """What a visit of a study of its own yields: four tubes."""
    ok(bank.manager.post("/studies", {"code": "STATION", "title": "A study of the station"}))
    told = {
        "code": "KIT-STATION", "study": "STATION", "title": "Visit 1", "visit": "V1",
        "tubes": [{"type": "WholeBlood", "label": "EDTA, purple", "count": 3, "volume_ul": 4000},
                  {"type": "Serum", "label": "Dry, red", "count": 1, "volume_ul": 5000}],
    }  # fmt: skip
    return ok(bank.manager.post("/kits", told))["number"]


def patient_of_the_study(bank: Bank) -> str:
    """Who gave something to it before: the kit is known by that."""
    patient = bank.consenting_patient()
    told = {"patient": patient, "study": "STATION", "type": "Plasma", "collected_precision": "unknown"}
    ok(bank.technician.post("/samples", told))
    return patient


def test_a_kit_of_four_tubes_takes_nine_scans_and_no_click(hand, bank, kit):
    patient = patient_of_the_study(bank)
    hand.scan(patient)
    hand.reads("4 tubes expected")

    makers = [f"FD{next(NUMBERS)}" for _ in range(4)]
    for code in makers:
        hand.scan(code)
        hand.reads("Stick and scan the label")
        label = hand.page.locator(".station-said .station-code").inner_text().split()[0]
        hand.scan(label)
        expect(hand.page.locator(".station-said")).to_contain_text(label)

    hand.reads("every label checked")
    assert hand.scans == 1 + 4 + 4
    assert {bank.sample(code)["status"] for code in makers} == {"available"}
    assert complaints(hand.page) == []


def test_what_is_wrong_with_a_tube_is_one_key(hand, bank, kit):
    hand.scan(patient_of_the_study(bank))
    code = f"FD{next(NUMBERS)}"
    hand.scan(code)
    hand.reads("Stick and scan the label")

    hand.page.keyboard.press("F2")

    hand.reads("recorded")
    assert hand.scans == 2


def test_a_tube_is_divided_with_cards_alone_and_the_sentence_is_seen_to_grow(hand, bank):
    tube = bank.draw(bank.consenting_patient())

    hand.command("aliquot")
    hand.reads("Aliquot the tube …")
    hand.scan(tube)
    hand.reads(f"Aliquot {tube} into 2 × 500 µL")
    hand.command("count", number=5)
    hand.command("volume", number=150)
    hand.reads(f"Aliquot {tube} into 5 × 150 µL")
    hand.command("confirm")

    hand.reads(f"{tube} is divided into 5 × 150 µL")
    assert bank.sample(tube)["volume_ul"] == 250
    assert complaints(hand.page) == []

    hand.command("undo")
    hand.reads("Taken back")
    assert bank.sample(tube)["volume_ul"] == 1000


def test_tubes_are_taken_out_thawed_and_put_back(hand, bank):
    freezer = ok(
        bank.manager.post("/containers", {"kind": "freezer_minus80", "name": "Freezer of the browser"})
    )["code"]
    box, (tube, other) = bank.container("shelf", "A shelf", freezer), tubes_of(bank, 2)
    box = bank.container("tube_box_9x9", "A cold box", box)
    for number, each in enumerate((tube, other), 1):
        ok(bank.technician.put(f"/containers/{box}/positions/A{number}", {"sample": each}))

    hand.command("take_out")
    hand.reads("Take out the tube …")
    hand.scan(tube)
    hand.reads(f"{tube} is out of")
    hand.command("thaw")
    hand.reads("Thaw the tube …")
    hand.scan(other)
    hand.reads("to thaw")
    hand.command("put_back")
    hand.reads("Put back the tube …")
    hand.scan(tube)
    hand.reads(f"{tube} is back at A01")

    assert bank.sample(other)["position"] is None


def test_discarding_asks_and_takes_a_card_for_its_reason(hand, bank):
    (tube,) = tubes_of(bank, 1)
    hand.command("discard")
    hand.reads("Discard, because …")
    hand.command("reason", reason="Tube broken")
    hand.scan(tube)
    hand.reads(f"Discard {tube}?")
    assert bank.sample(tube)["status"] == "available"

    hand.command("confirm")

    hand.reads("is discarded")
    assert bank.sample(tube)["status"] == "destroyed"


def test_a_step_is_started_and_stopped_for_all_its_tubes(hand, bank):
    procedure = ok(bank.manager.post("/procedures", {
        "code": "SOP-STATION", "title": "Plasma",
        "steps": [{"key": "spin", "kind": "spin", "title": "First spin", "min_minutes": 10, "max_minutes": 15}],
    }))  # fmt: skip
    tubes = tubes_of(bank, 2)
    hand.scan(procedure["number"])
    for tube in tubes:
        hand.scan(tube)
    hand.reads("with 2 tubes")
    hand.command("confirm")
    hand.reads("has begun with 2 tubes")

    hand.page.goto("/board")
    expect(hand.page.locator("#content")).to_contain_text("First spin")
    hand.page.goto("/station")
    hand.command("stop")
    hand.reads("Stop the step of the tube …")
    hand.scan(tubes[0])
    hand.reads("outside the limits")


def test_what_is_wrong_is_said_of_any_tube_with_the_command_and_a_key(hand, bank):
    (tube,) = tubes_of(bank, 1)

    hand.command("non_conformity")
    hand.reads("Something is wrong with the tube …")
    hand.scan(tube)
    hand.reads(f"What is wrong with {tube}: …")
    hand.page.keyboard.press("F4")
    hand.reads(f"{tube}: Leaked, recorded")

    hand.command("undo")
    hand.reads("Taken back")


def test_a_wrong_tube_is_seen_from_the_freezers_door(hand, bank):
    """The whole breadth in red, the code in letters of 40 pixels, and nothing to close before the next scan."""
    box, other = new_box(bank), new_box(bank)
    tube, neighbour = tubes_of(bank, 2)
    ok(bank.technician.put(f"/containers/{other}/positions/C5", {"sample": neighbour}))
    hand.scan(box)
    hand.scan(neighbour)

    said = hand.page.locator(".station-said.tone-no")
    expect(said).to_contain_text("Was a neighbour read?")
    view, shown = hand.page.viewport_size, said.bounding_box()
    assert shown["height"] >= view["height"] / 2
    assert shown["width"] >= 0.75 * view["width"]
    for letters in (".station-code", ".station-at"):
        assert (
            float(said.locator(letters).evaluate("piece => getComputedStyle(piece).fontSize").rstrip("px"))
            >= 40
        )
    assert hand.page.locator("#station").evaluate(TOO_SMALL) == []
    assert complaints(hand.page) == []

    hand.scan(tube)
    hand.shows("A02")


def test_a_tube_that_is_asked_for_once_more_counts_at_once_and_the_end_says_what_was_done(hand, bank):
    box, other, (tube,) = new_box(bank), new_box(bank), tubes_of(bank, 1)
    ok(bank.technician.put(f"/containers/{other}/positions/C5", {"sample": tube}))
    hand.scan(box)
    hand.scan(tube)
    hand.reads("Was a neighbour read?")

    hand.page.wait_for_timeout(500)  # longer than one pull of the trigger, shorter than two seconds
    hand.scan(tube)
    hand.shows("A02")
    assert bank.sample(tube)["position"]["container"] == box

    hand.command("finish")
    expect(hand.page.locator(".station-said")).to_contain_text("Finished: 1 done.")
    hand.reads("Nothing is going on")


def test_what_is_scanned_right_after_the_end_begins_anew(hand, bank):
    box, (tube,) = new_box(bank), tubes_of(bank, 1)
    hand.scan(box)
    hand.scan(tube)
    hand.shows("A02")

    hand.page.context.set_offline(True)
    hand.waits = False
    hand.command("finish")
    hand.command("take_out")
    hand.scan(tube)
    hand.page.context.set_offline(False)
    hand.is_answered()

    hand.reads(f"{tube} is out of")
    assert bank.sample(tube)["position"] is None


# --- typed by hand


def by_hand(page: Page, text: str) -> None:
    page.keyboard.type(text, delay=160)
    page.keyboard.press("Enter")


def test_what_a_hand_types_is_told_apart_and_typed_twice_where_nothing_proves_it(hand, bank, kit):
    patient = patient_of_the_study(bank)
    by_hand(hand.page, patient)
    hand.reads("4 tubes expected")  # its check digits prove it

    code = f"FD{next(NUMBERS) % 10**5:05d}"
    by_hand(hand.page, code)
    hand.reads("Typed by hand: type it once more.")
    by_hand(hand.page, f"{code}0")
    hand.reads("The two are not the same.")
    by_hand(hand.page, code)
    by_hand(hand.page, code)
    hand.reads("Stick and scan the label")

    assert bank.sample(code)["status"] == "available"
    hand.page.goto("/station/sessions")
    hand.page.locator("#content td a, #content th a").first.click()
    row = hand.page.get_by_role("row", name=code)
    expect(row).to_have_count(1)
    expect(row).to_contain_text("typed by hand")


def test_a_hand_types_even_our_own_number_twice_before_a_tube_is_thrown_away(hand, bank):
    (tube,) = tubes_of(bank, 1)
    hand.command("discard")
    hand.command("reason", reason="Tube broken")
    hand.reads("Discard, because")

    by_hand(hand.page, tube)
    hand.reads("Typed by hand: type it once more.")
    expect(hand.page.locator("#station-sentence")).not_to_contain_text(tube)
    by_hand(hand.page, tube)

    hand.reads(f"Discard {tube}?")


# --- the line is away


def test_a_minute_without_a_line_loses_and_doubles_nothing(desk, bank):
    box, (mine, more), (theirs,) = new_box(bank), tubes_of(bank, 2), tubes_of(bank, 1)
    page = desk("technician")
    page.clock.install()
    away = Hand(page)
    away.scan(f"{box}P71")
    away.shows("H08")
    page.context.set_offline(True)
    away.waits = False
    away.scan(mine)
    away.shows("H09")
    away.scan(more)

    page.clock.fast_forward(60_000)
    expect(page.locator("#station-queue")).to_contain_text("Scans that wait for the line: 2")
    ok(bank.technician.put(f"/containers/{box}/positions/H8", {"sample": theirs}))
    page.context.set_offline(False)
    page.clock.run_for(5_000)
    away.is_answered()

    expect(page.locator(".station-refused")).to_contain_text(f"put {theirs} at H08")
    places = [bank.sample(tube)["position"] for tube in (mine, more, theirs)]
    assert [place and place["position"] for place in places] == [None, "H09", "H08"]
    page.goto("/station/sessions")
    page.locator("#content th a").first.click()
    for tube in (mine, more):
        expect(page.get_by_role("row", name=tube).first).to_be_visible()
        assert page.locator("#content td.code", has_text=tube).count() == 1


def no_line(page: Page) -> None:
    """Pages come, and scans do not go."""
    page.route("**/station/scans", lambda route: route.abort("internetdisconnected"))


def test_scans_outlive_the_page_and_the_browser_and_are_sent_from_any_page(desk, open_page, bank):
    box, tubes = new_box(bank), tubes_of(bank, 2)
    away = Hand(desk("technician"))
    away.scan(box)
    away.shows("A01")
    no_line(away.page)
    away.waits = False
    for tube in tubes:
        away.scan(tube)
    away.page.reload()
    expect(away.page.locator("#station-queue")).to_contain_text("wait for the line: 2")

    browser = away.page.context.storage_state()  # closed, and opened again
    away.page.context.close()
    page = open_page(storage_state=browser)
    no_line(page)
    page.goto("/samples")
    band = page.locator("#station-waits")
    expect(band).to_contain_text("Scans of the station that wait for the line: 2")
    expect(band.get_by_role("link")).to_have_attribute("href", "/station")
    page.unroute("**/station/scans")
    expect(band).to_be_hidden()

    assert [bank.sample(tube)["position"]["position"] for tube in tubes] == ["A01", "A02"]


def test_scans_of_who_was_signed_out_wait_for_that_person_and_are_nobody_elses(open_page, live_server, bank):
    box, (tube,) = new_box(bank), tubes_of(bank, 1)
    page = open_page()
    sign_in(page, live_server, "technician", PASSWORD)
    away = Hand(page)
    away.scan(box)
    away.shows("A01")
    no_line(page)
    away.waits = False
    away.scan(tube)
    page.context.clear_cookies()  # the session is over
    page.unroute("**/station/scans")
    expect(page.locator("#station-queue")).to_contain_text("Scans that are kept: 1.")

    other = page.context.new_page()
    sign_in(other, live_server, "manager", PASSWORD)
    other.goto("/station")
    page.evaluate("dispatchEvent(new Event('focus'))")  # the first one's page still stands beside it
    expect(other.locator("#station-queue")).to_be_hidden()
    expect(page.locator("#station-queue")).to_contain_text("Sign in again")
    assert bank.sample(tube)["position"] is None

    other.context.clear_cookies()
    with other.expect_response("**/station/scans"):
        sign_in(other, live_server, "technician", PASSWORD)
    expect(other.locator("#station-waits")).to_be_hidden()
    assert bank.sample(tube)["position"]["position"] == "A01"


def test_two_stations_at_one_box_one_of_them_without_a_line_lose_and_double_nothing(desk, bank):
    """Scans wait in the browser, in order; a place that somebody else took meanwhile is told to who came later."""
    box = new_box(bank)
    mine, theirs = tubes_of(bank, 5), tubes_of(bank, 8)
    away, here = Hand(desk("technician")), Hand(desk("manager"))
    away.scan(box)
    away.shows("A01")
    away.scan(mine[0])
    away.shows("A02")

    away.page.context.set_offline(True)
    away.waits = False
    for number, tube in enumerate(mine[1:], 2):
        away.scan(tube)
        away.shows(f"A0{number + 1}")
    expect(away.page.locator("#station-queue")).to_contain_text("Scans that wait for the line: 4")

    here.scan(box)
    for tube in theirs:
        here.scan(tube)
        expect(here.page.locator(".station-said")).to_contain_text(tube)
    # A tube that somebody puts without the station where the other one's screen pointed.
    stray = tubes_of(bank, 1)[0]
    reserved = bank.manager.put(f"/containers/{box}/positions/A03", {"sample": stray})
    assert reserved.status_code == 409

    away.page.context.set_offline(False)
    away.is_answered()

    places = {tube: bank.sample(tube)["position"]["position"] for tube in mine + theirs}
    assert [places[tube] for tube in mine] == ["A01", "A02", "A03", "A04", "A05"]
    assert len(set(places.values())) == len(places)


def test_a_place_that_somebody_took_while_the_line_was_away_is_told_to_who_came_later(desk, bank):
    box, (mine, more), (theirs,) = new_box(bank), tubes_of(bank, 2), tubes_of(bank, 1)
    away = Hand(desk("technician"))
    away.scan(f"{box}P79")  # two places are left after it
    away.shows("I07")
    away.page.context.set_offline(True)
    away.waits = False
    away.scan(mine)
    away.shows("I08")
    away.scan(more)
    ok(
        bank.technician.put(f"/containers/{box}/positions/I7", {"sample": theirs})
    )  # the same person, by the API

    away.page.context.set_offline(False)
    expect(away.page.locator(".station-refused")).to_contain_text(mine, timeout=15_000)

    away.is_answered()
    away.reads(theirs)
    assert bank.sample(mine)["position"] is None
    assert bank.sample(more)["position"]["position"] == "I08"
    away.page.wait_for_timeout(2100)
    away.scan(mine)
    expect(away.page.locator(".station-said")).to_contain_text("I09")
    assert bank.sample(mine)["position"]["position"] == "I09"
