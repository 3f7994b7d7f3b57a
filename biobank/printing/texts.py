"""What printing says when no label can be made. English; every sentence is translated."""

from biobank.core.i18n import N_
from biobank.printing import label_texts

TEXTS: dict[str, str] = {
    "gs1_prefix_missing": N_(
        "The design {design} has a GS1 symbol, and the settings name no GS1 company prefix of the bank."
    ),
    "label_design_changed": N_(
        "Somebody else wrote version {version} of the design {design} meanwhile. Look at that one first."
    ),
    "label_design_kinds": N_("These are things of several kinds: no one design is for all of them."),
    "label_design_name": N_(
        "{design} cannot be the name of a design: letters, digits, - and _ can, 64 at most."
    ),
    "label_design_no_sheet": N_("The design {design} has no sheets; its labels come one a page."),
    "label_design_nowhere": N_("There is no label design {design} here, or no such version of it."),
    "label_design_other": N_("The design {design} is not for such things."),
    "label_designs_many": N_("A site has room for {most} designs of its own, and no more."),
    "label_mark_lost": N_("The design {design} has no room for the mark {mark} on the label of {label}."),
    "label_not_made": N_("The label of {label} could not be made."),
    "label_of_unknown": N_("Nothing here has the code {label}, so there is no label of it."),
    "label_sheet_unknown": N_("There is no sheet of labels {sheet}."),
    "label_site_unknown": N_("There is no site {site}."),
    "sheet_reason_needed": N_(
        "{count} of them have a label already, such as {label}: say why it is printed again."
    ),
    "copies_out_of_range": N_("{count} is not a number of copies from 1 to {most}."),
    "label_job_over": N_("The label of {label} waits no more: it is {label_state}."),
    "label_job_unknown": N_("There is no label job {job}."),
    "label_mismatch": N_(
        "The wrong label is on this tube: {expected} belongs on it, {read} was read. Take it off."
    ),
    "label_not_out": N_(
        "The label of {sample} was asked for again ({mark}) and has not come out yet: this is the one of before."
    ),
    "label_seen_elsewhere": N_(
        "The label of {sample} was read on another tube since it was verified: print it again, and stick that one."
    ),
    "labels_not_verified": N_(
        "Tubes whose labels nobody has verified by a scan: {samples} ({count}). Nothing leaves until they are."
    ),
    "pair_label_first": N_(
        "{sample} is the label. Scan first what says which tube it is on: the maker’s code, or the old label."
    ),
    "pair_other_tube": N_("That is the tube of {tube}, not of {sample}."),
    "verify_other_patient": N_("Stop: {sample} is not a tube of {patient}."),
    "labels_out_of_range": N_("1 to {most} labels are printed at once; here are {count}."),
    "printer_busy": N_("The printer is printing something else."),
    "printer_does_not_count": N_(
        "The printer does not tell how many labels it printed: take `counts` out of its settings."
    ),
    "printer_gone": N_("The settings do not name this printer any more: move its labels to another."),
    "printer_head_open": N_("The printer is open."),
    "printer_hung_up": N_("The printer ended the connection before the label was sent."),
    "printer_label_to_take": N_("A printed label waits in the printer to be taken."),
    "printer_lost_label": N_("The printer lost the label before it was printed: it is sent again."),
    "printer_lost_often": N_(
        "The printer was sent the label {times} times, and counted it never: look how often it came out."
    ),
    "printer_not_understood": N_("What answers at this address is no ZPL printer."),
    "printer_paper_out": N_("The printer has no labels left."),
    "printer_paused": N_("The printer is paused."),
    "printer_program_missing": N_(
        "The program lp is not installed here, so nothing can be given to a queue of CUPS."
    ),
    "printer_queue_refuses": N_("The print server takes nothing for this queue just now."),
    "printer_queue_unknown": N_("The print server has no such queue, or does not run."),
    "printer_queue_unreached": N_("The print server was not reached."),
    "printer_ribbon_out": N_("The printer has no ribbon left."),
    "printer_settings_lost": N_("The printer has lost its settings."),
    "printer_silent": N_("The printer does not answer."),
    "printer_slow": N_("The printer has the label, and has not printed it yet."),
    "printer_too_cold": N_("The printer is too cold."),
    "printer_too_hot": N_("The printer is too hot."),
    "printer_unclear": N_("The connection broke while the label was sent: look whether it came out."),
    "printer_unknown": N_("The settings name no printer {printer}; there are: {known}."),
    "printer_unreached": N_("The printer was not reached."),
    "reprint_reason_needed": N_("Say why it is printed again."),
    **label_texts.LABELS,
    **label_texts.DESIGNS,
}

WORDS: dict[str, str] = {
    "label_state.cancelled": N_("cancelled"),
    "label_state.failed": N_("to be looked at"),
    "label_state.held": N_("in the printer"),
    "label_state.sending": N_("being sent"),
    "label_state.sent": N_("sent to the printer"),
    "label_state.shown": N_("given to the browser"),
    "label_state.waiting": N_("waiting"),
    **label_texts.WORDS,
}
