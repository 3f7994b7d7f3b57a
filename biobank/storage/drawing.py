"""Makes the pictures of storage ready for templates: addresses, and every figure in words of the reader's language."""

from typing import Any

from flask import url_for
from flask_babel import format_date, format_decimal, format_percent, ngettext
from flask_babel import gettext as _

from biobank.core.i18n import N_
from biobank.storage.capacity import Fill
from biobank.storage.colouring import OTHERS, Colouring
from biobank.storage.forecasting import Forecast, Outlook
from biobank.storage.map import ContainerMap, Occupant
from biobank.storage.models import Container
from biobank.storage.seeing import Cell, Row, Scene
from biobank.web.i18n import translated
from biobank.web.sentences import word

#: From how full on a thing is drawn so.
_STATES = ((0.999, "full"), (0.85, "high"), (0.5, "mid"), (0.0, "low"))


def picture(
    scene: Scene,
    *,
    title: str,
    gauge: str | None = None,
    build_in: Container | None = None,
    planned: bool = False,
) -> dict[str, Any]:
    """What `ui.front` draws.

    build_in  whose free places are links to set something up there; None: they are no links
    planned   it is not there yet: places are told instead of how full they are
    """
    drawn: dict[str, Any] = {
        "title": title,
        "text": _("How full: %(told)s. Each place is a link.", told=told(scene.fill)),
        "columns": scene.columns,
        "stacked": scene.stacked,
        "gauge": gauge,
        "rows": [_row(row, build_in) for row in scene.rows],
    }
    if planned:
        drawn |= {"planned": True, "text": _places(scene.fill.places)}
        parts: list[tuple[Row | Cell, dict[str, Any]]] = []
        for row, line in zip(scene.rows, drawn["rows"], strict=True):
            parts += [(row, line), *zip(row.cells, line["cells"], strict=False)]
        for part, shown in parts:
            if part.container is not None:
                words = _places(part.fill.places)
                shown |= {
                    "sub": words,
                    "short": words,
                    "said": f"{part.container.name}: {words}",
                    "told": words,
                }
    return drawn


def _places(count: int) -> str:
    return str(ngettext("%(num)s place", "%(num)s places", count)) if count else ""


def _row(row: Row, build_in: Container | None) -> dict[str, Any]:
    if row.position is None:
        return {"cells": [_cell(cell, build_in) for cell in row.cells]}
    if row.container is None:
        free = _free(row.position, row.claim, build_in)
        return {"slot": row.position, "empty": True,
            "label": row.position,
            "sub": "", "said": free["said"],
                "told": "", "cells": [free]}  # fmt: skip
    return {
        "slot": row.position,
        "label": row.container.name,
        "href": _address(row.container),
        "sub": share(row.fill),
        "said": f"{row.container.name}, {_place(row.position)}: {told(row.fill)}",
        "told": told(row.fill),
        "cells": [_inside(row.container, cell, build_in) for cell in row.cells],
    }


def _inside(around: Container, cell: Cell, build_in: Container | None) -> dict[str, Any]:
    """A place in a row that is a container itself: read aloud with its name, for every shelf has a rack A."""
    drawn = _cell(cell, around if build_in is not None else None)
    return drawn if cell.container is around else drawn | {"said": f"{around.name}, {drawn['said']}"}


def _cell(cell: Cell, build_in: Container | None) -> dict[str, Any]:
    if cell.container is None:
        return _free(cell.position or "", cell.claim, build_in)
    fill = cell.fill
    marks = [("lock", fill.held), ("close", fill.blocked), ("flag", fill.reserved)]
    said = told(fill)
    return {
        "slot": cell.position,
        "label": cell.container.name,
        "href": _address(cell.container),
        "state": next(name for least, name in _STATES if fill.share >= least) if fill.room else "none",
        "share": round(max(fill.share, 0.02 if fill.samples else 0), 3),
        "sub": share(fill),
        "short": share(fill) or cell.position,
        "said": f"{cell.container.name}{', ' + _place(cell.position) if cell.position else ''}: {said}",
        "told": said,
        "marks": [name for name, count in marks if count],
    }


def _free(position: str, claim: str | None, build_in: Container | None) -> dict[str, Any]:
    state = claim or "free"
    label = {"free": _("free"), "blocked": _("blocked"), "reserved": _("reserved")}[state]
    href = None
    if build_in is not None and build_in.code and state == "free":
        href = url_for("storage.new_container", parent=build_in.code, position=position)
    said = f"{_place(position)}: {label}"
    return {
        "slot": position,
        "label": position,
        "href": href,
        "state": state,
        "share": 0,
        "sub": label,
        "short": position,
        "said": said if href is None else _("%(place)s; set something up there", place=said),
        "told": label,
        "marks": [],
    }


def _place(position: str) -> str:
    return _("place %(position)s", position=position)


def _address(container: Container) -> str | None:
    return url_for("storage.container", code=container.code) if container.code else None


