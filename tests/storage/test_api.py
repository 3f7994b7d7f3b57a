"""Storage as programs see it: shapes, statuses, who may, and what a refusal says."""

import pytest

from tests import people
from tests.storage.conftest import FarBench


@pytest.fixture
def bench(far_bench):
    return far_bench


@pytest.fixture
def api(app, bench):
    """A program of a manager, who may build and move."""
    return people.api(app, "manager")


@pytest.fixture
def box(api, bench):
    """The code of a box in a rack in a freezer."""
    freezer = api.post("/containers", {"kind": "freezer_minus80", "name": "Freezer 3"}).json["code"]
    rack = api.post(
        "/containers", {"kind": "drawer_rack", "name": "Rack 2", "parent": freezer, "position": "2"}
    )
    made = api.post("/containers", {"kind": "tube_box_9x9", "name": "CC12", "parent": rack.json["code"]})
    return made.json["code"]


def put(api, box, position, **thing):
    return api.put(f"/containers/{box}/positions/{position}", thing)


# --- containers


def test_a_container_is_set_up_and_found(api, box):
    found = api.get(f"/containers/{box}").json

    assert (found["kind"], found["name"], found["position"], found["storage"]) == (
        "tube_box_9x9",
        "CC12",
        "01",
        False,
    )
    assert [(step["name"], step["position"]) for step in found["path"]] == [
        ("Freezer 3", "02"),
        ("Rack 2", "01"),
    ]
    assert (found["capacity"], found["used"], found["free"]) == (81, 0, 81)


def test_setting_up_answers_201_with_the_code(api):
    made = api.post("/containers", {"kind": "shelf", "name": "Shelf 1"})

    assert (made.status_code, made.json["code"][0], made.json["parent"]) == (201, "K", None)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "x"}, 422, "kind"),
        ({"kind": "bathtub", "name": "x"}, 422, "kind"),
        ({"kind": "shelf", "name": ""}, 422, "name"),
        ({"kind": "shelf", "name": "x\x00"}, 422, "name"),
        ({"kind": "shelf", "name": "x", "colour": "red"}, 422, "colour"),
        ({"kind": "shelf", "name": "x", "position": "1"}, 422, "position"),
        ({"kind": "shelf", "name": "x", "site": "NOWHERE"}, 422, "site"),
        ({"kind": "shelf", "name": "x", "parent": "K99999999"}, 404, None),
    ],
)
def test_a_container_that_cannot_be_is_refused_by_its_field(api, body, status, field):
    refused = api.post("/containers", body)

    assert refused.status_code == status
    assert refused.content_type == "application/problem+json"
    assert field is None or list(refused.json["errors"]) == [field]


def test_containers_are_listed_page_by_page(api, box):
    first = api.get("/containers?limit=2").json
    second = api.get(f"/containers?limit=2&after={first['next']}").json

    names = [item["name"] for item in first["items"] + second["items"]]
    assert (names, second["next"]) == (["Freezer 3", "Rack 2", "CC12"], None)
    assert [item["name"] for item in api.get("/containers?loose=true").json["items"]] == ["Freezer 3"]
    rack = first["items"][1]["code"]
    assert [item["code"] for item in api.get(f"/containers?parent={rack}").json["items"]] == [box]
    assert api.get("/containers?limit=0").status_code == 422


def test_room_is_counted_by_kind(api, bench, box):
    put(api, box, "A1", sample=bench.tube().code)

    assert {"kind": "tube_box_9x9", "containers": 1, "capacity": 81, "used": 1, "free": 80} in (
        api.get("/containers/room").json["items"]
    )


# --- placing


def test_a_tube_is_placed_with_201_and_moved_with_200(api, bench, box):
    tube = bench.tube()

    placed, moved = put(api, box, "b7", sample=tube.code), put(api, box, "C1", sample=tube.code)

    assert (placed.status_code, placed.json["position"], placed.json["moved"]) == (201, "B07", False)
    assert (moved.status_code, moved.json["came_from"]) == (200, {"container": box, "position": "B07"})


def test_a_tube_may_be_named_by_its_makers_code(api, bench, box):
    tube = bench.tube(container_code="0363132553")

    assert put(api, box, "A1", sample="0363132553").json["sample"] == tube.code


