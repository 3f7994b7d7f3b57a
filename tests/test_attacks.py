"""Ways round the three promises that somebody may try: plain SQL on a stranger's connection, and acts in an order or at
a time that nobody would think of."""

import os
import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import insert

from biobank.consent import rules as consent_rules
from biobank.consent import service as consent
from biobank.consent.models import Consent
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import NotFound, RuleViolation
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.samples import correction, gate, holds, processing, releasing, uses
from biobank.samples.models import SampleUse
from biobank.storage import service as storage
from biobank.studies import service as studies
from biobank.withdrawal import service as withdrawal
from tests import people
from tests.conftest import NOON
from tests.guarded import Stranger, a_use, decision
from tests.requests.world import World, make_world

RESEARCH = consent_rules.Use(
    act="", purposes=consent_rules.parse_purposes(["HMB"]), organisation="non-profit", genetic=False
)


@pytest.fixture
def world(app_context, frozen_clock) -> World:
    return make_world()


@pytest.fixture
def bare(database_uri: str):
    stranger = Stranger(database_uri)
    yield stranger
    stranger.close()


def patient(world: World, donor: str):
    return patients.find_patient(donor, world.manager)


def take_back(world: World, donor: str, scope="all") -> None:
    unit_of_work(
        lambda: withdrawal.withdraw(
            patient=patient(world, donor),
            scope=scope,
            received_on=clock.now().date(),
            fate="keep",
            by=world.manager,
        )
    )


def use(world: World, tube: str, at: When | None = None, act: str = "analyse") -> list[int]:
    return unit_of_work(
        lambda: [
            one.id for one in uses.use([world.sample(tube)], RESEARCH, act=act, by=world.technician, at=at)
        ]
    )


def to_another(world: World, tube: str, donor: str) -> list[str]:
    return unit_of_work(
        lambda: [
            changed.code
            for changed in correction.wrong_patient(
                sample=world.sample(tube), patient=patient(world, donor), reason="mixed up", by=world.manager
            )
        ]
    )


def open_holds(world: World, tube: str) -> list[str]:
    key = world.fresh_sample(tube).id
    return [hold.code for hold in holds.open_holds([key]).get(key, [])]


# --- on a stranger's connection


class Keys:
    """What a stranger finds in a bank that has been worked in."""

    def __init__(self, world: World) -> None:
        clauses = [
            {"key": "research", "text": "…", "required": True, "if_granted": ["HMB"]},
            {"key": "more", "text": "…", "if_granted": ["GRU"]},
        ]
        told = {
            "site_id": world.site_id,
            "by": world.manager,
            "study": None,
            "title": "F",
            "clauses": clauses,
        }
        unit_of_work(lambda: consent.make_form(code="BLANK", version="1", **told))
        unit_of_work(
            lambda: studies.open_study(code="OTHER", title="O", site_id=world.site_id, by=world.manager)
        )
        self.donor, self.other, self.withdrawn = world.donor(consents=False), world.donor(), world.donor()
        self.consent = unit_of_work(lambda: self._sign(world).id)
        self.tube, self.others = world.tube(self.donor, volume_ul=500), world.tube(self.other)
        self.taken_back = world.tube(self.withdrawn)
        self.destroyed = world.tube(self.donor)
        unit_of_work(
            lambda: storage.discard(sample=world.sample(self.destroyed), reason="broken", by=world.technician)
        )
        take_back(world, self.withdrawn, {"study": "STUDY"})

    def _sign(self, world: World) -> Consent:
        return consent.record_consent(
            patient=patient(world, self.donor), form=consent.find_form("BLANK", "1", world.manager),
            signed_on=date(2012, 3, 1), answers={"research": "granted"}, by=world.manager,
        )  # fmt: skip


@pytest.fixture
def keys(world: World) -> Keys:
    return Keys(world)


def id_of(bare: Stranger, table: str, code: str) -> int:
    return int(bare.ask(f"SELECT id FROM {table} WHERE code = '{code}'")[0][0])


