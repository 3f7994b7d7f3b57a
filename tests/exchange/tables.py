"""Small made-up biospecimen tables of the form that the Genomic Data Commons gives out."""

from collections.abc import Sequence
from pathlib import Path

Rows = Sequence[dict[str, str]]

NULL = "--"
CASE = {"case_id": "case-1", "case_submitter_id": "P-1", "project_id": "DEMO-STAD"}
SAMPLE = {"sample_id": "s1", "sample_submitter_id": "P-1-01A"}
PORTION = {"portion_id": "p1", "portion_submitter_id": "P-1-01A-11"}
ANALYTE = {"analyte_id": "n1", "analyte_submitter_id": "P-1-01A-11D"}
ALIQUOT = {"aliquot_id": "q1", "aliquot_submitter_id": "P-1-01A-11D-36"}

SAMPLES = [
    CASE | SAMPLE | {"sample_type_id": "01", "sample_type": "Primary Tumor", "is_ffpe": "False", "state": "released",
                     "preservation_method": NULL, "initial_weight": "270.0", "days_to_collection": "1982"},
    CASE | {"sample_id": "s2", "sample_submitter_id": "P-1-10A", "sample_type_id": "10",
            "sample_type": "Blood Derived Normal", "is_ffpe": "False", "state": "released",
            "preservation_method": NULL, "initial_weight": NULL, "days_to_collection": NULL},
]  # fmt: skip
PORTIONS = [
    CASE
    | SAMPLE
    | PORTION
    | {"portion_number": "11", "weight": "30.0", "is_ffpe": "False", "state": "released"}
]
ANALYTES = [
    CASE | SAMPLE | PORTION | ANALYTE | {"analyte_type": "DNA", "analyte_quantity": "12", "state": "released"}
]
ALIQUOTS = [
    CASE | SAMPLE | PORTION | ANALYTE | ALIQUOT
    | {"aliquot_quantity": "3.06", "aliquot_volume": "15", "analyte_type": NULL, "source_center": "23",
       "no_matched_normal_wxs": NULL, "state": "released"}
]  # fmt: skip
ALL = {"sample": SAMPLES, "portion": PORTIONS, "analyte": ANALYTES, "aliquot": ALIQUOTS}

_PLURALS = {name: f"{name}s" for name in (*ALL, "case")} | {"project": "project"}


def changed(rows: Rows, **cells: str) -> list[dict[str, str]]:
    """The first row with other cells, and the rest as they are."""
    return [rows[0] | cells, *rows[1:]]


def without(rows: Rows, *columns: str) -> list[dict[str, str]]:
    return [{name: cell for name, cell in row.items() if name not in columns} for row in rows]


def as_text(rows: Rows, delimiter: str = "\t", end: str = "\n") -> str:
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    return "".join(delimiter.join(line) + end for line in lines)


def write(folder: Path, **tables: Rows) -> list[Path]:
    """One file for each table; returns their paths in the order given."""
    paths = []
    for name, rows in tables.items():
        path = folder / f"{name}.tsv"
        path.write_text(as_text(rows), encoding="utf-8")
        paths.append(path)
    return paths


def dotted(level: str, rows: Rows) -> list[dict[str, str]]:
    """The same table with headers such as `cases.submitter_id` and the null mark of the newer exports."""

    def header(name: str) -> str:
        for entity, plural in _PLURALS.items():
            if name == f"{entity}_id":
                return f"{plural}.{name}"
            if name == f"{entity}_submitter_id":
                return f"{plural}.submitter_id"
        return f"{_PLURALS[level]}.{name}"

    return [{header(name): "'--" if cell == NULL else cell for name, cell in row.items()} for row in rows]
