"""Where shall these tubes go? Boxes that take them, with as few openings as can be.

A tube that was taken out goes back to its place, if that is free. The others go into boxes of a fitting kind that stand
at the right temperature, whose rules (and those of everything they stand in) take their study and type, at places that
are neither taken, reserved nor blocked. How such boxes are found without a look at the whole stock: `box_search`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select

from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import db, fetch
from biobank.core.errors import Malformed, Reason
from biobank.samples.models import Sample
from biobank.storage import claims, kinds, places, rules
from biobank.storage.box_search import Candidate, Search, Wish
from biobank.storage.models import Container, Placement
from biobank.storage.places import Step
from biobank.studies.models import Study

#: More tubes than this are not asked about at once.
MOST = 500


@dataclass(frozen=True)
class Place:
    """Tubes that go into one box. positions: empty where things stand without places. samples: empty when they are yet
    to be made. back: they stood there before."""

    container: Container
    path: Sequence[Step]
    count: int
    positions: Sequence[str] = ()
    samples: Sequence[Sample] = ()
    back: bool = False


@dataclass
class Suggestion:
    """places, in the order in which they are walked to; left: how many found none; standing: what stands already."""

    places: list[Place] = field(default_factory=list)
    left: int = 0
    left_samples: list[Sample] = field(default_factory=list)
    standing: dict[str, Sequence[Step]] = field(default_factory=dict)
    temperatures: set[str] = field(default_factory=set)

    @property
    def openings(self) -> int:
        return len({place.container.id for place in self.places})


def suggest(
    *,
    by: Actor,
    samples: Sequence[Sample] = (),
    study: Study | None = None,
    type: str | None = None,
    vessel: str = "tube",
    count: int = 0,
    temperature: str | None = None,
) -> Suggestion:
    """Find places for samples, or for `count` tubes of that study and type that are yet to be made.

    temperature  an internal key of the storage temperatures; unless given, where most of the newest alike stand
    raises       Malformed for none or too many of them, for an unknown vessel or temperature
    """
    asked = len(samples) or count
    if not 1 <= asked <= MOST:
        raise Malformed({"count": Reason("suggest_count", {"most": MOST})})
    if temperature is not None and temperature not in rules.TEMPERATURES:
        known = ", ".join(sorted(rules.TEMPERATURES))
        raise Malformed(
            {"temperature": Reason("temperature_unknown", {"given": temperature[:40], "known": known})}
        )
    found = Suggestion()
    if samples:
        site_id = samples[0].site_id
        waiting = _send_back(list(dict.fromkeys(samples)), found)
        wishes = _alike([sample for sample in waiting if sample.site_id == site_id])
        found.left_samples += [sample for sample in waiting if sample.site_id != site_id]
    else:
        if study is None or not type:
            raise Malformed({"study" if study is None else "type": Reason("suggest_of_what")})
        site_id, wishes = study.site_id, [Wish(study.id, type, vessel, count)]
    given = {place.container.id: set(place.positions) for place in found.places}
    for wish in wishes:
        search = Search(site_id, wish, temperature, by, given)
        into, left, boxes = search.fitted()
        _tell_new(wish, into, boxes, given, found)
        found.temperatures |= {search.temperature} if search.temperature else set()
        found.left_samples += [wish.samples[number] for number in left] if wish.samples else []
        found.left += 0 if wish.samples else len(left)
    found.left += len(found.left_samples)
    found.places.sort(key=lambda place: [(step.name, step.position or "") for step in place.path])
    return found


def _tell_new(
    wish: Wish,
    into: Mapping[int, Sequence[int]],
    boxes: Mapping[int, Candidate],
    given: dict[int, set[str]],
    found: Suggestion,
) -> None:
    """given: container key -> places of it that were given away in answer to the same question."""
    gone = taken(into) if into else {}
    paths = places.path_of(into) if into else {}
    for key, numbers in into.items():
        box, away = boxes[key].container, given.setdefault(key, set())
        out = gone.get(key, set()) | away
        order = (place.text for place in rules.positions(kinds.kind_of(box)))
        spots = [text for text in order if text not in out][: len(numbers)]
        away.update(spots or (f"#{len(away) + number}" for number in range(len(numbers))))
        tubes = [wish.samples[number] for number in numbers] if wish.samples else []
        found.places.append(Place(box, paths.get(key, []), len(numbers), spots, tubes))


def _alike(samples: Iterable[Sample]) -> list[Wish]:
    groups: dict[tuple[int, str, str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.study_id, sample.type, sample.vessel), []).append(sample)
    return [Wish(*key, len(group), group) for key, group in groups.items()]


# --- those that have a place already


_LAST = (
    select(Placement.sample_id, Placement.container_id, Placement.position, Placement.removed_at)
    .where(
        Placement.id.in_(
            select(func.max(Placement.id))
            .where(among(Placement.sample_id, "ids"))
            .group_by(Placement.sample_id)
        )
    )
    .order_by(Placement.id)
)


def _send_back(samples: list[Sample], found: Suggestion) -> list[Sample]:
    """Tell of those that stand somewhere; send back those whose place is still free. returns the others"""
    rows = {row.sample_id: row for row in fetch(_LAST, {"ids": [sample.id for sample in samples]})}
    standing = [sample for sample in samples if sample.id in rows and rows[sample.id].removed_at is None]
    where = places.where_is([sample.id for sample in standing]) if standing else {}
    found.standing = {sample.code: where.get(sample.id, []) for sample in standing}
    stood = {
        sample: rows[sample.id]
        for sample in samples
        if sample.id in rows and rows[sample.id].removed_at is not None and rows[sample.id].position
    }
    back: dict[int, dict[str, Sample]] = {}
    if stood:
        gone = taken([row.container_id for row in stood.values()])
        for sample, row in stood.items():
            here = back.setdefault(row.container_id, {})
            if row.position not in gone.get(row.container_id, ()) and row.position not in here:
                here[row.position] = sample
    _tell(back, found)
    placed = {sample.id for here in back.values() for sample in here.values()}
    return [sample for sample in samples if sample not in standing and sample.id not in placed]


def _tell(back: Mapping[int, Mapping[str, Sample]], found: Suggestion) -> None:
    keys = [key for key, here in back.items() if here]
    if not keys:
        return
    boxes = {box.id: box for box in db.session.scalars(select(Container).where(Container.id.in_(keys)))}
    paths = places.path_of(keys)
    for key in keys:
        spots = list(back[key])
        found.places.append(
            Place(boxes[key], paths.get(key, []), len(spots), spots, list(back[key].values()), back=True)
        )


_TAKEN = select(Placement.container_id, Placement.position).where(
    among(Placement.container_id, "ids"), Placement.position.is_not(None), places.current()
)


def taken(container_ids: Iterable[int]) -> dict[int, set[str]]:
    """Container key -> places where something stands, or that are reserved or blocked; two statements."""
    ids = sorted(set(container_ids))
    found: dict[int, set[str]] = {}
    for key, position in fetch(_TAKEN, {"ids": ids}):
        found.setdefault(key, set()).add(position)
    for key, kept in claims.open_claims(ids).items():
        found.setdefault(key, set()).update(kept)
    return found
