"""What stands where it is too warm or too cold: said, or refused, as the bank's own table says for each type."""

import pytest

from biobank.audit import service as audit
from biobank.core.errors import Malformed, RuleViolation
from biobank.storage import accepting, bulk, temperatures
from biobank.storage import service as storage
from tests import people


@pytest.fixture
def fridge(bench):
    """A refrigerator with a shelf and a box: plasma is warned of there, living cells are refused."""
    root = bench.container("fridge_4c", name="Fridge")
    shelf = bench.container("unpositioned_shelf", parent=root)
    return root, shelf, bench.container(parent=shelf)


@pytest.fixture
def freezer(bench):
    root = bench.container("freezer_minus80", name="Freezer")
    return root, bench.container(parent=bench.container("unpositioned_shelf", parent=root))


def put(bench, box, tube, position="A1"):
    return bench.do(storage.put, container=box, position=position, sample=tube)


def test_a_tube_that_is_too_warm_is_taken_and_told_here_and_in_the_record(bench, fridge):
    tube = bench.tube()

    placed = put(bench, fridge[2], tube)

    (warned,) = placed.warned
    assert (warned.code, warned.params["container"], warned.params["temperature"]) == (
        "temperature_unusual",
        fridge[0].code,
        "2to10",
    )
    assert (warned.params["warmest"], warned.params["coldest"]) == ("-35to-18", "LN")
    (entry,) = [each for each in audit.history("sample", tube.code) if each["act"] == "placed"]
    assert entry["after"]["warned"] == ["temperature_unusual"]


def test_a_type_that_the_bank_refuses_there_does_not_come_in(bench, fridge):
    tube = bench.tube(type="PBMC")

    with pytest.raises(RuleViolation) as refusal:
        put(bench, fridge[2], tube)

    assert (refusal.value.code, refusal.value.params["sample"]) == ("temperature_refused", tube.code)
    assert storage.where_is([tube.id]) == {}


def test_what_suits_what_has_no_rule_and_what_stands_in_no_storage_is_not_spoken_of(bench, fridge, freezer):
    loose = bench.container()

    assert put(bench, freezer[1], bench.tube(type="PBMC")).warned == ()
    assert put(bench, fridge[2], bench.tube(type="Urine")).warned == ()
    assert put(bench, loose, bench.tube(type="PBMC")).warned == ()


def test_a_box_that_is_carried_there_is_asked_about_what_stands_in_it(bench, fridge):
    box, plasma, cells = bench.container(), bench.tube(), bench.tube(type="PBMC")
    put(bench, box, plasma, "A1")

    warned = bench.do(storage.put, container=fridge[1], child=box).warned
    bench.do(storage.take_out, child=box)
    put(bench, box, cells, "A2")

    assert [reason.params["type"] for reason in warned] == ["Plasma"]
    with pytest.raises(RuleViolation, match="temperature_refused"):
        bench.do(storage.put, container=fridge[1], child=box)


def test_what_stands_there_already_changes_its_place_unasked(bench, fridge, freezer):
    root, box = freezer
    cells = bench.tube(type="PBMC")
    put(bench, box, cells)
    bench.do(accepting.set_accepts, container=root, temperature="2to10")

    assert put(bench, box, cells, "B2").warned == ()
    bench.do(storage.put, container=bench.container("unpositioned_shelf", parent=root), child=box)
    assert accepting.count_against(root) == 1


def test_many_at_once_are_asked_one_by_one(bench, fridge):
    plasma, urine, cells = bench.tube(), bench.tube(type="Urine"), bench.tube(type="PBMC")
    suiting = bench.tube(type="Urine").id

    done = bench.do(lambda by: bulk.put_many(fridge[2], {"A1": plasma.id, "A2": urine.id}, by))

    assert {key: reason.code for key, reason in done.warned.items()} == {plasma.id: "temperature_unusual"}
    with pytest.raises(RuleViolation, match="temperature_refused"):
        bench.do(lambda by: bulk.put_many(fridge[2], {"A3": cells.id, "A4": suiting}, by))
    assert storage.what_is_in(fridge[2]).used == 2


