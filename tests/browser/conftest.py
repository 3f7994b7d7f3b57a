"""One bank for all browser tests, with somebody of each role at a desk. On SQLite: a browser sees no other database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from biobank.access import service
from biobank.access.models import User
from biobank.core.db import unit_of_work
from tests import people
from tests.browser.hands import sign_in
from tests.conftest import close, make_app, migrate, new_database, served
from tests.test_journey import ROLES, Bank, ok

PASSWORD = "a long walk to the freezer"
#: Chromium says so of every answer that is not 200; that a refusal is one is what we want.
REFUSAL = "Failed to load resource: the server responded with a status of 4"
#: And of every try without a line, which only a test that takes it away makes.
AWAY = "Failed to load resource: net::ERR_INTERNET_DISCONNECTED"

#: How long a page may take on a busy machine.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)

#: English, and no colours under way from one to another.
USUAL = {"locale": "en-GB", "reduced_motion": "reduce"}

Desk = Callable[..., Page]


@pytest.fixture(scope="session")
def app() -> Iterator[Flask]:
    with new_database("sqlite") as uri:
        migrate(uri)
        app = make_app(uri.render_as_string(hide_password=False))
        yield app
        close(app)


@pytest.fixture(scope="session")
def live_server(app: Flask) -> Iterator[str]:
    """Its address, such as http://127.0.0.1:40001."""
    with served(app) as address:
        yield address


@pytest.fixture(scope="session")
def bank(app: Flask) -> Bank:
    """The bank of the journey, whose people are named after their roles and have a password for the pages."""
    bank = Bank(app)
    with app.app_context():
        for role in ROLES:
            bank.people[role] = people.Api(app, token_of(people.user(role, name=role, password=PASSWORD)))
        people.user("administrator", site_code=None, name="administrator", password=PASSWORD)
    return bank


def token_of(somebody: User) -> str:
    return unit_of_work(lambda: service.make_token(user=somebody, name="tests", by=people.TESTS))


def new_box(bank: Bank) -> str:
    """A box that no other test puts anything into."""
    code: str = ok(bank.manager.post("/containers", {"kind": "tube_box_9x9", "name": "Box of the browser"}))[
        "code"
    ]
    return code


@pytest.fixture(scope="session")
def sessions() -> dict[str, Any]:
    """Cookies of those who have signed in, so that each signs in once."""
    return {}


def listen(page: Page, complaints: list[str]) -> None:
    """Note what the page's console says."""

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith((REFUSAL, AWAY)):
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))


@pytest.fixture
def open_page(bank: Bank, live_server: str, new_context: Any) -> Iterator[Callable[..., Page]]:
    """A page of a fresh browser. At the end, nothing may stand in its console: no error, no broken policy."""
    complaints: list[str] = []

    def fresh(**options: Any) -> Page:
        page: Page = new_context(**USUAL | {"base_url": live_server} | options).new_page()
        page.set_default_timeout(PATIENCE_MS)
        listen(page, complaints)
        return page

    yield fresh
    assert complaints == []


@pytest.fixture
def desk(
    open_page: Callable[..., Page], live_server: str, sessions: dict[str, Any], browser: Browser
) -> Desk:
    """`desk("technician")` is a page of the technician, signed in."""

    def sit_down(role: str, **options: Any) -> Page:
        if role not in sessions:
            page = browser.new_page()
            sign_in(page, live_server, role, PASSWORD)
            sessions[role] = page.context.storage_state()
            page.close()
        return open_page(storage_state=sessions[role], **options)

    return sit_down
