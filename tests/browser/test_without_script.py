"""The core of the work with JavaScript switched off: slower, and all there."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD
from tests.browser.hands import sign_in

pytestmark = pytest.mark.browser


def test_sign_in_scan_register_divide_and_place(open_page, live_server, bank):
    page = open_page(java_script_enabled=False)
    patient = bank.consenting_patient()

    sign_in(page, live_server, "technician", PASSWORD)
    expect(page.get_by_role("heading", name="Scan anything")).to_be_visible()
    page.locator("#content [data-scan]").fill(patient)
    page.locator("#content [data-scan]").press("Enter")
    page.get_by_role("link", name="Register a tube").last.click()

    expect(page.get_by_label("Patient", exact=True)).to_have_value(patient)
    page.get_by_label("Study").select_option("COLIBRI")
    page.get_by_label("Quantity").fill("900")
    page.get_by_role("button", name="Register").click()
    tube = page.get_by_role("heading", level=1).inner_text()
    assert re.fullmatch(r"T\d{8}", tube)

    page.get_by_role("link", name="Aliquot").click()
    page.get_by_label("How many").fill("2")
    page.get_by_label("Each").fill("300")
    page.get_by_role("button", name="Aliquot").click()
    expect(page.locator("#content")).to_contain_text("300 µL")

    page.goto(f"/containers/{bank.box}?position=I09")
    page.locator("#content [data-scan]").fill(tube)
    page.locator("#content [data-scan]").press("Enter")
    expect(page.locator(".plate-place .plate-text").first).to_have_text("I09")


def test_an_unknown_code_is_told_on_the_page(open_page, live_server, bank):
    page = open_page(java_script_enabled=False)
    sign_in(page, live_server, "technician", PASSWORD)

    page.locator("#content [data-scan]").fill("HELLO-WORLD")
    page.locator("#content [data-scan]").press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("HELLO-WORLD")