def test_a_taken_place_answers_409_with_the_occupant(api, bench, box):
    sitting, coming = bench.tubes(2)
    put(api, box, "A1", sample=sitting.code)

    refused = put(api, box, "A01", sample=coming.code)

    assert (refused.status_code, refused.json["code"], refused.json["occupant"]) == (
        409,
        "position_taken",
        sitting.code,
    )
    assert sitting.code in refused.json["detail"]


@pytest.mark.parametrize(
    ("position", "body", "status", "code"),
    [
        ("J1", {"sample": True}, 409, "position_outside"),
        ("x", {"sample": True}, 409, "position_unreadable"),
        ("A1", {}, 422, "malformed"),
        ("A1", {"sample": True, "container": "K00000000"}, 422, "malformed"),
        ("A1", {"sample": "T99999999"}, 404, "sample_unknown"),
        ("A1", {"container": "K99999999"}, 404, "container_unknown"),
        ("A1", {"sample": 7}, 422, "malformed"),
        ("A1", {"sample": True, "at": "2199-01-01T00:00Z"}, 409, "happened_in_future"),
        ("A1", {"sample": True, "at": "yesterday"}, 422, "malformed"),
    ],
)
def test_what_cannot_be_placed_there_is_refused(api, bench, box, position, body, status, code):
    tube = bench.tube()
    body = {name: tube.code if value is True else value for name, value in body.items()}

    refused = put(api, box, position, **body)

    assert (refused.status_code, refused.json["code"]) == (status, code)


def test_a_box_is_moved_into_another_rack(api, box):
    rack = api.post("/containers", {"kind": "drawer_rack", "name": "Rack 9"}).json["code"]

    moved = put(api, rack, "24", container=box)

    assert (moved.status_code, moved.json["child"]) == (200, box)
    assert api.get(f"/containers/{box}").json["parent"] == rack


def test_things_go_into_a_container_without_places(api, bench):
    shelf = api.post("/containers", {"kind": "unpositioned_shelf", "name": "Shelf 4"}).json["code"]
    tube = bench.tube()

    placed = api.put(f"/containers/{shelf}/contents", {"sample": tube.code})

    assert (placed.status_code, placed.json["position"]) == (201, None)
    found = api.get(f"/containers/{shelf}/map").json
    assert (found["positions"], [each["sample"]["code"] for each in found["contents"]]) == ([], [tube.code])
    assert put(api, shelf, "A1", sample=tube.code).status_code == 409


def test_a_box_refuses_contents_without_a_place(api, bench, box):
    refused = api.put(f"/containers/{box}/contents", {"sample": bench.tube().code})

    assert (refused.status_code, list(refused.json["errors"])) == (422, ["position"])


