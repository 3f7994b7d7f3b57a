"""Studies over the API."""

from tests import people


def test_a_manager_opens_a_study_and_everybody_of_the_site_lists_it(app):
    manager = people.api(app, "manager")

    made = manager.post("/studies", {"code": "ESSAI", "title": "Essai"})

    assert (made.status_code, made.json["code"], made.json["site"]) == (201, "ESSAI", "IPC")
    assert [each["code"] for each in people.api(app).get("/studies").json["items"]] == ["ESSAI"]
    assert people.api(app, "manager", site_code="IUCT").get("/studies").json["items"] == []


def test_a_technician_opens_none(app):
    assert people.api(app).post("/studies", {"code": "ESSAI", "title": "Essai"}).status_code == 403


def test_who_sees_every_site_names_one(app):
    everywhere = people.api(app, "administrator", site_code=None)
    people.api(app)  # its site

    unnamed = everywhere.post("/studies", {"code": "ESSAI", "title": "Essai"})
    named = everywhere.post("/studies", {"code": "ESSAI", "title": "Essai", "site": "IPC"})

    assert (unnamed.status_code, list(unnamed.json["errors"])) == (422, ["site"])
    assert named.status_code == 201


def test_every_bad_field_is_named(app):
    answer = people.api(app, "manager").post("/studies", {"code": "a b", "colour": "blue"})

    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"code", "title", "colour"}
