"""Fetching by scan and handing out: the right tube, consent asked each time, and a ledger that stays right."""

import pytest
from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.readings import FRENCH_TO_US, US_TO_FRENCH
from biobank.distribution import service as distribution
from biobank.requests import service as requests
from biobank.requests.models import Reservation
from biobank.samples import holds, numbers
from biobank.samples.models import Decision, QuantityEntry, SampleUse
from biobank.samples.uses import UseRefused
from biobank.storage import service as storage


def entries_of(sample):
    query = select(QuantityEntry.act, QuantityEntry.amount).where(QuantityEntry.sample_id == sample.id)
    return [tuple(row) for row in db.session.execute(query.order_by(QuantityEntry.id))]


def uses_of(sample):
    query = select(SampleUse.act).where(SampleUse.sample_id == sample.id).order_by(SampleUse.id)
    return list(db.session.scalars(query))


def place_of(world, code):
    return storage.where_is([world.fresh_sample(code).id])


# --- the way through the freezers


def test_the_pick_list_leads_from_place_to_place(world):
    tubes = [world.tube() for _ in range(3)]
    code = world.approved(*reversed(tubes))

    stops = distribution.pick_list(world.request(code))

    assert [(stop.sample.code, stop.position) for stop in stops] == list(
        zip(tubes, ["A01", "A02", "A03"], strict=True)
    )
    assert stops[0].place == "Freezer 3 › Rack 2 › Box 12"


def test_a_pick_takes_the_tube_out_and_is_a_use(world):
    tube = world.tube()
    code = world.approved(tube)

    world.pick(code, tube)

    assert world.lines(code) == {tube: "picked"}
    assert place_of(world, tube) == {}
    assert uses_of(world.sample(tube)) == ["allocate", "pick"]
    assert world.sample(tube).status == "available"
    assert [entry["act"] for entry in audit.history("sample", tube)][-1] == "picked"


def test_a_tube_that_stands_nowhere_may_be_picked(world):
    tube = world.tube(placed=False)
    code = world.approved(tube)
    world.pick(code, tube)
    assert world.lines(code) == {tube: "picked"}


@pytest.mark.parametrize("held_by", ["nobody", "another request"])
def test_a_wrong_tube_is_refused_and_the_right_one_is_named_with_its_place(world, held_by):
    right, wrong = world.tube(), world.tube()
    code = world.approved(right)
    if held_by == "another request":
        world.approved(wrong)

    with pytest.raises(RuleViolation, match="wrong_tube") as refused:
        world.pick(code, wrong)

    assert refused.value.params["sample"] == wrong
    assert refused.value.params["expected"] == f"{right} (Freezer 3 › Rack 2 › Box 12, A01)"
    assert [reason.code for reason in refused.value.reasons] == ["not_in_request"]
    assert len(place_of(world, wrong)) == 1


def test_a_tube_picked_already_is_not_picked_again(world):
    tube, other = world.tube(), world.tube()
    code = world.approved(tube, other)
    world.pick(code, tube)

    with pytest.raises(RuleViolation, match="wrong_tube") as refused:
        world.pick(code, tube)

    assert [reason.code for reason in refused.value.reasons] == ["line_picked"]


def test_a_refused_line_is_not_picked_and_says_why(world):
    tube, pending = world.tube(), world.tube(world.donor(consents=False))
    code = world.approved(tube, pending)
    with pytest.raises(RuleViolation, match="wrong_tube") as refused:
        world.pick(code, pending)
    assert refused.value.reasons[0].code == "line_refused"
    assert len(refused.value.reasons) == 2


def test_nothing_more_is_expected_when_all_is_picked(world):
    tube = world.tube()
    code = world.picked(tube)
    with pytest.raises(RuleViolation, match="wrong_tube_nothing_left"):
        world.pick(code, world.tube())


def test_a_code_that_nobody_knows_is_not_found(world):
    code = world.approved(world.tube())
    with pytest.raises(NotFound, match="sample_unknown"):
        world.pick(code, "T99999999")


@pytest.mark.parametrize("status", ["draft", "submitted"])
def test_nothing_is_picked_before_the_approval(world, status):
    tube = world.tube()
    code = getattr(world, status)(tube)
    with pytest.raises(RuleViolation, match="request_act_not_possible"):
        world.pick(code, tube)


# --- consent asked again


def test_a_withdrawal_between_approval_and_pick_stops_the_pick(world):
    donor = world.donor()
    tube = world.tube(donor)
    code = world.approved(tube)
    world.withdraw(donor)

    with pytest.raises(UseRefused) as refused:
        world.pick(code, tube)

    assert "withdrawn_all" in [reason.code for reason in refused.value.reasons]
    assert len(place_of(world, tube)) == 1
    assert world.lines(code) == {tube: "reserved"}
    kept = select(Decision.verdict).where(Decision.sample_id == world.sample(tube).id, Decision.act == "pick")
    assert list(db.session.scalars(kept)) == ["deny"]


