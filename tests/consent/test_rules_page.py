"""The page of the rules: it shows the tables that the program decides by, in words, with their versions."""

import shutil

import pytest

from biobank.consent import explaining
from biobank.consent.rules import RULE_VERSION
from biobank.consent.tables import MODIFIER_PRESENT, PHRASES, parse_condition
from biobank.consent.texts import WORDS
from biobank.core import vocabularies
from tests import people

on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def text(app):
    return people.browser(app).get("/consent/rules").text


@pytest.fixture
def shown(app):
    with app.test_request_context():
        yield explaining.rules_page


@on_sqlite
def test_every_list_stands_there_with_its_version(text):
    for name, version in vocabularies.versions().items():
        assert version in text, name
    assert f"<dd>{RULE_VERSION}</dd>" in text


@on_sqlite
def test_the_matrix_has_every_permission_and_every_purpose_of_the_table(shown):
    told = shown()
    table = vocabularies.permission_matrix()

    assert {row["code"] or vocabularies.NO_PERMISSION for row in told["matrix"]} == {key[0] for key in table}
    assert {tag for tag, _words in told["purposes"]} == {key[1] for key in table}
    verdicts = {"yes": "PERMIT", "look": "REVIEW", "no": "DENY", "info": "COND"}
    for row in told["matrix"]:
        for (tag, _words), cell in zip(told["purposes"], row["cells"], strict=True):
            expected = table[row["code"] or vocabularies.NO_PERMISSION, tag].outcome
            assert verdicts[cell.tone] == expected, (row["code"], tag)


@on_sqlite
def test_a_condition_is_told_part_by_part(shown):
    with_disease = explaining.outcome(vocabularies.permission_matrix()["DS", "MDS"].condition)

    assert with_disease.details == (
        "permitted if the use names diseases and each of them is one that was consented to",
        "to be reviewed if it names none",
        "otherwise not permitted",
    )
    assert not with_disease.by_people


@on_sqlite
def test_all_eighteen_modifiers_and_our_own_are_explained(text):
    for code, rule in vocabularies.modifier_rules().items():
        assert f">{code}</span>" in text, code
        assert rule.obligation in text
    assert len(vocabularies.modifier_rules()) >= 18


@on_sqlite
def test_every_gate_of_the_law_stands_there_with_its_article(text):
    for gate in vocabularies.legal_gates().values():
        assert gate.label in text
    assert "L1211-2" in text


def test_every_sentence_that_the_program_asks_has_its_words():
    asked = {f"phrase.{rule.test}" for rule in vocabularies.modifier_rules().values()}
    asked |= {f"phrase.{phrase}" for phrase in PHRASES}
    terms = {code for code, _purpose in vocabularies.permission_matrix()} - {vocabularies.NO_PERMISSION}
    asked |= {f"meaning.{code}" for code in {*terms, *vocabularies.modifier_rules()}}
    asked |= {f"purpose.{purpose}" for _code, purpose in vocabularies.permission_matrix()}
    asked |= {f"list.{name}" for name in vocabularies.versions()}

    assert sorted(asked - WORDS.keys()) == []


def test_what_the_tables_say_is_read_by_the_program_as_they_stand():
    """A sentence that nobody could evaluate would be shown as one for a person; today there is none."""
    conditions = [cell.condition for cell in vocabularies.permission_matrix().values() if cell.condition]

    for text in conditions:
        condition = parse_condition(text)
        assert condition is not None, text
        for phrase in (*condition.permit, *condition.review):
            assert phrase in PHRASES or MODIFIER_PRESENT.fullmatch(phrase), phrase


@on_sqlite
def test_a_sentence_that_cannot_be_evaluated_is_shown_as_one_for_a_person(app, shown, tmp_path, monkeypatch):
    folder = tmp_path / "vocabularies"
    shutil.copytree(vocabularies.FOLDER, folder)
    table = folder / "duo_modifier_rules.csv"
    table.write_text(table.read_text().replace("use is non-commercial", "the moon is full", 1))
    matrix = folder / "duo_permission_matrix.csv"
    matrix.write_text(
        matrix.read_text().replace("PERMIT iff modifier CC present, else DENY", "ask the committee", 1)
    )
    other = vocabularies.ConsentVocabulary(folder)
    monkeypatch.setattr(explaining, "consent_vocabulary", lambda: other)

    told = shown()

    rule = next(rule for rule in told["modifiers"] if rule["code"] == "NCU")
    assert (rule["asks"], rule["by_people"]) == ("the moon is full", True)
    gru = next(row for row in told["matrix"] if row["code"] == "GRU")
    cell = gru["cells"][[tag for tag, _words in told["purposes"]].index("CC")]
    assert (cell.tone, cell.words, cell.details, cell.by_people) == (
        "look", "a person decides", ("ask the committee",), True,
    )  # fmt: skip


@on_sqlite
def test_who_may_not_read_decisions_does_not_read_the_rules(app):
    assert people.browser(app, "researcher").get("/consent/rules").status_code == 403
    assert people.browser(app, "committee").get("/consent/rules").status_code == 200
    assert "/consent/rules" in people.browser(app, "dpo").get("/").text
