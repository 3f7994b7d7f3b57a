"""The door."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD
from tests.browser.hands import sign_in

pytestmark = pytest.mark.browser


def test_a_wrong_password_is_refused_and_the_name_is_kept(open_page, live_server):
    page = open_page()

    sign_in(page, live_server, "technician", "not the password")

    expect(page.get_by_role("alert")).to_contain_text("do not fit together")
    expect(page.get_by_label("User name")).to_have_value("technician")
    expect(page.get_by_label("Password")).to_be_focused()


def test_the_right_one_leads_home_where_the_scan_field_waits(open_page, live_server):
    page = open_page()

    sign_in(page, live_server, "technician", PASSWORD)

    expect(page.get_by_role("heading", name="Scan anything")).to_be_visible()
    expect(page.locator("#content [data-scan]")).to_be_focused()


def test_who_signs_out_is_asked_again(open_page, live_server):
    page = open_page()
    sign_in(page, live_server, "technician", PASSWORD)

    page.locator("details.menu summary").last.click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/samples")

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
