"""Fills an empty bank through the services, so that every row obeys every rule. The same bank each time: only its days
are counted back from the day of loading."""

import itertools
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from biobank.access import service as access
from biobank.access.models import User
from biobank.consent import service as consent
from biobank.consent.models import ConsentForm
from biobank.core import clock, times
from biobank.core.db import db, lock, unit_of_work
from biobank.core.errors import RuleViolation
from biobank.core.times import When
from biobank.demo import bench, plan
from biobank.demo.acting import DEMO, Acting, get
from biobank.distribution import service as distribution
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.requests import service as requests
from biobank.requests.models import Request
from biobank.samples import collection, correction, holds, processing
from biobank.samples.models import Sample, SampleDonor
from biobank.storage import destruction
from biobank.storage import service as storage
from biobank.storage.models import Container, DestructionTask
from biobank.studies import service as studies
from biobank.studies.models import Study
from biobank.withdrawal import service as withdrawal


def load() -> list[str]:
    """Fill the bank if it is empty. returns the lines to sign in with, or none when the bank is not the demonstration

    raises  nothing when the bank has people already: it is then left as it is
    """
    if db.session.scalar(select(func.count()).select_from(User)):
        known = db.session.scalar(select(User.name).where(User.name == plan.USERS[0], User.active))
        return sign_in_lines() if known else []
    _Bank(clock.now()).build()
    return sign_in_lines()


def sign_in_lines() -> list[str]:
    """Who may sign in to the demonstration bank, and how."""
    return [
        "This is the demonstration bank: nothing in it is real.",
        f"Sign in as {', '.join(plan.USERS[:-1])} or {plan.USERS[-1]}; the password is {plan.PASSWORD}",
    ]


