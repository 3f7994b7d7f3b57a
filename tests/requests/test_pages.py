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
        "/requests/new", form(samples="\n".join(tubes), ethics="CPP 26.011", ethics_until="2027-03-31")
    )

    assert answer.status_code == 303
    page = ada.get(answer.location).text
    assert "Research on a disease (name it below): C50.1, C61" in page
    assert "ethics:CPP 26.011@2027-03-31" in page
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
