"""Two procedures with the values of a real laboratory manual, and how tests begin with them.

source  laboratory manual of the CHAT trial, 4.3: EDTA on wet ice at most 30 min, spin 15 min at 2,000 g and 4 °C,
        0.5 mL aliquots; serum clots 40 min at room temperature, never more than 90 min before the spin; frozen at once
"""

from typing import Any

from biobank.procedures import service as procedures
from biobank.procedures.models import Procedure
from tests.factories import SiteFactory, act

PLASMA: list[dict[str, Any]] = [
    {"key": "spin", "kind": "spin", "title": "Spin", "since": "collection", "start_within_min": 30, "min_minutes": 15,
     "max_minutes": 20, "warn_before_min": 2, "temperature_c": 4, "force_g": 2000},
    {"key": "aliquot", "kind": "aliquot", "title": "Aliquots",
     "parts": [{"count": 8, "volume_nl": 500_000, "type": "Plasma"}]},
    {"key": "freeze", "kind": "freeze", "title": "Freeze", "since": "previous", "start_within_min": 30,
     "temperature_c": -80},
]  # fmt: skip
SERUM: list[dict[str, Any]] = [
    {"key": "clot", "kind": "rest", "title": "Clot", "since": "collection", "start_within_min": 10, "min_minutes": 40,
     "max_minutes": 90, "warn_before_min": 10, "temperature_c": 20},
    {"key": "spin", "kind": "spin", "title": "Spin", "since": "previous", "start_within_min": 10, "min_minutes": 15},
]  # fmt: skip


def procedure(
    code: str = "SOP-PLASMA", steps: list[dict[str, Any]] | None = None, site: str = "IPC"
) -> Procedure:
    """One in force; the next version where the code has one already."""
    made: Procedure = act(
        procedures.make,
        code=code,
        title=f"The {code}",
        steps=steps or PLASMA,
        site_id=SiteFactory(code=site).id,
    )
    return made
