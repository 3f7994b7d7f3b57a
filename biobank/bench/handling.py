"""A verb, then tube after tube: taking out, thawing, putting back, discarding. A discard is asked for and confirmed."""

from typing import Any

from biobank.bench.heard import Heard
from biobank.bench.heard import hear as hear_again
from biobank.bench.task import Task, Told, Work, require
from biobank.core.errors import Reason, RuleViolation
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample
from biobank.storage import destruction, places
from biobank.storage import service as storage

#: Verb -> (permission, what the record calls the act).
VERBS = {
    "take_out": ("storage:move", "taken_out"),
    "thaw": ("storage:move", "thawed"),
    "put_back": ("storage:move", "put_back"),
    "discard": ("sample:discard", "discarded"),
}


def begins(heard: Heard) -> bool:
    return heard.verb in VERBS


def begin(work: Work, heard: Heard) -> Told | None:
    return _verb(work, heard)


def hear(work: Work, heard: Heard) -> Told | None:
    """Another verb changes what is done; a tube has it done."""
    if heard.verb:
        return _verb(work, heard) if heard.verb in VERBS else _answer(work, heard)
    if heard.unknown is not None:
        raise heard.unknown
    return _ACTS[work.state["verb"]](work, heard) if heard.kind == "sample" else None


def _answer(work: Work, heard: Heard) -> Told | None:
    """The reason of a discard, and the yes or no to it."""
    state = work.state
    if heard.verb == "reason" and state["verb"] == "discard":
        state.setdefault(
            "back", {"verb": "discard"} | ({"reason": state["reason"]} if state.get("reason") else {})
        )
        state["reason"] = heard.reason
        return Told("discard_reason", {"discard_reason": heard.reason})
    if heard.verb == "confirm" and state.get("asked"):
        return _discard(work, find_sample(state["asked"], work.by))
    if heard.verb == "cancel" and state.pop("asked", None):
        return Told("discard_not_done", {}, tone="look")
    return _drop(work) if heard.verb == "undo" and ("back" in state or "asked" in state) else None


def _drop(work: Work) -> Told:
    """What was said since the last act is as if it had not been said; the act stands."""
    state = work.state
    asked, back = state.pop("asked", None), state.pop("back", None)
    if back is not None:
        state.clear()
        state.update(back)
    return Told("discard_not_done" if asked else "sentence_dropped", {}, tone="look")


def wants(state: dict[str, Any], verb: str) -> bool:
    return verb == "cancel" and bool(state.get("asked"))


def _verb(work: Work, heard: Heard) -> Told:
    require(work.by, VERBS[heard.verb][0])
    state = work.state
    back = state.get("back") or {name: state[name] for name in ("verb", "reason") if name in state}
    state.clear()
    state["verb"] = heard.verb
    if back and back["verb"] != heard.verb:
        state["back"] = back
    return Told(f"verb_{heard.verb}", {})


def _take_out(work: Work, heard: Heard) -> Told:
    sample: Sample = heard.thing
    act = work.state["verb"]
    if act == "thaw" and not places.where_is([sample.id]).get(sample.id) and sample.status == "available":
        raise RuleViolation("thaw_out_already", sample=sample.code)
    way = storage.thaw if act == "thaw" else storage.take_out
    ended = way(sample=sample, by=work.by)
    work.state.pop("back", None)
    told = {"sample": sample.code, "position": ended.position or "–"}
    box = storage.container_of(ended)
    return Told(
        f"done_{act}", told | {"container": box.name}, outcome="done", act=VERBS[act][1],
        undo={"act": "taken_out", "sample": sample.code, "placement": ended.id},
        shown={"code": sample.code, "position": ended.position},
    )  # fmt: skip


def _put_back(work: Work, heard: Heard) -> Told:
    sample: Sample = heard.thing
    placement = storage.put_back(sample=sample, by=work.by)
    work.state.pop("back", None)
    box = storage.container_of(placement)
    return Told(
        "done_put_back", {"sample": sample.code, "position": placement.position or "–", "container": box.name},
        outcome="done", act="put_back",
        undo={"act": "placed", "sample": sample.code, "placement": placement.id, "moved": False},
        shown={"code": sample.code, "position": placement.position},
    )  # fmt: skip


def _ask_discard(work: Work, heard: Heard) -> Told:
    """Nothing is thrown away by one scan: the tube is shown, and the person says yes."""
    clean = hear_again(heard.raw, work.by, clean=True)
    sample: Sample = clean.thing
    if not work.state.get("reason"):
        raise RuleViolation("discard_reason_first")
    if destruction.open_of([sample.id]):
        raise RuleViolation("destruction_takes_two", sample=sample.code)
    if work.state.get("asked") == sample.code:
        return _discard(work, sample)
    work.state["asked"] = sample.code
    path = places.where_is([sample.id]).get(sample.id, [])
    shown = {"code": sample.code, "position": path[-1].position if path else None}
    return Told("discard_sure", {"sample": sample.code}, tone="look", shown=shown)


def _discard(work: Work, sample: Sample) -> Told:
    reason = work.state["reason"]
    storage.discard(sample=sample, reason=reason, by=work.by)
    work.state.pop("asked", None)
    work.state.pop("back", None)
    params = {"sample": sample.code, "discard_reason": reason}
    return Told(
        "done_discard", params, tone="look", outcome="done", act="discarded",
        undo={"act": "discarded", "sample": sample.code}, shown={"code": sample.code},
    )  # fmt: skip


_ACTS = {"take_out": _take_out, "thaw": _take_out, "put_back": _put_back, "discard": _ask_discard}


def sentence(state: dict[str, Any]) -> Reason:
    if state["verb"] == "discard":
        if state.get("asked"):
            return Reason(
                "discard_sentence_sure", {"sample": state["asked"], "discard_reason": state["reason"]}
            )
        if state.get("reason"):
            return Reason("discard_sentence", {"discard_reason": state["reason"]})
        return Reason("discard_sentence_reason")
    return Reason(f"{state['verb']}_sentence")


TASK = Task("handle", begins, begin, hear, sentence, wants=wants)
