"""What the pages of labels share: where they hang, why a label is printed again, and how one's own printer is."""

from biobank.core.actor import Actor
from biobank.core.i18n import N_
from biobank.printing.printers import PrinterState, printer_of, printers_state
from biobank.web import pages

bp = pages.blueprint("printing", __name__)

#: Why a label is printed again, as people write it; offered while typing, never required.
REPRINT_REASONS = (
    N_("Label fell off"), N_("Label cannot be read"), N_("Printer jammed"), N_("Stuck on the wrong tube"),
)  # fmt: skip


def printer_here(by: Actor) -> PrinterState | None:
    """The printer of the station at hand, and how it is; None where the browser prints."""
    name = printer_of(by.station)
    if name is None:
        return None
    return next((state for state in printers_state(by) if state.printer.name == name), None)
