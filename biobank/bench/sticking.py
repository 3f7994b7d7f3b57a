"""Receiving a kit: the labels that are stuck on its tubes, each read once it is on. It says which comes next."""

from typing import Any

from biobank.bench.heard import Heard
from biobank.bench.task import Told, Work
from biobank.printing import checks
from biobank.samples.reading import find_told


def is_complete(state: dict[str, Any]) -> bool:
    rest = any(not tube["verified"] for tube in state["tubes"])
    return not rest and not state["left"] and not state.get("expected")


def waiting_for(state: dict[str, Any]) -> dict[str, Any] | None:
    """The tube whose label comes next: the one that was scanned last, else the first that has none."""
    unverified = [tube for tube in state["tubes"] if not tube["verified"]]
    return next(
        (tube for tube in unverified if tube["sample"] == state["now"]), unverified[0] if unverified else None
    )


def label_read(work: Work, heard: Heard, here: dict[str, Any] | None) -> Told:
    """A maker's code says which tube is in the hand; our number is the label that was stuck on it."""
    state = work.state
    if here is not None and heard.text != here["sample"]:
        state["now"] = here["sample"]
        params = {"sample": here["sample"], "tube": heard.text}
        return Told(
            "receive_in_hand",
            params,
            tone="look" if here["verified"] else "yes",
            shown={"code": here["sample"]},
        )
    waiting = waiting_for(state)
    if waiting is None or (here is not None and here["verified"]):
        return Told("receive_label_again", {"sample": heard.text}, tone="look", shown={"code": heard.text})
    sample = find_told(waiting["sample"], work.by)
    in_hand = waiting["tube"] if waiting["sample"] == state["now"] else None
    checks.verify(sample=sample, read=heard.text, known_by=in_hand, by=work.by)
    state["tubes"] = [tube | {"verified": True} if tube is waiting else tube for tube in state["tubes"]]
    state["now"] = None
    code = "receive_complete" if is_complete(state) else "receive_label_right"
    params = {"sample": heard.text, "count": len(state["tubes"])}
    return Told(code, params, act="label_checked", shown={"code": heard.text})
