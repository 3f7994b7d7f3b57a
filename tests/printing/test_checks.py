"""The label that was stuck on a tube is scanned: its own, or it is refused with both codes, and that is kept."""

import pytest
from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core.db import db, unit_of_work
from biobank.core.errors import NotFound, RuleViolation
from biobank.printing import checks, jobs
from biobank.printing.models import LabelCheck
from biobank.samples.models import Sample
from tests import people
from tests.factories import BY, SampleFactory, act, fresh
from tests.racing import refusals, together

pytestmark = pytest.mark.usefixtures("app_context")


def verify(tube, read, by=BY, **told):
    return unit_of_work(lambda: checks.verify(sample=tube, read=read, by=by, **told))


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
    tube = SampleFactory()

    with pytest.raises(RuleViolation, match="label_mismatch") as refused:
        verify(tube, "T99999999")

    assert refused.value.params == {"sample": tube.code, "expected": tube.code, "read": "T99999999"}
    assert kept() == [("T99999999", False)]
    assert checks.verified([tube.id]) == set()


def test_the_label_of_another_tube_is_kept_of_both():
    tube, other = SampleFactory(container_code="FD1"), SampleFactory(container_code="FD2")

    with pytest.raises(RuleViolation, match="label_mismatch"):
        verify(tube, other.code, known_by="FD1")

    rows = db.session.scalars(select(LabelCheck).order_by(LabelCheck.id)).all()
    assert [(row.sample_id, row.expected, row.read, row.known_by, row.matched) for row in rows] == [
        (tube.id, tube.code, other.code, "FD1", False),
        (other.id, other.code, other.code, "FD1", False),
    ]
    assert checks.verified([tube.id, other.id]) == set()
    assert [audit.history("sample", each.code)[-1]["act"] for each in (tube, other)] == ["label_wrong"] * 2


def test_two_labels_that_were_swapped_are_both_caught_and_both_right_after_they_were_put_right():
    tube, other = SampleFactory(container_code="FD1"), SampleFactory(container_code="FD2")
    for mine, theirs, known_by in ((tube, other, "FD1"), (other, tube, "FD2")):
        with pytest.raises(RuleViolation, match="label_mismatch"):
            verify(mine, theirs.code, known_by=known_by)

    verify(tube, tube.code, known_by="FD1")
    verify(other, other.code, known_by="FD2")

    assert checks.verified([tube.id, other.id]) == {tube.id, other.id}


def test_a_label_that_was_seen_alone_counts_no_more_once_it_is_read_on_another_tube():
    tube, other = SampleFactory(container_code="FD1"), SampleFactory()
    verify(other, other.code)
    with pytest.raises(RuleViolation):
        verify(tube, other.code, known_by="FD1")

    assert checks.verified([other.id]) == set()
    with pytest.raises(RuleViolation, match="label_seen_elsewhere"):
        verify(other, other.code)
    job = act(jobs.reprint, code=other.code, reason="Stuck on the wrong tube")
    act(jobs.show, jobs=[job])
    verify(other, other.code)
    assert checks.verified([other.id]) == {other.id}


def test_a_pair_stands_although_its_label_is_read_again_by_mistake():
    tube, other = SampleFactory(container_code="FD1"), SampleFactory(container_code="FD2")
    verify(other, other.code, known_by="FD2")
    with pytest.raises(RuleViolation):
        verify(tube, other.code, known_by="FD1")

    assert checks.verified([other.id]) == {other.id}


def test_a_label_that_was_verified_stays_so_and_a_later_wrong_scan_is_kept():
    tube = SampleFactory()
    first = verify(tube, tube.code)

    assert verify(tube, tube.code).id == first.id
    with pytest.raises(RuleViolation):
        verify(tube, tube.code.lower())
    assert kept() == [(tube.code, True), (tube.code.lower(), False)]
    assert checks.verified([tube.id]) == {tube.id}


