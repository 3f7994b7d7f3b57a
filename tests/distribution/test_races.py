"""Two people at once: a tube is promised, picked and given once, and never after its donor took it back."""

import threading

import pytest
from sqlalchemy import func, select

from biobank.core.db import db
from biobank.core.errors import BiobankError
from biobank.distribution import service as distribution
from biobank.requests import service as requests
from biobank.requests.models import Reservation
from biobank.samples.models import QuantityEntry, SampleUse
from tests.requests.world import World

ROUNDS = 2


def together(app, *works):
    """Run these at the same moment, each in a session of its own. returns what each gave, or the refusal it met"""
    start = threading.Barrier(len(works))
    outcomes: list[object] = [None] * len(works)

    def run(place, work):
        with app.app_context():
            start.wait()
            try:
                outcomes[place] = work()
            except BiobankError as refusal:
                outcomes[place] = refusal
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    db.session.rollback()
    return outcomes


def refusals(outcomes):
    return [outcome for outcome in outcomes if isinstance(outcome, BiobankError)]


def count(model, sample_id, **columns):
    query = select(func.count()).select_from(model).where(model.sample_id == sample_id)
    return db.session.scalar(query.filter_by(**columns))


@pytest.fixture(params=range(ROUNDS))
def again(request):
    """Races are run a few times: they may go either way."""
    return request.param


@pytest.mark.usefixtures("again")
def test_one_tube_is_promised_to_one_of_two_requests(app, world: World):
    tube = world.tube()
    codes = [world.submitted(tube), world.submitted(tube)]

    outcomes = together(
        app, *(lambda code=code: world.act(requests.approve, code, world.manager) for code in codes)
    )

    assert [refusal.code for refusal in refusals(outcomes)] == ["nothing_to_reserve"]
    sample = world.fresh_sample(tube)
    assert count(Reservation, sample.id, released_at=None) == 1
    assert count(SampleUse, sample.id, act="allocate") == 1
    assert sorted(world.request(code).status for code in codes) == ["approved", "submitted"]


@pytest.mark.usefixtures("again")
def test_one_line_is_picked_once(app, world: World):
    tube = world.tube()
    code = world.approved(tube)

    outcomes = together(app, *[lambda: world.pick(code, tube)] * 2)

    assert len(refusals(outcomes)) == 1
    assert refusals(outcomes)[0].code in ("wrong_tube", "wrong_tube_nothing_left")
    assert count(SampleUse, world.fresh_sample(tube).id, act="pick") == 1


@pytest.mark.usefixtures("again")
def test_what_is_picked_is_handed_out_once(app, world: World):
    tube = world.tube()
    code = world.picked(tube)

    outcomes = together(app, *[lambda: world.hand_out(code)] * 2)

    assert [refusal.code for refusal in refusals(outcomes)] in (
        ["nothing_picked"],
        ["request_act_not_possible"],
    )
    sample = world.fresh_sample(tube)
    assert count(SampleUse, sample.id, act="hand_out") == 1
    assert count(QuantityEntry, sample.id, act="hand_out") == 1


@pytest.mark.usefixtures("again")
def test_a_withdrawal_comes_before_the_hand_out_or_after_it(app, world: World):
    donor = world.donor()
    tube = world.tube(donor)
    code = world.picked(tube)

    handed, withdrawn = together(
        app, lambda: world.hand_out(code), lambda: world.withdraw(donor, samples=[tube])
    )

    sample = world.fresh_sample(tube)
    if sample.status == "handed_out":  # the hand-out was first
        assert withdrawn == []
        assert world.lines(code) == {tube: "handed_out"}
    else:  # the withdrawal was first
        assert isinstance(handed, BiobankError) or handed.given == []
        assert count(SampleUse, sample.id, act="hand_out") == 0
        assert world.lines(code) == {tube: "released"}
        assert (sample.remaining, sample.reserved) == (500_000, 0)


@pytest.mark.usefixtures("again")
def test_a_withdrawal_comes_before_the_pick_or_after_it(app, world: World):
    donor = world.donor()
    tube = world.tube(donor)
    code = world.approved(tube)

    together(app, lambda: world.pick(code, tube), lambda: world.withdraw(donor, samples=[tube]))

    assert world.lines(code) == {tube: "released"}
    assert world.fresh_sample(tube).reserved == 0
    assert world.request(code).status == "completed"


@pytest.mark.usefixtures("again")
def test_a_withdrawal_comes_before_the_approval_or_after_it(app, world: World):
    donor = world.donor()
    tube, other = world.tube(donor), world.tube()
    code = world.submitted(tube, other)

    together(
        app,
        lambda: world.act(requests.approve, code, world.manager),
        lambda: world.withdraw(donor, samples=[tube]),
    )

    assert world.lines(code)[tube] in ("released", "refused")
    assert world.lines(code)[other] == "reserved"
    assert count(Reservation, world.fresh_sample(tube).id, released_at=None) == 0


@pytest.mark.usefixtures("again")
def test_two_withdrawals_of_the_last_two_tubes_end_the_request(app, world: World):
    donors = [world.donor(), world.donor()]
    tubes = [world.tube(donor) for donor in donors]
    code = world.approved(*tubes)

    together(
        app,
        *(
            lambda pair=pair: world.withdraw(pair[0], samples=[pair[1]])
            for pair in zip(donors, tubes, strict=True)
        ),
    )

    assert world.lines(code) == dict.fromkeys(tubes, "released")
    assert world.request(code).status == "completed"


@pytest.mark.usefixtures("again")
def test_a_request_is_cancelled_or_handed_out(app, world: World):
    tube = world.tube()
    code = world.picked(tube)

    together(app, lambda: world.act(requests.cancel, code, world.researcher), lambda: world.hand_out(code))

    sample = world.fresh_sample(tube)
    given = sample.status == "handed_out"
    assert world.lines(code) == {tube: "handed_out" if given else "released"}
    assert world.request(code).status == ("completed" if given else "cancelled")
    assert sample.reserved == 0


@pytest.mark.usefixtures("again")
def test_a_tube_is_picked_or_missing(app, world: World):
    tube = world.tube()
    code = world.approved(tube)

    together(
        app,
        lambda: world.pick(code, tube),
        lambda: world.act(distribution.missing, code, world.technician, sample=world.sample(tube)),
    )

    assert world.lines(code) == {tube: "released"}
    assert world.fresh_sample(tube).status == "lost"
