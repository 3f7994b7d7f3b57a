"""What is wrong with a tube, said at the station with any tube in the hand."""

import pytest

from biobank.bench import commands, work
from biobank.quality import service as quality
from biobank.storage import service as storage
from tests import people
from tests.bench.test_work import Station
from tests.factories import ContainerFactory, SampleFactory, act

LEAKED = commands.number_of("non_conformity", reason="leaked")
LOW = commands.number_of("non_conformity", reason="low_volume")


@pytest.fixture
def station(app_context) -> Station:
    return Station(people.actor("technician"))


def faults(tube) -> list[tuple[str, str]]:
    return [(item.code, item.stage) for item in quality.open_of([tube.id]).get(tube.id, [])]


def sentence(station: Station) -> str:
    return work.sentence(station.session).code


def test_the_command_the_tube_and_the_reason_build_a_sentence(station):
    tube = SampleFactory()

    assert station.command("non_conformity") == "fault_which"
    assert sentence(station) == "fault_sentence"
    assert station.scan(tube.code) == "fault_tube"
    assert sentence(station) == "fault_sentence_what"
    assert station.scan(LEAKED) == station.scan(LOW) == "receive_wrong"

    assert faults(tube) == [("leaked", "processing"), ("low_volume", "processing")]


def test_the_reason_first_goes_for_one_tube_after_another(station):
    tubes = [SampleFactory() for _ in range(2)]
    act(storage.place, container=ContainerFactory(), position="A1", sample=tubes[1])

    assert station.scan(LEAKED) == "fault_reason"
    assert [station.scan(tube.code) for tube in tubes] == ["receive_wrong"] * 2

    assert [faults(tube) for tube in tubes] == [[("leaked", "processing")], [("leaked", "storage")]]


def test_cancelling_lets_go_of_the_tube_before_it_ends_the_work(station):
    tube = SampleFactory()
    station.command("non_conformity")
    station.scan(tube.code)

    assert station.command("cancel") == "fault_nothing"
    assert sentence(station) == "fault_sentence"
    assert station.command("cancel") == "session_finished"
    assert faults(tube) == []
