"""Container kinds and their places, without a database."""

import csv
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core.errors import RuleViolation
from biobank.samples.rules import Vessel
from biobank.storage import rules, texts

CONTAINERS = Path(__file__).parents[2] / "config" / "containers.toml"
KINDS = rules.load_kinds(CONTAINERS)
BOX = KINDS["tube_box_9x9"]
ANY_KIND = st.sampled_from(list(KINDS.values()))
POSITIONED = st.sampled_from([kind for kind in KINDS.values() if kind.positioned])


@pytest.fixture
def kind_of(tmp_path):
    """Reads one kind, named `box`, from the lines given."""

    def read(lines: str) -> rules.ContainerKind:
        file = tmp_path / "kinds.toml"
        file.write_text(
            f'vessels = ["tube"]\n[box]\nlabel = "Box"\nholds = ["tube"]\n{lines}', encoding="utf-8"
        )
        return rules.load_kinds(file)["box"]

    return read


@pytest.mark.parametrize(
    ("key", "places", "first", "last"),
    [
        ("tube_box_9x9", 81, "A01", "I09"),
        ("tube_box_10x10", 100, "A01", "J10"),
        ("tube_box_8x12", 96, "A01", "H12"),
        ("tube_box_6x8", 48, "A01", "F08"),
        ("tube_box_4x6", 24, "A01", "D06"),
        ("slide_box", 100, "001", "100"),
        ("freezer_minus80", 5, "01", "05"),
        ("drawer_rack", 24, "01", "24"),
    ],
)
def test_the_places_of_the_kinds_we_ship(key, places, first, last):
    found = rules.positions(KINDS[key])

    assert (len(found), found[0].text, found[-1].text) == (places, first, last)
    assert KINDS[key].capacity == places


def test_things_stand_in_a_cabinet_without_places():
    cabinet = KINDS["room_cabinet"]

    assert rules.positions(cabinet) == ()
    assert rules.first_free(cabinet, set()) is None
    assert rules.grid(cabinet).cells == ()
    assert cabinet.capacity == 2000
    with pytest.raises(RuleViolation, match="container_has_no_positions"):
        rules.parse_position("1", cabinet)


def test_freezers_tanks_and_cabinets_make_a_thing_stored_and_boxes_do_not():
    storing = {key: kind.temperature for key, kind in KINDS.items() if kind.storage}

    assert storing == {
        "freezer_minus80": "-85to-60",
        "chest_freezer_minus80": "-85to-60",
        "freezer_minus150": "lt-135",
        "freezer_minus20": "-35to-18",
        "ln2_tank": "LN",
        "fridge_4c": "2to10",
        "room_cabinet": "RT",
    }


def test_vessels_and_labels_are_the_ones_known_elsewhere():
    assert set(tomllib.loads(CONTAINERS.read_text(encoding="utf-8"))["vessels"]) == set(Vessel)
    assert {key: kind.label for key, kind in KINDS.items()} == texts.KIND_LABELS
    assert {f"thing.{vessel}" for vessel in Vessel} <= set(texts.WORDS)


def test_the_temperatures_are_those_of_the_vocabulary():
    file = CONTAINERS.parent / "vocabularies" / "miabis_storage_temperature.csv"
    with file.open(encoding="utf-8", newline="") as rows:
        assert {row["internal_key"] for row in csv.DictReader(rows)} == rules.TEMPERATURES


def test_every_vessel_and_every_kind_but_the_storing_ones_has_somewhere_to_stand():
    held = set().union(*(kind.holds for kind in KINDS.values()))

    assert held == {*Vessel, *(key for key, kind in KINDS.items() if not kind.storage)}


@pytest.mark.parametrize(
    "text", ["B07", "B7", "b7", "b07", " B 7 ", "B,7", "B-7", "B, 07", "B007", "16", "016"]
)
def test_a_place_is_read_however_it_is_written(text):
    place = rules.parse_position(text, BOX)

    assert place == rules.Position(row=2, column=7, slot=16, text="B07")


@pytest.mark.parametrize("text", ["I10", "J1", "A0", "A00", "0", "82", "AAAA1", "I13", "999999"])
def test_a_place_outside_the_box_is_refused_with_its_range(text):
    with pytest.raises(RuleViolation) as refused:
        rules.parse_position(text, BOX)

    assert refused.value.code == "position_outside"
    shown = {"position": text, "kind": "Tube box, 9 × 9", "first": "A01", "last": "I09"}
    assert refused.value.params == shown


@pytest.mark.parametrize(
    "text", ["", "A", "1A", "A1B", "-1", "1.5", "A-", "B-B", "BB", "Ä1", "A٣", "9" * 5000]
)
def test_what_is_no_place_is_refused(text):
    with pytest.raises(RuleViolation) as refused:
        rules.parse_position(text, BOX)

    assert refused.value.code == "position_unreadable"
    assert len(refused.value.params["position"]) <= 40


def test_a_numbered_place_is_a_number():
    assert rules.parse_position("7", KINDS["drawer_rack"]).text == "07"
    assert rules.parse_position("7", KINDS["slide_box"]).text == "007"
    with pytest.raises(RuleViolation, match="position_unreadable"):
        rules.parse_position("A1", KINDS["drawer_rack"])
    with pytest.raises(RuleViolation, match="position_outside"):
        rules.parse_position("25", KINDS["drawer_rack"])


def test_a_kind_may_count_down_its_columns(kind_of):
    kind = kind_of('rows = "A-H"\ncolumns = "1-12"\norder = "column-major"')

    assert [place.text for place in rules.positions(kind)[:9]] == [*(f"{row}01" for row in "ABCDEFGH"), "A02"]
    assert rules.parse_position("2", kind).text == "B01"
    assert rules.parse_position("A2", kind).slot == 9


