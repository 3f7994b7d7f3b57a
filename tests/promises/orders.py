"""Steps of requests: researchers ask, somebody else decides, tubes are fetched and handed over, and come back."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.distribution import service as distribution
from biobank.requests import service as requests
from biobank.requests.models import Request
from tests.promises.bank import Order
from tests.promises.consent import Demand
from tests.promises.places import Places
from tests.promises.stock import Tube
from tests.promises.walking import DEMANDS, NUMBERS, step

FEW = st.lists(NUMBERS, min_size=1, max_size=4)
RESEARCH = Demand("HMB", company=False, genetic=False)


class Orders(Places):
    """Requests, from the draft to the hand-out and back."""

    def on(
        self,
        name: str,
        why_not: set[str],
        act: Callable[..., Any],
        order: Order,
        by: Actor | None = None,
        **told: Any,
    ) -> bool:
        """An act on a request."""

        def work() -> bool:
            act(request=db.session.get_one(Request, order.id), by=by or self.by, **told)
            return True

        return bool(self.act(name, why_not, work))

    def orders(self, *statuses: str) -> list[Order]:
        return [order for order in self.bank.orders.values() if order.status in statuses]

    def order(self, number: int, *statuses: str) -> Order:
        """Mostly one with which it can be done; -1 - key: this very one."""
        if number < 0:
            return self.bank.orders[-1 - number]
        fit = self.orders(*statuses) if number % 8 else []
        some = fit or list(self.bank.orders.values())
        return some[-1 - (number // 8) % len(some)] if some else self.a_researcher_begins_a_request(RESEARCH)

    def tube_of(self, order: Order, number: int, *statuses: str) -> Tube:
        lines = order.with_status(*statuses) if number % 8 else []
        return self.bank.tubes[lines[number // 8 % len(lines)]] if lines else self.tube(number)

    @step("orders", times=12, which=NUMBERS, tubes=FEW, demand=DEMANDS)
    def a_request_goes_on(self, which: int, tubes: list[int], demand: Demand) -> None:
        """The next of its steps, so that many come to their end."""
        going = self.orders("draft", "submitted", "approved")
        if len(going) < 2 or which % 16 == 0:
            going = [self.a_researcher_begins_a_request(demand)]
        order = going[which % len(going)]
        only = -1 - order.id
        if order.status == "submitted":
            self.a_request_is_approved(only)
        elif order.status == "approved" and order.with_status("reserved"):
            self.a_tube_is_picked(only, which | 1)
        elif order.status == "approved":
            self.a_request_is_handed_out(only, "Laboratory 3")
        elif order.with_status("asked"):
            self.a_request_is_sent(only)
        else:
            self.samples_are_asked_for(only, tubes)

    @step("orders", demand=DEMANDS)
    def a_researcher_begins_a_request(self, demand: Demand) -> Order:
        def work() -> tuple[int, str]:
            made = requests.draft(
                site_id=self.site_id, title="Early relapse", purposes=[demand.purpose], genetic=demand.genetic,
                organisation="for-profit" if demand.company else "non-profit", commercial=demand.company,
                by=self.researcher,
            )  # fmt: skip
            return made.id, made.code

        made = self.act("draft", set(), work)
        return self.bank.orders.setdefault(made[0], Order(*made, demand=demand))

    @step("orders", which=NUMBERS, tubes=FEW)
    def samples_are_asked_for(self, which: int, tubes: list[int]) -> None:
        order = self.order(which, "draft")
        asked = [self.useful(number, order.demand) for number in tubes]
        why_not = set() if order.status == "draft" else {"request_act_not_possible"}
        wanted = [tube.code for tube in asked]
        if self.on("ask", why_not, requests.add_samples, order, self.researcher, samples=wanted):
            for tube in asked:
                order.lines[tube.id] = "asked"
                order.struck.discard(tube.id)

    @step("orders", which=NUMBERS, tube=NUMBERS)
    def a_sample_is_struck_out(self, which: int, tube: int) -> None:
        order = self.order(which, "draft")
        struck = self.tube_of(order, tube, "asked")
        line = None if struck.id in order.struck else order.lines.get(struck.id)
        why_not = {None: {"line_missing"}, "asked": set()}.get(line, {"line_act_not_possible"})
        why_not = why_not if order.status == "draft" else {"request_act_not_possible"}
        if self.on("strike", why_not, requests.remove_sample, order, self.researcher, sample=struck.code):
            order.lines[struck.id] = "released"
            order.struck.add(struck.id)

    @step("orders", which=NUMBERS)
    def a_request_is_sent(self, which: int) -> None:
        order = self.order(which, "draft")
        why_not = set() if order.with_status("asked") else {"nothing_asked_for"}
        why_not = why_not if order.status == "draft" else {"request_act_not_possible"}
        if self.on("submit", why_not, requests.submit, order, self.researcher):
            order.status = "submitted"

    @step("orders", which=NUMBERS)
    def a_request_is_approved(self, which: int) -> None:
        order = self.order(which, "submitted")
        held, why_not = self.bank.allocations(order)
        if self.on("approve", why_not, requests.approve, order, self.manager):
            self.bank.approve(order, held)

    @step("orders", which=NUMBERS, cancel=st.booleans())
    def a_request_is_ended(self, which: int, cancel: bool) -> None:
        open_now = ("draft", "submitted", "approved") if cancel else ("submitted",)
        order = self.order(which, *open_now)
        why_not = set() if order.status in open_now else {"request_act_not_possible"}
        act, by = (requests.cancel, self.researcher) if cancel else (requests.refuse, self.manager)
        if self.on("cancel" if cancel else "refuse", why_not, act, order, by, reason="too few"):
            self.bank.close(order, "cancelled" if cancel else "refused")

    @step("orders", which=NUMBERS, tube=NUMBERS)
    def a_tube_is_picked(self, which: int, tube: int) -> None:
        order = self.order(which, "approved")
        picked = self.tube_of(order, tube, "reserved")
        why_not = self.bank.why_not_pick(order, picked)
        if self.on("pick", why_not, distribution.pick, order, sample_code=picked.code):
            order.lines[picked.id], picked.place = "picked", None

    @step("orders", which=NUMBERS, tube=NUMBERS)
    def a_tube_is_missing(self, which: int, tube: int) -> None:
        order = self.order(which, "approved")
        missed = self.tube_of(order, tube, "reserved", "picked")
        sample = self.row(missed)
        if self.on(
            "missing", self.bank.why_not_miss(order, missed), distribution.missing, order, sample=sample
        ):
            self.bank.miss(order, missed)

    @step("orders", which=NUMBERS, to=st.sampled_from(["Laboratory 3", "Laboratory 3", " "]))
    def a_request_is_handed_out(self, which: int, to: str) -> None:
        order = self.order(which, "approved")
        why_not = self.bank.why_not_hand_out(order) if to.strip() else {"malformed"}
        if self.on("hand out", why_not, distribution.hand_out, order, to=to):
            self.bank.hand_out(order)

    @step("orders", which=NUMBERS, amount=st.sampled_from([None, 1000, 0, 600_000]))
    def a_tube_comes_back(self, which: int, amount: int | None) -> None:
        away = [tube for tube in self.bank.tubes.values() if tube.status == "handed_out"]
        tube = away[which % len(away)] if away else self.tube(which)
        if self.do(
            "return", self.bank.why_not_return(tube, amount), distribution.return_sample, tube, amount=amount
        ):
            self.bank.come_back(tube, amount)
