"""Which setting bar codes of a scanner mend which fault, maker by maker. Ours, and under them a bank's own.

A scanner that reads a symbol with function character 3 in it sets itself and types nothing. What such a symbol says is
each maker's own. Where the list knows it, it is drawn; where it does not, it names the menu of the maker's manual.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import current_app

from biobank.core.settings import CONFIG, SettingsError
from biobank.printing.symbols import FNC3

OURS = CONFIG / "vocabularies" / "scanner_menus.csv"
#: What a setting bar code may mend.
FAULTS = ("keyboard_fr", "keyboard_us", "caps_lock", "suffix", "aim", "prefix", "extra", "separator")
COLUMNS = ("family", "maker", "fault", "content", "menu", "source", "address")
_NEEDED = ("maker", "menu", "source")
#: A longer symbol is wider than a screen, and a longer way is for the manual.
LONGEST_CONTENT, MOST_STEPS = 60, 6
_FAMILY = re.compile(r"[a-z0-9]{2,20}")
_NAMED = {"FNC3": FNC3, "CR": "\r", "LF": "\n", "TAB": "\t", "ESC": "\x1b"}
_TOKEN = re.compile(r"\{([^{}]*)\}")
_EXTENSION = "biobank_scanner_menus"


@dataclass(frozen=True)
class ScannerMenu:
    """How the scanners of one maker are rid of one fault.

    symbols  what the bar codes say that are scanned one after the other; none: the manual has them
    menu     the name of the setting, as the maker writes it
    source   the manual and its page
    """

    family: str
    maker: str
    fault: str
    symbols: tuple[str, ...]
    menu: str
    source: str


#: By family and fault, in the order of the lists.
Menus = Mapping[tuple[str, str], ScannerMenu]


def of_file(path: Path) -> dict[tuple[str, str], ScannerMenu]:
    """A list in the columns of ours. raises SettingsError, naming the file, the line, and what is wrong with it"""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    found: dict[tuple[str, str], ScannerMenu] = {}
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise ValueError(f"there is no column {missing[0]!r}")
        for row in reader:
            menu = _menu(row)
            if (menu.family, menu.fault) in found:
                raise ValueError(f"{menu.family} has a row for {menu.fault} already")
            found[menu.family, menu.fault] = menu
    except (ValueError, csv.Error) as error:
        raise SettingsError(f"{path}, line {reader.line_num}: {error}") from error
    return found


def load(own: str = "") -> Menus:
    """Our list, and a bank's own over it, row by row. raises SettingsError"""
    return _ours() | (of_file(Path(own)) if own else {})


@cache
def _ours() -> dict[tuple[str, str], ScannerMenu]:
    return of_file(OURS)


def in_force() -> Menus:
    """What the app at hand was started with."""
    menus: Menus = current_app.extensions[_EXTENSION]
    return menus


def keep(extensions: dict[str, object], own: str) -> None:
    """Read the lists when the app starts, so that a wrong row stops it and not a technician."""
    extensions[_EXTENSION] = load(own)


def symbols_of(content: str) -> tuple[str, ...]:
    """What the cell says, symbol by symbol. raises ValueError for what no Code 128 holds

    >>> symbols_of("{FNC3}$P{CR}{THEN}{FNC3}91")
    ('ó$P\\r', 'ó91')
    """
    if not content:
        return ()
    symbols = tuple("".join(_characters(part)) for part in content.split("{THEN}"))
    if len(symbols) > MOST_STEPS:
        raise ValueError(f"at most {MOST_STEPS} bar codes are scanned one after the other")
    for symbol in symbols:
        if not symbol.replace(FNC3, ""):
            raise ValueError("a bar code says nothing")
        if len(symbol) > LONGEST_CONTENT:
            raise ValueError(f"a bar code of more than {LONGEST_CONTENT} characters is too wide")
    return symbols


def shown(symbol: str) -> str:
    """What a symbol says, for a person to compare with the manual.

    >>> shown("\\xf3$P\\r")
    '[FNC3]$P[CR]'
    """
    names = {character: f"[{name}]" for name, character in _NAMED.items()}
    return "".join(
        names.get(each) or (each if each.isprintable() else f"[x{ord(each):02X}]") for each in symbol
    )


def _characters(part: str) -> Iterator[str]:
    """Each character of a symbol; {CR}, {FNC3} and {x1D} stand for what cannot be typed."""
    at = 0
    while at < len(part):
        token = _TOKEN.match(part, at)
        if token:
            yield _named(token[1])
            at = token.end()
            continue
        if not " " <= part[at] <= "~" or part[at] in "{}":
            raise ValueError(f"a Code 128 cannot say {part[at]!r}; {{xHH}} is a character by its number")
        yield part[at]
        at += 1


def _named(name: str) -> str:
    if name in _NAMED:
        return _NAMED[name]
    if re.fullmatch(r"x[0-7][0-9A-Fa-f]", name):
        return chr(int(name[1:], 16))
    raise ValueError(f"nobody knows {{{name}}}; there are {', '.join([*_NAMED, 'xHH', 'THEN'])}")


def _menu(row: dict[str, str | None]) -> ScannerMenu:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if None in row or not _FAMILY.fullmatch(cells["family"]):
        raise ValueError(
            "a family is 2 to 20 small letters and digits, and a row has as many cells as columns"
        )
    if cells["fault"] not in FAULTS:
        raise ValueError(f"there is no fault {cells['fault']!r}; there are {', '.join(FAULTS)}")
    if empty := next((name for name in _NEEDED if not cells[name]), None):
        raise ValueError(f"{empty} is empty")
    return ScannerMenu(
        family=cells["family"], maker=cells["maker"], fault=cells["fault"],
        symbols=symbols_of(cells["content"]), menu=cells["menu"], source=cells["source"],
    )  # fmt: skip
