"""A scanner is heard wherever the focus is, and no scan is lost or counted twice."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import scan
from tests.conftest import NOON

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def tubes(bank):
    tube = bank.draw(bank.consenting_patient())
    return [tube, *bank.aliquot(tube)]


def card(page: Page):
    """The large code on the card."""
    return page.locator("#content .plate-code .plate-text")


def test_a_scan_on_the_home_page_gives_the_card_and_the_next_scan_the_next(desk, tubes):
    page = desk("technician")
    page.goto("/")

    scan(page, tubes[0])
    expect(card(page)).to_have_text(tubes[0])
    expect(page.locator(".band.tone-yes")).to_contain_text("Consent given")

    scan(page, tubes[1])
    expect(card(page)).to_have_text(tubes[1])


def test_an_unknown_code_is_told_in_red_and_the_next_scan_is_heard(desk, tubes):
    page = desk("technician")
    page.goto("/")

    scan(page, "HELLO-WORLD")
    expect(page.get_by_role("alert")).to_contain_text("HELLO-WORLD")
    expect(page.locator("[data-scan]:focus")).to_have_count(1)

    scan(page, tubes[0])
    expect(card(page)).to_have_text(tubes[0])


def test_a_scan_is_heard_while_a_link_has_the_focus(desk, tubes):
    page = desk("technician")
    page.goto(f"/samples/{tubes[0]}")
    page.get_by_role("link", name="Aliquot").focus()

    scan(page, tubes[2])

    expect(card(page)).to_have_text(tubes[2])


def test_a_scan_into_a_field_that_was_not_meant_leaves_it_as_it_was(desk, tubes):
    page = desk("technician")
    page.goto("/samples/new")
    page.get_by_label("Visit").fill("week 4")

    with page.expect_response(lambda answer: f"raw={tubes[1]}" in answer.url):
        scan(page, tubes[1])

    expect(card(page)).to_have_text(tubes[1])


def test_a_field_for_a_code_keeps_the_scan_and_hands_on_the_focus(desk, bank):
    patient = bank.consenting_patient()
    page = desk("technician")
    page.goto("/samples/new")

    scan(page, patient)

    expect(page.get_by_label("Patient", exact=True)).to_have_value(patient)
    expect(page.get_by_label("Study")).to_be_focused()


def test_the_same_scan_twice_at_once_is_one_scan_and_a_moment_later_another(desk, tubes):
    page = desk("technician")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/scan?" in request.url else None)
    page.clock.set_fixed_time(NOON)
    page.goto("/")

    scan(page, tubes[0])
    scan(page, tubes[0])
    expect(card(page)).to_have_text(tubes[0])
    assert len(asked) == 1

    page.clock.set_fixed_time(NOON + timedelta(seconds=3))
    with page.expect_response("**/scan?*"):
        scan(page, tubes[0])


def test_a_scan_made_while_an_answer_is_under_way_waits_its_turn(desk, tubes):
    page = desk("technician")
    page.goto("/")

    for tube in tubes:
        scan(page, tube)

    expect(card(page)).to_have_text(tubes[-1])


def test_a_scanner_that_ends_with_tab_is_heard_too(desk, tubes):
    page = desk("technician")
    page.goto("/")

    scan(page, tubes[0], ends_with="Tab")

    expect(card(page)).to_have_text(tubes[0])
