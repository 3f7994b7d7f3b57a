"""A whole rack, read, compared and carried out: whole or not at all, once, in as many statements for 96 as for 24."""

import hashlib
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation, Unreadable
from biobank.racks import scans, service, teaching
from biobank.racks.models import RackScan
from biobank.samples import life
from biobank.storage import bulk, claims
from biobank.storage import rules as storage_rules
from biobank.storage import service as storage
from biobank.storage.kinds import kinds
from biobank.storage.models import Placement
from tests.racks.conftest import make_racks

on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def code_of(tube):
    return tube.container_code


def places(kind="tube_box_8x12"):
    return [place.text for place in storage_rules.positions(kinds()[kind])]


# --- carried out


def test_a_rack_is_filled_from_one_file(racks):
    tubes = racks.tubes(3)

    done = racks.apply({"A1": code_of(tubes[0]), "A2": code_of(tubes[1]), "B1": tubes[2].code})

    assert racks.stands() == {"A01": tubes[0].code, "A02": tubes[1].code, "B01": tubes[2].code}
    assert (done.scan.applied["placed"], done.scan.applied_by) == (racks.stands(), racks.bench.by.key)


def test_the_spilled_box_is_mended_in_one_pass(racks):
    here, other = racks.tubes(5), racks.bench.container()
    foreign = racks.tubes(1)[0]
    racks.place({f"A{n}": tube for n, tube in enumerate(here, 1)})
    racks.place({"C3": foreign}, other)
    fresh = racks.tubes(1)[0]
    shuffled = {"A1": here[1], "A2": here[0], "A3": here[2], "B1": foreign, "B2": fresh, "H12": here[3]}

    wells = {place: code_of(tube) for place, tube in shuffled.items()} | {"A5": "NO TUBE"}
    states = racks.states(wells)
    racks.apply(wells)

    assert states == {
        "A01": "moved", "A02": "moved", "A03": "present", "A05": "missing", "B01": "moved", "B02": "new",
        "H12": "moved",
    }  # fmt: skip
    assert racks.stands() == {storage_rules.parse_position(p, kinds()["tube_box_8x12"]).text: tube.code
                              for p, tube in shuffled.items()}  # fmt: skip
    assert racks.stands(other) == {}
    assert storage.where_is([here[4].id]) == {}
    assert set(racks.states(wells).values()) == {"present"}


def test_a_file_of_a_part_of_the_rack_takes_nothing_out_unless_somebody_says_so(racks):
    read, unnamed = racks.tubes(2)
    racks.place({"A1": read, "A2": unnamed})

    racks.apply({"A1": code_of(read)})
    stood = racks.stands()
    racks.apply({"A1": code_of(read)}, empty_unlisted=True)

    assert stood == {"A01": read.code, "A02": unnamed.code}
    assert racks.stands() == {"A01": read.code}


def test_a_missing_tube_is_taken_out_and_its_placement_says_why(racks):
    (tube,) = racks.tubes(1)
    racks.place({"A1": tube})

    racks.apply({"A1": "EMPTY"})

    last = db.session.scalars(select(Placement).where(Placement.sample_id == tube.id)).one()
    assert (last.why, last.removed_by) == ("missing", racks.bench.by.key)
    assert "taken_out" in [entry["act"] for entry in audit.history("sample", tube.code)]


def test_an_unread_well_keeps_what_stood_there(racks):
    tubes = racks.tubes(2)
    racks.place({"A1": tubes[0]})

    racks.apply({"A1": "NO READ", "A2": code_of(tubes[1])})

    assert racks.stands() == {"A01": tubes[0].code, "A02": tubes[1].code}


def test_every_tube_has_its_entry_and_the_box_has_one(racks):
    tubes = racks.tubes(2)
    racks.place({"A1": tubes[0]})

    racks.apply({"A2": code_of(tubes[0]), "A1": code_of(tubes[1])})

    assert [audit.history("sample", tube.code)[-1]["act"] for tube in tubes] == ["moved", "placed"]
    (told,) = [e for e in audit.history("container", racks.box.code) if e["act"] == "rack_scan_applied"]
    assert told["after"]["counts"]["moved"] == 1
    assert audit.verify().broken_at is None


