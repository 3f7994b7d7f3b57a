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
from biobank.bench import consenting, measuring, photos, racking, stock
from biobank.core.actor import job
from biobank.core.db import db, unit_of_work
from biobank.printing import measuring as labelling

bench = click.Group("bench", help="How fast it is, as ratios within one run.")
BENCH = job("bench")
#: Real pictures of pucks and racks, which are not in this repository.
PHOTOS = (
    Path(os.environ.get("BIOBANK_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    / "rack_photos_datamatrix"
)
#: Of who works on a scratch database, which nobody else ever sees.
PASSWORD = "a scratch bank of its own"  # noqa: S105


@bench.command("scan")
@click.option("--samples", "sizes", multiple=True, type=int, default=(100_000, 1_000_000), show_default=True,
              help="Size of the stock; may be given several times.")  # fmt: skip
@click.option(
    "--postgres", help="URL of an empty server to make scratch databases on; SQLite files without it."
)
@click.option("--clients", default=1, show_default=True, help="Connections at once.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Length of each measurement.")
def scan(sizes: tuple[int, ...], postgres: str | None, clients: int, rounds: int, seconds: float) -> None:
    """A scan's answer, by the API and as a piece of page, and a sample's page, beside the same server's empty page."""
    click.echo(f"{'PostgreSQL' if postgres else 'SQLite'}, {clients} client(s), {rounds} rounds of {seconds} s, "
               f"load of the machine {os.getloadavg()[0]:.1f}")  # fmt: skip
    click.echo(
        f"{'samples':>10}  {'what':<12} {'per second':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>8} "
        f"{'× empty':>8} {'× CPU':>8} {'× peers':>14}"
    )
    found: list[tuple[int, list[measuring.Figures]]] = []
    for size in sorted(sizes):
        measured = _measure(size, postgres, clients, rounds, seconds)
        empty = measured[0]
        for figures in measured:
            ratio = figures.p50 / empty.p50
            click.echo(f"{size:>10}  {figures.name:<12} {figures.per_second:>10.0f} {figures.p50:>8.2f} "
                       f"{figures.p99:>8.2f} {figures.cpu:>8.2f} {ratio:>8.2f} {figures.cpu / empty.cpu:>8.2f} "
                       f"{_peers(figures.name, ratio):>14}")  # fmt: skip
        found.append((size, measured))
    (small, fast), (large, slow) = found[0], found[-1]
    for one, other in zip(fast[1:], slow[1:], strict=True) if large > small else ():
        click.echo(f"{one.name} among {large} costs {other.p50 / one.p50:.2f} × what it costs among {small}, "
                   f"{other.cpu / one.cpu:.2f} × of the processors")  # fmt: skip


#: What the same act costs others among 100,000 samples, as a multiple of an empty page of Flask measured in one run
#: with them: SampleDB 0.33, FreezeMan 5.7. Ratios, for their milliseconds were another day's.
PEERS = {"scan": (2466.0, 100.0)}


def _peers(name: str, ratio: float) -> str:
    """How many times as much it costs them."""
    if name not in PEERS:
        return ""
    return " / ".join(f"{peer / ratio:.0f}" for peer in PEERS[name])


def _measure(
    size: int, postgres: str | None, clients: int, rounds: int, seconds: float
) -> list[measuring.Figures]:
    with tempfile.TemporaryDirectory(prefix="biobank-bench-") as folder, _scratch(postgres, folder) as uri:
        token = _filled(uri, size)
        order = list(range(1, size + 1))
        random.Random(size).shuffle(order)  # noqa: S311  scans come in no order
        with measuring.served(uri, Path(folder)) as server:
            api = {"Authorization": f"Bearer {token}"}
            page = {"Cookie": measuring.sign_in(server.port, "bench", PASSWORD), "Accept": "text/html"}

            def code(number: int) -> str:
                return stock.code_of(order[number % size])

            return measuring.compare(
                server,
                [
                    measuring.Ask("empty page", lambda _number: "/healthz"),
                    measuring.Ask("scan", lambda number: f"/api/v1/scan?raw={code(number)}", api),
                    measuring.Ask("scan, piece", lambda number: f"/scan?raw={code(number)}", page | {"X-Partial": "1"}),
                    measuring.Ask("its page", lambda number: f"/samples/{code(number)}", page),
                ],
                clients=clients, rounds=rounds, seconds=seconds,
            )  # fmt: skip


@bench.command("rack")
@click.option("--samples", "size", type=int, default=100_000, show_default=True, help="Size of the stock.")
@click.option(
    "--postgres", help="URL of an empty server to make scratch databases on; SQLite files without it."
)
@click.option("--rounds", default=15, show_default=True)
def rack(size: int, postgres: str | None, rounds: int) -> None:
    """A rack of 96 tubes, all of them moved: its difference and its application, beside the bare writes in them."""
    click.echo(f"{'PostgreSQL' if postgres else 'SQLite'}, {size} samples, {rounds} rounds, load of the machine "
               f"{os.getloadavg()[0]:.1f}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="biobank-bench-") as folder, _scratch(postgres, folder) as uri:
        token = _filled(uri, size)
        with measuring.served(uri, Path(folder)) as server:
            found = racking.measure(server.port, uri, token, rounds)
    click.echo(f"{'what':<14} {'p50 ms':>8} {'× bare writes':>14}")
    for name, took in (("bare writes", found.floor), ("difference", found.difference),
                       ("application", found.application)):  # fmt: skip
        click.echo(f"{name:<14} {took:>8.1f} {took / found.floor:>14.2f}")
    ours = (found.difference + found.application) / found.floor
    for name, theirs in racking.PEERS.items():
        click.echo(f"both together cost {name} {theirs / ours:.0f} times as much, over the same bare writes")


@bench.command("capacity")
@click.option("--samples", "sizes", multiple=True, type=int, default=(100_000, 1_000_000), show_default=True,
              help="Size of the stock; may be given several times.")  # fmt: skip
@click.option(
    "--postgres", help="URL of an empty server to make scratch databases on; SQLite files without it."
)
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=2.0, show_default=True, help="Length of each measurement.")
def capacity(sizes: tuple[int, ...], postgres: str | None, rounds: int, seconds: float) -> None:
    """How full every freezer is and when it will be, by the API and as a page, beside the same server's empty page."""
    click.echo(f"{'PostgreSQL' if postgres else 'SQLite'}, {rounds} rounds of {seconds} s, load of the machine "
               f"{os.getloadavg()[0]:.1f}")  # fmt: skip
    click.echo(f"{'samples':>10}  {'what':<12} {'p50 ms':>8} {'p99 ms':>8} {'× empty':>8}")
    found: list[list[measuring.Figures]] = []
    for size in sorted(sizes):
        with (
            tempfile.TemporaryDirectory(prefix="biobank-bench-") as folder,
            _scratch(postgres, folder) as uri,
        ):
            api = {"Authorization": f"Bearer {_filled(uri, size)}"}
            with measuring.served(uri, Path(folder)) as server:
                page = {"Cookie": measuring.sign_in(server.port, "bench", PASSWORD), "Accept": "text/html"}
                asked = [
                    measuring.Ask("empty page", lambda _number: "/healthz"),
                    measuring.Ask("report", lambda _number: "/api/v1/containers/capacity", api),
                    measuring.Ask("its page", lambda _number: "/containers", page),
                ]
                found.append(measuring.compare(server, asked, clients=1, rounds=rounds, seconds=seconds))
        for figures in found[-1]:
            ratio = figures.p50 / found[-1][0].p50
            click.echo(
                f"{size:>10}  {figures.name:<12} {figures.p50:>8.2f} {figures.p99:>8.2f} {ratio:>8.2f}"
            )
    for one, other in zip(found[0][1:], found[-1][1:], strict=True) if len(found) > 1 else ():
        click.echo(
            f"{one.name} among {max(sizes)} costs {other.p50 / one.p50:.2f} × what it costs among {min(sizes)}"
        )


@bench.command("rack-photo")
@click.argument("folder", default=str(PHOTOS), type=click.Path(exists=True, file_okay=False, path_type=Path))
def rack_photo(folder: Path) -> None:
    """Racks and pucks read from the pictures in FOLDER, beside one plain call of the decoder on the same pictures."""
    click.echo(f"{'picture':<36} {'places':<9} {'found / expected':>16} {'bare':>5} {'empty':>6} {'unread':>7} "
               f"{'s':>6} {'bare s':>7}")  # fmt: skip
    read = []
    for photo in photos.photos(folder):
        read.append(photo)
        found = f"{len(photo.found)} / {len(photo.expected)}"
        click.echo(f"{photo.name:<36} {photo.shape:<9} {found:>16} {photo.bare:>5} {photo.empty:>6} {photo.unread:>7} "
                   f"{photo.seconds:>6.2f} {photo.bare_seconds:>7.2f}")  # fmt: skip
        if photo.lost:
            click.echo(f"  expected and not found: {', '.join(sorted(photo.lost))}")
    click.echo(f"{len(read)} pictures: {sum(len(photo.found) for photo in read)} wells found, "
               f"{sum(len(photo.expected) for photo in read)} expected, "
               f"{sum(photo.bare for photo in read)} by the bare decoder; "
               f"{sum(len(photo.lost) for photo in read)} expected and not found; "
               f"load of the machine {os.getloadavg()[0]:.1f}")  # fmt: skip


@bench.command("labels")
@click.option("--count", default=500, show_default=True, help="Labels of each measurement.")
@click.option("--rounds", default=5, show_default=True)
def labels(count: int, rounds: int) -> None:
    """Labels in each form, read back or not, beside the bare work of the libraries that they contain."""
    click.echo(f"{count} labels, {rounds} rounds, load of the machine {os.getloadavg()[0]:.1f}")
    click.echo(f"{'what':<32} {'per second':>10} {'libraries':>10} {'× bare':>7}")
    for figure in labelling.measure(count, rounds):
        bare = f"{figure.bare_per_second:>10.0f} {figure.ratio:>7.2f}" if figure.bare_per_second else ""
        click.echo(f"{figure.what:<32} {figure.per_second:>10.0f} {bare}".rstrip())
    few, many = labelling.streamed(200), labelling.streamed(2000)
    click.echo(
        f"a PDF of 200 labels takes {few / 1e6:.2f} MB of memory at most, one of 2,000 {many / few:.2f} × that"
    )


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
    """Migrate and fill a scratch database, by commands of their own. returns the token of somebody who works there"""
    measuring.command(uri, "db", "upgrade")
    return measuring.command(uri, "bench", "fill", str(size)).splitlines()[-1]


@bench.command("fill")
@click.argument("samples", type=click.IntRange(1, 10**8))
def fill(samples: int) -> None:
    """Fill an empty scratch bank with that many samples, and print the token of somebody who works there."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"filling {samples}", total=samples)
        stock.fill(samples, lambda done: progress.update(task, completed=done))
    token = unit_of_work(_worker)
    _analyse()
    click.echo(token)


def _worker() -> str:
    site = access.site_for("BENCH", BENCH)
    user = access.make_user(name="bench", roles=["manager"], site=site, password=PASSWORD, by=BENCH)
    return access.make_token(user=user, name="bench", by=BENCH)


def _analyse() -> None:
    """Let the database know how large its tables are, as its own housekeeping would by and by."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


commands = [bench]
