"""The gate before every act: locks donors first, then reads what they said, then asks the rules.

A withdrawal takes the same locks, so that of the two one is first, never both.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from biobank.consent import rules as consent_rules
from biobank.consent import service as consent
from biobank.core import clock, times
from biobank.core.db import Again, chunks, db, lock
from biobank.core.errors import RuleViolation
from biobank.patients.models import Patient
from biobank.samples.models import Hold, Sample, SampleDonor
from biobank.studies.models import Study


def donors_of(sample_ids: Iterable[int]) -> dict[int, set[int]]:
    """Sample key -> patient keys, for each sample asked for."""
    ids = sorted(set(sample_ids))
    found: dict[int, set[int]] = {key: set() for key in ids}
    for chunk in chunks(ids, 500):
        query = select(SampleDonor.sample_id, SampleDonor.patient_id).where(SampleDonor.sample_id.in_(chunk))
        for sample_id, patient_id in db.session.execute(query):
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


def facts_of(samples: Sequence[Sample]) -> dict[int, consent_rules.SampleFacts]:
    """What the rules look at, for each sample; a constant number of queries however many there are."""
    donors = donors_of(sample.id for sample in samples)
    said = consent.donor_facts(set().union(*donors.values()) if donors else set())
    studies = {sample.study_id for sample in samples}
    covered = consent.forms_in_force(studies)
    names = _study_codes(studies)
    holds = _holds([sample.id for sample in samples])
    return {
        sample.id: consent_rules.SampleFacts(
            code=sample.code,
            study=names[sample.study_id],
            donors=tuple(said[key] for key in sorted(donors[sample.id])),
            holds=tuple(holds.get(sample.id, ())),
            form_in_force=sample.study_id in covered,
        )
        for sample in samples
    }


def _study_codes(study_ids: Iterable[int]) -> dict[int, str]:
    query = select(Study.id, Study.code).where(Study.id.in_(sorted(study_ids)))
    return dict(db.session.execute(query).tuples().all())


def _holds(sample_ids: Sequence[int]) -> dict[int, list[consent_rules.HoldFact]]:
    held: dict[int, list[consent_rules.HoldFact]] = {}
    for chunk in chunks(sample_ids, 500):
        query = select(Hold.sample_id, Hold.code).where(Hold.sample_id.in_(chunk), Hold.released_at.is_(None))
        for sample_id, code in db.session.execute(query):
            held.setdefault(sample_id, []).append(consent_rules.HoldFact(code=code, seq=None))
    return held


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


def _require(facts: consent_rules.SampleFacts, act: str, sample: str) -> None:
    now = clock.now()
    decision = consent_rules.may_preserve(facts, act, as_of=times.local_day(now, clock.zone()), known_at=now)
    if decision.verdict is not consent_rules.Verdict.PERMIT:
        raise RuleViolation("preserving_refused", reasons=decision.reasons, act=act, sample=sample)
