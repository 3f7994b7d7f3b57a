"""What the rules leave to people in a request: asked, settled by anybody but the researcher, and never a denial."""

from datetime import date

import pytest
from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.consent import service as consent
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Forbidden, Malformed, RuleViolation
from biobank.patients import service as patients
from biobank.requests import reviewing
from biobank.requests import service as requests
from biobank.samples import holds
from biobank.samples.models import ConsentReview, Decision
from biobank.samples.uses import UseRefused
from tests.requests import world as worlds

CHILDREN = "flag_paediatric"
ETHICS = ["HMB", "IRB"]


def settle(world, code, reason=CHILDREN, *, by=None, **told):
    given = {"outcome": "lift", "why": "The committee agreed."} | told
    return world.act(requests.settle, code, by or world.manager, reason=reason, **given)


def approve(world, code):
    return world.act(requests.approve, code, world.manager)


def questions(world, code):
    return {each.key: each for each in requests.questions(world.request(code))}


def key(world, code, reason):
    """The key of the one question of that reason."""
    (found,) = [each for each in questions(world, code) if each.startswith(reason)]
    return found


def signs_again(world, donor, terms, *, signed_on, version="1"):
    """The donor signs this form once more, or a newer version of it."""

    def work():
        old = world.form(terms)
        form = old
        if version != old.version:
            form = consent.make_form(
                site_id=world.site_id, code=old.code, version=version, title="Research", study=None,
                clauses=[{"key": "research", "text": "Research", "required": True, "if_granted": terms}],
                by=world.manager,
            )  # fmt: skip
        consent.record_consent(
            patient=patients.find_patient(donor, world.technician), form=form, signed_on=signed_on,
            answers={"research": "granted"}, by=world.technician,
        )  # fmt: skip

    unit_of_work(work)


# --- what is asked


def test_what_is_left_to_people_is_grouped_by_reason_with_its_samples(world):
    plain, ethics = world.tube(), [world.tube(world.donor(ETHICS)) for _ in range(2)]
    denied = world.tube(world.donor(consents=False))
    code = world.submitted(plain, *ethics, denied, flags=["paediatric"])

    found = questions(world, code)

    assert {each.reason.code: [sample.code for sample in each.open] for each in found.values()} == {
        "flag_paediatric": [plain, *ethics],
        "modifier_irb": ethics,
    }


def test_papers_of_one_form_signed_on_two_days_raise_one_question(world):
    first, second = world.donor(ETHICS), world.donor(ETHICS)
    signs_again(world, second, ETHICS, signed_on=date(2012, 2, 20))
    code = world.submitted(world.tube(first), world.tube(second))

    (found,) = questions(world, code).values()

    assert found.days == {"2012-01-10", "2012-02-20"}
    assert len({exact for codes in found.codes.values() for exact in codes}) == 2


def test_a_request_that_the_rules_decide_alone_asks_nobody(world):
    assert questions(world, world.submitted(world.tube())) == {}


# --- settling


def test_what_was_settled_is_given_and_the_decision_says_by_which_review(world):
    tube = world.tube()
    code = world.submitted(tube, flags=["paediatric"])

    (row,) = settle(world, code)
    review = row.id
    approve(world, code)

    assert world.lines(code) == {tube: "reserved"}
    assert "review_settled" in world.reasons(code, tube)
    decision = db.session.scalars(select(Decision).where(Decision.sample_id == world.sample(tube).id)).one()
    assert (decision.verdict, decision.reviews) == ("permit", [{"id": review, "codes": [CHILDREN]}])


def test_picking_and_handing_out_rest_on_the_same_review(world):
    tube = world.tube()
    code = world.submitted(tube, flags=["paediatric"])
    settle(world, code)
    approve(world, code)

    world.pick(code, tube)
    world.hand_out(code)

    assert world.lines(code) == {tube: "handed_out"}
    made = db.session.scalars(select(Decision).order_by(Decision.id)).all()
    assert [(each.act, each.verdict, len(each.reviews)) for each in made] == [
        ("allocate", "permit", 1),
        ("pick", "permit", 1),
        ("hand_out", "permit", 1),
    ]


