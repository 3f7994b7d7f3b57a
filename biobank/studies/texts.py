"""What studies say when they refuse."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "study_code_taken": N_("There is a study {study} already."),
    "study_unknown": N_("There is no study {study}."),
}
