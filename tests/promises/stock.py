"""The stock of a biobank as plainly as it can be written down: what may be done with it, and what is so afterwards.

The promises are checked against this, not against our own code: nothing of biobank/ is imported. Every `why_not_…`
gives the codes of all that stands in the way; no code means that the act must go through.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.promises.consent import Demand, Form, Paper, Person, Statement, TakenBack, day_of

#: Boxes have these places.
ROWS, COLUMNS = "ABCD", range(1, 7)
#: Nothing of these is left that could be held.
GONE = ("destroyed", "depleted")


@dataclass
class Tube:
    """A sample. `left` None: nobody knows."""

    id: int
    code: str
    study: str
    type: str
    donors: set[int]
    left: int | None
    status: str = "available"
    kind: str | None = "volume"
    reserved: int = 0
    parents: tuple[int, ...] = ()
    holds: set[str] = field(default_factory=set)
    place: tuple[str, str] | None = None
    stood: tuple[str, str] | None = None
    """Where it stood last."""
    sought: bool = False
    """Somebody did not find it where it stood; nobody has settled that yet."""
    draw: tuple[int, str, datetime] | None = None
    """Whose, for what and when; None for a pool of several draws."""
    made: datetime | None = None
    given: int | None = None
    """What was in it when it was handed out."""
    to_destroy: bool = False
    """Two people are to destroy it; one alone throws it away no more."""
    taken_from: set[int] = field(default_factory=set)
    """Whose it was taken to be, before that was corrected."""
    recalled_for: set[int] = field(default_factory=set)
    """Who withdrew while it was out, and wants it destroyed when it comes back."""

    @property
    def drawn(self) -> datetime | None:
        return self.draw[2] if self.draw else None

    @property
    def free(self) -> int:
        return (self.left or 0) - self.reserved


def minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def surely_before(first: datetime | None, second: datetime | None) -> bool:
    """Times are known to the minute: in one minute nothing is certain."""
    return first is not None and second is not None and minute(first) + timedelta(minutes=1) <= minute(second)


def codes(**reasons: object) -> set[str]:
    """The names of those that hold."""
    return {code for code, holds in reasons.items() if holds}


@dataclass
class Stock:
    """People, and their tubes. `now` is told from outside and may go back."""

    now: datetime
    people: dict[int, Person] = field(default_factory=dict)
    forms: list[Form] = field(default_factory=list)
    tubes: dict[int, Tube] = field(default_factory=dict)
    number: int = 0

    # --- people

    @property
    def today(self) -> date:
        return day_of(self.now)

    def today_for(self, donors: Iterable[int]) -> date:
        """The bank's clock may go back, what it was told does not become unsaid."""
        told = [self.people[key].last_told for key in donors]
        return day_of(max([self.now, *(at for at in told if at is not None)]))

    def _next(self) -> int:
        self.number += 1
        return self.number

    def form(self, family: str, version: str, study: str | None, statements: dict[str, Statement]) -> Form:
        for older in self.forms:
            if older.family == family and older.retired_on is None:
                older.retired_on = self.today
        self.forms.append(Form(family, version, study, statements))
        return self.forms[-1]

    def why_not_sign(self, form: Form, signed_on: date, corrects: Paper | None) -> set[str]:
        return codes(
            malformed=signed_on > self.today,
            form_is_retired=form.retired_on is not None and signed_on > form.retired_on,
            consent_corrected_already=corrects is not None and corrects.corrected,
        )

    def sign(
        self, person: Person, form: Form, signed_on: date, yes: Collection[str], corrects: Paper | None
    ) -> Paper:
        number = self._next()
        place = corrects.place if corrects else number
        paper = Paper(number, form, signed_on, self.now, frozenset(yes), place, mends=corrects)
        if corrects:
            corrects.corrected = True
        person.papers.append(paper)
        return paper

    def why_not_withdraw(self, person: Person, received_on: date, clause: tuple[str, str] | None) -> set[str]:
        first = min((paper.signed_on for paper in person.papers), default=None)
        known = {(form.family, key) for form in self.forms for key in form.statements}
        return codes(
            malformed=received_on > self.today
            or (first is not None and received_on < first)
            or (clause is not None and clause not in known)
        )

    def withdraw(
        self, person: Person, received_on: date, study: str | None, clause: tuple[str, str] | None, fate: str
    ) -> None:
        taken = TakenBack(self._next(), received_on, self.now, study, clause)
        person.taken_back.append(taken)
        for tube in self.tubes.values():
            if person.id not in tube.donors or tube.status in GONE:
                continue
            if clause is not None:
                self.narrow(tube)
            elif taken.covers(tube.study):
                tube.holds.add("withdrawal")
                self.let_go(tube)
                if fate == "destroy" and tube.status == "handed_out":
                    tube.recalled_for.add(person.id)
                elif fate == "destroy":
                    tube.to_destroy = True

    def let_go(self, tube: Tube) -> None:
        """Whoever asked for it does not get it."""

    def narrow(self, tube: Tube) -> None:
        """Whoever is promised it for what its donors no longer allow does not get it."""

    # --- what may be done with a tube

    def withdrawals(self, donors: Collection[int], study: str) -> list[TakenBack]:
        day = self.today_for(donors)
        found = [self.people[key].withdrawal(study, day) for key in donors]
        return [each for each in found if each is not None]

    def allows(self, tube: Tube, demand: Demand, at: datetime | None = None, *, held: bool = False) -> bool:
        """May it be used so now, and could it on the day it is said to have been? held: whatever holds it"""
        days = {self.today_for(tube.donors)} | ({day_of(at)} if at else set())
        donors = [self.people[key] for key in tube.donors]
        return (held or not tube.holds) and all(
            person.allows(demand, tube.study, day) for person in donors for day in days
        )

    def why_not_use(self, tubes: Iterable[Tube], demand: Demand, at: datetime | None, here: bool) -> set[str]:
        """here: the act needs the tube in hand."""
        wanted = list(tubes)
        return codes(
            act_not_possible=any(
                tube.status != "available" if here else tube.status in ("collected", "lost", "destroyed")
                for tube in wanted
            ),
            use_refused=any(not self.allows(tube, demand, at) for tube in wanted),
            happened_in_future=at is not None and minute(at) > self.now,
            happened_before_collection=any(surely_before(at, tube.drawn) for tube in wanted),
        )

    def why_not_collect(self, person: Person, study: str, drawn: datetime, received: bool) -> set[str]:
        return codes(
            preserving_refused=self.withdrawals({person.id}, study),
            collected_in_future=minute(drawn) > self.now,
            happened_before_collection=received and surely_before(self.now, drawn),
        )

    def why_not_receive(self, tube: Tube) -> set[str]:
        return codes(
            act_not_possible=tube.status != "collected",
            preserving_refused=self.withdrawals(tube.donors, tube.study),
            happened_before_collection=surely_before(self.now, tube.drawn),
        )

    def why_not_make(self, tube: Tube, amount: int | None, close: bool, at: datetime) -> set[str]:
        """Aliquots or derivatives that take `amount` together; None: nobody measured it."""
        left = None if tube.left is None else tube.left - (amount or 0)
        return codes(
            act_not_possible=tube.status != "available",
            preserving_refused=self.withdrawals(tube.donors, tube.study),
            nothing_asked=amount is not None and amount <= 0,
            quantity_unknown=amount is not None and tube.left is None,
            overdraw=amount is not None and tube.left is not None and amount > tube.free,
            part_is_reserved=close and left is not None and tube.reserved,
            happened_in_future=minute(at) > self.now,
            child_older_than_parent=surely_before(at, tube.drawn) or surely_before(at, tube.made),
        )

    def pour(self, tube: Tube, amount: int | None, close: bool = False) -> None:
        if tube.left is not None:
            tube.left -= amount or 0
            if close:
                tube.left = 0
        if close or (amount and tube.left == 0):
            tube.status = "depleted"

    def why_not_pool(self, tubes: Sequence[Tube], part: Mapping[int, int], demand: Demand) -> set[str]:
        donors = {key for tube in tubes for key in tube.donors}
        kinds = {tube.kind for tube in tubes if tube.kind}
        across = len(donors) > 1
        measured = [tube for tube in tubes if tube.id in part]
        whole = [tube for tube in tubes if tube.id not in part]
        return codes(
            pool_needs_two=len(tubes) < 2,
            pool_across_studies=len({tube.study for tube in tubes}) > 1,
            act_not_possible=any(tube.status != "available" for tube in tubes),
            preserving_refused=not across
            and any(self.withdrawals(tube.donors, tube.study) for tube in tubes),
            use_refused=across and any(not self.allows(tube, demand, self.now) for tube in tubes),
            happened_before_collection=across and any(surely_before(self.now, tube.drawn) for tube in tubes),
            pool_of_unlike_units=len(kinds) > 1,
            part_is_reserved=any(tube.reserved for tube in whole),
            nothing_asked=any(part[tube.id] <= 0 for tube in measured),
            quantity_unknown=any(tube.left is None for tube in measured),
            overdraw=any(tube.left is not None and part[tube.id] > tube.free for tube in measured),
            child_older_than_parent=any(
                surely_before(self.now, tube.drawn) or surely_before(self.now, tube.made) for tube in tubes
            ),
        )

    def why_not_be_anothers(self, tube: Tube, person: Person) -> set[str]:
        return codes(correct_the_first=tube.parents, nothing_to_correct=tube.donors == {person.id})

    def correct_donor(self, tube: Tube, person: Person) -> None:
        """It, and all that was made of it: donors are the union over the parents, whoever was found out."""
        before = {key: set(each.donors) for key, each in self.tubes.items()}
        draw = tube.draw
        tube.donors = {person.id}
        for each in sorted(self.tubes.values(), key=lambda each: each.id):
            if each.parents:
                each.donors = set().union(*(self.tubes[key].donors for key in each.parents))
        for each in self.tubes.values():
            if each.donors != before[each.id]:
                if each.draw == draw and draw is not None:
                    each.draw = (person.id, *draw[1:]) if each.donors == {person.id} else None
                gates = [gate for gate in self.withdrawals(each.donors, each.study) if gate.clause is None]
                each.taken_from |= before[each.id]
                if gates and each.status not in GONE:
                    each.holds.add("withdrawal")

    def family(self, tube: Tube) -> list[Tube]:
        """It, and all that was made of it."""
        keys = {tube.id}
        for each in sorted(self.tubes.values(), key=lambda each: each.id):
            if keys & set(each.parents):
                keys.add(each.id)
        return [self.tubes[key] for key in sorted(keys)]

    def was_anothers(self, tube: Tube) -> bool:
        """Was it, or what it was made of, taken away from somebody who took back everything, or all of a study?"""
        taken_back = [each for key in tube.taken_from for each in self.people[key].taken_back]
        if any(each.clause is None for each in taken_back):
            return True
        return any(self.was_anothers(self.tubes[key]) for key in tube.parents)

    def may_let_go(self, tube: Tube) -> bool:
        """May a second person end the hold that a withdrawal put, because it was another's?"""
        gates = [gate for gate in self.withdrawals(tube.donors, tube.study) if gate.clause is None]
        return not gates and self.was_anothers(tube)

    def why_not_let_go(self, tube: Tube) -> set[str]:
        if "withdrawal" not in tube.holds:
            return {"hold_not_open"}
        return codes(hold_of_withdrawal=not self.may_let_go(tube))

    def let_go_of_the_hold(self, tube: Tube) -> None:
        for each in self.family(tube):
            if self.may_let_go(each):
                each.holds.discard("withdrawal")

    # --- places

    def occupant(self, place: tuple[str, str]) -> Tube | None:
        return next((tube for tube in self.tubes.values() if tube.place == place), None)

    def why_not_place(self, tube: Tube, place: tuple[str, str]) -> set[str]:
        there = self.occupant(place)
        inside = place[1][0] in ROWS and int(place[1][1:]) in COLUMNS
        return codes(
            act_not_possible=tube.status != "available",
            position_outside=not inside,
            position_taken=there is not None and there is not tube,
        )

    def put(self, tube: Tube, place: tuple[str, str]) -> None:
        tube.place = tube.stood = place

    def why_not_put_back(self, tube: Tube) -> set[str]:
        if tube.stood is None or tube.place is not None:
            return codes(stood_nowhere=tube.stood is None, stands_already=tube.place is not None)
        return self.why_not_place(tube, tube.stood)

    def why_not_discard(self, tube: Tube, reason: str) -> set[str]:
        return codes(
            malformed=not reason.strip(),
            act_not_possible=tube.status in ("lost", "destroyed"),
            part_is_reserved=tube.reserved,
            destruction_takes_two=tube.to_destroy,
        )

    def end(self, tube: Tube, status: str) -> None:
        """Out of its place, and out of our hands."""
        tube.status, tube.place = status, None
