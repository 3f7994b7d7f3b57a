"""Readers' own files: every layout, told by what stands in it; and the broken ones, each refused with its reason."""

import io
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from biobank.core.errors import BiobankError, Unreadable
from biobank.racks import files, layouts
from biobank.racks.layouts import Taught
from biobank.racks.wells import RackReading
from tests.conftest import ROOT
from tests.damaged import panicking_xls

SCANNERS = layouts.load(ROOT / "config" / "scanners")
HEADING = "Date\tTime\tLocationCell\tLocationColumn\tLocationRow\tTubeCode\tRackID\r\n"


def read(content, **how):
    data = content if isinstance(content, bytes) else content.encode()
    return files.read_rack(data, SCANNERS, **how)


def told(reading):
    """(place, code or state) of each well."""
    return [(well.place, well.code or well.state) for well in reading.wells]


def refusal(content, **how):
    with pytest.raises(BiobankError) as refused:
        read(content, **how)
    return refused.value


def workbook(rows, formats=None):
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            elif value is not None:
                sheet.write(number, column, value)
    book.close()
    return written.getvalue()


# --- the layouts


def test_two_columns_without_a_heading():
    reading = read("A1,FX05653780\nA2,NO READ\nC1,,\nD1,EMPTY\n")

    assert reading.layout == "sanger_2_columns"
    assert told(reading) == [("A1", "FX05653780"), ("A2", "unread"), ("C1", "empty"), ("D1", "empty")]


def test_three_columns_tell_the_rack():
    reading = read("FX12345678,A1,AB10000001\nFX12345678,A2,AB10000002\n")

    assert (reading.layout, reading.rack_code) == ("sanger_3_columns", "FX12345678")


def test_blanks_after_the_commas_do_not_matter():
    assert told(read("TR00000002, A1, FX00000011\nTR00000002, B1, NO READ\n")) == [
        ("A1", "FX00000011"),
        ("B1", "unread"),
    ]


def test_fluidx_tells_the_rack_and_the_number_of_tubes_above_its_heading():
    reading = read("Rack ID,container1,,\nTube Count,1,,\nRack ID,Well,2D Barcode, \ncontainer1,A1,FD06299917,\n"
                   "container1,A2,NO TUBE,\n")  # fmt: skip

    assert (reading.layout, reading.rack_code, reading.tubes) == ("fluidx", "container1", 1)
    assert told(reading) == [("A1", "FD06299917"), ("A2", "empty")]


def test_visionmate_keeps_its_zeros_and_its_moment():
    reading = read(HEADING + "20230627\t09:26:10\tA1\t1\tA\t0363132553\tplate_1\r\n")

    assert (reading.layout, reading.rack_code) == ("visionmate", "plate_1")
    assert reading.scanned_at == datetime(2023, 6, 27, 7, 26, 10, tzinfo=UTC)  # half past nine in Paris
    assert told(reading) == [("A1", "0363132553")]


def test_visionmate_in_another_order_with_the_time_in_one_number():
    reading = read(
        "LocationCell\tLocationColumn\tLocationRow\tTubeCode\tRackID\tTime\tDate\n"
        "A02\t02\tA\t0200775610\ttest5\t143721\t20160401\n"
    )

    assert (told(reading), reading.scanned_at.hour) == ([("A02", "0200775610")], 12)


@pytest.mark.parametrize("number_of_row", [1, "1"])
def test_visionmate_as_a_workbook(number_of_row):
    reading = read(
        workbook(
            [
                ["LocationCell", "LocationRow", "LocationColumn", "TubeCode", "Date", "Time", "RackID"],
                ["A01", "A", number_of_row, "0200775610", "20160401", "11:59:28", "test5"],
                ["A02", "A", "02", "No Tube", "20160401", "11:59:28", "test5"],
                ["A03", "A", 3, "No Read", "20160401", "11:59:28", "test5"],
            ]
        )
    )

    assert told(reading) == [("A01", "0200775610"), ("A02", "empty"), ("A03", "unread")]
    assert reading.rack_code == "test5"


