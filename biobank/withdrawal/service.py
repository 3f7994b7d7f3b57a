"""WITHDRAWAL: the one journey that runs backwards. In one unit of work, what was said is recorded, every sample that it
covers is held, and whatever was promised of them is released.

Locks go the way every use goes, donors before samples: of a use and a withdrawal one is first, never both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select

from biobank.consent import service as consent
from biobank.consent.models import Consent, ConsentForm, Withdrawal
from biobank.core.actor import Actor
from biobank.core.db import chunks, db, lock
from biobank.distribution import service as distribution
from biobank.patients.models import Patient
from biobank.samples.holds import hold_many
from biobank.samples.models import Sample, SampleDonor, SampleUse
from biobank.studies.models import Study

HOLD = "withdrawal"
#: Nothing of these is left that could be held.
GONE = ("destroyed", "depleted")
OUT = ("handed_out", "shipped")
#: Uses after which something is out in the world that no withdrawal brings back.
SPENDING = ("hand_out", "ship", "analyse", "give_data", "pool_across_donors")


@dataclass(frozen=True)
class Touched:
    """What a withdrawal reaches, as codes."""

    ids: list[int] = field(default_factory=list)
    """Keys of all that is not gone."""
    here: list[str] = field(default_factory=list)
    """In the bank's hands, announced, or lost and perhaps found again."""
    out: list[str] = field(default_factory=list)
    """Handed out or shipped: whoever has them must be told."""
    used: int = 0
    """Samples of which something was used already."""


def touched(*, patient: Patient, scope: consent.Scope) -> Touched:
    """What a withdrawal of this scope reaches now: every sample with something of this patient, pools as well."""
    query = (
        select(Sample.id, Sample.code, Sample.status)
        .join(SampleDonor, SampleDonor.sample_id == Sample.id)
        .where(SampleDonor.patient_id == patient.id)
        .order_by(Sample.id)
    )
    if scope.study is not None:
        query = query.where(Sample.study_id == scope.study.id)
    elif scope.kind == "clause":
        query = query.where(_of_family(patient, scope))
    rows = db.session.execute(query).all()
    left = [row for row in rows if row.status not in GONE]
    return Touched(
        ids=[row.id for row in left],
        here=[row.code for row in left if row.status not in OUT],
        out=[row.code for row in left if row.status in OUT],
        used=_used([row.id for row in rows]),
    )


def withdraw(
    *, patient: Patient, scope: str | Mapping[str, str], received_on: date, fate: str, by: Actor
) -> dict[str, Any]:
    """Record a withdrawal and carry it out: nothing it covers can be used from here on.

    scope    "all", {"form", "clause"} or {"study"}; one clause changes what a sample may be used for and holds nothing
    returns  its key, and the codes of what was touched: `held`, `released` (promises taken back), `out` (whoever has
             them must be told), `affected` (one clause only), and how many samples were `used` already
    raises   as `consent.service.record_withdrawal`
    """
    withdrawal = consent.record_withdrawal(
        patient=patient, scope=scope, received_on=received_on, fate=fate, by=by
    )
    named = consent.read_scope(scope, patient=patient, by=by)
    reached = touched(patient=patient, scope=named)
    answer: dict[str, Any] = {"withdrawal": withdrawal.id, "held": [], "released": [], "affected": []}
    if named.kind == "clause":
        answer["affected"] = reached.here
    else:
        lock(Sample, reached.ids)
        hold_many(reached.ids, code=HOLD, note=None, by=by)
        answer["held"] = reached.here
        answer["released"] = distribution.release_for_withdrawal(reached.ids, by=by)
    return answer | {"out": reached.out, "used": reached.used}


def scope_of(withdrawal: Withdrawal) -> consent.Scope:
    """The scope of a withdrawal that was recorded."""
    study = db.session.get(Study, withdrawal.study_id) if withdrawal.study_id else None
    return consent.Scope(withdrawal.scope, withdrawal.form_code, withdrawal.clause_key, study)


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


def _of_family(patient: Patient, scope: consent.Scope) -> Any:
    """Samples of the studies that the form family covers."""
    family = select(ConsentForm.study_id).where(
        ConsentForm.site_id == patient.site_id,
        ConsentForm.code == scope.form,
        ConsentForm.status != "draft",
    )
    for_all = family.where(ConsentForm.study_id.is_(None)).exists()
    return or_(for_all, Sample.study_id.in_(family.where(ConsentForm.study_id.is_not(None))))


def _used(sample_ids: list[int]) -> int:
    count = func.count(SampleUse.sample_id.distinct())
    return sum(
        db.session.scalar(select(count).where(SampleUse.sample_id.in_(chunk), SampleUse.act.in_(SPENDING)))
        or 0
        for chunk in chunks(sample_ids, 500)
    )
