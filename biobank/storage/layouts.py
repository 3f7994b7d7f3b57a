"""What a whole freezer is to be like before it is built: its levels, the line they can be written in, every name and
place. Pure: told the kinds there are, it looks nothing up.

A line reads as people say it: "5 shelves × 4 racks × 6 drawers of 9×9 boxes". Without a number, as many as go in.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from biobank.core.errors import Malformed, Reason
from biobank.storage import rules
from biobank.storage.rules import ContainerKind

Kinds = Mapping[str, ContainerKind]

#: More containers than this are not built in one go: no freezer has them, and a slip of the finger would.
MOST = 5000
#: Levels below the outermost container; shelves, racks, drawers and boxes are four.
DEEPEST = 6
#: What a name may be made of: number in its parent, the same as a letter, number through the level, parent's name.
NAME_PARTS = ("n", "a", "all", "parent")
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Level:
    """`count` of these in each container of the level above; None: as many as go in. name: such as "Shelf {n}"."""

    kind: str
    count: int | None = None
    name: str | None = None


@dataclass(frozen=True)
class Planned:
    """One container that is to be. parent: its number in the list; None: outermost, or it goes into what is filled."""

    kind: str
    name: str
    parent: int | None
    position: str | None


@dataclass(frozen=True)
class Tier:
    """A level as it comes out: how many stand in each container above, and how many there are."""

    kind: str
    each: int
    total: int


@dataclass(frozen=True)
class Layout:
    """Everything that is to be built, parents before children."""

    items: Sequence[Planned]
    tiers: Sequence[Tier]
    places: int
    """Places for samples that there will be."""
    whole: bool
    """The first item is the freezer itself; else everything goes into a container that is there."""


def plan(
    levels: Sequence[Level],
    *,
    kinds: Kinds,
    outermost: str,
    name: str | None,
    default_names: Mapping[str, str],
    free: Sequence[str] | None = None,
) -> Layout:
    """Lay out a freezer.

    outermost  its kind: of the new freezer, or of the container that is filled
    name       of the new freezer; None: nothing new is made of that kind, the levels stand in what there is
    free       the places that are free in what there is; None: all of them
    raises     Malformed, `level_1` … naming the level that does not fit, or that there are too many in all
    """
    tiers = _tiers(levels, kinds, outermost, None if free is None else len(free))
    items: list[Planned] = [] if name is None else [Planned(outermost, name, None, None)]
    above: list[tuple[int | None, str]] = [(None if name is None else 0, name or "")]
    for depth, (level, tier) in enumerate(zip(levels, tiers, strict=True)):
        holder = kinds[outermost] if depth == 0 else kinds[levels[depth - 1].kind]
        places: list[str | None] = [place.text for place in rules.positions(holder)] or [None] * tier.each
        pattern = level.name or default_names.get(level.kind) or f"{kinds[level.kind].label} {{n}}"
        here: list[tuple[int | None, str]] = []
        for parent, parent_name in above:
            spots = [*free] if depth == 0 and free is not None and holder.positioned else places
            for number, position in enumerate(spots[: tier.each], start=1):
                called = _named(pattern, number, len(here) + 1, parent_name, depth)
                here.append((len(items), called))
                items.append(Planned(level.kind, called, parent, position))
        above = here
    samples = sum(
        tier.total * kinds[tier.kind].capacity for tier in tiers if _for_samples(kinds[tier.kind], kinds)
    )
    return Layout(items, tiers, samples, whole=name is not None)


def _tiers(levels: Sequence[Level], kinds: Kinds, outermost: str, room: int | None) -> list[Tier]:
    if len(levels) > DEEPEST:
        raise Malformed({f"level_{DEEPEST + 1}": Reason("layout_too_deep", {"most": DEEPEST})})
    holder, total, everything = kinds[outermost], 1, 1
    tiers: list[Tier] = []
    for number, level in enumerate(levels, start=1):
        field = f"level_{number}"
        if level.kind not in kinds:
            known = ", ".join(sorted(kinds))
            raise Malformed(
                {field: Reason("container_kind_unknown", {"given": level.kind[:40], "known": known})}
            )
        if not rules.may_stand(holder, level.kind):
            told = {"level": number, "thing": level.kind, "kind": holder.label}
            raise Malformed({field: Reason("level_does_not_fit", told)})
        fits = holder.capacity if number > 1 or room is None else room
        each = fits if level.count is None else level.count
        if not 1 <= each <= fits:
            told = {
                "level": number,
                "count": each,
                "thing": level.kind,
                "kind": holder.label,
                "capacity": fits,
            }
            raise Malformed({field: Reason("level_too_many", told)})
        total *= each
        everything += total
        if everything > MOST:
            raise Malformed(
                {field: Reason("layout_too_large", {"level": number, "count": everything, "most": MOST})}
            )
        tiers.append(Tier(level.kind, each, total))
        holder = kinds[level.kind]
    return tiers


def _for_samples(kind: ContainerKind, kinds: Kinds) -> bool:
    return not kind.holds & set(kinds)


def _named(pattern: str, number: int, through: int, parent: str, depth: int) -> str:
    parts = {"n": str(number), "a": rules.letters(number), "all": str(through), "parent": parent}

    def put(match: re.Match[str]) -> str:
        if match[1] not in parts:
            told = {
                "level": depth + 1,
                "given": match[0][:40],
                "known": ", ".join(f"{{{each}}}" for each in NAME_PARTS),
            }
            raise Malformed({f"level_{depth + 1}": Reason("name_part_unknown", told)})
        return parts[match[1]]

    return re.sub(r"\{([^{}]*)\}", put, pattern).strip()[:_LONGEST_NAME]


# --- a line of text

_SIZE = re.compile(r"(\d+)\s*[x×*]\s*(\d+)")
_BETWEEN = re.compile(r"\s*[×*;,>/+]\s*|\s+(?:x|of|with|de|d['’]|à|avec|et|and|each)\s+|(?<=\D)['’](?=\d)")
_PIECE = re.compile(r"(?:([-−]?\d+)\s+)?(.*\S)")
#: Nobody means more of one thing than so many digits tell.
_MOST_DIGITS = 5
_OTHER_WORDS = {"box": "boite boites cryoboite cryobox", "rack": "portoir tower colonne", "drawer": "tiroir",
                "shelf": "etagere clayette niveau shelves", "canister": "canister"}  # fmt: skip


def read_line(
    text: str, *, kinds: Kinds, outermost: str, labels: Mapping[str, str] | None = None
) -> list[Level]:
    """The levels of "5 shelves × 4 racks × 6 drawers of 9×9 boxes". A word that several kinds share, such as rack,
    means the first of them that fits in what stands before it and takes what comes after.

    labels  what the kinds are called in the reader's language, besides their own labels
    raises  Malformed, `line` when a piece names no kind; `level_1` … naming the level that does not fit
    """
    pieces = [piece for piece in _BETWEEN.split(_SIZE.sub(r"\1x\2", text.strip())) if piece and piece.strip()]
    if not pieces:
        raise Malformed({"line": Reason("layout_line_empty")})
    said: list[tuple[int | None, list[str]]] = []
    for number, piece in enumerate(pieces, start=1):
        match = _PIECE.fullmatch(piece.strip())
        words = match[2] if match else piece
        meant = _meant(words, kinds, labels or {})
        if not meant:
            raise Malformed({"line": Reason("layout_word_unknown", {"level": number, "given": words[:60]})})
        count = match[1] if match else None
        if count and not (count.isdigit() and len(count) <= _MOST_DIGITS):
            raise Malformed({"line": Reason("level_count", {"level": number, "given": count[:20]})})
        said.append((int(count) if count else None, meant))
    chosen, reached = _fitting([meant for _, meant in said], kinds, outermost)
    if len(chosen) < len(said):
        below = kinds[reached[-1]] if reached else kinds[outermost]
        told = {"level": len(reached) + 1, "thing": said[len(reached)][1][0], "kind": below.label}
        raise Malformed({f"level_{len(reached) + 1}": Reason("level_does_not_fit", told)})
    return [Level(kind, count) for kind, (count, _) in zip(chosen, said, strict=True)]


def _fitting(meant: Sequence[Sequence[str]], kinds: Kinds, outermost: str) -> tuple[list[str], list[str]]:
    """The first choice in which each fits in the one before; where there is none, the longest that got anywhere."""
    furthest: list[str] = []

    def go(chosen: list[str]) -> list[str] | None:
        nonlocal furthest
        furthest = max(furthest, chosen, key=len)
        if len(chosen) == len(meant):
            return chosen
        holder = kinds[chosen[-1] if chosen else outermost]
        for key in meant[len(chosen)]:
            if rules.may_stand(holder, key) and (whole := go([*chosen, key])):
                return whole
        return None

    return go([]) or [], furthest


def _meant(text: str, kinds: Kinds, labels: Mapping[str, str]) -> list[str]:
    """The kinds that these words may mean: those that are called exactly so, else those that have all the words."""
    plain = _plain(text)
    wanted = set(plain.split())
    exactly, loosely = [], []
    for key, kind in kinds.items():
        called = [_plain(each) for each in (key.replace("_", " "), kind.label, labels.get(key, ""))]
        if plain in called:
            exactly.append(key)
        elif wanted <= _with_other_words(called):
            loosely.append(key)
    return exactly or loosely if wanted else []


def _with_other_words(called: Collection[str]) -> set[str]:
    words = set(" ".join(called).split())
    for word, others in _OTHER_WORDS.items():
        if _plain(word) in words:
            words |= set(_plain(others).split())
    return words


def _plain(text: str) -> str:
    """Small letters without accents and plural endings; "9 × 9" as 9x9."""
    text = unicodedata.normalize("NFKD", _SIZE.sub(r"\1x\2", text.replace("_", " ")).lower())
    words = re.findall(r"[a-z0-9−-]+", "".join(each for each in text if not unicodedata.combining(each)))
    return " ".join(_singular(word) for word in words if word not in ("the", "of", "with", "les", "des"))


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith(("xes", "ches", "ves")):
        return word[:-3] + "f" if word.endswith("ves") else word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
