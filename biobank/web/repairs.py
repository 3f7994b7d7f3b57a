"""Tells whoever scanned that their scanner is badly set, on whatever page the scan was made."""

from flask import flash, g, has_request_context, request

from biobank.core import scans
from biobank.web import sentences

#: Pages that show it themselves.
_SHOWN_THERE = {"bench.scan", "bench.station_scan"}


def init() -> None:
    """Listen to every reading that had to be repaired."""
    if _tell not in scans.told_of_repairs:
        scans.told_of_repairs.append(_tell)


def _tell(meant: scans.Meant) -> None:
    if not has_request_context() or request.path.startswith("/api/") or request.endpoint in _SHOWN_THERE:
        return
    if g.get("repaired") == meant.repaired_from:  # the unit of work was run again
        return
    g.repaired = meant.repaired_from
    fault = sentences.sentence(str(meant.fault))
    read = sentences.sentence("understood_as", {"raw": meant.repaired_from, "read": meant.text})
    flash(f"{fault} {read}", "warning")
