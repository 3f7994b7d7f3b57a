"""Collection kits: which tubes a visit of a study yields, and the procedure that they go through."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import db
from biobank.core.errors import NotFound, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.procedures import checking
from biobank.procedures.models import CollectionKit, Procedure
from biobank.studies.models import Study


def make_kit(
    *,
    code: str,
    study: Study,
    title: str,
    tubes: Sequence[Mapping[str, Any]],
    by: Actor,
    visit: str | None = None,
    procedure_code: str | None = None,
    note: str | None = None,
) -> CollectionKit:
    """Set a kit up. It is never edited: one that changes is retired, and another takes its place.

    tubes   [{type, label, count, volume_nl?, vessel?}], see `checking.checked_tubes`
    raises  Malformed naming every field that is wrong; RuleViolation `kit_code_taken`; NotFound for its procedure
    """
    if not by.sees(study.site_id):
        raise NotFound("study_unknown", study=study.code)
    checked = checking.checked_tubes(tubes)
    taken = select(CollectionKit.id).where(CollectionKit.site_id == study.site_id, CollectionKit.code == code)
    if db.session.scalar(taken) is not None:
        raise RuleViolation("kit_code_taken", kit=code)
    if procedure_code is not None:
        _require_procedure(procedure_code, study.site_id)
    (number,) = codes.issue("kit", access.site_code(study.site_id))
    kit = CollectionKit(
        site_id=study.site_id, number=number, code=code, study_id=study.id, visit=visit, title=title, tubes=checked,
        procedure_code=procedure_code, note=note, recorded_at=clock.now(), recorded_by=by.key,
    )  # fmt: skip
    db.session.add(kit)
    db.session.flush()
    codes.register(number, "kit", kit.id, study.site_id)
    after = {"code": code, "study": study.code, "visit": visit, "tubes": checked, "procedure": procedure_code}
    audit.record(by=by, act="kit_made", subject=("kit", number), after=after)
    return kit


def _require_procedure(code: str, site_id: int) -> None:
    query = select(Procedure.id).where(Procedure.site_id == site_id, Procedure.code == code).limit(1)
    if db.session.scalar(query) is None:
        raise NotFound("procedure_unknown", procedure=code[:40])


def retire_kit(*, kit: CollectionKit, by: Actor) -> CollectionKit:
    """No visit yields it any more. raises RuleViolation `kit_retired`"""
    if not by.sees(kit.site_id):
        raise NotFound("kit_unknown", kit=kit.code)
    if kit.retired_at is not None:
        raise RuleViolation("kit_retired", kit=kit.code)
    kit.retired_at = clock.now()
    audit.record(by=by, act="kit_retired", subject=("kit", kit.number), before={"code": kit.code})
    return kit


def tubes_of(kit: CollectionKit) -> list[dict[str, Any]]:
    """Every tube of a kit by itself, in order: its place from 1, type, label, volume_nl and vessel."""
    each = [tube for tube in kit.tubes for _ in range(tube["count"])]
    return [
        {
            "place": place,
            "type": tube["type"],
            "label": tube["label"],
            "volume_nl": tube.get("volume_nl"),
            "vessel": tube["vessel"],
        }
        for place, tube in enumerate(each, start=1)
    ]


def find_kit(text: str, by: Actor, site_id: int | None = None) -> CollectionKit:
    """The kit of this number or code. raises NotFound `kit_unknown`, also for another site's"""
    wanted = text.strip()[:100]
    for found in codes.find([wanted], by):
        if found.kind == "kit":
            return db.session.get_one(CollectionKit, found.target_id)
    where = by.site_id if site_id is None else site_id
    query = select(CollectionKit).where(CollectionKit.code == wanted)
    if where is not None:
        query = query.where(CollectionKit.site_id == where)
    kit = db.session.scalar(query.order_by(CollectionKit.id).limit(1)) if wanted.isprintable() else None
    if kit is None or not by.sees(kit.site_id):
        raise NotFound("kit_unknown", kit=wanted[:40])
    return kit


_KITS_OF = (
    select(CollectionKit)
    .where(among(CollectionKit.study_id, "ids"), CollectionKit.retired_at.is_(None))
    .order_by(CollectionKit.code)
)


def kits_of(study_ids: Iterable[int]) -> Sequence[CollectionKit]:
    """The kits in use of these studies, by code."""
    return db.session.scalars(_KITS_OF, {"ids": sorted(set(study_ids))}).all()


def list_kits(
    by: Actor, *, study_id: int | None = None, after: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[CollectionKit]:
    """Kits that the actor sees, retired ones too; the newest first."""
    query = select(CollectionKit)
    if by.site_id is not None:
        query = query.where(CollectionKit.site_id == by.site_id)
    if study_id is not None:
        query = query.where(CollectionKit.study_id == study_id)
    return page_of(query, CollectionKit.id, after=after, limit=limit)
