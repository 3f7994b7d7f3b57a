"""The WSGI app, and `python app.py`, which serves it.

With no database configured it makes one of its own under instance/, fills it with the demonstration bank on the first
start, and prints the lines to sign in with.
"""

import fcntl
import gc
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from biobank.core.db import db
from biobank.core.settings import SettingsError
from biobank.factory import create_app
from biobank.printing import sending
from biobank.web.operations import not_ready

try:
    app = create_app()
except SettingsError as error:
    sys.exit(f"biobank: {error}")

# All that the start made stays: the collector need not look through it again and again, nor as often as Python's own
# default, made for small programs, would have it (a check of 10,000 samples spent half its time there).
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)


def prepare(app: Flask) -> None:
    """Make our own database ready; of a configured one, only say what it lacks."""
    with app.app_context():
        if app.config["BIOBANK"]["database_uri"]:
            if problem := not_ready():
                say(f"Not ready: {problem}")
        else:
            with one_at_a_time(Path(app.instance_path) / "start.lock"):
                if not_ready():
                    upgrade()
                fill_demonstration()
        db.session.remove()
        db.engine.dispose()  # the processes that serve open connections of their own


def fill_demonstration() -> None:
    """Fill an empty bank, and say how to sign in."""
    if find_spec("biobank.demo.service") is None:
        return
    demo = import_module("biobank.demo.service")
    for line in demo.load():
        say(line)


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Two starts at once: the second waits, and finds all done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def serve(app: Flask) -> None:
    """Serve until told to stop (SIGTERM, Ctrl-C)."""
    from granian import Granian
    from granian.constants import Interfaces

    settings = app.config["BIOBANK"]
    require_free(settings["host"], settings["port"])
    if settings["workers"] > 1:  # so that /metrics can add up the figures of all processes
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="biobank-metrics-"))
    say(f"{settings['bank_name']}: http://{settings['host']}:{settings['port']}")
    Granian(
        "app:app",
        address=settings["host"],
        port=settings["port"],
        interface=Interfaces.WSGI,
        workers=settings["workers"],
        blocking_threads=settings["threads"],
        working_dir=Path(__file__).resolve().parent,
        websockets=False,
        log_level="warning",  # type: ignore[arg-type]
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve(target_loader=serving)


def serving(_target: str) -> Flask:
    """The app in a process that serves it: from its start on it sends the labels that wait."""
    served: Flask = import_module("app").app
    sending.keep(served)
    return served


def require_free(host: str, port: int) -> None:
    """Stop with a sentence where somebody listens already, or where nobody may."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        sys.exit(
            f"biobank: cannot listen on {host}:{port}: {error.strerror}; BIOBANK_PORT names another port"
        )


def say(line: str) -> None:
    """To the terminal at once, whoever reads it."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    prepare(app)
    serve(app)
