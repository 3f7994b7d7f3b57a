"""A rack from a picture is carried out like one from a file, but not while it is in doubt where its places are."""

import pytest

from biobank.audit import service as audit
from biobank.core.db import db
from biobank.core.errors import RuleViolation
from biobank.racks import scans
from biobank.racks.models import RackScan
from biobank.racks.wells import RackReading
from tests.racks.conftest import make_racks
from tests.racks.drawn import file, rack

PLACES = {"A01": (1, 1), "B03": (2, 3), "D06": (4, 6)}
DOUBTS = ["rack_picture_edges_unsure", "rack_picture_turn_unsure"]


@pytest.fixture
def photographed(app_context):
    """A rack of 24, three tubes, and its picture."""
    racks = make_racks("tube_box_4x6")
    tubes = dict(zip(PLACES, racks.tubes(3), strict=True))
    racks.tubes_at = tubes
    codes = {PLACES[place]: tube.container_code for place, tube in tubes.items()}
    racks.picture = file(rack(4, 6, codes))
    return racks


def doubt(scan, *doubts):
    """As the reading of a harder picture would be: which rows and columns are the rack's was a guess."""
    scan.reading = scan.reading | {"doubts": [{"code": code, "params": {}} for code in doubts]}
    db.session.commit()


def test_a_picture_that_leaves_no_doubt_is_carried_out(photographed):
    photographed.apply(photographed.picture)

    assert photographed.stands() == {place: tube.code for place, tube in photographed.tubes_at.items()}


def test_a_picture_in_doubt_is_carried_out_only_when_somebody_confirms_each_doubt(photographed):
    scan = photographed.keep(photographed.picture)
    doubt(scan, *DOUBTS)

    for confirmed in ((), DOUBTS[:1], ["rack_picture_stray"]):
        with pytest.raises(RuleViolation, match="rack_picture_doubted") as refused:
            photographed.apply(scan, confirmed=confirmed)
        assert DOUBTS[1] in [reason.code for reason in refused.value.reasons]
    assert photographed.stands() == {}
    photographed.apply(scan, confirmed=DOUBTS)

    assert len(photographed.stands()) == 3
    assert db.session.get_one(RackScan, scan.id).applied["confirmed"] == DOUBTS
    last = audit.history("container", photographed.box.code)[-1]
    assert (last["act"], last["after"]["confirmed"]) == ("rack_scan_applied", DOUBTS)


def test_what_is_merely_worth_knowing_stops_nothing(photographed):
    scan = photographed.keep(photographed.picture)
    doubt(scan, "rack_picture_stray")

    photographed.apply(scan)

    assert len(photographed.stands()) == 3


def test_a_picture_is_said_to_be_from_below_before_or_after_it_was_read(photographed):
    mirrored = {f"{place[0]}{7 - int(place[1:]):02d}" for place in PLACES}
    scan = photographed.keep(photographed.picture)
    assert set(photographed.states(scan)) == set(PLACES)

    photographed.bench.do(scans.look_from, scan=scan, below=True)
    assert set(photographed.states(scan)) == mirrored
    again = photographed.keep(photographed.picture, below=False)
    assert (again.id, set(photographed.states(again))) == (scan.id, set(PLACES))
    photographed.apply(photographed.keep(photographed.picture, below=True), turned=False)

    assert set(photographed.stands()) == mirrored
    with pytest.raises(RuleViolation, match="rack_scan_applied"):
        photographed.bench.do(scans.look_from, scan=scan, below=False)


def test_a_file_has_no_other_side(photographed):
    scan = photographed.keep({"A1": "FX1"}, below=True)

    photographed.bench.do(scans.look_from, scan=scan, below=True)

    assert (scan.layout, scans.reading_of(scan).below) == ("sanger_2_columns", False)


def test_which_side_it_was_is_kept_and_older_readings_were_from_above():
    reading = RackReading("picture", (), size=(3, 2), below=True)
    old = {name: value for name, value in reading.as_json().items() if name != "below"}

    assert RackReading.from_json(reading.as_json()) == reading
    assert RackReading.from_json(old).below is False
