"""The queue of labels in the browser: a printer that fails and what people do about it; a label is printed again."""

import pytest
from playwright.sync_api import expect

from tests.printing.fake_printer import FakePrinter

pytestmark = pytest.mark.browser


@pytest.fixture
def printers(app):
    """Two printers: one that is open, and one that prints."""
    failing, other = FakePrinter(troubles={"head_open"}), FakePrinter()
    app.config["BIOBANK"]["printers"] |= {
        "bench-1": {"host": "127.0.0.1", "port": failing.port, "counts": True, "seconds": 1.0},
        "bench-2": {"host": "127.0.0.1", "port": other.port, "counts": True, "seconds": 1.0},
    }
    yield failing, other
    app.config["BIOBANK"]["printers"].clear()
    failing.stop()
    other.stop()


def of(page, tube):
    return page.locator(".jobs > li", has_text=tube).first


def test_a_printer_that_is_open_says_so_and_its_labels_go_to_another_one(desk, bank, printers):
    failing, other = printers
    tube = bank.draw(bank.consenting_patient())
    page = desk("technician")
    page.goto(f"/labels/of/{tube}")
    page.get_by_role("button", name="Print", exact=True).click()
    page.goto("/labels/jobs")
    expect(of(page, tube)).to_contain_text("waiting")

    of(page, tube).locator("summary").click()
    of(page, tube).locator("select").select_option("bench-1")
    of(page, tube).get_by_role("button", name="Print it there").click()
    expect(page.locator("#printers")).to_contain_text("The printer is open.")  # it comes by itself
    expect(of(page, tube)).to_contain_text("The printer is open.")
    assert failing.labels == []

    page.goto("/labels/jobs?printer=bench-1")
    of(page, tube).locator("summary").click()
    of(page, tube).locator("select").select_option("bench-2")
    of(page, tube).get_by_role("button", name="Print it there").click()
    page.goto("/labels/jobs")
    expect(of(page, tube)).to_contain_text("sent to the printer")
    assert len(other.labels) == 1
    assert tube.encode() in other.labels[0] or b"^BC" in other.labels[0]


def test_a_label_that_fell_off_is_printed_again_with_a_reason_and_its_mark(desk, bank, printers):
    _failing, other = printers
    tube = bank.draw(bank.consenting_patient())
    page = desk("technician")
    page.goto(f"/samples/{tube}")
    page.locator("#content").get_by_role("link", name="Label", exact=False).first.click()
    page.get_by_role("button", name="Print", exact=True).click()
    expect(page.get_by_role("heading", name="Print it again")).to_be_visible()

    page.get_by_role("button", name="Print again").click()  # the browser asks for the reason itself
    expect(page.get_by_label("Why")).to_be_focused()
    page.get_by_label("Why").fill("Label fell off")
    page.get_by_role("button", name="Print again").click()

    expect(page.locator(".jobs")).to_contain_text("R1")
    expect(page.locator(".jobs")).to_contain_text("Label fell off")
    assert other.labels == []


def test_without_script_the_queue_is_worked_all_the_same(desk, bank):
    tube = bank.draw(bank.consenting_patient())
    page = desk("technician", java_script_enabled=False)
    page.goto(f"/labels/of/{tube}")
    page.get_by_role("button", name="Print", exact=True).click()
    page.goto("/labels/jobs?state=waiting")
    of(page, tube).get_by_role("button", name="Not wanted").click()
    expect(page.locator("#jobs")).not_to_contain_text(tube)
