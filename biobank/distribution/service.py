"""DISTRIBUTION: tubes are fetched by scan and handed over; consent is asked again each time, and may say no."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import Again, db, lock
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.core.times import When
from biobank.distribution import rules
from biobank.distribution.returning import return_sample
from biobank.distribution.withdrawing import refused_since, release_for_withdrawal, release_refused
from biobank.printing import checks as label_checks
from biobank.requests import holding
from biobank.requests import service as requests
from biobank.requests.models import Request, RequestLine
from biobank.requests.rules import (
    LINE_SENTENCES,
    Act,
    LineAct,
    LineStatus,
    next_line_status,
    next_status,
)
from biobank.samples import gate, life, quantities, uses
from biobank.samples import reading as samples_reading
from biobank.samples import rules as sample_rules
from biobank.samples.models import Decision, Sample
from biobank.storage import noticing
from biobank.storage import service as storage
from biobank.storage.places import Step

__all__ = [
    "HandedOut",
    "Stop",
    "hand_out",
    "missing",
    "pick",
    "pick_list",
    "refused_since",
    "release_for_withdrawal",
    "release_refused",
    "return_sample",
]


@dataclass(frozen=True)
class Stop:
    """One tube on the way through the freezers, and where it stands; an empty way: nowhere."""

    line: RequestLine
    sample: Sample
    path: list[Step]

    @property
    def place(self) -> str:
        """The way to it in one line: Freezer 3 › Rack 2 › Box 12."""
        return " › ".join(step.name for step in self.path)

    @property
    def position(self) -> str | None:
        """Its place in the last container."""
        return self.path[-1].position if self.path else None


@dataclass
class HandedOut:
    """What left, and what had to stay although it was picked."""

    given: list[Sample] = field(default_factory=list)
    kept: list[tuple[Sample, list[Reason]]] = field(default_factory=list)


def pick_list(request: Request, *statuses: str) -> list[Stop]:
    """Its tubes in walking order: those still to be fetched, or those of the statuses given."""
    asked = {each.line.id: each for each in requests.asked_of(request, *(statuses or (LineStatus.RESERVED,)))}
    where = storage.where_is([each.sample.id for each in asked.values()])
    paths = {key: where.get(each.sample.id, []) for key, each in asked.items()}
    return [Stop(*asked[key], paths[key]) for key in rules.walking_order(paths, list(asked))]


def pick(*, request: Request, sample_code: str, by: Actor, at: When | None = None) -> Sample:
    """Fetch one tube: it is the one in hand, it is held for this request, and consent is asked once more.

    sample_code  what the scanner read: our number or the maker's code, cleanly: what leaves the bank is not repaired
    raises       RuleViolation `wrong_tube` with what it is and what is expected; UseRefused with every reason;
                 `labels_not_verified` where the site asks for it; NotFound for a code that nobody knows
    """
    next_status(request.status, Act.PICK)
    found = samples_reading.find_scanned(sample_code, by, clean=True)
    number = found.code
    _require_right_tube(request, found)
    (sample,) = gate.lock_samples([found.id])
    if sample.code != number:  # somebody put another number on it just now: is what was scanned still valid?
        raise Again
    holding.pass_on(request, Act.PICK)
    line = _require_right_tube(request, sample)
    sample_rules.next_status(sample.status, sample_rules.Act.PICK)
    label_checks.require_verified([sample])
    uses.use([sample], requests.use_of(request), act="pick", by=by, at=at, request_id=request.id)
    line.status = next_line_status(line.status, LineAct.PICK, sample=sample.code).value
    if storage.where_is([sample.id]):
        storage.take_out(sample=sample, why="picked", by=by, at=at)
    _tell("picked", sample, request, by, at)
    return sample


def _require_right_tube(request: Request, sample: Sample) -> RequestLine:
    """The line that the tube in hand is held for."""
    line = requests.line_of(request, sample)
    if line is not None and line.status == LineStatus.RESERVED:
        return line
    if line is None:
        why = [Reason("not_in_request", {"sample": sample.code, "request": request.code})]
    else:
        told = [
            Reason(reason["code"], reason["params"]) for reason in line.reasons if line.verdict != "permit"
        ]
        why = [Reason(LINE_SENTENCES[LineStatus(line.status)]), *told]
    what = {"sample": sample.code, "type": sample.type, "request": request.code}
    stops = pick_list(request)
    if not stops:
        raise RuleViolation("wrong_tube_nothing_left", reasons=why, **what)
    following = stops[0]
    place = ", ".join(part for part in (following.place, following.position) if part)
    expected = f"{following.sample.code} ({place})" if place else following.sample.code
    raise RuleViolation("wrong_tube", reasons=why, **what, expected=expected)


def missing(
    *, request: Request, sample: Sample, by: Actor, reason: str | None = None, at: When | None = None
) -> Sample:
    """It was looked for and is not there: the sample is lost until it is found, and nothing is held any more."""
    next_status(request.status, Act.PICK)
    (locked,) = lock(Sample, [sample.id])
    holding.pass_on(request, Act.PICK)
    line = requests.line_of(request, locked)
    if line is None:
        raise RuleViolation("not_in_request", sample=locked.code, request=request.code)
    next_line_status(line.status, LineAct.RELEASE, sample=locked.code)
    why = {locked.id: [Reason("sample_missing", {"sample": locked.code})]}
    holding.let_go(request, [line], why="missing", reasons=why, by=by)
    looked_at = noticing.stands(locked)
    storage.lose(sample=locked, by=by, reason=reason, at=at)
    if looked_at is not None:
        container, position = looked_at
        told = noticing.Noticed("missing", "pick", container, position, locked, source_id=request.id)
        noticing.notice(told, by)
    holding.finish(request, by)
    return locked


def hand_out(*, request: Request, to: str, by: Actor, at: When | None = None) -> HandedOut:
    """Hand over all that is picked. Consent is asked once more for each tube: one that it refuses now stays and is no
    longer held, the others leave with all that is in them.

    to      who receives them, as typed
    raises  Malformed without a recipient; RuleViolation `nothing_picked`
    """
    if not to.strip():
        raise Malformed({"to": Reason("recipient_missing")})
    next_status(request.status, Act.HAND_OUT)
    locked = gate.lock_samples([line.sample_id for line in requests.lines_of(request, LineStatus.PICKED)])
    holding.pass_on(request, Act.HAND_OUT)
    lines = {line.sample_id: line for line in requests.lines_of(request, LineStatus.PICKED)}
    if not lines:
        raise RuleViolation("nothing_picked", request=request.code)
    if set(lines) != {sample.id for sample in locked}:
        raise Again
    done = HandedOut()
    here = [sample for sample in locked if sample.status == sample_rules.Status.AVAILABLE]
    label_checks.require_verified(here)
    decisions = uses.use_permitted(
        here, requests.use_of(request), act="hand_out", by=by, at=at, request_id=request.id
    )
    verdicts = {decision.sample_id: decision for decision in decisions}
    for sample in locked:
        decision = verdicts.get(sample.id)
        if decision is not None and decision.verdict == "permit":
            done.given.append(sample)
        else:
            done.kept.append((sample, _why_kept(sample, decision)))
    _give(request, done.given, lines, to.strip(), by, at)
    _keep(request, done.kept, lines, verdicts, by)
    holding.finish(request, by)
    return done


def _why_kept(sample: Sample, decision: Decision | None) -> list[Reason]:
    if decision is None:
        return [Reason("sample_not_available", {"sample": sample.code, "status": sample.status})]
    return [Reason(reason["code"], reason["params"]) for reason in decision.reasons]


def _give(
    request: Request, samples: Sequence[Sample], lines: dict[int, RequestLine], to: str, by: Actor, at: When | None
) -> None:  # fmt: skip
    """The tubes leave with all that is in them: the ledger writes it off, and they stand nowhere."""
    happened = at or When.now(clock.now)
    placed = storage.where_is([sample.id for sample in samples])  # somebody may have put one back meanwhile
    holding.end_reservations([lines[sample.id] for sample in samples], "handed_out")
    db.session.flush()
    for sample in samples:
        if sample.id in placed:
            storage.take_out(sample=sample, why="handed_out", by=by, at=at)
        line = lines[sample.id]
        line.status = next_line_status(line.status, LineAct.HAND_OUT, sample=sample.code).value
        line.handed_to, line.handed_at = to, happened.at or clock.now()
        if sample.remaining:
            quantities.write(sample, -sample.remaining, act="hand_out", happened=happened, by=by)
        life.set_status(
            sample, sample_rules.Act.HAND_OUT, by=by, told="handed_out", happened=happened,
            after={"request": request.code, "to": to},
        )  # fmt: skip
    if samples:
        told = {"samples": [sample.code for sample in samples], "to": to}
        audit.record(
            by=by, act="request_handed_out", subject=("request", request.code), after=told, happened=at
        )


def _keep(
    request: Request, kept: Sequence[tuple[Sample, list[Reason]]], lines: dict[int, RequestLine],
    verdicts: dict[int, Decision], by: Actor,
) -> None:  # fmt: skip
    for sample, reasons in kept:
        decision = verdicts.get(sample.id)
        holding.let_go(
            request, [lines[sample.id]], why="refused" if decision else "not_available",
            reasons={sample.id: reasons}, verdict=decision.verdict if decision else None, by=by,
        )  # fmt: skip


def _tell(act: str, sample: Sample, request: Request, by: Actor, at: When | None) -> None:
    audit.record(
        by=by, act=act, subject=("sample", sample.code), after={"request": request.code}, happened=at
    )
    audit.record(
        by=by, act=act, subject=("request", request.code), after={"sample": sample.code}, happened=at
    )
