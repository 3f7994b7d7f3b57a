"""The pages of plans, their API and the command: scanned with gloves, one step at a time."""

import pytest

from biobank.moves import service as moves
from tests import people
from tests.moves.world import make_world
from tests.storage.conftest import make_bench

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


class Told:
    """Codes of what stands in the world, for who asks over HTTP."""

    def __init__(self, world, shelf) -> None:
        self.freezer, self.rack, self.shelf = world.freezer.code, world.rack.code, shelf.code
        self.boxes = [box.code for box in world.boxes]


@pytest.fixture
def told(app):
    with app.app_context():
        world = make_world(make_bench(), tubes=(2, 1, 1))
        return Told(world, world.other_freezer()[1][0])


@pytest.fixture
def person(app, told):
    return people.browser(app, "technician")


@pytest.fixture
def api(app, told):
    return people.api(app, "technician")


def text(answer) -> str:
    return answer.get_data(as_text=True)


def planned(person, told) -> str:
    answer = person.post(f"/containers/{told.freezer}/evacuate", {"why": "it alarms"})
    assert answer.status_code == 303, text(answer)
    return answer.headers["Location"]


def test_a_freezer_is_evacuated_with_two_scans_a_box(person, told):
    form = text(person.get(f"/containers/{told.freezer}/evacuate"))
    assert "Evacuate Freezer that fails" in form
    plan = planned(person, told)

    page = text(person.get(plan))
    assert "0 of 2 done" in page
    assert "Scan what is in your hand" in page
    scanned = person.post(f"{plan}/scan", {"raw": told.boxes[2]})
    assert scanned.headers["Location"] == f"{plan}?step=2"
    assert "Scan the place, or press Enter" in text(person.get(scanned.headers["Location"]))
    done = person.post(f"{plan}/steps/2/confirm", {"thing": told.boxes[2], "raw": ""})

    assert done.headers["Location"] == f"{plan}?done=2"
    assert "1 of 2 done" in text(person.get(done.headers["Location"]))


def test_a_wrong_place_is_told_and_nothing_happens(person, told):
    plan = planned(person, told)

    answer = person.post(f"{plan}/steps/1/confirm", {"thing": told.rack, "raw": told.freezer})

    assert answer.status_code == 409
    assert "That is Freezer that fails. It goes to 01 in" in text(answer)
    assert "0 of 2 done" in text(person.get(plan))


def test_it_may_be_put_elsewhere_left_or_given_up(person, told):
    plan = planned(person, told)

    person.post(f"{plan}/steps/1/elsewhere", {"thing": told.rack, "to": told.shelf, "position": "6"})
    person.post(f"{plan}/steps/2/skip", {"why": "frozen in"})
    page = text(person.get(plan))
    assert "1 of 2 done" in page
    assert "1 tube finds no place" in page
    person.post(f"{plan}/give-up", {"why": "enough for tonight"})

    assert "This plan is closed" in text(person.get(plan))


def test_the_way_back_is_one_button(person, told):
    plan = planned(person, told)
    person.post(f"{plan}/steps/1/confirm", {"thing": told.rack})

    back = person.post(f"{plan}/reverse", {"why": "repaired"})

    assert "The way back" in text(person.get(back.headers["Location"]))


def test_a_form_without_a_reason_is_shown_again(person, told):
    answer = person.post(f"/containers/{told.freezer}/evacuate", {"why": ""})

    assert answer.status_code == 422
    assert "Say why" in text(answer)


def test_the_route_is_printed(person, told):
    plan = planned(person, told)

    for language in ("en", "fr"):
        answer = person.get(f"{plan}/route.pdf?language={language}")
        assert answer.content_type == "application/pdf"
        assert answer.data.startswith(b"%PDF")


def test_a_rack_is_carried_on_a_page_of_its_own(person, told):
    first = person.post("/moves/carry", {"raw": told.rack})
    assert first.headers["Location"] == f"/moves/carry?what={told.rack}"
    assert told.rack[:-4] in text(person.get(first.headers["Location"]))

    second = person.post("/moves/carry", {"what": told.rack, "raw": told.shelf})

    assert f"done={told.rack}" in second.headers["Location"]
    assert person.get(second.headers["Location"]).status_code == 200
    assert person.post("/moves/carry", {"raw": told.shelf}).status_code == 409


