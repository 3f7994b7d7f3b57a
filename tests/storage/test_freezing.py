"""The scan into the freezer is the freezing time: alone, in its box, or with a whole rack."""

from datetime import timedelta

import pytest

from biobank.core import clock
from biobank.procedures import service as procedures
from biobank.samples import steps
from biobank.samples.models import Sample
from biobank.storage import bulk
from biobank.storage import service as storage
from tests.factories import ContainerFactory, SampleFactory, SiteFactory, act

STEPS = [
    {"key": "spin", "kind": "spin", "title": "Spin"},
    {"key": "freeze", "kind": "freeze", "title": "Freeze", "since": "collection", "start_within_min": 30},
]


@pytest.fixture
def shelf(app_context):
    freezer = ContainerFactory(kind="freezer_minus80")
    return ContainerFactory(kind="shelf", parent=freezer)


@pytest.fixture
def tube(app_context) -> Sample:
    """Drawn an hour ago, and through its spin."""
    procedure = act(procedures.make, code="SOP", title="Plasma", steps=STEPS, site_id=SiteFactory().id)
    sample = SampleFactory()
    batch = act(steps.start, samples=[sample], procedure=procedure, step="spin")
    act(steps.stop, batch=batch)
    return sample


def frozen(sample: Sample) -> list[list[str]]:
    """What was out of its limits, of each freeze step."""
    return [
        [each["code"] for each in run.outside or ()]
        for run, _procedure in steps.steps_of([sample.id]).get(sample.id, [])
        if run.step == "freeze"
    ]


def test_a_tube_freezes_when_it_is_put_into_the_freezer(tube, shelf):
    box = ContainerFactory(parent=shelf)

    act(storage.place, container=box, position="A1", sample=tube)

    assert frozen(tube) == [["step_late"]]


def test_a_tube_freezes_when_its_box_is_put_into_the_freezer(tube, shelf):
    box = ContainerFactory()
    act(storage.place, container=box, position="A1", sample=tube)
    assert frozen(tube) == []

    act(storage.place, container=shelf, position="1", child=box)

    assert frozen(tube) == [["step_late"]]


def test_a_tube_freezes_with_its_rack(tube, shelf):
    box = ContainerFactory(parent=shelf)

    act(bulk.put_many, container=box, positions={"A1": tube.id})

    assert frozen(tube) == [["step_late"]]


def test_a_tube_freezes_once(tube, shelf):
    box, other = ContainerFactory(parent=shelf), ContainerFactory(parent=shelf)
    act(storage.place, container=box, position="A1", sample=tube)
    act(storage.place, container=other, position="A1", sample=tube)
    with clock.freeze(clock.now() + timedelta(minutes=5)):
        act(storage.take_out, sample=tube)
        act(storage.put_back, sample=tube)

    assert len(frozen(tube)) == 1


def test_what_went_through_no_procedure_has_no_freezing_step(shelf):
    sample, box = SampleFactory(), ContainerFactory(parent=shelf)

    act(storage.place, container=box, position="A1", sample=sample)

    assert steps.steps_of([sample.id]) == {}
