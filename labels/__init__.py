"""Labels for tubes, boxes and freezers: strings in, a printable label out. Knows nothing of the biobank.

>>> render(Label("T00421736", design="tube", lines=("Plasma", "2026-03-01")))[:4]
b'\\x89PNG'
"""

from pathlib import Path

from labels import readback
from labels.errors import LabelError
from labels.layout import Label, grouped, lay_out
from labels.render import png, svg
from labels.stock import DESIGNS, Design, load, names

__all__ = ["FORMS", "Design", "Label", "LabelError", "grouped", "load", "names", "render"]

FORMS = {"png": png, "svg": svg}
"""Every form a label can take, by its file ending."""


def render(label: Label, *, form: str = "png", dpi: int | None = None, folder: Path = DESIGNS) -> bytes:
    """The finished label, already read back once.

    form    a key of FORMS
    dpi     203, 300 or 600; by default the design's own
    folder  where the designs lie
    raises  LabelError, with what would have fitted where something did not
    """
    if form not in FORMS:
        raise LabelError("label_form_unknown", form=form, known=", ".join(FORMS))
    layout = lay_out(label, dpi=dpi, folder=folder)
    readback.verify(layout)
    return FORMS[form](layout)
