"""The pages and the API on which two people break the link to a person."""

import re
from urllib.parse import quote

import pytest
from sqlalchemy import select

from biobank.core.db import db
from biobank.web.models import IdempotencyKey
from tests import people

GIVEN = {"scope": "all", "received_on": "2012-03-01", "fate": "keep"}
WHY = {"reason": "asked for by post"}


@pytest.fixture
def api(app):
    api = people.api(app, "manager")
    api.post("/patients", {"code": "B-0815"})
    api.post("/studies", {"code": "ESSAI", "title": "Essai"})
    return api


@pytest.fixture
def tube(api):
    sample = {"patient": "B-0815", "study": "ESSAI", "type": "Plasma", "collected_at": "2012-02-01"}
    code = api.post("/samples", sample).json["code"]
    api.post(f"/samples/{code}/holds", {"code": "other", "note": "B-0815 <b>fell</b> ill"})
    return code


@pytest.fixture
def withdrawn(api, tube):
    assert api.post("/patients/B-0815/withdrawals", GIVEN).status_code == 201


@pytest.fixture
def first(app):
    return people.browser(app, "manager")


@pytest.fixture
def second(app):
    return people.browser(app, "dpo")


def fields_of(page):
    """What the form of the second person holds: what was looked at, and what is ticked."""
    looked_at = re.search(r'name="looked_at" value="(\w+)"', page)
    ticked = re.findall(r'name="erase" value="(\w+)" checked', page)
    return {"looked_at": looked_at and looked_at.group(1), "erase": ticked}


def test_one_asks_another_looks_and_agrees(app, withdrawn, first, second, tube):
    assert "anonymisations/new" in first.get("/patients/B-0815").text
    assert "old backups" in first.get("/patients/B-0815/anonymisations/new").text
    made = first.post("/patients/B-0815/anonymisations", WHY)
    assert made.status_code == 303
    own = first.get(made.location).text
    assert "You asked for it: somebody else must agree." in own
    assert "/agree" not in own

    assert "/anonymisations" in second.get("/").text
    assert "B-0815" in second.get("/anonymisations").text
    page = second.get(made.location).text
    assert "Note of a hold" in page
    assert "B-0815 &lt;b&gt;fell&lt;/b&gt; ill" in page
    assert tube in page
    fields = fields_of(page)
    assert len(fields["erase"]) == 1

    done = second.post(f"{made.location}/agree", fields | {"code": "B-0815", "idempotency_key": "k"})

    assert done.status_code == 303
    after = second.get(done.location).text
    assert "The link is broken" in after
    assert "B-0815" not in after
    assert second.get("/patients/B-0815").status_code == 404
    new = re.search(r"ANON-\w+", after).group()
    shown = first.get(f"/patients/{new}").text
    assert "The link to this person was broken" in shown
    assert "consents/new" not in shown
    sample = first.get(f"/samples/{tube}").text
    assert new in sample
    assert "B-0815" not in sample.replace(
        "B-0815 &lt;b&gt;fell", ""
    )  # the record of the hold keeps its reason
    assert first.get("/scan", query_string={"raw": new}).status_code in (200, 409)
    assert first.get("/anonymisations").status_code == 200
    with app.app_context():
        kept = db.session.scalars(select(IdempotencyKey)).all()
        assert not [row for row in kept if "B-0815" in row.route + row.answer]


def test_who_asked_cannot_send_the_form_either(withdrawn, first):
    made = first.post("/patients/B-0815/anonymisations", WHY)
    answer = first.post(f"{made.location}/agree", {"code": "B-0815", "looked_at": "x"})

    assert answer.status_code == 409
    assert "somebody else must agree" in answer.text


def test_another_pseudonym_is_told_beside_the_field_and_the_ticks_stay(withdrawn, first, second):
    made = first.post("/patients/B-0815/anonymisations", WHY)
    fields = fields_of(second.get(made.location).text)

    again = second.post(f"{made.location}/agree", fields | {"erase": [], "code": "B-0816"})

    assert again.status_code == 422
    assert 'id="problem-code"' in again.text
    assert fields_of(again.text)["erase"] == []


def test_what_was_added_meanwhile_must_be_looked_at_first(api, withdrawn, first, second, tube):
    made = first.post("/patients/B-0815/anonymisations", WHY)
    fields = fields_of(second.get(made.location).text)
    api.post(f"/samples/{tube}/holds", {"code": "inventory", "note": "is it B-0815?"})

    answer = second.post(f"{made.location}/agree", fields | {"code": "B-0815"})

    assert answer.status_code == 409
    assert "is it B-0815?" in answer.text


def test_it_is_cancelled_with_a_reason(withdrawn, first, second):
    made = first.post("/patients/B-0815/anonymisations", WHY)
    assert second.post(f"{made.location}/cancel", {"reason": ""}).status_code == 422

    done = second.post(f"{made.location}/cancel", {"reason": "the person called again"})

    assert "the person called again" in second.get(done.location).text
    assert "Nothing waits." in second.get("/anonymisations").text


