"""Label jobs and checks over the API and on their pages; the sheet that a browser prints."""

import re

import pytest

from labels import load, names
from tests import people
from tests.conftest import ROOT
from tests.factories import SampleFactory
from tests.reading import visible


def words(page):
    """Everything that is read on a page, as one text."""
    return " ".join(visible(page))


@pytest.fixture
def tubes(app):
    with app.app_context():
        return [SampleFactory().code for _ in range(2)]


def test_labels_are_asked_for_reprinted_and_cancelled_over_the_api(app, tubes):
    api = people.api(app, "technician")
    ordered = api.post("/labels/jobs", {"codes": tubes})
    assert (ordered.status_code, [job["code"] for job in ordered.json["items"]]) == (201, tubes)
    assert api.post("/labels/jobs", {"codes": tubes}).json == ordered.json

    again = api.post("/labels/reprints", {"code": tubes[0], "reason": "torn"}).json
    assert (again["reprint"], again["state"]) == (1, "waiting")
    assert api.post(f"/labels/jobs/{again['id']}/cancel").json["state"] == "cancelled"
    assert api.post(f"/labels/jobs/{again['id']}/send-again").json["code"] == "label_job_over"
    assert [job["code"] for job in api.get("/labels/jobs?state=waiting").json["items"]] == tubes[::-1]


def test_what_the_api_of_labels_refuses(app, tubes):
    api = people.api(app, "technician")
    for path, body, status in (
        ("/labels/jobs", {"codes": []}, 422),
        ("/labels/jobs", {"codes": ["T99999949"]}, 404),
        ("/labels/jobs", {"codes": tubes, "copies": 0}, 422),
        ("/labels/reprints", {"code": tubes[0], "reason": ""}, 422),
        ("/labels/reprints", {"code": tubes[0]}, 422),
        ("/labels/jobs/999999/cancel", None, 404),
    ):
        assert api.post(path, body).status_code == status, path
    assert api.get("/labels/jobs").json["items"] == []


def test_the_label_on_a_tube_is_verified_over_the_api(app, tubes):
    api = people.api(app, "technician")
    wrong = api.post(f"/samples/{tubes[0]}/label-checks", {"read": tubes[1]})
    assert (wrong.status_code, wrong.json["code"]) == (409, "label_mismatch")
    assert tubes[0] in wrong.json["detail"]
    assert tubes[1] in wrong.json["detail"]

    assert api.post(f"/samples/{tubes[0]}/label-checks", {"read": tubes[0]}).json["matched"] is True
    assert [each["matched"] for each in api.get(f"/samples/{tubes[0]}/label-checks").json["items"]] == [
        True,
        False,
    ]


def test_the_browser_is_given_each_label_once(app, tubes):
    browser = people.browser(app, "technician")
    for tube in tubes:
        browser.post("/labels/reprints", {"code": tube, "reason": "torn"})
    assert "Print 2 labels here" in words(browser.get("/labels/jobs").text)

    sheet = browser.post("/labels/jobs/show").headers["Location"]
    shown = browser.get(sheet).text
    for tube in tubes:
        assert f"/labels/{tube}.svg?reprint=1" in shown
    assert "labels here" not in words(browser.get("/labels/jobs").text)
    assert browser.post("/labels/jobs/show").headers["Location"].endswith("/labels/jobs")


def test_a_sheet_of_any_codes_may_be_printed(app, tubes):
    browser = people.browser(app, "technician")
    shown = browser.get(f"/labels/print?codes={tubes[0]},{tubes[1]}").text

    assert shown.count('class="label-tube"') == 2
    assert "data-print" in shown
    for wrong, status in (
        ("", 422),
        ("?codes=", 422),
        ("?codes=T99999949", 404),
        ("?jobs=1,x,99999999999", 422),
    ):
        assert browser.get(f"/labels/print{wrong}").status_code == status


def test_each_stock_has_a_page_of_its_size():
    css = (ROOT / "biobank" / "web" / "static" / "print.css").read_text(encoding="utf-8")
    sizes = dict(re.findall(r"@page (\w+) \{ size: ([\d.]+mm [\d.]+mm)", css))

    assert sizes == {
        name: f"{load(name).stock.width_mm:g}mm {load(name).stock.height_mm:g}mm" for name in names()
    }


def test_the_page_turns_red_where_the_wrong_label_was_stuck(app, tubes):
    browser = people.browser(app, "technician")
    page = f"/samples/{tubes[0]}/verify"
    assert "Nobody has scanned" in words(browser.get(page).text)

    wrong = browser.post(page, {"raw": tubes[1]})
    assert wrong.status_code == 409
    assert "Label read: another one" in words(wrong.text)
    assert browser.post(page, {"raw": f"{tubes[0]}\r\n"}).status_code == 303
    assert "is the right one" in words(browser.get(page).text)


def test_the_list_sends_again_and_cancels(app, tubes):
    browser = people.browser(app, "technician")
    api = people.api(app, "technician")
    job = api.post("/labels/jobs", {"codes": tubes[:1]}).json["items"][0]["id"]

    assert browser.post(f"/labels/jobs/{job}/send-again").status_code == 303
    assert browser.post(f"/labels/jobs/{job}/cancel").status_code == 303
    assert browser.post(f"/labels/jobs/{job}/cancel").status_code == 409
    refused = browser.post("/labels/reprints", {"code": tubes[0], "reason": ""})
    assert (refused.status_code, tubes[0] in refused.text) == (422, True)
