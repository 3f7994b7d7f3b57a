"""Reviews: what a named person settled of what the rules leave to people, for one request, one sample, these reasons.

Nothing is overwritten: who looks again writes a new row, and of two rows about one reason the newer one holds. What was
settled was settled for one person: it says nothing about the tube once it turns out to be somebody else's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.core.errors import Malformed, Reason
from biobank.samples.models import ConsentReview, Sample, SampleCorrection

LIFT, UPHOLD = "lift", "uphold"
OUTCOMES = (LIFT, UPHOLD)

#: Review key, and the reasons of which it is the last word.
Held = tuple[int, tuple[str, ...]]

#: Keys in one query.
_MANY = 5000
_SHOWN = 10


def lifting(
    request_id: int, sample_ids: Iterable[int], known_at: datetime | None = None
) -> dict[int, list[Held]]:
    """Sample key -> what may be lifted for this request: reviews, each with those of its reasons of which no later
    review says otherwise. Samples without any are left out.

    known_at  by what was recorded until then; by all that is known unless given
    """
    found: dict[int, list[Held]] = {}
    for sample_id, held in _last_words(request_id, sample_ids, known_at).items():
        lifted = [(row.id, codes) for row, codes in held if row.outcome == LIFT]
        if lifted:
            found[sample_id] = lifted
    return found


def last_words(request_id: int, sample_ids: Iterable[int]) -> dict[int, dict[str, ConsentReview]]:
    """Sample key -> reason -> the review that was the last to say something about it."""
    found: dict[int, dict[str, ConsentReview]] = {}
    for sample_id, held in _last_words(request_id, sample_ids, None).items():
        found[sample_id] = {code: row for row, codes in held for code in codes}
    return found


def settle(
    *,
    request_id: int,
    request: str,
    samples: Sequence[Sample],
    reason_codes: Mapping[int, Sequence[str]],
    named: Mapping[int, Collection[str]],
    outcome: str,
    why: str,
    by: Actor,
) -> list[ConsentReview]:
    """Settle reasons of samples for one request: one row a sample. The caller holds the locks of donors and samples.

    request       its number, for the record
    reason_codes  sample key -> what is settled, as `review_codes` of its decision names it
    named         sample key -> what the decision of this moment leaves to people, or would without these reviews
    outcome       lift: may be used in spite of it. uphold: may not
    raises        Malformed for another outcome, no reason why, or a reason that the decision does not name
    """
    _require_sense(outcome, why)
    for sample in samples:
        _require_named(sample, reason_codes[sample.id], named.get(sample.id, ()))
    now = clock.now()
    rows = [
        {"request_id": request_id, "sample_id": sample.id, "reason_codes": list(reason_codes[sample.id]),
         "outcome": outcome, "why": why.strip(), "reviewer_key": by.key, "recorded_at": now}
        for sample in samples
    ]  # fmt: skip
    for chunk in chunks(rows, 2000):
        db.session.execute(insert(ConsentReview), list(chunk))
    act = "review_lifted" if outcome == LIFT else "review_upheld"
    for sample in samples:
        after = {"request": request, "codes": list(reason_codes[sample.id])}
        audit.record(by=by, act=act, subject=("sample", sample.code), after=after, reason=why.strip())
    return _newest(request_id, samples)


def _newest(request_id: int, samples: Sequence[Sample]) -> list[ConsentReview]:
    """The newest review of each. Asked for: SQLite gives the keys of what was inserted only row by row."""
    newest: dict[int, ConsentReview] = {}
    for chunk in chunks([sample.id for sample in samples], _MANY):
        of_these = select(func.max(ConsentReview.id)).where(
            ConsentReview.request_id == request_id, ConsentReview.sample_id.in_(chunk)
        )
        query = select(ConsentReview).where(ConsentReview.id.in_(of_these.group_by(ConsentReview.sample_id)))
        newest |= {row.sample_id: row for row in db.session.scalars(query)}
    return [newest[sample.id] for sample in samples]


def _require_sense(outcome: str, why: str) -> None:
    wrong: dict[str, Reason] = {}
    if outcome not in OUTCOMES:
        known = ", ".join(OUTCOMES)
        wrong["outcome"] = Reason("review_outcome_unknown", {"given": outcome[:40], "known": known})
    if not why.strip():
        wrong["why"] = Reason("review_why_missing")
    if wrong:
        raise Malformed(wrong)


def _require_named(sample: Sample, given: Sequence[str], named: Collection[str]) -> None:
    unknown = [code for code in given if code not in named]
    if given and not unknown:
        return
    if not named:
        raise Malformed({"reason": Reason("review_nothing_open", {"sample": sample.code})})
    told = {
        "sample": sample.code,
        "given": ", ".join(unknown[:_SHOWN])[:200],
        "known": ", ".join(sorted(named)[:_SHOWN]),
    }
    raise Malformed({"reason": Reason("review_reason_unknown", told)})


def _last_words(
    request_id: int, sample_ids: Iterable[int], known_at: datetime | None
) -> dict[int, list[tuple[ConsentReview, tuple[str, ...]]]]:
    """Sample key -> reviews, oldest first, each with the reasons about which nothing was said after it."""
    by_sample: dict[int, list[ConsentReview]] = {}
    for chunk in chunks(sorted(set(sample_ids)), _MANY):
        query = select(ConsentReview).where(
            ConsentReview.request_id == request_id,
            ConsentReview.sample_id.in_(chunk),
            ~_settled_for_another(known_at),
        )
        if known_at is not None:
            query = query.where(ConsentReview.recorded_at <= known_at)
        for row in db.session.scalars(query.order_by(ConsentReview.id)):
            by_sample.setdefault(row.sample_id, []).append(row)
    return {key: _last_word(rows) for key, rows in by_sample.items()}


def _settled_for_another(known_at: datetime | None) -> ColumnElement[bool]:
    """True of a review after which the sample was found to be another person's. One of the same instant is taken to
    have come before: who settled it cannot be shown to have known whose the sample is."""
    correction = select(SampleCorrection.id).where(
        SampleCorrection.sample_id == ConsentReview.sample_id,
        SampleCorrection.what == "patient",
        SampleCorrection.recorded_at >= ConsentReview.recorded_at,
    )
    if known_at is not None:
        correction = correction.where(SampleCorrection.recorded_at <= known_at)
    return correction.exists()


def _last_word(rows: Sequence[ConsentReview]) -> list[tuple[ConsentReview, tuple[str, ...]]]:
    newest = {code: row.id for row in rows for code in row.reason_codes}
    held = [(row, tuple(code for code in row.reason_codes if newest[code] == row.id)) for row in rows]
    return [(row, codes) for row, codes in held if codes]
