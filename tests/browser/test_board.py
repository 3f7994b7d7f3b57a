"""The board of timers across the room: it counts, warns before the limit, and a scan ends a step. The pages of
procedures, kits and labels are readable for everybody."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.hands import scan
from tests.browser.readable import complaints
from tests.browser.test_every_page import DESK, PHONE, seat
from tests.test_journey import ok

__all__ = ["seat"]

pytestmark = pytest.mark.browser

STEPS = [
    {"key": "spin", "kind": "spin", "title": "Spin", "since": "collection", "start_within_min": 90, "min_minutes": 15,
     "max_minutes": 20, "warn_before_min": 2},
    {"key": "rest", "kind": "rest", "title": "Rest", "min_minutes": 40},
    {"key": "look", "kind": "other", "title": "Look at it"},
]  # fmt: skip


@pytest.fixture(scope="session")
def followed(bank):
    """The number of a procedure in force."""
    told = {"code": "SOP-BROWSER", "title": "Plasma in the browser", "steps": STEPS}
    return ok(bank.manager.post("/procedures", told))["number"]


@pytest.fixture
def begin(bank, followed):
    """`begin("spin")`: fresh tubes begin a step; at the end nothing runs any more."""
    batches = []

    def start(step="spin", count=2):
        tubes = [bank.draw(bank.consenting_patient()) for _ in range(count)]
        made = ok(bank.technician.post("/steps", {"procedure": followed, "step": step, "samples": tubes}))
        batches.append(made["batch"])
        return tubes

    yield start
    for batch in batches:
        bank.technician.post(f"/steps/{batch}/cancel", {})


def test_the_board_counts_down_by_itself_and_a_scan_ends_the_step(desk, begin):
    tubes = begin()
    page = desk("technician")
    page.goto("/board")
    timer = page.locator(".board-timer").filter(has_text=tubes[0])
    figure = timer.locator("[role=timer]")
    expect(figure).to_have_text(re.compile(r"^1\d:\d\d$"))
    before = figure.text_content()
    expect(figure).not_to_have_text(before)
    assert figure.evaluate("each => parseFloat(getComputedStyle(each).fontSize)") >= 64

    scan(page, tubes[1])
    expect(page.locator("#content")).to_contain_text("Spin ended")
    expect(page.locator(".board-timer").filter(has_text=tubes[0])).to_have_count(0)


def test_it_warns_before_the_limit_by_colour_by_word_and_aloud(desk, begin):
    tubes = begin()
    page = desk("technician")
    page.clock.install(time=datetime.now(UTC))
    page.goto("/board")
    timer = page.locator(".board-timer").filter(has_text=tubes[0])
    said = page.locator("#live")

    for minutes, tone, words in (
        (15, "tone-yes", "ready"),
        (3, "tone-look", "take it out"),
        (3, "tone-no", "too long"),
    ):
        page.route("**/board", nothing)  # the server would say that no time has passed
        page.clock.run_for(timedelta(minutes=minutes).total_seconds() * 1000)
        expect(timer).to_have_class(re.compile(tone))
        expect(timer.locator(".board-state:visible")).to_contain_text(words)
        expect(said).to_contain_text("Spin")
    page.unroute("**/board")


def nothing(route):
    """An answer that is no page: the board stays as it is."""
    route.fulfill(status=200, content_type="text/plain", body="")


def test_the_board_works_without_script(desk, begin):
    tubes = begin("rest")
    page = desk("technician", java_script_enabled=False)
    page.goto("/board")
    timer = page.locator(".board-timer").filter(has_text=tubes[0])
    expect(timer).to_contain_text("until it is ready")
    page.get_by_role("link", name="Look again").click()
    timer.get_by_role("button", name="End it").click()
    expect(page.locator("#content")).to_contain_text("Rest ended")


def test_a_label_is_printed_by_the_browser_of_the_station(desk, bank):
    tube = bank.draw(bank.consenting_patient())
    page = desk("technician")
    page.goto(f"/labels/jobs?code={tube}")
    page.get_by_label("Why").fill("Label fell off")
    page.get_by_role("button", name="Print again").click()
    page.get_by_role("button", name=re.compile("Print .* here")).click()
    label = page.get_by_role("img", name=f"Label of {tube}")
    expect(label).to_be_visible()
    wide, high = label.evaluate("each => [each.naturalWidth, each.naturalHeight]")
    assert (wide, high) == (pytest.approx(38 / 25.4 * 96, abs=1), pytest.approx(19 / 25.4 * 96, abs=1))
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", level=1)).not_to_be_visible()


PAGES = [
    ("technician", "/board"),
    ("technician", "/board/new"),
    ("technician", "/procedures"),
    ("technician", "/procedures/{procedure}"),
    ("technician", "/kits"),
    ("technician", "/labels/jobs"),
    ("technician", "/labels/print?codes={tube},{procedure}"),
    ("technician", "/samples/{tube}/verify"),
    ("manager", "/procedures/new?like={procedure}"),
    ("manager", "/kits/new"),
    ("manager", "/kits/{kit}"),
]


@pytest.fixture(scope="session")
def things(bank, followed):
    tube = bank.draw(bank.consenting_patient())
    told = {"code": "KIT-BROWSER", "study": "COLIBRI", "title": "Inclusion", "procedure": "SOP-BROWSER",
            "tubes": [{"type": "WholeBlood", "label": "EDTA", "count": 3, "volume_ul": 4000}]}  # fmt: skip
    ok(bank.technician.post("/labels/reprints", {"code": tube, "reason": "Label fell off"}))
    bank.technician.post(f"/samples/{tube}/label-checks", {"read": "T00000000"})
    return {"tube": tube, "procedure": followed, "kit": ok(bank.manager.post("/kits", told))["number"]}


@pytest.mark.parametrize(("role", "path"), PAGES, ids=lambda value: value)
def test_its_pages_are_readable_for_everybody(seat, things, begin, role, path):
    for step in ("spin", "rest", "look"):
        begin(step, count=1)
    page = seat(role)
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    page.goto(path.format(**things))
    expect(page.locator("#content h1")).to_have_count(1)

    light = complaints(page)
    page.emulate_media(color_scheme="dark")
    dark = complaints(page, "color-contrast")
    page.set_viewport_size(PHONE)
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert (light, dark, too_wide) == ([], [], 0)


def test_any_other_page_warns_before_the_limit_and_at_it_and_asks_once_a_minute(desk, begin):
    tubes = begin()
    page = desk("technician")
    asked = []
    page.on(
        "request", lambda request: asked.append(request.url) if request.url.endswith("/board/due") else None
    )
    page.clock.install(time=datetime.now(UTC))
    page.goto("/samples")
    band, said = page.locator("#timers"), page.locator("#live")
    shown = band.locator("li").filter(has_text=tubes[0])
    expect(shown).to_contain_text("Spin")
    expect(shown.locator("[role=timer]")).to_have_text(re.compile(r"^1\d:\d\d$"))
    assert len(asked) <= 1  # none where the page before this one, of the same browser, has just asked

    page.route("**/board/due", nothing)  # the server would say that no time has passed
    for minutes, tone, words in ((18.5, "tone-look", "take it out soon"), (2, "tone-no", "over its limit")):
        page.clock.run_for(timedelta(minutes=minutes).total_seconds() * 1000)
        expect(shown).to_have_class(re.compile(tone))
        expect(said).to_contain_text(words)
    assert 1 <= len(asked) <= 22
    page.unroute("**/board/due")

    page.evaluate("document.querySelector('#live').textContent = ''")
    page.goto("/station")
    expect(band.locator("li").filter(has_text=tubes[0])).to_be_visible()
    page.clock.run_for(5000)
    expect(said).not_to_contain_text("Spin")  # each warning is given once
    band.get_by_role("link", name="Timers").click()
    expect(page).to_have_url("/board")
    expect(band).to_be_hidden()


def test_where_nothing_runs_nothing_is_asked_again(desk):
    page = desk("technician")
    asked = []
    page.on(
        "request", lambda request: asked.append(request.url) if request.url.endswith("/board/due") else None
    )
    page.clock.install(time=datetime.now(UTC))
    page.goto("/samples")
    page.clock.run_for(30 * 60 * 1000)
    expect(page.locator("#timers")).to_be_hidden()
    assert len(asked) <= 1  # none where the page before this one has just asked


def test_a_step_begun_or_ended_at_the_station_is_told_there_at_once(desk, bank, followed):
    tube = bank.draw(bank.consenting_patient())
    page = desk("technician")
    page.goto("/station")
    band = page.locator("#timers li").filter(has_text=tube)
    for code in (followed, tube):
        scan(page, code)
        expect(page.locator(".station-said")).to_contain_text(code if code == tube else "SOP-BROWSER")
    page.get_by_role("button", name="Confirm").click()
    expect(band).to_be_visible()

    page.get_by_role("button", name="Undo the last").click()
    expect(band).to_have_count(0)
