"""What a scanner sends, and what was meant: keyboards of two countries, Caps Lock, identifiers, rubbish."""

import csv
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core.accession import LETTERS, format_number, parse_number
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.readings import (
    CAPS_LOCK,
    FAULTS,
    FRENCH_SCANNER_ON_US_PC,
    FRENCH_TO_US,
    LONGEST_SCAN,
    US_SCANNER_ON_FRENCH_PC,
    US_TO_FRENCH,
    choose,
    readings,
)

our_numbers = st.builds(format_number, st.sampled_from(LETTERS), st.integers(0, 999_999))


def understood(raw):
    """Every reading by the fault it supposes; the first of two by the same fault."""
    by_fault = {}
    for candidate in readings(raw).candidates:
        by_fault.setdefault(candidate.fault, candidate.text)
    return by_fault


def all_readings(raw):
    return [candidate.text for candidate in readings(raw).candidates]


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize(
    ("received", "meant"),
    [
        ("HQ&&é", "HA112"),
        ('TCGQ)DJ)Q"V_)à&Q', "TCGA-DJ-A3V8-01A"),
        ('FXà(-("è_à', "FX05653780"),
        ("CC&:R&:T&:BT&:&à", "CC1.R1.T1.BT1.10"),
        ("Tàà'é&è\"-", "T00421736"),
    ],
)
def test_a_us_scanner_on_a_french_computer_is_understood(received, meant):
    assert understood(received)[US_SCANNER_ON_FRENCH_PC] == meant


@pytest.mark.parametrize(
    ("received", "meant"),
    [
        ("HQ!!@", "HA112"),
        ("CC!<R!<T!<BT!<!)", "CC1.R1.T1.BT1.10"),
        ("PLQS:Q>Q!", "PLASMA/A1"),
        ("T))$@!&#^", "T00421736"),
    ],
)
def test_a_french_scanner_on_a_us_computer_is_understood(received, meant):
    assert understood(received)[FRENCH_SCANNER_ON_US_PC] == meant


@pytest.mark.parametrize(
    ("received", "meant"),
    [("hq112", "HA112"), ("t00421736", "T00421736"), ("pl,112", "PLM112"), ("£c1hq112", "HA112")],
)
def test_caps_lock_on_a_french_computer_with_a_us_scanner_is_understood(received, meant):
    assert understood(received)[CAPS_LOCK] == meant


def test_caps_lock_on_a_french_computer_with_a_french_scanner_is_understood():
    assert ("HA112", CAPS_LOCK) in [(each.text, each.fault) for each in readings("ha&&é").candidates]


def test_a_scan_is_never_simply_upper_cased():
    assert "HQ112" not in all_readings("hq112")
    assert "HA112" not in all_readings("ha112")


def test_the_raw_reading_comes_first_and_carries_no_fault():
    first, second, *_ = readings("HQ&&é").candidates

    assert (first.text, first.fault, first.repaired_from) == ("HQ&&é", None, None)
    assert (second.text, second.fault, second.repaired_from) == ("HA112", US_SCANNER_ON_FRENCH_PC, "HQ&&é")


def test_the_measured_vectors_are_understood_both_ways(shared_data):
    for row in rows(shared_data / "azerty_wedge" / "vectors.tsv"):
        true = row["true_code"]
        assert understood(row["received_us_scanner_fr_pc"])[US_SCANNER_ON_FRENCH_PC] == true
        assert understood(row["received_fr_scanner_us_pc"])[FRENCH_SCANNER_ON_US_PC] == true


def test_our_keyboard_agrees_with_the_measured_tables(shared_data):
    for row in rows(shared_data / "azerty_wedge" / "us_scanner_on_french_pc.tsv"):
        if "unreliable" not in (row["note"] or ""):
            assert row["code_char"].translate(US_TO_FRENCH) == row["pc_receives"]
    for row in rows(shared_data / "azerty_wedge" / "french_scanner_on_us_pc.tsv"):
        assert row["code_char"].translate(FRENCH_TO_US) == row["pc_receives"]


@given(st.text(string.ascii_uppercase + string.digits + "-_./:;,+=", min_size=1, max_size=40))
def test_whatever_is_garbled_one_way_is_among_the_readings(code):
    assert code in all_readings(code.translate(US_TO_FRENCH))
    assert code in all_readings(code.translate(FRENCH_TO_US))


