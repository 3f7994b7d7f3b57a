"""Steps at the bench: tubes are drawn, received, divided, made into something else, poured together; and mistaken."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from biobank.core.db import db
from biobank.core.times import When
from biobank.patients.models import Patient
from biobank.samples import collection, correction, holds, processing, releasing, uses
from biobank.samples.models import Sample
from biobank.studies.models import Study
from tests.promises.consent import Demand
from tests.promises.people import People
from tests.promises.stock import Tube
from tests.promises.walking import DEMANDS, NUMBERS, START, STATEMENTS, Walk, step

MOST_TUBES = 70
#: In nanolitres: little, much, all that there is in some tubes, and what is no amount.
AMOUNTS = st.sampled_from([100_000, 50_000, 1, 20_000, 200_000, 10_000, 40_000, 1_000_000, 0, -5])
COUNTS = st.sampled_from([1, 2, 3, 1, 2, 0])
GIVES = st.sampled_from([None, 5_000])
CONTENTS = st.sampled_from([1_000_000, 500_000, 600_000, None, 0])
#: Some are still to come.
MINUTES_AGO = st.sampled_from([0, 0, 0, 0, 0, 1, 90, -10])
SOME = st.lists(NUMBERS, min_size=1, max_size=3)


class Bench(People):
    """Tubes. Some people have consented, and some of their tubes are here, when a walk begins."""

    def __init__(self, kind: str, template: Any, walk: Walk) -> None:
        super().__init__(kind, template, walk)
        for who in range(3):
            self._sign(self.person(who), 0, {"research", *sorted(STATEMENTS)[who:]}, False, 2, None)
            for amount in (1_000_000, 500_000):
                self.a_tube_is_drawn(who, who, amount, 90, True, 1)
        self.bank.now = START + timedelta(minutes=5)

    @step("bench", times=4, who=NUMBERS, study=NUMBERS, amount=CONTENTS, minutes=MINUTES_AGO,
          received=st.sampled_from([True, True, True, False]), mass=NUMBERS)  # fmt: skip
    def a_tube_is_drawn(
        self, who: int, study: int, amount: int | None, minutes: int, received: bool, mass: int
    ) -> None:
        if len(self.bank.tubes) > MOST_TUBES:
            return
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

    @step("bench", which=NUMBERS)
    def a_tube_arrives(self, which: int) -> None:
        coming = [tube for tube in self.bank.tubes.values() if tube.status == "collected"]
        tube = coming[which % len(coming)] if coming else self.tube(which)
        if self.do("receive", self.bank.why_not_receive(tube), collection.receive, tube):
            tube.status, tube.made = "available", self.bank.now

    @step(
        "bench",
        times=5,
        which=NUMBERS,
        count=st.sampled_from([1, 2, 3, 1, 2, 0]),
        amount=AMOUNTS,
        close=NUMBERS,
        minutes=MINUTES_AGO,
    )
    def a_tube_is_divided(self, which: int, count: int, amount: int, close: int, minutes: int) -> None:
        if len(self.bank.tubes) > MOST_TUBES:
            return
        tube, closed, at = self.tube(which), close % 4 == 0, self.moment(minutes)
        why_not = self.bank.why_not_make(tube, count * amount if count else 1, closed, at)
        made = self.do(
            "aliquot", why_not | ({"malformed"} if not count else set()), processing.aliquot, tube, count=count,
            amount=amount, close_parent=closed, at=self.ago(minutes),
        )  # fmt: skip
        if made:
            self.bank.pour(tube, count * amount, closed)
            self._born(made, [tube], tube.type, amount, tube.kind, at)

    @step(
        "bench",
        times=2,
        which=NUMBERS,
        drawn=st.none() | AMOUNTS,
        gives=st.sampled_from([None, 5_000]),
        whole=NUMBERS,
        minutes=MINUTES_AGO,
    )
    def something_is_made_of_a_tube(
        self, which: int, drawn: int | None, gives: int | None, whole: int, minutes: int
    ) -> None:
        if len(self.bank.tubes) > MOST_TUBES:
            return
        tube, closed, at = self.tube(which), whole % 4 == 0, self.moment(minutes)
        made = self.do(
            "derive", self.bank.why_not_make(tube, drawn, closed, at), processing.derive, tube, type="Serum",
            drawn=drawn, quantity=None if gives is None else ("mass", gives), whole=closed, at=self.ago(minutes),
        )  # fmt: skip
        if made:
            self.bank.pour(tube, drawn, closed)
            self._born(made, [tube], "Serum", gives, None if gives is None else "mass", at)

    @step("bench", times=4, which=SOME, part=st.sampled_from([None, None, 40_000, 0]), demand=DEMANDS)
    def tubes_are_poured_together(self, which: list[int], part: int | None, demand: Demand) -> None:
        if len(self.bank.tubes) > MOST_TUBES:
            return
        tubes = self._each([self.useful(number, demand) for number in which])
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

    def _each(self, tubes: list[Tube]) -> list[Tube]:
        return list({tube.id: tube for tube in tubes}.values())

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
                draw=parents[0].draw if len(draws) == 1 else None,
            )  # fmt: skip

    def do(self, name: str, why_not: set[str], act: Any, tube: Tube, **told: Any) -> Any:
        """An act on one tube. returns key and number of what was made, or True"""

        def work() -> Any:
            made = act(sample=self.row(tube), by=self.by, **told)
            return [_named(each) for each in made] if isinstance(made, list) else True

        return self.act(name, why_not, work)

    @step(
        "bench",
        times=2,
        which=NUMBERS,
        code=st.sampled_from(["inventory", "quarantine", "withdrawal", "whatever"]),
    )
    def a_tube_is_held(self, which: int, code: str) -> None:
        tube, known = self.tube(which), code in ("inventory", "quarantine")
        why_not = set() if known else {"malformed"}
        if self.do("hold", why_not | ({"held_already"} & {"held_already" if code in tube.holds else ""}), holds.hold,
                   tube, code=code):  # fmt: skip
            tube.holds.add(code)

    @step("bench", times=3, which=NUMBERS, other=st.sampled_from(["inventory", "withdrawal"]))
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

    @step("bench", times=2, which=NUMBERS, who=NUMBERS)
    def a_tube_turns_out_to_be_anothers(self, which: int, who: int) -> None:
        first = [tube for tube in self.bank.tubes.values() if not tube.parents]
        if which % 4 in (1, 2):  # often one that a withdrawal holds
            first = [tube for tube in first if "withdrawal" in tube.holds] or first
        tube, person = first[which % len(first)] if which % 8 else self.tube(which), self.person(who)
        done = self.act(
            "correct patient", self.bank.why_not_be_anothers(tube, person),
            lambda: correction.wrong_patient(sample=self.row(tube), patient=db.session.get_one(Patient, person.id),
                                             reason="mixed up", by=self.by),
        )  # fmt: skip
        if done is not None:
            self.bank.correct_donor(tube, person)

    @step("bench", times=3, which=NUMBERS)
    def a_second_person_looks_at_a_corrected_tube(self, which: int) -> None:
        free = [tube for tube in self.bank.tubes.values() if not self.bank.why_not_let_go(tube)]
        tube = free[which % len(free)] if free else self.tube(which)
        done = self.act(
            "release corrected", self.bank.why_not_let_go(tube),
            lambda: releasing.release_corrected(sample=self.row(tube), reason="looked at", by=self.second),
        )  # fmt: skip
        if done is not None:
            self.bank.let_go_of_the_hold(tube)

    @step("bench", which=NUMBERS, type=st.sampled_from(["Plasma", "Serum"]))
    def a_tube_turns_out_to_be_something_else(self, which: int, type: str) -> None:
        tube = self.tube(which)
        same = {"nothing_to_correct"} if tube.type == type else set()
        if self.do("correct type", same, correction.wrong_type, tube, type=type, reason="misread"):
            tube.type = type

    @step("bench", times=6, which=SOME, demand=DEMANDS, minutes=MINUTES_AGO,
          act=st.sampled_from(["analyse", "give_data"]))  # fmt: skip
    def tubes_are_used(self, which: list[int], demand: Demand, minutes: int, act: str) -> None:
        tubes = self._each([self.useful(number, demand) for number in which])
        at = self.moment(minutes) if minutes else None
        self.act(
            act, self.bank.why_not_use(tubes, demand, at, here=act == "analyse"),
            lambda: uses.use([self.row(tube) for tube in tubes], self.use_of(demand), act=act, by=self.by,
                             at=self.ago(minutes)),
        )  # fmt: skip


def _named(sample: Sample) -> tuple[int, str]:
    return sample.id, sample.code
