"""What left is asked back: one letter for each request and recipient, which names nobody, and a day for the answer."""

from datetime import timedelta

import pytest

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.distribution import letter, recalls
from biobank.distribution import service as distribution
from biobank.distribution.models import Recall
from biobank.patients import service as patients
from biobank.requests import service as requests
from biobank.storage import destruction
from biobank.web import letters
from biobank.withdrawal import service as withdrawal
from tests import paper, people
from tests.requests.world import api_of, browser_of

pytestmark = pytest.mark.usefixtures("frozen_clock")


def withdraw(world, donor, scope="all", fate="keep"):
    return unit_of_work(
        lambda: withdrawal.withdraw(
            patient=patients.find_patient(donor, world.technician), scope=scope, received_on=clock.now().date(),
            fate=fate, by=world.technician,
        )
    )  # fmt: skip


def only_recall():
    db.session.rollback()
    return db.session.scalars(db.select(Recall)).one()


def act(what, by, **told):
    return unit_of_work(lambda: what(recall=only_recall(), by=by, **told))


@pytest.fixture
def donor(world):
    return world.donor()


@pytest.fixture
def out(world, donor):
    """A tube of the donor that was handed out, and its request."""
    tube = world.tube(donor)
    request = world.picked(tube)
    world.hand_out(request, to="Dr Œdipe, unité 7")
    return tube, request


def test_who_received_a_tube_stands_on_its_line(world, out):
    (line,) = requests.lines_of(world.request(out[1]))
    assert (line.handed_to, line.handed_at) == ("Dr Œdipe, unité 7", clock.now())


def test_one_letter_for_each_request_and_recipient(world, donor, out):
    more = [world.tube(donor) for _ in range(3)]
    second = world.picked(*more)
    world.hand_out(second, to="Dr Second")

    told = withdraw(world, donor)["recalls"]

    due_on = (clock.now().date() + timedelta(days=30)).isoformat()
    assert [(each["request"], each["recipient"], each["due_on"]) for each in told] == [
        (out[1], "Dr Œdipe, unité 7", due_on),
        (second, "Dr Second", due_on),
    ]
    first, other = recalls.letters(
        recalls.recalls_of([db.session.scalars(db.select(Recall)).first().withdrawal_id])
    )
    assert [sample.code for sample in first.samples] == [out[0]]
    assert [sample.code for sample in other.samples] == more
    acts = [entry["act"] for entry in audit.history("sample", out[0])]
    assert acts[-1] == "recalled"


def test_a_line_that_names_nobody_is_the_researchers(world, donor):
    tube = world.tube(donor)
    code = world.picked(tube)

    def given_before_recipients_were_kept():
        (line,) = requests.lines_of(requests.find_request(code, world.manager))
        line.status = "handed_out"
        world.sample(tube).status = "handed_out"

    unit_of_work(given_before_recipients_were_kept)

    (told,) = withdraw(world, donor)["recalls"]
    assert told["recipient"] == world.researcher.name


def test_what_came_back_before_is_not_asked_back(world, donor, out):
    unit_of_work(
        lambda: distribution.return_sample(sample=world.sample(out[0]), amount=400_000, by=world.technician)
    )
    assert withdraw(world, donor)["recalls"] == []


def test_what_comes_back_later_is_destroyed_where_that_was_asked_for(world, donor, out):
    withdraw(world, donor, fate="destroy")
    unit_of_work(
        lambda: distribution.return_sample(sample=world.sample(out[0]), amount=400_000, by=world.technician)
    )
    (row,) = destruction.listed(destruction.list_open(world.technician).items)
    assert row.sample.code == out[0]


def test_what_comes_back_later_is_kept_where_it_was_not(world, donor, out):
    withdraw(world, donor)
    unit_of_work(
        lambda: distribution.return_sample(sample=world.sample(out[0]), amount=400_000, by=world.technician)
    )
    assert destruction.count_open(world.technician) == 0


def test_the_letter_says_what_to_do_by_when_and_names_nobody(app, world, donor, out):
    withdraw(world, donor)
    (found,) = recalls.letters([only_recall()])

    with app.test_request_context("/?language=en"), letters.in_language():
        said = paper.text(letter.write(found))
    with app.test_request_context("/?language=fr"), letters.in_language():
        french = paper.text(letter.write(found))

    patient = patients.find_patient(donor, world.technician)
    for text, day in ((said, "13 April 2012"), (french, "13 avril 2012")):
        assert all(part in text for part in ("Dr Œdipe, unité 7", out[0], out[1], day))
        assert all(part not in text for part in (donor, str(patient.subject_key), "withdr"))
    assert "to destroy what is left, or to return it to us" in said


