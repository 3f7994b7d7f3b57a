"""What did the scanner mean? Turns the keystrokes of a keyboard scanner into the codes they may stand for. Pure.

A scanner types as if it were a keyboard. When it is set to another country's keyboard than the computer, the
keys are right and the characters wrong: on a French computer `HA112` from a scanner set to US arrives as `HQ&&é`.
Here every such reading is listed, the raw one first; which of them exist is for the caller to look up, and
`choose` says what then counts. Nothing is ever simply upper-cased: with Caps Lock on, `HA112` arrives as `hq112`,
and `HQ112` is another tube.
"""

import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass

from biobank.core import gs1
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.gs1 import SEPARATOR, Gs1

LONGEST_SCAN = 256
"""Characters; the longest symbol of a tube, kit or GS1 reagent label is shorter."""

US_SCANNER_ON_FRENCH_PC = "us_scanner_on_french_pc"
FRENCH_SCANNER_ON_US_PC = "french_scanner_on_us_pc"
CAPS_LOCK = "caps_lock"

# The same keys on the two keyboards, row by row; `^` and `¨` are dead keys in French: they join the next letter.
KEYS = (
    # US            with Shift       French           with Shift
    ("`1234567890-=", "~!@#$%^&*()_+", "²&é\"'(-è_çà)=", "~1234567890°+"),
    ("qwertyuiop[]\\", "QWERTYUIOP{}|", "azertyuiop^$*", "AZERTYUIOP¨£µ"),
    ("asdfghjkl;'", 'ASDFGHJKL:"', "qsdfghjklmù", "QSDFGHJKLM%"),
    ("zxcvbnm,./", "ZXCVBNM<>?", "wxcvbn,;:!", "WXCVBN?./§"),
    (" ", " ", " ", " "),
    (SEPARATOR, SEPARATOR, SEPARATOR, SEPARATOR),  # comes as Ctrl and a key: the same on every keyboard
)
_US, _US_SHIFTED, _FRENCH, _FRENCH_SHIFTED = ("".join(column) for column in zip(*KEYS, strict=True))

US_TO_FRENCH = str.maketrans(_US + _US_SHIFTED, _FRENCH + _FRENCH_SHIFTED)
FRENCH_TO_US = str.maketrans(_FRENCH + _FRENCH_SHIFTED, _US + _US_SHIFTED)
US_OTHER_CASE = str.maketrans(_US + _US_SHIFTED, _US_SHIFTED + _US)
FRENCH_OTHER_CASE = str.maketrans(_FRENCH + _FRENCH_SHIFTED, _FRENCH_SHIFTED + _FRENCH)

# What a dead key made of the letter after it, taken apart; é, è, ç, à and ù have keys of their own.
DEAD_KEYS = str.maketrans(
    dict(zip("âêîôûÂÊÎÔÛ", ("^" + letter for letter in "aeiouAEIOU"), strict=True))
    | dict(zip("äëïöüÿÄËÏÖÜ", ("¨" + letter for letter in "aeiouyAEIOU"), strict=True))
)

# Any of these says that a layout fault is likely: digits turn into them, and no label of ours carries them.
TELLTALES = frozenset("éèçà&\"'()°§ù²$!@#%^*")

# AIM identifiers (ISO/IEC 15424) some scanners put before the code: `]`, the symbology, a variant.
_AIM = re.compile(r"\][ACEFGILQdez][0-9]")
# The bracket is the one sign of it that a French keyboard has on its third level only: on a US computer the scanner's
# key for it types a hyphen, or nothing.
_AIM_WITHOUT_BRACKET = re.compile(r"\)?(?=[ACEFGILQdez][0-9].)")
# Our own numbers as they are printed and typed, in three groups: T 004217 36.
_IN_GROUPS = re.compile(r"[A-Z] [0-9]{6,10} [0-9]{2}")


@dataclass(frozen=True)
class Candidate:
    """One code the scan may stand for.

    text           to be looked up exactly as it is
    fault          None for the raw reading, else which wrong setting would explain it
    repaired_from  what was received, when that is not `text`; worth showing and logging
    aim            the AIM identifier that stood before the code, for the log
    gs1            the fields of GS1 data, such as a reagent's lot and expiry
    """

    text: str
    fault: str | None = None
    repaired_from: str | None = None
    aim: str | None = None
    gs1: Gs1 | None = None


@dataclass(frozen=True)
class Reading:
    """A scan and everything it may mean, the raw reading first."""

    raw: str
    candidates: tuple[Candidate, ...]
    doubtful: bool
    """The raw text holds a character that a wrong keyboard setting produces."""


