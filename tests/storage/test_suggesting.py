"""Where tubes could go: back to their place, to boxes that take them, with as few openings as can be."""

import pytest

from biobank.core import bulk, clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed
from biobank.patients.models import Patient
from biobank.samples.models import SampleDonor
from biobank.storage import accepting, building, claims, rules, suggesting
from biobank.storage import service as storage
from biobank.storage.kinds import kind_of
from biobank.storage.layouts import Level
from biobank.storage.models import Container, Placement
from biobank.studies import service as studies
from tests.storage.counting import statements


def built(bench, kind="freezer_minus80", name="F", levels=None):
    levels = levels or [
        Level("shelf", 1),
        Level("drawer_rack", 2, "Rack {a}"),
        Level("tube_box_9x9", 2, "{parent}{n}"),
    ]
    made = unit_of_work(
        lambda: building.build(site_id=bench.site_id, kind=kind, name=name, levels=levels, by=bench.by)
    )
    return made.container


@pytest.fixture
def freezer(bench):
    return built(bench)


def box(name):
    return db.session.query(Container).filter_by(name=name).one()


def fill(bench, container, count, **tubes):
    """Tubes at its first places, as if they had been put there long ago."""
    made, now = bench.tubes(count, **tubes), clock.now()
    spots = [place.text for place in rules.positions(kind_of(container))]
    rows = [
        {"container_id": container.id, "position": spot, "sample_id": tube.id, "placed_at": now,
         "placed_recorded_at": now, "placed_by": bench.by.key}
        for spot, tube in zip(spots, made, strict=False)
    ]  # fmt: skip
    unit_of_work(lambda: bulk.insert_rows(Placement, rows))
    return made


def suggest(bench, *samples, **wanted):
    return suggesting.suggest(samples=samples, by=bench.by, **wanted)


def told(found):
    return {place.container.name: place.count for place in found.places}


def family(bench, *tubes):
    """These tubes are of one patient."""

    def work():
        code = f"P{tubes[0].id}"
        patient = Patient(
            site_id=bench.site_id, code=code, subject_key=code, sex="unknown", recorded_at=clock.now()
        )
        db.session.add(patient)
        db.session.flush()
        db.session.add_all(SampleDonor(sample_id=tube.id, patient_id=patient.id) for tube in tubes)

    unit_of_work(work)


def test_tubes_go_to_where_others_of_their_study_and_type_stand(bench, freezer):
    fill(bench, box("Rack B1"), 10)

    found = suggest(bench, *bench.tubes(3))

    (place,) = found.places
    assert (place.container.name, place.positions) == ("Rack B1", ["B02", "B03", "B04"])
    assert [step.name for step in place.path] == ["F", "Shelf 1", "Rack B"]
    assert found.temperatures == {"-85to-60"}
    assert (found.openings, found.left) == (1, 0)


def test_the_fewest_boxes_are_opened_then_one_rack_then_the_nearly_full(bench, freezer):
    fill(bench, box("Rack A1"), 79)
    fill(bench, box("Rack A2"), 70)
    fill(bench, box("Rack B1"), 75)
    fill(bench, box("Rack B2"), 74, type="Serum")

    assert told(suggest(bench, *bench.tubes(2))) == {"Rack A1": 2}
    assert told(suggest(bench, *bench.tubes(5))) == {"Rack B1": 5}
    assert told(suggest(bench, *bench.tubes(12))) == {"Rack A1": 2, "Rack A2": 10}
    assert told(suggest(bench, *bench.tubes(6, type="Serum"))) == {"Rack B2": 6}


def test_kept_and_blocked_places_are_left_alone(bench, freezer):
    fill(bench, box("Rack A1"), 70)
    bench.do(claims.reserve, container=box("Rack A1"), positions=["H08", "H09"])
    bench.do(claims.block, container=box("Rack A1"), position="I01", why="cracked")

    (place,) = suggest(bench, *bench.tubes(8)).places

    assert place.positions == [f"I0{number}" for number in range(2, 10)]
    assert told(suggest(bench, *bench.tubes(9))) != {"Rack A1": 9}


