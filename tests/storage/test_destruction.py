"""Destruction takes two people and the right tube; nobody goes round it, and a demand that fell is not carried out."""

import pytest

from biobank.audit import service as audit
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.samples.models import Sample
from biobank.storage import destruction
from biobank.storage import service as storage
from biobank.storage.models import DestructionTask
from tests import people
from tests.storage.conftest import FarBench


def ask(bench, *tubes, reason="Tube broken"):
    return bench.do(destruction.open_tasks, sample_ids=[tube.id for tube in tubes], reason=reason)


def task_of(tube):
    db.session.rollback()
    return destruction.open_of([tube.id])[tube.id]


def fresh(tube):
    db.session.rollback()
    return db.session.get_one(Sample, tube.id)


@pytest.fixture
def witness(bench):
    return people.actor("technician")


def test_one_has_the_tube_in_hand_and_another_one_sees_it_destroyed(bench, witness):
    box, tube = bench.container(), bench.tube()
    bench.place(box, "A1", sample=tube)
    assert ask(bench, tube) == 1

    bench.do(destruction.confirm, task=task_of(tube), tube=tube.code)
    assert fresh(tube).status == "available"
    task = unit_of_work(lambda: destruction.witness(task=task_of(tube), tube=tube.code, by=witness))

    assert (task.first_by, task.done_by) == (bench.by.key, witness.key)
    sample = fresh(tube)
    assert (sample.status, sample.remaining) == ("destroyed", 0)
    assert storage.where_is([tube.id]) == {}
    acts = [entry["act"] for entry in audit.history("sample", tube.code)]
    assert acts[-4:] == ["destruction_asked", "destruction_confirmed", "discarded", "destruction_witnessed"]


def test_the_same_person_is_no_witness(bench):
    tube = bench.tube()
    ask(bench, tube)
    bench.do(destruction.confirm, task=task_of(tube), tube=tube.code)

    with pytest.raises(RuleViolation, match="destruction_same_person"):
        bench.do(destruction.witness, task=task_of(tube), tube=tube.code)

    assert fresh(tube).status == "available"


def test_nobody_witnesses_before_somebody_has_it_in_hand(bench, witness):
    tube = bench.tube()
    ask(bench, tube)
    with pytest.raises(RuleViolation, match="destruction_not_confirmed"):
        unit_of_work(lambda: destruction.witness(task=task_of(tube), tube=tube.code, by=witness))


def test_nobody_confirms_twice(bench, witness):
    tube = bench.tube()
    ask(bench, tube)
    bench.do(destruction.confirm, task=task_of(tube), tube=tube.code)
    with pytest.raises(RuleViolation, match="destruction_confirmed_already"):
        unit_of_work(lambda: destruction.confirm(task=task_of(tube), tube=tube.code, by=witness))


def test_a_wrong_tube_is_refused_by_both(bench, witness):
    tube, other = bench.tubes(2)
    ask(bench, tube)
    with pytest.raises(RuleViolation, match="destruction_wrong_tube") as refused:
        bench.do(destruction.confirm, task=task_of(tube), tube=other.code)
    assert refused.value.params == {"sample": other.code, "expected": tube.code}

    bench.do(destruction.confirm, task=task_of(tube), tube=tube.code)
    with pytest.raises(RuleViolation, match="destruction_wrong_tube"):
        unit_of_work(lambda: destruction.witness(task=task_of(tube), tube=other.code, by=witness))
    with pytest.raises(NotFound):
        unit_of_work(lambda: destruction.witness(task=task_of(tube), tube="T99999999", by=witness))
    assert {fresh(each).status for each in (tube, other)} == {"available"}


def test_a_makers_code_names_the_tube_too(bench):
    tube = bench.tube(container_code="FD03154832")
    ask(bench, tube)
    assert bench.do(destruction.confirm, task=task_of(tube), tube="FD03154832").first_by == bench.by.key


def test_one_person_alone_does_not_go_round_it(bench):
    tube = bench.tube()
    ask(bench, tube)
    with pytest.raises(RuleViolation, match="destruction_takes_two"):
        bench.do(storage.discard, sample=tube, reason="Leaked")

    bench.do(destruction.cancel, task=task_of(tube), reason="Not this one")
    bench.do(storage.discard, sample=tube, reason="Leaked")
    assert fresh(tube).status == "destroyed"


def test_what_is_not_in_our_hands_is_not_destroyed(bench):
    lost, out = bench.tube(), bench.tube()
    bench.do(storage.lose, sample=lost)
    unit_of_work(lambda: setattr(db.session.get_one(Sample, out.id), "status", "handed_out"))
    assert ask(bench, lost, out) == 2

    for tube, why in ((lost, "status_lost"), (out, "status_handed_out")):
        with pytest.raises(RuleViolation, match="destruction_not_here") as refused:
            bench.do(destruction.confirm, task=task_of(tube), tube=tube.code)
        assert [reason.code for reason in refused.value.reasons] == [why]


