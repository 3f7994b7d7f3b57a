"""What has a label, and what may stand on it: the words of a design, joined from the bank's rows for many at once.

No word leads to a name, a birth date or a hospital number: they stand in tables that nothing here reads.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from biobank.access.models import Site
from biobank.core import clock, times, units
from biobank.core import codes as code_table
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.codes import Found
from biobank.core.db import db, fetch
from biobank.core.errors import NotFound
from biobank.core.times import When
from biobank.core.vocabularies import storage_temperatures
from biobank.patients.models import Patient
from biobank.procedures.models import CollectionKit, Procedure
from biobank.samples.models import Allotment, AllottedNumber, CollectionEvent, Sample, SampleDonor
from biobank.samples.reading import by_keys, events_of
from biobank.storage import kinds, temperatures
from biobank.storage.models import Container, Placement
from biobank.storage.places import Step, path_of, where_is
from biobank.studies.models import Study

#: The vessel of a number that is on no tube yet, for the settings.
KIT_TUBE = "kit_tube"
#: Puts the name of a kind of container into the reader's language.
Words = Callable[[str], str]


@dataclass(frozen=True)
class Thing:
    """Something that has a label.

    kind        what a design is `for`: sample, container, card or patient
    vessel      what decides which design: a vessel, a kind of container, `procedure`, `kit` or `patient`
    patient_id  whose it is, where it is one person's: labels of two people never mix
    values      what the words of a design stand for; a word that is missing is empty
    """

    code: str
    kind: str
    vessel: str
    site_id: int
    patient_id: int | None
    values: Mapping[str, str]


def find(code: str, by: Actor, words: Words = str) -> Thing:
    """The thing of one code. raises as `find_many`"""
    return find_many([code], by, words)[0]


def find_many(wanted: Sequence[str], by: Actor, words: Words = str) -> list[Thing]:
    """What these codes stand for, in their order: the same number of queries for any number of codes.

    wanted  samples' numbers (or their makers' codes), containers', procedures', kits', allotted numbers, pseudonyms
    words   puts the name of a kind of container into the reader's language
    raises  NotFound `label_of_unknown` naming the first that has no label here, also for another site's;
            RuleViolation for a code that is void
    """
    texts = [code.strip()[:100] for code in wanted]
    found = _found(texts, by)
    made: dict[tuple[str, int | str], Thing] = {}
    for table, many in _by_table(found.values()).items():
        made |= {(table, key): thing for key, thing in _MAKERS[table](many, words).items()}
    return [made[_TABLES[one.kind], _key(one)] for one in (found[text] for text in texts)]


def _key(found: Found) -> int | str:
    """A number that was printed ahead stands for nothing yet, and is known by itself."""
    return found.code if found.kind == code_table.ALLOTTED else found.target_id


def _found(texts: Sequence[str], by: Actor) -> dict[str, Found]:
    """Text -> what it stands for; of several things, the one that stands first in `_TABLES`."""
    rank = list(_TABLES)
    known: dict[str, Found] = {}
    for one in code_table.find(dict.fromkeys(texts), by):
        before = known.get(one.code)
        if one.kind in _TABLES and (before is None or rank.index(one.kind) < rank.index(before.kind)):
            known[one.code] = one
    for text in texts:
        if text not in known:
            raise NotFound("label_of_unknown", label=text[:40])
        if known[text].voided:
            raise code_table.refusal_of_void(known[text])
    return known


def _by_table(found: Iterable[Found]) -> dict[str, list[Found]]:
    groups: dict[str, list[Found]] = {}
    for one in found:
        groups.setdefault(_TABLES[one.kind], []).append(one)
    return groups


#: Kind of a code -> where the thing itself stands; a maker's tube code stands for the sample in the tube.
_TABLES = {
    "sample": "sample", "tube": "sample", code_table.ALLOTTED: "allotted", "container": "container",
    "rack": "container", "procedure": "procedure", "kit": "kit", "patient": "patient",
}  # fmt: skip


def _plain(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: " ".join(value.split()) for name, value in values.items() if value}


# --- samples


def _samples(found: Sequence[Found], _words: Words) -> dict[int, Thing]:
    rows = by_keys(one.target_id for one in found)
    keys = sorted(rows)
    events, ways, donors = events_of(list(rows.values())), where_is(keys), _donors(keys)
    studies, sites = _column(Study.code, {row.study_id for row in rows.values()}), _sites(rows.values())
    stored, kits = _stored_on(keys), _kits_of(keys)
    things = {}
    for key, row in rows.items():
        event = events.get(row.collection_event_id or 0)
        values = {
            "type": row.type,
            "amount": amount(row),
            "collected_on": collected_on(row, event),
            "stored_on": stored.get(key),
            "study": studies.get(row.study_id),
            "visit": event.visit if event is not None else None,
            "site": sites.get(row.site_id),
            **_place(ways.get(key)),
            **kits.get(key, {}),
        }
        things[key] = Thing(row.code, "sample", row.vessel, row.site_id, donors.get(key), _plain(values))
    return things


def amount(sample: Sample) -> str:
    """What was in the tube at first, such as `500 µL`; empty where nobody knows."""
    if not sample.quantity_kind or sample.initial is None:
        return ""
    unit = units.KINDS[sample.quantity_kind].unit
    return f"{units.show(sample.quantity_kind, sample.initial)} {unit}"


def collected_on(sample: Sample, event: CollectionEvent | None) -> str:
    """The day it was drawn, or made where it is a pool of several draws."""
    return _day(event.happened_at if event is not None else sample.treated_at)


def _day(at: Any) -> str:
    if at is None:
        return ""
    return times.show(When.on(times.local_day(at, clock.zone()), clock.zone()), clock.zone()) or ""


def _place(way: Sequence[Step] | None) -> dict[str, str | None]:
    return {"container": way[-1].name, "position": way[-1].position} if way else {}


_DONORS = select(SampleDonor.sample_id, SampleDonor.patient_id).where(among(SampleDonor.sample_id, "ids"))


def _donors(sample_ids: Sequence[int]) -> dict[int, int]:
    """Sample -> its donor, where it has one alone."""
    found: dict[int, list[int]] = {}
    for sample_id, patient_id in fetch(_DONORS, {"ids": sample_ids}):
        found.setdefault(sample_id, []).append(patient_id)
    return {sample_id: patients[0] for sample_id, patients in found.items() if len(patients) == 1}


_STORED = (
    select(Placement.sample_id, func.min(Placement.placed_at))
    .where(among(Placement.sample_id, "ids"))
    .group_by(Placement.sample_id)
)


def _stored_on(sample_ids: Sequence[int]) -> dict[int, str]:
    """Sample -> the day on which it was first put anywhere."""
    return {sample_id: _day(at) for sample_id, at in fetch(_STORED, {"ids": sample_ids})}


_ALLOTTED = (
    select(
        AllottedNumber.sample_id,
        AllottedNumber.code,
        AllottedNumber.place,
        AllottedNumber.type,
        AllottedNumber.label,
        AllottedNumber.allotment_id,
        Allotment.site_id,
        Allotment.kit_id,
    )
    .join(Allotment, Allotment.id == AllottedNumber.allotment_id)
)  # fmt: skip
_OF_SAMPLES = _ALLOTTED.where(among(AllottedNumber.sample_id, "ids"))
_OF_NUMBERS = _ALLOTTED.where(among(AllottedNumber.code, "codes"))
_PLACES = (
    select(AllottedNumber.allotment_id, func.max(AllottedNumber.place))
    .where(among(AllottedNumber.allotment_id, "ids"))
    .group_by(AllottedNumber.allotment_id)
)


def _kits_of(sample_ids: Sequence[int]) -> dict[int, dict[str, str | None]]:
    """Sample -> what its label said before it was drawn."""
    rows = fetch(_OF_SAMPLES, {"ids": sample_ids})
    kits, places = _kits_and_places(rows)
    return {row.sample_id: _kit_words(row, kits, places) for row in rows}


def _kits_and_places(rows: Sequence[Any]) -> tuple[dict[int, CollectionKit], dict[int, int]]:
    if not rows:
        return {}, {}
    wanted = sorted({row.kit_id for row in rows if row.kit_id is not None})
    kits = db.session.scalars(select(CollectionKit).where(CollectionKit.id.in_(wanted)))
    places = fetch(_PLACES, {"ids": sorted({row.allotment_id for row in rows})})
    return {kit.id: kit for kit in kits}, dict(map(tuple, places))


def _kit_words(
    row: Any, kits: Mapping[int, CollectionKit], places: Mapping[int, int]
) -> dict[str, str | None]:
    kit = kits.get(row.kit_id)
    return {
        "kit": kit.title if kit else None,
        "tube": row.label,
        "set": str(row.place) if kit else None,
        "sets": str(places[row.allotment_id]) if kit else None,
    }


def _allotted(found: Sequence[Found], _words: Words) -> dict[str, Thing]:
    """Numbers that were given out before there are tubes."""
    rows = fetch(_OF_NUMBERS, {"codes": sorted(one.code for one in found)})
    kits, places = _kits_and_places(rows)
    studies = _column(Study.code, {kit.study_id for kit in kits.values()})
    sites = _sites(rows)
    things = {}
    for row in rows:
        kit = kits.get(row.kit_id)
        values = {
            "type": row.type,
            "site": sites.get(row.site_id),
            "study": studies.get(kit.study_id) if kit else None,
            "visit": kit.visit if kit else None,
            **_kit_words(row, kits, places),
        }
        things[row.code] = Thing(row.code, "sample", KIT_TUBE, row.site_id, None, _plain(values))
    return things


# --- containers, cards, patients


def _containers(found: Sequence[Found], words: Words) -> dict[int, Thing]:
    keys = sorted(one.target_id for one in found)
    rows = db.session.scalars(select(Container).where(among(Container.id, "ids")), {"ids": keys}).all()
    ways, sites = path_of(keys), _sites(rows)
    things = {}
    for row in rows:
        kind = kinds.kind_of(row)
        way = ways.get(row.id)
        values = {
            "container": row.name,
            "kind": words(kind.label),
            "position": _way(way),
            "temperature": _temperature(row),
            "site": sites.get(row.site_id),
        }
        things[row.id] = Thing(row.code, "container", row.kind, row.site_id, None, _plain(values))
    return things


def _way(way: Sequence[Step] | None) -> str:
    return " › ".join(f"{step.name} {step.position or ''}".strip() for step in way or ())


def _temperature(container: Container) -> str | None:
    key = temperatures.own(container)
    return next((known.label for known in storage_temperatures() if known.key == key), None)


def _procedures(found: Sequence[Found], words: Words) -> dict[int, Thing]:
    keys = [one.target_id for one in found]
    rows = db.session.scalars(select(Procedure).where(Procedure.id.in_(keys))).all()
    sites = _sites(rows)
    return {
        row.id: Thing(
            row.number, "card", "procedure", row.site_id, None,
            _plain({"procedure": row.title, "version": f"{row.code} {row.version}", "kind": words("Procedure"),
                    "site": sites.get(row.site_id)}),
        )
        for row in rows
    }  # fmt: skip


def _kits(found: Sequence[Found], words: Words) -> dict[int, Thing]:
    keys = [one.target_id for one in found]
    rows = db.session.scalars(select(CollectionKit).where(CollectionKit.id.in_(keys))).all()
    sites, studies = _sites(rows), _column(Study.code, {row.study_id for row in rows})
    return {
        row.id: Thing(
            row.number, "card", "kit", row.site_id, None,
            _plain({"kit": row.title, "version": row.code, "kind": words("Collection kit"), "note": row.note,
                    "study": studies.get(row.study_id), "visit": row.visit, "site": sites.get(row.site_id)}),
        )
        for row in rows
    }  # fmt: skip


def _patients(found: Sequence[Found], _words: Words) -> dict[int, Thing]:
    """People by their pseudonym: nothing else is said of them."""
    keys = [one.target_id for one in found]
    rows = fetch(_PATIENTS, {"ids": sorted(keys)})
    sites = _sites(rows)
    return {
        row.id: Thing(
            row.code, "patient", "patient", row.site_id, row.id,
            _plain({"patient": row.code, "site": sites.get(row.site_id)}),
        )
        for row in rows
    }  # fmt: skip


def pseudonyms(patient_ids: Iterable[int]) -> dict[int, str]:
    """Patient key -> pseudonym."""
    return {row.id: row.code for row in fetch(_PATIENTS, {"ids": sorted(patient_ids)})}


_PATIENTS = select(Patient.id, Patient.code, Patient.site_id).where(among(Patient.id, "ids"))

_MAKERS: dict[str, Callable[[Sequence[Found], Words], Mapping[Any, Thing]]] = {
    "sample": _samples, "allotted": _allotted, "container": _containers, "procedure": _procedures, "kit": _kits,
    "patient": _patients,
}  # fmt: skip


# --- what several of them need


def _column(column: Any, keys: set[int]) -> dict[int, str]:
    """Key -> one column of its row."""
    table = column.class_
    rows = db.session.execute(select(table.id, column).where(table.id.in_(sorted(keys)))) if keys else ()
    return dict(map(tuple, rows))


def _sites(rows: Iterable[Any]) -> dict[int, str]:
    return _column(Site.code, {row.site_id for row in rows})


def gs1_prefix() -> str:
    """The company prefix that the bank was given by GS1; empty where it has none."""
    return str(current_app.config["BIOBANK"]["gs1_prefix"])
