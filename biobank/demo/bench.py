"""What a day at the bench leaves behind: timers that run, a kit on its way, a rack to look at, a freezer that is being
emptied, something wrong, something missing."""

from datetime import timedelta

from sqlalchemy import select

from biobank.access import service as access
from biobank.access import stations
from biobank.bench import work
from biobank.consent import service as consent
from biobank.consent.models import ConsentForm
from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.times import When
from biobank.demo import plan
from biobank.demo.acting import DEMO, Acting, get
from biobank.moves import service as moves
from biobank.moves import stepping
from biobank.moves.models import MovePlan
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.printing import jobs, relabelling
from biobank.procedures import kits
from biobank.procedures import service as procedures
from biobank.procedures.models import CollectionKit
from biobank.quality import inventory
from biobank.quality import service as quality
from biobank.quality.models import Inventory, InventoryLine
from biobank.racks import scans
from biobank.samples import allotments, collection, steps
from biobank.samples.models import AllottedNumber, Sample
from biobank.storage import claims
from biobank.storage.models import Container, Placement
from biobank.storage.places import current
from biobank.studies.models import Study


def build(bank: Acting) -> None:
    """All of it, after the year before it."""
    _ways_of_working(bank)
    with clock.freeze(clock.now() - timedelta(hours=1)):
        _awaited_kit(bank)
        bank.do(_printed_ahead, bank=bank)
        _checked_box(bank)
        _leave_the_freezer(bank)
        _kept_places(bank)
        _session(bank)
        _read_rack(bank)
    for minutes_ago, tubes in plan.SPINS:
        with clock.freeze(clock.now() - timedelta(minutes=minutes_ago)):
            bank.do(_spin, bank=bank, tubes=tubes)


def _ways_of_working(bank: Acting) -> None:
    """A station, two procedures, the kit of a visit."""
    site = access.site_for(plan.SITES[0][0], DEMO)
    bank.do(stations.make_station, "administrator", site=site, name=plan.STATION)
    code, title, visit, tubes, procedure = plan.KIT
    with bank.at(60):
        for number, name, written in plan.PROCEDURES:
            bank.do(procedures.make, "manager", code=number, title=name, steps=written, site_id=bank.site)
        bank.do(kits.make_kit, "manager", code=code, title=title, visit=visit, tubes=tubes, procedure_code=procedure,
                study=get(Study, bank.studies[0]))  # fmt: skip


def _spin(by: Actor, bank: Acting, tubes: int) -> None:
    """Blood drawn twenty minutes ago, its labels printed, in the centrifuge since just now; one tube is haemolysed."""
    drawn = When.exactly(clock.now() - timedelta(minutes=20))
    samples = _tubes(bank, _patient(bank), [{"type": "WholeBlood"}] * tubes, drawn, receive=True)
    printed = jobs.order(codes=[tube.code for tube in samples], site_id=bank.site, by=by)
    jobs.show(jobs=printed, by=by)
    procedure = procedures.find_procedure(plan.PROCEDURES[0][0], by, bank.site)
    steps.start(samples=samples, procedure=procedure, step="spin", by=by)
    quality.record(sample=samples[0], code="haemolysis", stage="arrival", by=by)


def _awaited_kit(bank: Acting) -> None:
    """The tubes of a visit are drawn at the ward and on their way."""
    key = _patient(bank)
    now = When.exactly(clock.now())
    form = db.session.scalars(
        select(ConsentForm).where(ConsentForm.code == "BIOBANK", ConsentForm.version == "2026")
    )
    bank.do(consent.record_consent, patient=get(Patient, key), form=form.one(), answers=plan.ALL_YES,
            signed_on=times.local_day(clock.now(), clock.zone()))  # fmt: skip
    for told in plan.KIT[3]:
        _tubes(bank, key, [told] * told["count"], now, receive=False)


