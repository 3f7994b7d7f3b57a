"""What patients say when they refuse, and the words of their lists."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "birth_year_out_of_range": N_("{year} is not a year from {first} to {last}."),
    "patient_unknown": N_("There is no patient {patient}."),
    "sex_unknown_word": N_("“{sex}” is none of {known}."),
}

WORDS: dict[str, str] = {
    "sex.female": N_("female"),
    "sex.male": N_("male"),
    "sex.undifferentiated": N_("undifferentiated"),
    "sex.unknown": N_("unknown"),
}
