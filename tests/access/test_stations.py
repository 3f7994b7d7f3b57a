"""Stations and badges: set up by who may, chosen by a browser, and no way in."""

import pytest

from biobank.access import badges, stations
from biobank.core.accession import parse_number
from biobank.core.db import unit_of_work
from biobank.core.errors import Malformed
from tests import people


@pytest.fixture
def manager(app):
    return people.api(app, "manager")


def test_a_station_gets_a_number_of_its_own_which_is_no_command(manager):
    first = manager.post("/stations", {"name": "Reception bench"}).json
    second = manager.post("/stations", {"name": "Cold room", "prefix": "~", "printer": "zebra-1"}).json

    assert [parse_number(each["code"]) for each in (first, second)] == [("J", 900_000), ("J", 900_001)]
    assert (second["prefix"], second["suffix"], second["printer"], second["site"]) == (
        "~",
        "",
        "zebra-1",
        "IPC",
    )
    assert [each["name"] for each in manager.get("/stations").json["items"]] == [
        "Cold room",
        "Reception bench",
    ]


def test_a_station_is_changed_and_its_number_stays(manager):
    made = manager.post("/stations", {"name": "Bench"}).json

    answer = manager.put(f"/stations/{made['code']}", {"name": "Bench 2", "suffix": "#"})

    assert answer.json == made | {"name": "Bench 2", "suffix": "#"}


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "Bench", "prefix": "ABC"}, "prefix"),
        ({"name": "Bench", "prefix": "~" * 21}, "prefix"),
        ({"name": "Bench", "suffix": "\x1d"}, "suffix"),
        ({"name": "Bench", "suffix": " #"}, "suffix"),
        ({"name": "Bench", "printer": "p" * 41}, "printer"),
        ({}, "name"),
    ],
)
def test_a_bad_field_of_a_station_is_named(manager, told, field):
    answer = manager.post("/stations", told)

    assert answer.status_code == 422
    assert field in answer.json["errors"]


def test_a_technician_chooses_a_station_and_sets_none_up(app, manager):
    code = manager.post("/stations", {"name": "Bench"}).json["code"]
    assert people.api(app, "technician").post("/stations", {"name": "Mine"}).status_code == 403
    assert people.browser(app, "technician").post("/stations", {"name": "Mine"}).status_code == 403

    page = people.browser(app, "technician")
    assert page.post(f"/stations/{code}/here").status_code == 303

    assert "This computer is Bench." in page.get("/stations").text
    assert "This computer is Bench." in page.get(f"/scan?raw={code}").text


def test_the_station_stays_when_somebody_else_signs_in_and_goes_when_told(app, manager):
    code = manager.post("/stations", {"name": "Bench"}).json["code"]
    page = people.browser(app, "technician")
    page.post(f"/stations/{code}/here")
    page.post("/sign-out")
    assert page.client.get_cookie("biobank_station") is not None

    page = people.browser(app, "technician")
    page.post(f"/stations/{code}/here")
    page.post("/stations/nowhere")
    assert "This computer is Bench." not in page.get("/stations").text


@pytest.mark.parametrize("cookie", ["", "J90000009", "rubbish.signature", "x" * 4000])
def test_a_forged_station_is_none(app, manager, cookie):
    manager.post("/stations", {"name": "Bench"})
    page = people.browser(app, "technician")
    page.client.set_cookie("biobank_station", cookie)

    assert "This computer is Bench." not in page.get("/stations").text


def test_the_station_of_another_site_is_unknown(app, manager):
    code = manager.post("/stations", {"name": "Bench"}).json["code"]
    lyon = people.browser(app, "technician", site_code="LYON")

    assert lyon.post(f"/stations/{code}/here").status_code == 404
    assert code not in lyon.get("/stations").text


def test_the_page_sets_stations_up_and_shows_what_was_wrong(app):
    page = people.browser(app, "manager")

    assert page.post("/stations", {"name": "Bench", "prefix": "ABC"}).status_code == 422
    assert page.post("/stations", {"name": "Bench", "prefix": "~"}).status_code == 303
    shown = page.get("/stations").text
    assert "Bench" in shown
    assert "/card.pdf" in shown


