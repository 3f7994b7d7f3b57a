"""The pages of destruction: what is to be destroyed, and one tube that two people take in hand, one after the other."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.db import MAX_INTEGER
from biobank.storage import destruction as service
from biobank.storage.models import DestructionTask
from biobank.storage.page_parts import bp
from biobank.web import pages
from biobank.web.asking import actor


@bp.get("/destructions")
@requires(Permission.SAMPLE_DISCARD)
def destructions() -> ResponseReturnValue:
    """Every tube that is to be destroyed, and where it stands; `?withdrawal=` those of one withdrawal."""
    return _list()


@bp.post("/destructions")
@requires(Permission.SAMPLE_DISCARD)
def scan_destruction() -> ResponseReturnValue:
    """The tube in hand was scanned: go to its task. One that is to be kept is said so, in red."""

    def work() -> str:
        return url_for("storage.destruction", key=service.task_of(_scanned(), actor()).id)

    return pages.submit(
        work, again=lambda _problems, sentence: _alarm(sentence, url_for("storage.destructions"))
    )


@bp.get("/destructions/<int:key>")
@requires(Permission.SAMPLE_DISCARD)
def destruction(key: int) -> ResponseReturnValue:
    """One tube: where it stands, who has it in hand, and what comes next."""
    return _task(service.find_task(key, actor()))


@bp.post("/destructions/<int:key>/confirm")
@requires(Permission.SAMPLE_DISCARD)
def confirm_destruction(key: int) -> ResponseReturnValue:
    """Who has the tube in hand scanned it."""

    def work() -> str:
        task = service.confirm(task=service.find_task(key, actor()), tube=_scanned(), by=actor())
        return url_for("storage.destruction", key=task.id)

    return pages.submit(work, again=_stop(key))


@bp.post("/destructions/<int:key>/witness")
@requires(Permission.SAMPLE_DISCARD)
def witness_destruction(key: int) -> ResponseReturnValue:
    """Another person scanned it, and saw it destroyed."""

    def work() -> str:
        task = service.witness(task=service.find_task(key, actor()), tube=_scanned(), by=actor())
        return url_for("storage.destructions", done=task.id, withdrawal=task.withdrawal_id)

    return pages.submit(work, again=_stop(key))


@bp.post("/destructions/<int:key>/cancel")
@requires(Permission.SAMPLE_DISCARD)
def cancel_destruction(key: int) -> ResponseReturnValue:
    """It is not to be destroyed after all."""

    def work() -> str:
        task = service.find_task(key, actor())
        service.cancel(task=task, reason=request.form.get("reason", "")[:2000], by=actor())
        return url_for("storage.destruction", key=task.id)

    def again(problems: dict[str, str], sentence: str) -> Any:
        return _task(service.find_task(key, actor()), problems, sentence)

    return pages.submit(work, again=again)


def _scanned() -> str:
    return request.form.get("raw", "")[:300]


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    return min(int(text[:20]), MAX_INTEGER) if text.isascii() and text.isdigit() else None


def _list() -> Any:
    by = actor()
    withdrawal = _number("withdrawal")
    page = service.list_open(by, withdrawal_id=withdrawal, after=request.args.get("after"))
    done = _number("done")
    return pages.render(
        "storage/destructions.html",
        rows=service.listed(page.items),
        next=page.next,
        withdrawal=withdrawal,
        names=access.names_of({task.first_by for task in page.items if task.first_by}),
        done=service.listed([service.find_task(done, by)])[0] if done else None,
    )


def _task(task: DestructionTask, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    by = actor()
    (row,) = service.listed([task])
    people = {key for key in (task.opened_by, task.first_by, task.done_by, task.cancelled_by) if key}
    return pages.render(
        "storage/destruction.html",
        row=row,
        task=task,
        names=access.names_of(people),
        mine=task.first_by == by.key,
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )


def _stop(key: int) -> Any:
    """A wrong tube turns the page red; one way on, back to the task."""
    return lambda _problems, sentence: _alarm(sentence, url_for("storage.destruction", key=key))


def _alarm(sentence: str, href: str) -> Any:
    return pages.render("storage/stop.html", sentence=sentence, scanned=_scanned(), href=href)
