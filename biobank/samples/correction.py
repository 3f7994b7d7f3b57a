"""Mistakes put right: a new entry names the old, nothing is overwritten unseen, and consent is decided anew."""

from sqlalchemy import delete, insert, select, update

from biobank.audit import service as audit
from biobank.consent import service as consent
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import Again, db
from biobank.core.errors import NotFound, RuleViolation
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.samples import gate, holds, reading
from biobank.samples.collection import check_type, event_of
from biobank.samples.models import CollectionEvent, Sample, SampleCorrection, SampleDonor, SampleParent
from biobank.studies.models import Study

#: Nothing of these is left that could be held.
GONE = ("destroyed", "depleted")


def wrong_type(*, sample: Sample, type: str, reason: str, by: Actor) -> Sample:
    """It is of another type than recorded."""
    check_type(type)
    (locked,) = gate.lock_samples([sample.id])
    if locked.type == type:
        raise RuleViolation("nothing_to_correct", sample=locked.code)
    _enter(locked.id, "type", locked.type, type, reason, by)
    audit.record(by=by, act="corrected", subject=("sample", locked.code), before={"type": locked.type},
                 after={"type": type}, reason=reason)  # fmt: skip
    locked.type = type
    return locked


def wrong_patient(*, sample: Sample, patient: Patient, reason: str, by: Actor) -> list[Sample]:
    """The tube is another patient's: it, and all that was made of it, follows. Earlier decisions no longer count, what
    the other one withdrew is held, and nothing is let go. `withdrawal.correcting` does what else follows.

    sample   a first sample, not one made of another: the mistake was made at the draw
    returns  every sample that changed
    raises   RuleViolation when the sample was made of another, or is the patient's already; NotFound for a patient of
             another site
    """
    if patient.site_id != sample.site_id:
        raise NotFound("patient_unknown", patient=patient.code)
    family, old = reading.family_ids(sample), _only_donor(sample)
    if old == patient.id:
        raise RuleViolation("nothing_to_correct", sample=sample.code)
    gate.lock_donors(family, more_patients=[patient.id])
    samples = gate.lock_samples(family)
    if (reading.family_ids(sample), _only_donor(sample)) != (family, old):
        raise Again  # something was made of it, or it was corrected, before the locks were had
    old_patient = db.session.get_one(Patient, old)
    for person in (old_patient, patient):  # the record could not say from whom, or to whom, it goes
        patients.require_linked(person)
    donors = _new_donors(samples, samples[0].id, old, patient.id)
    changed = [member for member in samples if member.id in donors]
    for member in changed:
        _enter(member.id, "patient", old_patient.subject_key or "", patient.subject_key or "", reason, by)
        audit.record(
            by=by, act="corrected", subject=("sample", member.code), before={"subject": old_patient.subject_key},
            after={"subject": patient.subject_key}, reason=reason,
        )  # fmt: skip
    db.session.flush()
    for key, after in donors.items():
        _replace_donor(key, old, patient.id, keeps_old=old in after)
    _move_event(changed, donors, patient)
    consent.attribute(patient)
    db.session.flush()
    _hold_anew(changed, reason, by)
    return changed


def _only_donor(sample: Sample) -> int:
    if db.session.scalar(select(SampleParent.parent_id).where(SampleParent.child_id == sample.id).limit(1)):
        raise RuleViolation("correct_the_first", sample=sample.code)
    (donor,) = gate.donors_of([sample.id])[sample.id]
    return donor


def _move_event(changed: list[Sample], donors: dict[int, set[int]], patient: Patient) -> None:
    """The same draw, told of the right patient; the other tubes of the old draw stay where they are, and a pool of
    tubes that stayed and tubes that went is of no one draw any more."""
    first = changed[0].collection_event_id
    if first is None:
        return
    event = db.session.get_one(CollectionEvent, first)
    study, drawn = db.session.get_one(Study, event.study_id), When(event.happened_at, event.precision)
    moved = event_of(patient, study, event.visit, drawn)
    for member in changed:
        if member.collection_event_id == first:
            member.collection_event_id = moved.id if donors[member.id] == {patient.id} else None


def _hold_anew(changed: list[Sample], reason: str, by: Actor) -> None:
    """Whose a sample is says whether a withdrawal holds it. What is held already stays held: that a tube is not of who
    withdrew is for a second person to say (`releasing.release_corrected`)."""
    facts = gate.facts_of(changed)
    covered = [member for member in changed if gate.is_withdrawn(facts[member.id])]
    left = [member.id for member in covered if member.status not in GONE]
    holds.hold_many(left, code=holds.WITHDRAWAL, note=reason, by=by)


def _new_donors(samples: list[Sample], first: int, old: int, new: int) -> dict[int, set[int]]:
    """Sample key -> its donors after the correction, for those whose donors change. Parents before children."""
    ids = [sample.id for sample in samples]
    donors = gate.donors_of(ids)
    parents: dict[int, set[int]] = {key: set() for key in ids}
    query = select(SampleParent.child_id, SampleParent.parent_id).where(SampleParent.child_id.in_(ids))
    for child, parent in db.session.execute(query):
        parents[child].add(parent)
    outside = gate.donors_of(set().union(*parents.values()) - set(ids))
    after = {first: (donors[first] - {old}) | {new}}
    for key in sorted(set(ids) - {first}):  # a child's key is always greater than its parents'
        after[key] = set().union(*(after.get(parent) or outside[parent] for parent in parents[key]))
    return {key: value for key, value in after.items() if value != donors[key]}


def _replace_donor(sample_id: int, old: int, new: int, *, keeps_old: bool) -> None:
    """Make the donors what they should be; the database allows it only because the correction stands."""
    present = db.session.scalar(
        select(SampleDonor.patient_id).where(
            SampleDonor.sample_id == sample_id, SampleDonor.patient_id == new
        )
    )
    row = (SampleDonor.sample_id == sample_id, SampleDonor.patient_id == old)
    if keeps_old:
        if present is None:
            db.session.execute(insert(SampleDonor).values(sample_id=sample_id, patient_id=new))
    elif present is None:
        db.session.execute(update(SampleDonor).where(*row).values(patient_id=new))
    else:
        db.session.execute(delete(SampleDonor).where(*row))


def _enter(sample_id: int, what: str, old: str, new: str, reason: str, by: Actor) -> None:
    db.session.add(
        SampleCorrection(
            sample_id=sample_id,
            what=what,
            old=old,
            new=new,
            reason=reason,
            recorded_at=clock.now(),
            actor_key=by.key,
        )
    )
