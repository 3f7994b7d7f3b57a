"""The page of the consent rules: the tables that the program decides by, to be read by people and printed."""

from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent.explaining import rules_page
from biobank.consent.page_parts import bp
from biobank.web import pages


@bp.get("/consent/rules")
@requires(Permission.DECISION_READ)
def rules() -> ResponseReturnValue:
    """What the law asks first, which permission answers which purpose, what restricts, and the version of each list."""
    return pages.render("consent/rules.html", **rules_page())
