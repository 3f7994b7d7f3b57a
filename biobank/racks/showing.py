"""How a difference is drawn: the grid, the table beside it, and the picture with the places that were not read."""

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from biobank.racks import scans
from biobank.racks.layouts import PLACE, fold_heading
from biobank.racks.models import RackScan
from biobank.racks.rules import OBSTACLES, Difference, Entry, State
from biobank.racks.service import Compared
from biobank.racks.sheets import Sheet
from biobank.racks.wells import UNREAD, WellRead
from biobank.storage.rules import ContainerKind
from biobank.web import sentences

#: What a heading says of its column, for a first guess.
_GUESSES = {
    "position": ("pos", "well", "place", "cell", "location", "puits", "slot"),
    "row": ("row", "ligne", "rang"),
    "column": ("col",),
    "rack": ("rack", "plate", "box", "boite", "container", "plaque"),
    "code": ("code", "tube", "barcode", "sample"),
    "date": ("date", "jour"),
    "time": ("time", "heure"),
}


@dataclass(frozen=True)
class Shown:
    """A difference as the page draws it.

    cells    of the grid, as ui.box_map takes them; None where the rack is no grid
    rows     the table: what is not simply present, then the rest
    obstacles  how many places stand in the way, unknown tubes apart
    doubts   about a picture, which somebody has to confirm
    unnamed  nobody knows the rack that the file names
    """

    difference: Difference
    kind: ContainerKind
    cells: dict[str, dict[str, Any]] | None
    rows: list[dict[str, Any]]
    unread: list[Entry]
    unknown: int
    obstacles: int
    remarks: list[str]
    doubts: list[str]
    unnamed: bool

    @property
    def turned(self) -> bool:
        return self.difference.turned

    @property
    def present(self) -> int:
        return len(self.difference.of(State.PRESENT))


def shown(compared: Compared) -> Shown:
    """Everything the page says of a difference."""
    found = compared.difference
    others = [entry for entry in found.entries if entry.state is not State.PRESENT]
    grid = compared.kind.positioned and not compared.kind.numbered
    unknown = len(found.of(State.UNKNOWN))
    return Shown(
        found,
        compared.kind,
        {entry.position: _cell(entry) for entry in found.entries} if grid else None,
        [_row(entry) for entry in others],
        [entry for entry in found.of(State.UNREAD) if not entry.unlisted],
        unknown,
        len(found.of(*OBSTACLES)) - unknown,
        [sentences.of_reason(remark) for remark in found.remarks if remark.code != "rack_code_new"],
        compared.doubts,
        compared.unnamed,
    )


def layout_name(layout: str | None) -> str:
    """What people call a layout; one that was taught has the name it was given."""
    if layout is None:
        return _("not read")
    name = layout.removeprefix("taught:")
    return name if name != layout else sentences.word("rack_layout", layout)


def picture(scan: RackScan) -> dict[str, Any] | None:
    """The picture of a rack, its first place and those in it that were not read; None for a file."""
    reading = scans.reading_of(scan)
    if reading is None or reading.size is None:
        return None
    width, height = reading.size
    radius = max(8, min(width, height) // 40)
    marks = [_mark(well, radius) for well in reading.wells if well.at is not None and well.state == UNREAD]
    first = next((well for well in reading.wells if well.at is not None), None)
    return {
        "href": url_for("racks.picture", key=scan.id), "width": width, "height": height, "marks": marks,
        "below": reading.below,
        "first": _mark(first, radius) if first is not None else None,
    }  # fmt: skip


def _mark(well: WellRead, radius: int) -> dict[str, Any]:
    """A ring round a place of the picture."""
    x, y = well.at or (0, 0)
    return {"place": well.place, "x": x, "y": y, "r": radius}


def guess(sheet: Sheet) -> dict[str, Any]:
    """What the columns of an unknown file may be: the row of the heading, and a role for each column."""
    heading = next(
        (
            at
            for at, row in enumerate(sheet.rows[:10])
            if row.filled > 1 and not any(PLACE.fullmatch(cell) for cell in row.cells if cell)
            and not any(letter.isdigit() for cell in row.cells for letter in cell)
        ),
        None,
    )  # fmt: skip
    columns: dict[int, str] = {}
    if heading is not None:
        for at, cell in enumerate(sheet.rows[heading].cells):
            folded = fold_heading(cell)
            for role, words in _GUESSES.items():
                if role not in columns.values() and folded and any(word in folded for word in words):
                    columns[at] = role
                    break
    return {"heading": heading, "columns": columns}


def _cell(entry: Entry) -> dict[str, Any]:
    """A place on the grid; what was read there, or what is missing."""
    code = entry.read or (entry.tube.code if entry.tube is not None else "")
    label = sentences.of_reason(entry.reason) if entry.reason is not None else ""
    cell = {"state": entry.state.value, "code": code, "label": label}
    if entry.state is not State.PRESENT:
        cell["href"] = f"#at-{entry.position}"
    return cell


def _row(entry: Entry) -> dict[str, Any]:
    gone = entry.gone
    leaves = gone is not None and entry.state is not State.MISSING
    return {
        "position": entry.position,
        "state": entry.state.value,
        "tone": _TONES[entry.state],
        "code": entry.read,
        "sample": entry.tube.code if entry.tube is not None else None,
        "why": sentences.of_reason(entry.reason) if entry.reason is not None else "",
        "gone": gone.code if gone is not None and leaves else None,
        "line": entry.line,
    }


_TONES = {
    State.NEW: "yes", State.PRESENT: "mute", State.MOVED: "info", State.MISSING: "look", State.UNREAD: "look",
    State.DUPLICATE: "no", State.UNKNOWN: "no", State.ERROR: "no",
}  # fmt: skip
