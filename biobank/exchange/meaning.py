"""What one row means: its material, its amount, and which of its cells mean nothing. Pure.

In real tables the cells of many rows stand one or more columns off. The rule for every row is the same:

* identifiers and links are believed;
* a descriptive cell outside its column's vocabulary is kept as it stands, means nothing, and is told;
* a word of its own column's list proves itself, also in such a row. A number or a yes/no proves nothing, since it
  fits any such column, nor does an empty cell: in a row with a cell out of place none is believed. (For hundreds of
  aliquots in one real table, 60 under `aliquot_quantity` is the volume, shifted by one.)
"""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal

from biobank.core import units
from biobank.core.errors import Malformed
from biobank.exchange.profile import UNKNOWN, Draft, Finding, Level, Piece, Profile, Quantity

_PER_UNIT = {
    "mg": (units.MASS, 1000),
    "ug": (units.MASS, 1),
    "ul": (units.VOLUME, 1),
}  # shown units in one of these
_LONGEST_SHOWN = 60


def draft(
    profile: Profile,
    piece: Piece,
    *,
    file: str,
    row: int,
    external_id: str,
    maker_code: str | None,
    maker_code_shared: bool,
    patient_code: str | None,
    patient_external_id: str | None,
    project: str | None,
    parents: tuple[str, ...],
    parent_level: str | None,
    parent_type: str | None,
    raw: dict[str, str],
) -> Draft:
    """Read a row's descriptive cells, and put everything together.

    parent_type   the parent's type; None when it is in none of the files
    """
    level = piece.level
    told = _Told(file, row, piece)
    outside = told.outside(raw)
    quantity = _quantity(level, raw, outside, told)
    silent = not outside and not any(name in raw for name in level.material_from)
    inherits = silent and parent_level in level.inherits_from
    kind = (
        inherited(level, raw, outside, parent_type) if inherits else _material(profile, level, raw, outside)
    )
    if maker_code_shared:
        told.note("submitter_id", "import_maker_code_shared", {"code": _shown(maker_code or "")})
    said = [level.name, external_id, maker_code, patient_code, project, *sorted(parents)]
    return Draft(
        level=level.name,
        external_id=external_id,
        maker_code=maker_code,
        maker_code_shared=maker_code_shared,
        patient_code=patient_code,
        patient_external_id=patient_external_id,
        project=project,
        parents=parents,
        type=kind,
        inherits_type=inherits,
        quantity=quantity,
        raw=raw,
        outside=outside,
        digest=_digest(said, raw),
        file=file,
        row=row,
        findings=tuple(told.findings),
    )


class _Told:
    """Collects what is to be told of one row."""

    def __init__(self, file: str, row: int, piece: Piece) -> None:
        self.file, self.row, self.piece = file, row, piece
        self.findings: list[Finding] = []

    def note(self, column: str, code: str, params: Mapping[str, object]) -> None:
        header = self.piece.headers.get(column, column)
        self.findings.append(Finding(self.file, self.row, header, "note", code, params))

    def outside(self, raw: Mapping[str, str]) -> tuple[str, ...]:
        columns = self.piece.level.columns
        faulty = []
        for name, text in raw.items():
            column = columns.get(name)
            if column is None or (code := column.fault(text)) is None:
                continue
            faulty.append(name)
            params: dict[str, object] = {"value": _shown(text)}
            if code == "import_out_of_range":
                params |= {"least": column.least, "most": column.most}
            self.note(name, code, params)
        return tuple(faulty)


def _quantity(level: Level, raw: Mapping[str, str], outside: Sequence[str], told: _Told) -> Quantity | None:
    """The first amount that can be believed."""
    for column in level.amounts:
        text = raw.get(column.name)
        if text is None or column.name in outside:
            continue
        if outside:
            told.note(
                column.name,
                "import_amount_in_shifted_row",
                {"value": _shown(text), "columns": ", ".join(outside)},
            )
            continue
        kind, factor = _PER_UNIT[column.unit or ""]
        try:
            base = units.to_base(kind, Decimal(text) * factor)
        except Malformed:
            told.note(column.name, "import_amount_too_fine", {"value": _shown(text)})
            continue
        return Quantity(kind, base, column.name, at_start=column.name.startswith("initial_"))
    return None


def _material(profile: Profile, level: Level, raw: Mapping[str, str], outside: Sequence[str]) -> str:
    # The codes beside the words (sample_type_id, analyte_type_id) are not asked: any two digits or any capital fits
    # them, so where the word is missing or out of place, the code may be another column's just as well.
    for name in level.material_from:
        word = raw.get(name, "").lower()
        if not word or name in outside or word in profile.unknown_words:
            continue
        if material := level.materials.get(word):
            return _tissue(level, raw, outside) or UNKNOWN if material == "tissue" else material
    return UNKNOWN


def _tissue(level: Level, raw: Mapping[str, str], outside: Sequence[str]) -> str | None:
    """How tissue was kept, and so its type; None when the row does not say."""
    for name, types in level.tissue.items():
        proves_itself = level.columns[name].kind == "words"
        if name in outside or (outside and not proves_itself):
            continue
        if found := types.get(raw.get(name, "").lower()):
            return found
    return None


def inherited(level: Level, raw: Mapping[str, str], outside: Sequence[str], parent_type: str | None) -> str:
    """The type of a part: its parent's, unless the row says that the tissue has been embedded since."""
    if parent_type in {"TissueFixed", "TissueFreshFrozen"}:
        return _tissue(level, raw, outside) or parent_type
    return parent_type or UNKNOWN


def _digest(said: Sequence[str | None], raw: Mapping[str, str]) -> str:
    cells = [f"{name}={text}" for name, text in sorted(raw.items())]
    return hashlib.sha256("\x1f".join([text or "" for text in said] + cells).encode()).hexdigest()


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
