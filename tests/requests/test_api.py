"""The API of requests, and that a researcher reads nothing of a patient in any of its answers."""

import pytest
from sqlalchemy import select

from biobank.core.db import db
from biobank.patients.models import Patient
from biobank.requests import service as requests
from tests.requests import world as worlds

NEW = {"title": "Plasma proteins", "purposes": ["HMB"], "organisation": "non-profit"}


@pytest.fixture
def ada(app, world):
    """The researcher's program."""
    return worlds.api_of(app, world.researcher)


@pytest.fixture
def manager(app, world):
    return worlds.api_of(app, world.manager)


@pytest.fixture
def technician(app, world):
    return worlds.api_of(app, world.technician)


def test_a_request_goes_from_draft_to_completed(world, ada, manager, technician):
    first, second = world.tube(), world.tube()

    made = ada.post("/requests", NEW | {"samples": [first], "country": "fr"})
    assert made.status_code == 201
    code = made.json["code"]
    assert (made.json["status"], made.json["country"], made.json["site"]) == ("draft", "FR", "IPC")

    added = ada.post(f"/requests/{code}/lines", {"samples": [second]})
    assert [line["sample"] for line in added.json["lines"]] == [first, second]
    assert ada.post(f"/requests/{code}/submit").json["status"] == "submitted"

    approved = manager.post(f"/requests/{code}/approve")
    assert approved.status_code == 200
    assert [(line["status"], line["verdict"]) for line in approved.json["lines"]] == [
        ("reserved", "permit")
    ] * 2
    assert approved.json["lines"][0]["reasons"][0]["code"] == "granted"

    todo = technician.get(f"/requests/{code}/picks").json["items"]
    assert [(stop["sample"], stop["position"]) for stop in todo] == [(first, "A01"), (second, "A02")]
    picked = technician.post(f"/requests/{code}/picks", {"sample": first})
    assert picked.status_code == 201
    assert (picked.json["left"], picked.json["next"]["sample"]) == (1, second)
    technician.post(f"/requests/{code}/picks", {"sample": second})

    given = technician.post(f"/requests/{code}/hand-out", {"to": "Dr Ada"})
    assert given.json == {"handed_out": [first, second], "refused": [], "status": "completed"}
    assert ada.get(f"/requests/{code}").json["counts"]["handed_out"] == 2


def test_a_wrong_tube_is_a_problem_that_names_the_right_one(world, technician):
    right, wrong = world.tube(), world.tube()
    code = world.approved(right)

    answer = technician.post(f"/requests/{code}/picks", {"sample": wrong})

    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert answer.json["code"] == "wrong_tube"
    assert right in answer.json["detail"]
    assert answer.json["reasons"][0]["code"] == "not_in_request"


def test_a_pick_that_consent_refuses_now_carries_every_reason(world, technician):
    donor = world.donor()
    tube = world.tube(donor)
    code = world.approved(tube)
    world.withdraw(donor)

    answer = technician.post(f"/requests/{code}/picks", {"sample": tube})

    assert (answer.status_code, answer.json["code"]) == (409, "use_refused")
    assert all(reason["text"] for reason in answer.json["reasons"])


def test_what_is_missing_is_said_with_the_same_call(world, technician):
    tube, other = world.tube(), world.tube()
    code = world.approved(tube, other)
    answer = technician.post(f"/requests/{code}/picks", {"sample": tube, "missing": True})
    assert (answer.json["line"], answer.json["next"]["sample"]) == ("released", other)
    assert world.fresh_sample(tube).status == "lost"


def test_a_tube_comes_back(world, technician):
    tube = world.tube(volume_ul=500)
    code = world.picked(tube)
    world.hand_out(code)

    answer = technician.post(f"/requests/{code}/returns", {"sample": tube, "volume_ul": 120.5})

    assert (answer.status_code, answer.json["status"], answer.json["volume_ul"]) == (201, "available", 120.5)