def is_one_of_ours(text):
    """As if every number that can be issued were on a tube."""
    try:
        return bool(parse_number(text))
    except Malformed:
        return False


def garbled(number):
    """What each fault makes of a number, bare and with what a scanner adds."""
    us_on_french, french_on_us = number.translate(US_TO_FRENCH), number.translate(FRENCH_TO_US)
    yield from (number, us_on_french, french_on_us, number.lower(), us_on_french.lower())
    for aim in ("]C0", "]d1", "]Q1"):
        yield aim + number + "\r\n"
        yield (aim + number).translate(US_TO_FRENCH) + "\t"
        # The bracket is on the third level of a French keyboard: a hyphen comes through, or nothing.
        yield "-" + (aim[1:] + number).translate(FRENCH_TO_US)
        yield (aim[1:] + number).translate(FRENCH_TO_US)
    yield f"{number[0]} {number[1:-2]} {number[-2:]}"


@given(our_numbers)
def test_whatever_is_wrong_a_number_of_ours_is_that_number_or_refused_and_never_another(number):
    for received in garbled(number):
        reading = readings(received)
        known = {candidate.text for candidate in reading.candidates if is_one_of_ours(candidate.text)}
        assert choose(reading, known).text == number, received


@given(our_numbers, st.sampled_from(("~", "S1:", "*", "%%")), st.sampled_from(("", "*", "~")))
def test_what_a_station_adds_is_dropped_whatever_else_is_wrong(number, prefix, suffix):
    for change in ({}, US_TO_FRENCH, FRENCH_TO_US):
        reading = readings((prefix + number + suffix).translate(change) + "\r", (prefix, suffix))
        assert number in [candidate.text for candidate in reading.candidates]
    assert readings(number, (prefix, suffix)).candidates[0].text == number  # typed by hand


@pytest.mark.parametrize("joined", ["ÊA&", "E\u0302A&"])
def test_a_dead_key_that_joined_the_next_letter_is_taken_apart_again(joined):
    # given: [E then Q1, typed on a French keyboard
    assert understood(joined)[US_SCANNER_ON_FRENCH_PC] == "[EQ1"


@pytest.mark.parametrize(
    "raw", ["HA112\r", "HA112\r\n", "HA112\n", "HA112\t", "\x1dHA112\x1d", "  HA112 ", "\tHA112\r"]
)
def test_what_the_scanner_adds_around_the_code_is_dropped(raw):
    assert readings(raw).candidates[0].text == "HA112"


@pytest.mark.parametrize(
    ("raw", "aim", "text", "fault"),
    [
        ("]C0HA112", "]C0", "HA112", None),
        ("]d1HA112\r", "]d1", "HA112", None),
        ("]Q3HA112", "]Q3", "HA112", None),
        ("$C&HQ&&é", "]C1", "HA112", US_SCANNER_ON_FRENCH_PC),
        ("$CàHQ&&é", "]C0", "HA112", US_SCANNER_ON_FRENCH_PC),
        ("$d&HQ&&é", "]d1", "HA112", US_SCANNER_ON_FRENCH_PC),
        ("$déHQ&&é", "]d2", "HA112", US_SCANNER_ON_FRENCH_PC),
        ('$A"HQ&&é', "]Q3", "HA112", US_SCANNER_ON_FRENCH_PC),
    ],
)
def test_an_identifier_before_the_code_is_dropped_and_kept_for_the_log(raw, aim, text, fault):
    found = next(candidate for candidate in readings(raw).candidates if candidate.fault == fault)

    assert (found.aim, found.text) == (aim, text)


@pytest.mark.parametrize(
    ("raw", "aim"), [("-C)T))$@!&#^", "]C0"), ("C)T))$@!&#^", "]C0"), ("d!T))$@!&#^", "]d1")]
)
def test_an_identifier_garbled_the_other_way_round_is_dropped_too(raw, aim):
    found = next(each for each in readings(raw).candidates if each.text == "T00421736")

    assert (found.aim, found.fault) == (aim, FRENCH_SCANNER_ON_US_PC)


def test_a_clean_code_that_begins_like_an_identifier_keeps_its_beginning():
    assert "A112" not in all_readings("C0A112")


