"""The bench's pages: home, the answer to a scan, and the pages that show several features: a sample, a patient."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import func, select

from biobank.access.guard import requires, signed_in
from biobank.access.permissions import Permission
from biobank.bench import cards, paper_pages, sample_parts, scan_pages, service, story, work_pages
from biobank.bench.drawing import action, first_is_primary
from biobank.bench.page_parts import bp
from biobank.consent import reading as consents
from biobank.consent.scopes import Scope
from biobank.consent.words import describe_term
from biobank.core import clock, scans
from biobank.core.db import db
from biobank.core.errors import RuleViolation
from biobank.core.i18n import N_
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.patients.asking import asked_patient
from biobank.patients.models import Patient
from biobank.printing import checks
from biobank.requests.models import Request
from biobank.samples import numbers, reading, rules, uses
from biobank.samples.models import Sample
from biobank.samples.pages import type_options
from biobank.storage import destruction, places
from biobank.studies import service as studies
from biobank.web import pages, sentences, spoken
from biobank.web.asking import actor
from biobank.web.navigation import NavItem
from biobank.withdrawal import anonymising, reach

__all__ = ["NAVIGATION", "bp", "paper_pages", "scan_pages", "work_pages"]

#: Tubes whose label can still be verified.
IN_HAND = ("collected", "available")

NAVIGATION = [
    NavItem("bench.home", N_("Home"), "home", None, 0),
    NavItem("bench.station", N_("Station"), "scan", Permission.STORAGE_MOVE.value, 5),
    NavItem("bench.samples", N_("Samples"), "tube", Permission.SAMPLE_READ.value, 10, "bench"),
]


@bp.get("/")
@signed_in
def home() -> ResponseReturnValue:
    """One scan field that has the focus, and what is waiting."""
    by = actor()
    waiting = [
        figure
        for figure in (
            _waiting_requests("submitted", gettext("Requests to decide"), Permission.REQUEST_DECIDE),
            _waiting_requests("approved", gettext("Requests to pick"), Permission.REQUEST_FULFIL),
            _on_their_way(),
            _to_destroy(),
            _links_to_break(),
            _not_recognised(),
        )
        if figure
    ]
    return pages.render("bench/home.html", waiting=waiting, can_scan=by.may(Permission.SCAN.value))


def _waiting_requests(status: str, label: str, permission: Permission) -> dict[str, Any] | None:
    by = actor()
    if not by.may(permission.value):
        return None
    query = select(func.count()).select_from(Request).where(Request.status == status)
    if by.site_id is not None:
        query = query.where(Request.site_id == by.site_id)
    return {
        "label": label,
        "value": db.session.scalar(query),
        "href": url_for("requests.all_requests", status=status),
    }


def _on_their_way() -> dict[str, Any] | None:
    by = actor()
    if not by.may(Permission.SAMPLE_READ.value):
        return None
    query = select(func.count()).select_from(Sample).where(Sample.status == "collected")
    if by.site_id is not None:
        query = query.where(Sample.site_id == by.site_id)
    href = url_for("bench.samples", status="collected")
    return {"label": gettext("Tubes on their way"), "value": db.session.scalar(query), "href": href}


def _to_destroy() -> dict[str, Any] | None:
    by = actor()
    if not by.may(Permission.SAMPLE_DISCARD.value) or not (waiting := destruction.count_open(by)):
        return None
    return {"label": gettext("Tubes to destroy"), "value": waiting, "href": url_for("storage.destructions")}


def _links_to_break() -> dict[str, Any] | None:
    by = actor()
    if not by.may(Permission.PATIENT_ANONYMISE.value) or not (waiting := len(anonymising.list_open(by))):
        return None
    href = url_for("withdrawal.anonymisations")
    return {"label": gettext("Links to break"), "value": waiting, "href": href}


def _not_recognised() -> dict[str, Any] | None:
    by = actor()
    if not by.may(Permission.SCAN.value) or not (waiting := scans.count_open(by)):
        return None
    return {"label": gettext("Not recognised"), "value": waiting, "href": url_for("bench.odd_scans")}


@bp.get("/samples")
@requires(Permission.SAMPLE_READ)
def samples() -> ResponseReturnValue:
    """Samples, newest first: ?study=&type=&status="""
    by = actor()
    chosen = {name: request.args[name] for name in ("study", "type", "status") if request.args.get(name)}
    status = chosen.get("status")
    page = reading.list_samples(
        by,
        study_id=studies.find_study(chosen["study"], by).id if "study" in chosen else None,
        type=chosen.get("type"),
        status=status if status in set(rules.Status) else None,
        after=request.args.get("after"),
    )
    paths = places.where_is([sample.id for sample in page.items])
    return pages.render(
        "bench/samples.html",
        page=page,
        rows=[_row(sample, paths.get(sample.id, [])) for sample in page.items],
        unverified=checks.unverified(sample.id for sample in page.items if sample.status in IN_HAND),
        chosen=chosen,
        study_options=[(study.code, f"{study.code} – {study.title}") for study in studies.list_studies(by)],
        type_options=type_options(),
        status_options=[(name.value, sentences.word("status", name.value)) for name in rules.Status],
    )


def _row(sample: Sample, path: list[places.Step]) -> dict[str, Any]:
    return {"sample": sample, "amount": amount_text(sample), "place": place_text(path)}


def amount_text(sample: Any) -> str | None:
    """What is left, with its unit; None when nobody knows."""
    if sample.quantity_kind is None or sample.remaining is None:
        return None
    return spoken.quantity(sample.quantity_kind, sample.remaining)


def place_text(path: list[places.Step]) -> str | None:
    """The way there, in the words on the doors; None when it stands nowhere."""
    if not path:
        return None
    last = path[-1].position
    return " › ".join(step.name for step in path) + (f" {last}" if last else "")


@bp.get("/samples/<code>")
@requires(Permission.SAMPLE_READ)
def sample(code: str) -> ResponseReturnValue:
    """Everything about one sample: where, may it be used, what it comes from, its story."""
    by = actor()
    try:
        found = service.sample_of_code(code, by)
    except RuleViolation as refusal:
        if refusal.code != "code_replaced":
            raise
        return pages.render(
            "bench/replaced.html", status=409, **refusal.params, said=sentences.of_error(refusal)
        )
    path = places.where_is([found.id]).get(found.id, [])
    card = cards.card_of(found, path, by)
    trees, more = reading.lineage(found.id)
    beside = sample_parts.beside(found.id)
    entries = numbers.story(found, beside.numbers)
    return pages.render(
        "bench/sample.html",
        sample=found,
        card=card,
        items=first_is_primary([(act, action("sample", act, card)) for act in card["actions"]]),
        way=" › ".join(step.name for step in path),
        box=path[-1] if path else None,
        amount=amount_text(found),
        reserved=spoken.quantity(found.quantity_kind, found.reserved)
        if found.quantity_kind and found.reserved
        else None,
        collected=story.shown(When(found.happened_at, found.precision or "unknown")),
        treated=story.shown(When(found.treated_at, found.treated_precision or "unknown")),
        patients=sorted(beside.patients) if by.may("patient:read") else [],
        beside=beside,
        unverified=cards.is_to_verify(found),
        nodes=[_node(tree) for tree in trees],
        more=more,
        story=story.tell(
            entries, _pseudonyms(entries, beside), may_read_decisions=by.may(Permission.DECISION_READ.value)
        ),
        standing=_BANDS.get(card["consent"]["colour"], "deny"),
    )


def _pseudonyms(entries: list[dict[str, Any]], beside: sample_parts.Beside) -> dict[str, str]:
    """Key of the record -> pseudonym, for everybody whom a story names; nobody for who may read none."""
    if not actor().may("patient:read"):
        return {}
    known = {key: code for code, key in beside.patients.items()}
    named = {str(entry[side].get("subject")) for entry in entries for side in ("before", "after")}
    missing = named - known.keys() - {"None"}  # whose it was taken to be before it was corrected
    return known | (patients.by_keys(missing) if missing else {})


#: Colour of a standing -> the designer's band.
_BANDS = {"green": "permit", "amber": "pending", "red": "deny"}


def _node(branch: reading.Branch) -> dict[str, Any]:
    return {
        "code": branch.sample.code,
        "href": url_for("bench.sample", code=branch.sample.code),
        "type": sentences.word("type", branch.sample.type),
        "status": branch.sample.status,
        "amount": amount_text(branch.sample),
        "children": [_node(child) for child in branch.children],
    }


@bp.get("/patients/<path:code>")
@requires(Permission.PATIENT_READ)
def patient(code: str) -> ResponseReturnValue:
    """One patient: what was answered and taken back, and the samples."""
    by = actor()
    found = asked_patient(code)
    page = reading.list_samples(by, patient_id=found.id, after=request.args.get("after"))
    standings = uses.standings(list(page.items))
    paths = places.where_is([sample.id for sample in page.items])
    withdrawals = consents.withdrawals_of(found)
    return pages.render(
        "bench/patient.html",
        patient=found,
        consents=consents.consents_of(found),
        withdrawals=withdrawals,
        reversals=consents.reversals_of(withdrawals),
        now=_samples_now(found),
        at_site={"site": request.args["site"]} if request.args.get("site") else {},
        page=page,
        rows=[
            _row(sample, paths.get(sample.id, [])) | {"standing": standings[sample.id]}
            for sample in page.items
        ],
        items=_patient_items(found),
        describe_term=describe_term,
        today=clock.now(),
    )


def _samples_now(found: Patient) -> dict[str, int]:
    """Where a patient's samples are, pools as well."""
    reached = reach.touched(patient=found, scope=Scope("all"))
    stored = len(places.is_stored(reached.here_ids))
    return {"here": len(reached.here), "stored": stored, "out": len(reached.out), "used": reached.used}


def _patient_items(found: Patient) -> list[dict[str, Any]]:
    if found.anonymised_at is not None:
        return []
    wanted = [act for act, permission in cards.PATIENT_ACTIONS if act != "open" and actor().may(permission)]
    return first_is_primary([(act, action("patient", act, {"title": found.code})) for act in wanted])
