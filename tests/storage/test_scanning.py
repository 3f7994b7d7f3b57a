"""What is scanned at a box: tubes, boxes, places, also by a badly set scanner; destroying takes a clean reading."""

import pytest

from biobank.core.db import db, unit_of_work
from biobank.core.errors import NotFound, RuleViolation
from biobank.core.readings import FRENCH_TO_US, US_TO_FRENCH
from biobank.storage import destruction, position_codes, scanning
from biobank.storage.kinds import kind_of, kinds
from biobank.storage.rules import positions
from tests import people


@pytest.mark.parametrize("kind", [key for key, kind in kinds().items() if kind.positioned])
def test_every_place_of_every_kind_has_a_code_that_leads_back_to_it(kind):
    for place in positions(kinds()[kind]):
        code = position_codes.position_code("K00000127", kinds()[kind], place.text)
        container, slot = position_codes.parse_position_code(code)
        assert container == "K00000127"
        assert position_codes.position_at(slot, kinds()[kind]) == place


@pytest.mark.parametrize(
    "text", ["", "K00000127", "K00000127P", "K00000128P07", "P07", "K00000127P7", "k00000127P07"]
)
def test_what_is_no_code_of_a_place_is_none(text):
    assert position_codes.parse_position_code(text) is None


@pytest.mark.parametrize("keyboard", [{}, US_TO_FRENCH, FRENCH_TO_US])
def test_a_tube_a_box_and_a_place_are_known_by_any_scanner(bench, keyboard):
    box, tube = bench.container(), bench.tube(container_code="FX05653780")
    place = position_codes.position_code(box.code, kind_of(box), "C4")

    def heard(text):
        return text.translate(keyboard) + "\r"

    assert scanning.find_thing(heard(tube.code), bench.by).sample.id == tube.id
    assert scanning.find_thing(heard("FX05653780"), bench.by).sample.id == tube.id
    assert scanning.find_thing(heard(box.code), bench.by).child.id == box.id
    found, position = scanning.find_scanned_place(heard(place), bench.by)
    assert (found.id, position) == (box.id, "C04")
    assert scanning.find_scanned_place(heard(box.code), bench.by)[1] is None


def test_what_is_no_thing_for_a_box_is_told_with_what_was_read(bench):
    for raw in ("HELLO", "T00421737"):
        with pytest.raises(NotFound) as refused:
            scanning.find_thing(raw, bench.by)
        assert (refused.value.code, refused.value.params["scanned"]) == ("scanned_unknown", raw)
    assert refused.value.reasons[0].code == "check_digits_wrong"


def test_a_place_that_a_box_has_not_is_unknown(bench):
    box = bench.container()

    with pytest.raises(NotFound, match="container_unknown"):
        scanning.find_scanned_place(f"{box.code}P82", bench.by)


@pytest.mark.parametrize("keyboard", [US_TO_FRENCH, FRENCH_TO_US])
def test_a_tube_is_destroyed_by_clean_readings_only(bench, keyboard):
    tube, witness = bench.tube(), people.actor("technician")
    bench.do(destruction.open_tasks, sample_ids=[tube.id], reason="Tube broken")

    def task():
        db.session.rollback()
        return destruction.open_of([tube.id])[tube.id]

    with pytest.raises(RuleViolation, match="clean_reading_needed"):
        destruction.task_of(tube.code.translate(keyboard), bench.by)
    with pytest.raises(RuleViolation, match="clean_reading_needed"):
        bench.do(destruction.confirm, task=task(), tube=tube.code.translate(keyboard))
    bench.do(destruction.confirm, task=task(), tube=f"]C0{tube.code}\r")
    with pytest.raises(RuleViolation, match="clean_reading_needed"):
        unit_of_work(lambda: destruction.witness(task=task(), tube=tube.code.translate(keyboard), by=witness))
    unit_of_work(lambda: destruction.witness(task=task(), tube=tube.code, by=witness))
