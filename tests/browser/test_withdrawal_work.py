"""A clause taken back, everything taken back, and a decision read: as the people who do it see it."""

import pytest
from playwright.sync_api import expect

from tests.browser.hands import scan
from tests.test_journey import ok, today

pytestmark = pytest.mark.browser


def take_back(page, what, fate="keep"):
    """From the patient's page to the withdrawal that was recorded."""
    page.get_by_role("link", name="Record a withdrawal").click()
    page.get_by_label(what).check()
    page.get_by_label("Received on").fill(today())
    page.get_by_label(fate).first.check()
    page.get_by_role("button", name="Show what it reaches").click()
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Withdrawal")


def scan_again(page, tube):
    """The same tube once more, after the two seconds within which two scans of one code are one."""
    page.wait_for_timeout(2_100)
    scan(page, tube)


def refused(bank, tube):
    """Ask for the tube in a request that cannot be granted. returns its number"""
    code = ok(
        bank.researcher.post(
            "/requests",
            {"title": "A question", "purposes": ["HMB"], "organisation": "for-profit", "country": "FR"},
        )
    )["code"]
    ok(bank.researcher.post(f"/requests/{code}/lines", {"samples": [tube]}))
    ok(bank.researcher.post(f"/requests/{code}/submit"))
    bank.manager.post(f"/requests/{code}/approve")
    return code


def test_one_clause_is_taken_back_and_the_tube_is_not_held(desk, bank):
    patient = bank.consenting_patient()
    tube = bank.draw(patient)
    page = desk("dpo")
    page.goto(f"/patients/{patient}")

    clause = page.context.new_page()
    clause.goto(f"/patients/{patient}/withdrawals/new")
    offered = [label.strip() for label in clause.locator("form label").all_inner_texts() if "Clause" in label]
    clause.close()
    optional = offered[-1].splitlines()[0]
    take_back(page, optional)

    expect(page.locator("#content")).to_contain_text(optional.split(" of form")[0].removeprefix("Clause "))
    assert "withdrawal" not in str(bank.sample(tube)["holds"])


def test_a_tube_is_destroyed_by_one_person_before_the_eyes_of_another(desk, bank):
    patient = bank.consenting_patient()
    tube = bank.draw(patient)
    page = desk("dpo")
    page.goto(f"/patients/{patient}")
    take_back(page, "Everything", "destroy")
    expect(page.locator("#content")).to_contain_text("to be taken out")

    hand = desk("technician")
    hand.goto("/destructions")
    scan(hand, tube)
    expect(hand.get_by_role("heading", level=1)).to_have_text(f"Destroy {tube}")
    scan_again(hand, tube)
    expect(hand.locator("#content")).to_contain_text("Now somebody else signs in")
    witness = desk("manager")
    witness.goto("/destructions")
    scan(witness, tube)
    expect(witness.locator("#content")).to_contain_text("I see it destroyed")
    scan_again(witness, tube)

    expect(witness.locator("#content")).to_contain_text(f"{tube} is destroyed.")
    assert bank.sample(tube)["status"] == "destroyed"


def test_a_decision_is_read_in_plain_words(desk, bank):
    patient = bank.consenting_patient()
    tube = bank.draw(patient)
    page = desk("dpo")
    page.goto(f"/patients/{patient}")
    take_back(page, "Everything")
    refused(bank, tube)

    reader = desk("manager")
    reader.goto(f"/decisions?sample={tube}")
    reader.locator("table a").first.click()

    expect(reader.get_by_role("heading", level=1)).to_contain_text("Decision")
    expect(reader.locator("#content")).to_contain_text("Not permitted")
    expect(reader.locator("#content")).to_contain_text("The patient withdrew on")
    expect(reader.locator("#content")).to_contain_text("health, medical or biomedical research")
