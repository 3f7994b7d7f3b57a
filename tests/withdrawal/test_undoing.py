"""A withdrawal is taken back by somebody else, or outlived by a new consent; what it held is let go, nothing more."""

from datetime import timedelta

import pytest

from biobank.consent import service as consent
from biobank.core import clock
from biobank.core.db import unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.distribution import recalls
from biobank.samples import correction
from biobank.storage import destruction
from biobank.withdrawal import anonymising, service
from biobank.withdrawal import reading as overviews
from tests import people
from tests.withdrawal.acts import consents_again, destroy, held, patient, pooled, undo, withdraw

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_a_mistake_is_taken_out_of_force_by_somebody_else(world, donor, other):
    tube, promised = world.tube(donor), world.tube(donor)
    code = world.approved(promised)
    key = withdraw(world, donor, fate="destroy")["withdrawal"]

    done = undo(service.reverse, world, donor, key, other)

    assert set(done["let_go"]) == set(done["kept"]) == {tube, promised}
    assert held(world, tube, promised) == set()
    assert destruction.count_open(other) == 0
    assert world.lines(code) == {promised: "released"}  # what was let go does not come back
    (withdrawal,) = consent.withdrawals_of(patient(world, donor))
    assert consent.reversal_of(withdrawal).recorded_by == other.key
    world.approved(tube)  # and it may be used again


def test_who_recorded_it_does_not_take_it_back(world, donor):
    tube = world.tube(donor)
    key = withdraw(world, donor)["withdrawal"]
    with pytest.raises(RuleViolation, match="reversal_by_recorder"):
        undo(service.reverse, world, donor, key, world.technician)
    assert held(world, tube) == {tube}


def test_a_mistake_is_taken_back_once_and_with_a_reason(world, donor, other):
    key = withdraw(world, donor)["withdrawal"]
    with pytest.raises(Malformed) as refused:
        undo(service.reverse, world, donor, key, other, reason=" ")
    assert list(refused.value.fields) == ["reason"]
    undo(service.reverse, world, donor, key, other)
    with pytest.raises(RuleViolation, match="withdrawal_reversed_already"):
        undo(service.reverse, world, donor, key, people.actor("manager"))


def test_another_site_takes_nothing_back(world, donor):
    key = withdraw(world, donor)["withdrawal"]
    stranger = people.actor("manager", site_code="IUCT")
    for act in (service.reverse, service.lift):
        with pytest.raises(NotFound):
            undo(act, world, donor, key, stranger)


def test_what_another_withdrawal_covers_stays_held_and_is_destroyed_for_it(world, donor, other):
    neighbour = world.donor()
    tube, foreign = world.tube(donor), world.tube(neighbour)
    pool = pooled(world, world.tube(donor), world.tube(neighbour))
    mistake = withdraw(world, donor, fate="destroy")["withdrawal"]
    right = withdraw(world, neighbour, fate="destroy")["withdrawal"]

    done = undo(service.reverse, world, donor, mistake, other)

    assert pool not in done["let_go"]
    assert tube in done["let_go"]
    assert held(world, tube, pool, foreign) == {pool, foreign}
    tasks = {
        row.sample.code: row.task.withdrawal_id
        for row in destruction.listed(destruction.list_open(other).items)
    }
    assert tasks == {pool: right, foreign: right}


def test_what_is_destroyed_does_not_come_back(world, donor, other):
    tube = world.tube(donor)
    key = withdraw(world, donor, fate="destroy")["withdrawal"]
    destroy(world, tube, other)
    undo(service.reverse, world, donor, key, other)
    assert world.fresh_sample(tube).status == "destroyed"


def test_a_letter_about_a_mistake_is_void(world, donor, other):
    tube = world.tube(donor)
    world.hand_out(world.picked(tube), to="Dr Recipient")
    done = withdraw(world, donor)
    undo(service.reverse, world, donor, done["withdrawal"], other)

    recall = recalls.find_recall(done["recalls"][0]["id"], other)
    assert recalls.is_void(recall)
    with pytest.raises(RuleViolation, match="recall_void"):
        unit_of_work(lambda: recalls.mark_sent(recall=recalls.find_recall(recall.id, other), by=other))
    assert overviews.open_work(other).items == []