def test_the_same_demand_sent_twice_is_carried_out_once(api, bench, box):
    tube = bench.tube()
    headers = {"Idempotency-Key": "scan-1"}

    answers = [
        api.put(f"/containers/{box}/positions/A1", {"sample": tube.code}, headers=headers) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json


# --- the map


def test_the_map_has_every_place_with_what_stands_there(api, bench, box):
    tube = bench.tube()
    put(api, box, "B07", sample=tube.code)

    found = api.get(f"/containers/{box}/map").json

    assert (found["rows"], found["columns"], found["used"], found["next_free"]) == (9, 9, 1, "A01")
    places = {place["position"]: place for place in found["positions"]}
    assert len(places) == 81
    here = places["B07"]
    assert (here["row"], here["column"], here["container"]) == (2, 7, None)
    assert (here["sample"]["code"], here["sample"]["type"], here["sample"]["status"]) == (
        tube.code,
        "Plasma",
        "available",
    )
    assert here["sample"]["consent"]["colour"] in ("green", "amber", "red")
    assert places["A01"] == {
        "position": "A01", "row": 1, "column": 1, "sample": None, "container": None, "since": None,
        "kept": None,
    }  # fmt: skip


def test_the_map_of_a_rack_shows_its_boxes(api, box):
    rack = api.get(f"/containers/{box}").json["parent"]

    place = api.get(f"/containers/{rack}/map").json["positions"][0]

    assert place["container"] == {"code": box, "kind": "tube_box_9x9", "name": "CC12", "used": 0}


# --- taking out, putting back, discarding


def test_what_stands_at_a_place_is_taken_out(api, bench, box):
    tube = bench.tube()
    put(api, box, "A1", sample=tube.code)
    address = f"/containers/{box}/positions/A1"

    taken, again = api.open("DELETE", address), api.open("DELETE", address)

    assert (taken.status_code, taken.json["taken_out"]) == (200, tube.code)
    assert (again.status_code, again.json["code"]) == (404, "place_empty")


def test_a_sample_is_taken_out_and_put_back(api, bench, box):
    tube = bench.tube()
    put(api, box, "D4", sample=tube.code)

    out = api.post(f"/samples/{tube.code}/take-out", {"reason": "For a new label"})
    back = api.post(f"/samples/{tube.code}/put-back", {})

    assert (out.status_code, out.json["position"]) == (200, None)
    assert (back.status_code, back.json["position"]["container"], back.json["position"]["position"]) == (
        200,
        box,
        "D04",
    )


def test_a_sample_is_not_put_back_onto_another(api, bench, box):
    tube, other = bench.tubes(2)
    put(api, box, "D4", sample=tube.code)
    api.post(f"/samples/{tube.code}/take-out", {})
    put(api, box, "D4", sample=other.code)

    refused = api.post(f"/samples/{tube.code}/put-back", {})

    assert (refused.status_code, refused.json["occupant"]) == (409, other.code)


def test_a_sample_is_discarded_with_a_reason(api, bench, box):
    tube = bench.tube()
    put(api, box, "A1", sample=tube.code)

    without = api.post(f"/samples/{tube.code}/discard", {})
    gone = api.post(f"/samples/{tube.code}/discard", {"reason": "Tube broken"})

    assert (without.status_code, list(without.json["errors"])) == (422, ["reason"])
    assert (gone.status_code, gone.json["status"], gone.json["volume_ul"], gone.json["position"]) == (
        200, "destroyed", 0, None,
    )  # fmt: skip


def test_a_sample_is_lost_and_found(api, bench, box):
    tube = bench.tube()
    put(api, box, "A1", sample=tube.code)

    lost = api.post(f"/samples/{tube.code}/lose", {"reason": "Not in its box"})
    placed = put(api, box, "A1", sample=tube.code)
    found = api.post(f"/samples/{tube.code}/find", {})

    assert (lost.json["status"], lost.json["position"]) == ("lost", None)
    assert (placed.status_code, placed.json["code"]) == (409, "act_not_possible")
    assert (found.json["status"], found.json["position"]) == ("available", None)
    assert api.post(f"/samples/{tube.code}/put-back", {}).json["position"]["position"] == "A01"


# --- who may


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/containers"),
        ("PUT", "/containers/{box}/positions/A1"),
        ("PUT", "/containers/{box}/contents"),
        ("DELETE", "/containers/{box}/positions/A1"),
        ("POST", "/samples/{tube}/take-out"),
        ("POST", "/samples/{tube}/put-back"),
        ("POST", "/samples/{tube}/discard"),
        ("GET", "/containers"),
        ("GET", "/containers/{box}"),
        ("GET", "/containers/{box}/map"),
    ],
)
def test_a_researcher_sees_and_moves_nothing(app, bench, box, method, path):
    researcher = people.api(app, "researcher")
    body = None if method in ("GET", "DELETE") else {}

    refused = researcher.open(method, path.format(box=box, tube=bench.tube().code), body)

    assert refused.status_code == 403


def test_a_technician_builds_nothing(app, bench):
    refused = people.api(app, "technician").post("/containers", {"kind": "shelf", "name": "Shelf"})

    assert (refused.status_code, refused.json["code"]) == (403, "forbidden_permission")


def test_another_sites_things_are_unknown(app, bench, api, box):
    theirs = people.api(app, "manager", site_code="IUCT")
    tube = bench.tube()

    assert theirs.get(f"/containers/{box}").status_code == 404
    assert theirs.get(f"/containers/{box}/map").status_code == 404
    assert put(theirs, box, "A1", sample=tube.code).status_code == 404
    assert theirs.open("DELETE", f"/containers/{box}/positions/A1").status_code == 404
    assert theirs.post(f"/samples/{tube.code}/discard", {"reason": "Mine"}).status_code == 404
    mine = theirs.post("/containers", {"kind": "tube_box_9x9", "name": "Ours"}).json["code"]
    assert put(theirs, mine, "A1", sample=tube.code).status_code == 404
    assert bench.where_is(tube) is None


def test_somebody_of_every_site_cannot_put_one_sites_tube_into_anothers_box(app, box):
    other_bench = FarBench(app, "IUCT")
    root = people.api(app, "administrator", site_code=None)

    refused = put(root, box, "A1", sample=other_bench.tube().code)

    assert (refused.status_code, refused.json["code"]) == (404, "sample_unknown")
