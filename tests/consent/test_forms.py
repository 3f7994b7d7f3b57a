"""Consent forms: written as drafts, put in force, succeeded; their terms checked and shown in words."""

from datetime import date, timedelta

import pytest

from biobank.audit import service as audit
from biobank.consent import editing, forms, words
from biobank.consent import service as consent
from biobank.consent.models import ConsentForm
from biobank.consent.rules import parse_term
from biobank.core import clock, vocabularies
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.times import local_day
from tests import people
from tests.factories import SiteFactory, StudyFactory, act
from tests.racing import refusals, together

RESEARCH = {
    "key": "research",
    "text": "Research",
    "text_fr": "Recherche",
    "required": True,
    "if_granted": ["HMB"],
}
COMPANIES = {"key": "companies", "text": "Companies", "if_refused": ["NPU"]}
ROUNDS = 8


def write(code="F", version="1", clauses=(RESEARCH, COMPANIES), **more):
    told = {"site_id": SiteFactory().id, "title": "A form", "study": None, "draft": True} | more
    return act(consent.make_form, code=code, version=version, clauses=list(clauses), **told)


def fresh(form):
    db.session.rollback()
    return db.session.get_one(ConsentForm, form.id, populate_existing=True)


def today():
    return local_day(clock.now(), clock.zone())


def in_force(code="F"):
    db.session.rollback()
    query = db.select(ConsentForm.version).where(ConsentForm.code == code, ConsentForm.status == "in_force")
    return list(db.session.scalars(query))


# --- its life


@pytest.mark.usefixtures("app_context")
def test_a_draft_comes_into_force_today_unless_an_earlier_day_is_given():
    first, second = write(), write(code="G")

    act(consent.put_in_force, form=first)
    act(consent.put_in_force, form=second, in_force_on=today() - timedelta(days=40))

    assert fresh(first).in_force_on == today()
    assert fresh(second).in_force_on == today() - timedelta(days=40)


@pytest.mark.usefixtures("app_context")
@pytest.mark.parametrize("ahead", [timedelta(days=1), timedelta(days=-100_000)])
def test_no_form_comes_into_force_tomorrow_or_before_anybody_was_born(ahead):
    form = write()

    with pytest.raises(Malformed) as refused:
        act(consent.put_in_force, form=form, in_force_on=today() + ahead)

    assert list(refused.value.fields) == ["in_force_on"]
    assert fresh(form).status == "draft"


@pytest.mark.usefixtures("app_context")
def test_a_form_that_is_in_force_at_once_was_on_paper_before_unless_its_day_is_told():
    assert write(draft=False).in_force_on is None
    assert write(code="G", draft=False, in_force_on=date(2012, 1, 1)).in_force_on == date(2012, 1, 1)
    with pytest.raises(Malformed) as refused:
        write(code="H", in_force_on=date(2012, 1, 1))
    assert refused.value.fields["in_force_on"].code == "in_force_on_of_draft"


@pytest.mark.usefixtures("app_context")
def test_a_notice_is_a_form_of_its_own_kind_and_no_other_kind_is_known():
    assert write(kind="notice").kind == "notice"
    with pytest.raises(Malformed) as refused:
        write(code="G", kind="poster")
    assert refused.value.fields["kind"].code == "form_kind_unknown"


@pytest.mark.usefixtures("app_context")
def test_a_form_in_force_is_not_edited_by_anybody_only_succeeded():
    form = write()
    act(consent.put_in_force, form=form)

    with pytest.raises(RuleViolation, match="form_not_draft"):
        act(consent.redraft, form=form, title="Other", clauses=[RESEARCH])
    with pytest.raises(RuleViolation, match="form_not_draft"):
        act(consent.put_in_force, form=form)

    assert [clause.key for clause in fresh(form).clauses] == ["research", "companies"]


@pytest.mark.usefixtures("app_context")
def test_a_draft_that_is_written_anew_tells_both_texts_in_the_record():
    form = write()
    act(consent.redraft, form=form, title="Anew", kind="notice", clauses=[RESEARCH | {"text_fr": "Autre"}])

    entry = next(e for e in audit.history("consent_form", str(form.id)) if e["act"] == "form_redrafted")

    assert fresh(form).kind == "notice"
    assert (entry["before"]["clauses"][0]["text_fr"], entry["after"]["clauses"][0]["text_fr"]) == (
        "Recherche",
        "Autre",
    )


