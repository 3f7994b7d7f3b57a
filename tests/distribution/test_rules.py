"""In which order tubes are fetched."""

from typing import NamedTuple

from biobank.distribution.rules import walking_order


class Place(NamedTuple):
    name: str
    position: str | None
    code: str = "K1"


def test_one_freezer_is_emptied_before_the_next_is_opened():
    paths = {
        "far": [Place("Freezer 10", "01"), Place("Box 1", "A01")],
        "late": [Place("Freezer 2", "01"), Place("Box 10", "A01")],
        "second": [Place("Freezer 2", "01"), Place("Box 2", "A10")],
        "first": [Place("Freezer 2", "01"), Place("Box 2", "A02")],
    }

    assert walking_order(paths, list(paths)) == ["first", "second", "late", "far"]


def test_boxes_of_one_name_are_not_mixed():
    paths = {
        1: [Place("Box", "A01", "K1")],
        2: [Place("Box", "A01", "K2")],
        3: [Place("Box", "A02", "K1")],
    }

    assert walking_order(paths, [1, 2, 3]) == [1, 3, 2]


def test_what_stands_nowhere_comes_last():
    assert walking_order({"here": [Place("Box", None)]}, ["nowhere", "here"]) == ["here", "nowhere"]
