"""Why a label was not made, in a sentence with the numbers in it; `code` and `params` let a caller translate it."""

from typing import Any

SENTENCES = {
    "label_design_unknown": "There is no label design {design!r}; there are: {known}.",
    "label_design_wrong": "The label design {design!r} cannot be used: {what}.",
    "label_resolution_unknown": "No printer of {dpi} dots per inch is known; there are: {known}.",
    "label_form_unknown": "A label cannot be made as {form!r}; it can as: {known}.",
    "label_code_empty": "A label needs a code; none was given.",
    "label_code_character": (
        "{character} in {content!r} cannot be put into a Code 128 here; plain ASCII without blanks at the ends can."
    ),
    "label_code_too_wide": (
        "{content} takes {needed_mm} mm as Code 128 at {dpi} dpi (bars of {module_mm} mm and two quiet zones), "
        "but {design} leaves {room_mm} mm. There would fit: {digits} digits, or {characters} letters; "
        "or this code on a field {needed_mm} mm wide."
    ),
    "label_text_too_long": (
        "{text!r} does not fit {room_mm} mm in the smallest type of {design}. There would fit: {fits!r}."
    ),
    "label_text_character": "{character} in {text!r} cannot be drawn on a label.",
    "label_too_many_lines": "{design} has room for {most} lines of text; {lines} were given.",
    "label_unreadable": "The finished label of {content} was read back as: {read}. It was not let out.",
}


class LabelError(Exception):
    """A label that cannot be made as asked.

    code    a key of SENTENCES; stable
    params  what fills the sentence, ready to show
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return SENTENCES[self.code].format(**self.params)
