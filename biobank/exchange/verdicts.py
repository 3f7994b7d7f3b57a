"""What an import tells people: how often what is wrong in which column, each error, and all of it in a file."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

from biobank.core.errors import Reason
from biobank.exchange.profile import Finding
from biobank.web import sentences

COLUMNS = ("file", "row", "column", "severity", "verdict", "fix")
MOST_SHOWN = 50
"""Errors at the terminal; the report has all of them."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass
class Count:
    """How often one thing was told of one column, and the first time as an example."""

    finding: Finding
    times: int = 0


@dataclass
class Verdicts:
    """Takes each finding as it comes; keeps counts and the first errors, and writes everything to the report."""

    report: TextIO | None = None
    counts: dict[tuple[str, str | None, str], Count] = field(default_factory=dict)
    errors: list[Finding] = field(default_factory=list)
    more_errors: int = 0

    def __post_init__(self) -> None:
        self._writer = csv.writer(self.report) if self.report is not None else None

    def begin(self) -> None:
        """Forget everything: it will be told again from the start."""
        self.counts.clear()
        self.errors.clear()
        self.more_errors = 0
        if self.report is not None and self._writer is not None:
            self.report.seek(0)
            self.report.truncate()
            self._writer.writerow(COLUMNS)

    def __call__(self, finding: Finding) -> None:
        key = (finding.file, finding.column, finding.code)
        count = self.counts.get(key)
        if count is None:
            count = self.counts[key] = Count(finding)
        count.times += 1
        if finding.severity == "error":
            if len(self.errors) < MOST_SHOWN:
                self.errors.append(finding)
            else:
                self.more_errors += 1
        if self._writer is not None:
            place = (finding.file, finding.row, finding.column, finding.severity)
            self._writer.writerow([_harmless(cell) for cell in (*place, verdict(finding), fix(finding))])

    def noted(self) -> Iterator[Count]:
        """Everything that is no error, in the order it was first told."""
        return (count for count in self.counts.values() if count.finding.severity == "note")


def verdict(finding: Finding) -> str:
    """What is the matter, in the reader's language."""
    reasons: tuple[Reason, ...] = finding.params.get("reasons", ())
    told = [sentences.sentence(finding.code, finding.params)]
    return " ".join(told + [sentences.of_reason(reason) for reason in reasons])


def fix(finding: Finding) -> str:
    """What to do about it."""
    return sentences.sentence(f"{finding.code}.fix", finding.params)


def where(finding: Finding) -> str:
    """Its place: file, row and column as far as they are known."""
    row = [] if finding.row is None else [str(finding.row)]
    return ":".join([finding.file, *row, *([finding.column] if finding.column else [])])


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet would take for a formula is marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
