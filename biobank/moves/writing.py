"""Writes the steps of a plan down in walking order, and keeps their places."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from biobank.core.actor import Actor
from biobank.core.bulk import insert_rows
from biobank.core.db import db
from biobank.moves import rules
from biobank.moves.facts import Node
from biobank.moves.models import MovePlan, MoveStep
from biobank.storage import claims_many
from biobank.storage.walking import natural


def add_steps(plan: MovePlan, nodes: Mapping[int, Node], found: rules.Plan, by: Actor) -> int:
    """The moves of a plan after those it has already; a constant number of statements.

    returns  the number of the first
    raises   Again when a place was taken meanwhile
    """
    last = db.session.scalar(select(func.max(MoveStep.seq)).where(MoveStep.plan_id == plan.id)) or 0
    moves = sorted(found.moves, key=lambda move: _walk(move, nodes))
    claims_many.keep_for_plan(_targets(moves), plan_id=plan.id, by=by, why=plan.why or None)
    insert_rows(
        MoveStep,
        [
            {
                "plan_id": plan.id, "seq": seq, "sample_id": move.tube, "child_id": move.box,
                "from_container_id": move.from_id, "from_position": move.from_position,
                "to_container_id": move.to_id, "to_position": move.to_position,
            }
            for seq, move in enumerate(moves, last + 1)
        ],
    )  # fmt: skip
    return last + 1


def _walk(move: rules.Move, nodes: Mapping[int, Node]) -> tuple[Any, ...]:
    """From the top of the container down, and what goes to one place together."""
    start, end = nodes[move.from_id].way, nodes[move.to_id].way
    return start, natural(move.from_position or ""), end, move.tube or 0, move.box or 0


def _targets(moves: Sequence[rules.Move]) -> dict[int, list[str]]:
    wanted: dict[int, list[str]] = {}
    for move in moves:
        if move.to_position is not None:
            wanted.setdefault(move.to_id, []).append(move.to_position)
    return wanted
