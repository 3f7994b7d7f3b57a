"""The front of a freezer as it is drawn, the way up and aside, and a box in colours."""

from datetime import timedelta

import pytest

from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.samples import holds
from biobank.storage import building, claims, colouring, kinds, layouts, seeing
from biobank.storage import service as storage
from biobank.storage.layouts import Level
from biobank.storage.models import Container
from biobank.studies import service as studies
from tests.storage.counting import statements

FREEZER = [
    Level("shelf", 2),
    Level("rack_with_drawers", 3, "Rack {a}"),
    Level("drawer", 2),
    Level("tube_box_9x9", 1),
]


@pytest.fixture
def freezer(bench):
    def work():
        return building.build(
            site_id=bench.site_id, kind="freezer_minus80", name="F", levels=FREEZER, by=bench.by
        ).container

    return unit_of_work(work)


def named(name, number=0):
    return list(db.session.query(Container).filter_by(name=name).order_by(Container.id))[number]


def scene(container, bench):
    return seeing.scene_of(storage.what_is_in(container, bench.by))


def test_a_freezer_is_drawn_with_its_shelves_as_rows_and_its_racks_side_by_side(bench, freezer):
    drawn = scene(freezer, bench)

    assert (drawn.stacked, drawn.columns, len(drawn.rows)) == (True, 6, 5)
    assert [row.container.name if row.container else None for row in drawn.rows] == [
        "Shelf 1", "Shelf 2", None, None, None,
    ]  # fmt: skip
    assert [cell.container.name if cell.container else cell.position for cell in drawn.rows[0].cells] == [
        "Rack A", "Rack B", "Rack C", "04", "05", "06",
    ]  # fmt: skip


def test_each_place_tells_how_full_it_is_and_what_is_wrong(bench, freezer):
    box = named("Box 1")
    tube = bench.tube()
    bench.place(box, "A1", sample=tube)
    bench.do(holds.hold, sample=tube, code="quarantine", note=None)
    bench.do(claims.block, container=box, position="I9", why="bent")
    bench.do(claims.block, container=named("Shelf 1"), position="6", why="ice")

    drawn = scene(freezer, bench)

    fill = drawn.rows[0].cells[0].fill
    assert (fill.samples, fill.held, fill.blocked) == (1, 1, 1)
    assert fill.room == 2 * 6 * 81  # two drawers of six boxes
    assert drawn.rows[0].cells[5].claim == "blocked"
    assert drawn.fill.samples == drawn.rows[0].fill.samples == 1
    assert drawn.rows[0].cells[1].fill.samples == 0


def test_a_rack_shows_its_drawers_and_their_boxes_and_a_drawer_its_boxes(bench, freezer):
    rack, drawer = scene(named("Rack A"), bench), scene(named("Drawer 1"), bench)

    assert (rack.stacked, rack.columns, len(rack.rows)) == (True, 6, 8)
    assert rack.rows[0].cells[0].container.name == "Box 1"
    assert (drawer.stacked, drawer.columns, len(drawer.rows)) == (False, 6, 1)


def test_a_tank_is_drawn_as_its_places_lie_and_a_box_not_at_all(bench):
    tank, box = bench.container("ln2_tank"), bench.container()

    assert [len(row.cells) for row in scene(tank, bench).rows] == [4, 4, 4]
    assert scene(box, bench) is None
    assert scene(bench.container("room_cabinet"), bench) is None


def test_what_stands_without_places_is_drawn_in_rows(bench):
    shelf = bench.container("unpositioned_shelf")
    for number in range(7):
        bench.container("drawer_rack", parent=shelf, name=f"R{number}")

    drawn = scene(shelf, bench)

    assert [len(row.cells) for row in drawn.rows] == [6, 1]
    assert {cell.position for row in drawn.rows for cell in row.cells} == {None}


def test_the_same_picture_is_drawn_of_what_is_only_planned(bench, freezer):
    layout = layouts.plan(
        FREEZER,
        kinds=kinds.kinds(),
        outermost="freezer_minus80",
        name="F",
        default_names={"shelf": "Shelf {n}"},
    )

    planned, real = seeing.planned_scene(layout, "freezer_minus80"), scene(freezer, bench)

    def drawn(picture):
        return [
            [cell.container.name if cell.container else cell.position for cell in row.cells]
            for row in picture.rows
        ]

    assert drawn(planned) == drawn(real)
    assert planned.fill.places == real.fill.places == layout.places


def test_what_goes_into_a_rack_that_is_there_is_drawn_too():
    layout = layouts.plan(
        [Level("tube_box_9x9", 3, "B{n}")], kinds=kinds.kinds(), outermost="drawer_rack", name=None,
        default_names={}, free=["04", "05", "06"],
    )  # fmt: skip

    cells = [cell for row in seeing.planned_scene(layout, "drawer_rack").rows for cell in row.cells]

    assert [cell.container.name for cell in cells if cell.container] == ["B1", "B2", "B3"]
    assert cells[3].container.name == "B1"


