"""What must be known to compare a rack with the record: what codes stand for, where tubes stand, what is kept for whom.

Reads in a constant number of queries, for one tube or for 96; changes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select

from biobank.access import service as access
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.codes import Found
from biobank.core.db import db, fetch
from biobank.core.errors import Reason, RuleViolation
from biobank.racks import scans
from biobank.racks.rules import Stand, Tube
from biobank.racks.wells import RackReading, with_zeros
from biobank.samples import rules as life
from biobank.samples.models import Sample
from biobank.storage import accepting, claims, places
from biobank.storage import rules as storage_rules
from biobank.storage.claim_rules import Answer, Kept, answer
from biobank.storage.models import Container, Placement
from biobank.storage.rules import ContainerKind
from biobank.studies.models import Study


def look_up(reading: RackReading, by: Actor) -> dict[str, Found | Reason]:
    """Code -> what it stands for, where that is one tube in use; or why it is none. One query."""
    wanted = with_zeros(list(dict.fromkeys(reading.codes)))
    by_code: dict[str, list[Found]] = {}
    for found in codes.find(wanted, by):
        by_code.setdefault(found.code, []).append(found)
    return {code: _meaning(code, entries) for code, entries in by_code.items()}


def _meaning(code: str, entries: Sequence[Found]) -> Found | Reason:
    tubes = [entry for entry in entries if entry.kind in ("sample", "tube")]
    if not tubes and entries[0].kind == codes.ALLOTTED:
        return Reason("number_on_no_tube", {"number": code})
    if not tubes:
        return Reason("rack_code_not_a_tube", {"code": code, "kind": entries[0].kind})
    if len({entry.target_id for entry in tubes}) > 1:
        return Reason("rack_code_ambiguous", {"code": code})
    if not tubes[0].voided:
        return tubes[0]
    refusal = codes.refusal_of_void(tubes[0])
    if refusal.code == "code_voided":
        return Reason("rack_code_void", {"code": code})
    return Reason(refusal.code, refusal.params)


def gather(container: Container, kind: ContainerKind, reading: RackReading, by: Actor) -> dict[str, Any]:
    """What `rules.difference` is told: where things stand, what codes stand for, what is kept for others."""
    meanings = look_up(reading, by)
    here = fetch(_IN_BOX, {"container_id": container.id})
    keys = {found.target_id for found in meanings.values() if isinstance(found, Found)}
    keys |= {row.sample_id for row in here if row.sample_id is not None}
    tubes = _tubes(keys, container, kind)
    known = {
        code: tubes.get(found.target_id, Reason("rack_code_void", {"code": code}))
        if isinstance(found, Found)
        else found
        for code, found in meanings.items()
    }
    blocked = _kept_for_others(container, by) | {
        row.position: Reason("rack_taken_by_box", {"container": row.child, "position": row.position})
        for row in here
        if row.child is not None and row.position is not None
    }
    stands = {
        row.position: tubes[row.sample_id] for row in here if row.sample_id is not None and row.position
    }
    return {"stands": stands, "known": known, "blocked": blocked}


def _tubes(keys: set[int], container: Container, kind: ContainerKind) -> dict[int, Tube]:
    """Sample key -> the tube with where it stands, and why it could not come into this rack."""
    rows = fetch(_TUBES, {"ids": sorted(keys)})
    above = db.session.scalars(
        select(Container).where(Container.id.in_(places.ids_above([container.id])[container.id]))
    )
    binding = accepting.binding(above)
    inside = places.ids_above({row.container_id for row in rows if row.container_id}) if binding else {}
    found = {}
    for row in rows:
        stand = Stand(row.container_id, row.container_code, row.container_name, row.position)
        tube = Tube(row.id, row.code, row.type, stand if row.container_id is not None else None)
        already = inside.get(row.container_id, ())
        new_ground = [each for each in binding if each.id not in already]
        found[row.id] = replace(tube, problem=_problem(row, container, kind, new_ground))
    return found


def _problem(
    row: Any, container: Container, kind: ContainerKind, new_ground: Sequence[Container]
) -> Reason | None:
    """Why a tube may not be put into this rack; None when it may."""
    if row.site_id != container.site_id:
        return Reason("rack_other_site", {"sample": row.code})
    if not storage_rules.may_stand(kind, row.vessel):
        return Reason("does_not_fit", {"thing": row.vessel, "kind": kind.label})
    if life.Act.MOVE not in life.possible_acts(row.status):
        return Reason(life.STATUS_SENTENCES[life.Status(row.status)])
    try:
        accepting.require_accepts(new_ground, [accepting.Facts(row.code, row.study, row.type)])
    except RuleViolation as refusal:
        return Reason(refusal.code, refusal.params)
    return None


def _kept_for_others(container: Container, by: Actor) -> dict[str, Reason]:
    """Position -> why nothing may be put there: it is blocked, or a hand is on the way to it."""
    found: dict[str, Reason] = {}
    waited: dict[str, tuple[str, str]] = {}
    for position, claim in claims.open_claims([container.id]).get(container.id, {}).items():
        kept = Kept(claim.for_key, claim.until_at, claim.plan_id)
        meant = answer(kept, key=by.key, plan_id=None, now=clock.now())
        where = {"container": container.code, "position": position}
        if meant is Answer.BLOCKED:
            found[position] = Reason("position_blocked", {**where, "why": claim.why or "–"})
        elif meant is Answer.RESERVED and claim.until_at is not None:
            waited[position] = (claim.for_key or "", scans.shown(claim.until_at))
    names = access.names_of([key for key, _ in waited.values()]) if waited else {}
    for position, (key, until) in waited.items():
        told = {"container": container.code, "position": position, "who": names.get(key, "–"), "clock": until}
        found[position] = Reason("position_reserved", told)
    return found


# Built once, see storage.places.
_IN_BOX = (
    select(Placement.position, Placement.sample_id, Container.code.label("child"))
    .select_from(Placement)
    .outerjoin(Container, Container.id == Placement.child_id)
    .where(Placement.container_id == bindparam("container_id"), places.current())
)
_TUBES = (
    select(
        Sample.id, Sample.code, Sample.type, Sample.status, Sample.vessel, Sample.site_id, Study.code.label("study"),
        Placement.container_id, Placement.position, Container.code.label("container_code"),
        Container.name.label("container_name"),
    )
    .select_from(Sample)
    .join(Study, Study.id == Sample.study_id)
    .outerjoin(Placement, (Placement.sample_id == Sample.id) & places.current())
    .outerjoin(Container, Container.id == Placement.container_id)
    .where(among(Sample.id, "ids"))
)  # fmt: skip
