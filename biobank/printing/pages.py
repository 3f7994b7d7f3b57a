"""Labels for people: the picture a browser shows and prints."""

from flask import request
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.printing import pictures
from biobank.web import pages

bp = pages.blueprint("printing", __name__)

QUERY = pictures.LabelQuery()


@bp.get("/labels/<code>.<form>")
@requires(Permission.LABEL_PRINT)
def label(code: str, form: str) -> ResponseReturnValue:
    """The label of a sample or a container."""
    given = {"design": request.args["design"]} if request.args.get("design") else {}
    return pictures.answer(code, form, QUERY.load(given))
