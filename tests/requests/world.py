"""A small biobank for tests of requests: donors who agreed, tubes in a box, who asks for them and who answers."""

import contextvars
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Flask
from sqlalchemy import event

from biobank.access import recognition
from biobank.access import service as access
from biobank.access.models import User
from biobank.consent import service as consent
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db, unit_of_work
from biobank.core.times import When
from biobank.distribution import service as distribution
from biobank.patients import service as patients
from biobank.requests import service as requests
from biobank.requests.models import Request
from biobank.samples import collection
from biobank.samples.models import Sample
from biobank.storage import service as storage
from biobank.studies import service as studies
from tests import people

#: What the donors agree to unless a test says otherwise: health research by anybody.
AGREED = ["HMB"]
_numbers = itertools.count(1)


@dataclass
class World:
    """Makes things, each in a unit of work of its own, and gives back codes, which outlive any session."""

    site_id: int
    researcher: Actor
    manager: Actor
    technician: Actor
    box: str
    free: itertools.count = field(default_factory=lambda: itertools.count(1))

    def do(self, act: Callable[..., Any], **arguments: Any) -> Any:
        """One act in a unit of work of its own."""
        return unit_of_work(lambda: act(**arguments))

    def donor(self, terms: list[str] | None = None, *, consents: bool = True) -> str:
        """A patient, who agreed to these terms. returns the pseudonym"""
        agreed = AGREED if terms is None else terms

        def work() -> str:
            patient = patients.enrol(site_id=self.site_id, by=self.technician)
            if consents:
                form = self.form(agreed)
                consent.record_consent(
                    patient=patient, form=form, signed_on=date(2012, 1, 10), answers={"research": "granted"},
                    by=self.technician,
                )  # fmt: skip
            return patient.code

        return unit_of_work(work)

    def form(self, terms: list[str]) -> Any:
        """A form whose one clause gives these terms, made when first asked for."""
        code = "F-" + "-".join(terms).replace(":", "")
        clause = {
            "key": "research",
            "text": "Research",
            "required": True,
            "if_granted": terms,
            "if_refused": [],
        }
        try:
            return consent.find_form(code, "1", self.manager)
        except Exception:
            return consent.make_form(
                site_id=self.site_id, code=code, version="1", title="Research", study=None, clauses=[clause],
                by=self.manager,
            )  # fmt: skip

    def tube(self, donor: str | None = None, *, volume_ul: int | None = 500, placed: bool = True) -> str:
        """A tube of a donor (a new one who agreed, unless given), standing in the box. returns its number"""
        pseudonym = donor or self.donor()

        def work() -> str:
            sample = collection.collect(
                patient=patients.find_patient(pseudonym, self.technician),
                study=studies.find_study("STUDY", self.technician),
                type="Plasma",
                collected=When.on(date(2012, 3, 1)),
                quantity=("volume", volume_ul * 1000) if volume_ul is not None else None,
                by=self.technician,
            )
            if placed:
                box = storage.find_container(self.box, self.technician)
                storage.put(container=box, sample=sample, next_free=True, by=self.technician)
            return sample.code

        return unit_of_work(work)

    def withdraw(self, donor: str, *, samples: list[str] = ()) -> list[dict[str, str]]:
        """The donor takes everything back; what stands in requests is let go in the same unit, as the journey does."""

        def work() -> list[dict[str, str]]:
            patient = patients.find_patient(donor, self.technician)
            consent.record_withdrawal(
                patient=patient, scope="all", received_on=clock.now().date(), fate="keep", by=self.technician
            )
            keys = [self.sample(code).id for code in samples]
            return distribution.release_for_withdrawal(keys, by=self.technician)

        return unit_of_work(work)

    def draft(self, *samples: str, by: Actor | None = None, **terms: Any) -> str:
        """A draft of the researcher. returns its number"""
        who = by or self.researcher

        def work() -> str:
            given = {"title": "Plasma proteins", "purposes": ["HMB"], "organisation": "non-profit"} | terms
            request = requests.draft(site_id=self.site_id, by=who, **given)
            if samples:
                requests.add_samples(request=request, samples=samples, by=who)
            return request.code

        return unit_of_work(work)

    def submitted(self, *samples: str, **terms: Any) -> str:
        code = self.draft(*samples, **terms)
        self.act(requests.submit, code, self.researcher)
        return code

    def approved(self, *samples: str, **terms: Any) -> str:
        code = self.submitted(*samples, **terms)
        self.act(requests.approve, code, self.manager)
        return code

    def picked(self, *samples: str, **terms: Any) -> str:
        code = self.approved(*samples, **terms)
        for sample in samples:
            self.pick(code, sample)
        return code

    def act(self, act: Callable[..., Any], request: str, by: Actor, **arguments: Any) -> Any:
        """One act on a request, found by its number, in a unit of its own."""
        return unit_of_work(lambda: act(request=requests.find_request(request, by), by=by, **arguments))

    def pick(self, request: str, sample: str) -> Any:
        return self.act(distribution.pick, request, self.technician, sample_code=sample)

    def hand_out(self, request: str, to: str = "Dr Recipient") -> Any:
        return self.act(distribution.hand_out, request, self.technician, to=to)

    def request(self, code: str) -> Request:
        db.session.rollback()
        return requests.find_request(code, self.manager)

    def sample(self, code: str) -> Sample:
        found = db.session.scalar(db.select(Sample).where(Sample.code == code))
        assert found is not None
        return found

    def fresh_sample(self, code: str) -> Sample:
        db.session.rollback()
        return self.sample(code)

    def lines(self, code: str) -> dict[str, str]:
        """Sample -> the status of its line."""
        return {each.sample.code: each.line.status for each in requests.asked_of(self.request(code))}

    def reasons(self, code: str, sample: str) -> list[str]:
        """The codes of the reasons of one line."""
        asked = requests.asked_of(self.request(code))
        (line,) = [each.line for each in asked if each.sample.code == sample]
        return [reason["code"] for reason in line.reasons]


