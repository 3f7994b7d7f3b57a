"""What people do in the tests of a withdrawal, each in a unit of work of its own."""

from datetime import timedelta

from biobank.consent import rules as consent_rules
from biobank.consent import service as consent
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.times import When
from biobank.core.units import VOLUME
from biobank.patients import service as patients
from biobank.samples import gate, holds, making, processing
from biobank.samples.making import NewSample
from biobank.storage import destruction
from biobank.storage import service as storage
from biobank.withdrawal import reading as overviews
from biobank.withdrawal import service


def patient(world, code):
    return patients.find_patient(code, world.manager)


def withdraw(world, donor, scope="all", fate="keep", channel=None):
    return unit_of_work(
        lambda: service.withdraw(
            patient=patient(world, donor), scope=scope, received_on=clock.now().date(), fate=fate, channel=channel,
            by=world.technician,
        )
    )  # fmt: skip


def undo(act, world, donor, key, by, reason="The wrong person"):
    return unit_of_work(
        lambda: act(withdrawal=consent.find_withdrawal(patient(world, donor), key), reason=reason, by=by)
    )


def consents_again(world, donor, later=1, answer="granted", by=None):
    with clock.freeze(clock.now() + timedelta(minutes=later)):
        unit_of_work(
            lambda: consent.record_consent(
                patient=patient(world, donor), form=world.form(["HMB"]), signed_on=clock.now().date(),
                answers={"research": answer}, by=by or world.technician,
            )
        )  # fmt: skip


def pooled(world, *tubes):
    use = consent_rules.Use(
        act="pool_across_donors",
        purposes=consent_rules.parse_purposes(["HMB"]),
        genetic=False,
        commercial=False,
    )

    def work():
        made = processing.pool(
            samples=[world.sample(tube) for tube in tubes], type="Plasma", use=use, by=world.technician
        )
        return made.code

    return unit_of_work(work)


def lose(world, tube):
    unit_of_work(lambda: storage.lose(sample=world.sample(tube), by=world.technician))


def held(world, *tubes):
    ids = {world.sample(tube).id: tube for tube in tubes}
    db.session.rollback()
    return {ids[key] for key, found in holds.open_holds(list(ids)).items() if found}


def seen(world, donor, key):
    db.session.rollback()
    found = patient(world, donor)
    return overviews.overview(found, consent.find_withdrawal(found, key))


def destroy(world, tube, second):
    task = destruction.task_of
    unit_of_work(
        lambda: destruction.confirm(task=task(tube, world.technician), tube=tube, by=world.technician)
    )
    unit_of_work(lambda: destruction.witness(task=task(tube, second), tube=tube, by=second))


def made_of(world, tube, count):
    """So many aliquots of a tube, in a box of no places, all promised to requests but one in ten."""

    def work():
        mother = world.sample(tube)
        donors = sorted(gate.donors_of([mother.id])[mother.id])
        happened = When.exactly(clock.now())
        step = making.start("aliquot", world.site_id, happened=happened, by=world.technician)
        items = [
            NewSample(
                study_id=mother.study_id, type="Plasma", origin="aliquoted", donors=donors,
                collection_event_id=mother.collection_event_id, quantity=(VOLUME, 1000), parents=(mother,),
            )
            for _ in range(count)
        ]  # fmt: skip
        made = making.make_many(
            items,
            site_id=world.site_id,
            site_code="IPC",
            step=step,
            happened=happened,
            by=world.technician,
        )
        return [each.code for each in made]

    return unit_of_work(work)


def terms(**more):
    return {"genetic": False, "commercial": False, "country": "FR"} | more