@pytest.mark.parametrize("obstacle", ["ZZ99", "twice", "destroyed", "box", "slide"])
def test_one_obstacle_and_nothing_at_all_is_carried_out(racks, obstacle):
    good, other, slide = racks.tubes(1)[0], racks.tubes(1)[0], racks.bench.tube(vessel="slide")
    gone = racks.bench.tube(status="destroyed")
    wells = {"A1": code_of(good)} | {
        "ZZ99": {"A2": "ZZ99"},
        "twice": {"A2": code_of(other), "A3": other.code},
        "destroyed": {"A2": gone.code},
        "box": {"A2": racks.box.code},
        "slide": {"A2": slide.code},
    }[obstacle]

    with pytest.raises(RuleViolation, match="rack_not_whole") as refused:
        racks.apply(wells)

    assert (racks.stands(), len(refused.value.reasons) >= 1) == ({}, True)


def test_unknown_tubes_are_left_out_when_somebody_says_so(racks):
    (tube,) = racks.tubes(1)

    done = racks.apply({"A1": code_of(tube), "A2": "ZZ99"}, leave_unknown=True)

    assert (racks.stands(), done.scan.applied["left_out"]) == ({"A01": tube.code}, {"A02": "ZZ99"})


def test_a_tube_under_a_hold_may_be_moved(racks):
    from biobank.samples import holds

    (tube,) = racks.tubes(1)
    racks.bench.do(holds.hold, sample=tube, code="quarantine")

    racks.apply({"A1": code_of(tube)})

    assert racks.stands() == {"A01": tube.code}


def test_a_lost_tube_that_turns_up_is_told_and_not_placed(racks):
    (tube,) = racks.tubes(1)
    racks.bench.do(life.lose if hasattr(life, "lose") else storage.lose, sample=tube, reason=None)

    assert racks.compare({"A1": code_of(tube)}).difference.entries[0].reason.code == "status_lost"


def test_a_blocked_place_stands_in_the_way(racks):
    (tube,) = racks.tubes(1)
    racks.bench.do(claims.block, container=racks.box, position="A1", why="broken")

    entry = racks.compare({"A1": code_of(tube)}).difference.entries[0]

    assert (entry.state.value, entry.reason.code) == ("error", "position_blocked")
    with pytest.raises(RuleViolation):
        racks.apply({"A1": code_of(tube)})


def test_what_the_box_does_not_accept_stands_in_the_way_and_what_stands_in_it_already_does_not(racks):
    from biobank.storage import accepting

    inside, outside = racks.tubes(2)
    racks.place({"A1": inside})
    racks.bench.do(accepting.set_accepts, container=racks.box, types=["Serum"])

    found = racks.compare({"B1": code_of(inside), "B2": code_of(outside)}).difference

    assert [(e.state.value, e.reason.code) for e in found.entries] == [
        ("moved", "rack_came_from"), ("error", "type_not_accepted"),
    ]  # fmt: skip
    racks.apply({"B1": code_of(inside)})
    assert racks.stands() == {"B01": inside.code}


# --- which box, which scan


def rack_file(rack, **wells):
    return "".join(f"{rack},{place},{code}\n" for place, code in wells.items()).encode()


def test_the_file_of_another_rack_is_refused_by_name(racks):
    other = racks.bench.container()

    with pytest.raises(RuleViolation, match="rack_of_other_box"):
        racks.compare(rack_file(other.code, A1="FX1"))
    with pytest.raises(RuleViolation, match="rack_code_new"):
        racks.compare(rack_file("RK999", A1="FX1"))


@pytest.mark.parametrize("name", ["code", "name"])
def test_the_box_is_known_by_its_code_and_its_name(racks, name):
    assert racks.compare(rack_file(getattr(racks.box, name), A1="FX1")).container.id == racks.box.id


def visionmate(moment, box, code):
    day, time = moment
    return (
        f"Date\tTime\tLocationCell\tTubeCode\tRackID\r\n{day}\t{time}\tA1\t{code}\t{box.code}\r\n"
    ).encode()