def test_what_is_gone_or_asked_for_already_is_left_as_it_is(bench):
    tube, gone = bench.tubes(2)
    bench.do(storage.discard, sample=gone, reason="Leaked")
    assert ask(bench, tube, gone) == 1
    assert ask(bench, tube, gone) == 0
    with pytest.raises(Malformed):
        ask(bench, tube, reason=" ")


def test_an_ended_task_stays_ended(bench, witness):
    tube = bench.tube()
    ask(bench, tube)
    task = task_of(tube)
    with pytest.raises(Malformed):
        bench.do(destruction.cancel, task=task, reason=" ")
    ended = bench.do(destruction.cancel, task=task, reason="Kept after all")
    assert ended.why_cancelled == "Kept after all"
    for act, told in ((destruction.confirm, {"tube": tube.code}), (destruction.cancel, {"reason": "x"})):
        with pytest.raises(RuleViolation, match="destruction_ended"):
            bench.do(act, task=db.session.get_one(DestructionTask, task.id), **told)


def test_a_task_is_asked_for_again_after_it_was_cancelled(bench):
    tube = bench.tube()
    ask(bench, tube)
    bench.do(destruction.cancel, task=task_of(tube), reason="Kept after all")
    assert ask(bench, tube) == 1


def test_open_tasks_tell_where_each_tube_stands(bench):
    box, (placed, loose) = bench.container(name="Box 12"), bench.tubes(2)
    bench.place(box, "B7", sample=placed)
    ask(bench, placed, loose)

    rows = destruction.listed(destruction.list_open(bench.by).items)

    assert [(row.sample.code, row.place, row.position) for row in rows] == [
        (placed.code, "Box 12", "B07"),
        (loose.code, "", None),
    ]
    assert destruction.count_open(bench.by) == 2


# --- at the edge


@pytest.fixture
def far(app):
    """Seen from outside the app: whoever asks over HTTP must not share the asker of the test."""
    return FarBench(app)


@pytest.fixture
def browsers(app, far):
    return people.browser(app), people.browser(app)


def address_of(far, tube):
    """Ask for it to be destroyed. returns the address of its task"""
    with far.app.app_context():
        ask(far.bench, tube)
        return f"/destructions/{task_of(tube).id}"


def test_two_people_at_the_pages(far, browsers):
    tube, other = far.tubes(2)
    address = address_of(far, tube)
    first, second = browsers

    assert tube.code in first.get("/destructions").text
    assert first.post("/destructions", {"raw": tube.code}).location == address
    stop = first.post("/destructions", {"raw": other.code})
    assert (stop.status_code, "Put it back" in stop.text) == (404, True)
    stop = first.post(f"{address}/confirm", {"raw": other.code})
    assert (stop.status_code, "is the wrong tube" in stop.text) == (409, True)

    assert first.post(f"{address}/confirm", {"raw": tube.code}).location == address
    assert "somebody else signs in" in first.get(address).text
    assert first.post(f"{address}/witness", {"raw": tube.code}).status_code == 409
    done = second.post(f"{address}/witness", {"raw": tube.code})
    assert done.status_code == 303
    assert f"{tube.code} is destroyed." in second.get(done.location).text
    assert "It is destroyed." in second.get(address).text


def test_the_form_to_discard_leads_to_the_two_people(far, browsers):
    tube = far.tube()
    address = address_of(far, tube)
    assert browsers[0].get(f"/samples/{tube.code}/discard").location == address


def test_cancelling_wants_a_reason(far, browsers):
    tube = far.tube()
    address = address_of(far, tube)
    refused = browsers[0].post(f"{address}/cancel", {"reason": ""})
    assert (refused.status_code, 'id="problem-reason"' in refused.text) == (422, True)
    assert browsers[0].post(f"{address}/cancel", {"reason": "Kept"}).status_code == 303
    assert "Kept" in browsers[0].get(address).text


def test_another_sites_task_is_not_there(app, far):
    tube = far.tube()
    address = address_of(far, tube)
    page, api = people.browser(app, site_code="IUCT"), people.api(app, site_code="IUCT")

    assert tube.code not in page.get("/destructions").text
    assert page.get(address).status_code == 404
    assert page.post(f"{address}/confirm", {"raw": tube.code}).status_code == 404
    assert page.post("/destructions", {"raw": tube.code}).status_code == 404
    assert api.get("/destructions").json["items"] == []
    assert api.post(f"{address}/confirm", {"sample": tube.code}).status_code == 404
    assert api.post(f"{address}/cancel", {"reason": "x"}).status_code == 404


def test_two_programs_over_the_api(app, far):
    tube = far.tube()
    address_of(far, tube)
    first, second = people.api(app), people.api(app)
    (task,) = first.get("/destructions").json["items"]
    address = f"/destructions/{task['id']}"

    assert first.post(f"{address}/confirm", {"sample": tube.code}).json["confirmed_at"]
    assert first.post(f"{address}/witness", {"sample": tube.code}).json["code"] == "destruction_same_person"
    assert second.post(f"{address}/witness", {"sample": tube.code}).json["status"] == "destroyed"
    assert first.get("/destructions").json["items"] == []
    assert first.get("/destructions?after=x").status_code == 422
    assert first.post("/destructions/99999999999999999999/confirm", {"sample": tube.code}).status_code == 404
