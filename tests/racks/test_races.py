"""Two people at one box in the same moment: one of them is first, and nothing is in two places."""

import pytest
from sqlalchemy import event, func, select

from biobank.core import codes
from biobank.core.db import db
from biobank.core.errors import BiobankError
from biobank.racks import children, naming, scans, service
from biobank.racks.models import RackScan
from biobank.samples.models import Sample
from biobank.storage import service as storage
from biobank.storage.models import Container, Placement
from tests.factories import SampleFactory, fresh
from tests.racing import refusals, together

ROUNDS = 6


@pytest.fixture
def pool(racks):
    """Eight tubes in another box."""
    racks.other = racks.bench.container("tube_box_8x12")
    tubes = racks.tubes(8)
    racks.place({f"A{n}": tube for n, tube in enumerate(tubes, 1)}, racks.other)
    return tubes


def applying(racks, scan, **how):
    key = scan.id

    def work():
        return service.apply(scan=scans.find_scan(key, racks.bench.by), by=racks.bench.by, **how).scan.id

    return work


def placing(racks, box, position, tube):
    box_id, tube_id = box.id, tube.id

    def work():
        container, sample = db.session.get_one(Container, box_id), db.session.get_one(Sample, tube_id)
        return storage.place(container=container, position=position, sample=sample, by=racks.bench.by).id

    return work


def nothing_twice():
    """No tube stands at two places, and no place has two tubes."""
    for columns in ([Placement.sample_id], [Placement.container_id, Placement.position]):
        query = select(func.count()).where(
            Placement.removed_recorded_at.is_(None), Placement.sample_id.is_not(None)
        )
        assert db.session.scalars(query.group_by(*columns).having(func.count() > 1)).all() == []


def test_two_scans_of_one_box_are_carried_out_one_after_the_other(app, racks, pool):
    for number in range(ROUNDS):
        mark = {f"H{number + 1}": "EMPTY"}
        one = racks.keep({f"B{n}": tube.container_code for n, tube in enumerate(pool, 1)} | mark)
        other = racks.keep({f"C{n}": tube.container_code for n, tube in enumerate(pool, 1)} | mark)

        together(app, applying(racks, one, turned=False), applying(racks, other, turned=False))

        nothing_twice()
        assert {position[0] for position in racks.stands()} in ({"B"}, {"C"})
        assert len(racks.stands()) == 8


def test_the_same_scan_is_carried_out_once(app, racks, pool):
    scan = racks.keep({f"B{n}": tube.container_code for n, tube in enumerate(pool, 1)})

    outcomes = together(app, *[applying(racks, scan) for _ in range(3)])

    assert [outcome for outcome in outcomes if isinstance(outcome, BiobankError)] == []
    assert len(racks.stands()) == 8
    moves = select(func.count()).where(Placement.container_id == racks.box.id)
    assert db.session.scalar(moves) == 8


def test_a_scan_and_a_single_tube_for_one_place(app, racks, pool):
    for number in range(ROUNDS):
        place, tube = f"D{number + 1}", pool[0]
        single = racks.tubes(1)[0]
        scan = racks.keep({place: tube.container_code, f"G{number + 1}": "EMPTY"})

        outcomes = together(
            app, applying(racks, scan, turned=False), placing(racks, racks.box, place, single)
        )

        nothing_twice()
        stands = racks.stands()
        position = f"D{number + 1:02d}"
        # Either the tube was placed first, and the scan found it missing there; or the scan was, and it was refused.
        assert stands[position] == tube.code
        assert refusals(outcomes) in ([], ["position_taken"])


def test_two_boxes_that_exchange_their_tubes_never_wait_for_each_other(app, racks, pool):
    one, other = racks.box, racks.other
    for number in range(ROUNDS):
        mark = {f"H{number + 1}": "EMPTY"}
        here = racks.keep({f"E{n}": tube.container_code for n, tube in enumerate(pool[:4], 1)} | mark, one)
        there = racks.keep({f"F{n}": tube.container_code for n, tube in enumerate(pool[2:], 1)} | mark, other)

        together(app, applying(racks, here, turned=False), applying(racks, there, turned=False))

        nothing_twice()
        standing = {**racks.stands(one), **racks.stands(other)}
        assert {tube.code for tube in pool[2:4]} <= set(standing.values())


