"""The API of kept places, of what a container accepts, and of times out of the cold."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.samples.reading import find_sample
from biobank.storage import accepting, claims, cold, temperatures
from biobank.storage import service as storage
from biobank.storage.api_parts import bp
from biobank.storage.claim_schemas import (
    AcceptsSchema,
    BlockingSchema,
    ReleasingSchema,
    ReservingSchema,
    accepts_json,
    claim_json,
    cold_json,
)
from biobank.storage.models import PositionClaim
from biobank.web import sentences
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer


@bp.get("/containers/<code>/claims")
@requires(Permission.STORAGE_READ)
def kept_places(code: str) -> ResponseReturnValue:
    """The places that are reserved or blocked; `over` says that a reservation may be taken over."""
    container = storage.find_container(code, actor())
    return jsonify(_told(list(claims.open_claims([container.id]).get(container.id, {}).values())))


@bp.post("/containers/<code>/reservations")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(ReservingSchema)
def reserve(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Keep places while a hand is on the way: `positions`, or the next `count` free ones. 409 says who has one."""
    if (data["positions"] is None) == (data["count"] is None):
        raise Malformed({"positions": Reason("positions_or_count"), "count": Reason("positions_or_count")})

    def work() -> dict[str, Any]:
        by = actor()
        container = storage.find_container(code, by)
        if data["positions"] is None:
            made = claims.reserve_next(
                container=container, count=data["count"], minutes=data["minutes"], by=by
            )
        else:
            made = claims.reserve(
                container=container,
                positions=data["positions"],
                minutes=data["minutes"],
                why=data["why"],
                by=by,
            )
        return _told(made)

    return api_answer(work, 201)


@bp.post("/containers/<code>/reservations/release")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(ReleasingSchema)
def release(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Give reservations back; what has ended already is left out of the answer."""

    def work() -> dict[str, Any]:
        container = storage.find_container(code, actor())
        ended = claims.release(container=container, positions=data["positions"], by=actor())
        return {"released": sorted(claim.position for claim in ended)}

    return api_answer(work, 200)


@bp.put("/containers/<code>/positions/<position>/block")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(BlockingSchema)
def block(data: dict[str, Any], code: str, position: str) -> ResponseReturnValue:
    """Say that nothing may stand there, and why; 409 when something does."""

    def work() -> dict[str, Any]:
        container = storage.find_container(code, actor())
        made = claims.block(container=container, position=position, why=data["why"], by=actor())
        return claim_json(made, {})

    return api_answer(work, 200)


@bp.delete("/containers/<code>/positions/<position>/block")
@requires(Permission.STORAGE_MOVE)
def unblock(code: str, position: str) -> ResponseReturnValue:
    """Say that the place may be used again."""

    def work() -> dict[str, Any]:
        container = storage.find_container(code, actor())
        ended = claims.unblock(container=container, position=position, by=actor())
        return {"container": container.code, "position": ended.position}

    return api_answer(work, 200)


@bp.get("/containers/<code>/accepts")
@requires(Permission.STORAGE_READ)
def accepts(code: str) -> ResponseReturnValue:
    """What may stand in a container, in codes and in words; null: whatever fits."""
    container = storage.find_container(code, actor())
    return jsonify(_rule(container))


@bp.put("/containers/<code>/accepts")
@requires(Permission.STORAGE_BUILD)
@bp.arguments(AcceptsSchema)
def set_accepts(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Say what may stand in a container from now on, at any depth; nothing said: whatever fits."""

    def work() -> dict[str, Any]:
        container = storage.find_container(code, actor())
        return _rule(accepting.set_accepts(container=container, by=actor(), **data))

    return api_answer(work, 200)


@bp.get("/samples/<code>/cold")
@requires(Permission.SAMPLE_READ)
def sample_cold(code: str) -> ResponseReturnValue:
    """How often a sample thawed and how long it was out of the cold, computed from where it stood."""
    sample = find_sample(code, actor())
    return jsonify({"sample": sample.code} | cold_json(cold.cold_of([sample.id])[sample.id]))


@bp.get("/containers/<code>/cold")
@requires(Permission.STORAGE_READ)
def container_cold(code: str) -> ResponseReturnValue:
    """Since when a container is out of the cold, and what the samples in it went through."""
    container = storage.find_container(code, actor())
    out = cold.out_since([container.id]).get(container.id)
    samples = [each.sample for each in storage.what_is_in(container).occupants if each.sample is not None]
    found = cold.cold_of([sample.id for sample in samples])
    items = [{"sample": sample.code} | cold_json(found[sample.id]) for sample in samples]
    return jsonify(
        {"container": container.code, "out_since": out.isoformat() if out else None, "items": items}
    )


def _told(kept: list[PositionClaim]) -> dict[str, Any]:
    names = access.names_of([claim.for_key for claim in kept if claim.for_key])
    return {"items": [claim_json(claim, names) for claim in sorted(kept, key=lambda claim: claim.position)]}


def _rule(container: Any) -> dict[str, Any]:
    rule = accepting.rule_of(container)
    return {
        "container": container.code,
        "accepts": accepts_json(rule),
        "set_to": temperatures.set_to(container.kept_at),
        "temperature": temperatures.here(container),
        "in_words": [sentences.of_reason(reason) for reason in accepting.explain(container)],
        "against": accepting.count_against(container),
    }
