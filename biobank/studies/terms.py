"""What a study lays on its samples: whether they serve it alone, when it ended, and how long they may be used.

Every change is a new row with its reason; the newest one holds. The consent rules read it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.core.times import YEARS
from biobank.studies.models import Study, StudyTerms

#: Keys in one query.
_MANY = 5000


def set_terms(
    *,
    study: Study,
    reserved: bool,
    closed_on: date | None,
    keep_until: date | None,
    reason: str,
    by: Actor,
) -> StudyTerms:
    """From now on the study lays this on its samples.

    reserved    while it is open its samples serve no other study
    closed_on   its last day, which may be still to come; None while nobody knows
    keep_until  the last day on which its samples may be used; None for no limit
    raises      Malformed naming every bad field
    """
    if not by.sees(study.site_id):
        raise NotFound("study_unknown", study=study.code)
    _check(closed_on, keep_until, reason)
    before = terms_of([study.id]).get(study.id)
    terms = StudyTerms(
        study_id=study.id,
        reserved=reserved,
        closed_on=closed_on,
        keep_until=keep_until,
        reason=reason.strip(),
        recorded_at=clock.now(),
        recorded_by=by.key,
    )
    db.session.add(terms)
    db.session.flush()
    audit.record(
        by=by,
        act="study_terms_set",
        subject=("study", str(study.id)),
        before=_told(before),
        after=_told(terms) | {"study": study.code},
        reason=terms.reason,
    )
    return terms


def terms_of(study_ids: Iterable[int], known_at: datetime | None = None) -> dict[int, StudyTerms]:
    """Study key -> what it lays on its samples; a study that lays nothing is left out. One query.

    known_at  by what was recorded until then; by all that is known unless given
    """
    found: dict[int, StudyTerms] = {}
    for chunk in chunks(sorted(set(study_ids)), _MANY):
        query = select(StudyTerms).where(StudyTerms.study_id.in_(chunk))
        if known_at is not None:
            query = query.where(StudyTerms.recorded_at <= known_at)
        found |= {terms.study_id: terms for terms in db.session.scalars(query.order_by(StudyTerms.id))}
    return found


def history_of(study: Study) -> Sequence[StudyTerms]:
    """Everything it ever laid on them, the newest first."""
    query = select(StudyTerms).where(StudyTerms.study_id == study.id).order_by(StudyTerms.id.desc())
    return db.session.scalars(query).all()


def _check(closed_on: date | None, keep_until: date | None, reason: str) -> None:
    wrong = {
        name: Reason("study_day_out_of_range", {"day": day.isoformat()})
        for name, day in (("closed_on", closed_on), ("keep_until", keep_until))
        if day is not None and day.year not in YEARS
    }
    if not wrong and closed_on and keep_until and keep_until < closed_on:
        days = {"keep_until_on": keep_until.isoformat(), "closed_on": closed_on.isoformat()}
        wrong["keep_until"] = Reason("study_kept_too_short", days)
    if not reason.strip():
        wrong["reason"] = Reason("study_terms_need_reason")
    if wrong:
        raise Malformed(wrong)


def _told(terms: StudyTerms | None) -> dict[str, Any]:
    """The terms as the record tells them."""
    if terms is None:
        return {}
    return {
        "reserved": terms.reserved,
        "closed_on": terms.closed_on.isoformat() if terms.closed_on else None,
        "keep_until": terms.keep_until.isoformat() if terms.keep_until else None,
    }