def test_tidying_up_is_planned_by_page(person, told):
    assert person.get(f"/containers/{told.freezer}/tidy").status_code == 200

    answer = person.post(f"/containers/{told.freezer}/tidy", {"percent": "25"})

    assert answer.status_code == 303
    assert "Tidying up" in text(person.get(answer.headers["Location"]))
    assert person.post(f"/containers/{told.freezer}/tidy", {"percent": "x"}).status_code == 422


def test_plans_are_listed(person, told):
    planned(person, told)

    page = text(person.get("/moves"))

    assert "it alarms" in page
    assert "2 of 2" in page


def test_the_api_plans_confirms_and_brings_back(api, told):
    made = api.post(f"/containers/{told.freezer}/evacuate", {"why": "alarm"})
    assert made.status_code == 201
    plan = made.get_json()
    assert (plan["steps"], plan["waiting"], plan["tubes_without_place"]) == (2, 2, 0)
    steps = api.get(f"/moves/{plan['id']}/steps?limit=1").get_json()
    assert [step["container"] for step in steps["items"]] == [told.rack]
    assert len(api.get(f"/moves/{plan['id']}/steps?after={steps['next']}").get_json()["items"]) == 1

    for code in (told.rack, told.boxes[2]):
        assert api.post(f"/moves/{plan['id']}/confirm", {"scanned": code}).get_json()["done"]

    found = api.get(f"/moves/{plan['id']}").get_json()
    assert (found["done"], found["closed_at"] is not None, found["without_place"]) == (2, True, [])
    back = api.post(f"/moves/{plan['id']}/reverse", {"why": "repaired"}).get_json()
    assert (back["kind"], back["steps"], back["reverses"]) == ("return", 2, plan["id"])
    listed = api.get("/moves?open=true").get_json()["items"]
    assert [each["id"] for each in listed] == [back["id"]]


def test_the_api_skips_extends_gives_up_and_carries(api, told):
    plan = api.post(f"/containers/{told.freezer}/evacuate", {"why": "alarm"}).get_json()["id"]
    assert api.post(f"/moves/{plan}/steps/2/skip", {"why": "stuck"}).get_json()["state"] == "given_up"
    assert api.get(f"/moves/{plan}").get_json()["tubes_without_place"] == 1
    assert api.post(f"/moves/{plan}/extend", {}).get_json()["added"] == 1
    put = api.post(f"/moves/{plan}/elsewhere", {"scanned": told.rack, "to": told.shelf, "position": "5"})
    assert put.get_json()["done"]
    assert api.post(f"/moves/{plan}/give-up", {"why": "enough"}).get_json()["closed_at"]

    carried = api.post("/moves/carry", {"what": told.boxes[2], "where": told.shelf}).get_json()

    assert (carried["container"], carried["position"]) == (told.shelf, "01")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/moves/999/confirm", {"scanned": "X"}, 404),
        ("/moves/99999999999999999999/confirm", {"scanned": "X"}, 404),
        ("/moves/carry", {"what": "NOBODY-1", "where": "NOBODY-2"}, 404),
        ("/moves/carry", {"what": ""}, 422),
        ("/containers/K00000000/evacuate", {"why": "x"}, 404),
    ],
)
def test_what_is_not_there_is_not_found(api, told, path, body, status):
    assert api.post(path, body).status_code == status


def test_tidying_up_by_api_takes_a_share(api, told):
    assert api.post(f"/containers/{told.freezer}/defragment", {"most_full_percent": 0}).status_code == 422
    made = api.post(f"/containers/{told.freezer}/defragment", {"most_full_percent": 30})

    assert (made.status_code, made.get_json()["kind"]) == (201, "defragment")


def test_a_command_plans_it_where_there_is_no_browser(app, told):
    run = app.test_cli_runner().invoke

    dry = run(args=["storage", "evacuate", told.freezer, "--why", "alarm", "--dry-run"])
    assert "0 tubes would find no place" in dry.output
    done = run(args=["storage", "evacuate", told.freezer, "--why", "alarm"])

    assert done.exit_code == 0, done.output
    assert "2 steps" in done.output
    with app.app_context():
        assert len(moves.list_plans(people.actor("manager")).items) == 1