def readings(raw: str, affixes: tuple[str, str] = ("", "")) -> Reading:
    """Every code these keystrokes may stand for.

    raw      as received, with whatever the scanner adds before and after
    affixes  what this scanner is known to type before and after every code; it may be missing: codes are typed, too
    raises   Malformed, field `raw`: empty, too long, or with characters no scanner sends

    >>> [candidate.text for candidate in readings("HQ&&é\\r\\n").candidates[:2]]
    ['HQ&&é', 'HA112']
    """
    begins_with_separator = raw.lstrip(" \r\n\t").startswith(SEPARATOR)
    # str.strip takes CR, LF, Tab and the separators such as GS along with the blanks.
    received = raw.strip()
    _check(received)
    found = [_candidate(received, received, None, affixes, begins_with_separator)]
    composed = unicodedata.normalize("NFC", received)
    for fault, undo in FAULTS:
        text = undo(composed)
        if text is None or not _could_be_printed(text):
            continue
        candidate = _candidate(text, received, fault, affixes, begins_with_separator)
        if candidate.text and candidate.text not in [other.text for other in found]:
            found.append(candidate)
    if not found[0].text:
        raise _wrong("scan_empty")
    if SEPARATOR in received and not any(each.gs1 or each.aim in gs1.MARKS for each in found):
        raise _wrong("scan_character", character="U+001D", place=received.index(SEPARATOR) + 1)
    return Reading(received, tuple(found), doubtful=not TELLTALES.isdisjoint(found[0].text))


def choose(reading: Reading, known: Collection[str]) -> Candidate:
    """The one code that was meant: exactly one of the readings must exist.

    A raw reading that exists is not taken where another one exists too, however clean it looks: `AQUA` and `QAUQ`,
    `FX-` and `FX6` are the same keys, and nothing in the scan can tell them apart.

    known   those candidate texts that exist, as found by the caller
    raises  NotFound `unknown_code`; RuleViolation `ambiguous_scan` with every code it may be
    """
    existing = [candidate for candidate in reading.candidates if candidate.text in known]
    if not existing:
        raise NotFound("unknown_code", raw=reading.candidates[0].text)
    if len(existing) == 1:
        return existing[0]
    texts = [candidate.text for candidate in existing]
    raise RuleViolation("ambiguous_scan", raw=reading.raw, readings=", ".join(texts))


def _us_scanner_on_french_pc(received: str) -> str | None:
    return _retype(received.translate(DEAD_KEYS), FRENCH_TO_US)


def _french_scanner_on_us_pc(received: str) -> str | None:
    return _retype(received, US_TO_FRENCH)


def _french_scanner_without_bracket(received: str) -> str | None:
    """The same, where the bracket of an AIM identifier did not come through."""
    text = _french_scanner_on_us_pc(received)
    match = _AIM_WITHOUT_BRACKET.match(text) if text else None
    return f"]{text[match.end() :]}" if text and match else None


def _caps_lock_with_us_scanner(received: str) -> str | None:
    """On a French Windows computer Caps Lock shifts the digit row too, so the digits come out right."""
    keys = _us_scanner_on_french_pc(received) if _is_all_lower(received) else None
    return keys and _retype(keys, US_OTHER_CASE)


def _caps_lock_with_french_scanner(received: str) -> str | None:
    return _retype(received.translate(DEAD_KEYS), FRENCH_OTHER_CASE) if _is_all_lower(received) else None


FAULTS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    (US_SCANNER_ON_FRENCH_PC, _us_scanner_on_french_pc),
    (FRENCH_SCANNER_ON_US_PC, _french_scanner_on_us_pc),
    (FRENCH_SCANNER_ON_US_PC, _french_scanner_without_bracket),
    (CAPS_LOCK, _caps_lock_with_us_scanner),
    (CAPS_LOCK, _caps_lock_with_french_scanner),
)
"""Every fault that can be undone, the likeliest first."""


def _retype(text: str, keys: dict[int, int]) -> str | None:
    """The same keystrokes on another keyboard; None when a character is on no key of the first."""
    return text.translate(keys) if all(ord(character) in keys for character in text) else None


def _is_all_lower(received: str) -> bool:
    """Labels are printed in capitals: small letters alone are how Caps Lock shows itself."""
    letters = [character for character in received if character.isascii() and character.isalpha()]
    return bool(letters) and all(letter.islower() for letter in letters)


def _could_be_printed(text: str) -> bool:
    """Every code on a label is plain ASCII."""
    plain = text.replace(SEPARATOR, "")
    return plain.isascii() and plain.isprintable()


def _candidate(
    text: str, received: str, fault: str | None, affixes: tuple[str, str], begins_with_separator: bool
) -> Candidate:
    text = _without(text, affixes)
    aim = _AIM.match(text)
    code = (text[aim.end() :] if aim else text).strip()
    marked = begins_with_separator or (aim is not None and aim.group() in gs1.MARKS)
    return Candidate(
        text=code.replace(" ", "") if _IN_GROUPS.fullmatch(code) else code,
        fault=fault,
        repaired_from=received if fault else None,
        aim=aim.group() if aim else None,
        gs1=gs1.parse(code, marked=marked),
    )


def _without(text: str, affixes: tuple[str, str]) -> str:
    """Without what the scanner adds; a code of nothing else is left as it is."""
    before, after = affixes
    return text.removeprefix(before).removesuffix(after).strip() or text


def _check(received: str) -> None:
    if not received:
        raise _wrong("scan_empty")
    if len(received) > LONGEST_SCAN:
        raise _wrong("scan_too_long", characters=len(received), most=LONGEST_SCAN)
    for place, character in enumerate(received, start=1):
        # Control and format characters, unassigned ones and lone halves of a pair, line separators.
        if (
            unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
            and character != SEPARATOR
        ):
            raise _wrong("scan_character", character=f"U+{ord(character):04X}", place=place)


def _wrong(code: str, **params: object) -> Malformed:
    return Malformed({"raw": Reason(code, params)})
