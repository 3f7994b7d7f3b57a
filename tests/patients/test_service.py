"""Patients: a pseudonym, unique within the site, and nothing personal in the record."""

import json

import pytest
from sqlalchemy import select

from biobank.audit.models import AuditEntry
from biobank.core import clock, codes
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.patients import service
from biobank.withdrawal.models import Anonymisation
from tests import people


def enrol(by, **facts):
    return unit_of_work(lambda: service.enrol(site_id=by.site_id, by=by, **facts))


def test_a_patient_without_a_code_gets_a_number_that_can_be_scanned(app_context):
    by = people.actor()
    patient = enrol(by)

    assert patient.code.startswith("P")
    (found,) = codes.find([patient.code], by)
    assert (found.kind, found.target_id) == ("patient", patient.id)


def test_a_code_stands_for_one_thing_of_the_site(app_context):
    ours, theirs = people.actor(), people.actor(site_code="IUCT")
    enrol(ours, code="IPC-001")
    enrol(theirs, code="IPC-001")

    with pytest.raises(RuleViolation) as error:
        enrol(ours, code="IPC-001")
    assert (error.value.code, error.value.params) == ("code_taken", {"code": "IPC-001", "kind": "patient"})


def test_every_bad_fact_is_named(app_context):
    with pytest.raises(Malformed) as error:
        enrol(people.actor(), sex="x", birth_year=1840)
    assert set(error.value.fields) == {"sex", "birth_year"}


def test_another_sites_patient_is_unknown_here(app_context):
    patient = enrol(people.actor(site_code="IUCT"), code="A-1")
    ours = people.actor()

    with pytest.raises(NotFound):
        service.find_patient("A-1", ours)
    with pytest.raises(NotFound):
        service.find_patient("A-1", ours, patient.site_id)
    assert service.page_of_patients(by=ours).items == []


def test_who_sees_every_site_names_one_where_two_have_the_code(app_context):
    enrol(people.actor(), code="A-1")
    patient = enrol(people.actor(site_code="IUCT"), code="A-1")
    everywhere = people.actor("administrator", site_code=None)

    with pytest.raises(Malformed):
        service.find_patient("A-1", everywhere)
    assert service.find_patient("A-1", everywhere, patient.site_id).id == patient.id


def test_the_record_holds_nothing_personal(app_context):
    patient = enrol(people.actor(), code="DUPONT-1957", sex="female", birth_year=1957)

    entries = [json.loads(content) for content in db.session.scalars(select(AuditEntry.content))]
    (told,) = [entry for entry in entries if entry["act"] == "enrolled"]
    assert told["subject"] == ["patient", patient.subject_key]
    assert set(told["after"]) == {"code", "sex", "birth_year"}
    assert all(value.startswith("hmac:") for value in told["after"].values())
    assert "DUPONT" not in json.dumps(entries)
    assert service.by_keys([patient.subject_key, "nobody"]) == {patient.subject_key: "DUPONT-1957"}


def test_a_search_takes_signs_as_they_are(app_context):
    by = people.actor()
    enrol(by, code="A_1")
    enrol(by, code="AB1")

    assert [each.code for each in service.page_of_patients(by=by, starts_with="A_").items] == ["A_1"]
    assert service.page_of_patients(by=by, starts_with="A\x00%").items == []


def agreed(patient):
    """What two people said: this is not about them."""
    now = clock.now()
    db.session.add(
        Anonymisation(
            patient_id=patient.id,
            reason="asked",
            asked_at=now,
            asked_by="one",
            agreed_at=now,
            agreed_by="two",
        )
    )


def test_a_link_is_broken_once_and_only_by_who_sees_the_patient(app_context):
    by, elsewhere = people.actor(), people.actor(site_code="IUCT")
    patient = enrol(by, code="DUPONT-1957", sex="female", birth_year=1957)
    with pytest.raises(NotFound):
        unit_of_work(lambda: service.erase_link(patient=patient, by=elsewhere))

    with pytest.raises(RuleViolation, match="refused_by_database"):  # nobody agreed to it
        unit_of_work(lambda: service.erase_link(patient=patient, by=by))

    unit_of_work(lambda: agreed(patient))
    unit_of_work(lambda: service.erase_link(patient=patient, by=by))

    assert patient.code.startswith("ANON-")
    assert (patient.subject_key, patient.veil_key, patient.birth_year) == (None, None, None)
    assert patient.sex == "female"
    (left,) = codes.find([patient.code], by)
    assert left.voided
    with pytest.raises(RuleViolation, match="patient_anonymised"):
        service.require_linked(patient)
    with pytest.raises(RuleViolation, match="patient_anonymised"):
        unit_of_work(lambda: service.erase_link(patient=patient, by=by))
