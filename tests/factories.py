"""Makes what a test is not about. Everything goes through the services, so that every row obeys every rule.

A factory gives the row, made in a unit of work of its own: `SampleFactory(volume_ul=200)`. Only what matters to a test
is said there.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import factory

from biobank.access.models import Site
from biobank.consent import service as consent
from biobank.consent.models import Consent, ConsentForm
from biobank.core import clock
from biobank.core.actor import job
from biobank.core.db import db, unit_of_work
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.samples import collection
from biobank.samples.models import Sample
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.studies import service as studies
from biobank.studies.models import Study
from tests import people

BY = job("tests")


def fresh(row: Any) -> Any:
    """The row as it stands in the database now."""
    db.session.rollback()
    return db.session.get_one(type(row), row.id, populate_existing=True)


def act(service: Any, **told: Any) -> Any:
    """One act in a unit of work of its own, by somebody who may do everything."""
    return unit_of_work(lambda: service(**{"by": BY} | told))


class ByService(factory.Factory):
    """Hands what was told to `make` in a unit of work."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **told: Any) -> Any:
        made = unit_of_work(lambda: cls.make(**told))
        return db.session.get_one(model_class, made.id)

    @classmethod
    def make(cls, **told: Any) -> Any:
        raise NotImplementedError


class SiteFactory(factory.Factory):
    class Meta:
        model = Site

    code = "IPC"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, code: str, **told: Any) -> Site:
        return people.site(code)


class StudyFactory(ByService):
    class Meta:
        model = Study

    code = factory.Sequence(lambda n: f"STUDY-{n}")
    title = "A study"
    site = factory.SubFactory(SiteFactory)

    @classmethod
    def make(cls, **told: Any) -> Study:
        return studies.open_study(code=told["code"], title=told["title"], site_id=told["site"].id, by=BY)


class PatientFactory(ByService):
    class Meta:
        model = Patient

    code = factory.Sequence(lambda n: f"PAT-{n}")
    site = factory.SubFactory(SiteFactory)
    sex = "female"
    birth_year = 1958

    @classmethod
    def make(cls, **told: Any) -> Patient:
        site = told.pop("site")
        return patients.enrol(site_id=site.id, by=BY, **told)


class FormFactory(ByService):
    """A form in force that covers every study of the site: `granted` terms for one required clause."""

    class Meta:
        model = ConsentForm

    code = factory.Sequence(lambda n: f"FORM-{n}")
    version = "1"
    site = factory.SubFactory(SiteFactory)
    study = None
    clauses = factory.LazyFunction(
        lambda: [
            {
                "key": "research",
                "text": "Research",
                "required": True,
                "if_granted": ["HMB"],
                "if_refused": [],
            },
            {
                "key": "company",
                "text": "Companies",
                "required": False,
                "if_granted": [],
                "if_refused": ["NPU"],
            },
        ]
    )

    @classmethod
    def make(cls, **told: Any) -> ConsentForm:
        site = told.pop("site")
        return consent.make_form(site_id=site.id, title="A form", by=BY, **told)


class ConsentFactory(ByService):
    class Meta:
        model = Consent

    patient = factory.SubFactory(PatientFactory)
    form = factory.SubFactory(FormFactory)
    signed_on = factory.LazyFunction(lambda: clock.now().date())
    answers = factory.LazyFunction(lambda: {"research": "granted", "company": "granted"})

    @classmethod
    def make(cls, **told: Any) -> Consent:
        return consent.record_consent(by=BY, **told)


class SampleFactory(ByService):
    """A tube of plasma in the bank's hands, drawn an hour ago; its donor consented unless `consented=False`."""

    class Meta:
        model = Sample

    class Params:
        consented = True
        volume_ul = 1000

    patient = factory.Maybe(
        "consented",
        factory.LazyAttribute(lambda _: ConsentFactory().patient),
        factory.LazyAttribute(lambda _: PatientFactory()),
    )
    study = factory.SubFactory(StudyFactory)
    type = "Plasma"
    collected = factory.LazyFunction(lambda: When.exactly(clock.now() - timedelta(hours=1)))
    quantity = factory.LazyAttribute(
        lambda told: None if told.volume_ul is None else ("volume", int(told.volume_ul * 1000))
    )

    @classmethod
    def make(cls, **told: Any) -> Sample:
        return collection.collect(by=BY, **told)


class ContainerFactory(ByService):
    class Meta:
        model = Container

    kind = "tube_box_9x9"
    name = factory.Sequence(lambda n: f"Box {n}")
    site = factory.SubFactory(SiteFactory)

    @classmethod
    def make(cls, **told: Any) -> Container:
        site = told.pop("site")
        return storage.make_container(site_id=site.id, by=BY, **told)


def withdraw(
    patient: Patient, scope: Any = "all", received_on: date | None = None, fate: str = "keep"
) -> dict[str, Any]:
    """The patient takes back; the whole journey."""
    from biobank.withdrawal import service as withdrawal

    day = received_on or datetime.now(UTC).date()
    return act(withdrawal.withdraw, patient=patient, scope=scope, received_on=day, fate=fate)
