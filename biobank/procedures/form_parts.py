"""What was typed into the forms of procedures and kits, read into the shapes that programs send."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from biobank.core import units
from biobank.core.errors import Malformed, Reason

STEP_FIELDS = (
    "key", "kind", "title", "since", "start_within_min", "min_minutes", "max_minutes", "warn_before_min",
    "temperature_c", "force_g", "note", "parts",
)  # fmt: skip
TUBE_FIELDS = ("type", "label", "count", "volume_ul", "vessel")
NUMBERS = frozenset(STEP_FIELDS[4:10]) | {"count"}
#: Steps and tubes that a form shows empty, below those there are.
SPARE = 3

#: "8 × 500 µL Plasma": the type may be missing.
_PART = re.compile(r"(\d{1,4})\s*[x×*]\s*(\d[\d.,]*)\s*(?:µL|μL|ul)?\s*([A-Za-z]\w*)?", re.IGNORECASE)


def rows_typed(form: Mapping[str, str], name: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a form, `steps.0.title`, `steps.1.title` …; one with nothing but choices is left out.

    A number that is none stays as typed, for the sentence that refuses it.
    """
    rows = []
    for place in _places(form, name):
        typed = {column: form.get(f"{name}.{place}.{column}", "").strip() for column in columns}
        told = {
            column: _number(text) if column in NUMBERS else text for column, text in typed.items() if text
        }
        if set(told) - {"kind", "since", "vessel", "count"}:
            rows.append(told)
    return rows


def _places(form: Mapping[str, str], name: str) -> list[int]:
    found = {field.split(".")[1] for field in form if field.startswith(f"{name}.") and field.count(".") == 2}
    return sorted(int(place) for place in found if place.isascii() and place.isdigit() and len(place) < 4)


def _number(text: str) -> int | str:
    """Whole, also with the minus sign of typography."""
    plain = text.replace("\N{MINUS SIGN}", "-")
    return int(plain) if re.fullmatch(r"-?\d{1,9}", plain, re.ASCII) else text


def read_parts(text: str, field: str) -> list[dict[str, Any]]:
    """Lines such as `8 × 500 µL Plasma`. raises Malformed naming `field`"""
    parts = []
    for line in re.split(r"[\n;]", text):
        if not line.strip():
            continue
        found = _PART.fullmatch(line.strip())
        if found is None:
            raise Malformed({field: Reason("step_part_wrong")})
        parts.append({"count": int(found[1]), "volume_ul": found[2], "type": found[3]})
    return parts


def parts_told(parts: Sequence[Mapping[str, Any]]) -> str:
    """The same lines, to be edited."""
    lines = []
    for part in parts:
        volume = f"{units.show('volume', part['volume_nl'])} µL" if part["volume_nl"] is not None else ""
        lines.append(" ".join(word for word in (f"{part['count']} ×", volume, part["type"] or "") if word))
    return "\n".join(lines)
