"""Is the right label on the right tube? Each tube is scanned twice: what says which it is, then the label on it."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import scans
from biobank.core.errors import BiobankError, RuleViolation
from biobank.core.readings import LONGEST_SCAN
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.printing import checks, jobs
from biobank.printing.page_parts import bp, printer_here
from biobank.samples import gate
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample, find_told
from biobank.web import pages
from biobank.web.asking import actor


@bp.get("/labels/verify")
@requires(Permission.LABEL_PRINT)
def verify_pairs() -> ResponseReturnValue:
    """Scan tubes and their labels one after the other. `?patient=` shows whose labels are still to be verified,
    `?tube=` the tube that is in the hand, `?done=` the one that was verified last."""
    return _pairs()


@bp.post("/labels/verify")
@requires(Permission.LABEL_PRINT)
def verify_pair() -> ResponseReturnValue:
    """One scan: a patient, a tube, or the label that was stuck on the tube in the hand."""
    return pages.submit(lambda: _heed(request.form.get("raw", "")), again=lambda _f, said: _pairs(said))


def _heed(raw: str) -> str:
    """Carry out one scan. returns where to go on"""
    by, typed = actor(), _typed()
    kind, code = _kind(raw)
    if kind == "patient" and by.may("patient:read"):
        return url_for("printing.verify_pairs", patient=code)
    if typed["tube"] and kind != "tube":
        sample, known_by = checks.tube_in_hand(typed["tube"], by)
        checks.verify(sample=sample, read=checks.read_label(raw, by), known_by=known_by, by=by)
        return _next(typed, done=sample.code)
    if kind == "sample":
        sample = find_sample(code, by)
        _require_whose(sample, typed)
        if sample.container_code is None:  # nothing else says which tube it is
            checks.verify(sample=sample, read=sample.code, by=by)
            return _next(typed, done=sample.code)
    sample, known_by = checks.tube_in_hand(raw, by)
    _require_whose(sample, typed)
    return _next(typed, tube=known_by)


def _kind(raw: str) -> tuple[str | None, str]:
    """What kind of thing was scanned, and its code; None for what nobody knows, and for what is void."""
    try:
        found = scans.meant(raw[:LONGEST_SCAN], actor()).found
    except BiobankError:
        return None, ""
    return found.kind, found.code


def _next(typed: dict[str, str], **more: str) -> str:
    kept: dict[str, Any] = {"patient": typed["patient"]} if typed["patient"] else {}
    return url_for("printing.verify_pairs", **(kept | more))


def _typed() -> dict[str, str]:
    return {name: request.values.get(name, "").strip()[:LONGEST_SCAN] for name in ("patient", "tube")}


def _require_whose(sample: Sample, typed: dict[str, str]) -> None:
    """Where the labels of one person are at hand, a tube of another is stopped."""
    whose = _patient(typed["patient"])
    if whose is not None and whose.id not in gate.donors_of([sample.id])[sample.id]:
        raise RuleViolation("verify_other_patient", sample=sample.code, patient=whose.code)


def _patient(code: str) -> Patient | None:
    if not code or not actor().may("patient:read"):
        return None
    return patients.find_patient(code, actor())


def _pairs(sentence: str | None = None) -> Any:
    """The page; after a wrong label with both codes in red, and the tube stays in the hand."""
    by, typed = actor(), _typed()
    sample = known_by = None
    if typed["tube"]:
        sample, known_by = checks.tube_in_hand(typed["tube"], by)
    read = checks.read_label(request.form.get("raw", ""), by) if sentence and sample is not None else None
    whose = _patient(typed["patient"])
    done = request.args.get("done", "")
    return pages.render(
        "printing/verify_pairs.html",
        sample=sample,
        known_by=known_by,
        read=read,
        theirs=_whose_label(read, sample),
        sentence=sentence,
        patient=whose,
        waiting=sample is not None and any(job.code == sample.code for job in jobs.waiting_here(by)),
        printer=printer_here(by) if sample is not None else None,
        batch=checks.batch_of(whose.id) if whose is not None else None,
        done=find_sample(done, by).code if done and not sentence else None,
    )


def _whose_label(read: str | None, sample: Sample | None) -> Sample | None:
    """The tube that the wrong label belongs on; None for a label that is nobody's here."""
    if read is None or sample is None:
        return None
    try:
        other = find_told(read, actor())
    except BiobankError:
        return None
    return other if other.id != sample.id else None


# --- one tube, found on its own page


@bp.get("/samples/<code>/verify")
@requires(Permission.LABEL_PRINT)
def verify_form(code: str) -> ResponseReturnValue:
    """Scan the label that was just stuck on this tube."""
    return _verify(code)


@bp.post("/samples/<code>/verify")
@requires(Permission.LABEL_PRINT)
def verify(code: str) -> ResponseReturnValue:
    """The label was scanned: right, or the page turns red with both codes."""

    def work() -> str:
        by = actor()
        sample = find_sample(code, by)
        checks.verify(sample=sample, read=checks.read_label(request.form.get("raw", ""), by), by=by)
        return url_for("printing.verify_form", code=sample.code)

    return pages.submit(work, again=lambda _fields, sentence: _verify(code, sentence))


def _verify(code: str, sentence: str | None = None) -> Any:
    sample = find_sample(code, actor())
    found = checks.checks_of(sample)
    return pages.render(
        "printing/verify.html",
        sample=sample,
        checks=found,
        verified=bool(checks.verified([sample.id])),
        sentence=sentence,
        read=request.form.get("raw", "").strip()[:100],
        names=access.names_of({check.recorded_by for check in found}),
    )
