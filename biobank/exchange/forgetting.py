"""Forgets what other systems call a person, and their samples, when the link to the person is broken."""

from collections.abc import Iterable

from sqlalchemy import Select, String, cast, or_, select, update

from biobank.core.db import db
from biobank.exchange.models import ImportedRecord
from biobank.patients import links
from biobank.patients.models import Patient
from biobank.samples.models import SampleDonor


def _rows(patient: Patient) -> Select[int]:
    """The case itself, and every sample with something of the person: their names lead back to the case."""
    samples = select(SampleDonor.sample_id).where(SampleDonor.patient_id == patient.id)
    theirs = or_(ImportedRecord.patient_id == patient.id, ImportedRecord.sample_id.in_(samples))
    return select(ImportedRecord.id).where(theirs)


def _names(patient: Patient) -> Iterable[str]:
    query = select(ImportedRecord.external_id).where(ImportedRecord.patient_id == patient.id)
    return db.session.scalars(query.order_by(ImportedRecord.id))


def _forget(patient: Patient) -> None:
    """Name, place in the file, fingerprint of the row: with the file in hand, each of them would find the person."""
    db.session.execute(
        update(ImportedRecord)
        .where(ImportedRecord.id.in_(_rows(patient)))
        .values(external_id="erased-" + cast(ImportedRecord.id, String), file="", row=0, hash="", raw={}),
        execution_options={"synchronize_session": False},
    )


LINK = links.Link(_rows, _names, _forget)
