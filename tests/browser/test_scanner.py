"""What scanners of every kind send, key by key: none is lost, none is doubled, and no hand is taken for one."""

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import new_box
from tests.browser.hands import TRIES, scan
from tests.browser.test_scanning import card
from tests.test_journey import ok

pytestmark = pytest.mark.browser

#: Milliseconds between two characters of a slow Bluetooth scanner.
BLUETOOTH_MS = 130
#: Less than the two seconds within which the same code is one scan.
TWICE_MS = 1800
#: Longer than one scan lasts, and shorter than two seconds.
STALL_MS = 600


@pytest.fixture(scope="session")
def tubes(bank):
    tube = bank.draw(bank.consenting_patient())
    return [tube, *bank.aliquot(tube)]


def asked(page: Page) -> list[str]:
    """Addresses of the scans that the page sent."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url) if "/scan?" in request.url else None)
    return urls


# --- nothing is lost


@pytest.mark.parametrize("stall", [250, STALL_MS])
def test_a_scanner_that_stalls_in_the_scan_field_loses_nothing(desk, tubes, stall):
    page = desk("technician")
    page.goto("/")

    page.keyboard.type(tubes[0][:4])
    page.wait_for_timeout(stall)
    page.keyboard.type(tubes[0][4:])
    page.keyboard.press("Enter")

    expect(card(page)).to_have_text(tubes[0])


def test_a_code_typed_by_hand_into_the_scan_field_is_looked_up_whole(desk, tubes):
    page = desk("technician")
    page.goto("/")

    page.keyboard.type(tubes[0], delay=230)
    page.keyboard.press("Enter")

    expect(card(page)).to_have_text(tubes[0])


def test_what_was_left_in_the_scan_field_long_ago_is_no_part_of_the_next_scan(desk, tubes):
    page = desk("technician")
    page.goto("/")
    page.keyboard.type("T0", delay=230)
    page.wait_for_timeout(2300)

    scan(page, tubes[0])

    expect(card(page)).to_have_text(tubes[0])


@pytest.mark.parametrize("ending", ["Enter", "Tab"])
@pytest.mark.parametrize("where", ["link", "field", "scan field"])
def test_a_slow_bluetooth_scanner_is_heard_wherever_the_focus_is(desk, tubes, where, ending):
    page = desk("technician")
    page.goto("/samples/new" if where == "field" else f"/samples/{tubes[0]}")
    if where == "field":
        page.get_by_label("Visit").fill("week 4")
    elif where == "link":
        page.get_by_role("link", name="Aliquot").focus()
    else:
        page.locator("header [data-scan]").focus()

    scan(page, tubes[1], ends_with=ending, delay=BLUETOOTH_MS)

    expect(card(page)).to_have_text(tubes[1])


def test_a_hand_that_types_into_another_field_is_left_alone(desk):
    page = desk("technician")
    page.goto("/samples/new")
    urls = asked(page)
    visit = page.get_by_label("Visit")
    visit.focus()

    for text in ("week 12", "visite2024", "0612345678"):
        visit.fill("")
        page.keyboard.type(text, delay=BLUETOOTH_MS)
        page.keyboard.press("Tab")
        expect(visit).to_have_value(text)
        visit.focus()

    assert urls == []


# --- endings


def test_a_scanner_that_ends_with_nothing_is_heard_by_its_silence(desk, tubes):
    page = desk("technician")
    page.goto(f"/samples/{tubes[0]}")
    page.get_by_role("link", name="Aliquot").focus()

    page.keyboard.type(tubes[1])

    expect(card(page)).to_have_text(tubes[1])


def test_a_makers_code_without_an_ending_is_heard_too_and_a_short_text_is_not(desk, bank):
    page = desk("technician")
    page.goto("/")
    urls = asked(page)

    page.keyboard.type("AB12")
    page.wait_for_timeout(1200)
    assert urls == []
    page.locator("#content [data-scan]").fill("")
    page.keyboard.type("FX05653999")

    expect(page.get_by_role("alert")).to_contain_text("FX05653999")


@pytest.mark.parametrize("pace", [1, 30, 100])
def test_without_an_ending_a_scanner_is_heard_at_any_pace(desk, tubes, pace):
    page = desk("technician")
    page.goto("/")

    page.keyboard.type(tubes[1], delay=pace)

    expect(card(page)).to_have_text(tubes[1])


def test_a_hand_that_stops_in_the_scan_field_has_not_ended(desk, tubes):
    page = desk("technician")
    page.goto("/")
    urls = asked(page)

    for number, key in enumerate("FX05653999"):
        page.keyboard.press(key)
        page.wait_for_timeout(70 if number % 3 else 260)
    page.wait_for_timeout(1200)

    assert urls == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("FX05653999")


def test_a_tab_that_ends_a_scan_leaves_the_focus_where_it_is(desk, tubes):
    page = desk("technician")
    page.goto("/station")

    scan(page, tubes[0], ends_with="Tab")

    expect(page.locator("#station")).to_have_attribute("data-waiting", "0")
    expect(page.locator("#content [data-scan]")).to_be_focused()


def test_a_line_feed_after_the_return_opens_nothing(desk, tubes):
    page = desk("technician")
    page.goto("/")
    page.evaluate(
        "addEventListener('keydown', (event) => { window.lineFeed = event.ctrlKey && event.defaultPrevented; })"
    )

    scan(page, tubes[0])
    page.keyboard.press("Control+j")

    expect(card(page)).to_have_text(tubes[0])
    assert page.evaluate("window.lineFeed") is True


def test_a_line_feed_alone_ends_a_scan(desk, tubes):
    page = desk("technician")
    page.goto("/")

    scan(page, tubes[0], ends_with="Control+j")

    expect(card(page)).to_have_text(tubes[0])


def test_function_keys_are_nobodys_scan(desk):
    page = desk("technician")
    page.goto("/")
    page.evaluate("addEventListener('keydown', (event) => { window.taken = event.defaultPrevented; })")

    page.keyboard.press("F2")

    assert page.evaluate("window.taken") is False


# --- GS1


@pytest.mark.parametrize("key", ["Control+]", "Control+BracketRight"])
def test_the_separators_of_a_reagents_label_arrive_as_keys(desk, key):
    page = desk("technician")
    page.goto("/")
    urls = asked(page)

    page.keyboard.type("]d2010345312000001110AB-9")
    page.keyboard.press(key)
    page.keyboard.type("21XY7")
    page.keyboard.press("Enter")

    expect(card(page)).to_have_text("03453120000011")
    expect(page.locator("#content")).to_contain_text("AB-9")
    expect(page.locator("#content")).to_contain_text("XY7")
    assert quote("\x1d") in urls[0]


# --- twice, and two at once


def test_two_readers_at_the_same_tube_are_one_scan_and_it_is_said(desk, tubes):
    page = desk("technician")
    for _try in range(TRIES):  # a busy machine may play the second one too late
        page.goto("/")
        urls = asked(page)
        began = page.evaluate("performance.now()")
        scan(page, tubes[0])
        scan(page, tubes[0])
        if page.evaluate("performance.now()") - began < TWICE_MS:
            break

    expect(page.locator("body")).to_have_attribute("data-told", "Already read: the same scan came twice.")
    expect(card(page)).to_have_text(tubes[0])
    assert len(urls) == 1


def test_two_readers_one_after_the_other_are_two_scans_in_their_order(desk, tubes):
    page = desk("technician")
    page.goto("/")
    urls = asked(page)

    for tube in tubes[:2]:
        page.keyboard.type(tube)
        page.keyboard.press("Enter")

    expect(card(page)).to_have_text(tubes[1])
    assert [url.split("raw=")[1].split("&")[0] for url in urls] == tubes[:2]


# --- Enter


def test_enter_alone_does_the_likeliest_act_of_the_card(desk, bank, tubes):
    box = new_box(bank)
    ok(bank.technician.put(f"/containers/{box}/positions/A1", {"sample": tubes[2]}))
    page = desk("technician")
    page.goto("/")
    scan(page, box)
    expect(card(page)).to_have_text(box)
    page.wait_for_timeout(700)

    page.keyboard.press("Enter")

    page.wait_for_url(f"**/containers/{box}")


def test_a_scan_replaces_the_card_and_its_second_return_does_nothing(desk, bank, tubes):
    box = new_box(bank)
    page = desk("technician")
    page.goto("/")
    scan(page, box)
    expect(card(page)).to_have_text(box)

    scan(page, tubes[0])
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")

    expect(card(page)).to_have_text(tubes[0])
    assert "/containers/" not in page.url


def test_enter_on_an_empty_page_does_nothing(desk):
    page = desk("technician")
    page.goto("/")

    page.keyboard.press("Enter")

    assert page.url.endswith("/")


# --- the unknown, and the badly set


def test_an_unknown_code_waits_in_a_list_and_the_next_scan_goes_on(desk, tubes):
    page = desk("technician")
    page.goto("/")
    scan(page, "NOBODYS-1")
    expect(page.get_by_role("alert")).to_contain_text("NOBODYS-1")
    scan(page, tubes[0])
    expect(card(page)).to_have_text(tubes[0])

    page.goto("/")
    page.get_by_role("link", name="Not recognised").click()
    row = page.get_by_role("row", name="NOBODYS-1")
    row.get_by_label("Code of what").fill(tubes[0])
    row.get_by_role("button", name="It was that").click()

    expect(page.get_by_role("row", name="NOBODYS-1")).to_have_count(0)


def test_a_scanner_set_to_a_us_keyboard_is_understood_and_it_is_said(desk, tubes):
    page = desk("technician")
    page.goto("/")
    keys = str.maketrans("0123456789", "à&é\"'(-è_ç")

    page.keyboard.type(tubes[0].translate(keys))
    page.keyboard.press("Enter")

    expect(card(page)).to_have_text(tubes[0])
    expect(page.locator("#content")).to_contain_text("set to a US keyboard")


def test_the_station_test_names_what_is_wrong(desk):
    page = desk("technician")
    page.goto("/station/test")

    page.keyboard.type("B10K-AQWZM-az0123456789")

    expect(page.get_by_role("alert")).to_contain_text("ends a code with nothing")
    scan(page, "]C0B10K-AQWZM-az0123456789")
    expect(page.get_by_role("alert")).to_contain_text("identifier (]C0)")
