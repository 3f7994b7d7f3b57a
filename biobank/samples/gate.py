"""The gate before every act: locks donors first, then reads what they said, then asks the rules.

A withdrawal takes the same locks, so that of the two one is first, never both.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, select

from biobank.consent import rules as consent_rules
from biobank.consent import service as consent
from biobank.core import clock, times
from biobank.core.db import Again, chunks, fetch, lock
from biobank.core.errors import RuleViolation
from biobank.patients.models import Patient
from biobank.samples.models import Hold, Sample, SampleDonor
from biobank.studies.models import Study
from biobank.studies.service import study_codes

_DONORS = select(SampleDonor.sample_id, SampleDonor.patient_id).where(
    SampleDonor.sample_id.in_(bindparam("ids", expanding=True))
)
# Donors and open holds in one look: a sample has few of either.
_DONORS_AND_HOLDS = (
    select(SampleDonor.sample_id, SampleDonor.patient_id, Hold.code)
    .outerjoin(Hold, and_(Hold.sample_id == SampleDonor.sample_id, Hold.released_at.is_(None)))
    .where(SampleDonor.sample_id.in_(bindparam("ids", expanding=True)))
)
#: Keys in one query.
_MANY = 5000
#: Reasons of the rules that say that everything was taken back.
_WITHDRAWN = frozenset({"withdrawn_all", "withdrawn_study"})


def donors_of(sample_ids: Iterable[int]) -> dict[int, set[int]]:
    """Sample key -> patient keys, for each sample asked for."""
    ids = sorted(set(sample_ids))
    found: dict[int, set[int]] = {key: set() for key in ids}
    for chunk in chunks(ids, _MANY):
        for sample_id, patient_id in fetch(_DONORS, {"ids": chunk}):
            found[sample_id].add(patient_id)
    return found


def lock_donors(sample_ids: Iterable[int], more_patients: Iterable[int] = ()) -> None:
    """Lock the donors of these samples (and other patients with them): before any container or sample."""
    donors = donors_of(sample_ids)
    consent.lock_patients(set().union(*donors.values(), more_patients) if donors else set(more_patients))


def lock_samples(sample_ids: Iterable[int]) -> list[Sample]:
    """Lock donors, then the samples; fresh rows, in the order asked. What they said is read only after this.

    raises  Again when a donor was corrected in between, so that the unit of work is run once more
    """
    ids = list(dict.fromkeys(sample_ids))
    before = donors_of(ids)
    consent.lock_patients(set().union(*before.values()) if before else set())
    rows = {row.id: row for row in lock(Sample, ids)}
    if donors_of(ids) != before:
        raise Again
    return [rows[key] for key in ids]


def facts_of(samples: Sequence[Sample], *, of_today: bool = False) -> dict[int, consent_rules.SampleFacts]:
    """What the rules look at, for each sample; a constant number of queries however many there are.

    of_today  only for a question about now: whether a form is in force is then looked up only for samples of donors
              who have answered none, for whom alone it makes a difference
    """
    donors, holds = _donors_and_holds([sample.id for sample in samples])
    said = consent.donor_facts(set().union(*donors.values()) if donors else set())
    study_ids = {sample.study_id for sample in samples}
    names = study_codes(study_ids)
    asked = _unanswered(samples, donors, said, names) if of_today else study_ids
    covered = (study_ids - asked) | (consent.forms_in_force(asked) if asked else set())
    return {
        sample.id: consent_rules.SampleFacts(
            code=sample.code,
            study=names[sample.study_id],
            donors=tuple(said[key] for key in sorted(donors[sample.id])),
            holds=tuple(consent_rules.HoldFact(code=code) for code in sorted(holds[sample.id])),
            form_in_force=sample.study_id in covered,
        )
        for sample in samples
    }


def _unanswered(
    samples: Sequence[Sample],
    donors: dict[int, set[int]],
    said: dict[int, consent_rules.DonorFacts],
    names: dict[int, str],
) -> set[int]:
    """Keys of the studies of samples that have a donor without any answer to a form that covers them."""
    return {
        sample.study_id
        for sample in samples
        for key in donors[sample.id]
        if not any(each.study in (None, names[sample.study_id]) for each in said[key].consents)
    }


def _donors_and_holds(sample_ids: Sequence[int]) -> tuple[dict[int, set[int]], dict[int, set[str]]]:
    """Sample key -> patient keys, and sample key -> codes of its open holds; for each sample asked for."""
    donors: dict[int, set[int]] = {key: set() for key in sample_ids}
    holds: dict[int, set[str]] = {key: set() for key in sample_ids}
    for chunk in chunks(sample_ids, _MANY):
        for sample_id, patient_id, code in fetch(_DONORS_AND_HOLDS, {"ids": chunk}):
            donors[sample_id].add(patient_id)
            if code is not None:
                holds[sample_id].add(code)
    return donors, holds


def require_preserving(samples: Sequence[Sample], act: str) -> None:
    """Refuse an act of preservation that a withdrawal forbids. The caller holds the locks.

    raises  RuleViolation `preserving_refused` with every reason
    """
    facts = facts_of(samples)
    for sample in samples:
        _require(facts[sample.id], act, sample.code)


def require_preserving_of(patient: Patient, study: Study, act: str) -> None:
    """The same for a sample that does not exist yet."""
    facts = consent_rules.SampleFacts(
        code="",
        study=study.code,
        donors=(consent.donor_facts({patient.id})[patient.id],),
        holds=(),
        form_in_force=study.id in consent.forms_in_force({study.id}),
    )
    _require(facts, act, "")


def is_withdrawn(facts: consent_rules.SampleFacts) -> bool:
    """Has a donor taken back all, or all of the study, and not consented since?"""
    return bool(_WITHDRAWN & {reason.code for reason in _may_preserve(facts, "aliquot").reasons})


def now_for(facts: consent_rules.SampleFacts) -> datetime:
    """This instant, and never before anything its donors said was recorded: a clock that was put back, or another
    machine's that runs ahead, does not make unsaid what was said."""
    answered = [consent.recorded_at for donor in facts.donors for consent in donor.consents]
    taken_back = [withdrawal.recorded_at for donor in facts.donors for withdrawal in donor.withdrawals]
    return max([clock.now(), *answered, *taken_back])


def _require(facts: consent_rules.SampleFacts, act: str, sample: str) -> None:
    decision = _may_preserve(facts, act)
    if decision.verdict is not consent_rules.Verdict.PERMIT:
        raise RuleViolation("preserving_refused", reasons=decision.reasons, act=act, sample=sample)


def _may_preserve(facts: consent_rules.SampleFacts, act: str) -> consent_rules.Decision:
    now = now_for(facts)
    return consent_rules.may_preserve(facts, act, as_of=times.local_day(now, clock.zone()), known_at=now)