# --- badges


@pytest.fixture
def colleague(app):
    with app.app_context():
        return people.user("technician", name="camille", password="a long walk to the freezer").name


def test_a_badge_says_who_it_is_and_a_new_one_voids_the_old(app, manager, colleague):
    old = manager.post(f"/people/{colleague}/badges").json["badge"]
    new = manager.post(f"/people/{colleague}/badges").json["badge"]

    assert parse_number(new)[0] == "N"
    assert manager.get(f"/scan?raw={new}").json["card"]["name"] == "camille"
    assert manager.get(f"/scan?raw={old}").json["code"] == "code_voided"


def test_a_badge_leads_to_the_sign_in_page_with_the_name_filled_in_and_no_further(app, manager, colleague):
    badge = manager.post(f"/people/{colleague}/badges").json["badge"]
    page = people.browser(app, "technician")
    shown = page.get(f"/scan?raw={badge}").text
    assert "camille" in shown
    assert 'action="/switch"' in shown

    answer = page.post("/switch", {"badge": badge})

    assert (answer.status_code, answer.location) == (303, "/sign-in")
    door = page.get("/sign-in").text
    assert 'value="camille"' in door
    assert page.get("/stations").status_code == 302  # nobody is signed in
    page.post("/sign-in", {"username": "camille", "password": "a long walk to the freezer"})
    assert page.get("/stations").status_code == 200


def test_a_badge_scanned_at_the_door_stands_for_the_name_but_not_for_the_password(app, manager, colleague):
    badge = manager.post(f"/people/{colleague}/badges").json["badge"]
    page = people.Browser(app)

    assert page.post("/sign-in", {"username": badge, "password": ""}).status_code == 401
    assert page.post("/sign-in", {"username": badge, "password": "wrong wrong wrong"}).status_code == 401
    page.post("/sign-in", {"username": badge, "password": "a long walk to the freezer"})
    assert page.get("/stations").status_code == 200


def test_the_door_does_not_say_whose_badge_it_is(app, manager, colleague):
    badge = manager.post(f"/people/{colleague}/badges").json["badge"]

    shown = people.Browser(app).post("/sign-in", {"username": badge, "password": "wrong wrong wrong"}).text

    assert "camille" not in shown


def test_a_badge_that_nobody_carries_switches_nobody(app):
    assert people.browser(app, "technician").post("/switch", {"badge": "N00000112"}).status_code == 404


def test_who_belongs_to_no_site_gets_a_badge_of_the_site_named(app_context):
    somebody = people.user("administrator", site_code=None)

    with pytest.raises(Malformed):
        unit_of_work(lambda: badges.issue_badge(user=somebody, by=people.TESTS))

    site = people.site("IPC")
    number = unit_of_work(lambda: badges.issue_badge(user=somebody, site=site, by=people.TESTS))
    assert badges.holder_of(number, people.TESTS).id == somebody.id


@pytest.mark.parametrize("what", ["card", "badge"])
def test_cards_and_badges_are_printed(app, manager, colleague, what):
    page = people.browser(app, "manager")
    if what == "card":
        code = manager.post("/stations", {"name": "Bench"}).json["code"]
        answer = page.get(f"/stations/{code}/card.pdf")
    else:
        assert page.get(f"/people/{colleague}/badge.pdf").status_code == 404
        page.post(f"/people/{colleague}/badge")
        answer = page.get(f"/people/{colleague}/badge.pdf")

    assert (answer.status_code, answer.content_type) == (200, "application/pdf")


def test_the_settings_say_what_a_scanner_adds_where_no_station_does(app):
    app.config["BIOBANK"]["scanner"] = {"prefix": "~", "suffix": ""}
    with app.app_context():
        site = people.site("IPC")
        code = unit_of_work(lambda: stations.make_station(site=site, name="Bench", by=people.TESTS)).code
    api = people.api(app, "technician")

    assert api.get(f"/scan?raw=~{code}").json["code"] == code
    at_bench = api.get(f"/scan?raw=~{code}", headers=api.headers | {"X-Station": code})
    assert at_bench.status_code == 404  # this station adds nothing
