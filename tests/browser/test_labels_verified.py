"""Labels are verified by pairs of scans: a swap turns the whole page red, for both tubes, until it is put right."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.hands import scan
from tests.test_journey import ok

pytestmark = pytest.mark.browser


def two_tubes(bank):
    """Two tubes of one patient with makers' codes, whose labels were asked for."""
    patient, made = bank.consenting_patient(), []
    for _ in range(2):
        number = next(_serials)
        body = {
            "patient": patient, "study": "COLIBRI", "type": "Plasma", "collected_precision": "unknown",
            "container_code": f"FD0629{number:04d}",
        }  # fmt: skip
        made.append((ok(bank.technician.post("/samples", body))["code"], body["container_code"]))
    ok(bank.technician.post("/labels/jobs", {"codes": [code for code, _tube in made]}))
    return patient, made


_serials = iter(range(1000, 9999))


def test_two_labels_that_were_swapped_are_caught_and_put_right(desk, bank):
    patient, ((first, tube_1), (second, tube_2)) = two_tubes(bank)
    page = desk("technician")
    page.goto("/labels/verify")
    content = page.locator("#content")

    scan(page, patient)
    expect(content).to_contain_text("2 labels to verify")

    for tube, wrong, right in ((tube_1, second, first), (tube_2, first, second)):
        scan(page, tube)
        expect(page.locator(".plate-text").first).to_have_text(right)
        scan(page, wrong)
        expect(page.locator(".alarm")).to_contain_text("Wrong label")
        expect(page.locator(".pair")).to_contain_text(right)
        expect(page.locator(".pair")).to_contain_text(wrong)
    expect(content).to_contain_text("2 labels to verify")

    for tube, right in ((tube_1, first), (tube_2, second)):
        scan(page, tube)
        expect(page.locator(".alarm")).to_have_count(0)
        scan(page, right)
        expect(content).to_contain_text(re.compile("right label", re.IGNORECASE))
    expect(content).to_contain_text("Every label")


def test_a_code_is_replaced_and_the_new_label_is_paired_with_the_old_one(desk, bank):
    old = bank.draw(bank.consenting_patient())
    page = desk("technician")
    page.goto(f"/samples/{old}")
    page.get_by_role("link", name="Replace the code").click()
    page.get_by_label("Why?").fill("Label cannot be read")
    page.get_by_label("I have this tube in my hand").check()
    page.get_by_role("button", name="Replace the code").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Verify labels")
    new = page.locator(".plate-text").first.inner_text().replace(" ", "")

    scan(page, new)
    expect(page.locator("#content")).to_contain_text(new)

    page.goto(f"/samples/{old}")
    expect(page.locator(".alarm")).to_contain_text(new)
    page.get_by_role("link", name=re.compile(f"Open {new}")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(new)
    expect(page.locator("#content")).to_contain_text("Another code on the label")


def test_labels_that_come_back_are_scanned_one_after_the_other(desk, bank):
    made = ok(bank.technician.post("/label-allotments", {"count": 3}))
    numbers = [each["number"] for each in made["numbers"]]
    page = desk("technician")
    page.goto("/labels/allotments/scan")

    for number in numbers[:2]:
        scan(page, number)
        expect(page.locator(".plate-text").first).to_have_text(number)
    page.goto(f"/labels/allotments/{made['id']}")
    expect(page.locator("#content")).to_contain_text("came back")
