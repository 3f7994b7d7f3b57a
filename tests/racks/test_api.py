"""Racks as programs see them: a file in, the difference by position out, and what is refused."""

import io

import pytest

from tests import people
from tests.factories import SampleFactory
from tests.storage.conftest import Row


@pytest.fixture
def bench(far_bench):
    return far_bench


@pytest.fixture
def api(app, bench):
    return people.api(app, "technician")


@pytest.fixture
def box(bench):
    return bench.container("tube_box_8x12")


def send(api, box, content, query="", **headers):
    data = content if isinstance(content, bytes) else content.encode()
    return api.open(
        "POST", f"/containers/{box.code}/rack-scans{query}", data={"file": (io.BytesIO(data), "rack.csv")},
        content_type="multipart/form-data", headers=headers,
    )  # fmt: skip


def tubes(bench, count):
    return [bench.tube(container_code=f"FX{n:04d}") for n in range(1, count + 1)]


def at(answer, position):
    return next(place for place in answer.json["positions"] if place["position"] == position)


def test_a_file_gives_the_difference_by_position(api, bench, box):
    (tube,) = tubes(bench, 1)

    answer = send(api, box, "A1,FX0001\nA2,NO READ\nA3,ZZ1\n")

    assert (answer.status_code, answer.json["layout"], answer.json["applied"]) == (
        201,
        "sanger_2_columns",
        False,
    )
    assert at(answer, "A01") | {"reason": None} == {
        "position": "A01", "state": "new", "code": "FX0001", "sample": tube.code, "from": None, "foreign": False,
        "was": None, "reason": None, "line": 1,
    }  # fmt: skip
    assert [at(answer, place)["state"] for place in ("A02", "A03")] == ["unread", "unknown"]
    assert "ZZ1" in at(answer, "A03")["reason"]["text"]
    assert api.get(f"/containers/{box.code}/map").json["used"] == 0


def test_apply_carries_it_out_in_the_same_request(api, bench, box):
    (one, other) = tubes(bench, 2)

    answer = send(api, box, "A1,FX0001\nB1,FX0002\n", "?apply=true")

    assert (answer.status_code, answer.json["applied"]) == (201, True)
    assert bench.where_is(one)[-1].position == "A01"
    assert bench.where_is(other)[-1].position == "B01"


def test_apply_carries_out_everything_or_nothing(api, bench, box):
    (tube,) = tubes(bench, 1)

    refused = send(api, box, "A1,FX0001\nB1,ZZ1\nC1,ZZ2\n", "?apply=true")
    left_out = send(api, box, "A1,FX0001\nB1,ZZ1\nC1,ZZ2\n", "?apply=true&leave_unknown=true")

    assert (refused.status_code, refused.json["code"], refused.json["count"]) == (409, "rack_not_whole", 2)
    assert len(refused.json["reasons"]) == 2
    assert (left_out.status_code < 300, bench.where_is(tube)[-1].position) == (True, "A01")


def test_the_same_file_again_says_so(api, box):
    first, second = send(api, box, "A1,FX0001\n"), send(api, box, "A1,FX0001\n")

    assert (first.status_code, second.status_code) == (201, 200)
    assert (first.json["again"], second.json["again"], second.json["scan"]) == (
        False,
        True,
        first.json["scan"],
    )


def test_a_demand_sent_twice_is_carried_out_once(api, bench, box):
    tubes(bench, 1)
    key = {"Idempotency-Key": "drop-1"}

    answers = [send(api, box, "A1,FX0001\n", "?apply=true", **key) for _ in range(2)]

    assert [answer.json for answer in answers] == [answers[0].json] * 2


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "rack_file_empty"),
        (b"%PDF-1.7", 415, "rack_file_wrong_kind"),
        (b"A1,1.03E+09\n", 400, "rack_code_as_number"),
        (b"A1,AB1\nA01,AB2\n", 409, "rack_place_twice"),
        (b"I13,AB1\n", 409, "rack_places_outside"),
        (b"R1,A1,AB1\nR2,A2,AB2\n", 409, "rack_two_racks"),
        (b"R1,A1,AB1\n", 409, "rack_code_new"),
        (b"what is this\n", 400, "rack_layout_unknown"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_reason(api, box, content, status, code):
    answer = send(api, box, content, "?apply=true")

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"


def test_a_rack_that_nobody_knows_gets_its_box_by_one_act_and_then_all_goes_on(api, bench, box):
    (tube,) = tubes(bench, 1)
    shown = send(api, box, b"R1,A1,FX0001\n")
    address = f"/rack-scans/{shown.json['scan']}"

    assert (shown.status_code, shown.json["box_known"]) == (201, False)
    assert "rack_code_new" in [remark["code"] for remark in shown.json["remarks"]]
    assert api.post(f"{address}/apply", {}).json["code"] == "rack_code_new"
    said = api.post(f"{address}/box", {"container": box.code})
    done = api.post(f"{address}/apply", {})

    assert (said.status_code, done.status_code, bench.where_is(tube)[-1].position) == (200, 200, "A01")
    assert api.get("/scan?raw=R1").json["code"] == box.code


@pytest.mark.parametrize(
    ("body", "status"),
    [({"kind": "castle"}, 422), ({"kind": "drawer"}, 422), ({"kind": "tube_box_4x6"}, 409), ({}, 422)],
)
def test_a_new_box_is_of_a_kind_that_the_file_fits(app, bench, box, body, status):
    manager = people.api(app, "manager")
    tubes(bench, 1)
    sent = send(manager, box, b"R1,H12,FX0001\n").json
    address = f"/rack-scans/{sent['scan']}/new-box"

    refused = manager.post(address, body)
    made = manager.post(address, {"kind": "tube_box_8x12"})

    assert (refused.status_code, made.status_code) == (status, 201)
    assert made.json["container"] != box.code
    assert manager.post(f"/rack-scans/{made.json['scan']}/apply", {}).json["counts"]["new"] == 1


def test_only_who_builds_makes_a_new_box(api, box):
    sent = send(api, box, b"R1,A1,FX0001\n").json

    assert api.post(f"/rack-scans/{sent['scan']}/new-box", {"kind": "tube_box_8x12"}).status_code == 403


def test_new_tubes_of_a_rack_are_aliquots_and_stand_in_their_wells(api, app, bench, box):
    with app.app_context():
        parent = Row(0, SampleFactory(volume_ul=500).code)
    sent = send(api, box, "A1,FY0001\nB3,FY0002\n").json
    address = f"/rack-scans/{sent['scan']}/aliquots"

    wrong = [
        api.post(address, body)
        for body in ({}, {"sample": parent.code}, {"sample": parent.code, "volume_ul": 9000},
                     {"sample": "T00000000", "volume_ul": 1}, {"sample": parent.code, "volume_ul": "much"})
    ]  # fmt: skip
    done = api.post(address, {"sample": parent.code, "volume_ul": 100})

    assert [answer.status_code for answer in wrong] == [422, 422, 409, 404, 422]
    assert (done.status_code, [item["position"] for item in done.json["items"]]) == (201, ["A01", "B03"])
    assert api.get(f"/containers/{box.code}/map").json["used"] == 2
    assert people.api(app, "dpo").post(address, {}).status_code == 403


def test_a_file_must_come(api, box):
    answer = api.open(
        "POST", f"/containers/{box.code}/rack-scans", data={}, content_type="multipart/form-data"
    )

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["file"])


