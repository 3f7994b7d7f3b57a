"""A freezer that fails, and the other ones of its site."""

from dataclasses import dataclass
from itertools import count

from biobank.core.db import db
from biobank.moves import reading
from biobank.moves import service as moves
from biobank.samples.models import Sample
from biobank.storage import claims, rules
from biobank.storage import service as storage
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container
from tests.storage.conftest import Bench

_PLACES = [f"{row}{column}" for row in "ABCD" for column in range(1, 7)]


@dataclass
class World:
    """The failing freezer has a shelf with a rack of two boxes, and a box beside the rack."""

    bench: Bench
    freezer: Container
    shelf: Container
    rack: Container
    boxes: list[Container]
    tubes: list[list[Sample]]

    def fill(self, box: Container, number: int, **told: object) -> list[Sample]:
        """Tubes into the first places of a box."""
        made = self.bench.tubes(number, **told)
        for tube, position in zip(made, _PLACES, strict=False):
            self.bench.place(box, position, sample=db.session.get_one(Sample, tube.id))
        return made

    def other_freezer(
        self, kind: str = "freezer_minus80", shelves: int = 1
    ) -> tuple[Container, list[Container]]:
        """Another one, with empty shelves; nothing stands beside them."""
        freezer = self.bench.container(kind)
        made = [self.bench.container("shelf", parent=freezer) for _ in range(shelves)]
        for place in rules.positions(kind_of(freezer))[shelves:] if shelves else ():
            self.bench.do(claims.block, container=freezer, position=place.text, why="ice")
        return freezer, made

    def evacuate(self, why: str = "it alarms"):
        return self.bench.do(moves.evacuate, container=self.freezer, why=why)

    def steps(self, plan):
        db.session.rollback()
        return reading.waiting_steps(plan, limit=1000)

    def way(self, sample: Sample) -> list[str]:
        db.session.rollback()
        return [f"{step.code}:{step.position}" for step in storage.where_is([sample.id]).get(sample.id, [])]

    def do_all(self, plan) -> None:
        """Somebody carries everything, in whatever order."""
        for shown in reversed(self.steps(plan)):
            self.bench.do(moves.confirm, step=shown.step, scanned=shown.code)


def make_world(bench: Bench, *, tubes: tuple[int, ...] = (3, 2, 4), kind: str = "freezer_minus80") -> World:
    freezer = bench.container(kind, name="Freezer that fails")
    shelf = bench.container("shelf", parent=freezer)
    rack = bench.container("drawer_rack", parent=shelf)
    parents = [rack, rack, shelf]
    numbers = count()
    boxes = [bench.container("tube_box_4x6", parent=parents[next(numbers) % 3]) for _ in tubes]
    world = World(bench, freezer, shelf, rack, boxes, [])
    world.tubes = [world.fill(box, number) for box, number in zip(boxes, tubes, strict=True)]
    return world


def full_rack(world: World) -> list[Container]:
    """The boxes of a rack in another freezer in which no box finds a place any more, but tubes do."""
    chest = world.other_freezer("chest_freezer_minus80", 0)[0]
    made = world.bench.container("vertical_rack", parent=chest)
    boxes = [world.bench.container("tube_box_4x6", parent=made) for _ in range(3)]
    for place in rules.positions(kind_of(made))[3:]:
        world.bench.do(claims.block, container=made, position=place.text, why="ice")
    return boxes
