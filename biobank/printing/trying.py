"""A design tried out while it is written: what is wrong with it, and how far it can be drawn all the same."""

from dataclasses import dataclass, replace
from typing import Any

from biobank.core.actor import Actor
from biobank.printing import service, things
from labels import Label, LabelError, Layout, lay_out, longest, picture, readback, shortest, warnings
from labels import design as files
from labels.design import DOTS_PER_MM, Design, DesignWarning

#: With what a design is tried: the longest data that may come, the shortest, or a thing of the bank.
DATA = ("longest", "shortest", "code")


@dataclass(frozen=True)
class Trial:
    """How a design does.

    wrong   what keeps it from being kept, and what would go wrong with such a label
    layout  all of it that can be drawn; None where it cannot even be read
    dropped indexes of the fields that are not in it
    """

    design: Design | None
    wrong: list[DesignWarning]
    layout: Layout | None = None
    dropped: tuple[int, ...] = ()


def attempt(
    *, name: str, text: str, by: Actor, data: str = "longest", code: str = "", dpi: int | None = None
) -> Trial:
    """Read a design, and lay out one label of it. Never raises for what is wrong with the design.

    data    one of DATA
    code    of the thing whose data it is tried with
    dpi     the printer's; the design's own unless given, and for one that no printer has
    raises  NotFound, RuleViolation for a code that has no label
    """
    try:
        draft = files.draft(name, text)
    except LabelError as error:
        params = error.params
        return Trial(None, [DesignWarning(params["fault"], params, params["field"], params["line"])])
    if data == "code":
        label = service.label_of(things.find(code, by), draft)
    else:
        label = shortest(draft) if data == "shortest" else longest(draft)
    wanted = dpi if dpi in DOTS_PER_MM else draft.dpi
    wrong = warnings(draft, label, wanted)
    if wanted not in DOTS_PER_MM:
        return Trial(draft, wrong)
    layout, dropped = _drawn(draft, label, wanted)
    if not wrong:
        wrong = _unreadable(layout)
    return Trial(draft, wrong, layout, dropped)


def _unreadable(layout: Layout) -> list[DesignWarning]:
    """What keeps the finished label from being let out."""
    try:
        readback.verify(layout, picture(layout))
    except LabelError as error:
        return [DesignWarning(error.code, error.params)]
    return []


def _drawn(design: Design, label: Label, dpi: int) -> tuple[Layout, tuple[int, ...]]:
    """Every field by itself, so that one that cannot be drawn leaves the others."""
    whole = lay_out(replace(label, design=replace(design, fields=())), dpi=dpi)
    marks: list[Any] = []
    dropped = []
    for index, field in enumerate(design.fields):
        alone = replace(label, design=replace(design, fields=(field,)))
        made = _one(alone, dpi)
        if made is None:
            dropped.append(index)
        else:
            marks += made.marks
    return replace(whole, design=design, marks=tuple(marks)), tuple(dropped)


def _one(label: Label, dpi: int) -> Layout | None:
    """A field as it would come out: a text that is too long is cut, as it is in print."""
    for _ in range(3):
        try:
            return lay_out(label, dpi=dpi)
        except LabelError as error:
            texts = service.shorter(label, error)
            if texts is None:
                return None
            label = replace(label, texts={**label.texts, **texts})
        except ValueError:  # braces that mean nothing
            return None
    return None
