"""What a decision says is said in words: the terms of a consent, and what was asked."""

import pytest

from biobank.core.errors import Reason
from biobank.web import sentences

PAPER = {"clause": "research", "form": "F", "version": "1", "signed_on": "2012-03-01"}

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def say(app):
    def say(code, **params):
        with app.test_request_context("/"):
            return sentences.of_reason(Reason(code, PAPER | params))

    return say


def test_what_is_granted_is_said_in_words_with_the_code_beside_it(say):
    sentence = say("granted", purpose="DS:C50.1", term="HMB")

    assert "allows health, medical or biomedical research (HMB)." in sentence
    assert sentence.endswith("asked: research on a disease (DS:C50.1).")


def test_several_terms_are_each_said(say):
    sentence = say("purpose_not_covered", purpose="POA", terms="DS:C50,C61, CC")

    assert "allows research on named diseases (DS:C50,C61), clinical care (CC)." in sentence
    assert "research on origins or ancestry (POA)" in sentence


def test_what_nobody_knows_stays_a_code(say):
    assert "allows XYZ:1." in say("granted", purpose="GEN", term="XYZ:1")
    assert "(GEN)." in say("granted", purpose="GEN", term="XYZ:1")


def test_a_sentence_that_says_it_itself_is_given_the_code(say):
    assert "(NPU, clause" in say("modifier_npu", term="NPU")
