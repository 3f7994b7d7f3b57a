"""The API of plans: emptying a freezer, tidying up, confirming step by step, taking back; and a rack in two scans."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.paging import cursor
from biobank.moves import leaving, reading, service
from biobank.moves.models import MovePlan
from biobank.moves.schemas import (
    CarrySchema,
    ConfirmSchema,
    ElsewhereSchema,
    PlansQuery,
    TidySchema,
    WhySchema,
    confirmed_json,
    plan_json,
    step_json,
)
from biobank.moves.stepping import Confirmed
from biobank.storage import service as storage
from biobank.web.api import PageQuery, blueprint, page_arguments
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("moves", __name__)


@bp.post("/containers/<code>/evacuate")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(WhySchema)
def evacuate(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Plan where everything in a failing container goes, and keep the places."""

    def work() -> dict[str, Any]:
        container = storage.find_container(code, actor())
        return _plan(service.evacuate(container=container, why=data["why"], by=actor()))

    return api_answer(work)


@bp.post("/containers/<code>/defragment")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(TidySchema)
def defragment(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Plan how nearly empty boxes in a container are emptied into others of their kind."""

    def work() -> dict[str, Any]:
        container = storage.find_container(code, actor())
        share = data["most_full_percent"] / 100
        made = service.defragment(container=container, why=data["why"] or "", most_full=share, by=actor())
        return _plan(made)

    return api_answer(work)


@bp.get("/moves")
@requires(Permission.STORAGE_READ)
@bp.arguments(PlansQuery, location="query")
def plans(data: dict[str, Any]) -> ResponseReturnValue:
    """Plans, the newest first; `open=true` for those that are not closed."""
    page = service.list_plans(actor(), open_only=data["open"] == "true", **page_arguments())
    containers = reading.containers_of(page.items)
    items = [plan_json(plan, containers[plan.container_id]) for plan in page.items]
    return jsonify({"items": items, "next": page.next})


@bp.get("/moves/<int:key>")
@requires(Permission.STORAGE_READ)
def plan(key: int) -> ResponseReturnValue:
    """A plan, how far it is, and the tubes that find no place (the first thousand)."""
    found = service.find_plan(key, actor())
    return jsonify(_plan(found) | {"without_place": leaving.left_codes(found)})


@bp.get("/moves/<int:key>/steps")
@requires(Permission.STORAGE_READ)
@bp.arguments(PageQuery, location="query")
def steps(_query: dict[str, Any], key: int) -> ResponseReturnValue:
    """Its steps in walking order, a page at a time."""
    found = service.find_plan(key, actor())
    limit = page_arguments()["limit"]
    rows = reading.all_steps(found, after=cursor(request.args.get("after")) or 0, limit=limit + 1)
    more = str(rows[limit - 1].step.seq) if len(rows) > limit else None
    return jsonify({"items": [step_json(row) for row in rows[:limit]], "next": more})


@bp.post("/moves/<int:key>/confirm")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(ConfirmSchema)
def confirm(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """What is in hand stands where the plan says. `done` is false when the place was taken meanwhile: see `instead`."""

    def work() -> dict[str, Any]:
        by = actor()
        step = service.step_for(service.find_plan(key, by), data["scanned"], by)
        return _confirmed(service.confirm(step=step, scanned=data["scanned"], to=data["to"], by=by))

    return api_answer(work, 200)


@bp.post("/moves/<int:key>/elsewhere")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(ElsewhereSchema)
def elsewhere(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """What is in hand was put somewhere else than planned."""

    def work() -> dict[str, Any]:
        by = actor()
        step = service.step_for(service.find_plan(key, by), data["scanned"], by)
        return _confirmed(service.confirm_elsewhere(step=step, by=by, **data))

    return api_answer(work, 200)


@bp.post("/moves/<int:key>/steps/<int:seq>/skip")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(WhySchema)
def skip(data: dict[str, Any], key: int, seq: int) -> ResponseReturnValue:
    """Leave it where it is."""

    def work() -> dict[str, Any]:
        found = service.find_plan(key, actor())
        step = service.skip(step=service.find_step(found, seq), why=data["why"], by=actor())
        return step_json(reading.shown([step])[0])

    return api_answer(work, 200)


@bp.post("/moves/<int:key>/extend")
@requires(Permission.STORAGE_MOVE)
def extend(key: int) -> ResponseReturnValue:
    """Look once more for places for what has none."""

    def work() -> dict[str, Any]:
        found = service.find_plan(key, actor())
        return {"added": service.extend(plan=found, by=actor()), **_plan(found)}

    return api_answer(work, 200)


@bp.post("/moves/<int:key>/give-up")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(WhySchema)
def give_up(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """End a plan: what was not moved stays."""

    def work() -> dict[str, Any]:
        return _plan(service.give_up(plan=service.find_plan(key, actor()), why=data["why"], by=actor()))

    return api_answer(work, 200)


@bp.post("/moves/<int:key>/reverse")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(WhySchema)
def reverse(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Plan how everything that was moved comes back."""

    def work() -> dict[str, Any]:
        return _plan(service.reverse(plan=service.find_plan(key, actor()), why=data["why"], by=actor()))

    return api_answer(work)


@bp.post("/moves/carry")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(CarrySchema)
def carry(data: dict[str, Any]) -> ResponseReturnValue:
    """A whole box, rack or drawer from here to there, with everything in it."""

    def work() -> dict[str, Any]:
        placed = service.carry(by=actor(), **data)
        container = storage.container_of(placed.placement)
        was = placed.came_from
        return {
            "container": container.code,
            "position": placed.placement.position,
            "came_from": {"container": was[0], "position": was[1]} if was else None,
        }

    return api_answer(work, 200)


def _plan(found: MovePlan) -> dict[str, Any]:
    container = reading.containers_of([found])[found.container_id]
    return plan_json(found, container, reading.progress_of(found))


def _confirmed(found: Confirmed) -> dict[str, Any]:
    return confirmed_json(found, reading.shown([found.instead]) if found.instead is not None else [])
