"""A box in the colours of one thing that its tubes differ in: study, type, age, consent, thaws. Each group has a letter
beside its colour, for eyes that do not tell colours apart. A fixed number of statements, whatever the box holds."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from biobank.core import clock
from biobank.core.among import among
from biobank.core.db import fetch
from biobank.samples.models import CollectionEvent, Sample
from biobank.storage import cold, rules
from biobank.storage.map import ContainerMap
from biobank.studies.service import study_codes

#: More groups than this cannot be told apart: the smallest ones share the last colour.
MOST_GROUPS = 8
OTHERS = "others"
_YEAR = timedelta(days=365.25)
#: From how many years on, and the class; the youngest first.
AGES = ((0, "under_1"), (1, "from_1"), (2, "from_2"), (5, "from_5"), (10, "from_10"))


@dataclass(frozen=True)
class Group:
    """Tubes that are alike. look: the CSS class that draws them; letter: what stands in the cell."""

    key: str
    letter: str
    look: str
    count: int


@dataclass(frozen=True)
class Colouring:
    """word: the list of words that the keys are found in; None: they are shown as they are."""

    by: str
    word: str | None
    groups: Sequence[Group]
    of: Mapping[str, Group]
    """Position -> the group of what stands there."""


def colour(found: ContainerMap, by: str) -> Colouring | None:
    """The colours of a box; None for a way to colour that there is not, and for what is no box."""
    way = WAYS.get(by)
    if way is None or not found.kind.positioned:
        return None
    samples = {each.position: each.sample for each in found.occupants if each.position and each.sample}
    keys = way.keys(found, samples)
    counted = Counter(keys.values())
    groups = {group.key: group for group in _groups(way, counted)}
    others = groups.get(OTHERS)
    of = {position: groups.get(key) or others for position, key in keys.items()}
    return Colouring(by, way.word, list(groups.values()), {at: group for at, group in of.items() if group})


@dataclass(frozen=True)
class Way:
    """order: the keys there are, in order, with letter and look; None: whatever turns up, the most frequent first."""

    keys: Callable[[ContainerMap, Mapping[str, Sample]], dict[str, str]]
    word: str | None
    order: Mapping[str, tuple[str, str]] | None = None


def _groups(way: Way, counted: Counter[str]) -> list[Group]:
    if way.order is not None:
        return [Group(key, *drawn, counted[key]) for key, drawn in way.order.items() if counted[key]]
    # By number, then by name: so that a box looks the same each time.
    ranked = sorted(counted, key=lambda key: (-counted[key], key))
    named, rest = ranked, []
    if len(ranked) > MOST_GROUPS:
        named, rest = ranked[: MOST_GROUPS - 1], ranked[MOST_GROUPS - 1 :]
    groups = [
        Group(key, rules.letters(number), f"group-{number}", counted[key])
        for number, key in enumerate(named, start=1)
    ]
    if rest:
        groups.append(Group(OTHERS, "…", f"group-{MOST_GROUPS}", sum(counted[key] for key in rest)))
    return groups


def _studies(_found: ContainerMap, samples: Mapping[str, Sample]) -> dict[str, str]:
    codes = study_codes(sample.study_id for sample in samples.values())
    return {position: codes[sample.study_id] for position, sample in samples.items()}


def _types(_found: ContainerMap, samples: Mapping[str, Sample]) -> dict[str, str]:
    return {position: sample.type for position, sample in samples.items()}


def _consents(found: ContainerMap, samples: Mapping[str, Sample]) -> dict[str, str]:
    told = {each.position: each.standing for each in found.occupants if each.position in samples}
    return {
        position: standing.colour if standing else "unknown"
        for position, standing in told.items()
        if position
    }


_DRAWN = select(CollectionEvent.id, CollectionEvent.happened_at).where(among(CollectionEvent.id, "ids"))


def _ages(_found: ContainerMap, samples: Mapping[str, Sample]) -> dict[str, str]:
    events = sorted(
        {each.collection_event_id for each in samples.values() if each.collection_event_id is not None}
    )
    drawn = {row.id: row.happened_at for row in fetch(_DRAWN, {"ids": events})} if events else {}
    now = clock.now()
    return {
        position: _age_class(now, drawn.get(sample.collection_event_id or 0) or sample.treated_at)
        for position, sample in samples.items()
    }


def _age_class(now: datetime, since: datetime | None) -> str:
    """Since the draw; of what was pooled of several draws, since it was made."""
    if since is None:
        return "unknown"
    years = (now - since) / _YEAR
    return next((name for least, name in reversed(AGES) if years >= least), AGES[0][1])


def _thaws(_found: ContainerMap, samples: Mapping[str, Sample]) -> dict[str, str]:
    told = cold.cold_of(sample.id for sample in samples.values())
    return {position: _thawed(told[sample.id].thaws) for position, sample in samples.items()}


def _thawed(times: int) -> str:
    return str(times) if times < 3 else "more"


def _warm(_found: ContainerMap, samples: Mapping[str, Sample]) -> dict[str, str]:
    told = cold.cold_of(sample.id for sample in samples.values())
    return {position: told[sample.id].limit_state for position, sample in samples.items()}


WAYS: dict[str, Way] = {
    "study": Way(_studies, None),
    "type": Way(_types, "type"),
    "age": Way(
        _ages, "sample_age",
        {"under_1": ("0", "step-1"), "from_1": ("1", "step-2"), "from_2": ("2", "step-3"), "from_5": ("5", "step-4"),
         "from_10": ("10", "step-5"), "unknown": ("?", "plain")},
    ),
    "thaws": Way(
        _thaws, "thaws", {"0": ("0", "step-1"), "1": ("1", "step-2"), "2": ("2", "step-3"), "more": ("3", "step-5")}
    ),
    "cold": Way(
        _warm, "cold_limit", {"ok": ("✓", "yes"), "warn": ("!", "look"), "block": ("✕", "no")},
    ),
    "consent": Way(
        _consents, "consent_colour",
        {"green": ("✓", "yes"), "amber": ("?", "look"), "red": ("✕", "no"), "unknown": ("–", "plain")},
    ),
}  # fmt: skip
