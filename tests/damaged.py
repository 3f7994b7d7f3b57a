"""Workbooks that do harm to the library which reads them: it panics, never ends, or takes all the memory there is."""

import io
import struct

import xlsxwriter

NOWHERE, FREE, TABLE = -2, -1, -3


def panicking_xls() -> bytes:
    """A compound file whose one stream is said to be so short that it lies in a place that the file does not have."""
    return _compound([TABLE, NOWHERE, 3, NOWHERE], size=100)


def endless_xls() -> bytes:
    """One whose directory goes on with itself, for ever."""
    return _compound([TABLE, 1, NOWHERE], size=5000)


def far_away_xlsx() -> bytes:
    """Two cells, in the first and in the last place of the largest sheet there can be."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "A1")
        sheet.write(1_048_575, 16_383, "FX1")
    return content.getvalue()


def _compound(chain: list[int], *, size: int) -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<3I i I i I i I", 0, 1, 1, 0, 4096, NOWHERE, 0, NOWHERE, 0)
    head += struct.pack("<109i", 0, *[FREE] * 108)
    sectors = struct.pack("<128i", *chain, *[FREE] * (128 - len(chain)))
    return head + sectors + _entry("Root Entry", 5, 0) + _entry("Workbook", 2, size) + bytes(256 + 512)


def _entry(name: str, kind: int, size: int) -> bytes:
    text = name.encode("utf-16-le")
    told = text.ljust(64, b"\0") + struct.pack("<HBB3i", len(text) + 2, kind, 1, FREE, FREE, FREE)
    return told + bytes(36) + struct.pack("<iQ", 2 if kind == 2 else NOWHERE, size)
