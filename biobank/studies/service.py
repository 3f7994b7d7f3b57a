"""Opens studies and finds them again. What a study lays on its samples is in `terms`, and asked for here."""

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import db, fetch
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.studies.models import Study
from biobank.studies.terms import history_of, set_terms, terms_of

__all__ = [
    "find_study",
    "history_of",
    "list_studies",
    "open_study",
    "page_of_studies",
    "set_terms",
    "study_codes",
    "terms_of",
]


def open_study(*, code: str, title: str, site_id: int, by: Actor) -> Study:
    """A trial, cohort or collection begins. raises RuleViolation `study_code_taken` where the site has the code"""
    if not by.sees(site_id):
        raise NotFound("site_unknown", site=site_id)
    taken = select(Study.id).where(Study.site_id == site_id, Study.code == code)
    if db.session.scalar(taken) is not None:
        raise RuleViolation("study_code_taken", study=code)
    study = Study(site_id=site_id, code=code, title=title, recorded_at=clock.now())
    db.session.add(study)
    db.session.flush()
    audit.record(
        by=by, act="study_opened", subject=("study", str(study.id)), after={"code": code, "title": title}
    )
    return study


def find_study(code: str, by: Actor, site_id: int | None = None) -> Study:
    """The study of that code.

    site_id  where to look; the actor's own site unless given
    raises   NotFound; Malformed `site_needed` when several sites that the actor sees have the code
    """
    wanted = by.site_id if site_id is None else site_id
    # A control character is in no code, and PostgreSQL would not even look for it.
    if not code.isprintable() or (wanted is not None and not by.sees(wanted)):
        raise NotFound("study_unknown", study=code)
    query = select(Study).where(Study.code == code)
    if wanted is not None:
        query = query.where(Study.site_id == wanted)
    found = db.session.scalars(query.limit(2)).all()
    if not found:
        raise NotFound("study_unknown", study=code)
    if len(found) > 1:
        raise Malformed({"site": Reason("site_needed")})
    return found[0]


def list_studies(by: Actor) -> list[Study]:
    """Every study that the actor sees, by code: what a form offers to choose from."""
    query = select(Study).order_by(Study.code, Study.site_id)
    if by.site_id is not None:
        query = query.where(Study.site_id == by.site_id)
    return list(db.session.scalars(query))


def page_of_studies(*, by: Actor, after: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[Study]:
    """Studies that the actor sees, the newest first."""
    query = select(Study)
    if by.site_id is not None:
        query = query.where(Study.site_id == by.site_id)
    return page_of(query, Study.id, after=after, limit=limit)


_CODES = select(Study.id, Study.code).where(among(Study.id, "ids"))
#: Codes that were read, by database: the database sees to it that a code never changes.
_known: WeakKeyDictionary[Engine, dict[int, str]] = WeakKeyDictionary()


def study_codes(study_ids: Iterable[int]) -> dict[int, str]:
    """Key -> code, each read once a process."""
    known = _known.setdefault(db.engine, {})
    wanted = set(study_ids)
    missing = sorted(wanted - known.keys())
    found = {row.id: row.code for row in fetch(_CODES, {"ids": missing})} if missing else {}
    if db.session.info.get("unit") is None:  # a study of a unit that may be rolled back is not remembered
        known.update(found)
    return {key: found.get(key) or known[key] for key in wanted}
