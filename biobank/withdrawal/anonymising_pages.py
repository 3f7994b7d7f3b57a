"""The pages on which the link to a person is broken: one person asks, looks at what names them; another one agrees."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.patients.asking import asked_patient
from biobank.web import pages, sentences
from biobank.web.asking import actor
from biobank.withdrawal import anonymising, traces
from biobank.withdrawal.blueprints import pages_bp as bp
from biobank.withdrawal.models import Anonymisation
from biobank.withdrawal.naming import MARK

REASON = 2000


@bp.get("/anonymisations")
@requires(Permission.PATIENT_ANONYMISE)
def anonymisations() -> ResponseReturnValue:
    """What waits for a second person."""
    waiting = anonymising.list_open(actor())
    return pages.render(
        "withdrawal/anonymisations.html", waiting=waiting, names=_names([each for each, _patient in waiting])
    )


@bp.get("/patients/<path:code>/anonymisations/new")
@requires(Permission.PATIENT_ANONYMISE)
def new_anonymisation(code: str) -> ResponseReturnValue:
    """What breaking the link means, and why it is wanted."""
    return _asking(code)


@bp.post("/patients/<path:code>/anonymisations")
@requires(Permission.PATIENT_ANONYMISE)
def ask(code: str) -> ResponseReturnValue:
    """The first person asks; nothing is erased."""

    def work() -> str:
        reason = request.form.get("reason", "")[:REASON]
        asked = anonymising.ask(patient=asked_patient(code), reason=reason, by=actor())
        return url_for("withdrawal.anonymisation", key=asked.id)

    return pages.submit(work, again=lambda problems, sentence: _asking(code, problems, sentence))


@bp.get("/anonymisations/<int:key>")
@requires(Permission.PATIENT_ANONYMISE)
def anonymisation(key: int) -> ResponseReturnValue:
    """Everything that names the person, and what becomes of it."""
    return _looking(key)


@bp.post("/anonymisations/<int:key>/agree")
@requires(Permission.PATIENT_ANONYMISE)
def agree(key: int) -> ResponseReturnValue:
    """The second person agrees: the link is broken for good."""

    def work() -> str:
        found, _patient = anonymising.find(key, actor())
        anonymising.agree(
            anonymisation=found,
            code=request.form.get("code", ""),
            looked_at=request.form.get("looked_at", ""),
            erase=request.form.getlist("erase"),
            by=actor(),
        )
        return url_for("withdrawal.anonymisation", key=key)

    return pages.submit(work, again=lambda problems, sentence: _looking(key, problems, sentence))


@bp.post("/anonymisations/<int:key>/cancel")
@requires(Permission.PATIENT_ANONYMISE)
def cancel(key: int) -> ResponseReturnValue:
    """The link stays as it is."""

    def work() -> str:
        found, _patient = anonymising.find(key, actor())
        anonymising.cancel(anonymisation=found, reason=request.form.get("reason", "")[:REASON], by=actor())
        return url_for("withdrawal.anonymisation", key=key)

    return pages.submit(work, again=lambda problems, sentence: _looking(key, problems, sentence))


def _asking(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    patient = asked_patient(code)
    return pages.render(
        "withdrawal/new_anonymisation.html",
        patient=patient,
        withdrawn=anonymising.withdrawal_in_force(patient),
        open=anonymising.open_of(patient),
        typed=request.form,
        problems=problems or {},
        sentence=sentence,
        most=REASON,
        at_site={"site": request.args["site"]} if request.args.get("site") else {},
    )


def _looking(key: int, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    found, patient = anonymising.find(key, actor())
    is_open = found.agreed_at is None and found.cancelled_at is None
    present = traces.find_traces(patient) if is_open else []
    return pages.render(
        "withdrawal/anonymisation.html",
        asked=found,
        patient=patient,
        is_open=is_open,
        own=found.asked_by == actor().key,
        withdrawn=anonymising.withdrawal_in_force(patient),
        rows=[_row(trace) for trace in present],
        looked_at=traces.seen(present),
        names=_names([found]),
        at_site={"site": access.site_code(patient.site_id)} if actor().site_id is None else {},
        mark=MARK,
        typed=request.form,
        chosen=request.form.getlist("erase") if request.form.get("looked_at") else None,
        problems=problems or {},
        sentence=sentence,
        most=REASON,
    )


def _row(trace: traces.Trace) -> dict[str, Any]:
    return {
        "key": trace.key,
        "fate": trace.fate,
        "certain": trace.certain,
        "excerpt": trace.excerpt,
        "count": len(trace.rows),
        "place": sentences.word("place", trace.place),
        "belongs": [_belonging(one) for one in trace.belongs],
    }


def _belonging(owner: traces.Belongs) -> dict[str, Any]:
    """What a text belongs to, and its page where it has one. A person's random key is not shown."""
    pages_of = {"sample": "bench.sample", "container": "storage.container", "request": "requests.show"}
    endpoint = pages_of.get(owner.kind)
    return {
        "kind": sentences.word("belongs", owner.kind),
        "code": "" if owner.kind in ("patient", "user", "user_account") else owner.code,
        "href": url_for(endpoint, code=owner.code) if endpoint else None,
    }


def _names(asked: list[Anonymisation]) -> dict[str, str]:
    keys = {key for each in asked for key in (each.asked_by, each.agreed_by, each.cancelled_by) if key}
    return access.names_of(keys)
