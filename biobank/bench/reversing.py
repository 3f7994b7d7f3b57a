"""Each act of the station and the act that takes it back. Nothing is removed: both stand in the record."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from biobank.consent import service as consent
from biobank.core.actor import Actor
from biobank.core.db import lock
from biobank.core.errors import RuleViolation
from biobank.samples import gate, steps
from biobank.samples import undoing as sample_undoing
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample, find_samples
from biobank.storage import places, standing
from biobank.storage import undoing as storage_undoing


def reverse(told: Mapping[str, Any], by: Actor) -> None:
    """Take one act back, as its step told it. raises RuleViolation when something came after it"""
    _WAYS[told["act"]](told, by)


def lock_all(told: Iterable[Mapping[str, Any]], by: Actor) -> None:
    """Lock everything that many acts touched, in the one order, before the first is taken back."""
    acts = list(told)
    codes = {each["sample"] for each in acts if "sample" in each}
    codes |= {code for each in acts for code in each.get("children", ())}
    samples = find_samples(sorted(codes), by) if codes else []
    donors = gate.donors_of([sample.id for sample in samples])
    consent.lock_patients(set().union(*donors.values()) if donors else set())
    if boxes := storage_undoing.containers_of(each["placement"] for each in acts if "placement" in each):
        standing.lock_paths(*boxes)
    lock(Sample, [sample.id for sample in samples])


def _placed(told: Mapping[str, Any], by: Actor) -> None:
    storage_undoing.undo_placed(placement_id=told["placement"], by=by)


def _taken_out(told: Mapping[str, Any], by: Actor) -> None:
    storage_undoing.undo_taken_out(placement_id=told["placement"], by=by)


def _received(told: Mapping[str, Any], by: Actor) -> None:
    sample = find_sample(told["sample"], by)
    if places.where_is([sample.id]):
        raise RuleViolation("undo_too_late", sample=sample.code)
    sample_undoing.undo_receive(sample=sample, by=by)


def _aliquoted(told: Mapping[str, Any], by: Actor) -> None:
    children = find_samples(told["children"], by)
    standing_somewhere = places.where_is([child.id for child in children])
    for child in children:
        if child.id in standing_somewhere:
            raise RuleViolation("undo_too_late", sample=child.code)
    sample_undoing.undo_aliquot(parent=find_sample(told["sample"], by), children=children, by=by)


def _step_started(told: Mapping[str, Any], by: Actor) -> None:
    steps.cancel(batch=told["batch"], by=by)


_WAYS: dict[str, Callable[[Mapping[str, Any], Actor], None]] = {
    "placed": _placed,
    "taken_out": _taken_out,
    "received": _received,
    "aliquoted": _aliquoted,
    "step_started": _step_started,
}
