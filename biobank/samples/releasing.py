"""Who may end what a withdrawal holds: never the one person on whose word alone it would be over.

A tube that turned out to be somebody else's stays held until a second person has looked; so does one whose donor agreed
again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select

from biobank.consent.facts import SampleFacts
from biobank.consent.models import Consent, Withdrawal
from biobank.core.actor import Actor
from biobank.core.db import Again, chunks, db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.patients import service as patients
from biobank.samples import gate, holds, reading
from biobank.samples.models import Sample, SampleCorrection, SampleParent

#: Withdrawals of these hold samples.
WHOLE = ("all", "study")


def release_corrected(*, sample: Sample, reason: str, by: Actor) -> list[str]:
    """End what a withdrawal holds of a sample, and of what was made of it, that turned out to be of somebody who has
    not withdrawn.

    returns  the numbers of the samples that were held so
    raises   Malformed without a reason; RuleViolation `hold_of_withdrawal` where it was never another's, or is
             withdrawn now, `release_needs_another` for who recorded the correction or the withdrawal; NotFound
    """
    if not by.sees(sample.site_id):
        raise NotFound("sample_unknown", sample=sample.code)
    if not reason.strip():
        raise Malformed({"reason": Reason("reason_needed")})
    ids = reading.family_ids(sample)
    samples = gate.lock_samples(ids)
    if reading.family_ids(sample) != ids:
        raise Again  # something was made of it before the locks were had
    holds.find_hold(sample, holds.WITHDRAWAL)
    facts, corrected = gate.facts_of(samples), corrected_by(ids)
    free = [key for key in corrected if not gate.is_withdrawn(facts[key])]
    if sample.id not in free:
        raise RuleViolation("hold_of_withdrawal", sample=sample.code)
    alone = on_their_word(facts, by)
    if sample.id in alone:
        raise RuleViolation("release_needs_another", sample=sample.code)
    mine = [key for key in free if key not in alone]
    return holds.release_many(mine, code=holds.WITHDRAWAL, reason=reason.strip(), by=by)


def was_anothers(sample: Sample) -> bool:
    """Whether it, or what it was made of, was taken to be of somebody who withdrew."""
    return bool(corrected_by([sample.id]))


def on_their_word(facts: Mapping[int, SampleFacts], by: Actor) -> set[int]:
    """Of these samples, by their keys: those whose hold this person may not end, because they recorded the withdrawal,
    the correction that took the sample away from it, or every consent that outlives it."""
    donors = [donor for each in facts.values() for donor in each.donors]
    consents = _recorded(Consent, {paper.id for donor in donors for paper in donor.consents}, by)
    taken_back = _recorded(Withdrawal, {each.id for donor in donors for each in donor.withdrawals}, by)
    found = {key for key, people in corrected_by(facts).items() if by.key in people}
    for key, each in facts.items():
        if key not in found and (_said_by(each, taken_back) or gate.is_withdrawn(_without(each, consents))):
            found.add(key)
    return found


def _said_by(facts: SampleFacts, withdrawals: Collection[int]) -> bool:
    return any(
        withdrawal.id in withdrawals
        and withdrawal.reversed_at is None
        and (withdrawal.scope == "all" or (withdrawal.scope == "study" and withdrawal.study == facts.study))
        for donor in facts.donors
        for withdrawal in donor.withdrawals
    )


def _without(facts: SampleFacts, consents: Collection[int]) -> SampleFacts:
    """As if these consents had not been recorded."""
    donors = tuple(
        replace(donor, consents=tuple(paper for paper in donor.consents if paper.id not in consents))
        for donor in facts.donors
    )
    return replace(facts, donors=donors)


def _recorded(kind: type[Consent] | type[Withdrawal], ids: Iterable[int], by: Actor) -> set[int]:
    found: set[int] = set()
    for chunk in chunks(sorted(ids), 500):
        found |= set(
            db.session.scalars(select(kind.id).where(kind.id.in_(chunk), kind.recorded_by == by.key))
        )
    return found


def corrected_by(sample_ids: Iterable[int]) -> dict[int, set[str]]:
    """Sample key -> who recorded the corrections of its patient, or a withdrawal of who it was taken away from; only
    samples that were, or are made of what was, taken away from somebody who withdrew. Two statements for 500 samples.
    """
    found: dict[int, set[str]] = {}
    for chunk in chunks(sorted(set(sample_ids)), 500):
        rows = _corrections(chunk)
        keys = patients.ids_of({old for _, old, _ in rows})
        recorders = _recorders(keys.values())
        for sample_id, old, _ in rows:
            if old not in keys:  # their link is broken since, which only a withdrawal allows
                found.setdefault(sample_id, set())
            elif keys[old] in recorders:
                found.setdefault(sample_id, set()).update(recorders[keys[old]])
        for sample_id, _, actor in rows:
            if sample_id in found:
                found[sample_id].add(actor)
    return found


def _corrections(sample_ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """Sample, whose it was taken to be, and who put it right: of these and of all that they were made of."""
    tree = select(Sample.id.label("sample_id"), Sample.id.label("from_id")).where(Sample.id.in_(sample_ids))
    lines = tree.cte(recursive=True)
    lines = lines.union(
        select(lines.c.sample_id, SampleParent.parent_id).join(
            lines, SampleParent.child_id == lines.c.from_id
        )
    )
    query = (
        select(lines.c.sample_id, SampleCorrection.old, SampleCorrection.actor_key)
        .join(SampleCorrection, SampleCorrection.sample_id == lines.c.from_id)
        .where(SampleCorrection.what == "patient")
    )
    return [(row[0], row[1], row[2]) for row in db.session.execute(query)]


def _recorders(patient_ids: Iterable[int]) -> dict[int, set[str]]:
    """Patient -> who recorded what they took back as a whole."""
    found: dict[int, set[str]] = {}
    query = select(Withdrawal.patient_id, Withdrawal.recorded_by).where(
        Withdrawal.patient_id.in_(set(patient_ids)), Withdrawal.scope.in_(WHOLE)
    )
    for patient_id, actor in db.session.execute(query):
        found.setdefault(patient_id, set()).add(actor)
    return found
