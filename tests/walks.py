"""Steps of a walk that concern people and tubes: what a hospital and a bench do, and much that they should not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from biobank.consent import service as consent
from biobank.consent.models import Consent
from biobank.core.db import db
from biobank.core.times import When
from biobank.patients.models import Patient
from biobank.samples import collection, correction, holds, life, processing, uses
from biobank.samples.models import Sample
from biobank.storage import service as storage
from biobank.studies.models import Study
from biobank.withdrawal import service as withdrawal
from tests.plain_bank import ROWS, Tube
from tests.plain_consent import Demand, Person
from tests.walking import START, STATEMENTS, Walk, Walker, rarely

NUMBERS = st.integers(0, 255)
#: In nanolitres: little, much, all that there is in some tubes, and what is no amount.
AMOUNTS = st.sampled_from([100_000, 50_000, 1, 200_000, 40_000, 1_000_000, 0, -5])
DEMANDS = st.builds(Demand, st.sampled_from(["DS:C50", "HMB", "GEN"]), st.booleans(), st.booleans())
#: Also places that a box of 4 × 6 does not have.
PLACES = st.tuples(st.integers(0, 1), st.sampled_from([*ROWS, "E"]), st.sampled_from([1, 2, 6, 7]))
KEYS = st.lists(st.sampled_from(sorted(STATEMENTS)), unique=True)
#: Minutes ago; some are still to come.
MINUTES = st.sampled_from([0, 0, 0, 0, 0, 1, 90, -10])
DAYS = st.sampled_from([0, 0, 0, 0, 0, 1, 2, -1])


def some_tubes(walker: Walker) -> bool:
    return bool(walker.bank.tubes)


class Bench(Walker):
    """Patients, consents, tubes, places. Some have consented, and some of their tubes are here, when a walk begins."""

    def __init__(self, kind: str, template: Any, walk: Walk) -> None:
        super().__init__(kind, template, walk)
        for who in range(3):
            self._sign(self.person(who), 0, {"research", *sorted(STATEMENTS)[who:]}, False, 2, None)
            for amount in (1_000_000, 500_000):
                self.a_tube_is_drawn(who, who, amount, 90, True, 1)
        self.bank.now = START + timedelta(minutes=5)

    def ago(self, minutes: int) -> When | None:
        """None: now, and not said."""
        return When.exactly(self.moment(minutes)) if minutes else None

    def moment(self, minutes: int) -> datetime:
        return self.bank.now - timedelta(minutes=minutes)

    # --- time

    @rule(minutes=st.sampled_from([1, 30, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.bank.now += timedelta(minutes=minutes)

    @rarely(9)
    @rule(minutes=st.sampled_from([1, 90, 14 * 60]))
    def the_clock_goes_back(self, minutes: int) -> None:
        self.bank.now -= timedelta(minutes=minutes)

    # --- people

    @rarely(3)
    @precondition(lambda self: len(self.bank.people) < 8)
    @rule()
    def somebody_is_enrolled(self) -> None:
        self.act("enrol", set(), self.enrol)

    @rarely(5)
    @precondition(lambda self: len(self.bank.forms) < 7)
    @rule(own=st.booleans(), gives=st.sampled_from(["GRU", "HMB", "DS:C50"]), keys=KEYS, again=NUMBERS)
    def a_form_is_renewed(self, own: bool, gives: str, keys: list[str], again: int) -> None:
        family, study = ("OWN", "TWO") if own else ("MAIN", None)
        known = [form.version for form in self.bank.forms if form.family == family]
        taken = known[0] if known and again % 8 == 0 else ""
        self.act(
            "renew form", {"form_version_taken"} if taken else set(),
            lambda: self.make_form(family, study, gives, keys, taken),
        )  # fmt: skip

    @rule(who=NUMBERS, which=NUMBERS, yes=st.sets(st.sampled_from(["research", *STATEMENTS])), blank=st.booleans(), days=DAYS)
    def somebody_answers(self, who: int, which: int, yes: set[str], blank: bool, days: int) -> None:
        self._sign(self.person(who), which, yes | {"research"} if which % 4 else yes, blank, days, None)

    @rarely(4)
    @precondition(lambda self: any(person.papers for person in self.bank.people.values()))
    @rule(who=NUMBERS, which=NUMBERS, yes=st.sets(st.sampled_from(["research", *STATEMENTS])), days=DAYS)
    def an_answer_is_corrected(self, who: int, which: int, yes: set[str], days: int) -> None:
        signers = [person for person in self.bank.people.values() if person.papers]
        person = signers[who % len(signers)]
        self._sign(person, which, yes, False, days, which % len(person.papers))

    def _sign(self, person: Person, which: int, yes: set[str], blank: bool, days: int, paper: int | None) -> None:
        form = self.bank.forms[-1 - which % len(self.bank.forms)]
        corrects = person.papers[paper] if paper is not None else None
        signed_on = self.bank.today - timedelta(days=days)
        given = {key: "granted" for key in form.statements if key in yes}
        answers = given if blank else {key: given.get(key, "refused") for key in form.statements}

        def work() -> int:
            return consent.record_consent(
                patient=db.session.get_one(Patient, person.id), by=self.by, signed_on=signed_on, answers=answers,
                form=consent.find_form(form.family, form.version, self.by),
                corrects=corrects.row if corrects else None, reason="misread" if corrects else None,
            ).id  # fmt: skip

        name = "correct consent" if corrects else "consent"
        row = self.act(name, self.bank.why_not_sign(form, signed_on, corrects), work)
        if row is not None:
            self.bank.sign(person, form, signed_on, given, corrects).row = row

    @rarely(4)
    @rule(who=NUMBERS, how=st.integers(0, 5), what=NUMBERS, days=DAYS, fate=st.sampled_from(["keep", "destroy"]))
    def somebody_takes_back(self, who: int, how: int, what: int, days: int, fate: str) -> None:
        person, study, clause, scope = self.person(who), None, None, "all"
        if how in (2, 3):
            study = self.study(what)
            scope: Any = {"study": study}
        elif how > 3:
            clause = ("MAIN", ["research", *STATEMENTS][what % 4])
            scope = {"form": clause[0], "clause": clause[1]}
        received_on = self.bank.today - timedelta(days=days)
        done = self.act(
            f"withdraw {'study' if study else 'clause' if clause else 'all'}",
            self.bank.why_not_withdraw(person, received_on, clause),
            lambda: withdrawal.withdraw(
                patient=db.session.get_one(Patient, person.id), scope=scope, received_on=received_on, fate=fate,
                by=self.manager,
            ),
        )  # fmt: skip
        if done is not None:
            self.bank.withdraw(person, received_on, study, clause)

    # --- tubes

    @precondition(lambda self: len(self.bank.tubes) < 60)
    @rule(who=NUMBERS, study=NUMBERS, amount=st.sampled_from([1_000_000, 500_000, 600_000, None, 0]), minutes=MINUTES,
          received=st.sampled_from([True, True, True, False]), mass=NUMBERS)  # fmt: skip
    def a_tube_is_drawn(
        self, who: int, study: int, amount: int | None, minutes: int, received: bool, mass: int
    ) -> None:
        person, code, kind = self.person(who), self.study(study), "volume" if mass % 8 else "mass"
        drawn = self.moment(minutes)

        def work() -> tuple[int, str]:
            made = collection.collect(
                patient=db.session.get_one(Patient, person.id), study=db.session.get_one(Study, self.studies[code]),
                type="Plasma", collected=When.exactly(drawn), receive=received, by=self.by,
                quantity=None if amount is None else (kind, amount),
            )  # fmt: skip
            return made.id, made.code

        made = self.act("collect", self.bank.why_not_collect(person, code, drawn, received), work)
        if made:
            self.bank.tubes[made[0]] = Tube(
                *made, study=code, type="Plasma", donors={person.id}, left=amount,
                kind=None if amount is None else kind, draw=(person.id, code, drawn),
                status="available" if received else "collected", made=self.bank.now if received else None,
            )  # fmt: skip

    @rarely(2)
    @precondition(some_tubes)
    @rule(which=NUMBERS)
    def a_tube_arrives(self, which: int) -> None:
        coming = [tube for tube in self.bank.tubes.values() if tube.status == "collected"]
        tube = coming[which % len(coming)] if coming else self.tube(which)
        if self.do("receive", self.bank.why_not_receive(tube), collection.receive, tube):
            tube.status, tube.made = "available", self.bank.now

    @precondition(lambda self: self.bank.tubes and len(self.bank.tubes) < 60)
    @rule(which=NUMBERS, count=st.sampled_from([1, 2, 3, 0]), amount=AMOUNTS, close=NUMBERS, minutes=MINUTES)
    def a_tube_is_divided(self, which: int, count: int, amount: int, close: int, minutes: int) -> None:
        tube, closed, at = self.tube(which), close % 4 == 0, self.moment(minutes)
        why_not = self.bank.why_not_make(tube, count * amount if count else 1, closed, at)
        made = self.do(
            "aliquot", why_not | ({"malformed"} if not count else set()), processing.aliquot, tube, count=count,
            amount=amount, close_parent=closed, at=self.ago(minutes),
        )  # fmt: skip
        if made:
            self.bank.pour(tube, count * amount, closed)
            self._born(made, [tube], tube.type, amount, tube.kind, at)

    @precondition(lambda self: self.bank.tubes and len(self.bank.tubes) < 60)
    @rule(which=NUMBERS, drawn=st.none() | AMOUNTS, gives=st.sampled_from([None, 5_000]), whole=NUMBERS, minutes=MINUTES)
    def something_is_made_of_a_tube(
        self, which: int, drawn: int | None, gives: int | None, whole: int, minutes: int
    ) -> None:
        tube, closed, at = self.tube(which), whole % 4 == 0, self.moment(minutes)
        made = self.do(
            "derive", self.bank.why_not_make(tube, drawn, closed, at), processing.derive, tube, type="Serum",
            drawn=drawn, quantity=None if gives is None else ("mass", gives), whole=closed, at=self.ago(minutes),
        )  # fmt: skip
        if made:
            self.bank.pour(tube, drawn, closed)
            self._born(made, [tube], "Serum", gives, None if gives is None else "mass", at)

    @precondition(lambda self: self.bank.tubes and len(self.bank.tubes) < 60)
    @rule(which=st.lists(NUMBERS, min_size=1, max_size=3), part=st.sampled_from([None, None, 40_000, 0]), demand=DEMANDS)
    def tubes_are_poured_together(self, which: list[int], part: int | None, demand: Demand) -> None:
        tubes = list({tube.id: tube for tube in map(self.tube, which)}.values())
        if which[0] % 4:  # mostly of one study and unit: anything else is refused
            like = [tube for tube in tubes if (tube.study, tube.kind) == (tubes[0].study, tubes[0].kind)]
            tubes = like if len(like) > 1 else tubes
        parts = {} if part is None else {tubes[0].id: part}
        made = self.act(
            "pool across donors" if len({key for tube in tubes for key in tube.donors}) > 1 else "pool",
            self.bank.why_not_pool(tubes, parts, demand),
            lambda: [_named(processing.pool(samples=[self.row(tube) for tube in tubes], drawn=parts, type="Plasma",
                                            use=self.use_of(demand), by=self.by))],
        )  # fmt: skip
        if made:
            poured = [parts.get(tube.id, tube.left) for tube in tubes]
            for tube in tubes:
                self.bank.pour(tube, parts.get(tube.id), close=tube.id not in parts)
            total = None if None in poured else sum(poured)  # type: ignore[arg-type]
            self._born(made, tubes, "Plasma", total, tubes[0].kind, self.bank.now)

    def _born(
        self, made: Sequence[tuple[int, str]], parents: list[Tube], type: str, left: int | None, kind: str | None,
        at: datetime,
    ) -> None:  # fmt: skip
        draws = {parent.draw for parent in parents}
        for key, code in made:
            self.bank.tubes[key] = Tube(
                key, code, study=parents[0].study, type=type, left=left, kind=None if left is None else kind,
                donors=set().union(*(parent.donors for parent in parents)), parents=tuple(each.id for each in parents),
                holds=set().union(*(parent.holds for parent in parents)), made=at,
                draw=draws.pop() if len(draws) == 1 else None,
            )  # fmt: skip

    def do(self, name: str, why_not: set[str], act: Any, tube: Tube, **told: Any) -> Any:
        """An act on one tube. returns key and number of what was made, or True"""
        def work() -> Any:
            made = act(sample=self.row(tube), by=self.by, **told)
            return [_named(each) for each in made] if isinstance(made, list) else True

        return self.act(name, why_not, work)

    # --- places

    @precondition(some_tubes)
    @rule(which=NUMBERS, place=PLACES)
    def a_tube_is_placed(self, which: int, place: tuple[int, str, int]) -> None:
        tube, where = self.tube(which), (self.boxes[place[0]], f"{place[1]}{place[2]:02d}")
        done = self.act(
            "move" if tube.place else "place", self.bank.why_not_place(tube, where),
            lambda: storage.place(container=storage.find_container(where[0], self.by), position=where[1],
                                  sample=self.row(tube), by=self.by),
        )  # fmt: skip
        if done is not None:
            self.bank.put(tube, where)

    @precondition(some_tubes)
    @rule(which=NUMBERS)
    def a_tube_is_taken_out(self, which: int) -> None:
        tube = self.tube(which)
        if self.do("take out", set() if tube.place else {"stands_nowhere"}, storage.take_out, tube):
            tube.place = None

    @precondition(some_tubes)
    @rule(which=NUMBERS)
    def a_tube_is_put_back(self, which: int) -> None:
        tube = self.tube(which)
        if self.do("put back", self.bank.why_not_put_back(tube), storage.put_back, tube):
            assert tube.stood is not None
            self.bank.put(tube, tube.stood)

    @rarely(3)
    @precondition(some_tubes)
    @rule(which=NUMBERS, reason=st.sampled_from(["broken", "broken", " "]))
    def a_tube_is_thrown_away(self, which: int, reason: str) -> None:
        tube = self.tube(which)
        if self.do("discard", self.bank.why_not_discard(tube, reason), storage.discard, tube, reason=reason):
            tube.left = None if tube.left is None else 0
            self.bank.end(tube, "destroyed")

    @rarely(4)
    @precondition(some_tubes)
    @rule(which=NUMBERS)
    def a_tube_is_lost(self, which: int) -> None:
        tube = self.tube(which)
        here = tube.status in ("available", "handed_out", "shipped")
        if self.do("lose", set() if here else {"act_not_possible"}, storage.lose, tube):
            self.bank.end(tube, "lost")

    @rarely(2)
    @precondition(some_tubes)
    @rule(which=NUMBERS)
    def a_tube_is_found(self, which: int) -> None:
        lost = [tube for tube in self.bank.tubes.values() if tube.status == "lost"]
        tube = lost[which % len(lost)] if lost else self.tube(which)
        if self.do("find", set() if lost else {"act_not_possible"}, life.find, tube):
            tube.status = "available"

    # --- holds, mistakes, uses

    @rarely(3)
    @precondition(some_tubes)
    @rule(which=NUMBERS, code=st.sampled_from(["inventory", "quarantine", "withdrawal", "whatever"]))
    def a_tube_is_held(self, which: int, code: str) -> None:
        tube, known = self.tube(which), code in ("inventory", "quarantine")
        why_not = set() if known else {"malformed"}
        if self.do("hold", why_not | ({"held_already"} & {"held_already" if code in tube.holds else ""}), holds.hold,
                   tube, code=code):  # fmt: skip
            tube.holds.add(code)

    @rarely(2)
    @precondition(some_tubes)
    @rule(which=NUMBERS, other=st.sampled_from(["inventory", "withdrawal"]))
    def a_hold_is_released(self, which: int, other: str) -> None:
        held = [tube for tube in self.bank.tubes.values() if tube.holds]
        tube = held[which % len(held)] if held else self.tube(which)
        code = sorted(tube.holds)[0] if tube.holds else other
        why_not = {"hold_of_withdrawal"} if code == "withdrawal" else set()
        done = self.act(
            "release", why_not if code in tube.holds else {"hold_not_open"},
            lambda: holds.release(hold=holds.find_hold(self.row(tube), code), reason="looked at", by=self.by),
        )  # fmt: skip
        if done is not None:
            tube.holds.remove(code)

    @rarely(2)
    @precondition(some_tubes)
    @rule(which=NUMBERS, who=NUMBERS)
    def a_tube_turns_out_to_be_anothers(self, which: int, who: int) -> None:
        first = [tube for tube in self.bank.tubes.values() if not tube.parents]
        tube, person = first[which % len(first)] if which % 8 else self.tube(which), self.person(who)
        done = self.act(
            "correct patient", self.bank.why_not_be_anothers(tube, person),
            lambda: correction.wrong_patient(sample=self.row(tube), patient=db.session.get_one(Patient, person.id),
                                             reason="mixed up", by=self.by),
        )  # fmt: skip
        if done is not None:
            self.bank.correct_donor(tube, person)

    @rarely(3)
    @precondition(some_tubes)
    @rule(which=NUMBERS, type=st.sampled_from(["Plasma", "Serum"]))
    def a_tube_turns_out_to_be_something_else(self, which: int, type: str) -> None:
        tube = self.tube(which)
        same = {"nothing_to_correct"} if tube.type == type else set()
        if self.do("correct type", same, correction.wrong_type, tube, type=type, reason="misread"):
            tube.type = type

    @precondition(some_tubes)
    @rule(which=st.lists(NUMBERS, min_size=1, max_size=2), demand=DEMANDS, minutes=MINUTES,
          act=st.sampled_from(["analyse", "give_data"]))  # fmt: skip
    def tubes_are_used(self, which: list[int], demand: Demand, minutes: int, act: str) -> None:
        tubes = list({tube.id: tube for tube in map(self.tube, which)}.values())
        at = self.moment(minutes) if minutes else None
        self.act(
            act, self.bank.why_not_use(tubes, demand, at, here=act == "analyse"),
            lambda: uses.use([self.row(tube) for tube in tubes], self.use_of(demand), act=act, by=self.by,
                             at=self.ago(minutes)),
        )  # fmt: skip


def _named(sample: Sample) -> tuple[int, str]:
    return sample.id, sample.code
