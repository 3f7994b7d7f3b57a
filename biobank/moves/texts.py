"""What plans of moves say, and what they say when they refuse. English; every sentence is translated."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "container_has_no_such_place": N_("{container} has no place number {position}."),
    "move_plan_closed": N_("Plan {plan} is closed."),
    "move_plan_open": N_("Plan {plan} still moves some of it. Finish that plan or give it up first."),
    "move_plan_unknown": N_("There is no plan {plan}."),
    "move_step_unknown": N_("Plan {plan} has no step {step}."),
    "not_carried_whole": N_("{code} is not carried as a whole. Scan a box, a rack or a drawer."),
    "not_in_plan": N_("{code} is not part of plan {plan}. Leave it where it is."),
    "nothing_to_bring_back": N_("Nothing that plan {plan} moved stands where it was moved to."),
    "nothing_to_extend": N_("Plan {plan} empties no freezer: there is nothing to look for places for."),
    "nothing_to_move": N_("Nothing stands in {container}."),
    "nothing_to_tidy": N_("No box in {container} can be emptied into others."),
    "reversed_already": N_("Plan {other} brings back already what plan {plan} moved."),
    "share_out_of_range": N_("Say how full a box may be that is emptied: more than 0 %, at most 100 %."),
    "step_done": N_("{code} stands there already: {who} confirmed it, {when}."),
    "step_given_up": N_("{code} is not to be moved any more, or goes somewhere else now. Scan it again."),
    "target_needed": N_("Scan where it stands now."),
    "wrong_target": N_("That is {scanned}. It goes to {position} in {name} ({container})."),
    "wrong_thing": N_("That is {scanned}; {expected} was expected."),
}

WORDS: dict[str, str] = {
    "move_plan.defragment": N_("Tidying up"),
    "move_plan.evacuate": N_("Evacuation"),
    "move_plan.return": N_("The way back"),
    "why_skipped.place_taken": N_("its place was taken"),
    "why_skipped.put_elsewhere": N_("it was put elsewhere"),
}