@pytest.mark.usefixtures("app_context")
def test_who_thinks_that_another_version_is_in_force_is_told_so():
    first, second, third = write(), write(version="2"), write(version="3")
    act(consent.put_in_force, form=first, succeeds="")
    act(consent.put_in_force, form=second, succeeds="1")

    with pytest.raises(RuleViolation, match="form_succeeded_meanwhile") as refused:
        act(consent.put_in_force, form=third, succeeds="1")
    act(consent.retire, form=second)
    with pytest.raises(RuleViolation, match="form_retired_meanwhile"):
        act(consent.put_in_force, form=third, succeeds="2")

    assert refused.value.params["version"] == "2"
    act(consent.put_in_force, form=third, succeeds="")
    assert in_force() == ["3"]


@pytest.mark.usefixtures("app_context")
@pytest.mark.parametrize(
    ("version", "following"),
    [
        ("1", "2"),
        ("1.9", "1.10"),
        ("2026", "2027"),
        ("v3-final", "v4-final"),
        ("09", "10"),
        ("first", "first-2"),
    ],
)
def test_the_next_version_is_one_more_and_one_that_is_not_taken(version, following):
    form = write(version=version)
    assert consent.next_version(form) == following
    write(version=following)
    assert consent.next_version(form) not in (version, following, "")


def test_a_version_that_grows_too_long_is_left_to_the_person(app_context):
    assert consent.next_version(write(version="x" * 39)) == ""


def test_two_who_put_two_versions_in_force_at_once(app, app_context):
    """Each saw version 0 in force: one is first, and the other is told which version came meanwhile."""
    for turn in range(ROUNDS):
        code = f"RACE-{turn}"
        act(consent.put_in_force, form=write(code=code, version="0"))
        keys = [write(code=code, version=version).id for version in ("1", "2")]

        def put(key):
            return lambda: (
                consent.put_in_force(
                    form=db.session.get_one(ConsentForm, key), succeeds="0", by=people.TESTS
                ).version
            )

        outcomes = together(app, *(put(key) for key in keys))

        won = [each for each in outcomes if isinstance(each, str)]
        assert refusals(outcomes) == ["form_succeeded_meanwhile"]
        assert in_force(code) == won
        (lost,) = [each for each in outcomes if not isinstance(each, str)]
        assert lost.params["version"] == won[0]


def test_two_who_do_not_look_come_one_after_the_other(app, app_context):
    for turn in range(ROUNDS):
        code = f"RACE-{turn}"
        keys = [write(code=code, version=version).id for version in ("1", "2", "3")]

        def put(key):
            return lambda: (
                consent.put_in_force(form=db.session.get_one(ConsentForm, key), by=people.TESTS).version
            )

        outcomes = together(app, *(put(key) for key in keys))

        assert refusals(outcomes) == []
        assert len(in_force(code)) == 1
        retired = db.session.scalars(
            db.select(ConsentForm).where(ConsentForm.code == code, ConsentForm.status == "retired")
        ).all()
        assert all(each.in_force_at and each.retired_at >= each.in_force_at for each in retired)


def test_two_who_write_a_first_version_in_force_at_once(app, app_context):
    site = SiteFactory().id
    for turn in range(ROUNDS):
        code = f"NEW-{turn}"

        def make(version, code=code):
            return lambda: consent.make_form(
                site_id=site, code=code, version=version, title="A form", study=None, clauses=[RESEARCH],
                by=people.TESTS,
            ).version  # fmt: skip

        outcomes = together(app, make("1"), make("2"))

        assert refusals(outcomes) == []
        assert len(in_force(code)) == 1


def test_one_who_writes_a_draft_anew_and_one_who_puts_it_in_force(app, app_context):
    for turn in range(ROUNDS):
        key = write(code=f"BOTH-{turn}").id

        def form(key=key):
            return db.session.get_one(ConsentForm, key)

        outcomes = together(
            app,
            lambda: consent.put_in_force(form=form(), by=people.TESTS).status,
            lambda: consent.redraft(form=form(), title="Anew", clauses=[RESEARCH], by=people.TESTS).title,
        )

        found = fresh(form())
        assert found.status == "in_force"
        assert refusals(outcomes) in ([], ["form_not_draft"])
        assert len(found.clauses) == (1 if found.title == "Anew" else 2)


# --- its terms


