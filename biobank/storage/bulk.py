"""Puts many samples into their places at once, and takes others out: whole or not at all, in as many statements for 96
tubes as for one.

Locks: the container with everything above it, then all the samples. Two tubes may change places: everything that goes
leaves its place before anything comes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from biobank.audit import service as audit
from biobank.core import bulk, clock, times
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import chunks, db, fetch, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.samples import rules as life
from biobank.samples.models import CollectionEvent, Sample
from biobank.storage import accepting, claims, cold, freezing, places, rules, tally, temperatures
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container, Placement


@dataclass(frozen=True)
class Rearranged:
    """What was done, by the samples' keys. What stood where it should was left alone.

    placed   sample -> where it came from (container's code, position); None: from nowhere
    out      sample -> where it stood
    warned   sample -> what a person should look at all the same, see placing.Placed
    """

    placed: dict[int, tuple[str, str | None] | None] = field(default_factory=dict)
    out: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    warned: dict[int, Reason] = field(default_factory=dict)


def lock_box(
    container: Container, sample_ids: Sequence[int], by: Actor
) -> tuple[list[Container], list[Sample]]:
    """Lock a container with everything above it, then these samples and those that stand in it.

    returns  the containers, the nearest first, and all the samples; what is read from now on stays so until the end
    raises   NotFound for what another site hides
    """
    if not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)
    path = places.ids_above([container.id])[container.id]
    rows = {row.id: row for row in lock(Container, path)}
    above = [rows[key] for key in path]
    here = [key for (key,) in fetch(_SAMPLES_HERE, {"container_id": container.id})]
    samples = lock(Sample, {*sample_ids, *here})
    for sample in samples:
        if sample.site_id != container.site_id:
            raise NotFound("sample_unknown", sample=sample.code)
    return above, samples


def put_many(
    container: Container,
    positions: Mapping[str, int],
    by: Actor,
    at: When | None = None,
    *,
    out: Sequence[int] = (),
    why: str = "missing",
    reason: str | None = None,
    plan_id: int | None = None,
    confirm_lapsed: bool = False,
) -> Rearranged:
    """Put samples into places of one container, wherever they stood, and take others out of it.

    positions       place, as anybody writes it -> the sample's key; tubes may change places
    out             keys of samples that are taken out of this container; `why` is what their placements keep
    plan_id         the plan of moves that is carried out
    confirm_lapsed  the actor knows that the time of their reservations is over
    raises          as `placing.place`, for the first that cannot be; nothing is changed then
    """
    kind = kind_of(container)
    wanted = _wanted(container, positions, kind)
    above, locked = lock_box(container, [*wanted.values(), *out], by)
    samples = {sample.id: sample for sample in locked}
    if strange := sorted({*wanted.values(), *out} - samples.keys()):
        raise NotFound("sample_unknown", sample=str(strange[0]))
    last = _last_placements([*wanted.values(), *out])
    stays = {
        key for place, key in wanted.items()
        if key in last and last[key].removed_at is None
        and (last[key].container_id, last[key].position) == (container.id, place)
    }  # fmt: skip
    coming = {place: key for place, key in wanted.items() if key not in stays}
    leaving = [
        key for key in dict.fromkeys(out)
        if key in last and last[key].removed_at is None and last[key].container_id == container.id
    ]  # fmt: skip
    if both := sorted(set(leaving) & set(wanted.values())):
        raise RuleViolation("placed_and_taken_out", sample=samples[both[0]].code)
    arriving = [samples[key] for key in coming.values()]
    warned = _require_may_stand(kind, above, arriving, last)
    if why == cold.THAWED:
        cold.require_bears_thaw([samples[key] for key in leaving])
    _require_free(container, coming, {*coming.values(), *leaving}, by)
    if coming:
        claims.require_unclaimed(container, coming, by, plan_id, confirm_lapsed=confirm_lapsed)
    happened, instant = _moment(
        at, [last[key] for key in (*coming.values(), *leaving) if key in last], arriving
    )
    _close([last[key] for key in coming.values() if _stands(last.get(key))], instant, "moved", by)
    _close([last[key] for key in leaving], instant, why, by)
    _open(container, coming, instant, by)
    done = Rearranged(
        {key: _told(last.get(key)) for key in coming.values()},
        {key: (last[key].container_code, last[key].position) for key in leaving},
        warned,
    )
    _record(container, coming, done, samples, happened, why=why, reason=reason, by=by)
    freezing.note_many(above, arriving, by, happened)
    return done


def _wanted(container: Container, positions: Mapping[str, int], kind: rules.ContainerKind) -> dict[str, int]:
    """Canonical place -> sample key. raises RuleViolation for a place or a sample that is given twice"""
    wanted: dict[str, int] = {}
    for text, key in positions.items():
        place = rules.parse_position(text, kind).text
        if place in wanted:
            raise RuleViolation("place_given_twice", container=container.code, position=place)
        wanted[place] = key
    if len(set(wanted.values())) < len(wanted):
        raise RuleViolation("sample_given_twice", container=container.code)
    return wanted


def _require_may_stand(
    kind: rules.ContainerKind, above: Sequence[Container], arriving: Sequence[Sample], last: Mapping[int, Any]
) -> dict[int, Reason]:
    """What comes fits, is in our hands, and is accepted by every container that it does not stand in already.

    returns  sample -> what is to be warned of
    """
    for sample in arriving:
        rules.require_fit(kind, sample.vessel)
        life.next_status(sample.status, life.Act.MOVE)
    binding, decides = accepting.binding(above), temperatures.decided_by(above)
    unusual = {
        sample.id for sample in arriving if decides is not None and temperatures.suits(sample.type, decides[1]) != "ok"
    }  # fmt: skip
    if not arriving or not (binding or unusual):
        return {}
    stood = {sample.id: last[sample.id].container_id for sample in arriving if _stands(last.get(sample.id))}
    inside = places.ids_above(stood.values())
    warned: dict[int, Reason] = {}
    for sample, facts in zip(arriving, accepting.facts_of(arriving), strict=True):
        already = inside.get(stood.get(sample.id, 0), ())
        accepting.require_accepts([each for each in binding if each.id not in already], [facts])
        if sample.id in unusual and decides is not None and decides[0].id not in already:
            for told in temperatures.faults(above, [(sample.code, sample.type)]):
                warned[sample.id] = told
    return warned


def _require_free(container: Container, coming: Mapping[str, int], going: set[int], by: Actor) -> None:
    """Whoever stands in a place that somebody comes to goes too, or the place is taken; who had reserved it and lost it
    is told so."""
    for position, sample_id, sample, child in fetch(_HERE, {"container_id": container.id}):
        if position in coming and sample_id not in going:
            occupant = sample or child
            if lapsed := claims.lapsed_to(container, position, by, occupant):
                raise lapsed
            raise RuleViolation(
                "position_taken", container=container.code, position=position, occupant=occupant
            )


def _moment(at: When | None, last: Sequence[Any], arriving: Sequence[Sample]) -> tuple[When, datetime]:
    """One moment for all of them: never before any placement before, within what is known. See standing.moment"""
    before = max((row.removed_at or row.placed_at for row in last), default=None)
    if at is None:
        now = clock.now()
        return When.exactly(now), max(now, before or now)
    if at.at is None:
        raise Malformed({"at": Reason("placing_time_needed")})
    zone = clock.zone()
    reasons = [life.act_not_in_future(at, clock.now(), zone)]
    if before is not None and times.surely_before(at, When.exactly(before), zone):
        shown = {"happened": times.show(at, zone), "before": times.show(When.exactly(before), zone)}
        reasons.append(Reason("placed_before_last", shown))
    events = [sample.collection_event_id for sample in arriving if sample.collection_event_id is not None]
    for happened_at, precision in fetch(_COLLECTED, {"ids": sorted(set(events))}):
        reasons.append(life.act_not_before_collection(at, When(happened_at, precision), zone))
    life.refuse(reasons)
    return at, max(at.at, before or at.at)


def _stands(row: Any) -> bool:
    return row is not None and row.removed_at is None


def _told(row: Any) -> tuple[str, str | None] | None:
    return (row.container_code, row.position) if _stands(row) else None


def _close(stood: Sequence[Any], instant: datetime, why: str, by: Actor) -> None:
    for row in stood:
        tally.sample_moved(row.container_id, instant, -1)
    for chunk in chunks([row.id for row in stood], 500):
        db.session.execute(
            update(Placement)
            .where(Placement.id.in_(chunk))
            .values(removed_at=instant, removed_recorded_at=clock.now(), removed_by=by.key, why=why),
            execution_options={"synchronize_session": False},
        )


def _open(container: Container, coming: Mapping[str, int], instant: datetime, by: Actor) -> None:
    now = clock.now()
    if coming:
        tally.sample_moved(container.id, instant, len(coming))
    bulk.insert_rows(
        Placement,
        [
            {
                "container_id": container.id, "position": position, "sample_id": key, "placed_at": instant,
                "placed_recorded_at": now, "placed_by": by.key,
            }
            for position, key in coming.items()
        ],
    )  # fmt: skip


def _record(
    container: Container,
    coming: Mapping[str, int],
    done: Rearranged,
    samples: Mapping[int, Sample],
    happened: When,
    *,
    why: str,
    reason: str | None,
    by: Actor,
) -> None:
    """One entry for each tube, in the order of the places."""
    for key, (code, position) in done.out.items():
        audit.record(
            by=by, act="taken_out", subject=("sample", samples[key].code), reason=reason, happened=happened,
            before={"container": code, "position": position}, after={"why": why},
        )  # fmt: skip
    for position, key in coming.items():
        stood = done.placed[key]
        audit.record(
            by=by, act="moved" if stood is not None else "placed", subject=("sample", samples[key].code),
            before={"container": stood[0], "position": stood[1]} if stood is not None else {},
            after={"container": container.code, "position": position}
            | ({"warned": [done.warned[key].code]} if key in done.warned else {}),
            happened=happened,
        )  # fmt: skip


def _last_placements(sample_ids: Sequence[int]) -> dict[int, Any]:
    """Sample key -> its last placement, ended or not."""
    return {row.sample_id: row for row in fetch(_LAST, {"ids": sorted(set(sample_ids))})}


# Built once, see places.
_SAMPLES_HERE = select(Placement.sample_id).where(
    Placement.container_id == bindparam("container_id"), Placement.sample_id.is_not(None), places.current()
)
_HERE = (
    select(Placement.position, Placement.sample_id, Sample.code, Container.code)
    .select_from(Placement)
    .outerjoin(Sample, Sample.id == Placement.sample_id)
    .outerjoin(Container, Container.id == Placement.child_id)
    .where(Placement.container_id == bindparam("container_id"), places.current())
)
_LAST = (
    select(
        Placement.id, Placement.sample_id, Placement.container_id, Placement.position, Placement.placed_at,
        Placement.removed_at, Container.code.label("container_code"),
    )
    .join(Container, Container.id == Placement.container_id)
    .where(
        Placement.id.in_(
            select(func.max(Placement.id)).where(among(Placement.sample_id, "ids")).group_by(Placement.sample_id)
        )
    )
)  # fmt: skip
_COLLECTED = select(CollectionEvent.happened_at, CollectionEvent.precision).where(
    among(CollectionEvent.id, "ids")
)
