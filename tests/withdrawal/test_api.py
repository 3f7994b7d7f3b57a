"""Withdrawals over the API."""

import pytest

from tests import people

GIVEN = {"scope": "all", "received_on": "2012-03-01", "fate": "destroy"}


@pytest.fixture
def api(app):
    api = people.api(app, "manager")
    api.post("/patients", {"code": "A-1"})
    api.post("/studies", {"code": "ESSAI", "title": "Essai"})
    return api


def test_a_withdrawal_answers_with_what_it_touched(api):
    sample = {"patient": "A-1", "study": "ESSAI", "type": "Plasma", "collected_at": "2012-02-01"}
    tube = api.post("/samples", sample).json["code"]

    made = api.post("/patients/A-1/withdrawals", GIVEN)

    assert made.status_code == 201
    assert {name: made.json[name] for name in GIVEN} == GIVEN
    assert (made.json["held"], made.json["released"], made.json["out"], made.json["used"]) == (
        [tube],
        [],
        [],
        0,
    )
    (read,) = api.get("/patients/A-1/withdrawals").json["items"]
    assert (read["id"], read["scope"]) == (made.json["withdrawal"], "all")


def test_a_scope_is_given_back_as_it_was_written(api):
    scope = {"study": "ESSAI"}
    assert api.post("/patients/A-1/withdrawals", GIVEN | {"scope": scope}).json["scope"] == scope
    assert api.get("/patients/A-1/withdrawals").json["items"][0]["scope"] == scope


@pytest.mark.parametrize("scope", [None, "some", {}, {"form": "F"}, {"study": 3}, {"study": ["x"]}, ["all"]])
def test_what_is_no_scope_is_refused(api, scope):
    answer = api.post("/patients/A-1/withdrawals", GIVEN | {"scope": scope, "fate": "burn"})

    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"scope", "fate"}


def test_another_site_withdraws_nobody(app, api):
    other = people.api(app, "manager", site_code="IUCT")
    assert other.post("/patients/A-1/withdrawals", GIVEN).status_code == 404
    assert other.get("/patients/A-1/withdrawals").status_code == 404


def test_a_mistake_is_taken_back_over_the_api_by_somebody_else(app, api):
    sample = {"patient": "A-1", "study": "ESSAI", "type": "Plasma", "collected_at": "2012-02-01"}
    tube = api.post("/samples", sample).json["code"]
    made = api.post("/patients/A-1/withdrawals", GIVEN | {"channel": "post"})
    assert (made.json["to_destroy"], made.json["channel"]) == (1, "post")
    address = f"/patients/A-1/withdrawals/{made.json['withdrawal']}"
    other = people.api(app, "dpo")

    assert api.post(f"{address}/reversal", {"reason": "x"}).json["code"] == "reversal_by_recorder"
    assert other.post(f"{address}/reversal", {}).status_code == 422
    assert people.api(app, "technician").post(f"{address}/reversal", {"reason": "x"}).status_code == 403
    assert (
        people.api(app, "manager", site_code="IUCT").post(f"{address}/lift", {"reason": "x"}).status_code
        == 404
    )
    done = other.post(f"{address}/reversal", {"reason": "Another patient"})

    assert (done.status_code, done.json["let_go"], done.json["kept"]) == (201, [tube], [tube])
    (read,) = api.get("/patients/A-1/withdrawals").json["items"]
    assert (read["why_reversed"], read["channel"]) == ("Another patient", "post")
    assert other.post(f"{address}/lift", {"reason": "x"}).json["code"] == "nothing_to_let_go"


def test_an_objection_is_given_back_as_it_was_written(api):
    scope = {"objection": "NO_GENETIC"}
    assert api.post("/patients/A-1/withdrawals", GIVEN | {"scope": scope}).json["scope"] == scope
    assert api.get("/patients/A-1/withdrawals").json["items"][0]["scope"] == scope
    refused = api.post("/patients/A-1/withdrawals", GIVEN | {"scope": {"objection": "GRU"}})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["scope.objection"])
    refused = api.post("/patients/A-1/withdrawals", GIVEN | {"channel": "pigeon"})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["channel"])
