"""What printing says when no label can be made. English; every sentence is translated."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "label_code_character": N_("{character} in {content} cannot be put into bars."),
    "label_code_empty": N_("A label needs a code; none was given."),
    "label_code_too_wide": N_(
        "{content} takes {needed_mm} mm as bars at {dpi} dpi, but the design {design} leaves {room_mm} mm."
    ),
    "label_design_unknown": N_("There is no label design {design}; there are: {known}."),
    "label_design_wrong": N_("The label design {design} cannot be used: {what}."),
    "label_form_unknown": N_("A label cannot be had as {form}; it can as: {known}."),
    "label_not_made": N_("The label of {label} could not be made."),
    "label_of_unknown": N_("Nothing here has the code {label}, so there is no label of it."),
    "label_resolution_unknown": N_("No printer of {dpi} dots per inch is known; there are: {known}."),
    "label_text_character": N_("{character} in “{text}” cannot be drawn on a label."),
    "label_text_too_long": N_("“{text}” does not fit {room_mm} mm on the design {design}."),
    "label_too_many_lines": N_("The design {design} has room for {most} lines of text; {lines} were given."),
    "label_unreadable": N_("The finished label of {content} was read back as: {read}. It was not let out."),
}
