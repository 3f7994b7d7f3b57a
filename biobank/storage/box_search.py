"""Boxes that take tubes of one study and type, and have room: found without a look at the whole stock.

What is looked at: the boxes where the newest samples of that study and type stand, the boxes that something was taken
out of last, and the newest boxes with room among the newest MOST_BOXES. Only when all these do not suffice, every box
of the freezers that may hold them is asked.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select

from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import db, fetch
from biobank.core.errors import Malformed, Reason
from biobank.samples.models import Sample, SampleDonor
from biobank.storage import accepting, fitting, kinds, places, temperatures
from biobank.storage.containers import roots
from biobank.storage.models import Container, Placement, PositionClaim
from biobank.storage.tally_queries import below_given
from biobank.studies.service import study_codes

#: So many of the newest samples of a study tell where its tubes go.
_NEWEST_SAMPLES = 2000
_LATELY_OPENED = 300
#: Among so many of the newest boxes, the newest with room are looked for.
MOST_BOXES = 5000
_WITH_ROOM = 500


@dataclass(frozen=True)
class Wish:
    """Tubes alike in study, type and vessel. samples: empty when they are yet to be made."""

    study_id: int
    type: str
    vessel: str
    count: int
    samples: Sequence[Sample] = ()


@dataclass(frozen=True)
class Candidate:
    """A box with room that may take them."""

    container: Container
    above: Sequence[Container]
    """Itself and everything it stands in, the nearest first."""
    used: int
    free: int

    @property
    def temperature(self) -> str | None:
        return temperatures.of_way(self.above)


class Search:
    """given: container key -> places of it that were given away in answer to the same question."""

    def __init__(
        self, site_id: int, wish: Wish, temperature: str | None, by: Actor, given: Mapping[int, set[str]]
    ) -> None:
        self.site_id, self.wish, self.by, self.given = site_id, wish, by, given
        self.temperature, self.asked = temperature, temperature is not None
        (self.study,) = study_codes([wish.study_id]).values()
        self.kinds = _kinds_for(wish.vessel)
        self.families: list[int | None] = [None] * wish.count
        self.kin: dict[int, set[int]] = {}  # container key -> families of which some stand in it
        self.own: set[int] = set()

    def fitted(self) -> tuple[dict[int, list[int]], list[int], dict[int, Candidate]]:
        """returns container key -> numbers of the tubes that go in; numbers of those without a place; the boxes"""
        self._whose()
        self.own = set(self._own())
        ids = {*self.own, *self.kin, *self._lately_opened(), *self._newest()}
        all_of_them = self._candidates(ids)
        if self.temperature is None:
            self.temperature = _usual([each for each in all_of_them if each.container.id in self.own])
        candidates = [each for each in all_of_them if self._takes(each)]
        fitted = self._fit(candidates)
        if fitted.left and (more := self._all_of_fitting_freezers() - ids):
            candidates += [each for each in self._candidates(more) if self._takes(each)]
            fitted = self._fit(candidates)
        return fitted.into, fitted.left, {each.container.id: each for each in candidates}

    def _whose(self) -> None:
        """The families of the tubes: their donors. And where others of these families stand."""
        if not self.wish.samples:
            return
        donors: dict[int, int] = {}
        for row in fetch(_DONORS, {"ids": [sample.id for sample in self.wish.samples]}):
            donors.setdefault(row.sample_id, row.patient_id)  # of a pool, the first
        self.families = [donors.get(sample.id) for sample in self.wish.samples]
        for row in fetch(_KIN, {"ids": sorted(set(donors.values()))}) if donors else ():
            self.kin.setdefault(row.container_id, set()).add(row.patient_id)

    def _own(self) -> list[int]:
        newest = (
            select(Sample.id, Sample.type)
            .where(Sample.study_id == self.wish.study_id)
            .order_by(Sample.id.desc())
            .limit(_NEWEST_SAMPLES)
            .subquery()
        )
        query = (
            select(Placement.container_id)
            .join(newest, newest.c.id == Placement.sample_id)
            .where(newest.c.type == self.wish.type, places.current())
            .group_by(Placement.container_id)
            .order_by(func.max(newest.c.id).desc())
            .limit(_LATELY_OPENED)
        )
        return [key for (key,) in fetch(query)]

    def _lately_opened(self) -> list[int]:
        last = (
            select(Placement.container_id)
            .where(Placement.removed_at.is_not(None))
            .order_by(Placement.removed_at.desc())
            .limit(_LATELY_OPENED)
            .subquery()
        )
        return [key for (key,) in fetch(select(last.c.container_id).distinct())]

    def _newest(self) -> list[int]:
        boxes = (
            select(Container.id, Container.kind)
            .where(Container.site_id == self.site_id, Container.kind.in_(self.kinds))
            .order_by(Container.id.desc())
            .limit(MOST_BOXES)
            .subquery()
        )
        query = select(boxes.c.id).where(_has_room(boxes, self.kinds)).order_by(boxes.c.id.desc())
        return [key for (key,) in fetch(query.limit(_WITH_ROOM))]

    def _all_of_fitting_freezers(self) -> set[int]:
        """Every box with room of the freezers at that temperature whose rule takes them: as many as there are."""
        freezers = [
            root.id
            for root in roots(self.by)
            if root.site_id == self.site_id
            and (self.temperature is None or temperatures.own(root) in (None, self.temperature))
            and self._accepted([root])
        ]
        tree = below_given()
        boxes = (
            select(tree.c.id, Container.kind)
            .join(Container, Container.id == tree.c.id)
            .where(Container.kind.in_(self.kinds))
            .subquery()
        )
        query = select(boxes.c.id).where(_has_room(boxes, self.kinds)).order_by(boxes.c.id.desc())
        return (
            {key for (key,) in fetch(query.limit(_WITH_ROOM * 4), {"ids": freezers})} if freezers else set()
        )

    def _candidates(self, ids: Iterable[int]) -> list[Candidate]:
        """Of these containers, the boxes with room that stand in storage, with everything that they stand in."""
        stock = {row.id: row for row in fetch(_STOCK, {"ids": sorted(set(ids))})}
        known = kinds.kinds()
        free: dict[int, int] = {}
        for key, row in stock.items():
            if row.kind in self.kinds and row.site_id == self.site_id:
                free[key] = known[row.kind].capacity - row.used - row.claimed - len(self.given.get(key, ()))
        above = places.ids_above(key for key, room in free.items() if room > 0)
        wanted = sorted({each for way in above.values() for each in way})
        found = {row.id: row for row in _containers(wanted)}
        storing = set(kinds.storage_kinds())
        return [
            Candidate(found[key], [found[each] for each in way], stock[key].used, free[key])
            for key, way in sorted(above.items())
            if storing & {found[each].kind for each in way}
        ]

    def _takes(self, candidate: Candidate) -> bool:
        if self.temperature is not None and candidate.temperature != self.temperature:
            return False
        means = temperatures.suits(self.wish.type, candidate.temperature)
        # Who asks for a temperature that the bank only warns of gets it.
        return (means == "ok" or (means == "warn" and self.asked)) and self._accepted(candidate.above)

    def _accepted(self, way: Sequence[Container]) -> bool:
        for rule in filter(None, (accepting.rule_of(each) for each in way)):
            if (rule.studies and self.study not in rule.studies) or (
                rule.types and self.wish.type not in rule.types
            ):
                return False
        return True

    def _fit(self, candidates: Sequence[Candidate]) -> fitting.Fitted[int]:
        busy: set[tuple[int, int]] = set()
        boxes = []
        kept_apart = {
            each.id
            for candidate in candidates
            for each in candidate.above
            if (rule := accepting.rule_of(each)) is not None and rule.families == "apart"
        }
        if kept_apart and self.kin:
            for key, way in places.ids_above(self.kin).items():
                busy |= {(each, family) for each in way if each in kept_apart for family in self.kin[key]}
        for each in candidates:
            told = (accepting.rule_of(up) for up in each.above)
            families = next((rule.families for rule in told if rule is not None and rule.families), None)
            own = each.container.id in self.own
            boxes.append(
                fitting.Box(
                    key=each.container.id,
                    rack=each.above[1].id if len(each.above) > 1 else 0,
                    free=each.free,
                    own=own,
                    alien=each.used > 0 and not own,
                    together=families == "together",
                    apart=frozenset(up.id for up in each.above if up.id in kept_apart),
                    here=frozenset(self.kin.get(each.container.id, ())),
                )
            )
        return fitting.fit(self.families, boxes, busy=frozenset(busy))


def _kinds_for(vessel: str) -> list[str]:
    """Boxes for that vessel; where there are none, whatever it may stand in. raises Malformed"""
    able = [key for key, kind in kinds.kinds().items() if vessel in kind.holds]
    if not able:
        raise Malformed({"vessel": Reason("suggest_vessel", {"vessel": vessel[:20]})})
    return [key for key in able if key in kinds.tube_kinds()] or able


def _usual(own: Sequence[Candidate]) -> str | None:
    """The temperature at which most of the boxes stand."""
    counted = Counter(each.temperature for each in own if each.temperature is not None)
    return min(counted, key=lambda key: (-counted[key], key)) if counted else None


_DONORS = (
    select(SampleDonor.sample_id, SampleDonor.patient_id)
    .where(among(SampleDonor.sample_id, "ids"))
    .order_by(SampleDonor.sample_id, SampleDonor.patient_id)
)
_KIN = (
    select(SampleDonor.patient_id, Placement.container_id)
    .join(Placement, Placement.sample_id == SampleDonor.sample_id)
    .where(among(SampleDonor.patient_id, "ids"), places.current())
    .distinct()
)


def _used(column: Any) -> Any:
    return select(func.count()).where(Placement.container_id == column, places.current()).scalar_subquery()


def _claimed(column: Any) -> Any:
    at = (PositionClaim.container_id == column, PositionClaim.ended_at.is_(None))
    return select(func.count()).where(*at).scalar_subquery()


def _has_room(boxes: Any, of_kinds: Sequence[str]) -> Any:
    known = kinds.kinds()
    capacity = case({key: known[key].capacity for key in of_kinds}, value=boxes.c.kind, else_=0)
    return _used(boxes.c.id) + _claimed(boxes.c.id) < capacity


_STOCK = select(
    Container.id,
    Container.kind,
    Container.site_id,
    _used(Container.id).label("used"),
    _claimed(Container.id).label("claimed"),
).where(among(Container.id, "ids"))
_CONTAINERS = select(Container).where(among(Container.id, "ids"))


def _containers(ids: Sequence[int]) -> Sequence[Container]:
    return db.session.scalars(_CONTAINERS, {"ids": list(ids)}).all()
