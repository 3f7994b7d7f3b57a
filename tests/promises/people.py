"""Steps that concern people: they are asked, they answer, they take back; and time, which passes, and may go back."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from biobank.consent import service as consent
from biobank.core.db import db
from biobank.core.times import When
from biobank.patients.models import Patient
from biobank.withdrawal import service as withdrawal
from tests.promises.consent import Person
from tests.promises.walking import NUMBERS, STATEMENTS, Walker, step

MOST_PEOPLE, MOST_FORMS = 8, 7
KEYS = st.lists(st.sampled_from(sorted(STATEMENTS)), unique=True)
YES = st.sets(st.sampled_from(["research", *sorted(STATEMENTS)]))
FATES = st.sampled_from(["keep", "destroy"])
#: Some are still to come.
DAYS_AGO = st.sampled_from([0, 0, 0, 0, 0, 1, 2, -1])


class People(Walker):
    """Patients and their consents."""

    def ago(self, minutes: int) -> When | None:
        """None: now, and not said."""
        return When.exactly(self.moment(minutes)) if minutes else None

    def moment(self, minutes: int) -> datetime:
        return self.bank.now - timedelta(minutes=minutes)

    @step("time", times=2, minutes=st.sampled_from([1, 30, 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.bank.now += timedelta(minutes=minutes)

    @step("time", minutes=st.sampled_from([1, 90, 14 * 60]))
    def the_clock_goes_back(self, minutes: int) -> None:
        self.bank.now -= timedelta(minutes=minutes)

    @step("people")
    def somebody_is_enrolled(self) -> None:
        if len(self.bank.people) < MOST_PEOPLE:
            self.act("enrol", set(), self.enrol)

    @step(
        "people", own=st.booleans(), gives=st.sampled_from(["GRU", "HMB", "DS:C50"]), keys=KEYS, again=NUMBERS
    )
    def a_form_is_renewed(self, own: bool, gives: str, keys: list[str], again: int) -> None:
        if len(self.bank.forms) > MOST_FORMS:
            return
        family, study = ("OWN", "TWO") if own else ("MAIN", None)
        known = [form.version for form in self.bank.forms if form.family == family]
        taken = known[0] if known and again % 8 == 0 else ""
        self.act(
            "renew form", {"form_version_taken"} if taken else set(),
            lambda: self.make_form(family, study, gives, keys, taken),
        )  # fmt: skip

    @step("people", times=6, who=NUMBERS, which=NUMBERS, yes=YES, blank=st.booleans(), days=DAYS_AGO)
    def somebody_answers(self, who: int, which: int, yes: set[str], blank: bool, days: int) -> None:
        self._sign(self.person(who), which, yes | {"research"} if which % 4 else yes, blank, days, None)

    @step("people", times=2, who=NUMBERS, which=NUMBERS, yes=YES, days=DAYS_AGO)
    def an_answer_is_corrected(self, who: int, which: int, yes: set[str], days: int) -> None:
        signers = [person for person in self.bank.people.values() if person.papers]
        if not signers:
            return
        person = signers[who % len(signers)]
        self._sign(person, which, yes, False, days, which % len(person.papers))

    def _sign(
        self, person: Person, which: int, yes: set[str], blank: bool, days: int, paper: int | None
    ) -> None:
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

    @step(
        "people",
        times=2,
        who=NUMBERS,
        how=st.integers(0, 5),
        what=NUMBERS,
        days=DAYS_AGO,
        fate=st.sampled_from(["keep", "destroy"]),
    )
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
            self.bank.withdraw(person, received_on, study, clause, fate)
