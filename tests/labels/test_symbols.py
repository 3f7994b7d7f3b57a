"""Each symbol is read back as what was put in, is as large as the tables say, and refuses what it cannot hold."""

import csv
import random
import string
from itertools import pairwise
from pathlib import Path

import pytest
import zxingcpp
from barcode.charsets.code128 import CODES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labels import LabelError, datamatrix, gs1, symbols
from labels.code128 import FNC3
from labels.readback import draw, verify_symbol
from labels.symbols import KINDS, capacity, encode

TABLE = Path(datamatrix.__file__).with_name("datamatrix_ecc200_sizes.csv")
SIZES = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))
ASCII = "".join(map(chr, range(0x20, 0x7F)))
LATIN = ASCII + "".join(map(chr, range(0xA1, 0x100)))
GS1_SET = sorted(set(string.ascii_letters + string.digits + "!\"%&'()*+,-./:;<=>?_") - set("()"))
UPPER = string.ascii_uppercase + string.digits

#: One content of each kind.
CONTENTS = {
    "code128": "T00421736",
    "gs1_128": "(8004)3453120T00421736",
    "datamatrix": "T00421736",
    "gs1_datamatrix": "(21)T00421736",
    "qr": "T00421736",
}


def trimmed(alphabet, most):
    return st.text(alphabet, min_size=1, max_size=most).filter(lambda text: text == text.strip())


def reads(symbol, **options):
    """What an outside reader makes of it, as bytes."""
    found = zxingcpp.read_barcodes(draw(symbol), **options)
    return [code.bytes for code in found]


def refusal(kind, content, **options):
    with pytest.raises(LabelError) as refused:
        encode(kind, content, **options)
    assert str(refused.value)
    return refused.value


# --- what is put in comes out


@pytest.mark.parametrize(("kind", "content"), CONTENTS.items())
def test_a_number_of_ours_reads_back_from_every_kind(kind, content):
    symbol = encode(kind, content)

    verify_symbol(symbol, draw(symbol))
    assert symbol.content == content
    assert symbol.kind == kind


@settings(max_examples=150, deadline=None)
@given(trimmed(ASCII, 40))
@example("0")
@example("000")
@example("A0000B00000C")
@example("99")
@example("994891")
@example("9904A")
@example("~^>;[]\\")
def test_any_printable_ascii_reads_back_from_code_128(text):
    symbol = encode("code128", text)

    verify_symbol(symbol, draw(symbol))
    assert reads(symbol) == [text.encode()]


@settings(max_examples=200, deadline=None)
@given(trimmed(LATIN, 23), st.sampled_from(datamatrix.SHAPES))
@example("é", "square")
@example("abcdefghijklmno", "rectangle")
@example("é" * 23, "rectangle")
def test_any_printable_latin_reads_back_from_a_data_matrix(text, shape):
    symbol = encode("datamatrix", text, shape=shape)

    verify_symbol(symbol, draw(symbol))
    assert reads(symbol) == [text.encode("latin-1")]


@settings(max_examples=200, deadline=None)
@given(
    st.text("ABCDEFabcdef0123456789 -_é", min_size=1, max_size=60).filter(lambda text: text == text.strip())
)
def test_a_data_matrix_is_never_larger_than_two_digits_or_one_letter_a_codeword_need(text):
    codewords = datamatrix._ascii(text)
    symbol = encode("datamatrix", text)

    assert reads(symbol) == [text.encode("latin-1")]
    plain = next(size for size in datamatrix.sizes("square") if size.codewords >= len(codewords))
    assert symbol.columns <= plain.columns


@settings(max_examples=100, deadline=None)
@given(trimmed(ASCII, 60))
def test_any_printable_ascii_reads_back_from_a_qr(text):
    symbol = encode("qr", text)

    verify_symbol(symbol, draw(symbol))
    assert reads(symbol) == [text.encode()]


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable() and text == text.strip()))
def test_any_printable_text_reads_back_from_a_qr(text):
    (code,) = zxingcpp.read_barcodes(draw(encode("qr", text)), text_mode=zxingcpp.TextMode.Plain)

    assert code.text == text


# --- sizes


