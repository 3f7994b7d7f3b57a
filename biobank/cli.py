"""Commands of the whole bank: the record, the nightly questions, what waits to be done, copies."""

import time
from pathlib import Path

import click

from biobank.audit import service as audit
from biobank.core import checks, copies, outbox
from biobank.core.db import db


@click.group("audit")
def audit_group() -> None:
    """The record of everything that happened."""


@audit_group.command("verify")
@click.option("--expect", metavar="HASH", help="A head noted before: it must still stand in the chain.")
def verify(expect: str | None) -> None:
    """Compute the whole chain again. Exit code 1 where a link does not hold."""
    found = audit.verify()
    if found.broken_at is not None:
        raise click.ClickException(f"the chain breaks at entry {found.broken_at}: {found.why}")
    if expect and not audit.stands(expect):
        raise click.ClickException(f"no entry has the hash {expect}: the record was cut or written anew")
    click.echo(f"{found.entries} entries, head {found.head}, unbroken")


@click.command("check")
def check() -> None:
    """Ask everything that must never be false. Exit code 1 where something is."""
    wrong = 0
    for one in checks.run():
        click.echo(f"{'ok   ' if not one.findings else 'WRONG'} {one.name}")
        for finding in one.findings:
            click.echo(f"      {finding}")
        wrong += len(one.findings)
    if wrong:
        raise click.ClickException(f"{wrong} findings")


@click.group("outbox")
def outbox_group() -> None:
    """What waits to be done after a commit: labels, letters."""


@outbox_group.command("run")
@click.option("--every", metavar="SECONDS", type=click.FloatRange(min=0.1), help="Go on, looking this often.")
def run_outbox(every: float | None) -> None:
    """Carry out what is due. Failures are tried again later, less and less often."""
    done, failed = outbox.run_due()
    click.echo(f"{done} done, {failed} failed")
    while every:
        time.sleep(every)
        done, failed = outbox.run_due()
        if done or failed:
            click.echo(f"{done} done, {failed} failed")


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the whole bank to FILE, while people work. SQLite: a database; PostgreSQL: for pg_restore."""
    copies.backup(file)
    click.echo(f"{file}: {file.stat().st_size} bytes")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def restore(file: Path) -> None:
    """Bring FILE back into an empty database, and verify the record in it."""
    copies.restore(file)
    db.session.remove()
    found = audit.verify()
    if found.broken_at is not None:
        raise click.ClickException(f"restored, but the chain breaks at entry {found.broken_at}: {found.why}")
    click.echo(f"{found.entries} entries, head {found.head}, unbroken")


commands = [audit_group, check, outbox_group, backup, restore]