def test_a_label_that_is_printed_again_is_verified_again():
    tube = SampleFactory()
    act(jobs.order, codes=[tube.code], site_id=tube.site_id)
    assert checks.unverified([tube.id]) == {tube.id}
    verify(tube, tube.code)
    assert checks.unverified([tube.id]) == set()

    job = act(jobs.reprint, code=tube.code, reason="Label fell off")
    assert checks.verified([tube.id]) == set()
    act(jobs.cancel, job=job)
    assert checks.verified([tube.id]) == {tube.id}

    job = act(jobs.reprint, code=tube.code, reason="Label fell off")
    with pytest.raises(RuleViolation, match="label_not_out"):
        verify(tube, tube.code)  # what is on the tube is still the old one
    assert checks.verified([tube.id]) == set()
    act(jobs.show, jobs=[job])
    verify(tube, tube.code)
    assert [row.reprint for row in checks.checks_of(fresh(tube))] == [2, 0]
    assert checks.verified([tube.id]) == {tube.id}


def test_a_tube_is_known_by_its_makers_code_or_its_old_label_and_not_by_the_label_itself():
    tube = SampleFactory(container_code="FD06299910")

    assert list(checks.tube_in_hand("FD06299910", BY))[1] == "FD06299910"
    with pytest.raises(RuleViolation, match="pair_label_first"):
        checks.tube_in_hand(tube.code, BY)

    from biobank.samples import replacing

    old = tube.code
    act(replacing.replace_code, sample=tube, reason="torn")
    found, known_by = checks.tube_in_hand(old, BY)
    assert (found.id, known_by) == (tube.id, old)


def test_two_who_scan_it_at_once_write_one_check(app):
    tube = SampleFactory()
    key, code = tube.id, tube.code

    def scan():
        return checks.verify(sample=db.session.get_one(Sample, key), read=code, by=BY).id

    outcomes = together(app, scan, scan)

    assert refusals(outcomes) == []
    assert kept() == [(code, True)]


def test_another_site_verifies_nothing():
    tube = SampleFactory()
    with pytest.raises(NotFound):
        verify(tube, tube.code, people.actor("technician", site_code="IUCT"))
    assert kept() == []


def test_the_batch_of_a_patient_counts_down():
    first = SampleFactory()
    patient_id = first_donor(first)
    from biobank.patients.models import Patient

    second = SampleFactory(patient=db.session.get_one(Patient, patient_id))
    act(jobs.order, codes=[first.code, second.code], site_id=first.site_id)
    assert [each.code for each in checks.batch_of(patient_id)] == [first.code, second.code]

    verify(first, first.code)

    assert [each.code for each in checks.batch_of(patient_id)] == [second.code]


def first_donor(tube):
    from biobank.samples.gate import donors_of

    return next(iter(donors_of([tube.id])[tube.id]))


def test_where_the_settings_ask_for_it_nothing_leaves_unverified(app):
    right, wrong = SampleFactory(), SampleFactory()
    act(checks.verify, sample=right, read=right.code)
    checks.require_verified([right, wrong])  # by default nobody asks

    app.config["BIOBANK"]["labels_must_be_verified"] = True
    checks.require_verified([right])
    with pytest.raises(RuleViolation, match="labels_not_verified") as refused:
        checks.require_verified([right, wrong])
    assert refused.value.params == {"samples": wrong.code, "count": 1}


def test_a_site_may_ask_for_it_alone(app):
    tube = SampleFactory()
    app.config["BIOBANK"]["label_checks"]["sites"]["IPC"] = {"must_be_verified": True}
    with pytest.raises(RuleViolation, match="labels_not_verified"):
        checks.require_verified([tube])

    app.config["BIOBANK"]["labels_must_be_verified"] = True
    app.config["BIOBANK"]["label_checks"]["sites"]["IPC"] = {"must_be_verified": False}
    checks.require_verified([tube])


def test_a_label_that_was_printed_ahead_counts_no_more_once_it_is_read_on_another_tube():
    tube, other = SampleFactory(container_code="FD1"), SampleFactory()
    verify(other, other.code, known_by=other.code)  # as at reception: nothing else told which tube it is
    assert checks.verified([other.id]) == {other.id}

    with pytest.raises(RuleViolation, match="label_mismatch"):
        verify(tube, other.code, known_by="FD1")

    assert checks.verified([other.id]) == set()