@pytest.mark.parametrize("row", SIZES, ids=lambda row: row["symbol"])
def test_the_encoder_and_the_table_agree_at_the_capacity_of_every_size(row):
    lines, columns = map(int, row["symbol"].split("x"))
    shape = "square" if lines == columns else "rectangle"
    chance = random.Random(row["symbol"])
    fillings = {
        "numeric": string.digits,
        "alphanumeric_c40": string.ascii_uppercase,
        "bytes": "é\xa1ÿ¿",
    }

    for capacity_of, alphabet in fillings.items():
        full = "".join(chance.choices(alphabet, k=int(row[capacity_of])))
        symbol = encode("datamatrix", full, shape=shape)
        assert (symbol.lines, symbol.columns) == (lines, columns), capacity_of
        assert reads(symbol) == [full.encode("latin-1")]
        assert len(symbol.values) <= int(row["data_codewords"])

        if row in (SIZES[9], SIZES[-1]):
            assert refusal("datamatrix", full + alphabet[0], shape=shape).code == "label_code_too_long"
        else:
            larger = encode("datamatrix", full + alphabet[0], shape=shape)
            assert larger.columns * larger.lines > columns * lines


@pytest.mark.parametrize("row", SIZES, ids=lambda row: row["symbol"])
def test_every_size_has_the_codewords_of_the_table_and_ends_with_the_pads_of_the_standard(row):
    lines, columns = map(int, row["symbol"].split("x"))
    size = next(each for each in datamatrix.sizes("any") if (each.lines, each.columns) == (lines, columns))

    assert size.codewords == int(row["data_codewords"])
    padded = datamatrix._padded([66], size.codewords)
    assert len(padded) == size.codewords
    assert padded[1] == 129
    # ISO/IEC 16022 annex B.1: 129 and a pseudo-random number of 1 to 253, without the 255 and above.
    for place, codeword in enumerate(padded[2:], start=3):
        assert 1 <= codeword <= 254
        assert (codeword - 129 - (149 * place % 253 + 1)) % 254 == 0


def test_any_shape_takes_the_smallest_area_and_of_two_the_square_one():
    assert [(size.columns, size.lines) for size in datamatrix.sizes("any")][:4] == [
        (10, 10), (12, 12), (18, 8), (14, 14),
    ]  # fmt: skip
    assert encode("datamatrix", "T00421736", shape="any").columns == 12
    assert encode("datamatrix", "T00421736", shape="rectangle").columns == 18
    # 26 digits: 13 codewords; 12x26 is larger than 18x18, and 16x16 too small.
    assert (encode("datamatrix", "7" * 26, shape="any").columns) == 26
    assert all(one.area <= other.area for one, other in pairwise(datamatrix.sizes("any")))