def test_one_key_hands_out_once(world, technician):
    code = world.picked(world.tube())
    once = {"headers": {"Idempotency-Key": "k1"}}

    first = technician.post(f"/requests/{code}/hand-out", {"to": "Dr Ada"}, **once)
    again = technician.post(f"/requests/{code}/hand-out", {"to": "Dr Ada"}, **once)

    assert first.json == again.json
    assert again.status_code == first.status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"purposes": ["HMB"]}, "title"),
        (NEW | {"purposes": []}, "purposes"),
        (NEW | {"purposes": ["XYZ"]}, "purposes.0"),
        (NEW | {"organisation": "charity"}, "organisation"),
        (NEW | {"country": "FRA"}, "country"),
        (NEW | {"genetic": "maybe"}, "genetic"),
        (NEW | {"samples": ["T99999999"]}, "samples"),
        (NEW | {"patient": "P1"}, "patient"),
    ],
)
def test_what_is_malformed_is_named(ada, body, field):
    answer = ada.post("/requests", body)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]


def test_a_line_is_struck_out(world, ada):
    tube, other = world.tube(), world.tube()
    code = world.draft(tube, other)
    answer = ada.open("DELETE", f"/requests/{code}/lines/{tube}")
    assert [line["sample"] for line in answer.json["lines"]] == [other]
    assert ada.open("DELETE", f"/requests/{code}/lines/{tube}").status_code == 404


def test_a_refusal_and_a_cancellation(world, ada, manager):
    refused, cancelled = world.submitted(world.tube()), world.submitted(world.tube())
    assert manager.post(f"/requests/{refused}/refuse", {}).status_code == 422
    assert manager.post(f"/requests/{refused}/refuse", {"reason": "No."}).json["settled_reason"] == "No."
    assert ada.post(f"/requests/{cancelled}/cancel").json["status"] == "cancelled"


def test_lists_are_paged_and_filtered(world, ada, manager):
    codes = [world.draft() for _ in range(3)]
    world.act(requests.cancel, codes[0], world.researcher)

    page = ada.get("/requests?limit=2").json
    assert [item["code"] for item in page["items"]] == [codes[2], codes[1]]
    rest = ada.get(f"/requests?limit=2&after={page['next']}").json
    assert ([item["code"] for item in rest["items"]], rest["next"]) == ([codes[0]], None)
    assert [item["code"] for item in manager.get("/requests?status=cancelled").json["items"]] == [codes[0]]
    assert manager.get("/requests?mine=true").json["items"] == []
    assert ada.get("/requests?status=nonsense").status_code == 422


# --- who may


@pytest.mark.parametrize(
    ("roles", "method", "path", "status"),
    [
        (("researcher",), "POST", "/requests/{code}/approve", 403),
        (("researcher",), "POST", "/requests/{code}/refuse", 403),
        (("researcher",), "POST", "/requests/{code}/picks", 403),
        (("researcher",), "POST", "/requests/{code}/hand-out", 403),
        (("researcher",), "GET", "/requests/{code}/picks", 403),
        (("researcher",), "GET", "/requests/{code}", 404),
        (("technician",), "GET", "/requests/{code}", 200),
        (("technician",), "POST", "/requests/{code}/approve", 403),
        (("technician",), "POST", "/requests", 403),
        (("technician",), "POST", "/requests/{code}/cancel", 403),
        (("committee",), "GET", "/requests/{code}", 200),
        (("committee",), "POST", "/requests/{code}/approve", 200),
        (("committee",), "POST", "/requests/{code}/picks", 403),
        (("dpo",), "GET", "/requests/{code}", 200),
        (("dpo",), "POST", "/requests/{code}/submit", 403),
    ],
)
def test_each_role_does_its_own_part(app, world, roles, method, path, status):
    code = world.submitted(world.tube())
    api = worlds.api_of(app, worlds.person(*roles))
    body = {"reason": "x"} if path.endswith(("refuse", "cancel")) else None
    answer = api.open(method, path.format(code=code), body)
    assert answer.status_code == status


def test_a_manager_does_not_approve_their_own_request(app, world):
    both = worlds.person("researcher", "manager")
    code = world.draft(world.tube(), by=both)
    api = worlds.api_of(app, both)
    api.post(f"/requests/{code}/submit")

    answer = api.post(f"/requests/{code}/approve")

    assert (answer.status_code, answer.json["code"]) == (403, "own_request")


