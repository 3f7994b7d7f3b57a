"""A paper that comes in, and one that is taken back: the tubes change colour."""

import pytest
from playwright.sync_api import expect

from tests.test_journey import ok, today

pytestmark = pytest.mark.browser


def test_a_consent_turns_the_tube_from_amber_to_green(desk, bank):
    patient = ok(bank.technician.post("/patients", {"sex": "female"}))["code"]
    tube = bank.draw(patient)
    page = desk("technician")
    page.goto(f"/samples/{tube}")
    expect(page.locator(".band.tone-look")).to_be_visible()

    page.goto(f"/patients/{patient}")
    page.get_by_role("link", name="Record a consent").click()
    page.get_by_label("Signed on").fill(today())
    for answer in page.locator("fieldset").all():
        answer.get_by_label("yes").check()
    page.get_by_role("button", name="Record").click()
    expect(page.locator("#content")).to_contain_text("Research on cancer")

    page.goto(f"/samples/{tube}")
    expect(page.locator(".band.tone-yes")).to_be_visible()


def test_a_withdrawal_shows_what_it_reaches_and_turns_the_tube_red(desk, bank):
    patient = bank.consenting_patient()
    tube = bank.draw(patient)
    page = desk("dpo")
    page.goto(f"/patients/{patient}")

    page.get_by_role("link", name="Record a withdrawal").click()
    page.get_by_label("Everything").check()
    page.get_by_label("Received on").fill(today())
    page.get_by_label("keep").first.check()
    page.get_by_role("button", name="Show what it reaches").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Withdraw: is this right?")
    expect(page.get_by_role("link", name=tube)).to_be_visible()
    assert bank.sample(tube)["consent"]["colour"] == "green"  # nothing is recorded by looking

    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("link", name=tube).click()
    expect(page.locator(".band.tone-no")).to_be_visible()
    expect(page.locator("#content")).to_contain_text("Held")