@pytest.mark.parametrize(
    ("text", "modules"),
    [("T00421736", 101), ("0123456789", 90), ("T0042173600", 112), ("IPC-26-004821-7", 189)],
)
def test_bars_are_as_wide_as_the_standard_measured(text, modules):
    symbol = encode("code128", text)

    assert (symbol.columns, symbol.width, symbol.height) == (modules, modules + 20, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("room", range(0, 200, 7))
def test_what_is_said_to_fit_a_room_fits_it_and_one_more_does_not(kind, room):
    fits = capacity(kind, room, room)
    gs1_kind = kind.startswith("gs1")

    for what, filling in (("digits", "7"), ("characters", "A")):
        most = fits[what]
        if most >= (3 if gs1_kind else 1):
            symbol = encode(kind, _of(most, filling, gs1_kind))
            assert symbol.width <= room
            assert symbol.height <= room
        if not gs1_kind and 0 < most < 80:
            # of digits two share a codeword, and what is left of one is nothing
            assert _larger(kind, _of(most + 2, filling, gs1_kind), room)


def _of(count, filling, gs1_kind):
    """GS1 with so many characters, the brackets not counted; a field of it ends at 90."""
    return "(91)" + filling * min(count - 2, 90) if gs1_kind else filling * count


def _larger(kind, content, room):
    try:
        return encode(kind, content).width > room
    except LabelError as refused:
        return refused.code == "label_code_too_long"


def test_the_quiet_zones_are_those_of_the_standards():
    quiet = {kind: encode(kind, content).quiet for kind, content in CONTENTS.items()}

    assert quiet == {"code128": 10, "gs1_128": 10, "datamatrix": 1, "gs1_datamatrix": 1, "qr": 4}


@pytest.mark.parametrize(("kind", "content"), CONTENTS.items())
def test_runs_and_rows_say_the_same(kind, content):
    symbol = encode(kind, content)
    drawn = [["0"] * symbol.columns for _ in range(symbol.lines)]
    for row, first, length in symbol.runs():
        drawn[row][first : first + length] = "1" * length

    assert tuple("".join(row) for row in drawn) == symbol.rows
    assert {len(row) for row in symbol.rows} == {symbol.columns}


# --- symbol values


@settings(max_examples=80, deadline=None)
@given(trimmed(ASCII, 30))
def test_the_values_of_a_code_128_make_exactly_its_bars(text):
    symbol = encode("code128", text)
    check = (symbol.values[0] + sum(at * value for at, value in enumerate(symbol.values))) % 103

    bars = "".join(CODES[value] for value in (*symbol.values, check))
    assert symbol.rows[0] == bars + "1100011101011"


def test_a_symbol_that_sets_a_scanner_holds_its_mark():
    symbol = symbols.setting(FNC3 + "91")

    assert symbol.content == "91"
    verify_symbol(symbol, draw(symbol), sets=True)
    plain = encode("code128", "91")
    with pytest.raises(LabelError):
        verify_symbol(plain, draw(plain), sets=True)


# --- GS1


def gs1_fields():
    digits = st.text(string.digits, min_size=13, max_size=13).map(lambda them: them + gs1.check_digit(them))
    named = {
        "01": digits,
        "17": st.dates().map(lambda day: day.strftime("%y%m%d")),
        "10": st.text(GS1_SET, min_size=1, max_size=12),
        "21": st.text(GS1_SET, min_size=1, max_size=9),
        "30": st.text(string.digits, min_size=1, max_size=8),
        "3103": st.text(string.digits, min_size=6, max_size=6),
    }
    return st.permutations(sorted(named)).flatmap(
        lambda order: st.integers(1, 4).flatmap(
            lambda count: st.tuples(*[st.tuples(st.just(name), named[name]) for name in order[:count]])
        )
    )


@settings(max_examples=150, deadline=None)
@given(gs1_fields())
def test_a_separator_stands_after_each_field_of_variable_length_and_nowhere_else(fields):
    content = "".join(f"({name}){value}" for name, value in fields)
    expected = ""
    for at, (name, value) in enumerate(fields):
        last = at == len(fields) - 1
        expected += name + value + gs1.SEPARATOR * (name in ("10", "21", "30") and not last)

    assert gs1.message(content) == expected
    assert gs1.written(expected) == content
    for kind in ("gs1_128", "gs1_datamatrix"):
        if kind == "gs1_128" and len(expected) > 48:
            assert refusal(kind, content).code == "label_code_too_long"
            continue
        symbol = encode(kind, content)
        verify_symbol(symbol, draw(symbol))
        (code,) = zxingcpp.read_barcodes(draw(symbol))
        assert code.bytes == expected.encode()
        assert code.symbology_identifier in ("]C1", "]d2")


def test_function_character_1_comes_first():
    assert encode("gs1_128", "(21)T00421736").values[1] == 102
    assert encode("gs1_datamatrix", "(21)T00421736").values[0] == 232


def test_a_tube_of_ours_is_an_asset_and_a_patient_a_recipient_of_services():
    assert gs1.fields("(8004)3453120T00421736") == [("8004", "3453120T00421736")]
    assert gs1.fields("(8018)" + "34531200000000001" + gs1.check_digit("34531200000000001"))


@pytest.mark.parametrize(
    ("digits", "check"),
    [("0345312000001", "1"), ("629104150021", "3"), ("10614141234567890", "8"), ("03768958", "0")],
)
def test_check_digits_are_those_of_gs1(digits, check):
    total = sum(int(digit) * weight for digit, weight in zip(reversed(digits), [3, 1] * 9, strict=False))

    assert gs1.check_digit(digits) == str((10 - total % 10) % 10)
    if digits in ("0345312000001", "629104150021"):
        assert gs1.check_digit(digits) == check


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("T00421736", "begins with an application identifier"),
        ("x(01)03453120000011", "begins with an application identifier"),
        ("(01)03453120000012", "should end with the check digit 1"),
        ("(01)0345312000001", "is 14 digits"),
        ("(00)123456789012345678", "check digit"),
        ("(414)6291041500210", "should end with the check digit 3"),
        ("(8003)06291041500210", "should end with the check digit 3"),
        ("(8003)16291041500213", "it begins with 0"),
        ("(17)261331", "there is no day 261331"),
        ("(17)260230", "there is no day 260230"),
        ("(8008)26030124", "there is no hour 24"),
        ("(7003)2603012460", "there is no time 2460"),
        ("(10)", "is up to 20 characters of GS1's set"),
        ("(10)" + "A" * 21, "is up to 20 characters of GS1's set"),
        ("(10)Plasma été", "is up to 20 characters"),
        ("(10)A B", "is up to 20 characters"),
        ("(10)A\x1d21B", "is up to 20 characters"),
        ("(30)12A", "is up to 8 digits"),
        ("(30)١٢", "is up to 8 digits"),
        ("(05)1", "nobody knows the application identifier (05)"),
        ("(3106)123456", "nobody knows the application identifier (3106)"),
        ("(10)A(10)B", "(10) stands in it twice"),
    ],
)
def test_wrong_gs1_is_refused_and_told_why(content, says):
    for kind in ("gs1_128", "gs1_datamatrix"):
        error = refusal(kind, content)
        assert error.code == "label_gs1_wrong"
        assert says in str(error)


