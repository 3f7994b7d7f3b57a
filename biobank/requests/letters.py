"""Asks for a letter to the researcher when their request is settled: written after the commit, in their language."""

import secrets

from biobank.access.models import User
from biobank.core import outbox
from biobank.core.db import db
from biobank.requests.models import Request


def tell(request: Request, message: str) -> None:
    """Put a letter into the outbox, if the researcher has an address. Nothing about a patient or a sample is in it.

    message  request_approved, request_refused or request_completed
    """
    researcher = db.session.get_one(User, request.researcher_id)
    if not researcher.email:
        return
    outbox.put(
        "mail",
        {
            "id": secrets.token_hex(16),
            "to": researcher.email,
            "language": researcher.language,
            "message": message,
            "params": {
                "request": request.code,
                "title": request.title,
                "reason": request.settled_reason or "",
            },
        },
    )
