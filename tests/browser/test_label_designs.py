"""How labels look, said in the browser: the picture follows what is typed, and what was kept is what is printed."""

import pytest
from playwright.sync_api import expect

from tests.browser.hands import scan
from tests.test_journey import ok

pytestmark = pytest.mark.browser

#: Is the picture another one than that?
OTHER = "before => document.querySelector('#preview .label-picture').getAttribute('href') !== before"


@pytest.fixture
def tube(bank):
    return bank.draw(bank.consenting_patient())


def drawing(page) -> str:
    return page.locator("#preview .label-picture").get_attribute("href")


def test_the_picture_follows_what_is_typed_and_names_the_field_that_went_wrong(desk, tube):
    page = desk("manager")
    page.goto("/labels/designs/tube")
    text = page.get_by_label("The design, as TOML")
    shipped, before = text.input_value(), drawing(page)
    expect(page.locator("#preview")).to_contain_text("Everything fits")

    text.fill(shipped.replace('value = "{type}  {amount}"', 'value = "OURS {type} {type} {type}"'))
    expect(page.locator("#preview .wrongs")).to_contain_text("field 3 (text)")
    expect(page.locator("#preview .label-frame")).to_have_count(1)
    expect(text).to_be_focused()
    assert drawing(page) != before

    text.fill(shipped.replace("dpi = 300", "dpi = 300\nmargin = 3"))
    expect(page.locator("#preview")).to_contain_text("margin means nothing here")
    text.fill("[stock")
    expect(page.locator("#preview")).to_contain_text("This is not TOML")
    expect(page.locator("#preview .label-picture")).to_have_count(0)


def test_a_design_is_tried_with_the_tube_that_is_scanned_and_at_each_resolution(desk, tube):
    page = desk("manager")
    page.goto("/labels/designs/tube")
    long = drawing(page)

    page.get_by_label("the shortest").check()
    page.wait_for_function(OTHER, arg=long)
    short = drawing(page)
    page.get_by_label("those of the code below").check()
    page.locator("#field-code").focus()
    scan(page, tube)
    page.wait_for_function(OTHER, arg=short)
    expect(page.locator("#field-code")).to_have_value(tube)
    assert page.url.endswith("/labels/designs/tube")

    page.get_by_label("Dots per inch").select_option("600")
    expect(page.locator("#preview")).to_contain_text("600 dpi")


def test_what_was_kept_is_printed_and_is_taken_back_to_the_shipped_one(desk, bank, tube):
    page = desk("manager")
    page.goto("/labels/designs/tube")
    text = page.get_by_label("The design, as TOML")
    text.fill(text.input_value().replace('value = "{type}  {amount}"', 'value = "OURS {type}"'))
    page.get_by_role("button", name="Keep as a new version").click()
    expect(page.get_by_text("Labels look like this from now on")).to_be_visible()
    assert "OURS" in bank.technician.get(f"/labels/{tube}.svg").text

    page.get_by_role("button", name="Back to the shipped one").click()
    expect(page.get_by_text("tube, as shipped", exact=True)).to_be_visible()
    assert "OURS" not in bank.technician.get(f"/labels/{tube}.svg").text
    page.get_by_role("button", name="Back to this one").click()
    expect(page.get_by_text("version 3 of the site")).to_be_visible()
    page.get_by_role("button", name="Back to the shipped one").click()


def test_without_script_a_button_shows_the_same(desk):
    page = desk("manager", java_script_enabled=False)
    page.goto("/labels/designs/tube")
    text = page.get_by_label("The design, as TOML")
    text.fill(text.input_value().replace("height_mm = 7.5", "height_mm = 4.5"))
    expect(page.locator("#preview")).to_contain_text("Everything fits")

    page.get_by_role("button", name="Look at it").click()

    expect(page.locator("#preview")).to_contain_text("4.5 mm of bars")
    expect(page.get_by_label("The design, as TOML")).to_have_value(text.input_value())


def test_many_labels_are_scanned_and_begin_on_the_cell_that_is_chosen(desk, bank):
    tubes = [bank.draw(bank.consenting_patient()) for _ in range(2)]
    page = desk("technician")
    page.goto("/labels/sheet")
    for number, tube in enumerate(tubes, 1):
        scan(page, tube)
        expect(page.locator(".label-groups > li")).to_have_count(number)
    page.get_by_label("Design").select_option("sheet-65")
    page.get_by_role("button", name="Show").last.click()
    page.get_by_label("Label 7: row 2, column 2").check(force=True)
    with Answer(page) as answer:
        page.get_by_role("button", name="Print", exact=True).click()

    assert answer.address.endswith(".sheet?start=7")
    assert ok(bank.technician.get("/labels/jobs"))["items"][0]["state"] == "shown"


class Answer:
    """Where a form led: a PDF is shown or saved, as the browser likes."""

    def __init__(self, page):
        self.page, self.address = page, ""

    def __enter__(self):
        self.page.on("request", self._note)
        return self

    def _note(self, request):
        if "/labels/sheets/" in request.url:
            self.address = request.url

    def __exit__(self, *_error):
        for _ in range(100):
            if self.address:
                return
            self.page.wait_for_timeout(100)
