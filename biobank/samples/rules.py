"""What may be done to a sample, what becomes of it, and how much may be drawn. Pure: no database, no clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from biobank.core import times, units
from biobank.core.errors import Reason, RuleViolation
from biobank.core.times import BANK_ZONE, When


class Status(StrEnum):
    """Where a sample is in its life. Stored, held, reserved and consent are separate facts."""

    EXPECTED = "expected"
    COLLECTED = "collected"
    AVAILABLE = "available"
    DEPLETED = "depleted"
    HANDED_OUT = "handed_out"
    SHIPPED = "shipped"
    DESTROYED = "destroyed"
    LOST = "lost"


class Act(StrEnum):
    """What people do with a sample."""

    COLLECT = "collect"
    RECEIVE = "receive"
    SPIN = "spin"
    ALIQUOT = "aliquot"
    DERIVE = "derive"
    FREEZE = "freeze"
    MOVE = "move"
    POOL = "pool"  # of one donor
    ALLOCATE = "allocate"
    PICK = "pick"
    HAND_OUT = "hand_out"
    SHIP = "ship"
    ANALYSE = "analyse"
    GIVE_DATA = "give_data"
    POOL_ACROSS_DONORS = "pool_across_donors"
    OWN_CARE = "own_care"  # back to the patient's own care
    RETURN = "return"
    DEPLETE = "deplete"
    LOSE = "lose"
    FIND = "find"
    CORRECT = "correct"
    DISCARD = "discard"
    UNDO = "undo"  # what brought it here was a slip of the hand


class Vessel(StrEnum):
    """What the material is in, as far as storage is concerned."""

    TUBE = "tube"
    SLIDE = "slide"
    BLOCK = "block"
    STRAW = "straw"
    CASSETTE = "cassette"


# The whole life of a sample. What is not listed cannot happen.
LIFE: dict[tuple[Status, Act], Status] = {
    # Announced by a visit plan or a pre-labelled kit; not drawn, as far as we know.
    (Status.EXPECTED, Act.COLLECT): Status.COLLECTED,
    (Status.EXPECTED, Act.RECEIVE): Status.AVAILABLE,
    (Status.EXPECTED, Act.CORRECT): Status.EXPECTED,
    (Status.EXPECTED, Act.DISCARD): Status.DESTROYED,
    # Drawn, and on its way. It is received before anything else is done with it; only throwing it away needs no
    # reception, for after a withdrawal reception is refused and discarding is all that is left.
    (Status.COLLECTED, Act.RECEIVE): Status.AVAILABLE,
    (Status.COLLECTED, Act.CORRECT): Status.COLLECTED,
    (Status.COLLECTED, Act.DISCARD): Status.DESTROYED,
    # In the biobank's hands.
    (Status.AVAILABLE, Act.SPIN): Status.AVAILABLE,
    (Status.AVAILABLE, Act.ALIQUOT): Status.AVAILABLE,
    (Status.AVAILABLE, Act.DERIVE): Status.AVAILABLE,
    (Status.AVAILABLE, Act.FREEZE): Status.AVAILABLE,
    (Status.AVAILABLE, Act.MOVE): Status.AVAILABLE,
    (Status.AVAILABLE, Act.POOL): Status.AVAILABLE,
    (Status.AVAILABLE, Act.ALLOCATE): Status.AVAILABLE,
    (Status.AVAILABLE, Act.PICK): Status.AVAILABLE,
    (Status.AVAILABLE, Act.ANALYSE): Status.AVAILABLE,
    (Status.AVAILABLE, Act.GIVE_DATA): Status.AVAILABLE,
    (Status.AVAILABLE, Act.POOL_ACROSS_DONORS): Status.AVAILABLE,
    (Status.AVAILABLE, Act.CORRECT): Status.AVAILABLE,
    (Status.AVAILABLE, Act.HAND_OUT): Status.HANDED_OUT,
    (Status.AVAILABLE, Act.OWN_CARE): Status.HANDED_OUT,
    (Status.AVAILABLE, Act.SHIP): Status.SHIPPED,
    (Status.AVAILABLE, Act.DEPLETE): Status.DEPLETED,
    (Status.AVAILABLE, Act.UNDO): Status.COLLECTED,  # received by mistake
    (Status.AVAILABLE, Act.LOSE): Status.LOST,
    (Status.AVAILABLE, Act.DISCARD): Status.DESTROYED,
    # Given to somebody in the house.
    (Status.HANDED_OUT, Act.RETURN): Status.AVAILABLE,
    (Status.HANDED_OUT, Act.GIVE_DATA): Status.HANDED_OUT,
    (Status.HANDED_OUT, Act.CORRECT): Status.HANDED_OUT,
    (Status.HANDED_OUT, Act.DEPLETE): Status.DEPLETED,
    (Status.HANDED_OUT, Act.LOSE): Status.LOST,
    (Status.HANDED_OUT, Act.DISCARD): Status.DESTROYED,
    # Sent away.
    (Status.SHIPPED, Act.RETURN): Status.AVAILABLE,
    (Status.SHIPPED, Act.GIVE_DATA): Status.SHIPPED,
    (Status.SHIPPED, Act.CORRECT): Status.SHIPPED,
    (Status.SHIPPED, Act.DEPLETE): Status.DEPLETED,
    (Status.SHIPPED, Act.LOSE): Status.LOST,
    (Status.SHIPPED, Act.DISCARD): Status.DESTROYED,
    # Looked for, not there.
    (Status.LOST, Act.FIND): Status.AVAILABLE,
    (Status.LOST, Act.CORRECT): Status.LOST,
    # Used up: the empty tube may still be thrown away, and what was measured on it may still be given.
    (Status.DEPLETED, Act.UNDO): Status.AVAILABLE,  # what emptied it was taken back
    (Status.DEPLETED, Act.GIVE_DATA): Status.DEPLETED,
    (Status.DEPLETED, Act.CORRECT): Status.DEPLETED,
    (Status.DEPLETED, Act.DISCARD): Status.DESTROYED,
    # Gone. Only a mistake in the record can still be put right, and a slip of the hand by who made it, at once.
    (Status.DESTROYED, Act.CORRECT): Status.DESTROYED,
    (Status.DESTROYED, Act.UNDO): Status.AVAILABLE,  # or what it was before
}

# The sentence that says what each status means; it also says why an act was refused.
STATUS_SENTENCES = {
    Status.EXPECTED: "status_expected",
    Status.COLLECTED: "status_collected",
    Status.AVAILABLE: "status_available",
    Status.DEPLETED: "status_depleted",
    Status.HANDED_OUT: "status_handed_out",
    Status.SHIPPED: "status_shipped",
    Status.DESTROYED: "status_destroyed",
    Status.LOST: "status_lost",
}

# Keeps the material as the patient left it. Allowed while consent is pending.
PRESERVING = frozenset(
    {Act.RECEIVE, Act.SPIN, Act.ALIQUOT, Act.DERIVE, Act.FREEZE, Act.MOVE, Act.POOL, Act.DISCARD}
)
# Each of these needs a permitting decision.
USES = frozenset(
    {
        Act.ALLOCATE,
        Act.PICK,
        Act.HAND_OUT,
        Act.SHIP,
        Act.ANALYSE,
        Act.GIVE_DATA,
        Act.POOL_ACROSS_DONORS,
        Act.OWN_CARE,
    }
)


def next_status(status: str, act: str) -> Status:
    """What a sample becomes.

    raises  RuleViolation `act_not_possible`, its reason being what the status means
    """
    try:
        return LIFE[Status(status), Act(act)]
    except KeyError:
        why = Reason(STATUS_SENTENCES[Status(status)])
        raise RuleViolation("act_not_possible", reasons=[why], status=str(status), act=str(act)) from None


def possible_acts(status: str) -> tuple[Act, ...]:
    """What the life cycle allows now, in the order of the table; consent and holds may still say no."""
    return tuple(act for (listed, act) in LIFE if listed == status)


def debit(remaining: int | None, reserved: int, amount: int, *, kind: str | None, sample: str) -> int:
    """What remains after drawing `amount`; all in stored units (nL, ng, cells).

    reserved  held for others than the one who draws now
    kind      None only where the quantity is unknown
    raises    RuleViolation when nothing is asked, the quantity is unknown, or more is asked than is free
    """
    if amount <= 0:
        raise RuleViolation("nothing_asked", sample=sample)
    if remaining is None or kind is None:
        raise RuleViolation("quantity_unknown", sample=sample)
    left = remaining - reserved
    if amount > left:
        raise RuleViolation(
            "overdraw",
            reasons=[_promised(reserved, kind, sample)] if reserved else [],
            sample=sample,
            left=units.show(kind, left),
            asked=units.show(kind, amount),
            unit=units.KINDS[kind].unit,
        )
    return remaining - amount


@dataclass(frozen=True)
class AliquotPlan:
    """`count` aliquots of `each`, together `total`; the parent keeps `left`."""

    count: int
    each: int
    total: int
    left: int


def plan_aliquots(
    remaining: int | None, reserved: int, count: int, each: int, *, kind: str | None, sample: str
) -> AliquotPlan:
    """Aliquots by amount: all of them fit, or none is made. Raises as `debit` does."""
    if count <= 0 or each <= 0:
        raise RuleViolation("nothing_asked", sample=sample)
    total = count * each
    return AliquotPlan(count, each, total, debit(remaining, reserved, total, kind=kind, sample=sample))


def whole(
    remaining: int | None, reserved: int, *, kind: str | None, sample: str, promised: bool = False
) -> int | None:
    """All that is in the tube: what a whole-tube derivation takes and what closing the tube writes off.

    promised  of an unknown quantity no part can be reserved: the tube is promised as it is
    returns   the amount for the ledger; None when the quantity is unknown, which is no obstacle here
    raises    RuleViolation `part_is_reserved` when some of it is promised, `tube_is_reserved` when the tube is
    """
    if remaining is None or kind is None:
        if promised:
            raise RuleViolation("tube_is_reserved", sample=sample)
        return None
    if reserved:
        refuse([_promised(reserved, kind, sample)])
    return remaining


def pooled_quantity(parents: Sequence[tuple[str | None, int | None]]) -> tuple[str | None, int | None]:
    """What a pool holds when all of each parent goes into it.

    parents  (kind, remaining) of each; an unknown amount may lack a kind
    returns  the same pair; one unknown amount makes the sum unknown
    raises   RuleViolation when there are fewer than two, or µL and µg (or cells) are mixed
    """
    if len(parents) < 2:
        raise RuleViolation("pool_needs_two", given=len(parents))
    kinds = sorted({kind for kind, _ in parents if kind is not None})
    if len(kinds) > 1:
        raise RuleViolation("pool_of_unlike_units", units=", ".join(units.KINDS[kind].unit for kind in kinds))
    kind = kinds[0] if kinds else None
    total = 0
    for _, amount in parents:
        if amount is None:
            return kind, None
        total += amount
    return kind, total


# The rules about time. Each returns the reason why it is broken, or None; `refuse` raises them together.
# They refuse only what is certain: two times known to the day cannot contradict each other on that day.


def collection_not_in_future(collected: When, now: datetime, zone: ZoneInfo = BANK_ZONE) -> Reason | None:
    """A draw that is certainly still to come."""
    if not times.surely_future(collected, now, zone):
        return None
    return Reason("collected_in_future", {"collected": times.show(collected, zone)})


def act_not_in_future(happened: When, now: datetime, zone: ZoneInfo = BANK_ZONE) -> Reason | None:
    """An act that is certainly still to come cannot be recorded as done."""
    if not times.surely_future(happened, now, zone):
        return None
    return Reason("happened_in_future", {"happened": times.show(happened, zone)})


def act_not_before_collection(happened: When, collected: When, zone: ZoneInfo = BANK_ZONE) -> Reason | None:
    """Nothing is done to a sample before it is drawn."""
    if not times.surely_before(happened, collected, zone):
        return None
    shown = {"happened": times.show(happened, zone), "collected": times.show(collected, zone)}
    return Reason("happened_before_collection", shown)


def child_not_older(child: When, parent: When, *, sample: str, zone: ZoneInfo = BANK_ZONE) -> Reason | None:
    """What is made from a sample is not older than it; `sample` is the parent's code. Refused only when certain."""
    if not times.surely_before(child, parent, zone):
        return None
    shown = {"child": times.show(child, zone), "parent": times.show(parent, zone), "sample": sample}
    return Reason("child_older_than_parent", shown)


def refuse(reasons: Iterable[Reason | None]) -> None:
    """Raise one RuleViolation that carries every reason there is; the first gives its name and sentence."""
    spoken = [reason for reason in reasons if reason is not None]
    if spoken:
        raise RuleViolation(spoken[0].code, reasons=spoken, **spoken[0].params)


def _promised(reserved: int, kind: str, sample: str) -> Reason:
    unit = units.KINDS[kind].unit
    return Reason(
        "part_is_reserved", {"sample": sample, "reserved": units.show(kind, reserved), "unit": unit}
    )
