"""The API's composed answers: a scan, a sample with its place and consent standing, lists of samples."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.bench import cards, sample_parts, service, work_api
from biobank.bench.api_parts import bp
from biobank.bench.schemas import SettleSchema
from biobank.core import scans
from biobank.core.errors import Malformed, Reason
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.samples import desk, reading, rules, uses
from biobank.samples.schemas import sample_json
from biobank.storage import cold, places
from biobank.storage.claim_schemas import cold_json
from biobank.studies import service as studies
from biobank.web import sentences
from biobank.web.api import page_arguments
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

__all__ = ["bp", "work_api"]


@bp.get("/scan")
@requires(Permission.SCAN)
def scan() -> ResponseReturnValue:
    """What a scanned text (`?raw=`) stands for: its card, and what can be done now.

    `?exact=true`: of two readings, this one was chosen by eye.
    """
    exact = request.args.get("exact") == "true"
    found = service.scan(request.args.get("raw", ""), actor(), exact=exact)
    return jsonify(
        {
            "kind": found.kind,
            "code": found.code,
            "read": found.read,
            "repaired_from": found.repaired_from,
            "fault": found.fault,
            "gs1": found.gs1,
            "card": found.card,
            "actions": found.actions,
        }
    )


@bp.get("/odd-scans")
@requires(Permission.SCAN)
def list_odd_scans() -> ResponseReturnValue:
    """Scans that nobody recognised and nobody has settled, the newest first."""
    return jsonify({"items": [_odd(each) for each in scans.open_odd(actor())]})


@bp.post("/odd-scans/<int:key>/settle")
@requires(Permission.SCAN)
@bp.arguments(SettleSchema)
def settle_odd_scan(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Say what it was (`was`, a code), or that it is of no account."""
    return api_answer(
        lambda: _odd(scans.settle(odd=scans.find_odd(key, actor()), was=data["was"], by=actor())), 200
    )


def _odd(odd: scans.OddScan) -> dict[str, Any]:
    return {
        "id": odd.id,
        "kind": odd.kind,
        "raw": odd.raw,
        "read": odd.read,
        "fault": odd.fault,
        "station": odd.station,
        "recorded_at": odd.recorded_at.isoformat(),
        "settled_at": odd.settled_at.isoformat() if odd.settled_at else None,
    }


@bp.get("/samples")
@requires(Permission.SAMPLE_READ)
def list_samples() -> ResponseReturnValue:
    """Samples, newest first: ?study=&patient=&type=&status=&after=&limit="""
    by = actor()
    status = request.args.get("status")
    if status and status not in set(rules.Status):
        raise Malformed(
            {"status": Reason("status_unknown", {"given": status[:40], "known": ", ".join(rules.Status)})}
        )
    study, patient = request.args.get("study"), request.args.get("patient")
    page = reading.list_samples(
        by,
        study_id=studies.find_study(study, by).id if study else None,
        patient_id=patients.find_patient(patient, by).id if patient else None,
        type=request.args.get("type"),
        status=status,
        **page_arguments(),
    )
    path = places.where_is([sample.id for sample in page.items])
    standing = uses.standings(list(page.items))
    return jsonify(
        {
            "items": [
                sample_json(sample) | _place_and_consent(path.get(sample.id, []), standing[sample.id])
                for sample in page.items
            ],
            "next": page.next,
        }
    )


@bp.get("/samples/<code>")
@requires(Permission.SAMPLE_READ)
def sample(code: str) -> ResponseReturnValue:
    """One sample with its lineage, position, consent standing and remaining quantity.

    `cold` tells its thaws (`inherited_thaws` of what it was made of), its minutes out of the cold, since when it is out
    and whether that is within its `limit`: ok, warn or block, with the reasons.
    """
    return jsonify(sample_answer(service.sample_of_code(code, actor())))


def sample_answer(found: Any) -> dict[str, Any]:
    """Everything the API says of one sample. found: a row of `cards.sample_of_code`"""
    by = actor()
    path = places.where_is([found.id]).get(found.id, [])
    standing = uses.standings([found])[found.id]
    collected = When(found.happened_at, found.precision or "unknown")
    trees, more = reading.lineage(found.id)
    beside = sample_parts.beside(found.id)
    return sample_json(found) | {
        **_place_and_consent(path, standing),
        "study": found.study,
        "patients": sorted(beside.patients) if by.may("patient:read") else [],
        "collected_at": desk.shown(collected),
        "collected_precision": collected.precision,
        "visit": found.visit,
        "parents": reading.parents_of([found.id]).get(found.id, []),
        "children": reading.children_of(found.id),
        "lineage": [_branch(tree) for tree in trees],
        "lineage_more": more,
        "holds": [hold.code for hold in beside.holds],
        "cold": cold_json(cold.cold_of([found.id])[found.id]),
    }


def _place_and_consent(path: list[places.Step], standing: Any) -> dict[str, Any]:
    return {
        "position": cards.position_json(path),
        "consent": {
            "colour": standing.colour,
            "code": standing.reason.code,
            "text": sentences.of_reason(standing.reason),
        },
    }


def _branch(branch: reading.Branch) -> dict[str, Any]:
    return {
        "code": branch.sample.code,
        "type": branch.sample.type,
        "status": branch.sample.status,
        "this": branch.is_asked,
        "children": [_branch(child) for child in branch.children],
    }
