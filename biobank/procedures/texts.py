"""What procedures and kits say when they refuse, and which limits of theirs were broken. English; all is translated."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "kit_code_taken": N_("The kit {kit} exists already; a kit that changed gets another code."),
    "kit_retired": N_("The kit {kit} is no longer used."),
    "kit_unknown": N_("There is no kit {kit}."),
    "procedure_in_force_already": N_("{procedure}, version {version}, is in force already."),
    "procedure_not_draft": N_(
        "{procedure}, version {version}, is no draft any more: it is succeeded by a new version, never edited."
    ),
    "procedure_not_in_force": N_("{procedure}, version {version}, is not in force."),
    "procedure_succeeded": N_(
        "{procedure}, version {version}, was succeeded by version {current}: scan its card ({number})."
    ),
    "procedure_older": N_(
        "{procedure}, version {version}, is older than version {current}, which was in force."
    ),
    "procedure_unknown": N_("There is no procedure {procedure}."),
    "step_delay_unknown": N_(
        "{step}: nobody can tell whether it began within {most} min of {since}: that time is not known well enough."
    ),
    "step_field_unknown": N_("A step has no {field}."),
    "step_first_has_no_previous": N_("The first step has none before it."),
    "step_force_of_spin_only": N_("Only a spin has a force."),
    "step_key_twice": N_("Two steps are called {key}."),
    "step_key_wrong": N_(
        "“{key}” cannot name a step: small letters, digits and hyphens, at most 40, such as spin-1."
    ),
    "step_kind_unknown": N_("“{given}” is no kind of step; known are {known}."),
    "step_late": N_("{step} began {minutes} min after {since}; at most {most} min are allowed."),
    "step_late_at_least": N_(
        "{step} began more than {minutes} min after {since}; at most {most} min are allowed."
    ),
    "step_limits_crossed": N_("It cannot last at least {least} min and at most {most} min."),
    "step_number_wrong": N_("“{given}” is not a whole number from {least} to {most}."),
    "step_part_wrong": N_("Say how many tubes, of how much, and of which type, such as 8 × 500 µL Plasma."),
    "step_parts_of_aliquot_only": N_("Only an aliquot step yields tubes."),
    "step_since_needs_limit": N_("Give both: within how many minutes, and since when."),
    "step_since_unknown": N_("“{given}” is not known; known are {known}."),
    "step_title_wrong": N_("1 to {most} characters, none of them a control character."),
    "step_too_long": N_("{step} took {minutes} min; at most {most} min are allowed."),
    "step_too_short": N_("{step} took {minutes} min; at least {least} min are asked."),
    "step_unknown": N_("{procedure} has no step {step}."),
    "step_warning_wrong": N_("A warning {warn} min before the end needs a longer limit."),
    "steps_out_of_range": N_("A procedure has 1 to {most} steps; here are {count}."),
    "tube_volume_wrong": N_("A volume in µL, more than nothing, with at most three decimals."),
    "tubes_out_of_range": N_("A kit has 1 to {most} tubes; here are {count}."),
}

WORDS: dict[str, str] = {
    "since.collection": N_("the draw"),
    "since.previous": N_("the end of the step before"),
    "since.reception": N_("the reception"),
    "step_kind.aliquot": N_("aliquot"),
    "step_kind.freeze": N_("freeze"),
    "step_kind.incubate": N_("incubate"),
    "step_kind.other": N_("other step"),
    "step_kind.rest": N_("rest"),
    "step_kind.spin": N_("spin"),
}
