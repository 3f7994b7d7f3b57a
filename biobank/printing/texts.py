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
    "copies_out_of_range": N_("{count} is not a number of copies from 1 to {most}."),
    "label_job_over": N_("The label of {label} waits no more: it is {label_state}."),
    "label_job_unknown": N_("There is no label job {job}."),
    "label_mismatch": N_(
        "The wrong label is on this tube: {expected} belongs on it, {read} was read. Take it off."
    ),
    "labels_not_verified": N_(
        "{count} of these tubes have labels that nobody has verified by a scan: {samples}. Nothing was handed out."
    ),
    "labels_out_of_range": N_("1 to {most} labels are printed at once; here are {count}."),
    "printer_head_open": N_("The printer is open."),
    "printer_hung_up": N_("The printer ended the connection before the label was sent."),
    "printer_not_understood": N_("What answers at this address is no ZPL printer."),
    "printer_paper_out": N_("The printer has no labels left."),
    "printer_paused": N_("The printer is paused."),
    "printer_ribbon_out": N_("The printer has no ribbon left."),
    "printer_silent": N_("The printer does not answer."),
    "printer_unclear": N_("The connection broke while the label was sent: look whether it came out."),
    "printer_unreached": N_("The printer was not reached."),
    "reprint_reason_needed": N_("Say why it is printed again."),
}

WORDS: dict[str, str] = {
    "label_state.cancelled": N_("cancelled"),
    "label_state.failed": N_("to be looked at"),
    "label_state.sending": N_("being sent"),
    "label_state.sent": N_("sent to the printer"),
    "label_state.shown": N_("given to the browser"),
    "label_state.waiting": N_("waiting"),
}
