"""Labels that are not wanted any more, and labels with a person's pseudonym, which goes with the link to them."""

import pytest
from sqlalchemy import select

from biobank.core import checks as nightly
from biobank.core.db import db, unit_of_work
from biobank.core.errors import RuleViolation
from biobank.patients.models import Patient
from biobank.printing import checks, jobs, relabelling
from biobank.printing.models import LabelCheck, LabelJob
from biobank.samples import allotments, allotted
from biobank.samples.gate import donors_of
from biobank.withdrawal import anonymising, traces
from tests import people
from tests.factories import BY, SampleFactory, act, fresh, withdraw
from tests.guarded import Stranger

pytestmark = pytest.mark.usefixtures("app_context")


def donor(tube):
    return db.session.get_one(Patient, next(iter(donors_of([tube.id])[tube.id])))


def break_link(patient):
    """Everything is overwritten that may be."""
    withdraw(patient)
    asked = act(anonymising.ask, patient=fresh(patient), reason="asked", by=people.actor("dpo"))
    second, code = people.actor("manager"), fresh(patient).code

    def agree():
        found = traces.find_traces(db.session.get_one(Patient, asked.patient_id))
        erase = [trace.key for trace in found if trace.fate == traces.OVERWRITABLE]
        return anonymising.agree(
            anonymisation=asked, code=code, looked_at=traces.seen(found), erase=erase, by=second
        )

    unit_of_work(agree)
    db.session.rollback()


def test_the_labels_of_a_person_forget_the_pseudonym_and_what_waits_is_not_printed():
    tube = SampleFactory()
    patient = donor(tube)
    code = patient.code
    (sheet, label) = (
        act(jobs.order, codes=[each], site_id=tube.site_id)[0] for each in (code, tube.code)
    )  # fmt: skip
    act(jobs.show, jobs=[sheet])
    waiting = act(relabelling.print_ahead, allotment=act(allotments.allot, site_id=tube.site_id, count=1))
    act(jobs.order, codes=[code], site_id=tube.site_id)

    break_link(patient)

    kept = {job.id: (job.code, job.state) for job in db.session.scalars(select(LabelJob))}
    assert kept[sheet.id] == (fresh(patient).code, "shown")
    assert kept[label.id] == (tube.code, "waiting")
    assert kept[waiting[0].id][1] == "waiting"
    assert code not in {job_code for job_code, _state in kept.values()}
    assert [finding for found in nightly.run() for finding in found.findings] == []


def test_notes_of_labels_printed_ahead_lose_the_name():
    tube = SampleFactory()
    patient = donor(tube)
    code = patient.code
    made = act(allotments.allot, site_id=tube.site_id, count=1, note=f"for {code}")
    numbers = [number.code for number in allotted.numbers_in(made)]
    act(allotments.void, numbers=numbers, reason=f"lost by {code}")

    break_link(patient)

    (number,) = allotted.numbers_in(fresh(made))
    db.session.refresh(number)
    assert (fresh(made).note, number.reason) == ("for […]", "lost by […]")


def test_the_card_of_a_person_that_was_read_on_a_tube_is_not_kept_for_ever(database_uri):
    tube = SampleFactory()
    code = donor(tube).code

    with pytest.raises(RuleViolation, match="label_mismatch") as refused:
        act(checks.verify, sample=tube, read=code)
    with pytest.raises(RuleViolation):
        act(checks.verify, sample=tube, read=f"hospital number of {code}")

    assert refused.value.params["read"] == code
    assert [row.read for row in checks.checks_of(fresh(tube))] == [
        f"hospital number of {code}", checks.SOMEBODY,
    ]  # fmt: skip
    break_link(donor(tube))
    assert code not in "".join(db.session.scalars(select(LabelCheck.read)))
    stranger = Stranger(database_uri)
    assert stranger.refusal("UPDATE label_check SET read = 'T1'")
    assert stranger.refusal("UPDATE label_check SET matched = TRUE")
    stranger.close()


def test_a_label_that_its_sender_took_up_in_that_moment_does_not_stop_a_replacement():
    tube = SampleFactory()
    (job,) = act(jobs.order, codes=[tube.code], site_id=tube.site_id)
    chosen = select(LabelJob).where(LabelJob.id == job.id)

    def work():
        found = db.session.get_one(LabelJob, job.id)
        found.state = "sending"
        db.session.flush()
        relabelling.drop(chosen, BY)

    unit_of_work(work)

    assert fresh(job).state == "sending"
