"""`flask --app app bench …`: how fast it is, as ratios within one run. Works on scratch databases of its own."""

import gc
import json
import os
import random
import tempfile
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from biobank.access import service as access
from biobank.bench import consenting, measuring, stock
from biobank.core.actor import job
from biobank.core.db import db, unit_of_work

bench = click.Group("bench", help="How fast it is, as ratios within one run.")
BENCH = job("bench")


@bench.command("scan")
@click.option("--samples", "sizes", multiple=True, type=int, default=(10_000, 1_000_000), show_default=True,
              help="Size of the stock; may be given several times.")  # fmt: skip
@click.option(
    "--postgres", help="URL of an empty server to make scratch databases on; SQLite files without it."
)
@click.option("--clients", default=1, show_default=True, help="Connections at once.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Length of each measurement.")
def scan(sizes: tuple[int, ...], postgres: str | None, clients: int, rounds: int, seconds: float) -> None:
    """A scan's answer beside the same server's empty page, at each size of the stock."""
    click.echo(f"{'PostgreSQL' if postgres else 'SQLite'}, {clients} client(s), {rounds} rounds of {seconds} s, "
               f"load of the machine {os.getloadavg()[0]:.1f}")  # fmt: skip
    click.echo(f"{'samples':>10}  {'what':<12} {'per second':>10} {'p50 ms':>8} {'p99 ms':>8} {'× empty':>8}")
    scans: list[tuple[int, measuring.Figures]] = []
    for size in sorted(sizes):
        empty, scanned = _measure(size, postgres, clients, rounds, seconds)
        for figures in (empty, scanned):
            click.echo(f"{size:>10}  {figures.name:<12} {figures.per_second:>10.0f} {figures.p50:>8.2f} "
                       f"{figures.p99:>8.2f} {figures.p50 / empty.p50:>8.2f}")  # fmt: skip
        scans.append((size, scanned))
    smallest, largest = scans[0], scans[-1]
    if largest[0] > smallest[0]:
        ratio = largest[1].p50 / smallest[1].p50
        click.echo(f"a scan among {largest[0]} costs {ratio:.2f} × what it costs among {smallest[0]}")


def _measure(
    size: int, postgres: str | None, clients: int, rounds: int, seconds: float
) -> tuple[measuring.Figures, measuring.Figures]:
    with tempfile.TemporaryDirectory(prefix="biobank-bench-") as folder, _scratch(postgres, folder) as uri:
        token = _filled(uri, size)
        order = list(range(1, size + 1))
        random.Random(size).shuffle(order)  # noqa: S311  scans come in no order
        with measuring.served(uri, Path(folder)) as port:
            empty, scanned = measuring.compare(
                port,
                [
                    ("empty page", lambda _number: "/healthz"),
                    ("scan", lambda number: f"/api/v1/scan?raw={stock.code_of(order[number % size])}"),
                ],
                token=token, clients=clients, rounds=rounds, seconds=seconds,
            )  # fmt: skip
        return empty, scanned


@bench.command("consent")
@click.option("--samples", "sizes", multiple=True, type=int, default=(100_000, 1_000_000), show_default=True,
              help="Size of the stock; may be given several times.")  # fmt: skip
@click.option(
    "--postgres", help="URL of an empty server to make scratch databases on; SQLite files without it."
)
@click.option("--rounds", default=5, show_default=True)
def consent(sizes: tuple[int, ...], postgres: str | None, rounds: int) -> None:
    """Consent decided by the pure rule, for 10,000 samples at once, and one by one; and what a withdrawal costs."""
    click.echo(f"{'PostgreSQL' if postgres else 'SQLite'}, {rounds} rounds, load of the machine "
               f"{os.getloadavg()[0]:.1f}; {consenting.SAMPLES} samples of {consenting.PATIENTS} patients")  # fmt: skip
    click.echo(f"{'samples':>10}  {'what':<12} {'per second':>10} {'× naive':>8}")
    bulk: list[tuple[int, float]] = []
    for size in sorted(sizes):
        with (
            tempfile.TemporaryDirectory(prefix="biobank-bench-") as folder,
            _scratch(postgres, folder) as uri,
        ):
            _filled(uri, size)
            found = json.loads(measuring.command(uri, "bench", "consent-here", "--rounds", str(rounds)))
        speeds, withdrawn = found["speeds"], found["withdrawn"]
        for name, per_second in speeds.items():
            ratio = per_second / speeds["naive loop"]
            click.echo(f"{size:>10}  {name:<12} {per_second:>10.0f} {ratio:>8.1f}")
        click.echo(f"{size:>10}  withdrawing a patient with {withdrawn['descendants']} descendants: one unit of work, "
                   f"{withdrawn['statements']} statements, {withdrawn['seconds']:.2f} s")  # fmt: skip
        bulk.append((size, speeds["bulk check"]))
    if len(bulk) > 1:
        (small, fast), (large, slow) = bulk[0], bulk[-1]
        click.echo(f"a sample among {large} costs {fast / slow:.2f} × what it costs among {small}")


@bench.command("consent-here", hidden=True)
@click.option("--rounds", default=5)
def consent_here(rounds: int) -> None:
    """Measure on the scratch database at hand, and print the figures as JSON."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # as the served app does
    speeds = {speed.name: speed.per_second for speed in consenting.speeds(rounds)}
    withdrawn = consenting.withdraw_one(consenting.DESCENDANTS)
    click.echo(json.dumps({"speeds": speeds, "withdrawn": asdict(withdrawn)}))


class _scratch(AbstractContextManager[str]):  # noqa: N801  read as a function
    """The URL of an empty database, dropped at the end."""

    def __init__(self, postgres: str | None, folder: str) -> None:
        self.server = make_url(postgres) if postgres else None
        self.uri = f"sqlite:///{folder}/bench.sqlite"
        self.name = f"biobank_bench_{os.getpid()}"

    def __enter__(self) -> str:
        if self.server is not None:
            self._say(f'CREATE DATABASE "{self.name}"')
            self.uri = self.server.set(database=self.name).render_as_string(hide_password=False)
        return self.uri

    def __exit__(self, *_error: object) -> None:
        if self.server is not None:
            self._say(f'DROP DATABASE "{self.name}" WITH (FORCE)')

    def _say(self, statement: str) -> None:
        engine = create_engine(self.server or "", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def _filled(uri: str, size: int) -> str:
    """Migrate and fill a scratch database, by commands of their own. returns the token of a technician there"""
    measuring.command(uri, "db", "upgrade")
    return measuring.command(uri, "bench", "fill", str(size)).splitlines()[-1]


@bench.command("fill")
@click.argument("samples", type=click.IntRange(1, 10**8))
def fill(samples: int) -> None:
    """Fill an empty scratch bank with that many samples, and print the token of a technician there."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"filling {samples}", total=samples)
        stock.fill(samples, lambda done: progress.update(task, completed=done))
    token = unit_of_work(_technician)
    _analyse()
    click.echo(token)


def _technician() -> str:
    site = access.site_for("BENCH", BENCH)
    user = access.make_user(name="bench", roles=["technician"], site=site, by=BENCH)
    return access.make_token(user=user, name="bench", by=BENCH)


def _analyse() -> None:
    """Let the database know how large its tables are, as its own housekeeping would by and by."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


commands = [bench]
