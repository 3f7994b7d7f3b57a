"""Many labels at once, for a browser, a file or sheets of paper: accounted for like every label, and written in pieces.

Who asks for a sheet is given its labels: each is a job that is `shown`. What was printed before is printed again, with
a reason, and marked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.codes import ScannableCode
from biobank.core.db import chunks, db, fetch, lock
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.printing import designs, jobs, service, things
from biobank.printing.models import LabelJob
from biobank.printing.things import Thing, Words
from biobank.samples.models import Sample
from labels import LabelError, Layout, write_pdf, zpl_stream
from labels.design import Design

#: Labels of one sheet of work: a day's reception of a large bank.
MOST = 5000
#: Labels that one page of a browser prints: each is a picture of its own.
MOST_IN_BROWSER = 500
#: print: by the browser; pdf: one label a page; sheet: on the cells of a page; zpl: for a printer.
FORMS = ("print", "pdf", "sheet", "zpl")
#: Labels whose words are read together.
_TOGETHER = 200


@dataclass(frozen=True)
class Choice:
    """What somebody chose: the things in the order in which their labels come out, and what has a label already.

    kinds    of the things; a design is chosen where they are all of one
    printed  codes whose label was asked for before: they are printed again, which takes a reason
    """

    things: list[Thing]
    kinds: tuple[str, ...]
    printed: tuple[str, ...]


def choose(*, codes: Sequence[str], by: Actor, words: Words = str) -> Choice:
    """The things of these codes, each once, those of one patient together.

    raises  Malformed for none, or too many; NotFound, RuleViolation as `things.find_many`
    """
    wanted = list(dict.fromkeys(codes))
    _count(len(wanted), MOST)
    unique: dict[str, Thing] = {}
    for chunk in chunks(wanted, _TOGETHER):
        unique |= {thing.code: thing for thing in things.find_many(chunk, by, words)}
    found = _by_patient(unique.values())
    kinds = tuple(dict.fromkeys(thing.kind for thing in found))
    printed = tuple(code for code, job in _newest([thing.code for thing in found]).items() if _is_out(job))
    return Choice(found, kinds, printed)


def _count(count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise Malformed({"codes": Reason("labels_out_of_range", {"count": count, "most": most})})


def _by_patient(found: Any) -> list[Thing]:
    """Labels of two people never take turns: all of the first one that was named, then all of the next."""
    groups: dict[Any, list[Thing]] = {}
    for thing in found:
        groups.setdefault(thing.patient_id, []).append(thing)
    return [thing for group in groups.values() for thing in group]


_NEWEST = (
    select(func.max(LabelJob.id))
    .where(among(LabelJob.code, "codes"), LabelJob.state != "cancelled")
    .group_by(LabelJob.code)
)


def _newest(codes: Sequence[str]) -> dict[str, LabelJob]:
    """Code -> the job that was asked for last."""
    ids = [key for (key,) in fetch(_NEWEST, {"codes": list(codes)})]
    rows = db.session.scalars(select(LabelJob).where(among(LabelJob.id, "ids")), {"ids": ids})
    return {job.code: job for job in rows}


def _is_out(job: LabelJob) -> bool:
    """It may be on a tube, or will be: only what waits for a browser is nowhere."""
    return not (job.state == "waiting" and job.printer is None)


def order(
    *,
    codes: Sequence[str],
    by: Actor,
    design: str | None = None,
    reason: str = "",
    copies: int = 1,
    form: str = "pdf",
    start: int = 1,
) -> int:
    """Account for the labels of these things, and give them out.

    design  for all of them; None: each has the one for its kind
    reason  why some of them are printed again; needed where some are
    form    how they will be had, and of a sheet the first free cell: asked now, so that nothing is given out in vain
    returns the key of the sheet, for `write`
    raises  as `choose`; Malformed, fields `design`, `form`, `start`, `reason` and `copies`
    """
    if form not in FORMS:
        known = ", ".join(FORMS)
        raise Malformed({"form": Reason("label_form_unknown", {"form": form[:20], "known": known})})
    if not 1 <= copies <= jobs.MOST_COPIES:
        raise Malformed(
            {"copies": Reason("copies_out_of_range", {"count": copies, "most": jobs.MOST_COPIES})}
        )
    chosen = choose(codes=codes, by=by)
    _count(len(chosen.things) * copies, MOST_IN_BROWSER if form == "print" else MOST)
    used = _designs(chosen, design)
    if form == "sheet":
        _check_start(used, start)
    _lock(chosen.things)
    return _give_out(chosen, design, reason.strip(), copies, by)


def _give_out(chosen: Choice, design: str | None, reason: str, copies: int, by: Actor) -> int:
    printed = [thing.code for thing in chosen.things]
    newest, highest = _newest(printed), _highest(printed)
    made = []
    for thing in chosen.things:
        job = _job(thing, design, copies, by)
        before = newest.get(thing.code)
        if before is not None and not _is_out(before):  # what still waits for a browser is this one
            job.reprint, job.reason = before.reprint, before.reason
            jobs.cancel(job=before, by=by)
        elif before is not None:
            _require_reason(reason, thing, chosen)
            job.reprint, job.reason = highest[thing.code] + 1, reason
            _tell_again(job, thing, by)
        made.append(job)
    db.session.add_all(made)
    db.session.flush()
    for job in made:
        job.batch = made[0].id
    db.session.flush()
    return made[0].id


def _designs(chosen: Choice, name: str | None) -> list[Design]:
    """Every design that will be printed. raises Malformed, field `design`"""
    if name is None:
        each = dict.fromkeys((thing.kind, thing.vessel, thing.site_id) for thing in chosen.things)
        return list(dict.fromkeys(designs.find(designs.usual(*one), one[2]) for one in each))
    if len(chosen.kinds) > 1:
        raise Malformed({"design": Reason("label_design_kinds", {"design": name[:64]})})
    found = [designs.find(name, site_id) for site_id in {thing.site_id for thing in chosen.things}]
    if any(design.of != chosen.kinds[0] for design in found):
        raise Malformed({"design": Reason("label_design_other", {"design": name[:64]})})
    return list(dict.fromkeys(found))


def _check_start(used: Sequence[Design], start: int) -> None:
    """All lie on sheets of one kind, and the first of them has such a cell. raises Malformed"""
    sheet = used[0].stock.sheet
    if sheet is None or any(design.stock != used[0].stock for design in used):
        raise Malformed({"form": Reason("label_design_no_sheet", {"design": used[0].name})})
    if not 1 <= start <= sheet.cells:
        told = {"design": used[0].name, "cells": sheet.cells, "start": start}
        raise Malformed({"start": Reason("label_sheet_start", told)})


def _lock(found: Sequence[Thing]) -> None:
    """Two who print the same thing at once give it two marks, not one."""
    samples = [thing.code for thing in found if thing.kind == "sample"]
    lock(Sample, [key for (key,) in fetch(_SAMPLES, {"codes": samples})])
    others = [thing.code for thing in found if thing.kind != "sample"]
    if others:  # whatever has a code has a row there; nobody else locks these
        db.session.execute(_CODES.with_for_update(), {"codes": others}).all()


_SAMPLES = select(Sample.id).where(among(Sample.code, "codes"))
_CODES = select(ScannableCode.id).where(among(ScannableCode.code, "codes")).order_by(ScannableCode.id)


def _job(thing: Thing, design: str | None, copies: int, by: Actor) -> LabelJob:
    now = clock.now()
    return LabelJob(
        site_id=thing.site_id, code=thing.code, patient_id=thing.patient_id, design=design, printer=None,
        station=by.station, copies=copies, reprint=0, state="shown", tries=0, asked_at=now, asked_by=by.key,
        ended_at=now,
    )  # fmt: skip


def _require_reason(reason: str, thing: Thing, chosen: Choice) -> None:
    if not reason.strip():
        told = {"count": len(chosen.printed), "label": thing.code}
        raise Malformed({"reason": Reason("sheet_reason_needed", told)})


def _tell_again(job: LabelJob, thing: Thing, by: Actor) -> None:
    kind = thing.vessel if thing.kind == "card" else thing.kind
    subject, told = (kind, jobs.record_key(kind, job)), {"reprint": job.reprint}
    audit.record(by=by, act="label_reprinted", subject=subject, after=told, reason=job.reason)


_HIGHEST = (
    select(LabelJob.code, func.max(LabelJob.reprint))
    .where(among(LabelJob.code, "codes"))
    .group_by(LabelJob.code)
)


def _highest(codes: Sequence[str]) -> dict[str, int]:
    """Code -> how often it was printed again, as far as anybody asked."""
    return dict(map(tuple, fetch(_HIGHEST, {"codes": list(codes)})))


# --- what was given out


def jobs_of(sheet: int, by: Actor) -> list[LabelJob]:
    """The labels of a sheet, in the order in which they come out. raises NotFound `label_sheet_unknown`"""
    query = select(LabelJob).where(LabelJob.batch == sheet, LabelJob.state == "shown").order_by(LabelJob.id)
    found = [job for job in db.session.scalars(query) if by.sees(job.site_id)]
    if not found:
        raise NotFound("label_sheet_unknown", sheet=sheet)
    return found


def write(
    *,
    sheet: int,
    form: str,
    by: Actor,
    start: int = 1,
    dpi: int | None = None,
    words: Words = str,
) -> BinaryIO:
    """The labels of a sheet as one file, at its beginning: on disk, so that memory does not grow with it, and whole, so
    that no half of it is taken for all of it.

    form    pdf, sheet or zpl
    start   the first cell that is still free, from 1; of a sheet
    raises  Malformed, field `start` or `form`; RuleViolation where a label cannot be made, naming it
    """
    given = jobs_of(sheet, by)
    out = TemporaryFile()  # noqa: SIM115  whoever sends it closes it
    try:
        _write(given, form, start, dpi, by, words, out)
    except LabelError as error:
        out.close()
        raise designs.told(error) from error
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return out


def _write(
    given: Sequence[LabelJob],
    form: str,
    start: int,
    dpi: int | None,
    by: Actor,
    words: Words,
    out: BinaryIO,
) -> None:
    made = _copied(given, layouts(given, by, words=words, dpi=dpi, single=form != "sheet"))
    if form == "zpl":
        for piece in zpl_stream(made):
            out.write(piece)
        return
    if form not in ("pdf", "sheet"):
        raise NotFound("label_form_unknown", form=form[:20], known="pdf, sheet, zpl")
    first = next(made)
    if form == "sheet" and first.design.stock.sheet is None:
        raise Malformed({"form": Reason("label_design_no_sheet", {"design": first.design.name})})
    write_pdf(_with(first, made), out, start=start)


def _with(first: Layout, rest: Iterator[Layout]) -> Iterator[Layout]:
    yield first
    yield from rest


def _copied(given: Sequence[LabelJob], made: Iterator[Layout]) -> Iterator[Layout]:
    for job, layout in zip(given, made, strict=True):
        for _ in range(job.copies):
            yield layout


def layouts(
    given: Sequence[LabelJob],
    by: Actor,
    *,
    words: Words = str,
    dpi: int | None = None,
    single: bool = False,
) -> Iterator[Layout]:
    """The labels of these jobs, each read back, a few hundred read from the bank at a time.

    single  one label a page, whatever the design's stock
    """
    used: dict[tuple[str | None, str, str, int], Design] = {}
    for chunk in chunks(given, _TOGETHER):
        known: Mapping[str, Thing] = {
            thing.code: thing for thing in things.find_many([job.code for job in chunk], by, words)
        }
        for job in chunk:
            thing = known[job.code]
            key = (job.design, thing.kind, thing.vessel, thing.site_id)
            if key not in used:
                design = service.design_of(thing, job.design)
                used[key] = _alone(design) if single else design
            yield service.layout_of(thing, design=used[key], dpi=dpi, reprint=job.reprint)


def _alone(design: Design) -> Design:
    if design.stock.sheet is None:
        return design
    return replace(design, stock=replace(design.stock, sheet=None))
