"""Fills a scratch database with a large stock for measuring: patients who consented, samples with numbers and places.

Bulk inserts, not the services: what is measured is reading among many rows. Never run on a bank that holds anything.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, select

from biobank.access.models import Site
from biobank.audit import service as audit
from biobank.consent.models import Clause, Consent, ConsentAnswer, ConsentEvent, ConsentForm
from biobank.core import clock
from biobank.core.accession import format_number
from biobank.core.actor import job
from biobank.core.codes import ScannableCode
from biobank.core.db import db, is_sqlite, unit_of_work
from biobank.core.errors import RuleViolation
from biobank.patients.models import Patient
from biobank.samples.models import CollectionEvent, QuantityEntry, Sample, SampleDonor
from biobank.storage import tally
from biobank.storage.models import Container, Placement
from biobank.studies.models import Study

DIGITS = 8
PER_PATIENT = 8
PER_BOX = 81
CHUNK = 5000
#: The one form: clause, terms of a yes, terms of a no.
CLAUSES: tuple[tuple[str, list[str], list[str]], ...] = (
    ("research", ["HMB"], []),
    ("genetics", [], ["NO_GENETIC"]),
    ("commercial", [], ["NCU"]),
    ("abroad", [], ["GS:FR"]),
    ("findings", [], ["NO_FINDINGS"]),
)
#: Keys of containers begin here: the freezer, then its boxes.
FREEZER = 1


def code_of(number: int) -> str:
    """The accession number of the n-th sample, from 1."""
    return format_number("T", number, DIGITS)


def fill(samples: int, tick: Callable[[int], None] = lambda _: None) -> None:
    """Write a stock of that many samples into an empty bank. tick is told how many there are so far

    raises  RuleViolation `bank_not_empty`
    """
    if db.session.scalar(select(func.count()).select_from(Site)):
        raise RuleViolation("bank_not_empty")
    unit_of_work(lambda: _begin(samples))
    for first in range(1, samples + 1, CHUNK):
        last = min(first + CHUNK, samples + 1)
        unit_of_work(lambda first=first, last=last: _write(first, last))  # type: ignore[misc]
        tick(last - 1)
    unit_of_work(_count_on)
    unit_of_work(tally.recount)


def _count_on() -> None:
    """PostgreSQL does not see which keys were written by hand: what is made next goes on after them."""
    if is_sqlite():
        return
    kinds = (
        Site,
        Study,
        Patient,
        ConsentForm,
        Clause,
        ConsentEvent,
        CollectionEvent,
        Container,
        Sample,
        Placement,
    )
    for model in kinds:
        name = model.__tablename__
        last = select(func.max(model.id)).scalar_subquery()
        db.session.execute(select(func.setval(func.pg_get_serial_sequence(name, "id"), last)))


def _begin(samples: int) -> None:
    now = clock.now()
    _insert(Site, [{"id": 1, "code": "BENCH", "name": "Bench", "recorded_at": now}])
    _insert(Study, [{"id": 1, "site_id": 1, "code": "BENCH", "title": "Bench", "recorded_at": now}])
    form = {"id": 1, "site_id": 1, "code": "MAIN", "version": "1", "title": "Main", "recorded_at": now,
            "in_force_at": now}  # fmt: skip
    db.session.execute(insert(ConsentForm).values(**form, status="draft"))
    _insert(Clause, ({"id": place, "form_id": 1, "place": place, "key": key, "text": key, "required": place == 1,
                      "if_granted": granted, "if_refused": refused}
                     for place, (key, granted, refused) in enumerate(CLAUSES, start=1)))  # fmt: skip
    db.session.get_one(ConsentForm, 1).status = "in_force"
    patients = range(1, samples // PER_PATIENT + 2)
    _patients(patients)
    boxes = range(FREEZER + 1, FREEZER + 2 + samples // PER_BOX)
    _insert(Container, [_container(FREEZER, "freezer_minus80")])
    _insert(Container, (_container(key, "tube_box_9x9") for key in boxes))
    _insert(Placement, (_placed(10**9 + key, FREEZER, None, child_id=key) for key in boxes))
    audit.record(by=job("bench"), act="bench_filled", subject=("site", "BENCH"), after={"samples": samples})


def _patients(keys: range) -> None:
    now, day = clock.now(), clock.now().date()
    _insert(Patient, ({"id": key, "site_id": 1, "code": f"P{key}", "subject_key": f"s{key}", "veil_key": "v",
                       "sex": "unknown", "recorded_at": now} for key in keys))  # fmt: skip
    _insert(
        ConsentEvent, ({"id": key, "patient_id": key, "kind": "consent", "recorded_at": now} for key in keys)
    )
    # Signed over three years, and answered in every way that leaves the first clause granted.
    _insert(Consent, ({"id": key, "patient_id": key, "form_id": 1, "signed_on": day - timedelta(days=key % 1000),
                       "recorded_at": now, "recorded_by": "bench"} for key in keys))  # fmt: skip
    _insert(ConsentAnswer, ({"consent_id": key, "clause_id": clause,
                             "answer": "granted" if clause == 1 or key >> clause & 1 else "refused"}
                            for key in keys for clause in range(1, len(CLAUSES) + 1)))  # fmt: skip
    drawn = now - timedelta(hours=1)
    _insert(CollectionEvent, ({"id": key, "site_id": 1, "patient_id": key, "study_id": 1, "precision": "minute",
                               "happened_at": drawn, "recorded_at": now} for key in keys))  # fmt: skip


def _container(key: int, kind: str) -> dict[str, Any]:
    return {"id": key, "site_id": 1, "code": format_number("K", key, DIGITS), "kind": kind, "name": f"{kind} {key}",
            "recorded_at": clock.now()}  # fmt: skip


def _placed(key: int, container: int, position: str | None, **thing: int) -> dict[str, Any]:
    now = clock.now()
    return {"id": key, "container_id": container, "position": position, "sample_id": None, "child_id": None,
            "placed_at": now, "placed_recorded_at": now, "placed_by": "bench", **thing}  # fmt: skip


def _write(first: int, last: int) -> None:
    now = clock.now()
    keys = range(first, last)
    _insert(Sample, ({"id": key, "site_id": 1, "code": code_of(key), "study_id": 1, "type": "Plasma", "vessel": "tube",
                      "collection_event_id": 1 + (key - 1) // PER_PATIENT, "status": "available",
                      "origin": "collected", "treated_at": now, "treated_precision": "minute",
                      "quantity_kind": "volume", "initial": 500_000, "remaining": 500_000, "reserved": 0,
                      "recorded_at": now} for key in keys))  # fmt: skip
    _insert(SampleDonor, ({"sample_id": key, "patient_id": 1 + (key - 1) // PER_PATIENT} for key in keys))
    _insert(
        QuantityEntry,
        ({"sample_id": key, "amount": 500_000, "act": "collected", "processing_id": None, "happened_at": now,
          "recorded_at": now, "actor_key": "bench"} for key in keys),
    )  # fmt: skip
    _insert(
        ScannableCode,
        ({"code": code_of(key), "kind": "sample", "target_id": key, "site_id": 1} for key in keys),
    )
    _insert(
        Placement,
        (_placed(key, FREEZER + 1 + (key - 1) // PER_BOX, _position(key), sample_id=key) for key in keys),
    )


def _position(key: int) -> str:
    row, column = divmod((key - 1) % PER_BOX, 9)
    return f"{'ABCDEFGHI'[row]}{column + 1:02d}"


def _insert(model: type, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> None:
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        db.session.execute(insert(model.__table__), chunk)  # type: ignore[attr-defined]
