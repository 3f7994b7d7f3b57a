"""The pages on which plans are made, extended, given up and taken back; and the page that carries a rack."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.moves import carrying, rules, service
from biobank.moves.page_parts import bp
from biobank.storage import kinds
from biobank.storage import service as storage
from biobank.web import pages
from biobank.web.asking import actor


@bp.get("/containers/<code>/evacuate")
@requires(Permission.STORAGE_MOVE)
def evacuate_form(code: str) -> ResponseReturnValue:
    """What an evacuation would come to, and the button that begins it."""
    return _evacuate_form(code)


@bp.post("/containers/<code>/evacuate")
@requires(Permission.STORAGE_MOVE)
def evacuate(code: str) -> ResponseReturnValue:
    """Plan it, keep the places, and show the first step."""

    def work() -> str:
        container = storage.find_container(code, actor())
        made = service.evacuate(container=container, why=request.form.get("why", "")[:2000], by=actor())
        return url_for("moves.plan", key=made.id)

    return pages.submit(work, again=lambda problems, sentence: _evacuate_form(code, problems, sentence))


@bp.get("/containers/<code>/tidy")
@requires(Permission.STORAGE_MOVE)
def tidy_form(code: str) -> ResponseReturnValue:
    """How full a box may be to be emptied into others."""
    return _tidy_form(code)


@bp.post("/containers/<code>/tidy")
@requires(Permission.STORAGE_MOVE)
def tidy(code: str) -> ResponseReturnValue:
    """Plan it, and show the first step."""

    def work() -> str:
        container = storage.find_container(code, actor())
        made = service.defragment(container=container, most_full=_share(), by=actor())
        return url_for("moves.plan", key=made.id)

    return pages.submit(work, again=lambda problems, sentence: _tidy_form(code, problems, sentence))


@bp.post("/moves/<int:key>/extend")
@requires(Permission.STORAGE_MOVE)
def extend(key: int) -> ResponseReturnValue:
    """Look once more for places for what has none."""

    def work() -> str:
        service.extend(plan=service.find_plan(key, actor()), by=actor())
        return url_for("moves.plan", key=key)

    return pages.submit(work)


@bp.post("/moves/<int:key>/give-up")
@requires(Permission.STORAGE_MOVE)
def give_up(key: int) -> ResponseReturnValue:
    """End a plan: what was not moved stays."""

    def work() -> str:
        service.give_up(
            plan=service.find_plan(key, actor()), why=request.form.get("why", "")[:2000], by=actor()
        )
        return url_for("moves.plan", key=key)

    return pages.submit(work)


@bp.post("/moves/<int:key>/reverse")
@requires(Permission.STORAGE_MOVE)
def reverse(key: int) -> ResponseReturnValue:
    """Plan the way back."""

    def work() -> str:
        found = service.find_plan(key, actor())
        made = service.reverse(plan=found, why=request.form.get("why", "")[:2000], by=actor())
        return url_for("moves.plan", key=made.id)

    return pages.submit(work)


# --- a whole rack


@bp.get("/moves/carry")
@requires(Permission.STORAGE_MOVE)
def carry_form() -> ResponseReturnValue:
    """The first scan: what is carried. With `?what=` the second: where it stands now."""
    return _carry(request.args.get("what", "")[:100])


@bp.post("/moves/carry")
@requires(Permission.STORAGE_MOVE)
def carry() -> ResponseReturnValue:
    """One of the two scans."""
    what, raw = request.form.get("what", "").strip()[:300], request.form.get("raw", "").strip()[:300]

    def work() -> str:
        if not what:
            return url_for("moves.carry_form", what=carrying.find_load(raw, actor()).code)
        placed = service.carry(what=what, where=raw, by=actor())
        box = storage.container_of(placed.placement)
        return url_for("moves.carry_form", done=what, box=box.code, position=placed.placement.position)

    return pages.submit(work, again=lambda _problems, sentence: _carry(what, sentence))


# --- drawing


def _evacuate_form(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    container = storage.find_container(code, actor())
    found = service.preview(container, actor())
    return pages.render(
        "moves/evacuate.html",
        container=container,
        boxes=sum(1 for move in found.moves if move.box is not None),
        tubes=sum(1 for move in found.moves if move.tube is not None),
        left=len(found.left),
        doubtful=sum(1 for move in found.moves if move.fit == rules.Fit.DOUBTFUL),
        strange=sum(1 for move in found.moves if not move.accepted),
        plans=service.list_plans(actor(), container=container, open_only=True, limit=5).items,
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )


def _tidy_form(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    return pages.render(
        "moves/tidy.html",
        container=storage.find_container(code, actor()),
        percent=round(service.NEARLY_EMPTY * 100),
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )


def _share() -> float:
    text = request.form.get("percent", "").strip()
    if not (text.isascii() and text.isdigit()):
        raise Malformed({"percent": Reason("share_out_of_range")})
    return int(text[:4]) / 100


def _carry(what: str, sentence: str | None = None) -> Any:
    by = actor()
    load = storage.find_container(what, by) if what else None
    box = request.args.get("box", "")[:40]
    path = storage.path_of([load.id]).get(load.id, []) if load is not None else []
    return pages.render(
        "moves/carry.html",
        load=load,
        path=path,
        kinds=kinds.kinds(),
        done=request.args.get("done", "")[:100],
        box=storage.find_container(box, by) if box else None,
        position=request.args.get("position", "")[:20],
        sentence=sentence,
    )
