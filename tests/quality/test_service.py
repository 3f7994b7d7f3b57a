"""Non-conformities, inventories, and the worklist of differences."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.times import When
from biobank.quality import discrepancies, inventory, service
from biobank.quality.models import Discrepancy, InventoryLine
from biobank.racks import scans as rack_scans
from biobank.samples import holds
from biobank.samples.models import Sample
from biobank.storage import destruction, noticing
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.storage.noticing import Noticed


def fresh(row):
    db.session.rollback()
    return db.session.get_one(type(row), row.id)


def held(sample) -> list[str]:
    db.session.rollback()
    return [hold.code for hold in holds.open_holds([sample.id]).get(sample.id, [])]


def where(sample) -> str | None:
    db.session.rollback()
    found = noticing.stands(db.session.get_one(Sample, sample.id))
    return f"{found[0].code}:{found[1]}" if found else None


# --- non-conformities


def test_what_is_wrong_is_recorded_at_its_stage(bench):
    tube = bench.tube()

    item = bench.do(service.record, sample=tube, code="haemolysis", stage="arrival", note="pink")

    assert (item.code, item.stage, item.note, item.site_id) == (
        "haemolysis",
        "arrival",
        "pink",
        bench.site_id,
    )
    assert [each.id for each in service.open_of([tube.id])[tube.id]] == [item.id]
    assert held(tube) == []


def test_what_bars_shipping_holds_the_tube_until_it_is_dealt_with(bench):
    tube = bench.tube()
    item = bench.do(service.record, sample=tube, code="broken", stage="storage")
    assert held(tube) == ["non_conformity"]

    bench.do(service.close, item=item, action="poured into another tube")

    assert held(tube) == []
    assert fresh(item).action == "poured into another tube"
    assert service.open_of([tube.id]) == {}


def test_the_hold_ends_with_the_last_thing_that_bars(bench):
    tube = bench.tube()
    first = bench.do(service.record, sample=tube, code="broken", stage="storage")
    second = bench.do(service.record, sample=tube, code="insufficient_volume", stage="storage")
    bench.do(service.record, sample=tube, code="haemolysis", stage="storage")

    bench.do(service.close, item=first, action="mended")
    assert held(tube) == ["non_conformity"]
    bench.do(service.close, item=second, action="enough for one test")
    assert held(tube) == []


def test_a_container_can_be_wrong_too(bench):
    box = bench.container()

    item = bench.do(service.record, container=box, code="temperature_high", stage="storage", note="-52")

    assert [each.id for each in service.history(container=box)] == [item.id]
    assert [each.id for each in service.list_open(bench.by).items] == [item.id]


@pytest.mark.parametrize("told", [{"code": "sad"}, {"stage": "lunch"}, {"code": "warm", "stage": "arrival"}])
def test_what_is_not_on_the_list_is_refused(bench, told):
    with pytest.raises(Malformed):
        bench.do(service.record, **({"sample": bench.tube(), "code": "broken", "stage": "arrival"} | told))


def test_nothing_goes_wrong_tomorrow(bench):
    later = When.exactly(clock.now() + timedelta(days=1))

    with pytest.raises(RuleViolation):
        bench.do(service.record, sample=bench.tube(), code="broken", stage="storage", at=later)


def test_it_is_closed_once_with_an_action_by_somebody_of_the_site(bench, other_bench):
    item = bench.do(service.record, sample=bench.tube(), code="leaked", stage="storage")

    with pytest.raises(Malformed):
        bench.do(service.close, item=item, action=" ")
    with pytest.raises(NotFound):
        other_bench.do(service.close, item=item, action="done")
    with pytest.raises(NotFound):
        service.find_item(item.id, other_bench.by)
    bench.do(service.close, item=item, action="wiped")
    with pytest.raises(RuleViolation, match="non_conformity_closed"):
        bench.do(service.close, item=item, action="wiped again")


# --- differences


def missing(bench, tube, box, position="A01"):
    return bench.do(
        discrepancies.open_discrepancy,
        container=box,
        position=position,
        sample=tube,
        kind="missing",
        source="bench",
    )


@pytest.fixture
def stored(bench):
    """A tube at A01 of a box."""
    box, tube = bench.container("tube_box_4x6"), bench.tube()
    bench.place(box, "A1", sample=tube)
    return tube, box


def test_a_missing_tube_is_held_until_it_is_settled(bench, stored):
    tube, box = stored

    row = missing(bench, tube, box)

    assert held(tube) == ["inventory"]
    bench.do(discrepancies.settle, discrepancy=row, how="found")
    assert held(tube) == []
    assert where(tube) == f"{box.code}:A01"
    assert fresh(row).how == "found"


def test_it_is_on_the_worklist_once(bench, stored):
    first = missing(bench, *stored)

    assert missing(bench, *stored).id == first.id
    assert discrepancies.count_open(bench.by) == 1


def test_a_tube_that_was_given_up_as_lost_is_placed_where_it_is_found(bench, stored):
    tube, box = stored
    row = missing(bench, tube, box)
    bench.do(storage.lose, sample=tube)

    bench.do(discrepancies.settle, discrepancy=row, how="found", reason="under the ice")

    assert where(tube) == f"{box.code}:A01"
    assert (fresh(tube).status, held(tube)) == ("available", [])


def test_the_record_is_put_right_to_where_it_was_found(bench, stored):
    tube, box = stored
    row = missing(bench, tube, box)
    other = bench.container("tube_box_4x6")

    bench.do(discrepancies.settle, discrepancy=row, how="put_right", to=other, position="b2")

    assert where(tube) == f"{other.code}:B02"


def test_what_is_in_the_way_and_known_to_be_missing_makes_way(bench, stored):
    """At A01 another tube was found than the one that the record has there."""
    expected, box = stored
    found, elsewhere = bench.tube(), bench.container("tube_box_4x6")
    bench.place(elsewhere, "A1", sample=found)
    missing(bench, expected, box)
    row = bench.do(
        discrepancies.open_discrepancy, container=box, position="A01", sample=found, kind="moved", source="bench",
        found=found.code,
    )  # fmt: skip

    bench.do(discrepancies.settle, discrepancy=row, how="put_right")

    assert where(found) == f"{box.code}:A01"
    assert where(expected) is None
    assert held(expected) == ["inventory"]  # it is still looked for


def test_what_is_in_the_way_and_not_missing_stays(bench, stored):
    _expected, box = stored
    found = bench.tube()
    row = bench.do(
        discrepancies.open_discrepancy,
        container=box,
        position="A01",
        sample=found,
        kind="foreign",
        source="bench",
    )

    with pytest.raises(RuleViolation, match="position_taken"):
        bench.do(discrepancies.settle, discrepancy=row, how="put_right")
    assert fresh(row).settled_at is None


def test_what_is_nowhere_is_lost(bench, stored):
    tube, box = stored
    row = missing(bench, tube, box)

    bench.do(discrepancies.settle, discrepancy=row, how="lost", reason="every rack was looked through")

    assert (fresh(tube).status, where(tube), held(tube)) == ("lost", None, [])


def test_a_dismissal_needs_a_reason(bench, stored):
    row = missing(bench, *stored)

    with pytest.raises(Malformed):
        bench.do(discrepancies.settle, discrepancy=row, how="dismissed")
    bench.do(discrepancies.settle, discrepancy=row, how="dismissed", reason="somebody else had it in hand")
    with pytest.raises(RuleViolation, match="discrepancy_settled"):
        bench.do(discrepancies.settle, discrepancy=row, how="found")


def test_what_nobody_knows_is_only_dismissed(bench, stored):
    _tube, box = stored
    row = bench.do(
        discrepancies.open_discrepancy,
        container=box,
        position="A02",
        kind="foreign",
        source="bench",
        found="XYZ",
    )

    with pytest.raises(RuleViolation, match="discrepancy_of_nobody"):
        bench.do(discrepancies.settle, discrepancy=row, how="found")
    bench.do(discrepancies.settle, discrepancy=row, how="dismissed", reason="an empty tube for balance")


def test_a_code_that_was_registered_since_can_be_put_right(bench, stored):
    """What nobody knew when it was found is known by now."""
    _tube, box = stored
    row = bench.do(
        discrepancies.open_discrepancy, container=box, position="A02", kind="foreign", source="bench", found="FD099977",
    )  # fmt: skip
    late = bench.tube(container_code="FD099977")

    bench.do(discrepancies.settle, discrepancy=row, how="put_right")

    assert where(late) == f"{box.code}:A02"


def test_a_tube_that_two_people_are_to_destroy_is_lost_by_two(bench, stored):
    """Who noticed that it is missing does not make it vanish alone."""
    tube, box = stored
    bench.do(destruction.open_tasks, sample_ids=[tube.id], reason="withdrawn")
    row = missing(bench, tube, box)

    with pytest.raises(RuleViolation, match="lost_takes_two"):
        bench.do(discrepancies.settle, discrepancy=row, how="lost")
    other = replace(bench.by, key="somebody-else")
    unit_of_work(lambda: discrepancies.settle(discrepancy=row, how="lost", by=other))

    assert where(tube) is None
    assert fresh(db.session.get_one(Sample, tube.id)).status == "lost"


def test_where_a_tube_is_settles_everything_about_it(bench, stored):
    """Missing here, seen there: one answer for both; and two that changed places make way for each other."""
    first, box = stored
    second = bench.tube()
    bench.place(box, "A2", sample=second)
    for tube, old, new in ((first, "A01", "A02"), (second, "A02", "A01")):
        missing(bench, tube, box, old)
        told = {"container": box, "position": new, "sample": tube, "kind": "moved", "source": "bench"}
        bench.do(discrepancies.open_discrepancy, **told)

    for tube in (first, second):
        (row,) = (
            each
            for each in discrepancies.list_open(bench.by, kind="moved").items
            if each.sample_id == tube.id
        )
        bench.do(discrepancies.settle, discrepancy=row, how="put_right")

    assert (where(first), where(second)) == (f"{box.code}:A02", f"{box.code}:A01")
    assert discrepancies.count_open(bench.by) == 0
    assert held(first) == held(second) == []


def test_another_word_settles_nothing_and_another_site_sees_nothing(bench, other_bench, stored):
    row = missing(bench, *stored)

    with pytest.raises(Malformed):
        bench.do(discrepancies.settle, discrepancy=row, how="forgotten")
    with pytest.raises(NotFound):
        other_bench.do(discrepancies.settle, discrepancy=row, how="found")
    assert discrepancies.list_open(other_bench.by).items == []


def test_whoever_notices_something_is_heard(bench, stored):
    tube, box = stored

    unit_of_work(
        lambda: noticing.notice(
            Noticed("missing", "pick", box, "A01", db.session.get_one(Sample, tube.id), source_id=7), bench.by
        )
    )

    (row,) = discrepancies.list_open(bench.by).items
    assert (row.kind, row.source, row.sample_id, row.source_id) == ("missing", "pick", tube.id, 7)


# --- inventories


def lines(found):
    db.session.rollback()
    query = select(InventoryLine).where(InventoryLine.inventory_id == found.id).order_by(InventoryLine.id)
    return list(db.session.scalars(query))


@pytest.fixture
def shelf(bench):
    """Two boxes of three tubes on a shelf."""
    shelf = bench.container("unpositioned_shelf")
    tubes = []
    for _ in range(2):
        box = bench.container("tube_box_4x6", parent=shelf)
        for position, tube in zip(("A2", "A1", "A3"), bench.tubes(3), strict=True):
            bench.place(box, position, sample=tube)
            tubes.append(tube)
    return shelf, tubes


def test_every_tube_of_a_container_is_looked_for_in_walking_order(bench, shelf):
    container, tubes = shelf

    found = bench.do(inventory.open_inventory, container=container, kind="whole")

    assert [line.position for line in lines(found)] == ["A01", "A02", "A03"] * 2
    assert {line.sample_id for line in lines(found)} == {tube.id for tube in tubes}


def test_places_are_drawn_by_a_seed_that_is_kept(bench, shelf):
    container, _tubes = shelf

    first = bench.do(inventory.open_inventory, container=container, kind="random", count=3, seed=5)
    again = bench.do(inventory.open_inventory, container=container, kind="random", count=3, seed=5)

    assert first.seed == 5
    assert len(lines(first)) == 3
    assert [line.sample_id for line in lines(first)] == [line.sample_id for line in lines(again)]


def test_the_right_tube_is_scanned_and_another_one_only_told(bench, shelf):
    found = bench.do(inventory.open_inventory, container=shelf[0], kind="whole")
    line, neighbour = lines(found)[:2]
    code, other = (db.session.get_one(Sample, each.sample_id).code for each in (line, neighbour))

    with pytest.raises(RuleViolation, match="another_tube"):
        bench.do(inventory.check_scan, line=line, raw=other)
    with pytest.raises(RuleViolation, match="another_tube"):
        bench.do(inventory.check_scan, line=fresh(line), raw="NOBODY-KNOWS-1")
    bench.do(inventory.check_scan, line=fresh(line), raw=code)

    assert fresh(line).outcome == "right"
    assert discrepancies.count_open(bench.by) == 0


def test_a_box_is_no_tube_however_it_is_said(bench, shelf):
    found = bench.do(inventory.open_inventory, container=shelf[0], kind="whole")
    line = lines(found)[0]
    box = db.session.get_one(Container, line.container_id).code

    for raw, refusal in ((box, "scanned_the_box"), (shelf[0].code, "scanned_a_container")):
        with pytest.raises(RuleViolation, match=refusal):
            bench.do(inventory.check_scan, line=fresh(line), raw=raw)
        with pytest.raises(RuleViolation, match=refusal):
            bench.do(inventory.mark, line=fresh(line), outcome="other", found=raw)

    assert fresh(line).outcome is None


def test_what_a_file_does_not_name_is_still_to_be_looked_at(bench):
    box = bench.container("tube_box_8x12")
    here, unnamed = bench.tubes(2)
    for position, tube in (("A1", here), ("A2", unnamed)):
        bench.place(box, position, sample=tube)
    found = bench.do(inventory.open_inventory, container=box, kind="whole")
    scan = bench.do(
        rack_scans.keep, content=f"A1,{here.code}\r\n".encode(), file_name="rack.csv", source="upload",
        site_id=bench.site_id, container=box,
    )  # fmt: skip

    assert bench.do(inventory.check_rack, inventory=found, scan=scan.scan) == 1
    assert [line.outcome for line in lines(found)] == ["right", None]


def test_what_is_missing_goes_on_the_worklist_and_is_held(bench, shelf):
    found = bench.do(inventory.open_inventory, container=shelf[0], kind="whole")
    line = lines(found)[0]

    bench.do(inventory.mark, line=line, outcome="missing")

    (row,) = discrepancies.list_open(bench.by).items
    assert (row.kind, row.source, row.source_id, row.position) == ("missing", "inventory", found.id, "A01")
    assert held(db.session.get_one(Sample, row.sample_id)) == ["inventory"]


def test_another_tube_is_two_differences(bench, shelf):
    found = bench.do(inventory.open_inventory, container=shelf[0], kind="whole")
    line, other = lines(found)[0], lines(found)[4]
    stranger = db.session.get_one(Sample, other.sample_id)

    bench.do(inventory.mark, line=line, outcome="other", found=stranger.code)

    rows = {row.kind: row for row in discrepancies.list_open(bench.by).items}
    assert set(rows) == {"missing", "moved"}
    assert (rows["moved"].sample_id, rows["moved"].container_id) == (other.sample_id, line.container_id)


def test_a_code_that_nobody_knows_is_foreign(bench, shelf):
    found = bench.do(inventory.open_inventory, container=shelf[0], kind="whole")

    bench.do(inventory.mark, line=lines(found)[0], outcome="other", found="NOBODY-KNOWS-1")

    rows = {row.kind: row for row in discrepancies.list_open(bench.by).items}
    assert (rows["foreign"].sample_id, rows["foreign"].found) == (None, "NOBODY-KNOWS-1")


def test_how_right_the_record_was_is_told_at_the_end(bench, shelf):
    found = bench.do(inventory.open_inventory, container=shelf[0], kind="whole")
    outcomes = ["right", "right", "right", "missing", "unreadable", "right"]
    for line, outcome in zip(lines(found), outcomes, strict=True):
        bench.do(inventory.mark, line=fresh(line), outcome=outcome)

    counts = inventory.counts_of([found])[found.id]
    assert fresh(found).closed_at is not None
    assert (counts.checked, counts.accuracy) == (6, pytest.approx(4 / 6))
    with pytest.raises(RuleViolation, match="inventory_closed"):
        bench.do(inventory.close, inventory=found)


def test_what_nobody_looked_at_does_not_count(bench, shelf):
    found = bench.do(inventory.open_inventory, container=shelf[0], kind="whole")
    bench.do(inventory.mark, line=lines(found)[0], outcome="right")

    bench.do(inventory.close, inventory=found)

    assert inventory.counts_of([found])[found.id].accuracy == 1.0


def test_a_place_is_looked_at_once(bench, shelf):
    found = bench.do(inventory.open_inventory, container=shelf[0], kind="whole")
    line = lines(found)[0]
    bench.do(inventory.mark, line=line, outcome="right")

    with pytest.raises(RuleViolation, match="line_checked"):
        bench.do(inventory.mark, line=fresh(line), outcome="missing")
    with pytest.raises(Malformed):
        bench.do(inventory.mark, line=lines(found)[1], outcome="perhaps")


def test_an_empty_container_has_nothing_to_look_at(bench):
    with pytest.raises(RuleViolation, match="nothing_to_check"):
        bench.do(inventory.open_inventory, container=bench.container(), kind="whole")
    with pytest.raises(Malformed):
        bench.do(inventory.open_inventory, container=bench.container(), kind="some")


def test_a_scan_of_the_whole_rack_answers_for_every_place_of_it(bench):
    box = bench.container("tube_box_8x12")
    here, gone, unread = bench.tubes(3)
    for position, tube in (("A1", here), ("A2", gone), ("A3", unread)):
        bench.place(box, position, sample=tube)
    found = bench.do(inventory.open_inventory, container=box, kind="whole")
    rows = {f"A{n}": "NO TUBE" for n in range(1, 13)} | {"A1": here.code, "A3": "NO READ"}
    rows |= {f"{row}{n}": "NO TUBE" for row in "BCDEFGH" for n in range(1, 13)}
    content = "".join(f"{place},{code}\r\n" for place, code in rows.items()).encode()
    scan = bench.do(
        rack_scans.keep,
        content=content,
        file_name="rack.csv",
        source="upload",
        site_id=bench.site_id,
        container=box,
    )

    marked = bench.do(inventory.check_rack, inventory=found, scan=scan.scan)

    assert marked == 3
    assert [line.outcome for line in lines(found)] == ["right", "missing", "unreadable"]
    assert where(gone) == f"{box.code}:A02"  # the record is not changed; somebody settles it
    assert held(gone) == ["inventory"]
    assert db.session.scalar(select(Discrepancy.id).where(Discrepancy.kind == "unreadable")) is not None


def test_a_scan_of_the_whole_rack_tells_of_what_it_did_not_look_for(bench):
    """Two changed places, one came from elsewhere, one is unknown; turned, it is compared only if somebody says so."""
    box, other = bench.container("tube_box_8x12"), bench.container("tube_box_8x12")
    first, second, guest = bench.tubes(3)
    for where_, tube in ((box, first), (other, guest)):
        bench.place(where_, "A1", sample=tube)
    bench.place(box, "A2", sample=second)
    found = bench.do(inventory.open_inventory, container=box, kind="whole")
    read = {"A1": second.code, "A2": first.code, "B1": guest.code, "C1": "FD0123499"}

    marked = bench.do(inventory.check_rack, inventory=found, scan=scanned(bench, box, read))

    assert marked == 2
    rows = discrepancies.list_open(bench.by).items
    assert {(row.kind, row.sample_id, row.position) for row in rows} == {
        ("moved", second.id, "A01"), ("moved", first.id, "A02"), ("moved", guest.id, "B01"), ("foreign", None, "C01"),
    }  # fmt: skip
    again = bench.do(inventory.open_inventory, container=box, kind="whole")
    turned = {"H12": first.code, "H11": second.code}
    with pytest.raises(RuleViolation, match="inventory_rack_turned"):
        bench.do(inventory.check_rack, inventory=again, scan=scanned(bench, box, turned))
    bench.do(inventory.check_rack, inventory=again, scan=scanned(bench, box, turned), turned=True)
    assert [line.outcome for line in lines(again)] == ["right", "right"]
    assert {row.sample_id for row in discrepancies.list_open(bench.by).items} == {guest.id, None}


def scanned(bench, box, read):
    """What a reader wrote of a rack."""
    rows = {f"{row}{n}": "NO TUBE" for row in "ABCDEFGH" for n in range(1, 13)} | read
    content = "".join(f"{place},{code}\r\n" for place, code in rows.items()).encode()
    told = {"content": content, "file_name": "rack.csv", "source": "upload", "container": box}
    return bench.do(rack_scans.keep, site_id=bench.site_id, **told).scan
