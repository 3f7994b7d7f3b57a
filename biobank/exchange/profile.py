"""What an import profile is: the levels of another system's tables, their columns, and what a row becomes here.

A profile knows how to tell a table by its header (`layout`); everything else it knows is data, read from
`config/exchange/`. Pure: no database, no clock, no language.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal

UNKNOWN = "Unknown"
"""The type of a sample whose material nobody wrote down legibly."""

LONGEST_ID = 100
LONGEST_PROJECT = 80
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_TRUTH = frozenset({"true", "false", "yes", "no"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to tell about a file, a row or a cell.

    row       as a spreadsheet counts it, the header being a row too; None for the whole file
    column    as the header writes it; None for the whole row
    severity  an "error" bars its row (and what was made from it); a "note" is only told
    code      has a sentence in `texts.TEXTS`, and what to do about it under `<code>.fix`; both filled from `params`
    """

    file: str
    row: int | None
    column: str | None
    severity: Literal["error", "note"]
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quantity:
    """How much there is, as the table says it."""

    kind: str  # "mass" or "volume"
    base: int  # whole nanograms or nanolitres
    column: str
    at_start: bool  # what there was in the beginning; what is left of it, the table does not say


@dataclass(slots=True)
class Draft:
    """One row's meaning: what would become one sample here."""

    level: str
    external_id: str
    maker_code: str | None
    maker_code_shared: bool
    """Another row of these files has the same maker's code, so that a scan could not tell them apart."""
    patient_code: str | None
    patient_external_id: str | None
    project: str | None
    parents: tuple[str, ...]
    """External ids of what it was made from: one; several for a pool; none for what was drawn from the patient."""
    type: str
    inherits_type: bool
    """The type is the parent's, whatever that is: parent and child stay of one material."""
    quantity: Quantity | None
    raw: dict[str, str]
    """Every descriptive cell that is not null, as it stood."""
    outside: tuple[str, ...]
    """The columns of `raw` whose cell is outside its vocabulary, so that its meaning is unknown."""
    digest: str
    """SHA-256 of all the above that the table said: the same again is no change, whatever the table looked like."""
    file: str
    row: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Column:
    """What a descriptive column may hold."""

    name: str
    kind: Literal["words", "number", "truth", "pattern", "free"]
    values: frozenset[str] = frozenset()  # lower case
    pattern: re.Pattern[str] | None = None
    unit: str | None = None
    least: float = float("-inf")
    most: float = float("inf")

    def fault(self, text: str) -> str | None:
        """The code of what is wrong with a cell that is not null; None when it is within the column."""
        match self.kind:
            case "words":
                return None if text.lower() in self.values else "import_outside_vocabulary"
            case "truth":
                return None if text.lower() in _TRUTH else "import_outside_vocabulary"
            case "pattern":
                return None if self.pattern and self.pattern.fullmatch(text) else "import_outside_vocabulary"
            case "number":
                if not _NUMBER.fullmatch(text):
                    return "import_not_a_number"
                return None if self.least <= float(text) <= self.most else "import_out_of_range"
        return None


@dataclass(frozen=True)
class Level:
    """One step of the lineage, such as portion: made from the one before it."""

    name: str
    rank: int
    columns: Mapping[str, Column]
    material_from: Sequence[str] = ()
    materials: Mapping[str, str] = field(default_factory=dict)  # lower-case word -> type, or "tissue"
    tissue: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # column -> lower-case word -> type
    inherits_from: Sequence[str] = ()
    pools: bool = False

    @property
    def amounts(self) -> list[Column]:
        return [column for column in self.columns.values() if column.unit]


@dataclass(frozen=True)
class Piece:
    """Where in a table's rows one level stands. A joined table has several pieces, parents first."""

    level: Level
    id_at: int
    code_at: int | None
    case_id_at: int | None
    case_code_at: int | None
    project_at: int | None
    links: tuple[int | None, ...]
    """For each level above, the column that names it."""
    fields: tuple[tuple[str, int], ...]
    """Descriptive columns of this level, by our name for them."""
    headers: Mapping[str, str]
    """Our name for a column -> as the header writes it."""

    @cached_property
    def said(self) -> tuple[tuple[str, int], ...]:
        """Every column that says something of this level, but for its id and its links: our name for it, and where."""
        names = {
            "submitter_id": self.code_at,
            "case_id": self.case_id_at,
            "case_submitter_id": self.case_code_at,
            "project_id": self.project_at,
        }
        return (*((name, at) for name, at in names.items() if at is not None), *self.fields)

    @cached_property
    def shape(self) -> int:
        """The same for two tables whose `own` may be compared."""
        return hash((self.level.name, *(name for name, _ in self.said)))

    @cached_property
    def own(self) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """The cells of `said` in a row, quickly. (The id is taken twice: one column alone would give no tuple.)"""
        return itemgetter(self.id_at, self.id_at, *(at for _, at in self.said))

    @cached_property
    def names(self) -> tuple[int, ...]:
        """The columns that must be fit to be kept as identifiers."""
        told = (self.id_at, self.code_at, self.case_id_at, self.case_code_at, self.project_at, *self.links)
        return tuple(at for at in told if at is not None)


@dataclass(frozen=True)
class Layout:
    """What a header says: which levels stand in the table and where, or why nothing can be read from it."""

    kinds: tuple[str, ...]
    pieces: tuple[Piece, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def joined(self) -> bool:
        return len(self.pieces) > 1


@dataclass(frozen=True)
class Profile:
    """Another system's tables, and how they are read."""

    name: str
    levels: tuple[Level, ...]  # parents first
    nulls: frozenset[str]
    unknown_words: frozenset[str]
    layout: Callable[["Profile", str, Sequence[str]], Layout]
    """(profile, file's name, header) -> layout"""
    spreadsheets: bool = False
