"""Puts a term of a consent form into words: `DS:C50` becomes "DS: research on named diseases (C50)"."""

from flask_babel import gettext as _

from biobank.consent.rules import parse_term
from biobank.consent.texts import WORDS
from biobank.web.sentences import word


def describe_term(text: str) -> str:
    """The term, what it means in the reader's language, and its arguments."""
    term = parse_term(text)
    if f"meaning.{term.code}" not in WORDS:
        return _("%(term)s: not known to the rules, a person looks at every use", term=term.text)
    words = _("%(code)s: %(meaning)s", code=term.code, meaning=word("meaning", term.code))
    return f"{words} ({', '.join(term.args)})" if term.args else words
