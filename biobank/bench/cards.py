"""What a scanned thing is, on one card: what it is, where it is, whether it may be used, what can be done now.

A card is plain data; the API gives it as it is, and pages draw it. Every card costs a fixed number of small queries,
however large the stock.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, select
from sqlalchemy.orm import aliased

from biobank.bench import thing_cards
from biobank.core import clock, times, units
from biobank.core.actor import Actor
from biobank.core.codes import Found, ScannableCode
from biobank.core.db import db, fetch
from biobank.core.errors import NotFound
from biobank.core.times import When
from biobank.distribution import pick_codes
from biobank.patients.models import Patient
from biobank.printing import checks
from biobank.requests.models import Request, RequestLine
from biobank.samples import gate, reading, rules, uses
from biobank.samples.models import CollectionEvent, Sample, SampleDonor
from biobank.storage import kinds, places, position_codes
from biobank.storage.models import Container, Placement
from biobank.studies.models import Study
from biobank.web import sentences

#: Act -> the permission it takes, in the order in which they are offered at the bench: the likeliest first.
SAMPLE_ACTIONS: tuple[tuple[str, str], ...] = (
    ("receive", "sample:collect"),
    ("place", "storage:move"),
    ("take_out", "storage:move"),
    ("put_back", "storage:move"),
    ("aliquot", "sample:process"),
    ("derive", "sample:process"),
    ("find", "sample:hold"),
    ("label", "label:print"),
    ("hold", "sample:hold"),
    ("correct", "sample:correct"),
    ("discard", "sample:discard"),
)
CONTAINER_ACTIONS = (("open", "storage:read"), ("label", "label:print"))
PATIENT_ACTIONS = (
    ("collect", "sample:collect"),
    ("consent", "consent:record"),
    ("open", "patient:read"),
    ("withdraw", "consent:record"),
)
REQUEST_ACTIONS = (("pick", "request:fulfil"), ("open", "request:read"))

_OF_SAMPLE = (
    *Sample.__table__.columns,
    Study.code.label("study"),
    CollectionEvent.happened_at,
    CollectionEvent.precision,
    CollectionEvent.visit,
    exists().where(Placement.sample_id == Sample.id).label("has_stood"),
    checks.is_verified().label("verified"),
    checks.is_labelled().label("labelled"),
)
_SAMPLE = (
    select(*_OF_SAMPLE)
    .join(Study, Study.id == Sample.study_id)
    .outerjoin(CollectionEvent, CollectionEvent.id == Sample.collection_event_id)
    .where(Sample.id == bindparam("id"))
)
# What kind of thing a code stands for is told beside it: only a sample's row may be looked up under that key.
_STANDS_FOR = aliased(ScannableCode)
_SAMPLE_OF_CODE = (
    select(
        _STANDS_FOR.code.label("found_code"),
        _STANDS_FOR.kind.label("found_kind"),
        _STANDS_FOR.target_id.label("found_id"),
        _STANDS_FOR.site_id.label("found_site"),
        _STANDS_FOR.voided_at.is_not(None).label("found_voided"),
        *_OF_SAMPLE,
    )
    .outerjoin(Sample, and_(Sample.id == _STANDS_FOR.target_id, _STANDS_FOR.kind.in_(("sample", "tube"))))
    .outerjoin(Study, Study.id == Sample.study_id)
    .outerjoin(CollectionEvent, CollectionEvent.id == Sample.collection_event_id)
    .where(_STANDS_FOR.code == bindparam("code"))
)


def sample_of_code(code: str, by: Actor) -> Any:
    """The row of the sample of this number, or of this maker's tube code, with its study and collection; one query.

    raises  as reading.find_sample
    """
    rows = fetch(_SAMPLE_OF_CODE, {"code": code}) if code.isprintable() else ()
    seen = [row for row in rows if by.sees(row.found_site)]
    key = reading.the_one(code, [Found(*row[:5]) for row in seen])
    return next(row for row in seen if row.id == key)


def of(found: Found, by: Actor) -> dict[str, Any]:
    """The card of a thing that a code stands for, with `actions` beside it."""
    if found.kind in _BY_CODE:
        return _BY_CODE[found.kind](found, by)
    return _MAKERS[found.kind](found.target_id, by)


def sample_card(sample_id: int, by: Actor) -> dict[str, Any]:
    """Code, type, quantity, place, consent standing in one colour and one sentence, and what can be done now."""
    (sample,) = fetch(_SAMPLE, {"id": sample_id})
    return card_of(sample, places.where_is([sample.id]).get(sample.id, []), by)


def card_of(sample: Any, path: list[places.Step], by: Actor) -> dict[str, Any]:
    """The same of a row that was read already. path: the way to where it stands"""
    standing = uses.standings([sample])[sample.id]
    actions = _sample_actions(sample, bool(path), by, withdrawn=standing.reason.code in gate.WITHDRAWN)
    return {
        "title": sample.code,
        "type": sample.type,
        "vessel": sample.vessel,
        "status": sample.status,
        "study": sample.study,
        "container_code": sample.container_code,
        "quantity": _quantity(sample),
        "label_verified": bool(sample.verified),
        "label_to_verify": is_to_verify(sample),
        "collected_at": times.show(When(sample.happened_at, sample.precision or "unknown"), clock.zone()),
        "collected_precision": sample.precision or "unknown",
        "position": position_json(path),
        "consent": {"colour": standing.colour, "text": sentences.of_reason(standing.reason),
                    "code": standing.reason.code},
        "actions": actions,
    }  # fmt: skip


def is_to_verify(sample: Any) -> bool:
    """Is this a tube in our hands with a label that nobody has verified, although there is one, or there must be?"""
    if sample.verified or sample.status not in ("collected", "available"):
        return False
    return bool(sample.labelled) or checks.must_be_verified(sample.site_id)


def position_json(path: list[places.Step]) -> dict[str, Any] | None:
    """Where a thing stands: the container, the position in it, and the way there from the root."""
    if not path:
        return None
    last = path[-1]
    return {
        "container": last.code,
        "position": last.position,
        "path": [
            {"code": step.code, "name": step.name, "kind": step.kind, "position": step.position}
            for step in path
        ],
    }


def _quantity(sample: Any) -> dict[str, Any] | None:
    kind = sample.quantity_kind
    if kind is None:
        return None
    return {
        "unit": units.KINDS[kind].unit,
        "remaining": units.as_number(kind, sample.remaining),
        "reserved": units.as_number(kind, sample.reserved),
    }


#: After a withdrawal a tube is put aside or destroyed; and a mistake about whose it is can still be put right.
_AFTER_WITHDRAWAL = frozenset({"move", "discard", "correct", "find"})


def _sample_actions(sample: Any, placed: bool, by: Actor, *, withdrawn: bool = False) -> list[str]:
    """What this actor can do with it now; consent may still say no, and then says why."""
    possible = {str(act) for act in rules.possible_acts(sample.status)}
    if withdrawn:
        possible &= _AFTER_WITHDRAWAL
    if "move" in possible:
        possible |= {"take_out", "place"} if placed else {"place"}
        if not placed and sample.has_stood:
            possible.add("put_back")
    if sample.remaining is None:
        possible.discard("aliquot")
    possible |= {"label", "hold"}
    if placed:  # a tube that stands somewhere is first of all taken out or worked with
        offered = [name for name in SAMPLE_ACTIONS if name[0] != "place"] + [("place", "storage:move")]
    else:
        offered = list(SAMPLE_ACTIONS)
    return [act for act, permission in offered if act in possible and by.may(permission)]


def container_card(container_id: int, by: Actor) -> dict[str, Any]:
    """Name, kind, where it stands, how full it is."""
    container = db.session.get_one(Container, container_id)
    kind = kinds.kind_of(container)
    used = db.session.scalar(
        select(func.count()).where(Placement.container_id == container.id, places.current())
    )
    return {
        "title": container.code,
        "name": container.name,
        "kind": container.kind,
        "kind_label": kind.label,
        "capacity": kind.capacity,
        "used": used,
        "position": position_json(places.path_of([container.id]).get(container.id, [])),
        "actions": [act for act, permission in CONTAINER_ACTIONS if by.may(permission)],
    }


def patient_card(patient_id: int, by: Actor) -> dict[str, Any]:
    """Pseudonym, sex, year of birth, and how many samples; only for those who may read patients."""
    if not by.may("patient:read"):
        return {"title": "", "actions": []}
    patient = db.session.get_one(Patient, patient_id)
    samples = db.session.scalar(select(func.count()).where(SampleDonor.patient_id == patient.id))
    return {
        "title": patient.code,
        "sex": patient.sex,
        "birth_year": patient.birth_year,
        "samples": samples,
        "link_broken": patient.anonymised_at is not None,
        "actions": [
            act
            for act, permission in PATIENT_ACTIONS
            if by.may(permission) and (act == "open" or patient.anonymised_at is None)
        ],
    }


def request_card(request_id: int, by: Actor) -> dict[str, Any]:
    """Title, state and what is still to be picked."""
    request = db.session.get_one(Request, request_id)
    counts = select(RequestLine.status, func.count()).where(RequestLine.request_id == request.id)
    lines = dict(db.session.execute(counts.group_by(RequestLine.status)).all())
    return {
        "title": request.code,
        "name": request.title,
        "status": request.status,
        "lines": lines,
        "actions": [act for act, permission in REQUEST_ACTIONS if by.may(permission)],
    }


def position_card(found: Found, by: Actor) -> dict[str, Any]:
    """One place of a container: what stands there, or that it is free. raises NotFound where there is no such place"""
    container = db.session.get_one(Container, found.target_id)
    kind = kinds.kind_of(container)
    parsed = position_codes.parse_position_code(found.code)
    place = position_codes.position_at(parsed[1], kind) if parsed else None
    if place is None:
        raise NotFound("unknown_code", raw=found.code)
    query = select(Placement).where(
        Placement.container_id == container.id, Placement.position == place.text, places.current()
    )
    there = db.session.scalars(query).one_or_none()
    way = places.path_of([container.id]).get(container.id, [])
    return {
        "title": found.code,
        "container": container.code,
        "name": container.name,
        "kind_label": kind.label,
        "place": place.text,
        "occupant": _occupant(there) if there is not None else None,
        "position": position_json(way),
        "actions": ["open"] if by.may("storage:read") else [],
    }


def _occupant(placement: Placement) -> dict[str, str]:
    if placement.sample_id is not None:
        return {"sample": db.session.get_one(Sample, placement.sample_id).code}
    return {"container": db.session.get_one(Container, placement.child_id).code}


def pick_list_card(found: Found, by: Actor) -> dict[str, Any]:
    """The list of tubes to be fetched for a request."""
    card = request_card(found.target_id, by)
    return card | {
        "title": found.code,
        "request": pick_codes.request_of(found.code),
        "actions": [act for act in card["actions"] if act == "pick"],
    }


_BY_CODE: dict[str, Callable[[Found, Actor], dict[str, Any]]] = {
    "position": position_card,
    "pick_list": pick_list_card,
    "command": thing_cards.command_card,
    "allotted": thing_cards.allotted_card,
    "user": thing_cards.badge_card,
}
_MAKERS: dict[str, Callable[[int, Actor], dict[str, Any]]] = {
    "sample": sample_card,
    "tube": sample_card,
    "container": container_card,
    "rack": container_card,
    "patient": patient_card,
    "request": request_card,
    "procedure": thing_cards.procedure_card,
    "kit": thing_cards.kit_card,
    "station": thing_cards.station_card,
}