def test_a_letter_is_sent_once_and_answered_once(world, donor, out):
    withdraw(world, donor)

    sent = act(recalls.mark_sent, world.technician)
    assert (sent.sent_at, sent.sent_by) == (clock.now(), world.technician.key)
    with pytest.raises(RuleViolation, match="recall_sent_already"):
        act(recalls.mark_sent, world.technician)

    with pytest.raises(Malformed) as refused:
        act(recalls.record_answer, world.technician, answer="lost")
    assert list(refused.value.fields) == ["answer"]
    answered = act(recalls.record_answer, world.technician, answer="destroyed", note=" Autoclaved ")
    assert (answered.answer, answered.note) == ("destroyed", "Autoclaved")
    with pytest.raises(RuleViolation, match="recall_answered_already"):
        act(recalls.record_answer, world.technician, answer="returned")


def test_an_answer_is_overdue_the_day_after_its_last_day(world, donor, out):
    withdraw(world, donor)
    for days, late in ((30, False), (31, True)):
        with clock.freeze(clock.now() + timedelta(days=days)):
            assert recalls.is_overdue(only_recall()) is late
    act(recalls.record_answer, world.technician, answer="stopped")
    with clock.freeze(clock.now() + timedelta(days=31)):
        assert not recalls.is_overdue(only_recall())


def test_another_site_reads_and_answers_no_letter(world, donor, out):
    withdraw(world, donor)
    stranger = people.actor("manager", site_code="IUCT")
    with pytest.raises(NotFound):
        recalls.find_recall(only_recall().id, stranger)
    for what, told in ((recalls.mark_sent, {}), (recalls.record_answer, {"answer": "stopped"})):
        with pytest.raises(NotFound):
            act(what, stranger, **told)


# --- at the edge


def test_the_page_of_a_letter(app, world, donor, out):
    withdraw(world, donor)
    browser, address = browser_of(app, world.technician), f"/recalls/{only_recall().id}"

    page = browser.get(address).text
    assert all(part in page for part in ("Dr Œdipe", out[0], out[1]))
    assert donor not in page
    pdf = browser.get(f"{address}/letter.pdf?language=fr")
    assert pdf.content_type == "application/pdf"
    assert donor not in pdf.headers["Content-Disposition"]
    assert out[0] in paper.text(pdf.data)
    assert browser.get(f"{address}/letter.pdf?language=xx").status_code == 422

    assert browser.post(f"{address}/sent").status_code == 303
    assert browser.post(f"{address}/sent").status_code == 409
    refused = browser.post(f"{address}/answer", {"answer": "lost"})
    assert (refused.status_code, 'id="problem-answer"' in refused.text) == (422, True)
    assert browser.post(f"{address}/answer", {"answer": "used_up", "note": "All of it"}).status_code == 303
    assert "All of it" in browser.get(address).text


def test_the_letter_of_another_site_is_not_there(app, world, donor, out):
    withdraw(world, donor)
    key = only_recall().id
    stranger = people.actor("manager", site_code="IUCT")
    page, api = browser_of(app, stranger), api_of(app, stranger)
    for path in (f"/recalls/{key}", f"/recalls/{key}/letter.pdf", "/recalls/9999999999999999999999"):
        assert page.get(path).status_code == 404, path
    assert page.post(f"/recalls/{key}/sent").status_code == 404
    assert page.post(f"/recalls/{key}/answer", {"answer": "stopped"}).status_code == 404
    assert api.get(f"/recalls/{key}").status_code == 404
    assert api.post(f"/recalls/{key}/sent").status_code == 404


def test_letters_over_the_api(app, world, donor, out):
    key = withdraw(world, donor)["recalls"][0]["id"]
    api = api_of(app, world.technician)

    assert api.get(f"/recalls/{key}").json["samples"] == [out[0]]
    assert api.post(f"/recalls/{key}/sent").json["sent_at"]
    assert api.post(f"/recalls/{key}/answer", {"answer": "lost"}).status_code == 422
    answered = api.post(f"/recalls/{key}/answer", {"answer": "returned"})
    assert (answered.status_code, answered.json["answer"]) == (200, "returned")
