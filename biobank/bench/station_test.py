"""What is wrong with this station's scanner? Told by what came of a symbol whose content is known. Pure.

What each wrong setting makes of the test code is worked out and looked for in what was received; what stands before and
after it is then what the scanner adds.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from biobank.core.gs1 import SEPARATOR
from biobank.core.readings import (
    CAPS_LOCK,
    FRENCH_OTHER_CASE,
    FRENCH_SCANNER_ON_US_PC,
    FRENCH_TO_US,
    US_OTHER_CASE,
    US_SCANNER_ON_FRENCH_PC,
    US_TO_FRENCH,
)

#: Every digit, the letters that two keyboards swap, small ones too, and a hyphen: each fault makes it another text.
TEST_CODE = "B10K-AQWZM-az0123456789"
#: The same for GS1: a product, a lot of varying length, a serial number.
GS1_TEST = "(01)03453120000011(10)AB-9(21)XY7"
GS1_SENT = f"010345312000001110AB-9{SEPARATOR}21XY7"
#: AIM identifiers that the two test symbols are announced with.
_AIMS = ("]C0", "]C1", "]d1", "]d2")
#: What a scanner may send in place of the separator that ends a field.
_LONGEST_STAND_IN = 4
#: A sign that the test code was meant: as many characters of it in a row.
_ENOUGH = 6


@dataclass(frozen=True)
class Finding:
    """One thing about the scanner: the code of its sentence, its tone, and which setting mends it.

    mends  one of scanner_menus.FAULTS; None: nothing to set
    """

    code: str
    tone: str
    params: dict[str, Any]
    mends: str | None = None


_LAYOUTS: tuple[tuple[str | None, Callable[[str], str]], ...] = (
    (None, lambda text: text),
    (US_SCANNER_ON_FRENCH_PC, lambda text: text.translate(US_TO_FRENCH)),
    (FRENCH_SCANNER_ON_US_PC, lambda text: text.translate(FRENCH_TO_US)),
    (CAPS_LOCK, str.swapcase),
    (CAPS_LOCK, lambda text: text.translate(FRENCH_OTHER_CASE)),
    ("caps_lock_and_us_scanner", lambda text: text.translate(US_OTHER_CASE).translate(US_TO_FRENCH)),
    ("caps_lock_and_us_scanner", lambda text: text.swapcase().translate(US_TO_FRENCH)),
    ("caps_lock_and_french_scanner", lambda text: text.translate(FRENCH_TO_US).swapcase()),
)
"""What each wrong setting makes of a text, the right one first."""
#: Which keyboard the scanner is to be set to.
_KEYBOARDS = {US_SCANNER_ON_FRENCH_PC: "keyboard_fr", FRENCH_SCANNER_ON_US_PC: "keyboard_us"}


def diagnose(
    raw: str, *, ended: str = "", affixes: tuple[str, str] = ("", ""), settings: Collection[str] = ()
) -> list[Finding]:
    """Everything that is wrong; one finding that all is well when nothing is.

    raw       what came of one of the two test symbols
    ended     how it ended, as the page saw it: enter, tab, lf, silence, or empty where nobody saw
    affixes   what the station is set up to expect before and after a code
    settings  what the setting bar codes say that the page shows: a scanner that takes them types nothing
    """
    received = raw.strip(" \r\n\t")
    found = _layout(received)
    if found is None:
        return [_not_taken(received, settings) or _incomplete(received)]
    fault, change, before, after, lost = found
    findings = (
        list(_of_layout(fault)) + list(_of_separator(lost)) + list(_around(change, before, after, affixes))
    )
    findings += list(_of_end(ended))
    wrong = [finding for finding in findings if finding.tone != "yes"]
    return wrong or [Finding("scanner_right", "yes", {})]


def _layout(received: str) -> tuple[str | None, Callable[[str], str], str, str, str | None] | None:
    """The first setting that explains what came: fault, what it does, text before, text after, what became of GS."""
    for fault, change in _LAYOUTS:
        sent = change(TEST_CODE)
        if sent in received:
            before, _, after = received.partition(sent)
            return fault, change, before, after, None
        head, tail = (change(part) for part in GS1_SENT.split(SEPARATOR))
        start = received.find(head)
        end = received.find(tail, start + len(head)) if start >= 0 else -1
        if end >= 0 and end - start - len(head) <= _LONGEST_STAND_IN:
            between = received[start + len(head) : end]
            return fault, change, received[:start], received[end + len(tail) :], between
    return None


def _not_taken(received: str, settings: Collection[str]) -> Finding | None:
    """A setting bar code that was typed as any other code is, perhaps after an identifier."""
    texts = [text.strip() for text in settings]
    ways = [change(text) for text in texts for _fault, change in _LAYOUTS]
    if any(received == way or (len(way) >= _ENOUGH and received.endswith(way)) for way in ways):
        return Finding("setting_not_taken", "look", {})
    return None


def _incomplete(received: str) -> Finding:
    """Neither test code: cut short, or another one."""
    pieces = (TEST_CODE[start : start + _ENOUGH] for start in range(len(TEST_CODE) - _ENOUGH + 1))
    if any(change(piece) in received for piece in pieces for _fault, change in _LAYOUTS):
        return Finding("test_code_incomplete", "no", {"raw": received[:80]})
    return Finding("test_code_other", "look", {"raw": received[:80]})


def _of_layout(fault: str | None) -> Iterator[Finding]:
    if fault is None:
        return
    if fault == CAPS_LOCK:
        yield Finding(CAPS_LOCK, "no", {}, CAPS_LOCK)
        return
    if fault.startswith(CAPS_LOCK):
        yield Finding(CAPS_LOCK, "no", {}, CAPS_LOCK)
        fault = US_SCANNER_ON_FRENCH_PC if fault.endswith("us_scanner") else FRENCH_SCANNER_ON_US_PC
    yield Finding(fault, "no", {}, _KEYBOARDS[fault])


def _of_separator(between: str | None) -> Iterator[Finding]:
    if between == "":
        yield Finding("separator_lost", "look", {}, "separator")
    elif between is not None and between != SEPARATOR:
        yield Finding("separator_replaced", "look", {"given": between}, "separator")


def _around(
    change: Callable[[str], str], before: str, after: str, affixes: tuple[str, str]
) -> Iterator[Finding]:
    """The AIM identifier and what else the scanner adds, against what is expected here."""
    before = before.strip(SEPARATOR)
    for aim in _AIMS:
        shown = {change(aim), f"-{change(aim[1:])}", change(aim[1:])}
        sent = next((each for each in sorted(shown, key=len, reverse=True) if before.endswith(each)), None)
        if sent:
            yield Finding("aim_on", "look", {"aim": aim}, "aim")
            before = before[: -len(sent)]
            break
    for code, given, expected, mends in (
        ("prefix", before, affixes[0], "prefix"),
        ("suffix", after, affixes[1], "extra"),
    ):
        if given and given != change(expected):
            yield Finding(f"{code}_unknown", "look", {"given": given}, mends)
        elif expected and not given:
            yield Finding(f"{code}_missing", "look", {"expected": expected})


def _of_end(ended: str) -> Iterator[Finding]:
    if ended == "silence":
        yield Finding("no_terminator", "look", {}, "suffix")
    elif ended == "tab":
        yield Finding("ends_with_tab", "yes", {}, "suffix")
    elif ended == "lf":
        yield Finding("ends_with_lf", "look", {}, "suffix")
