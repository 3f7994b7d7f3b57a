"""Kept places, rules of containers and thaws by API and page: what is shown, and what a refusal says."""

from datetime import timedelta

import pytest

from biobank.core import clock
from biobank.storage import claims
from tests import people


@pytest.fixture
def bench(far_bench):
    return far_bench


@pytest.fixture
def api(app, bench):
    return people.api(app, "technician")


@pytest.fixture
def boss(app, bench):
    return people.api(app, "manager")


@pytest.fixture
def hand(app, bench):
    with app.app_context():
        return people.browser(app, "manager")


@pytest.fixture
def kept(app):
    """The places of a box that are reserved or blocked."""

    def kept(box):
        with app.app_context():
            return sorted(claims.open_claims([box.id]).get(box.id, {}))

    return kept


@pytest.fixture
def frozen(api, boss, bench):
    """A box in a freezer, and a tube in its first place."""
    codes = []
    for kind in ("freezer_minus80", "shelf", "tube_box_9x9"):
        told = {"kind": kind, "name": kind} | ({"parent": codes[-1]} if codes else {})
        codes.append(boss.post("/containers", told).json["code"])
    tube = bench.tube()
    put(api, codes[-1], "A1", tube)
    return codes[-1], tube


def put(api, box, position, tube, **told):
    answer = api.put(f"/containers/{box}/positions/{position}", {"sample": tube.code} | told)
    assert answer.status_code in (200, 201), answer.json
    return answer


# --- the API


def test_a_place_is_kept_by_the_api_and_refused_to_others_by_name(bench, api, boss):
    box, tube = bench.container(), bench.tube()

    kept = api.post(f"/containers/{box.code}/reservations", {"positions": ["a1", "A2"], "minutes": 20})
    other = boss.put(f"/containers/{box.code}/positions/A1", {"sample": tube.code})
    shown = boss.get(f"/containers/{box.code}/claims").json["items"]

    assert kept.status_code == 201
    assert [item["position"] for item in kept.json["items"]] == ["A01", "A02"]
    assert other.status_code == 409
    assert other.json["code"] == "position_reserved"
    assert other.json["who"].startswith("technician")
    assert other.json["who"] in other.json["detail"]
    assert [item["for"] for item in shown] == [other.json["who"]] * 2
    assert api.put(f"/containers/{box.code}/positions/A1", {"sample": tube.code}).status_code == 201


def test_the_next_free_places_are_kept_and_given_back(bench, api):
    box = bench.container()

    kept = api.post(f"/containers/{box.code}/reservations", {"count": 3})
    free = people_map(api, box)["next_free"]
    back = api.post(f"/containers/{box.code}/reservations/release", {"positions": ["A1", "A2"]})

    assert [item["position"] for item in kept.json["items"]] == ["A01", "A02", "A03"]
    assert free == "A01"  # one's own are one's own to fill
    assert back.json == {"released": ["A01", "A02"]}
    assert [each["position"] for each in people_map(api, box)["positions"] if each["kept"]] == ["A03"]


def people_map(api, box, at=""):
    return api.get(f"/containers/{box.code}/map{at}").json


@pytest.mark.parametrize(
    "body",
    [{}, {"positions": []}, {"positions": ["A1"], "count": 2}, {"count": 0}, {"count": "x"}, {"positions": "A1"},
     {"positions": ["A1"], "minutes": 0}, {"positions": ["A1"], "minutes": 99_999_999}, {"count": True},
     {"positions": [None]}, {"positions": ["\x00"]}, {"more": 1}, [], "x"],
)  # fmt: skip
def test_a_reservation_of_nothing_is_malformed(bench, api, kept, body):
    box = bench.container()

    answer = api.post(f"/containers/{box.code}/reservations", body)

    assert answer.status_code in (400, 422)
    assert kept(box) == []


