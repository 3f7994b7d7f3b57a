"""The pages of requests: what each reader may see and do on them."""

import pytest

from biobank.requests import asking
from biobank.requests import service as requests
from tests.requests import world as worlds


@pytest.fixture
def ada(app, world):
    """The researcher's browser."""
    return worlds.browser_of(app, world.researcher)


@pytest.fixture
def manager(app, world):
    return worlds.browser_of(app, world.manager)


def form(**fields):
    return {"title": "Plasma proteins", "purposes": "DS", "diseases": "C50.1, C61", "organisation": "non-profit",
            "genetic": "no", "commercial": ""} | fields  # fmt: skip


def test_a_researcher_writes_a_request_in_plain_words_and_sends_it(world, ada):
    tubes = [world.tube(world.donor(["DS:C50,C61"])) for _ in range(2)]
    assert "Research on a disease" in ada.get("/requests/new").text

    answer = ada.post(
        "/requests/new", form(samples="\n".join(tubes), ethics_number="CPP 26.011", ethics_until="2027-03-31")
    )

    assert answer.status_code == 303
    page = ada.get(answer.location).text
    assert "research on a disease (C50.1 " in page
    assert "ethics approval CPP 26.011, until 31 Mar 2027" in page
    code = answer.location.rsplit("/", 1)[1]
    assert requests.use_of(world.request(code)).genetic is False

    ada.post(f"/requests/{code}/submit")
    assert world.request(code).status == "submitted"


def test_what_is_wrong_with_the_form_is_said_beside_its_fields_and_nothing_typed_is_lost(ada):
    answer = ada.post(
        "/requests/new", form(title="", diseases="C999", samples="T99999999", institution="IUCT")
    )

    assert answer.status_code == 422
    assert 'id="problem-title"' in answer.text
    assert "IUCT" in answer.text
    assert "T99999999" in answer.text
    again = ada.post("/requests/new", form(diseases="C999"))
    assert 'id="problem-purposes"' in again.text


def test_a_researcher_reads_counts_and_no_verdict_before_the_decision(world, ada, manager):
    refused = world.tube(world.donor(consents=False))
    code = world.submitted(world.tube(), refused)

    assert "&lt; 10" in ada.get(f"/requests/{code}").text
    staff = manager.get(f"/requests/{code}").text
    assert "&lt; 10" not in staff
    assert "consent_does_not_allow" not in staff
    assert f"/requests/{code}/approve" in staff
    assert f"/requests/{code}/approve" not in ada.get(f"/requests/{code}").text


def test_a_manager_approves_and_refuses_on_the_page(world, manager):
    code, other = world.submitted(world.tube()), world.submitted(world.tube())

    assert manager.post(f"/requests/{code}/approve").status_code == 303
    assert world.request(code).status == "approved"
    assert f"/requests/{code}/fetch" in manager.get(f"/requests/{code}").text

    blank = manager.post(f"/requests/{other}/refuse", {"reason": ""})
    assert blank.status_code == 422
    assert manager.post(f"/requests/{other}/refuse", {"reason": "Too little is left."}).status_code == 303
    assert "Too little is left." in manager.get(f"/requests/{other}").text


def test_an_approval_that_holds_nothing_says_why(world, manager):
    code = world.submitted(world.tube(world.donor(consents=False)))
    answer = manager.post(f"/requests/{code}/approve")
    assert answer.status_code == 409
    assert "may be kept, not used" in answer.text


def test_ones_own_request_is_decided_by_somebody_else(app, world):
    both = worlds.person("researcher", "manager")
    code = world.draft(world.tube(), by=both)
    browser = worlds.browser_of(app, both)
    browser.post(f"/requests/{code}/submit")

    page = browser.get(f"/requests/{code}").text

    assert "somebody else decides" in page
    assert f"/requests/{code}/approve" not in page


def test_lines_are_added_and_struck_out(world, ada):
    tube, other = world.tube(), world.tube()
    code = world.draft(tube)
    ada.post(f"/requests/{code}/lines", {"samples": f"{other}; {tube}"})
    assert world.lines(code) == {tube: "asked", other: "asked"}

    ada.post(f"/requests/{code}/lines/{tube}/remove")
    assert world.lines(code) == {other: "asked"}

    unknown = ada.post(f"/requests/{code}/lines", {"samples": "T99999999"})
    assert unknown.status_code == 422
    assert "T99999999" in unknown.text


def test_a_request_is_cancelled_on_the_page(world, ada):
    code = world.approved(world.tube())
    assert ada.post(f"/requests/{code}/cancel").status_code == 303
    assert "cancelled" in ada.get("/requests/mine?status=cancelled").text


def test_the_lists_show_each_their_own(app, world, ada, manager):
    code = world.draft(world.tube())
    assert code in ada.get("/requests/mine").text
    assert code in manager.get("/requests").text
    assert code not in manager.get("/requests/mine").text
    assert ada.get("/requests").status_code == 403
    other = worlds.browser_of(app, worlds.person("researcher"))
    assert code not in other.get("/requests/mine").text
    assert other.get(f"/requests/{code}").status_code == 404


