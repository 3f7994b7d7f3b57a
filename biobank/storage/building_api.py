"""The API of building freezers, of their capacity, and of places for tubes."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Forbidden, Malformed, Reason
from biobank.samples.reading import find_samples
from biobank.samples.schemas import read_when
from biobank.storage import building, capacity, claims, kinds, layouts, suggesting
from biobank.storage import service as storage
from biobank.storage.api_parts import bp
from biobank.storage.building_schemas import (
    BuildSchema,
    SuggestionSchema,
    built_json,
    layout_json,
    report_json,
    suggestion_json,
)
from biobank.storage.layouts import Level
from biobank.studies.service import find_study
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer


@bp.post("/containers/build")
@requires(Permission.STORAGE_BUILD)
@bp.arguments(BuildSchema)
def build(data: dict[str, Any]) -> ResponseReturnValue:
    """Build a freezer with everything in it, or fill a container that is there: all of it, or nothing.

    `preview`: 200, what would be built. 422 names the level that does not fit: `level_1` …
    """
    if data["preview"]:
        return jsonify(layout_json(building.sketch(by=actor(), **_asked(data))))

    def work() -> dict[str, Any]:
        asked = _asked(data)
        into = asked.get("into")
        site_id = into.site_id if into else access.site_for(data["site"], actor()).id
        at = read_when(data["at"], "at")
        return built_json(building.build(site_id=site_id, at=at, by=actor(), **asked))

    return api_answer(work)


def _asked(data: dict[str, Any]) -> dict[str, Any]:
    if (data["kind"] is None) == (data["into"] is None):
        raise Malformed({"kind": Reason("build_one_of_two"), "into": Reason("build_one_of_two")})
    if data["levels"] is not None and data["line"] is not None:
        raise Malformed({"line": Reason("build_levels_or_line"), "levels": Reason("build_levels_or_line")})
    into = storage.find_container(data["into"], actor()) if data["into"] else None
    outermost = kinds.kind_of(into) if into else kinds.find_kind(data["kind"])
    if data["line"] is not None:
        levels = layouts.read_line(data["line"], kinds=kinds.kinds(), outermost=outermost.key)
    else:
        levels = [Level(**each) for each in data["levels"] or ()]
    told: dict[str, Any] = {"into": into} if into else {"kind": data["kind"], "name": data["name"]}
    return told | {"levels": levels}


@bp.get("/containers/capacity")
@requires(Permission.STORAGE_READ)
def how_full() -> ResponseReturnValue:
    """How full each freezer and each kind of box is, how fast it fills, and when it will be full.

    The outlook is a line through the last 13 weeks: what was put in, less what was taken out.
    """
    return jsonify(report_json(capacity.report(actor())))


@bp.post("/storage/suggestions")
@requires(Permission.STORAGE_READ)
@bp.arguments(SuggestionSchema)
def suggest(data: dict[str, Any]) -> ResponseReturnValue:
    """Where tubes could go: boxes that take them, as few as can be, with free places in each.

    `reserve`: the places are kept for the asker; whoever does so must be allowed to move things.
    """
    if not data["reserve"]:
        return jsonify(suggestion_json(_suggested(data), []))
    by = actor()
    if not by.may(Permission.STORAGE_MOVE.value):
        raise Forbidden("forbidden_permission", permission=Permission.STORAGE_MOVE.value)

    def work() -> dict[str, Any]:
        found = _suggested(data)
        kept = []
        for place in sorted(
            found.places, key=lambda each: each.container.id
        ):  # the order in which rows are locked
            if place.positions:
                kept += claims.reserve(
                    container=place.container, positions=place.positions, minutes=data["minutes"], by=by
                )
        return suggestion_json(found, kept)

    return api_answer(work)


def _suggested(data: dict[str, Any]) -> suggesting.Suggestion:
    by = actor()
    if data["samples"] is not None:
        samples = find_samples(data["samples"], by)
        return suggesting.suggest(samples=samples, temperature=data["temperature"], by=by)
    site_id = access.site_for(data["site"], by).id if data["site"] else None
    return suggesting.suggest(
        study=find_study(data["study"], by, site_id) if data["study"] else None,
        type=data["type"],
        vessel=data["vessel"],
        count=data["count"],
        temperature=data["temperature"],
        by=by,
    )
