"""What the scan station says."""

from biobank.bench import scan_texts, work_texts
from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "ambiguous_scan": N_("{raw} may mean {readings}. Scan again, or type the code."),
    "caps_lock": N_("Caps Lock is on at this station."),
    "french_scanner_on_us_pc": N_("The scanner is set to a French keyboard, this station to a US one."),
    "scan_character": N_("A scan cannot contain the character {character} (place {place})."),
    "scan_empty": N_("Nothing was scanned."),
    "scan_too_long": N_("A scan of {characters} characters is no code; the longest has {most}."),
    "understood_as": N_("Read “{raw}”, understood as {read}."),
    "unknown_code": N_("Unknown code: {raw}."),
    "us_scanner_on_french_pc": N_("The scanner is set to a US keyboard, this station to a French one."),
}

WORDS: dict[str, str] = {
    "action.aliquot": N_("Aliquot"),
    "action.collect": N_("Register a tube"),
    "action.consent": N_("Record a consent"),
    "action.correct": N_("Correct the record"),
    "action.derive": N_("Derive"),
    "action.discard": N_("Discard or lost"),
    "action.find": N_("Found again"),
    "action.hold": N_("Hold"),
    "action.label": N_("Label"),
    "action.open": N_("Open"),
    "action.pick": N_("Pick"),
    "action.place": N_("Place"),
    "action.put_back": N_("Put back"),
    "action.receive": N_("Receive"),
    "action.take_out": N_("Take out"),
    "action.withdraw": N_("Record a withdrawal"),
}

#: The story of a sample: one sentence for each act of the record.
STORY: dict[str, str] = {
    "story_aliquoted": N_("Divided: {drawn} into {count} tubes ({children}); {left} left."),
    "story_collected": N_("Collected from {patient}: {type}."),
    "story_corrected": N_("Corrected: {old} was wrong, it is {new}."),
    "story_created_from": N_("Made of {parents}: {type}, {quantity}."),
    "story_depleted": N_("Nothing is left in it."),
    "story_derived": N_("Used to make {children}."),
    "story_destruction_asked": N_("To be destroyed, by two people."),
    "story_destruction_cancelled": N_("Not to be destroyed after all."),
    "story_destruction_confirmed": N_("Taken in hand to be destroyed."),
    "story_destruction_witnessed": N_("Destroyed before the eyes of a witness."),
    "story_discarded": N_("Discarded."),
    "story_discrepancy": N_("Found otherwise than recorded, at {place}: {discrepancy}."),
    "story_discrepancy_settled": N_("Settled what was found otherwise: {discrepancy}."),
    "story_found": N_("Found again."),
    "story_handed_out": N_("Handed out to {to} for request {request}."),
    "story_held": N_("Put on hold: {hold}."),
    "story_imported": N_("Imported from {file}, row {row}: {type}."),
    "story_lost": N_("Looked for and not found."),
    "story_moved": N_("Moved from {from_place} to {place}."),
    "story_non_conformity": N_("Something was not right: {non_conformity}."),
    "story_non_conformity_closed": N_("Dealt with: {non_conformity}."),
    "story_picked": N_("Picked for request {request}."),
    "story_placed": N_("Placed at {place}."),
    "story_pooled": N_("Poured into {children}."),
    "story_pooled_from": N_("Pool of {parents}: {quantity}."),
    "story_put_back": N_("Put back at {place}."),
    "story_recalled": N_("{to} was asked to stop, return or destroy it (request {request})."),
    "story_received": N_("Received in the bank."),
    "story_redacted": N_("A text that named a person was overwritten."),
    "story_released": N_("Hold ended: {hold}."),
    "story_reserved": N_("Reserved for request {request}."),
    "story_returned": N_("Came back."),
    "story_review_lifted": N_("A person looked for request {request}: it may be used in spite of it."),
    "story_review_upheld": N_("A person looked for request {request}: it may not be used."),
    "story_label_reprinted": N_("Label printed again (R{reprint})."),
    "story_label_verified": N_("Label scanned on the tube: the right one."),
    "story_label_wrong": N_("Another label was read on this tube, and refused."),
    "story_step_cancelled": N_("{step} ({procedure}) never began."),
    "story_step_started": N_("{step} began ({procedure})."),
    "story_step_stopped": N_("{step} ended ({procedure})."),
    "story_taken_out": N_("Taken out of {from_place}."),
    "story_thaw_undone": N_("It was not thawed after all."),
    "story_undone": N_("Taken back: what was done last counts as not done."),
    "story_unreserved": N_("No longer reserved for request {request}."),
    "story_use_refused": N_("Refused: {act}."),
    "time_unknown": N_("time unknown"),
}
TEXTS |= STORY
TEXTS |= scan_texts.TEXTS | work_texts.TEXTS
WORDS |= scan_texts.WORDS | work_texts.WORDS
