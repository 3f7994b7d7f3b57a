"""The label that was stuck on a tube is scanned: its own, or it is refused with both codes, and that is kept."""

import pytest
from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core.db import db, unit_of_work
from biobank.core.errors import NotFound, RuleViolation
from biobank.printing import checks
from biobank.printing.models import LabelCheck
from biobank.samples.models import Sample
from tests import people
from tests.factories import BY, SampleFactory, act
from tests.racing import refusals, together

pytestmark = pytest.mark.usefixtures("app_context")


def verify(tube, read, by=BY):
    return unit_of_work(lambda: checks.verify(sample=tube, expected=tube.code, read=read, by=by))


def kept():
    db.session.rollback()
    return [(row.read, row.matched) for row in db.session.scalars(select(LabelCheck).order_by(LabelCheck.id))]


def test_a_tube_is_not_verified_until_its_own_label_was_scanned():
    tube, other = SampleFactory(), SampleFactory()
    assert checks.verified([tube.id, other.id]) == set()

    verify(tube, tube.code)

    assert checks.verified([tube.id, other.id]) == {tube.id}
    assert audit.history("sample", tube.code)[-1]["act"] == "label_verified"


def test_the_wrong_label_is_refused_with_both_codes_and_the_scan_is_kept():
    tube, other = SampleFactory(), SampleFactory()

    with pytest.raises(RuleViolation, match="label_mismatch") as refused:
        verify(tube, other.code)

    assert refused.value.params == {"sample": tube.code, "expected": tube.code, "read": other.code}
    assert kept() == [(other.code, False)]
    assert checks.verified([tube.id, other.id]) == set()


def test_a_label_that_was_verified_stays_so_and_a_later_wrong_scan_is_kept():
    tube = SampleFactory()
    first = verify(tube, tube.code)

    assert verify(tube, tube.code).id == first.id
    with pytest.raises(RuleViolation):
        verify(tube, tube.code.lower())
    assert kept() == [(tube.code, True), (tube.code.lower(), False)]
    assert checks.verified([tube.id]) == {tube.id}


def test_two_who_scan_it_at_once_write_one_check(app):
    tube = SampleFactory()
    key, code = tube.id, tube.code

    def scan():
        return checks.verify(sample=db.session.get_one(Sample, key), expected=code, read=code, by=BY).id

    outcomes = together(app, scan, scan)

    assert refusals(outcomes) == []
    assert kept() == [(code, True)]


def test_another_site_verifies_nothing():
    tube = SampleFactory()
    with pytest.raises(NotFound):
        verify(tube, tube.code, people.actor("technician", site_code="IUCT"))
    assert kept() == []


def test_where_the_settings_ask_for_it_nothing_leaves_unverified(app):
    right, wrong = SampleFactory(), SampleFactory()
    act(checks.verify, sample=right, expected=right.code, read=right.code)
    checks.require_verified([right, wrong])  # by default nobody asks

    app.config["BIOBANK"]["labels_must_be_verified"] = True
    checks.require_verified([right])
    with pytest.raises(RuleViolation, match="labels_not_verified") as refused:
        checks.require_verified([right, wrong])
    assert refused.value.params == {"samples": wrong.code, "count": 1}
