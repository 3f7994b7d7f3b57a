"""The API of the scan station: what a page does with a scan, a program can do as well."""

import uuid
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.bench import work
from biobank.bench.api_parts import bp
from biobank.bench.models import WorkSession, WorkStep
from biobank.bench.schemas import StationScanSchema
from biobank.samples.schemas import read_when
from biobank.web import sentences
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer


@bp.get("/station")
@requires(Permission.SCAN)
def station() -> ResponseReturnValue:
    """The session that is open, with what is being built; `session` is null where nothing is going on."""
    session = work.current(actor())
    return jsonify({"session": _session(session) if session is not None else None})


@bp.post("/station/scans")
@requires(Permission.SCAN)
@bp.arguments(StationScanSchema)
def station_scan(data: dict[str, Any]) -> ResponseReturnValue:
    """One scan. The same `key` again gets the same answer; `position` is where it must go, as the screen showed."""

    def heed() -> dict[str, Any]:
        at = read_when(data["scanned_at"], "scanned_at")
        heeded = work.heed(
            raw=data["raw"], key=data["key"] or str(uuid.uuid4()), session_key=data["session"],
            position=data["position"], scanned_at=at.at if at else None, how=data["how"], by=actor(),
        )  # fmt: skip
        session = heeded.session
        return {
            "session": _session(session) if session is not None and session.closed_at is None else None,
            "said": _step(heeded.step) if heeded.step is not None else None,
            "card": heeded.card,
        }

    return api_answer(heed, 200)


@bp.post("/station/sessions/<key>/undo")
@requires(Permission.SCAN)
def station_undo(key: str) -> ResponseReturnValue:
    """Take back everything that a session did, or nothing."""

    def undo() -> dict[str, Any]:
        return {"undone": work.undo_all(session=work.find(key, actor()), by=actor())}

    return api_answer(undo, 200)


def _session(session: WorkSession) -> dict[str, Any]:
    return {
        "key": session.key,
        "task": session.task,
        "sentence": sentences.of_reason(work.sentence(session)),
        "free": session.state.get("free", []),
        "refused": [_step(step) for step in work.refusals(session)],
    }


def _step(step: WorkStep) -> dict[str, Any]:
    return {
        "key": step.key,
        "raw": step.raw,
        "how": step.how,
        "outcome": step.outcome,
        "code": step.told["code"],
        "text": sentences.sentence(step.told["code"], step.told["params"]),
        "tone": step.told["tone"],
    }
