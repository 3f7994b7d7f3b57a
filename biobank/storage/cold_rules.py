"""How often a sample thawed and how long it was out of the cold, from when it was in it. Pure.

A span is a time in the frozen cold, from its start up to its end; FOREVER where it goes on. What lies between two
spans, and after the last one, is a time out of the cold.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from biobank.core.errors import Reason
from biobank.storage.rules import TEMPERATURES

#: Internal keys of config/vocabularies/miabis_storage_temperature.csv at which samples are frozen.
FROZEN = frozenset({"-35to-18", "-85to-60", "lt-135", "LN"})
#: What a bank does about a sample in the wrong temperature: says so, or does not take it there.
WRONG = ("warn", "refuse")
_WORDS = ("temperatures", "wrong_temperature")
ALWAYS = datetime.min.replace(tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)
DEFAULT = "default"

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Limits:
    """One table of cold.toml."""

    thaw_after_minutes: int
    warn_thaws: int | None = None
    max_thaws: int | None = None
    warn_minutes_out: int | None = None
    max_minutes_out: int | None = None
    temperatures: tuple[str, ...] = ()
    wrong_temperature: str = "warn"


@dataclass(frozen=True)
class History:
    """What the times in the cold come to.

    out         the time out of the cold, of a sample that was frozen once
    out_since   when it left the cold that it is still out of
    thawed_now  the time out that still runs counts as a thaw already
    """

    ever_frozen: bool = False
    thaws: int = 0
    out: timedelta = timedelta()
    out_since: datetime | None = None
    thawed_now: bool = False

    @property
    def minutes_out(self) -> int:
        return self.out // timedelta(minutes=1)


def load_limits(path: Path) -> Mapping[str, Limits]:
    """Sample type -> its limits; DEFAULT for those without any of their own.

    raises  ValueError naming the file, the table and the key that is wrong
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        for name, table in tables.items():
            if not isinstance(table, dict):
                raise ValueError(f"{name} stands in no table")
        default = tables.get(DEFAULT, {})
        told = {DEFAULT: default} | tables
        return MappingProxyType({name: _limits(name, default | table) for name, table in told.items()})
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _limits(name: str, table: dict[str, Any]) -> Limits:
    known = {field.name for field in fields(Limits)}
    if strange := sorted(table.keys() - known):
        raise ValueError(f"[{name}] has {strange[0]}; known are {', '.join(sorted(known))}")
    if "thaw_after_minutes" not in table:
        raise ValueError(f"[{name}] lacks thaw_after_minutes")
    counts = {key: value for key, value in table.items() if key not in _WORDS}
    for key, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"[{name}] {key} must be a whole number from 0")
    borne, wrong = table.get("temperatures", []), table.get("wrong_temperature", WRONG[0])
    if not isinstance(borne, list) or not all(
        isinstance(each, str) and each in TEMPERATURES for each in borne
    ):
        raise ValueError(f"[{name}] temperatures must be some of {', '.join(sorted(TEMPERATURES))}")
    if wrong not in WRONG:
        raise ValueError(f"[{name}] wrong_temperature must be one of {', '.join(WRONG)}")
    return Limits(**counts, temperatures=tuple(borne), wrong_temperature=wrong)


def joined(spans: Iterable[Span], broken_at: Collection[datetime] = ()) -> list[Span]:
    """Spans that touch or overlap as one, in order; those that touch at one of `broken_at` stay two."""
    found: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and (start < found[-1][1] or (start == found[-1][1] and start not in broken_at)):
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def within(span: Span, spans: Sequence[Span]) -> list[Span]:
    """The parts of a span that lie in others."""
    start, end = span
    return [(max(start, first), min(end, last)) for first, last in spans if first < end and last > start]


def frozen_spans(usual: str | None, settings: Sequence[tuple[datetime, str | None]]) -> list[Span] | None:
    """When a container was in the frozen cold by its own temperature; None: it never had one.

    usual     that of its kind
    settings  from when on it was set to what, the oldest first; None: back to the usual
    """
    if usual is None and not any(at for _, at in settings):
        return None
    starts = [(ALWAYS, None), *settings]
    ends = [since for since, _ in settings] + [FOREVER]
    known = ((since, end, at or usual) for (since, at), end in zip(starts, ends, strict=True))
    return joined((since, end) for since, end, at in known if at in FROZEN)


def history(
    cold: Iterable[Span],
    thawed_at: Collection[datetime],
    until: datetime,
    thaw_after: timedelta,
    *,
    in_hand: bool = True,
) -> History:
    """What a sample went through up to a moment.

    cold       when it was in the frozen cold
    thawed_at  when somebody took it out to thaw
    in_hand    false: it has left the bank, and nobody knows how cold it is
    """
    spans = [span for span in joined(cold, thawed_at) if span[0] <= until]
    if not spans:
        return History()
    gaps = [(before[1], after[0]) for before, after in pairwise(spans)]
    last = spans[-1][1]
    open_gap = (last, until if in_hand else last) if last <= until else None
    told = [at for at in thawed_at if at <= until]

    def counts(gap: Span) -> bool:
        return gap[1] - gap[0] > thaw_after or any(gap[0] <= at <= gap[1] for at in told)

    every = gaps if open_gap is None else [*gaps, open_gap]
    return History(
        ever_frozen=True,
        thaws=sum(counts(gap) for gap in every),
        out=sum((end - start for start, end in every), timedelta()),
        out_since=last if open_gap is not None and in_hand else None,
        thawed_now=open_gap is not None and counts(open_gap),
    )


def judge(thaws: int, minutes_out: int, limits: Limits) -> tuple[str, tuple[Reason, ...]]:
    """ok, warn or block, with the reasons of that."""
    blocks, warns = [], []
    counted = {"times": thaws, "minutes": minutes_out}
    if limits.max_thaws is not None and thaws >= max(limits.max_thaws, 1):
        blocks.append(Reason("cold_thaws_block", counted | {"limit": limits.max_thaws}))
    elif limits.warn_thaws is not None and thaws >= max(limits.warn_thaws, 1):
        warns.append(Reason("cold_thaws_warn", counted | {"limit": limits.warn_thaws}))
    if limits.max_minutes_out is not None and minutes_out > limits.max_minutes_out:
        blocks.append(Reason("cold_minutes_block", counted | {"limit": limits.max_minutes_out}))
    elif limits.warn_minutes_out is not None and minutes_out >= max(limits.warn_minutes_out, 1):
        warns.append(Reason("cold_minutes_warn", counted | {"limit": limits.warn_minutes_out}))
    state = "block" if blocks else "warn" if warns else "ok"
    return state, tuple(blocks + warns)