def test_a_scan_that_is_older_than_the_last_one_is_refused(racks):
    one, other = racks.tubes(2)
    newer = visionmate(("20120302", "10:00:00"), racks.box, code_of(one))
    older = visionmate(("20120301", "10:00:00"), racks.box, code_of(other))
    racks.apply(newer)

    with pytest.raises(RuleViolation, match="rack_scan_older"):
        racks.apply(older)

    assert racks.stands() == {"A01": one.code}


def test_a_reader_whose_clock_is_ahead_does_not_make_all_later_scans_old(racks):
    (tube,) = racks.tubes(1)
    tomorrow = clock.now() + timedelta(days=3)

    scan = racks.keep(visionmate((f"{tomorrow:%Y%m%d}", "10:00:00"), racks.box, code_of(tube)))

    assert scan.scanned_at is None


@pytest.mark.parametrize("kind", ["tube_box_6x8", "tube_box_4x6"])
def test_a_file_of_96_is_refused_for_a_smaller_rack(make, kind):
    racks = make(kind)

    with pytest.raises(RuleViolation, match="rack_wrong_size"):
        racks.compare({place: f"FX{n}" for n, place in enumerate(places())})


def test_one_place_twice_is_refused(racks):
    with pytest.raises(RuleViolation, match="rack_place_twice"):
        racks.compare(b"A1,FX1\nA01,FX2\n")


def test_another_site_does_not_see_a_scan(racks, other_bench):
    scan = racks.keep({"A1": "FX1"})

    with pytest.raises(NotFound, match="rack_scan_unknown"):
        scans.find_scan(scan.id, other_bench.by)


@pytest.fixture
def other_bench(racks):
    from tests.storage.conftest import make_bench

    return make_bench("IUCT")


# --- turned


def test_a_rack_read_turned_is_carried_out_the_right_way_round(racks):
    tubes = racks.tubes(4)
    racks.place({f"A{n}": tube for n, tube in enumerate(tubes, 1)})
    turned = {f"H{13 - n}": code_of(tube) for n, tube in enumerate(tubes, 1)}

    with pytest.raises(RuleViolation, match="rack_looks_turned"):
        racks.apply(turned)
    before = racks.stands()
    racks.apply(turned, turned=True)

    assert racks.stands() == before


# --- the file


def test_every_byte_is_kept_with_its_hash(racks):
    content = b"A1,FX1\r\n\x03"

    scan = racks.keep(content)

    assert (scans.content_of(scan), scan.sha256) == (content, hashlib.sha256(content).hexdigest())


def test_the_same_file_again_is_the_same_scan(racks):
    first, second = racks.keep({"A1": "FX1"}), racks.keep({"A1": "FX1"})

    assert first.id == second.id


def test_a_scan_that_tells_its_time_is_carried_out_once(racks):
    one, other = racks.tubes(2)
    content = visionmate(("20120302", "10:00:00"), racks.box, code_of(one))
    first = racks.apply(content)

    assert racks.apply(content).scan.id == first.scan.id
    racks.apply({"A1": code_of(other)})
    with pytest.raises(RuleViolation, match="rack_scan_applied"):
        racks.apply(content)


def test_a_reader_that_writes_no_time_may_write_the_same_file_again(racks):
    one, other = racks.tubes(2)
    first = racks.apply({"A1": code_of(one)})
    racks.apply({"A1": code_of(other)})

    again = racks.apply({"A1": code_of(one)})

    assert (racks.stands(), again.scan.id != first.scan.id) == ({"A01": one.code}, True)
    assert again.scan.sha256 == first.scan.sha256
    assert racks.apply({"A1": code_of(one)}).nothing_to_do


def test_what_was_put_aside_may_be_carried_out_after_all(racks):
    (tube,) = racks.tubes(1)
    scan = racks.keep({"A1": code_of(tube)})
    racks.bench.do(scans.dismiss, scan=scan)

    racks.apply({"A1": code_of(tube)})

    assert racks.stands() == {"A01": tube.code}