def _printed_ahead(by: Actor, bank: Acting) -> None:
    """Two kits for the ward, every tube with its label already; one label came back."""
    kit = db.session.scalars(select(CollectionKit).where(CollectionKit.code == plan.KIT[0])).one()
    made = allotments.allot(site_id=bank.site, kit=kit, sets=2, by=by)
    db.session.flush()
    jobs.show(jobs=relabelling.print_ahead(allotment=made, by=by), by=by)
    numbers = select(AllottedNumber.code).where(AllottedNumber.allotment_id == made.id)
    last = db.session.scalars(numbers.order_by(AllottedNumber.id.desc()).limit(1)).one()
    allotments.return_(numbers=[last], by=by)


def _patient(bank: Acting) -> int:
    key: int = bank.do(patients.enrol, site_id=bank.site, sex="female", birth_year=1961)
    return key


def _tubes(bank: Acting, patient: int, wanted: list[dict], drawn: When, *, receive: bool) -> list[Sample]:
    keys = [
        bank.do(collection.collect, patient=get(Patient, patient), study=get(Study, bank.studies[0]), type=each["type"],
                collected=drawn, quantity=("volume", 4_000_000), visit=plan.KIT[2], receive=receive)
        for each in wanted
    ]  # fmt: skip
    return [get(Sample, key) for key in keys]


def _checked_box(bank: Acting) -> None:
    """An inventory of a box, half way: one tube stands where it should, one is missing."""
    made = bank.do(inventory.open_inventory, container=_box(bank, "Plasma 2"), kind="random", count=5, seed=7)
    lines = inventory.waiting(get(Inventory, made))
    for stop, outcome in zip(lines, ("right", "missing"), strict=False):
        bank.do(inventory.mark, line=get(InventoryLine, stop.line.id), outcome=outcome)


def _leave_the_freezer(bank: Acting) -> None:
    """A freezer fails and is emptied: of its two racks, one has found its new place."""
    made = bank.do(
        moves.evacuate, "manager", container=_box(bank, plan.FAILING), why="Compressor noisy, −71 °C"
    )
    first = stepping.open_steps(get(MovePlan, made))[0]
    bank.do(stepping.ready, step=first)
    bank.do(stepping.confirm, step=first, scanned=stepping.thing_code(first))


def _kept_places(bank: Acting) -> None:
    """A hand is on the way to two places; at another one nothing may stand."""
    bank.do(claims.block, container=_box(bank, "DNA 1"), position="H12", why="Cell broken")
    bank.do(claims.reserve, container=_box(bank, "Plasma 3"), positions=["I08", "I09"], minutes=claims.MOST_MINUTES,
            why="For the visit of this afternoon")  # fmt: skip


def _session(bank: Acting) -> None:
    """Somebody put a tube into another box, at the station; that it stood elsewhere was asked, and confirmed."""
    tube = _standing(bank, "Plasma 1")[0][1]
    for number, raw in enumerate((_box(bank, "Plasma 3").code, tube, tube)):
        bank.do(work.heed, raw=raw, key=f"demo-{number}")
    session = work.current(bank.by["technician"])
    if session is not None:
        bank.do(work.close, session=session)


def _read_rack(bank: Acting) -> None:
    """A reader's file in which two tubes changed places and one is gone; nobody has carried it out."""
    standing = _standing(bank, "DNA 1")
    (one, first), (two, second), (gone, _third) = standing[:3]
    read = dict(standing) | {one: second, two: first, gone: "NO TUBE"}
    places = (f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13))
    content = "\n".join(f"{place},{read.get(place, 'NO TUBE')}" for place in places)
    bank.do(scans.keep, content=content.encode(), file_name="DNA-1.csv", source="upload",
            container=_box(bank, "DNA 1"))  # fmt: skip


def _box(bank: Acting, name: str) -> Container:
    return get(Container, bank.boxes[name])


def _standing(bank: Acting, box: str) -> list[tuple[str, str]]:
    """Position and number of what stands in a box, in order."""
    query = (
        select(Placement.position, Sample.code)
        .join(Sample, Sample.id == Placement.sample_id)
        .where(Placement.container_id == bank.boxes[box], current())
        .order_by(Placement.position)
    )
    return [(str(position), code) for position, code in db.session.execute(query)]
