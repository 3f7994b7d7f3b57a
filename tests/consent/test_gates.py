"""What the law asks before any consent is looked at, and what came of age, death and objections change."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from biobank.consent.rules import Review, Standing, StudyFacts, standing
from biobank.core.vocabularies import legal_gates
from tests.consent.papers import (
    NOW,
    TODAY,
    asked,
    codes,
    donor,
    edited,
    granting,
    of_a_child,
    sample,
    use,
    withdrawal,
)

DAY = timedelta(days=1)


def verdict_and_codes(of, what=None, **when):
    decision = asked(of, what, **when)
    return decision.verdict.value, codes(decision)


@pytest.mark.parametrize(
    ("terms", "facts", "verdict"),
    [
        (StudyFacts(reserved=True), {"study": "MELBASE"}, "permit"),
        (StudyFacts(reserved=True), {"study": "OTHER"}, "deny"),
        (StudyFacts(reserved=True), {"study": None}, "deny"),
        (StudyFacts(reserved=True, closed_on=TODAY), {}, "deny"),  # its last day
        (StudyFacts(reserved=True, closed_on=TODAY - DAY), {}, "permit"),
        (StudyFacts(reserved=False), {}, "permit"),
    ],
)
def test_a_sample_reserved_to_an_open_trial_serves_no_other(terms, facts, verdict):
    decision = asked(sample(granting("GRU"), terms=terms), use(**facts))

    assert decision.verdict == verdict
    assert ("reserved_to_trial" in codes(decision)) is (verdict == "deny")


@pytest.mark.parametrize(
    ("keep_until", "verdict"), [(TODAY, "permit"), (TODAY - DAY, "deny"), (None, "permit")]
)
def test_nothing_is_used_when_the_time_for_which_it_may_be_kept_is_over(keep_until, verdict):
    kept = sample(granting("GRU"), terms=StudyFacts(keep_until=keep_until))

    assert asked(kept).verdict == verdict
    assert standing(kept, as_of=TODAY, known_at=NOW).colour == ("green" if verdict == "permit" else "red")


@pytest.mark.parametrize(
    ("country", "approvals", "verdict"),
    [
        ("FR", (), "permit"),
        ("fr", (), "permit"),
        (None, (), "permit"),
        ("DE", (), "deny"),  # the European Union is abroad too
        ("DE", ("export",), "permit"),
        ("DE", ("transfer:AC-2026-12@2012-06-01",), "permit"),
        ("DE", ("export:AC-2026-12@2012-05-31",), "deny"),
        ("DE", ("ethics",), "deny"),
    ],
)
def test_nothing_goes_abroad_without_an_authorisation_that_is_valid_that_day(country, approvals, verdict):
    decision = asked(sample(granting("GRU"), home="FR"), use(country=country, approvals=approvals))

    assert decision.verdict == verdict
    assert ("export_not_authorised" in codes(decision)) is (verdict == "deny")


def test_who_came_of_age_and_was_not_informed_again_is_for_a_person_to_look_at():
    child = of_a_child(granting("GRU", given_by="guardian"))

    assert asked(child, as_of=date(2012, 4, 30)).verdict == "permit"
    grown = asked(child, as_of=date(2012, 5, 1))
    assert (grown.verdict, codes(grown)[0]) == ("review", "came_of_age")
    assert standing(child, as_of=TODAY, known_at=NOW) == Standing("amber", grown.reasons[0])


@pytest.mark.parametrize(
    ("given_by", "signed_on", "verdict"),
    [
        ("patient", date(2012, 5, 1), "permit"),
        ("representative", date(2012, 5, 2), "permit"),
        ("patient", date(2012, 4, 30), "review"),  # still a child
        ("guardian", date(2012, 5, 2), "review"),
    ],
)
def test_who_came_of_age_is_asked_themselves(given_by, signed_on, verdict):
    child = of_a_child(
        granting("GRU", given_by="guardian"),
        granting("GRU", given_by=given_by, signed_on=signed_on, seq=2, version="2"),
    )

    assert asked(child).verdict == verdict


def test_a_guardians_answer_without_a_day_of_age_is_for_a_person_to_look_at():
    assert asked(of_a_child(granting("GRU", given_by="guardian"), of_age_on=None)).verdict == "review"


def test_coming_of_age_can_be_settled_and_then_permits():
    child = of_a_child(granting("GRU", given_by="guardian"))
    review = Review(asked(child).review_codes)

    assert asked(child, reviews=[review]).verdict == "permit"


def test_germinal_tissue_is_not_used_after_death():
    papers = replace(donor(granting("GRU")), died_on=TODAY)

    assert asked(sample(donors=(papers,))).verdict == "permit"
    assert verdict_and_codes(sample(donors=(papers,), germinal=True)) == ("deny", ["germinal_after_death"])
    assert asked(sample(donors=(papers,), germinal=True), as_of=TODAY - DAY).verdict == "permit"


def test_germinal_tissue_is_not_used_under_a_waiver():
    waived = granting("GRU", basis="waiver", given_by="committee")

    assert asked(sample(waived)).verdict == "permit"
    assert verdict_and_codes(sample(waived, germinal=True)) == ("deny", ["germinal_waiver"])


@pytest.mark.parametrize(("genetic", "verdict"), [(True, "deny"), (None, "review"), (False, "permit")])
def test_an_objection_to_genetic_examination_needs_no_form(genetic, verdict):
    objecting = sample(granting("GRU"), withdrawal("objection", objects_to="NO_GENETIC"))

    decision = asked(objecting, use(genetic=genetic))

    assert decision.verdict == verdict
    assert "objected" in codes(decision)


def test_an_objection_that_nobody_knows_is_for_a_person_to_look_at():
    decision = asked(sample(granting("GRU"), withdrawal("objection", objects_to="SHARK")))

    assert (decision.verdict, codes(decision)[0]) == ("review", "objection_unknown")


def test_every_gate_that_is_asked_stands_in_the_table_and_the_promises_deny():
    listed = legal_gates()

    assert {
        "reserved_to_trial",
        "retention_over",
        "export_not_authorised",
        "germinal_after_death",
    } <= listed.keys()
    assert {"germinal_waiver", "came_of_age"} <= listed.keys()
    for code in ("withdrawn_all", "no_consent", "hold"):
        assert listed[code].verdict == "DENY"


def test_a_changed_verdict_of_a_gate_changes_the_decision(tmp_path):
    vocabulary = edited(tmp_path, "legal_gates.csv", "came_of_age,REVIEW", "came_of_age,DENY")
    child = of_a_child(granting("GRU", given_by="guardian"))

    assert asked(child, vocabulary=vocabulary).verdict == "deny"


def test_a_gate_that_the_table_does_not_list_denies(tmp_path):
    vocabulary = edited(tmp_path, "legal_gates.csv", "came_of_age,REVIEW", "came_of_old_age,REVIEW")

    assert asked(of_a_child(granting("GRU", given_by="guardian")), vocabulary=vocabulary).verdict == "deny"
