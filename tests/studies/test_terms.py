"""What a study lays on its samples: every change is kept with its reason, and the newest one holds."""

from datetime import date, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound
from biobank.studies import service
from tests import people
from tests.factories import StudyFactory, act


def lay(study, **told):
    given = {"reserved": True, "closed_on": None, "keep_until": None, "reason": "Protocol, 8.2"} | told
    return act(service.set_terms, study=study, **given)


def test_the_newest_terms_hold_and_older_ones_stay_on_record(app_context):
    study, other = StudyFactory(), StudyFactory()
    first = lay(study)
    before = clock.now()
    second = lay(
        study, reserved=False, closed_on=date(2011, 5, 1), keep_until=date(2031, 5, 1), reason="Closed"
    )

    assert service.terms_of([study.id, other.id]) == {study.id: second}
    assert service.terms_of([study.id], known_at=before) == {study.id: first}
    assert service.terms_of([study.id], known_at=first.recorded_at - timedelta(seconds=1)) == {}
    assert [each.id for each in service.history_of(study)] == [second.id, first.id]


def test_the_record_says_what_changed_and_why(app_context):
    study = StudyFactory()
    lay(study)
    lay(study, reserved=False, reason="The trial has ended")

    entries = [each for each in audit.history("study", str(study.id)) if each["act"] == "study_terms_set"]

    assert entries[-1]["before"] == {"reserved": True, "closed_on": None, "keep_until": None}
    assert entries[-1]["after"]["reserved"] is False
    assert entries[-1]["reason"] == "The trial has ended"


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        (
            {"closed_on": date(2012, 5, 2), "keep_until": date(2012, 5, 1)},
            "keep_until",
            "study_kept_too_short",
        ),
        ({"closed_on": date(1, 1, 1)}, "closed_on", "study_day_out_of_range"),
        ({"keep_until": date(9999, 1, 1)}, "keep_until", "study_day_out_of_range"),
        ({"reason": "  "}, "reason", "study_terms_need_reason"),
    ],
)
def test_bad_days_and_an_unsaid_reason_are_refused(app_context, given, field, code):
    study = StudyFactory()

    with pytest.raises(Malformed) as refused:
        lay(study, **given)

    assert {name: reason.code for name, reason in refused.value.fields.items()} == {field: code}
    db.session.rollback()
    assert service.terms_of([study.id]) == {}


def test_a_study_may_have_closed_before_it_was_entered_here_and_kept_its_samples_no_longer(app_context):
    day = date(1998, 12, 31)

    terms = lay(StudyFactory(), closed_on=day, keep_until=day)

    assert (terms.closed_on, terms.keep_until) == (day, day)


def test_terms_of_many_studies_cost_one_query(app_context):
    studies = [StudyFactory() for _ in range(4)]
    for study in studies:
        lay(study)
    db.session.rollback()
    asked = []

    def note(_connection, _cursor, statement, *_more):
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        found = service.terms_of([study.id for study in studies])
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert len(found) == 4
    assert len([each for each in asked if "study_terms" in each]) == 1


def test_another_sites_study_is_left_alone(app_context):
    study = StudyFactory()
    stranger = people.actor("manager", site_code="IUCT")

    with pytest.raises(NotFound):
        lay(study, by=stranger)


# --- over the API


def test_the_api_sets_and_shows_them(app):
    manager = people.api(app, "manager")
    manager.post("/studies", {"code": "ES/SAI", "title": "Essai"})
    assert manager.get("/studies/ES/SAI").json["terms"] is None

    set_ = manager.post(
        "/studies/ES/SAI/terms", {"reserved": True, "closed_on": "2027-01-31", "reason": "Protocol, 8.2"}
    )

    assert set_.status_code == 201
    for told in (set_.json, manager.get("/studies/ES/SAI").json, manager.get("/studies").json["items"][0]):
        assert told["terms"]["reserved"] is True
        assert told["terms"]["closed_on"] == "2027-01-31"
        assert told["terms"]["keep_until"] is None


def test_what_the_api_refuses_is_named(app):
    manager = people.api(app, "manager")
    manager.post("/studies", {"code": "ESSAI", "title": "Essai"})
    bad = manager.post(
        "/studies/ESSAI/terms", {"reserved": "perhaps", "closed_on": "soon", "reason": " ", "colour": 1}
    )
    short = manager.post(
        "/studies/ESSAI/terms",
        {"reserved": True, "closed_on": "2027-01-31", "keep_until": "2026-01-31", "reason": "x"},
    )

    assert (bad.status_code, set(bad.json["errors"])) == (422, {"reserved", "closed_on", "reason", "colour"})
    assert (short.status_code, set(short.json["errors"])) == (422, {"keep_until"})
    assert people.api(app).post("/studies/ESSAI/terms", {"reserved": True, "reason": "x"}).status_code == 403
    stranger = people.api(app, "manager", site_code="IUCT")
    assert stranger.get("/studies/ESSAI").status_code == 404
    assert stranger.post("/studies/ESSAI/terms", {"reserved": True, "reason": "x"}).status_code == 404


# --- on the page


def test_the_page_says_it_in_plain_words(app):
    manager = people.browser(app, "manager")
    manager.post("/studies", {"code": "ESSAI", "title": "Essai"})
    assert "Nothing is laid down" in manager.get("/studies/ESSAI").text

    answer = manager.post(
        "/studies/ESSAI/terms", {"reserved": "true", "keep_until": "2040-01-31", "reason": "Protocol, 8.2"}
    )

    assert (answer.status_code, answer.location) == (303, "/studies/ESSAI")
    page = manager.get("/studies/ESSAI").text
    assert "While this study is open its samples serve no other." in page
    assert "Its samples may be used until" in page
    assert "Protocol, 8.2" in page
    assert "/studies/ESSAI" in manager.get("/studies").text


def test_a_refused_form_keeps_what_was_typed(app):
    manager = people.browser(app, "manager")
    manager.post("/studies", {"code": "ESSAI", "title": "Essai"})

    page = manager.post("/studies/ESSAI/terms", {"reserved": "true", "keep_until": "2040-01-31"})

    assert page.status_code == 422
    assert 'id="problem-reason"' in page.text
    assert 'value="2040-01-31"' in page.text
    assert 'name="reserved" value="true" checked' in page.text


def test_a_technician_reads_and_does_not_change_it(app):
    people.browser(app, "manager").post("/studies", {"code": "ESSAI", "title": "Essai"})
    technician = people.browser(app)

    assert "Change it" not in technician.get("/studies/ESSAI").text
    assert technician.post("/studies/ESSAI/terms", {"reason": "x"}).status_code == 403
    assert people.browser(app, "manager", site_code="IUCT").get("/studies/ESSAI").status_code == 404
