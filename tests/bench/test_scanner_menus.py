"""Setting bar codes: each of the list is drawn, reads back with its mark, says where it was found; bad rows fail."""

import csv
import string

import pytest
import zxingcpp
from barcode.charsets.code128 import CODES, START_CODES, STOP
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from biobank.bench import scan_texts, scanner_menus
from biobank.bench.scanner_menus import COLUMNS, FAULTS, OURS, load, of_file, shown, symbols_of
from biobank.core.settings import SettingsError
from biobank.factory import create_app
from biobank.printing import symbols
from labels.code128 import FNC3, QUIET

MENUS = load()
EVERY = sorted({symbol for menu in MENUS.values() for symbol in menu.symbols})
#: Function character 3 in a Code 128, in sets A and B.
MARK = 96
PRINTABLE = "".join(sorted(set(string.printable) & {chr(at) for at in range(0x20, 0x7F)} - set("{}")))


def read(symbol: symbols.Symbol) -> list[tuple[str, bool]]:
    """What a reader makes of the drawing: the text, and whether it sets the reader."""
    image = Image.new("L", (3 * symbol.width, 60), 255)
    for _row, first, length in symbol.runs():
        image.paste(0, (3 * first, 0, 3 * (first + length), 60))
    codes = zxingcpp.read_barcodes(
        image, formats=zxingcpp.BarcodeFormat.Code128, text_mode=zxingcpp.TextMode.Plain
    )
    return [(each.text, bool((each.extra or {}).get("ReaderInit"))) for each in codes]


def characters(symbol: symbols.Symbol) -> list[int]:
    """The symbol characters of a drawing, between start and check character."""
    bars = symbol.rows[0].strip("0").removesuffix("11").removesuffix(STOP)
    values = [CODES.index(bars[at : at + 11]) for at in range(0, len(bars), 11)]
    assert values[0] in START_CODES.values()
    return values[1:-1]


# --- the list


@pytest.mark.parametrize("symbol", EVERY, ids=shown)
def test_each_setting_bar_code_reads_back_and_sets_the_scanner(symbol):
    drawn = symbols.setting(symbol)

    assert read(drawn) == [(symbol.replace(FNC3, ""), FNC3 in symbol)]
    assert drawn.rows[0].startswith("0" * QUIET)
    assert drawn.rows[0].endswith("0" * QUIET)
    marks = [at for at, value in enumerate(characters(drawn)) if value == MARK]
    assert len(marks) == symbol.count(FNC3)
    if symbol.startswith(FNC3):
        assert marks == [0]
    elif symbol.endswith(FNC3):
        assert marks == [len(characters(drawn)) - 1]


def test_a_test_symbol_sets_no_scanner():
    assert read(symbols.bars("J00000596")) == [("J00000596", False)]


def test_each_bar_code_of_the_list_says_where_it_was_found():
    with OURS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row for row in rows if row["content"] and not row["address"].startswith("http")] == []
    assert len(rows) == len(MENUS)


def test_each_fault_that_a_scanner_can_be_rid_of_has_a_bar_code_and_each_maker_has_words():
    drawn = {menu.fault for menu in MENUS.values() if menu.symbols}
    families = {menu.family for menu in MENUS.values()}

    assert set(FAULTS) - drawn == {"caps_lock"}
    assert {(family, fault) for family in families for fault in FAULTS} - set(MENUS) == {
        ("opticon", "separator")
    }
    for kind in ("scanner_setting", "scanner_manual"):
        assert {f"{kind}.{fault}" for fault in FAULTS} <= set(scan_texts.WORDS)


# --- the cells


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", ()),
        ("~VSUFCR.{FNC3}", (f"~VSUFCR.{FNC3}",)),
        ("{FNC3}$P{CR}{THEN}{FNC3}91", (f"{FNC3}$P\r", f"{FNC3}91")),
        ("{x1D}A{x7b}", ("\x1dA{",)),
    ],
)
def test_what_a_cell_says(content, says):
    assert symbols_of(content) == says


@given(st.text(PRINTABLE + "\t\r\n\x1b\x1d", min_size=1, max_size=12), st.booleans())
def test_any_content_is_drawn_as_it_stands(text, first):
    drawn = symbols.setting(FNC3 + text if first else text + FNC3)

    assert read(drawn) == [(text, True)]


@pytest.mark.parametrize(
    ("cell", "refused"),
    [
        ({"content": "~KBDCTYé."}, "cannot say 'é'"),
        ({"content": "{FNC3}ó91"}, "cannot say 'ó'"),
        ({"content": "{FNC3}91{CR"}, "cannot say '{'"),
        ({"content": "{FNC4}91"}, "nobody knows {FNC4}"),
        ({"content": "{x80}"}, "nobody knows {x80}"),
        ({"content": "{FNC3}"}, "says nothing"),
        ({"content": "91{THEN}"}, "says nothing"),
        ({"content": "9" * 61}, "too wide"),
        ({"content": "{THEN}".join("1234567")}, "at most 6"),
        ({"fault": "colour"}, "there is no fault 'colour'"),
        ({"family": "Zebra DS"}, "a family is"),
        ({"maker": ""}, "maker is empty"),
        ({"source": " "}, "source is empty"),
        ({"fault": "aim"}, "has a row for aim already"),
    ],
)
def test_a_bad_row_is_refused_and_told_with_its_line(tmp_path, cell, refused):
    row = {
        "family": "ours",
        "maker": "Ours",
        "fault": "aim",
        "content": "{FNC3}91",
        "menu": "None",
        "source": "p. 1",
    }
    file = tmp_path / "own.csv"
    with file.open("w", encoding="utf-8", newline="") as made:
        writer = csv.DictWriter(made, COLUMNS)
        writer.writeheader()
        writer.writerows([row, row | {"fault": "suffix"} | cell])

    with pytest.raises(SettingsError, match=r"own\.csv, line 3: ") as refusal:
        of_file(file)
    assert refused in str(refusal.value)


def test_a_file_without_a_column_and_one_that_is_not_there_stop_the_start(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("family,maker\nours,Ours\n", encoding="utf-8")

    for path, refused in ((file, "no column 'fault'"), (tmp_path / "none.csv", "none.csv")):
        with pytest.raises(SettingsError, match=refused):
            create_app({"testing": True, "scanner": {"menus": str(path)}})


def test_a_banks_own_row_stands_in_place_of_ours_and_its_own_maker_beside(tmp_path):
    own = tmp_path / "own.csv"
    own.write_text(
        "family,maker,fault,content,menu,source,address\n"
        "zebra,Zebra DS2208,aim,{FNC3}X,None,ours,\nacme,Acme,aim,Y,None,ours,\n",
        encoding="utf-8-sig",
    )

    menus = load(str(own))

    assert menus["zebra", "aim"].symbols == (f"{FNC3}X",)
    assert menus["acme", "aim"].symbols == ("Y",)
    assert menus["zebra", "suffix"] == MENUS["zebra", "suffix"]
    assert scanner_menus.load() == MENUS