@pytest.mark.parametrize("read", ["0512", "01034531200000119", "10A\x1d\x1d21B", "0103453120000012"])
def test_what_a_foreign_symbol_says_wrongly_is_no_gs1(read):
    with pytest.raises(LabelError, match="no GS1 element string"):
        gs1.written(read)


def test_what_is_due_in_the_whole_month_is_a_date():
    assert gs1.fields("(17)260200(15)240229") == [("17", "260200"), ("15", "240229")]


# --- what is refused


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_at_all_is_refused(kind):
    assert refusal(kind, "").code == "label_code_empty"


@pytest.mark.parametrize(
    "content", [" T1", "T1 ", "T\n1", "T\x001", "T\x1d1", "T\x7f1", "T\x85", "T\xa0", "T\ud800"]
)
@pytest.mark.parametrize("kind", ["code128", "datamatrix", "qr"])
def test_what_no_label_should_hold_is_refused_with_its_character(kind, content):
    error = refusal(kind, content)
    assert error.code == "label_code_character"
    assert error.params["character"] in {f"U+{ord(each):04X}" for each in content}


@pytest.mark.parametrize(
    ("kind", "content"), [("code128", "Té"), ("code128", FNC3 + "91"), ("datamatrix", "TΩ")]
)
def test_a_letter_that_a_kind_does_not_know_is_refused(kind, content):
    assert refusal(kind, content).code == "label_code_character"


@pytest.mark.parametrize(
    ("kind", "content", "fits"),
    [
        ("code128", "A" * 81, 80),
        ("gs1_128", "(91)" + "7" * 47, 48),
        ("datamatrix", "A" * 92, 91),
        ("gs1_datamatrix", "(91)" + "A" * 90, 90),
        ("qr", "é" * 3000, 3391),
    ],
)
def test_too_much_is_refused_with_what_would_go_in(kind, content, fits):
    error = refusal(kind, content)

    assert error.code == "label_code_too_long"
    assert error.params["characters"] == fits


@pytest.mark.parametrize(
    ("kind", "shape", "code"),
    [("ean13", "square", "label_symbol_unknown"), ("datamatrix", "round", "label_shape_unknown")],
)
def test_a_kind_or_shape_that_nobody_knows_is_refused_with_those_there_are(kind, shape, code):
    assert refusal(kind, "T00421736", shape=shape).code == code
