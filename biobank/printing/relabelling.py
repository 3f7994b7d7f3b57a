"""A tube gets another number and its label in one act, so that none is left with a label that says nothing."""

from sqlalchemy import select

from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.printing import jobs
from biobank.printing.models import LabelJob
from biobank.samples import replacing
from biobank.samples.models import Allotment, AllottedNumber, CodeReplacement, Sample


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
    waiting = select(LabelJob).where(LabelJob.code == old, LabelJob.state.in_(("waiting", "failed", "held")))
    for job in db.session.scalars(waiting.order_by(LabelJob.id)).all():
        jobs.cancel(job=job, by=by)
    if new_code is not None:
        return told, None
    (job,) = jobs.order(codes=[told.new_code], by=by, site_id=sample.site_id, station=station)
    return told, job


def print_ahead(*, allotment: Allotment, by: Actor, station: str | None = None) -> list[LabelJob]:
    """Ask for the labels of all its numbers that are out, kit after kit."""
    query = select(AllottedNumber.code).where(
        AllottedNumber.allotment_id == allotment.id, AllottedNumber.state == "out"
    )
    codes = list(db.session.scalars(query.order_by(AllottedNumber.id)))
    return jobs.order(codes=codes, by=by, site_id=allotment.site_id, station=station) if codes else []
