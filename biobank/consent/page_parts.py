"""What the pages of consent share: where they hang, and the site that an address names."""

from typing import Any

from flask import request

from biobank.web import pages

bp = pages.blueprint("consent", __name__)


def at_site(site: str | None = None) -> dict[str, Any]:
    """What an address needs besides a code, where somebody sees several sites."""
    named = site or request.args.get("site")
    return {"site": named} if named else {}
