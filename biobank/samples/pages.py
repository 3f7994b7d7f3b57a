"""The pages of samples: forms to register, receive, divide, derive, pool and hold. A sample's own page, with its place
and its consent, is composed by `bench`; a mistake is put right in `withdrawal`."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import clock, scans, units, vocabularies
from biobank.core.i18n import N_
from biobank.patients.asking import scanned_patient_code
from biobank.samples import (
    collection,
    decision_pages,
    desk,
    holds,
    life,
    processing,
    reading,
    releasing,
    rules,
    step_pages,
)
from biobank.samples.models import Sample
from biobank.samples.page_parts import bp
from biobank.samples.schemas import (
    AliquotsNewSchema,
    DerivativesNewSchema,
    HoldNewSchema,
    PoolNewSchema,
    ReasonSchema,
    SampleNewSchema,
    read_amount,
    read_use,
    read_when,
)
from biobank.studies import service as studies
from biobank.web import pages, sentences, spoken
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

__all__ = ["NAVIGATION", "bp", "decision_pages", "step_pages"]

NAVIGATION = [
    NavItem(
        "samples.new_sample", N_("Register a tube"), "plus", Permission.SAMPLE_COLLECT.value, 15, "bench"
    ),
    NavItem("samples.board", N_("Timers"), "clock", Permission.SAMPLE_READ.value, 17, "bench"),
]

SAMPLE, ALIQUOTS, DERIVATIVES = SampleNewSchema(), AliquotsNewSchema(), DerivativesNewSchema()
HOLD, REASON, POOL = HoldNewSchema(), ReasonSchema(), PoolNewSchema()

Problems = dict[str, str]


def typed(*names: str) -> dict[str, Any]:
    """What was filled in; an empty field was not."""
    return {name: request.form[name].strip() for name in names if request.form.get(name, "").strip()}


def type_options() -> list[tuple[str, str]]:
    """Sample types to choose from, by their name in the reader's language."""
    return sorted(
        ((code, sentences.word("type", code)) for code in vocabularies.sample_types()), key=lambda one: one[1]
    )


def sample_page(sample: Sample) -> str:
    return url_for("bench.sample", code=sample.code)


# --- register and receive


@bp.get("/samples/new")
@requires(Permission.SAMPLE_COLLECT)
def new_sample() -> ResponseReturnValue:
    """The form to register a tube drawn from a patient."""
    return _new_sample()


@bp.post("/samples")
@requires(Permission.SAMPLE_COLLECT)
def register() -> ResponseReturnValue:
    """Register a tube, and go on to its page."""

    def work() -> str:
        given = typed("patient", "study", "site", "type", "vessel", "container_code", "visit", "collected_at")
        given |= {name: scanned_patient_code(text) for name, text in given.items() if name == "patient"}
        scans.require_new_code("container_code", given.get("container_code", ""))
        amount = typed("amount", "unit")
        if "amount" in amount:
            given[amount.get("unit", "volume_ul")] = amount["amount"]
        if request.form.get("collected_precision") == "unknown":
            given["collected_precision"] = "unknown"
            given.pop("collected_at", None)
        elif request.form.get("collected_precision") == "day":
            given["collected_at"] = given.get("collected_at", "")[:10]
        given["received"] = request.form.get("received", "yes") == "yes"
        return sample_page(desk.register(SAMPLE.load(given), by=actor(), page=True))

    return pages.submit(work, again=_new_sample)


def _new_sample(problems: Problems | None = None, sentence: str | None = None) -> Any:
    by = actor()
    now = clock.now().astimezone(clock.zone())
    return pages.render(
        "samples/new_sample.html",
        problems=problems or {},
        sentence=sentence,
        typed=request.form or request.args,
        now=now.strftime("%Y-%m-%dT%H:%M"),
        study_options=[(study.code, f"{study.code} – {study.title}") for study in studies.list_studies(by)],
        type_options=type_options(),
        vessel_options=[(vessel.value, sentences.word("vessel", vessel.value)) for vessel in rules.Vessel],
        unit_options=[(kind.field, spoken.unit(kind.unit)) for kind in units.KINDS.values()],
        every_site=by.site_id is None,
    )


