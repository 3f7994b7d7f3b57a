"""Cards of what is no sample, box, patient or request: procedures, kits, people, stations, commands, reagents."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from biobank.access import service as access
from biobank.access.models import Station, User
from biobank.bench import commands
from biobank.core import clock, gs1, times
from biobank.core.actor import Actor
from biobank.core.codes import Found
from biobank.core.db import db
from biobank.core.gs1 import Gs1
from biobank.procedures.models import CollectionKit, Procedure
from biobank.samples import allotted
from biobank.studies.models import Study


def procedure_card(procedure_id: int, by: Actor) -> dict[str, Any]:
    """A version of a procedure, its steps, and whether it is the one to follow."""
    procedure = db.session.get_one(Procedure, procedure_id)
    state = "retired" if procedure.retired_at else "in_force" if procedure.in_force_at else "draft"
    return {
        "title": procedure.number,
        "name": procedure.title,
        "procedure": procedure.code,
        "version": procedure.version,
        "state": state,
        "steps": [_step(step) for step in procedure.steps],
        "actions": ["start"] if state == "in_force" and by.may("sample:process") else [],
    }


def _step(step: Mapping[str, Any]) -> str:
    return str(step.get("label") or step.get("title") or step.get("key") or "")


def kit_card(kit_id: int, by: Actor) -> dict[str, Any]:
    """A kit: which tubes a visit of a study yields."""
    kit = db.session.get_one(CollectionKit, kit_id)
    return {
        "title": kit.number,
        "name": kit.title,
        "kit": kit.code,
        "study": db.session.get_one(Study, kit.study_id).code,
        "visit": kit.visit,
        "tubes": [
            {"type": tube.get("type"), "label": tube.get("label"), "count": tube.get("count", 1)}
            for tube in kit.tubes
        ],
        "procedure": kit.procedure_code,
        "retired": kit.retired_at is not None,
        "actions": ["receive_kit"] if kit.retired_at is None and by.may("sample:collect") else [],
    }


def allotted_card(found: Found, by: Actor) -> dict[str, Any]:
    """A number whose label was printed ahead of the draw: for which tube of which kit, and since when it is out."""
    ahead = allotted.ahead(found.code, by)
    number, kit = ahead.number, ahead.kit
    return {
        "title": number.code,
        "kit": kit.number if kit else None,
        "name": kit.title if kit else None,
        "visit": kit.visit if kit else None,
        "type": number.type,
        "label": number.label,
        "place": number.place,
        "tubes": ahead.tubes,
        "set": number.set_number,
        "sets": ahead.sets,
        "state": number.state,
        "out_since": times.local_day(ahead.out_since, clock.zone()).isoformat(),
        "allotment": number.allotment_id,
        "actions": ["open_allotment"] if by.may("label:print") else [],
    }


def badge_card(found: Found, by: Actor) -> dict[str, Any]:
    """Whose badge it is. It signs nobody in: it leads to the sign-in page, where the password is asked."""
    user = db.session.get_one(User, found.target_id)
    return {
        "title": found.code,
        "name": user.name,
        "roles": sorted(role.name for role in user.roles),
        "site": user.site.code if user.site else None,
        "active": user.active,
        "is_me": user.id == by.user_id,
        "actions": ["switch_user"] if user.active and user.id != by.user_id else [],
    }


def station_card(station_id: int, by: Actor) -> dict[str, Any]:
    """A bench computer, and whether this browser is it."""
    station = db.session.get_one(Station, station_id)
    return {
        "title": station.code,
        "name": station.name,
        "site": access.site_code(station.site_id),
        "printer": station.printer,
        "is_here": by.station == station.code,
        "actions": ["test_station"] if by.station == station.code else ["be_station", "test_station"],
    }


def command_card(found: Found, _by: Actor) -> dict[str, Any]:
    """What a command card says; it is carried out at the station."""
    command = commands.parse(found.code)
    return {
        "title": found.code,
        "verb": command.verb if command else None,
        "number": command.number if command else None,
        "reason": command.reason if command else None,
        "actions": ["go_to_station"],
    }


def reagent_card(found: Gs1, today: date) -> dict[str, Any]:
    """A product by its own label: its number, lot, expiry and serial number.

    expired  on the day after the last one printed on it; None where no day is printed
    """
    fields = gs1.told(found, today)
    until = fields.get("expires_on") or fields.get("best_before_on")
    return {
        "title": fields["gtin"],
        "gtin": fields["gtin"],
        "lot": fields.get("lot"),
        "serial": fields.get("serial"),
        "expires_on": until,
        "expired": date.fromisoformat(until) < today if until else None,
        "days_left": (date.fromisoformat(until) - today).days if until else None,
        "either": fields.get("either", []),
        "gs1": fields,
    }