def permit(bare: Stranger, sample_id: int, **changes) -> str:
    """Try to write a permit by hand. returns the refusal"""
    last = bare.ask("SELECT max(id) FROM consent_event")[0][0]
    row = decision(900, sample_id=sample_id, **({"consent_event_id": last} | changes))
    return refusal(bare, "decision", row)


def refusal(bare: Stranger, table: str, row: dict) -> str:
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(str(value) if isinstance(value, int) else f"'{value}'" for value in row.values())
    return bare.refusal(f'INSERT INTO "{table}" ({names}) VALUES ({values})')


def test_a_blank_is_not_answered_afterwards(bare, keys):
    (clause,) = bare.ask("SELECT id FROM clause WHERE key = 'more'")[0]

    said = bare.refusal(f"INSERT INTO consent_answer VALUES ({keys.consent}, {clause}, 'granted')")

    assert "given with their consent" in said


@pytest.mark.parametrize("table", ["sample_donor", "sample_parent"])
def test_nobody_is_added_to_a_tube_that_stands_in_the_record(bare, keys, table):
    tube, other = id_of(bare, "sample", keys.tube), id_of(bare, "sample", keys.others)
    added = id_of(bare, "patient", keys.other) if table == "sample_donor" else other

    assert bare.refusal(f"INSERT INTO {table} VALUES ({tube}, {added})")


def test_a_tube_is_not_moved_to_a_study_with_better_consent(bare, keys):
    assert bare.refusal(
        f"UPDATE sample SET study_id = {id_of(bare, 'study', 'OTHER')} WHERE code = '{keys.tube}'"
    )


def test_a_ledger_is_not_drawn_below_nothing(bare, keys):
    row = {
        "id": 900,
        "sample_id": id_of(bare, "sample", keys.tube),
        "act": "aliquot",
        "recorded_at": NOON,
        "actor_key": "k",
    }

    assert "more is drawn" in refusal(bare, "quantity_entry", row | {"amount": -500_001})
    assert refusal(bare, "quantity_entry", row | {"amount": -500_000}) == ""


def test_a_permit_does_not_claim_to_know_what_is_not_said_yet(bare, keys):
    tube = id_of(bare, "sample", keys.tube)

    assert "not said yet" in permit(bare, tube, consent_event_id=10**6)
    assert permit(bare, tube) == ""


def test_no_permit_is_written_for_a_study_that_was_taken_back(bare, keys):
    assert "has withdrawn" in permit(bare, id_of(bare, "sample", keys.taken_back))


def test_a_clerks_correction_is_no_new_consent(world, bare, keys):
    take_back(world, keys.donor)
    unit_of_work(
        lambda: consent.record_consent(
            patient=patient(world, keys.donor), form=consent.find_form("BLANK", "1", world.manager), by=world.manager,
            signed_on=date(2012, 3, 2), answers={"research": "granted"}, corrects=keys.consent, reason="misread",
        )
    )  # fmt: skip

    assert "has withdrawn" in permit(bare, id_of(bare, "sample", keys.tube))


def test_an_old_permit_does_not_open_a_tube_that_was_given_to_somebody_who_was_never_asked(world, bare, keys):
    tube, silent = id_of(bare, "sample", keys.tube), id_of(bare, "patient", world.donor(consents=False))
    assert permit(bare, tube) == ""
    old, new = (
        bare.ask(f"SELECT subject_key FROM patient WHERE id = {key}")[0][0]
        for key in (id_of(bare, "patient", keys.donor), silent)
    )
    bare.insert("sample_correction", id=900, sample_id=tube, what="patient", old=old, new=new, reason="r",
                recorded_at=NOON, actor_key="k")  # fmt: skip
    bare.say(f"UPDATE sample_donor SET patient_id = {silent} WHERE sample_id = {tube}")

    assert "without any recorded consent" in refusal(bare, "sample_use", a_use(900, sample_id=tube))


