"""The design of a label: a file of config/labels, read into what the layout follows; refused when it cannot work."""

import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, replace
from dataclasses import fields as fields_of
from functools import lru_cache
from pathlib import Path
from typing import Any

from labels import symbols
from labels.errors import LabelError
from labels.faults import KINDS, TURNS, DesignWarning, faults
from labels.stock import DOTS_PER_MM, Field, Part, Sheet, Stock, dots_per_mm
from labels.words import FIELDS, SUBJECTS, FieldWord

__all__ = [
    "DESIGNS", "DOTS_PER_MM", "FIELDS", "SUBJECTS", "Design", "DesignWarning", "Field", "FieldWord", "Part", "Sheet",
    "Stock", "dots_per_mm", "draft", "faults_of", "load", "names", "parse",
]  # fmt: skip

DESIGNS = Path(__file__).resolve().parent.parent / "config" / "labels"

LONGEST_MM = {"page_width_mm": 500.0, "page_height_mm": 500.0}
"""Longer than any page; what is not named here is at most as long as any label."""
LONGEST_LABEL_MM = 300.0
MOST_FIELDS = 40
_LONGEST_TEXT = 200
_LONGEST_FILE = 20_000
_MOST_DOTS = 100
# A place may begin at the very edge, and a roll have no gap; nothing else measures nothing.
_MAY_BE_ZERO = ("left_mm", "top_mm", "gap_mm", "column_gap_mm", "turn", "lowest_c", "highest_c")
_WHOLE = {"turn": (0, 270), "dpi": (1, 10_000), "lowest_c": (-273, 1000), "highest_c": (-273, 1000)}
_COUNT = (1, 100)

_PLACED = ("kind", "left_mm", "top_mm", "width_mm", "height_mm", "turn", "align")
_SYMBOL_KEYS = (*_PLACED, "value", "widest_module_mm")
_NUMBER_KEYS = (*_PLACED, "font", "rows", "smallest_text_mm")
_FIELD_KEYS = {
    **dict.fromkeys(symbols.KINDS, _SYMBOL_KEYS),
    "datamatrix": (*_SYMBOL_KEYS, "shape"),
    "gs1_datamatrix": (*_SYMBOL_KEYS, "shape"),
    "number": _NUMBER_KEYS,
    "text": (*_NUMBER_KEYS, "value", "may_shorten"),
}


@dataclass(frozen=True)
class Design:
    """A stock, the printer's resolution, and the fields.

    of     what it is the label of, `for` in the file: sample, container, card or patient; decides the words offered
    lines  where in its text a field begins
    made   what the layout worked out once for all labels of this design
    """

    name: str
    title: str
    dpi: int
    stock: Stock
    fields: tuple[Field, ...]
    title_fr: str = ""
    of: str = "sample"
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    made: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)


