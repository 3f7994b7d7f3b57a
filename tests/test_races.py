"""Two people in the same moment, with real threads, connections and processes, on both databases: one is first, never
both, and who comes second is told so. Each race is run many times, for it may go either way."""

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from biobank.audit import service as audit
from biobank.consent import rules as consent_rules
from biobank.core import checks, clock, codes
from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError
from biobank.core.times import local_day
from biobank.distribution import service as distribution
from biobank.patients import service as patients
from biobank.requests import service as requests
from biobank.samples import correction, holds, processing, uses
from biobank.samples.models import Sample
from biobank.storage import destruction
from biobank.storage import service as storage
from biobank.withdrawal import service as withdrawal
from tests import people
from tests.conftest import close, make_app, new_database
from tests.guarded import Stranger
from tests.promises import questions
from tests.racing import WorkToBeKilled, draw_and_divide, refusals, together
from tests.requests.world import World, make_world

#: How often each race is run: BIOBANK_TEST_ROUNDS=40 runs them longer.
ROUNDS = int(os.environ.get("BIOBANK_TEST_ROUNDS", "6"))
RESEARCH = consent_rules.Use(
    act="", purposes=consent_rules.parse_purposes(["HMB"]), organisation="non-profit", genetic=False
)


@pytest.fixture(scope="module")
def database_uri(migrated_template, database_kind):
    """One database for all races: they are run many times, and none needs an empty bank."""
    with new_database(database_kind, migrated_template) as uri:
        yield uri.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def app(database_uri: str):
    app = make_app(database_uri)
    yield app
    close(app)


@pytest.fixture(scope="module")
def world(app: Flask):
    with app.app_context():
        yield make_world()
        db.session.rollback()
        assert {each.name: each.findings for each in checks.run() if each.findings} == {}


@pytest.fixture(autouse=True)
def bare(world: World, database_uri: str):
    """A stranger's connection. After each race: ledgers add up, nothing is in two places, families agree."""
    stranger = Stranger(database_uri)
    yield stranger
    seen = questions.look(stranger)
    stranger.close()
    db.session.rollback()
    assert questions.one_place_and_enough_in_it(seen) == []
    assert questions.families_agree(seen) == []


@pytest.fixture(scope="module")
def anybody(world: World) -> str:
    """A donor where it does not matter whose a tube is."""
    return world.donor()


def sample(code: str) -> Sample:
    return db.session.scalars(db.select(Sample).where(Sample.code == code)).one()


def aliquot(world: World, tube: str, amount: int = 100_000, count: int = 1) -> Callable[[], list[str]]:
    return lambda: [
        child.code
        for child in processing.aliquot(sample=sample(tube), count=count, amount=amount, by=world.technician)
    ]


def place(world: World, box: str, where: str, tube: str) -> Callable[[], str | None]:
    return lambda: storage.place(
        container=storage.find_container(box, world.technician), position=where, sample=sample(tube),
        by=world.technician,
    ).position  # fmt: skip


def new_box(world: World) -> str:
    told = {"site_id": world.site_id, "kind": "tube_box_9x9", "name": "Box", "by": world.technician}
    return unit_of_work(lambda: storage.make_container(**told).code)


def take_back(
    world: World, donor: str, scope: Any = "all", fate: str = "keep"
) -> Callable[[], dict[str, Any]]:
    return lambda: withdrawal.withdraw(
        patient=patients.find_patient(donor, world.manager), scope=scope, fate=fate, by=world.manager,
        received_on=local_day(clock.now(), clock.zone()),
    )  # fmt: skip


def pour(world: World, *tubes: str) -> Callable[[], str]:
    return lambda: (
        processing.pool(samples=[sample(tube) for tube in tubes], use=RESEARCH, by=world.technician).code
    )


def on(act: Callable[..., Any], request: str, by: Any, **told: Any) -> Callable[[], Any]:
    """An act on a request, in a unit that somebody else opened."""
    return lambda: act(request=requests.find_request(request, by), by=by, **told)