def test_a_picture_takes_as_many_statements_whatever_stands_in_it(bench, freezer):
    small = bench.container("freezer_minus80", name="Small")
    bench.container("drawer_rack", parent=bench.container("shelf", parent=small))
    found = {each.id: storage.what_is_in(each, bench.by) for each in (small, freezer)}

    with statements() as few:
        seeing.scene_of(found[small.id])
    with statements() as many:
        seeing.scene_of(found[freezer.id])

    assert len(many) == len(few) <= 4


def test_one_goes_up_and_aside_from_a_container(bench, freezer):
    beside = seeing.around(named("Rack B"))

    assert (beside.parent.name, beside.before.name, beside.after.name) == ("Shelf 1", "Rack A", "Rack C")
    assert seeing.around(named("Rack A")).before is None
    assert seeing.around(freezer) == seeing.Around()


# --- colours


def colour(box, by, bench):
    return colouring.colour(storage.what_is_in(box, bench.by), by)


def told(coloured):
    return {group.key: (group.letter, group.count) for group in coloured.groups}


def test_a_box_is_coloured_by_study_and_type_with_letters_and_counts(bench):
    box, other = (
        bench.container(),
        bench.do(studies.open_study, code="LYNX", title="Lynx", site_id=bench.site_id),
    )
    for tube in [*bench.tubes(3), *bench.tubes(2, study_id=other.id, type="Serum")]:
        bench.do(storage.put, container=box, sample=tube, next_free=True)

    by_study, by_type = colour(box, "study", bench), colour(box, "type", bench)

    assert told(by_study) == {"ESSAI": ("A", 3), "LYNX": ("B", 2)}
    assert told(by_type) == {"Plasma": ("A", 3), "Serum": ("B", 2)}
    assert by_study.of["A04"].key == "LYNX"
    assert "A06" not in by_study.of


def test_a_box_is_coloured_by_age(bench):
    box, now = bench.container(), clock.now()
    for days in (10, 400, 3000, None):
        made = {"treated_at": None, "treated_precision": "unknown"}
        if days is not None:
            made = {"treated_at": now - timedelta(days=days)}
        bench.do(storage.put, container=box, sample=bench.tube(**made), next_free=True)

    coloured = colour(box, "age", bench)

    assert told(coloured) == {
        "under_1": ("0", 1),
        "from_1": ("1", 1),
        "from_5": ("5", 1),
        "unknown": ("?", 1),
    }
    assert coloured.of["A03"].key == "from_5"


def test_a_box_is_coloured_by_consent_and_by_thaws(bench):
    box = bench.container()
    bench.do(storage.put, container=box, sample=bench.tube(), next_free=True)

    assert set(told(colour(box, "consent", bench))) <= {"green", "amber", "red", "unknown"}
    assert told(colour(box, "thaws", bench)) == {"0": ("0", 1)}
    assert told(colour(box, "cold", bench)) == {"ok": ("✓", 1)}


def test_many_groups_share_the_last_colour(bench):
    box = bench.container()
    for kind in ("Plasma", "Serum", "DNA", "RNA", "PBMC", "Urine", "Saliva", "Bile", "WholeBlood", "CSF"):
        bench.do(storage.put, container=box, sample=bench.tube(type=kind), next_free=True)

    coloured = colour(box, "type", bench)

    assert len(coloured.groups) == colouring.MOST_GROUPS
    assert told(coloured)["others"] == ("…", 3)
    assert len({group.look for group in coloured.groups}) == colouring.MOST_GROUPS


@pytest.mark.parametrize("by", ["", "shoe-size", "study'"])
def test_there_is_no_other_way_to_colour(bench, by):
    assert colour(bench.container(), by, bench) is None


@pytest.mark.parametrize("by", sorted(colouring.WAYS))
def test_colours_take_as_many_statements_for_one_tube_as_for_eighty(bench, by):
    one, full = bench.container(), bench.container()
    tubes = bench.tubes(61)
    bench.place(one, "A1", sample=tubes[0])
    unit_of_work(
        lambda: [storage.put(container=full, sample=tube, next_free=True, by=bench.by) for tube in tubes[1:]]
    )
    maps = [storage.what_is_in(box, bench.by) for box in (one, full)]
    colouring.colour(maps[0], by)  # the codes of studies are remembered

    said = []
    for found in maps:
        with statements() as here:
            colouring.colour(found, by)
        said.append(len(here))

    assert said[0] == said[1] <= 6
