"""A workbook that cannot be read is refused, whatever its reader does: it panics, never ends, or eats memory."""

import io
import time
import zipfile

import pytest
import xlsxwriter

from biobank.core.errors import TooLarge, Unreadable
from biobank.core.workbooks import Limits, Packed, first_sheet, packed_in
from tests.damaged import endless_xls, far_away_xlsx, panicking_xls

DAMAGED, LARGE = Unreadable("broken"), TooLarge("large")


def read(content, **limits):
    told = Limits(**{"megabytes": 512, "seconds": 3} | limits)
    return list(first_sheet(content, told, damaged=DAMAGED, too_large=LARGE))


def workbook(*sheets):
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
    return content.getvalue()


def test_the_first_sheet_that_holds_anything_is_read_row_by_row(tmp_path):
    content = workbook([], [["é", 12, 0.5, True], ["", "0012"]])
    path = tmp_path / "book"
    path.write_bytes(content)

    for file in (content, path):
        assert read(file) == [["é", 12.0, 0.5, True], ["", "0012", "", ""]]


@pytest.mark.parametrize(
    "content", [b"no workbook", panicking_xls(), endless_xls(), far_away_xlsx(), workbook([["a"]])[:-30]]
)
def test_what_does_harm_to_its_reader_is_the_refusal_and_soon(content):
    begun = time.monotonic()

    with pytest.raises(Unreadable, match="broken"):
        read(content)

    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("limits", [{"rows": 2}, {"columns": 1}])
def test_a_larger_sheet_than_is_taken_is_told_as_such(limits):
    with pytest.raises(TooLarge, match="large"):
        read(workbook([["a", "b"]] * 3), **limits)


def test_a_sheet_of_just_that_size_is_read():
    assert len(read(workbook([["a", "b"]] * 3), rows=3, columns=2)) == 3


def test_what_is_packed_is_told_by_its_names_and_its_size():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("xl/workbook.xml", "x" * 100)

    assert packed_in(content) == Packed(("xl/workbook.xml",), 100)


@pytest.mark.parametrize("damage", ["cut", "of a strange version", "with a name that is no text", "nothing"])
def test_what_is_packed_and_damaged_is_nothing_at_all(damage):
    whole = workbook([["a"]])
    directory = whole.index(b"PK\x01\x02")
    spoilt = {
        "cut": whole[:-10],
        "of a strange version": whole[: directory + 6] + b"\xfe" + whole[directory + 7 :],
        "with a name that is no text": _named_in_unicode(whole, directory),
        "nothing": b"",
    }[damage]

    assert packed_in(io.BytesIO(spoilt)) is None


def _named_in_unicode(whole: bytes, directory: int) -> bytes:
    """The first name in the directory is said to be UTF-8, and is not."""
    flags, name = directory + 8, directory + 46
    return whole[: flags + 1] + b"\x08" + whole[flags + 2 : name] + b"\xff" + whole[name + 1 :]


def test_a_file_that_is_not_there_is_not_taken_for_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        packed_in(tmp_path / "gone.xlsx")
