"""Walks through a bank: everything that is done goes through `act`, and after each step the promises are checked."""

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

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
from tests import people
from tests.conftest import close, make_app, new_database
from tests.guarded import Stranger
from tests.promises import questions
from tests.promises.bank import Bank
from tests.promises.consent import FOR_COMPANIES, GENETICS, Demand, Form, Person, Statement
from tests.promises.stock import Tube
from tests.requests.world import person as somebody

F = TypeVar("F", bound=Callable[..., Any])
NUMBERS = st.integers(0, 255)
SELDOM = st.sampled_from([False, False, False, True])
DEMANDS = st.builds(Demand, st.sampled_from(["DS:C50", "HMB", "DS:C50", "GEN"]), SELDOM, SELDOM)
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


#: Group -> the steps that belong to it: (times, name, what it is told).
_steps: dict[str, list[tuple[int, str, dict[str, st.SearchStrategy[Any]]]]] = defaultdict(list)


def step(group: str, *, times: int = 1, **told: st.SearchStrategy[Any]) -> Callable[[F], F]:
    """Of a method: that it is a step of a walk, chosen `times` as often as others of its group."""

    def enter(method: F) -> F:
        _steps[group].append((times, method.__name__, told))
        return method

    return enter


def any_of(*groups: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Any step of these groups. Hypothesis likes what comes first: that is what is to be chosen often."""
    steps = sorted((each for group in groups for each in _steps[group]), key=lambda each: -each[0])
    return st.one_of(
        [
            st.tuples(st.just(name), st.fixed_dictionaries(told))
            for times, name, told in steps
            for _ in range(times)
        ]
    )


class Walker(RuleBasedStateMachine):
    """One bank, and somebody who tries everything."""

    def __init__(self, kind: str, template: Any, walk: Walk) -> None:
        super().__init__()
        self.walk, self.last_use, self.turn = walk, 0, 0
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
        self.seen = questions.look(self.stranger)

    def _set_up(self) -> None:
        self.by, self.manager = people.actor("technician"), people.actor("manager")
        self.second = people.actor("manager")
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
        boxes = [
            storage.make_container(kind="tube_box_4x6", name=f"B{n}", parent=shelf, **told) for n in (1, 2)
        ]
        return {study.code: study.id for study in opened}, [box.code for box in boxes]

    def teardown(self) -> None:
        try:
            if not self.found:
                self._the_record_is_unbroken()
        finally:
            self.stack.close()

    # --- every step

    def go(self, chosen: tuple[str, dict[str, Any]]) -> None:
        """Take the step."""
        name, told = chosen
        getattr(self, name)(**told)

    def act(self, name: str, why_not: set[str], work: Callable[[], Any]) -> Any:
        """Do it, and see that the bank and the plain bank agree on whether it may be done. returns None if not"""
        before = questions.counts(self.stranger)
        refusal, result = None, None
        try:
            with clock.freeze(self.bank.now):
                result = unit_of_work(work)
        except BiobankError as error:
            refusal = error
        (self.walk.refused if refusal else self.walk.done)[name] += 1
        if refusal is None:
            assert not why_not, f"{name} was done, but the plain bank says {why_not}"
            return result
        self.walk.reasons[refusal.code] += 1
        told = [reason.code for reason in refusal.reasons]
        assert refusal.code in why_not, f"{name}: {refusal} {told} but the plain bank says {why_not or 'yes'}"
        left = questions.leaves_no_trace(before, questions.counts(self.stranger))
        assert not left, f"{name}: {refusal}: {left}"
        return None

    @invariant()
    def the_promises_hold(self) -> None:
        self.turn += 1
        before, self.seen = self.seen, questions.look(self.stranger)
        self.found = [
            *questions.no_use_without_consent(self.stranger, self.seen, self.last_use),
            *questions.one_place_and_enough_in_it(self.seen),
            *questions.families_agree(self.seen),
            *questions.as_written_down(self.bank, self.seen),
            *questions.never_forgets(before, self.seen),
        ]
        self.last_use = self.seen.uses[-1][0] if self.seen.uses else 0
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

    def useful(self, number: int, demand: Demand) -> Tube:
        """Mostly one that may be given for this."""
        here = [tube for tube in self.bank.tubes.values() if tube.status == "available"]
        some = [tube for tube in here if self.bank.allows(tube, demand) and not self.bank.promised(tube)]
        return some[-1 - (number // 8) % len(some)] if some and number % 4 else self.tube(number)

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

    def make_form(
        self, family: str, study: str | None, gives: str, keys: list[str], version: str = ""
    ) -> Form:
        """A version of a form family, in force at once: a required permission, and some statements besides."""
        statements = {"research": Statement(required=True, gives=gives)} | {
            key: STATEMENTS[key] for key in keys
        }
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