def test_a_reason_is_settled_for_some_samples_and_the_others_stay_open(world):
    first, second = world.tube(), world.tube()
    code = world.submitted(first, second, flags=["paediatric"])

    settle(world, code, samples=[second])

    (found,) = questions(world, code).values()
    assert [sample.code for sample in found.open] == [first]
    (act,) = found.settled.values()
    assert ([sample.code for sample in act.samples], act.by) == ([second], world.manager.key)
    approve(world, code)
    assert world.lines(code) == {first: "asked", second: "reserved"}


def test_each_reason_is_settled_for_itself(world):
    tube = world.tube(world.donor(ETHICS))
    code = world.submitted(tube, world.tube(), flags=["paediatric"])
    settle(world, code, samples=None)
    approve(world, code)

    assert world.lines(code)[tube] == "asked"

    settle(world, code, key(world, code, "modifier_irb"))
    approve(world, code)
    assert world.lines(code)[tube] == "reserved"


def test_a_review_of_one_request_says_nothing_about_another(world):
    tube = world.tube()
    code = world.submitted(tube, flags=["paediatric"])
    other = world.submitted(tube, flags=["paediatric"])
    settle(world, code)

    with pytest.raises(RuleViolation, match="reviews_open"):
        approve(world, other)


def test_the_record_of_the_request_says_who_settled_what(world):
    tube = world.tube()
    code = world.submitted(tube, flags=["paediatric"])
    settle(world, code, why="Opinion of 3 March.")

    entry = audit.history("request", code)[-1]
    assert (entry["act"], entry["reason"]) == ("review_settled", "Opinion of 3 March.")
    assert entry["after"] == {"reason": CHILDREN, "outcome": "lift", "samples": [tube]}


def test_an_unknown_reason_is_refused_with_those_that_are_asked(world):
    code = world.submitted(world.tube(), flags=["paediatric"])
    with pytest.raises(Malformed) as refused:
        settle(world, code, "flag_sexual")

    told = refused.value.fields["reason"]
    assert (told.code, told.params["known"]) == ("review_unknown", CHILDREN)
    assert db.session.scalar(select(func.count()).select_from(ConsentReview)) == 0


def test_a_sample_that_the_question_is_not_about_is_named(world):
    plain = world.tube()
    code = world.submitted(world.tube(world.donor(ETHICS)), plain)
    with pytest.raises(Malformed) as refused:
        settle(world, code, key(world, code, "modifier_irb"), samples=[plain])
    assert refused.value.fields["samples"].params == {"samples": plain}


def test_nothing_is_settled_twice_in_the_same_way(world):
    code = world.submitted(world.tube(), flags=["paediatric"])
    settle(world, code)
    with pytest.raises(RuleViolation, match="review_all_settled"):
        settle(world, code)


@pytest.mark.parametrize("status", ["draft", "cancelled", "completed"])
def test_only_what_waits_for_the_biobank_is_settled(world, status):
    tube = world.tube()
    code = world.draft(tube, flags=["paediatric"])
    if status == "cancelled":
        world.act(requests.cancel, code, world.researcher)
    if status == "completed":
        code = world.picked(tube)
        world.hand_out(code)
    with pytest.raises(RuleViolation, match="request_act_not_possible"):
        settle(world, code)


@pytest.mark.parametrize("roles", [("researcher", "manager"), ("administrator",)])
def test_nobody_reviews_a_request_of_their_own(world, roles):
    both = worlds.person(*roles)
    code = world.draft(world.tube(), by=both, flags=["paediatric"])
    world.act(requests.submit, code, both)

    with pytest.raises(Forbidden, match="own_request"):
        settle(world, code, by=both)


# --- never a denial, and nothing new