@bp.post("/samples/<code>/receive")
@requires(Permission.SAMPLE_COLLECT)
def receive(code: str) -> ResponseReturnValue:
    """A collected tube reaches the bank."""
    return pages.submit(lambda: sample_page(collection.receive(sample=_found(code), by=actor())))


def _found(code: str) -> Sample:
    return reading.find_sample(code, actor())


# --- divide, derive, pool


@bp.get("/samples/<code>/aliquot")
@requires(Permission.SAMPLE_PROCESS)
def aliquot_form(code: str) -> ResponseReturnValue:
    """The form to divide a sample."""
    return _divide(code, "samples/aliquot.html")


@bp.post("/samples/<code>/aliquot")
@requires(Permission.SAMPLE_PROCESS)
def aliquot(code: str) -> ResponseReturnValue:
    """Divide a sample into children of the same quantity."""

    def work() -> str:
        parent = _found(code)
        given = ALIQUOTS.load(_division(parent) | _count())
        processing.aliquot(
            sample=parent,
            count=given["count"],
            amount=read_amount(given, parent),
            close_parent=given["close_parent"],
            container_codes=given["container_codes"],
            at=read_when(given["at"], "at", page=True),
            by=actor(),
        )
        return sample_page(parent)

    return pages.submit(work, again=lambda *told: _divide(code, "samples/aliquot.html", *told))


@bp.get("/samples/<code>/derive")
@requires(Permission.SAMPLE_PROCESS)
def derive_form(code: str) -> ResponseReturnValue:
    """The form to make something else of a sample."""
    return _divide(code, "samples/derive.html")


@bp.post("/samples/<code>/derive")
@requires(Permission.SAMPLE_PROCESS)
def derive(code: str) -> ResponseReturnValue:
    """Make plasma of blood, DNA of tissue …"""

    def work() -> str:
        parent = _found(code)
        given: dict[str, Any] = _division(parent) | _count() | typed("type")
        amount = typed("amount", "unit")
        if "amount" in amount:
            given[amount.get("unit", "volume_ul")] = amount["amount"]
        drawn = typed("drawn")
        if "drawn" in drawn and parent.quantity_kind:
            given["drawn"] = {units.KINDS[parent.quantity_kind].field: drawn["drawn"]}
        desk.derive(parent, DERIVATIVES.load(given), by=actor(), page=True)
        return sample_page(parent)

    return pages.submit(work, again=lambda *told: _divide(code, "samples/derive.html", *told))


def _count() -> dict[str, Any]:
    """The count as a number if it is one; else as typed, for the sentence that refuses it."""
    text = request.form.get("count", "").strip()
    if not text:
        return {}
    return {"count": int(text[:9]) if text.isascii() and text.isdigit() else text}


def _division(parent: Sample) -> dict[str, Any]:
    """What both forms of division have: codes of the new tubes, when, and whether the parent is used up."""
    given: dict[str, Any] = typed("at")
    given["container_codes"] = request.form.get("container_codes", "").split()
    given["close_parent"] = "close_parent" in request.form
    each = typed("each")
    if "each" in each:
        field = units.KINDS[parent.quantity_kind].field if parent.quantity_kind else "volume_ul"
        given[field] = each["each"]
    return given


def _divide(code: str, template: str, problems: Problems | None = None, sentence: str | None = None) -> Any:
    sample = _found(code)
    kind = sample.quantity_kind
    return pages.render(
        template,
        sample=sample,
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        unit=spoken.unit(units.KINDS[kind].unit) if kind else None,
        field=units.KINDS[kind].field if kind else "volume_ul",
        free=spoken.number(kind, (sample.remaining or 0) - sample.reserved)
        if kind and sample.remaining is not None
        else None,
        type_options=type_options(),
        unit_options=[(unit.field, spoken.unit(unit.unit)) for unit in units.KINDS.values()],
    )