@pytest.mark.usefixtures("app_context")
@pytest.mark.parametrize(
    ("term", "code", "params"),
    [
        ("DS:C50.7", "disease_unknown_near", {"disease": "C50.7", "nearest": "C50"}),
        ("DS:C61,C99", "disease_unknown_near", {"disease": "C99", "nearest": "II"}),
        ("DS:c61.9", "disease_unknown_near", {"disease": "c61.9", "nearest": "C61"}),
        ("DS:C00-C98", "disease_unknown", {"disease": "C00-C98"}),
        ("DS:C5", "disease_unknown", {"disease": "C5"}),
        ("DUO:0000007:C99", "disease_unknown_near", {"disease": "C99", "nearest": "II"}),
    ],
)
def test_a_disease_that_looks_like_icd10_and_is_none_is_refused_with_its_nearest_parent(term, code, params):
    with pytest.raises(Malformed) as refused:
        write(clauses=[RESEARCH, COMPANIES | {"if_granted": ["HMB", term]}])

    ((field, reason),) = refused.value.fields.items()
    assert field == "clauses.1.if_granted.1"
    assert (reason.code, dict(reason.params)) == (code, params)


@pytest.mark.usefixtures("app_context")
@pytest.mark.parametrize(
    "term",
    ["DS:C50,C61", "DS:C50.1", "DS:C00-C97", "DS:II", "DS:C50.10", "DS:B24+0", "DS:DOID_162", "DS:MONDO:0004992",
     "DS:ORPHA:558", "DS:H1N1", "XYZ:C99", "GS:C99", "NPU"],
)  # fmt: skip
def test_codes_of_other_ontologies_and_terms_that_nobody_knows_stay_as_they_are(term):
    form = write(clauses=[RESEARCH | {"if_granted": [term]}])
    assert fresh(form).clauses[0].if_granted == [term]


@pytest.mark.usefixtures("app_context")
@pytest.mark.parametrize(
    "term", ["XYZ:1", "DS:DOID_162", "DS:C50,MONDO:0004992", "TS:soon", "TS", "GS:EU", "RS:rare things"]
)
def test_a_term_that_the_rules_cannot_evaluate_is_told_as_one_for_a_person(app, term):
    assert words.is_for_people(parse_term(term))
    with app.test_request_context():
        assert "a person looks at every use" in words.describe_term(term)


@pytest.mark.usefixtures("app_context")
@pytest.mark.parametrize(
    "term", [code for code in editing.terms_for("if_granted") if code not in editing.NEEDS_NAMES]
)
def test_a_term_that_the_rules_evaluate_is_not(term):
    assert not words.is_for_people(parse_term(term))


@pytest.mark.parametrize(
    "term", ["DS:C50", "GS:FR,DE", "TS:24", "US:Dr Martin", "PS:ESSAI", "IS:Inserm", "RS:biomarker"]
)
def test_nor_is_one_that_names_what_it_must(app_context, term):
    assert not words.is_for_people(parse_term(term))


def test_terms_are_told_with_diseases_and_kinds_of_research_by_name(app):
    with app.test_request_context():
        assert (
            words.describe_term("DS:C50")
            == "DS: research on named diseases (C50 Malignant neoplasm of breast)"
        )
        assert "search for or validation of biomarkers" in words.describe_term("RS:biomarker")
    with app.test_request_context("/?lang=fr"):
        assert "biomarqueurs" in words.describe_term("RS:biomarker")


def test_the_lists_offer_every_term_and_a_no_gives_no_permission():
    vocabulary = vocabularies.consent_vocabulary()

    assert set(editing.terms_for("if_granted")) == vocabulary.permissions | set(vocabulary.modifiers)
    assert set(editing.terms_for("if_refused")) == set(vocabulary.modifiers) - vocabulary.permissive


# --- over the API


@pytest.fixture
def api(app):
    return people.api(app, "manager")


FORM = {"code": "F", "version": "1", "clauses": [RESEARCH]}


def test_the_api_tells_kind_and_first_day(api):
    at_once = api.post("/consent-forms", FORM)
    told = api.post("/consent-forms", FORM | {"code": "G", "kind": "notice", "in_force_on": "2012-01-01"})
    api.post("/consent-forms", FORM | {"code": "H", "draft": True})
    later = api.post("/consent-forms/H/1/in-force", {"in_force_on": "2012-02-01"})

    assert (at_once.json["kind"], at_once.json["in_force_on"]) == ("consent", None)
    assert (told.json["kind"], told.json["in_force_on"]) == ("notice", "2012-01-01")
    assert (later.status_code, later.json["in_force_on"]) == (200, "2012-02-01")
    assert api.get("/consent-forms/G/1").json["kind"] == "notice"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"in_force_on": "2999-01-01"}, 422, "in_force_on"),
        ({"in_force_on": "soon"}, 422, "in_force_on"),
        ({"colour": "blue"}, 422, "colour"),
        ({"succeeds": "7"}, 409, None),
        (None, 200, None),
        ({}, 200, None),
    ],
)
def test_what_a_form_is_put_in_force_with_is_checked(api, body, status, field):
    api.post("/consent-forms", FORM | {"draft": True})

    answer = api.post("/consent-forms/F/1/in-force", body)

    assert answer.status_code == status
    assert field is None or list(answer.json["errors"]) == [field]