def test_a_researcher_reads_nothing_of_a_patient(app, world, ada, manager, technician):
    """Every answer along the way, with a pool of two donors and a withdrawal in it, is searched for whose they are."""
    donors = [world.donor(), world.donor(["DS:C50"]), world.donor(consents=False), world.donor()]
    tubes = [world.tube(donor) for donor in donors]
    answers = [ada.post("/requests", NEW | {"samples": tubes})]
    code = answers[0].json["code"]
    answers += [
        ada.get(f"/requests/{code}/feasibility"),
        ada.post(f"/requests/{code}/lines", {"samples": tubes}),
        ada.post(f"/requests/{code}/submit"),
    ]
    manager.post(f"/requests/{code}/approve")
    world.withdraw(donors[3], samples=[tubes[3]])
    technician.post(f"/requests/{code}/picks", {"sample": tubes[0]})
    technician.post(f"/requests/{code}/hand-out", {"to": "Dr Ada"})
    answers += [ada.get(f"/requests/{code}"), ada.get("/requests"), ada.post(f"/requests/{code}/cancel")]
    browser = worlds.browser_of(app, world.researcher)
    answers += [browser.get(f"/requests/{code}"), browser.get("/requests/mine"), browser.get("/requests/new")]

    read = "\n".join(answer.get_data(as_text=True) for answer in answers)

    db.session.rollback()
    for patient in db.session.scalars(select(Patient)):
        assert patient.code not in read
        assert patient.subject_key not in read
    for said in ("withdrew", "withdrawn", "2012-01-10", "F-HMB"):
        assert said not in read
    last = {line["sample"]: line for line in ada.get(f"/requests/{code}").json["lines"]}
    assert [last[tube]["status"] for tube in tubes] == ["handed_out", "refused", "refused", "released"]
    assert {reason["code"] for tube in tubes[1:] for reason in last[tube]["reasons"]} == {
        "consent_does_not_allow"
    }


# --- what the rules leave to people


@pytest.fixture
def delicate(world):
    """Two tubes asked for, for children. gives the request's number and the tubes'"""
    tubes = [world.tube(), world.tube()]
    return world.submitted(*tubes, flags=["paediatric"]), tubes


LIFT = {"reason": "flag_paediatric", "outcome": "lift", "why": "Opinion of 3 March."}


def test_what_is_left_to_people_is_read_settled_and_approved(app, world, delicate):
    code, tubes = delicate
    committee = worlds.api_of(app, worlds.person("committee"))

    asked = committee.get(f"/requests/{code}/reviews").json
    assert (asked["open"], [each["reason"] for each in asked["reviews"]]) == (2, ["flag_paediatric"])
    assert (asked["reviews"][0]["open"], asked["reviews"][0]["settled"]) == (tubes, [])
    assert "children" in asked["reviews"][0]["text"]

    some = committee.post(f"/requests/{code}/reviews", LIFT | {"samples": tubes[:1]})
    assert some.status_code == 201
    (act,) = some.json["reviews"][0]["settled"]
    assert (act["outcome"], act["why"], act["samples"]) == ("lift", "Opinion of 3 March.", tubes[:1])
    assert act["by"].startswith("committee")
    assert some.json["reviews"][0]["open"] == tubes[1:]

    assert committee.post(f"/requests/{code}/reviews", LIFT).json["open"] == 0
    lines = committee.post(f"/requests/{code}/approve").json["lines"]
    assert [line["status"] for line in lines] == ["reserved", "reserved"]


