"""Filling a box: the box is scanned, then tube after tube; each goes to the place the screen shows.

The place shown is reserved while the hand is on the way, so that two stations at one box are shown two places.
"""

from typing import Any

from biobank.bench.heard import Heard
from biobank.bench.task import Task, Told, Work, require
from biobank.core.errors import BiobankError, NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample
from biobank.storage import claims, places, rules, standing
from biobank.storage import service as storage
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container

MOVE = "storage:move"
#: Places reserved at once.
AHEAD = 6


def begins(heard: Heard) -> bool:
    """A box, or a place in one. A shelf or a freezer is looked at, not filled with tubes."""
    return heard.kind in ("container", "position") and rules.may_stand(kind_of(heard.thing), "tube")


def begin(work: Work, heard: Heard) -> Told | None:
    require(work.by, MOVE)
    work.state["site_id"] = heard.thing.site_id
    return _open(work, heard.thing, heard.position)


def hear(work: Work, heard: Heard) -> Told | None:
    """A tube is placed; another box or place is where it goes on."""
    if heard.kind in ("container", "position"):
        if not begins(heard):
            return None
        _give_back(work)
        return _open(work, heard.thing, heard.position)
    if heard.kind == "sample":
        return _place(work, heard, heard.thing)
    if heard.verb == "confirm" and work.state.get("asked"):
        return _place(work, heard, None)
    if heard.verb in ("cancel", "undo") and work.state.pop("asked", None):
        return Told("fill_left_there", {}, tone="look")
    if heard.unknown is not None:
        raise heard.unknown
    return None


def wants(state: dict[str, Any], verb: str) -> bool:
    """ "Cancel" takes back a question, before it ends the task."""
    return verb == "cancel" and bool(state.get("asked"))


def first(state: dict[str, Any]) -> str | None:
    """The place the screen shows; None where there are no places, or none is free."""
    return next(iter(state["free"]), None)


def _open(work: Work, box: Container, position: str | None) -> Told:
    kind = kind_of(box)
    state = work.state
    state["box"], state["name"] = box.code, box.name
    state.pop("asked", None)
    _reserve(work, box, position)
    shown = {"code": box.code, "position": first(state)}
    if kind.positioned and not state["free"]:
        return Told("fill_full", {"container": box.code}, tone="look", shown=shown)
    return Told("fill_opened", {"container": box.code, "name": box.name}, shown=shown)


def _place(work: Work, heard: Heard, sample: Sample | None) -> Told:
    """Put it there, unless it is here already or the record says it stands elsewhere: then once more, to be sure."""
    state = work.state
    box = storage.find_container(state["box"], work.by)
    asked = state.pop("asked", None)
    if sample is None:
        sample = find_sample(asked["sample"], work.by)
    code = sample.code
    path = places.where_is([sample.id]).get(sample.id, [])
    if path and path[-1].code == box.code:
        shown = {"code": code, "position": path[-1].position}
        return Told(
            "fill_already_here",
            {"sample": code, "position": path[-1].position or "–"},
            tone="look",
            shown=shown,
        )
    if path and not (asked and asked["sample"] == code):
        state["asked"] = {"sample": code}
        params = {"sample": code, "container": path[-1].name, "position": path[-1].position or "–"}
        return Told(
            "fill_stands_elsewhere", params, tone="no", shown={"code": code, "position": path[-1].position}
        )
    position = work.position or first(state)
    try:
        placed = storage.put(
            container=box, position=position, sample=sample, by=work.by, next_free=position is None,
            at=When.exactly(work.at) if work.at else None,
        )  # fmt: skip
    except RuleViolation as refusal:
        if refusal.code == "position_taken":
            raise RuleViolation(
                "fill_taken_meanwhile", sample=code, position=position, container=box.name,
                occupant=refusal.params["occupant"],
            ) from refusal  # fmt: skip
        raise
    here = placed.placement.position
    state["placed"] = [*state.get("placed", []), [here, code]][-200:]
    state["free"] = [text for text in state["free"] if text != here]
    if here is not None and not state["free"]:
        _reserve(work, box, None)
    seen: dict[str, Any] = {"code": code, "position": here}
    if placed.warned:
        seen["reasons"] = [reason.as_dict() for reason in placed.warned]
    return Told(
        "fill_placed", {"sample": code, "position": here or "–", "container": box.name}, outcome="done", act="placed",
        tone="look" if placed.warned else "yes",
        undo={"act": "placed", "sample": code, "placement": placed.placement.id,
              "moved": placed.came_from is not None},
        shown=seen,
    )  # fmt: skip


def refused(state: dict[str, Any], refusal: BiobankError) -> dict[str, Any]:
    """A place that somebody else took is no longer shown."""
    if refusal.code != "fill_taken_meanwhile":
        return state
    return state | {"free": [text for text in state["free"] if text != refusal.params["position"]]}


def _reserve(work: Work, box: Container, start: str | None) -> None:
    """Reserve a run of free places from `start` on, and going round: enough for a hand that does not wait for the line.

    Two stations at one box so get two runs of places.
    """
    state = work.state
    state["free"] = []
    kind = kind_of(box)
    if not kind.positioned:
        return
    standing.lock_paths(box.id)
    not_ours = set().union(*claims.survey(box.id, work.by))
    order = [place.text for place in rules.positions(kind)]
    at = order.index(start) if start in order else 0
    if start is not None and start in not_ours:
        raise RuleViolation("fill_place_not_free", position=start, container=box.name)
    free = [text for text in order[at:] + order[:at] if text not in not_ours][:AHEAD]
    if free:
        claims.reserve(container=box, positions=free, by=work.by)
    state["free"] = free


def _give_back(work: Work) -> None:
    """The places that were reserved are anybody's again."""
    state = work.state
    free, state["free"] = state.get("free", []), []
    if not free:
        return
    try:
        box = storage.find_container(state["box"], work.by)
    except NotFound:
        return
    claims.release(container=box, positions=free, by=work.by)


def sentence(state: dict[str, Any]) -> Reason:
    if state.get("asked"):
        return Reason("fill_sentence_asked", {"sample": state["asked"]["sample"], "name": state["name"]})
    if position := first(state):
        return Reason("fill_sentence", {"name": state["name"], "position": position})
    return Reason("fill_sentence_anywhere", {"name": state["name"]})


TASK = Task("fill", begins, begin, hear, sentence, end=_give_back, wants=wants, refused=refused)
