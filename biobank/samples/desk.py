"""What one demand at the desk means: a tube with a patient is a collection, a tube with parents is processing."""

from collections.abc import Mapping
from typing import Any

from biobank.access import service as access
from biobank.core import clock, times, units
from biobank.core.actor import Actor
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.samples import collection, gate, processing, reading
from biobank.samples.models import Sample
from biobank.samples.schemas import read_amount, read_use, read_when
from biobank.studies import service as studies


def register(data: Mapping[str, Any], *, by: Actor, page: bool = False) -> Sample:
    """Register one tube from a demand in the shape of SampleNewSchema.

    page    times without an offset are by the bank's own clock
    raises  Malformed naming every field that is missing; else what collecting or processing raises
    """
    if data["parents"]:
        if data["code"]:
            raise Malformed({"code": Reason("number_not_for_children")})
        return _from_parents(data, by=by, page=page)
    needed = [name for name in ("patient", "study", "collected_at") if data[name] is None]
    if data["collected_precision"] == "unknown":
        needed = [name for name in needed if name != "collected_at"]
    if needed:
        raise Malformed({name: Reason("field_needed") for name in needed})
    site = access.site_for(data["site"], by)
    collected = read_when(data["collected_at"], "collected_at", data["collected_precision"], page=page)
    return collection.collect(
        patient=patients.find_patient(data["patient"], by, site.id),
        study=studies.find_study(data["study"], by, site.id),
        type=data["type"],
        vessel=data["vessel"],
        collected=collected or When.unknown(),
        quantity=units.read_quantity(data),
        container_code=data["container_code"],
        visit=data["visit"],
        receive=data["received"],
        received=read_when(data["received_at"], "received_at", page=page),
        code=data["code"],
        by=by,
    )


def _from_parents(data: Mapping[str, Any], *, by: Actor, page: bool) -> Sample:
    parents = reading.find_samples(data["parents"], by)
    _check_agrees(parents, data, by)
    at = read_when(data["at"], "at", page=page)
    at = at or read_when(data["collected_at"], "collected_at", data["collected_precision"], page=page)
    codes = [data["container_code"]] if data["container_code"] else []
    quantity = units.read_quantity(data)
    if len(parents) > 1:
        use = read_use(data["use"], "pool_across_donors") if data["use"] else None
        return processing.pool(
            samples=parents, type=data["type"], container_code=data["container_code"], quantity=quantity, use=use,
            at=at, by=by,
        )  # fmt: skip
    (parent,) = parents
    if quantity and data["type"] == parent.type and quantity[0] == parent.quantity_kind:
        made = processing.aliquot(
            sample=parent, count=1, amount=quantity[1], container_codes=codes, at=at, by=by
        )
    else:
        made = processing.derive(
            sample=parent, type=data["type"], quantity=quantity, container_codes=codes, at=at, by=by
        )
    return made[0]


def _check_agrees(parents: list[Sample], data: Mapping[str, Any], by: Actor) -> None:
    """A patient or study named beside parents must be theirs, and a child is not older than its parents."""
    if data["patient"]:
        patient = patients.find_patient(data["patient"], by, parents[0].site_id)
        donors = set().union(*gate.donors_of([parent.id for parent in parents]).values())
        if patient.id not in donors:
            raise RuleViolation(
                "parents_of_another_patient", parents=", ".join(parent.code for parent in parents)
            )
    if data["study"]:
        study = studies.find_study(data["study"], by, parents[0].site_id)
        if any(parent.study_id != study.id for parent in parents):
            raise RuleViolation(
                "parents_of_another_study", parents=", ".join(parent.code for parent in parents)
            )


def derive(parent: Sample, data: Mapping[str, Any], *, by: Actor, page: bool = False) -> list[Sample]:
    """Derivatives from a demand in the shape of DerivativesNewSchema."""
    drawn = data["drawn"]
    return processing.derive(
        sample=parent,
        type=data["type"],
        count=data["count"],
        quantity=units.read_quantity(data),
        drawn=read_amount(drawn, parent) if drawn else None,
        whole=data["close_parent"],
        container_codes=data["container_codes"],
        at=read_when(data["at"], "at", page=page),
        by=by,
    )


def shown(when: When) -> str | None:
    """A time as the API and the pages give it: by the bank's clock, with nothing in it that is not known."""
    return times.show(when, clock.zone())