@pytest.mark.parametrize("aim", ["]d2", "$dé"])
def test_gs1_data_are_understood_whatever_the_keyboard(aim):
    sent = "010345312000001110AB-9\x1d21XY7"
    raw = aim + (sent if aim == "]d2" else sent.translate(US_TO_FRENCH))

    found = next(each for each in readings(raw).candidates if each.gs1)

    assert dict(found.gs1.fields) == {"01": "03453120000011", "10": "AB-9", "21": "XY7"}


def test_gs1_data_keep_the_separators_between_their_fields():
    assert readings("]d2010123\x1d10AB").candidates[0].text == "010123\x1d10AB"


@pytest.mark.parametrize(
    ("raw", "known"),
    [
        # The same keys on the two keyboards: nothing in the scan can tell them apart.
        ("AQUA", {"AQUA", "QAUQ"}),
        ("FX-", {"FX-", "FX6"}),
        ("FX6", {"FX-", "FX6"}),
        ("IPC6", {"IPC6", "IPC-"}),
    ],
)
def test_a_clean_reading_is_refused_where_another_one_exists_too(raw, known):
    with pytest.raises(RuleViolation) as refused:
        choose(readings(raw), known)

    assert refused.value.code == "ambiguous_scan"
    assert set(refused.value.params["readings"].split(", ")) == known


@pytest.mark.parametrize(
    ("raw", "known", "meant"),
    [
        ("FX-", {"FX-"}, ("FX-", None)),
        ("FX-", {"FX6"}, ("FX6", US_SCANNER_ON_FRENCH_PC)),
        ("FX6", {"FX-"}, ("FX-", FRENCH_SCANNER_ON_US_PC)),
        ("FX6", {"FX6"}, ("FX6", None)),
    ],
)
def test_six_and_hyphen_are_repaired_where_only_one_of_them_exists(raw, known, meant):
    chosen = choose(readings(raw), known)

    assert (chosen.text, chosen.fault) == meant


def test_the_only_reading_that_exists_is_taken_with_its_fault_named():
    chosen = choose(readings("HQ&&é"), {"HA112"})

    assert (chosen.text, chosen.fault, chosen.repaired_from) == ("HA112", US_SCANNER_ON_FRENCH_PC, "HQ&&é")


def test_two_readings_that_exist_are_refused_and_both_shown():
    # given a scan with a sign of a fault that nevertheless exists as it stands
    with pytest.raises(RuleViolation) as refused:
        choose(readings("AB(("), {"AB((", "QB55"})

    assert refused.value.code == "ambiguous_scan"
    assert refused.value.params["readings"] == "AB((, QB55"


def test_two_repairs_that_exist_are_refused():
    with pytest.raises(RuleViolation, match="ambiguous_scan"):
        choose(readings("ha&&é"), {"hq112", "HA112"})


def test_a_reading_that_does_not_exist_is_unknown():
    with pytest.raises(NotFound, match="unknown_code"):
        choose(readings("HA112"), set())


@pytest.mark.parametrize("character", "éèçà&\"'()°§ù²$")
def test_the_signs_of_a_wrong_keyboard_make_a_scan_doubtful(character):
    assert readings(f"AB{character}").doubtful
    assert not readings("AB-12_X.1/2").doubtful


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "scan_empty"),
        (" \r\n\x1d", "scan_empty"),
        ("]C0", "scan_empty"),
        ("A" * 10_000, "scan_too_long"),
        ("HA\x00112", "scan_character"),
        ("\x00", "scan_character"),
        ("HA\x1b112", "scan_character"),
        ("HA\r112", "scan_character"),
        ("HA\x1d112", "scan_character"),
        ("HA\ud800112", "scan_character"),
        ("HA\u200b112", "scan_character"),
        ("HA\u2028112", "scan_character"),
    ],
)
def test_what_no_scanner_sends_is_refused(raw, code):
    with pytest.raises(Malformed) as refused:
        readings(raw)

    assert refused.value.fields["raw"].code == code


def test_a_code_may_be_as_long_as_a_long_symbol():
    assert len(readings("A1" * (LONGEST_SCAN // 2)).candidates[0].text) == LONGEST_SCAN


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_any_text_at_all_is_either_read_or_refused_in_our_own_words(raw):
    try:
        reading = readings(raw)
    except Malformed:
        return

    texts = [candidate.text for candidate in reading.candidates]
    assert all(texts)
    assert len(texts) == len(set(texts)) <= 1 + len(FAULTS)
