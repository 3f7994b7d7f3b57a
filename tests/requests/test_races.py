"""Reviews in the same moment as other reviews, as an approval, and as a withdrawal: one is first, and the end is the
same as if the second had come a day later."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import BiobankError
from biobank.core.times import local_day
from biobank.distribution import service as distribution
from biobank.patients import service as patients
from biobank.requests import service as requests
from biobank.samples import reviews
from biobank.samples.models import ConsentReview, Decision, SampleUse
from biobank.withdrawal import service as withdrawal
from tests.racing import refusals, together
from tests.requests.world import World

#: How often each race is run: BIOBANK_TEST_ROUNDS=40 runs them longer.
ROUNDS = int(os.environ.get("BIOBANK_TEST_ROUNDS", "4"))
CHILDREN = "flag_paediatric"


def settling(world: World, code: str, outcome: str = "lift") -> Callable[[], list[int]]:
    told = {"reason": CHILDREN, "outcome": outcome, "why": outcome, "by": world.manager}
    return lambda: [
        row.id for row in requests.settle(request=requests.find_request(code, world.manager), **told)
    ]


def approving(world: World, code: str) -> Callable[[], str]:
    return lambda: requests.approve(request=requests.find_request(code, world.manager), by=world.manager).code


def taking_back(world: World, donor: str) -> Callable[[], Any]:
    return lambda: withdrawal.withdraw(
        patient=patients.find_patient(donor, world.manager), scope="all", fate="keep", by=world.manager,
        received_on=local_day(clock.now(), clock.zone()),
    )  # fmt: skip


def uses_of(world: World, tube: str) -> list[Decision]:
    """The decisions that uses of a tube rest on, oldest first."""
    query = select(Decision).join(SampleUse, SampleUse.decision_id == Decision.id).order_by(SampleUse.id)
    return list(db.session.scalars(query.where(SampleUse.sample_id == world.fresh_sample(tube).id)))


def last_review(world: World, tube: str) -> ConsentReview:
    query = select(ConsentReview).where(ConsentReview.sample_id == world.fresh_sample(tube).id)
    return db.session.scalars(query.order_by(ConsentReview.id)).all()[-1]


def leaving(world: World, step: str, code: str, tube: str) -> Callable[[], Any]:
    """The tube is picked, or what is picked is handed out."""
    by = world.technician
    if step == "pick":
        return lambda: (
            distribution.pick(request=requests.find_request(code, by), sample_code=tube, by=by).code
        )
    return lambda: [
        given.code
        for given in distribution.hand_out(request=requests.find_request(code, by), to="Dr R", by=by).given
    ]


def test_of_two_who_settle_the_same_the_second_has_the_last_word(app, world):
    for _ in range(ROUNDS):
        tube, other = world.tube(placed=False), world.tube(placed=False)
        code = world.submitted(tube, other, flags=["paediatric"])

        outcomes = together(app, settling(world, code), settling(world, code, "uphold"))

        assert refusals(outcomes) == []
        last = last_review(world, tube).outcome
        lifted = reviews.lifting(world.request(code).id, [world.sample(tube).id])
        assert bool(lifted) is (last == "lift")
        (approved,) = together(app, approving(world, code))
        assert isinstance(approved, BiobankError) is (last == "uphold")
        assert world.lines(code)[tube] == ("reserved" if last == "lift" else "asked")


def test_two_who_lift_the_same_write_it_once(app, world):
    for _ in range(ROUNDS):
        code = world.submitted(world.tube(placed=False), flags=["paediatric"])
        outcomes = together(app, settling(world, code), settling(world, code))
        assert refusals(outcomes) == ["review_all_settled"]


def test_what_is_settled_while_a_donor_withdraws_is_never_used(app, world):
    for _ in range(ROUNDS):
        donor = world.donor()
        tube, other = world.tube(donor, placed=False), world.tube(placed=False)
        code = world.submitted(tube, other, flags=["paediatric"])

        settled, _gone = together(app, settling(world, code), taking_back(world, donor))

        assert not isinstance(settled, BiobankError)  # the other tube is settled, whoever is first
        together(app, approving(world, code))
        assert world.lines(code) == {tube: "released", other: "reserved"}
        assert uses_of(world, tube) == []


def test_an_approval_in_the_moment_of_a_review_holds_it_now_or_with_the_next_one(app, world):
    for _ in range(ROUNDS):
        tube = world.tube(placed=False)
        code = world.submitted(tube, flags=["paediatric"])

        approved, settled = together(app, approving(world, code), settling(world, code))

        assert not isinstance(settled, BiobankError)
        if isinstance(approved, BiobankError):
            assert approved.code == "reviews_open"
            assert world.lines(code) == {tube: "asked"}
            together(app, approving(world, code))
        assert world.lines(code) == {tube: "reserved"}
        assert [each.reviews[0]["id"] for each in uses_of(world, tube)] == settled


def test_an_approval_in_the_moment_a_review_is_taken_back_holds_nothing_in_the_end(app, world):
    for _ in range(ROUNDS):
        tube, other = world.tube(placed=False), world.tube(placed=False)
        code = world.submitted(tube, other, flags=["paediatric"])
        together(app, settling(world, code))

        together(app, approving(world, code), settling(world, code, "uphold"))

        # Approved first: what was held is let go. Upheld first: nothing can be held, and the request waits.
        assert world.lines(code) in (
            {tube: "released", other: "released"},
            {tube: "asked", other: "asked"},
        )
        assert world.fresh_sample(tube).reserved == 0


@pytest.mark.parametrize("step", ["pick", "hand_out"])
def test_no_tube_leaves_after_its_review_was_taken_back(app, world, step):
    for _ in range(ROUNDS):
        tube = world.tube(placed=False)
        code = world.submitted(tube, flags=["paediatric"])
        together(app, settling(world, code))
        together(app, approving(world, code))
        if step == "hand_out":
            world.pick(code, tube)

        together(app, leaving(world, step, code, tube), settling(world, code, "uphold"))

        taken_back = last_review(world, tube)
        left = [each for each in uses_of(world, tube) if each.act == step]
        assert taken_back.outcome == ("lift" if left and step == "hand_out" else "uphold")
        assert all(each.recorded_at <= taken_back.recorded_at for each in left if step == "pick")
        assert world.lines(code)[tube] in ("released", "handed_out")
