"""What a withdrawal does to requests: lets go of what is promised, or decides anew what is still allowed.

Part of a withdrawal's own unit of work, whose locks of the donors it needs. One question for each open request, however
many of its tubes are touched.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select

from biobank.consent.rules import Decision, Verdict
from biobank.core.actor import Actor
from biobank.core.db import chunks, db, lock
from biobank.core.errors import Reason
from biobank.requests import holding, reading
from biobank.requests.models import Request, RequestLine
from biobank.requests.rules import HOLDING_LINES, OPEN_LINES, OPEN_REQUESTS, LineStatus
from biobank.samples.models import Sample

#: What a line says first when a withdrawal let it go.
WITHDRAWN, NARROWED = "withdrawn_since", "withdrawn_part_since"
#: Reasons that are no donor's.
_NOT_SAID = frozenset({"hold"})


class Freed(NamedTuple):
    """A line that a withdrawal lets go, and why."""

    line: RequestLine
    verdict: str
    reasons: list[Reason]


def release_for_withdrawal(sample_ids: Iterable[int], by: Actor) -> list[dict[str, str]]:
    """Let go of these samples in every request that is still open: a draft, one that waits, or one that was approved.

    returns  what was let go: {"request": code, "sample": code} each
    """

    def all_of(_request: Request, lines: Sequence[RequestLine], samples: Mapping[int, Sample]) -> list[Freed]:
        return [
            Freed(line, "deny", [Reason(WITHDRAWN, {"sample": samples[line.sample_id].code})])
            for line in lines
        ]

    return _let_go(sample_ids, OPEN_LINES, all_of, by)


def release_refused(sample_ids: Iterable[int], by: Actor) -> list[dict[str, str]]:
    """Decide each line of these samples anew, and let go of the tubes that are held for what is no longer allowed.

    What is only asked for holds nothing, and is decided when the request is.
    returns  what was let go: {"request": code, "sample": code} each
    """

    def refused_of(
        request: Request, lines: Sequence[RequestLine], samples: Mapping[int, Sample]
    ) -> list[Freed]:
        answers = _refused(request, [samples[line.sample_id] for line in lines])
        freed = []
        for line in lines:
            if (answer := answers.get(line.sample_id)) is not None:
                told = Reason(NARROWED, {"sample": samples[line.sample_id].code})
                freed.append(Freed(line, answer.verdict.value, [told, *answer.reasons]))
        return freed

    return _let_go(sample_ids, HOLDING_LINES, refused_of, by)


def refused_since(sample_ids: Iterable[int]) -> set[int]:
    """Which of these samples are out with somebody who may no longer use them for what the request says."""
    refused: set[int] = set()
    by_request: dict[int, list[RequestLine]] = {}
    for line in lines_given(sample_ids).values():
        by_request.setdefault(line.request_id, []).append(line)
    for request in requests_of(by_request):
        samples = reading.samples_of(by_request[request.id])
        refused |= set(_refused(request, list(samples.values())))
    return refused


def lines_given(sample_ids: Iterable[int]) -> dict[int, RequestLine]:
    """Sample key -> the line through which it last left, for those that left."""
    found: dict[int, RequestLine] = {}
    for chunk in chunks(sorted(set(sample_ids)), 500):
        query = select(RequestLine).where(
            RequestLine.sample_id.in_(chunk), RequestLine.status == LineStatus.HANDED_OUT
        )
        for line in db.session.scalars(query):
            before = found.get(line.sample_id)
            if before is None or _when(before) < _when(line):
                found[line.sample_id] = line
    return found


def _when(line: RequestLine) -> tuple[float, int]:
    return (line.handed_at.timestamp() if line.handed_at else 0.0, line.id)


def _refused(request: Request, samples: Sequence[Sample]) -> dict[int, Decision]:
    """Sample key -> the answer, where donors no longer permit what the request wants."""
    return {
        key: answer.now
        for key, answer in reading.ask_rules(request, samples).items()
        if answer.now.verdict is not Verdict.PERMIT
        and not {reason.code for reason in answer.now.reasons} <= _NOT_SAID
    }


def _let_go(
    sample_ids: Iterable[int],
    statuses: Iterable[LineStatus],
    choose: Callable[[Request, Sequence[RequestLine], Mapping[int, Sample]], list[Freed]],
    by: Actor,
) -> list[dict[str, str]]:
    found = _open_lines(sample_ids, statuses)
    lock(Sample, {line.sample_id for line in found})
    released = []
    for request in holding.hold_rows(line.request_id for line in found):
        mine = {line.sample_id for line in found if line.request_id == request.id}
        lines = [line for line in reading.lines_of(request, *statuses) if line.sample_id in mine]
        if request.status not in OPEN_REQUESTS or not lines:
            continue
        samples = reading.samples_of(lines)
        freed = choose(request, lines, samples)
        for verdict in sorted({each.verdict for each in freed}):
            part = [each for each in freed if each.verdict == verdict]
            holding.let_go(
                request, [each.line for each in part], why="withdrawal", verdict=verdict, by=by,
                reasons={each.line.sample_id: each.reasons for each in part},
            )  # fmt: skip
        released += [{"request": request.code, "sample": samples[each.line.sample_id].code} for each in freed]
        if freed:
            holding.finish(request, by)
    return released


def _open_lines(sample_ids: Iterable[int], statuses: Iterable[LineStatus]) -> list[RequestLine]:
    found: list[RequestLine] = []
    for chunk in chunks(sorted(set(sample_ids)), 500):
        query = (
            select(RequestLine)
            .join(Request, Request.id == RequestLine.request_id)
            .where(RequestLine.sample_id.in_(chunk), RequestLine.status.in_(list(statuses)))
            .where(Request.status.in_(OPEN_REQUESTS))
        )
        found += db.session.scalars(query)
    return found


def requests_of(keys: Iterable[int]) -> list[Request]:
    """The requests of these keys."""
    found: list[Request] = []
    for chunk in chunks(sorted(set(keys)), 500):
        found += db.session.scalars(select(Request).where(Request.id.in_(chunk)).order_by(Request.id))
    return found
