"""Every decision made again from what was known then, and what is listed when somebody changed the evidence."""

import json
from contextlib import suppress
from datetime import date

import pytest

from biobank.consent import rules
from biobank.consent import service as consent
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import RuleViolation
from biobank.samples import correction, holds, processing, replay, uses
from biobank.samples.models import Decision
from tests.factories import (
    BY,
    ConsentFactory,
    FormFactory,
    PatientFactory,
    SampleFactory,
    StudyFactory,
    act,
    withdraw,
)
from tests.guarded import Stranger

pytestmark = pytest.mark.usefixtures("app_context")

RESEARCH = rules.Use(
    act="allocate", purposes=rules.parse_purposes(["HMB"]), organisation="non-profit", genetic=False
)


@pytest.fixture
def bare(database_uri):
    stranger = Stranger(database_uri)
    yield stranger
    stranger.close()


def ask(sample, **told) -> None:
    """Use it if that is allowed; either way the decision is kept."""
    told = {"asked": RESEARCH, "act": "allocate"} | told
    with suppress(RuleViolation):
        unit_of_work(lambda: uses.use([sample], by=BY, **told))


def again() -> replay.Replayed:
    db.session.rollback()
    return replay.replay()


def test_decisions_of_every_kind_agree_whatever_happened_since(app):
    form = FormFactory()
    patient = ConsentFactory(form=form).patient
    study = StudyFactory()
    sample, silent = SampleFactory(patient=patient, study=study), SampleFactory(consented=False)
    other = SampleFactory(patient=ConsentFactory(form=form).patient, study=study)
    pool = act(processing.pool, samples=[SampleFactory(patient=patient, study=study), other], use=RESEARCH)
    for each in (sample, silent, pool):
        ask(each)
    act(holds.hold, sample=sample, code="quarantine")
    ask(sample)
    act(holds.release, hold=holds.find_hold(sample, "quarantine"), reason="clean")
    mistaken = consent.consents_of(patient)[0]
    ConsentFactory(
        patient=patient,
        form=form,
        answers={"research": "granted"},
        corrects=mistaken.id,
        reason="read wrongly",
    )
    ask(sample)
    withdraw(patient)
    ask(sample)
    ask(pool)

    done = again()

    assert done.differences == []
    verdicts = {verdict for (verdict,) in db.session.execute(db.select(Decision.verdict))}
    assert verdicts == {"permit", "deny"}
    assert done.decisions == db.session.query(Decision).count() >= 8


def test_a_sample_that_turned_out_to_be_somebody_elses_is_no_difference():
    sample = SampleFactory(patient=ConsentFactory().patient)
    ask(sample)
    act(correction.wrong_patient, sample=sample, patient=PatientFactory(), reason="two labels swapped")
    ask(sample)

    assert again().differences == []


def test_a_use_told_afterwards_is_decided_again_for_both_days():
    patient = ConsentFactory(signed_on=date(2012, 3, 1)).patient
    sample = SampleFactory(patient=patient)

    ask(sample)

    (decision,) = db.session.scalars(db.select(Decision)).all()
    assert decision.facts["days"] == [clock.now().astimezone(clock.zone()).date().isoformat()]
    assert again() == replay.Replayed(decisions=1)


def without_guards(bare, table: str, *statements: str) -> None:
    """What the owner of a database can do."""
    db.session.rollback()  # a reader would keep PostgreSQL from taking the guards down
    for name in ("update", "delete") if bare.sqlite else ("update",):
        bare.say(f"DROP TRIGGER guard_{table}_{name}" + ("" if bare.sqlite else f" ON {table}"))
    bare.say(*statements)


def test_a_verdict_that_was_changed_is_listed(bare):
    sample = SampleFactory(consented=False)
    ask(sample)
    (number,) = bare.ask("SELECT max(id) FROM decision")[0]

    without_guards(bare, "decision", f"UPDATE decision SET verdict = 'permit' WHERE id = {number}")

    assert f"decision {number}: permit was stored, the rules say deny" in again().differences


def test_facts_that_were_changed_together_with_the_verdict_are_listed(bare):
    ask(SampleFactory(patient=ConsentFactory().patient))
    number, facts = bare.ask("SELECT id, facts FROM decision ORDER BY id DESC LIMIT 1")[0]
    told = json.loads(facts) if isinstance(facts, str) else facts
    told["donors"][0]["consents"][0]["version"] = "7"

    text = json.dumps(told).replace("'", "''")
    without_guards(bare, "decision", f"UPDATE decision SET facts = '{text}' WHERE id = {number}")

    found = again().differences
    assert any("other papers than were on record" in line for line in found)


def test_a_consent_that_was_slipped_in_afterwards_is_listed(bare):
    patient = ConsentFactory().patient
    ask(SampleFactory(patient=patient))

    without_guards(
        bare, "consent", f"UPDATE consent SET signed_on = '2001-01-01' WHERE patient_id = {patient.id}"
    )

    assert any("other papers than were on record" in line for line in again().differences)


def test_the_command_says_how_many_and_ends_with_a_failure_where_any_differs(app, bare):
    ask(SampleFactory(consented=False))
    runner = app.test_cli_runner()

    done = runner.invoke(args=["consent", "replay"])
    assert (done.exit_code, done.output.splitlines()[-1][:37]) == (0, "1 decisions made again: 0 differ. 0 b")

    without_guards(bare, "decision", "UPDATE decision SET verdict = 'permit'")
    done = runner.invoke(args=["consent", "replay"])
    assert done.exit_code == 1
    assert "the rules say deny" in done.output