# --- one tube, one place, one number


@pytest.mark.parametrize(("left", "told"), [(100, {}), (150, {"left": "50", "asked": "100"})])
def test_the_last_aliquot_goes_to_one_and_the_other_is_told_what_is_left(app, world, anybody, left, told):
    for _ in range(ROUNDS):
        tube = world.tube(anybody, volume_ul=left, placed=False)

        outcomes = together(app, aliquot(world, tube), aliquot(world, tube))

        (refusal,) = [outcome for outcome in outcomes if isinstance(outcome, BiobankError)]
        if told:
            assert refusal.code == "overdraw"
            assert told.items() <= refusal.params.items()
        else:
            assert refusal.code == "act_not_possible"
            assert [reason.code for reason in refusal.reasons] == ["status_depleted"]


def test_one_of_eight_gets_the_place(app, world, anybody):
    tubes, box = [world.tube(anybody, placed=False) for _ in range(8)], new_box(world)

    for number in range(ROUNDS):
        where = f"{'ABCDEFGHI'[number // 9]}{number % 9 + 1:02d}"

        outcomes = together(app, *[place(world, box, where, tube) for tube in tubes])

        assert refusals(outcomes) == ["position_taken"] * 7
        winner = next(tube for tube, outcome in zip(tubes, outcomes, strict=True) if outcome == where)
        assert {each.params["occupant"] for each in outcomes if each != where} == {winner}


def test_a_tube_placed_at_three_positions_stands_at_one(app, world, anybody):
    tube, box = world.tube(anybody, placed=False), new_box(world)

    for _ in range(ROUNDS):
        outcomes = together(app, *[place(world, box, where, tube) for where in ("A1", "B2", "C3")])

        assert refusals(outcomes) == []
        assert storage.where_is([sample(tube).id])[sample(tube).id][-1].position in outcomes


def test_numbers_are_given_once_to_eight_at_once(app, world):
    def take() -> list[str]:
        return codes.issue("sample", "IPC", random.randint(1, 9))

    given = [number for _ in range(ROUNDS) for taken in together(app, *[take] * 8) for number in taken]

    assert len(given) == len(set(given)) > ROUNDS * 8


def test_one_key_sent_eight_times_at_once_makes_one_sample(app, world, bare):
    token = people.token("technician")
    donor = world.donor()
    before = bare.ask("SELECT count(*) FROM sample")[0][0]
    demand = {
        "patient": donor,
        "study": "STUDY",
        "type": "Plasma",
        "collected_at": "2012-03-01",
        "volume_ul": 10,
    }
    for number in range(ROUNDS):

        def send(key: str = f"key-{number}") -> tuple[int, bytes]:
            answer = people.Api(app, token).post("/samples", demand, headers={"Idempotency-Key": key})
            return answer.status_code, answer.data

        answers = at_once_by_http(send)

        assert {status for status, _ in answers} == {201}
        assert len({answer for _, answer in answers}) == 1
        assert bare.ask("SELECT count(*) FROM sample") == [(before + number + 1,)]


