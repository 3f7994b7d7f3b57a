"""How completely racks and pucks are read from pictures, beside one plain call of the decoder on the same picture."""

import csv
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zxingcpp
from PIL import Image

from biobank.core.errors import BiobankError
from biobank.racks.pictures import PictureReading, read_picture
from biobank.racks.wells import EMPTY, UNREAD

KINDS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"}
#: What another decoder read in each picture of a folder: columns `image` and `text`, tab-separated.
REFERENCE = "decoded_reference.tsv"


@dataclass(frozen=True)
class Photo:
    """One picture, and what was read in it."""

    name: str
    found: frozenset[str]
    expected: frozenset[str]
    bare: int  # codes that one plain call reads
    seconds: float
    bare_seconds: float
    shape: str  # such as "8 × 12", or why it could not be read
    empty: int = 0
    unread: int = 0

    @property
    def lost(self) -> frozenset[str]:
        return self.expected - self.found


def photos(folder: Path) -> Iterator[Photo]:
    """Every picture in a folder, read."""
    expected = _expected(folder / REFERENCE)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in KINDS:
            yield photo(path.name, path.read_bytes(), frozenset(expected.get(path.name, ())))


def photo(name: str, content: bytes, expected: frozenset[str]) -> Photo:
    bare, bare_seconds = _bare(content)
    started = time.perf_counter()
    try:
        reading = read_picture(content)
    except BiobankError as error:
        seconds = time.perf_counter() - started
        return Photo(name, frozenset(), expected, bare, seconds, bare_seconds, error.code)
    seconds = time.perf_counter() - started
    states = [well.state for well in reading.wells]
    return Photo(
        name, _texts(reading), expected, bare, seconds, bare_seconds, f"{reading.rows} × {reading.columns}",
        states.count(EMPTY), states.count(UNREAD),
    )  # fmt: skip


def _texts(reading: PictureReading) -> frozenset[str]:
    return frozenset(well.text for well in reading.wells if well.text)


def _bare(content: bytes) -> tuple[int, float]:
    """What the decoder reads when it is simply called."""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            image = opened.convert("RGB")
    except Exception:  # broken pictures are read too: nothing is found in them
        return 0, 0.0
    started = time.perf_counter()
    return len({code.text for code in zxingcpp.read_barcodes(image)}), time.perf_counter() - started


def _expected(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                found.setdefault(row["image"], set()).add(row["text"])
    return found
