"""What must hold of storage whatever happened: looked for every night, for the guards may have been gone round."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Select, func, literal, select, text
from sqlalchemy.orm import aliased

from biobank.audit.models import AuditEntry
from biobank.core import checks as nightly
from biobank.core.db import db
from biobank.core.errors import RuleViolation
from biobank.samples.models import Sample
from biobank.samples.rules import LIFE, Act, Status
from biobank.storage import kinds, places, rules, tally, undoing
from biobank.storage.models import Container, DiscardReversal, Placement, PositionClaim

#: A sample in any other status stands nowhere in the bank. One that was used up stands until it is taken out.
STANDING = sorted({status.value for status in Status if (status, Act.MOVE) in LIFE} | {Status.DEPLETED.value})


def in_two_places() -> Iterator[str]:
    """A sample or a container that stands in two places."""
    for column, table in ((Placement.sample_id, Sample), (Placement.child_id, Container)):
        query = (
            select(table.code, func.count())
            .join(Placement, column == table.id)
            .where(places.current())
            .group_by(table.code)
            .having(func.count() > 1)
        )
        for code, count in db.session.execute(query):
            yield f"{code} stands in {count} places"


def two_in_one_place() -> Iterator[str]:
    """Two things in one place."""
    query = (
        select(Container.code, Placement.position, func.count())
        .join(Container, Container.id == Placement.container_id)
        .where(places.current(), Placement.position.is_not(None))
        .group_by(Container.code, Placement.position)
        .having(func.count() > 1)
    )
    for code, position, count in db.session.execute(query):
        yield f"{code} {position} holds {count} things"


def outside_its_kind() -> Iterator[str]:
    """A place that its container does not have, a thing without a place where each has one, or of the wrong kind."""
    for container, kind, position, vessel, child in db.session.execute(_occupied()):
        known = kinds.kinds().get(kind)
        if known is None:
            yield f"{container} is of the kind {kind}, which config/containers.toml does not have"
            continue
        if not rules.may_stand(known, child or vessel):
            yield f"{container} {position or ''} holds a {child or vessel}, which a {kind} does not take"
        if position is None and known.positioned:
            yield f"{container} holds something without a place, but a {kind} has places"
        if position is not None and not _has(known, position):
            yield f"{container} has no place {position}"


def _occupied() -> Select[*tuple[Any, ...]]:
    """What there is of (container, its kind, place, vessel, kind of child): one row for each kind of place, with the
    container of one example, so that ten million tubes make few rows."""
    child = Container.__table__.alias("child")
    return (
        select(func.min(Container.code), Container.kind, Placement.position, Sample.vessel, child.c.kind)
        .select_from(Placement)
        .join(Container, Container.id == Placement.container_id)
        .outerjoin(Sample, Sample.id == Placement.sample_id)
        .outerjoin(child, child.c.id == Placement.child_id)
        .where(places.current())
        .group_by(Container.kind, Placement.position, Sample.vessel, child.c.kind)
    )


def _has(kind: rules.ContainerKind, position: str) -> bool:
    return _meant(kind, position) == position


def _meant(kind: rules.ContainerKind, position: str) -> str | None:
    """The place that a text stands for; None when there is no such place."""
    try:
        return rules.parse_position(position, kind).text
    except RuleViolation:
        return None


def too_full() -> Iterator[str]:
    """More in a container than goes in."""
    query = (
        select(Container.code, Container.kind, func.count())
        .join(Placement, Placement.container_id == Container.id)
        .where(places.current())
        .group_by(Container.code, Container.kind)
    )
    most = {key: kind.capacity for key, kind in kinds.kinds().items()}
    least = min(most.values(), default=0)
    for code, kind, count in db.session.execute(query.having(func.count() > least)):
        if kind in most and count > most[kind]:
            yield f"{code} holds {count} things; {most[kind]} go in"


def gone_but_standing() -> Iterator[str]:
    """A sample that is given away, destroyed or lost, and still has a place."""
    query = (
        select(Sample.code, Sample.status)
        .join(Placement, Placement.sample_id == Sample.id)
        .where(places.current(), Sample.status.not_in(STANDING))
        .order_by(Sample.code)
    )
    for code, status in db.session.execute(query):
        yield f"{code} is {status} and still has a place"


def in_itself() -> Iterator[str]:
    """A container that stands in itself, through whatever others."""
    query = text(
        "WITH RECURSIVE up (id, at) AS ("
        " SELECT child_id, container_id FROM placement WHERE child_id IS NOT NULL AND removed_recorded_at IS NULL"
        " UNION SELECT up.id, p.container_id FROM up JOIN placement p ON p.child_id = up.at"
        " AND p.removed_recorded_at IS NULL)"
        " SELECT c.code FROM up JOIN container c ON c.id = up.id WHERE up.id = up.at ORDER BY c.code"
    )
    for code in db.session.scalars(query):
        yield f"{code} stands in itself"


def one_place_twice() -> Iterator[str]:
    """Two things in one place that is written in two ways, such as A1 and A01: the index takes them for two places."""
    written = select(Container.kind, Placement.position).join(
        Placement, Placement.container_id == Container.id
    )
    written = written.where(places.current(), Placement.position.is_not(None)).distinct()
    for kind, position in db.session.execute(written).all():
        known = kinds.kinds().get(kind)
        meant = _meant(known, position) if known is not None and position is not None else None
        if meant is None or meant == position:
            continue
        here, there = Placement.__table__.alias("here"), Placement.__table__.alias("there")
        query = (
            select(Container.code)
            .join(here, here.c.container_id == Container.id)
            .join(there, there.c.container_id == Container.id)
            .where(Container.kind == kind, here.c.position == position, there.c.position == meant)
            .where(here.c.removed_recorded_at.is_(None), there.c.removed_recorded_at.is_(None))
            .order_by(Container.code)
        )
        for code in db.session.scalars(query):
            yield f"{code} {meant} holds 2 things, one of them as {position}"


def moved_to_nowhere() -> Iterator[str]:
    """What was moved away and never arrived: the bank has it, and no place knows it."""
    after = Placement.__table__.alias("after")
    for column, table in ((Placement.sample_id, Sample), (Placement.child_id, Container)):
        later = select(after.c.id).where(after.c[column.key] == column, after.c.id > Placement.id).exists()
        query = (
            select(table.code)
            .join(Placement, column == table.id)
            .where(Placement.why == "moved", ~later)
            .order_by(table.code)
        )
        for code in db.session.scalars(query):
            yield f"{code} was moved and arrived nowhere"


def pointing_to_nothing() -> Iterator[str]:
    """A place in a container that there is not, or one that points to a sample or a container that there is not."""
    box = Container.__table__.alias("box")
    child = Container.__table__.alias("child")
    query = (
        select(Placement.id, box.c.id, Placement.sample_id, Placement.child_id)
        .select_from(Placement)
        .outerjoin(box, box.c.id == Placement.container_id)
        .outerjoin(Sample, Sample.id == Placement.sample_id)
        .outerjoin(child, child.c.id == Placement.child_id)
        .where(places.current())
        .where(
            box.c.id.is_(None)
            | (Placement.sample_id.is_not(None) & Sample.id.is_(None))
            | (Placement.child_id.is_not(None) & child.c.id.is_(None))
        )
    )
    for key, found, sample_id, child_id in db.session.execute(query):
        if found is None:
            yield f"placement {key} is in a container that there is not"
        else:
            what = f"sample {sample_id}" if sample_id else f"container {child_id}"
            yield f"placement {key} points to {what}, which there is not"


def kept_but_taken() -> Iterator[str]:
    """A place that is reserved or blocked, so it is told to be free, and something stands in it."""
    query = (
        select(Container.code, PositionClaim.position, PositionClaim.kind)
        .join(Container, Container.id == PositionClaim.container_id)
        .join(
            Placement,
            (Placement.container_id == PositionClaim.container_id)
            & (Placement.position == PositionClaim.position),
        )
        .where(PositionClaim.ended_at.is_(None), places.current())
        .order_by(Container.code, PositionClaim.position)
    )
    for code, position, kind in db.session.execute(query):
        yield f"{code} {position} is {kind}, and something stands there"


def kept_outside_its_kind() -> Iterator[str]:
    """A place that is reserved or blocked, and that its container does not have."""
    query = (
        select(func.min(Container.code), Container.kind, PositionClaim.position)
        .join(Container, Container.id == PositionClaim.container_id)
        .where(PositionClaim.ended_at.is_(None))
        .group_by(Container.kind, PositionClaim.position)
    )
    for code, kind, position in db.session.execute(query):
        known = kinds.kinds().get(kind)
        if known is not None and not _has(known, position):
            yield f"{code} has no place {position}, which is reserved or blocked"


def kept_for_no_plan() -> Iterator[str]:
    """A place kept for a plan of moves that there is not, or that is over: nobody comes to fill it."""
    query = text(
        "SELECT c.code, k.position, k.plan_id FROM position_claim k JOIN container c ON c.id = k.container_id"
        " WHERE k.ended_at IS NULL AND k.plan_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM move_plan p WHERE p.id = k.plan_id AND p.closed_at IS NULL)"
        " ORDER BY c.code, k.position"
    )
    for code, position, plan_id in db.session.execute(query):
        yield f"{code} {position} is kept for plan {plan_id}, which is not being carried out"


def fetched_in_silence() -> Iterator[str]:
    """A tube fetched out of the bin, and the record goes on after its discard with something else than that."""
    discard, next_one = aliased(AuditEntry), aliased(AuditEntry)
    follows = (next_one.subject_kind == "sample", next_one.subject_key == discard.subject_key)
    first = select(func.min(next_one.seq)).where(*follows, next_one.seq > discard.seq).correlate(discard)
    # As `audit.service.canonical` begins an entry.
    begins = literal(f'{{"act":"{undoing.UNDONE}","actor":"') + DiscardReversal.recorded_by + literal('",')
    told = select(AuditEntry.seq).where(
        AuditEntry.seq == first.scalar_subquery(),
        func.substr(AuditEntry.content, 1, func.length(begins)) == begins,
    )
    query = (
        select(DiscardReversal.id, Sample.code)
        .select_from(DiscardReversal)
        .outerjoin(Sample, Sample.id == DiscardReversal.sample_id)
        .outerjoin(discard, discard.seq == DiscardReversal.entry_seq)
        .where(~told.exists())
        .order_by(DiscardReversal.id)
    )
    for number, code in db.session.execute(query):
        yield f"reversal {number} fetches {code} out of the bin, and the record does not tell of it"


def tallied_wrong() -> Iterator[str]:
    """What is told of how full a freezer is, and how fast it fills, is not what stands and stood there."""
    yield from tally.differences()


#: Name -> the check; each yields one sentence for each thing that is wrong.
CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "storage: in two places": in_two_places,
    "storage: two in one place": two_in_one_place,
    "storage: outside its kind": outside_its_kind,
    "storage: too full": too_full,
    "storage: gone but standing": gone_but_standing,
    "storage: in itself": in_itself,
    "storage: one place twice": one_place_twice,
    "storage: moved to nowhere": moved_to_nowhere,
    "storage: pointing to nothing": pointing_to_nothing,
    "storage: kept but taken": kept_but_taken,
    "storage: kept outside its kind": kept_outside_its_kind,
    "storage: kept for no plan": kept_for_no_plan,
    "storage: fetched in silence": fetched_in_silence,
    "storage: tallied wrong": tallied_wrong,
}


def register() -> None:
    """Have them asked every night."""
    for name, check in CHECKS.items():
        nightly.register(name, lambda check=check: list(check()))  # type: ignore[misc]


def checks() -> list[str]:
    """Everything that is wrong now."""
    return [f"{name}: {finding}" for name, check in CHECKS.items() for finding in check()]
