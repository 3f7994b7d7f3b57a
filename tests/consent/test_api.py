"""Consent over the API: forms, versions, answers."""

import pytest

from tests import people
from tests.consent.traces import nothing_is_stored

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


# --- bases, and what becomes of a person


@pytest.fixture
def asked(api):
    """A form to be signed, a notice, and a patient."""
    api.post("/consent-forms", FORM)
    api.post("/consent-forms", FORM | {"code": "N", "kind": "notice"})
    api.post("/patients", {"code": "A-1"})
    return {"form": "F", "version": "1", "signed_on": "2012-03-01", "answers": {"research": "granted"}}


def test_the_basis_goes_in_and_comes_back(api, asked):
    informed = asked | {"form": "N", "channel": "portal", "given_by": "representative"}
    waived = asked | {
        "form": "N",
        "basis": "waiver",
        "ethics_reference": "CPP 1",
        "basis_reason": "not found",
    }
    child = asked | {"given_by": "guardian", "of_age_on": "2015-01-02"}

    api.post("/patients", {"code": "C-1"})
    for patient, given in (("A-1", informed), ("A-1", waived), ("C-1", child)):
        made = api.post(f"/patients/{patient}/consents", given)
        assert made.status_code == 201, made.json

    second, first = api.get("/patients/A-1/consents").json["items"]
    (third,) = api.get("/patients/C-1/consents").json["items"]
    assert (first["basis"], first["given_by"], first["channel"]) == (
        "non_opposition", "representative", "portal",
    )  # fmt: skip
    assert (second["basis"], second["given_by"], second["channel"]) == ("waiver", "committee", None)
    assert (second["ethics_reference"], second["basis_reason"]) == ("CPP 1", "not found")
    assert (third["basis"], third["given_by"], third["documents"]) == ("consent", "guardian", [])
    assert "of_age_on" not in third  # of the person, not of the paper


def test_a_key_that_a_body_gives_twice_is_named_and_nothing_is_stored(app, api, asked):
    body = '{"form": "F", "version": "1", "signed_on": "2012-03-01", "answers": {"research": "refused", %s}}'
    wrong = {
        body % '"research": "granted"': "answers.research",
        body % '"research": "refused"': "answers.research",
        body.replace('"form"', '"form": "G", "form"') % '"genetics": "refused"': "form",
    }
    with nothing_is_stored(app):
        for text, path in wrong.items():
            answer = api.post("/patients/A-1/consents", data=text, content_type="application/json")
            assert (answer.status_code, list(answer.json["errors"])) == (422, [path])
            assert "twice" in answer.json["detail"]
        forms = api.post(
            "/consent-forms", data='{"clauses": [{"key": "a", "key": "b"}]}', content_type="application/json"
        )
    assert list(forms.json["errors"]) == ["clauses.0.key"]


@pytest.mark.parametrize(
    ("wrong", "status", "named"),
    [
        ({"answers": {"commercial": "granted"}}, 422, "answers.commercial"),
        ({"answers": ["granted"]}, 422, "answers"),
        ({"answers": {"research": "yes"}}, 422, "answers.research"),
        ({"form": "N"}, 422, "channel"),
        ({"basis": "waiver"}, 422, "basis"),
        ({"given_by": "guardian"}, 422, "of_age_on"),
        ({"given_by": "guardian", "of_age_on": "2011-01-01"}, 422, "of_age_on"),
        ({"signed_on": "2999-01-01"}, 422, "signed_on"),
        ({"signed_on": "1899-01-01"}, 422, "signed_on"),
        ({"form": "F", "version": "2"}, 404, None),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(app, api, asked, wrong, status, named):
    with nothing_is_stored(app):
        answer = api.post("/patients/A-1/consents", asked | wrong)
    assert answer.status_code == status
    assert answer.json["detail"]
    if named:
        assert named in answer.json["errors"]


def test_what_becomes_of_a_person_is_noted_and_corrected(app, api, asked):
    noted = api.post("/patients/A-1/status", {"of_age_on": "2008-05-02"})
    died = api.post("/patients/A-1/status", {"died_on": "2012-02-01"})
    with nothing_is_stored(app):
        changed = api.post("/patients/A-1/status", {"died_on": "2012-02-02"})
        after = api.post("/patients/A-1/consents", asked)
    alive = api.post("/patients/A-1/status", {"died_on": None, "reason": "another patient"})

    assert noted.json == {"patient": "A-1", "of_age_on": "2008-05-02", "died_on": None}
    assert died.json["of_age_on"] == "2008-05-02"
    assert (changed.status_code, set(changed.json["errors"])) == (422, {"reason"})
    assert (after.status_code, set(after.json["errors"])) == (422, {"signed_on"})
    assert (alive.status_code, alive.json["died_on"]) == (200, None)
    stranger = people.api(app, "manager", site_code="IUCT")
    assert stranger.post("/patients/A-1/status", {"died_on": "2012-02-01"}).status_code == 404
