"""Consent over the API: forms, versions, answers."""

import pytest

from tests import people

FORM = {
    "code": "F",
    "version": "1",
    "clauses": [
        {"key": "research", "text": "Research", "required": True, "if_granted": ["HMB", "DS:C50"]},
        {"key": "genetics", "text": "Genetics", "if_refused": ["NO_GENETIC"]},
    ],
}


@pytest.fixture
def api(app):
    return people.api(app, "manager")


def test_a_form_is_in_force_at_once_and_succeeded_by_its_next_version(api):
    api.post("/studies", {"code": "ESSAI", "title": "Essai"})

    first = api.post("/consent-forms", FORM | {"study": "ESSAI"})
    second = api.post("/consent-forms", FORM | {"version": 2})

    assert (first.status_code, first.json["status"], first.json["study"]) == (201, "in_force", "ESSAI")
    assert first.json["clauses"][0]["if_granted"] == ["HMB", "DS:C50"]
    assert (second.json["version"], second.json["study"]) == ("2", None)
    assert api.get("/consent-forms/F/1").json["status"] == "retired"
    assert [each["version"] for each in api.get("/consent-forms?status=in_force").json["items"]] == ["2"]


def test_a_draft_waits_until_it_is_put_in_force(api):
    assert api.post("/consent-forms", FORM | {"draft": True}).json["status"] == "draft"

    first, again = (api.post("/consent-forms/F/1/in-force") for _ in range(2))

    assert (first.status_code, first.json["status"]) == (200, "in_force")
    assert (again.status_code, again.json["code"]) == (409, "form_not_draft")


def test_every_bad_field_of_a_form_is_named(api):
    clauses = [{"key": "a b", "text": "x"}, {"key": "a", "text": "x", "if_granted": [" "], "colour": 1}]

    answer = api.post("/consent-forms", {"code": "A/B", "clauses": clauses})

    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {
        "code", "version", "clauses.0.key", "clauses.1.if_granted.0", "clauses.1.colour",
    }  # fmt: skip


def test_a_consent_is_recorded_and_read_back(api):
    api.post("/consent-forms", FORM)
    api.post("/patients", {"code": "A/1"})
    given = {"form": "F", "version": "1", "signed_on": "2012-03-01", "answers": {"research": "granted"}}

    made = api.post("/patients/A/1/consents", given)

    assert made.status_code == 201
    assert {name: made.json[name] for name in given} == given
    (read,) = api.get("/patients/A/1/consents").json["items"]
    assert read["id"] == made.json["id"]
    assert read["corrected_by"] is None


def test_what_is_wrong_with_a_consent_is_named(api):
    api.post("/consent-forms", FORM)
    api.post("/patients", {"code": "A-1"})
    given = {"form": "F", "version": "1", "signed_on": "2012-03-01", "answers": {}}

    def errors(**changed):
        answer = api.post("/patients/A-1/consents", given | changed)
        return answer.status_code, set(answer.json.get("errors", {}))

    assert errors(answers={"no_such": "granted", "genetics": "perhaps"}) == (
        422, {"answers.no_such", "answers.genetics"},
    )  # fmt: skip
    assert errors(signed_on="2999-01-01") == (422, {"signed_on"})
    assert errors(signed_on="soon", version=None) == (422, {"signed_on", "version"})
    assert errors(version="9") == (404, set())
    assert errors(corrects=77) == (422, {"corrects", "reason"})


def test_another_site_sees_no_form_and_no_consent(app, api):
    api.post("/consent-forms", FORM)
    api.post("/patients", {"code": "A-1"})
    other = people.api(app, "manager", site_code="IUCT")

    assert other.get("/consent-forms").json["items"] == []
    assert other.get("/consent-forms/F/1").status_code == 404
    assert other.get("/patients/A-1/consents").status_code == 404
    assert other.post("/consent-forms/F/1/retire").status_code == 404
    given = {"form": "F", "version": "1", "signed_on": "2012-03-01", "answers": {}}
    assert other.post("/patients/A-1/consents", given).status_code == 404


def test_a_technician_records_consents_and_writes_no_forms(app, api):
    technician = people.api(app)
    api.post("/consent-forms", FORM)
    technician.post("/patients", {"code": "A-1"})
    given = {"form": "F", "version": "1", "signed_on": "2012-03-01", "answers": {}}

    assert technician.post("/consent-forms", FORM | {"version": "2"}).status_code == 403
    assert technician.post("/patients/A-1/consents", given).status_code == 201
