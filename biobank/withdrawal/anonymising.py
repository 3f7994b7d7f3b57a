"""Breaks the link to a person for good, once they have withdrawn everything: one person asks, another one agrees.

What would still point to the person is searched for and shown in between (`traces`). The consents, withdrawals,
samples, decisions and the record stay: what they name the person by leads to nobody afterwards.
"""

from collections.abc import Collection

from sqlalchemy import Select, select

from biobank.audit import service as audit
from biobank.consent import documents
from biobank.consent import service as consent
from biobank.consent.facts import DonorFacts, SampleFacts
from biobank.consent.models import Withdrawal
from biobank.core import clock, residue
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, current_unit, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.patients import links
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.samples import gate
from biobank.withdrawal.models import Anonymisation
from biobank.withdrawal.naming import Naming
from biobank.withdrawal.traces import chosen_of, drop_passing, find_traces, overwrite, seen


def ask(*, patient: Patient, reason: str, by: Actor, withdrawal: Withdrawal | None = None) -> Anonymisation:
    """Ask for the link to this person to be broken. Nothing is erased yet.

    reason      why; may be blank where a withdrawal asks for it. It stands in the record, so it names nobody
    withdrawal  the withdrawal that asks for it; the last one in force unless given
    raises      RuleViolation `anonymisation_not_withdrawn` unless the person has withdrawn everything,
                `anonymisation_open`, `patient_anonymised`; Malformed naming `reason`; NotFound
    """
    (patient,) = _locked(patient, by)
    patients.require_linked(patient)
    last = withdrawal_in_force(patient)
    if last is None:
        raise RuleViolation("anonymisation_not_withdrawn", patient=patient.code)
    if open_of(patient) is not None:
        raise RuleViolation("anonymisation_open", patient=patient.code)
    _check_reason(patient, reason, needed=withdrawal is None)
    asked = Anonymisation(
        patient_id=patient.id,
        withdrawal_id=(withdrawal or last).id,
        reason=reason.strip(),
        asked_at=clock.now(),
        asked_by=by.key,
    )
    db.session.add(asked)
    db.session.flush()
    _tell(patient, "anonymisation_asked", asked, by, reason=reason.strip() or None)
    return asked


def ask_for(*, withdrawal: Withdrawal, patient: Patient, by: Actor) -> Anonymisation:
    """A withdrawal of everything wants the link broken: ask for it, unless that was done already."""
    return open_of(patient) or ask(patient=patient, reason="", by=by, withdrawal=withdrawal)


def cancel(*, anonymisation: Anonymisation, reason: str, by: Actor) -> Anonymisation:
    """The link stays. raises RuleViolation `anonymisation_ended`; Malformed naming `reason`; NotFound"""
    patient = _patient(anonymisation)
    _locked(patient, by)
    _require_open(anonymisation)
    _check_reason(patient, reason, needed=True)
    anonymisation.cancelled_at, anonymisation.cancelled_by = clock.now(), by.key
    anonymisation.why_cancelled = reason.strip()
    db.session.flush()
    _tell(patient, "anonymisation_cancelled", anonymisation, by, reason=reason.strip())
    return anonymisation


def agree(
    *, anonymisation: Anonymisation, code: str, looked_at: str, erase: Collection[str], by: Actor
) -> Anonymisation:
    """Break the link. It cannot be undone by anybody.

    code       the pseudonym once more, so that it is the right person's
    looked_at  `traces.seen` of what was shown: nothing is erased, and nothing left, that nobody looked at
    erase      keys of the traces to be overwritten
    raises     RuleViolation `anonymisation_same_person`, `anonymisation_ended`, `anonymisation_not_withdrawn`,
               `traces_changed`; Malformed naming `code`; NotFound
    """
    (patient,) = _locked(_patient(anonymisation), by)
    _require_open(anonymisation)
    if anonymisation.asked_by == by.key:
        raise RuleViolation("anonymisation_same_person")
    if withdrawal_in_force(patient) is None:
        raise RuleViolation("anonymisation_not_withdrawn", patient=patient.code)
    if code.strip() != patient.code:
        raise Malformed({"code": Reason("anonymisation_other_code")})
    traces = find_traces(patient)
    if looked_at != seen(traces):
        raise RuleViolation("traces_changed")
    naming = Naming([*links.names_of(patient), patient.subject_key or ""])
    overwritten = overwrite(chosen_of(traces, erase), naming, by=by)
    anonymisation.agreed_at, anonymisation.agreed_by = clock.now(), by.key
    db.session.flush()
    _tell(patient, "anonymisation_agreed", anonymisation, by, overwritten=overwritten)
    documents.erase(patient=patient, by=by)
    patients.erase_link(patient=patient, by=by)
    drop_passing(naming)
    current_unit().after_commit.append(residue.wipe)
    return anonymisation