@pytest.mark.parametrize("end", ["", ",", "\x03", ",\x03", ",\r\n", "\x03\r\n"])
def test_visionmate_over_the_network_is_a_list_row_by_row(end):
    reading = read("11111,No Tube,No Read,44444" + end)

    assert (reading.layout, reading.whole) == ("list", 4)
    assert told(reading) == [("1", "11111"), ("2", "empty"), ("3", "unread"), ("4", "44444")]


def test_a_list_may_stand_in_a_column_or_in_rows():
    column = read("".join(f"FX{n:08d}\n" for n in range(96)))
    block = read("\n".join(",".join(f"FX{row:04d}{at:04d}" for at in range(12)) for row in range(8)))

    assert (column.whole, block.whole) == (96, 96)
    assert block.wells[12].code == "FX00010000"


def test_trakmate():
    reading = read(
        "Date & time of Trace = 23 Aug 2012 01:42:01 PM\nRack Base Name: 02498606\nA01;    1034998087\n"
        "A02;    No TrakMate\n"
    )

    assert (reading.layout, reading.rack_code) == ("trakmate", "02498606")
    assert reading.scanned_at == datetime(2012, 8, 23, 11, 42, 1, tzinfo=UTC)
    assert told(reading) == [("A01", "1034998087"), ("A02", "empty")]


@pytest.mark.parametrize("first", ["plate_label:,MX01", "Plate Barcode: MX01", "MX01", "plate_label:,MX01,"])
def test_traxcer_tells_the_plate_in_its_first_line(first):
    reading = read(f"{first}\nPosition,Tube ID\nA01,1034998087\nA02,NO TUBE\n")

    assert (reading.layout, reading.rack_code) == ("traxcer", "MX01")
    assert told(reading) == [("A01", "1034998087"), ("A02", "empty")]


def ziath(*wells, **more):
    return json.dumps({"scanId": "1", "scanTime": "2024-05-06T07:08:09", "tubeBarcode": list(wells), **more})


def test_ziath():
    reading = read(
        ziath(
            {"row": 1, "column": 1, "x": 3, "y": 4, "decodeStatus": "SUCCESS", "barcode": "1034998087"},
            {"row": 1, "column": 2, "decodeStatus": "EMPTY", "barcode": ""},
            {"row": 2, "column": 12, "decodeStatus": "ERROR", "barcode": None},
            containerBarcode="RK1",
        )
    )

    assert (reading.layout, reading.rack_code) == ("ziath", "RK1")
    assert told(reading) == [("A1", "1034998087"), ("A2", "empty"), ("B12", "unread")]
    assert reading.scanned_at == datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize("word", ["", "empty", "EMPTY", "-", "No Tube", "NO_TUBE", "no trakmate"])
def test_what_uploads_write_for_an_empty_place(word):
    assert told(read(f"Position,Barcode\nA1,AB1\nA2,{word}\n"))[1] == ("A2", "empty")


@pytest.mark.parametrize("word", ["NO READ", "NOREAD", "No Read", "NoScan", "ERROR", "no_read"])
def test_unread_is_not_empty(word):
    assert told(read(f"A1,AB1\nA2,{word}\n"))[1] == ("A2", "unread")


