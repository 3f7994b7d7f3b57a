"""Reads a finished label as a scanner would; what does not read back as its own code is not let out."""

import zxingcpp
from PIL import Image

from labels import render
from labels.errors import LabelError
from labels.layout import Bars, Layout


def read(picture: Image.Image) -> list[str]:
    """Every Code 128 in a Pillow picture, as text."""
    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.Code128])
    found = zxingcpp.read_barcodes(picture.convert("L"), formats=formats)
    return [barcode.text for barcode in found]


def verify(layout: Layout) -> None:
    """Refuse a label whose picture does not give back exactly the codes that were put on it.

    raises  LabelError `label_unreadable`
    """
    expected = [mark.content for mark in layout.marks if isinstance(mark, Bars)]
    got = read(render.picture(layout))
    if sorted(got) != sorted(expected):
        raise LabelError("label_unreadable", content=layout.code, read=", ".join(got) or "nothing")