def test_a_hold_since_the_approval_stops_the_pick(world):
    tube = world.tube()
    code = world.approved(tube)
    world.do(lambda: holds.hold(sample=world.sample(tube), code="inventory", by=world.manager))
    with pytest.raises(UseRefused):
        world.pick(code, tube)


def test_what_a_donor_takes_back_between_pick_and_hand_out_stays_and_the_rest_leaves(world):
    donor = world.donor()
    tube, other = world.tube(donor), world.tube()
    code = world.picked(tube, other)
    world.withdraw(donor)  # the row alone: nothing was let go, so the gate must say no

    done = world.hand_out(code)

    assert [sample.code for sample in done.given] == [other]
    ((kept, reasons),) = done.kept
    assert kept.code == tube
    assert "withdrawn_all" in [reason.code for reason in reasons]
    assert world.lines(code) == {tube: "released", other: "handed_out"}
    sample = world.fresh_sample(tube)
    assert (sample.status, sample.remaining, sample.reserved) == ("available", 500_000, 0)
    assert uses_of(sample) == ["allocate", "pick"]
    assert world.request(code).status == "completed"


@pytest.mark.parametrize("phase", ["draft", "submitted", "approved", "picked"])
def test_a_withdrawal_lets_the_samples_go_in_every_phase(world, phase):
    donor = world.donor()
    tube, other = world.tube(donor), world.tube()
    code = getattr(world, phase)(tube, other)
    before = world.request(code).status

    touched = world.withdraw(donor, samples=[tube])

    assert touched == [{"request": code, "sample": tube}]
    assert world.lines(code)[tube] == "released"
    assert world.reasons(code, tube) == ["withdrawn_since"]
    assert world.request(code).status == before
    sample = world.fresh_sample(tube)
    held = select(func.count()).where(Reservation.sample_id == sample.id, Reservation.released_at.is_(None))
    assert (sample.reserved, db.session.scalar(held)) == (0, 0)


def test_a_withdrawal_of_the_last_tube_ends_an_approved_request(world):
    donor = world.donor()
    tube = world.tube(donor)
    code = world.approved(tube)
    world.withdraw(donor, samples=[tube])
    assert world.request(code).status == "completed"


def test_a_withdrawal_leaves_alone_what_was_given_already(world):
    donor = world.donor()
    tube = world.tube(donor)
    code = world.picked(tube)
    world.hand_out(code)

    assert world.withdraw(donor, samples=[tube]) == []
    assert world.lines(code) == {tube: "handed_out"}


def test_one_tube_is_let_go_in_every_request_that_asks_for_it(world):
    donor = world.donor()
    tube, other = world.tube(donor), world.tube()
    codes = [world.approved(tube, other), world.draft(tube), world.submitted(tube)]

    touched = world.withdraw(donor, samples=[tube])

    assert sorted(each["request"] for each in touched) == sorted(codes)


# --- the hand-out


def test_a_tube_leaves_with_all_that_is_in_it_and_the_ledger_says_so(world):
    tube = world.tube(volume_ul=500)
    code = world.picked(tube)

    world.hand_out(code, to="Dr Ada, Toulouse")

    sample = world.fresh_sample(tube)
    assert (sample.status, sample.remaining, sample.reserved) == ("handed_out", 0, 0)
    assert entries_of(sample)[-1] == ("hand_out", -500_000)
    assert uses_of(sample) == ["allocate", "pick", "hand_out"]
    assert sum(amount for _act, amount in entries_of(sample)) == 0
    reservation = db.session.scalars(select(Reservation).where(Reservation.sample_id == sample.id)).one()
    assert reservation.why_released == "handed_out"
    told = audit.history("sample", tube)[-1]
    assert (told["act"], told["after"]["to"], told["after"]["request"]) == (
        "handed_out", "Dr Ada, Toulouse", code,
    )  # fmt: skip


def test_an_unknown_quantity_stays_unknown_when_it_leaves(world):
    tube = world.tube(volume_ul=None)
    world.hand_out(world.picked(tube))
    sample = world.fresh_sample(tube)
    assert (sample.status, sample.remaining, entries_of(sample)) == ("handed_out", None, [])


def test_what_is_not_picked_yet_stays_and_the_request_goes_on(world):
    picked, waiting = world.tube(), world.tube()
    code = world.approved(picked, waiting)
    world.pick(code, picked)

    world.hand_out(code)

    assert world.lines(code) == {picked: "handed_out", waiting: "reserved"}
    assert world.request(code).status == "approved"
    world.pick(code, waiting)
    world.hand_out(code)
    assert world.request(code).status == "completed"