def test_bad_kinds_and_days_of_a_new_form_are_named(api):
    bad = api.post("/consent-forms", FORM | {"kind": "poster", "in_force_on": "31/01/2012"})
    draft = api.post("/consent-forms", FORM | {"draft": True, "in_force_on": "2012-01-31"})
    future = api.post("/consent-forms", FORM | {"in_force_on": "2999-01-31"})
    disease = api.post("/consent-forms", FORM | {"clauses": [RESEARCH | {"if_granted": ["DS:C99"]}]})

    assert set(bad.json["errors"]) == {"kind", "in_force_on"}
    assert set(draft.json["errors"]) == set(future.json["errors"]) == {"in_force_on"}
    assert disease.json["errors"] == {
        "clauses.0.if_granted.0": "C99 is no ICD-10 code; the nearest one is II."
    }
    assert api.get("/consent-forms").json["items"] == []


# --- the editor


WRITTEN = {
    "code": "F", "version": "1", "title": "For research", "kind": "consent",
    "clauses.0.key": "research", "clauses.0.text": "Research.", "clauses.0.text_fr": "La recherche.",
    "clauses.0.required": "true",
    "clauses.0.if_granted.0.term": "HMB", "clauses.0.if_granted.0.names": "",
    "clauses.0.if_granted.1.term": "DS", "clauses.0.if_granted.1.names": "C50; C61",
    "clauses.0.if_granted.2.term": "", "clauses.0.if_granted.2.names": "",
    "clauses.0.if_granted": "XYZ:1",
    "clauses.1.key": "companies", "clauses.1.text": "Companies.", "clauses.1.if_refused.0.term": "NPU",
    "clauses.2.key": "", "clauses.2.text": "", "clauses.2.if_granted.0.term": "",
}  # fmt: skip


@pytest.fixture
def manager(app):
    return people.browser(app, "manager")


