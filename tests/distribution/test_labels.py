"""Where the settings ask for it, a tube is handed out only once its label was verified by a scan."""

import pytest

from biobank.core.db import unit_of_work
from biobank.core.errors import RuleViolation
from biobank.printing import checks


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


def verify(world, code):
    sample = world.sample(code)
    unit_of_work(lambda: checks.verify(sample=sample, expected=code, read=code, by=world.technician))
