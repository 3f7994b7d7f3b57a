"""The printers of the settings: what is not right there is said when the service starts, not when a label is wanted."""

import pytest

from biobank.core import settings
from biobank.core.settings import SettingsError

RAW, CUPS = {"host": "192.0.2.10"}, {"kind": "cups", "queue": "bench"}


def load(printer, name="labeller"):
    return settings.load({}, {"printers": {name: printer}})["printers"]


@pytest.mark.parametrize(
    "printer",
    [
        RAW,
        CUPS,
        RAW | {"port": 9101, "dpi": 300, "answers": False, "seconds": 0.5},
        RAW | {"kind": "raw", "counts": True, "left_mm": -1.5, "top_mm": 2, "darkness": 0, "speed": 14},
        CUPS | {"dpi": 600, "letters": "picture", "seconds": 10},
    ],
)
def test_a_printer_of_either_kind_is_taken(printer):
    assert load(printer)["labeller"] == printer


@pytest.mark.parametrize(
    ("printer", "wrong"),
    [
        ({}, "host"),
        ("192.0.2.10", "host"),
        ({"host": "  "}, "host"),
        ({"kind": "cups"}, "queue"),
        (CUPS | {"host": "192.0.2.10"}, "host"),
        (CUPS | {"counts": True}, "counts"),
        (CUPS | {"queue": "bench; rm"}, "queue"),
        (CUPS | {"queue": "-o"}, "queue"),
        (RAW | {"kind": "usb"}, "kind"),
        (RAW | {"kind": ["raw"]}, "kind"),
        (RAW | {"queue": "bench"}, "queue"),
        (RAW | {"port": 0}, "port"),
        (RAW | {"port": True}, "port"),
        (RAW | {"port": "9100"}, "port"),
        (RAW | {"dpi": 72}, "dpi"),
        (RAW | {"answers": 1}, "answers"),
        (RAW | {"answers": False, "counts": True}, "counts"),
        (RAW | {"seconds": 0}, "seconds"),
        (RAW | {"left_mm": 50}, "left_mm"),
        (RAW | {"darkness": 31}, "darkness"),
        (RAW | {"speed": 0}, "speed"),
        (RAW | {"letters": "gothic"}, "letters"),
        (RAW | {"colour": "blue"}, "colour"),
    ],
)
def test_a_printer_that_is_not_right_stops_the_start_and_says_what(printer, wrong):
    with pytest.raises(SettingsError, match=rf"printers\.labeller: {wrong}"):
        load(printer)


def test_a_name_has_at_most_forty_letters():
    with pytest.raises(SettingsError, match="its name"):
        load(RAW, name="a" * 41)
