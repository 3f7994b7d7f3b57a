"""Where the pages of quality hang, and the tabs that lead from one to the other."""

from typing import Any

from flask import url_for
from flask_babel import gettext as _

from biobank.quality import discrepancies, service
from biobank.web import pages
from biobank.web.asking import actor

bp = pages.blueprint("quality", __name__)


def tabs(active: str) -> list[dict[str, Any]]:
    """The three lists, with how much waits in each."""
    by = actor()
    return [
        {"label": _("Differences"), "href": url_for("quality.differences"), "active": active == "differences",
         "count": discrepancies.count_open(by)},
        {"label": _("Non-conformities"), "href": url_for("quality.items"), "active": active == "items",
         "count": service.count_open(by)},
        {"label": _("Inventories"), "href": url_for("quality.inventories"), "active": active == "inventories"},
    ]  # fmt: skip


def number(text: str) -> int | None:
    """A whole number as typed or in an address; None for anything else."""
    return int(text[:18]) if text.isascii() and text.isdigit() else None
