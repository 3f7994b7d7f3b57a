"""The scan station: one field for every scan, the sentence that is being built, and what came of it."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.bench import awaited, commands, service, work
from biobank.bench.drawing import card_parts
from biobank.bench.kept import WAYS
from biobank.bench.models import WorkSession, WorkStep
from biobank.bench.page_parts import bp
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import unit_of_work
from biobank.core.errors import BiobankError, Malformed, NotSignedIn, Reason, RuleViolation
from biobank.patients import service as patients
from biobank.printing import jobs
from biobank.printing.page_parts import printer_here
from biobank.procedures import kits
from biobank.procedures.models import CollectionKit
from biobank.quality import service as quality
from biobank.samples.reading import find_samples
from biobank.storage import rules
from biobank.storage import service as storage
from biobank.web import errors, pages, sentences
from biobank.web.asking import actor
from biobank.web.uploads import takes_file, uploaded

#: The verbs that have a button, for who left the cards in the drawer: verb -> icon.
BUTTONS = {
    "store": "pin", "take_out": "up", "thaw": "drop", "put_back": "freezer", "aliquot": "branch", "start": "wait",
    "stop": "check", "move_rack": "move", "non_conformity": "flag", "discard": "trash",
}  # fmt: skip
#: Keys that no scanner sends and no browser needs here: one for each of the first reasons.
KEYS = ("F2", "F4", "F6", "F7", "F8", "F9", "F10")


@bp.get("/station")
@requires(Permission.SCAN)
def station() -> ResponseReturnValue:
    """The station, with what is going on at it."""
    return _station()


@bp.post("/station/scans")
@requires(Permission.SCAN)
def station_scan() -> ResponseReturnValue:
    """One scan, or a button that stands for one. The same key sent twice is one scan.

    What waited in the browser of somebody who is not signed in now is not carried out in another's name: it goes on
    waiting.
    """
    raw, key = request.form.get("raw", ""), request.form.get("key") or str(uuid.uuid4())
    by = actor()

    def heed() -> tuple[str | None, bool]:
        heeded = work.heed(
            raw=raw, key=key, by=by, session_key=request.form.get("session") or None,
            position=request.form.get("position") or None, scanned_at=_instant(request.form.get("scanned_at")),
            how=request.form.get("how") if request.form.get("how") in WAYS else None,
        )  # fmt: skip
        return (heeded.step.told["code"] if heeded.step else None), heeded.card

    try:
        if request.form.get("queue", _queue(by)) != _queue(by):
            raise NotSignedIn("scan_of_another")
        _said, card = unit_of_work(heed)
    except BiobankError as refusal:
        status = next(errors.STATUS[kind] for kind in type(refusal).__mro__ if kind in errors.STATUS)
        return _station(status=status.value, refusal=refusal, raw=raw)
    if card:
        return _station(raw=raw, card=True)
    return _station() if pages.is_partial() else redirect(url_for("bench.station"), code=303)


@bp.post("/station/rack")
@requires(Permission.SAMPLE_PROCESS)
@takes_file
def station_rack() -> ResponseReturnValue:
    """The empty tubes that wait for their share, as a rack reader saw them: in the order of the rack."""

    def read() -> str:
        by = actor()
        session = work.current(by)
        if session is None:
            raise RuleViolation("session_closed")
        content = uploaded()
        if content is None:
            raise Malformed({"file": Reason("rack_file_missing")})
        work.add_rack(session=session, content=content, file_name=request.files["file"].filename or "", by=by)
        return url_for("bench.station")

    return pages.submit(read)


@bp.post("/station/sessions/<key>/close")
@requires(Permission.SCAN)
def station_close(key: str) -> ResponseReturnValue:
    """End a session; what it reserved is free again."""

    def finish() -> str:
        work.close(session=work.find(key, actor()), by=actor())
        return url_for("bench.station")

    return pages.submit(finish)


@bp.get("/station/sessions")
@requires(Permission.SCAN)
def station_sessions() -> ResponseReturnValue:
    """One's own last sessions: what each did."""
    sessions = work.recent(actor())
    return pages.render("bench/sessions.html", sessions=sessions, closed_hours=work.UNDO_HOURS)


@bp.get("/station/sessions/<key>")
@requires(Permission.SCAN)
def station_session(key: str) -> ResponseReturnValue:
    """Every scan of one session, and the button that takes all of it back."""
    session = work.find(key, actor())
    return pages.render("bench/session.html", session=session, steps=work.steps_of(session), say=_say)


@bp.post("/station/sessions/<key>/undo")
@requires(Permission.SCAN)
def station_undo(key: str) -> ResponseReturnValue:
    """Take back everything a session did, or nothing."""

    def undo() -> str:
        work.undo_all(session=work.find(key, actor()), by=actor())
        return url_for("bench.station_session", key=key)

    def again(_fields: dict[str, str], sentence: str) -> Response:
        session = work.find(key, actor())
        return pages.render(
            "bench/session.html", session=session, steps=work.steps_of(session), say=_say, sentence=sentence
        )

    return pages.submit(undo, again=again)


