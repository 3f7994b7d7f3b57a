"""The API of fetching and handing out: the pick list, picks by scan, the hand-out, returns, letters to recipients."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import RuleViolation
from biobank.distribution import recalls, service
from biobank.distribution.models import Recall
from biobank.distribution.schemas import (
    AnswerSchema,
    HandOutSchema,
    PickSchema,
    ReturnSchema,
    handed_out_json,
    letter_json,
    returned_amount,
    stop_json,
)
from biobank.requests import service as requests
from biobank.requests.models import Request
from biobank.requests.rules import LineStatus
from biobank.samples import reading
from biobank.samples.models import Sample
from biobank.samples.schemas import read_when, sample_json
from biobank.web.api import blueprint
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("distribution", __name__)


@bp.get("/requests/<code>/picks")
@requires(Permission.REQUEST_FULFIL)
def pick_list(code: str) -> ResponseReturnValue:
    """What is still to be fetched, in walking order: freezer, rack, box, place."""
    stops = service.pick_list(requests.find_request(code, actor()))
    return jsonify({"items": [stop_json(stop) for stop in stops]})


@bp.post("/requests/<code>/picks")
@requires(Permission.REQUEST_FULFIL)
@bp.arguments(PickSchema)
def pick(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Fetch the tube that was scanned; or, with `missing`, say that it is not there. Answers what comes next."""

    def work() -> dict[str, Any]:
        found = requests.find_request(code, actor())
        at = read_when(data["at"], "at")
        if data["missing"]:
            sample = reading.find_sample(data["sample"], actor())
            service.missing(request=found, sample=sample, at=at, by=actor())
        else:
            sample = service.pick(request=found, sample_code=data["sample"], at=at, by=actor())
        return _picked(found, sample)

    return api_answer(work)


def _picked(found: Request, sample: Sample) -> dict[str, Any]:
    line = requests.line_of(found, sample)
    following = service.pick_list(found)
    return {
        "sample": sample.code,
        "line": line.status if line else None,
        "status": found.status,
        "left": len(following),
        "next": stop_json(following[0]) if following else None,
    }


@bp.post("/requests/<code>/hand-out")
@requires(Permission.REQUEST_FULFIL)
@bp.arguments(HandOutSchema)
def hand_out(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Hand over all that is picked; a tube that consent refuses now stays, the others leave."""

    def work() -> dict[str, Any]:
        found = requests.find_request(code, actor())
        at = read_when(data["at"], "at")
        done = service.hand_out(request=found, to=data["to"], at=at, by=actor())
        return handed_out_json(done) | {"status": found.status}

    return api_answer(work)


@bp.post("/requests/<code>/returns")
@requires(Permission.REQUEST_FULFIL)
@bp.arguments(ReturnSchema)
def take_back(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """A tube comes back, with what is in it now; it stands nowhere until it is placed."""

    def work() -> dict[str, Any]:
        found = requests.find_request(code, actor())
        sample = reading.find_sample(data["sample"], actor())
        line = requests.line_of(found, sample)
        if line is None or line.status != LineStatus.HANDED_OUT:
            raise RuleViolation("not_handed_out", sample=sample.code, request=found.code)
        amount, at = returned_amount(data, sample), read_when(data["at"], "at")
        return sample_json(service.return_sample(sample=sample, amount=amount, at=at, by=actor()))

    return api_answer(work)


@bp.get("/recalls/<int:key>")
@requires(Permission.CONSENT_RECORD)
def show_recall(key: int) -> ResponseReturnValue:
    """One letter after a withdrawal: its tubes, its clock, what was answered."""
    return jsonify(_letter(_recall(key)))


@bp.post("/recalls/<int:key>/sent")
@requires(Permission.CONSENT_RECORD)
def send_recall(key: int) -> ResponseReturnValue:
    """The letter went out."""
    return api_answer(lambda: _letter(recalls.mark_sent(recall=_recall(key), by=actor())), 200)


@bp.post("/recalls/<int:key>/answer")
@requires(Permission.CONSENT_RECORD)
@bp.arguments(AnswerSchema)
def answer_recall(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """What the recipient answered."""
    return api_answer(
        lambda: _letter(
            recalls.record_answer(recall=_recall(key), answer=data["answer"], note=data["note"], by=actor())
        ),
        200,
    )


def _recall(key: int) -> Recall:
    return recalls.find_recall(key, actor())


def _letter(recall: Recall) -> dict[str, Any]:
    return letter_json(recalls.letters([recall])[0])
