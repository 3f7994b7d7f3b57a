"""What studies say when they refuse."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "study_code_taken": N_("There is a study {study} already."),
    "study_day_out_of_range": N_("{day} is not a day on which a study ends."),
    "study_kept_too_short": N_(
        "The study closes on {closed_on}: its samples cannot end before, on {keep_until_on}."
    ),
    "study_terms_need_reason": N_("Say why, such as the protocol and its section."),
    "study_unknown": N_("There is no study {study}."),
}