@pytest.mark.parametrize("denied_by", ["nothing_said", "purpose", "hold", "withdrawal"])
def test_a_denial_is_never_lifted(world, denied_by):
    donor = world.donor({"purpose": ["DS:C50"]}.get(denied_by, ["HMB"]), consents=denied_by != "nothing_said")
    tube = world.tube(donor)
    code = world.submitted(tube, world.tube(), flags=["paediatric"])
    if denied_by == "hold":
        world.do(lambda: holds.hold(sample=world.sample(tube), code="quarantine", by=world.manager))
    if denied_by == "withdrawal":
        world.withdraw(donor)

    with pytest.raises(Malformed) as refused:
        settle(world, code, samples=[tube])
    assert list(refused.value.fields) == ["samples"]

    settle(world, code)
    approve(world, code)
    assert world.lines(code)[tube] == "refused"


def test_what_was_settled_before_a_denial_came_does_not_help(world):
    donor = world.donor()
    tube, other = world.tube(donor), world.tube()
    code = world.submitted(tube, other, flags=["paediatric"])
    settle(world, code)
    world.withdraw(donor)

    approve(world, code)

    assert world.lines(code) == {tube: "refused", other: "reserved"}
    assert "withdrawn_all" in world.reasons(code, tube)


@pytest.mark.parametrize("what", ["a newer version", "another day"])
def test_a_newer_answer_is_not_covered_by_an_older_review(world, what):
    donor = world.donor(ETHICS)
    tube = world.tube(donor)
    code = world.submitted(tube, world.tube())
    settle(world, code, key(world, code, "modifier_irb"))

    signs_again(
        world, donor, ETHICS, signed_on=date(2012, 2, 20), version="2" if what == "a newer version" else "1"
    )
    approve(world, code)

    assert world.lines(code)[tube] == "asked"
    settle(world, code, key(world, code, "modifier_irb"))
    approve(world, code)
    assert world.lines(code)[tube] == "reserved"


def test_a_newer_answer_after_the_approval_stops_the_pick_until_it_is_settled_as_well(world):
    donor = world.donor(ETHICS)
    tube = world.tube(donor)
    code = world.submitted(tube)
    settle(world, code, key(world, code, "modifier_irb"))
    approve(world, code)
    signs_again(world, donor, ETHICS, signed_on=date(2012, 2, 20), version="2")

    with pytest.raises(UseRefused):
        world.pick(code, tube)

    settle(world, code, key(world, code, "modifier_irb"))
    world.pick(code, tube)
    assert world.lines(code) == {tube: "picked"}


# --- approving in two steps


def test_while_all_waits_for_people_the_approval_says_what_they_have_to_settle(world):
    tube = world.tube()
    code = world.submitted(tube, flags=["paediatric"])

    with pytest.raises(RuleViolation, match="reviews_open") as refused:
        approve(world, code)

    assert [reason.code for reason in refused.value.reasons] == [CHILDREN]
    assert world.request(code).status == "submitted"
    assert world.lines(code) == {tube: "asked"}
    kept = db.session.scalars(select(Decision)).one()
    assert (kept.verdict, kept.request_id) == ("review", world.request(code).id)


def test_what_is_settled_after_the_approval_is_held_by_approving_once_more(world):
    plain, ethics = world.tube(), world.tube(world.donor(ETHICS))
    code = world.approved(plain, ethics)
    decided = world.request(code).settled_at
    settle(world, code, key(world, code, "modifier_irb"))

    approve(world, code)

    assert world.lines(code) == {plain: "reserved", ethics: "reserved"}
    assert world.request(code).settled_at == decided
    with pytest.raises(RuleViolation, match="nothing_left_to_decide"):
        approve(world, code)


def test_approving_once_more_before_anything_is_settled_says_what_is_to_be_settled(world):
    ethics = world.tube(world.donor(ETHICS))
    code = world.approved(world.tube(), ethics)
    with pytest.raises(RuleViolation, match="reviews_open"):
        approve(world, code)
    assert world.lines(code)[ethics] == "asked"


def test_a_line_still_asked_for_keeps_the_request_open(world):
    plain, ethics = world.tube(), world.tube(world.donor(ETHICS))
    code = world.approved(plain, ethics)
    world.pick(code, plain)
    world.hand_out(code)
    assert world.request(code).status == "approved"

    settle(world, code, key(world, code, "modifier_irb"))
    approve(world, code)
    world.pick(code, ethics)
    world.hand_out(code)
    assert world.request(code).status == "completed"


