"""The figures as a file: JSON for programs, CSV and a workbook for people. Every cell keeps its type.

A table of figures has three sorts of line, told by its first column: the groups, then the total, then what was
treated at a time that nobody knows.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from xlsxwriter import Workbook

from biobank.reports.rules import Figures

Cell = str | int | date | None

#: What a spreadsheet would take for the start of a formula; a quote before it makes it text again.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_GROUP, _TOTAL, _UNKNOWN_TIME = "group", "total", "unknown_time"


@dataclass(frozen=True)
class Format:
    """One way to write the figures down: its name is the end of a file's name."""

    name: str
    mimetype: str
    write: Callable[[Figures], bytes]


def as_json(figures: Figures) -> dict[str, Any]:
    """The answer of the API."""
    return {
        "samples_treated": figures.samples_treated,
        "samples_stored": figures.samples_stored,
        "unknown_time": figures.unknown_time,
        "samples_stored_at_start": figures.samples_stored_at_start,
        "from": figures.from_on.isoformat(),
        "to": figures.to_on.isoformat(),
        "site": figures.site,
        "by": list(figures.by),
        "groups": [
            {
                **group.about,
                "samples_treated": group.samples_treated,
                "samples_stored": group.samples_stored,
            }
            for group in figures.groups
        ],
    }


def file_name(figures: Figures, name: str) -> str:
    return f"throughput-{figures.from_on}-{figures.to_on}.{name}"


def head(figures: Figures) -> tuple[str, ...]:
    return ("line", "from", "to", *figures.by, "samples_treated", "samples_stored")


def table(figures: Figures) -> Iterator[tuple[Cell, ...]]:
    """The lines, each as long as `head`."""
    period = (figures.from_on, figures.to_on)
    nothing = (None,) * len(figures.by)
    for group in figures.groups:
        yield (_GROUP, *period, *group.about.values(), group.samples_treated, group.samples_stored)
    yield (_TOTAL, *period, *nothing, figures.samples_treated, figures.samples_stored)
    yield (_UNKNOWN_TIME, *period, *nothing, figures.unknown_time, None)


def _json(figures: Figures) -> bytes:
    return (json.dumps(as_json(figures), ensure_ascii=False, indent=2) + "\n").encode()


def _csv(figures: Figures) -> bytes:
    """Commas, and the mark at the start by which a spreadsheet knows UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head(figures))
    writer.writerows([_plain(cell) for cell in line] for line in table(figures))
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: Cell) -> str | int | None:
    if isinstance(cell, date):
        return cell.isoformat()
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _xlsx(figures: Figures) -> bytes:
    """Row by row, so that a long report takes no more memory than a short one; text is text, whatever it looks like."""
    held = io.BytesIO()
    with Workbook(held, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("throughput")
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(head(figures)) - 1, 16)
        bold = book.add_format({"bold": True})
        for column, name in enumerate(head(figures)):
            sheet.write_string(0, column, name, bold)
        for row, line in enumerate(table(figures), start=1):
            for column, cell in enumerate(line):
                _write(sheet, row, column, cell)
    return held.getvalue()


def _write(sheet: Any, row: int, column: int, cell: Cell) -> None:
    if isinstance(cell, date):
        sheet.write_datetime(row, column, cell)
    elif isinstance(cell, int):
        sheet.write_number(row, column, cell)
    elif cell is not None:
        sheet.write_string(row, column, cell)


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("json", "application/json", _json),
        Format("csv", "text/csv; charset=utf-8", _csv),
        Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
    )
}
