"""A bank with label printers. Nothing is sent to them unless a test asks for it."""

import pytest

from biobank.access.models import Station
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.printing import sending
from tests import people
from tests.conftest import close, make_app

BENCH, DESK = "J90000012", "J90000023"
#: How long a printer is waited for, in seconds: all of them are on this machine.
SECONDS = 0.3


@pytest.fixture(autouse=True)
def nothing_is_sent_unasked(monkeypatch):
    monkeypatch.setattr(sending, "nudge", lambda: None)


@pytest.fixture
def bank(database_uri):
    """`bank(printer)`: an app whose bench has that printer, called labeller; `other` is that of the desk."""
    opened = []

    def open_(printer, other=None, **told):
        settings = {"labeller": at(printer, **told)} | ({"other": at(other, **told)} if other else {})
        app = make_app(database_uri, printers=settings)
        context = app.app_context()
        context.push()
        opened.append((app, context))
        station(BENCH, "labeller")
        station(DESK, "other")
        return app

    yield open_
    for app, context in reversed(opened):
        db.session.remove()
        context.pop()
        close(app)


def at(printer, **told):
    """The setting of a printer of the tests."""
    return {
        "host": "127.0.0.1", "port": printer.port, "counts": printer.counts, "seconds": SECONDS, **told
    }  # fmt: skip


def station(code, printer):
    site_id = people.site().id
    row = Station(site_id=site_id, code=code, name=code, printer=printer, recorded_at=clock.now())
    unit_of_work(lambda: db.session.add(row))
