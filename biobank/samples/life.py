"""The life of a sample, one row at a time: the table of transitions, applied and recorded."""

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.times import When
from biobank.samples import gate, rules
from biobank.samples.models import Sample


def set_status(
    sample: Sample, act: str, *, by: Actor, told: str, happened: When, reason: str | None = None,
    after: dict[str, object] | None = None,
) -> None:  # fmt: skip
    """Carry a sample whose row is locked through one act of the table, and record it.

    told    what the record calls it: lost, found, handed_out, discarded …
    raises  RuleViolation when the table does not list it, or the time is to come
    """
    rules.refuse([rules.act_not_in_future(happened, clock.now(), clock.zone())])
    before = sample.status
    sample.status = rules.next_status(sample.status, act).value
    audit.record(
        by=by, act=told, subject=("sample", sample.code), before={"status": before},
        after={"status": sample.status, **(after or {})}, reason=reason, happened=happened,
    )  # fmt: skip


def lose(*, sample: Sample, by: Actor, reason: str | None = None, at: When | None = None) -> Sample:
    """It was looked for and is not there. Where it stood is for storage to free."""
    (locked,) = gate.lock_samples([sample.id])
    set_status(locked, rules.Act.LOSE, by=by, told="lost", happened=at or When.now(clock.now), reason=reason)
    return locked


def find(*, sample: Sample, by: Actor, reason: str | None = None, at: When | None = None) -> Sample:
    """A lost sample is here again; it stands nowhere until it is placed."""
    (locked,) = gate.lock_samples([sample.id])
    set_status(locked, rules.Act.FIND, by=by, told="found", happened=at or When.now(clock.now), reason=reason)
    return locked
