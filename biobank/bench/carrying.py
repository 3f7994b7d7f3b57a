"""One thing and where it goes: "store here" takes a tube, "move the rack" a box or a rack with all that is in it."""

from typing import Any

from biobank.bench.heard import Heard
from biobank.bench.task import Task, Told, Work, require
from biobank.core.errors import Reason, RuleViolation
from biobank.moves import carrying as moves
from biobank.samples.reading import find_sample
from biobank.storage import service as storage
from biobank.storage.models import Container

MOVE = "storage:move"
VERBS = ("store", "move_rack")


def begins(heard: Heard) -> bool:
    return heard.verb in VERBS


def begin(work: Work, heard: Heard) -> Told | None:
    return _verb(work, heard.verb)


def hear(work: Work, heard: Heard) -> Told | None:
    """First what is carried, then where it goes; and so on."""
    state = work.state
    if heard.verb:
        return _verb(work, heard.verb) if heard.verb in VERBS else None
    if heard.unknown is not None:
        raise heard.unknown
    if state["verb"] == "store" and heard.kind == "sample":
        state["what"] = heard.thing.code
        return Told("carry_what", {"code": heard.thing.code}, shown={"code": heard.thing.code})
    if heard.kind not in ("container", "position"):
        return None
    if state["what"] is not None:
        return _there(work, heard.thing, heard.position)
    if state["verb"] == "store" or heard.kind == "position":
        raise RuleViolation("carry_what_first")
    state["what"] = heard.thing.code
    return Told("carry_what", {"code": heard.thing.name}, shown={"code": heard.thing.code})


def _verb(work: Work, verb: str) -> Told:
    require(work.by, MOVE)
    work.state.clear()
    work.state.update(verb=verb, what=None)
    return Told(f"carry_{verb}", {})


def _there(work: Work, container: Container, position: str | None) -> Told:
    state, by = work.state, work.by
    what, state["what"] = state["what"], None
    if state["verb"] == "store":
        sample = find_sample(what, by)
        placed = storage.put(
            container=container, position=position, sample=sample, by=by, next_free=position is None
        )
    else:
        placed = moves.carry(what=what, where=container.code, position=position, by=by)
    here = placed.placement.position
    undo: dict[str, Any] = {"act": "placed", "placement": placed.placement.id}
    if state["verb"] == "store":
        undo["sample"] = what
    params = {"code": what, "container": container.name, "position": here or "–"}
    return Told(
        "carry_done", params, outcome="done", act="placed", undo=undo, shown={"code": what, "position": here}
    )


def sentence(state: dict[str, Any]) -> Reason:
    if state["what"] is None:
        return Reason(f"carry_sentence_{state['verb']}")
    return Reason("carry_sentence_where", {"code": state["what"]})


TASK = Task("carry", begins, begin, hear, sentence)
