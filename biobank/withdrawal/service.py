"""WITHDRAWAL: the one journey that runs backwards. In one unit of work, what was said is recorded, every sample that it
covers is held, whatever was promised of them is let go, and what is left to do by hand is written down.

Locks go the way every use goes, donors before samples: of a use and a withdrawal one is first, never both. No step asks
the database sample by sample.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select

from biobank.consent import service as consent
from biobank.consent.models import Consent, ConsentForm, Withdrawal
from biobank.core import clock, settings
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.times import local_day
from biobank.distribution import recalls
from biobank.distribution import service as distribution
from biobank.distribution.models import Recall
from biobank.patients.models import Patient
from biobank.samples.holds import WITHDRAWAL, hold_many
from biobank.samples.models import Sample, SampleDonor
from biobank.storage import destruction
from biobank.studies.models import Study
from biobank.withdrawal import anonymising
from biobank.withdrawal.reach import Touched, scope_of, touched
from biobank.withdrawal.undoing import lift, reverse

__all__ = ["Touched", "answer_by", "lift", "reverse", "scope_of", "studies_of", "touched", "withdraw"]


def withdraw(
    *,
    patient: Patient,
    scope: str | Mapping[str, str],
    received_on: date,
    fate: str,
    by: Actor,
    channel: str | None = None,
) -> dict[str, Any]:
    """Record a withdrawal and carry it out: nothing it covers can be used from here on.

    scope    "all", {"form", "clause"}, {"study"} or {"objection"}; one clause, or an objection, changes what samples
             may be used for, and holds and destroys nothing
    fate     of what is held: keep, destroy (by two people), or anonymise (agreed to by a second person)
    returns  its key, and the codes of what was touched: `held`, `released` (promises taken back), `to_destroy` (how
             many), `recalls` (letters to write), `out` (all that somebody has), `affected` (one clause or objection
             only), and how many samples were `used` already
    raises   as `consent.service.record_withdrawal`
    """
    withdrawal = consent.record_withdrawal(
        patient=patient, scope=scope, received_on=received_on, fate=fate, channel=channel, by=by
    )
    named = scope_of(withdrawal)
    reached = touched(patient=patient, scope=named)
    answer: dict[str, Any] = {
        "withdrawal": withdrawal.id, "held": [], "released": [], "affected": [], "to_destroy": 0, "recalls": [],
    }  # fmt: skip
    answer |= _stop(withdrawal, reached, by) if named.is_whole else _narrow(withdrawal, reached, by)
    if fate == "anonymise" and named.kind == "all":
        anonymising.ask_for(withdrawal=withdrawal, patient=patient, by=by)
    return answer | {"out": reached.out, "used": reached.used}


def _stop(withdrawal: Withdrawal, reached: Touched, by: Actor) -> dict[str, Any]:
    """Nothing of it may be used any more."""
    rows = lock(Sample, reached.ids)  # kept to the end: each step after this finds them read already
    hold_many(reached.ids, code=WITHDRAWAL, note=None, by=by)
    released = distribution.release_for_withdrawal(reached.ids, by=by)
    to_destroy = 0
    if withdrawal.fate == "destroy":
        to_destroy = destruction.open_tasks(
            sample_ids=reached.here_ids, reason=destruction.WITHDRAWN, withdrawal_id=withdrawal.id, by=by
        )
    opened = _recall(withdrawal, reached.out_ids, by)
    del rows
    return {"held": reached.here, "released": released, "to_destroy": to_destroy, "recalls": opened}


def _narrow(withdrawal: Withdrawal, reached: Touched, by: Actor) -> dict[str, Any]:
    """Some uses are no longer allowed: what is promised or given away for such a use is let go, or asked back."""
    released = distribution.release_refused(reached.ids, by=by)
    opened = _recall(withdrawal, distribution.refused_since(reached.out_ids), by)
    return {"affected": reached.here, "released": released, "recalls": opened}


def _recall(withdrawal: Withdrawal, sample_ids: Any, by: Actor) -> list[dict[str, Any]]:
    opened = recalls.open_recalls(
        sample_ids=sample_ids, withdrawal_id=withdrawal.id, due_on=answer_by(), by=by
    )
    return [_recall_json(letter.recall, letter.request.code) for letter in recalls.letters(opened)]


def answer_by() -> date:
    """The last day for an answer to what is asked back today."""
    return local_day(clock.now(), clock.zone()) + timedelta(days=settings.withdrawal_answer_days())


def _recall_json(recall: Recall, request: str) -> dict[str, Any]:
    return {
        "id": recall.id, "request": request, "recipient": recall.recipient, "due_on": recall.due_on.isoformat(),
    }  # fmt: skip


def studies_of(patient: Patient) -> list[tuple[str, str]]:
    """Code and title of every study that has something of this patient, or asked for their consent."""
    sampled = (
        select(Sample.study_id)
        .join(SampleDonor, SampleDonor.sample_id == Sample.id)
        .where(SampleDonor.patient_id == patient.id)
    )
    asked = (
        select(ConsentForm.study_id)
        .join(Consent, Consent.form_id == ConsentForm.id)
        .where(Consent.patient_id == patient.id, ConsentForm.study_id.is_not(None))
    )
    query = select(Study.code, Study.title).where(or_(Study.id.in_(sampled), Study.id.in_(asked)))
    return [(row.code, row.title) for row in db.session.execute(query.order_by(Study.code))]
