"""Walks through a bank: everything that is done goes through `act`, and after each step the promises are checked."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition

from biobank.audit import service as audit
from biobank.consent import rules as consent_rules
from biobank.consent import service as consent
from biobank.core import checks, clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError
from biobank.patients import service as patients
from biobank.samples.models import Sample
from biobank.storage import service as storage
from biobank.studies import service as studies
from biobank.studies.models import Study
from tests import people, promises
from tests.conftest import close, make_app, new_database
from tests.guarded import Stranger
from tests.plain_bank import Bank, Tube
from tests.plain_consent import FOR_COMPANIES, GENETICS, Demand, Form, Person, Statement
from tests.requests.world import person as somebody

START = datetime(2012, 3, 14, 11, 0, tzinfo=UTC)
#: The chain is computed anew this often.
OFTEN = 30
STATEMENTS = {
    "companies": Statement(forbids=FOR_COMPANIES),
    "genetics": Statement(forbids=GENETICS),
    "more": Statement(gives="GRU"),
}


@dataclass
class Walk:
    """What all walks of one kind did together."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def steps(self) -> int:
        return self.done.total() + self.refused.total()

    def told(self) -> str:
        """What was done and refused how often, and why."""
        acts = [f"{name} {self.done[name]}/{self.refused[name]}" for name in sorted(self.done | self.refused)]
        reasons = [f"{code} {times}" for code, times in self.reasons.most_common()]
        return f"done/refused: {', '.join(acts)}\nrefused for: {', '.join(reasons)}"


def rarely(times: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Of a step: that it is only every so often among those to be chosen from."""
    return precondition(lambda walker: walker.turn % times == 0)


class Walker(RuleBasedStateMachine):
    """One bank, and somebody who tries everything."""

    def __init__(self, kind: str, template: Any, walk: Walk) -> None:
        super().__init__()
        self.walk, self.last_use, self.turn, self.refused = walk, 0, 0, False
        self.stack = ExitStack()
        uri = self.stack.enter_context(new_database(kind, template)).render_as_string(hide_password=False)
        app = make_app(uri)
        self.stack.callback(close, app)
        self.stack.enter_context(app.app_context())
        self.stranger = Stranger(uri)
        self.stack.callback(self.stranger.close)
        self.bank = Bank(START)
        self.found: list[str] = []
        with clock.freeze(START):
            self._set_up()
        self.seen = promises.look(self.stranger)

    def _set_up(self) -> None:
        self.by, self.manager = people.actor("technician"), people.actor("manager")
        self.researcher = somebody("researcher")
        self.site_id = self.by.site_id
        self.studies, self.boxes = unit_of_work(self._study_and_boxes)
        unit_of_work(lambda: self.make_form("MAIN", None, "GRU", ["companies", "genetics", "more"]))
        for _ in range(4):
            unit_of_work(self.enrol)

    def _study_and_boxes(self) -> tuple[dict[str, int], list[str]]:
        told = {"site_id": self.site_id, "by": self.manager}
        opened = [studies.open_study(code=code, title=code, **told) for code in ("ONE", "TWO")]
        freezer = storage.make_container(kind="freezer_minus80", name="F", **told)
        shelf = storage.make_container(kind="shelf", name="S", parent=freezer, **told)
        boxes = [storage.make_container(kind="tube_box_4x6", name=f"B{n}", parent=shelf, **told) for n in (1, 2)]
        return {study.code: study.id for study in opened}, [box.code for box in boxes]

    def teardown(self) -> None:
        try:
            if not self.found:
                self._the_record_is_unbroken()
        finally:
            self.stack.close()

    # --- every step

    def act(self, name: str, why_not: set[str], work: Callable[[], Any]) -> Any:
        """Do it, and see that the bank and the plain bank agree on whether it may be done. returns None if not"""
        try:
            with clock.freeze(self.bank.now):
                result = unit_of_work(work)
        except BiobankError as refusal:
            self.refused = True
            self.walk.refused[name] += 1
            self.walk.reasons[refusal.code] += 1
            told = [reason.code for reason in refusal.reasons]
            assert refusal.code in why_not, f"{name}: {refusal} {told} but the plain bank says {why_not or 'yes'}"
            return None
        self.refused = False
        self.walk.done[name] += 1
        assert not why_not, f"{name} was done, but the plain bank says {why_not}"
        return result

    @invariant()
    def the_promises_hold(self) -> None:
        self.turn += 1
        before, self.seen = self.seen, promises.look(self.stranger)
        self.found = [
            *promises.no_use_without_consent(self.stranger, self.seen, self.last_use),
            *promises.one_place_and_enough_in_it(self.seen),
            *promises.families_agree(self.seen),
            *promises.as_written_down(self.bank, self.seen),
            *promises.never_forgets(before, self.seen),
        ]
        if self.refused:
            self.found += promises.leaves_no_trace(before, self.seen)
        self.last_use = self.seen.uses[-1][0] if self.seen.uses else 0
        self.refused = False
        assert not self.found, "\n".join(self.found)
        if self.turn % OFTEN == 0:
            self._the_record_is_unbroken()

    def _the_record_is_unbroken(self) -> None:
        db.session.rollback()
        broken = audit.verify().why or {each.name: each.findings for each in checks.run() if each.findings}
        assert not broken, broken
        db.session.rollback()

    # --- choosing

    def tube(self, number: int) -> Tube:
        """Mostly one that something can be done with."""
        tubes = list(self.bank.tubes.values())
        here = [tube for tube in tubes if tube.status == "available"]
        some = here if here and number % 8 else tubes
        return some[-1 - (number // 8) % len(some)]

    def person(self, number: int) -> Person:
        return list(self.bank.people.values())[number % len(self.bank.people)]

    def study(self, number: int) -> str:
        return ("ONE", "ONE", "TWO")[number % 3]

    def row(self, tube: Tube) -> Sample:
        return db.session.get_one(Sample, tube.id)

    def use_of(self, demand: Demand, act: str = "") -> consent_rules.Use:
        return consent_rules.Use(
            act=act, purposes=consent_rules.parse_purposes([demand.purpose]), genetic=demand.genetic,
            organisation="for-profit" if demand.company else "non-profit", commercial=demand.company,
        )  # fmt: skip

    # --- made in more than one way

    def make_form(self, family: str, study: str | None, gives: str, keys: list[str], version: str = "") -> Form:
        """A version of a form family, in force at once: a required permission, and some statements besides."""
        statements = {"research": Statement(required=True, gives=gives)} | {key: STATEMENTS[key] for key in keys}
        number = version or str(sum(form.family == family for form in self.bank.forms) + 1)
        clauses = [
            {
                "key": key, "text": key, "required": statement.required,
                "if_granted": [statement.gives] if statement.gives else [],
                "if_refused": [statement.forbids] if statement.forbids else [],
            }
            for key, statement in statements.items()
        ]  # fmt: skip
        consent.make_form(
            site_id=self.site_id, code=family, version=number, title=family, clauses=clauses, by=self.manager,
            study=db.session.get(Study, self.studies[study]) if study else None,
        )  # fmt: skip
        return self.bank.form(family, number, study, statements)

    def enrol(self) -> Person:
        patient = patients.enrol(site_id=self.site_id, by=self.by)
        return self.bank.people.setdefault(patient.id, Person(patient.id, patient.code))

