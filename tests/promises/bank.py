"""The whole plain bank: its stock, and the requests for it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.promises.consent import Demand
from tests.promises.stock import Stock, Tube, codes

OPEN = ("asked", "reserved", "picked")
HELD = ("reserved", "picked")


@dataclass
class Order:
    """A request."""

    id: int
    code: str
    demand: Demand
    status: str = "draft"
    lines: dict[int, str] = field(default_factory=dict)
    struck: set[int] = field(default_factory=set)
    """Taken out of the draft: such a line is as if it were not there."""

    def with_status(self, *statuses: str) -> list[int]:
        return [key for key, status in self.lines.items() if status in statuses]


@dataclass
class Bank(Stock):
    """All there is."""

    orders: dict[int, Order] = field(default_factory=dict)

    def let_go(self, tube: Tube) -> None:
        for order in self.orders.values():
            if order.status in ("draft", "submitted", "approved"):
                self._let_go(order, [tube.id])

    def narrow(self, tube: Tube) -> None:
        for order in self.orders.values():
            held = order.status == "approved" and order.lines.get(tube.id) in HELD
            if held and not self.allows(tube, order.demand, held=True):
                self._let_go(order, [tube.id])

    def _let_go(self, order: Order, keys: Iterable[int]) -> None:
        for key in keys:
            if order.lines.get(key) in OPEN:
                if order.lines[key] in HELD:
                    self.tubes[key].reserved = 0
                order.lines[key] = "released"
        self.finish(order)

    def finish(self, order: Order) -> None:
        if order.status == "approved" and not order.with_status(*OPEN):
            order.status = "completed"

    def promised(self, tube: Tube) -> bool:
        return tube.reserved > 0 or any(order.lines.get(tube.id) in HELD for order in self.orders.values())

    def allocations(self, order: Order) -> tuple[list[int], set[str]]:
        """What an approval would hold, and what stands in its way."""
        asked = [self.tubes[key] for key in order.with_status("asked")]
        free = [tube for tube in asked if tube.status == "available" and not self.promised(tube)]
        held = [tube.id for tube in free if self.allows(tube, order.demand)]
        if order.status != "submitted" or not asked:
            if order.status == "approved":
                return [], {"nothing_left_to_decide"}
            return [], {"request_act_not_possible"} if order.status != "submitted" else {"nothing_asked_for"}
        return held, codes(nothing_to_reserve=not free, use_refused=free and not held)

    def approve(self, order: Order, held: list[int]) -> None:
        order.status = "approved"
        for key in order.with_status("asked"):
            order.lines[key] = "reserved" if key in held else "refused"
            if key in held:
                self.tubes[key].reserved = self.tubes[key].left or 0

    def close(self, order: Order, status: str) -> None:
        """Ended by people; what was given stays given."""
        order.status = "completed" if order.with_status("handed_out") else status
        self._let_go(order, list(order.lines))

    def why_not_pick(self, order: Order, tube: Tube) -> set[str]:
        if order.status != "approved":
            return {"request_act_not_possible"}
        if tube.id in order.struck or order.lines.get(tube.id) != "reserved":
            return {"wrong_tube" if order.with_status("reserved") else "wrong_tube_nothing_left"}
        return self.why_not_use([tube], order.demand, None, here=True)

    def why_not_miss(self, order: Order, tube: Tube) -> set[str]:
        if order.status != "approved":
            return {"request_act_not_possible"}
        line = None if tube.id in order.struck else order.lines.get(tube.id)
        return codes(
            not_in_request=line is None,
            line_act_not_possible=line not in OPEN,
            act_not_possible=tube.status not in ("available", "handed_out"),
        )

    def miss(self, order: Order, tube: Tube) -> None:
        self._let_go(order, [tube.id])
        if tube.place is not None and not tube.sought:
            tube.sought = True
            tube.holds.add("inventory")
        self.end(tube, "lost")

    def why_not_hand_out(self, order: Order) -> set[str]:
        return codes(
            request_act_not_possible=order.status != "approved",
            nothing_picked=order.status == "approved" and not order.with_status("picked"),
        )

    def hand_out(self, order: Order) -> tuple[list[int], list[int]]:
        """returns what leaves, and what stays although it was picked"""
        picked = order.with_status("picked")
        given = [
            key
            for key in picked
            if self.tubes[key].status == "available" and self.allows(self.tubes[key], order.demand)
        ]
        for key in given:
            tube = self.tubes[key]
            order.lines[key] = "handed_out"
            tube.given, tube.reserved = tube.left, 0
            tube.left = None if tube.left is None else 0
            self.end(tube, "handed_out")
        kept = [key for key in picked if key not in given]
        self._let_go(order, kept)
        self.finish(order)
        return given, kept

    def why_not_return(self, tube: Tube, amount: int | None) -> set[str]:
        known = tube.left is not None
        return codes(
            act_not_possible=tube.status != "handed_out",
            malformed=known and amount is None,
            given_amount_unknown=not known and amount is not None,
            more_than_was_given=known and amount is not None and amount > (tube.given or 0),
        )

    def come_back(self, tube: Tube, amount: int | None) -> None:
        tube.left = None if tube.left is None else amount
        tube.status = "depleted" if amount == 0 else "available"
        gates = [gate for gate in self.withdrawals(tube.donors, tube.study) if gate.clause is None]
        if amount != 0 and tube.recalled_for & tube.donors and gates:
            tube.to_destroy = True
