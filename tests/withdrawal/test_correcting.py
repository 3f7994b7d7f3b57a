"""A tube turns out to be another patient's: nobody frees it alone, and what the right one withdrew is carried out."""

import pytest

from biobank.consent import service as consent
from biobank.core.db import unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.distribution import recalls
from biobank.samples import processing, releasing
from biobank.storage import destruction
from biobank.withdrawal import correcting, service
from tests import people
from tests.withdrawal.acts import consents_again, held, patient, pooled, undo, withdraw

pytestmark = pytest.mark.usefixtures("frozen_clock")


def to_another(world, tube, donor, by=None):
    return unit_of_work(
        lambda: [
            each.code
            for each in correcting.wrong_patient(
                sample=world.sample(tube), patient=patient(world, donor), reason="Mixed up", by=by or world.manager
            )
        ]
    )  # fmt: skip


def release(world, tube, by, reason="Two labels swapped"):
    return unit_of_work(lambda: releasing.release_corrected(sample=world.sample(tube), reason=reason, by=by))


def tasks(by):
    return {
        row.sample.code: row.task.withdrawal_id for row in destruction.listed(destruction.list_open(by).items)
    }


def aliquot(world, tube):
    return unit_of_work(
        lambda: processing.aliquot(sample=world.sample(tube), count=1, amount=1000, by=world.technician)[0].code
    )  # fmt: skip


# --- nobody frees a tube alone


def test_a_tube_taken_away_from_who_withdrew_stays_held_until_a_second_person_has_looked(world, donor, other):
    tube, right = world.tube(donor), world.donor()
    child = aliquot(world, tube)
    withdraw(world, donor)
    to_another(world, tube, right)
    late = aliquot(world, tube)  # born with the hold

    assert held(world, tube, child, late) == {tube, child, late}
    for first in (world.manager, world.technician):  # who corrected it, and who recorded the withdrawal
        with pytest.raises(RuleViolation, match="release_needs_another"):
            release(world, tube, first)
    with pytest.raises(Malformed):
        release(world, tube, other, reason=" ")
    with pytest.raises(NotFound):
        release(world, tube, people.actor("manager", site_code="IUCT"))

    assert release(world, tube, other) == [tube, child, late]
    assert held(world, tube, child, late) == set()
    with pytest.raises(NotFound, match="hold_not_open"):
        release(world, tube, other)


def test_a_detour_over_a_third_patient_frees_nothing(world, donor, other):
    tube = world.tube(donor)
    withdraw(world, donor)
    to_another(world, tube, world.donor())
    to_another(world, tube, world.donor(), by=other)

    assert held(world, tube) == {tube}
    for corrected in (world.manager, other, world.technician):
        with pytest.raises(RuleViolation, match="release_needs_another"):
            release(world, tube, corrected)
    assert release(world, tube, people.actor("dpo")) == [tube]


def test_what_is_still_withdrawn_or_was_nobody_elses_is_not_let_go(world, donor, other):
    tube, mine = world.tube(donor), world.tube(donor)
    withdraw(world, donor)
    gone = world.donor()
    withdraw(world, gone)
    to_another(world, tube, gone)

    for each in (tube, mine):
        with pytest.raises(RuleViolation, match="hold_of_withdrawal"):
            release(world, each, other)


def test_a_pool_with_somebody_who_withdrew_stays_held(world, donor, other):
    neighbour = world.donor()
    tube, foreign = world.tube(donor), world.tube(neighbour)
    pool = pooled(world, tube, foreign)
    withdraw(world, donor)
    withdraw(world, neighbour)
    to_another(world, tube, world.donor())

    with pytest.raises(RuleViolation, match="hold_of_withdrawal"):
        release(world, pool, other)
    assert held(world, pool) == {pool}


def test_taking_back_another_withdrawal_does_not_free_what_one_person_corrected(world, donor, other):
    tube, right = world.tube(donor), world.donor()
    withdraw(world, donor)
    to_another(world, tube, right, by=other)
    mistake = withdraw(world, right)["withdrawal"]

    assert undo(service.reverse, world, right, mistake, other)["let_go"] == []
    assert held(world, tube) == {tube}
    assert release(world, tube, people.actor("dpo")) == [tube]


# --- what the right patient withdrew is carried out


