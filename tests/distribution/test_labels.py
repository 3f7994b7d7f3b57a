"""Where the settings ask for it, a tube is handed out only once its label was verified by a scan."""

import pytest

from biobank.core.db import unit_of_work
from biobank.core.errors import RuleViolation
from biobank.distribution import service as distribution
from biobank.printing import checks
from biobank.requests import service as requests
from biobank.samples import reading as samples_reading
from biobank.samples import replacing
from tests.racing import refusals, together


def test_a_tube_leaves_only_once_its_label_was_verified(app, world):
    right, wrong = world.tube(), world.tube()
    code = world.picked(right, wrong)
    app.config["BIOBANK"]["labels_must_be_verified"] = True
    verify(world, right)

    with pytest.raises(RuleViolation, match="labels_not_verified") as refused:
        world.hand_out(code)
    assert refused.value.params["samples"] == wrong
    assert world.lines(code) == {right: "picked", wrong: "picked"}

    verify(world, wrong)
    world.hand_out(code)
    assert world.lines(code) == {right: "handed_out", wrong: "handed_out"}


def test_a_tube_is_fetched_only_once_its_label_was_verified_where_its_site_asks_for_it(app, world):
    tube = world.tube()
    code = world.approved(tube)
    app.config["BIOBANK"]["label_checks"]["sites"]["IPC"] = {"must_be_verified": True}

    with pytest.raises(RuleViolation, match="labels_not_verified"):
        world.pick(code, tube)
    verify(world, tube)
    world.pick(code, tube)
    assert world.lines(code) == {tube: "picked"}


def test_a_tube_that_got_another_number_since_it_was_picked_is_verified_again(app, world):
    tube = world.tube()
    code = world.picked(tube)
    app.config["BIOBANK"]["labels_must_be_verified"] = True
    verify(world, tube)
    new = replace(world, tube)

    with pytest.raises(RuleViolation, match="labels_not_verified"):
        world.hand_out(code)
    verify(world, new)
    world.hand_out(code)
    assert world.lines(code) == {new: "handed_out"}


def test_a_tube_is_not_fetched_by_the_label_that_was_taken_off(app, world):
    """Somebody puts another number on it in the moment in which the old one is scanned for a request."""
    for _ in range(3):
        tube = world.tube()
        code = world.approved(tube)

        def pick(code=code, tube=tube):
            request = requests.find_request(code, world.technician)
            return distribution.pick(request=request, sample_code=tube, by=world.technician).code

        def renumber(tube=tube):
            sample = samples_reading.find_sample(tube, world.technician)
            return replacing.replace_code(sample=sample, reason="torn", by=world.technician).new_code

        outcomes = together(app, pick, renumber)

        assert set(refusals(outcomes)) <= {"code_replaced"}
        assert outcomes[1] != tube
        picked = not refusals(outcomes)
        assert world.lines(code) == {outcomes[1]: "picked" if picked else "reserved"}


def replace(world, code):
    sample = world.sample(code)
    told = unit_of_work(lambda: replacing.replace_code(sample=sample, reason="torn", by=world.technician))
    return told.new_code


def verify(world, code):
    sample = world.sample(code)
    unit_of_work(lambda: checks.verify(sample=sample, read=code, by=world.technician))