def withdrawal_in_force(patient: Patient) -> Withdrawal | None:
    """The last withdrawal of everything that holds: not taken out of force, and by the rules nothing was agreed to
    since, for any study."""
    (donor,) = consent.donor_facts({patient.id}).values()
    everything = [each for each in donor.withdrawals if each.scope == "all" and each.reversed_at is None]
    studies = {paper.study or "" for paper in donor.consents} | {""}
    if not everything or not all(gate.is_withdrawn(_of_study(donor, study)) for study in studies):
        return None
    return db.session.get_one(Withdrawal, max(each.id for each in everything))


def _of_study(donor: DonorFacts, study: str) -> SampleFacts:
    """What the rules look at of a sample of theirs that was taken for this study; blank: for one that no form names."""
    return SampleFacts(code="", study=study, donors=(donor,), holds=(), form_in_force=False)


def open_of(patient: Patient) -> Anonymisation | None:
    """What was asked for this patient and is neither agreed to nor cancelled."""
    return db.session.scalars(_open().where(Anonymisation.patient_id == patient.id)).first()


def of_patient(patient: Patient) -> list[Anonymisation]:
    """All that was ever asked for this patient, the newest first."""
    query = select(Anonymisation).where(Anonymisation.patient_id == patient.id)
    return list(db.session.scalars(query.order_by(Anonymisation.id.desc())))


def list_open(by: Actor) -> list[tuple[Anonymisation, Patient]]:
    """What waits for a second person, the oldest first."""
    query = _open().join(Patient, Patient.id == Anonymisation.patient_id).add_columns(Patient)
    if by.site_id is not None:
        query = query.where(Patient.site_id == by.site_id)
    return [(row[0], row[1]) for row in db.session.execute(query.order_by(Anonymisation.id))]


def find(key: int, by: Actor) -> tuple[Anonymisation, Patient]:
    """raises NotFound, also for another site's"""
    found = db.session.get(Anonymisation, key) if 0 < key <= MAX_INTEGER else None
    patient = _patient(found) if found else None
    if found is None or patient is None or not by.sees(patient.site_id):
        raise NotFound("anonymisation_unknown", anonymisation=str(key)[:20])
    return found, patient


def _open() -> Select[Anonymisation]:
    return select(Anonymisation).where(
        Anonymisation.agreed_at.is_(None), Anonymisation.cancelled_at.is_(None)
    )


def _patient(anonymisation: Anonymisation) -> Patient:
    return db.session.get_one(Patient, anonymisation.patient_id)


def _locked(patient: Patient, by: Actor) -> list[Patient]:
    """The patient's lock: of two who agree, cancel or record something, one is first."""
    if not by.sees(patient.site_id):
        raise NotFound("patient_unknown", patient=patient.code)
    return lock(Patient, [patient.id])


def _require_open(anonymisation: Anonymisation) -> None:
    db.session.refresh(anonymisation)
    if anonymisation.agreed_at is not None or anonymisation.cancelled_at is not None:
        raise RuleViolation("anonymisation_ended")


def _check_reason(patient: Patient, reason: str, *, needed: bool) -> None:
    if needed and not reason.strip():
        raise Malformed({"reason": Reason("reason_needed")})
    if Naming(links.names_of(patient)).in_text(reason):
        raise Malformed({"reason": Reason("anonymisation_reason_names")})


def _tell(
    patient: Patient,
    act: str,
    anonymisation: Anonymisation,
    by: Actor,
    *,
    reason: str | None = None,
    **more: int,
) -> None:
    audit.record(
        by=by,
        act=act,
        subject=("patient", str(patient.subject_key)),
        after={"anonymisation": anonymisation.id, **more},
        reason=reason,
    )
