"""Building, capacity and suggestions as programs ask for them."""

import pytest

from tests import people


@pytest.fixture
def bench(far_bench):
    return far_bench


@pytest.fixture
def manager(app, bench):
    return people.api(app, "manager")


LINE = "5 shelves × 4 racks × 6 drawers of 9×9 boxes"
LEVELS = [
    {"kind": "shelf", "count": 2},
    {"kind": "drawer_rack", "count": 1},
    {"kind": "tube_box_9x9", "count": 3},
]


def build(manager, **body):
    return manager.post("/containers/build", {"kind": "freezer_minus80", "name": "F"} | body)


def test_a_freezer_is_built_by_its_levels_or_in_a_line(manager):
    by_levels, by_line = build(manager, levels=LEVELS), build(manager, line=LINE, name="G")

    assert (by_levels.status_code, by_line.status_code) == (201, 201)
    assert by_levels.json["containers"] == 1 + 2 + 2 + 6
    assert by_levels.json["levels"][2] == {"kind": "tube_box_9x9", "count": 3, "total": 6}
    assert (by_line.json["containers"], by_line.json["places"]) == (866, 58_320)
    inside = manager.get(f"/containers?parent={by_line.json['code']}").json["items"]
    assert [each["name"] for each in inside] == [f"Shelf {n}" for n in range(1, 6)]


def test_a_preview_builds_nothing(manager):
    looked = build(manager, line=LINE, preview=True)

    assert (looked.status_code, looked.json["containers"]) == (200, 866)
    assert manager.get("/containers").json["items"] == []


def test_the_same_key_builds_once(manager):
    key = {"Idempotency-Key": "freezer-8"}
    first, again = (
        manager.post(
            "/containers/build", {"kind": "freezer_minus80", "name": "F", "levels": LEVELS}, headers=key
        )
        for _ in range(2)
    )

    assert first.json == again.json
    assert len(manager.get("/containers?kind=freezer_minus80").json["items"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"levels": [{"kind": "shelf", "count": 9}]}, "level_1"),
        ({"levels": [{"kind": "shelf", "count": 1}, {"kind": "ln2_tank"}]}, "level_2"),
        ({"levels": [{"kind": "bathtub"}]}, "level_1"),
        ({"levels": [{"kind": "shelf", "count": "5"}]}, "levels.0.count"),
        ({"levels": "shelf"}, "levels"),
        ({"levels": [{"kind": "shelf"}] * 11}, "levels"),
        ({"line": "5 drawers"}, "level_1"),
        ({"line": "½ shelf"}, "line"),
        ({"line": LINE, "levels": LEVELS}, "line"),
        ({"into": "K00000112"}, "kind"),
        ({"kind": None}, "kind"),
        ({"name": None}, "name"),
        ({"kind": "bathtub"}, "kind"),
        (
            {"levels": [{"kind": "unpositioned_shelf"}, {"kind": "drawer_rack"}, {"kind": "tube_box_9x9"}]},
            "level_3",
        ),
    ],
)
def test_what_is_wrong_is_named(manager, body, field):
    refused = build(manager, **body)

    assert refused.status_code == 422
    assert field in refused.json["errors"]
    assert manager.get("/containers").json["items"] == []


def test_a_rack_of_another_site_is_unknown(app, manager):
    theirs = people.api(app, "manager", site_code="IUCT").post(
        "/containers", {"kind": "drawer_rack", "name": "R"}
    )

    refused = manager.post(
        "/containers/build", {"into": theirs.json["code"], "levels": [{"kind": "tube_box_9x9"}]}
    )

    assert refused.status_code == 404


def test_who_may_not_build_builds_nothing(app, bench):
    assert build(people.api(app, "technician"), levels=LEVELS).status_code == 403


def test_capacity_is_told_of_freezers_and_of_boxes(manager, bench):
    code = build(manager, levels=LEVELS).json["code"]

    told = manager.get("/containers/capacity").json

    (freezer,), (boxes,) = told["freezers"], told["boxes"]
    assert (freezer["code"], freezer["places"], freezer["used"], freezer["free"]) == (code, 486, 0, 486)
    assert (freezer["room_for_boxes"], freezer["places_to_come"]) == (42, 42 * 81)
    assert freezer["forecast"] == {
        "outlook": "too_little", "per_week": None, "full_on": None, "earliest": None, "latest": None,
    }  # fmt: skip
    assert (boxes["kind"], boxes["boxes"]) == ("tube_box_9x9", 6)


def test_places_are_suggested_and_reserved(manager, bench):
    build(manager, levels=LEVELS)
    tubes = [tube.code for tube in bench.tubes(3)]

    asked = manager.post("/storage/suggestions", {"samples": tubes})
    kept = manager.post("/storage/suggestions", {"samples": tubes, "reserve": True, "minutes": 20})

    assert (asked.status_code, kept.status_code) == (200, 201)
    (place,) = kept.json["places"]
    assert (place["samples"], place["positions"]) == (tubes, ["A01", "A02", "A03"])
    assert asked.json["places"] == kept.json["places"]
    assert asked.json["reserved_until"] is None
    assert kept.json["reserved_until"] is not None
    again = manager.post("/storage/suggestions", {"samples": tubes}).json["places"][0]
    assert again["container"] != place["container"] or again["positions"] != place["positions"]


def test_who_may_only_look_reserves_nothing(app, bench):
    reader = people.api(app, "dpo")
    build(people.api(app, "manager"), levels=LEVELS)
    tube = bench.tube().code

    assert reader.post("/storage/suggestions", {"samples": [tube]}).status_code == 200
    assert reader.post("/storage/suggestions", {"samples": [tube], "reserve": True}).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"samples": []}, 422),
        ({"samples": ["T99999999"]}, 422),
        ({"study": "ESSAI", "count": 5}, 422),
        ({"study": "NONE", "type": "Plasma", "count": 5}, 404),
        ({"study": "ESSAI", "type": "Plasma", "count": 1e9}, 422),
        ({"study": "ESSAI", "type": "Plasma", "count": 5, "vessel": "bucket"}, 422),
        ({"study": "ESSAI", "type": "Plasma", "count": 5, "temperature": "warm"}, 422),
        ({"study": "ESSAI", "type": "Plasma", "count": 5, "shoes": 2}, 422),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(manager, bench, body, status):
    assert manager.post("/storage/suggestions", body).status_code == status


def test_what_finds_no_place_is_told(manager, bench):
    told = manager.post("/storage/suggestions", {"study": "ESSAI", "type": "Plasma", "count": 7}).json

    assert (told["places"], told["left"], told["openings"]) == ([], 7, 0)
