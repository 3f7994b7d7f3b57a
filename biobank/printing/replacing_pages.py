"""The page on which a tube gets another number, and its label with it."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.core.i18n import N_
from biobank.printing import relabelling
from biobank.printing.number_schemas import ReplacementNewSchema
from biobank.printing.page_parts import bp
from biobank.samples import allotted, numbers, replacing
from biobank.samples.reading import find_sample
from biobank.web import pages
from biobank.web.asking import actor

REPLACEMENT = ReplacementNewSchema()
#: Why a number is replaced, as people write it; offered while typing, never required.
REASONS = (
    N_("Label cannot be read"), N_("Two tubes had the same label"), N_("Label of another tube was stuck on it"),
    N_("Label was lost"),
)  # fmt: skip


@bp.get("/samples/<code>/replace-code")
@requires(Permission.SAMPLE_COLLECT)
def replace_form(code: str) -> ResponseReturnValue:
    """The form to give a tube another number."""
    return _form(code)


@bp.post("/samples/<code>/replace-code")
@requires(Permission.SAMPLE_COLLECT)
def replace_code(code: str) -> ResponseReturnValue:
    """Give it another number, print its label, and go on to verify that it is stuck on the right tube."""

    def work() -> str:
        by = actor()
        sample = find_sample(code, by)
        old = sample.code
        given = {"reason": request.form.get("reason", "").strip()}
        if request.form.get("new_code", "").strip():
            given["new_code"] = allotted.read_number(request.form["new_code"], by)
        told = REPLACEMENT.load(given)
        if "sure" not in request.form:
            raise Malformed({"sure": Reason("replace_not_sure")})
        relabelling.replace_code(sample=sample, reason=told["reason"], new_code=told["new_code"], by=by)
        return url_for("printing.verify_pairs", tube=sample.container_code or old)

    return pages.submit(work, again=lambda *told: _form(code, *told))


def _form(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    sample = find_sample(code, actor())
    return pages.render(
        "printing/replace.html",
        sample=sample,
        here=sample.status in replacing.HERE,
        before=numbers.replacements_of(sample.id),
        reasons=[_(reason) for reason in REASONS],
        typed=request.form,
        problems=problems or {},
        sentence=sentence,
    )
