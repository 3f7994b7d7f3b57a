"""The pages of quality, and their API."""

import pytest

from tests import people

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def stored(app, far_bench):
    """A box with two tubes, as codes."""
    box, tubes = far_bench.container("tube_box_4x6"), far_bench.tubes(2)
    api = people.api(app, "technician")
    for position, tube in zip(("A1", "A2"), tubes, strict=True):
        api.put(f"/containers/{box.code}/positions/{position}", {"sample": tube.code})
    return box.code, [tube.code for tube in tubes]


@pytest.fixture
def person(app, stored):
    return people.browser(app, "technician")


@pytest.fixture
def api(app, stored):
    return people.api(app, "technician")


def text(answer) -> str:
    return answer.get_data(as_text=True)


def test_what_is_wrong_is_one_key_and_enter(person, stored):
    _box, (code, _other) = stored
    page = text(person.get(f"/samples/{code}/non-conformity?stage=arrival"))
    assert 'value="haemolysis" required data-keys="3"' in page
    assert "spin_force_high" not in page

    answer = person.post(
        f"/samples/{code}/non-conformity", {"stage": "arrival", "code": "broken", "note": "cracked"}
    )

    page = text(person.get(answer.headers["Location"]))
    assert "Recorded: Tube broken" in page
    assert "This tube is held" in page
    assert person.post(f"/samples/{code}/non-conformity", {"stage": "arrival"}).status_code == 422


def test_it_is_closed_with_an_action(person, stored):
    box, _codes = stored
    person.post(f"/containers/{box}/non-conformity", {"stage": "storage", "code": "temperature_high"})
    assert "Temperature too high" in text(person.get("/non-conformities"))

    assert person.post("/non-conformities/1/close", {"action": ""}).status_code == 422
    answer = person.post("/non-conformities/1/close", {"action": "door shut"})

    assert "Everything is dealt with" in text(person.get(answer.headers["Location"]))
    assert "door shut" in text(person.get("/non-conformities/1"))


def test_an_inventory_goes_from_place_to_place(person, stored):
    box, (first, second) = stored
    assert person.get(f"/containers/{box}/inventory").status_code == 200
    inventory = person.post(f"/containers/{box}/inventory", {"kind": "whole"}).headers["Location"]
    assert "0 of 2 looked at" in text(person.get(inventory))

    wrong = person.post(f"{inventory}/lines/1/check", {"raw": second})
    assert wrong.status_code == 409
    assert f"Another tube stands here: {second}" in text(wrong)
    right = person.post(f"{inventory}/lines/1/check", {"raw": first})
    assert "1 of 2 looked at" in text(person.get(right.headers["Location"]))
    person.post(f"{inventory}/lines/2/check", {"outcome": "missing"})

    page = text(person.get(inventory))
    assert "The record was right" in page
    assert "50" in page
    assert "50" in text(person.get("/inventories"))


def test_a_difference_is_settled(person, stored):
    box, (first, _second) = stored
    inventory = person.post(f"/containers/{box}/inventory", {"kind": "random", "count": "30"}).headers[
        "Location"
    ]
    person.post(f"{inventory}/lines/1/check", {"outcome": "missing"})
    assert first in text(person.get("/discrepancies"))
    assert "It is nowhere" in text(person.get("/discrepancies/1"))

    assert person.post("/discrepancies/1/settle", {"way": "dismissed"}).status_code == 422
    answer = person.post("/discrepancies/1/settle", {"way": "found"})

    assert f"{first} is settled" in text(person.get(answer.headers["Location"]))
    assert "Settled: found" in text(person.get("/discrepancies/1"))


@pytest.mark.parametrize("count", ["", "0", "x", "99999999"])
def test_a_number_that_is_none_is_shown_again(person, stored, count):
    answer = person.post(f"/containers/{stored[0]}/inventory", {"kind": "random", "count": count})

    assert answer.status_code == 422


def test_the_api_records_and_closes(api, stored):
    _box, (code, _other) = stored
    assert len(api.get("/non-conformities/reasons").get_json()["items"]) == 26
    made = api.post(f"/samples/{code}/non-conformities", {"code": "leaked", "stage": "transfer"})
    assert made.status_code == 201
    assert [each["sample"] for each in api.get("/non-conformities?stage=transfer").get_json()["items"]] == [
        code
    ]
    assert api.get("/non-conformities?stage=arrival").get_json()["items"] == []

    key = made.get_json()["id"]
    assert api.post(f"/non-conformities/{key}/close", {"action": "wiped"}).get_json()["action"] == "wiped"
    assert (
        api.post(f"/samples/{code}/non-conformities", {"code": "sad", "stage": "transfer"}).status_code == 422
    )
    assert api.post("/non-conformities/999/close", {"action": "x"}).status_code == 404


def test_the_api_looks_and_settles(api, stored):
    box, (first, second) = stored
    made = api.post(f"/containers/{box}/inventories", {"kind": "whole", "seed": 3}).get_json()
    key = made["id"]
    waiting = api.get(f"/inventories/{key}").get_json()["waiting"]
    assert [(stop["sample"], stop["position"]) for stop in waiting] == [(first, "A01"), (second, "A02")]

    assert api.post(f"/inventories/{key}/checks", {"line": 1}).status_code == 422
    api.post(f"/inventories/{key}/checks", {"line": 1, "scanned": first})
    done = api.post(
        f"/inventories/{key}/checks", {"line": 2, "outcome": "other", "found": "STRANGE-1"}
    ).get_json()

    assert (done["accuracy"], done["closed_at"] is not None) == (0.5, True)
    items = api.get("/discrepancies").get_json()["items"]
    assert {(each["kind"], each["sample"], each["found"]) for each in items} == {
        ("missing", second, None), ("foreign", None, "STRANGE-1"),
    }  # fmt: skip
    missing = next(each["id"] for each in items if each["kind"] == "missing")
    settled = api.post(f"/discrepancies/{missing}/settle", {"how": "put_right", "to": box, "position": "D6"})
    assert settled.get_json()["recorded"][-1]["position"] == "D06"
    assert api.get("/discrepancies?kind=missing").get_json()["items"] == []
    assert len(api.get("/inventories").get_json()["items"]) == 1


def test_a_tube_that_is_not_there_while_fetching_is_looked_for(app, api, stored):
    """What distribution notices is on the worklist, without distribution knowing of it."""
    from biobank.core.db import unit_of_work
    from biobank.samples.reading import find_sample
    from biobank.storage import noticing

    _box, (code, _other) = stored
    with app.app_context():
        by = people.actor("technician")

        def work():
            sample = find_sample(code, by)
            container, position = noticing.stands(sample)
            noticing.notice(noticing.Noticed("missing", "pick", container, position, sample), by)

        unit_of_work(work)

    assert [each["source"] for each in api.get("/discrepancies").get_json()["items"]] == ["pick"]
