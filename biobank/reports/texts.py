"""What the figures refuse, in words, and what their lines are called."""

from biobank.core.i18n import N_

TEXTS = {
    "dimension_unknown": N_("“{given}” is nothing to divide by; there are {known}."),
    "period_too_long": N_("A report covers {most} years at most."),
    "period_year": N_("{day} is not in the years that are reported on, {first} to {last}."),
    "too_many_groups": N_("This would be {groups} lines, and {most} are the most: divide by less."),
}

WORDS = {
    "dimension.month": N_("Month"),
    "dimension.study": N_("Study"),
    "dimension.type": N_("Sample type"),
    "dimension.site": N_("Site"),
}
