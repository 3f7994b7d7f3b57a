"""What people said, as plainly as it can be written down: the promises are checked against this, not against our rules.

Nothing of biobank/ is imported here. Only the terms and purposes of `COVERS`, `FOR_COMPANIES` and `GENETICS` are known.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Paris")
#: What each permission allows.
COVERS = {"GRU": {"GEN", "HMB", "DS:C50"}, "HMB": {"HMB", "DS:C50"}, "DS:C50": {"DS:C50"}}
#: What each refusal forbids.
FOR_COMPANIES, GENETICS = "NPU", "NO_GENETIC"


def day_of(at: datetime) -> date:
    return at.astimezone(ZONE).date()


@dataclass(frozen=True)
class Statement:
    """A clause as printed: what a yes gives, what anything else forbids."""

    required: bool = False
    gives: str | None = None
    forbids: str | None = None


@dataclass(frozen=True)
class Demand:
    """What somebody wants a sample for."""

    purpose: str
    company: bool
    genetic: bool


@dataclass
class Form:
    """One version of a form family; study None: covers all."""

    family: str
    version: str
    study: str | None
    statements: dict[str, Statement]
    retired_on: date | None = None


@dataclass
class Paper:
    """One consent as it was recorded."""

    number: int
    form: Form
    signed_on: date
    recorded_at: datetime
    yes: frozenset[str]
    place: int
    """Where it stands in the order of recording: a correction stands where the mistake stood."""
    corrected: bool = False
    row: int = 0
    """Its number in the database."""
    mends: "Paper | None" = None
    """The mistaken paper that it replaces."""

    @property
    def chain(self) -> list["Paper"]:
        """It, and all that it replaces."""
        return [self, *(self.mends.chain if self.mends else [])]

    def comes_after(self, taken: "TakenBack") -> bool:
        """Given and told only after it was taken back, however it was corrected."""
        first_signed = min(paper.signed_on for paper in self.chain)
        return self.place > taken.number and first_signed >= taken.received_on

    def slips_out_of(self, clause: tuple[str, str] | None) -> bool:
        """What was taken back stood in a paper that it replaces, and does not stand in it."""
        printed = [{(paper.form.family, key) for key in paper.form.statements} for paper in self.chain]
        return clause is not None and clause not in printed[0] and any(clause in each for each in printed[1:])


@dataclass(frozen=True)
class TakenBack:
    """One withdrawal as it was recorded."""

    number: int
    received_on: date
    recorded_at: datetime
    study: str | None = None
    clause: tuple[str, str] | None = None
    """Family and key."""

    def covers(self, study: str) -> bool:
        """Everything given for this study?"""
        return self.clause is None and self.study in (None, study)


@dataclass
class Said:
    """The newest answer to one statement."""

    statement: Statement
    yes: bool
    all_gone: TakenBack | None
    """What took back the whole paper."""
    clause_gone: TakenBack | None
    """What took back this very statement."""

    @property
    def stands(self) -> bool:
        return self.yes and self.all_gone is None and self.clause_gone is None

    @property
    def breaks(self) -> bool:
        """Had to be granted, is not, and not because everything was taken back."""
        return self.statement.required and self.all_gone is None and not self.stands


@dataclass
class Person:
    """A patient, by the number the database gives."""

    id: int
    code: str
    papers: list[Paper] = field(default_factory=list)
    taken_back: list[TakenBack] = field(default_factory=list)

    @property
    def last_told(self) -> datetime | None:
        told = [paper.recorded_at for paper in self.papers] + [each.recorded_at for each in self.taken_back]
        return max(told, default=None)

    def families(self, study: str, day: date) -> list[list[Said]]:
        """For each form family that covers the study, the newest answers."""
        found: dict[str, dict[str, Said]] = {}
        valid = [
            paper
            for paper in self.papers
            if not paper.corrected and paper.form.study in (None, study) and paper.signed_on <= day
        ]
        for paper in sorted(valid, key=lambda paper: (paper.signed_on, paper.place, paper.number)):
            for key, statement in paper.form.statements.items():
                found.setdefault(paper.form.family, {})[key] = Said(
                    statement,
                    key in paper.yes,
                    self._gone(
                        paper,
                        day,
                        lambda each, paper=paper: each.covers(study) or paper.slips_out_of(each.clause),
                    ),
                    self._gone(paper, day, lambda each, key=key: each.clause == (paper.form.family, key)),  # noqa: B023
                )
        return [list(said.values()) for said in found.values()]

    def _gone(self, paper: Paper, day: date, concerns: Callable[[TakenBack], bool]) -> TakenBack | None:
        """The newest of these withdrawals that the paper does not come after, in the world and in the books."""
        gone = [
            each
            for each in self.taken_back
            if concerns(each) and each.received_on <= day and not paper.comes_after(each)
        ]
        return gone[-1] if gone else None

    def allows(self, demand: Demand, study: str, day: date) -> bool:
        """May it be used so?"""
        families = self.families(study, day)
        for said in [said for family in families for said in family]:
            if demand.genetic and said.statement.forbids == GENETICS and not said.stands:
                return False
        return any(_family_allows(family, demand) for family in families)

    def withdrawal(self, study: str, day: date) -> TakenBack | None:
        """What covers all that is theirs in the study, so that it may only be put aside or destroyed."""
        families = self.families(study, day)
        if any(_alive(family) and any(said.stands for said in family) for family in families):
            return None
        found = [each for each in self.taken_back if each.covers(study) and each.received_on <= day]
        found += [
            said.clause_gone for family in families for said in family if said.breaks and said.clause_gone
        ]
        return max(found, key=lambda each: each.number, default=None)


def _alive(family: list[Said]) -> bool:
    return not all(said.all_gone is not None for said in family) and not any(said.breaks for said in family)


def _family_allows(family: list[Said], demand: Demand) -> bool:
    if not _alive(family):
        return False
    for said in family:
        if demand.company and said.statement.forbids == FOR_COMPANIES and not said.stands:
            return False
    given = [said.statement.gives for said in family if said.stands and said.statement.gives]
    return any(demand.purpose in COVERS[term] for term in given)
