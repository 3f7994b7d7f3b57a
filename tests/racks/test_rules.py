"""What a reading says against the record: every state, every refusal, and the rack that was read turned."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core.errors import Reason, RuleViolation
from biobank.racks import apply_rules, place_rules, rules
from biobank.racks.rules import Stand, State, Tube
from biobank.racks.wells import EMPTY, READ, UNREAD, RackReading, WellRead
from biobank.storage.rules import load_kinds, positions
from tests.conftest import ROOT

KINDS = load_kinds(ROOT / "config" / "containers.toml")
RACK = KINDS["tube_box_8x12"]
HERE, ELSEWHERE = 1, 2


def reading(wells, **told):
    """place -> code, or None for empty, or "?" for unread."""
    read = [
        WellRead(place, EMPTY if code is None else UNREAD if code == "?" else READ,
                 None if code in (None, "?") else code, line)
        for line, (place, code) in enumerate(wells.items(), 1)
    ]  # fmt: skip
    return RackReading("sanger_2_columns", tuple(read), **told)


def tube(number, position=None, container=HERE, problem=None):
    stand = Stand(container, f"K{container}", f"Box {container}", position) if position else None
    return Tube(number, f"T{number}", stand=stand, problem=problem)


def compare(wells, stands=None, known=None, kind=RACK, blocked=None, turned=False, **told):
    """Tubes 1 to 99 are known by their codes FX1 … FX99; those that stand somewhere are told."""
    here = {position: tube(number, position) for position, number in (stands or {}).items()}
    all_known = {f"FX{number}": tube(number) for number in range(1, 100)}
    all_known |= {f"FX{each.sample_id}": each for each in here.values()}
    all_known |= known or {}
    return rules.difference(
        reading(wells, **told),
        kind,
        container_id=HERE,
        stands=here,
        known=all_known,
        blocked=blocked,
        turned=turned,
    )


def states(found):
    return {entry.position: entry.state.value for entry in found.entries}


def entry_at(found, position):
    return next(entry for entry in found.entries if entry.position == position)


def test_every_state():
    found = compare(
        {
            "A1": "FX1",
            "A2": "FX2",
            "A3": "FX3",
            "A4": None,
            "A5": "?",
            "A6": "FX6",
            "A7": "FX6",
            "A8": "ZZ",
            "A9": "FX9",
        },
        stands={"A01": 1, "B03": 3, "A04": 4},
        known={"FX9": tube(9, problem=Reason("status_destroyed"))},
    )

    assert states(found) == {
        "A01": "present", "A02": "new", "A03": "moved", "A04": "missing", "A05": "unread", "A06": "duplicate",
        "A07": "duplicate", "A08": "unknown", "A09": "error",
    }  # fmt: skip
    assert found.counts == dict.fromkeys(State, 1) | {"duplicate": 2}


def test_a_tube_of_another_box_is_told_as_foreign_with_where_it_stood():
    found = compare({"A1": "FX5"}, known={"FX5": tube(5, "C03", container=ELSEWHERE)})

    entry = entry_at(found, "A01")
    assert (entry.state, entry.foreign, entry.came_from.position) == (State.MOVED, True, "C03")


def test_two_tubes_may_have_changed_places_and_nobody_is_missing():
    found = compare({"A1": "FX2", "A2": "FX1"}, stands={"A01": 1, "A02": 2})

    assert states(found) == {"A01": "moved", "A02": "moved"}
    assert (found.to_place, found.to_take_out) == ({"A01": 2, "A02": 1}, {})


def test_who_stood_where_another_tube_was_read_is_missing_too():
    found = compare({"A1": "FX2"}, stands={"A01": 1})

    assert (states(found), entry_at(found, "A01").was.sample_id) == ({"A01": "new"}, 1)
    assert {position: gone.sample_id for position, gone in found.to_take_out.items()} == {"A01": 1}


def test_an_unread_well_keeps_what_stood_there_unless_that_was_read_elsewhere():
    found = compare({"A1": "?", "A2": "?", "A3": "FX2"}, stands={"A01": 1, "A02": 2})

    assert states(found) == {"A01": "unread", "A02": "unread", "A03": "moved"}
    assert (entry_at(found, "A01").tube.sample_id, entry_at(found, "A02").tube) == (1, None)
    assert found.to_take_out == {}


def test_what_stands_where_the_file_names_no_place_stays_until_somebody_says_that_it_is_empty():
    found = compare({"A1": "FX1"}, stands={"A01": 1, "H12": 7})

    assert (states(found)["H12"], entry_at(found, "H12").reason.code) == ("unread", "rack_place_unlisted")
    assert ([entry.position for entry in found.unlisted], found.to_take_out) == (["H12"], {})
    assert "rack_places_unlisted" in [remark.code for remark in found.remarks]
    emptied = found.emptied()
    assert (states(emptied)["H12"], list(emptied.to_take_out)) == ("missing", ["H12"])


def test_two_codes_of_one_tube_are_one_tube_at_two_places():
    found = compare({"A1": "FX1", "A2": "T1"}, known={"T1": tube(1)})

    assert set(states(found).values()) == {"duplicate"}


def test_a_code_that_lost_its_zeros_is_told():
    found = compare({"A1": "363132553"}, known={"0363132553": tube(1)})

    reason = entry_at(found, "A01").reason
    assert (reason.code, reason.params["meant"]) == ("rack_code_without_zeros", "0363132553")


def test_a_place_that_is_kept_for_others_is_an_error_for_who_comes_and_not_for_who_stands_there():
    found = compare({"A1": "FX1", "A2": "FX2"}, stands={"A01": 1},
                    blocked={"A01": Reason("position_blocked"), "A02": Reason("position_blocked")})  # fmt: skip

    assert states(found) == {"A01": "present", "A02": "error"}


# --- places


@pytest.mark.parametrize("written", ["A1", "A01", "a1", "A,1", "a-01", "1", " A1 "])
def test_one_place_is_written_in_many_ways(written):
    assert list(place_rules.places_of(reading({written.strip(): "FX1"}), RACK)) == ["A01"]


@pytest.mark.parametrize(("numbering", "second"), [("row-major", "A02"), ("column-major", "B01")])
def test_a_number_is_counted_as_the_file_counts(numbering, second):
    assert list(place_rules.places_of(reading({"2": "FX1"}, numbering=numbering), RACK)) == [second]


def test_the_last_number_is_the_last_place():
    for numbering in ("row-major", "column-major"):
        assert list(place_rules.places_of(reading({"96": "FX1"}, numbering=numbering), RACK)) == ["H12"]


def refused(wells, kind=RACK, **told):
    with pytest.raises(RuleViolation) as refusal:
        place_rules.places_of(reading(wells, **told), kind)
    return refusal.value


@pytest.mark.parametrize(
    ("wells", "kind", "code"),
    [
        ({"I13": "FX1"}, "tube_box_8x12", "rack_places_outside"),
        ({"AAAA1": "FX1"}, "tube_box_8x12", "rack_places_outside"),
        ({"97": "FX1"}, "tube_box_8x12", "rack_places_outside"),
        ({"0": "FX1"}, "tube_box_8x12", "rack_places_outside"),
        ({"what?": "FX1"}, "tube_box_8x12", "rack_place_unreadable"),
        ({"A1": "FX1", "A01": "FX2"}, "tube_box_8x12", "rack_place_twice"),
        ({"A1": "FX1", "1": None}, "tube_box_8x12", "rack_place_twice"),
        ({"A1": "FX1"}, "unpositioned_shelf", "rack_needs_places"),
        ({each.text: None for each in positions(RACK)}, "tube_box_6x8", "rack_wrong_size"),
    ],
)
def test_what_cannot_be_of_this_rack_is_refused(wells, kind, code):
    assert refused(wells, KINDS[kind]).code == code


def test_a_file_of_96_for_a_box_of_48_is_refused_with_both_figures():
    refusal = refused({each.text: "?" for each in positions(RACK)}, KINDS["tube_box_6x8"])

    assert (refusal.params["read"], refusal.params["places"]) == (96, 48)
    assert refusal.reasons[0].params["outside"] == 96 - 48


def test_a_bare_list_fits_only_a_rack_of_as_many_places():
    assert refused({"1": "FX1"}, whole=48).code == "rack_wrong_size"


# --- turned


def test_a_rack_that_was_read_turned_is_noticed_and_compared_the_other_way():
    full = {place.text: number for number, place in enumerate(positions(RACK), 1)}
    turned_round = {place_rules.opposite(RACK, place).text: f"FX{number}" for place, number in full.items()}

    found = compare(turned_round, stands=full, known={f"FX{n}": tube(n, p) for p, n in full.items()})
    again = compare(
        turned_round, stands=full, known={f"FX{n}": tube(n, p) for p, n in full.items()}, turned=True
    )

    assert (found.looks_turned, set(states(found).values())) == (True, {"moved"})
    assert set(states(again).values()) == {"present"}


def test_four_of_five_are_not_enough_and_more_are():
    def found(right):
        stands = {"A01": 1, "A02": 2, "A03": 3, "A04": 4, "A05": 5}
        wells = {
            place_rules.opposite(RACK, place).text: f"FX{n}" for place, n in list(stands.items())[:right]
        }
        wells |= {f"D0{n}": f"FX{n}" for n in range(right + 1, 6)}
        return compare(wells, stands=stands).looks_turned

    assert (found(4), found(5)) == (False, True)


def test_new_tubes_do_not_hide_that_the_rack_was_turned():
    assert compare({"H12": "FX1", "A1": "FX2", "A2": "FX3"}, stands={"A01": 1}).looks_turned


@given(st.sampled_from([kind for kind in KINDS.values() if kind.positioned]), st.data())
def test_turning_twice_is_not_turning(kind, data):
    place = data.draw(st.sampled_from(positions(kind)))

    assert place_rules.opposite(kind, place_rules.opposite(kind, place.text).text) == place


# --- what may be carried out


def test_nothing_is_carried_out_while_anything_stands_in_the_way():
    found = compare({"A1": "FX1", "A2": "ZZ", "A3": "FX3", "A4": "FX3"})

    with pytest.raises(RuleViolation) as refusal:
        apply_rules.require_applicable(found)

    assert (refusal.value.code, refusal.value.params["count"]) == ("rack_not_whole", 3)
    assert [reason.code for reason in refusal.value.reasons] == [
        "rack_code_unknown", "rack_code_twice", "rack_code_twice",
    ]  # fmt: skip


def test_unknown_tubes_are_left_out_only_when_somebody_says_so():
    found = compare({"A1": "FX1", "A2": "ZZ"})

    apply_rules.require_applicable(found, leave_unknown=True)
    with pytest.raises(RuleViolation, match="rack_not_whole"):
        apply_rules.require_applicable(found)


def test_what_looks_turned_is_carried_out_only_when_somebody_says_which_way_round():
    found = compare({"H12": "FX1"}, stands={"A01": 1})

    with pytest.raises(RuleViolation, match="rack_looks_turned"):
        apply_rules.require_applicable(found)
    apply_rules.require_applicable(found, turn_known=True)


def test_an_older_scan_is_refused_with_both_times():
    one, other = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
    shown = {"shown": "1st", "last_shown": "2nd"}

    apply_rules.require_newer(other, one, **shown)
    apply_rules.require_newer(one, one, **shown)
    apply_rules.require_newer(None, one, **shown)
    with pytest.raises(RuleViolation, match="rack_scan_older"):
        apply_rules.require_newer(one, other, **shown)


def test_the_digest_says_whether_two_differences_do_the_same():
    one, same = compare({"A1": "FX1"}), compare({"a01": "FX1"})

    assert one.digest == same.digest != compare({"A2": "FX1"}).digest


# --- typed by hand


def test_what_is_typed_takes_the_place_of_what_could_not_be_read():
    typed = place_rules.type_in(reading({"A1": "?", "A2": "FX2"}), {"A01": "FX1"}, RACK)

    assert [(well.place, well.code) for well in typed.wells] == [("A1", "FX1"), ("A2", "FX2")]
    with pytest.raises(RuleViolation, match="rack_not_unread"):
        place_rules.type_in(reading({"A1": "?", "A2": "FX2"}), {"A02": "FX1"}, RACK)


# --- properties


@given(st.data())
def test_of_any_box_and_any_reading_no_tube_comes_to_two_places_and_no_place_gets_two(data):
    places = [place.text for place in positions(KINDS["tube_box_4x6"])]
    numbers = st.integers(1, 20)
    stands = data.draw(st.dictionaries(st.sampled_from(places), numbers, max_size=12))
    stands = {place: number for place, number in stands.items() if list(stands.values()).count(number) == 1}
    wells = data.draw(
        st.dictionaries(
            st.sampled_from(places), st.one_of(st.none(), st.just("?"), numbers.map("FX{}".format))
        )
    )

    found = compare(wells, stands=stands, kind=KINDS["tube_box_4x6"])

    if found.of(*rules.OBSTACLES):
        with pytest.raises(RuleViolation):
            apply_rules.require_applicable(found, leave_unknown=True, turn_known=True)
        return
    after = dict(stands)
    for position in found.to_take_out:
        after.pop(position, None)
    moved = set(found.to_place.values())
    after = {position: number for position, number in after.items() if number not in moved}
    assert not set(after) & set(found.to_place)
    after |= found.to_place
    assert len(set(after.values())) == len(after)
    read = {place: int(code[2:]) for place, code in wells.items() if code not in (None, "?")}
    kept = {place: number for place, number in after.items() if wells.get(place, "?") == "?"}
    assert after == read | kept
