"""The pages of a withdrawal: what it reaches is shown before it is done."""

import pytest

from tests import paper, people

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


# --- one page with all that is left to do


@pytest.fixture
def manager(app):
    """Somebody else than who records, who may take a withdrawal back."""
    return people.browser(app, "manager")


def withdrawn(technician, **more):
    return technician.post("/patients/A-1/withdrawals", GIVEN | more).location


def test_an_objection_is_offered_and_recorded(app, technician, tube):
    assert "Objects to genetic examinations" in technician.get("/patients/A-1/withdrawals/new").text
    objection = {"scope": '{"objection": "NO_GENETIC"}', "fate": "keep", "channel": "phone"}

    checked = technician.post("/patients/A-1/withdrawals/check", GIVEN | objection)
    page = technician.get(checked.location).text
    assert all(
        said in page for said in ("Objects to genetic examinations", "by telephone", "Nothing is held")
    )

    page = technician.get(withdrawn(technician, **objection)).text
    assert all(said in page for said in ("Objects to genetic examinations", "by telephone", tube))
    assert "Objects to genetic examinations" in technician.get("/patients/A-1").text


def test_what_a_part_cannot_do_is_said_before(technician, tube):
    objection = {"scope": '{"objection": "NO_GENETIC"}', "fate": "destroy"}
    checked = technician.post("/patients/A-1/withdrawals/check", GIVEN | objection)
    assert "Nothing is destroyed" in technician.get(checked.location).text


def test_an_unknown_channel_stands_beside_its_field(technician):
    page = technician.post("/patients/A-1/withdrawals/check", GIVEN | {"channel": "pigeon"})
    assert (page.status_code, 'id="problem-channel"' in page.text) == (422, True)


def test_work_that_is_left_is_listed_until_it_is_done(app, technician, manager, tube):
    assert "Nothing is left to do" in technician.get("/withdrawals").text
    address = withdrawn(technician)
    assert address in technician.get("/withdrawals").text.replace("&amp;", "&")
    assert "Tubes to destroy" in technician.get("/").text
    assert technician.get(f"{address}/certificate.pdf").status_code == 409

    (task,) = people.api(app).get("/destructions").json["items"]
    technician.post(f"/destructions/{task['id']}/confirm", {"raw": tube})
    manager.post(f"/destructions/{task['id']}/witness", {"raw": tube})

    assert "Nothing is left to do" in technician.get("/withdrawals").text
    assert "1 destroyed" in technician.get(address).text


def test_the_certificate_names_tubes_and_people_and_the_person_by_pseudonym_alone(
    app, technician, manager, tube
):
    address = withdrawn(technician)
    (task,) = people.api(app).get("/destructions").json["items"]
    technician.post(f"/destructions/{task['id']}/confirm", {"raw": tube})
    manager.post(f"/destructions/{task['id']}/witness", {"raw": tube})

    english = technician.get(f"{address}/certificate.pdf?language=en")
    french = technician.get(f"{address}/certificate.pdf?language=fr")

    assert english.content_type == "application/pdf"
    said = paper.text(english.data)
    assert all(part in said for part in ("Certificate of destruction", "A-1", tube, "1 March 2012"))
    assert "technician-" in said
    assert "manager-" in said
    assert "A-1" not in english.headers["Content-Disposition"]
    assert "1 mars 2012" in paper.text(french.data)


def test_while_the_withdrawal_stands_nobody_cancels_the_destruction(app, technician, manager, tube):
    address = withdrawn(technician)
    (task,) = people.api(app).get("/destructions").json["items"]
    for somebody in (technician, manager):
        refused = somebody.post(f"/destructions/{task['id']}/cancel", {"reason": "I say so"})
        assert (refused.status_code, "still stands" in refused.text) == (409, True)

    assert manager.post(f"{address}/reversal", {"reason": "Another patient"}).status_code == 303
    assert people.api(app).get("/destructions").json["items"] == []


def test_the_certificate_tells_what_was_not_destroyed(app, technician, manager, tube):
    told = {"patient": "A-1", "study": "ESSAI", "type": "Plasma", "collected_at": "2012-02-01"}
    kept = people.api(app).post("/samples", told).json["code"]
    address = withdrawn(technician)
    first = people.api(app).get("/destructions").json["items"][0]
    technician.post(f"/destructions/{first['id']}/confirm", {"raw": first["sample"]})
    manager.post(f"/destructions/{first['id']}/witness", {"raw": first["sample"]})
    assert "Not destroyed" not in paper.text(manager.get(f"{address}/certificate.pdf").data)

    manager.post(f"{address}/reversal", {"reason": "Another patient"})

    said = paper.text(manager.get(f"{address}/certificate.pdf?language=en").data)
    assert all(part in said for part in ("Not destroyed", kept, tube))


def test_a_withdrawal_says_where_everything_is_and_offers_who_may_to_take_it_back(technician, manager, tube):
    address = withdrawn(technician)
    page = technician.get(address).text
    assert all(said in page for said in (tube, "Promises let go", "To destroy", "Used already"))
    assert "Recorded by mistake" not in page
    assert "Recorded by mistake" in manager.get(address).text
    assert technician.get(f"{address}/undo").status_code == 403


def test_a_mistake_is_taken_back_with_a_reason(technician, manager, tube):
    address = withdrawn(technician)
    assert "What the mistake was" in manager.get(f"{address}/undo").text
    refused = manager.post(f"{address}/reversal", {"reason": ""})
    assert (refused.status_code, 'id="problem-reversal-reason"' in refused.text) == (422, True)
    refused = manager.post(f"{address}/lift", {"reason": "Signed again"})
    assert (refused.status_code, "still withdrawn" in refused.text) == (409, True)

    assert manager.post(f"{address}/reversal", {"reason": "Another patient"}).location == address

    page = manager.get(address).text
    assert all(said in page for said in ("not in force", "Another patient"))
    assert "not in force" in manager.get("/patients/A-1").text
    assert manager.post(f"{address}/reversal", {"reason": "Again"}).status_code == 409


def test_who_recorded_it_is_told_to_ask_somebody_else(app, tube):
    both = people.browser(app, "manager")
    address = withdrawn(both)
    assert "somebody else must say" in both.get(f"{address}/undo").text
    assert both.post(f"{address}/reversal", {"reason": "Mine"}).status_code == 409


def test_another_sites_withdrawal_is_not_there(app, technician, tube):
    address = withdrawn(technician)
    stranger = people.browser(app, "manager", site_code="IUCT")
    for path in (address, f"{address}/undo", f"{address}/certificate.pdf"):
        assert stranger.get(path).status_code == 404, path
    for path in (f"{address}/reversal", f"{address}/lift"):
        assert stranger.post(path, {"reason": "x"}).status_code == 404, path
    assert "A-1" not in stranger.get("/withdrawals").text


def test_a_withdrawn_tube_is_put_aside_or_destroyed_and_nothing_else(app, technician, tube):
    api = people.api(app)
    before = api.get(f"/scan?raw={tube}").json["actions"]
    assert "aliquot" in before or "derive" in before
    assert "put_back" not in before  # it never stood anywhere

    withdrawn(technician)

    after = set(api.get(f"/scan?raw={tube}").json["actions"])
    assert {"place", "discard"} <= after
    assert not after & {"aliquot", "derive", "receive", "put_back"}


def test_the_patients_page_says_what_is_in_store_out_and_used(technician, tube):
    page = technician.get("/patients/A-1").text
    assert all(said in page for said in ("In store", "Out of the bank", "Used already"))
