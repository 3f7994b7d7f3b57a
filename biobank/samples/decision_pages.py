"""The pages of decisions: those about a sample, and one with everything that explains it."""

from flask import request
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.paging import Page
from biobank.samples import decisions, reading, telling
from biobank.samples.models import Decision
from biobank.samples.page_parts import bp
from biobank.web import pages
from biobank.web.asking import actor


@bp.get("/decisions")
@requires(Permission.DECISION_READ)
def list_decisions() -> ResponseReturnValue:
    """The decisions about one sample, the newest first: `?sample=T00421736`."""
    code = request.args.get("sample", "").strip()
    found: Page[Decision] = Page([], None)
    if code:
        sample = reading.find_sample(code, actor())
        code = sample.code
        found = decisions.page_of_decisions(sample, after=request.args.get("after"))
    names = access.names_of({each.actor_key for each in found.items})
    return pages.render(
        "samples/decisions.html",
        code=code,
        page=found,
        who={each.actor_key: telling.name_of(each.actor_key, names) for each in found.items},
        sentence_of_reason=telling.sentence_of,
        moment=telling.moment,
    )


@bp.get("/decisions/<int:key>")
@requires(Permission.DECISION_READ)
def decision(key: int) -> ResponseReturnValue:
    """One decision: what was asked, what was known, what was said and why, and what came of it."""
    by = actor()
    told = telling.page_of(decisions.read(decisions.find_decision(key, by), by))
    return pages.render("samples/decision.html", **told)
