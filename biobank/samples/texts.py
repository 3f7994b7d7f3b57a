"""What samples say when they refuse, and their statuses and acts in words. English; every sentence is translated."""

from biobank.core import vocabularies
from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "aliquot_is_germinal": N_(
        "An aliquot of {sample} holds germinal cells ({parent_type}) as it does itself: it cannot be called {type}."
    ),
    "act_not_possible": N_("This is not possible now: {act}, for a sample that is {status}."),
    "cells_not_whole": N_("Cells are counted whole; {number} is not a whole number."),
    "child_older_than_parent": N_("Made {child}, before {sample}, which it comes from, was ({parent})."),
    "collected_in_future": N_("The collection time, {collected}, has not come yet."),
    "happened_before_collection": N_(
        "It cannot have happened {happened}: the sample was collected {collected}."
    ),
    "happened_in_future": N_("It cannot have happened {happened}: that time has not come yet."),
    "nothing_asked": N_("Nothing was asked of {sample}: give a count and an amount above zero."),
    "overdraw": N_("{left} {unit} of {sample} are free; {asked} {unit} were asked."),
    "part_is_reserved": N_("{reserved} {unit} of {sample} are reserved for a request."),
    "tube_is_reserved": N_("{sample} is reserved for a request."),
    "period_backwards": N_("The period ends ({to_on}) before it begins ({from_on})."),
    "pool_needs_two": N_("A pool is made of at least two samples; {given} was given."),
    "pool_of_unlike_units": N_("These cannot be added up into one pool: {units}."),
    "precision_unknown": N_("“{precision}” is no precision; use minute, hour, day or unknown."),
    "quantity_ambiguous_comma": N_(
        "{number} may mean one or a thousand {unit}; write it with a point, or without a comma."
    ),
    "quantity_given_twice": N_("Only one quantity can be given; here there are {fields}."),
    "quantity_negative": N_("A quantity cannot be negative: {number} {unit}."),
    "quantity_not_a_number": N_("“{number}” is not a number."),
    "quantity_too_large": N_("{number} {unit} is more than any tube holds."),
    "quantity_too_precise": N_("{number} {unit} has more than three decimals."),
    "quantity_unknown": N_(
        "Nobody knows how much {sample} holds, so nothing can be drawn from it by amount."
    ),
    "status_available": N_("It is in the biobank's hands and can be worked with."),
    "status_collected": N_("It was collected and has not reached the biobank yet; receive it first."),
    "status_depleted": N_("It is used up; only its empty tube may be left."),
    "status_destroyed": N_("It was destroyed; nothing of it is left."),
    "status_expected": N_("It is announced; nobody has collected or received it yet."),
    "status_handed_out": N_("It was handed out to somebody here; it must come back first."),
    "status_lost": N_("It was looked for and not found; it must be found first."),
    "status_shipped": N_("It was sent away; it must come back first."),
    "time_does_not_exist": N_("{text} does not exist: the clocks were put forward that night."),
    "time_given_yet_unknown": N_("The time is called unknown, yet {text} is given."),
    "time_less_precise": N_("“{text}” does not tell the time to the {precision}."),
    "time_out_of_range": N_("{text} is not a year in which samples are taken."),
    "time_unreadable": N_("“{text}” is not a time; write it like 2026-03-01 or 2026-03-01T10:15+01:00."),
    "time_without_zone": N_("{text} does not say in which time zone; write it like 2026-03-01T10:15+01:00."),
    "ambiguous_code": N_("The code {sample} belongs to more than one sample; say at which site."),
    "amount_needed": N_("Say how much."),
    "amount_of_another_unit": N_("{sample} is measured in {unit}."),
    "code_voided": N_("The code {sample} is no longer valid; it was replaced."),
    "code_replaced": N_(
        "{sample} is no longer valid: it was replaced by {new_code} on {replaced_on} ({why}). Take this label off."
    ),
    "replace_reason_needed": N_("Say why the tube gets another number."),
    "replace_not_here": N_("{sample} is {status}: no label can be stuck on it."),
    "number_on_no_tube": N_("The label {number} was printed ahead, and is on no tube yet."),
    "number_void": N_(
        "{number} was printed ahead and is void since {voided_on} ({why}). Take this label off."
    ),
    "number_used": N_("{number} is on a tube already."),
    "number_before": N_(
        "{number} was stuck on another tube before: a tube can be received with it, but no other label replaced by it."
    ),
    "number_is_out": N_("{number} is out already."),
    "number_is_back": N_("{number} came back already."),
    "number_unknown": N_("No label with the number {number} was printed ahead here."),
    "number_other_type": N_(
        "{number} was printed for a tube of {foreseen_type}, not for one of {type}. Take this label off."
    ),
    "number_other_study": N_("{number} was printed for {kit}, which is of another study than {study}."),
    "number_other_visit": N_("{number} was printed for {kit}, which is of another visit than {visit}."),
    "number_not_for_children": N_("Numbers that were printed ahead are for tubes as they are drawn."),
    "allotted_out_of_range": N_("1 to {most} labels at once; here are {count}."),
    "allotment_unknown": N_("No labels {allotment} were printed ahead here."),
    "replace_not_sure": N_("Say that you have the tube in your hand."),
    "void_reason_needed": N_("Say why these numbers are void."),
    "container_codes_differ": N_("{given} tube codes were given for {count} tubes."),
    "correct_one": N_("Give either the right type or the right patient."),
    "correct_the_first": N_(
        "{sample} was made from another sample; correct that one, and what was made of it follows."
    ),
    "count_out_of_range": N_("{count} is not a number from 1 to {most}."),
    "decision_unknown": N_("There is no decision {decision}."),
    "field_needed": N_("This is needed."),
    "held_already": N_("{sample} is held for this reason already ({hold})."),
    "hold_ended": N_("This hold of {sample} has ended already ({hold})."),
    "hold_not_open": N_("{sample} has no open hold of this kind ({hold})."),
    "hold_of_withdrawal": N_(
        "{sample} is held because its donor withdrew; such a hold is not released by hand."
    ),
    "release_needs_another": N_(
        "You recorded this correction or the withdrawal, or the only consent given since: somebody else must let go of "
        "{sample}."
    ),
    "hold_unknown": N_("{hold} is not a reason to hold a sample; known are {known}."),
    "nothing_to_correct": N_("{sample} says so already."),
    "parents_of_another_patient": N_("{parents}: the material is not this patient's."),
    "parents_of_another_study": N_("{parents}: the material was taken for another study."),
    "pool_across_studies": N_("{samples} were taken for different studies and are not poured together."),
    "pool_of_more": N_("{given} {unit} cannot be in a pool of {poured} {unit}."),
    "pool_type_needed": N_("The samples differ in type ({types}); say what the pool is."),
    "preserving_refused": N_("This is not allowed any more: {act}."),
    "review_nothing_open": N_("{sample}: the rules leave nothing of it to people."),
    "review_outcome_unknown": N_("“{given}” is no outcome of a review; it is one of {known}."),
    "review_reason_unknown": N_("{sample}: {given} is not left to people; what is: {known}."),
    "review_why_missing": N_("Say why."),
    "sample_unknown": N_("There is no sample {sample}."),
    "samples_unknown": N_("There are no samples {samples}."),
    "status_unknown": N_("{given} is not a status; known are {known}."),
    "study_of_another_site": N_("The study {study} belongs to another site."),
    "undo_too_late": N_("Something was done with {sample} since: this can no longer be taken back."),
    "batch_unknown": N_("There are no tubes in the step {batch}."),
    "step_left_out": N_("{step}: {missing} comes before it, and was not done."),
    "step_none_runs": N_("{sample} is in no step that runs."),
    "step_over": N_("{step} was ended already, by somebody who was quicker."),
    "step_running": N_("{samples}: in a step already ({step}), which must be ended first."),
    "step_tubes_out_of_range": N_("1 to {most} tubes begin a step together; here are {count}."),
    "type_unknown": N_("{type} is not a sample type we know."),
    "use_refused": N_("The consent does not allow this: {act}, for {samples}."),
    "vessel_unknown": N_("{given} is not a vessel we know; known are {known}."),
}

