"""Storage as people see it: the freezers, the map, and the scan that fills a box; all of it without a script."""

import re

import pytest

from tests import people


@pytest.fixture
def bench(far_bench):
    return far_bench


@pytest.fixture
def manager(app, bench):
    return people.browser(app, "manager")


@pytest.fixture
def box(app, bench):
    with app.app_context():
        freezer = bench.bench.container("freezer_minus80", name="Freezer 3")
        rack = bench.bench.container("drawer_rack", name="Rack 2", parent=freezer)
        return bench.bench.container(name="CC12", parent=rack).code


def fill(manager, box, raw, **more):
    return manager.post(f"/containers/{box}/fill", {"raw": raw} | more)


def position_asked_for(page):
    """The place the page points at: where the next scan goes."""
    return re.search(r'name="position" value="([^"]*)"', page.text)[1]


def test_the_freezers_are_listed_with_what_stands_in_them(manager, bench, box):
    fill(manager, box, bench.tube().code)

    page = manager.get("/containers")

    assert page.status_code == 200
    for text in ("Freezer 3", "Rack 2", "1 of 1,944 places for samples are taken; room for 23 more boxes"):
        assert text in page.text


def test_an_empty_bank_says_how_to_begin(manager):
    assert "No freezer is set up yet." in manager.get("/containers").text


def test_a_container_is_set_up_by_a_form(manager, box):
    assert manager.get("/containers/new").status_code == 200

    made = manager.post(
        "/containers", {"kind": "freezer_minus80", "name": "Freezer 7", "parent": "", "position": ""}
    )

    assert made.status_code == 303
    assert "Freezer 7" in manager.get(made.location).text


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong(manager, box):
    refused = manager.post("/containers", {"kind": "bathtub", "name": "Rubber duck"})

    assert refused.status_code == 422
    assert 'value="Rubber duck"' in refused.text
    assert "There is no kind of container bathtub" in refused.text


def test_scans_fill_a_box_place_by_place(manager, bench, box):
    tubes = bench.tubes(3)
    page = manager.get(f"/containers/{box}")

    for tube, position, following in zip(tubes, ["A01", "A02", "A03"], ["A02", "A03", "A04"], strict=True):
        assert position_asked_for(page) == position
        placed = fill(manager, box, tube.code, position=position)
        assert placed.status_code == 303
        page = manager.get(placed.location)
        assert position_asked_for(page) == following
        assert f"{tube.code} is at {position}." in page.text

    assert bench.where_is(tubes[2])[-1].position == "A03"


def test_a_scan_goes_to_the_place_that_was_pointed_at(manager, bench, box):
    tube = bench.tube()
    page = manager.get(f"/containers/{box}?position=e5")

    fill(manager, box, tube.code, position=position_asked_for(page))

    assert bench.where_is(tube)[-1].position == "E05"


@pytest.mark.parametrize(
    ("raw", "status", "sentence"),
    [
        ("T99999999", 404, "Nothing here has the code T99999999. Nothing was moved."),
        ("<b>", 404, "Nothing here has the code &lt;b&gt;"),
    ],
)
def test_a_bad_scan_is_told_in_red_and_the_scan_field_keeps_the_focus(manager, box, raw, status, sentence):
    page = fill(manager, box, raw, position="C03")

    assert page.status_code == status
    assert sentence in page.text
    assert position_asked_for(page) == "C03"
    assert len(re.findall(r"<input[^>]* autofocus", page.text)) == 1
    assert re.search(r'<input[^>]*name="raw"[^>]*data-scan autofocus', page.text.replace('id="scan"', ""))


def test_a_tube_that_may_not_stand_here_is_told_with_the_reason(manager, bench, box):
    page = fill(manager, box, bench.tube(status="depleted").code)

    assert page.status_code == 409
    assert "It is used up" in page.text


def test_scanning_another_box_goes_on_there(manager, bench, box):
    other = bench.container(name="CC13")

    page = fill(manager, box, other.code)

    assert page.location.endswith(f"/containers/{other.code}")


