"""Which patient an address means: the pseudonym in it, and where several sites have it, the site that is named."""

from flask import request

from biobank.access import service as access
from biobank.core import scans
from biobank.core.errors import Malformed, NotFound
from biobank.patients.models import Patient
from biobank.patients.service import find_patient
from biobank.web.asking import actor


def asked_patient(code: str, site: str | None = None) -> Patient:
    """The patient whom this request is about.

    site    the site's code where the body names one; else that of `?site=`, else the actor's own
    raises  NotFound; Malformed when the site must be named
    """
    return find_patient(code, actor(), asked_site(site))


def asked_site(site: str | None = None) -> int | None:
    """The site that the body or `?site=` names; None when neither does."""
    named = site or request.args.get("site")
    return access.site_for(named, by=actor()).id if named else None


def scanned_patient_code(raw: str) -> str:
    """The pseudonym that was scanned into a field, also with a badly set scanner; a text that nobody knows as it is."""
    try:
        return scans.meant(raw, actor(), kinds=("patient",)).text
    except (NotFound, Malformed):
        return raw
