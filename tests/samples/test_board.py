"""The board of timers and the API of steps: start, look, end by a scan or by one button."""

from datetime import timedelta

import pytest

from biobank.core import clock
from biobank.core.times import When
from tests import people
from tests.conftest import NOON
from tests.factories import SampleFactory
from tests.procedures.manual import procedure
from tests.reading import visible
from tests.storage.counting import statements


def words(page):
    """Everything that is read on a page, as one text."""
    return " ".join(visible(page))


@pytest.fixture
def bench(app, frozen_clock):
    """(number of the procedure, two tubes drawn ten minutes ago)"""
    with app.app_context():
        drawn = When.exactly(NOON - timedelta(minutes=10))
        return procedure().number, [SampleFactory(collected=drawn).code for _ in range(2)]


def later(minutes):
    return clock.freeze(NOON + timedelta(minutes=minutes))


def begin(api, bench):
    number, tubes = bench
    made = api.post("/steps", {"procedure": number, "step": "spin", "samples": tubes})
    assert made.status_code == 201, made.text
    return made.json


def test_a_step_is_started_seen_and_ended_over_the_api(app, bench):
    api = people.api(app, "technician")
    made = begin(api, bench)

    assert (made["state"], made["limit_at"]) == ("running", "2012-03-14T12:20:00+01:00")
    assert [tube["code"] for tube in made["samples"]] == bench[1]
    with later(18):
        assert api.get("/steps").json["items"][0]["state"] == "look"
    with later(25):
        ended = api.post(f"/steps/{made['batch']}/stop", {}).json
    assert ended["state"] == "over"
    assert [reason["code"] for reason in ended["samples"][0]["outside"]] == ["step_too_long"]
    assert "25 min" in ended["samples"][0]["outside"][0]["text"]
    assert api.get("/steps").json["items"] == []
    assert api.get(f"/samples/{bench[1][0]}/steps").json["items"][0]["batch"] == made["batch"]


def test_what_is_late_is_told_as_it_begins(app, bench):
    api = people.api(app, "technician")
    with later(30):
        made = begin(api, bench)

    assert [[reason["code"] for reason in tube["outside"]] for tube in made["samples"]] == [["step_late"]] * 2


def test_what_the_api_refuses(app, bench):
    api = people.api(app, "technician")
    number, tubes = bench
    batch = begin(api, bench)["batch"]

    def refused(path, body, status, code):
        answer = api.post(path, body)
        assert (answer.status_code, answer.json["code"]) == (status, code), answer.text

    refused("/steps", {"procedure": number, "step": "spin", "samples": tubes}, 409, "step_running")
    refused("/steps", {"procedure": number, "step": "boil", "samples": tubes}, 404, "step_unknown")
    refused("/steps", {"procedure": "SOP-?", "step": "spin", "samples": tubes}, 404, "procedure_unknown")
    refused("/steps", {"procedure": number, "step": "spin", "samples": []}, 422, "malformed")
    refused("/steps", {"procedure": number, "step": "spin", "samples": ["T99999949"]}, 422, "malformed")
    refused("/steps/nothing/stop", {}, 404, "batch_unknown")
    assert api.post(f"/steps/{batch}/cancel", {}).status_code == 200
    refused(f"/steps/{batch}/cancel", {}, 409, "step_over")


def test_the_same_demand_sent_twice_begins_one_batch(app, bench):
    api = people.api(app, "technician")
    number, tubes = bench
    told = {"procedure": number, "step": "spin", "samples": tubes}

    answers = [api.post("/steps", told, headers={"Idempotency-Key": "k"}).json["batch"] for _ in range(2)]

    assert answers[0] == answers[1]


