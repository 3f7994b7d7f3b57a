"""Looks through every text the bank keeps for what would still point to a person, and overwrites what may be."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Text,
    bindparam,
    cast,
    delete,
    false,
    literal,
    or_,
    select,
    update,
)

from biobank.audit import service as audit
from biobank.core.actor import Actor
from biobank.core.db import Base, chunks, db
from biobank.patients import links
from biobank.patients.models import Patient
from biobank.withdrawal.columns import Searched, can_be_overwritten, searched
from biobank.withdrawal.naming import MARK, Hit, Naming

#: Answers kept for a demand sent twice, and letters to be sent: they go with the link, whoever typed what into them.
PASSING = ("idempotency_key", "outbox_item")
#: Where a person's random key stays: once erased from the patient it leads to nobody.
KEEPS_KEY = {"patient", "audit_entry", "decision", "sample_correction", "request_line", "consent_review"}
#: What becomes of a text when the link is broken.
GOES, OVERWRITABLE, STAYS = "goes", "overwritable", "stays"
#: Different texts of one column that are told one by one; the rest is told as one.
MOST = 200
#: Subjects of the record, as far as a row that is overwritten belongs to one.
SUBJECTS = ("sample", "request", "container")


class Belongs(NamedTuple):
    """What a text belongs to: sample T00421736."""

    kind: str
    code: str


@dataclass
class Trace:
    """One text that names the person, wherever the same text stands in one column."""

    table: str
    column: str
    fate: str
    excerpt: str
    """Empty where many different texts are told as one."""
    certain: bool
    """Proposed to be overwritten: the name stands there as a word of its own."""
    rows: list[tuple[Any, Belongs | None]] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"{self.table}.{self.column}"

    @property
    def key(self) -> str:
        """Names it in a form, without saying what it says."""
        told = f"{self.place}\n{self.fate}\n{self.excerpt}"
        return hashlib.sha256(told.encode()).hexdigest()[:20]

    @property
    def belongs(self) -> list[Belongs]:
        """The first few things that it belongs to."""
        return list(dict.fromkeys(owner for _key, owner in self.rows if owner))[:5]


def find_traces(patient: Patient) -> list[Trace]:
    """Everything that would still point to the person: one query a table, however many rows it has.

    Rows of another site are not looked at: who has the same pseudonym there is somebody else.
    """
    names = links.names_of(patient)
    plain, keyed = Naming(names), Naming([*names, patient.subject_key or ""])
    going = links.rows_of(patient)
    traces: list[Trace] = []
    for place in searched():
        naming = plain if place.table.name in KEEPS_KEY else keyed
        found = _Found(place, naming)
        for row in db.session.execute(_query(place, naming, patient, going)).yield_per(1000):
            found.enter(dict(row._mapping))
        traces += found.traces.values()
    ranks = {OVERWRITABLE: 0, STAYS: 1, GOES: 2}
    return sorted(traces, key=lambda trace: (ranks[trace.fate], trace.place, trace.excerpt))


def seen(traces: Iterable[Trace]) -> str:
    """Stands for what was shown: another, as soon as anything was added that does not go by itself."""
    told = "\n".join(sorted(f"{trace.key} {len(trace.rows)}" for trace in traces if trace.fate != GOES))
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def chosen_of(traces: Iterable[Trace], keys: Collection[str]) -> Iterator[Trace]:
    """Those of the traces that are to be overwritten, among those that can be."""
    return (trace for trace in traces if trace.fate == OVERWRITABLE and trace.key in keys)


def overwrite(traces: Iterable[Trace], naming: Naming, *, by: Actor) -> int:
    """Put a mark where the names stood, and say so in the record of each thing. returns how many texts changed"""
    changed = 0
    for trace in traces:
        table = Base.metadata.tables[trace.table]
        key, column = next(iter(table.primary_key.columns)), table.columns[trace.column]
        change = update(table).where(key == bindparam("of_row")).values({column: bindparam("text")})
        for chunk in chunks(trace.rows, 500):
            held = db.session.execute(select(key, column).where(key.in_([row for row, _owner in chunk])))
            texts = [{"of_row": row, "text": _fitting(naming.without(text), column)} for row, text in held]
            db.session.connection().execute(change, texts)
            for row, owner in chunk:
                of_thing = owner is not None and owner.kind in SUBJECTS
                subject = (owner.kind, owner.code) if owner and of_thing else (trace.table, str(row))
                audit.record(by=by, act="redacted", subject=subject, after={"place": trace.place})
        changed += len(trace.rows)
    db.session.expire_all()
    return changed


def drop_passing(naming: Naming) -> None:
    """Forget answers and letters that name the person. A letter that is still to go loses the name."""
    tables = {place.table.name: place for place in searched()}
    for name in PASSING:
        place = tables[name]
        query = select(place.key, *place.texts).where(_names_in(place, naming))
        hits = [
            row._mapping
            for row in db.session.execute(query)
            if any(naming.in_text(_text(row._mapping[column])) for column in place.texts)
        ]
        if name == "idempotency_key":
            # A demand that is being carried out, such as this one, has no answer yet.
            answered = [row[place.key] for row in hits if row[place.table.c.answer]]
            for keys in chunks(answered, 500):
                db.session.execute(delete(place.table).where(place.key.in_(keys)))
            continue
        for row in hits:
            clean = {column: naming.without(row[column]) for column in place.texts}
            db.session.execute(update(place.table).where(place.key == row[place.key]).values(clean))
    db.session.expire_all()


def _query(
    place: Searched, naming: Naming, patient: Patient, going: Mapping[str, Select[int]]
) -> Select[Any]:
    """Rows in which a name may stand: their key, texts, owners, and whether they go with the link."""
    table = place.table
    goes: ColumnElement[bool] = literal(True) if table.name in PASSING else false()
    if table.name == "patient":
        goes = place.key == patient.id
    elif table.name in going:
        goes = place.key.in_(going[table.name])
    columns = [cast(column, Text).label(f"text_{column.name}") for column in place.texts]
    owners = [cast(owner.code, String).label(f"owner_{number}") for number, owner in enumerate(place.owners)]
    query = select(place.key.label("key"), goes.label("goes"), *columns, *owners).select_from(place.rows)
    query = query.where(_names_in(place, naming), or_(place.site.is_(None), place.site == patient.site_id))
    return _without_other_people(query, place, patient).order_by(place.key)


def _without_other_people(query: Select[Any], place: Searched, patient: Patient) -> Select[Any]:
    """What others are called is theirs: that it begins as this pseudonym does says nothing of this person."""
    table = place.table
    if table.name == "patient":
        return query.where(place.key == patient.id)
    if table.name == "scannable_code":
        return query.where(or_(table.c.kind != "patient", table.c.target_id == patient.id))
    return query


def _names_in(place: Searched, naming: Naming) -> Any:
    return or_(*(cast(column, Text).ilike(like) for column in place.texts for like in naming.likes))


@dataclass
class _Found:
    """What was found in one table."""

    place: Searched
    naming: Naming
    traces: dict[tuple[str, str, bool, str], Trace] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)

    def enter(self, values: Mapping[str, Any]) -> None:
        """One row in which a name may stand."""
        table = self.place.table.name
        for column in self.place.texts:
            text = values[f"text_{column.name}"]
            hit = self.naming.in_text(text) if text else None
            if hit is not None:
                fate = OVERWRITABLE if can_be_overwritten(table, column.name) else STAYS
                trace = self._trace(column.name, GOES if values["goes"] else fate, hit)
                trace.rows.append((values["key"], self._owner(values)))

    def _trace(self, column: str, fate: str, hit: Hit) -> Trace:
        key = (column, fate, hit.certain, hit.excerpt)
        if key not in self.traces:
            self.told[column] += 1
            if self.told[column] > MOST:
                key = (*key[:3], "")
        return self.traces.setdefault(key, Trace(self.place.table.name, column, fate, key[3], hit.certain))

    def _owner(self, values: Mapping[str, Any]) -> Belongs | None:
        if self.place.table.name == "audit_entry":
            return Belongs(values["text_subject_kind"], values["text_subject_key"])
        for number, owner in enumerate(self.place.owners):
            if values[f"owner_{number}"] is not None:
                return Belongs(owner.kind, values[f"owner_{number}"])
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else audit.canonical(value)


def _fitting(value: Any, column: Any) -> Any:
    """A mark may be longer than the name: where it has no room, a shorter one."""
    most = getattr(column.type, "length", None)
    if isinstance(value, str) and most and len(value) > most:
        return value.replace(MARK, "…")
    return value
