"""What may stand in a symbol at all, whichever kind it is."""

from collections.abc import Callable

from labels.errors import LabelError


def check(text: str, kind: str, allowed: Callable[[str], bool], *, blanks_at_ends: bool = False) -> None:
    """Refuse an empty text, a character that is not allowed, and a blank at an end.

    raises  LabelError label_code_empty, label_code_character
    """
    if not text:
        raise LabelError("label_code_empty")
    for at, character in enumerate(text):
        # A blank at either end is legal in the symbol, but every reader's trimming would lose it.
        at_an_end = at in (0, len(text) - 1) and character.isspace() and not blanks_at_ends
        if at_an_end or not allowed(character):
            raise LabelError(
                "label_code_character", character=f"U+{ord(character):04X}", content=text, kind=kind
            )
