"""Labels are asked for with the thing they are for, by patient, once; and what people do with what waits or failed."""

import dataclasses
import json

import pytest
from sqlalchemy import func, select

from biobank.audit.models import AuditEntry
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.times import When
from biobank.printing import claims, jobs
from biobank.printing.models import LabelJob
from biobank.printing.printers import printers_state
from biobank.samples import collection
from tests import people
from tests.factories import BY, ContainerFactory, PatientFactory, SampleFactory, StudyFactory, act, fresh
from tests.printing.conftest import BENCH, DESK, station
from tests.printing.fake_printer import fake_printer
from tests.racing import refusals, together


def order(*codes, at=BENCH, **told):
    site_id = people.site().id
    return [fresh(job) for job in act(jobs.order, codes=list(codes), site_id=site_id, station=at, **told)]


def states():
    db.session.rollback()
    return list(db.session.scalars(select(LabelJob.state).order_by(LabelJob.id)))


def put(job, state):
    """What its sender would have left."""
    unit_of_work(lambda: setattr(db.session.get(LabelJob, job.id), "state", state))
    return fresh(job)


# --- asked for


def test_a_label_is_asked_for_in_the_unit_that_makes_the_tube(app_context):
    patient, study = PatientFactory(), StudyFactory()

    def receive_and_fail():
        tube = collection.collect(
            patient=patient, study=study, type="Plasma", collected=When.now(clock.now), by=BY
        )
        jobs.order(codes=[tube.code], site_id=tube.site_id, by=BY)
        raise RuleViolation("nothing_picked", request="—")

    with pytest.raises(RuleViolation):
        unit_of_work(receive_and_fail)
    assert states() == []


def test_the_same_label_is_not_asked_for_twice(app_context):
    tube, other = SampleFactory(), SampleFactory()

    (first,) = act(jobs.order, codes=[tube.code], site_id=tube.site_id)
    again = act(jobs.order, codes=[other.code, tube.code, tube.code], site_id=tube.site_id)

    assert [job.id for job in again[1:]] == [first.id, first.id]
    assert states() == ["waiting", "waiting"]


@pytest.mark.parametrize("thing", [SampleFactory, ContainerFactory])
def test_two_who_ask_for_it_at_once_get_one_label(app, app_context, thing):
    made = thing()
    code, site_id = made.code, made.site_id

    together(app, *[lambda: jobs.order(codes=[code], site_id=site_id, by=BY)[0].id] * 3)

    assert states() == ["waiting"]


def test_what_nobody_knows_gets_no_label(app_context):
    tube = SampleFactory()
    for codes, error in ((["T99999949"], NotFound), ([], Malformed), ([tube.code] * 501, Malformed)):
        with pytest.raises(error):
            act(jobs.order, codes=codes, site_id=tube.site_id)
    far = people.actor("technician", site_code="IUCT")
    with pytest.raises(NotFound):
        unit_of_work(lambda: jobs.order(codes=[tube.code], site_id=far.site_id, by=far))


def test_a_station_without_a_printer_in_the_settings_prints_in_its_browser(app_context):
    station(BENCH, "somewhere-else")
    (job,) = order(SampleFactory().code)

    assert (job.printer, job.station) == (None, BENCH)


def test_the_labels_of_one_patient_come_out_together_in_the_order_of_the_scans(app_context):
    one, two = PatientFactory(), PatientFactory()
    tubes = [SampleFactory(patient=patient).code for patient in (two, one, two, one)]
    box = ContainerFactory().code

    asked = order(tubes[2], tubes[1], box, tubes[3], tubes[0])

    assert [job.code for job in asked] == [tubes[2], tubes[1], box, tubes[3], tubes[0]]
    assert [job.patient_id for job in asked] == [two.id, one.id, None, one.id, two.id]
    together_ = {}
    for job in sorted(asked, key=lambda job: (job.batch, job.id)):
        together_.setdefault(job.batch, []).append(job.code)
    assert list(together_.values()) == [[tubes[2], tubes[0]], [tubes[1], tubes[3]], [box]]
    assert order(tubes[2])[0].batch == asked[0].batch


def test_a_design_may_be_asked_for(app_context):
    (job,) = order(SampleFactory().code, design="box")
    again = act(jobs.reprint, code=job.code, reason="torn", design="box")
    assert [job.design, again.design, again.batch] == ["box", "box", again.id]


# --- the browser


def test_a_label_is_given_to_the_browser_once(app_context):
    tube = SampleFactory()
    station(BENCH, None)
    here = dataclasses.replace(people.actor("technician"), station=BENCH)
    unit_of_work(lambda: jobs.order(codes=[tube.code], site_id=tube.site_id, by=here))

    assert [job.code for job in jobs.waiting_here(here)] == [tube.code]
    assert jobs.waiting_here(people.actor("technician")) == []
    assert len(unit_of_work(lambda: jobs.show(jobs=jobs.waiting_here(here), by=here))) == 1
    assert unit_of_work(lambda: jobs.show(jobs=jobs.waiting_here(here), by=here)) == []
    assert states() == ["shown"]


def test_two_browsers_at_once_are_given_a_label_once(app, app_context):
    station(BENCH, None)
    order(SampleFactory().code)
    here = dataclasses.replace(people.actor("technician"), station=BENCH)

    outcomes = together(app, *[lambda: len(jobs.show(jobs=jobs.waiting_here(here), by=here))] * 2)

    assert sorted(outcomes) == [0, 1]