def test_codes_are_read_as_they_are_pasted():
    assert asking.read_codes("T1\r\nT2;T3,T1\t T4 ") == ["T1", "T2", "T3", "T4"]
    assert asking.purposes(["DS", "HMB"], "C50; C61") == ["DS:C50,C61", "HMB"]


def test_approvals_people_and_kinds_of_research_are_written_on_the_form_and_shown_in_words(world, ada):
    answer = ada.post(
        "/requests/new",
        form(export_number="MESR 12", publication_number="by letter", publication_until="2027-03-31",
             users="Ada Lovelace\nCurie, Marie", research_types="biomarker"),
    )  # fmt: skip

    page = ada.get(answer.location).text

    assert "agreement to publish the results by letter, until 31 Mar 2027" in page
    assert "authorisation of export MESR 12" in page
    assert "Ada Lovelace; Curie, Marie" in page
    assert "search for or validation of biomarkers" in page
    use = requests.use_of(world.request(answer.location.rsplit("/", 1)[1]))
    assert use.approvals == ("publication:by letter@2027-03-31", "export:MESR 12")


def test_an_approval_that_cannot_be_read_is_said_beside_its_field(ada):
    answer = ada.post("/requests/new", form(export_number="MESR 12", export_until="soon"))
    assert answer.status_code == 422
    assert 'id="problem-export_number"' in answer.text


# --- what the rules leave to people


def settling(reason="flag_paediatric", **fields):
    return {"question": reason, "outcome": "lift", "why": "Opinion of 3 March."} | fields


def test_a_reviewer_settles_on_the_page_and_sees_by_whom(app, world):
    committee = worlds.browser_of(app, worlds.person("committee"))
    code = world.submitted(*[world.tube() for _ in range(2)], flags=["paediatric"])
    page = committee.get(f"/requests/{code}").text
    assert "The use is about children" in page
    assert "2 samples to settle" in page

    refused = committee.post(f"/requests/{code}/approve")
    assert refused.status_code == 409
    assert "before people have settled" in refused.text

    assert committee.post(f"/requests/{code}/reviews", settling()).status_code == 303
    page = committee.get(f"/requests/{code}").text
    assert "Opinion of 3 March." in page
    assert "committee-" in page
    assert "to settle" not in page
    assert committee.post(f"/requests/{code}/approve").status_code == 303
    assert set(world.lines(code).values()) == {"reserved"}


def test_what_is_wrong_with_a_review_is_said_beside_it_and_nothing_typed_is_lost(world, manager):
    code = world.submitted(world.tube(), flags=["paediatric"])
    answer = manager.post(f"/requests/{code}/reviews", settling(why="", samples="T99999999"))
    assert answer.status_code == 422
    assert 'id="problem-review-0-why"' in answer.text
    assert "T99999999" in answer.text
    assert 'id="problem-reason"' not in answer.text


def test_what_was_settled_after_the_approval_is_approved_on_the_page(world, manager):
    plain, ethics = world.tube(), world.tube(world.donor(["HMB", "IRB"]))
    code = world.approved(plain, ethics)
    page = manager.get(f"/requests/{code}").text
    assert "Approve what was settled" in page
    assert f"/requests/{code}/refuse" not in page

    (question,) = requests.questions(world.request(code))
    manager.post(f"/requests/{code}/reviews", settling(question.key))
    manager.post(f"/requests/{code}/approve")

    assert set(world.lines(code).values()) == {"reserved"}
    assert "Approve what was settled" not in manager.get(f"/requests/{code}").text


def test_what_was_upheld_is_told_as_a_no_before_it_is_decided(world, manager):
    code = world.submitted(world.tube(), flags=["paediatric"])
    manager.post(f"/requests/{code}/reviews", settling(outcome="uphold", why="No opinion was given."))
    assert "did not agree: No opinion was given." in manager.get(f"/requests/{code}").text


def test_who_may_not_settle_is_offered_nothing(app, world, ada):
    code = world.submitted(world.tube(), flags=["paediatric"])
    technician = worlds.browser_of(app, world.technician)

    assert "The use is about children" in technician.get(f"/requests/{code}").text
    for browser in (technician, ada):
        assert f"/requests/{code}/reviews" not in browser.get(f"/requests/{code}").text
        assert browser.post(f"/requests/{code}/reviews", settling()).status_code == 403
    assert "What the rules leave to people" not in ada.get(f"/requests/{code}").text


def test_a_researcher_sees_that_the_committee_looks_at_it_and_no_more(world, ada):
    code = world.approved(world.tube(), world.tube(world.donor(["HMB", "IRB"])))
    page = ada.get(f"/requests/{code}").text
    assert "The committee is looking at it." in page
    assert "clause" not in page
    assert "modifier_irb" not in page


def test_another_sites_manager_settles_nothing(app, world):
    code = world.submitted(world.tube(), flags=["paediatric"])
    elsewhere = worlds.browser_of(app, worlds.make_world("IUCT").manager)
    assert elsewhere.post(f"/requests/{code}/reviews", settling()).status_code == 404
