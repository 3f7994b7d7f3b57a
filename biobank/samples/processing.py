"""PROCESSING: what is made of a sample: aliquots, derivatives, pools. Each debits its parents in the same unit."""

from collections.abc import Mapping, Sequence

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.consent import rules as consent_rules
from biobank.core import clock, units, vocabularies
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.core.times import When
from biobank.samples import gate, making, quantities, rules, uses
from biobank.samples.collection import check_type
from biobank.samples.models import CollectionEvent, Processing, Sample

#: More children than any rack holds is a slip of the keyboard.
MOST_CHILDREN = 384


def aliquot(
    *,
    sample: Sample,
    count: int,
    amount: int,
    by: Actor,
    type: str | None = None,
    close_parent: bool = False,
    container_codes: Sequence[str] = (),
    at: When | None = None,
) -> list[Sample]:
    """Divide a sample: `count` children of `amount` each, of the same unit as the parent.

    amount           base units of the parent's quantity
    type             of the children; the parent's own unless given
    close_parent     write off what is left and call the parent depleted
    container_codes  makers' codes of the children's tubes, one for each or none
    raises           RuleViolation `overdraw` with what is left, after a withdrawal, for a held code …
    """
    happened = at or When.now(clock.now)
    check_count(count)
    check_type(type or sample.type)
    _check_codes(container_codes, count)
    (parent,) = gate.lock_samples([sample.id])
    rules.next_status(parent.status, rules.Act.ALIQUOT)
    _check_times([parent], happened)
    _check_same_material(parent, type)
    gate.require_preserving([parent], "aliquot")
    plan = rules.plan_aliquots(
        parent.remaining, parent.reserved, count, amount, kind=parent.quantity_kind, sample=parent.code
    )
    step = making.start("aliquot", parent.site_id, happened=happened, by=by)
    quantities.draw(parent, plan.total, act="aliquot", happened=happened, by=by, step=step)
    if close_parent:
        quantities.empty(parent, act="close", happened=happened, by=by, step=step)
    quantity = (parent.quantity_kind or "", amount)
    children = _children(
        parent, count, type or parent.type, "aliquoted", quantity, container_codes, step, happened, by
    )
    _tell_parent(parent, "aliquoted", children, plan.total, happened, by)
    return children


def _check_same_material(parent: Sample, type: str | None) -> None:
    """An aliquot of germinal cells holds germinal cells: no other name takes it out of what the law says of them."""
    if parent.type in vocabularies.germinal_types() and type not in (None, parent.type):
        raise RuleViolation("aliquot_is_germinal", sample=parent.code, type=type, parent_type=parent.type)


def derive(
    *,
    sample: Sample,
    type: str,
    by: Actor,
    quantity: tuple[str, int] | None = None,
    drawn: int | None = None,
    count: int = 1,
    whole: bool = False,
    container_codes: Sequence[str] = (),
    at: When | None = None,
) -> list[Sample]:
    """Make something else of a sample: plasma of blood, DNA of tissue.

    quantity  of each child, (kind, base units); None when not measured yet
    drawn     taken from the parent, in its base units; None when nobody measured it
    whole     the parent is used up by it
    """
    happened = at or When.now(clock.now)
    check_count(count)
    check_type(type)
    _check_codes(container_codes, count)
    (parent,) = gate.lock_samples([sample.id])
    rules.next_status(parent.status, rules.Act.DERIVE)
    _check_times([parent], happened)
    gate.require_preserving([parent], "derive")
    step = making.start("derive", parent.site_id, happened=happened, by=by)
    if drawn is not None:
        quantities.draw(parent, drawn, act="derive", happened=happened, by=by, step=step)
    if whole:
        quantities.empty(parent, act="derive", happened=happened, by=by, step=step)
    children = _children(parent, count, type, "derived", quantity, container_codes, step, happened, by)
    _tell_parent(parent, "derived", children, drawn, happened, by)
    return children


def pool(
    *,
    samples: Sequence[Sample],
    by: Actor,
    type: str | None = None,
    drawn: Mapping[int, int] | None = None,
    quantity: tuple[str, int] | None = None,
    container_code: str | None = None,
    use: consent_rules.Use | None = None,
    at: When | None = None,
) -> Sample:
    """Pour samples together. Across donors this is a use: each parent needs a permit for the purposes of `use`.

    drawn   sample key -> base units; what is not named is poured whole
    quantity  measured afterwards, (kind, base units); the sum of what was poured unless given, and never more than it
    type    of the pool; the parents' own when they agree
    raises  RuleViolation when a donor refuses, the units differ, or the studies differ
    """
    happened = at or When.now(clock.now)
    parents = gate.lock_samples([sample.id for sample in samples])
    _check_pool(parents)
    kind = _pool_type(parents, type)
    donors = set().union(*gate.donors_of([parent.id for parent in parents]).values())
    act = "pool" if len(donors) == 1 else "pool_across_donors"
    for parent in parents:
        rules.next_status(parent.status, act)
    _check_times(parents, happened)
    step = making.start("pool", parents[0].site_id, happened=happened, by=by)
    if act == "pool":
        gate.require_preserving(parents, "pool")
    else:
        asked = use or consent_rules.Use(act=act)
        uses.use(parents, asked, act=act, by=by, at=happened)
    poured = [(parent.quantity_kind, _pour(parent, drawn or {}, step, happened, by)) for parent in parents]
    pooled = _pooled(rules.pooled_quantity(poured), quantity)
    events = {parent.collection_event_id for parent in parents}
    item = making.NewSample(
        study_id=parents[0].study_id, type=kind, origin="pooled", donors=sorted(donors), vessel=parents[0].vessel,
        collection_event_id=events.pop() if len(events) == 1 else None,
        quantity=pooled,
        container_code=container_code, parents=parents,
    )  # fmt: skip
    (child,) = _make([item], step, happened, by)
    for parent in parents:
        _tell_parent(parent, "pooled", [child], None, happened, by)
    return child