def test_terms_are_chosen_from_a_list_and_come_back_as_chosen(api, manager):
    assert manager.post("/consent-forms", WRITTEN).status_code == 303

    first, second = api.get("/consent-forms/F/1").json["clauses"]
    assert first["if_granted"] == ["HMB", "DS:C50,C61", "XYZ:1"]
    assert second["if_refused"] == ["NPU"]
    page = manager.get("/consent-forms/F/1/edit").text
    assert '<option value="DS" selected>' in page
    assert 'name="clauses.0.if_granted.1.names" type="text" value="C50, C61"' in page
    assert 'name="clauses.0.if_granted" type="text" value="XYZ:1"' in page
    shown = manager.get("/consent-forms/F/1").text
    assert "XYZ:1: not known to the rules, a person looks at every use" in shown


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"clauses.0.if_granted.1.names": "C99"}, "clauses.0.if_granted.1.names"),
        ({"clauses.0.if_granted.1.names": ""}, "clauses.0.if_granted.1.names"),
        ({"clauses.0.if_granted.0.names": "C50"}, "clauses.0.if_granted.0.names"),
        ({"clauses.0.if_granted.2.names": "C50"}, "clauses.0.if_granted.2.term"),
        ({"clauses.0.if_granted": "XYZ; DS:C99"}, "clauses.0.if_granted"),
        ({"clauses.1.key": "research"}, "clauses.1.key"),
        ({"kind": "poster"}, "kind"),
        ({"version": "a/b"}, "version"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_lost(manager, typed, field):
    page = manager.post("/consent-forms", WRITTEN | typed)

    assert page.status_code == 422
    assert f'id="problem-{field}"' in page.text
    assert "La recherche." in page.text
    assert manager.get("/consent-forms/F/1").status_code == 404


def test_a_form_without_a_clause_is_refused_with_the_sentence(manager):
    page = manager.post("/consent-forms", {"code": "F", "version": "1"})
    assert page.status_code == 422
    assert manager.get("/consent-forms/F/1").status_code == 404


def test_the_preview_reads_in_both_languages_as_it_is_typed_and_keeps_nothing(manager):
    answer = manager.post("/consent-forms/preview", WRITTEN, headers={"X-Partial": "1"})

    assert answer.status_code == 200
    english, french = answer.text.split('lang="fr"')[0], answer.text.split('lang="fr"', 1)[1]
    assert "Research." in english
    assert "health, medical or biomedical research" in english
    assert "La recherche." in french
    assert "oui" in french
    assert "C50 Malignant neoplasm of breast" in english
    assert manager.get("/consent-forms/F/1").status_code == 404
    half = manager.post("/consent-forms/preview", {"clauses.0.text": "Half", "clauses.0.if_granted": ":"})
    assert half.status_code == 200


def test_without_script_the_same_preview_stands_beside_the_form(manager):
    page = manager.post("/consent-forms", WRITTEN | {"more": "terms"}).text

    assert page.count("La recherche.") >= 2
    assert 'name="clauses.0.if_granted.2.term"' in page
    assert 'data-preview="#preview"' in page


def test_a_new_version_begins_with_the_clauses_the_kind_and_the_study_of_the_old_one(app, manager):
    manager.post("/studies", {"code": "ESSAI", "title": "Essai"})
    manager.post("/consent-forms", WRITTEN | {"study": "ESSAI", "kind": "notice", "version": "1.9"})
    manager.post("/consent-forms/F/1.9/in-force", {"succeeds": ""})

    page = manager.get("/consent-forms/new?like=F&version=1.9").text

    assert 'name="version" type="text" value="1.10"' in page
    assert "Companies." in page
    assert '<option value="ESSAI" selected>' in page
    assert 'name="kind" value="notice" checked' in page
    assert "Make a new version" in manager.get("/consent-forms/F/1.9").text


def test_the_editor_of_a_form_in_force_is_closed(manager):
    manager.post("/consent-forms", WRITTEN)
    manager.post("/consent-forms/F/1/in-force", {"succeeds": ""})

    page = manager.get("/consent-forms/F/1").text
    edited = manager.post("/consent-forms/F/1/edit", WRITTEN | {"title": "Other"})

    assert "/consent-forms/F/1/edit" not in page
    assert manager.get("/consent-forms/F/1/edit").status_code == 409
    assert edited.status_code == 409
    assert "Other" not in manager.get("/consent-forms/F/1").text


def test_the_form_page_puts_in_force_since_an_earlier_day_and_says_what_retires(manager):
    manager.post("/consent-forms", WRITTEN)
    manager.post("/consent-forms/F/1/in-force", {"succeeds": "", "in_force_on": "2012-01-31"})
    manager.post("/consent-forms", WRITTEN | {"version": "2"})
    assert "Version 1 is in force now, and retires." in manager.get("/consent-forms/F/2").text

    wrong = manager.post("/consent-forms/F/2/in-force", {"succeeds": "1", "in_force_on": "2999-01-31"})
    late = manager.post("/consent-forms/F/2/in-force", {"succeeds": "0"})
    done = manager.post("/consent-forms/F/2/in-force", {"succeeds": "1", "in_force_on": ""})

    assert wrong.status_code == 422
    assert 'id="problem-in_force_on"' in wrong.text
    assert late.status_code == 409
    assert "Version 1 of form F came into force meanwhile." in late.text
    assert done.status_code == 303
    assert "31 Jan 2012" in manager.get("/consent-forms/F/1").text


def test_others_write_no_forms_and_see_none_of_another_site(app, manager):
    manager.post("/consent-forms", WRITTEN)
    stranger = people.browser(app, "manager", site_code="IUCT")

    assert people.browser(app).post("/consent-forms/preview", WRITTEN).status_code == 403
    assert people.browser(app).get("/consent-forms/new").status_code == 403
    for path in ("/consent-forms/F/1", "/consent-forms/F/1/edit", "/consent-forms/new?like=F&version=1"):
        assert stranger.get(path).status_code == 404
    assert stranger.post("/consent-forms/F/1/in-force").status_code == 404
    assert stranger.post("/consent-forms/F/1/edit", WRITTEN).status_code == 404


def test_who_sees_every_site_makes_a_version_at_the_forms_own_site(app, manager):
    manager.post("/consent-forms", WRITTEN)
    people.browser(app, "manager", site_code="IUCT").post("/consent-forms", WRITTEN)
    everywhere = people.browser(app, "administrator", site_code=None)

    assert everywhere.get("/consent-forms/F/1").status_code == 422
    page = everywhere.get("/consent-forms/new?like=F&version=1&site=IPC").text
    assert '<option value="IPC" selected>' in page
    made = everywhere.post("/consent-forms", WRITTEN | {"version": "2", "site": "IPC"})
    assert made.location == "/consent-forms/F/2?site=IPC"


def test_another_sites_study_covers_no_form_of_ours(app_context):
    study, ours = StudyFactory(site=SiteFactory(code="IUCT")), people.site().id

    with pytest.raises(NotFound):
        unit_of_work(
            lambda: forms.make_form(
                site_id=ours, code="F", version="1", title="", study=study, clauses=[RESEARCH],
                by=people.TESTS,
            )
        )  # fmt: skip