def at_once_by_http(send: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(8) as senders:
        return [done.result(60) for done in [senders.submit(send) for _ in range(8)]]


# --- a withdrawal against everything


def entries(bare: Stranger, kind: str, key: str, act: str) -> list[int]:
    """The places in the record, which are in the order of the commits, where this was told of it."""
    found = bare.ask(
        f"SELECT seq FROM audit_entry WHERE subject_kind = '{kind}' AND subject_key = '{key}'"
        f""" AND content LIKE '%"act":"{act}",%' ORDER BY seq"""
    )
    return [seq for (seq,) in found]


def used(bare: Stranger, tube: str, act: str) -> int:
    query = (
        "SELECT count(*) FROM sample_use u JOIN sample s ON s.id = u.sample_id"
        f" WHERE s.code = '{tube}' AND u.act = '{act}'"
    )
    return int(bare.ask(query)[0][0])


def promised(bare: Stranger, tube: str) -> int:
    query = (
        "SELECT count(*) FROM reservation r JOIN sample s ON s.id = r.sample_id"
        f" WHERE s.code = '{tube}' AND r.released_at IS NULL"
    )
    return int(bare.ask(query)[0][0])


def taken_back_at(bare: Stranger, donor: str) -> int:
    (key,) = bare.ask(f"SELECT subject_key FROM patient WHERE code = '{donor}'")[0]
    (seq,) = entries(bare, "patient", key, "withdrawal_recorded")
    return seq


@pytest.mark.parametrize("by_study", [False, True])
def test_an_aliquot_is_made_before_the_withdrawal_and_held_or_not_at_all(
    app, world, bare, by_study, record_property
):
    scope = {"study": "STUDY"} if by_study else "all"
    first = 0
    for _ in range(ROUNDS):
        donor = world.donor()
        tube = world.tube(donor, placed=False)

        made, touched = together(app, aliquot(world, tube, count=2), take_back(world, donor, scope))

        family = [tube] if isinstance(made, BiobankError) else [tube, *made]
        first += len(family) > 1
        assert sorted(touched["held"]) == sorted(family)
        assert isinstance(made, list) or made.code == "preserving_refused"
        held = bare.ask("SELECT count(*) FROM hold WHERE code = 'withdrawal' AND released_at IS NULL")
        assert held == bare.ask(
            "SELECT count(DISTINCT d.sample_id) FROM sample_donor d JOIN withdrawal w ON w.patient_id = d.patient_id"
        )
    record_property("told", f"the aliquots came first {first} times of {ROUNDS}")


@pytest.mark.parametrize("scope", ["all", {"study": "STUDY"}])
def test_nothing_is_shipped_that_was_taken_back_before(app, world, bare, scope):
    for _ in range(ROUNDS):
        donor = world.donor()
        tube = world.tube(donor, placed=False)

        shipped, _ = together(app, ship(world, tube), take_back(world, donor, scope))

        assert isinstance(shipped, BiobankError) or shipped == 1
        assert used(bare, tube, "ship") == int(shipped == 1)
        if shipped == 1:
            before = bare.ask(
                "SELECT count(*) FROM sample_use u JOIN decision d ON d.id = u.decision_id"
                " JOIN sample s ON s.id = u.sample_id JOIN sample_donor p ON p.sample_id = s.id"
                " JOIN withdrawal w ON w.patient_id = p.patient_id"
                f" WHERE s.code = '{tube}' AND d.consent_event_id >= w.id"
            )
            assert before == [(0,)]
        else:
            assert shipped.code == "use_refused"


def ship(world: World, tube: str) -> Callable[[], int]:
    return lambda: len(uses.use([sample(tube)], RESEARCH, act="ship", by=world.technician))


STEPS = {
    "approve": (
        "submitted",
        lambda world, code, tube: on(requests.approve, code, world.manager),
        "allocate",
        "reserved",
    ),
    "pick": (
        "approved",
        lambda world, code, tube: on(_pick, code, world.technician, sample_code=tube),
        "pick",
        "picked",
    ),
    "hand_out": (
        "picked",
        lambda world, code, tube: on(_hand_out, code, world.technician, to="Dr R"),
        "hand_out",
        "handed_out",
    ),
}


def _pick(**told: Any) -> Any:
    return distribution.pick(**told).code


def _hand_out(**told: Any) -> Any:
    return [given.code for given in distribution.hand_out(**told).given]


@pytest.mark.parametrize("step", STEPS)
def test_no_step_of_a_request_uses_what_was_taken_back_before(app, world, bare, step):
    before, act, use, told = STEPS[step]
    for _ in range(ROUNDS):
        donor = world.donor()
        tube = world.tube(donor, placed=False)
        code = getattr(world, before)(tube)

        together(app, act(world, code, tube), take_back(world, donor))

        done = entries(bare, "sample", tube, told)
        assert used(bare, tube, use) == len(done)
        assert all(seq < taken_back_at(bare, donor) for seq in done)
        assert world.lines(code)[tube] in (
            ("handed_out",) if done and step == "hand_out" else ("released", "refused", "asked")
        )
        assert world.fresh_sample(tube).reserved == 0
        assert promised(bare, tube) == 0


def test_no_pool_has_in_it_what_was_taken_back_before(app, world, bare):
    for _ in range(ROUNDS):
        donor = world.donor()
        tubes = [world.tube(donor, placed=False), world.tube(placed=False)]

        pool, touched = together(app, pour(world, *tubes), take_back(world, donor))

        assert [used(bare, tube, "pool_across_donors") for tube in tubes] == [int(isinstance(pool, str))] * 2
        if isinstance(pool, str):
            assert entries(bare, "sample", pool, "pooled_from")[0] < taken_back_at(bare, donor)
            assert touched["held"] == [pool]
        else:
            assert pool.code == "use_refused"


def test_a_hold_is_put_on_before_the_children_are_born_and_inherited_or_after(app, world, anybody, bare):
    for _ in range(ROUNDS):
        tube = world.tube(anybody, placed=False)

        def hold(tube: str = tube) -> Any:
            return holds.hold(sample=sample(tube), code="quarantine", by=world.technician).id

        _, (child,) = together(app, hold, aliquot(world, tube))

        first = entries(bare, "sample", tube, "held") < entries(bare, "sample", child, "created_from")
        inherited = bare.ask(
            f"SELECT count(*) FROM hold h JOIN sample s ON s.id = h.sample_id WHERE s.code = '{child}'"
        )
        assert inherited == [(int(first),)]


def test_what_comes_back_while_everything_is_taken_back_is_destroyed_either_way(app, world):
    for _ in range(ROUNDS):
        donor = world.donor()
        tube = world.tube(donor)
        world.hand_out(world.picked(tube), to="Dr Recipient")

        def back(tube: str = tube) -> Any:
            distribution.return_sample(sample=sample(tube), amount=400_000, by=world.technician)

        together(app, take_back(world, donor, fate="destroy"), back)

        db.session.rollback()
        assert destruction.open_of([sample(tube).id])


# --- mistakes put right


def anothers(world: World, tube: str, donor: str) -> Callable[[], list[str]]:
    return lambda: [
        changed.code
        for changed in correction.wrong_patient(
            sample=sample(tube), patient=patients.find_patient(donor, world.manager), reason="mixed up",
            by=world.manager,
        )
    ]  # fmt: skip


def donors(bare: Stranger, *tubes: str) -> set[str]:
    named = ", ".join(f"'{tube}'" for tube in tubes)
    return {
        code
        for (code,) in bare.ask(
            f"SELECT p.code FROM patient p JOIN sample_donor d ON d.patient_id = p.id"
            f" JOIN sample s ON s.id = d.sample_id WHERE s.code IN ({named})"
        )
    }


def test_a_child_made_while_its_parent_is_corrected_has_the_parents_donor(app, world, anybody, bare):
    right = world.donor()
    for _ in range(ROUNDS):
        tube = world.tube(anybody, placed=False)

        changed, (child,) = together(app, anothers(world, tube, right), aliquot(world, tube))

        assert changed in ([tube], [tube, child])
        assert donors(bare, tube, child) == {right}


def test_of_two_corrections_the_second_corrects_the_first(app, world, anybody, bare):
    one, other = world.donor(), world.donor()
    for _ in range(ROUNDS):
        tube = world.tube(anybody, placed=False)

        together(app, anothers(world, tube, one), anothers(world, tube, other))

        told = bare.ask(
            f"SELECT p.code, k.old, p.subject_key FROM sample_correction k JOIN sample s ON s.id = k.sample_id"
            f" JOIN patient p ON p.subject_key = k.new WHERE s.code = '{tube}' ORDER BY k.id"
        )
        assert len(told) == 2
        assert donors(bare, tube) == {told[1][0]}
        assert told[1][1] == told[0][2]


# --- locks that could cross


def test_two_pools_of_the_same_donors_in_opposite_order_are_both_made(app, world):
    one, other = world.donor(), world.donor()
    for _ in range(ROUNDS):
        a, b, c, d = (world.tube(donor, placed=False) for donor in (one, other, other, one))

        outcomes = together(app, pour(world, a, b), pour(world, c, d))

        assert refusals(outcomes) == []


def test_of_two_pools_of_the_same_tubes_one_is_made(app, world, anybody):
    other = world.donor()
    for _ in range(ROUNDS):
        tubes = [world.tube(donor, placed=False) for donor in (anybody, other, anybody)]

        outcomes = together(app, pour(world, *tubes), pour(world, *reversed(tubes)))

        assert refusals(outcomes) == ["act_not_possible"]


def test_one_tube_is_promised_to_one_of_two(app, world, anybody, bare):
    for _ in range(ROUNDS):
        tube = world.tube(anybody, placed=False)
        asked = [world.submitted(tube), world.submitted(tube)]

        outcomes = together(app, *[on(requests.approve, code, world.manager) for code in asked])

        assert refusals(outcomes) == ["nothing_to_reserve"]
        assert used(bare, tube, "allocate") == 1


def test_everything_at_once_ends_and_all_is_well(app, world):
    """Acts that take all kinds of locks, in whatever order they come: nobody waits for ever, nothing breaks."""
    donors_ = [world.donor() for _ in range(3)]
    for _ in range(ROUNDS):
        tubes = [world.tube(donor) for donor in donors_]
        code = world.submitted(*tubes)

        outcomes = together(
            app, pour(world, *tubes), on(requests.approve, code, world.manager),
            anothers(world, tubes[0], donors_[1]), aliquot(world, tubes[1]),
            lambda tube=tubes[2]: storage.discard(sample=sample(tube), reason="broken", by=world.technician).code,
            lambda tube=tubes[1]: holds.hold(sample=sample(tube), code="inventory", by=world.technician).id,
        )  # fmt: skip

        assert "busy" not in refusals(outcomes)


# --- the record, and other processes


def test_eight_who_write_at_once_make_one_unbroken_record(app, world):
    def write(name: str) -> Callable[[], None]:
        def work() -> None:
            for number in range(random.randint(1, 4)):
                audit.record(by=people.TESTS, act="noted", subject=("note", f"{name}-{number}"))

        return work

    for number in range(ROUNDS):
        together(app, *[write(f"{number}-{writer}") for writer in range(8)])

    verified = audit.verify()
    assert verified.broken_at is None
    assert verified.entries > ROUNDS * 8


def test_two_processes_never_give_one_number_twice_and_one_that_is_killed_leaves_no_half_of_an_act(
    app, database_uri, world, bare
):
    donor, done = world.donor(), []
    for units in (3, 15):
        with WorkToBeKilled(database_uri, donor) as other:
            other.wait_for(units)
            done += [unit_of_work(lambda: draw_and_divide(donor)) for _ in range(5)]
        done += other.done

    given = [number for (number,) in bare.ask("SELECT code FROM scannable_code")]
    assert len(given) == len(set(given))
    standing = bare.ask(
        "SELECT t.code, t.remaining, (SELECT count(*) FROM placement p WHERE p.sample_id = t.id),"
        " (SELECT count(*) FROM sample_parent f JOIN placement p ON p.sample_id = f.child_id WHERE f.parent_id = t.id)"
        " FROM sample t JOIN sample_donor d ON d.sample_id = t.id JOIN patient q ON q.id = d.patient_id"
        f" WHERE t.origin = 'collected' AND q.code = '{donor}'"
    )
    assert {row[1:] for row in standing} == {(400, 1, 2)}
    assert set(done) <= {row[0] for row in standing}
    assert len(standing) <= len(done) + 2  # of each process, one may have been done and not yet told of
    unit_of_work(lambda: draw_and_divide(donor))
    assert audit.verify().broken_at is None
