"""The same demand sent twice is carried out once: a double scan, or an answer lost on the way, makes no second sample.

The answer is stored in the unit of work of the act itself, so that both stand or fall together.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Response, current_app, make_response, request
from sqlalchemy import delete, select
from werkzeug.datastructures import FileStorage

from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, Reason
from biobank.web.asking import actor
from biobank.web.models import IdempotencyKey

MAX_KEY = 200
KEPT = timedelta(days=7)


def api_answer(work: Callable[[], Any], status: int = 201) -> Response:
    """Carry out an act of the API in one unit of work, and answer with what `work` returns (plain JSON).

    With an `Idempotency-Key` header, the same body gets the first answer again.
    raises  Malformed when the key was used with another body
    """
    key = request.headers.get("Idempotency-Key")
    stored = carry_out(lambda: _json(work()), key=key, body=_demand(), status=status)
    response = make_response(stored, status)
    response.content_type = "application/json"
    return response


def page_answer(work: Callable[[], str]) -> str:
    """Carry out an act of a page in one unit of work. `work` returns the address to go to next.

    Forms carry their key in the field `idempotency_key`.
    """
    return carry_out(work, key=request.form.get("idempotency_key") or None, body=_demand(), status=303)


def _demand() -> bytes:
    """All that was asked: query, body, or the fields and files of a form (whose raw body differs at every sending)."""
    if request.mimetype not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return request.query_string + b"\n" + request.get_data(cache=True)
    fields = sorted((name, value) for name, value in request.form.items(multi=True) if name != "csrf_token")
    files = sorted((name, file.filename, _digest(file)) for name, file in request.files.items(multi=True))
    return json.dumps([request.query_string.decode(errors="replace"), fields, files]).encode()


def _digest(file: FileStorage) -> str:
    digest = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]
    file.stream.seek(0)
    return digest


def carry_out(work: Callable[[], str], *, key: str | None, body: bytes, status: int) -> str:
    """Run `work` in a unit of work, once per key. returns its answer, or the stored one"""
    by = actor()
    if key is None:
        return unit_of_work(work)
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise Malformed({"Idempotency-Key": Reason("idempotency_key_long")})
    route = f"{request.method} {request.path}"[:200]
    return unit_of_work(lambda: _once(work, by, route, key, _veiled(body), status))


def _veiled(body: bytes) -> str:
    """The body as it may be kept: by our own key, so that nobody who has the rows alone can try out what was said."""
    return hmac.new(str(current_app.secret_key).encode(), body, hashlib.sha256).hexdigest()


def _once(work: Callable[[], str], by: Actor, route: str, key: str, body_hash: str, status: int) -> str:
    """The row is written first: of two callers with one key, the second waits for it, and then finds the answer."""
    credential = by.credential or by.key
    query = select(IdempotencyKey).where(
        IdempotencyKey.credential == credential, IdempotencyKey.route == route, IdempotencyKey.key == key
    )
    found = db.session.scalar(query)
    if found is not None:
        if found.body_hash != body_hash:
            raise Malformed({"Idempotency-Key": Reason("idempotency_body", {"key": key[:40]})})
        return found.answer
    row = IdempotencyKey(
        credential=credential,
        route=route,
        key=key,
        body_hash=body_hash,
        status=status,
        answer="",
        made_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    row.answer = work()
    return row.answer


def forget_old() -> int:
    """Drop keys older than a week; a nightly job's work. returns how many"""
    result = db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.made_at < clock.now() - KEPT))
    return int(result.rowcount)  # type: ignore[attr-defined]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
