"""The shapes of plans at the edge: what comes in, and what goes out. They never query."""

from collections.abc import Sequence
from typing import Any

from marshmallow import fields, validate

from biobank.moves.models import MovePlan
from biobank.moves.reading import Place, Progress, Shown
from biobank.moves.stepping import Confirmed
from biobank.storage.models import Container
from biobank.storage.schemas import path_json
from biobank.web.schemas import SafeString, Schema


class WhySchema(Schema):
    why = SafeString(required=True, max_length=2000, lines=True)


class TidySchema(Schema):
    """How full a box may be to be emptied, in per cent of its places."""

    why = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)
    most_full_percent = fields.Integer(load_default=25, strict=True, validate=validate.Range(min=1, max=100))


class ConfirmSchema(Schema):
    """What is in hand, and what was scanned where it stands now; without `to`, that it stands where the plan says."""

    scanned = SafeString(required=True, max_length=300)
    to = SafeString(load_default=None, allow_none=True, max_length=300)


class ElsewhereSchema(Schema):
    """What is in hand, and where it was put instead."""

    scanned = SafeString(required=True, max_length=300)
    to = SafeString(required=True, max_length=300)
    position = SafeString(load_default=None, allow_none=True, max_length=40)


class CarrySchema(Schema):
    """Two scans: a box, rack or drawer, and where it stands now."""

    what = SafeString(required=True, max_length=300)
    where = SafeString(required=True, max_length=300)
    position = SafeString(load_default=None, allow_none=True, max_length=40)


class PlansQuery(Schema):
    open = SafeString(
        load_default=None, max_length=5, metadata={"description": "true: only those not closed"}
    )
    after = SafeString(load_default=None, max_length=20)
    limit = SafeString(load_default=None, max_length=4)


def plan_json(plan: MovePlan, container: Container, progress: Progress | None = None) -> dict[str, Any]:
    """A plan, and how far it is."""
    told: dict[str, Any] = {
        "id": plan.id,
        "kind": plan.kind,
        "container": container.code,
        "why": plan.why,
        "reverses": plan.reverses_id,
        "made_at": plan.made_at.isoformat(),
        "closed_at": plan.closed_at.isoformat() if plan.closed_at else None,
    }
    if progress is not None:
        told |= {
            "steps": progress.steps,
            "waiting": progress.waiting,
            "done": progress.done,
            "given_up": progress.skipped,
            "tubes_without_place": progress.left,
            "places_lost": progress.lost,
        }
    return told


def step_json(shown: Shown) -> dict[str, Any]:
    """One step: what, from where, to where."""
    step = shown.step
    return {
        "step": step.seq,
        "sample": shown.sample.code if shown.sample is not None else None,
        "container": shown.child.code if shown.child is not None else None,
        "from": place_json(shown.origin),
        "to": place_json(shown.target),
        "temperature_doubtful": shown.doubtful,
        "state": "done" if step.done_at else "given_up" if step.skipped_at else "waiting",
        "why_given_up": step.why_skipped,
    }


def place_json(place: Place) -> dict[str, Any]:
    return {
        "container": place.container.code,
        "name": place.container.name,
        "position": place.position,
        "path": path_json(place.path),
    }


def confirmed_json(found: Confirmed, instead: Sequence[Shown]) -> dict[str, Any]:
    """What came of a step; `instead` where its place was taken meanwhile."""
    return {
        "step": found.step.seq,
        "done": found.done,
        "place_taken_by": found.because,
        "instead": step_json(instead[0]) if instead else None,
    }
