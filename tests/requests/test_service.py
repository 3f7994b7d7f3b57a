"""A request from draft to decision: who may, what is held for it, and what is kept of a refusal."""

import dataclasses

import pytest
from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.core.actor import job
from biobank.core.db import db
from biobank.core.errors import Forbidden, Malformed, NotFound, RuleViolation
from biobank.core.outbox import OutboxItem
from biobank.requests import service as requests
from biobank.requests.models import Reservation
from biobank.samples import holds, processing
from biobank.samples.models import Decision, SampleUse
from biobank.samples.uses import UseRefused
from biobank.storage import service as storage
from tests.requests import world as worlds


def open_reservations(sample_id):
    query = select(func.count()).where(Reservation.sample_id == sample_id, Reservation.released_at.is_(None))
    return db.session.scalar(query)


def acts(kind, key):
    return [entry["act"] for entry in audit.history(kind, key)]


# --- the draft


def test_a_draft_keeps_what_it_is_for_in_the_rules_own_terms(world):
    code = world.draft(
        purposes=["ds:c50.1, C61", "DUO:0000006"], country="fr", genetic=True, flags=["paediatric"]
    )

    use = requests.use_of(world.request(code))

    assert [purpose.text for purpose in use.purposes] == ["DS:C50.1,C61", "HMB"]
    assert (use.country, use.genetic, use.organisation, use.flags) == (
        "FR",
        True,
        "non-profit",
        ("paediatric",),
    )
    assert code.startswith("R")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"title": "  "}, "title"),
        ({"purposes": []}, "purposes"),
        ({"purposes": ["HMB", "DS:X99999"]}, "purposes.1"),
        ({"organisation": "charity"}, "organisation"),
        ({"country": "France"}, "country"),
    ],
)
def test_a_draft_that_says_nothing_readable_names_the_field(world, terms, field):
    with pytest.raises(Malformed) as refused:
        world.draft(**terms)
    assert list(refused.value.fields) == [field]


def test_a_job_writes_no_request(world):
    with pytest.raises(RuleViolation, match="researcher_missing"):
        world.draft(by=job("nightly"))


def test_samples_are_asked_for_by_any_of_their_codes_and_only_once(world):
    tube = world.tube()
    code = world.draft(tube)

    world.act(requests.add_samples, code, world.researcher, samples=[tube, tube])

    assert world.lines(code) == {tube: "asked"}


def test_what_is_unknown_or_of_another_site_is_named_and_nothing_is_added(world):
    elsewhere = worlds.make_world("IUCT").tube()
    code = world.draft()

    with pytest.raises(Malformed) as refused:
        world.act(requests.add_samples, code, world.researcher, samples=[world.tube(), elsewhere])

    assert refused.value.fields["samples"].params == {"samples": elsewhere}
    assert world.lines(code) == {}


def test_a_sample_struck_out_of_a_draft_is_gone_and_may_be_asked_for_again(world):
    tube, other = world.tube(), world.tube()
    code = world.draft(tube, other)

    world.act(requests.remove_sample, code, world.researcher, sample=tube)
    assert world.lines(code) == {other: "asked"}

    world.act(requests.add_samples, code, world.researcher, samples=[tube])
    assert world.lines(code) == {tube: "asked", other: "asked"}


def test_an_empty_request_is_not_sent(world):
    code = world.draft()
    with pytest.raises(RuleViolation, match="nothing_asked_for"):
        world.act(requests.submit, code, world.researcher)
    assert world.request(code).status == "draft"


def test_what_was_sent_is_not_changed_any_more(world):
    code = world.submitted(world.tube())
    with pytest.raises(RuleViolation, match="request_act_not_possible"):
        world.act(requests.add_samples, code, world.researcher, samples=[world.tube()])


# --- who may


def test_another_researcher_does_not_know_that_it_exists(world):
    code = world.draft(world.tube())
    other = worlds.person("researcher")

    with pytest.raises(NotFound, match="request_unknown"):
        requests.find_request(code, other)
    assert requests.list_requests(other).items == []
    assert [each.code for each in requests.list_requests(world.researcher).items] == [code]
    assert [each.code for each in requests.list_requests(world.manager).items] == [code]
    assert requests.list_requests(world.manager, mine=True).items == []


def test_nor_does_the_staff_of_another_site(world):
    code = world.draft(world.tube())
    with pytest.raises(NotFound):
        requests.find_request(code, worlds.make_world("IUCT").manager)


def test_who_neither_asks_nor_answers_reads_no_requests(world):
    nobody = dataclasses.replace(world.researcher, permissions=frozenset())
    with pytest.raises(Forbidden):
        requests.list_requests(nobody)


def test_a_manager_does_not_write_for_the_researcher(world):
    code = world.draft(world.tube())
    with pytest.raises(Forbidden, match="not_your_request"):
        world.act(requests.submit, code, world.manager)