def test_one_file_dropped_twice_at_once_is_one_scan(app, racks):
    box_id, by = racks.box.id, racks.bench.by

    def work():
        box = db.session.get_one(Container, box_id)
        return scans.keep(
            content=b"A1,FX1\n", file_name="a.csv", source="upload", container=box, by=by
        ).scan.id

    outcomes = together(app, work, work)

    assert len(set(outcomes)) == 1
    assert db.session.scalar(select(func.count()).select_from(RackScan)) == 1


def sending(racks, content):
    """As the API does with `?apply=true`: the file is kept and carried out in one unit of work."""
    box_id, by = racks.box.id, racks.bench.by

    def work():
        box = db.session.get_one(Container, box_id)
        scan = scans.keep(content=content, file_name="a.csv", source="api", container=box, by=by).scan
        return service.apply(scan=scan, turned=False, by=by).scan.id

    return work


@pytest.fixture
def deadlocks(app):
    """Every time that the database ended one of two who waited for each other."""
    found = []

    def note(context):
        if getattr(context.original_exception, "sqlstate", None) == "40P01":
            found.append(str(context.original_exception))

    with app.app_context():
        event.listen(db.engine, "handle_error", note)
        yield found
        event.remove(db.engine, "handle_error", note)


def test_two_racks_sent_to_be_carried_out_and_a_tube_never_wait_for_each_other(app, racks, pool, deadlocks):
    freezer = racks.bench.container("drawer_rack")
    racks.bench.place(freezer, "1", child=racks.box)
    for number in range(1, ROUNDS + 1):
        files = [
            f"{row}{number},{tube.container_code}\nH12,EMPTY\n".encode()
            for row, tube in zip("AB", pool, strict=False)
        ]

        outcomes = together(
            app,
            *[sending(racks, content) for content in files],
            placing(racks, racks.box, f"D{number}", pool[3]),
        )

        assert (refusals(outcomes), deadlocks) == ([], [])
    nothing_twice()
    assert racks.stands() == {
        f"{row}{ROUNDS:02d}": tube.code for row, tube in zip("ABD", (*pool[:2], pool[3]), strict=True)
    }


def dividing(racks, scan, parent):
    key, parent_id = scan.id, parent.id

    def work():
        found, sample = scans.find_scan(key, racks.bench.by), db.session.get_one(Sample, parent_id)
        children.aliquot(scan=found, sample=sample, amount=100_000, by=racks.bench.by)

    return work


def test_one_rack_of_new_tubes_is_filled_once_though_two_divide_into_it(app, racks):
    parents = [SampleFactory(volume_ul=500) for _ in range(2)]
    scan = racks.keep({f"B{n}": f"FY{n}" for n in range(1, 5)})

    outcomes = together(app, *[dividing(racks, scan, parent) for parent in parents])

    nothing_twice()
    assert refusals(outcomes) == ["rack_no_new_tubes"]
    assert (len(racks.stands()), sorted(fresh(parent).remaining for parent in parents)) == (
        4,
        [100_000, 500_000],
    )


def naming_it(racks, scan, box):
    key, box_id = scan.id, box.id

    def work():
        found, container = scans.find_scan(key, racks.bench.by), db.session.get_one(Container, box_id)
        naming.say_box(scan=found, container=container, by=racks.bench.by)

    return work


def test_a_rack_that_two_people_say_is_theirs_becomes_one_box(app, racks):
    other = racks.bench.container("tube_box_8x12")
    scans_of_it = [racks.keep(b"RK1,A1,FX1\n", box) for box in (racks.box, other)]

    outcomes = together(
        app, *[naming_it(racks, scan, box) for scan, box in zip(scans_of_it, (racks.box, other), strict=True)]
    )

    assert refusals(outcomes) in (["rack_of_other_box"], ["code_taken"])
    assert len(codes.find(["RK1"], racks.bench.by)) == 1