def make_world(site: str = "IPC") -> World:
    """A site with its people, a study, and an empty box in a freezer."""
    site_id = people.site(site).id
    manager, technician = people.actor("manager", site_code=site), people.actor("technician", site_code=site)
    researcher = person("researcher", site=site)

    def work() -> str:
        studies.open_study(code="STUDY", title="A study", site_id=site_id, by=manager)
        freezer = storage.make_container(
            site_id=site_id, kind="freezer_minus80", name="Freezer 3", by=manager
        )
        rack = storage.make_container(
            site_id=site_id, kind="drawer_rack", name="Rack 2", parent=freezer, position="01", by=manager
        )
        box = storage.make_container(
            site_id=site_id, kind="tube_box_9x9", name="Box 12", parent=rack, position="01", by=manager
        )
        return box.code

    return World(site_id, researcher, manager, technician, unit_of_work(work))


def person(*roles: str, site: str = "IPC", email: str | None = None, language: str | None = None) -> Actor:
    """Somebody with these roles, and an address where a test needs one."""

    def work() -> User:
        where = access.site_for(site, people.TESTS)
        return access.make_user(
            name=f"{roles[0]}-{next(_numbers)}-{site}".lower(), roles=roles, site=where, email=email,
            language=language, by=people.TESTS,
        )  # fmt: skip

    user = unit_of_work(work)
    found = recognition.of_session(user.fs_uniquifier)
    assert found is not None
    return recognition.actor(found, f"session:{found.id}")


def token_of(by: Actor) -> str:
    """A key for a program that acts as this person."""
    return unit_of_work(
        lambda: access.make_token(user=db.session.get_one(User, by.user_id), name="tests", by=people.TESTS)
    )


def api_of(app: Flask, by: Actor) -> people.Api:
    """A program that acts as this person."""
    return Program(app, token_of(by))


def browser_of(app: Flask, by: Actor) -> people.Browser:
    """The browser of this person, signed in."""
    return Alone(app, db.session.get_one(User, by.user_id).fs_uniquifier)


def outside(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a request as the server would: without the app context that the test itself works in."""
    return contextvars.Context().run(work, *args, **kwargs)


class Program(people.Api):
    """Calls the API from outside the test's context."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return outside(super().open, *args, **kwargs)


class Alone(people.Browser):
    """Opens pages from outside the test's context."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return outside(super().get, *args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        return outside(super().post, *args, **kwargs)


class Statements:
    """What is sent to the database while the block lasts."""

    def __enter__(self) -> list[str]:
        self.sent: list[str] = []
        event.listen(db.engine, "before_cursor_execute", self._note)
        return self.sent

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.sent.append(statement)

    def __exit__(self, *_error: object) -> None:
        event.remove(db.engine, "before_cursor_execute", self._note)