def test_a_correction_moves_a_tube_to_the_patient_it_names_and_to_nobody_else(world, bare, keys):
    to_another(world, keys.tube, keys.other)
    tube, third = id_of(bare, "sample", keys.tube), id_of(bare, "patient", keys.withdrawn)
    first, other_tube = id_of(bare, "patient", keys.donor), id_of(bare, "sample", keys.others)

    for change in (f"patient_id = {third}", f"patient_id = {first}", f"sample_id = {other_tube}"):
        assert "recorded correction" in bare.refusal(
            f"UPDATE sample_donor SET {change} WHERE sample_id = {tube}"
        )
    assert "recorded correction" in bare.refusal(f"DELETE FROM sample_donor WHERE sample_id = {tube}")


def test_what_was_destroyed_does_not_come_back(bare, keys):
    assert "stays destroyed" in bare.refusal(
        f"UPDATE sample SET status = 'available' WHERE code = '{keys.destroyed}'"
    )


def test_what_stands_for_a_patient_in_the_record_is_never_changed_nor_erased_by_one_person(bare, keys):
    change = f"UPDATE patient SET subject_key = {{}} WHERE code = '{keys.donor}'"

    assert "never given another" in bare.refusal(change.format("'somebody'"))
    assert "never given another" in bare.refusal(change.format("NULL"))


def test_the_head_of_the_record_is_its_last_entry(bare, keys):
    assert "last entry" in bare.refusal("UPDATE audit_head SET hash = 'zz'")
    assert "last entry" in bare.refusal("UPDATE audit_head SET seq = seq + 1")


# --- in an order that nobody would think of


def test_a_withdrawal_between_the_decision_and_the_use_closes_the_door_in_the_same_unit(world):
    donor = world.donor()
    tube = world.tube(donor)

    def work() -> None:
        sample = world.sample(tube)
        (permitted,) = uses.decide([sample], RESEARCH, act="analyse", by=world.technician)
        assert permitted.verdict == "permit"
        consent.record_withdrawal(
            patient=patient(world, donor), scope={"form": "F-HMB", "clause": "research"}, fate="keep",
            received_on=clock.now().date(), by=world.manager,
        )  # fmt: skip
        row = {name: getattr(permitted, name) for name in ("sample_id", "act", "verdict", "recorded_at")}
        db.session.execute(
            insert(SampleUse),
            [row | {"decision_id": permitted.id, "happened_at": clock.now(), "actor_key": "k"}],
        )

    with pytest.raises(RuleViolation, match="refused_by_database"):
        unit_of_work(work)
    assert db.session.scalar(db.select(db.func.count()).select_from(SampleUse)) == 0


def test_a_permit_opens_once(world):
    tube = world.tube()

    def work() -> None:
        (permitted,) = uses.decide([world.sample(tube)], RESEARCH, act="analyse", by=world.technician)
        for _ in range(2):
            uses._enter([permitted], act="analyse", by=world.technician, at=None)

    with pytest.raises(RuleViolation, match="refused_by_database"):
        unit_of_work(work)


@pytest.mark.parametrize("back", [timedelta(seconds=5), timedelta(hours=30)])
def test_a_clock_that_goes_back_does_not_make_a_withdrawal_unsaid(world, back):
    donor = world.donor()
    tube = world.tube(donor, placed=False)
    take_back(world, donor, {"form": "F-HMB", "clause": "research"})

    with clock.freeze(NOON - back):
        (answer,) = uses.check([world.sample(tube)], RESEARCH)
        colour = uses.standings([world.sample(tube)])[world.sample(tube).id].colour
        with pytest.raises(uses.UseRefused):
            use(world, tube)
        with pytest.raises(RuleViolation, match="preserving_refused"):
            gate.require_preserving([world.sample(tube)], "aliquot")

    assert (answer.verdict, colour) == (consent_rules.Verdict.DENY, "red")


def test_a_use_is_not_dated_before_a_withdrawal_before_the_draw_or_after_today(world):
    donor = world.donor()
    tube = world.tube(donor)  # drawn on the 1st of March
    before_draw, tomorrow = When.on(date(2012, 2, 28)), When.exactly(NOON + timedelta(days=1))

    with pytest.raises(RuleViolation, match="happened_before_collection"):
        use(world, tube, before_draw)
    with pytest.raises(RuleViolation, match="happened_in_future"):
        use(world, tube, tomorrow)
    assert use(world, tube, When.on(date(2012, 3, 10)))
    take_back(world, donor)
    with pytest.raises(uses.UseRefused):
        use(world, tube, When.on(date(2012, 3, 10)))