def test_what_became_covered_is_let_go_asked_back_and_to_be_destroyed(world, donor):
    here, promised, out, drafted = (world.tube(donor) for _ in range(4))
    code, draft = world.approved(promised), world.draft(drafted)
    world.hand_out(world.picked(out), to="Dr Recipient")
    gone = world.donor()
    key = withdraw(world, gone, fate="destroy")["withdrawal"]

    for tube in (here, promised, out, drafted):
        to_another(world, tube, gone)

    assert (world.lines(code), world.lines(draft)) == ({promised: "released"}, {drafted: "released"})
    assert world.fresh_sample(promised).reserved == 0
    assert tasks(world.manager) == {here: key, promised: key, drafted: key}
    (letter,) = recalls.letters(recalls.recalls_of([key]))
    assert [sample.code for sample in letter.samples] == [out]
    assert held(world, here, promised, out, drafted) == {here, promised, out, drafted}


def test_a_letter_is_written_once_though_the_tube_goes_there_twice(world, donor):
    out, gone = world.tube(donor), world.donor()
    world.hand_out(world.picked(out), to="Dr Recipient")
    key = withdraw(world, gone, fate="destroy")["withdrawal"]
    for person in (gone, donor, gone):
        to_another(world, out, person)
    assert len(recalls.recalls_of([key])) == 1


def test_what_is_no_longer_covered_is_no_longer_destroyed(world, donor):
    tube, other_tube = world.tube(donor), world.tube(donor)
    key = withdraw(world, donor, fate="destroy")["withdrawal"]
    to_another(world, tube, world.donor())
    assert tasks(world.manager) == {other_tube: key}


def test_what_is_taken_from_one_who_withdrew_to_another_is_destroyed_for_that_one(world, donor):
    tube, gone = world.tube(donor), world.donor()
    withdraw(world, donor, fate="destroy")
    key = withdraw(world, gone, fate="destroy")["withdrawal"]
    to_another(world, tube, gone)
    assert tasks(world.manager) == {tube: key}


def test_one_who_agreed_again_has_nothing_destroyed(world, donor):
    tube, gone = world.tube(donor), world.donor()
    code = world.approved(tube)
    withdraw(world, gone, fate="destroy")
    consents_again(world, gone, later=0)
    assert consent.withdrawals_of(patient(world, gone))
    to_another(world, tube, gone)
    assert (tasks(world.manager), world.lines(code)) == ({}, {tube: "reserved"})


# --- from the edge


@pytest.fixture
def api(app):
    api = people.api(app, "manager")
    for code in ("A-1", "A-2"):
        api.post("/patients", {"code": code})
    api.post("/studies", {"code": "ESSAI", "title": "Essai"})
    return api


@pytest.fixture
def tube(api):
    told = {"patient": "A-1", "study": "ESSAI", "type": "Plasma", "collected_at": "2012-02-01"}
    return api.post("/samples", told).json["code"]


GIVEN = {"scope": "all", "received_on": "2012-03-01", "fate": "destroy"}


def test_the_api_corrects_carries_out_and_lets_go_by_a_second_person(app, api, tube):
    api.post("/patients/A-2/withdrawals", GIVEN)
    done = api.post(f"/samples/{tube}/corrections", {"patient": "A-2", "reason": "Mixed up"})
    assert (done.status_code, done.json["items"][0]["code"]) == (201, tube)
    assert [task["sample"] for task in api.get("/destructions").json["items"]] == [tube]

    api.post(f"/samples/{tube}/corrections", {"patient": "A-1", "reason": "It was right"})
    assert api.get("/destructions").json["items"] == []
    address = f"/samples/{tube}/holds/withdrawal/release-corrected"
    told = {"reason": "Looked at the label"}
    assert people.api(app, "technician").post(address, told).status_code == 403
    assert api.post(address, told).json["code"] == "release_needs_another"
    assert api.post(f"/samples/{tube}/holds/withdrawal/release", told).json["code"] == "hold_of_withdrawal"
    second = people.api(app, "dpo").post(address, told)
    assert (second.status_code, second.json["samples"]) == (200, [tube])


def test_the_page_of_the_hold_offers_it_once_the_tube_was_corrected(app, api, tube):
    first, second = people.browser(app, "manager"), people.browser(app, "manager")
    api.post("/patients/A-1/withdrawals", GIVEN)
    assert "not ended by hand" in second.get(f"/samples/{tube}/hold").text

    told = {"what": "patient", "patient": "A-2", "reason": "Mixed up"}
    assert "Wrong patient" in first.get(f"/samples/{tube}/correct").text
    assert first.post(f"/samples/{tube}/correct", told).status_code == 303

    address, why = f"/samples/{tube}/release-corrected", {"reason": "Looked at the label"}
    assert address in second.get(f"/samples/{tube}/hold").text
    refused = first.post(address, why)
    assert (refused.status_code, "somebody else must let go" in refused.text) == (409, True)
    assert second.post(address, {}).status_code == 422
    assert second.post(address, why).status_code == 303
    assert "Held" not in second.get(f"/samples/{tube}").text
