"""A freezer in the browser: built with its picture, walked through by keys, coloured, with and without a script."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import scan
from tests.browser.readable import complaints
from tests.test_journey import ok

pytestmark = pytest.mark.browser

DESK = {"width": 1366, "height": 768}
TABLET = {"width": 1024, "height": 768}
LEVELS = [
    {"kind": "shelf", "count": 3}, {"kind": "rack_with_drawers", "count": 4}, {"kind": "drawer", "count": 2},
    {"kind": "tube_box_9x9", "count": 1, "name": "Walk {all}"},
]  # fmt: skip


@pytest.fixture(scope="module")
def freezer(bank) -> str:
    """The code of a freezer with a few tubes in its first box."""
    body = {"kind": "freezer_minus80", "name": "Freezer of the browser", "levels": LEVELS}
    code: str = ok(bank.manager.post("/containers/build", body))["code"]
    shelf = ok(bank.manager.get(f"/containers?parent={code}"))["items"][0]["code"]
    rack = ok(bank.manager.get(f"/containers?parent={shelf}"))["items"][0]["code"]
    drawer = ok(bank.manager.get(f"/containers?parent={rack}"))["items"][0]["code"]
    box = ok(bank.manager.get(f"/containers?parent={drawer}"))["items"][0]["code"]
    for number, tube in enumerate(bank.aliquot(bank.draw(bank.consenting_patient())), start=1):
        ok(bank.manager.put(f"/containers/{box}/positions/{number}", {"sample": tube}))
    bank.walked_box = box
    return code


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_one_walks_down_to_a_tube_and_up_again_by_keys_alone(desk, freezer):
    page = desk("manager")
    page.goto(f"/containers/{freezer}")

    page.keyboard.press("ArrowDown")  # into the picture
    expect(page.get_by_role("link", name=re.compile("^Shelf 1, place 01"))).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name=re.compile("^Shelf 1, Rack A, place 01"))).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    heading(page, "Rack A")

    page.keyboard.press("ArrowRight")  # its neighbour
    heading(page, "Rack B")
    page.keyboard.press("ArrowLeft")
    heading(page, "Rack A")
    page.get_by_role("link", name=re.compile("^Drawer 1, Walk 1,")).press("Enter")
    heading(page, "Walk 1")

    page.keyboard.press("Home")
    heading(page, "Drawer 1")
    page.keyboard.press("Home")
    heading(page, "Rack A")
    page.keyboard.press("Home")
    heading(page, "Shelf 1")
    page.keyboard.press("Home")
    heading(page, "Freezer of the browser")


def test_a_scan_of_a_box_inside_walks_there(desk, bank, freezer):
    page = desk("technician")
    page.goto(f"/containers/{freezer}")

    scan(page, bank.walked_box)

    heading(page, "Walk 1")


def test_a_key_that_is_typed_into_a_field_walks_nowhere(desk, bank, freezer):
    page = desk("manager")
    page.goto(f"/containers/{bank.walked_box}")
    page.locator("#scan-raw").fill("T0042")

    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")

    heading(page, "Walk 1")
    expect(page.locator("#scan-raw")).to_have_value("T0042")


def test_a_choice_of_colour_shows_at_once(desk, bank, freezer):
    page = desk("manager")
    page.goto(f"/containers/{bank.walked_box}")

    page.get_by_role("radio", name="study").check()

    expect(page.locator(".legend")).to_contain_text("COLIBRI")
    expect(page.locator(".map-grid .look-group-1").first).to_be_visible()
    expect(page.get_by_role("radio", name="study")).to_be_checked()


def test_a_freezer_is_drawn_while_it_is_written_and_built_by_one_click(desk):
    page = desk("manager")
    page.goto("/containers/build")

    page.get_by_label("Kind", exact=True).first.select_option("freezer_minus80")
    page.get_by_label("Name", exact=True).fill("Freezer drawn")
    page.get_by_label("In one line").fill("2 shelves × 3 racks × 4 drawers")
    expect(page.locator("#planned")).to_contain_text("33")
    expect(page.locator("#planned svg text", has_text="Rack C").first).to_be_visible()
    page.get_by_role("button", name="Build it").click()

    heading(page, "Freezer drawn")
    expect(page.locator("#content")).to_contain_text("33 containers are set up.")


def test_all_of_it_works_without_a_script(desk, bank, freezer):
    page = desk("manager", java_script_enabled=False)
    page.goto("/containers/build?kind=freezer_minus80&name=Quiet&line=1 shelf")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#planned")).to_contain_text("2")

    page.goto(f"/containers/{freezer}")
    page.get_by_role("link", name=re.compile("^Shelf 1, Rack A, place 01")).first.click()
    heading(page, "Rack A")
    page.goto(f"/containers/{bank.walked_box}")
    page.get_by_role("radio", name="type").check()
    page.get_by_role("button", name="Show").first.click()
    expect(page.locator(".map-grid .look-group-1").first).to_be_visible()


PAGES = [
    "/containers",
    "/containers/build",
    "/containers/build?kind=freezer_minus80&name=F&line=5 shelves × 4 racks",
    "/containers/{freezer}",
    "/containers/{box}?colour=study",
    "/containers/{box}?colour=age",
    "/containers/{box}?at=2020-01-01",
    "/storage/where",
    "/storage/where?study=COLIBRI&type=Plasma&vessel=tube&count=30",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_readable_for_everybody(desk, bank, freezer, path):
    page = desk("manager", viewport=DESK)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(path.format(freezer=freezer, box=bank.walked_box))
        assert complaints(page) == []
    page.set_viewport_size(TABLET)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0


def test_what_is_touched_is_large_enough_for_a_glove(desk, bank, freezer):
    page = desk("manager", viewport=TABLET)
    for path in (f"/containers/{freezer}", f"/containers/{bank.walked_box}"):
        page.goto(path)
        small = page.evaluate(
            """() => [...document.querySelectorAll('.front a, .map-grid a, .neighbours a')]
              .map((each) => each.getBoundingClientRect()).filter((box) => box.width < 43.5 || box.height < 43.5)
              .map((box) => [box.width, box.height])"""
        )
        assert small == []
