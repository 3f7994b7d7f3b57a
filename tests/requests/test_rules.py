"""The life of a request and of its lines, and what a researcher may be told."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core.errors import RuleViolation
from biobank.requests import rules
from biobank.requests.rules import Act, LineAct, LineStatus, Status
from biobank.requests.texts import TEXTS, WORDS

UNLISTED = sorted(set(itertools.product(Status, Act)) - set(rules.LIFE))
UNLISTED_LINES = sorted(set(itertools.product(LineStatus, LineAct)) - set(rules.LINE_LIFE))


@pytest.mark.parametrize(("status", "act"), UNLISTED)
def test_what_the_life_of_a_request_does_not_list_is_refused(status, act):
    with pytest.raises(RuleViolation) as refused:
        rules.next_status(status, act)

    assert refused.value.code == "request_act_not_possible"
    assert [reason.code for reason in refused.value.reasons] == [rules.STATUS_SENTENCES[status]]


@pytest.mark.parametrize(("status", "act"), UNLISTED_LINES)
def test_what_the_life_of_a_line_does_not_list_is_refused(status, act):
    with pytest.raises(RuleViolation) as refused:
        rules.next_line_status(status, act, sample="T00000158")

    assert refused.value.code == "line_act_not_possible"
    assert [reason.code for reason in refused.value.reasons] == [rules.LINE_SENTENCES[status]]


@pytest.mark.parametrize(("pair", "after"), rules.LIFE.items())
def test_what_it_lists_is_done(pair, after):
    assert rules.next_status(*pair) is after


@pytest.mark.parametrize("ended", [Status.REFUSED, Status.CANCELLED, Status.COMPLETED])
def test_a_request_that_ended_stays_so(ended):
    assert rules.possible_acts(ended) == frozenset()


def test_every_status_and_act_has_its_words():
    assert {f"request_status.{status}" for status in Status} <= set(WORDS)
    assert {f"request_act.{act}" for act in Act} <= set(WORDS)
    assert {f"line_status.{status}" for status in LineStatus} <= set(WORDS)
    assert {f"line_act.{act}" for act in LineAct} <= set(WORDS)
    assert {*rules.STATUS_SENTENCES.values(), *rules.LINE_SENTENCES.values()} <= set(TEXTS)


@pytest.mark.parametrize(
    ("status", "reserved", "code"),
    [
        ("available", False, None),
        ("available", True, "sample_is_reserved"),
        ("depleted", False, "sample_not_available"),
        ("lost", True, "sample_not_available"),
        ("handed_out", False, "sample_not_available"),
    ],
)
def test_only_a_free_tube_in_our_hands_is_promised(status, reserved, code):
    reason = rules.may_be_reserved("T00000158", status, reserved=reserved)
    assert (reason.code if reason else None) == code


@given(st.lists(st.sampled_from(["permit", "review", "deny"])), st.sampled_from(["permit", "review", "deny"]))
def test_a_researcher_never_reads_a_count_below_ten_nor_learns_one_verdict_from_two_counts(verdicts, one):
    before = rules.chances(verdicts, exact=False)
    after = rules.chances([*verdicts, one], exact=False)

    for told in (*before[1:], *after[1:]):
        assert told is None or (told >= 10 and told % 10 == 0)
    exact = rules.chances(verdicts, exact=True)
    assert (exact.permit, exact.review, exact.deny) == tuple(
        verdicts.count(kind) for kind in ("permit", "review", "deny")
    )


def test_a_researcher_reads_nothing_that_a_donor_said():
    reasons = [
        {"code": "withdrawn_all", "params": {"received_on": "2012-03-20", "donor": "a1b2"}},
        {"code": "clause_refused", "params": {"signed_on": "2012-01-10"}},
        {"code": "sample_is_reserved", "params": {"sample": "T00000158"}},
    ]

    assert rules.without_donors(reasons) == [
        {"code": "consent_does_not_allow", "params": {}},
        {"code": "sample_is_reserved", "params": {"sample": "T00000158"}},
    ]


def test_what_a_committee_must_settle_is_not_called_a_no():
    reasons = [{"code": "consent_needs_review", "params": {}}, {"code": "modifier_rs", "params": {}}]
    assert rules.without_donors(reasons) == reasons[:1]
