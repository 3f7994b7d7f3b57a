"""Enrols patients under a pseudonym and finds them again. Identity does not come in here."""

import secrets
from collections.abc import Iterable

from sqlalchemy import select

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import chunks, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.core.times import YEARS, local_day
from biobank.patients import links
from biobank.patients.models import SEXES, Patient


def enrol(
    *, site_id: int, by: Actor, code: str | None = None, sex: str = "unknown", birth_year: int | None = None
) -> Patient:
    """A person becomes known here, by a pseudonym.

    code    the pseudonym; a number of ours unless given
    raises  RuleViolation `code_taken` when anything of the site has that code; Malformed naming every bad field
    """
    if not by.sees(site_id):
        raise NotFound("site_unknown", site=site_id)
    _check(sex, birth_year)
    code = code or codes.issue("patient", access.site_code(site_id))[0]
    for taken, kind in codes.taken_codes([code], site_id).items():
        raise RuleViolation("code_taken", code=taken, kind=kind)
    patient = Patient(
        site_id=site_id,
        code=code,
        subject_key=secrets.token_hex(16),
        veil_key=secrets.token_hex(32),
        sex=sex,
        birth_year=birth_year,
        recorded_at=clock.now(),
    )
    db.session.add(patient)
    db.session.flush()
    codes.register(code, "patient", patient.id, site_id)
    personal = {"code": code, "sex": sex, "birth_year": birth_year}
    audit.record(
        by=by,
        act="enrolled",
        subject=("patient", str(patient.subject_key)),
        after={name: audit.veil(value, patient.veil_key) for name, value in personal.items()},
    )
    return patient


def _check(sex: str, birth_year: int | None) -> None:
    wrong: dict[str, Reason] = {}
    if sex not in SEXES:
        wrong["sex"] = Reason("sex_unknown_word", {"sex": sex[:40], "known": ", ".join(SEXES)})
    first, last = YEARS.start, local_day(clock.now(), clock.zone()).year
    if birth_year is not None and not first <= birth_year <= last:
        wrong["birth_year"] = Reason(
            "birth_year_out_of_range", {"year": birth_year, "first": first, "last": last}
        )
    if wrong:
        raise Malformed(wrong)


def find_patient(code: str, by: Actor, site_id: int | None = None) -> Patient:
    """The patient of that pseudonym.

    site_id  where to look; the actor's own site unless given
    raises   NotFound; Malformed `site_needed` when several sites that the actor sees have the code
    """
    wanted = by.site_id if site_id is None else site_id
    # A control character is in no code, and PostgreSQL would not even look for it.
    if not code.isprintable() or (wanted is not None and not by.sees(wanted)):
        raise NotFound("patient_unknown", patient=code)
    query = select(Patient).where(Patient.code == code)
    if wanted is not None:
        query = query.where(Patient.site_id == wanted)
    found = db.session.scalars(query.limit(2)).all()
    if not found:
        raise NotFound("patient_unknown", patient=code)
    if len(found) > 1:
        raise Malformed({"site": Reason("site_needed")})
    return found[0]


def page_of_patients(
    *, by: Actor, after: str | None = None, limit: int = DEFAULT_LIMIT, starts_with: str = ""
) -> Page[Patient]:
    """Patients that the actor sees, the newest first.

    starts_with  only those whose pseudonym begins so
    """
    query = select(Patient)
    if by.site_id is not None:
        query = query.where(Patient.site_id == by.site_id)
    if starts_with:
        query = query.where(Patient.code.startswith(starts_with.replace("\x00", ""), autoescape=True))
    return page_of(query, Patient.id, after=after, limit=limit)


def by_keys(subject_keys: Iterable[str]) -> dict[str, str]:
    """Pseudonyms behind the keys of the audit trail; an erased key is left out."""
    found: dict[str, str] = {}
    for chunk in chunks(sorted(set(subject_keys)), 500):
        query = select(Patient.subject_key, Patient.code).where(Patient.subject_key.in_(chunk))
        found |= {str(key): code for key, code in db.session.execute(query)}
    return found


def ids_of(subject_keys: Iterable[str]) -> dict[str, int]:
    """Patient keys behind the keys of the audit trail; an erased key is left out."""
    found: dict[str, int] = {}
    for chunk in chunks(sorted(set(subject_keys)), 500):
        query = select(Patient.subject_key, Patient.id).where(Patient.subject_key.in_(chunk))
        found |= {str(key): number for key, number in db.session.execute(query)}
    return found


def codes_of(patient_ids: Iterable[int]) -> list[str]:
    """The pseudonyms of these patients, in their order."""
    query = select(Patient.code).where(Patient.id.in_(sorted(set(patient_ids)))).order_by(Patient.code)
    return list(db.session.scalars(query))


def require_linked(patient: Patient) -> None:
    """raises RuleViolation `patient_anonymised` once the link is broken: nobody can say any more whose a paper is"""
    if patient.anonymised_at is not None:
        raise RuleViolation("patient_anonymised", patient=patient.code)


def erase_link(*, patient: Patient, by: Actor) -> Patient:
    """Break the link to the person, for good: nothing here tells any more who it was.

    The pseudonym, and all that other systems call the person, give way to something random; the keys that the record
    stands on are erased; the years and days go. Sex, consents, withdrawals, samples and the record itself stay.
    Who may ask for it, and when, is `biobank.withdrawal.anonymising`.

    raises  RuleViolation `patient_anonymised` when it was done before; NotFound for a patient of another site
    """
    (patient,) = lock(Patient, [patient.id])
    if not by.sees(patient.site_id):
        raise NotFound("patient_unknown", patient=patient.code)
    require_linked(patient)
    audit.record(by=by, act="link_broken", subject=("patient", str(patient.subject_key)))
    patient.code = f"ANON-{secrets.token_hex(8)}"
    patient.subject_key = patient.veil_key = None
    patient.birth_year = patient.of_age_on = patient.died_on = None
    patient.anonymised_at = clock.now()
    db.session.flush()
    links.forget(patient)
    return patient
