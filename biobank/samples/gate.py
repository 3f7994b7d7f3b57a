"""The gate before every act: locks donors first, then reads what they said, then asks the rules.

A withdrawal takes the same locks, so that of the two one is first, never both.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from biobank.consent import rules as consent_rules
from biobank.consent import service as consent
from biobank.core import clock, settings, times, vocabularies
from biobank.core.among import among
from biobank.core.db import Again, UTCDateTime, fetch, lock
from biobank.core.errors import RuleViolation
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.samples.models import Hold, Sample, SampleCorrection, SampleDonor
from biobank.studies.models import Study, StudyTerms
from biobank.studies.service import study_codes

_DONORS = select(SampleDonor.sample_id, SampleDonor.patient_id).where(among(SampleDonor.sample_id, "ids"))


#: The terms of a study, beside the row that holds.
_TERMS = aliased(StudyTerms)


def _about(
    hold_is_open: ColumnElement[bool], terms_are_known: ColumnElement[bool]
) -> Select[*tuple[Any, ...]]:
    """Donors, holds, and what the study lays on the sample, in one look: a sample has few of each."""
    newest = select(func.max(_TERMS.id)).where(_TERMS.study_id == Sample.study_id, terms_are_known)
    return (
        select(
            Sample.id,
            SampleDonor.patient_id,
            Hold.code,
            StudyTerms.reserved,
            StudyTerms.closed_on,
            StudyTerms.keep_until,
        )
        .outerjoin(SampleDonor, SampleDonor.sample_id == Sample.id)
        .outerjoin(Hold, and_(Hold.sample_id == Sample.id, hold_is_open))
        .outerjoin(StudyTerms, StudyTerms.id == newest.scalar_subquery())
        .where(among(Sample.id, "ids"))
    )


_THEN = bindparam("known_at", type_=UTCDateTime)
_ABOUT_NOW = _about(Hold.released_at.is_(None), _TERMS.recorded_at.is_not(None))
_ABOUT_THEN = _about(
    and_(Hold.opened_at <= _THEN, or_(Hold.released_at.is_(None), Hold.released_at > _THEN)),
    _TERMS.recorded_at <= _THEN,
)
# Whose a sample was taken to be before each correction since then, the last correction first.
_CORRECTED_SINCE = (
    select(SampleCorrection.sample_id, SampleCorrection.old, SampleCorrection.new)
    .where(
        among(SampleCorrection.sample_id, "ids"),
        SampleCorrection.what == "patient",
        SampleCorrection.recorded_at > _THEN,
    )
    .order_by(SampleCorrection.id.desc())
)
#: Reasons of the rules that say that everything was taken back.
WITHDRAWN = frozenset({"withdrawn_all", "withdrawn_study"})


def donors_of(sample_ids: Iterable[int]) -> dict[int, set[int]]:
    """Sample key -> patient keys, for each sample asked for."""
    ids = sorted(set(sample_ids))
    found: dict[int, set[int]] = {key: set() for key in ids}
    for sample_id, patient_id in fetch(_DONORS, {"ids": ids}):
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


class Told(Protocol):
    """What must be known of a sample to ask the rules about it: its row, or these columns of it."""

    @property
    def id(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def study_id(self) -> int: ...
    @property
    def type(self) -> str: ...


class _About(NamedTuple):
    """What was read of one sample."""

    donors: set[int]
    holds: set[str]
    terms: consent_rules.StudyFacts


def facts_of(
    samples: Sequence[Told], *, of_today: bool = False, known_at: datetime | None = None
) -> dict[int, consent_rules.SampleFacts]:
    """What the rules look at, for each sample; a constant number of queries however many there are.

    of_today  only for a question about now: whether a form is in force is then looked up only for samples of donors
              who have answered none, for whom alone it makes a difference
    known_at  as it was known then: its holds, its donors, the terms of its study, the forms in force
    """
    about = _read_about([sample.id for sample in samples], known_at)
    said = consent.donor_facts(set().union(*(each.donors for each in about.values())) if about else set())
    study_ids = {sample.study_id for sample in samples}
    names = study_codes(study_ids)
    asked = _unanswered(samples, about, said, names) if of_today else study_ids
    covered = (study_ids - asked) | (consent.forms_in_force(asked, known_at) if asked else set())
    home, germinal = settings.country(), vocabularies.germinal_types()
    return {
        sample.id: consent_rules.SampleFacts(
            code=sample.code,
            study=names[sample.study_id],
            donors=tuple(said[key] for key in sorted(about[sample.id].donors)),
            holds=tuple(consent_rules.HoldFact(code=code) for code in sorted(about[sample.id].holds)),
            form_in_force=sample.study_id in covered,
            terms=about[sample.id].terms,
            home=home,
            germinal=sample.type in germinal,
        )
        for sample in samples
    }


def _unanswered(
    samples: Sequence[Told],
    about: dict[int, _About],
    said: dict[int, consent_rules.DonorFacts],
    names: dict[int, str],
) -> set[int]:
    """Keys of the studies of samples that have a donor without any answer to a form that covers them."""
    return {
        sample.study_id
        for sample in samples
        for key in about[sample.id].donors
        if not any(each.study in (None, names[sample.study_id]) for each in said[key].consents)
    }


def _read_about(sample_ids: Sequence[int], known_at: datetime | None) -> dict[int, _About]:
    """Donors, open holds and study terms of each sample asked for."""
    found: dict[int, _About] = {}
    statement, more = (_ABOUT_NOW, {}) if known_at is None else (_ABOUT_THEN, {"known_at": known_at})
    for sample_id, patient_id, hold, reserved, closed_on, keep_until in fetch(
        statement, {"ids": list(sample_ids), **more}
    ):
        each = found.get(sample_id)
        if each is None:
            terms = NO_TERMS
            if reserved is not None:
                terms = consent_rules.StudyFacts(reserved, closed_on, keep_until)
            each = found[sample_id] = _About(set(), set(), terms)
        if patient_id is not None:
            each.donors.add(patient_id)
        if hold is not None:
            each.holds.add(hold)
    if known_at is not None:
        _as_attributed(found, known_at)
    return found


NO_TERMS = consent_rules.StudyFacts()


def _as_attributed(about: dict[int, _About], known_at: datetime) -> None:
    """Put back the donors that were corrected since. Of a pool nobody can tell any more whether the right one was in
    it already, so both are asked: what was allowed then can only come out stricter."""
    rows = fetch(_CORRECTED_SINCE, {"ids": list(about), "known_at": known_at})
    keys = patients.ids_of({key for row in rows for key in row[1:]})
    for sample_id, old, new in rows:
        donors = about[sample_id].donors
        if len(donors) == 1:
            donors.discard(keys.get(new, 0))
        if old in keys:
            donors.add(keys[old])


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
    return bool(WITHDRAWN & {reason.code for reason in _may_preserve(facts, "aliquot").reasons})


def now_for(facts: consent_rules.SampleFacts, now: datetime | None = None) -> datetime:
    """This instant, and never before anything its donors said was recorded: a clock that was put back, or another
    machine's that runs ahead, does not make unsaid what was said."""
    latest = now or clock.now()
    for donor in facts.donors:
        for paper in donor.consents:
            latest = max(latest, paper.recorded_at)
        for withdrawal in donor.withdrawals:
            latest = max(latest, withdrawal.reversed_at or withdrawal.recorded_at)
    return latest


def _require(facts: consent_rules.SampleFacts, act: str, sample: str) -> None:
    decision = _may_preserve(facts, act)
    if decision.verdict is not consent_rules.Verdict.PERMIT:
        raise RuleViolation("preserving_refused", reasons=decision.reasons, act=act, sample=sample)


def _may_preserve(facts: consent_rules.SampleFacts, act: str) -> consent_rules.Decision:
    now = now_for(facts)
    return consent_rules.may_preserve(facts, act, as_of=times.local_day(now, clock.zone()), known_at=now)