@pytest.mark.parametrize("roles", [("researcher", "manager"), ("administrator",)])
def test_nobody_decides_about_a_request_of_their_own(world, roles):
    both = worlds.person(*roles)
    code = world.draft(world.tube(), by=both)
    world.act(requests.submit, code, both)

    with pytest.raises(Forbidden, match="own_request"):
        world.act(requests.approve, code, both)
    with pytest.raises(Forbidden, match="own_request"):
        world.act(requests.refuse, code, both, reason="no")

    assert world.request(code).status == "submitted"


# --- the decision


def test_approval_decides_every_line_and_holds_the_whole_tube(world):
    tube = world.tube(volume_ul=500)

    code = world.approved(tube)

    sample, request = world.sample(tube), world.request(code)
    assert world.lines(code) == {tube: "reserved"}
    assert (sample.status, sample.remaining, sample.reserved) == ("available", 500_000, 500_000)
    assert open_reservations(sample.id) == 1
    decision = db.session.scalars(select(Decision).where(Decision.sample_id == sample.id)).one()
    use = db.session.scalars(select(SampleUse).where(SampleUse.sample_id == sample.id)).one()
    assert (decision.act, decision.verdict, decision.request_id) == ("allocate", "permit", request.id)
    assert (use.act, use.decision_id) == ("allocate", decision.id)
    assert "reserved" in acts("sample", tube)
    assert acts("request", code)[-1] == "request_approved"


def test_a_tube_of_unknown_quantity_is_held_as_a_whole(world):
    tube = world.tube(volume_ul=None)
    world.approved(tube)
    sample = world.sample(tube)
    assert (sample.remaining, sample.reserved, open_reservations(sample.id)) == (None, 0, 1)


@pytest.mark.parametrize(("volume", "why"), [(500, "part_is_reserved"), (None, "tube_is_reserved")])
def test_a_tube_that_is_promised_is_not_thrown_away_whether_its_quantity_is_known_or_not(world, volume, why):
    tube = world.tube(volume_ul=volume)
    code = world.approved(tube)

    with pytest.raises(RuleViolation, match=why):
        world.do(lambda: storage.discard(sample=world.sample(tube), reason="broken", by=world.technician))

    assert world.fresh_sample(tube).status == "available"
    assert world.lines(code) == {tube: "reserved"}


def test_a_promised_tube_of_unknown_quantity_is_not_used_up_for_another(world):
    tube = world.tube(volume_ul=None)
    world.approved(tube)

    with pytest.raises(RuleViolation, match="tube_is_reserved"):
        world.do(
            lambda: processing.derive(sample=world.sample(tube), type="DNA", whole=True, by=world.technician)
        )

    assert world.fresh_sample(tube).status == "available"


def test_a_tube_of_unknown_quantity_is_thrown_away_once_its_request_is_cancelled(world):
    tube = world.tube(volume_ul=None)
    code = world.approved(tube)
    world.act(requests.cancel, code, world.manager, reason="not needed")

    world.do(lambda: storage.discard(sample=world.sample(tube), reason="broken", by=world.technician))

    assert world.fresh_sample(tube).status == "destroyed"


def test_what_the_donor_did_not_allow_is_refused_with_its_reasons_and_the_rest_is_held(world):
    allowed, other_purpose = world.tube(), world.tube(world.donor(["DS:C50"]))
    pending = world.tube(world.donor(consents=False))

    code = world.approved(allowed, other_purpose, pending)

    assert world.lines(code) == {allowed: "reserved", other_purpose: "refused", pending: "refused"}
    assert world.reasons(code, other_purpose) == ["purpose_not_covered"]
    assert world.reasons(code, pending)[0] in ("pending", "no_consent")
    assert world.sample(pending).reserved == 0
    assert "use_refused" in acts("sample", pending)
    uses = select(func.count()).select_from(SampleUse)
    assert db.session.scalar(uses.where(SampleUse.sample_id == world.sample(pending).id)) == 0


def test_what_the_rules_leave_to_people_stays_asked_for_and_the_rest_is_held(world):
    allowed, delicate = world.tube(), world.tube(world.donor(["HMB", "RS"]))

    code = world.approved(allowed, delicate)

    assert world.lines(code) == {allowed: "reserved", delicate: "asked"}
    assert world.reasons(code, delicate)[0] == "consent_needs_review"


def test_a_held_tube_is_refused(world):
    tube, other = world.tube(), world.tube()
    world.do(lambda: holds.hold(sample=world.sample(tube), code="quarantine", by=world.manager))

    code = world.approved(tube, other)

    assert world.lines(code) == {tube: "refused", other: "reserved"}
    assert world.reasons(code, tube) == ["hold"]


def test_a_tube_that_another_request_holds_is_refused(world):
    tube, other = world.tube(), world.tube()
    world.approved(tube)

    code = world.approved(tube, other)

    assert world.lines(code) == {tube: "refused", other: "reserved"}
    assert world.reasons(code, tube) == ["sample_is_reserved"]


def test_a_tube_that_is_not_in_our_hands_is_refused(world):
    tube, other = world.tube(), world.tube()
    world.hand_out(world.picked(tube))

    code = world.approved(tube, other)

    assert world.reasons(code, tube) == ["sample_not_available"]