def test_a_lapsed_reservation_is_told_and_confirmed(bench, api, frozen_clock):
    box, tube = bench.container(), bench.tube()
    api.post(f"/containers/{box.code}/reservations", {"positions": ["A1"]})
    with clock.freeze(frozen_clock + timedelta(minutes=16)):
        told = api.put(f"/containers/{box.code}/positions/A1", {"sample": tube.code})
        done = api.put(f"/containers/{box.code}/positions/A1", {"sample": tube.code, "confirm_lapsed": True})

    assert (told.status_code, told.json["code"]) == (409, "reservation_lapsed_free")
    assert "12:15" in told.json["detail"]
    assert done.status_code == 201


def test_a_place_is_blocked_and_unblocked(bench, api):
    box, tube = bench.container(), bench.tube()
    where = f"/containers/{box.code}/positions/B2"

    assert api.put(f"{where}/block", {"why": "lid broken"}).json["position"] == "B02"
    refused = api.put(where, {"sample": tube.code})
    assert (refused.status_code, refused.json["why"]) == (409, "lid broken")
    assert api.put(f"{where}/block", {"why": " "}).status_code == 422
    assert api.open("DELETE", f"{where}/block").status_code == 200
    assert api.open("DELETE", f"{where}/block").status_code == 409
    assert api.put(where, {"sample": tube.code}).status_code == 201


def test_only_who_sets_up_storage_says_what_it_accepts(bench, api, boss):
    box, tube = bench.container(), bench.tube(type="DNA")
    path = f"/containers/{box.code}/accepts"

    assert api.put(path, {"types": ["Plasma"]}).status_code == 403
    assert api.get(path).json["accepts"] is None
    said = boss.put(path, {"types": ["Plasma"], "families": "apart"})
    assert said.json["accepts"] == {"studies": [], "types": ["Plasma"], "families": "apart"}
    assert len(said.json["in_words"]) == 2
    refused = api.put(f"/containers/{box.code}/positions/A1", {"sample": tube.code})
    assert refused.json["code"] == "type_not_accepted"
    for wrong in (
        {"types": ["Soup"]},
        {"studies": ["NONE"]},
        {"families": "x"},
        {"types": "Plasma"},
        {"x": 1},
    ):
        assert boss.put(path, wrong).status_code == 422
    assert boss.put(path, {}).json["accepts"] is None


def test_a_thaw_is_counted_by_the_api(bench, api, frozen):
    box, tube = frozen

    before = api.get(f"/samples/{tube.code}/cold").json
    taken = api.post(f"/samples/{tube.code}/take-out", {"thaw": True})
    after = api.get(f"/samples/{tube.code}/cold").json
    whole = api.get(f"/samples/{tube.code}").json["cold"]
    api.post(f"/samples/{tube.code}/put-back", {})
    listed = api.get(f"/containers/{box}/cold").json

    assert (before["thaws"], before["frozen"]) == (0, True)
    assert taken.status_code == 200
    assert (after["thaws"], after["frozen"]) == (1, False)
    assert after["out_since"]
    assert {"sample": tube.code} | whole == after
    assert [(item["sample"], item["thaws"]) for item in listed["items"]] == [(tube.code, 1)]


def test_the_map_of_a_day_is_told(frozen_clock, bench, api):
    box, tube = bench.container(), bench.tube()
    put(api, box.code, "A1", tube)
    with clock.freeze(frozen_clock + timedelta(days=3)):
        api.post(f"/samples/{tube.code}/take-out", {})

        then = people_map(api, box, "?at=2012-03-15")
        instant = people_map(api, box, "?at=2012-03-14T13:00%2B01:00")
        now = people_map(api, box)
        assert api.get(f"/containers/{box.code}/map?at=2012-04-15").status_code == 422
        assert api.get(f"/containers/{box.code}/map?at=soup").status_code == 422

    for shown in (then, instant):
        assert [each["sample"]["code"] for each in shown["positions"] if each["sample"]] == [tube.code]
        assert shown["next_free"] is None
    assert now["used"] == 0
    assert now["at"] is None


