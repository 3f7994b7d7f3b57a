"""Random walks through the bank: after each of thousands of steps the three promises hold, and everything is as the
plain bank has it. What it forbids is refused, what it allows is done, and a refusal leaves no trace.

BIOBANK_TEST_STEPS=20000 walks further, and cuts a failure down to the steps that matter.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from biobank.core.db import db
from biobank.distribution import service as distribution
from biobank.requests import service as requests
from biobank.requests.models import Request
from tests.plain_bank import Order
from tests.plain_consent import Demand
from tests.walking import Walk, rarely
from tests.walks import DEMANDS, NUMBERS, Bench

WANTED = int(os.environ.get("BIOBANK_TEST_STEPS", "0"))
#: How far the ordinary run walks.
ORDINARY = {"sqlite": 2400, "postgres": 400}
#: Steps in one bank, from its opening: enough for a tube to be drawn, divided, promised, taken back and thrown away.
IN_ONE_BANK = 80


def some_orders(walker: Bench) -> bool:
    return bool(walker.bank.orders) and bool(walker.bank.tubes)


class Promises(Bench):
    """All that, and researchers who ask for samples."""

    def on(self, name: str, why_not: set[str], act, order: Order, by=None, **told):
        """An act on a request."""
        who = by or self.by
        return self.act(
            name, why_not, lambda: (act(request=db.session.get_one(Request, order.id), by=who, **told), True)[1]
        )

    def orders(self, *statuses: str) -> list[Order]:
        return [order for order in self.bank.orders.values() if order.status in statuses]

    def pick_order(self, number: int, *statuses: str) -> Order:
        """Mostly one with which it can be done."""
        fit = self.orders(*statuses) if number % 8 else []
        some = fit or list(self.bank.orders.values())
        return some[-1 - (number // 8) % len(some)]

    def tube_of(self, order: Order, number: int, *statuses: str):
        lines = order.with_status(*statuses) if number % 8 else []
        return self.bank.tubes[lines[number // 8 % len(lines)]] if lines else self.tube(number)

    @precondition(lambda self: len(self.orders("draft", "submitted", "approved")) < 4)
    @rule(demand=DEMANDS)
    def a_researcher_begins_a_request(self, demand: Demand) -> None:
        def work() -> tuple[int, str]:
            made = requests.draft(
                site_id=self.site_id, title="Early relapse", purposes=[demand.purpose], genetic=demand.genetic,
                organisation="for-profit" if demand.company else "non-profit", commercial=demand.company,
                by=self.researcher,
            )  # fmt: skip
            return made.id, made.code

        made = self.act("draft", set(), work)
        self.bank.orders[made[0]] = Order(*made, demand=demand)

    @precondition(some_orders)
    @rule(which=NUMBERS, tubes=st.lists(NUMBERS, min_size=1, max_size=4))
    def samples_are_asked_for(self, which: int, tubes: list[int]) -> None:
        order, asked = self.pick_order(which, "draft"), [self.tube(number) for number in tubes]
        why_not = set() if order.status == "draft" else {"request_act_not_possible"}
        wanted = [tube.code for tube in asked]
        if self.on("ask", why_not, requests.add_samples, order, self.researcher, samples=wanted):
            for tube in asked:
                order.lines[tube.id] = "asked"
                order.struck.discard(tube.id)

    @rarely(4)
    @precondition(some_orders)
    @rule(which=NUMBERS, tube=NUMBERS)
    def a_sample_is_struck_out(self, which: int, tube: int) -> None:
        order = self.pick_order(which, "draft")
        struck = self.tube_of(order, tube, "asked")
        line = None if struck.id in order.struck else order.lines.get(struck.id)
        why_not = {None: {"line_missing"}, "asked": set()}.get(line, {"line_act_not_possible"})
        why_not = why_not if order.status == "draft" else {"request_act_not_possible"}
        if self.on("strike", why_not, requests.remove_sample, order, self.researcher, sample=struck.code):
            order.lines[struck.id] = "released"
            order.struck.add(struck.id)

    @precondition(some_orders)
    @rule(which=NUMBERS)
    def a_request_is_sent(self, which: int) -> None:
        order = self.pick_order(which, "draft")
        why_not = set() if order.with_status("asked") else {"nothing_asked_for"}
        why_not = why_not if order.status == "draft" else {"request_act_not_possible"}
        if self.on("submit", why_not, requests.submit, order, self.researcher):
            order.status = "submitted"

    @precondition(some_orders)
    @rule(which=NUMBERS)
    def a_request_is_approved(self, which: int) -> None:
        order = self.pick_order(which, "submitted")
        held, why_not = self.bank.allocations(order)
        if self.on("approve", why_not, requests.approve, order, self.manager):
            self.bank.approve(order, held)

    @rarely(6)
    @precondition(some_orders)
    @rule(which=NUMBERS, cancel=st.booleans())
    def a_request_is_ended(self, which: int, cancel: bool) -> None:
        open_now = ("draft", "submitted", "approved") if cancel else ("submitted",)
        order = self.pick_order(which, *open_now)
        why_not = set() if order.status in open_now else {"request_act_not_possible"}
        act, by = (requests.cancel, self.researcher) if cancel else (requests.refuse, self.manager)
        if self.on("cancel" if cancel else "refuse", why_not, act, order, by, reason="too few"):
            self.bank.close(order, "cancelled" if cancel else "refused")

    @precondition(some_orders)
    @rule(which=NUMBERS, tube=NUMBERS)
    def a_tube_is_picked(self, which: int, tube: int) -> None:
        order = self.pick_order(which, "approved")
        picked = self.tube_of(order, tube, "reserved")
        why_not = self.bank.why_not_pick(order, picked)
        if self.on("pick", why_not, distribution.pick, order, sample_code=picked.code):
            order.lines[picked.id], picked.place = "picked", None

    @rarely(4)
    @precondition(some_orders)
    @rule(which=NUMBERS, tube=NUMBERS)
    def a_tube_is_missing(self, which: int, tube: int) -> None:
        order = self.pick_order(which, "approved")
        missed = self.tube_of(order, tube, "reserved", "picked")
        sample = self.row(missed)
        if self.on("missing", self.bank.why_not_miss(order, missed), distribution.missing, order, sample=sample):
            self.bank.miss(order, missed)

    @precondition(some_orders)
    @rule(which=NUMBERS, to=st.sampled_from(["Laboratory 3", "Laboratory 3", " "]))
    def a_request_is_handed_out(self, which: int, to: str) -> None:
        order = self.pick_order(which, "approved")
        why_not = self.bank.why_not_hand_out(order) if to.strip() else {"malformed"}
        if self.on("hand out", why_not, distribution.hand_out, order, to=to):
            self.bank.hand_out(order)

    @precondition(some_orders)
    @rule(which=NUMBERS, amount=st.sampled_from([None, 1000, 0, 600_000]))
    def a_tube_comes_back(self, which: int, amount: int | None) -> None:
        away = [tube for tube in self.bank.tubes.values() if tube.status == "handed_out"]
        tube = away[which % len(away)] if away else self.tube(which)
        if self.do("return", self.bank.why_not_return(tube, amount), distribution.return_sample, tube, amount=amount):
            self.bank.come_back(tube, amount)


def walk_far(kind: str, template) -> Walk:
    """Walk as far as is wanted; what was seen on the way."""
    steps = WANTED or ORDINARY[kind]
    phases = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if WANTED else [])]
    how = settings(
        max_examples=-(-steps // IN_ONE_BANK) * 6 // 5, stateful_step_count=IN_ONE_BANK, deadline=None, print_blob=True,
        phases=phases, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    walk = Walk()
    run_state_machine_as_test(lambda: Promises(kind, template, walk), settings=how)
    return walk


@pytest.mark.slow
@pytest.mark.timeout(max(300, WANTED))
def test_the_three_promises_hold_after_each_of_thousands_of_steps(migrated_template, database_kind, request):
    walk = walk_far(database_kind, migrated_template)

    told = f"{walk.steps} steps on {database_kind}: {walk.done.total()} done, {walk.refused.total()} refused"
    request.config.pluginmanager.get_plugin("terminalreporter").write_line(f"\n{told}\n{walk.told()}")
    assert walk.steps >= (WANTED or ORDINARY[database_kind]) * 0.9
