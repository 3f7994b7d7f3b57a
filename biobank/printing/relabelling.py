"""A tube gets another number and its label in one act, so that none is left with a label that says nothing.

Labels that show a person's pseudonym forget it with the link to the person.
"""

from sqlalchemy import ColumnElement, Select, case, exists, select, update

from biobank.core.actor import Actor
from biobank.core.codes import ScannableCode
from biobank.core.db import db
from biobank.core.errors import RuleViolation
from biobank.patients import links
from biobank.patients.models import Patient
from biobank.printing import jobs
from biobank.printing.models import LabelJob
from biobank.samples import replacing
from biobank.samples.models import Allotment, AllottedNumber, CodeReplacement, Sample

#: What is left of why the sheet of a person was printed again.
MARK = "…"


def replace_code(
    *, sample: Sample, reason: str, by: Actor, new_code: str | None = None, station: str | None = None
) -> tuple[CodeReplacement, LabelJob | None]:
    """Replace the number of a tube: the label with the old one is not printed any more, the one with the new one is.

    new_code  a number whose label was printed ahead
    returns   what was recorded, and the label that was asked for; None where it was printed before
    raises    as `samples.replacing.replace_code`
    """
    old = sample.code
    told = replacing.replace_code(sample=sample, reason=reason, by=by, new_code=new_code)
    drop(select(LabelJob).where(LabelJob.code == old, LabelJob.state.in_(("waiting", "failed", "held"))), by)
    if new_code is not None:
        return told, None
    (job,) = jobs.order(codes=[told.new_code], by=by, site_id=sample.site_id, station=station)
    return told, job


def drop(unwanted: Select[LabelJob], by: Actor) -> None:
    """These labels are not wanted any more. One that its sender took up in the same moment comes out all the same."""
    for job in db.session.scalars(unwanted.order_by(LabelJob.id)).all():
        try:
            jobs.cancel(job=job, by=by)
        except RuleViolation as over:
            if over.code != "label_job_over":
                raise


def print_ahead(*, allotment: Allotment, by: Actor, station: str | None = None) -> list[LabelJob]:
    """Ask for the labels of all its numbers that are out, kit after kit."""
    query = select(AllottedNumber.code).where(
        AllottedNumber.allotment_id == allotment.id, AllottedNumber.state == "out"
    )
    codes = list(db.session.scalars(query.order_by(AllottedNumber.id)))
    return jobs.order(codes=codes, by=by, site_id=allotment.site_id, station=station) if codes else []


# --- the pseudonym on the label of a person's sheet


def _of_the_person(patient: Patient) -> ColumnElement[bool]:
    """Labels of the person, and not of one of their tubes: those are known by the tube's number."""
    is_a_tubes = exists().where(
        ScannableCode.code == LabelJob.code, ScannableCode.site_id == LabelJob.site_id,
        ScannableCode.kind == "sample",
    )  # fmt: skip
    return (LabelJob.patient_id == patient.id) & ~is_a_tubes


def _forget(patient: Patient) -> None:
    """No such label is printed any more, and none says whose it was."""
    mine, loaded = _of_the_person(patient), {"synchronize_session": "fetch"}
    unwanted = update(LabelJob).where(mine, LabelJob.state.in_(("waiting", "failed", "held")))
    db.session.execute(unwanted.values(state="cancelled"), execution_options=loaded)
    why = case((LabelJob.reason.is_not(None), MARK))
    db.session.execute(
        update(LabelJob).where(mine).values(code=patient.code, reason=why), execution_options=loaded
    )


links.register(
    "label_job",
    links.Link(
        lambda patient: select(LabelJob.id).where(_of_the_person(patient)), lambda _patient: (), _forget
    ),
)