def test_another_sites_places_are_unknown(app, bench):
    box = bench.container()
    with app.app_context():
        stranger = people.api(app, "manager", site_code="LYON")
    places = f"/containers/{box.code}"

    for method, path, body in (
        ("GET", f"{places}/claims", None),
        ("POST", f"{places}/reservations", {"count": 1}),
        ("POST", f"{places}/reservations/release", {"positions": ["A1"]}),
        ("PUT", f"{places}/positions/A1/block", {"why": "x"}),
        ("DELETE", f"{places}/positions/A1/block", None),
        ("PUT", f"{places}/accepts", {}),
        ("GET", f"{places}/cold", None),
        ("GET", f"{places}/map?at=2012-01-01", None),
    ):
        assert stranger.open(method, path, body).status_code == 404, path


# --- pages


def test_the_page_keeps_blocks_and_gives_back(bench, hand, kept):
    box = bench.container()
    page = f"/containers/{box.code}"

    assert hand.post(f"{page}/reserve", {"positions": "A1, a2"}).status_code == 303
    assert hand.post(f"{page}/reserve", {"count": "1"}).status_code == 303
    assert hand.post(f"{page}/block", {"positions": "B1", "why": "lid broken"}).status_code == 303
    text = hand.get(page).text
    assert "lid broken" in text
    assert "for you" in text
    assert kept(box) == ["A01", "A02", "A03", "B01"]
    assert hand.post(f"{page}/release", {"positions": "A1 A2 A3"}).status_code == 303
    assert hand.post(f"{page}/unblock", {"positions": "B1"}).status_code == 303
    assert kept(box) == []


@pytest.mark.parametrize(
    ("act", "form", "status"),
    [
        ("reserve", {"positions": "Z99"}, 409), ("reserve", {"minutes": "soon"}, 422),
        ("reserve", {"count": "-1"}, 422),
        ("block", {"positions": "A1", "why": ""}, 422), ("block", {"positions": "", "why": "x"}, 409),
        ("unblock", {"positions": "A1"}, 409), ("release", {"positions": ""}, 422), ("accepts", {"types": "Soup"}, 422),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_on_the_page_itself(bench, hand, act, form, status):
    box = bench.container()

    answer = hand.post(f"/containers/{box.code}/{act}", form)

    assert answer.status_code == status
    assert 'role="alert"' in answer.text


def test_the_rule_of_a_container_is_set_and_read_on_its_page(bench, api, hand):
    box = bench.container()
    put(api, box.code, "A1", bench.tube(type="DNA"))

    hand.post(f"/containers/{box.code}/accepts", {"types": "Plasma, Serum", "families": "together"})
    text = hand.get(f"/containers/{box.code}").text

    assert "Only Plasma, Serum" in text
    assert "1 sample in it would not be taken today" in text


def test_a_box_that_is_out_and_a_tube_that_thawed_are_shown(api, hand, frozen):
    box, tube = frozen
    shelf = api.get(f"/containers/{box}").json["parent"]
    answer = hand.post(f"/samples/{tube.code}/thaw", {})
    api.post(f"/samples/{tube.code}/put-back", {})
    inside = hand.get(f"/containers/{box}?position=A1").text
    api.open("DELETE", f"/containers/{shelf}/positions/01")

    text = hand.get(f"/containers/{box}?position=A1").text

    assert answer.status_code == 303
    assert "thawed 1 time" in inside
    assert "Take out to thaw" in inside
    assert "Out of the cold" not in inside
    assert "Out of the cold" in text


def test_whose_place_lapsed_scans_again_to_confirm(frozen_clock, bench, hand, api):
    box, tube = bench.container(), bench.tube()
    form = {"raw": tube.code, "position": "C03"}
    hand.post(f"/containers/{box.code}/reserve", {"positions": "C3"})
    with clock.freeze(frozen_clock + timedelta(minutes=20)):
        first = hand.post(f"/containers/{box.code}/fill", form)
        second = hand.post(f"/containers/{box.code}/fill", form)
        shown = people_map(api, box)

    assert first.status_code == 409
    assert "confirm by doing it again" in first.text
    assert second.status_code == 303
    assert {each["position"]: each["sample"]["code"] for each in shown["positions"] if each["sample"]} == {
        "C03": tube.code
    }
