"""Labels for tubes, boxes and freezers: strings in, a printable label out. Knows nothing of the biobank.

>>> render(Label("T00421736", design="tube", values={"type": "Plasma"}))[:4]
b'\\x89PNG'
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from labels import readback
from labels.design import DESIGNS, FIELDS, Design, load, names, parse
from labels.errors import LabelError
from labels.layout import Label, Layout, grouped, lay_out
from labels.pdf import write_pdf
from labels.preview import longest, shortest, warnings
from labels.render import picture, png, svg
from labels.zpl import PrinterSettings, zpl, zpl_stream

__all__ = [
    "DESIGNS",
    "FIELDS",
    "FORMS",
    "Design",
    "Label",
    "LabelError",
    "Layout",
    "PrinterSettings",
    "checked",
    "grouped",
    "lay_out",
    "load",
    "longest",
    "names",
    "parse",
    "picture",
    "png",
    "render",
    "shortest",
    "svg",
    "warnings",
    "write_pdf",
    "zpl",
    "zpl_stream",
]


def _pdf(layout: Layout, **sheet: Any) -> bytes:
    out = BytesIO()
    write_pdf([layout], out, **sheet)
    return out.getvalue()


def _zpl(layout: Layout, copies: int = 1, **printer: Any) -> bytes:
    return zpl(layout, copies=copies, printer=PrinterSettings(**{"dpi": layout.dpi, **printer}))


FORMS: Mapping[str, Callable[..., bytes]] = {"png": png, "svg": svg, "pdf": _pdf, "zpl": _zpl}
"""Every form a label can take, by its file ending."""


def checked(label: Label, *, dpi: int | None = None, folder: Path = DESIGNS) -> Layout:
    """The label laid out and already read back once; what `write_pdf` and `zpl_stream` take.

    raises  LabelError, with what would have fitted where something did not
    """
    layout = lay_out(label, dpi=dpi, folder=folder)
    readback.verify(layout, picture(layout))
    return layout


def render(
    label: Label,
    form: str = "png",
    dpi: int | None = None,
    check: bool = True,
    folder: Path = DESIGNS,
    **more: Any,
) -> bytes:
    """The finished label.

    form    a key of FORMS
    dpi     203, 300 or 600; by default the design's own
    check   read it back before it is let out
    folder  where the designs lie
    more    zpl: `copies` and what PrinterSettings takes; pdf: `copies`, and `start`, the first free cell of a sheet
    raises  LabelError, with what would have fitted where something did not
    """
    if form not in FORMS:
        raise LabelError("label_form_unknown", form=form, known=", ".join(FORMS))
    layout = lay_out(label, dpi=dpi, folder=folder)
    if check:
        drawn = picture(layout)
        readback.verify(layout, drawn)
        if form == "png":
            return png(layout, drawn)
    return FORMS[form](layout, **more)