@pytest.mark.parametrize("query", ["?apply=yes", "?turned=2"])
def test_a_strange_query_is_refused_by_its_field(api, box, query):
    assert send(api, box, "A1,FX1\n", query).status_code == 422


def test_what_was_looked_at_is_carried_out_by_its_number(api, bench, box):
    (tube,) = tubes(bench, 1)
    sent = send(api, box, "A1,FX0001\n").json
    address = f"/rack-scans/{sent['scan']}"

    looked = api.get(address).json
    changed = api.post(f"{address}/apply", {"shown": "0" * 64})
    done = api.post(f"{address}/apply", {"shown": looked["digest"]})

    assert (changed.status_code, changed.json["code"]) == (409, "rack_box_changed")
    assert (done.status_code, bench.where_is(tube)[-1].position) == (200, "A01")
    assert api.get("/rack-scans").json["items"] == []
    assert [one["scan"] for one in api.get(f"/containers/{box.code}/rack-scans").json["items"]] == [
        sent["scan"]
    ]


def test_the_file_comes_back_byte_for_byte_and_is_never_run(api, box):
    sent = send(api, box, b"A1,FX0001\r\n\x03").json

    answer = api.get(f"/rack-scans/{sent['scan']}/file")

    assert (answer.data, answer.headers["Content-Type"]) == (b"A1,FX0001\r\n\x03", "application/octet-stream")
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_layout_is_taught_by_a_program(api, bench, box):
    tubes(bench, 1)
    assert send(api, box, "Puits;Foo;Lu\nA1;x;FX0001\n").json["code"] == "rack_layout_unknown"
    (kept,) = api.get("/rack-scans").json["items"]

    taught = api.post(
        f"/rack-scans/{kept['scan']}/layout",
        {"name": "Ours", "columns": {"position": 0, "code": 2}, "heading": 0, "delimiter": ";"},
    )

    assert taught.status_code == 201
    assert at(send(api, box, "Puits;Foo;Lu\nB1;x;FX0001\n"), "B01")["state"] == "new"
    assert [one["name"] for one in api.get("/rack-layouts").json["items"]] == ["Ours"]


def test_codes_are_given_for_what_could_not_be_read(api, bench, box):
    tubes(bench, 1)
    sent = send(api, box, "A1,NO READ\n").json

    answer = api.post(f"/rack-scans/{sent['scan']}/codes", {"codes": {"A1": "FX0001"}})

    assert (answer.status_code, at(answer, "A01")["state"]) == (200, "new")


def test_another_site_sees_nothing_of_it(app, api, box):
    sent = send(api, box, "A1,FX0001\n").json
    stranger = people.api(app, "technician", site_code="IUCT")

    assert send(stranger, box, "A1,FX0001\n").status_code == 404
    for address in ("", "/file"):
        assert stranger.get(f"/rack-scans/{sent['scan']}{address}").status_code == 404
    assert stranger.post(f"/rack-scans/{sent['scan']}/apply", {}).status_code == 404


def test_who_may_not_move_may_not_carry_out(app, api, box):
    sent = send(api, box, "A1,FX0001\n").json
    reader = people.api(app, "dpo")

    assert send(reader, box, "A1,FX0002\n").status_code == 403
    assert reader.post(f"/rack-scans/{sent['scan']}/apply", {}).status_code == 403
    assert reader.get(f"/rack-scans/{sent['scan']}").status_code == 200