def test_the_given_files_are_read(shared_data: Path):
    found = {path.name: read(path.read_bytes()) for path in sorted(shared_data.glob("rack_scans_*/*"))}

    assert {name: (one.layout, one.rack_code, one.count("read"), one.count("unread"), one.count("empty"))
            for name, one in found.items()} == {
        "fluidx_example_scan.csv": ("fluidx", "container1", 1, 0, 95),
        "2col_tube_rack_scan_valid.csv": ("sanger_2_columns", None, 16, 0, 0),
        "2col_tube_rack_scan_with_missing_tubes.csv": ("sanger_2_columns", None, 13, 2, 1),
        "3col_space_scrna_core_contingency_tube_rack_scan.csv": ("sanger_3_columns", "TR00000002", 5, 1, 0),
        "3col_tube_rack_scan_valid.csv": ("sanger_3_columns", "FX12345678", 16, 0, 0),
        "3col_tube_rack_scan_with_bom.csv": ("sanger_3_columns", "FX12345678", 16, 0, 0),
        "DN_96_valid.csv": ("sanger_2_columns", None, 96, 0, 0),
        "plate_map1.tsv": ("visionmate", "plate_1", 96, 0, 0),
        "plate_map2.tsv": ("visionmate", "plate_2", 96, 0, 0),
    }  # fmt: skip


# --- the same file in other clothes

PLAIN = "A1,FX05653780\nA2,NO READ\nB1,0363132553\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", " , ").encode(),
        ("\n\n" + PLAIN.replace("\n", ",,,\n") + "\n,,,\n \n").encode(),
        "".join(f'"{line.replace(",", chr(34) + "," + chr(34))}"\n' for line in PLAIN.splitlines()).encode(),
        (PLAIN + "\x03").encode(),
        ("\x02" + PLAIN + "\x03\r\n").encode(),
        PLAIN.rstrip("\n").encode(),
        PLAIN.replace("0363132553", '"=""0363132553"""').encode(),
        PLAIN.replace("0363132553", "'0363132553").encode(),
        PLAIN.replace("A1,", '"A,1",').encode(),
        workbook([line.split(",") for line in PLAIN.splitlines()]),
        workbook([[], [], *(line.split(",") for line in PLAIN.splitlines())]),
    ],
)
def test_the_dialect_of_a_file_does_not_matter(content):
    assert [code for _, code in told(read(content))] == ["FX05653780", "unread", "0363132553"]


def test_accents_of_an_older_windows_are_read():
    assert told(read("Position;Barcode;Opérateur\nA1;AB1;Édith\n".encode("cp1252"))) == [("A1", "AB1")]


def test_a_heading_that_nobody_knows_over_two_columns_is_left_out():
    assert told(read("Puits;Tube lu\nA1;AB1\nA2;AB2\n")) == [("A1", "AB1"), ("A2", "AB2")]


# --- what a spreadsheet spoils


@pytest.mark.parametrize("code", ["1.03E+09", "1,03E+09", "3.63133E+08", "1034998087.0", "1.03E09"])
def test_a_number_that_a_spreadsheet_made_of_a_code_is_refused(code):
    refused = refusal(f'A1,AB1\nA2,"{code}"\n')

    assert (refused.code, refused.params["line"], refused.params["place"]) == ("rack_code_as_number", 2, "A2")


@pytest.mark.parametrize("code", ["########", "#N/A", "#REF!"])
def test_what_a_spreadsheet_shows_instead_of_a_code_is_refused(code):
    assert refusal(f"A1,{code}\n").code == "rack_code_spoilt"


def test_numbers_of_a_workbook_are_codes_while_no_digit_is_lost():
    assert told(read(workbook([["A1", 1034998087], ["A2", 1034998088]]))) == [
        ("A1", "1034998087"),
        ("A2", "1034998088"),
    ]


def test_numbers_of_a_workbook_that_lost_their_zeros_are_refused():
    assert refusal(workbook([["A1", 1034998087], ["A2", 363132553]])).code == "rack_zeros_lost"
    assert refusal(workbook([["A1", "0363132552"], ["A2", 363132553]])).code == "rack_zeros_lost"


def test_a_number_of_more_digits_than_a_workbook_keeps_is_refused():
    assert refusal(workbook([["A1", 12345678901234567890]])).code == "rack_code_as_number"


