"""The way through the pages: groups of lines that open by click and by key, without script and on a telephone too."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_every_page import PHONE

pytestmark = pytest.mark.browser

SMALLEST = 44


def test_a_group_opens_by_key_and_another_closes_it(desk):
    page = desk("technician")
    page.goto("/samples")
    rail = page.get_by_role("navigation", name="Main", exact=True)
    bench, storage = (rail.locator("summary").filter(has_text=name) for name in ("Bench", "Storage"))
    expect(rail.get_by_role("link", name="Samples")).to_have_attribute("aria-current", "page")

    bench.focus()
    page.keyboard.press("Tab")
    expect(rail.get_by_role("link", name="Samples")).to_be_focused()
    storage.focus()
    page.keyboard.press("Enter")
    expect(rail.get_by_role("link", name="Moves")).to_be_visible()
    expect(rail.get_by_role("link", name="Samples")).to_be_hidden()

    rail.get_by_role("link", name="Freezers and boxes").click()
    expect(page).to_have_url("/containers")
    expect(rail.get_by_role("link", name="Freezers and boxes")).to_have_attribute("aria-current", "page")
    lows = rail.locator("a:visible, summary:visible").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().height)"
    )
    assert min(lows) >= SMALLEST


def test_a_page_that_comes_in_parts_takes_the_mark_along(desk, bank):
    page = desk("technician")
    page.goto("/containers")
    rail = page.get_by_role("navigation", name="Main", exact=True)
    expect(rail.locator("[aria-current]")).to_have_count(1)
    page.locator("header [data-scan]").fill(bank.box)
    page.locator("header [data-scan]").press("Enter")
    expect(page.locator("#content .plate")).to_be_visible()
    expect(rail.locator("[aria-current]")).to_have_count(0)


@pytest.mark.parametrize("script", [True, False])
def test_on_a_telephone_the_menu_holds_the_same_groups(desk, script):
    page = desk("technician", viewport=PHONE, java_script_enabled=script)
    page.goto("/patients")
    page.get_by_label("Menu").click()
    menu = page.get_by_role("navigation", name="Main, small")
    expect(menu.get_by_role("link", name="Patients")).to_have_attribute("aria-current", "page")

    menu.locator("summary").filter(has_text="Storage").click()
    menu.get_by_role("link", name="Moves").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Moves")
