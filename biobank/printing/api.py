"""The API of labels: `GET /labels/{code}.png` or `.svg`."""

from typing import Any

from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.printing import pictures
from biobank.web.api import blueprint

bp = blueprint("printing", __name__)


@bp.get("/labels/<code>.<form>")
@requires(Permission.LABEL_PRINT)
@bp.arguments(pictures.LabelQuery, location="query")
def label(data: dict[str, Any], code: str, form: str) -> ResponseReturnValue:
    """The label of a sample or a container, read back before it is let out. No patient's data stands on it."""
    return pictures.answer(code, form, data)
