"""What holds of each page: readable for everybody (axe, light and dark), as wide as the window, in French too."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, USUAL, listen
from tests.browser.hands import sign_in
from tests.browser.readable import complaints
from tests.test_journey import ok

pytestmark = pytest.mark.browser

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 780}

PAGES = [
    ("technician", "/"),
    ("technician", "/scan?raw={tube}"),
    ("technician", "/scan?raw=HELLO-WORLD"),
    ("technician", "/scan?raw={box}"),
    ("technician", "/scan?raw={box}P07"),
    ("technician", "/scan?raw=J00000596"),
    ("technician", "/scan?raw=%5Dd201034531200000111720010110LOT7"),
    ("technician", "/scan/not-recognised"),
    ("technician", "/stations"),
    ("technician", "/station/test"),
    ("technician", "/samples"),
    ("technician", "/samples/new"),
    ("technician", "/samples/{tube}"),
    ("technician", "/samples/{withdrawn}"),
    ("technician", "/samples/{tube}/aliquot"),
    ("technician", "/samples/{tube}/derive"),
    ("technician", "/samples/{tube}/hold"),
    ("technician", "/samples/{tube}/place"),
    ("technician", "/samples/{tube}/discard"),
    ("technician", "/patients"),
    ("technician", "/patients/new"),
    ("technician", "/patients/{patient}"),
    ("technician", "/patients/{patient}/consents"),
    ("technician", "/patients/{patient}/consents/new"),
    ("technician", "/patients/{patient}/status"),
    ("technician", "/patients/{patient}/withdrawals/new"),
    ("technician", "/containers"),
    ("technician", "/containers/{box}"),
    ("technician", "/containers/{freezer}"),
    ("technician", "/requests/{request}/fetch"),
    ("technician", "/labels/jobs"),
    ("technician", "/labels/of/{tube}"),
    ("technician", "/labels/sheet?codes={tube},{asked}&design=sheet-65"),
    ("manager", "/stations"),
    ("manager", "/labels/designs"),
    ("manager", "/labels/designs/tube"),
    ("manager", "/labels/designs/new?like=vial"),
    ("manager", "/samples/{tube}/correct"),
    ("manager", "/pools/new"),
    ("manager", "/containers/new"),
    ("manager", "/requests"),
    ("manager", "/requests/{request}"),
    ("manager", "/requests/{sent}"),
    ("manager", "/studies"),
    ("manager", "/studies/new"),
    ("manager", "/consent-forms"),
    ("manager", "/consent-forms/new"),
    ("manager", "/consent-forms/MAIN/1"),
    ("manager", "/consent-forms/new?like=MAIN&version=1"),
    ("manager", "/studies/{study}"),
    ("manager", "/consent/rules"),
    ("manager", "/decisions?sample={asked}"),
    ("manager", "/decisions/{decision}"),
    ("manager", "/reports/throughput"),
    ("manager", "/audit"),
    ("manager", "/account"),
    ("manager", "/nothing-here"),
    ("researcher", "/"),
    ("researcher", "/requests/mine"),
    ("researcher", "/requests/new"),
    ("administrator", "/people"),
]


@pytest.fixture(scope="session")
def codes(bank) -> dict[str, str]:
    """A bank in which every page has something to show."""
    patient, gone = bank.consenting_patient(), bank.consenting_patient()
    tube, withdrawn = bank.draw(patient), bank.draw(gone)
    first, second = bank.aliquot(tube)
    bank.store(first, "B1")
    bank.store(withdrawn, "B2")
    bank.store(second, "B3")
    bank.withdraw(gone)
    request = bank.ask_for(first)
    bank.approve(request)
    sent = bank.ask_for(second, withdrawn)
    return {
        "patient": patient, "tube": tube, "withdrawn": withdrawn, "request": request, "sent": sent, "asked": first,
        "study": ok(bank.manager.get("/studies"))["items"][0]["code"],
        "decision": ok(bank.manager.get(f"/samples/{first}/decisions"))["items"][0]["id"],
        "box": bank.box, "freezer": bank.sample(first)["position"]["path"][0]["code"],
    }  # fmt: skip


@pytest.fixture(scope="session")
def seat(bank, live_server, browser: Browser) -> Callable[[str], Page]:
    """The page of somebody who signs in once and looks at one page after the other."""
    pages: dict[str, Page] = {}

    def of(role: str) -> Page:
        if role not in pages:
            pages[role] = browser.new_context(**USUAL, base_url=live_server).new_page()
            sign_in(pages[role], live_server, role, PASSWORD)
        return pages[role]

    return of


@pytest.mark.parametrize(("role", "path"), PAGES, ids=lambda value: value)
def test_a_page_is_readable_for_everybody_in_light_and_dark_and_on_a_phone(seat, codes, role, path):
    page, said = seat(role), []
    listen(page, said)
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme="light")
    page.goto(path.format(**codes))
    expect(page.locator("#content h1")).to_have_count(1)

    light = complaints(page)
    page.emulate_media(color_scheme="dark")
    dark = complaints(page, "color-contrast")
    page.set_viewport_size(PHONE)
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert (light, dark, too_wide, said) == ([], [], 0, [])


def test_the_door_is_readable_for_everybody(open_page):
    page = open_page()
    page.goto("/sign-in")
    assert complaints(page) == []


def test_the_figures_are_on_the_page_of_figures(desk, codes):
    page = desk("manager")
    page.goto("/reports/throughput")
    expect(page.get_by_role("heading", level=1)).to_have_text("Samples treated and stored")
    expect(page.locator(".figures").first).to_contain_text("Samples treated")
    expect(page.locator("figure svg").first).to_be_visible()


def test_the_pages_speak_french(desk, codes):
    page = desk("technician", locale="fr-FR")
    page.goto(f"/samples/{codes['tube']}?lang=fr")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator(".band")).to_contain_text("onsentement")
    expect(page.get_by_role("navigation").first).to_contain_text("Échantillons")

    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "fr")

    page.goto("/?lang=en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
