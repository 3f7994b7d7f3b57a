"""Our own numbers, such as T00421736: one letter, a serial, two check digits. Pure.

`T 004217 36` is namespace T, serial 4217, check digits 36. The number means nothing else: no year, no type,
no patient. Check digits are ISO 7064 mod 97-10: because serials are dense, an error that slipped through would
land on somebody else's tube; these two digits catch every single wrong character, every swap of neighbours,
every swap across one character and every wrong pair of equal digits.
"""

import re

from biobank.core.errors import Malformed, Reason, RuleViolation

LETTERS = "CDFHJKNPRTXY"
"""Issuing namespaces. Left out: A Q Z W M, which keyboards of two countries swap; I L O U B S G V E, which
look like digits or other letters, or turn a number into an exponent in a spreadsheet."""

FEWEST_DIGITS, MOST_DIGITS = 6, 10
"""How wide a serial may be; a site fixes one width and numbers a million samples per letter with six."""

CHECK_DIGITS = 2


def format_number(letter: str, serial: int, digits: int = FEWEST_DIGITS) -> str:
    """The full number of one serial.

    digits  width of the serial, 6 to 10
    raises  RuleViolation `letter_not_allowed`, or `serials_used_up` when the serial needs more digits

    >>> format_number("T", 4217)
    'T00421736'
    """
    if not FEWEST_DIGITS <= digits <= MOST_DIGITS:
        raise ValueError(f"a serial has {FEWEST_DIGITS} to {MOST_DIGITS} digits, not {digits}")
    if not _is_allowed(letter):
        raise RuleViolation("letter_not_allowed", letter=letter, allowed=LETTERS)
    if not 0 <= serial < 10**digits:
        raise RuleViolation("serials_used_up", letter=letter, serial=serial, most=10**digits - 1)
    padded = f"{serial:0{digits}d}"
    return f"{letter}{padded}{check_digits(letter, padded)}"


def parse_number(text: str, digits: int | None = None) -> tuple[str, int]:
    """Letter and serial of a number as scanned, or as printed with its two blanks.

    Nothing is corrected: a lower-case letter or a wrong check digit is refused.

    digits  the width of a serial here; by default any allowed width
    raises  Malformed, field `code`, saying which part is wrong and for check digits what was expected

    >>> parse_number("T00421736"), parse_number("T 004217 36")
    (('T', 4217), ('T', 4217))
    """
    joined = text.replace(" ", "")
    if text not in (joined, spaced(joined)):
        raise _wrong("number_character", character="U+0020", place=text.index(" ") + 1)
    letter, serial, check = joined[:1], joined[1:-CHECK_DIGITS], joined[-CHECK_DIGITS:]
    _check_shape(joined, digits)
    expected = check_digits(letter, serial)
    if check != expected:
        raise _wrong("check_digits_wrong", number=joined, expected=expected, got=check)
    return letter, int(serial)


def check_digits(letter: str, serial: str) -> str:
    """The two digits that make letter and serial, read as one number with A = 10 … Z = 35, come to 1 modulo 97.

    serial  with its leading zeros

    >>> check_digits("C", "123456"), check_digits("K", "999999")
    ('74', '49')
    """
    number = int(f"{ord(letter) - ord('A') + 10}{serial}")
    return f"{98 - number * 100 % 97:02d}"


def spaced(code: str) -> str:
    """A number in the three groups that people read and print; any other code unchanged.

    >>> spaced("T00421736")
    'T 004217 36'
    """
    if not re.fullmatch(rf"[A-Z][0-9]{{{FEWEST_DIGITS},{MOST_DIGITS}}}[0-9]{{{CHECK_DIGITS}}}", code):
        return code
    return f"{code[0]} {code[1:-CHECK_DIGITS]} {code[-CHECK_DIGITS:]}"


def _check_shape(text: str, digits: int | None) -> None:
    """Refuse what is not a letter of ours and as many digits as a serial and its check have."""
    fewest, most = (digits, digits) if digits else (FEWEST_DIGITS, MOST_DIGITS)
    around = 1 + CHECK_DIGITS
    if len(text) < fewest + around:
        raise _wrong("number_too_short", characters=len(text), least=fewest + around)
    if len(text) > most + around:
        raise _wrong("number_too_long", characters=len(text), most=most + around)
    if not _is_allowed(text[0]):
        raise _wrong("letter_not_allowed", letter=_shown(text[0]), allowed=LETTERS)
    for place, character in enumerate(text[1:], start=2):
        # Not str.isdigit: it also takes ² and the digits of other scripts.
        if character not in "0123456789":
            raise _wrong("number_character", character=_shown(character), place=place)


def _is_allowed(letter: str) -> bool:
    return len(letter) == 1 and letter in LETTERS


def _shown(character: str) -> str:
    """A character fit for a sentence: control characters and lone surrogates by their number."""
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"


def _wrong(code: str, **params: object) -> Malformed:
    return Malformed({"code": Reason(code, params)})
