"""From a researcher's wish to a tube in their hand, each step by who may do it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import new_box
from tests.browser.hands import scan
from tests.test_journey import ok

pytestmark = pytest.mark.browser


@pytest.fixture
def vials(bank):
    """Two vials in the box: one will be asked for, the other stands beside it."""
    wanted, other = bank.aliquot(bank.draw(bank.consenting_patient()))
    box = new_box(bank)
    for vial, position in ((wanted, "H1"), (other, "H2")):
        ok(bank.technician.put(f"/containers/{box}/positions/{position}", {"sample": vial}))
    return wanted, other


def test_a_request_is_written_decided_fetched_and_handed_out(desk, bank, vials):
    wanted, other = vials

    # The researcher asks.
    page = desk("researcher")
    page.goto("/requests/new")
    page.get_by_label("Title of the study").fill("Early relapse, by page")
    page.get_by_label("Research on a disease").check()
    page.get_by_label("Diseases").fill("C50.1")
    page.get_by_label("A hospital, university").check()
    page.locator("input[name=genetic][value=false], input[name=genetic][value=no]").first.check()
    page.get_by_role("textbox", name="Samples").fill(wanted)
    page.get_by_role("button", name="Keep as a draft").click()
    page.get_by_role("button", name="Send to the biobank").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Early relapse, by page")
    code = re.search(r"R\d+", page.url).group()

    # The committee sees why it may be given, and approves.
    page = desk("committee")
    page.goto(f"/requests/{code}")
    expect(page.locator("#content")).to_contain_text('Clause "research"')
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("reserved").first).to_be_visible()

    # The technician fetches: the wrong tube turns the page red, the right one goes on the tray.
    page = desk("technician")
    page.goto(f"/requests/{code}/fetch")
    scan(page, other)
    expect(page.locator(".alarm")).to_contain_text(wanted)
    assert bank.sample(other)["position"]["position"] == "H02"
    scan(page, wanted)
    expect(page.get_by_text("is picked").first).to_be_visible()

    page.get_by_label("Who receives it").fill("Laboratory 3")
    page.get_by_role("button", name="Hand out").click()
    expect(page.get_by_text("handed out").first).to_be_visible()
    assert bank.sample(wanted)["status"] == "handed_out"


def test_what_the_rules_leave_to_people_is_settled_by_a_person(desk, bank, vials):
    code = bank.ask_for(vials[1], flags=["paediatric"])
    page = desk("committee")
    page.goto(f"/requests/{code}")
    expect(page.get_by_role("heading", name="The use is about children")).to_be_visible()

    page.get_by_text("Settle it").click()
    page.get_by_label("may be used for this request").check()
    page.get_by_label("Why", exact=True).fill("The opinion covers children.")
    page.get_by_role("button", name="Settle").click()
    expect(page.locator(".settled")).to_contain_text("The opinion covers children.")
    expect(page.locator(".settled")).to_contain_text("committee")

    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("reserved").first).to_be_visible()


def test_the_researcher_sees_no_patient_and_no_freezer(desk, bank, vials):
    code = bank.ask_for(vials[0])
    page = desk("researcher")

    page.goto(f"/requests/{code}")
    expect(page.locator("#content")).to_contain_text(vials[0])
    expect(page.locator("body")).not_to_contain_text("Box of the browser")
    expect(page.get_by_role("link", name=vials[0])).to_have_count(0)

    assert page.goto(f"/samples/{vials[0]}").status == 403
