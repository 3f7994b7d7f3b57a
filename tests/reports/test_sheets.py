"""The figures as files: what each cell is, and that none of them is a formula."""

import csv
import io
import json
from datetime import date

import pytest
from python_calamine import CalamineWorkbook

from biobank.reports import sheets
from biobank.reports.rules import Figures, Group


def figures(*codes: str) -> Figures:
    """A year divided by study; each study has one sample treated and two stored."""
    groups = tuple(Group({"study": code}, 1, 2) for code in codes)
    return Figures(
        from_on=date(2012, 1, 1), to_on=date(2012, 12, 31), by=("study",), site=None, samples_treated=len(codes),
        samples_stored=2 * len(codes), samples_stored_at_start=0, unknown_time=7, groups=groups,
    )  # fmt: skip


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def read_xlsx(content: bytes) -> list[list[object]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


def test_a_csv_has_its_groups_then_the_total_then_what_has_no_time():
    content = sheets.FORMATS["csv"].write(figures("Étude A"))

    assert content.startswith(b"\xef\xbb\xbf")
    assert read_csv(content) == [
        ["line", "from", "to", "study", "samples_treated", "samples_stored"],
        ["group", "2012-01-01", "2012-12-31", "Étude A", "1", "2"],
        ["total", "2012-01-01", "2012-12-31", "", "1", "2"],
        ["unknown_time", "2012-01-01", "2012-12-31", "", "7", ""],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_code_that_a_spreadsheet_would_take_for_a_formula_is_text_in_a_csv(start):
    code = f'{start}HYPERLINK("http://example.org";"x")'

    lines = read_csv(sheets.FORMATS["csv"].write(figures(code)))

    assert lines[1][3] == f"'{code}"


def test_a_code_with_commas_quotes_and_line_breaks_stays_one_cell():
    code = 'A,"B"\nC'

    assert read_csv(sheets.FORMATS["csv"].write(figures(code)))[1][3] == code


def test_a_workbook_has_dates_as_dates_numbers_as_numbers_and_text_as_text():
    lines = read_xlsx(sheets.FORMATS["xlsx"].write(figures("00123", "=1+1", "http://example.org", "")))

    assert lines[0] == ["line", "from", "to", "study", "samples_treated", "samples_stored"]
    assert lines[1] == ["group", date(2012, 1, 1), date(2012, 12, 31), "00123", 1.0, 2.0]
    assert [line[3] for line in lines[1:5]] == ["00123", "=1+1", "http://example.org", ""]
    assert lines[-1][0] == "unknown_time"
    assert lines[-1][4] == 7.0


def test_a_long_report_is_a_workbook_too():
    lines = read_xlsx(sheets.FORMATS["xlsx"].write(figures(*(f"S{number}" for number in range(20_000)))))

    assert len(lines) == 20_003


def test_json_says_the_period_the_numbers_and_the_groups():
    assert json.loads(sheets.FORMATS["json"].write(figures("Étude A"))) == {
        "samples_treated": 1,
        "samples_stored": 2,
        "unknown_time": 7,
        "samples_stored_at_start": 0,
        "from": "2012-01-01",
        "to": "2012-12-31",
        "site": None,
        "by": ["study"],
        "groups": [{"study": "Étude A", "samples_treated": 1, "samples_stored": 2}],
    }