def names(folder: Path = DESIGNS) -> list[str]:
    """The designs there are."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load(name: str, folder: Path = DESIGNS) -> Design:
    """Read one design; the same one again while its file stays as it is.

    raises  LabelError `label_design_unknown`, or `label_design_wrong` saying what is wrong in the file
    """
    path = folder / f"{name}.toml"
    try:
        # The name comes from outside: it must never lead out of the folder.
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            raise FileNotFoundError
        written = path.stat()
        return _loaded(name, path, written.st_mtime_ns, written.st_size)
    except OSError:
        raise LabelError("label_design_unknown", design=name, known=", ".join(names(folder))) from None


@lru_cache(maxsize=256)
def _loaded(name: str, path: Path, _changed: int, _size: int) -> Design:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _wrong(name, DesignWarning("design_toml", {"problem": str(error)})) from None
    return parse(name, text)


def parse(name: str, text: str | Mapping[str, Any]) -> Design:
    """A design from its TOML, or from plain data, checked whole.

    raises  LabelError `label_design_wrong`: `what` is the whole sentence; `fault` the code of its kind, with its
            params; `line` and `field` where they are known
    """
    made = draft(name, text)
    for fault in faults_of(made):
        raise _wrong(name, fault)
    return made


def draft(name: str, text: str | Mapping[str, Any]) -> Design:
    """A design that can be read, however badly it is laid out: for the page where it is written.

    raises  LabelError `label_design_wrong` like `parse`
    """
    lines: dict[str, int] = {}
    try:
        if isinstance(text, str):
            lines = _lines(text[:_LONGEST_FILE])
            text = _toml(text)
        return replace(_design(name, text), lines=lines)
    except _Unreadable as unreadable:
        raise _wrong(name, _with_line(unreadable.fault, lines, unreadable.key)) from None


def faults_of(design: Design) -> Iterator[DesignWarning]:
    """Everything that keeps the design from being used."""
    for fault in faults(design.of, design.dpi, design.stock, design.fields):
        yield _with_line(fault, design.lines)


def _wrong(name: str, fault: DesignWarning) -> LabelError:
    more = {**fault.params, "fault": fault.code, "line": fault.line, "field": fault.field_index}
    return LabelError("label_design_wrong", **{**more, "design": name, "what": str(fault)})


# --- reading


class _Unreadable(Exception):
    """A design that cannot even be drawn."""

    def __init__(self, code: str, place: str = "", index: int | None = None, **params: Any) -> None:
        super().__init__(code)
        self.key = str(params.get("key", ""))
        self.fault = DesignWarning(code, params, index, place=place)


def _toml(text: str) -> Mapping[str, Any]:
    if len(text) > _LONGEST_FILE:
        raise _Unreadable("design_toml", problem=f"it is longer than {_LONGEST_FILE} characters")
    if max(line.count(".") for line in text.split("\n")) > _MOST_DOTS:  # tomllib takes seconds for deep names
        raise _Unreadable("design_toml", problem="a name with so many dots means nothing here")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of 5,000 digits
        raise _Unreadable("design_toml", problem=str(error)) from None


def _design(name: str, data: Mapping[str, Any]) -> Design:
    _no_other_keys(data, ("title", "title_fr", "for", "dpi", "stock", "fields"), "")
    for key in ("dpi", "stock", "fields"):
        if key not in data:
            raise _Unreadable("design_key_missing", key=key)
    given = {key: value for key, value in data.items() if key in ("title", "title_fr", "for", "dpi")}
    for key, value in given.items():
        _value(key, int if key == "dpi" else str, value, "", None)
    listed = enumerate(_tables(data["fields"], "fields", ""))
    built = [_build(Field, each, "fields", index) for index, each in listed]
    return Design(
        name, given.get("title", name), given["dpi"], _stock(data["stock"]), tuple(built),
        given.get("title_fr", ""), given.get("for", "sample"),
    )  # fmt: skip


def _stock(data: Any) -> Stock:
    if not isinstance(data, Mapping):
        raise _Unreadable("design_not_table", key="stock")
    nested: dict[str, Any] = {}
    if "parts" in data:
        parts = _tables(data["parts"], "parts", "stock")
        nested["parts"] = tuple([_build(Part, each, f"stock.parts {n}") for n, each in enumerate(parts, 1)])
    if "sheet" in data:
        nested["sheet"] = _build(Sheet, data["sheet"], "stock.sheet")
    plain = {key: value for key, value in data.items() if key not in nested}
    return replace(_build(Stock, plain, "stock"), **nested)


def _tables(data: Any, key: str, place: str) -> list[Any]:
    if not isinstance(data, list) or len(data) > MOST_FIELDS:
        raise _Unreadable("design_not_tables", place, key=key, most=MOST_FIELDS)
    return data


def _build(kind: type, data: Any, place: str, index: int | None = None) -> Any:
    """One dataclass from its table: nothing unknown, nothing missing, every value of its sort."""
    if not isinstance(data, Mapping):
        raise _Unreadable("design_not_table", place, index, key=place)
    known = {each.name: each for each in fields_of(kind)}
    _no_other_keys(data, known if kind is not Field else _field_keys(data, index), place, index)
    for key, each in known.items():
        if key not in data and each.default is MISSING:
            raise _Unreadable("design_key_missing", place, index, key=key)
    for key, value in data.items():
        _value(key, known[key].type, value, place, index)
    return kind(**data)


def _field_keys(data: Mapping[str, Any], index: int | None) -> Iterable[str]:
    """What a field of this kind can say."""
    if "kind" not in data:
        raise _Unreadable("design_key_missing", "fields", index, key="kind")
    kind = data["kind"]
    if not isinstance(kind, str) or kind not in _FIELD_KEYS:
        known = ", ".join(KINDS)
        raise _Unreadable("design_unknown", "fields", index, key="kind", given=_shown(kind), known=known)
    return _FIELD_KEYS[kind]


def _no_other_keys(
    data: Mapping[str, Any], known: Iterable[str], place: str, index: int | None = None
) -> None:
    unknown = sorted(map(str, set(data) - set(known)))
    if unknown:
        more = {"field_kind": data["kind"]} if index is not None else {}
        raise _Unreadable("design_key_unknown", place, index, key=unknown[0][:80], **more)


def _value(key: str, sort: Any, value: Any, place: str, index: int | None) -> None:
    given = _shown(value)
    if sort is bool:
        if not isinstance(value, bool):
            raise _Unreadable("design_not_yes_or_no", place, index, key=key, given=given)
    elif sort is str:
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT or _HALVES.search(value):
            raise _Unreadable("design_not_text", place, index, key=key, given=given, most=_LONGEST_TEXT)
    elif sort is float:
        _length(key, value, place, index)
    else:
        least, most = _WHOLE.get(key, _COUNT)
        if key == "turn" and value not in TURNS:
            known = ", ".join(map(str, TURNS))
            raise _Unreadable("design_unknown", place, index, key=key, given=given, known=known)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _Unreadable("design_not_whole", place, index, key=key, given=given, least=least, most=most)


def _length(key: str, value: Any, place: str, index: int | None) -> None:
    number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    if not number or isinstance(value, bool) or value < 0:
        raise _Unreadable("design_not_length", place, index, key=key, given=_shown(value))
    most = LONGEST_MM.get(key, LONGEST_LABEL_MM)
    if value > most:
        raise _Unreadable("design_too_long", place, index, key=key, given=_shown(value), most=most)
    if value == 0 and key not in _MAY_BE_ZERO:
        raise _Unreadable("design_zero", place, index, key=key)


def _shown(value: Any) -> str:
    """As much of a value as a sentence shows."""
    try:
        return repr(value)[:80]
    except ValueError:  # Python spells no number of more than some thousand digits
        return "…"


#: Halves of a character beyond the first 65,536, which no file can hold alone.
_HALVES = re.compile("[\ud800-\udfff]")


# --- where in the text


_HEADER = re.compile(r"\s*\[{1,2}\s*([A-Za-z0-9_.]+)\s*\]{1,2}\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


def _lines(text: str) -> dict[str, int]:
    """The line of each table and of each of its keys: "fields 0", "fields 0.width_mm", "stock.parts 1.shape"."""
    found: dict[str, int] = {}
    place, counts = "", {"fields": 0, "stock.parts": 1}
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(line):
            place = header[1]
            if place in counts:
                counts[place] += 1
                place = f"{place} {counts[place] - 1}"
            found.setdefault(place, number)
        elif key := _KEY.match(line):
            found.setdefault(f"{place}.{key[1]}", number)
    return found


def _with_line(fault: DesignWarning, lines: Mapping[str, int], key: str = "") -> DesignWarning:
    place = fault.place if fault.field_index is None else f"fields {fault.field_index}"
    key = key or str(fault.params.get("key", ""))
    return replace(fault, line=lines.get(f"{place}.{key}", lines.get(place)))
