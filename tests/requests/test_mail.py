"""Letters to researchers: handed to a mail server that answers, kept while there is none."""

import socket
import threading
from contextlib import contextmanager, suppress
from email import message_from_string
from email.policy import default

import pytest
from sqlalchemy import select

from biobank.core import clock, outbox
from biobank.core.db import db
from biobank.core.outbox import OutboxItem
from biobank.requests import mail
from biobank.requests import service as requests
from tests.conftest import close, make_app
from tests.requests import world as worlds


class MailServer:
    """As much of SMTP as it takes to receive a letter; `answer` is what it says to the letter itself."""

    def __init__(self, answer="250 kept"):
        self.answer, self.letters = answer, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                self._talk(stream)

    def _talk(self, stream):
        def say(text):
            stream.write(text.encode() + b"\r\n")
            stream.flush()

        say("220 hello")
        for line in stream:
            word = line.decode().split()[0].upper()
            if word == "DATA":
                say("354 go on")
                lines = list(iter(lambda: stream.readline().decode(), ".\r\n"))
                self.letters.append(message_from_string("".join(lines), policy=default))
                say(self.answer)
            else:
                say("221 bye" if word == "QUIT" else "250 ok")
            if word == "QUIT":
                return

    def close(self):
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # or it would still answer once
        self.socket.close()
        self.thread.join(10)


@pytest.fixture
def server():
    server = MailServer()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _handlers(monkeypatch):
    """Who carries out letters is known to the whole process; each test says it for itself."""
    monkeypatch.setattr(outbox, "_handlers", {})


@contextmanager
def bank(database_uri, **settings):
    """An app with these settings, its context open."""
    app = make_app(database_uri, **settings)
    try:
        with app.app_context():
            yield app
    finally:
        close(app)


def approved_request(language=None):
    world = worlds.make_world()
    world.researcher = worlds.person("researcher", email="ada@example.org", language=language)
    return world, world.approved(world.tube(), title="Plasma, protéines")


def items():
    db.session.rollback()
    return list(db.session.scalars(select(OutboxItem)))


def test_a_letter_reaches_the_researcher(database_uri, server):
    with bank(database_uri, smtp_host="127.0.0.1", smtp_port=server.port, mail_from="bank@example.org"):
        _world, code = approved_request()

        assert outbox.run_due() == (1, 0)

        (letter,) = server.letters
        assert (letter["To"], letter["From"]) == ("ada@example.org", "bank@example.org")
        assert code in letter["Subject"]
        assert "Plasma, protéines" in letter.get_content()
        assert "was approved" in letter.get_content()
        assert letter["Message-ID"] == f"<{items()[0].payload['id']}@biobank>"
        assert outbox.run_due() == (0, 0)


def test_a_refusal_tells_why(database_uri, server):
    with bank(database_uri, smtp_host="127.0.0.1", smtp_port=server.port):
        world, _code = approved_request()
        refused = world.submitted(world.tube())
        world.act(requests.refuse, refused, world.manager, reason="Too little is left.")
        outbox.run_due()
        assert "Too little is left." in server.letters[-1].get_content()


def test_without_a_mail_server_letters_wait_untried(database_uri):
    with bank(database_uri):
        approved_request()

        assert outbox.run_due() == (0, 0)

        (item,) = items()
        assert (item.done_at, item.tries, item.error) == (None, 0, None)
        assert item.due_at <= clock.now()


def test_a_server_that_is_away_is_tried_again_later(database_uri, server):
    server.close()
    with bank(database_uri, smtp_host="127.0.0.1", smtp_port=server.port):
        approved_request()

        assert outbox.run_due() == (0, 1)

        (item,) = items()
        assert item.done_at is None
        assert item.due_at > clock.now()
        assert "refused" in item.error.lower()


def test_a_server_that_does_not_take_it_is_tried_again_later(database_uri):
    server = MailServer(answer="451 not now")
    with bank(database_uri, smtp_host="127.0.0.1", smtp_port=server.port):
        approved_request()
        assert outbox.run_due() == (0, 1)
        assert items()[0].done_at is None
    server.close()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_no_title_writes_a_header_of_its_own(app_context):
    payload = {
        "id": "1", "to": "ada@example.org", "language": "en", "message": "request_approved",
        "params": {"request": "R1", "title": "A\nBcc: eve@example.org", "reason": ""},
    }  # fmt: skip
    letter = mail.letter(payload, app_context.config["BIOBANK"])
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Biobank: your request R1"