# --- again


def test_a_reprint_asks_why_and_is_counted(app_context):
    tube = SampleFactory()
    act(jobs.order, codes=[tube.code], site_id=tube.site_id)

    counted = [act(jobs.reprint, code=tube.code, reason="Label fell off").reprint for _ in range(2)]

    assert counted == [1, 2]
    with pytest.raises(Malformed):
        act(jobs.reprint, code=tube.code, reason="  ")


@pytest.mark.parametrize("thing", [SampleFactory, ContainerFactory])
def test_two_who_reprint_at_once_get_r1_and_r2(app, app_context, thing):
    code = thing().code

    outcomes = together(app, *[lambda: jobs.reprint(code=code, reason="torn", by=BY).reprint] * 2)

    assert sorted(outcomes) == [1, 2]


# --- by hand


def test_what_is_not_wanted_any_more_is_cancelled_and_may_be_asked_for_anew(app_context):
    (job,) = order(SampleFactory().code)
    act(jobs.cancel, job=job)

    for again in (jobs.cancel, jobs.send_again, jobs.came_out):
        with pytest.raises(RuleViolation, match="label_job_over"):
            act(again, job=fresh(job))
    assert order(job.code)[0].id != job.id
    assert told_of(job) == ["label_job_cancelled"]


def told_of(job):
    query = select(AuditEntry.content).where(
        AuditEntry.subject_kind == "label_job", AuditEntry.subject_key == str(job.id)
    )
    return [json.loads(content)["act"] for content in db.session.scalars(query.order_by(AuditEntry.seq))]


def test_somebody_looks_and_it_came_out_or_it_did_not(app_context):
    first, second = order(SampleFactory().code, SampleFactory().code)

    act(jobs.came_out, job=put(first, "failed"))
    act(jobs.send_again, job=put(second, "failed"))

    assert [fresh(first).state, fresh(second).state] == ["sent", "waiting"]
    assert fresh(first).ended_at is not None
    assert told_of(first) + told_of(second) == ["label_job_came_out", "label_job_sent_again"]


@pytest.mark.parametrize(
    ("state", "may"),
    [
        ("waiting", {"cancel", "move"}),
        ("sending", set()),
        ("held", {"cancel", "came_out"}),
        ("failed", {"cancel", "came_out", "send_again", "move"}),
        ("sent", set()),
        ("shown", set()),
        ("cancelled", set()),
    ],
)
def test_each_state_lets_people_do_what_cannot_print_it_twice(app_context, state, may):
    for name in ("cancel", "came_out", "send_again", "move"):
        (job,) = order(SampleFactory().code)
        put(job, state)
        told = {"printer": None} if name == "move" else {}
        if name in may:
            act(getattr(jobs, name), job=job, **told)
        else:
            with pytest.raises(RuleViolation, match="label_job_over"):
                act(getattr(jobs, name), job=job, **told)


def test_send_again_pressed_twice_sends_it_once_more(app, app_context):
    (job,) = order(SampleFactory().code)
    put(job, "failed")
    key = job.id

    outcomes = together(
        app, *[lambda: jobs.send_again(job=db.session.get_one(LabelJob, key), by=BY).state] * 2
    )

    assert refusals(outcomes) == ["label_job_over"]
    assert told_of(job) == ["label_job_sent_again"]


def test_a_label_is_moved_to_another_printer_or_to_the_browser(bank):
    with fake_printer() as one, fake_printer() as two:
        bank(one, two)
        (job,) = order(SampleFactory().code)

        act(jobs.move, job=job, printer="other")
        assert fresh(job).printer == "other"
        act(jobs.move, job=put(job, "failed"), printer=None)
        assert (fresh(job).printer, fresh(job).state) == (None, "waiting")
        with pytest.raises(Malformed):
            act(jobs.move, job=fresh(job), printer="10.0.0.1")
        assert told_of(job) == ["label_job_moved"] * 2


def test_the_printers_of_the_settings_say_how_they_are(bank):
    with fake_printer() as one, fake_printer() as two:
        bank(one, two)
        order(*[SampleFactory().code for _ in range(3)])
        put(order(SampleFactory().code, at=DESK)[0], "failed")
        unit_of_work(
            lambda: (claims.take("labeller", "me", 5), claims.tell("labeller", "me", "printer_paused"))
        )

        first, second = printers_state()
        assert (first.printer.name, first.trouble, first.waiting, first.failed) == (
            "labeller",
            "printer_paused",
            3,
            0,
        )
        assert (second.printer.name, second.trouble, second.told_at, second.failed) == (
            "other",
            None,
            None,
            1,
        )
        assert first.told_at is not None
        far = people.actor("technician", site_code="IUCT")
        assert [state.waiting + state.failed for state in printers_state(far)] == [0, 0]


def test_a_job_of_another_site_is_not_found(app_context):
    tube = SampleFactory()
    (job,) = act(jobs.order, codes=[tube.code], site_id=tube.site_id)
    stranger = people.actor("technician", site_code="IUCT")

    assert jobs.list_jobs(stranger).items == []
    assert jobs.find_jobs([job.id], stranger) == []
    with pytest.raises(NotFound, match="label_job_unknown"):
        jobs.find_job(job.id, stranger)
    assert db.session.scalar(select(func.count()).select_from(LabelJob)) == 1