def test_the_board_shows_every_timer_with_what_is_left(app, bench):
    browser = people.browser(app, "technician")
    assert "Nothing runs." in words(browser.get("/board").text)
    number, tubes = bench

    begun = browser.post("/board/new", {"step": f"{number}/spin", "samples": "\n".join(tubes)})
    assert begun.status_code == 303, begun.text
    with later(5):
        shown = browser.get("/board").text
    seen = words(shown)
    for expected in ("Spin", "2 tubes", "15:00", "SOP-PLASMA 1", *tubes):
        assert expected in seen
    assert 'data-left="900"' in shown
    with later(18):
        assert "tone-look" in browser.get("/board").text
    with later(21):
        assert "too long by" in words(browser.get("/board").text)


def test_a_scan_of_one_tube_ends_the_step_of_all(app, bench):
    browser = people.browser(app, "technician")
    number, tubes = bench
    browser.post("/board/new", {"step": f"{number}/spin", "samples": " ".join(tubes)})

    with later(15):
        ended = browser.post("/board/scan", {"raw": f"{tubes[1]}\r"})
        told = words(browser.get(ended.headers["Location"]).text)
    assert "Spin ended" in told
    assert "within the procedure" in told
    assert "Nothing runs." in told
    again = browser.post("/board/scan", {"raw": tubes[1]})
    assert (again.status_code, "is in no step that runs" in again.text) == (409, True)
    assert browser.post("/board/scan", {"raw": "T99999949"}).status_code == 404


def test_one_button_ends_a_step_and_another_says_that_it_never_began(app, bench):
    browser = people.browser(app, "technician")
    number, tubes = bench
    for way in ("stop", "cancel"):
        page = browser.post("/board/new", {"step": f"{number}/spin", "samples": " ".join(tubes)}).headers[
            "Location"
        ]
        batch = page.rsplit("=", 1)[-1]
        assert browser.post(f"/board/{batch}/{way}").status_code == 303
        assert browser.post(f"/board/{batch}/{way}").status_code == 409


def test_the_form_keeps_what_was_typed(app, bench):
    browser = people.browser(app, "technician")
    number, _tubes = bench
    refused = browser.post("/board/new", {"step": f"{number}/spin", "samples": "T99999949"})
    assert (refused.status_code, "T99999949" in refused.text) == (422, True)
    assert browser.post("/board/new", {"step": "", "samples": ""}).status_code == 422
    assert f'value="{number}/spin" selected' in browser.get(f"/board/new?procedure={number}").text


def test_who_may_only_look_finds_no_button(app, bench):
    browser = people.browser(app, "dpo")
    assert "Start a step" not in words(browser.get("/board").text)
    assert browser.post("/board/scan", {"raw": "x"}).status_code == 403


def test_every_other_page_may_ask_what_runs_against_a_limit(app, bench):
    technician = people.browser(app, "technician")
    assert technician.get("/board/due").json["timers"] == []
    begin(people.api(app, "technician"), bench)

    with later(19):
        (timer,) = technician.get("/board/due").json["timers"]
    assert (timer["step"], timer["left"], timer["warn"]) == ("Spin", 60, 120)
    assert timer["tubes"] == f"{min(bench[1])} +1"
    assert timer["say_look"] == "Spin: take it out soon"
    with later(21):
        assert technician.get("/board/due").json["timers"][0]["left"] == -60
    assert people.browser(app, "technician", site_code="SUD").get("/board/due").json["timers"] == []
    assert 'data-from="/board/due"' in technician.get("/samples").text
    stranger = people.browser(app, "researcher")
    assert (stranger.get("/board/due").status_code, "data-from" in stranger.get("/").text) == (403, False)


def test_asking_what_runs_costs_the_same_whatever_runs_and_the_page_itself_nothing(app, bench):
    number, tubes = bench
    technician, api = people.browser(app, "technician"), people.api(app, "technician")

    def said(path):
        with app.app_context(), statements() as seen:
            assert technician.get(path).status_code == 200
        return len(seen)

    quiet, nothing = said("/samples/new"), said("/board/due")
    for tube in tubes:
        assert api.post("/steps", {"procedure": number, "step": "spin", "samples": [tube]}).status_code == 201
    assert (said("/samples/new"), said("/board/due")) == (quiet, nothing)
    assert nothing <= 3
