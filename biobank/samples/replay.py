"""Makes every stored decision again, from what was known when it was made. Two things must agree.

The rules, asked again about the facts stored beside the decision, must say the same; and those facts must be what the
books say was on record at that moment: everything up to the last event that the decision knew, and nothing after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import func, select

from biobank.consent import rules
from biobank.consent import service as consent
from biobank.consent.models import ConsentEvent, Withdrawal, WithdrawalReversal
from biobank.core.among import among
from biobank.core.db import db, fetch
from biobank.samples import gate, uses
from biobank.samples.models import Decision, SampleCorrection

#: Decisions looked at together.
_TOGETHER = 2000


@dataclass
class Replayed:
    """How many decisions were made again, and each that came out differently."""

    decisions: int = 0
    differences: list[str] = field(default_factory=list)
    older_rules: int = 0
    """Made by an older version of the rules or of a vocabulary; they agree as well, unless they are listed."""
    unlinked: int = 0
    """About a person whose link was broken since: the rules were asked again, the books do not tell whose they are."""


def replay(after: int = 0) -> Replayed:
    """Make all decisions again, in constant memory.

    after  only those with a greater key
    """
    done = Replayed()
    current = (rules.RULE_VERSION, uses.vocabulary_version())
    for rows in _batches(after):
        books = _Books(rows)
        for row in rows:
            done.decisions += 1
            done.older_rules += (row.rule_version, row.vocabulary_version) != current
            try:
                facts = rules.facts_from_dict(row.facts)
            except (KeyError, TypeError, ValueError):
                done.differences.append(f"decision {row.id}: what it was made from cannot be read")
                continue
            if difference := _decided_again(row, facts):
                done.differences.append(f"decision {row.id}: {difference}")
            unlinked, difference = books.compare(row, facts)
            done.unlinked += unlinked
            if difference:
                done.differences.append(f"decision {row.id}: {difference}")
    return done


def _batches(after: int) -> Iterator[Sequence[Any]]:
    table = Decision.__table__
    while True:
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(_TOGETHER)
        rows = db.session.execute(query).all()
        if not rows:
            return
        yield rows
        after = rows[-1].id


def _decided_again(row: Any, facts: rules.SampleFacts) -> str | None:
    days = [date.fromisoformat(day) for day in row.facts.get("days", ())]
    again = uses.worst_of_days(
        facts,
        rules.use_from_dict(row.use),
        days=days or uses.days_of(row.recorded_at, row.as_of),
        known_at=row.recorded_at,
        settled=[(review["id"], review["codes"]) for review in row.reviews],
    )
    if again.verdict.value != row.verdict:
        return f"{row.verdict} was stored, the rules say {again.verdict.value}"
    if [reason.as_dict() for reason in again.reasons] != row.reasons:
        return f"{row.verdict} for other reasons than the rules give"
    if list(again.consent_ids) != row.consent_ids:
        return f"{row.verdict} by other consents than the rules rest on"
    return None


_CORRECTED = select(SampleCorrection.sample_id).where(
    among(SampleCorrection.sample_id, "ids"), SampleCorrection.what == "patient"
)
_ATTRIBUTED = (
    select(ConsentEvent.patient_id, func.max(ConsentEvent.id))
    .where(among(ConsentEvent.patient_id, "ids"), ConsentEvent.kind == "attribution")
    .group_by(ConsentEvent.patient_id)
)
_REVERSED = (
    select(WithdrawalReversal.withdrawal_id, WithdrawalReversal.id)
    .join(Withdrawal, Withdrawal.id == WithdrawalReversal.withdrawal_id)
    .where(among(Withdrawal.patient_id, "ids"))
)


class _Books:
    """What is on record about the donors of some decisions. What came first is told by the numbers of the events: a
    clock may have been put back."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.donors = gate.donors_of({row.sample_id for row in rows})
        people = {"ids": sorted(set().union(*self.donors.values()))}
        self.said = consent.donor_facts(people["ids"])
        self.corrected = {key for (key,) in fetch(_CORRECTED, {"ids": list(self.donors)})}
        self.attributed = dict(fetch(_ATTRIBUTED, people))
        self.reversed = dict(fetch(_REVERSED, people))

    def compare(self, row: Any, facts: rules.SampleFacts) -> tuple[bool, str | None]:
        """Whether somebody's link was broken, and what is stored beside the decision otherwise than on record."""
        here = {self.said[key].subject_key: self.said[key] for key in self.donors[row.sample_id]}
        unlinked = "" in here
        stored = {donor.subject_key: donor for donor in facts.donors}
        if not unlinked and not self._moved(row) and here.keys() != stored.keys():
            return unlinked, "it was made for other donors than are on record"
        for key in here.keys() & stored.keys():
            if _told(stored[key]) != _told(self._as_known(here[key], row)):
                return unlinked, "it was made from other papers than were on record"
        return unlinked, None

    def _moved(self, row: Any) -> bool:
        """The sample turned out to be somebody else's after the decision."""
        latest = max((self.attributed.get(key, 0) for key in self.donors[row.sample_id]), default=0)
        return row.sample_id in self.corrected and latest > row.consent_event_id

    def _as_known(self, donor: rules.DonorFacts, row: Any) -> rules.DonorFacts:
        """Everything up to the last event that the decision knew."""
        last = row.consent_event_id
        return replace(
            donor,
            consents=tuple(paper for paper in donor.consents if paper.seq <= last),
            withdrawals=tuple(
                paper if self.reversed.get(paper.id, 0) <= last else replace(paper, reversed_at=None)
                for paper in donor.withdrawals
                if paper.seq <= last
            ),
        )


def _told(donor: rules.DonorFacts) -> tuple[Mapping[str, Any], ...]:
    """The papers of a donor as they are stored. Days of age and death are told later than they are true, and are
    stored as they were known: they are not compared."""
    told = rules.donor_as_dict(replace(donor, of_age_on=None, died_on=None), ())
    return (*told["consents"], *told["withdrawals"])
