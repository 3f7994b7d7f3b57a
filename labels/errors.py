"""Why a label was not made, in a sentence with the numbers in it; `code` and `params` let a caller translate it."""

from typing import Any

SENTENCES = {
    "label_design_unknown": "There is no label design {design!r}; there are: {known}.",
    "label_design_wrong": "The label design {design!r} cannot be used: {what}.",
    "label_resolution_unknown": "No printer of {dpi} dots per inch is known; there are: {known}.",
    "label_form_unknown": "A label cannot be made as {form!r}; it can as: {known}.",
    "label_code_empty": "A label needs a code; none was given.",
    "label_code_character": (
        "{character} in {content!r} cannot be put into a {kind} here; printable characters that it knows can, "
        "without blanks at the ends."
    ),
    "label_code_too_wide": (
        "{content} takes {needed_mm} mm as {kind} at {dpi} dpi (modules of {module_mm} mm, quiet zones included), "
        "but {design} leaves {room_mm} mm. There would fit: {digits} digits, or {characters} letters; "
        "or this code on a field of {needed_mm} mm."
    ),
    "label_text_too_long": (
        "{text!r} does not fit {room_mm} mm in the smallest type of {design}. There would fit: {fits!r}."
    ),
    "label_text_character": "{character} in {text!r} cannot be drawn on a label.",
    "label_font_unknown": "There is no font {font!r}; there are: {known}.",
    "label_word_unknown": "No label has a word {word!r}; there are: {known}.",
    "label_unreadable": "The finished label of {content} was read back as: {read}. It was not let out.",
    "label_quiet_zone": "Something lies in the empty margin that {content} needs. The label was not let out.",
    "label_symbol_covered": "Something lies over the symbol of {content}. The label was not let out.",
    "label_picture_wrong": "The picture cannot be opened: {problem}.",
    "label_symbol_unknown": "There is no symbol {kind!r}; there are: {known}.",
    "label_shape_unknown": "A Data Matrix cannot be {shape!r}; it can be: {known}.",
    "label_code_too_long": (
        "{content} does not go into one {kind}. There go: {digits} digits, or {characters} capitals and digits."
    ),
    "label_gs1_wrong": "{content!r} is no GS1 element string: {what}.",
    # What is wrong in a design; said after the place where it stands.
    "design_toml": "this is not TOML: {problem}",
    "design_key_missing": "{key} is missing",
    "design_key_unknown": "{key} means nothing here",
    "design_not_table": "{key} has to be a table",
    "design_not_tables": "{key} has to be a list of tables, {most} at most",
    "design_not_length": "{key} is not a length: {given}",
    "design_too_long": "{key} is {given} mm; {most} mm is the longest",
    "design_zero": "{key} is zero",
    "design_not_whole": "{key} is not a whole number from {least} to {most}: {given}",
    "design_not_text": "{key} is not a text of at most {most} characters: {given}",
    "design_not_yes_or_no": "{key} is neither true nor false: {given}",
    "design_unknown": "{key} is {given}; there are: {known}",
    "design_temperatures": "the lowest temperature, {lowest} °C, is over the highest, {highest} °C",
    "design_module_fine": "modules of {module_mm} mm do not print; {least_mm} mm is the finest",
    "design_no_code": "a label needs a symbol with its code",
    "design_no_number": "a label needs its number in plain letters: a field of the kind number",
    "design_part_off_label": "it ends at {right_mm} × {bottom_mm} mm, and the label at {width_mm} × {height_mm} mm",
    "design_parts_overlap": "it lies on part {other}",
    "design_page_wide": "{count} labels side by side end at {end_mm} mm, and the page is {page_mm} mm wide",
    "design_page_high": "{count} labels below each other end at {end_mm} mm, and the page is {page_mm} mm high",
    "design_pitch": "the next label begins after {pitch_mm} mm, but a label takes {label_mm} mm",
    "design_off_label": "it ends at {right_mm} × {bottom_mm} mm, and the label at {width_mm} × {height_mm} mm",
    "design_off_part": "it does not lie within one part of the label",
    "design_off_round": "its corners do not lie within the round part",
    "design_overlap": "it lies on field {other}, {other_kind}",
    "design_bars_low": "no hand will hit {height_mm} mm of bars; {least_mm} mm is the lowest",
    "design_text_small": "letters of {size_mm} mm are under 4 points; {least_mm} mm is the least",
    "design_template": "{value} cannot be filled: {problem}",
    "design_word_unknown": "no label of a {of} has a word {word}; there are: {known}",
    "design_symbol_without_code": "a symbol whose value lacks {{code}} says of nothing what it is",
    "design_text_empty": "a text needs a value",
    "design_quiet_zone": "the symbol itself would fit, but not the quiet zones that scanners need round it",
    "label_printer_setting": "A printer's {name} is a whole number from {least} to {most}, not {value!r}.",
    "label_printer_letters": "A printer's letters are not {value!r}; they are: {known}.",
    "label_printer_resolution": "The label is laid out for {dpi} dpi; the printer has {printer}.",
    "label_printer_offset": "The printer's offset pushes {content} over the edge of its label.",
    "label_stocks_mixed": "{one} and another label were to stand side by side; they are on different stock.",
    "label_copies": "From 1 to 9999 copies of a label can be had, not {copies!r}.",
    "label_sheet_start": "{design} has {cells} labels on a sheet; none of them is number {start!r}.",
    "label_none": "There is no label to write.",
    "label_command_wrong": "It cannot be done so: {what}.",
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