def test_one_key_settles_once(app, world, delicate, manager):
    once = {"headers": {"Idempotency-Key": "k1"}}
    first = manager.post(f"/requests/{delicate[0]}/reviews", LIFT, **once)
    again = manager.post(f"/requests/{delicate[0]}/reviews", LIFT, **once)
    assert (first.status_code, first.json) == (201, again.json)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (LIFT | {"reason": "flag_sexual"}, "reason"),
        (LIFT | {"outcome": "perhaps"}, "outcome"),
        (LIFT | {"why": " "}, "why"),
        ({"reason": "flag_paediatric", "outcome": "lift"}, "why"),
        (LIFT | {"samples": []}, "samples"),
        (LIFT | {"samples": ["T99999999"]}, "samples"),
    ],
)
def test_a_review_that_cannot_be_read_names_the_field(manager, delicate, body, field):
    answer = manager.post(f"/requests/{delicate[0]}/reviews", body)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_an_unknown_reason_is_told_those_that_are_known(manager, delicate):
    answer = manager.post(f"/requests/{delicate[0]}/reviews", LIFT | {"reason": "flag_sexual"})
    assert "flag_paediatric" in answer.json["errors"]["reason"]


@pytest.mark.parametrize(
    ("roles", "reads", "settles"),
    [
        (("researcher",), 403, 403),
        (("technician",), 200, 403),
        (("dpo",), 200, 403),
        (("committee",), 200, 201),
        (("manager",), 200, 201),
    ],
)
def test_only_a_reviewer_settles(app, world, delicate, roles, reads, settles):
    api = worlds.api_of(app, worlds.person(*roles))
    assert api.get(f"/requests/{delicate[0]}/reviews").status_code == reads
    assert api.post(f"/requests/{delicate[0]}/reviews", LIFT).status_code == settles


def test_the_researcher_of_the_request_does_not_settle_it_whatever_roles_they_have(app, world):
    both = worlds.person("researcher", "manager")
    code = world.draft(world.tube(), by=both, flags=["paediatric"])
    api = worlds.api_of(app, both)
    api.post(f"/requests/{code}/submit")
    answer = api.post(f"/requests/{code}/reviews", LIFT)
    assert (answer.status_code, answer.json["code"]) == (403, "own_request")


def test_another_sites_reviews_are_not_there(app, world, delicate):
    elsewhere = worlds.api_of(app, worlds.make_world("IUCT").manager)
    assert elsewhere.get(f"/requests/{delicate[0]}/reviews").status_code == 404
    assert elsewhere.post(f"/requests/{delicate[0]}/reviews", LIFT).status_code == 404


def test_a_researcher_reads_only_that_the_committee_looks_or_that_consent_does_not_allow(world, ada, manager):
    plain, waiting, upheld = world.tube(), *[world.tube(world.donor(["HMB", "IRB"])) for _ in range(2)]
    code = world.submitted(plain, waiting, upheld)
    reason = manager.get(f"/requests/{code}/reviews").json["reviews"][0]["reason"]
    no = {"reason": reason, "outcome": "uphold", "why": "No opinion of a committee.", "samples": [upheld]}
    manager.post(f"/requests/{code}/reviews", no)
    manager.post(f"/requests/{code}/approve")

    answer = ada.get(f"/requests/{code}")

    told = {line["sample"]: [reason["code"] for reason in line["reasons"]] for line in answer.json["lines"]}
    assert told == {plain: [], waiting: ["consent_needs_review"], upheld: ["consent_does_not_allow"]}
    for said in ("IRB", "ethics", "opinion", "F-HMB"):
        assert said not in answer.get_data(as_text=True)


def test_who_will_work_with_the_samples_and_how_is_kept_with_the_request(world, ada):
    answer = ada.post(
        "/requests", NEW | {"users": ["Ada Lovelace", "0000-0002-1825-0097"], "research_types": ["biomarker"]}
    )

    assert answer.json["users"] == ["Ada Lovelace", "0000-0002-1825-0097"]
    use = requests.use_of(world.request(answer.json["code"]))
    assert (use.users, use.research_types) == (("Ada Lovelace", "0000-0002-1825-0097"), ("biomarker",))
    assert ada.post("/requests", NEW | {"research_types": ["alchemy"]}).status_code == 422


@pytest.mark.parametrize("approval", ["ethics:CPP@31/03/2027", "@2027-03-31", ":CPP"])
def test_an_approval_that_cannot_be_read_is_named(ada, approval):
    answer = ada.post("/requests", NEW | {"approvals": ["collaboration", approval]})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["approvals.1"])
