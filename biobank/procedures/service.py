"""Standard operating procedures, version by version: a new one succeeds the old; what ran under that keeps it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import NotFound, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.procedures import checking, rules
from biobank.procedures.kits import find_kit, kits_of, list_kits, make_kit, retire_kit
from biobank.procedures.models import Procedure

__all__ = [
    "draft",
    "edit",
    "find_kit",
    "find_procedure",
    "in_force",
    "kits_of",
    "list_in_force",
    "list_kits",
    "make",
    "make_kit",
    "page_of_procedures",
    "put_in_force",
    "require_in_force",
    "require_step",
    "retire",
    "retire_kit",
    "versions",
]


def draft(*, code: str, title: str, steps: Sequence[Mapping[str, Any]], site_id: int, by: Actor) -> Procedure:
    """Write a new procedure, or the next version of one, without bringing it into force.

    steps   see `checking.checked_steps`
    raises  Malformed naming every field that is wrong
    """
    if not by.sees(site_id):
        raise NotFound("site_unknown", site=site_id)
    checked = checking.checked_steps(steps)
    newest = select(func.max(Procedure.version)).where(Procedure.site_id == site_id, Procedure.code == code)
    (number,) = codes.issue("procedure", access.site_code(site_id))
    procedure = Procedure(
        site_id=site_id, number=number, code=code, version=(db.session.scalar(newest) or 0) + 1, title=title,
        steps=checked, recorded_at=clock.now(), recorded_by=by.key,
    )  # fmt: skip
    db.session.add(procedure)
    db.session.flush()
    codes.register(number, "procedure", procedure.id, site_id)
    _tell("procedure_drafted", procedure, by, steps=checked)
    return procedure


def make(*, code: str, title: str, steps: Sequence[Mapping[str, Any]], site_id: int, by: Actor) -> Procedure:
    """Write it and bring it into force at once."""
    procedure = draft(code=code, title=title, steps=steps, site_id=site_id, by=by)
    return put_in_force(procedure=procedure, by=by)


def edit(*, procedure: Procedure, title: str, steps: Sequence[Mapping[str, Any]], by: Actor) -> Procedure:
    """Change a draft. raises RuleViolation `procedure_not_draft` once it was in force"""
    _lock(procedure, by)
    if procedure.in_force_at is not None or procedure.retired_at is not None:
        raise RuleViolation("procedure_not_draft", procedure=procedure.code, version=procedure.version)
    procedure.title, procedure.steps = title, checking.checked_steps(steps)
    _tell("procedure_edited", procedure, by, steps=procedure.steps)
    return procedure


def put_in_force(*, procedure: Procedure, by: Actor) -> Procedure:
    """From now on this version is followed; the one before it is retired."""
    _lock(procedure, by)
    before = in_force(procedure.code, procedure.site_id)
    if procedure.in_force_at is not None:
        code = "procedure_in_force_already" if procedure.retired_at is None else "procedure_not_draft"
        raise RuleViolation(code, procedure=procedure.code, version=procedure.version)
    newest = _newest_ever_in_force(procedure)
    if newest is not None and newest > procedure.version:
        raise RuleViolation(
            "procedure_older", procedure=procedure.code, version=procedure.version, current=newest
        )
    if before is not None:
        before.retired_at = clock.now()
        db.session.flush()  # two are never in force at once, not even for a moment
        _tell("procedure_retired", before, by)
    procedure.in_force_at = clock.now()
    db.session.flush()
    _tell("procedure_in_force", procedure, by)
    return procedure


def retire(*, procedure: Procedure, by: Actor) -> Procedure:
    """It is no longer followed, and nothing takes its place. raises RuleViolation unless it is in force"""
    _lock(procedure, by)
    if procedure.in_force_at is None or procedure.retired_at is not None:
        raise RuleViolation("procedure_not_in_force", procedure=procedure.code, version=procedure.version)
    procedure.retired_at = clock.now()
    db.session.flush()
    _tell("procedure_retired", procedure, by)
    return procedure


def _newest_ever_in_force(procedure: Procedure) -> int | None:
    query = select(func.max(Procedure.version)).where(
        Procedure.site_id == procedure.site_id,
        Procedure.code == procedure.code,
        Procedure.in_force_at.is_not(None),
    )
    return db.session.scalar(query)


def _lock(procedure: Procedure, by: Actor) -> None:
    """All its versions: of two people who bring one into force, one is first. raises NotFound for another site's"""
    if not by.sees(procedure.site_id):
        raise NotFound("procedure_unknown", procedure=procedure.code)
    query = select(Procedure.id).where(
        Procedure.site_id == procedure.site_id, Procedure.code == procedure.code
    )
    lock(Procedure, db.session.scalars(query))


