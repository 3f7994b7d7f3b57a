"""Command cards: every card is one command, survives every fault, and reads back from the printed sheet."""

import re
import zlib
from dataclasses import replace

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from biobank.bench import commands, paper_pages
from biobank.bench.commands import Command, card_of, number_of, parse, sheet
from biobank.core.accession import format_number
from biobank.core.readings import FRENCH_TO_US, US_TO_FRENCH, readings
from biobank.core.vocabularies import command_reasons, non_conformities
from biobank.printing import symbols
from biobank.storage.pages import DISCARD_REASONS
from biobank.web.i18n import speaking
from labels.symbols import encode
from tests import people

EVERY = [command for _group, them in sheet() for command in them]


@pytest.mark.parametrize("command", EVERY, ids=str)
def test_a_card_says_what_was_printed_on_it(command):
    assert parse(card_of(command)) == command


@given(st.integers(1, commands.MOST_VOLUME))
def test_every_volume_has_a_card(volume):
    assert parse(number_of("volume", number=volume)) == Command("volume", volume)


@given(st.integers(1, commands.MOST_COUNT))
def test_every_count_up_to_a_rack_has_a_card(count):
    assert parse(number_of("count", number=count)) == Command("count", count)


@given(st.integers(0, 999_999))
def test_a_serial_is_one_command_or_none(serial):
    number = format_number("J", serial)
    command = parse(number)

    assert command is None or card_of(command) == number
    assert serial < 900_000 or command is None


@pytest.mark.parametrize("command", EVERY, ids=str)
@pytest.mark.parametrize("keyboard", [US_TO_FRENCH, FRENCH_TO_US])
def test_a_card_is_understood_on_the_wrong_keyboard_and_is_no_other(command, keyboard):
    found = readings(card_of(command).translate(keyboard)).candidates

    assert [parse(each.text) for each in found if parse(each.text)] == [command]


@pytest.mark.parametrize("text", ["", "J", "J00000597", "T00421736", "j00000596", "J000005960", "J90000009"])
def test_what_is_no_card_is_no_command(text):
    assert parse(text) is None


@pytest.mark.parametrize(
    ("verb", "told"),
    [("count", {"number": 0}), ("count", {"number": 97}), ("volume", {"number": 100_000}), ("volume", {}),
     ("fly", {}), ("reason", {"reason": "Bored"})],
)  # fmt: skip
def test_what_has_no_card_is_refused(verb, told):
    with pytest.raises(ValueError, match="there is no card"):
        number_of(verb, **told)


def test_every_reason_has_a_card_and_numbers_are_given_once():
    rows = command_reasons()

    assert [row.reason for row in rows if row.verb == "reason"] == list(DISCARD_REASONS)
    assert {row.reason for row in rows if row.verb == "non_conformity"} == set(non_conformities())
    assert len({(row.verb, row.number) for row in rows}) == len(rows)
    assert {row.verb for row in rows} <= {"reason", "non_conformity"}


def test_no_card_was_ever_given_another_number():
    """Cards hang on walls."""
    assert [number_of(verb) for verb in ("store", "aliquot", "undo", "move_rack")] == [
        "J00000111", "J00000596", "J00000984", "J00001566",
    ]  # fmt: skip


# --- the sheet


def bars_of(pdf: bytes) -> list[list[tuple[float, float, float, float]]]:
    """The filled rectangles of each page: left, bottom, width, height, in points."""
    pages = []
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            drawn = zlib.decompress(packed)
        except zlib.error:
            continue
        rows = re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re f\b", drawn)
        if rows:
            pages.append([tuple(float(each) for each in row) for row in rows])
    return pages


def read_page(rectangles: list[tuple[float, float, float, float]]) -> list[str]:
    """The page as a printer would put it on paper, read as a scanner would, row of cards by row of cards."""
    dots, found = 6, []
    for top in sorted({row[1] for row in rectangles}, reverse=True):
        image = Image.new("L", (595 * dots, 60 * dots), 255)
        for left, bottom, width, _height in rectangles:
            if bottom == top:
                image.paste(0, (round(left * dots), 60, round((left + width) * dots), 240))
        codes = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.Code128)
        found += [each.text for each in sorted(codes, key=lambda each: each.position.top_left.x)]
    return found


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_every_card_of_the_printed_sheet_reads_back(app, language):
    answer = people.browser(app, "technician").get(f"/station/commands.pdf?language={language}")

    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    read = [code for page in bars_of(answer.data) for code in read_page(page)]
    assert read == [card_of(command) for command in EVERY]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_every_card_says_in_words_what_it_does_and_no_two_say_the_same(app, language):
    with app.test_request_context(), speaking(language):
        cards = [card for _name, them in paper_pages._command_cards() for card in them]

    assert [card.code for card in cards] == [card_of(command) for command in EVERY]
    assert all(card.words and card.kind for card in cards)
    codes = {command.reason for command in EVERY if command.verb == "non_conformity"} | set(commands.VERBS)
    assert codes & {card.words for card in cards} == set()
    assert len({(card.words, card.kind) for card in cards}) == len(cards)


def test_a_symbol_that_does_not_read_back_is_not_let_out():
    with pytest.raises(symbols.UnreadableSymbol):
        symbols._verified(replace(encode("code128", "J00000596"), rows=encode("code128", "J00000111").rows))
