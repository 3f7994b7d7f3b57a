"""Which boxes are opened, without a database: the fewest, then of one rack, then the nearly full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.storage.fitting import Box, choose, fit


def into(families, boxes, **more):
    fitted = fit(families, boxes, **more)
    return {key: len(numbers) for key, numbers in fitted.into.items()}, len(fitted.left)


def nobody(count):
    return [None] * count


@pytest.mark.parametrize(
    ("count", "boxes", "opened"),
    [
        (5, [Box(1, 1, 81), Box(2, 1, 6)], {2: 5}),  # the nearly full one that takes them all
        (5, [Box(1, 1, 5), Box(2, 1, 81, own=True)], {2: 5}),  # where others of the kind stand
        (10, [Box(1, 1, 4), Box(2, 1, 6), Box(3, 2, 81)], {3: 10}),  # one opening beats two
        (10, [Box(1, 1, 8), Box(2, 2, 7), Box(3, 2, 7)], {2: 7, 3: 3}),  # two of one rack beat two racks
        (10, [Box(1, 1, 9), Box(2, 1, 5), Box(3, 1, 1)], {3: 1, 1: 9}),  # the least is left over
        (5, [Box(1, 1, 9, alien=True), Box(2, 1, 81)], {2: 5}),  # not among others, if it can be helped
        (5, [Box(1, 1, 9, alien=True), Box(2, 1, 4)], {1: 5}),
    ],
)
def test_the_boxes_that_are_opened(count, boxes, opened):
    assert into(nobody(count), boxes) == (opened, 0)


def test_what_finds_no_room_is_told():
    assert into(nobody(9), [Box(1, 1, 4), Box(2, 1, 3)]) == ({2: 3, 1: 4}, 2)
    assert into(nobody(3), []) == ({}, 3)


def test_families_that_are_kept_together_go_to_where_theirs_are():
    boxes = [Box(1, 1, 81, together=True), Box(2, 1, 2, together=True, here=frozenset({"Ada"}))]

    assert fit(["Ada", "Bob", "Ada", "Ada"], boxes).into == {2: [0, 2], 1: [1, 3]}


def test_a_family_is_not_parted_where_the_next_box_takes_it_whole():
    boxes = [Box(1, 1, 4, together=True), Box(2, 1, 5, together=True)]

    fitted = fit(["A", "B", "A", "B", "B", "C", "C"], boxes)

    homes = [{family for family, number in zip("ABABBCC", range(7), strict=True) if number in numbers}
             for numbers in fitted.into.values()]  # fmt: skip
    assert fitted.left == []
    assert not set.intersection(*homes)


def test_families_that_are_kept_apart_never_share_a_group():
    boxes = [Box(key, key, 81, apart=frozenset({key})) for key in (1, 2, 3)]

    fitted = fit(["A", "A", "A", "A", "B"], boxes, busy=frozenset({(2, "B")}))

    assert sorted(len(numbers) for numbers in fitted.into.values()) == [1, 1, 2]
    assert fitted.left == [3]
    assert 4 not in fitted.into.get(2, ())


boxes = st.lists(
    st.builds(
        Box, key=st.integers(1, 10**6), rack=st.integers(1, 4), free=st.integers(1, 81), own=st.booleans(),
        alien=st.booleans(), together=st.booleans(),
        apart=st.sampled_from([frozenset(), frozenset({1}), frozenset({2})]),
    ),
    max_size=12,
    unique_by=lambda box: box.key,
)  # fmt: skip


@given(st.lists(st.one_of(st.none(), st.integers(1, 5)), max_size=60), boxes)
def test_each_tube_gets_one_place_and_no_box_more_than_goes_in(families, boxes):
    fitted = fit(families, boxes)

    told = sorted(number for numbers in fitted.into.values() for number in numbers) + sorted(fitted.left)
    assert sorted(told) == list(range(len(families)))
    room = {box.key: box.free for box in boxes}
    assert all(len(numbers) <= room[key] for key, numbers in fitted.into.items())
    if not any(box.apart for box in boxes):
        assert len(fitted.left) == max(0, len(families) - sum(room.values()))


@given(st.integers(1, 300), st.lists(st.integers(1, 81), min_size=1, max_size=12))
def test_never_more_boxes_than_it_takes(count, sizes):
    boxes = [Box(key, key % 3, free) for key, free in enumerate(sizes, start=1)]

    chosen = choose(count, boxes)

    room, fewest = 0, 0
    for size in sorted(sizes, reverse=True):
        if room >= count:
            break
        room, fewest = room + size, fewest + 1
    assert len(chosen) == fewest
    assert sum(box.free for box in chosen) >= min(count, sum(sizes))
