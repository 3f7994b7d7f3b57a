"""The API of storage: containers and their maps; placing, taking out, putting back, discarding."""

from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.samples import life
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample
from biobank.samples.schemas import read_when, sample_json
from biobank.storage import building_api, checks, claim_api, cold, destruction, map
from biobank.storage import service as storage
from biobank.storage.api_parts import bp
from biobank.storage.claim_schemas import cold_json
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container
from biobank.storage.schemas import (
    CancelSchema,
    ContainerNewSchema,
    ContainerQuery,
    DiscardSchema,
    MapQuery,
    PlacingSchema,
    ReasonSchema,
    TakeOutSchema,
    TubeSchema,
    WhenSchema,
    container_json,
    count_json,
    destruction_json,
    map_json,
    placement_json,
    where_json,
)
from biobank.web.api import PageQuery, page_arguments
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer
from biobank.web.sentences import of_reason

__all__ = ["bp", "building_api", "claim_api"]

checks.register()


@bp.post("/containers")
@requires(Permission.STORAGE_BUILD)
@bp.arguments(ContainerNewSchema)
def make(data: dict[str, Any]) -> ResponseReturnValue:
    """Set up a freezer, rack or box; with `parent`, it stands there at once (at its first free place unless told)."""

    def work() -> dict[str, Any]:
        by = actor()
        parent = storage.find_container(data["parent"], by) if data["parent"] else None
        if parent is not None and data["site"] is None:
            site_id = parent.site_id
        else:
            site_id = access.site_for(data["site"], by).id
        made = storage.make_container(
            site_id=site_id,
            kind=data["kind"],
            name=data["name"],
            parent=parent,
            position=data["position"],
            at=read_when(data["at"], "at"),
            by=by,
        )
        return _container(made)

    return api_answer(work)


@bp.get("/containers")
@requires(Permission.STORAGE_READ)
@bp.arguments(ContainerQuery, location="query")
def list_(data: dict[str, Any]) -> ResponseReturnValue:
    """Containers, the oldest first; `parent` for what stands in one, `loose=true` for what stands nowhere."""
    by = actor()
    page = storage.list_containers(
        by,
        kind=data["kind"],
        parent=storage.find_container(data["parent"], by) if data["parent"] else None,
        loose=data["loose"] == "true",
        **page_arguments(),
    )
    ids = [each.id for each in page.items]
    paths, used = storage.path_of(ids), storage.used_in(ids)
    items = [
        container_json(each, kind_of(each), paths.get(each.id, []), used[each.id]) for each in page.items
    ]
    return jsonify({"items": items, "next": page.next})


@bp.get("/containers/room")
@requires(Permission.STORAGE_READ)
def room() -> ResponseReturnValue:
    """How much of each kind of container is used and free."""
    return jsonify({"items": [count_json(count) for count in storage.count_by_kind(actor())]})


@bp.get("/containers/<code>")
@requires(Permission.STORAGE_READ)
def one(code: str) -> ResponseReturnValue:
    """A container, where it stands, and how full it is."""
    return jsonify(_container(storage.find_container(code, actor())))


@bp.get("/containers/<code>/map")
@requires(Permission.STORAGE_READ)
@bp.arguments(MapQuery, location="query")
def map_(query: dict[str, Any], code: str) -> ResponseReturnValue:
    """Every position with what stands there; `contents` for what stands in it without a position.

    `at`, a day or an instant: what stood there then, as it is known now; of a day, at its end.
    """
    container = storage.find_container(code, actor())
    when = read_when(query["at"], "at")
    if when is not None:
        return jsonify(map_json(map.what_was_in(container, map.instant_of(when))))
    return jsonify(map_json(storage.what_is_in(container, actor())))


@bp.put("/containers/<code>/positions/<position>")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(PlacingSchema)
def place(data: dict[str, Any], code: str, position: str) -> ResponseReturnValue:
    """Put a sample or a container there: 201 when it stood nowhere, 200 when it was moved. 409 names the `occupant`."""
    return _place(data, code, position)


