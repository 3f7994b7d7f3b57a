"""A column among many values given as one parameter, on both databases."""

import pytest
from sqlalchemy import select

from biobank.core.among import among
from biobank.core.db import db, fetch
from biobank.patients.models import Patient
from tests.factories import PatientFactory

pytestmark = pytest.mark.usefixtures("app_context")

BY_CODE = select(Patient.code).where(among(Patient.code, "codes")).order_by(Patient.code)
BY_KEY = select(Patient.id).where(among(Patient.id, "ids")).order_by(Patient.id)
NEITHER = select(Patient.id).where(~among(Patient.id, "ids"))


@pytest.fixture
def three() -> list[Patient]:
    return [PatientFactory(code=code) for code in ("A'1", 'B"2', "C,é]3")]


def test_whole_numbers_and_text_are_found_whatever_is_in_the_text(three):
    codes = [patient.code for patient in three]

    assert [row[0] for row in fetch(BY_CODE, {"codes": codes})] == sorted(codes)
    assert [row[0] for row in fetch(BY_KEY, {"ids": [three[2].id, three[0].id]})] == [
        three[0].id,
        three[2].id,
    ]


def test_among_nothing_is_nothing(three):
    assert fetch(BY_KEY, {"ids": []}) == []
    assert len(fetch(NEITHER, {"ids": []})) == len(three)


def test_thousands_are_asked_for_in_one_statement(three):
    ids = list(range(1, 20_001))

    assert len(fetch(BY_KEY, {"ids": ids})) == len(three)
    assert db.session.execute(BY_KEY, {"ids": ids}).scalars().all() == sorted(each.id for each in three)


def test_a_text_is_not_taken_for_a_number(three):
    db.session.rollback()
    assert fetch(BY_CODE, {"codes": ["1", "1.0", "0x1"]}) == []