@pytest.mark.parametrize("end", ["discard", "lose"])
def test_what_is_gone_is_not_used(world, end):
    tube = world.tube()
    act = {"discard": storage.discard, "lose": storage.lose}[end]
    unit_of_work(lambda: act(sample=world.sample(tube), reason="broken", by=world.technician))

    with pytest.raises(RuleViolation, match="act_not_possible"):
        use(world, tube)


def test_a_tube_of_a_pool_that_turns_out_to_be_anothers_takes_the_pool_with_it(world):
    donor, other, third = world.donor(), world.donor(), world.donor(consents=False)
    tubes = [world.tube(donor), world.tube(donor), world.tube(other)]
    pool = unit_of_work(
        lambda: (
            processing.pool(
                samples=[world.sample(tube) for tube in tubes], use=RESEARCH, by=world.technician
            ).code
        )
    )
    child = unit_of_work(
        lambda: (
            processing.aliquot(sample=world.sample(pool), count=1, amount=1000, by=world.technician)[0].code
        )
    )
    use(world, child)

    assert to_another(world, tubes[0], third) == [tubes[0], pool, child]

    for each in (pool, child):
        with pytest.raises(uses.UseRefused) as refused:
            use(world, each)
        assert {reason.code for reason in refused.value.reasons} == {"pending"}


def test_a_withdrawals_hold_comes_with_a_correction_and_goes_with_none(world):
    donor, withdrawn = world.donor(), world.donor()
    tube, mistaken = world.tube(donor), world.tube(withdrawn)
    code = world.picked(tube)
    take_back(world, withdrawn, {"study": "STUDY"})

    to_another(world, tube, withdrawn)
    to_another(world, mistaken, donor)

    assert (open_holds(world, tube), open_holds(world, mistaken)) == (["withdrawal"], ["withdrawal"])
    assert world.hand_out(code).given == []
    with pytest.raises(uses.UseRefused):
        use(world, mistaken)
    release = {"reason": "Two labels swapped", "by": people.actor("manager")}
    unit_of_work(lambda: releasing.release_corrected(sample=world.sample(mistaken), **release))
    assert use(world, mistaken)


def test_a_tube_is_not_corrected_to_a_patient_of_another_site(world):
    tube = world.tube()
    elsewhere = people.site("ELSEWHERE").id
    stranger = unit_of_work(lambda: patients.enrol(site_id=elsewhere, by=people.TESTS).code)

    with pytest.raises(NotFound):
        unit_of_work(
            lambda: correction.wrong_patient(
                sample=world.sample(tube), patient=patients.find_patient(stranger, people.TESTS), reason="r",
                by=people.TESTS,
            )
        )  # fmt: skip


def test_a_consent_corrected_to_no_while_the_tube_is_picked_keeps_it_here(world):
    donor = world.donor()
    tube = world.tube(donor)
    code = world.picked(tube)
    recorded = db.session.scalars(db.select(Consent.id)).all()[-1]
    unit_of_work(
        lambda: consent.record_consent(
            patient=patient(world, donor), form=consent.find_form("F-HMB", "1", world.manager), by=world.manager,
            signed_on=date(2012, 1, 10), answers={"research": "refused"}, corrects=recorded, reason="misread",
        )
    )  # fmt: skip

    assert world.hand_out(code).given == []
    assert (world.lines(code), world.fresh_sample(tube).status) == ({tube: "released"}, "available")


# --- until something gives way


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_threads_that_come_and_go_leave_no_file_open(app, world):
    def work() -> None:
        with app.app_context():
            unit_of_work(lambda: None)
            db.session.remove()

    def open_files() -> int:
        return sum(name.endswith(".lock") for name in map(_target, os.listdir("/proc/self/fd")))

    before = open_files()
    for _ in range(10):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert open_files() == before


def _target(handle: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{handle}")
    except OSError:
        return ""
