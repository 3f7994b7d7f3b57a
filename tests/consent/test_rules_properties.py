"""What must hold for every consent anybody could give, and every use anybody could ask for."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from biobank.consent.rules import (
    PRESERVE_ACTS,
    SENSITIVE_FLAGS,
    ClauseFact,
    ConsentFact,
    DonorFacts,
    HoldFact,
    Purpose,
    Review,
    SampleFacts,
    StudyFacts,
    Use,
    WithdrawalFact,
    facts_as_dict,
    facts_from_dict,
    may_preserve,
    parse_term,
    standing,
    use_as_dict,
    use_from_dict,
)
from biobank.consent.texts import SPOKEN, TEXTS
from biobank.consent.verdicts import SEVERITY
from biobank.core.vocabularies import consent_vocabulary
from tests.consent.papers import asked

TODAY = date(2012, 6, 1)
NOW = datetime(2012, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
VOCABULARY = consent_vocabulary()

PERMISSIONS = ["NRES", "GRU", "HMB", "DS:C50", "DS:C00-C97", "DS:C61,C50.1", "DS:MONDO:0007254", "POA", "CC"]
RESTRICTIONS = [
    *(code for code in VOCABULARY.modifiers if code not in ("CC", "GS", "TS", "PS", "IS", "US", "RS")),
    *("US:Unit 1068", "US", "RS:biomarker", "RS:whatever helps", "RS"),
    *("GS:FR", "GS:EU", "GS", "TS:3", "TS:1", "TS", "PS:MELBASE", "IS:IPC", "SHARK", "GRU-CC", "DUO:0000031"),
]

# Mostly what permits, or most decisions would be denials and most properties empty.
days = st.dates(date(2012, 4, 1), date(2012, 6, 4))
instants = st.integers(0, 74 * 24).map(
    lambda hours: datetime(2012, 3, 20, tzinfo=UTC) + timedelta(hours=hours)
)
terms = st.lists(st.sampled_from(PERMISSIONS + RESTRICTIONS).map(parse_term), max_size=3).map(tuple)
giving = st.sampled_from(
    [("NRES",), ("GRU",), ("NRES", "NCU"), ("HMB",), ("GRU", "CC"), ("DS:C00-C97",), ("GRU", "IRB"), ()]
).map(lambda texts: tuple(map(parse_term, texts)))
studies = st.sampled_from([None, None, "MELBASE", "MELBASE", "OTHER"])
keys = st.sampled_from(["research", "genetics", "commercial"])
families = st.sampled_from(["A", "B"])
clauses = st.builds(
    ClauseFact,
    key=keys,
    required=st.sampled_from([False, False, True]),
    if_granted=st.one_of(giving, giving, giving, terms),
    if_refused=st.one_of(st.just(()), terms),
)
forms = st.lists(clauses, min_size=1, max_size=3, unique_by=lambda clause: clause.key).map(tuple)
yes = st.just({"research": "granted", "genetics": "granted", "commercial": "granted"})
answers = st.one_of(yes, yes, st.dictionaries(keys, st.sampled_from(["granted", "granted", "refused"])))
acts = st.sampled_from(["allocate", "pick", "hand_out", "ship", "analyse", "give_data", "pool_across_donors"])


@st.composite
def donors(draw, key="a"):
    """Consents and withdrawals in any order of signing and recording; some correct others."""
    consents = draw(
        st.lists(
            st.builds(
                ConsentFact,
                id=st.just(0),
                family=families,
                version=st.sampled_from(["1", "2"]),
                study=studies,
                signed_on=days,
                seq=st.just(0),
                recorded_at=instants,
                clauses=forms,
                answers=answers,
                basis=st.sampled_from(["consent", "consent", "non_opposition", "waiver"]),
                given_by=st.sampled_from(["patient", "patient", "guardian", "representative"]),
            ),
            min_size=draw(st.sampled_from([0, 1, 1, 1])),
            max_size=4,
        )
    )
    withdrawals = draw(
        st.lists(
            st.builds(
                WithdrawalFact,
                id=st.just(0),
                scope=st.sampled_from(["all", "clause", "clause", "study", "objection"]),
                received_on=days,
                seq=st.just(0),
                recorded_at=instants,
                family=families,
                clause=keys,
                study=st.sampled_from(["MELBASE", "OTHER"]),
                objects_to=st.sampled_from(["NO_GENETIC", "NO_FINDINGS", "SHARK", None]),
                reversed_at=st.one_of(st.none(), st.none(), instants),
            ),
            max_size=draw(st.sampled_from([0, 0, 1, 2])),
        )
    )
    # As in the books: a number is drawn when a paper is recorded.
    papers = draw(st.permutations([*consents, *withdrawals]))
    numbered = [
        replace(paper, id=number, seq=number)
        for number, paper in enumerate(sorted(papers, key=lambda paper: paper.recorded_at), start=1)
    ]
    given_consents = [paper for paper in numbered if isinstance(paper, ConsentFact)]
    if len(given_consents) > 1 and draw(st.integers(0, 3)) == 0:
        given_consents[-1] = replace(given_consents[-1], corrects=given_consents[0].id)
    gone = tuple(paper for paper in numbered if isinstance(paper, WithdrawalFact))
    life = st.one_of(st.none(), st.none(), days)
    return DonorFacts(key, tuple(given_consents), gone, draw(life), draw(life))


@st.composite
def samples(draw, most_donors=2):
    count = min(draw(st.sampled_from([1, 1, 1, 2])), most_donors)
    return SampleFacts(
        "T00421736",
        "MELBASE",
        tuple(draw(donors(key)) for key in "abc"[:count]),
        draw(st.sampled_from([()] * 7 + [(HoldFact("inventory", 3),)])),
        draw(st.booleans()),
        draw(st.one_of(st.just(StudyFacts()), st.just(StudyFacts()), study_facts)),
        draw(st.sampled_from([None, None, "FR"])),
        draw(st.sampled_from([False, False, True])),
    )


study_facts = st.builds(
    StudyFacts,
    reserved=st.booleans(),
    closed_on=st.one_of(st.none(), days),
    keep_until=st.one_of(st.none(), days),
)
purposes = st.lists(
    st.sampled_from(
        [
            Purpose("HMB"),
            Purpose("DS", ("C50.1",)),
            Purpose("GEN"),
            Purpose("DS", ("C61",)),
            Purpose("POA"),
            Purpose("MDS"),
            Purpose("CC"),
            Purpose("COL"),
        ]
    ),
    min_size=1,
    max_size=2,
).map(tuple)
uses = st.builds(
    Use,
    act=acts,
    purposes=purposes,
    organisation=st.sampled_from(["non-profit", "for-profit", "unknown"]),
    commercial=st.sampled_from([False, False, True, None]),
    country=st.sampled_from(["FR", "DE", None]),
    genetic=st.sampled_from([False, False, True, None]),
    study=st.sampled_from([None, "MELBASE"]),
    institution=st.sampled_from([None, "IPC"]),
    approvals=st.sampled_from([(), ("ethics",), ("ethics@2012-05-01",), ("export:26-011",)]),
    users=st.sampled_from([(), ("Unit 1068",), ("Unit 1068", "Unit 1037")]),
    research_types=st.sampled_from([(), ("biomarker",), ("biomarker", "xenograft")]),
    flags=st.sampled_from([()] * 5 + [(SENSITIVE_FLAGS[0],)]),
)


def severity(sample, use, **facts):
    return SEVERITY[asked(sample, use, **({"as_of": TODAY, "known_at": NOW} | facts)).verdict]


@given(
    samples(),
    uses,
    st.sampled_from(RESTRICTIONS).map(parse_term),
    st.sampled_from(["if_granted", "if_refused"]),
)
def test_adding_a_restriction_never_makes_a_verdict_milder(sample, use, term, side):
    restricted = each_clause(sample, lambda clause: replace(clause, **{side: (*getattr(clause, side), term)}))

    assert severity(restricted, use) >= severity(sample, use)


@given(samples(), uses)
def test_taking_a_permission_away_never_makes_a_verdict_milder(sample, use):
    permissive = VOCABULARY.permissive

    def without(clause):
        return replace(
            clause, if_granted=tuple(term for term in clause.if_granted if term.code not in permissive)
        )

    assert severity(each_clause(sample, without), use) >= severity(sample, use)


@given(samples(most_donors=1), uses, st.sampled_from(["all", "clause", "study"]), families, keys)
def test_a_withdrawal_never_makes_a_verdict_milder(sample, use, scope, family, key):
    donor = sample.donors[0]
    gone = WithdrawalFact(99, scope, TODAY, 99, NOW, family, key, "MELBASE")

    after = replace(sample, donors=(replace(donor, withdrawals=(*donor.withdrawals, gone)),))

    assert severity(after, use) >= severity(sample, use)


@given(samples(most_donors=1), uses, st.sampled_from(sorted(PRESERVE_ACTS)))
def test_after_a_withdrawal_of_all_nothing_is_used_and_a_sample_is_only_moved_or_discarded(sample, use, act):
    donor = sample.donors[0]
    gone = WithdrawalFact(99, "all", TODAY, 99, NOW)
    after = replace(sample, donors=(replace(donor, withdrawals=(*donor.withdrawals, gone)),))

    assert severity(after, use) == SEVERITY["deny"]
    assert preserved(after, act) is (act in {"move", "discard"})
    assert standing(after, as_of=TODAY, known_at=NOW).colour == "red"


@given(samples(most_donors=1), uses, st.sampled_from(["NO_GENETIC", "NO_FINDINGS", "SHARK"]))
def test_an_objection_never_makes_a_verdict_milder_and_takes_no_permission_away(sample, use, term):
    donor = sample.donors[0]
    objection = WithdrawalFact(99, "objection", TODAY, 99, NOW, objects_to=term)
    after = replace(sample, donors=(replace(donor, withdrawals=(*donor.withdrawals, objection)),))

    assert severity(after, use) >= severity(sample, use)
    if term == "NO_FINDINGS" or (term == "NO_GENETIC" and use.genetic is False):
        assert severity(after, use) == severity(sample, use)


@given(samples(most_donors=1), uses, st.sampled_from(["all", "clause", "study", "objection"]), families, keys)
def test_a_withdrawal_recorded_by_mistake_is_as_if_it_had_never_been(sample, use, scope, family, key):
    donor = sample.donors[0]
    gone = WithdrawalFact(99, scope, TODAY, 99, NOW - HOUR, family, key, "MELBASE", "NO_GENETIC")

    def having(withdrawal):
        return replace(sample, donors=(replace(donor, withdrawals=(*donor.withdrawals, withdrawal)),))

    undone = having(replace(gone, reversed_at=NOW))

    assert asked(undone, use, as_of=TODAY, known_at=NOW) == asked(sample, use, as_of=TODAY, known_at=NOW)
    # Until then it stood.
    before = NOW - timedelta(seconds=1)
    assert asked(undone, use, as_of=TODAY, known_at=before) == asked(
        having(gone), use, as_of=TODAY, known_at=before
    )


@given(samples(), uses, study_facts, st.booleans())
def test_what_the_law_asks_never_makes_a_verdict_milder(sample, use, terms, germinal):
    free = replace(sample, terms=StudyFacts(), home=None, germinal=False)
    bound = replace(sample, terms=terms, home="FR", germinal=germinal)

    assert severity(bound, use) >= severity(free, use)


@given(samples(), uses)
def test_who_answered_nothing_is_not_used(sample, use):
    silent = replace(sample, donors=(*sample.donors, DonorFacts("silent")))

    assert severity(silent, use) == SEVERITY["deny"]


@given(samples(), uses)
def test_a_pool_is_as_free_as_its_least_free_donor(sample, use):
    alone = [severity(replace(sample, donors=(donor,)), use) for donor in sample.donors]

    assert severity(sample, use) == max(alone)


@given(samples(), uses)
def test_a_blank_is_a_no(sample, use):
    def filled(consent):
        blank = {clause.key: "refused" for clause in consent.clauses}
        return replace(consent, answers=blank | dict(consent.answers))

    assert severity(each_consent(sample, filled), use) == severity(sample, use)


@given(samples(), uses)
def test_what_was_not_known_or_not_yet_true_changes_nothing(sample, use):
    def known(paper, day):
        return paper.recorded_at <= NOW and day <= TODAY

    mistaken = {
        consent.corrects
        for donor in sample.donors
        for consent in donor.consents
        if consent.recorded_at <= NOW
    }
    past = replace(
        sample,
        donors=tuple(
            replace(
                donor,
                consents=tuple(
                    # A correction counts from when it is recorded, even if what it says is signed later.
                    consent
                    for consent in donor.consents
                    if known(consent, consent.signed_on) and consent.id not in mistaken
                ),
                withdrawals=tuple(gone for gone in donor.withdrawals if known(gone, gone.received_on)),
            )
            for donor in sample.donors
        ),
    )
    corrected = any(consent.corrects for donor in sample.donors for consent in donor.consents)

    # A correction stands where the old record stood, which must be there to know where that was.
    if not corrected:
        assert severity(past, use) == severity(sample, use)


@given(samples(), uses, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_does_not_matter(sample, use, random):
    def shuffled(items):
        return tuple(random.sample(items, len(items)))

    mixed = replace(
        sample,
        donors=shuffled(
            tuple(
                replace(donor, consents=shuffled(donor.consents), withdrawals=shuffled(donor.withdrawals))
                for donor in sample.donors
            )
        ),
    )

    assert asked(mixed, use, as_of=TODAY, known_at=NOW) == asked(sample, use, as_of=TODAY, known_at=NOW)


@given(samples(), uses)
def test_stored_facts_make_the_same_decision_again(sample, use):
    stored = json.loads(json.dumps([facts_as_dict(sample, days=[TODAY]), use_as_dict(use)], sort_keys=True))

    again = asked(facts_from_dict(stored[0]), use_from_dict(stored[1]), as_of=TODAY, known_at=NOW)

    assert again == asked(sample, use, as_of=TODAY, known_at=NOW)
    assert facts_as_dict(facts_from_dict(stored[0]), days=[TODAY]) == stored[0]


@given(samples(), uses)
def test_nobodys_birthday_is_told_with_a_decision(sample, use):
    told = facts_as_dict(sample, days=[TODAY])
    signed = {consent.signed_on for donor in sample.donors for consent in donor.consents}

    for donor in told["donors"]:
        for name in {"of_age_on", "died_on"} & donor.keys():
            assert date.fromisoformat(donor[name]) in {TODAY, date.max, *signed}


@given(samples(), uses)
def test_settling_every_review_permits_and_settling_anything_lifts_no_denial(sample, use):
    first = asked(sample, use, as_of=TODAY, known_at=NOW)
    settled = Review((*first.review_codes, *TEXTS))

    again = asked(sample, use, as_of=TODAY, known_at=NOW, reviews=(settled,))

    assert (again.verdict == "permit") is (first.verdict != "deny")
    assert bool(first.review_codes) is (first.verdict == "review")


@given(samples(), uses)
def test_every_decision_has_reasons_that_can_be_read(sample, use):
    decision = asked(sample, use, as_of=TODAY, known_at=NOW)

    assert decision.reasons
    for reason in (*decision.reasons, standing(sample, as_of=TODAY, known_at=NOW).reason):
        words = {f"{name}_words": name for name in SPOKEN}
        assert TEXTS[reason.code].format(**words, **reason.params)
    assert json.loads(json.dumps(decision.as_dict())) == decision.as_dict()


@given(samples(), uses)
def test_whoever_is_permitted_has_a_green_card_and_every_green_card_may_be_kept(sample, use):
    verdict = asked(sample, use, as_of=TODAY, known_at=NOW).verdict
    colour = standing(sample, as_of=TODAY, known_at=NOW).colour

    assert colour == "green" or verdict != "permit"
    assert colour != "red" or verdict == "deny"
    assert colour != "green" or preserved(sample, "aliquot")


@given(samples(), uses)
@settings(max_examples=50)
def test_own_care_is_always_permitted(sample, use):
    assert asked(sample, replace(use, act="own_care"), as_of=TODAY, known_at=NOW).permitted


def preserved(sample, act):
    return may_preserve(sample, act, as_of=TODAY, known_at=NOW).permitted


def each_consent(sample, change):
    return replace(
        sample,
        donors=tuple(replace(donor, consents=tuple(map(change, donor.consents))) for donor in sample.donors),
    )


def each_clause(sample, change):
    return each_consent(
        sample, lambda consent: replace(consent, clauses=tuple(change(clause) for clause in consent.clauses))
    )