# --- broken files


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "rack_file_empty"),
        (b"  \r\n \n", "rack_file_empty"),
        (b"\xef\xbb\xbf", "rack_file_empty"),
        (b"%PDF-1.7 \n", "rack_file_wrong_kind"),
        (b"<html><body>A1,AB1</body></html>", "rack_file_wrong_kind"),
        (b"PK\x03\x04 no workbook", "rack_file_bad_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no workbook", "rack_file_bad_workbook"),
        (panicking_xls(), "rack_file_bad_workbook"),
        (b"A1,AB1\nA2,AB\x00\x01\x02\n", "rack_file_not_text"),
        (b"\xff\xfeA\x001\x00,", "rack_file_not_text"),
        (b'A1,"AB1\nA2,AB2\n', "rack_file_bad_quoting"),
        (b"A1,AB1\nA2\n", "rack_row_cut"),
        (b"R1,A1,AB1\nR1,A2\n", "rack_row_cut"),
        (b"A1,AB1,\nA2,AB2,what,is,this\nA3,AB3\n", "rack_row_too_long"),
        (b"R1,A1,AB1\nR2,A2,AB2\n", "rack_two_racks"),
        (b"Position,Barcode\nA1,AB1\n,AB2\n", "rack_row_without_place"),
        (b"Position,Barcode\nA1,AB1\nPosition,Barcode\nA1,AB2\n", "rack_two_scans"),
        (b"Position,Barcode\n", "rack_file_no_wells"),
        (b"Position,Row,Column,Barcode\nA1,B,1,AB1\n", "rack_places_differ"),
        (b"Tube Count,3\nPosition,Barcode\nA1,AB1\nA2,NO READ\n", "rack_tubes_lacking"),
        (b"A1," + b"x" * 101, "rack_code_too_long"),
        (b"R" * 101 + b",A1,AB1\n", "rack_own_code_too_long"),
        (b"Rack ID," + b"R" * 101 + b"\nTube Count,1\nWell,2D Barcode\nA1,AB1\n", "rack_own_code_too_long"),
        (b"Rack Base Name: " + b"R" * 101 + b"\nA01;    1034998087\n", "rack_own_code_too_long"),
        (json.dumps({"containerBarcode": "R" * 101, "tubeBarcode": [
            {"row": 1, "column": 1, "barcode": "AB1", "decodeStatus": "SUCCESS"}]}).encode(), "rack_own_code_too_long"),
        (b"A1,AB\x1dCD\n", "rack_code_unprintable"),
        (b'{"tubeBarcode": [', "rack_json_broken"),
        (b'{"tubes": []}', "rack_json_strange"),
        (b'[1, 2, 3]', "rack_json_strange"),
        (b'{"tubeBarcode": []}', "rack_file_no_wells"),
        (b'{"tubeBarcode": [{"barcode": "AB1", "decodeStatus": "SUCCESS"}]}', "rack_row_without_place"),
        (b'{"tubeBarcode": [{"row": 1, "column": 1, "decodeStatus": "SUCCESS", "barcode": 1.03e9}]}',
         "rack_code_as_number"),
        (b"Rack Base Name: 1\nA01;1034998087\nnonsense\n", "rack_row_cut"),
        (b"Rack Base Name: 1\nRack Base Name: 2\nA01;1034998087\n", "rack_two_racks"),
        (b"hello world\n", "rack_layout_unknown"),
        (b"Sample;Volume\nfoo;12\nbar;13\n", "rack_layout_unknown"),
        (b"Barcode,Barcode,Position\nA,B,A1\n", "rack_layout_unknown"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_its_reason(content, code):
    assert refusal(content).code == code


def test_a_rack_whose_code_is_as_long_as_any_keeps_all_of_it():
    assert read("R" * 100 + ",A1,AB1\n").rack_code == "R" * 100


@pytest.mark.parametrize("cut", range(1, 140, 7))
def test_a_file_that_is_cut_anywhere_is_read_or_refused_and_never_fails(cut):
    whole = HEADING + "20230627\t09:26:10\tA1\t1\tA\t0363132553\tplate_1\r\n" * 2

    with suppress(BiobankError):
        read(whole[:cut].encode())


def test_an_unknown_layout_carries_its_rows():
    with pytest.raises(files.LayoutUnknown) as refused:
        read("Puits;Foo;Code barre du tube\nA1;x;AB1\n")

    assert refused.value.sheet.rows[1].cells == ("A1", "x", "AB1")


# --- what was taught


def test_what_was_said_of_a_layout_is_remembered_by_its_heading():
    said = Taught("Ours", {"position": 0, "code": 2}, heading=0, delimiter=";")
    sheet = files.sheet_of(b"Puits;Foo;Code\nA1;x;AB1\n", ";")
    taught = {layouts.signature(sheet, said): said}

    reading = read("Puits;Foo;Code\nB7;y;AB2\n", taught=taught)

    assert (reading.layout, told(reading)) == ("taught:Ours", [("B7", "AB2")])
    assert isinstance(refusal("Puits;Bar;Code\nB7;y;AB2\n", taught=taught), Unreadable)


def test_what_was_said_of_a_layout_without_a_heading_is_remembered_by_its_shape():
    said = Taught("Ours", {"position": 2, "code": 1}, heading=None, skip=1, delimiter=",")
    sheet = files.sheet_of(b"Report 7\nx,AB1,A1,y\n", ",")

    reading = read("Report 8\nz,AB2,B7,w\n", taught={layouts.signature(sheet, said): said})

    assert told(reading) == [("B7", "AB2")]


def test_a_site_may_say_how_numbers_are_counted():
    said = Taught("Ours", {"position": 0, "code": 2}, heading=0, numbering="column-major", delimiter=",")
    sheet = files.sheet_of(b"No,What,Tube\n2,x,AB1\n", ",")

    assert (
        read("No,What,Tube\n2,x,AB1\n", taught={layouts.signature(sheet, said): said}).numbering
        == "column-major"
    )


# --- config/scanners


def test_a_wrong_file_of_layouts_is_named(tmp_path):
    (tmp_path / "odd.toml").write_text('label = "Odd"\n[columns]\nfoo = ["Bar"]\n')

    with pytest.raises(ValueError, match=r"odd\.toml: foo"):
        layouts.load(tmp_path)


def test_every_layout_has_its_name_in_the_texts():
    from biobank.racks.texts import LAYOUTS

    assert {layout.key: layout.label for layout in SCANNERS.layouts}.items() <= LAYOUTS.items()


# --- whatever comes

PIECES = st.sampled_from(
    ["A1", "H12", "AAAA1", "1", "96", "0", "AB10000001", "0363132553", "1.03E+09", "NO READ", "NO TUBE", "", " ", "-",
     ",", ";", "\t", "\n", "\r\n", '"', "'", "=", "\x03", "\x00", "{", "}", "[", "tubeBarcode", ":", "Rack ID",
     "Position", "Well", "Tube ID", "2D Barcode", "TubeCode", "LocationRow", "LocationColumn", "Rack Base Name:",
     "Date & time of Trace = ", "é", "\ufeff", "\u2028"]
)  # fmt: skip


@given(
    st.one_of(
        st.binary(max_size=400), st.lists(PIECES, max_size=60).map(lambda parts: "".join(parts).encode())
    )
)
def test_whatever_bytes_come_they_are_read_or_refused(content):
    with suppress(BiobankError):
        reading = read(content)
        assert reading.wells
        assert all((well.code is not None) == (well.state == "read") for well in reading.wells)


@given(st.data())
def test_a_real_file_with_a_piece_of_it_changed_is_read_or_refused(shared_data, data):
    path = data.draw(st.sampled_from(sorted(shared_data.glob("rack_scans_*/*"))))
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    other = data.draw(st.one_of(st.binary(max_size=10), PIECES.map(str.encode)))

    with suppress(BiobankError):
        kept = RackReading.from_json(
            json.loads(json.dumps(read(content[:start] + other + content[end:]).as_json()))
        )
        assert kept.wells