def share(fill: Fill) -> str:
    """ "45 %"; how many samples, where they stand without places."""
    if fill.room:
        return str(format_percent(fill.share))
    return str(ngettext("%(num)s sample", "%(num)s samples", fill.samples)) if fill.samples else ""


def told(fill: Fill) -> str:
    """How full, in words, with everything that is to be known of its places."""
    if not fill.room:
        return str(ngettext("%(num)s sample", "%(num)s samples", fill.samples))
    words = [
        _("%(share)s full, %(used)s of %(room)s places for samples",
          share=share(fill), used=format_decimal(fill.samples), room=format_decimal(fill.room))
    ]  # fmt: skip
    if fill.room_for:
        words.append(ngettext("room for %(num)s more box", "room for %(num)s more boxes", fill.room_for))
    if fill.held:
        words.append(ngettext("%(num)s sample held", "%(num)s samples held", fill.held))
    if fill.blocked:
        words.append(ngettext("%(num)s place blocked", "%(num)s places blocked", fill.blocked))
    if fill.reserved:
        words.append(ngettext("%(num)s place reserved", "%(num)s places reserved", fill.reserved))
    return ", ".join(words)


_GAUGES = {
    "-85to-60": "−80 °C",
    "-35to-18": "−20 °C",
    "2to10": "+4 °C",
    "lt-135": "−150 °C",
    "LN": "LN₂",
    "RT": "+20 °C",
}


def gauge(temperature: str | None) -> str | None:
    """What the display on a door would say."""
    return _GAUGES.get(temperature or "")


# --- a box


def cells(found: ContainerMap, colouring: Colouring | None) -> dict[str, dict[str, Any]]:
    """What `ui.box_map` draws, by position."""
    code = found.container.code
    drawn: dict[str, dict[str, Any]] = {}
    for each in found.occupants:
        if each.position is None:
            continue
        href = url_for("storage.container", code=code, position=each.position,
                       colour=colouring.by if colouring else None)  # fmt: skip
        label = (
            word("type", each.sample.type) if each.sample else each.container.name if each.container else ""
        )
        drawn[each.position] = {"state": _state(each), "code": each.code, "label": label, "href": href}
        group = colouring.of.get(each.position) if colouring else None
        if colouring and group:
            drawn[each.position] |= {
                "look": group.look, "mark": group.letter, "label": f"{label}, {group_word(colouring, group.key)}"
            }  # fmt: skip
    for position, claim in found.claims.items():
        if position not in drawn:
            href = url_for("storage.container", code=code, position=position)
            state = {"blocked": "shut", "reserved": "kept"}[claim.kind]
            drawn[position] = {"state": state, "text": position, "label": claim.why, "href": href}
    return drawn


def _state(each: Occupant) -> str:
    if each.sample is None:
        return "occupied"
    if each.held:
        return "held"
    if each.standing is not None and each.standing.colour == "red":
        return "blocked"
    return "reserved" if each.sample.reserved else "occupied"


def groups(colouring: Colouring | None) -> list[dict[str, Any]] | None:
    """The legend of a coloured box."""
    if colouring is None:
        return None
    return [
        {
            "look": each.look,
            "letter": each.letter,
            "label": group_word(colouring, each.key),
            "count": each.count,
        }
        for each in colouring.groups
    ]


def group_word(colouring: Colouring, key: str) -> str:
    if key == OTHERS:
        return str(_("others"))
    return word(colouring.word, key) if colouring.word else key


# --- the outlook


_WITHOUT_A_DAY = {
    Outlook.FULL: N_("Full."),
    Outlook.UNCOUNTED: N_("Not foretold: things stand in it without places of their own."),
    Outlook.BARE: N_("Nothing to foretell: no rack and no box stands in it."),
    Outlook.TOO_LITTLE: N_("Too little history to tell: less than four weeks."),
    Outlook.NOT_FILLING: N_("Not filling: in the last quarter as much was taken out as put in, or more."),
}


def outlook(found: Forecast) -> str:
    """When it will be full, and how sure that is, in one or two sentences."""
    if found.outlook in _WITHOUT_A_DAY:
        return translated(_WITHOUT_A_DAY[found.outlook])
    rate = format_decimal(found.per_week, format="#,##0" if (found.per_week or 0) >= 10 else "#,##0.#")
    if found.on is None or found.earliest is None:
        return str(_("Decades away, at %(rate)s more a week.", rate=rate))
    first = _("Full about %(day)s, at %(rate)s more a week.", day=format_date(found.on), rate=rate)
    earliest = format_date(found.earliest)
    if found.latest is None:
        second = _("The weeks differ much: not before %(earliest)s, perhaps much later.", earliest=earliest)
    else:
        second = _("As sure as the last quarter tells: between %(earliest)s and %(latest)s.", earliest=earliest,
                   latest=format_date(found.latest))  # fmt: skip
    return f"{first} {second}"