def _queue(by: Actor) -> str:
    """What the browser calls the scans of this person."""
    return by.key[:12]


def _instant(text: str | None) -> datetime | None:
    """When a scan was made that had to wait. raises Malformed"""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Malformed({"scanned_at": Reason("time_unreadable", {"value": text[:40]})})
    return min(at, clock.now())


def _station(
    *, status: int = 200, refusal: BiobankError | None = None, raw: str = "", card: bool = False
) -> Response:
    by = actor()
    session = work.current(by)
    shown = work.shown(session) if session is not None else None
    last = shown.steps[0] if shown and shown.steps and refusal is None and not card else None
    return pages.render(
        "bench/station.html",
        status=status,
        shown=shown,
        session=session,
        last=last,
        say=_say,
        told=_told(refusal) if refusal is not None else None,
        raw=raw,
        picture=_PICTURES[session.task](session) if session is not None else {},
        buttons=[(verb, commands.number_of(verb), icon) for verb, icon in BUTTONS.items()],
        confirm=commands.number_of("confirm"),
        cancel=commands.number_of("cancel"),
        undo=commands.number_of("undo"),
        finish=commands.number_of("finish"),
        close=commands.number_of("close"),
        reasons=_reasons(session),
        final=session is not None and session.state.get("verb") == "discard",
        discard_reasons=_discard_reasons(),
        card=card_parts(service.scan(raw, by)) if card else None,
        **(_labels(by) if session is not None and session.task in ("receive", "divide") else {}),
        queue=_queue(by),
        new_key=str(uuid.uuid4()),
        letters="".join(current_app.config["BIOBANK"]["codes"]["letters"]["container"]),
    )


def _labels(by: Actor) -> dict[str, Any]:
    """How the labels of what is being made come out: the printer of the station, or how many wait for the browser."""
    printer = printer_here(by) if by.may("label:print") else None
    waits = by.may("label:print") and printer is None
    return {"printer": printer, "labels_here": len(jobs.waiting_here(by)) if waits else 0}


def _told(refusal: BiobankError) -> dict[str, Any]:
    return {
        "code": refusal.code,
        "sentence": sentences.of_error(refusal),
        "reasons": [sentences.of_reason(reason) for reason in refusal.reasons],
    }


def _say(step: WorkStep) -> dict[str, Any]:
    """A step in words."""
    told = step.told
    reasons = (told.get("shown") or {}).get("reasons", [])
    return {
        "sentence": sentences.sentence(told["code"], told["params"]),
        "tone": told["tone"],
        "reasons": [sentences.of_reason(reason) for reason in reasons],
        "code": (told.get("shown") or {}).get("code"),
        "position": (told.get("shown") or {}).get("position"),
        "pointed_at": (told.get("shown") or {}).get("pointed_at"),
    }


def _reasons(session: WorkSession | None) -> list[dict[str, str | None]]:
    """What can be wrong with the tube that was scanned, at this stage of its life; the first of them with keys."""
    if session is None or session.task not in ("receive", "wrong"):
        return []
    stage = "arrival" if session.task == "receive" else session.state["stage"]
    return [
        {"key": key, "number": commands.number_of("non_conformity", reason=reason.code), "code": reason.code}
        for reason, key in zip_longest(quality.offered(stage), KEYS)
        if reason is not None
    ]


def _discard_reasons() -> list[tuple[str, str]]:
    groups = dict(commands.sheet())
    return [(commands.card_of(card), card.reason or "") for card in groups["reason"]]


# --- what each task draws


def _box(session: WorkSession) -> dict[str, Any]:
    by = actor()
    box = storage.find_container(session.state["box"], by)
    found = storage.what_is_in(box)
    cells = {
        position: {"state": "held" if occupant.held else "occupied", "code": occupant.code}
        for position, occupant in found.by_position.items()
    }
    for position, _code in session.state.get("placed", []):
        if position in cells:
            cells[position]["state"] = "new"
    grid = rules.grid(found.kind) if found.kind.positioned and not found.kind.numbered else None
    return {"box": box, "found": found, "cells": cells, "grid": grid, "free": session.state.get("free", [])}


def _kit(session: WorkSession) -> dict[str, Any]:
    state = session.state
    found: Sequence[CollectionKit] = ()
    if state["patient"] and not state["kit"] and not state.get("expected"):
        patient = patients.find_patient(state["patient"], actor(), session.site_id)
        found = awaited.kits_for(patient) or kits.list_kits(actor()).items
    return {"tubes": state["tubes"], "left": state["left"], "expected": state.get("expected", []),
            "kits": [kit for kit in found if kit.retired_at is None][:12]}  # fmt: skip


def _plan(session: WorkSession) -> dict[str, Any]:
    state = session.state
    parent = find_samples([state["parent"]], actor())[0] if state["parent"] else None
    return {"parent": parent, "state": state}


def _plain(session: WorkSession) -> dict[str, Any]:
    return {"state": session.state}


_PICTURES = {
    "fill": _box,
    "receive": _kit,
    "divide": _plan,
    "handle": _plain,
    "carry": _plain,
    "time": _plain,
    "wrong": _plain,
}
