"""The test of a scanner, key by key: each fault is named, and the bar code that mends it is read off the screen."""

import io

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from biobank.bench.station_test import GS1_SENT, TEST_CODE
from biobank.core.gs1 import SEPARATOR
from biobank.core.readings import FRENCH_TO_US, US_TO_FRENCH
from tests.browser.hands import scan
from tests.browser.readable import complaints

pytestmark = pytest.mark.browser


def read_off(page: Page) -> list[str]:
    """What a scanner held before the screen reads off the setting bar codes, each of which must set it."""
    found = []
    for figure in page.locator(".symbol-setting").all():
        if figure.is_visible():
            image = Image.open(io.BytesIO(figure.screenshot()))
            (code,) = zxingcpp.read_barcodes(image, text_mode=zxingcpp.TextMode.Plain)
            assert (code.extra or {}).get("ReaderInit") is True
            found.append(code.text)
    return found


@pytest.mark.parametrize(
    ("typed", "ends_with", "named", "maker", "mended_by"),
    [
        (TEST_CODE.translate(US_TO_FRENCH), "Enter", "set to a US keyboard", "Datalogic",
         ["$P\r", "$CKBCO04\r", "$P\r"]),
        (TEST_CODE.translate(FRENCH_TO_US), "Enter", "set to a French keyboard", "Honeywell",
         ["~KBDCTY.", "~K0K.", "~MNUSAV."]),
        (TEST_CODE.swapcase(), "Enter", "Caps Lock is on", "Zebra, Symbol, Motorola", "Simulated Caps Lock"),
        (TEST_CODE, None, "ends a code with nothing", "Honeywell", ["~VSUFCR."]),
        (f"]C0{TEST_CODE}", "Enter", "identifier (]C0)", "Zebra, Symbol, Motorola", ["2051700"]),
        (GS1_SENT.replace(SEPARATOR, ""), "Enter", "swallows what ends a field", "Datalogic",
         ["$P\r", "$CKBSC00\r", "$P\r"]),
    ],
    ids=["keyboard", "other-keyboard", "caps-lock", "no-suffix", "aim", "fnc1-lost"],
)  # fmt: skip
def test_each_fault_is_named_and_what_mends_it_is_shown(desk, typed, ends_with, named, maker, mended_by):
    page = desk("technician")
    page.goto("/station/test")

    scan(page, typed, ends_with=ends_with)
    expect(page.get_by_role("alert")).to_contain_text(named)
    page.get_by_role("button", name=maker).click()

    expect(page.get_by_role("button", name=maker)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("alert")).to_contain_text(named)
    if isinstance(mended_by, str):
        expect(page.locator("#content")).to_contain_text(mended_by)
    else:
        assert read_off(page) == mended_by
    assert complaints(page) == []


def test_nobody_has_said_whose_scanner_it_is_and_each_maker_is_folded_away(desk):
    page = desk("technician")
    page.goto("/station/test")
    scan(page, f"~{TEST_CODE}")
    expect(page.get_by_role("alert")).to_contain_text("sends “~” before each code")

    assert read_off(page) == []
    page.get_by_text("Honeywell", exact=True).last.click()

    assert read_off(page) == ["~PRECA2."]
    assert complaints(page) == []
    scan(page, "~PRECA2.")
    expect(page.get_by_role("alert")).to_contain_text("typed a setting bar code")