def test_nothing_is_handed_out_that_was_not_picked(world):
    code = world.approved(world.tube())
    with pytest.raises(RuleViolation, match="nothing_picked"):
        world.hand_out(code)


def test_somebody_must_receive_it(world):
    code = world.picked(world.tube())
    with pytest.raises(Malformed) as refused:
        world.hand_out(code, to="  ")
    assert list(refused.value.fields) == ["to"]


def test_a_tube_put_back_after_the_pick_leaves_its_place_when_it_is_handed_out(world):
    tube = world.tube()
    code = world.picked(tube)
    world.do(lambda: storage.put_back(sample=world.sample(tube), by=world.technician))

    world.hand_out(code)

    assert place_of(world, tube) == {}
    assert world.fresh_sample(tube).status == "handed_out"


def test_a_tube_lost_after_the_pick_is_not_handed_out(world):
    tube, other = world.tube(), world.tube()
    code = world.picked(tube, other)
    world.do(lambda: storage.lose(sample=world.sample(tube), by=world.technician))

    done = world.hand_out(code)

    assert [sample.code for sample in done.given] == [other]
    assert world.reasons(code, tube) == ["sample_not_available"]
    assert world.fresh_sample(tube).reserved == 0


# --- not there, and back again


def test_a_tube_that_is_not_there_is_lost_and_held_no_more(world):
    tube, other = world.tube(), world.tube()
    code = world.approved(tube, other)

    world.act(distribution.missing, code, world.technician, sample=world.sample(tube))

    assert world.lines(code) == {tube: "released", other: "reserved"}
    assert world.reasons(code, tube) == ["sample_missing"]
    sample = world.fresh_sample(tube)
    assert (sample.status, sample.reserved, place_of(world, tube)) == ("lost", 0, {})


def test_a_request_whose_last_tube_is_missing_is_completed(world):
    tube = world.tube()
    code = world.approved(tube)
    world.act(distribution.missing, code, world.technician, sample=world.sample(tube))
    assert world.request(code).status == "completed"


def test_a_tube_of_no_line_is_not_missed(world):
    code = world.approved(world.tube())
    with pytest.raises(RuleViolation, match="not_in_request"):
        world.act(distribution.missing, code, world.technician, sample=world.sample(world.tube()))


@pytest.mark.parametrize(
    ("came_back", "status"), [(120_000, "available"), (500_000, "available"), (0, "depleted")]
)
def test_a_tube_comes_back_with_what_is_measured_in_it(world, came_back, status):
    tube = world.tube(volume_ul=500)
    world.hand_out(world.picked(tube))

    world.do(
        lambda: distribution.return_sample(sample=world.sample(tube), amount=came_back, by=world.technician)
    )

    sample = world.fresh_sample(tube)
    assert (sample.status, sample.remaining) == (status, came_back)
    assert sum(amount for _act, amount in entries_of(sample)) == came_back


def test_what_comes_back_is_measured_and_no_more_than_left(world):
    tube = world.tube(volume_ul=500)
    world.hand_out(world.picked(tube))

    with pytest.raises(Malformed):
        world.do(lambda: distribution.return_sample(sample=world.sample(tube), by=world.technician))
    with pytest.raises(RuleViolation, match="more_than_was_given"):
        world.do(
            lambda: distribution.return_sample(sample=world.sample(tube), amount=500_001, by=world.technician)
        )


def test_what_was_not_given_does_not_come_back(world):
    tube = world.tube()
    with pytest.raises(RuleViolation, match="act_not_possible"):
        world.do(lambda: distribution.return_sample(sample=world.sample(tube), amount=1, by=world.technician))


def test_the_story_of_a_tube_tells_the_whole_way(world):
    tube = world.tube()
    world.hand_out(world.picked(tube))

    acts = [entry["act"] for entry in numbers.story(world.sample(tube))]

    assert acts == ["collected", "received", "placed", "reserved", "taken_out", "picked", "handed_out"]


def test_an_act_on_a_request_leaves_no_trace_when_refused(world):
    donor = world.donor()
    tube = world.tube(donor)
    code = world.approved(tube)
    world.withdraw(donor)
    before = audit.history("request", code)

    with pytest.raises(UseRefused):
        world.pick(code, tube)

    assert audit.history("request", code) == before
    assert requests.lines_of(world.request(code))[0].status == "reserved"


@pytest.mark.parametrize("keyboard", [US_TO_FRENCH, FRENCH_TO_US])
def test_what_leaves_the_bank_is_fetched_by_a_clean_reading(world, keyboard):
    tube = world.tube()
    code = world.approved(tube)

    with pytest.raises(RuleViolation, match="clean_reading_needed"):
        world.pick(code, tube.translate(keyboard))

    assert world.lines(code) == {tube: "reserved"}