@bp.put("/containers/<code>/contents")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(PlacingSchema)
def place_inside(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Put a sample or a container into a container without positions."""
    return _place(data, code, None)


@bp.delete("/containers/<code>/positions/<position>")
@requires(Permission.STORAGE_MOVE)
def take_out_of(code: str, position: str) -> ResponseReturnValue:
    """Take out what stands there; 404 when the position is empty."""

    def work() -> dict[str, Any]:
        by = actor()
        occupant = storage.occupant_at(storage.find_container(code, by), position, by)
        ended = storage.take_out(
            sample=occupant.sample,
            child=occupant.container,
            at=read_when(request.args.get("at"), "at"),
            by=by,
        )
        return {"taken_out": occupant.code, "container": code, "position": ended.position}

    return api_answer(work, 200)


@bp.post("/samples/<code>/take-out")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(TakeOutSchema)
def take_out(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Take a sample out of its place; it stands nowhere until it is placed or put back. `thaw`: to thaw it, counted."""

    def work() -> dict[str, Any]:
        sample = find_sample(code, actor())
        at = read_when(data["at"], "at")
        if data["thaw"]:
            storage.thaw(sample=sample, reason=data["reason"], at=at, by=actor())
            return _sample(sample) | {"cold": cold_json(cold.cold_of([sample.id])[sample.id])}
        storage.take_out(sample=sample, reason=data["reason"], at=at, by=actor())
        return _sample(sample)

    return api_answer(work, 200)


@bp.post("/samples/<code>/put-back")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(WhenSchema)
def put_back(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Put a sample back where it last stood; 409 names the `occupant` when that place is taken."""

    def work() -> dict[str, Any]:
        sample = find_sample(code, actor())
        storage.put_back(sample=sample, at=read_when(data["at"], "at"), by=actor())
        return _sample(sample)

    return api_answer(work, 200)


@bp.post("/samples/<code>/discard")
@requires(Permission.SAMPLE_DISCARD)
@bp.arguments(DiscardSchema)
def discard(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Throw a sample away, for good, and say why; its place is free again."""

    def work() -> dict[str, Any]:
        sample = find_sample(code, actor())
        storage.discard(sample=sample, reason=data["reason"], at=read_when(data["at"], "at"), by=actor())
        return _sample(sample)

    return api_answer(work, 200)


@bp.get("/destructions")
@requires(Permission.SAMPLE_DISCARD)
@bp.arguments(PageQuery, location="query")
def destructions(_query: dict[str, Any]) -> ResponseReturnValue:
    """Every tube that two people are to destroy, and where it stands; the oldest demand first."""
    page = destruction.list_open(actor(), **page_arguments())
    return jsonify(
        {"items": [destruction_json(row) for row in destruction.listed(page.items)], "next": page.next}
    )


@bp.post("/destructions/<int:key>/confirm")
@requires(Permission.SAMPLE_DISCARD)
@bp.arguments(TubeSchema)
def confirm_destruction(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Who has the tube in hand says so."""
    return api_answer(lambda: _destroyed(destruction.confirm, key, tube=data["sample"]), 200)


@bp.post("/destructions/<int:key>/witness")
@requires(Permission.SAMPLE_DISCARD)
@bp.arguments(TubeSchema)
def witness_destruction(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Another person sees it destroyed: the sample is discarded."""
    return api_answer(lambda: _destroyed(destruction.witness, key, tube=data["sample"]), 200)


@bp.post("/destructions/<int:key>/cancel")
@requires(Permission.SAMPLE_DISCARD)
@bp.arguments(CancelSchema)
def cancel_destruction(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """It is not to be destroyed after all."""
    return api_answer(lambda: _destroyed(destruction.cancel, key, reason=data["reason"]), 200)


def _destroyed(act: Any, key: int, **told: str) -> dict[str, Any]:
    task = act(task=destruction.find_task(key, actor()), by=actor(), **told)
    return destruction_json(destruction.listed([task])[0])


@bp.post("/samples/<code>/lose")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(ReasonSchema)
def lose(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Say that a sample was looked for and is not there; its place is free again."""

    def work() -> dict[str, Any]:
        sample = find_sample(code, actor())
        storage.lose(sample=sample, reason=data["reason"], at=read_when(data["at"], "at"), by=actor())
        return _sample(sample)

    return api_answer(work, 200)


@bp.post("/samples/<code>/find")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(ReasonSchema)
def find(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Say that a lost sample is here again; it stands nowhere until it is placed or put back."""

    def work() -> dict[str, Any]:
        sample = find_sample(code, actor())
        at = read_when(data["at"], "at")
        return _sample(life.find(sample=sample, reason=data["reason"], at=at, by=actor()))

    return api_answer(work, 200)


def _place(data: dict[str, Any], code: str, position: str | None) -> Response:
    if (data["sample"] is None) == (data["container"] is None):
        raise Malformed({"sample": Reason("scan_one_thing"), "container": Reason("scan_one_thing")})

    def work() -> dict[str, Any]:
        by = actor()
        container = storage.find_container(code, by)
        sample = find_sample(data["sample"], by) if data["sample"] else None
        child = storage.find_container(data["container"], by) if data["container"] else None
        at = read_when(data["at"], "at")
        placed = storage.put(
            container=container, position=position, sample=sample, child=child, at=at,
            confirm_lapsed=data["confirm_lapsed"], by=by,
        )  # fmt: skip
        thing = sample if sample is not None else child
        what = "sample" if sample is not None else "container"
        return placement_json(
            container, placed.placement, thing.code if thing else "", placed.came_from, what,
            [of_reason(reason) for reason in placed.warned],
        )  # fmt: skip

    response = api_answer(work, 201)
    if response.get_json()["moved"]:  # read from the answer, which may be a stored one
        response.status_code = 200
    return response


def _container(container: Container) -> dict[str, Any]:
    path = storage.path_of([container.id]).get(container.id, [])
    return container_json(container, kind_of(container), path, storage.used_in([container.id])[container.id])


def _sample(sample: Sample) -> dict[str, Any]:
    return sample_json(sample) | {"position": where_json(storage.where_is([sample.id]).get(sample.id))}
