"""What a refused act must leave as it was."""

from contextlib import contextmanager, nullcontext

from sqlalchemy import func, select

from biobank.audit.models import AuditEntry
from biobank.consent.models import Consent, ConsentAnswer, ConsentEvent, SignedDocument
from biobank.core.db import db
from biobank.patients.models import Patient

TABLES = (Consent, ConsentAnswer, ConsentEvent, SignedDocument, AuditEntry)


def traces():
    """How many rows there are of each kind, and what is known of each patient."""
    db.session.rollback()
    db.session.expire_all()
    rows = {
        table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) for table in TABLES
    }
    known = db.session.execute(select(Patient.id, Patient.of_age_on, Patient.died_on).order_by(Patient.id))
    return rows, [tuple(row) for row in known]


@contextmanager
def nothing_is_stored(app=None):
    """The block stores nothing. With an app, its context is open only to look: requests in it have their own."""
    with app.app_context() if app else nullcontext():
        before = traces()
    yield
    with app.app_context() if app else nullcontext():
        assert traces() == before
