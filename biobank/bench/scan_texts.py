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
    "setting_not_taken": N_(
        "The scanner typed a setting bar code instead of setting itself: it is another maker’s,"
        " or this scanner takes none until its manual has let it."
    ),
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
    "action.open_allotment": N_("Labels printed ahead"),
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
    "scanned.allotted": N_("Label printed ahead"),
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
    "scanner_help.caps_lock": N_(
        "Press the Caps Lock key of this computer, so that its light goes out."
        " If it was out already, the scanner itself turns the letters round."
    ),
    "scanner_help.keyboard_fr": N_(
        "The bank undoes the wrong keyboard by itself and says so: go on working."
        " But to destroy, to ship and to withdraw takes a clean reading, so mend the scanner."
    ),
    "scanner_help.keyboard_us": N_(
        "The bank undoes the wrong keyboard by itself and says so: go on working."
        " But to destroy, to ship and to withdraw takes a clean reading, so mend the scanner."
    ),
    "scanner_help.separator": N_(
        "Until it is mended, compare lot and serial number on the screen with the label."
    ),
    "scanner_help.suffix": N_("The bank notices by itself that a code is over, but only a moment later."),
    "scanner_manual.aim": N_("the identifier before a code (AIM ID, Code ID), and set it to none"),
    "scanner_manual.caps_lock": N_("Caps Lock, and set it to off"),
    "scanner_manual.extra": N_("the suffix, and set it to Enter (CR) alone"),
    "scanner_manual.keyboard_fr": N_("the keyboard’s country or language, and set it to French (France)"),
    "scanner_manual.keyboard_us": N_("the keyboard’s country or language, and set it to English (US)"),
    "scanner_manual.prefix": N_("the prefix, and clear it"),
    "scanner_manual.separator": N_("control characters or FNC1, and have them sent as Ctrl and a key"),
    "scanner_manual.suffix": N_("the suffix or terminator, and set it to Enter (CR)"),
    "scanner_setting.aim": N_("Makes the scanner send no identifier before a code."),
    "scanner_setting.caps_lock": N_("Makes the scanner leave capitals as they are."),
    "scanner_setting.extra": N_("Makes the scanner send nothing but Enter after a code."),
    "scanner_setting.keyboard_fr": N_("Sets the scanner to a French keyboard (France)."),
    "scanner_setting.keyboard_us": N_("Sets the scanner to a US keyboard."),
    "scanner_setting.prefix": N_("Makes the scanner send nothing before a code."),
    "scanner_setting.separator": N_("Makes the scanner send what ends a field (FNC1) as Ctrl and a key."),
    "scanner_setting.suffix": N_("Makes the scanner send Enter after each code."),
}
