"""Aliquots read with their rack: parent debited, children made, each in its well; or nothing at all."""

import pytest

from biobank.core.db import db
from biobank.core.errors import NotFound, RuleViolation
from biobank.racks import children
from biobank.racks.models import RackScan
from biobank.samples.models import Sample
from biobank.storage import claims
from biobank.storage import service as storage
from tests.factories import ConsentFactory, SampleFactory, withdraw

EACH = 100_000


def divide(racks, scan, parent, **how):
    return racks.bench.do(children.aliquot, scan=scan, sample=parent, amount=how.pop("amount", EACH), **how)


def left(sample):
    db.session.rollback()
    return db.session.get_one(Sample, sample.id).remaining


def nothing_happened(racks, parent, stood):
    """Neither a child, nor a drop less, nor a place more."""
    samples = db.session.query(Sample).where(Sample.origin == "aliquoted").count()
    return (samples, left(parent), racks.stands()) == (0, parent.initial, stood)


def test_the_parent_is_debited_and_each_child_stands_in_its_well(racks):
    parent, other = SampleFactory(volume_ul=500), racks.tubes(1)[0]
    racks.place({"A1": other})
    scan = racks.keep({"A1": other.container_code, "A2": "FY1", "C5": "FY2"})

    done = divide(racks, scan, parent)

    made = {position: child.container_code for position, child in done.children.items()}
    assert made == {"A02": "FY1", "C05": "FY2"}
    assert racks.stands() == {"A01": other.code} | {
        position: child.code for position, child in done.children.items()
    }
    assert left(parent) == parent.initial - 2 * EACH
    applied = db.session.get_one(RackScan, done.scan.id).applied
    assert (applied["aliquots_of"], applied["placed"]) == (
        parent.code,
        {p: c.code for p, c in done.children.items()},
    )


def taken(racks):
    (other,) = racks.tubes(1)
    racks.place({"A2": other})
    return {"A2": "FY1"}, "rack_not_for_children"


def missing(racks):
    (other,) = racks.tubes(1)
    racks.place({"H1": other})
    return {"A2": "FY1", "H1": "NO TUBE"}, "rack_not_for_children"


def unread(_racks):
    return {"A1": "NO READ", "A2": "FY1"}, "rack_not_for_children"


def twice(_racks):
    return {"A1": "FY1", "A2": "FY1", "A3": "FY2"}, "rack_not_for_children"


def blocked(racks):
    racks.bench.do(claims.block, container=racks.box, position="A2", why="broken")
    return {"A1": "FY1", "A2": "FY2"}, "position_blocked"


def nothing_new(racks):
    (other,) = racks.tubes(1)
    racks.place({"A1": other})
    return {"A1": other.container_code}, "rack_no_new_tubes"


def too_much(_racks):
    return {f"A{n}": f"FY{n}" for n in range(1, 8)}, "overdraw"


@pytest.mark.parametrize("case", [taken, missing, unread, twice, blocked, nothing_new, too_much])
def test_what_stands_in_the_way_stops_all_of_it(racks, case):
    parent = SampleFactory(volume_ul=500)
    wells, refusal = case(racks)
    stood, scan = racks.stands(), racks.keep(wells)

    with pytest.raises(RuleViolation, match=refusal):
        divide(racks, scan, parent)

    assert nothing_happened(racks, parent, stood)
    assert scan.applied_at is None


def test_a_box_that_changed_since_it_was_shown_takes_no_children(racks):
    parent, other = SampleFactory(volume_ul=500), racks.tubes(1)[0]
    scan = racks.keep({"A1": "FY1", "B1": other.container_code})
    racks.place({"B1": other})
    shown = children.new_tubes(scan=scan, by=racks.bench.by).shown
    racks.bench.do(storage.take_out, sample=other)

    with pytest.raises(RuleViolation, match="rack_box_changed"):
        divide(racks, scan, parent, shown=shown)

    assert nothing_happened(racks, parent, {})


def test_the_same_rack_is_not_filled_twice(racks):
    parent = SampleFactory(volume_ul=500)
    scan = racks.keep({"A1": "FY1"})
    divide(racks, scan, parent)

    with pytest.raises(RuleViolation, match="rack_no_new_tubes"):
        divide(racks, scan, parent)

    assert left(parent) == parent.initial - EACH


def test_a_tube_of_another_site_is_not_divided_here(racks):
    from tests.storage.conftest import make_bench

    theirs = make_bench("IUCT").tube()

    with pytest.raises(NotFound):
        divide(racks, racks.keep({"A1": "FY1"}), theirs)


def test_a_withdrawn_donors_tube_is_not_divided(racks):
    patient = ConsentFactory().patient
    parent = SampleFactory(patient=patient, volume_ul=500)
    scan = racks.keep({"A1": "FY1"})
    withdraw(patient)

    with pytest.raises(RuleViolation, match="preserving_refused") as refused:
        divide(racks, scan, parent)

    assert "withdrawn_all" in [reason.code for reason in refused.value.reasons]
    assert nothing_happened(racks, parent, {})
