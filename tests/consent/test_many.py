"""Many samples decided at once are decided as each by itself: the same verdict, the same reasons, the same papers."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from biobank.consent import many
from biobank.consent.rules import ConsentFact, DonorFacts, SampleFacts
from tests.consent.papers import NOW, TODAY, asked, donor, granting, sample, use
from tests.consent.test_rules_properties import VOCABULARY, answers, days, forms, instants, samples, uses


@st.composite
def crowds(draw):
    """People who answered a few forms in a few ways, each on their own day; and some with entangled papers."""
    written = draw(st.lists(st.tuples(forms, answers), min_size=1, max_size=3))
    crowd = draw(st.lists(samples(), max_size=3))
    for number in range(draw(st.integers(1, 8))):
        clauses, given_answers = draw(st.sampled_from(written))
        paper = ConsentFact(
            id=number + 1,
            family="A",
            version="1",
            study=draw(st.sampled_from([None, "MELBASE", "OTHER"])),
            signed_on=draw(days),
            seq=number + 1,
            recorded_at=draw(instants),
            clauses=clauses,
            answers=given_answers,
            given_by=draw(st.sampled_from(["patient", "patient", "guardian"])),
        )
        tube = SampleFacts("T", "MELBASE", (DonorFacts(f"k{number}", (paper,)),), form_in_force=True)
        crowd += [tube] * draw(st.integers(1, 2))
    return draw(st.permutations(crowd))


@given(crowds(), uses)
def test_many_at_once_are_decided_as_each_by_itself(crowd, wanted):
    together = many.decide_many(
        [many.Asked(each, TODAY, NOW) for each in crowd], wanted, vocabulary=VOCABULARY
    )

    assert together == [asked(each, wanted, as_of=TODAY, known_at=NOW) for each in crowd]


def test_a_time_limit_is_counted_from_each_ones_own_signature():
    first = granting("GRU", "TS:2")
    later = replace(first, id=2, signed_on=first.signed_on + timedelta(days=60))
    tubes = [sample(donors=(donor(paper, key=str(paper.id)),)) for paper in (first, later)]

    decided = many.decide_many([many.Asked(each, TODAY, NOW) for each in tubes], use(), vocabulary=VOCABULARY)

    assert [each.verdict.value for each in decided] == ["deny", "permit"]


def test_each_decision_names_its_own_paper_and_day():
    first = granting("GRU", "IRB")
    papers = [
        replace(first, id=number, signed_on=first.signed_on + timedelta(days=number)) for number in (1, 2, 3)
    ]
    tubes = [sample(donors=(donor(paper, key=str(paper.id)),)) for paper in papers]

    decided = many.decide_many([many.Asked(each, TODAY, NOW) for each in tubes], use(), vocabulary=VOCABULARY)

    assert [each.consent_ids for each in decided] == [(1,), (2,), (3,)]
    assert len({each.review_codes for each in decided}) == 3
    for paper, each in zip(papers, decided, strict=True):
        assert {reason.params["signed_on"] for reason in each.reasons} == {paper.signed_on.isoformat()}
