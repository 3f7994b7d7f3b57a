"""What the tallies are counted from, and compared with. Statements built once, see places."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Date,
    Select,
    bindparam,
    case,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from biobank.core import clock
from biobank.core.among import among
from biobank.core.db import UTCDateTime
from biobank.storage import kinds, places
from biobank.storage.forecasting import WEEKS
from biobank.storage.models import Container, Placement, StockFlow, StockTally

#: So many days of flows are looked back on; a week more is carried along, for the clocks of the stations differ.
DAYS = WEEKS * 7


def flows_from() -> tuple[date, datetime]:
    """The first day whose flows are kept right, and the instant it began."""
    day = clock.now().astimezone(UTC).date() - timedelta(days=DAYS + 7)
    return day, datetime(day.year, day.month, day.day, tzinfo=UTC)


class utc_day(FunctionElement[date]):  # noqa: N801  read as a word of a statement
    """The day of an instant, in UTC."""

    name = "utc_day"
    type = Date()
    inherit_cache = True


@compiles(utc_day, "sqlite")
def _on_sqlite(element: utc_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)})"


@compiles(utc_day, "postgresql")
def _on_postgresql(element: utc_day, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(({compiler.process(element.clauses, **options)}) AT TIME ZONE 'UTC' AS date)"


def _tree(seed: Any) -> Any:
    """(start, id): from these containers (start, id, depth 0) down to everything that stands in them."""
    holder = aliased(Container)
    tree = seed.cte("tree", recursive=True)
    return tree.union_all(
        select(tree.c.start, Placement.child_id, tree.c.depth + 1)
        .join(Placement, Placement.container_id == tree.c.id)
        .join(holder, holder.id == tree.c.id)
        # Nothing stands in a box but samples: its placements need not be read to find out.
        .where(holder.kind.not_in(kinds.tube_kinds()))
        .where(Placement.child_id.is_not(None), places.current(), tree.c.depth < places.DEEPEST)
    )


def below_given() -> Any:
    """(start, id): the containers of the keys `ids`, and everything that stands in them, at any depth."""
    return _tree(
        select(Container.id.label("start"), Container.id.label("id"), literal(0).label("depth")).where(
            among(Container.id, "ids")
        )
    )


def _below_all() -> Any:
    inside = select(Placement.id).where(Placement.child_id == Container.id, places.current()).exists()
    return _tree(
        select(Container.id.label("start"), Container.id.label("id"), literal(0).label("depth")).where(
            ~inside
        )
    )


def content(tree: Any, *more: Any) -> Select[Any]:
    """(start, kind, containers, samples, children, and what more is asked) of what stands in a tree."""

    def here(*conditions: Any) -> Any:
        return (
            select(func.count())
            .where(Placement.container_id == tree.c.id, places.current(), *conditions)
            .scalar_subquery()
        )

    # In a box stand samples alone: counted along the index, without a look at the rows.
    is_box = Container.kind.in_(kinds.tube_kinds())
    samples = case((is_box, here()), else_=here(Placement.sample_id.is_not(None)))
    children = case((is_box, 0), else_=here(Placement.child_id.is_not(None)))
    return (
        select(
            tree.c.start,
            Container.kind,
            func.count().label("containers"),
            func.sum(samples).label("samples"),
            func.sum(children).label("children"),
            *more,
        )
        .join(Container, Container.id == tree.c.id)
        .group_by(tree.c.start, Container.kind)
    )


def _flowed(tree: Any) -> Select[Any]:
    """(start, kind, day, net): what came to and left a tree since a moment."""
    since = bindparam("since", type_=UTCDateTime())

    def moved(column: Any, sign: int) -> Any:
        return select(Placement.container_id, utc_day(column).label("day"), literal(sign).label("net")).where(
            column >= since, Placement.sample_id.is_not(None)
        )

    flow = union_all(moved(Placement.placed_at, 1), moved(Placement.removed_at, -1)).subquery("flow")
    return (
        select(tree.c.start, Container.kind, flow.c.day, func.sum(flow.c.net).label("net"))
        .join(flow, flow.c.container_id == tree.c.id)
        .join(Container, Container.id == tree.c.id)
        .group_by(tree.c.start, Container.kind, flow.c.day)
    )


def _flowed_below(tree: Any) -> Select[Any]:
    """The same for few containers: from what they hold and held, not from what the whole bank moved."""
    since = bindparam("since", type_=UTCDateTime())
    ended = Placement.removed_recorded_at.is_not(None)

    def moved(column: Any, sign: int, *conditions: Any) -> Any:
        return (
            select(tree.c.start, Container.kind, utc_day(column).label("day"), literal(sign).label("net"))
            .join(Container, Container.id == tree.c.id)
            .join(Placement, Placement.container_id == tree.c.id)
            .where(column >= since, Placement.sample_id.is_not(None), *conditions)
        )

    flow = union_all(
        moved(Placement.placed_at, 1, places.current()),
        moved(Placement.placed_at, 1, ended),
        moved(Placement.removed_at, -1, ended),
    ).subquery("flow")
    return select(flow.c.start, flow.c.kind, flow.c.day, func.sum(flow.c.net).label("net")).group_by(
        flow.c.start, flow.c.kind, flow.c.day
    )


_GIVEN = below_given()
ROOTS: Any = select(_GIVEN.c.id)
CONTENT: Any = content(below_given())
FLOWED: Any = _flowed_below(below_given())


def _different() -> Any:
    """(code, kind, containers, samples, children): what is kept less what is there, where that is not nought."""
    counted = content(_below_all()).subquery("counted")
    names = ("containers", "samples", "children")
    both = union_all(
        select(counted.c.start.label("root_id"), counted.c.kind, *(-counted.c[name] for name in names)),
        select(StockTally.root_id, StockTally.kind, *(getattr(StockTally, name) for name in names)),
    ).subquery("both")
    sums = [func.sum(column) for column in list(both.c)[2:]]
    return (
        select(Container.code, both.c.kind, *sums)
        .join(Container, Container.id == both.c.root_id)
        .group_by(Container.code, both.c.kind)
        .having((sums[0] != 0) | (sums[1] != 0) | (sums[2] != 0))
        .order_by(Container.code, both.c.kind)
    )


def _different_flows() -> Any:
    """(code, kind, day, net): the same of what came and left."""
    counted = _flowed(_below_all()).subquery("counted")
    first = bindparam("day", type_=Date())
    both = union_all(
        select(
            counted.c.start.label("root_id"), counted.c.kind, counted.c.day, (-counted.c.net).label("net")
        ),
        select(StockFlow.root_id, StockFlow.kind, StockFlow.day, StockFlow.net).where(StockFlow.day >= first),
    ).subquery("both")
    net = func.sum(both.c.net)
    day = type_coerce(both.c.day, Date())
    return (
        select(Container.code, both.c.kind, day.label("day"), net.label("net"))
        .join(Container, Container.id == both.c.root_id)
        .group_by(Container.code, both.c.kind, both.c.day)
        .having(net != 0)
        .order_by(Container.code, both.c.kind, both.c.day)
    )


DIFFERENT, DIFFERENT_FLOWS = _different(), _different_flows()
