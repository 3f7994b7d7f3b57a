"""The API of samples: register, receive, aliquot, derive, pool, hold; and whether a use would be allowed."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.db import db
from biobank.samples import (
    checks,
    collection,
    desk,
    holds,
    numbers,
    processing,
    reading,
    releasing,
    step_api,
    uses,
)
from biobank.samples import decisions as stored
from biobank.samples.api_parts import bp
from biobank.samples.decision_schemas import decision_json
from biobank.samples.models import Decision
from biobank.samples.schemas import (
    AliquotsNewSchema,
    DerivativesNewSchema,
    HoldNewSchema,
    PoolNewSchema,
    ReasonSchema,
    ReceiveSchema,
    SampleNewSchema,
    UseCheckSchema,
    read_amount,
    read_use,
    read_when,
    sample_json,
)
from biobank.web import sentences
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

__all__ = ["bp", "step_api"]

checks.register()


@bp.post("/samples")
@requires(Permission.SAMPLE_COLLECT)
@bp.arguments(SampleNewSchema)
def register(data: dict[str, Any]) -> ResponseReturnValue:
    """Register a tube: drawn from a patient, or made from `parents`."""
    return api_answer(lambda: sample_json(desk.register(data, by=actor())))


@bp.post("/samples/<code>/receive")
@requires(Permission.SAMPLE_COLLECT)
@bp.arguments(ReceiveSchema)
def receive(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """A tube that was only collected reaches the bank."""

    def work() -> dict[str, Any]:
        sample = reading.find_sample(code, actor())
        return sample_json(collection.receive(sample=sample, by=actor(), at=read_when(data["at"], "at")))

    return api_answer(work, 200)


@bp.post("/samples/<code>/aliquots")
@requires(Permission.SAMPLE_PROCESS)
@bp.arguments(AliquotsNewSchema)
def aliquot(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Divide a sample into `count` children of the same quantity."""

    def work() -> dict[str, Any]:
        parent = reading.find_sample(code, actor())
        children = processing.aliquot(
            sample=parent,
            count=data["count"],
            amount=read_amount(data, parent),
            type=data["type"],
            close_parent=data["close_parent"],
            container_codes=data["container_codes"],
            at=read_when(data["at"], "at"),
            by=actor(),
        )
        return {"items": [sample_json(child) for child in children], "parent": sample_json(parent)}

    return api_answer(work)


@bp.post("/samples/<code>/derivatives")
@requires(Permission.SAMPLE_PROCESS)
@bp.arguments(DerivativesNewSchema)
def derive(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Make something else of a sample, such as plasma of blood."""

    def work() -> dict[str, Any]:
        parent = reading.find_sample(code, actor())
        children = desk.derive(parent, data, by=actor())
        return {"items": [sample_json(child) for child in children], "parent": sample_json(parent)}

    return api_answer(work)


@bp.post("/pools")
@requires(Permission.SAMPLE_PROCESS)
@bp.arguments(PoolNewSchema)
def pool(data: dict[str, Any]) -> ResponseReturnValue:
    """Pour samples together; across donors every one of them must permit `use`."""

    def work() -> dict[str, Any]:
        child = processing.pool(
            samples=reading.find_samples(data["samples"], actor()),
            type=data["type"],
            container_code=data["container_code"],
            use=read_use(data["use"], "pool_across_donors") if data["use"] else None,
            at=read_when(data["at"], "at"),
            by=actor(),
        )
        return sample_json(child)

    return api_answer(work)


@bp.post("/samples/<code>/holds")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(HoldNewSchema)
def hold(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Hold a sample: it may not be used until released."""

    def work() -> dict[str, Any]:
        sample = reading.find_sample(code, actor())
        made = holds.hold(sample=sample, code=data["code"], note=data["note"], by=actor())
        return {"sample": sample.code, "hold": made.code}

    return api_answer(work)


@bp.post("/samples/<code>/holds/<hold_code>/release")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(ReasonSchema)
def release(data: dict[str, Any], code: str, hold_code: str) -> ResponseReturnValue:
    """End a hold, with the reason."""

    def work() -> dict[str, Any]:
        sample = reading.find_sample(code, actor())
        holds.release(hold=holds.find_hold(sample, hold_code), reason=data["reason"], by=actor())
        return {"sample": sample.code, "released": hold_code}

    return api_answer(work, 200)


@bp.post("/samples/<code>/holds/withdrawal/release-corrected")
@requires(Permission.CONSENT_REVERSE)
@bp.arguments(ReasonSchema)
def release_corrected(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """End what a withdrawal holds of a sample, and of what was made of it, that turned out to be somebody else's."""

    def work() -> dict[str, Any]:
        sample = reading.find_sample(code, actor())
        released = releasing.release_corrected(sample=sample, reason=data["reason"], by=actor())
        return {"sample": sample.code, "released": "withdrawal", "samples": released}

    return api_answer(work, 200)


@bp.get("/samples/<code>/history")
@requires(Permission.SAMPLE_READ)
def history(code: str) -> ResponseReturnValue:
    """What happened to a sample, oldest first, as the record has it."""
    return jsonify({"items": numbers.story(reading.find_sample(code, actor()))})


@bp.get("/samples/<code>/decisions")
@requires(Permission.SAMPLE_READ)
def decisions(code: str) -> ResponseReturnValue:
    """The latest hundred decisions about a sample, newest first, with every reason."""
    sample = reading.find_sample(code, actor())
    query = db.select(Decision).where(Decision.sample_id == sample.id).order_by(Decision.id.desc()).limit(100)
    return jsonify({"items": [_decision_json(decision) for decision in db.session.scalars(query)]})


def _decision_json(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "act": decision.act,
        "verdict": decision.verdict,
        "reasons": [{"code": each["code"], "text": sentences.of_reason(each)} for each in decision.reasons],
        "recorded_at": decision.recorded_at.isoformat(),
        "rule_version": decision.rule_version,
        "vocabulary_version": decision.vocabulary_version,
    }


@bp.get("/decisions/<int:key>")
@requires(Permission.DECISION_READ)
def decision(key: int) -> ResponseReturnValue:
    """One decision, with everything that was asked and known when it was made, and the use that came of it."""
    by = actor()
    return jsonify(decision_json(stored.read(stored.find_decision(key, by), by)))


@bp.post("/use-checks")
@requires(Permission.USE_CHECK)
@bp.arguments(UseCheckSchema)
def check(data: dict[str, Any]) -> ResponseReturnValue:
    """Could these samples be used so? Asks, and uses nothing."""
    use = read_use(data["use"])
    as_of, known_at = read_when(data["as_of"], "as_of"), read_when(data["known_at"], "known_at")
    samples = reading.told_of(data["samples"], actor())
    answers = uses.check(
        samples, use, as_of=as_of.at if as_of else None, known_at=known_at.at if known_at else None
    )
    return jsonify({"decisions": [_check_json(*pair) for pair in zip(samples, answers, strict=True)]})


def _check_json(sample: reading.Told, answer: Any) -> dict[str, Any]:
    return {
        "sample": sample.code,
        "verdict": answer.verdict.value,
        "reasons": [{"code": reason.code, "text": sentences.of_reason(reason)} for reason in answer.reasons],
        "consent": answer.consent_ids[0] if answer.consent_ids else None,
    }
