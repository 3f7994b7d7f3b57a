"""A whole freezer in one go: what is planned, what is written, and what is refused with the level's number."""

import pytest
from sqlalchemy import func, select

from biobank.audit.models import AuditEntry
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.storage import building, claims, kinds, layouts
from biobank.storage import service as storage
from biobank.storage.layouts import Level
from biobank.storage.models import Container, Placement
from tests.storage.counting import statements

KINDS = kinds.kinds()
FREEZER = [
    Level("shelf", 5, "Shelf {n}"),
    Level("rack_with_drawers", 4, "Rack {a}"),
    Level("drawer", 6, "Drawer {n}"),
]
WITH_BOXES = [*FREEZER, Level("tube_box_9x9", 3, "{parent}, box {n}")]


def read(line, outermost="freezer_minus80"):
    return layouts.read_line(line, kinds=KINDS, outermost=outermost)


def levels(line, outermost="freezer_minus80"):
    return [(level.count, level.kind) for level in read(line, outermost)]


@pytest.fixture
def build(bench):
    def go(**told):
        told = {"site_id": bench.site_id, "by": bench.by} | told
        return unit_of_work(lambda: building.build(**told))

    return go


# --- the line


@pytest.mark.parametrize(
    "line",
    [
        "5 shelves × 4 racks × 6 drawers of 9×9 boxes",
        "5 shelf × 4 rack_with_drawers × 6 drawer × tube_box_9x9",
        "5 Shelves x 4 Racks x 6 Drawers with boxes 9 x 9",
        "5 étagères × 4 portoirs × 6 tiroirs de boîtes 9×9",
        "5 shelves, 4 racks, 6 drawers, 9x9 box",
        "5 shelves > 4 racks > 6 drawers > tube box 9 × 9",
    ],
)
def test_a_line_reads_as_people_say_it(line):
    assert levels(line) == [(5, "shelf"), (4, "rack_with_drawers"), (6, "drawer"), (None, "tube_box_9x9")]


