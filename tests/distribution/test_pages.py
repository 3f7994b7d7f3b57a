"""The pages at the freezer: the next tube, one scan, red when it is wrong, and the hand-out."""

import pytest

from tests.requests import world as worlds


@pytest.fixture
def technician(app, world):
    """The browser at the freezer."""
    return worlds.browser_of(app, world.technician)


def test_the_page_leads_from_tube_to_tube(world, technician):
    first, second = world.tube(), world.tube()
    code = world.approved(second, first)

    page = technician.get(f"/requests/{code}/fetch").text
    assert page.index(first[-4:]) < page.index(second[-4:])
    assert "Freezer 3 › Rack 2 › Box 12" in page
    assert "2 tubes are still to be fetched" in page

    answer = technician.post(f"/requests/{code}/fetch", {"raw": first})
    assert answer.status_code == 303
    after = technician.get(answer.location).text
    assert f"{first} is picked." in after
    assert "1 tube is still to be fetched" in after


def test_a_wrong_tube_turns_the_page_red_with_one_way_on(world, technician):
    right, wrong = world.tube(), world.tube()
    code = world.approved(right)

    answer = technician.post(f"/requests/{code}/fetch", {"raw": wrong})

    assert answer.status_code == 409
    assert 'class="alarm" role="alert"' in answer.text
    assert wrong in answer.text
    assert right in answer.text
    assert answer.text.count(f'href="/requests/{code}/fetch"') == 1
    assert world.lines(code) == {right: "reserved"}


def test_a_tube_whose_donor_withdrew_turns_the_page_red(world, technician):
    donor = world.donor()
    tube = world.tube(donor)
    code = world.approved(tube)
    world.withdraw(donor)
    answer = technician.post(f"/requests/{code}/fetch", {"raw": tube})
    assert answer.status_code == 409
    assert "The patient withdrew" in answer.text


def test_a_tube_that_is_not_there_is_skipped(world, technician):
    tube, other = world.tube(), world.tube()
    code = world.approved(tube, other)
    answer = technician.post(f"/requests/{code}/missing", {"sample": tube})
    assert "marked as lost" in technician.get(answer.location).text
    assert world.lines(code) == {tube: "released", other: "reserved"}


def test_what_is_picked_is_handed_to_somebody(world, technician):
    donor = world.donor()
    tube, withdrawn = world.tube(), world.tube(donor)
    code = world.picked(tube, withdrawn)
    world.withdraw(donor)

    blank = technician.post(f"/requests/{code}/hand-out", {"to": " "})
    assert blank.status_code == 422
    assert "Say who receives it" in blank.text

    answer = technician.post(f"/requests/{code}/hand-out", {"to": "Dr Ada"})
    assert answer.status_code == 303
    assert "Not everything may leave" in technician.get(answer.location).text
    assert world.lines(code) == {tube: "handed_out", withdrawn: "released"}


def test_a_double_scan_picks_once(world, technician):
    tube, other = world.tube(), world.tube()
    code = world.approved(tube, other)
    once = {"raw": tube, "idempotency_key": "one-form"}
    assert technician.post(f"/requests/{code}/fetch", once).status_code == 303
    assert technician.post(f"/requests/{code}/fetch", once).status_code == 303


def test_a_researcher_does_not_fetch(app, world):
    code = world.approved(world.tube())
    browser = worlds.browser_of(app, world.researcher)
    assert browser.get(f"/requests/{code}/fetch").status_code == 403
    assert "fetch" not in browser.get(f"/requests/{code}").text