# One value of a list, in the words of the bench: for badges, buttons and inside sentences.
WORDS: dict[str, str] = {
    "allotted.out": N_("out"),
    "allotted.returned": N_("came back"),
    "allotted.used": N_("on a tube"),
    "allotted.voided": N_("void"),
    "act.aliquot": N_("make aliquots"),
    "act.allocate": N_("allocate"),
    "act.analyse": N_("analyse"),
    "act.collect": N_("collect"),
    "act.correct": N_("correct the record"),
    "act.deplete": N_("mark as used up"),
    "act.derive": N_("derive"),
    "act.discard": N_("discard"),
    "act.find": N_("mark as found"),
    "act.freeze": N_("freeze"),
    "act.give_data": N_("give data"),
    "act.hand_out": N_("hand out"),
    "act.lose": N_("mark as lost"),
    "act.move": N_("move"),
    "act.own_care": N_("give back for the patient's own care"),
    "act.pick": N_("pick"),
    "act.pool": N_("pool"),
    "act.pool_across_donors": N_("pool across donors"),
    "act.receive": N_("receive"),
    "act.return": N_("take back"),
    "act.ship": N_("ship"),
    "act.spin": N_("spin"),
    "act.undo": N_("undo"),
    "precision.day": N_("day"),
    "precision.hour": N_("hour"),
    "precision.minute": N_("minute"),
    "precision.unknown": N_("unknown"),
    "status.available": N_("available"),
    "status.collected": N_("collected"),
    "status.depleted": N_("used up"),
    "status.destroyed": N_("destroyed"),
    "status.expected": N_("expected"),
    "status.handed_out": N_("handed out"),
    "status.lost": N_("lost"),
    "status.shipped": N_("shipped"),
    "unit.cells": N_("cells"),
    "hold.withdrawal": N_("withdrawal"),
    "hold.non_conformity": N_("non-conformity"),
    "hold.inventory": N_("inventory"),
    "hold.quarantine": N_("quarantine"),
    "hold.other": N_("other reason"),
    "origin.collected": N_("collected"),
    "origin.aliquoted": N_("aliquoted"),
    "origin.derived": N_("derived"),
    "origin.pooled": N_("pooled"),
    "origin.imported": N_("imported"),
    "vessel.block": N_("block"),
    "vessel.cassette": N_("cassette"),
    "vessel.slide": N_("slide"),
    "vessel.straw": N_("straw"),
    "vessel.tube": N_("tube"),
}
# A sample type by its name, not its code. The names stand in config/, where the extraction finds them too.
for name in ("type", "foreseen_type"):
    WORDS |= {f"{name}.{kind.code}": kind.label for kind in vocabularies.sample_types().values()}