class _Bank(Acting):
    """The bank while it is built."""

    def __init__(self, today: datetime) -> None:
        super().__init__(today.replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=1))
        self.random = random.Random(20387)  # noqa: S311  the same bank each time, not a secret
        self.plasma: list[int] = []
        self.colibri: list[int] = []

    def build(self) -> None:
        with self.at(300):
            self.people()
            self.house()
            self.first_form()
        with self.at(290):
            self.forms()
        for number in range(plan.PATIENTS):
            self.patient(number)
        for number, (form, told) in enumerate(plan.OTHER_BASES):
            self.other_basis(number, form, dict(told))
        self.trial_terms()
        self.other_site()
        self.events()
        for title, purposes, organisation, state in plan.REQUESTS:
            self.request(title, purposes, organisation, state)
        self.destroyed()
        self.asked_back()
        bench.build(self)

    def people(self) -> None:
        self.site = self.do(access.make_site, "demo", code=plan.SITES[0][0], name=plan.SITES[0][1])
        self.site2 = self.do(access.make_site, "demo", code=plan.SITES[1][0], name=plan.SITES[1][1])
        for name in plan.USERS:
            site = None if name == "administrator" else access.site_for(plan.SITES[0][0], DEMO)
            self.do(access.make_user, "demo", name=name, roles=[name], site=site, password=plan.PASSWORD)
            self.by[name] = self.actor(name)

    def house(self) -> None:
        self.studies = [
            self.do(studies.open_study, "manager", code=code, title=title, site_id=self.site)
            for code, title in plan.STUDIES
        ]
        for kind, name, parent, position in plan.CONTAINERS:
            self.boxes[name] = self.do(
                storage.make_container, "manager", site_id=self.site, kind=kind, name=name, position=position,
                parent=get(Container, self.boxes[parent]) if parent else None,
            )  # fmt: skip

    def form(
        self, code: str, version: str, title: str, clauses: Any, study: Study | None, kind: str = "consent"
    ) -> int:
        made: int = self.do(consent.make_form, "manager", site_id=self.site, code=code, version=version, title=title,
                            study=study, kind=kind, clauses=[_clause(each) for each in clauses])  # fmt: skip
        return made

    def first_form(self) -> None:
        self.form("BIOBANK", "2024", "Collection of the centre, first version", plan.CLAUSES[:2], None)

    def forms(self) -> None:
        trial = get(Study, self.studies[1])
        self.papers = {
            "BIOBANK": self.form("BIOBANK", "2026", "Collection of the centre", plan.CLAUSES, None),
            "COLIBRI": self.form("COLIBRI", "1.2", "Consent to the trial COLIBRI", plan.TRIAL_CLAUSES, trial),
            "INFORMATION": self.form(
                "INFORMATION", "2026", "Information on research", plan.NOTICE_CLAUSES, None, kind="notice"
            ),
        }

    def patient(self, number: int) -> None:
        """One patient: what they said, two tubes of blood, plasma and DNA made of them, all in their boxes."""
        days = 280 - number * 5.5
        said = plan.ANSWERS[number % len(plan.ANSWERS)]
        with self.at(days):
            key = self.do(patients.enrol, site_id=self.site, sex=("female", "male")[number % 2],
                          birth_year=1938 + (number * 7) % 50)  # fmt: skip
            paper = self.consent(key, said) if said else None
        with self.at(days - 0.1):
            unit_of_work(lambda: self.visit(key, number, said))
        if said and said[2]:
            with self.at(max(days - 20, 0.5)):
                self.afterwards(key, paper, said)

    def consent(self, key: int, said: tuple[str, dict[str, str], str]) -> int:
        form, answers, _after = said
        recorded: int = self.do(
            consent.record_consent, patient=get(Patient, key), form=get(ConsentForm, self.papers[form]),
            signed_on=times.local_day(clock.now(), clock.zone()), answers=answers,
        )  # fmt: skip
        return recorded

    def visit(self, key: int, number: int, said: Any) -> None:
        """Everything that is made of one draw, as one unit of work; so everything it touches is locked at its start."""
        consent.lock_patients([key])
        lock(Container, self.boxes.values())
        blood = self.draw(key, number, said)
        if blood is not None:
            self.process(blood, number)

    def draw(self, key: int, number: int, said: Any) -> int | None:
        """Whole blood at the ward an hour ago; now and then only the day is known, or the tube is still on its way."""
        study = self.studies[1] if said and said[0] == "COLIBRI" else self.studies[(number % 5 == 3) * 2]
        moment = clock.now() - timedelta(hours=1)
        collected = (
            When.on(times.local_day(moment, clock.zone()), clock.zone())
            if number % 9 == 4
            else When(moment, "minute")
        )
        on_its_way = number >= plan.PATIENTS - 2
        told: dict[str, Any] = {"patient": get(Patient, key), "study": get(Study, study), "type": "WholeBlood",
                "collected": collected, "visit": "inclusion"}  # fmt: skip
        tube: int = self.do(
            collection.collect, quantity=("volume", 4_000_000), receive=not on_its_way, **told
        )
        if number % 6 == 0:
            block = self.do(collection.collect, **told | {"type": "TissueFixed", "vessel": "block"})
            self.put(block, "Block cabinet")
        return None if on_its_way else tube

    def process(self, blood: int, number: int) -> None:
        """Spin, plasma in aliquots, DNA in micrograms."""
        (plasma,) = self.do(processing.derive, sample=get(Sample, blood), type="Plasma", drawn=3_600_000,
                            quantity=("volume", 1_900_000))  # fmt: skip
        count = 3 + number % 3
        printed = [f"FX{5_650_000 + number * 10 + place:08d}" for place in range(count)]
        vials = self.do(processing.aliquot, sample=get(Sample, plasma), count=count, amount=380_000,
                        close_parent=True, container_codes=printed)  # fmt: skip
        box = f"Plasma {1 + (number * 5) // 85}" if number < 45 else "Plasma 3"
        for vial in vials:
            self.put(vial, box)
        self.plasma += vials[:1]
        if number % 2 == 0:
            (dna,) = self.do(
                processing.derive,
                sample=get(Sample, blood),
                type="DNA",
                quantity=("mass", 3_060 * (1 + number % 4)),
            )
            self.put(dna, "DNA 1")
        if number % 4 == 1:
            (cells,) = self.do(processing.derive, sample=get(Sample, blood), type="PBMC",
                               quantity=("cells", 5_000_000))  # fmt: skip
            self.put(cells, "PBMC 1")
        self.put(blood, "Blood 1")

    def other_basis(self, number: int, form: str, told: dict[str, Any]) -> None:
        """Somebody who did not sign for themselves, and a tube of serum."""
        with self.at(120 - number):
            key = self.do(patients.enrol, site_id=self.site, sex="female", birth_year=1950 + number)
            today = times.local_day(clock.now(), clock.zone())
            if days := told.pop("of_age", None):
                told["of_age_on"] = today + timedelta(days=days)
            paper = get(ConsentForm, self.papers[form])
            answers = {clause.key: "granted" for clause in paper.clauses}
            self.do(consent.record_consent, patient=get(Patient, key), form=paper, signed_on=today, answers=answers,
                    **told)  # fmt: skip
            serum = self.do(
                collection.collect, patient=get(Patient, key), study=get(Study, self.studies[0]), type="Serum",
                collected=When(clock.now() - timedelta(hours=1), "minute"), quantity=("volume", 900_000),
            )  # fmt: skip
            self.put(serum, f"Serum {1 + number % 2}")

    def trial_terms(self) -> None:
        with self.at(90):
            last = times.local_day(clock.now(), clock.zone()) + timedelta(days=365 * plan.TRIAL_YEARS)
            self.do(studies.set_terms, "manager", study=get(Study, self.studies[1]), reserved=False, closed_on=None,
                    keep_until=last, reason="The protocol keeps samples for fifteen years.")  # fmt: skip

    def afterwards(self, key: int, paper: int | None, said: tuple[str, dict[str, str], str]) -> None:
        form, answers, after = said
        patient, today = get(Patient, key), times.local_day(clock.now(), clock.zone())
        if after == "withdraw all":
            self.do(
                withdrawal.withdraw, "dpo", patient=patient, scope="all", received_on=today, fate="destroy"
            )
        elif after == "withdraw companies":
            scope = {"form": form, "clause": "companies"}
            self.do(withdrawal.withdraw, "dpo", patient=patient, scope=scope, received_on=today, fate="keep")
        else:
            paper_signed = get(ConsentForm, self.papers[form])
            self.do(consent.record_consent, patient=patient, form=paper_signed, signed_on=today, corrects=paper,
                    answers=answers | {"companies": "granted"}, reason="The box was read wrongly.")  # fmt: skip

    def other_site(self) -> None:
        """A little of another site, which nobody of the first can see."""
        with self.at(100):
            study = self.do(
                studies.open_study, "demo", site_id=self.site2, code="SUD-1", title="Collection of the South"
            )
            for _ in range(3):
                key = self.do(patients.enrol, "demo", site_id=self.site2, sex="female", birth_year=1961)
                self.do(collection.collect, "demo", patient=get(Patient, key), study=get(Study, study), type="Serum",
                        collected=When.exactly(clock.now()), quantity=("volume", 900_000))  # fmt: skip

    def events(self) -> None:
        """What goes wrong in a year."""
        vials = itertools.islice(reversed(self.plasma), 6)
        held, quarantined, lost, discarded, mistyped, taken_out = (get(Sample, key) for key in vials)
        with self.at(9):
            self.do(holds.hold, sample=held, code="non_conformity", note="Haemolysis seen at aliquoting")
            self.do(holds.hold, sample=quarantined, code="quarantine", note="Freezer door found open")
            self.do(storage.lose, sample=lost, reason="Not at its position at the inventory")
            self.do(storage.discard, sample=discarded, reason="Tube cracked when thawed")
            self.do(
                correction.wrong_type, "manager", sample=mistyped, type="Serum", reason="Red cap, not purple"
            )
        with self.at(0.2):
            self.do(storage.take_out, sample=taken_out, why="taken_out")

    def destroyed(self) -> None:
        """Of the first who wanted it, everything is destroyed: one has each tube in hand, another sees it done."""
        with self.at(2):
            tasks = destruction.list_open(DEMO).items
            first = [task for task in tasks if task.withdrawal_id == tasks[0].withdrawal_id]
            for task in first:
                tube = get(Sample, task.sample_id).code
                self.do(destruction.confirm, "technician", task=get(DestructionTask, task.id), tube=tube)
                self.do(destruction.witness, "manager", task=get(DestructionTask, task.id), tube=tube)

    def asked_back(self) -> None:
        """Somebody whose tube was handed out withdraws: the laboratory gets a letter, the link waits to be broken."""
        query = (
            select(SampleDonor.patient_id)
            .join(Sample, Sample.id == SampleDonor.sample_id)
            .where(Sample.status == "handed_out")
            .order_by(Sample.id)
        )
        patient = get(Patient, db.session.scalars(query.limit(1)).one())
        with self.at(0.4):
            today = times.local_day(clock.now(), clock.zone())
            self.do(withdrawal.withdraw, "dpo", patient=patient, scope="all", received_on=today, fate="anonymise",
                    channel="post")  # fmt: skip

    def request(self, title: str, purposes: list[str], organisation: str, state: str) -> None:
        """A request, carried as far as its state says."""
        ages = {"completed": 60, "picked": 4, "approved": 3, "refused": 30}
        wanted = [get(Sample, key).code for key in self.random.sample(self.plasma[:-6], 5)]
        with self.at(ages.get(state, 1)):
            key = self.do(requests.draft, "researcher", site_id=self.site, title=title, purposes=purposes,
                          organisation=organisation, commercial=organisation == "for-profit", genetic=False,
                          country="FR", institution="University hospital", flags=plan.FLAGS.get(title, ()))  # fmt: skip
            self.step(requests.add_samples, "researcher", key, samples=wanted)
            if state == "draft":
                return
            self.step(requests.submit, "researcher", key)
            if state == "submitted":
                return
            if state == "refused":
                self.step(
                    requests.refuse,
                    "committee",
                    key,
                    reason="No collection of ours was made for this purpose.",
                )
                return
            self.step(requests.approve, "manager", key)
            if state == "approved":
                return
            for stop in distribution.pick_list(get(Request, key)):
                self.step(distribution.pick, "technician", key, sample_code=stop.sample.code)
                if state == "picked":
                    return
            self.step(distribution.hand_out, "technician", key, to="Laboratory of the University hospital")

    def step(self, act: Callable[..., Any], role: str, key: int, **told: Any) -> None:
        try:
            self.do(act, role, request=get(Request, key), **told)
        except RuleViolation:
            if act is not requests.approve:  # a request of which nothing may be given stays as it was sent
                raise


def _clause(told: Any) -> dict[str, Any]:
    return {"required": False, "if_granted": [], "if_refused": [], **told}