def test_the_nearest_that_was_set_decides(bench, freezer):
    root, box = freezer
    shelf = bench.container("unpositioned_shelf", parent=root)
    inner = bench.container(parent=shelf)

    bench.do(accepting.set_accepts, container=shelf, temperature="2to10")

    assert (temperatures.here(inner), temperatures.here(box)) == ("2to10", "-85to-60")
    assert [reason.code for reason in accepting.explain(shelf)] == ["accepts_temperature"]
    bench.do(accepting.set_accepts, container=shelf)
    assert temperatures.here(inner) == "-85to-60"


@pytest.mark.parametrize("given", ["-80", "", "RT ", "x" * 300])
def test_a_temperature_that_there_is_not_is_refused(bench, freezer, given):
    with pytest.raises(Malformed) as refusal:
        bench.do(accepting.set_accepts, container=freezer[0], temperature=given)
    assert refusal.value.fields["temperature"].code == "temperature_unknown"


def test_a_box_has_none_of_its_own(bench, freezer):
    with pytest.raises(Malformed) as refusal:
        bench.do(accepting.set_accepts, container=freezer[1], temperature="LN")
    assert refusal.value.fields["temperature"].code == "temperature_of_box"


# --- over HTTP


@pytest.fixture
def far(app, far_bench):
    """A shelf in a refrigerator with a box, seen from outside."""
    with app.app_context():
        fridge = far_bench.bench.container("fridge_4c", name="Fridge")
        box = far_bench.bench.container(parent=far_bench.bench.container("unpositioned_shelf", parent=fridge))
        return fridge.code, box.code


def test_a_program_is_told_and_sets_what_it_is_kept_at(app, far_bench, far):
    api, (fridge, box) = people.api(app, "manager"), far
    tube, cells = far_bench.tube(), far_bench.tube(type="PBMC")

    placed = api.put(f"/containers/{box}/positions/A1", {"sample": tube.code})
    refused = api.put(f"/containers/{box}/positions/A2", {"sample": cells.code})
    rule = api.put(f"/containers/{fridge}/accepts", {"temperature": "-85to-60"})
    taken = api.put(f"/containers/{box}/positions/A2", {"sample": cells.code})
    wrong = [
        api.put(f"/containers/{fridge}/accepts", {"temperature": given}) for given in ("-80", 7, [], "x" * 99)
    ]

    assert (placed.status_code, len(placed.json["warnings"])) == (201, 1)
    assert "Plasma" in placed.json["warnings"][0]
    assert (refused.status_code, refused.json["code"]) == (409, "temperature_refused")
    assert (rule.json["set_to"], rule.json["temperature"]) == ("-85to-60", "-85to-60")
    assert (taken.status_code, taken.json["warnings"]) == (201, [])
    assert [answer.status_code for answer in wrong] == [422] * 4


def test_a_person_sees_it_on_the_page_and_sets_it_there(app, far_bench, far):
    hand, (fridge, box) = people.browser(app, "manager"), far
    tube = far_bench.tube()

    shown = hand.post(
        f"/containers/{box}/fill", {"raw": tube.code, "position": "A1"}, follow_redirects=True
    ).text
    wrong = hand.post(f"/containers/{fridge}/accepts", {"temperature": "cosy"})
    hand.post(f"/containers/{fridge}/accepts", {"temperature": "-85to-60"})
    after = hand.get(f"/containers/{box}").text

    assert "is usually kept from" in shown
    assert 'data-sound="look"' in shown
    assert wrong.status_code == 422
    assert "cosy" in wrong.text
    assert "is usually kept from" not in after
    assert "Kept at −85 to −60 °C" in hand.get(f"/containers/{fridge}").text
