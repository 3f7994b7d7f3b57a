"""One board of timers for everybody at the bench, and the form that starts one."""

from typing import Any

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import clock
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.procedures import rules as procedure_rules
from biobank.procedures import service as procedures
from biobank.samples import reading, steps
from biobank.samples.page_parts import bp
from biobank.web import pages, sentences
from biobank.web.asking import actor

#: Tubes of a batch that are named on the board; of the others their number.
NAMED = 8
#: Parts the procedure from the step in the choices of a form.
BETWEEN = "/"


@bp.get("/board")
@requires(Permission.SAMPLE_READ)
def board() -> ResponseReturnValue:
    """Everything that runs, what is due first first; `?ended=` tells what came of a batch."""
    return _board()


@bp.post("/board/scan")
@requires(Permission.SAMPLE_PROCESS)
def scan_at_board() -> ResponseReturnValue:
    """A tube that runs was scanned: its step is over, for all the tubes that began it together."""

    def work() -> str:
        by = actor()
        sample = reading.find_scanned(request.form.get("raw", "")[:300], by)
        batch = steps.batch_of(sample)
        if batch is None:
            raise RuleViolation("step_none_runs", sample=sample.code)
        steps.stop(batch=batch, by=by)
        return url_for("samples.board", ended=batch)

    return pages.submit(work, again=lambda _fields, sentence: _board(sentence))


@bp.post("/board/<batch>/stop")
@requires(Permission.SAMPLE_PROCESS)
def stop_batch(batch: str) -> ResponseReturnValue:
    """Its step is over."""

    def work() -> str:
        steps.stop(batch=batch, by=actor())
        return url_for("samples.board", ended=batch)

    return pages.submit(work, again=lambda _fields, sentence: _board(sentence))


@bp.post("/board/<batch>/cancel")
@requires(Permission.SAMPLE_PROCESS)
def cancel_batch(batch: str) -> ResponseReturnValue:
    """It never really began."""

    def work() -> str:
        steps.cancel(batch=batch, by=actor())
        return url_for("samples.board")

    return pages.submit(work, again=lambda _fields, sentence: _board(sentence))


@bp.get("/board/due")
@requires(Permission.SAMPLE_READ)
def due() -> ResponseReturnValue:
    """What runs against a limit, for the band on every other page; in whole seconds from now, as on the board."""
    by, now = actor(), clock.now()
    timers = [_timer(batch, now) for batch in steps.running(by) if batch.due.limit_at is not None]
    words = {"running": _("left"), "ready": _("ready, left"), "look": _("take it out, left"),
             "late": _("too long by")}  # fmt: skip
    return jsonify({"timers": [_band(timer) for timer in timers], "words": words})


def _band(timer: dict[str, Any]) -> dict[str, Any]:
    """A timer in one line: its step, and its first tube with how many there are besides."""
    title, others = timer["batch"].step.title, timer["count"] - 1
    return {
        "batch": timer["batch"].key,
        "step": title,
        "tubes": f"{timer['codes'][0]} +{others}" if others else timer["codes"][0],
        **{name: timer[name] for name in ("left", "ready", "warn")},
        "say_look": _("%(step)s: take it out soon", step=title),
        "say_late": _("%(step)s is over its limit", step=title),
    }


def _board(sentence: str | None = None) -> Any:
    by, now = actor(), clock.now()
    batches = steps.running(by)
    ended = steps.find_batch(request.args["ended"], by) if request.args.get("ended") else None
    started = steps.find_batch(request.args["started"], by) if request.args.get("started") else None
    told = ended or started
    return pages.render(
        "samples/board.html",
        batches=[_timer(batch, now) for batch in batches],
        names=access.names_of({batch.started_by for batch in batches}),
        ended=ended,
        started=started,
        outside=_outside(told) if told else [],
        now=now,
        sentence=sentence,
    )


def _timer(batch: steps.Batch, now: Any) -> dict[str, Any]:
    """What the board shows of a batch, in whole seconds from now: the browser counts on, by its own watch."""
    due = batch.due
    limit = due.limit_at or due.ready_at
    open_codes = [batch.codes[run.sample_id] for run in batch.runs]
    return {
        "batch": batch,
        "state": due.state(now),
        "count": len(open_codes),
        "codes": open_codes[:NAMED],
        "more": max(0, len(open_codes) - NAMED),
        "left": int((limit - now).total_seconds()) if limit else None,
        "gone": int((now - batch.started_at).total_seconds()),
        "ready": int((due.ready_at - now).total_seconds()) if due.ready_at else None,
        "warn": int((due.limit_at - due.warn_at).total_seconds()) if due.limit_at and due.warn_at else 0,
        "has_limit": due.limit_at is not None,
    }


def _outside(batch: steps.Batch) -> list[dict[str, Any]]:
    """What was out of procedure, each sentence once, with the tubes it is true of."""
    tubes: dict[str, list[str]] = {}
    broken = set()
    for key, reasons in steps.outside_of(batch).items():
        for reason in reasons:
            text = sentences.of_reason(reason)
            tubes.setdefault(text, []).append(batch.codes[key])
            if procedure_rules.broken([reason]):
                broken.add(text)
    return [{"text": text, "codes": codes, "broken": text in broken} for text, codes in tubes.items()]


# --- start one


@bp.get("/board/new")
@requires(Permission.SAMPLE_PROCESS)
def new_batch() -> ResponseReturnValue:
    """The form to start a step: `?procedure=` and `?step=` choose one."""
    return _form()


@bp.post("/board/new")
@requires(Permission.SAMPLE_PROCESS)
def start_batch() -> ResponseReturnValue:
    """These tubes begin it now."""

    def work() -> str:
        by = actor()
        number, _between, key = request.form.get("step", "").partition(BETWEEN)
        if not key:
            raise Malformed({"step": Reason("field_needed")})
        tubes = reading.find_samples(request.form.get("samples", "").split(), by)
        batch = steps.start(samples=tubes, procedure=procedures.find_procedure(number, by), step=key, by=by)
        return url_for("samples.board", started=batch)

    return pages.submit(work, again=_form)


def _form(problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    by = actor()
    followed = procedures.list_in_force(by)
    wanted = request.args.get("procedure", "")
    chosen = next((each for each in followed if wanted in (each.number, each.code)), None)
    step = request.args.get("step") or (chosen.steps[0]["key"] if chosen else "")
    return pages.render(
        "samples/new_batch.html",
        options=[
            (f"{each.number}{BETWEEN}{step.key}", f"{each.code} {each.version}: {step.title}")
            for each in followed
            for step in procedure_rules.read_steps(each.steps)
        ],
        value=f"{chosen.number}{BETWEEN}{step}" if chosen else "",
        typed=request.form,
        problems=problems or {},
        sentence=sentence,
    )
