"""Keeps the signed papers as they were scanned: with a hash, replaced but never overwritten, each reading on record.

What kind of file it is, its own first bytes say. Its name is not kept: people write names in file names.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import or_, select, update

from biobank.consent.events import lock_patients, tell
from biobank.consent.models import Consent, SignedDocument, Withdrawal
from biobank.core import clock, settings
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation, TooLarge
from biobank.patients import service as patients
from biobank.patients.models import Patient

#: What is taken, and the bytes it begins with. Nothing else may stand before them.
SIGNATURES = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}
ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


def attach(
    *,
    patient: Patient,
    content: bytes,
    by: Actor,
    consent_id: int | None = None,
    withdrawal_id: int | None = None,
    replaces: int | None = None,
) -> SignedDocument:
    """The scan of what a patient signed joins the record it belongs to: a consent, or a withdrawal.

    replaces  the key of a document of the same record that this one takes the place of; it is kept
    raises    NotFound for a record of somebody else; Malformed for what is no PDF, PNG or JPEG; TooLarge; RuleViolation
              when the record has this very document already, or the one named was replaced before
    """
    lock_patients([patient.id])
    if not by.sees(patient.site_id):
        raise NotFound("patient_unknown", patient=patient.code)
    patients.require_linked(patient)
    _require_record(patient, consent_id, withdrawal_id)
    media_type = media_type_of(content)
    sha256 = hashlib.sha256(content).hexdigest()
    _check_place(_of_record(consent_id, withdrawal_id), sha256, replaces)
    document = SignedDocument(
        consent_id=consent_id,
        withdrawal_id=withdrawal_id,
        replaces_id=replaces,
        media_type=media_type,
        size=len(content),
        sha256=sha256,
        content=content,
        recorded_at=clock.now(),
        recorded_by=by.key,
    )
    db.session.add(document)
    db.session.flush()
    told = {
        "document": document.id,
        "of_consent": consent_id,
        "of_withdrawal": withdrawal_id,
        "replaces": replaces,
        "media_type": media_type,
        "size": document.size,
        "sha256": sha256,
    }
    after = {name: value for name, value in told.items() if value is not None}
    tell(patient, "document_attached", by, after)
    return document


def media_type_of(content: bytes) -> str:
    """What the bytes are. raises Malformed for a kind that is not taken, TooLarge"""
    most = settings.document_bytes()
    if len(content) > most:
        raise TooLarge("document_too_large", most_mb=f"{most / 1_000_000:g}")
    if not content:
        raise Malformed({"file": Reason("document_empty")})
    for media_type, signature in SIGNATURES.items():
        if content.startswith(signature):
            return media_type
    raise Malformed({"file": Reason("document_kind")})


def documents_of(patient: Patient) -> list[SignedDocument]:
    """Every document of the patient, replaced and erased ones too, the newest first; without what is in them."""
    query = select(SignedDocument).where(_of_patient(patient)).order_by(SignedDocument.id.desc())
    return list(db.session.scalars(query))


def replaced(documents: Iterable[SignedDocument]) -> dict[int, int]:
    """Key of a document -> key of the one that took its place."""
    return {each.replaces_id: each.id for each in documents if each.replaces_id is not None}


def find_document(patient: Patient, key: int) -> SignedDocument:
    """raises NotFound unless it is this patient's"""
    query = select(SignedDocument).where(SignedDocument.id == key, _of_patient(patient))
    found = db.session.scalar(query) if 0 < key <= MAX_INTEGER else None
    if found is None:
        raise NotFound("document_unknown", document=str(key)[:20])
    return found


def read_document(*, patient: Patient, key: int, by: Actor) -> SignedDocument:
    """The document with what is in it. A signed paper names the person, so the reading goes on record.

    raises  NotFound; RuleViolation when it was erased, or is not what was scanned any more
    """
    if not by.sees(patient.site_id):
        raise NotFound("patient_unknown", patient=patient.code)
    document = find_document(patient, key)
    db.session.refresh(document, ["content"])
    if document.content is None:
        raise RuleViolation("document_erased", document=key)
    if hashlib.sha256(document.content).hexdigest() != document.sha256:
        raise RuleViolation("document_damaged", document=key)
    tell(patient, "document_read", by, {"document": document.id})
    return document


def erase(*, patient: Patient, by: Actor) -> int:
    """Empty every document of the patient; that they were there, and their hashes, stay. returns how many

    The caller holds the patient's lock.
    """
    held = select(SignedDocument.id).where(_of_patient(patient), SignedDocument.erased_at.is_(None))
    keys = sorted(db.session.scalars(held))
    if keys:
        emptied = update(SignedDocument).where(SignedDocument.id.in_(keys))
        db.session.execute(emptied.values(content=None, erased_at=clock.now()))
        tell(patient, "documents_erased", by, {"documents": keys})
    return len(keys)


def file_name(document: SignedDocument) -> str:
    """What a browser keeps it under: a number, nobody's name."""
    return f"document-{document.id}.{ENDINGS.get(document.media_type, 'bin')}"


def _of_patient(patient: Patient) -> Any:
    consents = select(Consent.id).where(Consent.patient_id == patient.id)
    withdrawals = select(Withdrawal.id).where(Withdrawal.patient_id == patient.id)
    return or_(SignedDocument.consent_id.in_(consents), SignedDocument.withdrawal_id.in_(withdrawals))


def _require_record(patient: Patient, consent_id: int | None, withdrawal_id: int | None) -> None:
    """A document belongs to one record, and that to this patient."""
    if (consent_id is None) == (withdrawal_id is None):
        raise ValueError("a document belongs to a consent or to a withdrawal")
    if consent_id is not None:
        key, owner, code = consent_id, select(Consent.patient_id).where(Consent.id == consent_id), "consent"
    else:
        key, code = withdrawal_id or 0, "withdrawal"
        owner = select(Withdrawal.patient_id).where(Withdrawal.id == withdrawal_id)
    if not 0 < key <= MAX_INTEGER or db.session.scalar(owner) != patient.id:
        raise NotFound(f"{code}_unknown", consent=str(key)[:20], withdrawal=str(key)[:20])


def _of_record(consent_id: int | None, withdrawal_id: int | None) -> Sequence[SignedDocument]:
    query = select(SignedDocument).where(
        SignedDocument.consent_id == consent_id
        if consent_id is not None
        else SignedDocument.withdrawal_id == withdrawal_id
    )
    return db.session.scalars(query).all()


def _check_place(beside: Sequence[SignedDocument], sha256: str, replaces: int | None) -> None:
    newer = replaced(beside)
    for each in beside:
        if each.sha256 == sha256 and each.id not in newer:
            raise RuleViolation("document_attached_already", document=each.id)
    if replaces is None:
        return
    if replaces not in {each.id for each in beside}:
        raise Malformed({"replaces": Reason("document_unknown", {"document": str(replaces)[:20]})})
    if replaces in newer:
        raise RuleViolation("document_replaced_already", document=replaces, newer=newer[replaces])
