"""The station test names what is wrong with a scanner, and nothing else."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.access import stations
from biobank.bench import scanner_menus
from biobank.bench.station_test import _LAYOUTS, GS1_SENT, TEST_CODE, diagnose
from biobank.core.gs1 import SEPARATOR
from biobank.core.readings import FRENCH_TO_US, US_TO_FRENCH
from tests import people
from tests.factories import SiteFactory, act


def codes(raw, **told):
    return [finding.code for finding in diagnose(raw, **told)]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (TEST_CODE, ["scanner_right"]),
        (f"{TEST_CODE}\r\n", ["scanner_right"]),
        (GS1_SENT, ["scanner_right"]),
        (TEST_CODE.translate(US_TO_FRENCH), ["us_scanner_on_french_pc"]),
        (TEST_CODE.translate(FRENCH_TO_US), ["french_scanner_on_us_pc"]),
        (TEST_CODE.swapcase(), ["caps_lock"]),
        ("b10k°qazw,°QW0123456789", ["caps_lock", "us_scanner_on_french_pc"]),
        (f"]C0{TEST_CODE}", ["aim_on"]),
        (f"]C0{TEST_CODE}".translate(US_TO_FRENCH), ["us_scanner_on_french_pc", "aim_on"]),
        (f"-C){TEST_CODE.translate(FRENCH_TO_US)}", ["french_scanner_on_us_pc", "aim_on"]),
        (f"]d2{GS1_SENT}", ["aim_on"]),
        (GS1_SENT.replace(SEPARATOR, ""), ["separator_lost"]),
        (GS1_SENT.replace(SEPARATOR, "]"), ["separator_replaced"]),
        (f"~{TEST_CODE}", ["prefix_unknown"]),
        (f"{TEST_CODE}#", ["suffix_unknown"]),
        (f"~]C0{TEST_CODE}#", ["aim_on", "prefix_unknown", "suffix_unknown"]),
        (TEST_CODE[:12], ["test_code_incomplete"]),
        ("T00421736", ["test_code_other"]),
        ("", ["test_code_other"]),
    ],
)
def test_each_fault_is_named(raw, found):
    assert codes(raw) == found


@pytest.mark.parametrize(
    ("raw", "told", "mends"),
    [
        (TEST_CODE.translate(US_TO_FRENCH), {}, ["keyboard_fr"]),
        (TEST_CODE.translate(FRENCH_TO_US), {}, ["keyboard_us"]),
        (TEST_CODE.swapcase(), {}, ["caps_lock"]),
        ("b10k°qazw,°QW0123456789", {}, ["caps_lock", "keyboard_fr"]),
        (TEST_CODE, {"ended": "silence"}, ["suffix"]),
        (TEST_CODE, {"ended": "lf"}, ["suffix"]),
        (f"]C0{TEST_CODE}", {}, ["aim"]),
        (GS1_SENT.replace(SEPARATOR, ""), {}, ["separator"]),
        (f"~{TEST_CODE}#", {}, ["prefix", "extra"]),
        (TEST_CODE, {"affixes": ("~", "#")}, [None, None]),
        (TEST_CODE[:12], {}, [None]),
    ],
)
def test_each_fault_has_the_setting_that_mends_it(raw, told, mends):
    assert [finding.mends for finding in diagnose(raw, **told)] == mends


@pytest.mark.parametrize("raw", ["~VSUFCR.", "]C0~VSUFCR.", "~VSUFCR.".translate(US_TO_FRENCH), "91"])
def test_a_setting_bar_code_that_is_typed_was_not_taken(raw):
    assert codes(raw, settings={"~VSUFCR.", "91"}) == ["setting_not_taken"]


@pytest.mark.parametrize("raw", ["T00421791", "VSUFCR", ""])
def test_another_code_is_no_setting_bar_code(raw):
    assert codes(raw, settings={"~VSUFCR.", "91"}) == ["test_code_other"]


@pytest.mark.parametrize(
    ("ended", "found"),
    [
        ("enter", "scanner_right"),
        ("tab", "scanner_right"),
        ("silence", "no_terminator"),
        ("lf", "ends_with_lf"),
    ],
)
def test_how_a_scan_ended_is_told(ended, found):
    assert codes(TEST_CODE, ended=ended) == [found]


def test_what_the_station_expects_is_no_fault_and_what_it_misses_is():
    assert codes(f"~{TEST_CODE}#", affixes=("~", "#")) == ["scanner_right"]
    assert codes(TEST_CODE, affixes=("~", "#")) == ["prefix_missing", "suffix_missing"]


def test_no_two_faults_make_the_same_of_the_test_code():
    made = [(fault, change(TEST_CODE)) for fault, change in _LAYOUTS]

    assert [pair for pair in itertools.combinations(made, 2) if pair[0][1] == pair[1][1]] == []


@given(st.text(max_size=60))
def test_any_text_at_all_has_a_finding(raw):
    assert diagnose(raw)


def test_the_page_shows_what_to_scan_and_names_the_fault(app):
    page = people.browser(app, "technician")
    shown = page.get("/station/test").text
    assert shown.count("<svg xmlns") == 3
    assert TEST_CODE in shown

    answer = page.post("/station/test", {"raw": TEST_CODE.translate(US_TO_FRENCH), "ended": "silence"}).text

    assert "set to a US keyboard" in answer
    assert "ends a code with nothing" in answer
    assert answer.count("<summary>Honeywell</summary>") == 2
    assert "~KBDCTY.[FNC3]" in answer
    assert "~VSUFCR.[FNC3]" in answer


def test_the_page_remembers_whose_scanner_it_is(app):
    page = people.browser(app, "technician")
    fault = {"raw": TEST_CODE.translate(US_TO_FRENCH), "ended": "silence"}

    chosen = page.post("/station/test", fault | {"scanner": "datalogic"}).text
    later = page.post("/station/test", fault).text
    elsewhere = page.post("/station/test", fault | {"scanner": "nobody’s"}).text

    for shown in (chosen, later):
        assert "[FNC3]$CKBCO04[CR]" in shown
        assert "~KBDCTY." not in shown
        assert "Scan “Set Global Suffix: 0D” from the manual" in shown
    assert "~KBDCTY." in elsewhere
    assert page.get("/station/test").text.count("<svg xmlns") == 3


def test_a_banks_own_setting_bar_code_stands_in_place_of_ours(app, tmp_path, monkeypatch):
    own = tmp_path / "own.csv"
    own.write_text(
        "family,maker,fault,content,menu,source,address\n"
        "zebra,Zebra DS2208,keyboard_fr,{FNC3}OURS,French Windows,Our own sheet,\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(app, "extensions", dict(app.extensions))
    scanner_menus.keep(app.extensions, str(own))

    page = people.browser(app, "technician")
    shown = page.post("/station/test", {"raw": TEST_CODE.translate(US_TO_FRENCH), "scanner": "zebra"}).text

    assert "[FNC3]OURS" in shown
    assert "Our own sheet" in shown
    assert "USB Country Keyboard Types" not in shown


def test_the_page_knows_what_this_station_expects(app):
    with app.app_context():
        station = act(stations.make_station, site=SiteFactory(), name="Bench", prefix="~")
        code = station.code
    page = people.browser(app, "technician")
    page.post(f"/stations/{code}/here")

    assert "set right" in page.post("/station/test", {"raw": f"~{TEST_CODE}"}).text
    assert "does not send it" in page.post("/station/test", {"raw": TEST_CODE}).text
