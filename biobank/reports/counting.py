"""The counts behind the figures: one statement each, however many samples, months and studies there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    column,
    func,
    literal_column,
    or_,
    select,
    values,
)

from biobank.access.models import Site
from biobank.core.db import UTCDateTime, db, is_sqlite
from biobank.core.times import Month
from biobank.reports.rules import SITE, STUDY, TYPE, Key, Stay
from biobank.samples.models import Sample
from biobank.storage import kinds
from biobank.storage.models import Container, Placement
from biobank.studies.models import Study

_COLUMNS: dict[str, Any] = {STUDY: Sample.study_id, TYPE: Sample.type, SITE: Sample.site_id}
_NAMED: dict[str, Any] = {STUDY: Study, SITE: Site}


@dataclass(frozen=True)
class Scope:
    """What is counted: one site's samples or (None) every site's, divided by study, type and site as asked.

    names  for each division what people call its keys; None where the key is the name
    """

    site_id: int | None
    by: tuple[str, ...]
    names: tuple[Mapping[int, str] | None, ...]

    @property
    def columns(self) -> list[Any]:
        return [_COLUMNS[name] for name in self.by]

    def key(self, row: Sequence[Any]) -> Key:
        """Studies of one code at several sites are one study here, unless sites are told apart."""
        return tuple(
            value if names is None else names[value] for value, names in zip(row, self.names, strict=True)
        )


def scope(site_id: int | None, by: tuple[str, ...]) -> Scope:
    """A scope, with the codes of all studies and sites if they are to be told apart."""
    return Scope(site_id, by, tuple(_names(_NAMED[name]) if name in _NAMED else None for name in by))


def _names(table: Any) -> dict[int, str]:
    return {row.id: row.code for row in db.session.execute(select(table.id, table.code))}


def treated(months: Sequence[Month], scope: Scope) -> dict[Key, list[int]]:
    """Key -> samples treated in each month. Reads the index on `treated_at` from start to end of the period, no row."""
    spans = values(
        column("number", Integer), column("start", UTCDateTime), column("end", UTCDateTime), name="spans"
    ).data([(number, month.start, month.end) for number, month in enumerate(months)])
    span = spans.cte("span")
    query = (
        select(span.c.number, *scope.columns, func.count())
        .select_from(span)
        .join(Sample, and_(Sample.treated_at >= span.c.start, Sample.treated_at < span.c.end))
        .group_by(span.c.number, *scope.columns)
    )
    found: dict[Key, list[int]] = {}
    for number, *row, count in db.session.execute(_of_site(query, scope)):
        found.setdefault(scope.key(row), [0] * len(months))[number] += count
    return found


def treated_nobody_knows_when(scope: Scope) -> int:
    """Samples that were treated at an unknown time."""
    query = select(func.count()).where(Sample.treated_at.is_(None), Sample.treated_precision == "unknown")
    return db.session.scalar(_of_site(query, scope)) or 0


def stays(instants: Sequence[datetime], scope: Scope) -> list[Stay]:
    """Which samples were stored at which of the instants.

    An instant ends something: what happened at it, such as on the day that begins then, comes after. Times are turned
    into how many instants they have passed before anything is compared, so one pass over the placements is enough.
    """
    box = _storing(instants, scope.site_id)
    columns = [box.c.site_id if name == SITE else _COLUMNS[name] for name in scope.by]
    numbers = [
        box.c.first,
        box.c.last,
        _passed(Placement.placed_at, instants).label("placed"),
        _removed(instants).label("removed"),
    ]
    # Outer joins, so that SQLite reads the placements once from end to end and looks the rest up, not the other
    # way round; what stood in no storage has no numbers.
    query = select(*numbers, *columns, func.count()).join(
        box, box.c.id == Placement.container_id, isouter=True
    )
    if {STUDY, TYPE} & set(scope.by):
        query = query.join(Sample, Sample.id == Placement.sample_id, isouter=True)
    query = query.where(Placement.sample_id.is_not(None), _matters(instants)).group_by(*numbers, *columns)
    return [
        Stay(scope.key(row), max(first, placed), min(last, removed), count)
        for first, last, placed, removed, *row, count in db.session.execute(query)
        if first is not None and max(first, placed) < min(last, removed)
    ]


def _storing(instants: Sequence[datetime], site_id: int | None) -> CTE:
    """Containers with the instants (from number `first`, before number `last`) at which they led to storage.

    Goes up from each container until it meets a kind that counts as storage, so that no instant is counted twice where
    one stands in another. What stands in a container is of its site.
    UNION, not UNION ALL: times told afterwards may let two things have stood in each other for a moment.
    """
    storing = kinds.storage_kinds()
    greatest, least = (func.max, func.min) if is_sqlite() else (func.greatest, func.least)
    from_the_start = select(
        Container.id.label("id"),
        Container.site_id.label("site_id"),
        Container.id.label("reached"),
        Container.kind.label("kind"),
        literal_column("0", Integer).label("first"),
        literal_column(str(len(instants)), Integer).label("last"),
    )
    if site_id is not None:
        from_the_start = from_the_start.where(Container.site_id == site_id)
    up = from_the_start.cte("up", recursive=True)
    up = up.union(
        select(
            up.c.id,
            up.c.site_id,
            Container.id,
            Container.kind,
            greatest(up.c.first, _passed(Placement.placed_at, instants)),
            least(up.c.last, _removed(instants)),
        )
        .join(Placement, Placement.child_id == up.c.reached)
        .join(Container, Container.id == Placement.container_id)
        .where(up.c.kind.not_in(storing), up.c.first < up.c.last, _matters(instants))
    )
    found = select(up.c.id, up.c.site_id, up.c.first, up.c.last)
    return found.where(up.c.kind.in_(storing), up.c.first < up.c.last).cte("storing")


def _matters(instants: Sequence[datetime]) -> ColumnElement[bool]:
    """Of placements: that they may have lasted at one of the instants."""
    return and_(
        Placement.placed_at < instants[-1],
        or_(Placement.removed_at.is_(None), Placement.removed_at >= instants[0]),
    )


def _removed(instants: Sequence[datetime]) -> ColumnElement[int]:
    every = literal_column(str(len(instants)), Integer)
    return case((Placement.removed_at.is_(None), every), else_=_passed(Placement.removed_at, instants))


def _passed(at: Any, instants: Sequence[datetime], start: int = 0) -> ColumnElement[int]:
    """How many of the instants are not after `at`: halved again and again, so that 600 months cost ten comparisons."""
    if not instants:
        return literal_column(str(start), Integer)
    middle = len(instants) // 2
    return case(
        (at < instants[middle], _passed(at, instants[:middle], start)),
        else_=_passed(at, instants[middle + 1 :], start + middle + 1),
    )


def _of_site(query: Select[Any], scope: Scope) -> Select[Any]:
    """Only the site's. Adding 0 keeps SQLite from reading all of the site's samples by its number instead of the few
    of the period by their times."""
    return query if scope.site_id is None else query.where(Sample.site_id + 0 == scope.site_id)


def first_and_last(site_id: int | None) -> tuple[datetime | None, datetime | None]:
    """The first and the last instant at which a sample was treated, each found at its end of the index."""
    anything = Scope(site_id, (), ())
    known = select(Sample.treated_at).where(Sample.treated_at.is_not(None)).limit(1)
    first = db.session.scalar(_of_site(known.order_by(Sample.treated_at), anything))
    last = db.session.scalar(_of_site(known.order_by(Sample.treated_at.desc()), anything))
    return first, last
