"""Building a freezer in one go: every shelf, rack, drawer and box of it, numbered, named and standing in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import bulk, clock, codes
from biobank.core.actor import Actor
from biobank.core.codes import ScannableCode
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.core.times import When
from biobank.storage import claims, kinds, layouts, rules, standing, tally
from biobank.storage.containers import used_in
from biobank.storage.layouts import Layout, Level
from biobank.storage.models import Container, Placement
from biobank.storage.texts import CONTAINER_NAMES


@dataclass(frozen=True)
class Built:
    """What was built. `container` is the new freezer, or the container that was filled."""

    container: Container
    layout: Layout

    @property
    def count(self) -> int:
        return len(self.layout.items)


def sketch(
    *,
    levels: Sequence[Level],
    by: Actor,
    kind: str | None = None,
    name: str | None = None,
    into: Container | None = None,
    default_names: Mapping[str, str] = CONTAINER_NAMES,
) -> Layout:
    """What would be built, without building it. raises as `build`"""
    if (kind is None) == (into is None):
        raise Malformed({"kind": Reason("build_one_of_two")})
    told: dict[str, Any] = {"kinds": kinds.kinds(), "default_names": default_names}
    if into is not None:
        outermost = kinds.kind_of(into).key
        if not levels:
            raise Malformed({"level_1": Reason("layout_line_empty")})
        return layouts.plan(levels, outermost=outermost, name=None, free=_free(into, by), **told)
    called = (name or "").strip()
    if not called:
        raise Malformed({"name": Reason("container_name_needed")})
    return layouts.plan(levels, outermost=kinds.find_kind(kind or "").key, name=called, **told)


def _free(container: Container, by: Actor) -> list[str]:
    """Places at which a container can be put, in order; as many blanks as go in, where there are no places."""
    kind = kinds.kind_of(container)
    if not kind.positioned:
        return [""] * (kind.capacity - used_in([container.id])[container.id])
    gone = claims.kept_and_taken(container.id, by)
    return [place.text for place in rules.positions(kind) if place.text not in gone]


def build(
    *,
    site_id: int,
    levels: Sequence[Level],
    by: Actor,
    kind: str | None = None,
    name: str | None = None,
    into: Container | None = None,
    at: When | None = None,
    default_names: Mapping[str, str] = CONTAINER_NAMES,
) -> Built:
    """Build a freezer with everything in it, or fill a container that is there: as many statements for one box as for
    a thousand.

    kind, name  of the new freezer; or
    into        what the levels are put into, at its free places
    raises      Malformed, `level_1` … naming the level that does not fit; NotFound for what another site hides
    """
    if into is not None:
        if not by.sees(into.site_id) or into.site_id != site_id:
            raise NotFound("container_unknown", container=into.code)
        standing.lock_paths(into.id)
    elif not by.sees(site_id):
        raise NotFound("site_unknown", site=site_id)
    layout = sketch(levels=levels, by=by, kind=kind, name=name, into=into, default_names=default_names)
    keys = _write(layout, site_id, into, by, at)
    found = into if into is not None else db.session.get_one(Container, keys[0])
    return Built(found, layout)


def _write(layout: Layout, site_id: int, into: Container | None, by: Actor, at: When | None) -> Sequence[int]:
    items, now = layout.items, clock.now()
    happened, instant = standing.moment(at, None, None)
    numbers = codes.issue("container", access.site_code(site_id), len(items))
    keys = bulk.next_keys(Container, len(items))
    rows = list(zip(keys, numbers, items, strict=True))
    bulk.insert_rows(
        Container,
        [
            {
                "id": key,
                "site_id": site_id,
                "code": code,
                "kind": item.kind,
                "name": item.name,
                "recorded_at": now,
            }
            for key, code, item in rows
        ],
    )
    bulk.insert_rows(
        ScannableCode,
        [{"code": code, "kind": "container", "target_id": key, "site_id": site_id} for key, code, _ in rows],
    )
    placed: list[dict[str, Any]] = []
    for key, code, item in rows:
        told = {"kind": item.kind, "name": item.name}
        parent = (keys[item.parent], numbers[item.parent]) if item.parent is not None else None
        if parent is None and into is not None:
            parent = (into.id, into.code)
        if parent is not None:
            position = item.position or None
            placed.append(
                {"container_id": parent[0], "position": position, "child_id": key, "placed_at": instant,
                 "placed_recorded_at": now, "placed_by": by.key}
            )  # fmt: skip
            told |= {"container": parent[1]} | ({"position": position} if position else {})
        audit.record(by=by, act="container_made", subject=("container", code), after=told, happened=happened)
    bulk.insert_rows(Placement, placed)
    inside = {row["child_id"]: row["container_id"] for row in placed}
    tally.containers_made({key: inside.get(key) for key in keys})
    return keys