def _pooled(
    poured: tuple[str | None, int | None], measured: tuple[str, int] | None
) -> tuple[str, int] | None:
    """What the pool holds: as measured, but never more than went in where that is known."""
    kind, total = poured
    if kind is None or total is None:
        return measured
    if measured is None:
        return kind, total
    if measured[0] != kind or measured[1] > total:
        raise RuleViolation(
            "pool_of_more",
            given=units.show(*measured),
            poured=units.show(kind, total),
            unit=units.KINDS[measured[0]].unit,
        )
    return measured


def check_count(count: int) -> None:
    """raises Malformed unless 1 to MOST_CHILDREN"""
    if not 1 <= count <= MOST_CHILDREN:
        raise Malformed({"count": Reason("count_out_of_range", {"count": count, "most": MOST_CHILDREN})})


def _check_codes(container_codes: Sequence[str], count: int) -> None:
    if container_codes and len(container_codes) != count:
        given = {"given": len(container_codes), "count": count}
        raise Malformed({"container_codes": Reason("container_codes_differ", given)})


def _check_pool(parents: Sequence[Sample]) -> None:
    if len(parents) < 2:
        raise RuleViolation("pool_needs_two", given=len(parents))
    if len({parent.study_id for parent in parents}) > 1:
        raise RuleViolation("pool_across_studies", samples=", ".join(parent.code for parent in parents))


def _pool_type(parents: Sequence[Sample], type: str | None) -> str:
    types = {parent.type for parent in parents}
    if type is None and len(types) > 1:
        raise Malformed({"type": Reason("pool_type_needed", {"types": ", ".join(sorted(types))})})
    chosen = type or types.pop()
    check_type(chosen)
    return chosen


def _pour(
    parent: Sample, drawn: Mapping[int, int], step: Processing, happened: When, by: Actor
) -> int | None:
    """Take a parent's part. returns base units, None when unknown"""
    if parent.id not in drawn:
        return quantities.empty(parent, act="pool", happened=happened, by=by, step=step)
    quantities.draw(parent, drawn[parent.id], act="pool", happened=happened, by=by, step=step)
    return drawn[parent.id]


def _children(
    parent: Sample, count: int, type: str, origin: str, quantity: tuple[str, int] | None,
    container_codes: Sequence[str], step: Processing, happened: When, by: Actor,
) -> list[Sample]:  # fmt: skip
    donors = sorted(gate.donors_of([parent.id])[parent.id])
    items = [
        making.NewSample(
            study_id=parent.study_id, type=type, origin=origin, donors=donors, vessel=parent.vessel,
            collection_event_id=parent.collection_event_id, quantity=quantity, parents=[parent],
            container_code=container_codes[place] if container_codes else None,
        )
        for place in range(count)
    ]  # fmt: skip
    return _make(items, step, happened, by)


def _make(items: list[making.NewSample], step: Processing, happened: When, by: Actor) -> list[Sample]:
    site_code = access.site_code(step.site_id)
    db.session.flush()
    return making.make(items, site_id=step.site_id, site_code=site_code, step=step, happened=happened, by=by)


def _check_times(parents: Sequence[Sample], happened: When) -> None:
    """A child is not made in the future, nor before its parents were drawn or made. Refused only when certain."""
    reasons = [rules.act_not_in_future(happened, clock.now(), clock.zone())]
    for parent in parents:
        made = When(parent.treated_at, parent.treated_precision or "unknown")
        reasons.append(rules.child_not_older(happened, made, sample=parent.code, zone=clock.zone()))
        event = (
            db.session.get(CollectionEvent, parent.collection_event_id)
            if parent.collection_event_id
            else None
        )
        if event:
            drawn = When(event.happened_at, event.precision)
            reasons.append(rules.child_not_older(happened, drawn, sample=parent.code, zone=clock.zone()))
    rules.refuse(reasons)


def _tell_parent(
    parent: Sample, act: str, children: Sequence[Sample], amount: int | None, happened: When, by: Actor
) -> None:
    after: dict[str, object] = {"children": [child.code for child in children], "status": parent.status}
    if amount is not None and parent.quantity_kind:
        after["drawn"] = (
            f"{units.show(parent.quantity_kind, amount)} {units.KINDS[parent.quantity_kind].unit}"
        )
    if parent.remaining is not None and parent.quantity_kind:
        unit = units.KINDS[parent.quantity_kind].unit
        after["left"] = f"{units.show(parent.quantity_kind, parent.remaining)} {unit}"
    audit.record(by=by, act=act, subject=("sample", parent.code), after=after, happened=happened)
