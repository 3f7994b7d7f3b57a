"""What the pages of withdrawals share."""

from typing import Any

from flask import request


def at_site() -> dict[str, Any]:
    """What an address needs besides a code, where somebody sees several sites."""
    return {"site": request.args["site"]} if request.args.get("site") else {}
