"""A technician's work at the bench, with pages: register, aliquot, fill a box by scanning."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import new_box
from tests.browser.hands import scan

pytestmark = pytest.mark.browser


def test_a_tube_is_registered_and_divided(desk, bank):
    page = desk("technician")
    page.goto("/samples/new")

    scan(page, bank.consenting_patient())
    page.get_by_label("Study").select_option("COLIBRI")
    page.get_by_label("Type", exact=True).select_option("Plasma")
    page.get_by_label("Quantity").fill("1000")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"^T\d{8}$"))
    expect(page.locator(".band.tone-yes")).to_be_visible()

    page.get_by_role("link", name="Aliquot").click()
    page.get_by_label("How many").fill("3")
    page.get_by_label("Each").fill("250.5")
    page.get_by_role("button", name="Aliquot").click()
    expect(page.locator("#content")).to_contain_text("248.5 µL")
    expect(page.locator("#content")).to_contain_text("250.5 µL")


def test_more_than_is_left_is_refused_with_the_numbers_and_what_was_typed_is_kept(desk, bank):
    tube = bank.draw(bank.consenting_patient())
    page = desk("technician")
    page.goto(f"/samples/{tube}/aliquot")

    page.get_by_label("How many").fill("5")
    page.get_by_label("Each").fill("900")
    page.get_by_role("button", name="Aliquot").click()

    expect(page.get_by_role("alert").first).to_contain_text("4500")
    expect(page.get_by_label("Each")).to_have_value("900")
    assert bank.sample(tube)["volume_ul"] == 1000


def test_a_box_is_filled_by_scanning_and_the_next_place_is_pointed_at(desk, bank):
    box = new_box(bank)
    first, second = bank.aliquot(bank.draw(bank.consenting_patient()))
    page = desk("technician")
    page.goto(f"/containers/{box}")

    scan(page, first)
    expect(page.locator(".plate-place .plate-text").first).to_have_text("A01")
    expect(page.locator("#content")).to_contain_text("A02")

    scan(page, second)
    expect(page.locator(".plate-place .plate-text").first).to_have_text("A02")
    assert [bank.sample(tube)["position"]["position"] for tube in (first, second)] == ["A01", "A02"]

    page.goto(f"/samples/{second}")
    expect(page.locator(".plate-place")).to_contain_text("A02")
