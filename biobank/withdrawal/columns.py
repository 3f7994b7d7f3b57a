"""Every column of text there is, whose row it stands in, and whether it can be overwritten.

Read from the tables themselves and from the database's own rules, so that a new table is searched without being named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ColumnElement,
    FromClause,
    Null,
    String,
    Table,
    UniqueConstraint,
    case,
    cast,
    func,
    null,
    select,
)

from biobank.access.models import User
from biobank.core.codes import ScannableCode
from biobank.core.db import Base
from biobank.migrations.guards import GUARDS
from biobank.patients.models import Patient

#: Things that people know by a code, the likeliest owner of a text first: table -> column of the code.
OWNERS = {
    "sample": "code",
    "request": "code",
    "container": "code",
    "patient": "code",
    "consent_form": "code",
    "study": "code",
    "procedure": "number",
    "collection_kit": "number",
    "import_run": "id",
    "user_account": "name",
    "site": "code",
}
#: Things that the record names by their code, or a person's key; and what it calls others than their table does.
CODED = {"sample", "request", "container", "patient", "procedure", "user_account", "scannable_code"}
NAMED_OTHERWISE = {"import_run": "import"}
#: Who may come in, and what was printed on a form or a procedure: kept as it is, and shown.
KEPT_TABLES = {
    "user_account",
    "role",
    "api_token",
    "sign_in_try",
    "site",
    "consent_form",
    "clause",
    "procedure",
}
#: Words that the rules read; without one of them they could not be read at all.
KEPT_COLUMNS = {"request.purposes"}
#: A shorter column holds codes and words of lists, which the program reads; nobody types a text into it.
FREE_TEXT = 200


@dataclass(frozen=True)
class Owner:
    """A thing that a row belongs to: what kind, and the column of its code."""

    kind: str
    code: ColumnElement[Any]


@dataclass(frozen=True)
class Searched:
    """One table with its texts, joined to what its rows belong to."""

    table: Table
    key: Column[Any]
    texts: tuple[Column[Any], ...]
    rows: FromClause
    owners: tuple[Owner, ...]
    """The first whose code is not NULL is the one."""
    site: ColumnElement[Any] | Null
    """The site whose row it is; NULL where a row is of no site."""


def searched() -> Iterator[Searched]:
    """Every table that holds text."""
    for table in Base.metadata.sorted_tables:
        texts = tuple(column for column in table.columns if isinstance(column.type, String | JSON))
        if texts:
            yield _searched(table, texts)


@cache
def can_be_overwritten(table: str, column: str) -> bool:
    """True for a text that somebody typed, and that no rule of the database keeps as it is."""
    found = Base.metadata.tables[table].columns[column]
    if table in KEPT_TABLES or f"{table}.{column}" in KEPT_COLUMNS or len(found.table.primary_key) != 1:
        return False
    typed = isinstance(found.type, JSON) or (isinstance(found.type, String) and _long(found.type))
    return typed and not found.primary_key and not found.foreign_keys and not _is_bound(found)


def _long(kind: String) -> bool:
    return kind.length is None or kind.length >= FREE_TEXT


def _is_bound(column: Column[Any]) -> bool:
    """It is unique, one of a list, or guarded."""
    table = column.table
    assert isinstance(table, Table)  # noqa: S101  columns of the metadata stand in tables
    unique = [set(one.columns) for one in table.constraints if isinstance(one, UniqueConstraint)]
    unique += [set(one.columns) for one in table.indexes if one.unique]
    checks = [str(one.sqltext) for one in table.constraints if isinstance(one, CheckConstraint)]
    guards = [guard for guard in GUARDS if guard.table == table.name]
    guarded = any(
        guard.frozen is None or column.name in guard.frozen or column.name in guard.once for guard in guards
    )
    named = any(column.name in check.replace("(", " ").split() for check in checks)
    return guarded or named or any(column in columns for columns in unique)


@cache
def _searched(table: Table, texts: tuple[Column[Any], ...]) -> Searched:
    key = next(iter(table.primary_key.columns))
    if table.name == "audit_entry":
        return _record(table, key, texts)
    rows, owners, sites = _joined(table, table, 2)
    site = func.coalesce(*sites, null()) if sites else null()
    return Searched(table, key, texts, rows, tuple(owners), site)


def _record(table: Table, key: Column[Any], texts: tuple[Column[Any], ...]) -> Searched:
    """The record has no keys of others in it: what an entry is about stands there as kind, and code or number."""
    kind, subject = table.c.subject_kind, table.c.subject_key
    code, patient, user = ScannableCode.__table__, Patient.__table__, User.__table__
    of_code = select(func.min(code.c.site_id)).where(code.c.code == subject, code.c.kind == kind)
    ways = [
        (kind == "patient", select(patient.c.site_id).where(patient.c.subject_key == subject)),
        (kind == "user", select(user.c.site_id).where(user.c.actor_key == subject)),
    ]
    for other in Base.metadata.sorted_tables:
        if "site_id" in other.columns and "id" in other.columns and other.name not in CODED:
            row = select(other.c.site_id).where(cast(other.c.id, String) == subject)
            ways.append((kind == NAMED_OTHERWISE.get(other.name, other.name), row))
    site = case(*((which, way.scalar_subquery()) for which, way in ways), else_=of_code.scalar_subquery())
    return Searched(table, key, texts, table, (), site)


def _joined(
    table: Table, start: FromClause, depth: int
) -> tuple[FromClause, list[Owner], list[ColumnElement[Any]]]:
    """The table with what its keys lead to: the rows, the owners, nearest first, and the columns that name a site."""
    rows: FromClause = start
    owners: list[Owner] = []
    sites: list[ColumnElement[Any]] = []
    if table.name in OWNERS:
        owners.append(Owner(table.name, start.c[OWNERS[table.name]]))
    if table.name == "site":
        sites.append(start.c["id"])
    elif "site_id" in table.columns:
        sites.append(start.c["site_id"])
    if owners or not depth:
        return rows, owners, sites
    for column, target in sorted(_keys(table), key=lambda pair: _rank(pair[1])):
        parent = target.alias()
        more_rows, more_owners, more_sites = _joined(target, parent, depth - 1)
        if more_owners or more_sites:
            on = start.c[column] == parent.c[next(iter(target.primary_key.columns)).name]
            rows = rows.outerjoin(parent, on)
            rows = _graft(rows, more_rows, parent)
            owners += more_owners
            sites += more_sites
    return rows, owners, sites


def _graft(rows: FromClause, more: FromClause, parent: FromClause) -> FromClause:
    """Take over the joins that begin at `parent`."""
    if more is parent:
        return rows
    rows = _graft(rows, more.left, parent)  # type: ignore[attr-defined]
    return rows.outerjoin(more.right, more.onclause)  # type: ignore[attr-defined]


def _keys(table: Table) -> Iterator[tuple[str, Table]]:
    for column in table.columns:
        for key in column.foreign_keys:
            alone = key.constraint is not None and len(key.constraint.elements) == 1
            if alone and key.column.table is not table and key.column.table.name != "site":
                yield column.name, key.column.table


def _rank(table: Table) -> int:
    return list(OWNERS).index(table.name) if table.name in OWNERS else len(OWNERS)
