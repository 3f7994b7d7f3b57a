"""Patients over the API."""

from tests import people


def test_a_patient_is_enrolled_and_read(app):
    api = people.api(app)

    made = api.post("/patients", {"code": "A/1", "sex": "female", "birth_year": 1957})

    assert (made.status_code, made.json["code"]) == (201, "A/1")
    read = api.get("/patients/A/1")
    assert (read.json["sex"], read.json["birth_year"], read.json["site"]) == ("female", 1957, "IPC")
    assert "subject_key" not in read.json
    assert [each["code"] for each in api.get("/patients?code=A").json["items"]] == ["A/1"]


def test_the_same_demand_twice_enrols_one_patient(app):
    api = people.api(app)
    answers = [api.post("/patients", {}, headers={"Idempotency-Key": "k1"}) for _ in range(2)]

    assert answers[0].status_code == answers[1].status_code == 201
    assert answers[0].json == answers[1].json
    assert len(api.get("/patients").json["items"]) == 1


def test_another_site_finds_nobody(app):
    people.api(app).post("/patients", {"code": "A-1"})

    assert people.api(app, site_code="IUCT").get("/patients/A-1").status_code == 404
    assert people.api(app, "researcher").get("/patients/A-1").status_code == 403


def test_every_bad_field_is_named(app):
    answer = people.api(app).post("/patients", {"code": "a b", "sex": "x", "birth_year": "1957"})

    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"code", "sex", "birth_year"}
