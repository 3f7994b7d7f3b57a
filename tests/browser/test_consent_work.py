"""A paper that comes in, and one that is taken back: the tubes change colour."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD
from tests.browser.hands import scan, sign_in
from tests.test_journey import ok, today

pytestmark = pytest.mark.browser


#: Milliseconds between two keys of somebody with gloves who reads each clause. No scanner is that slow.
HAND = 400

CLAUSES = [
    {"key": "research", "text": "My samples may serve research.", "required": True, "if_granted": ["HMB"]},
    {"key": "genetics", "text": "My genes may be studied.", "if_refused": ["NO_GENETIC"]},
    {"key": "abroad", "text": "My samples may leave the country.", "if_refused": ["GS:FR"]},
    {"key": "companies", "text": "Companies may use them.", "if_refused": ["NPU"]},
    {"key": "recontact", "text": "I may be asked again.", "if_refused": []},
]


@pytest.fixture
def five(bank):
    """A form of five clauses in force; the next test finds the bank as it was."""

    def write(kind="consent"):
        code = f"FIVE-{kind}-{bank.technician.post('/patients', {}).json['code']}"
        told = {"code": code, "version": "1", "title": "Five clauses", "clauses": CLAUSES, "kind": kind}
        ok(bank.manager.post("/consent-forms", told))
        written.append(code)
        return code

    written = []
    yield write
    for code in written:
        ok(bank.manager.post(f"/consent-forms/{code}/1/retire"))


def answers_of(bank, patient):
    return ok(bank.technician.get(f"/patients/{patient}/consents"))["items"][0]["answers"]


def test_a_consent_turns_the_tube_from_amber_to_green(desk, bank):
    patient = ok(bank.technician.post("/patients", {"sex": "female"}))["code"]
    tube = bank.draw(patient)
    page = desk("technician")
    page.goto(f"/samples/{tube}")
    expect(page.locator(".band.tone-look")).to_be_visible()

    page.goto("/")
    scan(page, patient)
    page.get_by_role("link", name="Record a consent").click()
    expect(page.get_by_label("Signed on")).to_have_value(re.compile(r"^20\d\d-"))
    for ask in page.locator(".ask").all():
        ask.get_by_label("yes").check()
    page.get_by_role("button", name="Record").click()
    expect(page.locator("#content")).to_contain_text("Research on cancer")

    page.goto(f"/samples/{tube}")
    expect(page.locator(".band.tone-yes")).to_be_visible()


def test_five_clauses_take_one_key_each_and_less_than_fifteen_seconds(desk, bank, five):
    patient, code = ok(bank.technician.post("/patients", {}))["code"], five()
    page = desk("technician")
    page.goto(f"/patients/{patient}/consents/new?form={code}&version=1")
    expect(page.locator("output")).to_have_text("0 yes · 0 no · 5 not answered = no")
    began, keys = time.monotonic(), ["1", "2", "o", "n", "0", "Enter"]

    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(HAND)
    page.wait_for_url(f"**/patients/{patient}")

    assert time.monotonic() - began < 15
    assert len(keys) == len(CLAUSES) + 1
    assert answers_of(bank, patient) == {
        "research": "granted", "genetics": "refused", "abroad": "granted", "companies": "refused",
    }  # fmt: skip


def test_the_whole_way_from_the_scan_is_done_by_keyboard_alone(desk, bank, five):
    patient, code = ok(bank.technician.post("/patients", {}))["code"], five()
    page = desk("technician")
    page.goto("/")
    scan(page, patient)
    expect(page.get_by_role("link", name="Record a consent")).to_be_visible()
    pressed = 0
    for name in ("Record a consent", code):  # to the act, then to the form
        link = page.get_by_role("link", name=name)
        expect(link).to_be_visible()
        while not link.evaluate("link => link === document.activeElement"):
            page.keyboard.press("Tab")
            pressed += 1
            assert pressed < 60
        page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Record")).to_be_visible()
    for key in "yyyyy":
        page.keyboard.press(key)
        page.wait_for_timeout(HAND)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/patients/{patient}")

    assert set(answers_of(bank, patient).values()) == {"granted"}


def test_what_is_not_answered_is_seen_and_a_key_too_many_changes_nothing(desk, bank, five):
    patient, code = ok(bank.technician.post("/patients", {}))["code"], five()
    page = desk("technician")
    page.goto(f"/patients/{patient}/consents/new?form={code}&version=1")
    blank = page.locator(".ask").first.locator(".tone-look")
    expect(blank).to_contain_text("not answered = no")
    plain = page.locator(".ask").first.locator(".tone-yes").evaluate(COLOUR)
    assert blank.evaluate(COLOUR) != plain

    page.keyboard.press("1")
    page.keyboard.press("7")  # no answer: it begins a code, and goes where codes go
    expect(page.locator("#scan")).to_have_value(re.compile("7$"))
    page.locator(".ask").nth(1).locator("input").last.focus()
    page.keyboard.press("1")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Backspace")
    expect(page.locator("output")).to_have_text("1 yes · 0 no · 4 not answered = no")


COLOUR = "choice => getComputedStyle(choice).backgroundColor"


def test_a_french_keyboard_answers_without_shift(desk, bank, five):
    patient, code = ok(bank.technician.post("/patients", {}))["code"], five()
    page = desk("technician")
    page.goto(f"/patients/{patient}/consents/new?form={code}&version=1")

    for key, place in (("&", "Digit1"), ("é", "Digit2"), ("à", "Digit0")):
        page.evaluate(
            """([key, code]) => document.activeElement.dispatchEvent(
                 new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true }))""",
            [key, place],
        )

    expect(page.locator("output")).to_have_text("1 yes · 1 no · 3 not answered = no")


@pytest.mark.parametrize("scanned", ["1201202010", "12ABC"])
def test_a_scan_on_the_page_is_a_scan_and_records_nothing(desk, bank, five, scanned):
    patient, code = ok(bank.technician.post("/patients", {}))["code"], five()
    page = desk("technician")
    page.goto(f"/patients/{patient}/consents/new?form={code}&version=1")

    scan(page, scanned)

    expect(page.get_by_role("alert")).to_contain_text(scanned)
    assert ok(bank.technician.get(f"/patients/{patient}/consents"))["items"] == []


def test_a_notice_is_no_objection_in_two_clicks(desk, bank, five):
    patient, code = ok(bank.technician.post("/patients", {}))["code"], five("notice")
    page = desk("technician")
    page.goto(f"/patients/{patient}/consents/new?form={code}&version=1")

    page.keyboard.press("2")  # by post
    expect(page.get_by_label("by post")).to_be_checked()
    page.get_by_role("button", name="No objection to anything").click()
    page.wait_for_url(f"**/patients/{patient}")

    assert set(answers_of(bank, patient).values()) == {"granted"}
    page.goto(f"/patients/{patient}/consents")
    expect(page.locator("#content")).to_contain_text("no objection after information")


def test_a_paper_is_attached_and_saved_again(desk, bank, tmp_path):
    patient = bank.consenting_patient()
    paper = tmp_path / "Martin_Jeanne.pdf"
    paper.write_bytes(b"%PDF-1.7\n%%EOF\n")
    page = desk("technician")
    page.goto(f"/patients/{patient}/consents")

    page.get_by_role("link", name="Attach the paper…").click()
    page.get_by_label("Scan of the paper").set_input_files(paper)
    page.get_by_role("button", name="Attach").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the file").click()

    assert re.fullmatch(r"document-\d+\.pdf", download.value.suggested_filename)


def test_without_script_each_clause_has_its_three_answers(open_page, live_server, bank):
    patient = ok(bank.technician.post("/patients", {}))["code"]
    page = open_page(java_script_enabled=False)
    sign_in(page, live_server, "technician", PASSWORD)
    page.goto(f"/patients/{patient}/consents/new")
    expect(page.locator("kbd").first).to_be_hidden()

    page.locator(".ask").first.get_by_label("yes").check()
    page.get_by_role("button", name="Record").click()

    assert answers_of(bank, patient) == {"research": "granted"}


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
