"""What the station says while somebody works: the sentence that is being built, and what came of each scan."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    # --- sessions
    "nothing_to_undo": N_("There is nothing left to take back in this session."),
    "scan_of_another": N_("Somebody else scanned this at this browser. It waits until they sign in."),
    "scan_key_wrong": N_("The scan came without the key that its page gives it."),
    "scan_out_of_turn": N_(
        "{read} fits nothing that is going on. Scan a patient, a box, a procedure or a command first."
    ),
    "command_out_of_turn": N_(
        "“{command}” fits nothing that is going on. Scan a patient, a box, a procedure or another command first."
    ),
    "sentence_dropped": N_("What was begun is dropped. Undo once more takes back the last act."),
    "dropped": N_("{code} is left out again."),
    "session_cancelled": N_("Ended. Acts that stay done: {count}. “My sessions” takes them back."),
    "finish_question": N_("The last question was not answered: nothing was done about it."),
    "finish_labels": N_("Tubes: {tubes}. Labels not verified: {count}."),
    "session_closed": N_("That session is closed. Scan again to begin another."),
    "session_finished": N_("Finished: {count} done."),
    "session_of_another": N_("This session is somebody else’s."),
    "session_unknown": N_("There is no session {session}."),
    "undo_hours_over": N_(
        "A session is taken back as a whole within {hours} hours. Put things right one by one."
    ),
    "undo_stopped": N_("{read} can no longer be taken back, so nothing of the session was."),
    "undone": N_("Taken back: {read}."),
    "undone_discard": N_("{sample} is no longer discarded."),
    "undone_nowhere": N_("{sample} has no place now."),
    "undone_stands": N_("{sample} stands at {position} in {container} again."),
    "undone_without_place": N_("{sample} is here again, but without a place. Store it anew."),
    "new_code_doubtful": N_(
        "{raw} is new, and looks like the text of a badly set scanner. Scan the test card of this station first."
    ),
    # --- filling a box
    "fill_opened": N_("{name} ({container}) is open."),
    "fill_full": N_("{container} has no free place."),
    "fill_placed": N_("{sample} stands at {position} in {container}."),
    "fill_already_here": N_("{sample} was read already: it stands at {position}."),
    "fill_stands_elsewhere": N_(
        "By the record, {sample} stands in {container} at {position}. Was a neighbour read? Scan it again to move it."
    ),
    "fill_left_there": N_("Left where it was."),
    "fill_taken_meanwhile": N_(
        "Somebody else put {occupant} at {position} in {container} meanwhile. {sample} has no place yet: scan it again."
    ),
    "fill_place_not_free": N_("{position} of {container} is taken, reserved or not to be used."),
    "fill_sentence": N_("Put the next tube at {position} of {name}"),
    "fill_sentence_anywhere": N_("Put the next tube into {name}"),
    "fill_sentence_asked": N_("Move {sample} to {name}?"),
    # --- taking out, thawing, putting back, discarding
    "verb_take_out": N_("Taking out: scan each tube."),
    "verb_thaw": N_("Thawing: scan each tube. Each counts one thaw more."),
    "verb_put_back": N_("Putting back: scan each tube."),
    "verb_discard": N_("Discarding: scan the reason, then the tube."),
    "take_out_sentence": N_("Take out the tube …"),
    "thaw_sentence": N_("Thaw the tube …"),
    "put_back_sentence": N_("Put back the tube …"),
    "discard_sentence_reason": N_("Discard, because …"),
    "discard_sentence": N_("Discard, because “{discard_reason}”, the tube …"),
    "discard_sentence_sure": N_("Discard {sample}, because “{discard_reason}”?"),
    "discard_reason": N_("Because “{discard_reason}”. Scan the tube."),
    "discard_reason_first": N_("Scan the reason first."),
    "discard_sure": N_("Discard {sample}? Scan it once more, or confirm."),
    "discard_not_done": N_("Nothing was discarded."),
    "done_take_out": N_("{sample} is out of {container}, {position}."),
    "thaw_out_already": N_(
        "{sample} is out already: no thaw is counted. Scan “put back” and the tube, then “thaw” and the tube."
    ),
    "done_thaw": N_("{sample} is out of {container}, {position}, to thaw."),
    "done_put_back": N_("{sample} is back at {position} in {container}."),
    "done_discard": N_("{sample} is discarded: {discard_reason}."),
    # --- what is wrong with a tube
    "fault_which": N_("Something is wrong: scan the tube."),
    "fault_tube": N_("What is wrong with {sample}? Scan the reason, or press its key."),
    "fault_reason": N_("“{non_conformity}”: scan the tube."),
    "fault_nothing": N_("Nothing was recorded."),
    "fault_sentence": N_("Something is wrong with the tube …"),
    "fault_sentence_what": N_("What is wrong with {sample}: …"),
    "fault_sentence_reason": N_("“{non_conformity}” is wrong with the tube …"),
    # --- carrying
    "carry_store": N_("Storing: scan the tube, then its place or its box."),
    "carry_move_rack": N_("Moving: scan the box or the rack, then where it goes."),
    "carry_what": N_("{code} in hand. Scan where it goes."),
    "carry_what_first": N_("Scan first what is carried."),
    "carry_done": N_("{code} stands in {container}, at {position}."),
    "carry_sentence_store": N_("Store the tube …"),
    "carry_sentence_move_rack": N_("Move the rack …"),
    "carry_sentence_where": N_("Put {code} at …"),
    # --- dividing
    "divide_which": N_("Scan the tube that is divided."),
    "divide_planned": N_("{sample} into {count} × {volume} µL. Confirm, or scan other figures."),
    "divide_child": N_("Tube {number} of {count}: {code}."),
    "divide_child_twice": N_("{code} was scanned already."),
    "divide_not_empty": N_("{sample} is in use already: it is no empty tube."),
    "divide_too_many": N_("{count} tubes are more than are made at once ({most})."),
    "divide_children_missing": N_(
        "{number} of {count} tubes were scanned. Scan the others, or change the figure."
    ),
    "divide_unmeasured": N_("Nobody measured a volume of {sample}: divide it on its own page."),
    "divide_parent_first": N_("Scan “aliquot” and the tube that is divided first."),
    "divide_rack_already": N_("The new tubes were read with their rack: none can be scanned beside them."),
    "divide_rack_beside_tubes": N_(
        "Tubes were scanned one by one already. Finish them, or cancel, and read the rack."
    ),
    "divide_rack_box_first": N_("Scan the box on the reader first: nobody has said where the tubes stand."),
    "divide_rack_read": N_(
        "{count} new tubes in {name} ({container}). Confirm, and each stands in its well."
    ),
    "divide_rack_unknown": N_("Nobody knows the rack {rack}. Scan the box that carries that code."),
    "divide_rack_unnamed": N_("The file names no rack. Scan the box that was on the reader."),
    "divide_done": N_("{sample} is divided into {count} × {volume} µL: {first} to {last}."),
    "divide_sentence_which": N_("Aliquot the tube …"),
    "divide_sentence": N_("Aliquot {sample} into {count} × {volume} µL"),
    "divide_sentence_rack": N_("Aliquot {sample} into {count} × {volume} µL in the box …"),
    "divide_sentence_codes": N_("Aliquot {sample} into {count} × {volume} µL. Tubes scanned: {number}"),
    # --- steps of a procedure
    "step_start_which": N_("Scan the card of the procedure."),
    "step_stop_which": N_("Scan one of the tubes that have come out."),
    "step_chosen": N_("{procedure}, version {version}: {step_title}. Scan the tubes."),
    "step_tube": N_("{sample} goes in: {count}."),
    "step_tube_again": N_("{sample} is among them already."),
    "step_started": N_("{step_title} has begun with {count} tubes."),
    "step_started_one": N_("{step_title} has begun with one tube."),
    "step_stopped": N_("Stopped, within the limits: {tubes}."),
    "step_stopped_outside": N_("Stopped, outside the limits: {tubes}. It is recorded."),
    "step_not_running": N_("{sample} is in no step that runs."),
    "step_procedure_first": N_("Scan the card of the procedure first."),
    "step_sentence_procedure": N_("Start the step of …"),
    "step_sentence_tubes": N_("Start {step_title} with …"),
    "step_sentence": N_("Start {step_title} with {count} tubes"),
    "step_sentence_one": N_("Start {step_title} with one tube"),
    "step_sentence_stop": N_("Stop the step of the tube …"),
    "procedure_step_unknown": N_("There is no step {number}: the procedure has {count}."),
    "procedure_untimed": N_("{procedure} has no step that is timed."),
    # --- receiving
    "receive_patient": N_("Patient {patient}: {count} tubes expected."),
    "receive_patient_one": N_("Patient {patient}: one tube expected."),
    "receive_kit_before": N_("A kit of this patient was received at {time}."),
    "receive_no_kit": N_("No kit is made up for the studies of {patient}. Scan the card of a kit."),
    "receive_which_kit": N_("{patient} may have {count} kits. Scan the card of the one that came."),
    "receive_kit": N_("{kit}. Tubes: {count}."),
    "receive_kit_first": N_("Scan the card of the kit first."),
    "receive_kit_full": N_("{kit} is complete: {code} is one tube more than it has."),
    "receive_not_announced": N_(
        "{code} was not announced for {patient}. Finish these tubes first, or look whose it is."
    ),
    "receive_patient_first": N_("Scan the patient first."),
    "receive_tube_first": N_("Scan the tube first."),
    "receive_other_patient": N_("Stop: {sample} is not a tube of {patient}."),
    "receive_time": N_("Drawn at {time}."),
    "receive_time_wrong": N_("{read} is no time of the draw. Four digits, before the first tube: 0930."),
    "receive_tube": N_("Tube {number} of {count} is {sample}: {type}. Stick its label and scan it."),
    "receive_tube_labelled": N_("Tube {number} of {count} is {sample}: {type}. Its label is on it."),
    "receive_complete_labelled": N_(
        "Tube {number} of {count} is {sample}: {type}. Complete, every label checked."
    ),
    "receive_label_other_kit": N_(
        "Stop: the label {number} was printed for {kit}, and this is {here}. Is it this person’s tube?"
    ),
    "receive_place_taken": N_(
        "Stop: this kit has its tube “{place}” already, and {number} was printed for that one."
    ),
    "receive_kits_mixed": N_(
        "{number} and {others} were printed for different kits. Make sure that all are this person’s."
    ),
    "receive_in_hand": N_("In the hand: {tube}. Now scan the label {sample} on it."),
    "receive_label_right": N_("{sample}: the right label is on the tube."),
    "receive_label_again": N_("{sample} was read already."),
    "receive_complete": N_("Complete, every label checked. Tubes received: {count}."),
    "receive_wrong": N_("{sample}: {non_conformity}, recorded."),
    "receive_sentence_patient": N_("Receive {kit}: scan the patient"),
    "receive_sentence_kit": N_("Receive from {patient}: scan the kit"),
    "receive_sentence_expected": N_("Receive from {patient}. Tubes to come: {count}"),
    "receive_sentence_tube": N_("Receive from {patient}: scan the tube, {type}"),
    "receive_sentence_label": N_("Stick and scan the label {sample}"),
    "receive_sentence_done": N_("Received from {patient}. Tubes: {count}"),
}

WORDS: dict[str, str] = {
    "task.receive": N_("Receiving"),
    "task.fill": N_("Filling a box"),
    "task.carry": N_("Storing and moving"),
    "task.divide": N_("Dividing"),
    "task.handle": N_("Taking out and putting back"),
    "task.time": N_("Steps of a procedure"),
    "task.wrong": N_("What is wrong with a tube"),
}
