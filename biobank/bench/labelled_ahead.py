"""A tube whose label was printed before the draw: which tube of the kit it is, and whether it is one of this kit."""

from typing import Any

from biobank.core.errors import NotFound, RuleViolation
from biobank.procedures.models import CollectionKit
from biobank.samples import allotted
from biobank.samples.models import AllottedNumber


def require_expected(state: dict[str, Any], number: AllottedNumber, site_id: int) -> CollectionKit | None:
    """The kit that this label was printed for; None for a loose one.

    raises  NotFound for another site's; RuleViolation where announced tubes are received, or another kit is
    """
    if allotted.site_of(number) != site_id:
        raise NotFound("number_unknown", number=number.code)
    if state.get("expected"):
        raise RuleViolation("receive_not_announced", code=number.code, patient=state["patient"])
    kit = allotted.kit_of(number)
    if kit is not None and state["kit"] not in (None, kit.number):
        raise RuleViolation("receive_label_other_kit", number=number.code, kit=kit.title, here=state["title"])
    if kit is None and not state["kit"]:
        raise RuleViolation("receive_kit_first")
    return kit


def place_of(state: dict[str, Any], number: AllottedNumber, kit: CollectionKit | None) -> dict[str, Any]:
    """The tube of the kit that this label was printed for; of a loose label the next one."""
    left: list[dict[str, Any]] = state["left"]
    if not left:
        raise RuleViolation("receive_kit_full", kit=state["title"], code=number.code)
    if kit is None:
        return left[0]
    for tube in left:
        if tube.get("place") == number.place:
            return tube
    raise RuleViolation("receive_place_taken", number=number.code, place=number.label or str(number.place))


def set_of(number: AllottedNumber) -> str:
    """Which of the kits that were printed: labels of two on one person's tubes are a sign of a mix-up."""
    return f"{number.allotment_id}.{number.set_number}" if number.type is not None else ""


def of_other_kits(state: dict[str, Any], number: AllottedNumber) -> list[str]:
    """Tubes of this session whose labels were printed for another kit than this one's."""
    return [tube["sample"] for tube in state["tubes"] if tube.get("set") not in (None, "", set_of(number))]
