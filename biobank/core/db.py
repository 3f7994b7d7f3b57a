"""The database: one unit of work, one way to lock rows, and columns that keep times aware.

Views and commands open a unit of work; services never commit. What is told to `unit_of_work` is a callable, because it
is run again when the database says that two people were at the same rows.
"""

import fcntl
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Integer, MetaData, event, select
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import JSON, TypeDecorator

from biobank.core.errors import BiobankError, Busy, RuleViolation

T = TypeVar("T")
M = TypeVar("M", bound="Base")

ATTEMPTS = 3
#: A lock is always taken in this order, so that two units can never wait for each other.
LOCK_ORDER = (
    "idempotency_key", "work_session", "consent_form", "procedure", "patient", "container", "allotted_number",
    "sample", "accession_counter", "audit_head",
)  # fmt: skip
#: PostgreSQL: serialization_failure, deadlock_detected, lock_not_available.
TRANSIENT_STATES = {"40001", "40P01", "55P03"}
#: Largest whole number that either database keeps.
MAX_INTEGER = 2**63 - 1


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)

#: A row's key: 64 bits on PostgreSQL, and the rowid on SQLite.
BigKey = BigInteger().with_variant(Integer, "sqlite")


class UTCDateTime(TypeDecorator[datetime]):
    """An instant. Refuses naive times on the way in, gives aware UTC on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


#: Plain JSON; on PostgreSQL kept as text order-preserving JSON, never interpreted by the database.
Json = JSON()


@event.listens_for(Engine, "connect")
def _set_up_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin
    for pragma in (
        "foreign_keys = ON",
        "recursive_triggers = ON",
        "journal_mode = WAL",
        "synchronous = FULL",
        "busy_timeout = 10000",
        "cache_size = -65536",
        "temp_store = MEMORY",
        "secure_delete = ON",  # what is erased does not stay readable in freed space
    ):
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@dataclass
class Unit:
    """What one unit of work has collected: entries for the audit chain, locks, and what to do around its end."""

    audit: list[Any] = field(default_factory=list)
    locked: set[tuple[str, int]] = field(default_factory=set)
    highest: int = -1
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    after_refusal: list[Callable[[], None]] = field(default_factory=list)


#: Steps run at the end of every unit of work, before its commit (the audit chain registers itself here).
last_steps: list[Callable[[Unit], None]] = []


def current_unit() -> Unit:
    """The open unit of work. Raises RuntimeError where there is none: an act outside one would not be audited."""
    unit = db.session.info.get("unit")
    if unit is None:
        raise RuntimeError("no unit of work is open")
    return unit


class Again(Exception):
    """What was read before the lock is no longer so: the unit of work must be run once more."""


def unit_of_work(work: Callable[[], T]) -> T:
    """Run `work` so that everything it writes is written, or nothing is.

    work     is run again, up to three times, on a deadlock, a serialisation failure, a busy database, or when another
             writer took a unique place first (the second run then finds it taken and says so)
    raises   what `work` raises; Busy after the third time
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _once(work)
        except BiobankError as refusal:
            _keep_refusal(refusal)
            raise
        except Again:
            pass
        except IntegrityError as error:
            if attempt == ATTEMPTS or _guard_message(error):
                raise RuleViolation("refused_by_database", detail=_detail(error)) from error
        except DBAPIError as error:
            if message := _guard_message(error):
                raise RuleViolation("refused_by_database", detail=message) from error
            if not is_transient(error):
                raise
        time.sleep(random.uniform(0.0, 0.02) * attempt)  # noqa: S311  spreads writers, guards nothing
    raise Busy("busy")


def _once(work: Callable[[], T]) -> T:
    session = db.session
    if session.info.get("unit") is not None:
        raise RuntimeError("a unit of work is open already: services do not open one")
    session.rollback()  # ends the transaction that reading the asking user began
    unit = Unit()
    with _one_writer():
        session.info["unit"] = unit
        try:
            session.connection(execution_options={"immediate": True})
            result = work()
            session.flush()
            for step in last_steps:
                step(unit)
            session.commit()
        except BaseException as error:
            session.rollback()
            if isinstance(error, BiobankError):
                error.after_refusal = unit.after_refusal  # type: ignore[attr-defined]
            raise
        finally:
            session.info.pop("unit", None)
    for todo in unit.after_commit:
        todo()
    return result


def _keep_refusal(refusal: BiobankError) -> None:
    """Write what must be kept of a refused act (the denying decision) in a short unit of its own."""
    kept: Sequence[Callable[[], None]] = getattr(refusal, "after_refusal", ())
    if kept:
        refusal.after_refusal = ()  # type: ignore[attr-defined]
        unit_of_work(lambda: [keep() for keep in kept])


@contextmanager
def _one_writer() -> Iterator[None]:
    """On SQLite, queue writers at a lock file: with SQLite's own busy timeout one of eight starved for seconds."""
    engine = db.engine
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        yield
        return
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # which lets the lock go


def lock(model: type[M], ids: Iterable[int]) -> list[M]:
    """Lock rows until the unit of work ends, and read them fresh. The only way to lock.

    model    one of the tables in LOCK_ORDER; asking for an earlier table after a later one is a programming error
    returns  the rows in the order of their ids; ids without a row are left out
    """
    unit = current_unit()
    table = model.__tablename__
    wanted = sorted(set(ids))
    key = model.__mapper__.primary_key[0]
    if all((table, row_key) in unit.locked for row_key in wanted):
        held: list[M] = []
        for chunk in chunks(wanted, 500):  # what is in the session already stays as it is
            held += db.session.scalars(select(model).where(key.in_(chunk)).order_by(key))
        return held
    rank = LOCK_ORDER.index(table)
    if rank < unit.highest:
        raise RuntimeError(f"{table} asked for after {LOCK_ORDER[unit.highest]}: see LOCK_ORDER")
    unit.highest = rank
    rows: list[M] = []
    for chunk in chunks(wanted, 500):
        query = select(model).where(key.in_(chunk)).order_by(key).with_for_update()
        rows += db.session.scalars(query.execution_options(populate_existing=True))
    unit.locked.update((table, row_key) for row_key in wanted)
    return rows


def fetch(statement: Any, params: Mapping[str, Any] | None = None) -> Sequence[Any]:
    """Run a read of plain columns. On the paths that every scan takes: about half of what the session's own way costs.

    statement  built once, at import, with bindparam(): putting it together costs more than running it
    """
    session = db.session()
    if session.new or session.dirty or session.deleted:
        session.flush()
    return session.connection().execute(statement, params or {}).all()


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of at most `size`: both databases bound the parameters of one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))


def is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def is_transient(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in TRANSIENT_STATES or "database is locked" in str(error.orig) or "busy" in str(error.orig)


GUARD = "biobank guard: "


def _guard_message(error: DBAPIError) -> str:
    """The sentence of one of our own triggers, or nothing."""
    text = str(error.orig)
    return text[text.index(GUARD) + len(GUARD) :].splitlines()[0] if GUARD in text else ""


def _detail(error: IntegrityError) -> str:
    return _guard_message(error) or str(error.orig).splitlines()[0]
