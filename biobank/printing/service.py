"""Labels of samples, containers and cards: what stands on one, joined from the bank's rows. No patient, no identity."""

from collections.abc import Callable
from dataclasses import replace

from biobank.core import clock, codes, times, units
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import BiobankError, Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.procedures.models import CollectionKit, Procedure
from biobank.samples.models import CollectionEvent, Sample
from biobank.samples.reading import find_sample
from biobank.storage import kinds
from biobank.storage.models import Container
from labels import FORMS, Label, LabelError, render

#: No text on a label is shortened more often than it has lines and strange characters.
_TRIES = 20


def picture(
    code: str,
    form: str,
    by: Actor,
    *,
    design: str | None = None,
    words: Callable[[str], str] = str,
    dpi: int | None = None,
    reprint: int = 0,
) -> bytes:
    """The finished label, read back once.

    code    a sample's (ours, or the maker's tube code), a container's, a procedure's or a kit's
    form    png or svg
    design  a file of config/labels; by default the one for this kind of thing
    dpi     the printer's; the design's own unless given
    reprint  how often it was printed again: 1 puts R1 on it
    words   puts the name of a kind of container into the reader's language
    raises  NotFound for an unknown code or form; Malformed for an unknown design; RuleViolation where it cannot be made
    """
    if form not in FORMS:
        raise NotFound("label_form_unknown", form=form[:20], known=", ".join(FORMS))
    label = label_of(code, by, design=design, words=words)
    if reprint:
        label = replace(label, lines=_marked(label.lines, f"R{reprint}"))
    return _fitting(label, form, dpi)


def _marked(lines: tuple[str, ...], mark: str) -> tuple[str, ...]:
    """The mark of a label that was printed again, before all that may be cut."""
    return (*lines[:-1], f"{mark}  {lines[-1]}".strip()) if lines else (mark,)


def label_of(code: str, by: Actor, *, design: str | None = None, words: Callable[[str], str] = str) -> Label:
    """What stands on the label of a thing: its code, and lines of text that name no person."""
    text = code.strip()[:100]
    for found in codes.find([text], by):
        if found.kind in ("sample", "tube"):
            sample = find_sample(text, by)
            return Label(sample.code, design or "tube", sample_lines(sample))
        if found.kind == "container":
            container = db.session.get_one(Container, found.target_id)
            kind = kinds.kind_of(container)
            usual = "box" if kind.key in kinds.tube_kinds() else "freezer"
            return Label(container.code, design or usual, (container.name, words(kind.label)))
        if found.kind in ("procedure", "kit"):
            return _card(found, design)
    raise NotFound("label_of_unknown", label=text[:40])


def _card(found: codes.Found, design: str | None) -> Label:
    """The card that is scanned to begin a step, or to receive what a visit yields."""
    if found.kind == "procedure":
        procedure = db.session.get_one(Procedure, found.target_id)
        lines = (procedure.title, f"{procedure.code}  {procedure.version}")
    else:
        kit = db.session.get_one(CollectionKit, found.target_id)
        lines = (kit.title, kit.code)
    return Label(found.code, design or "box", lines)


def sample_lines(sample: Sample) -> tuple[str, str]:
    """Type and volume; the day it was collected, or made where it is a pool of several draws."""
    amount = ""
    if sample.quantity_kind and sample.initial is not None:
        unit = units.KINDS[sample.quantity_kind].unit
        amount = f"{units.show(sample.quantity_kind, sample.initial)} {unit}"
    return f"{sample.type}  {amount}".strip(), times.show(_day(sample), clock.zone()) or ""


def _day(sample: Sample) -> When:
    if sample.collection_event_id is not None:
        event = db.session.get_one(CollectionEvent, sample.collection_event_id)
        at = event.happened_at
    else:
        at = sample.treated_at
    return When.on(times.local_day(at, clock.zone()), clock.zone()) if at is not None else When.unknown()


def _fitting(label: Label, form: str, dpi: int | None = None) -> bytes:
    """Render; where a line does not fit, as much of it as does. The code is never shortened."""
    for _ in range(_TRIES):
        try:
            return render(label, form=form, dpi=dpi)
        except LabelError as error:
            lines = _shorter(label.lines, error)
            if lines is None:
                raise _told(error) from error
            label = Label(label.code, label.design, lines, label.number)
    raise RuleViolation("label_not_made", label=label.code)


def _shorter(lines: tuple[str, ...], error: LabelError) -> tuple[str, ...] | None:
    """The lines without what was complained of; None where the complaint is about something else."""
    if error.code == "label_too_many_lines":
        return lines[: error.params["most"]]
    text = error.params.get("text")
    if text not in lines:
        return None
    if error.code == "label_text_too_long":
        left = error.params["fits"]
    elif error.code == "label_text_character":
        left = text.replace(chr(int(error.params["character"][2:], 16)), "")
    else:
        return None
    return tuple(left if line == text else line for line in lines)


def _told(error: LabelError) -> BiobankError:
    if error.code == "label_design_unknown":
        return Malformed({"design": Reason("label_design_unknown", error.params)})
    return RuleViolation(error.code, **error.params)
