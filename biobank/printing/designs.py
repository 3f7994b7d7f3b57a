"""How labels look at a site: a design that it wrote itself goes before the shipped one of that name; none is lost."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import current_unit, db
from biobank.core.errors import BiobankError, Malformed, NotFound, Reason, RuleViolation
from biobank.printing.models import LabelDesign
from biobank.storage import kinds
from labels import design as files
from labels.design import Design
from labels.errors import LabelError

#: What a design may be for.
KINDS = ("sample", "container", "card", "patient")
#: Letters of a design's text; a design of forty fields has about 8,000.
MOST_LETTERS = 20_000
#: Designs that one site may write.
MOST_DESIGNS = 200
#: What stands in place of a name in the addresses of pages.
_ADDRESSES = {"new", "preview"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Known:
    """One design as a site has it.

    version  0: as shipped
    design   None, where the text cannot be used any more
    """

    name: str
    version: int
    text: str
    shipped: bool
    design: Design | None

    @property
    def of(self) -> str:
        return self.design.of if self.design is not None else ""


# --- reading


def find(name: str, site_id: int) -> Design:
    """The design of this name as the site has it.

    raises  Malformed, field `design`: unknown (naming those there are), or one that cannot be used
    """
    text = text_of(name, site_id)
    if text is None:
        raise Malformed({"design": Reason("label_design_unknown", _unknown(name, site_id))})
    try:
        return read(name, text)
    except LabelError as error:
        raise Malformed({"design": Reason(error.code, error.params)}) from error


def _unknown(name: str, site_id: int) -> dict[str, str]:
    return {"design": name[:64], "known": ", ".join(names(site_id))}


def text_of(name: str, site_id: int, version: int | None = None) -> str | None:
    """The design as TOML: the site's newest, else the shipped one; None where there is none.

    version  that one of the site's own; 0: the shipped one
    """
    if version is not None and not 0 <= version < 2**31:  # more than the column holds: there is none
        return None
    if version != 0:
        query = select(LabelDesign.text).where(LabelDesign.site_id == site_id, LabelDesign.name == name)
        if version is not None:
            query = query.where(LabelDesign.version == version)
        text = db.session.scalar(query.order_by(LabelDesign.version.desc()).limit(1))
        if text is not None or version is not None:
            return text
    return shipped_text(name)


def shipped_text(name: str) -> str | None:
    """The text of the file of that name in config/labels."""
    # The name comes from outside: it must never lead out of the folder.
    if not _NAME.fullmatch(name) or name not in files.names():
        return None
    return _file(name, (files.DESIGNS / f"{name}.toml").stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _file(name: str, _changed: int) -> str:
    return (files.DESIGNS / f"{name}.toml").read_text(encoding="utf-8")


@lru_cache(maxsize=256)
def read(name: str, text: str) -> Design:
    """A design from its text, checked whole; the same text is read once. raises LabelError"""
    return files.parse(name, text)


def names(site_id: int) -> list[str]:
    """Every design that the site can print with."""
    return sorted({*files.names(), *(row.name for row in _newest(site_id) if row.text is not None)})


def _newest(site_id: int) -> Sequence[LabelDesign]:
    """The newest version of each design that the site ever wrote."""
    newest = (
        select(LabelDesign.name, func.max(LabelDesign.version).label("version"))
        .where(LabelDesign.site_id == site_id)
        .group_by(LabelDesign.name)
        .subquery()
    )
    query = select(LabelDesign).join(
        newest, (LabelDesign.name == newest.c.name) & (LabelDesign.version == newest.c.version)
    )
    return db.session.scalars(query.where(LabelDesign.site_id == site_id)).all()


def known(site_id: int, of: Iterable[str] = KINDS) -> list[Known]:
    """Every design of a site, by name; `of`: for these things alone."""
    own = {row.name: row for row in _newest(site_id)}
    wanted = set(of)
    found = (_known(name, own.get(name)) for name in sorted({*files.names(), *own}))
    return [
        one
        for one in found
        if one is not None and (one.of in wanted or (one.design is None and wanted == set(KINDS)))
    ]


def known_one(name: str, site_id: int) -> Known | None:
    """One design as the site has it; None where it has none of this name."""
    return _known(name, next((row for row in _newest(site_id) if row.name == name), None))


def _known(name: str, row: LabelDesign | None) -> Known | None:
    shipped = shipped_text(name)
    text = row.text if row is not None and row.text is not None else shipped
    if text is None:
        return None
    version = row.version if row is not None and row.text is not None else 0
    return Known(name, version, text, shipped is not None, _usable(name, text))


def _usable(name: str, text: str) -> Design | None:
    try:
        return read(name, text)
    except LabelError:
        return None


def history(name: str, site_id: int) -> Sequence[LabelDesign]:
    """Every version that the site wrote, the newest first."""
    query = select(LabelDesign).where(LabelDesign.site_id == site_id, LabelDesign.name == name)
    return db.session.scalars(query.order_by(LabelDesign.version.desc()).limit(200)).all()


def newest_version(name: str, site_id: int) -> int:
    """0: the site never wrote it."""
    query = select(func.max(LabelDesign.version)).where(
        LabelDesign.site_id == site_id, LabelDesign.name == name
    )
    return db.session.scalar(query) or 0


# --- which design a thing has


def usual(kind: str, vessel: str, site_id: int) -> str:
    """The name of the design that the settings give to such a thing.

    kind    sample, container, card or patient
    vessel  what it is in, or which kind of container it is
    """
    told: Mapping[str, Any] = current_app.config["BIOBANK"]["label_designs"]
    own = told["sites"].get(access.site_code(site_id), {})
    for key in _keys(kind, vessel):
        for table in (own, told):
            if isinstance(table.get(key), str):
                return str(table[key])
    return str(told["sample"])


def _keys(kind: str, vessel: str) -> tuple[str, ...]:
    """Under what the settings name its design: the nearest first. `box` are the containers of samples alone."""
    if kind == "container" and vessel in kinds.tube_kinds():
        return vessel, "box", kind
    return vessel, kind


def used_for(site_id: int) -> dict[str, list[str]]:
    """Name of a design -> what the settings give it to, by their keys."""
    told: Mapping[str, Any] = current_app.config["BIOBANK"]["label_designs"]
    own = told["sites"].get(access.site_code(site_id), {})
    found: dict[str, list[str]] = {}
    for key, name in {**told, **own}.items():
        if isinstance(name, str):
            found.setdefault(name, []).append(key)
    return found


# --- writing


def save(*, name: str, text: str, site_id: int, seen: int, by: Actor) -> LabelDesign:
    """Keep a design as the site's own.

    seen    the newest version when its writer opened it; 0 for one that the site never wrote
    raises  NotFound for another site's; Malformed (fields `name`, `text`); RuleViolation `label_design_changed`
    """
    if not by.sees(site_id):
        raise NotFound("label_design_nowhere", design=name[:64])
    if not _NAME.fullmatch(name) or name in _ADDRESSES:
        raise Malformed({"name": Reason("label_design_name", {"design": name[:64]})})
    text = text.replace("\r\n", "\n").strip() + "\n"
    try:
        design = read(name, text)
    except LabelError as error:
        raise Malformed({"text": Reason(error.code, error.params)}) from error
    row = _write(name, text, site_id, seen, by)
    told = {"version": row.version, "of": design.of, "sha256": sha256(text.encode()).hexdigest()}
    audit.record(
        by=by, act="label_design_saved", subject=("label_design", record_key(name, site_id)), after=told
    )
    return row


def restore(*, name: str, version: int, site_id: int, seen: int, by: Actor) -> LabelDesign:
    """An older version becomes the newest; 0: the shipped one, or none where none is shipped.

    raises  NotFound; RuleViolation `label_design_changed`
    """
    if not by.sees(site_id):
        raise NotFound("label_design_nowhere", design=name[:64])
    text = None if version == 0 else text_of(name, site_id, version)
    if newest_version(name, site_id) == 0 or (version and text is None):
        raise NotFound("label_design_nowhere", design=name[:64])
    row = _write(name, text, site_id, seen, by)
    told = {"version": row.version, "like": version}
    audit.record(
        by=by, act="label_design_restored", subject=("label_design", record_key(name, site_id)), after=told
    )
    return row


def _write(name: str, text: str | None, site_id: int, seen: int, by: Actor) -> LabelDesign:
    """The next version. Of two who write at once, the second finds its number taken, and is told so."""
    current_unit()
    newest = newest_version(name, site_id)
    if newest != seen:
        raise RuleViolation("label_design_changed", design=name, version=newest)
    if newest == 0 and len(_newest(site_id)) >= MOST_DESIGNS:
        raise RuleViolation("label_designs_many", most=MOST_DESIGNS)
    row = LabelDesign(
        site_id=site_id, name=name, version=newest + 1, text=text, recorded_at=clock.now(), recorded_by=by.key
    )
    db.session.add(row)
    db.session.flush()
    return row


def record_key(name: str, site_id: int) -> str:
    """What the record knows a design as."""
    return f"{access.site_code(site_id)}/{name}"


def told(error: LabelError, label: str = "") -> BiobankError:
    """A label that cannot be made, in the words of the bank."""
    params = {"label": label} | {key: value for key, value in error.params.items() if key not in _NOT_SAID}
    if error.code in _FIELDS:
        return Malformed({_FIELDS[error.code]: Reason(error.code, params)})
    return RuleViolation(error.code, **params)


#: What was asked for wrongly, rather than cannot be.
_FIELDS = {
    "label_design_unknown": "design", "label_design_wrong": "design", "label_resolution_unknown": "dpi",
    "label_sheet_start": "start", "label_copies": "copies", "label_printer_resolution": "dpi",
}  # fmt: skip
#: Of an error of a label: what is for programs.
_NOT_SAID = {"field", "may_shorten"}
