"""Who may use what for what: every rule of the consent decision, one sentence each."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from biobank.consent.rules import (
    PRESERVE_ACTS,
    SENSITIVE_FLAGS,
    USE_ACTS,
    HoldFact,
    Review,
    Term,
    Use,
    facts_as_dict,
    facts_from_dict,
    may_preserve,
    parse_purposes,
    parse_term,
    review_code,
    standing,
    use_as_dict,
    use_from_dict,
)
from biobank.consent.tables import PHRASES, parse_condition
from biobank.consent.texts import TEXTS
from biobank.core.errors import Malformed
from biobank.core.vocabularies import consent_vocabulary
from tests.consent.papers import (
    NOW,
    SIGNED,
    STUDY,
    TODAY,
    asked,
    clause,
    codes,
    consent,
    donor,
    edited,
    granting,
    of_a_child,
    sample,
    terms,
    use,
    withdrawal,
)

DAY = timedelta(days=1)

# --- nothing to go by


def test_a_sample_without_any_form_is_not_used():
    decision = asked(sample(form_in_force=False))

    assert decision.verdict == "deny"
    assert codes(decision) == ["no_consent"]


def test_a_sample_whose_form_has_not_arrived_is_pending_and_not_used():
    assert codes(asked(sample())) == ["pending"]


def test_a_consent_counts_from_the_day_it_is_signed():
    signed = sample(granting("HMB"))

    assert asked(signed, as_of=SIGNED).permitted
    assert codes(asked(signed, as_of=date(2012, 2, 29))) == ["not_yet_given"]


def test_a_consent_counts_from_the_moment_it_is_recorded():
    late = sample(granting("HMB", recorded_at=datetime(2012, 5, 1, 9, 0, tzinfo=UTC)))

    assert asked(late, known_at=datetime(2012, 5, 1, 9, 0, tzinfo=UTC)).permitted
    assert codes(asked(late, known_at=datetime(2012, 5, 1, 8, 59, tzinfo=UTC))) == ["pending"]


def test_a_sample_without_a_donor_is_not_used():
    assert codes(asked(sample(donors=()))) == ["no_donor"]


def test_a_use_without_a_purpose_is_not_permitted():
    decision = asked(sample(granting("NRES")), Use("pick", ()))

    assert codes(decision) == ["purpose_missing"]


def test_a_form_for_another_study_says_nothing():
    other = sample(granting("HMB", study="OTHER"))

    assert codes(asked(other)) == ["pending"]
    assert asked(sample(granting("HMB", study="MELBASE"))).permitted


def test_a_form_without_any_term_permits_nothing():
    assert codes(asked(sample(granting()))) == ["no_permission"]
    assert codes(asked(sample(consent()))) == ["no_permission"]


# --- answers


def test_a_permit_tells_which_clause_granted_it():
    decision = asked(sample(granting("HMB", version="2")))

    assert decision.permitted
    assert decision.consent_ids == (1,)
    assert decision.reasons[0].code == "granted"
    assert decision.reasons[0].params == {
        "form": "GENERAL",
        "version": "2",
        "signed_on": "2012-03-01",
        "clause": "research",
        "purpose": "HMB",
        "term": "HMB",
    }


@pytest.mark.parametrize(("answers", "said"), [({"research": "refused"}, "refused"), ({}, "blank")])
def test_a_clause_that_is_refused_or_blank_gives_nothing(answers, said):
    decision = asked(sample(consent(clause(), answers=answers)))

    assert decision.verdict == "deny"
    assert codes(decision) == ["no_permission", f"clause_{said}"]


@pytest.mark.parametrize(("answers", "said"), [({"research": "refused"}, "refused"), ({}, "blank")])
def test_a_required_clause_that_is_not_granted_denies_all(answers, said):
    form = (clause("storage", ("NRES",)), clause("research", (), required=True))

    decision = asked(sample(consent(*form, answers={"storage": "granted"} | answers)))

    assert decision.verdict == "deny"
    assert codes(decision) == [f"required_{said}"]


@pytest.mark.parametrize("answers", [{"commercial": "refused"}, {}])
def test_a_refused_or_blank_clause_brings_its_restrictions(answers):
    form = (clause(), clause("commercial", (), ("NCU",)))
    paper = consent(*form, answers={"research": "granted"} | answers)

    assert asked(sample(paper), use(commercial=False)).permitted
    decision = asked(sample(paper), use(commercial=True))

    assert decision.verdict == "deny"
    assert codes(decision) == ["modifier_ncu"]
    assert decision.reasons[0].params["clause"] == "commercial"


def test_an_answer_that_is_neither_yes_nor_no_is_blank():
    assert not asked(sample(consent(clause(), answers={"research": "yes"}))).permitted


def test_every_reason_is_kept():
    form = (clause(if_granted=("DS:C50", "GS:DE", "XYZ")), clause("commercial", (), ("NCU",)))

    decision = asked(
        sample(consent(*form, answers={"research": "granted"}), holds=(HoldFact("inventory"),)),
        use("HMB", "POA", commercial=True, flags=("paediatric",)),
    )

    assert decision.verdict == "deny"
    assert sorted(codes(decision)) == [
        "flag_paediatric",
        "hold",
        "modifier_gs",
        "modifier_ncu",
        "purpose_not_covered",
        "purpose_not_covered",
        "term_unknown",
    ]


def test_a_denial_rests_on_no_consent():
    assert asked(sample(granting("DS:C61"))).consent_ids == ()


# --- answers that supersede


def test_the_newest_answer_supersedes_older_ones_across_versions():
    first = granting("HMB", version="1")
    second = consent(
        clause(), answers={"research": "refused"}, version="2", seq=2, signed_on=date(2012, 4, 1)
    )

    assert not asked(sample(first, second)).permitted
    assert asked(sample(first, second), as_of=date(2012, 3, 31)).permitted


def test_on_one_day_the_answer_recorded_last_is_the_newest():
    yes = granting("HMB", seq=1)
    no = consent(clause(), answers={"research": "refused"}, seq=2)

    assert not asked(sample(yes, no)).permitted
    assert asked(sample(no, granting("HMB", seq=3))).permitted


def test_a_blank_in_a_newer_version_supersedes_an_older_yes():
    newer = consent(clause(), answers={}, version="2", seq=2, signed_on=date(2012, 4, 1))

    assert codes(asked(sample(granting("HMB"), newer))) == ["no_permission", "clause_blank"]


def test_a_clause_that_a_newer_version_does_not_ask_keeps_its_older_answer():
    newer = consent(
        clause("commercial", (), ("NCU",)), answers={}, version="2", seq=2, signed_on=date(2012, 4, 1)
    )

    assert asked(sample(granting("HMB"), newer)).permitted
    assert not asked(sample(granting("HMB"), newer), use(commercial=True)).permitted


def test_an_older_paper_recorded_later_does_not_supersede():
    newer = consent(clause(), answers={"research": "refused"}, seq=1, signed_on=date(2012, 4, 1))
    found_in_a_drawer = granting("HMB", seq=2, signed_on=date(2012, 2, 1))

    assert not asked(sample(newer, found_in_a_drawer)).permitted


def test_a_correction_replaces_the_mistaken_record_for_all_purposes():
    mistaken = granting("NRES", seq=1)
    correct = granting("DS:C50", seq=2, corrects=1)

    assert asked(sample(mistaken)).permitted
    assert not asked(sample(mistaken, correct)).permitted
    assert asked(sample(mistaken, correct), use("DS:C50")).permitted


def test_a_record_under_the_wrong_form_is_gone_when_it_is_corrected():
    mistaken = granting("NRES", seq=1, family="A")
    correct = consent(clause(), answers={}, seq=2, family="B", corrects=1)

    assert asked(sample(mistaken)).permitted
    assert not asked(sample(mistaken, correct)).permitted


def test_a_mistaken_record_counts_until_the_correction_is_recorded():
    mistaken = granting("NRES", seq=1)
    correct = granting("DS:C50", seq=2, corrects=1, recorded_at=NOW)

    assert asked(sample(mistaken, correct), known_at=datetime(2012, 5, 31, tzinfo=UTC)).permitted
    assert not asked(sample(mistaken, correct), known_at=NOW).permitted


def test_a_correction_of_an_old_record_does_not_undo_a_withdrawal():
    papers = (granting("HMB", seq=1), withdrawal(seq=5), granting("HMB", seq=9, corrects=1, signed_on=TODAY))

    assert codes(asked(sample(*papers))) == ["withdrawn_all"]


# --- between forms


def test_between_forms_the_better_one_wins():
    narrow = granting("DS:C61", family="PROSTATE", seq=1)
    wide = granting("HMB", family="GENERAL", seq=2)

    decision = asked(sample(narrow, wide))

    assert decision.permitted
    assert decision.consent_ids == (2,)


def test_each_form_carries_only_its_own_restrictions():
    restricted = granting("GRU", "NPU", family="A", seq=1)
    free = granting("DS:C50", family="B", seq=2)
    company = {"organisation": "for-profit"}

    assert asked(sample(restricted, free), use("DS:C50", **company)).permitted
    assert not asked(sample(restricted, free), use("HMB", **company)).permitted


def test_an_objection_to_genetic_examination_stands_over_every_form():
    objecting = consent(
        clause(), clause("genetics", (), ("NO_GENETIC",)), answers={"research": "granted"}, family="A"
    )
    free = granting("NRES", family="B", seq=2)

    assert asked(sample(objecting, free)).permitted
    assert codes(asked(sample(objecting, free), use(genetic=True))) == ["modifier_no_genetic"]


def test_where_no_form_permits_the_reasons_of_all_are_told():
    decision = asked(sample(granting("DS:C61", family="A"), granting("POA", family="B", seq=2)))

    assert codes(decision) == ["purpose_not_covered", "purpose_not_covered"]
    assert {reason.params["form"] for reason in decision.reasons} == {"A", "B"}


# --- withdrawals


@pytest.mark.parametrize(
    ("as_of", "permitted"),
    [
        (date(2012, 4, 30), True),
        (date(2012, 5, 1), False),  # the day of withdrawal counts as withdrawn
    ],
)
def test_a_withdrawal_takes_effect_on_its_own_day(as_of, permitted):
    assert asked(sample(granting("HMB"), withdrawal()), as_of=as_of).permitted is permitted


def test_a_withdrawal_that_nobody_had_recorded_did_not_bind_anyone():
    papers = sample(granting("HMB"), withdrawal(recorded_at=NOW))

    assert asked(papers, known_at=datetime(2012, 5, 31, tzinfo=UTC)).permitted
    assert codes(asked(papers, known_at=NOW)) == ["withdrawn_all"]


def test_a_withdrawal_stands_over_all_forms():
    papers = sample(granting("HMB", family="A"), granting("NRES", family="B", seq=2), withdrawal())

    assert asked(papers).verdict == "deny"


def test_only_a_consent_given_and_recorded_after_a_withdrawal_counts():
    before, gone = granting("HMB", seq=1), withdrawal(seq=5)
    again = granting("HMB", seq=6, signed_on=date(2012, 5, 10))
    old_paper = granting("HMB", seq=6, signed_on=date(2012, 4, 10))

    assert asked(sample(before, gone, again)).permitted
    assert not asked(sample(before, gone, old_paper)).permitted


def test_a_new_consent_on_the_day_of_the_withdrawal_counts_when_it_is_recorded_after_it():
    again = granting("HMB", seq=11, signed_on=date(2012, 5, 1))

    assert asked(sample(granting("HMB"), withdrawal(seq=10), again)).permitted


def test_what_was_withdrawn_and_not_agreed_to_again_stays_withdrawn():
    before = consent(clause(), clause("methods", ("NRES",)), seq=1)
    again = granting("HMB", seq=11, signed_on=date(2012, 5, 2))
    papers = sample(before, withdrawal(seq=10), again)

    assert asked(papers, use("HMB")).permitted
    assert not asked(papers, use("GEN")).permitted


def test_a_withdrawal_takes_away_permissions_and_never_restrictions():
    before = consent(
        clause(if_granted=("HMB", "NPU")), clause("commercial", (), ("NCU",)), answers={"research": "granted"}
    )
    again = consent(clause("more", ("GRU",)), seq=11, signed_on=date(2012, 5, 2), version="2")
    papers = sample(before, withdrawal(seq=10), again)

    assert asked(papers).permitted
    assert codes(asked(papers, use(commercial=True))) == ["modifier_ncu"]
    assert codes(asked(papers, use(organisation="for-profit"))) == ["modifier_npu"]


def test_a_required_clause_of_what_was_withdrawn_does_not_bind_a_new_version_without_it():
    before = consent(clause("storage", (), required=True), seq=1)
    again = granting("HMB", version="2", seq=11, signed_on=date(2012, 5, 2))

    assert asked(sample(before, withdrawal(seq=10), again)).permitted


def test_clinical_care_falls_with_a_withdrawal_because_it_gives():
    form = (clause(if_granted=("GRU",)), clause("care", ("CC",)))
    papers = sample(consent(*form), withdrawal("clause", family="GENERAL", clause="care"))

    assert asked(sample(consent(*form)), use("CC")).permitted
    assert not asked(papers, use("CC")).permitted


def test_withdrawing_a_clause_takes_back_that_clause_alone():
    form = (clause(), clause("origins", ("POA",)))
    papers = sample(consent(*form), withdrawal("clause", family="GENERAL", clause="origins"))

    assert asked(papers, use("HMB")).permitted
    assert "withdrawn_clause" in codes(asked(papers, use("POA")))


def test_withdrawing_a_clause_is_answering_no_to_it():
    form = (clause(), clause("genetics", (), ("NO_GENETIC",)))
    papers = sample(consent(*form), withdrawal("clause", family="GENERAL", clause="genetics"))

    assert asked(sample(consent(*form)), use(genetic=True)).permitted
    assert codes(asked(papers, use(genetic=True))) == ["modifier_no_genetic"]


def test_withdrawing_a_clause_of_one_form_leaves_the_same_clause_of_another():
    papers = sample(
        granting("HMB", family="A"),
        granting("HMB", family="B", seq=2),
        withdrawal("clause", family="A", clause="research"),
    )

    assert asked(papers).permitted


def test_withdrawing_a_required_clause_denies_all():
    form = (clause("storage", (), required=True), clause())
    papers = sample(consent(*form), withdrawal("clause", family="GENERAL", clause="storage"))

    assert codes(asked(papers)) == ["withdrawn_clause"]


def test_withdrawing_from_one_study_leaves_the_others():
    gone = withdrawal("study", study="MELBASE")

    assert codes(asked(sample(granting("HMB"), gone))) == ["withdrawn_study"]
    assert asked(sample(granting("HMB"), gone, study="OTHER")).permitted


def test_a_withdrawal_before_any_answer_is_told_with_it():
    assert codes(asked(sample(withdrawal()))) == ["withdrawn_all", "pending"]


# --- what the terms permit

MATRIX = consent_vocabulary().matrix


@pytest.mark.parametrize(
    ("permission", "purpose"),
    [cell for cell, row in MATRIX.items() if row.outcome != "COND" and cell[0] != "none"],
)
def test_every_cell_of_the_matrix_is_what_is_decided(permission, purpose):
    what = "DS:C50.1" if purpose == "DS" else purpose

    decision = asked(sample(granting(permission)), use(what))

    assert decision.verdict.name == MATRIX[permission, purpose].outcome


@pytest.mark.parametrize(
    ("granted", "purposes", "verdict"),
    [
        (["DS:C50"], ["DS:C50"], "permit"),
        (["DS:C50"], ["DS:C50.1"], "permit"),
        (["DS:C50.1"], ["DS:C50"], "deny"),
        (["DS:C50"], ["DS:C61"], "deny"),
        (["DS:C50"], ["DS:C50.1,C61"], "deny"),  # every disease must be covered
        (["DS:C50", "DS:C61"], ["DS:C50.1,C61"], "permit"),
        (["DS:C50,C61"], ["DS:C50.1", "DS:C61"], "permit"),
        (["DS:II"], ["DS:D05.1"], "permit"),
        (["DS:C00-C97"], ["DS:D05.1"], "deny"),
        (["DS"], ["DS:C50"], "deny"),
        (["DS:c50"], ["DS:c5010"], "permit"),
        (["DS:MONDO:0007254"], ["DS:C50"], "review"),
        (["DS:MONDO:0007254"], ["HMB"], "deny"),
        (["DS:C50.10"], ["DS:C50.1"], "review"),
        (["DS:C50"], ["MDS"], "review"),
        (["DS:C50"], ["MDS:C50"], "permit"),
        (["DS:C50"], ["MDS", "DS:C61"], "deny"),
        (["GRU"], ["CC"], "deny"),
        (["GRU", "CC"], ["CC"], "permit"),
        (["DS:C50", "CC"], ["CC"], "deny"),
        (["DS:C50", "CC"], ["CC:C50.1"], "permit"),
        (["CC"], ["CC"], "deny"),  # alone it adds to nothing
        (["HMB", "POA"], ["HMB", "POA"], "permit"),  # the best of all permissions, for every purpose
        (["HMB"], ["HMB", "GEN"], "deny"),
    ],
)
def test_conditions_of_the_matrix(granted, purposes, verdict):
    assert asked(sample(granting(*granted)), use(*purposes)).verdict == verdict


@pytest.mark.parametrize(
    ("term", "facts", "verdict"),
    [
        ("NPOA", {"purposes": ["POA"]}, "deny"),
        ("NPOA", {"purposes": ["HMB"]}, "permit"),
        ("GSO", {"genetic": True}, "permit"),
        ("GSO", {"genetic": False}, "deny"),
        ("GSO", {"genetic": None}, "review"),
        ("NMDS", {"purposes": ["HMB"]}, "permit"),
        ("NMDS", {"purposes": ["MDS:C50"]}, "deny"),  # with GRU alone no disease was consented to
        ("RS:biomarker", {"research_types": ("biomarker",)}, "permit"),
        ("RS:biomarker,imaging", {"research_types": ("Imaging", "biomarker")}, "permit"),
        ("RS:biomarker", {"research_types": ("biomarker", "xenograft")}, "deny"),
        ("RS:biomarker", {}, "review"),
        ("RS:what helps children", {"research_types": ("biomarker",)}, "review"),  # free text is for a person
        ("RS", {"research_types": ("biomarker",)}, "review"),
        ("NPU", {"organisation": "non-profit"}, "permit"),
        ("NPU", {"organisation": "for-profit"}, "deny"),
        ("NPU", {"organisation": "unknown"}, "deny"),
        ("NCU", {"commercial": False}, "permit"),
        ("NCU", {"commercial": True}, "deny"),
        ("NCU", {"commercial": None}, "deny"),
        ("NPUNCU", {}, "permit"),
        ("NPUNCU", {"organisation": "for-profit"}, "deny"),
        ("NPUNCU", {"commercial": True}, "deny"),
        ("IRB", {}, "review"),
        ("IRB", {"approvals": ("ethics",)}, "permit"),
        ("IRB", {"approvals": ("CPP:26.011@2012-06-01",)}, "permit"),
        ("IRB", {"approvals": ("CPP:26.011@2012-05-31",)}, "deny"),
        ("IRB", {"approvals": ("ethics@2012-05-31", "ethics:renewed@2013-05-31")}, "permit"),
        ("IRB", {"approvals": ("ethics@soon",)}, "review"),
        ("IRB", {"approvals": ("collaboration",)}, "review"),
        ("GS:FR,BE", {"country": "be"}, "permit"),
        ("GS:FR", {"country": "DE"}, "deny"),
        ("GS:FR", {"country": None}, "review"),
        ("GS:EU", {"country": "DE"}, "review"),  # which countries a region holds is for a person to say
        ("GS:FR,EU", {"country": "FR"}, "permit"),
        ("GS", {}, "review"),
        ("TS:3", {}, "permit"),  # signed on 1 March, asked on 1 June
        ("TS:2", {}, "deny"),
        ("TS:99999", {}, "review"),
        ("TS:9999", {}, "permit"),
        ("TS:soon", {}, "review"),
        ("TS", {}, "review"),
        ("US:Unit 1068", {"users": ("unit 1068",)}, "permit"),
        ("US:Unit 1068", {"users": ("unit 1068", "unit 1037")}, "deny"),
        ("US:Unit 1068", {}, "deny"),
        ("US", {"users": ("unit 1068",)}, "deny"),
        ("PS:MELBASE", {"study": "melbase"}, "permit"),
        ("PS:MELBASE", {"study": "OTHER"}, "deny"),
        ("PS:MELBASE", {"study": None}, "deny"),
        ("IS:IPC", {"institution": "IPC"}, "permit"),
        ("IS:IPC", {"institution": None}, "deny"),
        ("COL:tove", {}, "review"),
        ("COL:tove", {"approvals": ("collaboration:tove",)}, "permit"),
        ("PUB", {}, "review"),
        ("PUB", {"approvals": ("publication",)}, "permit"),
        ("RTN", {}, "review"),
        ("RTN", {"approvals": ("return",)}, "permit"),
        ("MOR:2013-01-01", {}, "permit"),
        ("NO_GENETIC", {"genetic": True}, "deny"),
        ("NO_GENETIC", {"genetic": None}, "review"),
        ("NO_GENETIC", {"genetic": False}, "permit"),
        ("NO_FINDINGS", {"genetic": True}, "permit"),
        ("SHARK", {}, "review"),
        ("GRU-CC", {}, "review"),
        ("DUO:0000038", {}, "review"),
    ],
)
def test_every_modifier_asks_its_question(term, facts, verdict):
    facts = dict(facts)
    decision = asked(sample(granting("GRU", term)), use(*facts.pop("purposes", ["HMB"]), **facts))

    assert decision.verdict == verdict
    assert any(reason.params.get("term", "").startswith(parse_term(term).code) for reason in decision.reasons)


def test_methods_are_developed_within_the_diseases_consented_to():
    papers = sample(granting("DS:C50", "NMDS"))

    assert asked(papers, use("MDS:C50.1")).permitted
    assert not asked(papers, use("MDS:C61")).permitted


def test_a_time_limit_ends_with_the_month_when_the_day_does_not_exist():
    papers = sample(granting("GRU", "TS:1", signed_on=date(2012, 1, 31)))

    assert asked(papers, as_of=date(2012, 2, 29)).permitted
    assert not asked(papers, as_of=date(2012, 3, 1)).permitted


def test_an_unknown_term_gives_nothing():
    assert asked(sample(granting("SHARK"))).verdict == "deny"


def test_a_term_kept_from_an_id_without_shorthand_restricts():
    assert terms("duo_0000044", "DUO:0000044") == (Term("NPOA"), Term("NPOA"))


@pytest.mark.parametrize("flag", [*SENSITIVE_FLAGS, "something-new"])
def test_every_sensitive_flag_asks_for_a_person(flag):
    assert asked(sample(granting("NRES")), use(flags=(flag,))).verdict == "review"


@pytest.mark.parametrize("purpose", ["COL", "IRB", "GS:M", "DUO:0000031"])
def test_a_purpose_that_the_matrix_does_not_list_asks_for_a_person(purpose):
    decision = asked(sample(granting("HMB")), use("HMB", purpose))

    assert decision.verdict == "review"
    assert codes(decision)[0] == "purpose_not_evaluated"


def test_a_purpose_that_nobody_evaluates_does_not_make_up_for_a_missing_permission():
    assert asked(sample(granting()), use("COL")).verdict == "deny"


# --- the tables are data


def test_a_changed_cell_of_the_matrix_changes_the_decision(tmp_path):
    vocabulary = edited(tmp_path, "duo_permission_matrix.csv", "HMB,POA,DENY", "HMB,POA,REVIEW")

    assert asked(sample(granting("HMB")), use("POA"), vocabulary=vocabulary).verdict == "review"


def test_a_changed_outcome_of_a_modifier_changes_the_decision(tmp_path):
    vocabulary = edited(
        tmp_path,
        "duo_modifier_rules.csv",
        "country of processing in allowed list,-,DENY",
        "country of processing in allowed list,-,REVIEW",
    )

    assert (
        asked(sample(granting("GRU", "GS:FR")), use(country="DE"), vocabulary=vocabulary).verdict == "review"
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "granted", "purpose"),
    [
        ("duo_permission_matrix.csv", "PERMIT iff modifier CC", "PERMIT perhaps if CC", ["GRU", "CC"], "CC"),
        ("duo_permission_matrix.csv", "some consented disease", "a disease nearby", ["DS:C50"], "DS:C50"),
        ("duo_modifier_rules.csv", "use is non-commercial,", "use is decent,", ["GRU", "NCU"], "HMB"),
    ],
)
def test_a_sentence_that_cannot_be_read_asks_for_a_person(tmp_path, name, old, new, granted, purpose):
    vocabulary = edited(tmp_path, name, old, new)

    assert asked(sample(granting(*granted)), use(purpose), vocabulary=vocabulary).verdict == "review"


def test_every_condition_of_the_tables_can_be_read():
    conditions = [cell.condition for cell in MATRIX.values() if cell.outcome == "COND"]
    conditions += [
        rule.if_true for rule in consent_vocabulary().modifiers.values() if rule.if_true.startswith("PERMIT")
    ]

    for text in conditions:
        condition = parse_condition(text)
        assert condition is not None, text
        for phrase in (*condition.permit, *condition.review):
            assert phrase in PHRASES or phrase == "modifier CC present", phrase


def test_no_modifier_is_left_to_people():
    left = [
        code
        for code, rule in consent_vocabulary().modifiers.items()
        if not rule.inert and rule.test not in PHRASES
    ]

    assert left == []


# --- reviews


def test_a_settled_review_lifts_exactly_its_reasons():
    papers = sample(granting("GRU", "SHARK"))
    delicate = use(flags=("paediatric",))
    first = asked(papers, delicate)
    assert len(first.review_codes) == 2

    one = asked(papers, delicate, reviews=(Review(first.review_codes[:1]),))
    both = asked(papers, delicate, reviews=(Review(first.review_codes[:1]), Review(first.review_codes[1:])))

    assert one.review_codes == first.review_codes[1:]
    assert both.permitted
    assert codes(both).count("review_settled") == 2


def test_a_settled_review_says_nothing_about_another_flag_or_another_version():
    papers = sample(granting("GRU", "SHARK"))
    settled = Review(asked(papers, use(flags=("paediatric",))).review_codes)

    assert asked(papers, use(flags=("vulnerable",)), reviews=(settled,)).verdict == "review"
    newer = granting("GRU", "SHARK", version="2", seq=2, signed_on=date(2012, 4, 1))
    assert asked(sample(newer), use(flags=("paediatric",)), reviews=(settled,)).verdict == "review"


def test_a_settled_review_never_lifts_a_denial():
    papers, company = sample(granting("DS:C61", "NPU")), use(organisation="for-profit")
    denied = asked(papers, company)
    everything = Review(tuple(review_code(reason) for reason in denied.reasons))

    assert asked(papers, company, reviews=(everything,)) == denied


# --- donors, holds, own care


def test_every_donor_of_a_pool_must_permit():
    yes, no = donor(granting("HMB"), key="a"), donor(granting("DS:C61"), key="b")

    assert asked(sample(donors=(yes, donor(granting("HMB", seq=2), key="b")))).consent_ids == (1, 2)
    decision = asked(sample(donors=(yes, no)))

    assert decision.verdict == "deny"
    assert [reason.params["donor"] for reason in decision.reasons] == ["b"]


def test_a_pending_donor_of_a_pool_counts_as_no():
    assert codes(asked(sample(donors=(donor(granting("HMB"), key="a"), donor(key="b"))))) == ["pending"]


def test_a_hold_denies_and_is_named():
    decision = asked(sample(granting("NRES"), holds=(HoldFact("inventory", 3), HoldFact("non_conformity"))))

    assert decision.verdict == "deny"
    assert [reason.params["hold"] for reason in decision.reasons] == ["inventory", "non_conformity"]


def test_material_goes_back_to_the_patients_own_care_whatever_was_answered():
    gone = sample(granting("HMB"), withdrawal(), holds=(HoldFact("withdrawal"),))

    decision = asked(gone, Use("own_care"))

    assert decision.permitted
    assert codes(decision) == ["own_care"]


# --- keeping


def preserved(of, act, as_of=TODAY):
    return may_preserve(of, act, as_of=as_of, known_at=NOW)


@pytest.mark.parametrize("act", sorted(PRESERVE_ACTS))
@pytest.mark.parametrize("form_in_force", [True, False])
def test_while_nothing_is_answered_a_sample_may_be_kept(act, form_in_force):
    decision = preserved(sample(form_in_force=form_in_force), act)

    assert decision.permitted
    assert codes(decision) == ["pending" if form_in_force else "no_consent"]


@pytest.mark.parametrize("act", sorted(PRESERVE_ACTS))
def test_after_a_withdrawal_a_sample_may_only_be_moved_and_discarded(act):
    for papers in (
        sample(granting("HMB"), withdrawal()),
        sample(withdrawal()),
        sample(granting("HMB"), withdrawal("study", study="MELBASE")),
        sample(consent(clause(required=True)), withdrawal("clause", family="GENERAL", clause="research")),
    ):
        assert preserved(papers, act).permitted is (act in {"move", "discard"})


def test_a_withdrawal_that_does_not_cover_the_sample_leaves_it_in_keeping():
    for gone in (
        withdrawal("study", study="OTHER"),
        withdrawal("clause", family="GENERAL", clause="genetics"),
        withdrawal(received_on=date(2012, 6, 2)),
    ):
        assert preserved(sample(granting("HMB"), gone), "aliquot").permitted


def test_a_later_consent_allows_keeping_again_and_a_later_refusal_does_not():
    yes = granting("HMB", seq=11, signed_on=date(2012, 5, 2))
    no = consent(clause(), answers={"research": "refused"}, seq=11, signed_on=date(2012, 5, 2))

    assert preserved(sample(granting("HMB"), withdrawal(seq=10), yes), "aliquot").permitted
    assert not preserved(sample(granting("HMB"), withdrawal(seq=10), no), "aliquot").permitted


@pytest.mark.parametrize("act", sorted(USE_ACTS | {"polish"}))
def test_a_use_is_no_way_to_keep_a_sample(act):
    assert codes(preserved(sample(granting("NRES")), act)) == ["not_preserving"]


def test_pooling_material_of_several_donors_is_a_use():
    pool = sample(donors=(donor(granting("NRES"), key="a"), donor(granting("NRES"), key="b")))

    assert codes(preserved(pool, "pool")) == ["pooling_donors_is_use"]
    assert preserved(pool, "aliquot").permitted


def test_what_is_nobodys_may_only_be_moved_and_discarded():
    assert preserved(sample(donors=()), "move").permitted
    assert not preserved(sample(donors=()), "aliquot").permitted


# --- the card


@pytest.mark.parametrize(
    ("of", "colour", "code"),
    [
        (sample(granting("HMB")), "green", "consent_given"),
        (sample(granting("HMB"), holds=(HoldFact("inventory"),)), "amber", "hold"),
        (sample(), "amber", "pending"),
        (sample(form_in_force=False), "amber", "no_consent"),
        (sample(granting("HMB", signed_on=date(2012, 7, 1))), "amber", "not_yet_given"),
        (sample(granting("HMB"), withdrawal()), "red", "withdrawn_all"),
        (sample(granting("HMB"), withdrawal("study", study="MELBASE")), "red", "withdrawn_study"),
        (sample(consent(clause(), answers={"research": "refused"})), "red", "clause_refused"),
        (sample(consent(clause(required=True), answers={})), "red", "required_blank"),
        (sample(granting()), "red", "no_permission"),
        (sample(donors=()), "red", "no_donor"),
        (sample(donors=(donor(granting("HMB"), key="a"), donor(key="b"))), "amber", "pending"),
        (sample(donors=(donor(withdrawal(), key="a"), donor(key="b"))), "red", "withdrawn_all"),
    ],
)
def test_a_card_has_one_colour_and_one_sentence(of, colour, code):
    found = standing(of, as_of=TODAY, known_at=NOW)

    assert (found.colour, found.reason.code) == (colour, code)
    assert TEXTS[code].format(**found.reason.params)


# --- reading what people write


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("DS:C50,C61", Term("DS", ("C50", "C61"))),
        ("DUO:0000007:C50", Term("DS", ("C50",))),
        ("DUO_0000007 : C50 , ", Term("DS", ("C50",))),
        ("duo:0000042", Term("GRU")),
        (" gru ", Term("GRU")),
        ("no_genetic", Term("NO_GENETIC")),
        ("DS:MONDO:0007254", Term("DS", ("MONDO:0007254",))),
        ("DUO:0000031", Term("DUO:0000031")),
        ("DUO:9999999:x", Term("DUO:9999999", ("x",))),
        ("Shark:tank", Term("Shark", ("tank",))),
    ],
)
def test_a_term_is_read_however_it_is_written(text, term):
    assert parse_term(text) == term


def test_an_empty_term_is_refused():
    with pytest.raises(Malformed):
        parse_term(" : ")


def test_purposes_are_read_with_their_diseases():
    purposes = parse_purposes(["GEN", "GRU", "ds:c501,C61", "HMB", "MDS"])

    assert [purpose.text for purpose in purposes] == ["GEN", "DS:C50.1,C61", "HMB", "MDS"]


@pytest.mark.parametrize(
    ("texts", "field", "code", "params"),
    [
        ([], "purposes", "purpose_missing", {}),
        (["HMB", "FUN"], "purposes.1", "purpose_unknown", {"purpose": "FUN"}),
        (["DS"], "purposes.0", "disease_missing", {}),
        (["DS:C50.7"], "purposes.0", "disease_unknown_near", {"disease": "C50.7", "nearest": "C50"}),
        (["DS:C50,C99"], "purposes.0", "disease_unknown_near", {"disease": "C99", "nearest": "II"}),
        (["DS:shark"], "purposes.0", "disease_unknown", {"disease": "shark"}),
        (["HMB:C50"], "purposes.0", "purpose_takes_no_disease", {"diseases": "C50"}),
    ],
)
def test_a_purpose_that_cannot_be_read_is_named(texts, field, code, params):
    with pytest.raises(Malformed) as refused:
        parse_purposes(texts)

    reason = refused.value.fields[field]
    assert reason.code == code
    assert params.items() <= reason.params.items()
    assert TEXTS[code].format(**reason.params)


# --- what is stored


def test_stored_facts_make_the_same_decision_again():
    papers = sample(
        consent(clause(if_granted=("DS:C50,C61", "GS:FR")), clause("genetics", (), ("NO_GENETIC",)), seq=2),
        consent(clause(), answers={"research": "refused"}, seq=1, signed_on=date(2012, 1, 1)),
        withdrawal("study", study="OTHER"),
        holds=(HoldFact("inventory", 4),),
    )
    what = use("DS:C50", "GS:M", flags=("sexual", "paediatric"), approvals=("ethics",))

    stored = json.loads(json.dumps({"facts": facts_as_dict(papers, days=[TODAY]), "use": use_as_dict(what)}))

    assert asked(facts_from_dict(stored["facts"]), use_from_dict(stored["use"])) == asked(papers, what)
    assert facts_as_dict(facts_from_dict(stored["facts"]), days=[TODAY]) == stored["facts"]


def test_stored_facts_name_no_patient():
    assert set(facts_as_dict(sample(granting("HMB")), days=[TODAY])["donors"][0]) == {
        "subject_key",
        "consents",
        "withdrawals",
    }


# --- words


def test_every_reason_about_the_tables_has_a_sentence():
    assert {f"modifier_{code.lower()}" for code in consent_vocabulary().modifiers if code != "CC"} <= set(
        TEXTS
    )
    assert {f"flag_{flag.replace('-', '_')}" for flag in SENSITIVE_FLAGS} <= set(TEXTS)
    assert {f"{kind}_{said}" for kind in ("required", "clause") for said in ("refused", "blank")} <= set(
        TEXTS
    )


# --- what a correction, a waiver and silence cannot undo


def corrected(old, *clauses_, **facts):
    """A record that replaces another one."""
    facts = {"seq": 20, "corrects": old.id} | facts
    return replace(consent(*clauses_, **facts), id=20)


CLAUSE_BACK = {"scope": "clause", "family": "GENERAL", "clause": "research", "seq": 10}


@pytest.mark.parametrize(
    "form",
    [
        {"family": "OTHER"},  # the same clause of another form
        {"family": "OTHER", "key": "other"},
        {"version": "2", "key": "other"},  # the clause is called otherwise in the next version
    ],
)
def test_a_clause_that_was_taken_back_does_not_come_back_by_a_correction_to_another_form(form):
    form = dict(form)
    old = granting("HMB")
    new = corrected(old, clause(form.pop("key", "research")), **form)

    decision = asked(sample(old, withdrawal(**CLAUSE_BACK), new))

    assert (decision.verdict, "withdrawn_clause" in codes(decision)) == ("deny", True)


def test_a_correction_to_a_form_with_the_clause_keeps_its_other_answers():
    old = consent(clause(), clause("more", ("CC",)))
    new = corrected(old, clause(), clause("more", ("GRU",)), version="2")

    assert asked(sample(old, withdrawal(**CLAUSE_BACK), new)).verdict == "permit"


@pytest.mark.parametrize(
    ("basis", "given_by", "verdict"),
    [
        ("consent", "patient", "permit"),
        ("consent", "representative", "permit"),
        ("non_opposition", "patient", "deny"),
        ("waiver", "committee", "deny"),
    ],
)
@pytest.mark.parametrize("scope", ["all", "study"])
def test_who_said_no_is_not_overruled_by_a_committee_or_by_silence(basis, given_by, verdict, scope):
    back = withdrawal(scope, seq=10, study=STUDY)
    later = granting("HMB", seq=20, signed_on=TODAY, basis=basis, given_by=given_by, version="2")

    assert asked(sample(granting("HMB"), back, later)).verdict == verdict


def test_a_paper_signed_before_a_withdrawal_does_not_come_after_it_by_a_corrected_date():
    back = withdrawal("all", seq=10, received_on=date(2012, 5, 1))
    late = granting("HMB", seq=15, signed_on=date(2012, 4, 1))
    new = corrected(late, clause(), signed_on=date(2012, 5, 20))

    assert asked(sample(back, late)).verdict == "deny"
    assert asked(sample(back, late, new)).verdict == "deny"


def test_a_representative_of_a_child_counts_as_a_guardian_once_the_child_is_of_age():
    child = of_a_child(granting("GRU", given_by="representative"), of_age_on=date(2012, 5, 1))

    assert asked(child, as_of=date(2012, 4, 30)).verdict == "permit"
    assert asked(child).verdict == "review"
