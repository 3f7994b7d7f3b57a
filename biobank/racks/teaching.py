"""A layout that nobody knows is taught once: somebody says which column is what, and the site's next files are read."""

from collections.abc import Mapping

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import BiobankError, Malformed, NotFound, Reason, RuleViolation
from biobank.racks import files, layouts, readings, scans
from biobank.racks.layouts import NUMBERINGS, ROLES, Taught
from biobank.racks.models import RackLayout, RackScan
from biobank.racks.sheets import Sheet
from biobank.racks.wells import ROW_MAJOR

MOST_NAME = 50


def sheet_of(scan: RackScan, delimiter: str | None = None) -> Sheet:
    """The file as a table, to be shown. raises RuleViolation for a picture or a file that is known"""
    if readings.is_picture(scan.media_type):
        raise RuleViolation("rack_layout_known")
    return files.sheet_of(scans.content_of(scan), delimiter if delimiter is not None else "?")


def teach(
    *,
    scan: RackScan,
    name: str,
    columns: Mapping[str, int],
    by: Actor,
    heading: int | None = None,
    skip: int = 0,
    numbering: str = ROW_MAJOR,
    delimiter: str | None = None,
) -> RackLayout:
    """Say how files like this one are to be read, and read this one.

    columns  role -> number of the column, from 0; roles as in config/scanners
    heading  the row of the heading among those that hold anything, from 0; None without one
    skip     rows above the first well, where there is no heading
    raises   Malformed naming what was not said; and as `files.read_taught`: then nothing is remembered
    """
    if not by.sees(scan.site_id):
        raise NotFound("rack_scan_unknown", scan=scan.id)
    scans.refresh(scan, None)
    if scan.reading is not None:
        raise RuleViolation("rack_layout_known")
    sheet = sheet_of(scan, delimiter)
    taught = _checked(name, columns, heading, skip, numbering, sheet)
    reading = files.read_taught(
        sheet, taught, readings.scanners().words, layout=f"taught:{taught.name}", zone=clock.zone()
    )
    layout = _remember(scan.site_id, layouts.signature(sheet, taught), taught, by)
    scans.note(scan, reading)
    return layout


def why_unread(scan: RackScan) -> BiobankError | None:
    """Why nothing could be read of a scan; None where something was, or could be now."""
    if scan.reading is not None or readings.is_picture(scan.media_type):
        return None
    try:
        readings.read(scans.content_of(scan), scan.site_id, None)
    except BiobankError as error:
        return error
    return None


def unknown(scan: RackScan) -> files.LayoutUnknown:
    """What to say of a file whose layout nobody knows yet."""
    return files.LayoutUnknown(sheet_of(scan))


def list_layouts(by: Actor) -> list[RackLayout]:
    """Everything that was taught at the sites the actor sees."""
    query = select(RackLayout).order_by(RackLayout.name, RackLayout.id)
    if by.site_id is not None:
        query = query.where(RackLayout.site_id == by.site_id)
    return list(db.session.scalars(query))


def _checked(
    name: str, columns: Mapping[str, int], heading: int | None, skip: int, numbering: str, sheet: Sheet
) -> Taught:
    wrong: dict[str, Reason] = {}
    name = name.strip()
    if not name or len(name) > MOST_NAME or not name.isprintable():
        wrong["name"] = Reason("rack_mapping_name_needed")
    if strange := [role for role in columns if role not in ROLES]:
        wrong["columns"] = Reason("rack_mapping_role_unknown", {"role": strange[0][:20]})
    elif "code" not in columns:
        wrong["columns"] = Reason("rack_mapping_code_needed")
    elif "position" not in columns and not {"row", "column"} <= columns.keys():
        wrong["columns"] = Reason("rack_mapping_place_needed")
    elif len(set(columns.values())) < len(columns) or any(at < 0 for at in columns.values()):
        wrong["columns"] = Reason("rack_mapping_role_twice")
    if numbering not in NUMBERINGS:
        wrong["numbering"] = Reason("rack_mapping_numbering")
    first = skip if heading is None else heading + 1
    if not 0 <= first < len(sheet.rows) or first > layouts.DEEPEST_HEADING:
        wrong["heading"] = Reason("rack_mapping_row")
    if wrong:
        raise Malformed(wrong)
    return Taught(name, dict(columns), heading, skip, numbering, sheet.delimiter)


def _remember(site_id: int, signature: str, taught: Taught, by: Actor) -> RackLayout:
    """What was said of such files before is said anew."""
    found = db.session.scalars(
        select(RackLayout).where(RackLayout.site_id == site_id, RackLayout.signature == signature)
    ).one_or_none()
    if found is None:
        found = RackLayout(site_id=site_id, signature=signature)
        db.session.add(found)
    found.name, found.mapping = taught.name, taught.as_json()
    found.recorded_at, found.recorded_by = clock.now(), by.key
    db.session.flush()
    audit.record(
        by=by, act="rack_layout_taught", subject=("rack_layout", str(found.id)), after=taught.as_json()
    )
    return found
