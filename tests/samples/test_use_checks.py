"""Asking before using: thousands of samples at once, as one by one; on any day, by what was known at any moment."""

from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import event

from biobank.consent import rules
from biobank.consent import service as consent
from biobank.core import clock
from biobank.core.db import db
from biobank.samples import correction, holds, reading, uses
from tests import people
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

pytestmark = pytest.mark.usefixtures("app_context")

RESEARCH = rules.Use(
    act="allocate", purposes=rules.parse_purposes(["HMB"]), organisation="for-profit", commercial=True,
    country="FR", genetic=False,
)  # fmt: skip
USE = {"purposes": ["HMB"], "organisation": "non-profit", "country": "FR", "genetic": False}


@contextmanager
def counted():
    """The statements that are said meanwhile."""
    said: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def mixed():
    """Samples of people who answered, refused, withdrew, were never asked, or are held."""
    form, study = FormFactory(), StudyFactory()
    papers = [
        {"research": "granted", "company": "granted"},
        {"research": "granted", "company": "refused"},
        {"research": "granted"},
        {"research": "refused"},
    ]
    tubes = []
    for number, answers in enumerate(papers * 2):
        patient = ConsentFactory(
            form=form, answers=answers, signed_on=date(2012, 3, 1) + timedelta(days=number)
        ).patient
        tubes += [SampleFactory(patient=patient, study=study) for _ in range(2)]
    withdraw(db.session.get_one(type(patient), patient.id))
    act(holds.hold, sample=tubes[0], code="quarantine")
    return [*tubes, SampleFactory(consented=False, study=study), SampleFactory(type="Semen")]


def told(samples):
    db.session.rollback()
    return reading.told_of([sample.code for sample in samples], BY)


def test_at_once_or_one_by_one_the_answers_are_the_same(mixed):
    rows = told(mixed)

    together = uses.check(rows, RESEARCH)

    assert together == [uses.check([row], RESEARCH)[0] for row in rows]
    assert {each.verdict.value for each in together} == {"permit", "deny"}


def test_more_samples_take_no_more_questions(mixed):
    few, many = told(mixed[:3]), told(mixed)
    uses.check(many, RESEARCH)  # codes of studies and forms are read once a process

    with counted() as for_few:
        uses.check(few, RESEARCH)
    with counted() as for_many:
        uses.check(many, RESEARCH)

    assert len(for_few) == len(for_many) <= 5


def test_what_was_allowed_on_a_day_and_what_was_known_then_are_two_questions():
    start = clock.now().replace(hour=11)  # one day, in Paris as in Greenwich
    form = FormFactory()
    patient = PatientFactory()
    sample = SampleFactory(patient=patient)

    def allowed(**when):
        return uses.check(told([sample]), RESEARCH, **when)[0].verdict.value

    with clock.freeze(start + timedelta(days=10)):
        ConsentFactory(patient=patient, form=form, signed_on=(start + timedelta(days=2)).date())
        assert allowed() == "permit"
        assert allowed(as_of=start + timedelta(days=3)) == "permit"
        assert allowed(as_of=start + timedelta(days=1)) == "deny"
        assert allowed(as_of=start + timedelta(days=3), known_at=start + timedelta(days=9)) == "deny"
    with clock.freeze(start + timedelta(days=20)):
        withdraw(patient, received_on=(start + timedelta(days=19)).date())
        assert allowed() == "deny"
        assert allowed(as_of=start + timedelta(days=12), known_at=start + timedelta(days=15)) == "permit"


def test_a_hold_counts_from_when_it_was_put_until_it_was_ended():
    start = clock.now()
    sample = SampleFactory()
    with clock.freeze(start + timedelta(hours=1)):
        act(holds.hold, sample=sample, code="inventory")
    with clock.freeze(start + timedelta(hours=3)):
        act(holds.release, hold=holds.find_hold(sample, "inventory"), reason="found")

        def at(hours):
            return uses.check(told([sample]), RESEARCH, known_at=start + timedelta(hours=hours))[
                0
            ].verdict.value

        assert [at(0.5), at(2), at(4)] == ["permit", "deny", "permit"]


def test_what_was_known_then_was_about_whom_it_was_thought_to_be():
    start = clock.now()
    sample, other = SampleFactory(), PatientFactory()
    with clock.freeze(start + timedelta(hours=1)):
        act(correction.wrong_patient, sample=sample, patient=other, reason="two labels swapped")

        then, now = (
            uses.check(told([sample]), RESEARCH, known_at=when)[0].verdict.value
            for when in (start + timedelta(minutes=30), None)
        )

    assert (then, now) == ("permit", "deny")


def test_a_new_version_changes_no_earlier_answer():
    form = FormFactory(code="MAIN", version="1")
    sample = SampleFactory(patient=ConsentFactory(form=form).patient)

    FormFactory(code="MAIN", version="2")

    assert uses.check(told([sample]), RESEARCH)[0].verdict.value == "permit"
    assert consent.find_form("MAIN", "1", BY, form.site_id).status == "retired"


@pytest.fixture
def api(app):
    return people.api(app, "technician")


def test_many_are_asked_for_over_the_api_in_the_order_given(api, mixed):
    codes = [sample.code for sample in mixed]

    answer = api.post("/use-checks", {"samples": codes, "use": USE})

    assert answer.status_code == 200
    assert [each["sample"] for each in answer.json["decisions"]] == codes
    assert all(each["reasons"][0]["text"] for each in answer.json["decisions"])


def test_more_than_ten_thousand_at_once_are_refused(api):
    answer = api.post("/use-checks", {"samples": ["T00421736"] * 10_001, "use": USE})

    assert answer.status_code == 422


@pytest.mark.parametrize("bad", ["T99999999", "nobody", "a\x00b"])
def test_a_sample_that_nobody_knows_is_named_and_nothing_is_answered(api, mixed, bad):
    answer = api.post("/use-checks", {"samples": [mixed[0].code, bad], "use": USE})

    assert answer.status_code == 422
    assert "decisions" not in answer.json


def test_another_sites_sample_is_not_there(app, mixed):
    people.site("LYON")
    lyon = people.api(app, "technician", site_code="LYON")

    answer = lyon.post("/use-checks", {"samples": [mixed[0].code], "use": USE})

    assert answer.status_code == 422
