"""Tubes go through the steps of a procedure: by the server's clock, many at once, each end once; on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.procedures import service as procedures
from biobank.samples import gate, processing, reading, steps
from biobank.samples.models import StepRun
from biobank.withdrawal import service as withdrawal
from tests import people
from tests.conftest import NOON
from tests.factories import BY, PatientFactory, SampleFactory, StudyFactory, act, fresh, withdraw
from tests.procedures.manual import SERUM, procedure
from tests.racing import refusals, together

pytestmark = pytest.mark.usefixtures("app_context")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def drawn(frozen_clock):
    """Whole blood drawn ten minutes before noon, received now."""
    return SampleFactory(type="WholeBlood", collected=When.exactly(NOON - minutes(10)))


def start(*tubes, of=None, step="spin", by=BY):
    return act(
        steps.start,
        samples=[fresh(tube) for tube in tubes],
        procedure=fresh(of or procedure()),
        step=step,
        by=by,
    )


def stop_after(batch, count, act_=steps.stop):
    with clock.freeze(clock.now() + minutes(count)):
        return act(act_, batch=batch)


def outside(runs):
    return [reason["code"] for run in runs for reason in run.outside]


def refusal(code, **told):
    with pytest.raises(RuleViolation) as refused:
        act(**told)
    assert refused.value.code == code
    return refused.value


# --- start, stop, cancel


def test_a_step_within_its_limits_has_nothing_to_tell(drawn):
    batch = start(drawn)

    (run,) = stop_after(batch, 15)

    assert (run.started_at, run.stopped_at, run.outside, run.cancelled) == (
        NOON,
        NOON + minutes(15),
        [],
        False,
    )
    assert [entry["act"] for entry in audit.history("sample", drawn.code)][-2:] == [
        "step_started",
        "step_stopped",
    ]


def test_what_is_out_of_procedure_is_computed_and_written_and_forbids_nothing(drawn):
    with clock.freeze(NOON + minutes(45)):
        batch = start(drawn)
        (run,) = stop_after(batch, 31)

    assert outside([run]) == ["step_late", "step_too_long"]
    assert run.outside[0]["params"] == {"step": "Spin", "since": "collection", "most": 30, "minutes": 55}
    assert run.outside[1]["params"]["minutes"] == 31


def test_the_collection_time_that_nobody_knows_is_told_as_unknown(frozen_clock):
    tube = SampleFactory(collected=When.unknown())

    (run,) = stop_after(start(tube), 15)

    assert outside([run]) == ["step_delay_unknown"]


def test_the_day_alone_is_never_taken_for_midnight(frozen_clock):
    tube = SampleFactory(collected=When.on(NOON.date()))

    assert outside(stop_after(start(tube), 15)) == ["step_delay_unknown"]


def test_many_tubes_begin_and_end_together(drawn):
    others = [SampleFactory(collected=When.exactly(NOON - minutes(20 * n))) for n in (1, 2)]
    batch = start(drawn, *others)

    (shown,) = steps.running(BY)
    assert (shown.key, len(shown.runs), shown.step.title) == (batch, 3, "Spin")
    runs = stop_after(batch, 15)

    assert [[reason["code"] for reason in run.outside] for run in runs] == [[], [], ["step_late"]]
    assert steps.running(BY) == []


def test_one_tube_of_a_batch_may_end_before_the_others(drawn):
    other = SampleFactory()
    batch = start(drawn, other)

    act(steps.stop, batch=batch, samples=[other])

    assert [run.sample_id for run in steps.running(BY)[0].runs] == [drawn.id]
    assert [run.sample_id for run in act(steps.stop, batch=batch)] == [drawn.id]
    refusal("step_over", service=steps.stop, batch=batch)


def test_a_tube_runs_in_one_step_at_a_time(drawn):
    followed = procedure()
    start(drawn, of=followed)
    other = SampleFactory()

    refused = refusal(
        "step_running", service=steps.start, samples=[other, drawn], procedure=followed, step="spin"
    )

    assert refused.params == {"samples": drawn.code, "step": "Spin"}
    assert steps.batch_of(other) is None  # all of them, or none


def test_what_never_began_is_cancelled_and_judged_by_nobody(drawn):
    batch = start(drawn)

    (run,) = stop_after(batch, 500, steps.cancel)

    assert (run.cancelled, run.outside) == (True, [])
    refusal("step_over", service=steps.cancel, batch=batch)
    start(drawn)  # it can begin anew


def test_a_procedure_that_is_not_followed_begins_nothing(drawn):
    old = procedure()
    new = procedure()
    refused = refusal(
        "procedure_succeeded", service=steps.start, samples=[drawn], procedure=fresh(old), step="spin"
    )
    assert refused.params["number"] == new.number

    act(procedures.retire, procedure=fresh(new))
    refusal("procedure_not_in_force", service=steps.start, samples=[drawn], procedure=fresh(new), step="spin")


def test_what_began_under_the_old_version_ends_under_it(drawn):
    old = procedure()
    batch = start(drawn, of=old)
    procedure(steps=SERUM)

    (run,) = stop_after(batch, 21)

    assert (run.procedure_id, outside([run])) == (old.id, ["step_too_long"])


def test_only_what_is_in_our_hands_goes_through_a_step(frozen_clock):
    on_its_way = SampleFactory(receive=False)
    refusal("act_not_possible", service=steps.start, samples=[on_its_way], procedure=procedure(), step="spin")


@pytest.mark.parametrize("step", ["spin", "aliquot", "freeze"])
def test_after_a_withdrawal_no_step_begins(drawn, step):
    withdraw(patient_of(drawn), received_on=NOON.date())

    refused = refusal(
        "preserving_refused", service=steps.start, samples=[drawn], procedure=procedure(), step=step
    )

    assert refused.reasons


def test_what_runs_when_a_patient_withdraws_can_still_be_ended(drawn):
    batch = start(drawn)
    withdraw(patient_of(drawn), received_on=NOON.date())

    assert len(stop_after(batch, 15)) == 1


def patient_of(sample):
    (key,) = gate.donors_of([sample.id])[sample.id]
    return db.session.get_one(Patient, key)


def test_without_a_tube_or_a_step_of_that_name_nothing_begins(drawn):
    with pytest.raises(Malformed):
        start()
    with pytest.raises(NotFound, match="step_unknown"):
        start(drawn, step="boil")


def test_another_site_neither_begins_nor_sees_nor_ends_a_step(drawn):
    followed = procedure()
    batch = start(drawn, of=followed)
    stranger = people.actor("technician", site_code="IUCT")

    assert steps.running(stranger) == []
    for what in (
        lambda: steps.start(samples=[fresh(drawn)], procedure=fresh(followed), step="spin", by=stranger),
        lambda: steps.stop(batch=batch, by=stranger),
        lambda: steps.cancel(batch=batch, by=stranger),
        lambda: steps.stop(batch="a\x00", by=BY),
    ):
        with pytest.raises(NotFound):
            unit_of_work(what)


# --- one step after the other


def test_the_delay_counts_from_the_end_of_the_step_before(drawn):
    serum = procedure("SOP-SERUM", SERUM)
    batch = start(drawn, of=serum, step="clot")
    stop_after(batch, 40)

    with clock.freeze(NOON + minutes(55)):
        late = steps.outside_of(steps.find_batch(start(drawn, of=serum, step="spin"), BY))

    assert [reason["code"] for reason in late[drawn.id]] == ["step_late"]
    assert late[drawn.id][0]["params"]["minutes"] == 15


def test_a_step_that_was_left_out_is_told(drawn):
    serum = procedure("SOP-SERUM", SERUM)

    (run,) = stop_after(start(drawn, of=serum, step="spin"), 15)

    assert outside([run]) == ["step_delay_unknown", "step_left_out"]


def test_a_new_version_in_the_middle_knows_what_was_done_under_the_old(drawn):
    stop_after(start(drawn, of=procedure("SOP-SERUM", SERUM), step="clot"), 40)
    new = procedure("SOP-SERUM", SERUM)

    with clock.freeze(NOON + minutes(45)):
        batch = start(drawn, of=new, step="spin")
        assert outside(stop_after(batch, 15)) == []


def test_the_reception_of_an_aliquot_is_that_of_its_tube(drawn):
    (child,) = act(processing.aliquot, sample=drawn, count=1, amount=100_000)
    look = procedure("SOP-LOOK", [{"key": "look", "kind": "other", "title": "Look", "since": "reception",
                                   "start_within_min": 60}])  # fmt: skip
    with clock.freeze(NOON + minutes(61)):
        (run,) = stop_after(start(child, of=look, step="look"), 1)

    assert outside([run]) == ["step_late"]


# --- freezing


def freeze(*tubes, after=0, at=None):
    with clock.freeze(NOON + minutes(after)):
        return act(steps.record_freeze, samples=[fresh(tube) for tube in tubes], at=at)


def spun_and_divided(drawn):
    """Spun for 15 minutes and divided at once."""
    stop_after(start(drawn, of=procedure()), 15)
    with clock.freeze(NOON + minutes(16)):
        return act(processing.aliquot, sample=drawn, count=2, amount=100_000, type="Plasma")


def test_the_scan_into_the_freezer_is_the_time_of_freezing(drawn):
    children = spun_and_divided(drawn)

    runs = freeze(*children, after=30)

    assert {(run.step, run.started_at, run.stopped_at) for run in runs} == {
        ("freeze", NOON + minutes(30), NOON + minutes(30))
    }
    assert {run.sample_id for run in runs} == {child.id for child in children}
    assert outside(runs) == []


def test_frozen_too_late_is_judged_from_when_the_tube_was_made(drawn):
    child, other = spun_and_divided(drawn)

    (run,) = freeze(child, after=50)
    assert (outside([run]), run.outside[0]["params"]["minutes"]) == (["step_late"], 34)

    (run,) = freeze(other, after=46)
    assert outside([run]) == []


def test_a_tube_is_frozen_once_by_its_procedure(drawn):
    (child, _other) = spun_and_divided(drawn)
    freeze(child, after=30)

    assert freeze(child, after=90) == []


def test_what_went_through_no_procedure_is_frozen_without_a_word(drawn):
    assert freeze(drawn, after=30) == []
    stop_after(start(drawn, of=procedure("SOP-SERUM", SERUM), step="clot"), 40)
    assert freeze(drawn, after=60) == []  # that procedure has no freezing


def test_a_freezing_that_is_told_afterwards_to_the_day_is_no_freezing_time(drawn):
    (child, _other) = spun_and_divided(drawn)

    assert freeze(child, after=30, at=When.on(NOON.date())) == []
    assert len(freeze(child, after=30, at=When.exactly(NOON + minutes(20)))) == 1


# --- the board


def test_the_board_shows_what_is_due_first_first(drawn):
    plasma, serum = procedure(), procedure("SOP-SERUM", SERUM)
    slow = start(drawn, of=serum, step="clot")
    with clock.freeze(NOON + minutes(5)):
        quick = start(SampleFactory(), of=plasma)

    assert [batch.key for batch in steps.running(BY)] == [quick, slow]


def test_the_board_asks_the_same_few_questions_however_many_tubes_run(drawn):
    followed = procedure()
    start(drawn, of=followed)
    few = asked(lambda: steps.running(BY))
    for _ in range(3):
        start(*[SampleFactory() for _ in range(4)], of=followed)

    assert asked(lambda: steps.running(BY)) == few == 1


def asked(work):
    statements = []

    def note(_connection, _cursor, statement, *_more):
        statements.append(statement)

    db.session.rollback()
    event.listen(Engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len([each for each in statements if each.startswith(("SELECT", "WITH"))])


# --- two at once


def test_of_two_who_end_a_batch_at_once_one_does(app):
    batch = start(SampleFactory(), SampleFactory(), of=procedure())

    outcomes = together(app, *[lambda: len(steps.stop(batch=batch, by=BY))] * 2)

    assert refusals(outcomes) == ["step_over"]
    assert [each for each in outcomes if isinstance(each, int)] == [2]


def test_of_two_who_put_one_tube_into_a_step_at_once_one_does(app):
    tube, followed = SampleFactory(), procedure()
    key, number = tube.code, followed.number

    def begin():
        return steps.start(
            samples=[reading.find_sample(key, BY)],
            procedure=procedures.find_procedure(number, BY),
            step="spin",
            by=BY,
        )

    outcomes = together(app, begin, begin)

    assert refusals(outcomes) == ["step_running"]
    db.session.rollback()
    assert (
        db.session.scalar(select(func.count()).select_from(StepRun).where(StepRun.stopped_at.is_(None))) == 1
    )


def test_a_withdrawal_and_a_start_at_once_come_one_after_the_other(app):
    patient, study, followed = PatientFactory(), StudyFactory(), procedure()
    tube = SampleFactory(patient=patient, study=study)
    key, number, subject = tube.code, followed.number, patient.code

    def begin():
        return steps.start(
            samples=[reading.find_sample(key, BY)],
            procedure=procedures.find_procedure(number, BY),
            step="spin",
            by=BY,
        )

    def take_back():
        found = patients.find_patient(subject, BY)
        return withdrawal.withdraw(
            patient=found, scope="all", received_on=clock.now().date(), fate="keep", by=BY
        )

    outcomes = together(app, begin, take_back)

    assert refusals(outcomes) in ([], ["preserving_refused"])
