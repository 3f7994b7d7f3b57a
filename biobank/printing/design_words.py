"""Designs in the reader's words: their titles, what is wrong with one and where, and what its words mean."""

import re
from collections.abc import Iterable
from typing import Any

from flask_babel import format_decimal
from flask_babel import gettext as _

from biobank.core.i18n import N_
from biobank.printing.designs import Known, known
from biobank.web import sentences
from biobank.web.i18n import here
from labels.design import Design, DesignWarning

#: What the words of a template stand for; tests hold them to labels.FIELDS.
MEANINGS = {
    "code": N_("what the scanner reads"),
    "number": N_("the code in groups, for people"),
    "type": N_("what the sample is"),
    "amount": N_("volume, mass or cells, as it was at first"),
    "collected_on": N_("the day of collection"),
    "stored_on": N_("the day on which it was first put away"),
    "study": N_("the code of the study"),
    "visit": N_("the visit of the study"),
    "patient": N_("the pseudonym of the patient"),
    "site": N_("the code of the site"),
    "container": N_("the name of the box, rack or freezer"),
    "position": N_("where it stands"),
    "kind": N_("the kind of container or card"),
    "kit": N_("the title of the kit"),
    "tube": N_("which tube of the kit it is"),
    "procedure": N_("the title of the procedure"),
    "version": N_("its code and version"),
    "temperature": N_("how cold it is kept"),
    "mark": N_("R1, R2 … of a label that is printed again"),
    "set": N_("which one of the kit’s tubes it is, as a number"),
    "sets": N_("how many tubes the kit has"),
    "gs1_prefix": N_("the company prefix that GS1 gave to the bank"),
    "note": N_("the note of the kit"),
}
_LINE = re.compile(r"\(at line (\d+)")


def title_of(one: Known) -> str:
    """What people call it, in the reader's language where it says so."""
    return title(one.design) if one.design is not None else one.name


def offered_for(site_id: int, kinds: Iterable[str]) -> list[tuple[str, str]]:
    """Designs of a site for such things: name and title with the size, for people to choose among."""
    return [(one.name, sized(one)) for one in known(site_id, kinds) if one.design is not None]


def sized(one: Known) -> str:
    stock = one.design.stock if one.design is not None else None
    if stock is None:
        return one.name
    size = f"{format_decimal(stock.width_mm)} × {format_decimal(stock.height_mm)} mm"
    return _("%(title)s (%(size)s)", title=title_of(one), size=size)


def title(design: Design) -> str:
    return (design.title_fr if here() == "fr" else "") or design.title or design.name


def said(wrong: DesignWarning, design: Design | None) -> dict[str, Any]:
    """One thing that is wrong: where it stands, and a sentence."""
    line = wrong.line
    if line is None and (found := _LINE.search(str(wrong.params.get("problem", "")))):
        line = int(found[1])
    params = {name: value for name, value in wrong.params.items() if name not in ("field", "line", "fault")}
    sentence = sentences.sentence(wrong.code, {"label": "", **params})
    return {"where": _where(wrong, line, design), "text": sentence, "field": wrong.field_index, "line": line}


def _where(wrong: DesignWarning, line: int | None, design: Design | None) -> str:
    parts = []
    if line is not None:
        parts.append(_("Line %(line)s", line=line))
    if wrong.field_index is not None:
        kind = design.fields[wrong.field_index].kind if design else wrong.params.get("field_kind", "")
        parts.append(_("field %(number)s", number=wrong.field_index + 1) + (f" ({kind})" if kind else ""))
    elif wrong.place and line is None:
        parts.append(wrong.place)
    return ", ".join(parts)


def meanings(words: dict[str, Any]) -> list[tuple[str, str]]:
    """The words that are offered, with what they mean."""
    return [(word, _(MEANINGS[word]) if word in MEANINGS else "") for word in words]
