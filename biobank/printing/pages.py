"""The pages of labels; they stand in the files that this one brings in."""

from biobank.access.permissions import Permission
from biobank.core.i18n import N_
from biobank.printing import (
    allotment_pages,
    design_pages,
    job_pages,
    label_pages,
    replacing_pages,
    sheet_pages,
    verify_pages,
)
from biobank.printing.page_parts import bp
from biobank.web.navigation import NavItem

__all__ = [
    "NAVIGATION",
    "allotment_pages",
    "bp",
    "design_pages",
    "job_pages",
    "label_pages",
    "replacing_pages",
    "sheet_pages",
    "verify_pages",
]

NAVIGATION = [
    NavItem("printing.job_list", N_("Labels"), "label", Permission.LABEL_PRINT.value, 36, "bench"),
    NavItem("printing.verify_pairs", N_("Verify labels"), "check", Permission.LABEL_PRINT.value, 37, "bench"),
    NavItem(
        "printing.allotment_list",
        N_("Labels printed ahead"),
        "print",
        Permission.LABEL_PRINT.value,
        38,
        "bench",
    ),
    NavItem(
        "printing.design_list", N_("Label designs"), "label", Permission.LABEL_DESIGN.value, 87, "settings"
    ),
]
