"""Gives a reader's file back as it came, and a picture as a browser shows it."""

import io

from flask import Response, make_response

from biobank.racks import scans
from biobank.racks.models import RackScan

#: Wider pictures are shown smaller; the file itself stays as it is.
SHOWN_WIDTH = 1600


def download(scan: RackScan) -> Response:
    """The bytes as they came, to be kept as a file: whatever they are, no browser runs them."""
    response = make_response(scans.content_of(scan))
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers.set("Content-Disposition", "attachment", filename=f"rack-scan-{scan.id}{_ending(scan)}")
    return response


def _ending(scan: RackScan) -> str:
    _name, mark, ending = scan.file_name.rpartition(".")
    return f".{ending}" if mark and ending.isascii() and ending.isalnum() and len(ending) <= 5 else ""


def picture(scan: RackScan) -> Response:
    """The picture as any browser shows it: not wider than is looked at, in a format that all know."""
    from biobank.racks.picture_file import open_picture  # the decoder is loaded only when there is a picture

    opened = open_picture(scans.content_of(scan))
    shown = opened.colour or opened.grey
    shown.thumbnail((SHOWN_WIDTH, SHOWN_WIDTH))
    written = io.BytesIO()
    shown.save(written, "JPEG", quality=85)
    response = make_response(written.getvalue())
    response.headers["Content-Type"] = "image/jpeg"
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
