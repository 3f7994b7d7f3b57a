"""Accession numbers: never the same twice, whoever asks, and the next letter when one is used up."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from biobank.core import codes
from biobank.core.accession import parse_number
from biobank.core.codes import AccessionCounter
from biobank.core.db import db, unit_of_work
from biobank.core.errors import RuleViolation
from tests import people
from tests.conftest import ROOT


def test_numbers_follow_one_another_and_can_be_checked(app_context):
    numbers = unit_of_work(lambda: codes.issue("sample", "IPC", 3))

    assert [number[:7] for number in numbers] == ["T000001", "T000002", "T000003"]
    assert [parse_number(number) for number in numbers] == [("T", 1), ("T", 2), ("T", 3)]


def test_a_refused_act_may_leave_a_gap_but_never_a_double(app_context):
    def refused():
        codes.issue("sample", "IPC", 5)
        raise RuleViolation("no")

    with pytest.raises(RuleViolation):
        unit_of_work(refused)
    first = unit_of_work(lambda: codes.issue("sample", "IPC", 2))
    second = unit_of_work(lambda: codes.issue("sample", "IPC", 2))
    assert not set(first) & set(second)


def test_each_kind_has_its_letter(app_context):
    kinds = {
        kind: unit_of_work(lambda kind=kind: codes.issue(kind, "IPC"))[0][0]
        for kind in ("sample", "container", "patient", "request")
    }

    assert kinds == {"sample": "T", "container": "K", "patient": "P", "request": "R"}


def test_the_same_number_is_never_given_twice(app):
    """Eight at once, each taking now one, now many."""

    def take(count):
        with app.app_context():
            return unit_of_work(lambda: codes.issue("sample", "IPC", count))

    with ThreadPoolExecutor(8) as pool:
        taken = [number for numbers in pool.map(take, [1, 7, 96, 2] * 20) for number in numbers]

    assert len(taken) == len(set(taken)) == 106 * 20


TAKE = """
import sys
from biobank.core import codes
from biobank.core.db import unit_of_work
from biobank.factory import create_app
app = create_app({"testing": True})
with app.app_context():
    for _ in range(40):
        print(*unit_of_work(lambda: codes.issue("sample", "IPC", 3)))
"""


def test_two_processes_never_get_the_same_number(database_uri):
    environ = os.environ | {
        "BIOBANK_DATABASE_URI": database_uri,
        "BIOBANK_SECRET_KEY": "k",
        "PYTHONPATH": str(ROOT),
    }
    started = [
        subprocess.Popen([sys.executable, "-c", TAKE], env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [one.communicate(timeout=240)[0].split() for one in started]

    assert [len(output) for output in outputs] == [120, 120]
    assert len(set(outputs[0]) | set(outputs[1])) == 240


def near_the_end(letter: str, left: int) -> None:
    unit_of_work(lambda: codes.issue("sample", "IPC"))  # makes the counter
    unit_of_work(
        lambda: db.session.execute(
            update(AccessionCounter).where(AccessionCounter.letter == letter).values(next_serial=10**6 - left)
        )
    )


def test_a_letter_that_is_used_up_gives_way_to_the_next(app_context):
    near_the_end("T", left=2)

    numbers = unit_of_work(lambda: codes.issue("sample", "IPC", 5))

    assert [number[:7] for number in numbers] == ["T999998", "T999999", "C000001", "C000002", "C000003"]
    assert unit_of_work(lambda: codes.issue("sample", "IPC"))[0].startswith("C000004")


def test_when_every_letter_is_used_up_nothing_is_given(app_context):
    unit_of_work(lambda: db.session.add(AccessionCounter(letter="K", next_serial=10**6 - 1)))

    with pytest.raises(RuleViolation) as refused:
        unit_of_work(lambda: codes.issue("container", "IPC", 2))
    assert refused.value.code == "codes_exhausted"
    assert len(unit_of_work(lambda: codes.issue("container", "IPC", 1))) == 1


def test_a_site_may_have_a_letter_of_its_own(app_context):
    app_context.config["BIOBANK"]["codes"]["sites"]["LYON"] = {"sample": ["H"]}

    assert unit_of_work(lambda: codes.issue("sample", "LYON"))[0].startswith("H")
    assert unit_of_work(lambda: codes.issue("sample", "IPC"))[0].startswith("T")


# --- the table of codes


@pytest.fixture
def two_sites(app_context):
    return people.site("IPC").id, people.site("LYON").id


def test_a_code_is_unique_within_its_site(two_sites):
    here, there = two_sites
    unit_of_work(lambda: codes.register("X-1", "tube", 1, here))
    unit_of_work(lambda: codes.register("X-1", "tube", 2, there))

    with pytest.raises(RuleViolation) as refused:
        unit_of_work(lambda: codes.register("X-1", "sample", 3, here))
    assert (refused.value.code, refused.value.params) == ("code_taken", {"code": "X-1", "kind": "tube"})


def test_codes_differ_by_case_and_keep_their_zeros(two_sites):
    here, _ = two_sites
    unit_of_work(
        lambda: codes.register_many([("ab01", "tube", 1), ("AB01", "tube", 2), ("001", "tube", 3)], here)
    )

    assert [one.target_id for one in codes.find(["AB01"], people.TESTS)] == [2]
    assert codes.find(["1"], people.TESTS) == []


def test_a_code_given_twice_in_one_go_is_refused(two_sites):
    with pytest.raises(RuleViolation):
        unit_of_work(lambda: codes.register_many([("A", "tube", 1), ("A", "tube", 2)], two_sites[0]))
    assert db.session.scalar(select(codes.ScannableCode.id)) is None


def test_one_finds_the_codes_of_ones_own_site_only(two_sites):
    here, there = two_sites
    unit_of_work(lambda: [codes.register("X", "tube", 1, here), codes.register("X", "tube", 2, there)])
    lyon = people.actor("technician", site_code="LYON")

    assert [one.target_id for one in codes.find(["X"], lyon)] == [2]
    assert len(codes.find(["X"], people.TESTS)) == 2


def test_a_code_taken_out_of_use_is_found_and_says_so_and_is_never_given_again(two_sites):
    here, _ = two_sites
    unit_of_work(lambda: codes.register("X", "tube", 1, here))
    unit_of_work(lambda: codes.void("X", here))

    assert codes.find(["X"], people.TESTS)[0].voided
    with pytest.raises(RuleViolation):
        unit_of_work(lambda: codes.register("X", "tube", 2, here))
