"""Each act of the station and the act that takes it back. Nothing is removed: both stand in the record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from biobank.consent import service as consent
from biobank.core.actor import Actor
from biobank.core.db import lock
from biobank.core.errors import Forbidden, Reason, RuleViolation
from biobank.printing import relabelling
from biobank.printing.models import LabelJob
from biobank.quality import service as quality
from biobank.samples import allotted, gate, steps
from biobank.samples import undoing as sample_undoing
from biobank.samples.models import Sample
from biobank.samples.reading import ever_called, find_told
from biobank.storage import destruction, places, standing
from biobank.storage import undoing as storage_undoing

#: What the record says was done about something that was no fault after all.
MISTAKE = "Recorded by mistake, and taken back"


def reverse(told: Mapping[str, Any], by: Actor) -> list[Reason]:
    """Take one act back, as its step told it.

    returns  what is not as it was all the same, such as a place that somebody took meanwhile
    raises   Forbidden without the permission that the act itself takes; RuleViolation when something came after it, or
             it is not this person's to take back
    """
    permission = _TAKES.get(told["act"])
    if permission is not None and not by.may(permission):
        raise Forbidden("forbidden_permission", permission=permission)
    return _WAYS[told["act"]](told, by) or []


def lock_all(told: Iterable[Mapping[str, Any]], by: Actor) -> None:
    """Lock everything that many acts touched, in the one order, before the first is taken back."""
    acts = list(told)
    codes = {each["sample"] for each in acts if "sample" in each}
    codes |= {code for each in acts for code in (*each.get("children", ()), *each.get("tubes", ()))}
    samples = list({sample.id: sample for sample in ever_called(codes, by).values()}.values())
    donors = gate.donors_of([sample.id for sample in samples])
    consent.lock_patients(set().union(*donors.values()) if donors else set())
    placements = [each["placement"] for each in acts if "placement" in each]
    placements += [key for each in acts for key in each.get("placements", ())]
    boxes = storage_undoing.containers_of(placements)
    boxes |= storage_undoing.thrown_out_of(sample.id for sample in samples)
    if boxes:
        standing.lock_paths(*boxes)
    lock(Sample, [sample.id for sample in samples])


def _placed(told: Mapping[str, Any], by: Actor) -> None:
    storage_undoing.undo_placed(placement_id=told["placement"], by=by)


def _taken_out(told: Mapping[str, Any], by: Actor) -> None:
    storage_undoing.undo_taken_out(placement_id=told["placement"], by=by)


def _received(told: Mapping[str, Any], by: Actor) -> None:
    """It was announced, and is so again."""
    lock_all([told], by)
    sample = find_told(told["sample"], by)
    _require_nowhere([sample])
    sample_undoing.undo_receive(sample=sample, by=by)


def _registered(told: Mapping[str, Any], by: Actor) -> None:
    """Nobody had heard of it before: it goes out of the world, and its label is not printed any more."""
    lock_all([told], by)
    sample = find_told(told["sample"], by)
    number = sample.code
    _require_nowhere([sample])
    _require_no_task([sample])
    sample_undoing.undo_register(sample=sample, by=by)
    # The label of a number that was printed ahead stays on the tube; one asked for again was the wrong person's.
    codes = {told["sample"], number, sample.code}
    ahead = {code for code in codes if allotted.is_ahead(code)}
    _no_labels(codes - ahead, by)
    _no_labels(ahead, by, LabelJob.patient_id.is_not(None))


def _aliquoted(told: Mapping[str, Any], by: Actor) -> None:
    """What was read with its rack is taken out of that first."""
    lock_all([told], by)
    for placement in told.get("placements", ()):
        storage_undoing.undo_placed(placement_id=placement, by=by)
    children = [find_told(code, by) for code in told["children"]]
    _require_nowhere(children)
    _require_no_task(children)
    sample_undoing.undo_aliquot(parent=find_told(told["sample"], by), children=children, by=by)
    _no_labels([*told["children"], *(child.code for child in children)], by)


def _require_nowhere(samples: Sequence[Sample]) -> None:
    standing_somewhere = places.where_is([sample.id for sample in samples])
    for sample in samples:
        if sample.id in standing_somewhere:
            raise RuleViolation("undo_too_late", sample=sample.code)


def _require_no_task(samples: Sequence[Sample]) -> None:
    """What two people are asked to destroy does not go out of the world by one."""
    asked = destruction.open_of([sample.id for sample in samples])
    for sample in samples:
        if sample.id in asked:
            raise RuleViolation("destruction_takes_two", sample=sample.code)


def _no_labels(codes: Iterable[str], by: Actor, *which: ColumnElement[bool]) -> None:
    """What is not at the printer yet is not printed."""
    waiting = select(LabelJob).where(
        LabelJob.code.in_(sorted(codes)), LabelJob.state.in_(("waiting", "failed"))
    )
    relabelling.drop(waiting.where(*which), by)


def _step_started(told: Mapping[str, Any], by: Actor) -> None:
    steps.cancel(batch=told["batch"], by=by)


def _step_stopped(told: Mapping[str, Any], by: Actor) -> None:
    sample_undoing.undo_stop(runs=told["runs"], by=by)


def _discarded(told: Mapping[str, Any], by: Actor) -> list[Reason]:
    sample = find_told(told["sample"], by)
    if (elsewhere := storage_undoing.undo_discarded(sample=sample, by=by)) is None:
        return []
    why = Reason(elsewhere.code, elsewhere.params)
    return [Reason("undone_without_place", {"sample": sample.code}), why, *elsewhere.reasons]


def _non_conformity(told: Mapping[str, Any], by: Actor) -> None:
    """It is closed as a mistake; the hold that it put ends with it."""
    quality.close(item=quality.find_item(told["item"], by), action=MISTAKE, by=by)


#: What some acts take, and so taking them back.
_TAKES = {"registered": "sample:collect", "received": "sample:collect", "discarded": "sample:discard"}

_WAYS: dict[str, Callable[[Mapping[str, Any], Actor], list[Reason] | None]] = {
    "placed": _placed,
    "taken_out": _taken_out,
    "received": _received,
    "registered": _registered,
    "aliquoted": _aliquoted,
    "step_started": _step_started,
    "step_stopped": _step_stopped,
    "discarded": _discarded,
    "non_conformity": _non_conformity,
}
