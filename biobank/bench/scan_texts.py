"""What the scan field, the cards of scanned things and the station test say."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "aim_on": N_(
        "The scanner sends an identifier ({aim}) before each code."
        " The bank reads it and drops it; elsewhere it may be in the way."
    ),
    "clean_reading_needed": N_(
        "{raw} was understood as {read} only by undoing a wrong setting of the scanner."
        " This act takes a clean reading: set the scanner right, or use another one."
    ),
    "ends_with_lf": N_("The scanner ends a code with a line feed alone: set it to Enter."),
    "ends_with_tab": N_("The scanner ends a code with Tab."),
    "gs1_check_digit_wrong": N_("The check digit of the product number {gtin} is wrong: it was misread."),
    "no_terminator": N_("The scanner ends a code with nothing: set it to send Enter after each code."),
    "odd_scan_settled": N_("{raw} is settled already."),
    "odd_scan_unknown": N_("There is no unrecognised scan {scan}."),
    "prefix_missing": N_(
        "This station expects “{expected}” before each code, and the scanner does not send it."
    ),
    "prefix_unknown": N_(
        "The scanner sends “{given}” before each code: take it away, or tell it to this station."
    ),
    "scanner_right": N_("The scanner is set right."),
    "separator_lost": N_(
        "The scanner swallows what ends a field of a GS1 code (FNC1):"
        " lot and serial number cannot always be told apart."
    ),
    "separator_replaced": N_("The scanner sends “{given}” for what ends a field of a GS1 code (FNC1)."),
    "suffix_missing": N_(
        "This station expects “{expected}” after each code, and the scanner does not send it."
    ),
    "suffix_unknown": N_(
        "The scanner sends “{given}” after each code: take it away, or tell it to this station."
    ),
    "test_code_incomplete": N_(
        "Only a part of the test code came: {raw}. Does something take characters away?"
    ),
    "test_code_other": N_("That is neither of the two test codes: {raw}."),
}

WORDS: dict[str, str] = {
    "action.be_station": N_("This computer is this station"),
    "action.go_to_station": N_("Go to the station"),
    "action.receive_kit": N_("Receive this kit"),
    "action.start": N_("Start a step"),
    "action.switch_user": N_("Sign in as this person"),
    "action.test_station": N_("Test the scanner"),
    "command.close": N_("Divide and close the tube"),
    "command.aliquot": N_("Aliquot"),
    "command.cancel": N_("Cancel"),
    "command.confirm": N_("Confirm"),
    "command.discard": N_("Discard"),
    "command.finish": N_("Finish"),
    "command.move_rack": N_("Move the rack"),
    "command.next": N_("Next"),
    "command.non_conformity": N_("Non-conformity"),
    "command.put_back": N_("Put back"),
    "command.start": N_("Start a step"),
    "command.stop": N_("Stop"),
    "command.store": N_("Store here"),
    "command.take_out": N_("Take out"),
    "command.thaw": N_("Thaw"),
    "command.undo": N_("Undo the last"),
    "command_group.answer": N_("Answers"),
    "command_group.count": N_("How many"),
    "command_group.non_conformity": N_("Non-conformity"),
    "command_group.reason": N_("Why it is discarded"),
    "command_group.verb": N_("What to do"),
    "command_group.volume": N_("How much"),
    "discard_reason.Consent withdrawn": N_("Consent withdrawn"),
    "discard_reason.Contaminated": N_("Contaminated"),
    "discard_reason.End of the study": N_("End of the study"),
    "discard_reason.Expired": N_("Expired"),
    "discard_reason.Insufficient volume": N_("Insufficient volume"),
    "discard_reason.Leaked": N_("Leaked"),
    "discard_reason.Mislabelled": N_("Mislabelled"),
    "discard_reason.Temperature out of range": N_("Temperature out of range"),
    "discard_reason.Thawed by mistake": N_("Thawed by mistake"),
    "discard_reason.Tube broken": N_("Tube broken"),
    "odd_scan.ambiguous": N_("could mean two things"),
    "odd_scan.misread": N_("misread: the check digits are wrong"),
    "odd_scan.unknown": N_("nobody knows it"),
    "scanned.command": N_("Command"),
    "scanned.container": N_("Container"),
    "scanned.kit": N_("Kit"),
    "scanned.patient": N_("Patient"),
    "scanned.pick_list": N_("Pick list"),
    "scanned.position": N_("Place"),
    "scanned.procedure": N_("Procedure"),
    "scanned.reagent": N_("Reagent"),
    "scanned.request": N_("Request"),
    "scanned.sample": N_("Sample"),
    "scanned.station": N_("Station"),
    "scanned.user": N_("Badge"),
}