def test_cancelling_lets_go_what_was_waiting_too(world):
    plain, ethics = world.tube(), world.tube(world.donor(ETHICS))
    code = world.approved(plain, ethics)

    world.act(requests.cancel, code, world.researcher)

    assert world.request(code).status == "cancelled"
    assert world.lines(code) == {plain: "released", ethics: "released"}


def test_a_withdrawal_lets_go_what_was_waiting_and_the_request_may_be_completed_by_it(world):
    donor = world.donor(ETHICS)
    plain, ethics = world.tube(), world.tube(donor)
    code = world.approved(plain, ethics)
    world.pick(code, plain)
    world.hand_out(code)

    world.withdraw(donor, samples=[ethics])

    assert world.lines(code)[ethics] == "released"
    assert world.request(code).status == "completed"


# --- what was not agreed to


def test_what_was_upheld_is_refused_with_the_reviewers_words(world):
    tube, other = world.tube(world.donor(ETHICS)), world.tube()
    code = world.submitted(tube, other)
    settle(world, code, key(world, code, "modifier_irb"), outcome="uphold", why="No opinion was given.")

    approve(world, code)

    assert world.lines(code) == {tube: "refused", other: "reserved"}
    assert world.reasons(code, tube)[0] == "review_upheld"
    (line,) = [each.line for each in requests.asked_of(world.request(code)) if each.sample.code == tube]
    assert line.reasons[0]["params"] == {"why": "No opinion was given."}


def test_a_second_approval_that_only_refuses_ends_what_is_left(world):
    plain, ethics = world.tube(), world.tube(world.donor(ETHICS))
    code = world.approved(plain, ethics)
    world.pick(code, plain)
    world.hand_out(code)
    settle(world, code, key(world, code, "modifier_irb"), outcome="uphold", why="No.")

    approve(world, code)

    assert world.lines(code) == {plain: "handed_out", ethics: "refused"}
    assert world.request(code).status == "completed"


def test_a_request_of_which_all_was_upheld_waits_for_its_refusal(world):
    code = world.submitted(world.tube(), flags=["paediatric"])
    settle(world, code, outcome="uphold")
    with pytest.raises(UseRefused):
        approve(world, code)
    world.act(requests.refuse, code, world.manager, reason="The committee did not agree.")
    assert world.request(code).status == "refused"


@pytest.mark.parametrize("step", ["approved", "picked"])
def test_who_takes_a_review_back_lets_go_what_was_held_by_it(world, step):
    tube, other = world.tube(world.donor(ETHICS)), world.tube()
    code = world.submitted(tube, other)
    settle(world, code, key(world, code, "modifier_irb"))
    approve(world, code)
    if step == "picked":
        world.pick(code, tube)

    settle(world, code, key(world, code, "modifier_irb"), outcome="uphold", why="The opinion has run out.")

    assert world.lines(code) == {tube: "released", other: "reserved"}
    assert world.reasons(code, tube)[0] == "review_upheld"
    assert world.fresh_sample(tube).reserved == 0


def test_who_lifts_what_was_upheld_before_the_decision_lifts_it(world):
    tube = world.tube()
    code = world.submitted(tube, flags=["paediatric"])
    settle(world, code, outcome="uphold")
    settle(world, code, why="The opinion came in.")
    approve(world, code)
    assert world.lines(code) == {tube: "reserved"}


# --- many


def test_many_samples_are_settled_with_as_many_statements_as_few(world):
    def cost(count):
        donor = world.donor(ETHICS)
        code = world.submitted(*[world.tube(donor, placed=False) for _ in range(count)])
        asked = key(world, code, "modifier_irb")
        with worlds.Statements() as sent:
            settle(world, code, asked)
        return len(sent)

    assert cost(12) == cost(2)


def test_the_key_of_a_question_leaves_out_whose_paper_it_is():
    reason = reviewing.Reason(
        "modifier_irb", {"form": "F", "version": "1", "signed_on": "2012-01-10", "donor": "a1"}
    )
    assert reviewing.key_of(reason) == "modifier_irb:form=F:version=1"
