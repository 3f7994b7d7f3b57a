"""The shapes of picking and handing out at the edge."""

from typing import Any

from marshmallow import fields, validate

from biobank.core import units
from biobank.core.errors import Malformed, Reason
from biobank.distribution.recalls import ANSWERS, Letter
from biobank.distribution.service import HandedOut, Stop
from biobank.samples.models import Sample
from biobank.web import sentences
from biobank.web.schemas import Amount, Code, SafeString, Schema


class PickSchema(Schema):
    """The tube in hand, as scanned. Marked missing, it is the tube that is not in hand."""

    sample = Code(required=True)
    missing = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    at = SafeString(load_default=None, allow_none=True, max_length=40)


class HandOutSchema(Schema):
    """Who receives what is picked."""

    to = SafeString(required=True, max_length=200)
    at = SafeString(load_default=None, allow_none=True, max_length=40)


class ReturnSchema(Schema):
    """A tube that came back, and what is in it now."""

    sample = Code(required=True)
    volume_ul = Amount(load_default=None, allow_none=True)
    mass_ug = Amount(load_default=None, allow_none=True)
    cell_count = Amount(load_default=None, allow_none=True)
    at = SafeString(load_default=None, allow_none=True, max_length=40)


class AnswerSchema(Schema):
    """What the recipient of a letter answered."""

    answer = SafeString(required=True, validate=validate.OneOf(ANSWERS))
    note = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)


def letter_json(letter: Letter) -> dict[str, Any]:
    """What is asked back after a withdrawal, from whom, and what was answered."""
    recall = letter.recall
    return {
        "id": recall.id,
        "withdrawal": recall.withdrawal_id,
        "request": letter.request.code,
        "recipient": recall.recipient,
        "samples": [sample.code for sample in letter.samples],
        "due_on": recall.due_on.isoformat(),
        "sent_at": recall.sent_at.isoformat() if recall.sent_at else None,
        "answer": recall.answer,
        "answered_at": recall.answered_at.isoformat() if recall.answered_at else None,
        "note": recall.note,
        "overdue": letter.overdue,
    }


def returned_amount(data: dict[str, Any], sample: Sample) -> int | None:
    """What came back, in the sample's base units. raises Malformed for another unit than the sample's"""
    given = units.read_quantity(data)
    if given is None:
        return None
    kind, amount = given
    if sample.quantity_kind is not None and kind != sample.quantity_kind:
        params = {"sample": sample.code, "unit": units.KINDS[sample.quantity_kind].unit}
        raise Malformed({units.KINDS[kind].field: Reason("amount_of_another_unit", params)})
    return amount


def stop_json(stop: Stop) -> dict[str, Any]:
    """One tube of the pick list, with the way to it."""
    return {
        "sample": stop.sample.code,
        "type": stop.sample.type,
        "status": stop.line.status,
        "place": [
            {"code": step.code, "name": step.name, "kind": step.kind, "position": step.position}
            for step in stop.path
        ],
        "position": stop.position,
    }


def handed_out_json(done: HandedOut) -> dict[str, Any]:
    """What left, and what had to stay, with every reason."""
    return {
        "handed_out": [sample.code for sample in done.given],
        "refused": [
            {
                "sample": sample.code,
                "reasons": [{"code": reason.code, "text": sentences.of_reason(reason)} for reason in reasons],
            }
            for sample, reasons in done.kept
        ],
    }
