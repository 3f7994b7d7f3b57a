"""The pages of a withdrawal: what it reaches is shown before it is done."""

import pytest

from tests import people

GIVEN = {"scope": "all", "received_on": "2012-03-01", "fate": "destroy"}


@pytest.fixture
def technician(app):
    api = people.api(app, "manager")
    api.post("/patients", {"code": "A-1"})
    api.post("/studies", {"code": "ESSAI", "title": "Essai"})
    return people.browser(app)


@pytest.fixture
def tube(app, technician):
    sample = {"patient": "A-1", "study": "ESSAI", "type": "Plasma", "collected_at": "2012-02-01"}
    return people.api(app).post("/samples", sample).json["code"]


def test_what_it_reaches_is_shown_before_it_is_done(technician, tube):
    assert "ESSAI" in technician.get("/patients/A-1/withdrawals/new").text

    checked = technician.post("/patients/A-1/withdrawals/check", GIVEN)
    assert checked.status_code == 303
    page = technician.get(checked.location).text
    assert tube in page
    assert "Received on" in page

    done = technician.post("/patients/A-1/withdrawals", GIVEN)
    assert done.status_code == 303
    assert tube in technician.get(done.location).text
    assert "withdrawals/" in technician.get("/patients/A-1/consents").text


def test_looking_records_nothing(app, technician, tube):
    technician.post("/patients/A-1/withdrawals/check", GIVEN)
    assert people.api(app).get("/patients/A-1/withdrawals").json["items"] == []


def test_the_same_form_twice_is_one_withdrawal(app, technician, tube):
    answers = [
        technician.post("/patients/A-1/withdrawals", GIVEN | {"idempotency_key": "k"}) for _ in range(2)
    ]

    assert answers[0].location == answers[1].location
    assert len(people.api(app).get("/patients/A-1/withdrawals").json["items"]) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"received_on": "2999-01-01"}, "received_on"),
        ({"fate": ""}, "fate"),
        ({"scope": ""}, "scope"),
        ({"scope": "{"}, "scope"),
        ({"scope": '{"form": "F"}'}, "scope"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(technician, wrong, field):
    page = technician.post("/patients/A-1/withdrawals/check", GIVEN | wrong)

    assert page.status_code == 422
    assert f'id="problem-{field}"' in page.text


def test_another_sites_patient_is_not_found(app, technician):
    other = people.browser(app, site_code="IUCT")
    assert other.get("/patients/A-1/withdrawals/new").status_code == 404
    assert other.post("/patients/A-1/withdrawals", GIVEN).status_code == 404