def _tell(act: str, procedure: Procedure, by: Actor, **more: Any) -> None:
    told = {"code": procedure.code, "version": procedure.version, "title": procedure.title} | more
    audit.record(by=by, act=act, subject=("procedure", procedure.number), after=told)


# --- reading


def find_procedure(text: str, by: Actor, site_id: int | None = None) -> Procedure:
    """The procedure of this number (that very version), or of this code: the version in force, else the newest.

    raises  NotFound `procedure_unknown`, also for another site's
    """
    wanted = text.strip()[:100]
    for found in codes.find([wanted], by):
        if found.kind == "procedure":
            return db.session.get_one(Procedure, found.target_id)
    where = by.site_id if site_id is None else site_id
    query = select(Procedure).where(Procedure.code == wanted)
    if where is not None:
        query = query.where(Procedure.site_id == where)
    query = query.order_by(*_FIRST_IN_FORCE).limit(1)
    procedure = db.session.scalar(query) if wanted.isprintable() else None
    if procedure is None or not by.sees(procedure.site_id):
        raise NotFound("procedure_unknown", procedure=wanted[:40])
    return procedure


_IN_FORCE = (Procedure.in_force_at.is_not(None), Procedure.retired_at.is_(None))
_FIRST_IN_FORCE = (
    (Procedure.in_force_at.is_not(None) & Procedure.retired_at.is_(None)).desc(),
    Procedure.version.desc(),
    Procedure.id.desc(),
)


def in_force(code: str, site_id: int) -> Procedure | None:
    """The version of that code that is followed now."""
    query = select(Procedure).where(Procedure.site_id == site_id, Procedure.code == code, *_IN_FORCE)
    return db.session.scalar(query)


def list_in_force(by: Actor) -> Sequence[Procedure]:
    """Every procedure that is followed now, by code: what a form offers to choose from."""
    query = select(Procedure).where(*_IN_FORCE).order_by(Procedure.code, Procedure.site_id)
    return db.session.scalars(
        query if by.site_id is None else query.where(Procedure.site_id == by.site_id)
    ).all()


def page_of_procedures(
    by: Actor, *, code: str | None = None, after: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[Procedure]:
    """Every version of every procedure that the actor sees, or of one code; the newest first."""
    query = select(Procedure)
    if by.site_id is not None:
        query = query.where(Procedure.site_id == by.site_id)
    if code:
        query = query.where(Procedure.code == code)
    return page_of(query, Procedure.id, after=after, limit=limit)


def versions(procedure: Procedure) -> Sequence[Procedure]:
    """All versions of its code, the newest first."""
    query = select(Procedure).where(Procedure.site_id == procedure.site_id, Procedure.code == procedure.code)
    return db.session.scalars(query.order_by(Procedure.version.desc())).all()


def require_in_force(procedure: Procedure) -> None:
    """raises RuleViolation `procedure_succeeded` naming the card of the version that is in force, or
    `procedure_not_in_force`"""
    if procedure.in_force_at is not None and procedure.retired_at is None:
        return
    told: dict[str, Any] = {"procedure": procedure.code, "version": procedure.version}
    current = in_force(procedure.code, procedure.site_id)
    if procedure.retired_at is not None and current is not None:
        raise RuleViolation("procedure_succeeded", **told, current=current.version, number=current.number)
    raise RuleViolation("procedure_not_in_force", **told)


def require_step(procedure: Procedure, key: str) -> rules.Step:
    """Its step of that key. raises NotFound `step_unknown`"""
    step = rules.find_step(procedure.steps, key)
    if step is None:
        raise NotFound("step_unknown", procedure=procedure.code, step=key[:40])
    return step


def by_ids(keys: Iterable[int]) -> dict[int, Procedure]:
    """Procedures by their key."""
    query = select(Procedure).where(Procedure.id.in_(sorted(set(keys))))
    return {each.id: each for each in db.session.scalars(query)}