@pytest.mark.parametrize("content", [b"A1,1.03E+09\n", b"R1,A1,AB1\nR2,A2,AB2\n"])
def test_what_is_refused_is_kept_all_the_same(racks, content):
    with pytest.raises((Unreadable, RuleViolation)):
        racks.keep(content)

    assert db.session.scalars(select(RackScan)).one().content == content


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"", b"\x00\x01\x02\x03\x04\x05\x06"])
def test_what_is_no_such_file_at_all_is_not_kept(racks, content):
    with pytest.raises(Exception, match="rack_file"):
        racks.keep(content)

    assert db.session.scalar(select(func.count()).select_from(RackScan)) == 0


# --- a layout that nobody knows


def test_a_layout_is_taught_once_and_then_known(racks):
    tubes = racks.tubes(2)
    scan = racks.keep(f"Puits;Foo;Lu\nA1;x;{code_of(tubes[0])}\n".encode())
    assert scan.reading is None
    with pytest.raises(RuleViolation, match="rack_layout_needed"):
        service.compare(scan=scan, by=racks.bench.by)

    racks.bench.do(
        teaching.teach,
        scan=scan,
        name="Our reader",
        columns={"position": 0, "code": 2},
        heading=0,
        delimiter=";",
    )

    db.session.refresh(scan)
    assert scan.layout == "taught:Our reader"
    assert racks.states(f"Puits;Foo;Lu\nB7;y;{code_of(tubes[1])}\n".encode()) == {"B07": "new"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": " "}, "name"),
        ({"columns": {"position": 0}}, "columns"),
        ({"columns": {"code": 0}}, "columns"),
        ({"columns": {"code": 0, "row": 1}}, "columns"),
        ({"columns": {"code": 0, "position": 0}}, "columns"),
        ({"columns": {"code": 0, "colour": 1}}, "columns"),
        ({"heading": 7}, "heading"),
        ({"numbering": "zigzag"}, "numbering"),
    ],
)
def test_what_cannot_be_a_layout_is_refused_by_its_field(racks, said, field):
    scan = racks.keep(b"Puits;Foo;Lu\nA1;x;AB1\n")
    told = {"name": "R", "columns": {"position": 0, "code": 2}, "heading": 0, "delimiter": ";"} | said

    with pytest.raises(Malformed) as refused:
        racks.bench.do(teaching.teach, scan=scan, **told)

    assert list(refused.value.fields) == [field]


# --- typed by hand


def test_codes_are_typed_twice_for_what_could_not_be_read(racks):
    tubes = racks.tubes(2)
    scan = racks.keep({"A1": code_of(tubes[0]), "A2": "NO READ"})

    with pytest.raises(Malformed) as refused:
        racks.bench.do(service.type_codes, scan=scan, typed={"A2": ("FX1", "FX2")})
    assert refused.value.fields["A2"].code == "rack_typed_twice_differs"
    with pytest.raises(RuleViolation, match="rack_not_unread"):
        racks.bench.do(service.type_codes, scan=scan, typed={"A1": ("FX1", "FX1")})
    racks.bench.do(service.type_codes, scan=scan, typed={"A2": (code_of(tubes[1]),) * 2})
    racks.apply(scan)

    assert racks.stands() == {"A01": tubes[0].code, "A02": tubes[1].code}


# --- since it was shown


def test_what_was_shown_is_carried_out_or_nothing(racks):
    one, other = racks.tubes(2)
    scan = racks.keep({"A1": code_of(one)})
    shown = racks.compare(scan).difference.digest
    racks.place({"A1": other})

    with pytest.raises(RuleViolation, match="rack_box_changed"):
        racks.apply(scan, shown=shown)

    assert racks.stands() == {"A01": other.code}


def test_a_change_that_alters_nothing_of_it_does_not_matter(racks):
    one, other = racks.tubes(2)
    racks.place({"B1": other})
    scan = racks.keep({"A1": code_of(one), "B1": code_of(other)})
    shown = racks.compare(scan).difference.digest
    racks.bench.do(storage.take_out, sample=other)
    racks.place({"B1": other})

    racks.apply(scan, shown=shown)

    assert racks.stands() == {"A01": one.code, "B01": other.code}


