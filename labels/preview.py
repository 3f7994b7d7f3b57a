"""A design tried out: labels with the longest and the shortest data there are, and what would go wrong with them."""

from dataclasses import replace

from labels.design import FIELDS, Design, DesignWarning, faults_of
from labels.layout import Label, complaints


def longest(design: Design) -> Label:
    """A label of this design whose every word is as long as it comes, in French where it is a word of the language."""
    return _label(design, {word: meant.longest for word, meant in FIELDS.items() if design.of in meant.on})


def shortest(design: Design) -> Label:
    """A label of this design on which stands as little as there may."""
    return _label(design, {word: meant.shortest for word, meant in FIELDS.items() if design.of in meant.on})


def warnings(design: Design, label: Label | None = None, dpi: int | None = None) -> list[DesignWarning]:
    """All that is wrong with a design, and with this label in it. Never raises.

    design  also one of `draft` that `parse` would refuse
    label   by default the longest there may be
    dpi     the printer's resolution; by default the design's own
    """
    found = list(faults_of(design))
    tried = longest(design) if label is None else replace(label, design=design)
    for error in complaints(tried, dpi=dpi):
        index = error.params.get("field")
        line = design.lines.get(f"fields {index}")
        if error.params.get("but_for_quiet"):
            found.append(DesignWarning("design_quiet_zone", error.params, index, line, "fields"))
        found.append(DesignWarning(error.code, error.params, index, line, "fields"))
    return found


def _label(design: Design, values: dict[str, str]) -> Label:
    return Label(values.pop("code"), design, values, values.pop("number"))
