"""Sends the letters that wait in the outbox, in the language of whoever they are for.

Without a mail server in the settings nobody carries them out: they stay in the outbox until there is one.
"""

import smtplib
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

from flask import current_app
from flask.blueprints import BlueprintSetupState

from biobank.core import outbox
from biobank.web import sentences
from biobank.web.i18n import speaking

#: A mail server that does not answer must not hold the database's writers up for long.
TIMEOUT_SECONDS = 10


def init(state: BlueprintSetupState) -> None:
    """Register with the outbox when the app starts, if there is a server to send by."""
    if state.app.config["BIOBANK"]["smtp_host"]:
        outbox.handler("mail", send)


def send(payload: Mapping[str, Any]) -> None:
    """Hand one letter to the mail server. raises OSError when it does not take it: it is tried again"""
    settings: dict[str, Any] = current_app.config["BIOBANK"]
    if not settings["smtp_host"]:
        raise OSError("no mail server is set (smtp_host)")
    with smtplib.SMTP(settings["smtp_host"], settings["smtp_port"], timeout=TIMEOUT_SECONDS) as server:
        server.send_message(letter(payload, settings))


def letter(payload: Mapping[str, Any], settings: Mapping[str, Any]) -> EmailMessage:
    """The letter itself. Its number stays the same when it is sent twice, so that a mail program shows it once."""
    params = dict(payload["params"])
    message = EmailMessage()
    with speaking(payload.get("language") or settings["languages"][0]):
        subject = sentences.sentence("mail_subject", {"bank": settings["bank_name"], **params})
        text = sentences.sentence(f"mail_{payload['message']}", params)
    message["From"] = settings["mail_from"]
    message["To"] = payload["to"]
    message["Subject"] = subject
    message["Message-ID"] = f"<{payload['id']}@biobank>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message