def test_a_lid_with_letters_on_both_sides_is_read_by_two_letters(kind_of):
    kind = kind_of('rows = "A-I"\ncolumns = "A-I"')

    assert rules.parse_position("B-b", kind).text == "B02"
    assert rules.parse_position("B,I", kind).text == "B09"
    assert rules.grid(kind).column_labels == tuple("ABCDEFGHI")
    with pytest.raises(RuleViolation, match="position_outside"):
        rules.parse_position("B-J", kind)
    with pytest.raises(RuleViolation, match="position_unreadable"):
        rules.parse_position("BB", kind)


def test_rows_go_on_after_z(kind_of):
    kind = kind_of('rows = "A-AF"\ncolumns = "1-48"')

    assert rules.positions(kind)[-1].text == "AF48"
    assert rules.parse_position("aa1", kind).row == 27


def test_the_map_of_a_box_has_its_letters_and_numbers():
    grid = rules.grid(KINDS["tube_box_4x6"])

    assert grid.row_labels == ("A", "B", "C", "D")
    assert grid.column_labels == ("1", "2", "3", "4", "5", "6")
    assert [cell.text for cell in grid.cells[1]] == ["B01", "B02", "B03", "B04", "B05", "B06"]


def test_the_map_of_a_shelf_is_one_column_of_numbers():
    grid = rules.grid(KINDS["shelf"])

    assert grid.row_labels == ("01", "02", "03", "04", "05", "06")
    assert [len(row) for row in grid.cells] == [1] * 6


def test_what_may_stand_where():
    assert rules.may_stand(BOX, "tube")
    assert not rules.may_stand(BOX, "slide")
    assert rules.may_stand(KINDS["drawer_rack"], "tube_box_9x9")
    rules.require_fit(BOX, "tube")
    with pytest.raises(RuleViolation) as refused:
        rules.require_fit(BOX, "tube_box_9x9")
    assert refused.value.code == "does_not_fit"


def test_the_first_free_place_is_the_first_in_order():
    assert rules.first_free(BOX, {"A01", "A02", "A04"}).text == "A03"
    assert rules.first_free(BOX, {place.text for place in rules.positions(BOX)}) is None


@given(POSITIONED, st.data())
def test_each_place_is_one_place_by_every_one_of_its_names(kind, data):
    place = data.draw(st.sampled_from(rules.positions(kind)))

    assert rules.parse_position(place.text, kind) == place
    assert rules.parse_position(place.text.lower(), kind) == place
    assert rules.parse_position(str(place.slot), kind) == place
    assert rules.grid(kind).cells[place.row - 1][place.column - 1] == place


@given(POSITIONED)
def test_no_two_places_share_a_name_a_number_or_a_spot(kind):
    found = rules.positions(kind)

    assert len({place.text for place in found}) == len(found) == kind.capacity
    assert [place.slot for place in found] == list(range(1, len(found) + 1))
    assert len({(place.row, place.column) for place in found}) == len(found)


@given(ANY_KIND, st.text(max_size=12) | st.from_regex(r"[A-Za-z]{0,3}[-, ]?[0-9]{0,4}", fullmatch=True))
def test_any_text_is_a_place_of_the_kind_or_is_refused(kind, text):
    refused = None
    try:
        assert rules.parse_position(text, kind) in rules.positions(kind)
    except RuleViolation as violation:
        refused = violation

    if refused:
        assert texts.TEXTS[refused.code].format(**refused.params)


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("", r"kinds\.toml: \[box\] rows"),
        ('rows = "A-I"', r"\[box\] columns"),
        ('rows = "1-9"\ncolumns = "1-9"', r"\[box\] rows"),
        ('rows = "B-I"\ncolumns = "1-9"', r"\[box\] rows"),
        ('rows = "A-I"\ncolumns = "0-9"', r"\[box\] columns"),
        ('rows = "A-I"\ncolumns = "1-9"\norder = "snake"', r"\[box\] order"),
        ('rows = "A-I"\ncolumns = "1-9"\nplaces = 81', r"\[box\] rows"),
        ("places = 0", r"\[box\] places"),
        ("places = true", r"\[box\] places"),
        ("capacity = 10001", r"\[box\] capacity"),
        ('capacity = 10\norder = "row-major"', r"\[box\] order"),
        ("places = 5\nstorage = true", r"\[box\] temperature"),
        ('places = 5\ntemperature = "cold"', r"\[box\] temperature"),
        ('places = 5\nstorage = "yes"', r"\[box\] storage"),
        ("places = 5\ncolour = 1", r"\[box\] colour"),
        (
            'places = 5\n[drawer]\nlabel = "Drawer"\nplaces = 1\nholds = ["crate"]',
            r"\[drawer\] holds names crate",
        ),
        ('places = 5\n[drawer]\nplaces = 1\nholds = ["tube"]', r"\[drawer\] label"),
        ('places = 5\n[drawer]\nlabel = "Drawer"\nplaces = 1\nholds = []', r"\[drawer\] holds"),
        ('places = 5\n[tube]\nlabel = "Tube"\nplaces = 1\nholds = ["tube"]', r"tube must be a table"),
        ("places = = 5", r"kinds\.toml: "),
    ],
)
def test_a_kind_that_makes_no_sense_is_refused_by_its_key(kind_of, lines, named):
    with pytest.raises(ValueError, match=named):
        kind_of(lines)


def test_a_file_without_vessels_is_refused(tmp_path):
    file = tmp_path / "kinds.toml"
    file.write_text('[box]\nlabel = "Box"\nplaces = 1\nholds = ["box"]\n', encoding="utf-8")

    with pytest.raises(ValueError, match="vessels"):
        rules.load_kinds(file)