def test_what_stands_at_a_place_is_shown_large_and_can_be_moved_and_taken_out(manager, bench, box):
    tube = bench.tube()
    fill(manager, box, tube.code)

    page = manager.get(f"/containers/{box}?position=A01")
    assert re.search(r"plate-text\">[^<]*<b>" + tube.code[-4:], page.text)
    moved = manager.post(f"/containers/{box}/move", {"position": "A01", "to": "", "to_position": "B2"})
    assert (moved.status_code, bench.where_is(tube)[-1].position) == (303, "B02")
    taken = manager.post(f"/containers/{box}/take-out", {"position": "B02", "reason": "For a label"})

    assert (taken.status_code, bench.where_is(tube)) == (303, None)
    assert f"{tube.code} was taken out." in manager.get(taken.location).text
    back = manager.post(f"/containers/{box}/put-back", {"raw": tube.code})
    assert (back.status_code, bench.where_is(tube)[-1].position) == (303, "B02")
    assert manager.get(back.location).status_code == 200


def test_a_move_onto_another_tube_is_refused_with_its_code(manager, bench, box):
    one, two = bench.tubes(2)
    fill(manager, box, one.code)
    fill(manager, box, two.code)

    refused = manager.post(f"/containers/{box}/move", {"position": "A01", "to_position": "A02"})

    assert refused.status_code == 409
    assert f"A02 in {box} is taken by {two.code}." in refused.text


def test_one_sample_is_placed_taken_out_and_put_back_from_its_own_page(manager, bench, box):
    tube = bench.tube()
    address = f"/samples/{tube.code}"
    assert manager.get(f"{address}/place").status_code == 200

    placed = manager.post(f"{address}/place", {"container": box, "position": ""})
    assert (placed.status_code, bench.where_is(tube)[-1].position) == (303, "A01")
    taken = manager.post(f"{address}/take-out", {})
    assert (taken.location, bench.where_is(tube)) == (address, None)
    manager.post(f"{address}/put-back", {})

    assert bench.where_is(tube)[-1].position == "A01"


def test_a_sample_is_discarded_only_with_a_reason_and_when_one_is_sure(manager, bench, box):
    tube = bench.tube()
    fill(manager, box, tube.code)
    address = f"/samples/{tube.code}/discard"
    assert "Nothing brings it back." in manager.get(address).text

    unsure = manager.post(address, {"reason": "Tube broken"})
    without = manager.post(address, {"sure": "true", "reason": " "})
    assert (unsure.status_code, without.status_code) == (422, 422)
    assert 'value="Tube broken"' in unsure.text
    assert bench.where_is(tube) is not None
    gone = manager.post(address, {"reason": "Tube broken", "sure": "true"})

    assert (gone.status_code, bench.where_is(tube)) == (303, None)


def test_a_tube_that_is_not_there_is_said_to_be_lost(manager, bench, box):
    tube = bench.tube()
    fill(manager, box, tube.code)

    lost = manager.post(f"/samples/{tube.code}/lose", {"reason": "Not in its box"})

    assert (lost.location, bench.where_is(tube)) == (f"/samples/{tube.code}", None)


def test_racks_shelves_and_rooms_have_their_pages(manager, bench, box):
    shelf = bench.container("unpositioned_shelf", name="Shelf 4")
    tube = bench.tube()
    fill(manager, shelf.code, tube.code)

    assert tube.code in manager.get(f"/containers/{shelf.code}").text
    freezer = bench.container("ln2_tank", name="Tank 1")
    assert "Tank 1" in manager.get(f"/containers/{freezer.code}").text
    slides = bench.container("slide_box", name="Slides 9")
    slide = bench.tube(vessel="slide")
    fill(manager, slides.code, slide.code)
    assert slide.code in manager.get(f"/containers/{slides.code}").text


def test_a_partial_page_is_the_inside_alone(manager, box):
    page = manager.get(f"/containers/{box}", headers={"X-Partial": "1"})

    assert "<html" not in page.text
    assert '<div id="content"' in page.text


def test_who_may_only_read_sees_no_form_that_moves(app, bench, box):
    reader = people.browser(app, "dpo")

    page = reader.get(f"/containers/{box}")

    assert page.status_code == 200
    assert "/fill" not in page.text
    assert reader.post(f"/containers/{box}/fill", {"raw": bench.tube().code}).status_code == 403
