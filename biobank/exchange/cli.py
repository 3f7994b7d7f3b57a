"""`flask --app app import FILE…`: other people's tables come into the bank, from a terminal."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from biobank.core.actor import job
from biobank.core.db import db, unit_of_work
from biobank.core.errors import RuleViolation, Unreadable
from biobank.exchange import service
from biobank.exchange.planning import Plan
from biobank.exchange.verdicts import Verdicts, fix, verdict, where

IMPORT = job("import")


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option(
    "--profile",
    default="gdc",
    show_default=True,
    type=click.Choice(list(service.PROFILES)),
    help="Whose tables they are.",
)
@click.option("--site", metavar="CODE", help="The site that gets them; the only one, unless given.")
@click.option(
    "--study", metavar="CODE", help="What they were taken for; the project that each row names, unless given."
)
@click.option("--dry-run", is_flag=True, help="Look and tell; change nothing.")
@click.option(
    "--keep-going", is_flag=True, help="Leave out rows that cannot be taken, and what was made from them."
)
@click.option(
    "--report",
    metavar="CSV",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every verdict to this file.",
)
def import_files(
    files: tuple[Path, ...], profile: str, site: str | None, study: str | None,
    dry_run: bool, keep_going: bool, report: Path | None,
) -> None:  # fmt: skip
    """Bring in the tables of another system: all of it, or nothing.

    What was imported before is left as it is, so the same files again change nothing. Errors go to standard error, and
    the exit code is then 1; the last line of the output says what came in.
    """
    place = service.site_for(site, IMPORT)
    with _opened(report, files) as file, _progress() as progress, _kept():
        plan = _read(files, profile, place, progress)
        verdicts = Verdicts(file)
        outcome, end = _carry_out(
            plan, verdicts, progress, dry_run=dry_run, keep_going=keep_going, place=place, study=study
        )
    _tell(verdicts, report)
    _tell_made(outcome, place, dry_run=dry_run)
    click.echo(_summary(profile, outcome) + end)
    if outcome.errors:
        sys.exit(1)


def _read(files: Sequence[Path], profile: str, place: service.Place, progress: Progress) -> Plan:
    task = progress.add_task("reading", total=None)
    plan = service.read(
        files,
        profile=service.PROFILES[profile](),
        place=place,
        tick=lambda rows: progress.advance(task, rows),
    )
    progress.update(task, total=sum(file.rows for file in plan.files))
    gc.freeze()
    return plan


def _carry_out(
    plan: Plan, verdicts: Verdicts, progress: Progress, *, dry_run: bool, keep_going: bool, **told: Any
) -> tuple[service.Outcome, str]:
    """What came in, and how the last line ends."""
    # With an error among the files nothing will come in: it is only looked for what else is wrong, at nobody's cost.
    rehearse = dry_run or (bool(plan.errors) and not keep_going)
    task = progress.add_task("checking" if rehearse else "importing", total=plan.total)

    def work() -> service.Outcome:
        verdicts.begin()  # a busy database has a unit of work run once more
        progress.reset(task)
        return service.carry_out(
            plan, by=IMPORT, rehearse=rehearse, keep_going=keep_going, tell=verdicts,
            tick=lambda things: progress.advance(task, things), **told,
        )  # fmt: skip

    end = "; dry run, nothing was changed" if dry_run else ""
    try:
        return (work() if rehearse else unit_of_work(work)), end
    except service.ImportRefused as refusal:
        return refusal.outcome, end or "; nothing was imported"
    finally:
        db.session.rollback()  # whatever was only read is let go


@contextmanager
def _opened(report: Path | None, files: Sequence[Path]) -> Iterator[TextIO | None]:
    """The report, opened before anything is done.

    raises  RuleViolation when it would overwrite one of the files, Unreadable when it cannot be written
    """
    if report is None:
        yield None
        return
    if report.exists() and any(file.exists() and file.samefile(report) for file in files):
        raise RuleViolation("import_report_is_input", file=str(report))
    try:
        file = report.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise Unreadable("import_report_unwritable", file=str(report), why=error.strerror or "") from error
    with file:
        yield file


@contextmanager
def _kept() -> Iterator[None]:
    """What stands until the end anyway is not looked through for garbage: that took a third of the time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _progress() -> Progress:
    """Bars on standard error, for somebody who looks at a terminal."""
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _tell(verdicts: Verdicts, report: Path | None) -> None:
    for finding in verdicts.errors:
        click.echo(f"{where(finding)}: {verdict(finding)} {fix(finding)}", err=True)
    if verdicts.more_errors:
        rest = f"All of them are in {report}." if report else "For all of them, give --report FILE."
        click.echo(f"… and {verdicts.more_errors} more. {rest}", err=True)
    for count in verdicts.noted():
        first = count.finding
        place = first.file + (f":{first.column}" if first.column else "")
        example = verdict(first) + (f" (first in row {first.row})" if first.row else "")
        click.echo(f"{count.times:>7} × {place}: {example}")


def _tell_made(outcome: service.Outcome, place: service.Place, *, dry_run: bool) -> None:
    if place.id is None and outcome.changes:
        click.echo(f"site {place.code} {'would be' if dry_run else 'was'} set up: there was none", err=True)
    for code in outcome.opened:
        click.echo(f"study {code} {'would be' if dry_run else 'was'} opened: there was none", err=True)


def _summary(profile: str, outcome: service.Outcome) -> str:
    held = ", ".join(f"{number} {name}" for name, number in outcome.counts.items())
    return f"{profile}: {held}; {outcome.changes} changes, {outcome.errors} errors, {outcome.notes} notes"


commands = [import_files]
