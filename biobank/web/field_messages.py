"""What marshmallow says of a field that is not right, in the reader's language.

marshmallow fills its English sentences in before we see them; so each is told by its pattern, and said again.
"""

import re

from flask_babel import gettext

from biobank.core.i18n import N_

#: As marshmallow and webargs write them, for the fields and checks that our schemas use.
MESSAGES = (
    N_("Missing data for required field."),
    N_("Field may not be null."),
    N_("Invalid value."),
    N_("Unknown field."),
    N_("Invalid input type."),
    N_("Invalid type."),
    N_("Invalid JSON body."),
    N_("Not a valid string."),
    N_("Not a valid utf-8 string."),
    N_("Not a valid number."),
    N_("Number too large."),
    N_("Not a valid integer."),
    N_("Not a valid boolean."),
    N_("Not a valid list."),
    N_("Not a valid mapping type."),
    N_("Not a valid date."),
    N_("Shorter than minimum length {min}."),
    N_("Longer than maximum length {max}."),
    N_("Length must be between {min} and {max}."),
    N_("Length must be {equal}."),
    N_("Must be greater than or equal to {min}."),
    N_("Must be less than or equal to {max}."),
    N_("Must be greater than or equal to {min} and less than or equal to {max}."),
    N_("Must be one of: {choices}."),
    N_("String does not match expected pattern."),
)


def _pattern(message: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*)", re.escape(message)), re.DOTALL)


_PATTERNS = {message: _pattern(message) for message in MESSAGES if "{" in message}


def said(line: str) -> str:
    """One sentence of a field, in the reader's language. One that nobody foresaw stays as it came."""
    message, params = told_apart(line)
    return gettext(message).format(**params) if params else gettext(message)


def told_apart(line: str) -> tuple[str, dict[str, str]]:
    """The sentence without its numbers, and the numbers.

    >>> told_apart("Longer than maximum length 40.")
    ('Longer than maximum length {max}.', {'max': '40'})
    """
    for message, pattern in _PATTERNS.items():
        if match := pattern.fullmatch(line):
            return message, match.groupdict()
    return line, {}
