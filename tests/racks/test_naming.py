"""Which box a scan is of: a rack that is known is refused for another box, one that is not gets its box by one act."""

import pytest

from biobank.audit import service as audit
from biobank.core import codes
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.racks import naming, place_rules, readings, scans, service
from biobank.racks.models import RackScan
from biobank.storage.kinds import kinds


def rack_file(rack, **wells):
    return "".join(f"{rack},{place},{code}\n" for place, code in wells.items()).encode()


def waiting(racks, content):
    """A scan that came without a box."""
    return racks.keep(content, container=None, site_id=racks.bench.site_id)


def test_a_rack_that_nobody_knows_is_carried_out_after_somebody_said_whose_code_it_is(racks):
    one, other = racks.tubes(2)
    scan = racks.keep(rack_file("RK999", A1=one.container_code))
    with pytest.raises(RuleViolation, match="rack_code_new"):
        racks.apply(scan)

    racks.bench.do(naming.say_box, scan=scan, container=racks.box)
    racks.apply(scan)

    assert racks.stands() == {"A01": one.code}
    assert [found.kind for found in codes.find(["RK999"], racks.bench.by)] == ["rack"]
    assert "rack_code_given" in [entry["act"] for entry in audit.history("container", racks.box.code)]
    racks.apply(rack_file("RK999", A1=one.container_code, A2=other.container_code))
    assert len(racks.stands()) == 2


def test_saying_it_twice_says_it_once(racks):
    scan = racks.keep(rack_file("RK999", A1="FX1"))

    for _ in range(2):
        assert racks.bench.do(naming.say_box, scan=scan, container=racks.box).id == scan.id

    assert len(codes.find(["RK999"], racks.bench.by)) == 1


@pytest.mark.parametrize("known_by", ["code", "name", "rack"])
def test_the_file_of_a_rack_that_is_known_is_of_no_other_box(racks, known_by):
    other = racks.bench.container("tube_box_8x12", name="The other one")
    racks.bench.do(naming.say_box, scan=racks.keep(rack_file("RK1", A1="FX1"), other), container=other)
    told = {"code": other.code, "name": other.name, "rack": "RK1"}[known_by]
    scan = racks.keep(rack_file(told, B1="FX1"))

    for asked in (
        lambda: racks.compare(scan),
        lambda: racks.bench.do(naming.say_box, scan=scan, container=racks.box),
        lambda: service.compare(scan=scan, by=racks.bench.by, looking=True),
    ):
        with pytest.raises(RuleViolation, match="rack_of_other_box") as refused:
            asked()

    assert refused.value.params["other"] == other.code


def test_a_refused_scan_goes_on_at_the_box_it_is_of(racks):
    other = racks.bench.container("tube_box_8x12")
    (tube,) = racks.tubes(1)
    scan = racks.keep(rack_file(other.code, A1=tube.container_code))

    moved = racks.bench.do(naming.say_box, scan=scan, container=other)
    racks.apply(moved)

    assert (racks.stands(), racks.stands(other)) == ({}, {"A01": tube.code})
    assert db.session.get_one(RackScan, scan.id).dismissed_at is not None


def test_a_code_that_is_something_elses_is_no_box(racks):
    (tube,) = racks.tubes(1)
    theirs = racks.keep(rack_file(tube.container_code, A1="FX1"))
    ours = racks.keep(rack_file(tube.code, A1="FX1"))

    with pytest.raises(RuleViolation, match="code_taken"):
        racks.bench.do(naming.say_box, scan=theirs, container=racks.box)
    with pytest.raises(Malformed):
        racks.bench.do(naming.say_box, scan=ours, container=racks.box)


def test_a_box_of_another_site_is_not_this_one(racks):
    from tests.storage.conftest import make_bench

    theirs = make_bench("IUCT").container("tube_box_8x12")
    scan = waiting(racks, rack_file("RK1", A1="FX1"))

    with pytest.raises(NotFound):
        racks.bench.do(naming.say_box, scan=scan, container=theirs)


def test_a_new_box_has_the_code_from_the_first(racks):
    (tube,) = racks.tubes(1)
    scan = waiting(racks, rack_file("RK1", A1=tube.container_code))

    scan = racks.bench.do(naming.make_box, scan=scan, kind="tube_box_8x12", name="From the ward")
    made = naming.box_for(scan, racks.bench.by)
    racks.apply(scan)

    assert (made.name, made.id, racks.stands(made)) == (
        "From the ward",
        scan.container_id,
        {"A01": tube.code},
    )


@pytest.mark.parametrize(
    ("rack", "kind", "name", "refusal"),
    [
        ("RK1", "drawer", "N", Malformed),
        ("RK1", "tube_box_4x6", "N", RuleViolation),
        ("RK1", "tube_box_8x12", " ", Malformed),
        (None, "tube_box_8x12", "N", RuleViolation),
    ],
)
def test_a_new_box_that_cannot_be_leaves_no_trace(racks, rack, kind, name, refusal):
    scan = waiting(racks, rack_file(rack or racks.box.code, H12="FX1"))

    with pytest.raises(refusal):
        racks.bench.do(naming.make_box, scan=scan, kind=kind, name=name)

    db.session.rollback()
    assert (scan.container_id, codes.find(["RK1"], racks.bench.by)) == (None, [])


def test_of_a_file_from_the_folder_only_a_known_rack_finds_its_box_by_itself(racks):
    unknown = racks.bench.container(
        "tube_box_8x12", name="rack"
    )  # the name of the file, not of the rack in it
    known = waiting(racks, rack_file(racks.box.code, A1="FX1"))
    other = waiting(racks, rack_file("RK1", A1="FX1"))

    found = [racks.bench.do(naming.take_to_its_box, scan=scan) for scan in (known, other)]

    assert [box.id for _scan, box in found] == [racks.box.id, unknown.id]
    assert [scan.container_id for scan, _box in found] == [racks.box.id, None]
    assert scans.typed_in(other) == {}


def test_the_kinds_a_file_fits_are_offered_the_likeliest_first():
    reading = readings.files.read_rack(
        "".join(f"{row}{column},FX{row}{column}\n" for row in "ABCD" for column in range(1, 7)).encode(),
        readings.scanners(),
    )

    offered = [kind.key for kind in place_rules.fitting(reading, kinds().values())]

    assert offered[0] == "tube_box_4x6"
    assert "tube_box_5x5" not in offered