@bp.get("/pools/new")
@requires(Permission.SAMPLE_PROCESS)
def pool_form() -> ResponseReturnValue:
    """The form to pour samples together."""
    return _pool()


@bp.post("/pools")
@requires(Permission.SAMPLE_PROCESS)
def pool() -> ResponseReturnValue:
    """Pour samples together; across donors every one of them must permit the purpose."""

    def work() -> str:
        given = typed("type", "container_code", "at")
        scans.require_new_code("container_code", given.get("container_code", ""))
        purposes = request.form.get("purposes", "").split()
        given["samples"] = request.form.get("samples", "").split()
        if purposes:
            given["use"] = {"purposes": purposes, "organisation": request.form.get("organisation", "unknown")}
        data = POOL.load(given)
        made = processing.pool(
            samples=reading.find_samples(data["samples"], actor()),
            type=data["type"],
            container_code=data["container_code"],
            use=read_use(data["use"], "pool_across_donors") if data["use"] else None,
            at=read_when(data["at"], "at", page=True),
            by=actor(),
        )
        return sample_page(made)

    return pages.submit(work, again=_pool)


def _pool(problems: Problems | None = None, sentence: str | None = None) -> Any:
    return pages.render(
        "samples/pool.html",
        problems=problems or {},
        sentence=sentence,
        typed=request.form or request.args,
        type_options=type_options(),
    )


# --- hold, find again


@bp.get("/samples/<code>/hold")
@requires(Permission.SAMPLE_HOLD)
def hold_form(code: str) -> ResponseReturnValue:
    """The form to hold a sample, and to end a hold."""
    return _hold(code)


@bp.post("/samples/<code>/hold")
@requires(Permission.SAMPLE_HOLD)
def hold(code: str) -> ResponseReturnValue:
    """Hold a sample."""

    def work() -> str:
        given = HOLD.load(typed("code", "note"))
        sample = _found(code)
        holds.hold(sample=sample, code=given["code"], note=given["note"], by=actor())
        return sample_page(sample)

    return pages.submit(work, again=lambda *told: _hold(code, *told))


@bp.post("/samples/<code>/release")
@requires(Permission.SAMPLE_HOLD)
def release(code: str) -> ResponseReturnValue:
    """End a hold, with the reason."""

    def work() -> str:
        sample = _found(code)
        given = REASON.load(typed("reason"))
        found = holds.find_hold(sample, request.form.get("hold", ""))
        holds.release(hold=found, reason=given["reason"], by=actor())
        return sample_page(sample)

    return pages.submit(work, again=lambda *told: _hold(code, *told))


@bp.post("/samples/<code>/release-corrected")
@requires(Permission.CONSENT_REVERSE)
def release_corrected(code: str) -> ResponseReturnValue:
    """End what a withdrawal holds of a sample that turned out to be somebody else's, with the reason."""

    def work() -> str:
        sample = _found(code)
        given = REASON.load(typed("reason"))
        releasing.release_corrected(sample=sample, reason=given["reason"], by=actor())
        return sample_page(sample)

    return pages.submit(work, again=lambda *told: _hold(code, *told))


def _hold(code: str, problems: Problems | None = None, sentence: str | None = None) -> Any:
    sample = _found(code)
    return pages.render(
        "samples/hold.html",
        sample=sample,
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        was_anothers=releasing.was_anothers(sample),
        open_holds=holds.open_holds([sample.id]).get(sample.id, []),
        hold_options=[(name, sentences.word("hold", name)) for name in holds.CODES if name != "withdrawal"],
    )


@bp.post("/samples/<code>/find")
@requires(Permission.SAMPLE_HOLD)
def find(code: str) -> ResponseReturnValue:
    """A lost sample is here again."""
    return pages.submit(lambda: sample_page(life.find(sample=_found(code), by=actor())))