def test_holds_are_let_go_after_the_patient_agreed_again(world, donor, other):
    tube = world.tube(donor)
    key = withdraw(world, donor, fate="destroy")["withdrawal"]
    with pytest.raises(RuleViolation, match="nothing_to_let_go"):
        undo(service.lift, world, donor, key, other)

    consents_again(world, donor)
    assert held(world, tube) == {tube}
    with pytest.raises(RuleViolation, match="destruction_no_longer_asked"):
        destroy(world, tube, other)
    with pytest.raises(Malformed):
        undo(service.lift, world, donor, key, other, reason="")
    with clock.freeze(clock.now() + timedelta(minutes=2)):
        done = undo(service.lift, world, donor, key, other, reason="Signed again")

    assert done == {"withdrawal": key, "let_go": [tube], "kept": [tube]}
    assert held(world, tube) == set()
    assert destruction.count_open(other) == 0


def test_who_recorded_the_withdrawal_or_the_only_new_consent_does_not_let_go_alone(world, donor, other):
    tube = world.tube(donor)
    key = withdraw(world, donor, fate="destroy")["withdrawal"]
    consents_again(world, donor, later=0, by=other)
    for alone in (world.technician, other):
        with pytest.raises(RuleViolation, match="lift_needs_another"):
            undo(service.lift, world, donor, key, alone)
    assert held(world, tube) == {tube}

    consents_again(world, donor, later=0)  # now somebody else has heard it too
    assert undo(service.lift, world, donor, key, other)["let_go"] == [tube]


def test_a_mistake_taken_back_does_not_let_go_what_the_own_consent_alone_would_free(world, donor, other):
    tube = world.tube(donor)
    withdraw(world, donor)
    consents_again(world, donor, later=0, by=other)
    mistake = withdraw(world, donor)["withdrawal"]

    assert undo(service.reverse, world, donor, mistake, other)["let_go"] == []
    assert held(world, tube) == {tube}


def test_a_no_signed_since_leaves_what_another_withdrawal_wants_destroyed(world, donor, other):
    tube = world.tube(donor)
    right = withdraw(world, donor, {"study": "STUDY"}, fate="destroy")["withdrawal"]
    consents_again(world, donor, later=0, answer="refused")
    mistake = withdraw(world, donor, fate="destroy")["withdrawal"]
    unit_of_work(lambda: destruction.cancel_many(
        sample_ids=[world.sample(tube).id], reason="Asked anew", by=other
    ))  # fmt: skip
    unit_of_work(lambda: destruction.open_tasks(
        sample_ids=[world.sample(tube).id], reason="Consent withdrawn", withdrawal_id=mistake, by=other
    ))  # fmt: skip

    undo(service.reverse, world, donor, mistake, other)

    rows = destruction.listed(destruction.list_open(other).items)
    assert {row.sample.code: row.task.withdrawal_id for row in rows} == {tube: right}


def test_a_link_that_waits_to_be_broken_is_kept_when_it_was_a_mistake(world, donor, other):
    key = withdraw(world, donor, fate="anonymise")["withdrawal"]
    undo(service.reverse, world, donor, key, other)
    assert anonymising.open_of(patient(world, donor)) is None


def test_a_sample_that_was_corrected_is_not_destroyed_for_another_person(world, donor, other):
    tube, right = world.tube(donor), world.donor()
    withdraw(world, donor, fate="destroy")
    unit_of_work(
        lambda: correction.wrong_patient(
            sample=world.sample(tube), patient=patient(world, right), reason="Mixed up", by=other
        )
    )
    with pytest.raises(RuleViolation, match="destruction_no_longer_asked"):
        destroy(world, tube, other)