def test_what_was_taken_out_goes_back_to_its_place_if_that_is_free(bench, freezer):
    one, two = fill(bench, box("Rack A1"), 2)
    for tube in (one, two):
        bench.do(storage.take_out, sample=tube)
    bench.place(box("Rack A1"), "A2", sample=bench.tube())

    found = suggest(bench, one, two)

    back, new = sorted(found.places, key=lambda place: not place.back)
    assert (back.back, back.positions, back.samples) == (True, ["A01"], [one])
    assert (new.back, new.samples) == (False, [two])
    assert "A01" not in new.positions


def test_what_stands_already_is_told_where(bench, freezer):
    (tube,) = fill(bench, box("Rack A1"), 1)

    found = suggest(bench, tube)

    assert [step.name for step in found.standing[tube.code]][-1] == "Rack A1"
    assert (found.places, found.left) == ([], 0)


def test_rules_of_boxes_and_of_what_they_stand_in_are_obeyed(bench, freezer):
    other = bench.do(studies.open_study, code="LYNX", title="Lynx", site_id=bench.site_id)
    bench.do(accepting.set_accepts, container=box("Rack A"), studies=["LYNX"])
    bench.do(accepting.set_accepts, container=box("Rack B1"), types=["Serum"])

    assert set(told(suggest(bench, *bench.tubes(2)))) == {"Rack B2"}
    assert set(told(suggest(bench, *bench.tubes(2, study_id=other.id)))) < {"Rack A1", "Rack A2", "Rack B2"}
    bench.do(accepting.set_accepts, container=freezer, studies=["LYNX"])
    lost = suggest(bench, *bench.tubes(2))
    assert (lost.places, lost.left, len(lost.left_samples)) == ([], 2, 2)


def test_tubes_go_to_the_temperature_at_which_the_others_are(bench, freezer):
    fill(bench, box("Rack A1"), 81)
    fill(bench, box("Rack A2"), 81)
    fill(bench, box("Rack B1"), 80)
    fill(bench, box("Rack B2"), 81)
    built(bench, "fridge_4c", "Fridge", [Level("shelf", 1), Level("tube_box_9x9", 1, "Cold box")])

    found = suggest(bench, *bench.tubes(3))

    assert (told(found), found.left) == ({"Rack B1": 1}, 2)
    assert told(suggest(bench, *bench.tubes(3), temperature="2to10")) == {"Cold box": 3}


def test_a_box_that_stands_nowhere_is_no_place(bench):
    bench.container()

    assert suggest(bench, bench.tube()).left == 1


def test_families_are_kept_together_where_the_box_says_so(bench, freezer):
    bench.do(accepting.set_accepts, container=freezer, families="together")
    (there, *mine), others = bench.tubes(3), bench.tubes(2)
    family(bench, there, *mine)
    family(bench, *others)
    bench.place(box("Rack B2"), "A1", sample=there)
    fill(bench, box("Rack A1"), 40)

    found = suggest(bench, *mine, *others)

    homes = {sample.id: place.container.name for place in found.places for sample in place.samples}
    assert {homes[tube.id] for tube in mine} == {"Rack B2"}
    assert len({homes[tube.id] for tube in others}) == 1


def test_families_are_kept_apart_where_the_boxes_say_so(bench, freezer):
    for name in ("Rack A1", "Rack A2", "Rack B1"):
        bench.do(accepting.set_accepts, container=box(name), families="apart")
    bench.do(accepting.set_accepts, container=box("Rack B2"), types=["Serum"])
    there, *mine = bench.tubes(4)
    family(bench, there, *mine)
    bench.place(box("Rack A1"), "A1", sample=there)

    found = suggest(bench, *mine)

    assert told(found) == {"Rack A2": 1, "Rack B1": 1}
    assert found.left == 1


def test_places_are_found_for_tubes_that_are_yet_to_be_made(bench, freezer):
    study = studies.find_study("ESSAI", bench.by)

    found = suggest(bench, study=study, type="Plasma", count=100)

    assert sum(told(found).values()) == 100
    assert found.openings == 2
    assert {place.path[-1].name for place in found.places} in ({"Rack A"}, {"Rack B"})


def test_each_kind_of_tube_goes_its_own_way_and_no_place_is_given_twice(bench, freezer):
    tubes = [*bench.tubes(5), *bench.tubes(5, type="Serum"), *bench.tubes(2, type="DNA")]

    found = suggest(bench, *tubes)

    spots = [(place.container.id, spot) for place in found.places for spot in place.positions]
    assert len(spots) == len(set(spots)) == 12


