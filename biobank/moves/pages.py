"""The pages of plans: one step at a time, read at arm's length; whatever box comes to hand is scanned."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.core.i18n import N_
from biobank.moves import leaving, planning_pages, reading, route, service
from biobank.moves.models import MovePlan
from biobank.moves.page_parts import bp
from biobank.moves.stepping import Confirmed
from biobank.web import letters, pages, sentences
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

__all__ = ["NAVIGATION", "bp", "planning_pages"]

NAVIGATION = [NavItem("moves.plans", N_("Moves"), "move", Permission.STORAGE_MOVE.value, 32, "storage")]


@bp.get("/moves")
@requires(Permission.STORAGE_READ)
def plans() -> ResponseReturnValue:
    """Plans, the newest first."""
    page = service.list_plans(actor(), after=request.args.get("after"))
    return pages.render(
        "moves/plans.html",
        plans=page.items,
        next=page.next,
        containers=reading.containers_of(page.items),
        progress=reading.progress_many(page.items),
    )


@bp.get("/moves/<int:key>")
@requires(Permission.STORAGE_READ)
def plan(key: int) -> ResponseReturnValue:
    """A plan: how far it is, what finds no place, and the next step; `?step=` what is in hand and where it goes."""
    return _plan(service.find_plan(key, actor()))


@bp.get("/moves/<int:key>/route.pdf")
@requires(Permission.STORAGE_READ)
def route_sheet(key: int) -> ResponseReturnValue:
    """The route on paper, with boxes to tick; `?language=fr` in French."""
    found = service.find_plan(key, actor())
    with letters.in_language():
        return letters.answer(route.write(found), f"route-{found.id}")


@bp.post("/moves/<int:key>/scan")
@requires(Permission.STORAGE_MOVE)
def scan(key: int) -> ResponseReturnValue:
    """Something is in hand: show where it goes. Where its place was taken meanwhile, another one is looked for."""

    def work() -> str:
        found = service.find_plan(key, actor())
        step = service.step_for(found, _raw(), actor())
        return _next(found, service.ready(step=step, by=actor()), in_hand=True)

    return pages.submit(work, again=_again(key))


@bp.post("/moves/<int:key>/steps/<int:seq>/confirm")
@requires(Permission.STORAGE_MOVE)
def confirm(key: int, seq: int) -> ResponseReturnValue:
    """It stands there: the place was scanned, or Enter was pressed."""

    def work() -> str:
        found = service.find_plan(key, actor())
        step = service.find_step(found, seq)
        done = service.confirm(step=step, scanned=_thing(), to=_raw() or None, by=actor())
        return _next(found, done)

    return pages.submit(work, again=_again(key, seq))


@bp.post("/moves/<int:key>/steps/<int:seq>/elsewhere")
@requires(Permission.STORAGE_MOVE)
def elsewhere(key: int, seq: int) -> ResponseReturnValue:
    """It was put somewhere else."""

    def work() -> str:
        found = service.find_plan(key, actor())
        step = service.find_step(found, seq)
        to = request.form.get("to", "").strip()[:300]
        if not to:
            raise Malformed({"to": Reason("target_needed")})
        position = request.form.get("position", "").strip()[:40] or None
        done = service.confirm_elsewhere(step=step, scanned=_thing(), to=to, position=position, by=actor())
        return _next(found, done)

    return pages.submit(work, again=_again(key, seq))


@bp.post("/moves/<int:key>/steps/<int:seq>/skip")
@requires(Permission.STORAGE_MOVE)
def skip(key: int, seq: int) -> ResponseReturnValue:
    """Leave it where it is, and say why."""

    def work() -> str:
        found = service.find_plan(key, actor())
        service.skip(step=service.find_step(found, seq), why=request.form.get("why", "")[:2000], by=actor())
        return url_for("moves.plan", key=key)

    return pages.submit(work, again=_again(key, seq))


def _raw() -> str:
    return request.form.get("raw", "").strip()[:300]


def _thing() -> str:
    return request.form.get("thing", "").strip()[:300]


def _next(found: MovePlan, done: Confirmed, *, in_hand: bool = False) -> str:
    """Where the page goes on: at the place of what is in hand, else at the next step."""
    if done.done:
        return url_for("moves.plan", key=found.id, step=done.step.seq if in_hand else None,
                       done=None if in_hand else done.step.seq)  # fmt: skip
    instead = done.instead
    whole = instead is not None and (instead.sample_id, instead.child_id) == (
        done.step.sample_id, done.step.child_id,
    )  # fmt: skip
    return url_for(
        "moves.plan", key=found.id, step=instead.seq if instead is not None and whole else None,
        taken=done.because or "-", lost=done.step.seq if instead is None else None,
    )  # fmt: skip


def _again(key: int, seq: int | None = None) -> Any:
    return lambda problems, sentence: _plan(service.find_plan(key, actor()), seq, problems, sentence)


def _plan(
    found: MovePlan,
    seq: int | None = None,
    problems: dict[str, str] | None = None,
    sentence: str | None = None,
) -> Any:
    wanted = seq if seq is not None else _number("step")
    in_hand = _one(found, wanted)
    if in_hand is not None and (in_hand.step.done_at or in_hand.step.skipped_at):
        in_hand = None
    container = reading.containers_of([found])[found.container_id]
    return pages.render(
        "moves/plan.html",
        plan=found,
        container=container,
        kind=sentences.word("move_plan", found.kind),
        progress=reading.progress_of(found),
        left=leaving.left_by_box(found),
        waiting=reading.waiting_steps(found),
        lost_places=reading.lost_places(found),
        in_hand=in_hand,
        done=_one(found, _number("done")),
        lost=_one(found, _number("lost")),
        taken=request.args.get("taken", "")[:100],
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )


def _one(found: MovePlan, seq: int | None) -> reading.Shown | None:
    if seq is None:
        return None
    return reading.shown([service.find_step(found, seq)])[0]


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text[:18]) if text.isascii() and text.isdigit() else None
