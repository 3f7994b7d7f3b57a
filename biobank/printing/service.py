"""Labels of samples, containers, cards and patients: a thing of the bank, a design, and the finished label."""

from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any

from biobank.core.actor import Actor
from biobank.core.errors import NotFound, RuleViolation
from biobank.printing import designs, things
from biobank.printing.things import Thing
from biobank.printing.things import Words as InWords
from labels import FIELDS, FORMS, Label, LabelError, Layout, checked, grouped, letters, templates
from labels.design import MOST_FIELDS, Design
from labels.layout import Words

#: Each text of a label is rid of strange characters once, and shortened once.
_TRIES = 2 * MOST_FIELDS


def picture(
    code: str,
    form: str,
    by: Actor,
    *,
    design: str | None = None,
    words: InWords = str,
    dpi: int | None = None,
    reprint: int = 0,
    **more: Any,
) -> bytes:
    """The finished label, read back once.

    code    a sample's (ours, or the maker's tube code), a container's, a procedure's, a kit's, or a pseudonym
    form    png, svg, pdf or zpl
    design  by default the one for this kind of thing
    dpi     the printer's; the design's own unless given
    reprint  how often it was printed again: 1 puts R1 on it
    words   puts the name of a kind of container into the reader's language
    more    zpl: `copies` and what labels.PrinterSettings takes; pdf: `copies` and `start`
    raises  NotFound for an unknown code or form; Malformed for an unknown design or resolution; RuleViolation where the
            label cannot be made
    """
    if form not in FORMS:
        raise NotFound("label_form_unknown", form=form[:20], known=", ".join(FORMS))
    thing = things.find(code, by, words)
    layout = layout_of(thing, design=design, dpi=dpi, reprint=reprint)
    try:
        return FORMS[form](layout, **more)
    except LabelError as error:
        raise designs.told(error, thing.code) from error


def layout_of(
    thing: Thing,
    *,
    design: str | Design | None = None,
    dpi: int | None = None,
    reprint: int = 0,
) -> Layout:
    """The label of a thing, laid out and read back. design: its name, or itself; raises as `picture`"""
    chosen = design if isinstance(design, Design) else design_of(thing, design)
    return fitting(label_of(thing, chosen, reprint), dpi)


def design_of(thing: Thing, name: str | None = None) -> Design:
    """The design of this name as the site of the thing has it; by default the one for such a thing. raises Malformed"""
    return designs.find(name or designs.usual(thing.kind, thing.vessel, thing.site_id), thing.site_id)


def label_of(thing: Thing, design: Design, reprint: int = 0) -> Label:
    """What stands on it. A word that is not meant for such a thing stays empty, whatever the design says."""
    values = {
        name: value
        for name, value in thing.values.items()
        if name in FIELDS and thing.kind in FIELDS[name].on
    }
    if "gs1_prefix" in words_of(design):
        values["gs1_prefix"] = _prefix(design)
    if not reprint:
        return Label(thing.code, design, values)
    values["mark"] = f"R{reprint}"
    marked = _with_mark(design)
    number = None if "mark" in words_of(marked) else f"{grouped(thing.code)} {values['mark']}"
    return Label(thing.code, marked, values, number)


def _prefix(design: Design) -> str:
    prefix = things.gs1_prefix()
    if not prefix:
        raise RuleViolation("gs1_prefix_missing", design=design.name)
    return prefix


@lru_cache(maxsize=256)
def words_of(design: Design) -> frozenset[str]:
    """The words that a design asks for."""
    found: set[str] = set()
    for field in design.fields:
        with suppress(ValueError):  # one that is being written may hold braces that mean nothing yet
            found.update(templates.words(field.value))
    return frozenset(found)


@lru_cache(maxsize=256)
def _with_mark(design: Design) -> Design:
    """The design with the mark of a label that was printed again: where it says so, else before its last text.

    One without any text is left as it is: the mark then stands after the number.
    """
    texts = [index for index, field in enumerate(design.fields) if field.kind == "text"]
    if "mark" in words_of(design) or not texts:
        return design
    fields = list(design.fields)
    last = fields[texts[-1]]
    fields[texts[-1]] = replace(last, value=f"{{mark}}  {last.value}")
    return replace(design, fields=tuple(fields))


def fitting(label: Label, dpi: int | None = None) -> Layout:
    """Laid out and read back; where a text does not fit, as much of it as does. Code and number are never shortened.

    raises  Malformed, RuleViolation
    """
    for _ in range(_TRIES):
        try:
            return _marked(checked(label, dpi=dpi), label)
        except LabelError as error:
            texts = shorter(label, error)
            if texts is None:
                raise designs.told(error, label.code) from error
            label = replace(label, texts={**label.texts, **texts})
    raise RuleViolation("label_not_made", label=label.code)


def _marked(layout: Layout, label: Label) -> Layout:
    """What was printed again says so, whatever was shortened. raises RuleViolation `label_mark_lost`"""
    mark = label.values.get("mark")
    if mark and not any(mark in words.text.split() for words in layout.marks if isinstance(words, Words)):
        raise RuleViolation("label_mark_lost", label=label.code, mark=mark, design=layout.design.name)
    return layout


def shorter(label: Label, error: LabelError) -> dict[int, str] | None:
    """The text without what was complained of; None where the complaint is about something else."""
    index = error.params.get("field")
    if index is None or not isinstance(label.design, Design) or label.design.fields[index].kind != "text":
        return None
    if error.code == "label_text_too_long" and error.params["may_shorten"]:
        return {index: error.params["fits"]}
    if error.code == "label_text_character":
        return {index: letters.without_strange(error.params["text"], label.design.fields[index].font)}
    return None