def test_blocks_slides_and_straws_go_to_what_is_made_for_them(bench):
    cabinet = bench.container("room_cabinet", name="Cabinet")
    bench.container("slide_box", parent=cabinet, name="Slides")

    blocks = suggest(bench, *bench.tubes(2, vessel="block", type="TissueFixed"))
    slides = suggest(bench, *bench.tubes(2, vessel="slide", type="TissueFixed"))

    assert (told(blocks), blocks.places[0].positions) == ({"Cabinet": 2}, [])
    assert (told(slides), slides.places[0].positions) == ({"Slides": 2}, ["001", "002"])


def test_a_place_is_never_too_warm_for_the_type_unless_it_is_asked_for(bench):
    """RNA is warned of in a fridge, and PBMC is refused there: config/cold.toml."""
    for kind in ("fridge_4c", "freezer_minus80"):
        shelf = bench.container("unpositioned_shelf", parent=bench.container(kind))
        bench.container(name=f"Box in {kind}", parent=shelf)

    assert told(suggest(bench, *bench.tubes(2, type="RNA"))) == {"Box in freezer_minus80": 2}
    assert told(suggest(bench, *bench.tubes(2, type="PBMC"))) == {"Box in freezer_minus80": 2}
    assert told(suggest(bench, *bench.tubes(2, type="RNA"), temperature="2to10")) == {"Box in fridge_4c": 2}
    assert suggest(bench, *bench.tubes(2, type="PBMC"), temperature="2to10").left == 2


def test_a_freezer_set_to_another_temperature_is_suggested_for_what_that_suits(bench):
    freezer = bench.container("freezer_minus80")
    bench.container(parent=bench.container("unpositioned_shelf", parent=freezer), name="Box")
    bench.do(accepting.set_accepts, container=freezer, temperature="-35to-18")

    assert suggest(bench, *bench.tubes(2, type="RNA")).left == 2
    assert told(suggest(bench, *bench.tubes(2, type="Serum"))) == {"Box": 2}


def test_other_sites_are_no_place(bench, other_bench, freezer):
    assert suggest(other_bench, *other_bench.tubes(2)).left == 2


def test_older_boxes_are_found_when_the_newest_are_full(bench, freezer, monkeypatch):
    """Only then are all boxes of the fitting freezers looked at."""
    from biobank.storage import box_search

    monkeypatch.setattr(box_search, "MOST_BOXES", 2)
    fill(bench, box("Rack B1"), 81, type="Serum")
    fill(bench, box("Rack B2"), 81, type="Serum")

    assert set(told(suggest(bench, *bench.tubes(2)))) <= {"Rack A1", "Rack A2"}


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "count"),
        ({"count": -1}, "count"),
        ({"count": 501}, "count"),
        ({"count": 5}, "study"),
        ({"count": 5, "vessel": "bucket", "type": "Plasma", "study": True}, "vessel"),
        ({"count": 5, "temperature": "warm"}, "temperature"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(bench, freezer, wanted, field):
    if wanted.get("study"):
        wanted = wanted | {"study": studies.find_study("ESSAI", bench.by)}

    with pytest.raises(Malformed) as refused:
        suggest(bench, **wanted)

    assert field in refused.value.fields


def test_as_many_statements_whatever_stands_in_the_bank(bench, freezer):
    fill(bench, box("Rack A1"), 5)
    asked = bench.tubes(4)
    suggest(bench, *asked)
    with statements() as few:
        suggest(bench, *asked)
    for number in range(4):
        built(
            bench,
            name=f"More {number}",
            levels=[Level("shelf", 5), Level("drawer_rack", 4), Level("tube_box_9x9", 10)],
        )
    fill(bench, box("Rack A2"), 60)
    suggest(bench, *asked)

    with statements() as many:
        suggest(bench, *asked)

    assert len(many) == len(few) <= 16


def test_a_suggestion_can_be_reserved_as_it_is(bench, freezer):
    found = suggest(bench, *bench.tubes(4))

    for place in found.places:
        bench.do(claims.reserve, container=place.container, positions=place.positions)

    again = suggest(bench, *bench.tubes(4))
    spots = {(place.container.id, spot) for place in found.places for spot in place.positions}
    assert not spots & {(place.container.id, spot) for place in again.places for spot in place.positions}