def test_a_word_that_several_kinds_share_means_the_one_that_fits():
    assert levels("5 shelves × 4 racks × 24 boxes 9×9") == [
        (5, "shelf"),
        (4, "drawer_rack"),
        (24, "tube_box_9x9"),
    ]
    assert levels("40 racks × 14 boxes 10×10", "chest_freezer_minus80")[0] == (40, "vertical_rack")
    assert levels("6 racks × 24 racks 8×12", "ln2_tank") == [(6, "drawer_rack"), (24, "tube_box_8x12")]


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        ("", "line", "layout_line_empty"),
        (" × ", "line", "layout_line_empty"),
        ("5 shelves × 4 bathtubs", "line", "layout_word_unknown"),
        ("5 shelves × 4 <b>", "line", "layout_word_unknown"),
        ("5 shelves × 9", "line", "layout_word_unknown"),
        ("99999999 shelves × 4 racks", "line", "level_count"),
        ("5 shelves × -3 racks", "line", "level_count"),
        ("5 drawers", "level_1", "level_does_not_fit"),
        ("5 shelves × 2 canisters", "level_2", "level_does_not_fit"),
        ("5 shelves × 4 racks × 6 shelves", "level_3", "level_does_not_fit"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_where_it_goes_wrong(line, field, code):
    with pytest.raises(Malformed) as refused:
        read(line)

    assert refused.value.fields[field].code == code


# --- the plan


def planned(levels, outermost="freezer_minus80", **more):
    return layouts.plan(levels, kinds=KINDS, outermost=outermost, name="F", default_names={}, **more)


def test_the_plan_counts_containers_and_places():
    layout = planned(WITH_BOXES)

    assert [(tier.each, tier.total) for tier in layout.tiers] == [(5, 5), (4, 20), (6, 120), (3, 360)]
    assert len(layout.items) == 1 + 5 + 20 + 120 + 360
    assert layout.places == 360 * 81


def test_names_follow_their_pattern_through_every_level():
    layout = planned(
        [
            Level("shelf", 2, "S{n}"),
            Level("drawer_rack", 2, "{parent}{a}"),
            Level("tube_box_9x9", 2, "Box {all}"),
        ]
    )

    names = [item.name for item in layout.items]
    assert names == ["F", "S1", "S2", "S1A", "S1B", "S2A", "S2B", *(f"Box {n}" for n in range(1, 9))]
    assert [item.position for item in layout.items[:5]] == [None, "01", "02", "01", "02"]


@pytest.mark.parametrize(
    ("bad", "field", "code"),
    [
        ([Level("shelf", 6)], "level_1", "level_too_many"),
        ([Level("shelf", 0)], "level_1", "level_too_many"),
        ([Level("shelf", -1)], "level_1", "level_too_many"),
        ([Level("shelf", 5), Level("bathtub", 1)], "level_2", "container_kind_unknown"),
        ([Level("shelf", 5), Level("tube_box_9x9", 1), Level("drawer", 1)], "level_3", "level_does_not_fit"),
        ([Level("shelf", 1, "{n} {colour}")], "level_1", "name_part_unknown"),
        (
            [Level("unpositioned_shelf"), Level("drawer_rack"), Level("tube_box_9x9")],
            "level_3",
            "layout_too_large",
        ),
        ([Level("shelf", 1)] * 7, "level_7", "layout_too_deep"),
    ],
)
def test_a_level_that_does_not_fit_is_named(bad, field, code):
    with pytest.raises(Malformed) as refused:
        planned(bad)

    assert refused.value.fields[field].code == code


# --- the building of it


def test_a_freezer_is_built_numbered_named_and_standing(bench, build):
    built = build(kind="freezer_minus80", name="Freezer 7", levels=WITH_BOXES)

    assert (built.count, built.layout.places) == (506, 29_160)
    box = db.session.scalars(select(Container).where(Container.kind == "tube_box_9x9")).first()
    path = storage.path_of([box.id])[box.id]
    assert [step.name for step in path] == ["Freezer 7", "Shelf 1", "Rack A", "Drawer 1"]
    assert [step.position for step in path] == ["01", "01", "01", "01"]
    assert storage.find_container(box.code, bench.by).id == box.id
    assert storage.room_below([built.container.id])[built.container.id].places == 29_160


def test_every_container_is_in_the_record_with_where_it_was_put(bench, build):
    build(kind="freezer_minus80", name="F", levels=[Level("shelf", 2)])

    query = select(func.count()).where(AuditEntry.subject_kind == "container")
    assert db.session.scalar(query) == 3
    shelf = db.session.scalars(select(Container).where(Container.kind == "shelf")).first()
    told = db.session.scalars(select(AuditEntry.content).where(AuditEntry.subject_key == shelf.code)).one()
    assert '"position":"01"' in told


def test_as_many_statements_for_ten_containers_as_for_eight_hundred(build):
    build(kind="freezer_minus80", name="Warm", levels=[Level("shelf", 2)])
    with statements() as few:
        build(kind="freezer_minus80", name="F1", levels=[Level("shelf", 5), Level("drawer", 5)])
    with statements() as many:
        build(kind="freezer_minus80", name="F2", levels=WITH_BOXES)

    assert len(many) <= len(few) + 2  # numbers are looked up five hundred at a time
    assert len(many) <= 30


def test_a_rack_is_filled_at_its_free_places(bench, build):
    rack = bench.container("drawer_rack")
    there = bench.container(parent=rack, position="2")
    bench.do(claims.block, container=rack, position="3", why="bent")

    built = build(into=rack, levels=[Level("tube_box_9x9", 3, "{parent}Box {n}")])

    assert built.container.id == rack.id
    assert [found.position for found in storage.what_is_in(rack).occupants] == ["01", "02", "04", "05"]
    assert there.code in {found.code for found in storage.what_is_in(rack).occupants}


def test_what_does_not_go_into_the_rack_any_more_is_refused_and_nothing_is_left(bench, build):
    rack = bench.container("drawer_rack")
    bench.container(parent=rack)

    with pytest.raises(Malformed) as refused:
        build(into=rack, levels=[Level("tube_box_9x9", 24)])

    assert refused.value.fields["level_1"].params["capacity"] == 23
    assert db.session.scalar(select(func.count()).select_from(Container)) == 2
    build(into=rack, levels=[Level("tube_box_9x9")])  # as many as go in
    assert db.session.scalar(select(func.count()).select_from(Placement)) == 24


def test_a_cabinet_without_places_is_filled_too(bench, build):
    cabinet = bench.container("room_cabinet")

    build(into=cabinet, levels=[Level("slide_box", 12)])

    assert storage.used_in([cabinet.id])[cabinet.id] == 12


def test_nobody_builds_in_the_house_of_others(bench, other_bench, build):
    theirs = other_bench.container("drawer_rack")

    with pytest.raises(NotFound):
        build(into=theirs, levels=[Level("tube_box_9x9", 1)])
    with pytest.raises(NotFound):
        build(site_id=other_bench.site_id, kind="freezer_minus80", name="F", levels=[])


def test_a_freezer_needs_a_name_and_a_kind_and_only_one_place_is_filled(bench, build):
    for told, field in (
        ({"kind": "freezer_minus80", "name": " "}, "name"),
        ({"kind": "bathtub", "name": "B"}, "kind"),
        ({}, "kind"),
        ({"into": bench.container("drawer_rack")}, "level_1"),
    ):
        with pytest.raises(Malformed) as refused:
            build(levels=[], **told)
        assert field in refused.value.fields


def test_what_stands_there_since_can_be_placed_again(bench, build):
    """The rows are as those of containers that were set up one by one."""
    built = build(kind="freezer_minus80", name="F", levels=[Level("shelf", 1), Level("tube_box_9x9", 1)])
    box = db.session.scalars(select(Container).where(Container.kind == "tube_box_9x9")).one()
    tube = bench.tube()

    bench.place(box, "A1", sample=tube)
    bench.do(storage.take_out, child=box)

    assert storage.room_below([built.container.id])[built.container.id].samples == 0
    with pytest.raises(RuleViolation):
        bench.place(box, "A1", sample=bench.tube())
