"""What a withdrawal reaches: every sample with something of the patient, here, out of the bank, or used before."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, or_, select

from biobank.consent import service as consent
from biobank.consent.models import ConsentForm, Withdrawal
from biobank.core.db import chunks, db
from biobank.patients.models import Patient
from biobank.samples.correction import GONE
from biobank.samples.models import Sample, SampleDonor, SampleUse
from biobank.studies.models import Study

OUT = ("handed_out", "shipped")
#: Uses after which something is out in the world that no withdrawal brings back.
SPENDING = ("hand_out", "ship", "analyse", "give_data", "pool_across_donors")


@dataclass(frozen=True)
class Touched:
    """What a withdrawal reaches: codes, and the keys in the same order."""

    here: list[str] = field(default_factory=list)
    """In the bank's hands, announced, or lost and perhaps found again."""
    here_ids: list[int] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    """Handed out or shipped: whoever has them must be told."""
    out_ids: list[int] = field(default_factory=list)
    gone_ids: list[int] = field(default_factory=list)
    """Destroyed, or used up."""
    used: int = 0
    """Samples of which something was used already."""

    @property
    def ids(self) -> list[int]:
        """Keys of all that is not gone."""
        return sorted([*self.here_ids, *self.out_ids])

    @property
    def all_ids(self) -> list[int]:
        return sorted([*self.ids, *self.gone_ids])


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
    here = [row for row in rows if row.status not in (*GONE, *OUT)]
    out = [row for row in rows if row.status in OUT]
    return Touched(
        here=[row.code for row in here],
        here_ids=[row.id for row in here],
        out=[row.code for row in out],
        out_ids=[row.id for row in out],
        gone_ids=[row.id for row in rows if row.status in GONE],
        used=_used([row.id for row in rows]),
    )


def scope_of(withdrawal: Withdrawal) -> consent.Scope:
    """The scope of a withdrawal that was recorded."""
    study = db.session.get(Study, withdrawal.study_id) if withdrawal.study_id else None
    return consent.Scope(
        withdrawal.scope, withdrawal.form_code, withdrawal.clause_key, study, withdrawal.objects_to
    )


def _of_family(patient: Patient, scope: consent.Scope) -> Any:
    """Samples of the studies that the form family covers."""
    family = select(ConsentForm.study_id).where(
        ConsentForm.site_id == patient.site_id,
        ConsentForm.code == scope.form,
        ConsentForm.status != "draft",
    )
    for_all = family.where(ConsentForm.study_id.is_(None)).exists()
    return or_(for_all, Sample.study_id.in_(family.where(ConsentForm.study_id.is_not(None))))


def _used(sample_ids: Iterable[int]) -> int:
    count = func.count(SampleUse.sample_id.distinct())
    return sum(
        db.session.scalar(select(count).where(SampleUse.sample_id.in_(chunk), SampleUse.act.in_(SPENDING)))
        or 0
        for chunk in chunks(list(sample_ids), 500)
    )
