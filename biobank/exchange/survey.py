"""The first walk through the files: which things stand where, and is each row fit to be read?

Only what ties rows together is kept in memory (id, place, links), not the rows themselves: some 500 bytes for each.
No database, no language.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from biobank.core.errors import BiobankError
from biobank.exchange.profile import LONGEST_ID, LONGEST_PROJECT, Finding, Layout, Piece, Profile
from biobank.exchange.reading import Table, open_table

TICK = 500
"""Rows between two signs of life."""


@dataclass(slots=True)
class Entry:
    """One thing named by its id, and where its row is."""

    rank: int
    file: int  # index into Survey.tables
    row: int
    said: int  # hash of all its row says of it but its links
    links: tuple[str | None, ...]  # ids of what it comes from, one for each level above
    case: str | None
    more: tuple[str, ...] = ()  # further direct parents: it is a pool
    type: str | None = None

    @property
    def parent_rank(self) -> int:
        """The most specific level that its row links to; -1 for none."""
        return next((rank for rank in range(len(self.links) - 1, -1, -1) if self.links[rank]), -1)

    @property
    def parents(self) -> tuple[str, ...]:
        direct = self.links[self.parent_rank] if self.links else None
        return (direct, *self.more) if direct else ()


@dataclass
class FileRead:
    """One file as it was read, to be remembered with the import."""

    name: str
    sha256: str
    kinds: tuple[str, ...]
    rows: int = 0


@dataclass
class Survey:
    """What the first walk found."""

    profile: Profile
    tick: Callable[[int], None]
    tables: list[tuple[Table, Layout]] = field(default_factory=list)
    files: list[FileRead] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    repeats: dict[str, list[tuple[int, int, Piece]]] = field(default_factory=dict)
    """Ids with several rows that are not word for word the same: file, row and layout of every further one."""
    cases: dict[str, str] = field(default_factory=dict)  # patient code -> case id
    shared_codes: set[int] = field(default_factory=set)  # hashes of makers' codes that two things have
    dead: set[int] = field(default_factory=set)  # files that broke off in the middle
    _codes_of_cases: dict[str, str] = field(default_factory=dict)
    _codes: dict[int, str] = field(default_factory=dict)  # hash of a maker's code -> whose it is

    def read(self, paths: Sequence[Path]) -> None:
        """Walk through all files, in the order given."""
        names = [path.name for path in paths]
        seen: dict[str, str] = {}
        for path in paths:
            name = path.name if names.count(path.name) == 1 else str(path)
            try:
                table = open_table(path, name, spreadsheets=self.profile.spreadsheets)
                sha256 = table.sha256
            except BiobankError as error:
                self._unreadable(name, error)
                continue
            except OSError as error:
                self.tell(name, None, None, "import_cannot_open", why=error.strerror or "")
                continue
            if sha256 in seen:
                self.tell(name, None, None, "import_file_twice", severity="note", first=seen[sha256])
                continue
            seen[sha256] = name
            self._read_table(table)

    def _read_table(self, table: Table) -> None:
        layout = self.profile.layout(self.profile, table.name, table.header)
        self.findings += layout.findings
        file = FileRead(table.name, table.sha256, layout.kinds)
        self.files.append(file)
        if not layout.pieces:
            return
        self.tables.append((table, layout))
        try:
            for number, values in table.records():
                file.rows += 1
                if file.rows % TICK == 0:
                    self.tick(TICK)
                self._row(table, layout, number, values)
        except BiobankError as error:
            self.dead.add(len(self.tables) - 1)
            self._unreadable(table.name, error)
        self.tick(file.rows % TICK)
        if not file.rows:
            self.tell(table.name, None, None, "import_no_rows", severity="note")

    def _row(self, table: Table, layout: Layout, number: int, values: list[str]) -> None:
        width = len(table.header)
        if len(values) < width or any(values[width:]):
            self.tell(table.name, number, None, "import_ragged_row", cells=len(values), columns=width)
            self.refused.update(values[piece.id_at] for piece in layout.pieces if piece.id_at < len(values))
            return
        for piece in layout.pieces:
            name = values[piece.id_at]
            if name in self.profile.nulls:
                # In a join a row may say nothing of a level: a sample of which no portion was made.
                if not layout.joined:
                    self.tell(
                        table.name,
                        number,
                        table.header[piece.id_at],
                        "import_missing_id",
                        level=piece.level.name,
                    )
            elif self._names_are_fit(table, number, piece, values):
                self._take(table, number, piece, values, told_once=not layout.joined)

    def _names_are_fit(self, table: Table, number: int, piece: Piece, values: list[str]) -> bool:
        """Identifiers are believed, but must be such that they can be kept: printable, and not endless."""
        for at in piece.names:
            text = values[at]
            most = LONGEST_PROJECT if at == piece.project_at else LONGEST_ID
            if len(text) > most:
                self.tell(
                    table.name, number, table.header[at], "import_id_too_long", length=len(text), most=most
                )
            elif not text.isprintable():
                self.tell(table.name, number, table.header[at], "import_id_unprintable")
            else:
                continue
            self.refused.add(values[piece.id_at])
            return False
        return True

    def _take(self, table: Table, number: int, piece: Piece, values: list[str], *, told_once: bool) -> None:
        name, nulls = values[piece.id_at], self.profile.nulls
        links = tuple(
            None if at is None or values[at] in nulls else sys.intern(values[at]) for at in piece.links
        )
        said = hash((piece.shape, piece.own(values)))
        if (first := self.entries.get(name)) is not None:
            self._take_again(
                table,
                number,
                piece,
                name,
                first,
                same=(said, links) == (first.said, first.links),
                told_once=told_once,
            )
            return
        case = self._case(table, number, piece, values)
        entry = Entry(piece.level.rank, len(self.tables) - 1, number, said, links, case)
        self.entries[sys.intern(name)] = entry
        if piece.level.rank and not any(links):
            above = [at for at in piece.links if at is not None]
            self.refuse(name, "import_missing_link", above[-1], level=piece.level.name)
        elif not piece.level.rank and case is None:
            at = piece.case_id_at if piece.case_code_at is None else piece.case_code_at
            self.refuse(name, "import_missing_case", at)
        code = None if piece.code_at is None else values[piece.code_at]
        if code and code not in nulls and self._codes.setdefault(hash(code), name) != name:
            self.shared_codes.add(hash(code))

    def _take_again(
        self, table: Table, number: int, piece: Piece, name: str, first: Entry, *, same: bool, told_once: bool
    ) -> None:
        """A row of an id that was met before."""
        header = table.header[piece.id_at]
        if first.rank != piece.level.rank:
            other = self.profile.levels[first.rank].name
            self.tell(
                table.name,
                number,
                header,
                "import_id_at_two_levels",
                id=name,
                level=piece.level.name,
                other=other,
                first=self.place(first),
            )
            self.refused.add(name)
        elif not same:
            self.repeats.setdefault(name, []).append((len(self.tables) - 1, number, piece))
        elif told_once:
            self.tell(
                table.name, number, header, "import_row_repeated", severity="note", first=self.place(first)
            )

    def _case(self, table: Table, number: int, piece: Piece, values: list[str]) -> str | None:
        """The patient's code; a case's two names must go together everywhere."""
        nulls = self.profile.nulls
        code, case_id = (
            None if at is None or values[at] in nulls else sys.intern(values[at])
            for at in (piece.case_code_at, piece.case_id_at)
        )
        if code and case_id:
            first_id = self.cases.setdefault(code, case_id)
            first_code = self._codes_of_cases.setdefault(case_id, code)
            if first_id != case_id or first_code != code:
                other = f"{first_code} / {case_id}" if first_code != code else f"{code} / {first_id}"
                self.tell(
                    table.name,
                    number,
                    table.header[piece.case_code_at or 0],
                    "import_case_named_twice",
                    case=f"{code} / {case_id}",
                    other=other,
                )
                self.refused.add(values[piece.id_at])
        return code or case_id

    # --------------------------------------------------------------------------------------------------- telling

    def tell(
        self,
        file: str,
        row: int | None,
        column: str | None,
        code: str,
        *,
        severity: Literal["error", "note"] = "error",
        **params: Any,
    ) -> None:
        self.findings.append(Finding(file, row, column, severity, code, params))

    def refuse(self, name: str, code: str, at: int | None, **params: Any) -> None:
        """Bar a thing from the import; the reason is told at its own row, at the column `at`."""
        entry = self.entries[name]
        table = self.tables[entry.file][0]
        self.tell(table.name, entry.row, None if at is None else table.header[at], code, id=name, **params)
        self.refused.add(name)

    def piece_of(self, entry: Entry) -> Piece:
        """How the row of a thing is laid out."""
        return next(piece for piece in self.tables[entry.file][1].pieces if piece.level.rank == entry.rank)

    def place(self, entry: Entry) -> str:
        return f"{self.tables[entry.file][0].name}:{entry.row}"

    def _unreadable(self, name: str, error: BiobankError) -> None:
        params = {key: value for key, value in error.params.items() if key != "file"}
        self.findings.append(Finding(name, params.get("row"), None, "error", error.code, params))
