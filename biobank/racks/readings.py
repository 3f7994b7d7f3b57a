"""Whatever a reader sent becomes a reading: a file by its layout, a picture by its codes."""

from collections.abc import Mapping
from functools import cache

from sqlalchemy import select

from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import Reason
from biobank.core.settings import CONFIG
from biobank.racks import files, layouts, place_rules
from biobank.racks.layouts import Scanners, Taught
from biobank.racks.models import RackLayout
from biobank.racks.wells import RackReading, WellRead
from biobank.storage.rules import ContainerKind, letters

PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"BM": "image/bmp",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}
TEXT, WORKBOOK, OTHER = "text/plain", "application/vnd.ms-excel", "application/octet-stream"
#: The layout of what was read in a picture.
PICTURE = "picture"


@cache
def scanners() -> Scanners:
    """The layouts of config/scanners. raises ValueError naming what is wrong in a file"""
    return layouts.load(CONFIG / "scanners")


def media_type_of(content: bytes) -> str:
    """What the bytes are, by their beginning."""
    picture = next((kind for magic, kind in PICTURES.items() if content.startswith(magic)), None)
    if picture is not None and (picture != "image/bmp" or content[6:10] == b"\0\0\0\0"):
        return picture
    return WORKBOOK if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) else TEXT


def is_picture(media_type: str) -> bool:
    return media_type.startswith("image/")


def read(
    content: bytes, site_id: int, kind: ContainerKind | None, *, below: bool = False
) -> RackReading | None:
    """What was read.

    kind     of the box, where it is known; a picture cannot be read without: None is returned then
    below    of a picture: it was taken from below
    raises   as `files.read_rack`; files.LayoutUnknown
    """
    if not is_picture(media_type_of(content)):
        return files.read_rack(content, scanners(), taught=taught_at(site_id), zone=clock.zone())
    if kind is None or not kind.positioned:
        return None
    return _in_picture(content, kind, below)


def _in_picture(content: bytes, kind: ContainerKind, below: bool) -> RackReading:
    """Wells in the order of the rack; numbered places as the picture numbers them. raises as `pictures.read_picture`"""
    from biobank.racks import pictures  # the decoder is loaded only when there is a picture

    if place_rules.is_puck(kind):  # its pins' bases are on one side only: there is no other to see it from
        seen = pictures.read_picture(content, puck=True)
    else:
        rows, columns = place_rules.shape_seen(kind)
        seen = pictures.read_picture(content, rows=rows, columns=columns, puck=False, below=below)
    wells = tuple(
        WellRead(
            str((well.row - 1) * seen.columns + well.column)
            if kind.numbered
            else f"{letters(well.row)}{well.column:02d}",
            well.state, well.text, number, at=(round(well.x), round(well.y)),
        )
        for number, well in enumerate(seen.wells, 1)
    )  # fmt: skip
    doubts = list(seen.doubts)
    if seen.stray:
        codes = ", ".join(each.text for each in seen.stray[:5])
        doubts.append(Reason("rack_picture_stray", {"count": len(seen.stray), "codes": codes[:200]}))
    return RackReading(
        PICTURE, wells, doubts=tuple(doubts), hints=tuple(seen.linear), size=(seen.width, seen.height), below=below
    )  # fmt: skip


def taught_at(site_id: int) -> Mapping[str, Taught]:
    """Signature -> what people of the site said of a layout."""
    query = select(RackLayout.signature, RackLayout.name, RackLayout.mapping)
    rows = db.session.execute(query.where(RackLayout.site_id == site_id))
    return {signature: Taught.from_json(name, mapping) for signature, name, mapping in rows}
