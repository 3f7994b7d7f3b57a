"""Copies of the whole database, and the way back."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import URL

from biobank.core.db import db, is_sqlite
from biobank.core.errors import RuleViolation


def backup(file: Path) -> None:
    """Copy the database to a new file, as it stands at one moment, while others write.

    raises  RuleViolation `file_exists`, `copy_failed`
    """
    if file.exists():
        raise RuleViolation("file_exists", file=str(file))
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)  # the copy holds what the bank holds: for its owner's eyes
    try:
        if is_sqlite():
            _copy_sqlite(_file(), part)
        else:
            _run("pg_dump", "--format=custom", f"--file={part}", "--no-owner", "--no-privileges")
        os.link(part, file)  # never over a file that somebody made meanwhile
    except FileExistsError as error:
        raise RuleViolation("file_exists", file=str(file)) from error
    finally:
        part.unlink(missing_ok=True)


def restore(file: Path) -> None:
    """Bring a copy back. raises RuleViolation `database_not_empty`, `copy_failed`; the database is then as it was"""
    if inspect(db.engine).get_table_names():
        raise RuleViolation("database_not_empty")
    db.session.remove()
    db.engine.dispose()
    if is_sqlite():
        if not file.read_bytes()[:16].startswith(b"SQLite format 3"):
            raise RuleViolation("copy_failed", detail=f"{file.name} is not a copy of an SQLite bank")
        Path(_file()).parent.mkdir(parents=True, exist_ok=True)
        _copy_sqlite(file, Path(_file()))
    else:
        _run(
            "pg_restore",
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            str(file),
        )


def _file() -> Path:
    return Path(str(db.engine.url.database))


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)  # one step: in WAL mode people write on meanwhile
            found = new.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise RuleViolation("copy_failed", detail=str(error)) from error
    if found != "ok":
        raise RuleViolation("copy_failed", detail=found)


def _run(program: str, *arguments: str) -> None:
    if shutil.which(program) is None:
        raise RuleViolation("copy_failed", detail=f"{program} is not installed")
    url = db.engine.url
    target = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    done = subprocess.run(
        [program, f"--dbname={target}", *arguments],
        env=os.environ | _password(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuleViolation("copy_failed", detail=(done.stderr.strip() or f"{program} failed")[-500:])


def _password(url: URL) -> dict[str, str]:
    """In the environment: the arguments of a program can be read by everybody on the machine."""
    return {"PGPASSWORD": str(url.password)} if url.password else {}
