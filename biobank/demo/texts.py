"""What the demonstration bank says when it refuses."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "bank_not_empty": N_("This bank has people of its own; the demonstration fills only an empty one."),
}
