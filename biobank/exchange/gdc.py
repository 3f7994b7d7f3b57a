"""The profile `gdc`: biospecimen tables of the Genomic Data Commons, plain headers or dotted.

Plain: `sample.tsv` with `sample_id`, `case_submitter_id`, `is_ffpe`. Dotted: the same with `samples.sample_id`,
`cases.submitter_id`, `samples.is_ffpe`; there a table may be joined and repeat its parents in every row. What a
column may hold is in `config/exchange/gdc.toml`. Pure: no database, no clock, no language.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from biobank.core.settings import CONFIG
from biobank.exchange.profile import Column, Finding, Layout, Level, Piece, Profile

LEVELS = ("sample", "portion", "analyte", "aliquot")
NOT_IMPORTED = "slide"
_ENTITIES = {f"{name}s": name for name in (*LEVELS, NOT_IMPORTED, "case", "project")}


@cache
def load() -> Profile:
    """The profile as `config/exchange/gdc.toml` describes it."""
    told = tomllib.loads((CONFIG / "exchange" / "gdc.toml").read_text(encoding="utf-8"))
    unknown = frozenset(told["unknown_words"])
    levels = tuple(_level(told, name, rank, unknown) for rank, name in enumerate(LEVELS))
    return Profile("gdc", levels, frozenset(told["nulls"]), unknown, layout)


def _level(told: Mapping[str, Any], name: str, rank: int, unknown: frozenset[str]) -> Level:
    level = told[name]
    columns = level["columns"] | told["shared"]
    return Level(
        name=name,
        rank=rank,
        columns={key: _column(told, key, spec, unknown) for key, spec in columns.items()},
        material_from=level.get("material_from", ()),
        materials=_lower(told["materials"][level["materials"]]) if "materials" in level else {},
        tissue={column: _lower(words) for column, words in level.get("tissue", {}).items()},
        inherits_from=level.get("inherits_from", ()),
        pools=level.get("pools", False),
    )


def _column(told: Mapping[str, Any], name: str, spec: Mapping[str, Any], unknown: frozenset[str]) -> Column:
    words = spec.get("values") or told["vocabularies"].get(spec.get("values_from"), ())
    return Column(
        name=name,
        kind=spec["kind"],
        values=frozenset(word.lower() for word in words) | unknown,
        pattern=re.compile(spec["pattern"]) if "pattern" in spec else None,
        unit=spec.get("unit"),
        least=spec.get("least", float("-inf")),
        most=spec.get("most", float("inf")),
    )


def _lower(words: Mapping[str, str]) -> dict[str, str]:
    return {word.lower(): meaning for word, meaning in words.items()}


# --------------------------------------------------------------------------------------------------- telling a table


@dataclass(frozen=True)
class _Heading:
    """One column of a header: of which thing it speaks (None: of the table's own), and what it says of it."""

    entity: str | None
    field: str
    at: int


def layout(profile: Profile, file: str, header: Sequence[str]) -> Layout:
    """Tell by its header what a table holds: which levels it describes, and which it only names as parents."""
    headings = [_heading(name, at) for at, name in enumerate(header) if name]
    named = [name for name in (*LEVELS, NOT_IMPORTED) if _find(headings, name, "id") is not None]
    if not named:
        return _refused(
            file, None, "import_kind_unknown", {"expected": ", ".join(f"{name}_id" for name in LEVELS)}
        )
    own = NOT_IMPORTED if named[-1] == NOT_IMPORTED and "aliquot" not in named else _deepest(named)
    headings = [_owned(profile, heading, own, named) for heading in headings]
    if repeated := _repeated(headings):
        params = {"columns": ", ".join(header[at] for at in repeated)}
        return _refused(file, header[repeated[0]], "import_repeated_column", params)
    described = {heading.entity for heading in headings if not _is_name(heading)} & set(named) | {own}
    described.discard(NOT_IMPORTED)
    if not described:
        return Layout(
            (own,), findings=(Finding(file, None, None, "note", "import_not_imported", {"kind": own}),)
        )
    if len(described) > 1:
        # A table that describes a parent beside its own level is a join, and then each level in it is a row.
        last = max(LEVELS.index(name) for name in described)
        described = {name for name in named if name in LEVELS[: last + 1]}
    levels = [level for level in profile.levels if level.name in described]
    return _with_pieces(file, header, headings, levels)


def _heading(name: str, at: int) -> _Heading:
    """`samples.sample_id` and `sample_id` both say: the id of a sample."""
    name = re.sub(r"\s+", "_", name.strip().lower())
    *path, last = [part for part in name.split(".") if not part.isdecimal()] or [name]
    if path:
        entity = _ENTITIES.get(path[-1], path[-1])
        last = last.removeprefix(f"{entity}_") if last in {f"{entity}_id", f"{entity}_submitter_id"} else last
        return _Heading(entity, last, at)
    for entity in (*LEVELS, NOT_IMPORTED, "case", "project"):
        if last in {f"{entity}_id", f"{entity}_submitter_id"}:
            return _Heading(entity, last.removeprefix(f"{entity}_"), at)
    return _Heading(None, last, at)


def _repeated(headings: Sequence[_Heading]) -> list[int]:
    times = Counter((heading.entity, heading.field) for heading in headings)
    return [heading.at for heading in headings if times[heading.entity, heading.field] > 1]


def _deepest(named: Sequence[str]) -> str:
    return [name for name in named if name in LEVELS][-1]


def _owned(profile: Profile, heading: _Heading, own: str, named: Sequence[str]) -> _Heading:
    """A plain column speaks of the table's own level, unless only one other level that is named has such a column."""
    if heading.entity is not None:
        return heading
    having = [
        level.name for level in profile.levels if heading.field in level.columns and level.name in named
    ]
    entity = having[0] if len(having) == 1 and own not in having else own
    return _Heading(entity, heading.field, heading.at)


def _is_name(heading: _Heading) -> bool:
    return heading.field in {"id", "submitter_id"}


def _find(headings: Sequence[_Heading], entity: str, field: str) -> int | None:
    return next((h.at for h in headings if h.entity == entity and h.field == field), None)


def _with_pieces(
    file: str, header: Sequence[str], headings: Sequence[_Heading], levels: Sequence[Level]
) -> Layout:
    pieces = tuple(_piece(header, headings, level) for level in levels)
    findings = [*_missing(file, headings, pieces), *_surplus(file, header, headings, pieces)]
    kinds = tuple(level.name for level in levels)
    if any(finding.severity == "error" for finding in findings):
        return Layout(kinds, findings=tuple(findings))
    return Layout(kinds, pieces, tuple(findings))


def _piece(header: Sequence[str], headings: Sequence[_Heading], level: Level) -> Piece:
    own = [heading for heading in headings if heading.entity == level.name]
    id_at = _find(own, level.name, "id")
    assert id_at is not None  # noqa: S101  a level is described only where it is named
    project = _find(headings, "project", "id")
    fields = tuple((heading.field, heading.at) for heading in own if not _is_name(heading))
    return Piece(
        level=level,
        id_at=id_at,
        code_at=_find(own, level.name, "submitter_id"),
        case_id_at=_find(headings, "case", "id"),
        case_code_at=_find(headings, "case", "submitter_id"),
        project_at=project,
        links=tuple(_find(headings, above, "id") for above in LEVELS[: level.rank]),
        fields=fields,
        headers={heading.field: header[heading.at] for heading in own},
    )


def _missing(file: str, headings: Sequence[_Heading], pieces: Sequence[Piece]) -> list[Finding]:
    wanted = []
    for piece in pieces:
        name = piece.level.name
        if piece.code_at is None:
            wanted.append(f"{name}_submitter_id")
        if piece.level.rank and all(at is None for at in piece.links):
            wanted.append(f"{LEVELS[piece.level.rank - 1]}_id")
        if not piece.level.rank and piece.case_id_at is None and piece.case_code_at is None:
            wanted.append("case_submitter_id")
    return [Finding(file, None, name, "error", "import_missing_column", {"column": name}) for name in wanted]


def _surplus(
    file: str, header: Sequence[str], headings: Sequence[_Heading], pieces: Sequence[Piece]
) -> list[Finding]:
    """Columns that nobody told us of. A level's own are kept raw; those of other things (diagnoses …) are not."""
    known = {"case", "project", *LEVELS}
    kept = [header[at] for piece in pieces for name, at in piece.fields if name not in piece.level.columns]
    left = [header[h.at] for h in headings if h.entity not in known]
    findings = []
    if kept:
        findings.append(
            Finding(file, None, None, "note", "import_unknown_columns", {"columns": ", ".join(kept)})
        )
    if left:
        findings.append(
            Finding(file, None, None, "note", "import_columns_left_out", {"columns": ", ".join(left)})
        )
    return findings


def _refused(file: str, column: str | None, code: str, params: Mapping[str, Any]) -> Layout:
    return Layout((), findings=(Finding(file, None, column, "error", code, params),))
