"""Where everything in a failing freezer goes, and which boxes are emptied: facts in, plan out."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.moves.evacuating import evacuate
from biobank.moves.rules import Back, Fit, Load, Plan, Room, Rule, Tube, bring_back, fit, tubes_of
from biobank.moves.tidying import Box, defragment

SLOTS = frozenset({"box", "rack"})
TUBES = frozenset({"tube"})


def tubes(count: int, first: int = 1, **told) -> tuple[Tube, ...]:
    plain = {"vessel": "tube", "study": "S", "type": "Plasma"}
    return tuple(Tube(first + n, position=f"A{n + 1:02d}", **(plain | told)) for n in range(count))


def positions(count: int) -> tuple[str, ...]:
    return tuple(f"{n:03d}" for n in range(1, count + 1))


def box(key: int, count: int, **told) -> Load:
    return Load(key, "box", f"{key:02d}", tubes=tubes(count, key * 1000, **told))


def freezer(*inside: Load) -> Load:
    return Load(1, "freezer", None, fixed=True, inside=(Load(2, "shelf", "01", fixed=True, inside=inside),))


def slots(key: int, count: int, **told) -> Room:
    return Room(key, SLOTS, positions(count), **told)


def gaps(key: int, count: int, **told) -> Room:
    return Room(key, TUBES, positions(count), **told)


def targets(plan: Plan) -> dict[str, list[int]]:
    return {
        "boxes": [move.to_id for move in plan.moves if move.box],
        "tubes": [move.to_id for move in plan.moves if move.tube],
    }


def test_a_box_goes_whole_into_a_free_slot():
    plan = evacuate(freezer(box(10, 3)), [slots(50, 1), gaps(60, 99)])

    assert [(move.box, move.to_id, move.to_position) for move in plan.moves] == [(10, 50, "001")]
    assert plan.left == ()


def test_a_rack_goes_whole_before_its_boxes_do():
    rack = Load(20, "rack", "01", inside=(box(10, 3), box(11, 3)))

    plan = evacuate(freezer(rack), [slots(50, 2)])

    assert [move.box for move in plan.moves] == [20]


def test_a_rack_of_a_shelf_goes_onto_a_shelf_rather_than_onto_a_level_for_shelves():
    rack = Load(3, "rack", "1", inside=(box(4, 2),))
    shelf = Load(2, "shelf", "1", fixed=True, inside=(rack,))
    level = Room(50, frozenset({"rack"}), positions(2), order=1, kind="freezer")
    like = Room(51, frozenset({"rack", "box"}), positions(2), order=2, kind="shelf")

    plan = evacuate(freezer(shelf), [level, like])

    assert [(move.box, move.to_id) for move in plan.moves] == [(3, 51)]


def test_where_the_rack_finds_no_slot_its_boxes_go_alone():
    rack = Load(20, "rack", "01", inside=(box(10, 3), box(11, 3)))

    plan = evacuate(freezer(rack), [Room(50, frozenset({"box"}), positions(2))])

    assert sorted(move.box for move in plan.moves) == [10, 11]


def test_what_has_no_slot_goes_tube_by_tube_and_the_fullest_box_gets_the_slot():
    plan = evacuate(freezer(box(10, 2), box(11, 5)), [slots(50, 1), gaps(60, 9)])

    assert targets(plan) == {"boxes": [50], "tubes": [60, 60]}
    assert next(move.box for move in plan.moves if move.box) == 11


def test_what_has_no_place_at_all_is_named():
    plan = evacuate(freezer(box(10, 5)), [gaps(60, 3)])

    assert len(plan.moves) == 3
    assert plan.left == (10003, 10004)


def test_a_colder_place_is_as_good_but_the_same_comes_first():
    plan = evacuate(freezer(box(10, 5)), [slots(50, 1, fit=Fit.COLDER), slots(51, 1, fit=Fit.SAME, order=9)])

    assert targets(plan)["boxes"] == [51]


def test_cold_comes_before_whole_boxes():
    """Tube by tube into the cold, before a whole box into a fridge."""
    plan = evacuate(freezer(box(10, 5)), [slots(50, 1, fit=Fit.DOUBTFUL), gaps(60, 5)])

    assert targets(plan) == {"boxes": [], "tubes": [60] * 5}


def test_where_nothing_cold_is_left_a_warm_place_is_offered_and_said():
    plan = evacuate(freezer(box(10, 5)), [slots(50, 1, fit=Fit.DOUBTFUL)])

    assert [(move.box, move.fit) for move in plan.moves] == [(10, Fit.DOUBTFUL)]


def test_what_containers_accept_is_obeyed_where_it_can_be():
    strange = gaps(60, 9, rules=(Rule(frozenset({"OTHER"})),))

    plan = evacuate(freezer(box(10, 3)), [strange, gaps(61, 9, order=5)])

    assert set(targets(plan)["tubes"]) == {61}
    assert all(move.accepted for move in plan.moves)


def test_where_it_cannot_be_obeyed_it_is_said():
    strange = gaps(60, 9, rules=(Rule(types=frozenset({"DNA"})),))

    plan = evacuate(freezer(box(10, 3)), [strange])

    assert [move.accepted for move in plan.moves] == [False] * 3


def test_a_box_that_is_not_split_fills_the_smallest_gap_that_takes_it():
    plan = evacuate(freezer(box(10, 4)), [gaps(60, 80), gaps(61, 5), gaps(62, 3)])

    assert set(targets(plan)["tubes"]) == {61}


def test_an_empty_box_stays():
    assert evacuate(freezer(Load(10, "box", "01")), [slots(50, 1)]) == Plan()


def test_an_empty_tube_goes_with_its_box_and_never_alone():
    used_up = box(10, 2, movable=False)

    assert evacuate(freezer(used_up), [gaps(60, 9)]) == Plan()
    assert [move.box for move in evacuate(freezer(used_up), [slots(50, 1)]).moves] == [10]


def test_a_shelf_without_places_takes_as_many_as_go_in():
    shelf = Room(50, frozenset({"box"}), loose=1)

    plan = evacuate(freezer(box(10, 3), box(11, 4)), [shelf])

    assert [(move.box, move.to_position) for move in plan.moves] == [(11, None)]
    assert len(plan.left) == 3


@pytest.mark.parametrize(
    ("now", "then", "expected"),
    [
        ("-85to-60", "-85to-60", Fit.SAME),
        ("-85to-60", "LN", Fit.COLDER),
        ("-85to-60", "lt-135", Fit.COLDER),
        ("-85to-60", "-35to-18", Fit.DOUBTFUL),
        ("-35to-18", "-85to-60", Fit.COLDER),
        ("2to10", "-85to-60", Fit.DOUBTFUL),  # what was never frozen is not to be frozen
        ("2to10", "2to10", Fit.SAME),
        ("RT", "2to10", Fit.DOUBTFUL),
        ("Other", "LN", Fit.DOUBTFUL),
        ("LN", None, Fit.DOUBTFUL),
        (None, "LN", Fit.SAME),
    ],
)
def test_what_suits_what_is_kept_at_another_temperature(now, then, expected):
    assert fit(now, then) is expected


# --- families, and what is alike


def family(count: int, *whose: int) -> Load:
    """A box with so many tubes of each of these donors."""
    many = tuple(
        Tube(100 * who + n, "tube", "S", "Plasma", f"A{n + 1:02d}", family=who)
        for who in whose
        for n in range(count)
    )
    return Load(10, "box", "10", tubes=many)


def whose(plan: Plan) -> dict[int, list[int]]:
    """Container -> whose tubes go into it."""
    found: dict[int, list[int]] = {}
    for move in plan.moves:
        found.setdefault(move.to_id, []).append((move.tube or 0) // 100)
    return found


def test_families_that_are_kept_apart_are_planned_apart():
    """As where places are suggested: one of each family in each box, and none beside its own."""
    rooms = [gaps(60, 9, apart={60: frozenset({1})}), gaps(61, 9, apart={61: frozenset()})]

    plan = evacuate(freezer(family(1, 1, 2)), [*rooms, gaps(62, 9, apart={62: frozenset()})])
    assert 1 not in whose(plan).get(60, [])
    assert all(len(set(some)) == len(some) for some in whose(plan).values())

    crowded = evacuate(freezer(family(2, 1, 2)), rooms)
    assert crowded.left == ()  # saved all the same, and it is said
    assert sorted(move.accepted for move in crowded.moves) == [False, True, True, True]


def test_families_that_are_kept_together_go_to_their_own():
    rooms = [gaps(60, 9, together=True), gaps(61, 9, together=True, here=frozenset({2}))]

    plan = evacuate(freezer(family(3, 1, 2)), rooms)

    assert [key for key, some in whose(plan).items() if 2 in some] == [61]


def test_families_that_are_kept_together_come_together_from_several_boxes():
    boxes = freezer(
        family(2, 1), Load(11, "box", "11", tubes=(Tube(199, "tube", "S", "Plasma", "A01", family=1),))
    )

    plan = evacuate(boxes, [gaps(60, 2, together=True), gaps(61, 4, together=True)])

    assert set(whose(plan)) == {61}


def test_a_whole_box_goes_where_its_families_are_alone():
    """Nothing is refused for families: it is preferred so, and said where it cannot be."""
    there = {"apart": {7: frozenset({1})}}

    plan = evacuate(freezer(family(1, 1)), [slots(50, 1, **there), slots(51, 1, order=9)])
    assert targets(plan)["boxes"] == [51]
    assert not evacuate(freezer(family(1, 1)), [slots(50, 1, **there)]).moves[0].accepted


def test_tubes_go_to_their_like_before_they_are_mixed():
    rooms = [gaps(60, 3, kinds=frozenset({("T", "DNA")})), gaps(61, 9, kinds=frozenset({("S", "Plasma")}))]

    assert set(targets(evacuate(freezer(box(10, 3)), rooms))["tubes"]) == {61}


def test_among_many_boxes_none_is_overlooked():
    """Only the likeliest are looked at first; the last free place of two hundred boxes is found all the same."""
    alone = {"apart": {key: frozenset({1}) for key in (7,)}}
    busy = [gaps(100 + n, 50, **alone) for n in range(200)]

    plan = evacuate(freezer(family(2, 1)), [*busy, gaps(999, 1, kinds=frozenset({("T", "DNA")}))])

    assert sorted((move.to_id == 999, move.accepted) for move in plan.moves) == [(False, False), (True, True)]


# --- whatever stands there


@st.composite
def loads(draw):
    boxes, key = [], 100
    for _ in range(draw(st.integers(0, 6))):
        key += 1
        count = draw(st.integers(0, 12))
        told = {"study": draw(st.sampled_from(["S", "T"])), "movable": draw(st.booleans())}
        boxes.append(box(key, count, **told))
    half = len(boxes) // 2
    rack = Load(90, "rack", "01", inside=tuple(boxes[:half]))
    loose = tuple(tubes(draw(st.integers(0, 4)), 1))
    shelf = Load(2, "shelf", "01", fixed=True, inside=(rack, *boxes[half:]), tubes=loose)
    return Load(1, "freezer", None, fixed=True, inside=(shelf,))


@st.composite
def rooms(draw):
    found = []
    for key in range(500, 500 + draw(st.integers(0, 6))):
        rules = (Rule(frozenset({"T"})),) if draw(st.booleans()) else ()
        told = {"fit": draw(st.sampled_from(list(Fit))), "rules": rules, "order": key}
        holds = draw(st.sampled_from([SLOTS, TUBES, frozenset({"box"}), frozenset({"box", "tube"})]))
        if draw(st.booleans()):
            found.append(Room(key, holds, positions(draw(st.integers(0, 10))), **told))
        else:
            found.append(Room(key, holds, loose=draw(st.integers(0, 5)), **told))
    return found


@given(loads(), rooms())
def test_no_place_is_given_twice_and_no_more_than_there_are(load, free):
    plan = evacuate(load, free)

    places = [(move.to_id, move.to_position) for move in plan.moves if move.to_position is not None]
    assert len(places) == len(set(places))
    known = {room.id: room for room in free}
    assert all(position in known[key].free for key, position in places)
    loose = Counter(move.to_id for move in plan.moves if move.to_position is None)
    assert all(count <= known[key].loose for key, count in loose.items())


@given(loads(), rooms())
def test_every_tube_is_carried_once_or_named(load, free):
    plan = evacuate(load, free)

    parts = {part.id: part for part in _parts(load)}
    carried = [move.tube for move in plan.moves if move.tube]
    for move in plan.moves:
        if move.box:
            carried += [tube.id for tube in tubes_of(parts[move.box])]
    every = {tube.id for tube in tubes_of(load)}
    alone = {tube.id for tube in tubes_of(load) if tube.movable}
    assert len(carried) == len(set(carried))
    assert set(carried) | set(plan.left) >= alone
    assert set(carried) | set(plan.left) <= every
    assert not set(carried) & set(plan.left)


@given(loads(), rooms())
def test_what_goes_somewhere_may_stand_there(load, free):
    plan = evacuate(load, free)

    known = {room.id: room for room in free}
    parts = {part.id: part for part in _parts(load)}
    for move in plan.moves:
        thing = parts[move.box].kind if move.box else "tube"
        assert thing in known[move.to_id].holds
        assert move.fit == known[move.to_id].fit
        assert not (move.box and parts[move.box].fixed)


@given(loads(), rooms())
def test_nothing_is_left_behind_while_a_place_would_take_it(load, free):
    plan = evacuate(load, free)

    used = Counter(move.to_id for move in plan.moves)
    if plan.left:
        assert [
            room.id for room in free if "tube" in room.holds and used[room.id] < len(room.free) + room.loose
        ] == []


def _parts(load: Load):
    yield load
    for inside in load.inside:
        yield from _parts(inside)


# --- tidying up


def test_the_emptiest_boxes_go_into_the_fullest():
    boxes = [
        Box(1, "box", tubes(2, 100), positions(79)),
        Box(2, "box", tubes(70, 200), positions(11)),
        Box(3, "box", tubes(3, 300), positions(78)),
    ]

    plan = defragment(boxes)

    assert Counter((move.from_id, move.to_id) for move in plan.moves) == {(1, 2): 2, (3, 2): 3}


def test_a_box_that_cannot_be_emptied_whole_is_left_alone():
    boxes = [Box(1, "box", tubes(5, 100), positions(4)), Box(2, "box", tubes(7, 200), positions(3))]

    assert defragment(boxes) == Plan()


def test_boxes_of_another_kind_temperature_or_rule_receive_nothing():
    small = Box(1, "box", tubes(1, 100), positions(9))

    assert defragment([small, Box(2, "other", tubes(5, 200), positions(9))]) == Plan()
    assert defragment([small, Box(2, "box", tubes(5, 200), positions(9), temperature="LN")]) == Plan()
    strange = Box(2, "box", tubes(5, 200), positions(9), (Rule(frozenset({"X"})),), receives_only=True)
    assert defragment([small, strange]) == Plan()


def test_an_empty_box_receives_nothing():
    assert (
        defragment([Box(1, "box", tubes(1, 100), positions(9)), Box(2, "box", (), positions(10))]) == Plan()
    )


def test_tidying_up_parts_no_families_and_joins_none():
    source = Box(1, "box", (Tube(1, "tube", "S", "Plasma", "A01", family=1),), positions(80))
    kin = Tube(2, "tube", "S", "Plasma", "A01", family=1)
    others = tubes(5, 200, family=9)

    full = Box(2, "box", (kin, *others), positions(9), receives_only=True, apart={2: frozenset()})
    assert defragment([source, full]) == Plan()
    free = Box(3, "box", others, positions(9), receives_only=True, apart={3: frozenset()})
    assert [move.to_id for move in defragment([source, full, free]).moves] == [3]
    near = Box(4, "box", (kin,), positions(40), receives_only=True, together=True)
    full = Box(5, "box", others, positions(9), receives_only=True)
    assert [move.to_id for move in defragment([source, near, full]).moves] == [4]


@given(st.lists(st.integers(0, 10), max_size=8), st.lists(st.booleans(), min_size=8, max_size=8))
def test_what_is_emptied_receives_nothing_and_every_place_is_used_once(counts, full):
    boxes = [
        Box(n, "box", tubes(count, n * 1000), positions(10 - count), order=n, receives_only=full[n - 1])
        for n, count in enumerate(counts, 1)
    ]

    plan = defragment(boxes)

    sources = {move.from_id for move in plan.moves}
    assert not sources & {move.to_id for move in plan.moves}
    places = [(move.to_id, move.to_position) for move in plan.moves]
    assert len(places) == len(set(places))
    known = {each.id: each for each in boxes}
    for key in sources:
        assert {move.tube for move in plan.moves if move.from_id == key} == {
            tube.id for tube in known[key].tubes
        }
        assert not known[key].receives_only


# --- the way back


def test_everything_comes_back_to_where_it_stood():
    moved = [Back(7, None, 1, "A01", 9, "C01"), Back(None, 8, 2, "01", 5, "02")]

    plan = bring_back(moved, [Room(1, TUBES, ("A01", "A02")), Room(2, SLOTS, ("01",))])

    assert [(move.tube, move.box, move.to_id, move.to_position) for move in plan.moves] == [
        (7, None, 1, "A01"),
        (None, 8, 2, "01"),
    ]


def test_where_the_old_place_is_taken_the_next_one_in_the_same_container_is_used():
    moved = [Back(7, None, 1, "A01", 9, "C01"), Back(8, None, 1, "A02", 9, "C02")]

    plan = bring_back(moved, [Room(1, TUBES, ("A02", "A05"))])

    assert [(move.tube, move.to_position) for move in plan.moves] == [(8, "A02"), (7, "A05")]


def test_what_finds_no_place_back_stays():
    assert bring_back([Back(7, None, 1, "A01", 9, "C01")], []) == Plan(left=(7,))
