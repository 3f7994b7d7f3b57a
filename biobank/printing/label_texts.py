"""What is said of labels and designs that cannot be: every code of labels.errors, in the words of the pages."""

from biobank.core.i18n import N_

LABELS: dict[str, str] = {
    "label_code_character": N_(
        "{character} in {content} cannot be put into a symbol of the kind {kind}; printable characters that it knows"
        " can, without blanks at the ends."
    ),
    "label_code_empty": N_("A label needs a code; none was given."),
    "label_code_too_long": N_(
        "{content} does not go into one {kind}. There go: {digits} digits, or {characters} capitals and digits."
    ),
    "label_code_too_wide": N_(
        "{content} takes {needed_mm} mm as {kind} at {dpi} dpi (modules of {module_mm} mm, quiet zones included), but"
        " {design} leaves {room_mm} mm. There would fit: {digits} digits, or {characters} letters."
    ),
    "label_command_wrong": N_("It cannot be done so: {what}."),
    "label_copies": N_("From 1 to 9999 copies of a label can be had, not {copies}."),
    "label_design_unknown": N_("There is no label design {design}; there are: {known}."),
    "label_design_wrong": N_("The label design {design} cannot be used: {what}."),
    "label_font_unknown": N_("There is no font {font}; there are: {known}."),
    "label_form_unknown": N_("A label cannot be had as {form}; it can as: {known}."),
    "label_gs1_wrong": N_("{content} is no GS1 element string: {what}."),
    "label_none": N_("There is no label to write."),
    "label_picture_wrong": N_("The picture cannot be opened: {problem}."),
    "label_printer_letters": N_("A printer’s letters are not {value}; they are: {known}."),
    "label_printer_offset": N_("The printer’s offset pushes {content} over the edge of its label."),
    "label_printer_resolution": N_("The label is laid out for {dpi} dpi; the printer has {printer}."),
    "label_printer_setting": N_("A printer’s {name} is a whole number from {least} to {most}, not {value}."),
    "label_quiet_zone": N_(
        "Something lies in the empty margin that {content} needs. The label was not let out."
    ),
    "label_resolution_unknown": N_("No printer of {dpi} dots per inch is known; there are: {known}."),
    "label_shape_unknown": N_("A Data Matrix cannot be {shape}; it can be: {known}."),
    "label_sheet_start": N_("{design} has {cells} labels on a sheet; none of them is number {start}."),
    "label_stocks_mixed": N_(
        "{one} and another label were to stand side by side; they are on different stock."
    ),
    "label_symbol_covered": N_("Something lies over the symbol of {content}. The label was not let out."),
    "label_symbol_unknown": N_("There is no symbol {kind}; there are: {known}."),
    "label_text_character": N_("{character} in “{text}” cannot be drawn on a label."),
    "label_text_too_long": N_(
        "“{text}” does not fit {room_mm} mm on the design {design}. There would fit: “{fits}”."
    ),
    "label_unreadable": N_("The finished label of {content} was read back as: {read}. It was not let out."),
    "label_word_unknown": N_("No label has a word {word}; there are: {known}."),
}

DESIGNS: dict[str, str] = {
    "design_bars_low": N_("No hand will hit {height_mm} mm of bars; {least_mm} mm is the lowest."),
    "design_key_missing": N_("{key} is missing."),
    "design_key_unknown": N_("{key} means nothing here."),
    "design_module_fine": N_("Modules of {module_mm} mm do not print; {least_mm} mm is the finest."),
    "design_no_code": N_("A label needs a symbol with its code."),
    "design_no_number": N_("A label needs its number in plain letters: a field of the kind number."),
    "design_not_length": N_("{key} is not a length: {given}."),
    "design_not_table": N_("{key} has to be a table."),
    "design_not_tables": N_("{key} has to be a list of tables, {most} at most."),
    "design_not_text": N_("{key} is not a text of at most {most} characters: {given}."),
    "design_not_whole": N_("{key} is not a whole number from {least} to {most}: {given}."),
    "design_not_yes_or_no": N_("{key} is neither true nor false: {given}."),
    "design_off_label": N_(
        "It ends at {right_mm} × {bottom_mm} mm, and the label at {width_mm} × {height_mm} mm."
    ),
    "design_off_part": N_("It does not lie within one part of the label."),
    "design_off_round": N_("Its corners do not lie within the round part."),
    "design_overlap": N_("It lies on field {other}, {other_kind}."),
    "design_page_high": N_(
        "{count} labels below each other end at {end_mm} mm, and the page is {page_mm} mm high."
    ),
    "design_page_wide": N_(
        "{count} labels side by side end at {end_mm} mm, and the page is {page_mm} mm wide."
    ),
    "design_part_off_label": N_(
        "The part ends at {right_mm} × {bottom_mm} mm, and the label at {width_mm} × {height_mm} mm."
    ),
    "design_parts_overlap": N_("It lies on part {other}."),
    "design_pitch": N_("The next label begins after {pitch_mm} mm, but a label takes {label_mm} mm."),
    "design_quiet_zone": N_(
        "The symbol itself would fit, but not the quiet zones that scanners need round it."
    ),
    "design_symbol_without_code": N_("A symbol whose value lacks {{code}} says of nothing what it is."),
    "design_temperatures": N_("The lowest temperature, {lowest} °C, is over the highest, {highest} °C."),
    "design_template": N_("{value} cannot be filled: {problem}."),
    "design_text_empty": N_("A text needs a value."),
    "design_text_small": N_("Letters of {size_mm} mm are under 4 points; {least_mm} mm is the least."),
    "design_too_long": N_("{key} is {given} mm; {most} mm is the longest."),
    "design_toml": N_("This is not TOML: {problem}"),
    "design_unknown": N_("{key} is {given}; there are: {known}."),
    "design_word_unknown": N_("No label of such a kind ({of}) has a word {word}; there are: {known}."),
    "design_zero": N_("{key} is zero."),
}

WORDS: dict[str, str] = {
    "kind.Collection kit": N_("Collection kit"),
    "kind.Procedure": N_("Procedure"),
    "label_use.block": N_("blocks"),
    "label_use.box": N_("boxes of tubes"),
    "label_use.card": N_("cards"),
    "label_use.cassette": N_("cassettes"),
    "label_use.container": N_("other containers"),
    "label_use.kit_tube": N_("labels printed ahead"),
    "label_use.patient": N_("patients’ files"),
    "label_use.sample": N_("samples"),
    "label_use.slide": N_("slides"),
    "label_use.straw": N_("straws"),
    "label_use.tube": N_("tubes"),
    "of.card": N_("card"),
    "of.container": N_("container"),
    "of.patient": N_("patient"),
    "of.sample": N_("sample"),
}