def test_others_may_join_in_the_unit_of_work(racks, monkeypatch):
    told = []
    monkeypatch.setattr(
        service, "after_apply", [lambda done, by: told.append((done.difference.counts, by.key))]
    )

    racks.apply({"A1": code_of(racks.tubes(1)[0])})

    assert told[0][0]["new"] == 1


# --- speed


class Counting:
    """How many statements a block sends."""

    def __enter__(self):
        self.statements = []
        event.listen(db.engine, "before_cursor_execute", self._count)
        return self

    def _count(self, _connection, _cursor, statement, *_rest):
        self.statements.append(statement)

    def __exit__(self, *_error):
        event.remove(db.engine, "before_cursor_execute", self._count)


def statements(racks, count):
    """Of comparing and of carrying out a rack of that many tubes: half stood in the box, half come from elsewhere."""
    tubes = racks.tubes(count)
    other = racks.bench.container("tube_box_8x12")
    box = racks.bench.container("tube_box_8x12")
    order = places()
    half = count // 2

    for container, standing in ((box, tubes[:half]), (other, tubes[half:])):
        wanted = dict(zip(order, [tube.id for tube in standing], strict=False))
        racks.bench.do(bulk.put_many, container=container, positions=wanted)
    wells = {place: code_of(tube) for place, tube in zip(order, reversed(tubes), strict=False)}
    scan = racks.keep(wells, box)
    with Counting() as comparing:
        service.compare(scan=scan, by=racks.bench.by)
    with Counting() as applying:
        racks.apply(scan, turned=False)
    assert len(racks.stands(box)) == count
    return len(comparing.statements), len(applying.statements)


def test_96_tubes_take_as_many_statements_as_24(racks):
    few, many = statements(racks, 24), statements(racks, 96)

    assert few == many
    assert few[0] <= 12
    assert few[1] <= 40


# --- properties


@on_one_database
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stood_in_a_box_and_whatever_is_read_it_stands_so_afterwards(app_context, data):
    racks = app_context.extensions.get("racks-of-this-test")
    if racks is None:
        racks = make_racks("tube_box_4x6")
        racks.pool, racks.other = racks.tubes(20), racks.bench.container("tube_box_4x6")
        app_context.extensions["racks-of-this-test"] = racks
    order = places("tube_box_4x6")
    tube, place = st.sampled_from(racks.pool), st.sampled_from(order)
    stood = data.draw(st.dictionaries(place, tube, max_size=12), label="stood")
    read = data.draw(
        st.lists(
            st.tuples(place, tube), min_size=1, max_size=15, unique_by=(lambda e: e[0], lambda e: e[1].id)
        ),
        label="read",
    )
    unread = data.draw(st.lists(place, max_size=4), label="unread")
    standing = {each.id: position for position, each in stood.items()}
    empty_now = [racks.bench.by, list(here(racks.box))]
    unit_of_work(lambda: bulk.put_many(racks.box, {}, empty_now[0], out=empty_now[1]))
    positions = {position: key for key, position in standing.items()}
    unit_of_work(lambda: bulk.put_many(racks.box, positions, racks.bench.by))
    before = racks.stands()
    wells = {position: each.container_code for position, each in read} | {
        position: "NO READ" for position in unread if position not in dict(read)
    }
    racks.sent = getattr(racks, "sent", 0) + 1  # no file is the same as one before
    content = "".join(f"{p},{c}\n" for p, c in wells.items()) + "\n" * racks.sent
    scan = racks.keep(content.encode())

    racks.apply(scan, turned=False)

    wanted = {position: each.code for position, each in read}
    # What the file does not name was not read either.
    kept = {p: code for p, code in before.items() if p not in wanted and code not in wanted.values()}
    assert racks.stands() == wanted | kept
    assert set(racks.states(scan).values()) <= {"present", "unread"}


def here(box):
    query = select(Placement.sample_id).where(
        Placement.container_id == box.id, Placement.removed_recorded_at.is_(None)
    )
    return set(db.session.scalars(query))
