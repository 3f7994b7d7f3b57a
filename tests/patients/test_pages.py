"""The pages of patients."""

from tests import people


def test_a_patient_is_enrolled_by_a_form_and_found_by_the_beginning_of_the_pseudonym(app):
    technician = people.browser(app)

    answer = technician.post("/patients", {"code": "IPC-001", "sex": "female", "birth_year": "1957"})
    technician.post("/patients", {"code": "LYON-001", "sex": "male"})

    assert (answer.status_code, answer.location) == (303, "/patients/IPC-001")
    found = technician.get("/patients?code=IPC").text
    assert "IPC-001" in found
    assert "LYON-001" not in found


def test_what_is_wrong_stands_beside_its_field(app):
    page = people.browser(app).post("/patients", {"code": "A-1", "birth_year": "57", "sex": "x"})

    assert page.status_code == 422
    assert 'id="problem-sex"' in page.text
    page = people.browser(app).post("/patients", {"code": "A-1", "birth_year": "57"})
    assert 'id="problem-birth_year"' in page.text
    assert 'value="A-1"' in page.text


def test_who_sees_every_site_chooses_one(app):
    people.browser(app)
    page = people.browser(app, "administrator", site_code=None).get("/patients/new").text
    assert '<option value="IPC"' in page