def test_without_a_withdrawal_the_page_says_so(api, first):
    assert "has not withdrawn everything" in first.get("/patients/B-0815/anonymisations/new").text
    answer = first.post("/patients/B-0815/anonymisations", WHY)
    assert answer.status_code == 409
    assert "B-0815 has none" in answer.text


def test_a_reason_that_names_the_person_is_refused_beside_its_field(withdrawn, first):
    answer = first.post("/patients/B-0815/anonymisations", {"reason": "b-0815 wants it"})
    assert answer.status_code == 422
    assert 'id="problem-reason"' in answer.text


def test_another_site_finds_nothing(app, withdrawn, first):
    made = first.post("/patients/B-0815/anonymisations", WHY)
    there = people.browser(app, "manager", site_code="IUCT")

    assert there.get(made.location).status_code == 404
    assert there.get("/patients/B-0815/anonymisations/new").status_code == 404
    assert there.post("/patients/B-0815/anonymisations", WHY).status_code == 404
    assert there.post(f"{made.location}/agree", {"code": "B-0815"}).status_code == 404
    assert there.post(f"{made.location}/cancel", WHY).status_code == 404
    assert "B-0815" not in there.get("/anonymisations").text


def test_a_technician_may_not(app, withdrawn):
    technician = people.browser(app)
    assert technician.get("/anonymisations").status_code == 403
    assert technician.post("/patients/B-0815/anonymisations", WHY).status_code == 403
    assert "anonymisations/new" not in technician.get("/patients/B-0815").text


# --- the API


def test_the_api_does_the_same(app, api, withdrawn, tube):
    made = api.post("/patients/B-0815/anonymisations", WHY)
    assert (made.status_code, made.json["status"], made.json["patient"]) == (201, "open", "B-0815")
    assert [item["id"] for item in api.get("/anonymisations").json["items"]] == [made.json["id"]]

    address = f"/anonymisations/{made.json['id']}"
    shown = api.get(address).json
    note = next(trace for trace in shown["traces"] if trace["place"] == "hold.note")
    assert (note["text"], note["fate"], note["overwrite"]) == ("Note of a hold", "overwritable", True)
    assert note["belongs_to"] == [{"kind": "sample", "code": tube}]
    body = {"code": "B-0815", "looked_at": shown["looked_at"], "overwrite": [note["key"]]}
    assert api.post(f"{address}/agree", body).json["code"] == "anonymisation_same_person"

    other = people.api(app, "dpo")
    assert other.post(f"{address}/agree", body | {"code": "X"}).status_code == 422
    done = other.post(f"{address}/agree", body)

    assert (done.status_code, done.json["status"]) == (200, "agreed")
    assert done.json["patient"].startswith("ANON-")
    assert api.get("/patients/B-0815").status_code == 404
    assert other.post(f"{address}/agree", body).json["code"] == "anonymisation_ended"
    assert other.post(f"{address}/cancel", WHY).json["code"] == "anonymisation_ended"
    refused = api.post(f"/patients/{done.json['patient']}/withdrawals", GIVEN)
    assert (refused.status_code, refused.json["code"]) == (409, "patient_anonymised")


def test_an_asking_through_the_withdrawal_waits_in_the_list(api, tube):
    api.post("/patients/B-0815/withdrawals", GIVEN | {"fate": "anonymise"})
    (waiting,) = api.get("/anonymisations").json["items"]
    assert (waiting["reason"], waiting["status"]) == ("", "open")


def test_what_is_unknown_is_not_found(api):
    assert api.get("/anonymisations/99").json["code"] == "anonymisation_unknown"
    assert api.get("/anonymisations/99999999999999999999").status_code == 404
    assert api.post("/patients/nobody/anonymisations", WHY).status_code == 404
    assert api.post("/patients/B-0815/anonymisations", {}).status_code == 422


@pytest.mark.parametrize("code", ["1", "a", "agree", "O'Neill", "50%25", "Zoé"])
def test_a_pseudonym_that_is_a_word_of_our_own_addresses_goes_like_any_other(app, api, second, code):
    api.post("/patients", {"code": code})
    api.post(f"/patients/{quote(code)}/withdrawals", GIVEN | {"fate": "anonymise"})
    (waiting,) = api.get("/anonymisations").json["items"]
    address = f"/anonymisations/{waiting['id']}"
    fields = fields_of(second.get(address).text)

    sent = [
        second.post(f"{address}/agree", fields | {"code": code, "idempotency_key": "a-key-of-ours"})
        for _ in range(2)
    ]

    assert [(answer.status_code, answer.location) for answer in sent] == [(303, address)] * 2
    assert "The link is broken" in second.get(address).text