def test_a_request_of_which_nothing_can_be_held_waits_and_its_decisions_are_kept(world):
    taken, pending = world.tube(), world.tube(world.donor(consents=False))
    world.approved(taken)
    code = world.submitted(taken, pending)

    with pytest.raises(UseRefused) as refused:
        world.act(requests.approve, code, world.manager)

    assert "sample_is_reserved" in [reason.code for reason in refused.value.reasons]
    assert len(refused.value.reasons) == 2
    assert world.request(code).status == "submitted"
    assert world.lines(code) == {taken: "asked", pending: "asked"}
    kept = db.session.scalars(select(Decision).where(Decision.sample_id == world.sample(pending).id)).one()
    assert (kept.verdict, kept.request_id) == ("deny", world.request(code).id)
    assert "use_refused" in acts("sample", pending)


def test_a_request_of_which_no_tube_is_free_says_so(world):
    taken = world.tube()
    world.approved(taken)
    code = world.submitted(taken)
    with pytest.raises(RuleViolation, match="nothing_to_reserve") as refused:
        world.act(requests.approve, code, world.manager)
    assert [reason.code for reason in refused.value.reasons] == ["sample_is_reserved"]


def test_a_withdrawal_between_sending_and_deciding_is_heeded(world):
    donor = world.donor()
    tube, other = world.tube(donor), world.tube()
    code = world.submitted(tube, other)
    world.withdraw(donor)  # the row alone: even where nothing was let go, the gate says no

    world.act(requests.approve, code, world.manager)

    assert world.lines(code) == {tube: "refused", other: "reserved"}
    assert "withdrawn_all" in world.reasons(code, tube)


def test_an_approved_request_is_not_approved_twice(world):
    code = world.approved(world.tube())
    with pytest.raises(RuleViolation, match="nothing_left_to_decide"):
        world.act(requests.approve, code, world.manager)


# --- the other ends


def test_a_refusal_takes_a_reason_and_ends_it(world):
    tube = world.tube()
    code = world.submitted(tube)
    with pytest.raises(Malformed):
        world.act(requests.refuse, code, world.manager, reason="  ")

    world.act(requests.refuse, code, world.manager, reason="Too little is left of these.")

    assert world.request(code).status == "refused"
    assert world.request(code).settled_reason == "Too little is left of these."
    assert world.lines(code) == {tube: "released"}


@pytest.mark.parametrize("who", ["researcher", "manager"])
def test_cancelling_lets_go_what_was_held(world, who):
    tube, picked = world.tube(), world.tube()
    code = world.approved(tube, picked)
    world.pick(code, picked)

    world.act(requests.cancel, code, getattr(world, who))

    assert world.request(code).status == "cancelled"
    assert world.lines(code) == {tube: "released", picked: "released"}
    for each in (tube, picked):
        sample = world.fresh_sample(each)
        assert (sample.reserved, open_reservations(sample.id)) == (0, 0)
        assert "unreserved" in acts("sample", each)
    assert world.lines(world.approved(tube)) == {tube: "reserved"}


def test_a_technician_does_not_cancel_somebody_elses_request(world):
    code = world.approved(world.tube())
    with pytest.raises(Forbidden, match="not_your_request"):
        world.act(requests.cancel, code, world.technician)


def test_a_request_of_which_something_left_is_completed_rather_than_cancelled(world):
    given, kept = world.tube(), world.tube()
    code = world.approved(given, kept)
    world.pick(code, given)
    world.hand_out(code)

    world.act(requests.cancel, code, world.researcher)

    assert world.request(code).status == "completed"
    assert world.lines(code) == {given: "handed_out", kept: "released"}


# --- what is told


def test_the_researcher_is_written_to_when_it_is_settled_and_nothing_of_a_sample_is_in_it(world):
    world.researcher = worlds.person("researcher", email="ada@example.org")
    tube = world.tube()
    world.hand_out(world.picked(tube))
    refused = world.submitted(world.tube())
    world.act(requests.refuse, refused, world.manager, reason="No.")

    letters = [item.payload for item in db.session.scalars(select(OutboxItem).order_by(OutboxItem.id))]

    assert [(each["to"], each["message"]) for each in letters] == [
        ("ada@example.org", "request_approved"),
        ("ada@example.org", "request_completed"),
        ("ada@example.org", "request_refused"),
    ]
    assert tube not in str(letters)


def test_a_researcher_without_an_address_is_not_written_to(world):
    world.approved(world.tube())
    assert db.session.scalar(select(func.count()).select_from(OutboxItem)) == 0


def test_chances_are_counted_without_using_anything(world):
    tubes = [world.tube(), world.tube(world.donor(["DS:C50"])), world.tube(world.donor(["HMB", "RS"]))]
    request = world.request(world.draft(*tubes))

    assert tuple(requests.feasibility(request, world.manager)) == (3, 1, 1, 1)
    assert tuple(requests.feasibility(request, world.researcher)) == (3, None, None, None)
    assert db.session.scalar(select(func.count()).select_from(Decision)) == 0
