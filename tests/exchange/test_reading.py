"""A table is read by what is in the file, whatever its name says."""

import io
import zipfile
from itertools import islice

import pytest
import xlsxwriter

from biobank.core.errors import BiobankError, Unreadable, WrongKind
from biobank.exchange import reading
from biobank.exchange.reading import open_table
from tests.damaged import panicking_xls


@pytest.fixture
def put(tmp_path):
    def put(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


def cells(path):
    return [list(row.cells.values()) for row in open_table(path).rows()]


def refusal(path):
    with pytest.raises(BiobankError) as caught:
        list(open_table(path).records())
    return caught.value


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_delimiter_line_ends_and_encoding_are_found_out(put, delimiter, end, encoding):
    text = end.join(delimiter.join(line) for line in [("code", "note"), ("0012", "prélevé"), ("7", "")]) + end

    table = open_table(put(text.encode(encoding)))

    assert table.header == ("code", "note")
    assert [(row.number, row.cells) for row in table.rows()] == [
        (2, {"code": "0012", "note": "prélevé"}),
        (3, {"code": "7", "note": ""}),
    ]


def test_codes_keep_their_zeros_and_long_numbers_their_digits(put):
    assert cells(put("code\tx\n0363132553\t1.03E+09\n")) == [["0363132553", "1.03E+09"]]


def test_blank_rows_are_passed_over_but_counted_as_a_spreadsheet_counts_them(put):
    table = open_table(put("\n a , b \n\n1,2\n,\n3,4\n"))

    assert table.header == ("a", "b")
    assert [(number, values) for number, values in table.records()] == [(4, ["1", "2"]), (6, ["3", "4"])]


def test_a_lone_quote_in_a_table_with_tabs_swallows_nothing(put):
    assert cells(put('a\tb\n1\t"left\n2\t"whole ""one"""\n')) == [["1", '"left'], ["2", 'whole "one"']]


def test_a_quoted_cell_of_a_csv_may_hold_commas_and_line_ends(put):
    assert cells(put('a,b\n"1,5","two\nlines"\n')) == [["1,5", "two\nlines"]]


def test_the_same_bytes_have_one_fingerprint_under_any_name(put):
    assert open_table(put("a\tb\n", "one.tsv")).sha256 == open_table(put("a\tb\n", "two.csv")).sha256


@pytest.mark.parametrize("spreadsheets", [True, False])
def test_a_workbook_that_calls_itself_csv_is_told_or_read(put, spreadsheets):
    workbook = io.BytesIO()
    with xlsxwriter.Workbook(workbook) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["code", "weight", "ok"])
        sheet.write_row(1, 0, ["0012", 30, True])
    path = put(workbook.getvalue(), "sample.csv")

    if spreadsheets:
        assert list(open_table(path, spreadsheets=True).records()) == [(2, ["0012", "30", "true"])]
    else:
        error = refusal(path)
        assert isinstance(error, WrongKind)
        assert (error.code, error.params["found"]) == ("import_is_spreadsheet", "XLSX")


@pytest.mark.parametrize("content", [panicking_xls(), panicking_xls()[:700]])
def test_a_damaged_workbook_is_refused_whatever_its_reader_does(put, content):
    with pytest.raises(Unreadable, match="import_bad_workbook"):
        open_table(put(content, "sample.xls"), spreadsheets=True)


def zipped():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("sample.tsv", "sample_id\n")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import_empty_file"),
        (b"\xef\xbb\xbf\r\n \n", "import_empty_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "import_is_spreadsheet"),
        (zipped(), "import_is_packed"),
        (b"PK\x03\x04 cut off", "import_is_packed"),
        (b"\x1f\x8b\x08 ...", "import_is_packed"),
        (b"%PDF-1.7", "import_is_no_table"),
        (b"\n<!DOCTYPE html><title>Sign in</title>", "import_is_no_table"),
        (b'[{"sample_id": 1}]', "import_is_no_table"),
        (b'a,b\n"never closed,1\n2,3\n', "import_bad_quoting"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", "import_cell_too_long"),
        (b"a\tb\n" + b"x" * reading.LONGEST_LINE + b"\t1\n", "import_line_too_long"),
    ],
)
def test_what_is_no_table_is_told_for_what_it_is(put, content, code):
    error = refusal(put(content))

    assert error.code == code
    assert error.params["file"] == "table.csv"


@pytest.mark.parametrize("before", [10, 65_530, 65_536, 200_000])
def test_a_byte_that_is_no_text_is_named_by_its_place(put, before):
    good = ("é\tb\n" * before)[:before].encode()[:before].decode(errors="ignore").encode()

    error = refusal(put(b"a\tb\n" + good + b"\xe9\xff\n1\t2\n"))

    assert isinstance(error, Unreadable)
    assert (error.code, error.params["offset"], error.params["encoding"]) == (
        "import_not_text", 4 + len(good), "UTF-8",
    )  # fmt: skip
    assert error.params["row"] == 2 + good.count(b"\n")


def test_a_utf_16_file_cut_in_the_middle_of_a_character_is_told(put):
    assert refusal(put("a\tb\n1\t2\n".encode("utf-16")[:-1])).code == "import_not_text"


def test_a_nul_byte_is_named_by_its_place(put):
    error = refusal(put(b"a\tb\n1\t2\n3\t\x00\n"))

    assert (error.code, error.params["offset"], error.params["row"]) == ("import_nul_byte", 10, 3)


def test_rows_come_one_at_a_time(put):
    path = put(b"a\tb\n" + b"1\t2\n" * 300_000 + b"\xff\n")  # broken at its far end

    assert [number for number, _ in islice(open_table(path).records(), 3)] == [2, 3, 4]
