"""What the pages of labels share: where they hang, and why a label is printed again."""

from biobank.core.i18n import N_
from biobank.web import pages

bp = pages.blueprint("printing", __name__)

#: Why a label is printed again, as people write it; offered while typing, never required.
REPRINT_REASONS = (
    N_("Label fell off"), N_("Label cannot be read"), N_("Printer jammed"), N_("Stuck on the wrong tube"),
)  # fmt: skip
