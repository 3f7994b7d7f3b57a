"""Printers by themselves: what they say, how they fail, and that only what is certain is called certain."""

import os
import stat
import time

import pytest

from labels.printers import (
    CupsQueue,
    Held,
    NotSent,
    RawPrinter,
    Unclear,
)
from labels.status import Status, labels_in, read_status
from tests.printing.fake_printer import fake_printer

LABEL = b"^XA^FO0,0^FDT00421736^FS^PQ1^XZ\n"
READY = b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"


def door(printer, **told):
    return RawPrinter("127.0.0.1", printer.port, **({"seconds": 0.3, "counts": printer.counts} | told))


# --- what it says


def test_a_printer_that_is_ready_says_so():
    assert read_status(READY) == Status()
    assert read_status(b"noise \xff" + READY) == Status()


@pytest.mark.parametrize(
    ("line", "place", "name", "trouble"),
    [
        (0, 1, "paper_out", "printer_paper_out"),
        (0, 2, "paused", "printer_paused"),
        (0, 5, "buffer_full", None),
        (0, 7, "partial", None),
        (0, 9, "corrupt", "printer_settings_lost"),
        (0, 10, "cold", "printer_too_cold"),
        (0, 11, "hot", "printer_too_hot"),
        (1, 2, "head_open", "printer_head_open"),
        (1, 3, "ribbon_out", "printer_ribbon_out"),
        (1, 7, "to_take", None),
    ],
)
def test_each_flag_of_a_status_is_read_where_it_stands(line, place, name, trouble):
    lines = [each.split(b",") for each in READY.replace(b"\r\n", b"").strip(b"\x02\x03").split(b"\x03\x02")]
    lines[line][place] = b"1"
    said = read_status(b"".join(b"\x02" + b",".join(fields) + b"\x03\r\n" for fields in lines))

    assert said == Status(**{name: True})
    assert said.trouble == trouble


def test_what_is_still_in_the_printer_is_counted():
    said = read_status(READY.replace(b"1245,000", b"1245,003").replace(b"00000000", b"00000012"))

    assert (said.formats, said.remaining, said.busy) == (3, 12, True)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 400 Bad Request", b"\x02\x03\x02\x03\x02\x03", READY[:60], READY.replace(b"1245", b"12a5"),
     READY.replace(b"030,0", b"030,7")],
)  # fmt: skip
def test_what_is_no_status_is_not_taken_for_one(answer):
    assert read_status(answer) is None


# --- sent


@pytest.mark.parametrize("counts", [True, False])
def test_a_label_is_sent_and_is_out(counts):
    told = []
    with fake_printer(counts=counts, seconds=0.05) as printer:
        door(printer).send(LABEL, begin=told.append)

        assert [label + b"\n" for label in printer.labels] == [LABEL]
    assert told == ([31_084] if counts else [None])


def test_as_many_labels_come_out_as_the_label_says():
    label = LABEL.replace(b"^PQ1", b"^PQ3")
    assert labels_in(label) == 3
    assert labels_in(LABEL + LABEL) == labels_in(LABEL.replace(b"^PQ1", b"") * 2) == 2
    with fake_printer(seconds=0.05) as printer:
        door(printer).send(label, 3)
        assert len(printer.labels) == 3


def test_a_printer_that_says_nothing_is_given_the_label_and_no_question():
    with fake_printer("quiet") as printer:
        door(printer, answers=False, counts=False).send(LABEL)
        printer.wait_until_idle()
        assert len(printer.labels) == 1


def test_nothing_is_sent_where_whoever_is_told_before_says_no():
    def no(_count):
        raise LookupError

    with fake_printer() as printer:
        with pytest.raises(LookupError):
            door(printer).send(LABEL, begin=no)
        assert not printer.labels
        assert not printer.buffer


# --- not sent


@pytest.mark.parametrize(
    ("mood", "code"),
    [("closes", "printer_hung_up"), ("hangs", "printer_silent"), ("garbage", "printer_not_understood"),
     ("endless", "printer_not_understood")],
)  # fmt: skip
def test_a_printer_that_does_not_say_how_it_is_gets_nothing_within_its_time(mood, code):
    with fake_printer(mood) as printer:
        started = time.monotonic()
        with pytest.raises(NotSent, match=code):
            door(printer).send(LABEL)
        assert time.monotonic() - started < 1.0
        assert not printer.labels


def test_an_answer_that_comes_byte_by_byte_is_waited_for_but_not_for_ever():
    with fake_printer("drips") as printer:
        door(printer, seconds=2.0).send(LABEL)
        assert len(printer.labels) == 1

        with pytest.raises(NotSent, match="printer_not_understood"):
            door(printer, seconds=0.03).send(LABEL)


def test_a_printer_that_is_not_there_is_not_reached():
    with fake_printer() as printer:
        gone = door(printer)
    with pytest.raises(NotSent, match="printer_unreached"):
        gone.send(LABEL)


def test_a_printer_that_does_not_count_is_not_believed_to():
    with fake_printer(counts=False) as printer, pytest.raises(NotSent, match="printer_does_not_count"):
        door(printer, counts=True).send(LABEL)


@pytest.mark.parametrize("trouble", ["paper_out", "paused", "head_open", "ribbon_out", "hot", "cold"])
def test_a_printer_that_cannot_print_gets_nothing(trouble):
    with fake_printer(troubles={trouble}) as printer:
        with pytest.raises(NotSent, match=trouble):
            door(printer).send(LABEL)
        assert not printer.buffer


def test_a_label_that_was_not_taken_yet_comes_first():
    with fake_printer(troubles={"to_take"}) as printer, pytest.raises(NotSent, match="printer_label_to_take"):
        door(printer).send(LABEL)


def test_a_label_that_never_ended_does_not_run_into_the_next():
    with fake_printer("breaks") as printer:
        with pytest.raises(NotSent, match="printer_lost_label"):
            door(printer).send(LABEL)
        printer.mood, printer.partial = "ready", b"^XA^FDsomebody else's"
        door(printer).send(LABEL)
        assert [label + b"\n" for label in printer.labels] == [LABEL]

        printer.mood, printer.partial = "quiet", b"^XA^FDsomebody else's"
        door(printer, answers=False, counts=False).send(LABEL)
        printer.wait_until_idle()
        assert printer.labels[1] == printer.labels[0]


# --- held, lost, unclear


@pytest.mark.parametrize("counts", [True, False])
def test_a_label_that_the_printer_keeps_is_held_until_its_trouble_is_mended(counts):
    with fake_printer(roll=1, counts=counts, seconds=0.02) as printer:
        door(printer).send(LABEL)
        with pytest.raises(Held, match="printer_paper_out"):
            door(printer).send(LABEL)
        with pytest.raises(Held, match="printer_paper_out"):
            door(printer).settle(31_085 if counts else None)

        printer.mend()
        door(printer).settle(31_085 if counts else None)
        assert len(printer.labels) == 2


def test_a_slow_printer_is_waited_for_and_then_asked_later():
    ticks = []
    with fake_printer(seconds=3.0) as printer:
        with pytest.raises(Held, match="printer_slow"):
            door(printer, seconds=0.1).send(LABEL, tick=lambda: ticks.append(1))
        door(printer, seconds=1.0).settle(31_084)
        assert len(printer.labels) == 1
    assert len(ticks) > 10


def test_a_counting_printer_tells_at_once_what_became_of_a_label_whose_connection_broke():
    with fake_printer("breaks_after", seconds=0.05) as printer:
        door(printer).send(LABEL)
        assert len(printer.labels) == 1


def test_a_counting_printer_that_says_no_more_is_asked_later():
    with fake_printer(silent_in_trouble=True) as printer:
        with pytest.raises(Held, match="printer_silent"):
            door(printer).send(LABEL, begin=lambda _count: printer.troubles.add("paper_out"))
        printer.mend()
        door(printer).settle(31_084)
        assert len(printer.labels) == 1


def test_a_label_that_a_counting_printer_forgot_is_known_to_be_lost():
    with fake_printer("swallows") as printer:
        with pytest.raises(NotSent, match="printer_lost_label"):
            door(printer).send(LABEL)
        printer.mood = "ready"
        with pytest.raises(NotSent, match="printer_lost_label"):
            door(printer).settle(31_084)
        door(printer).send(LABEL)
        assert len(printer.labels) == 1


@pytest.mark.parametrize("counted", [31_000, 31_090])
def test_a_counter_that_does_not_fit_leaves_it_to_a_person(counted):
    with fake_printer() as printer, pytest.raises(Unclear, match="printer_unclear"):
        door(printer).settle(counted)


@pytest.mark.parametrize("mood", ["breaks", "breaks_after"])
def test_without_a_counter_a_broken_connection_leaves_it_to_a_person(mood):
    with fake_printer(mood, counts=False) as printer:
        with pytest.raises(Unclear, match="printer_unclear"):
            door(printer).send(LABEL)
        with pytest.raises(Unclear):
            door(printer, answers=False).settle(None)


def test_part_of_the_copies_leaves_it_to_a_person():
    with fake_printer() as printer:
        printer.on_label = lambda: setattr(printer, "printing", 0)
        with pytest.raises(Unclear):
            door(printer).send(LABEL.replace(b"^PQ1", b"^PQ2"), 2)


# --- a print server


@pytest.fixture
def lp(tmp_path):
    """`lp(script)`: a program called in the place of lp."""

    def make(script):
        path = tmp_path / "lp"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return make


def test_a_queue_is_given_the_bytes_as_they_are_and_tells_its_number(lp, tmp_path):
    program = lp(
        f'cat > "{tmp_path}/given"; echo "$@" > "{tmp_path}/asked"; echo "request id is bench-42 (0 file(s))"'
    )
    assert CupsQueue("bench", program=program).send(LABEL) == 42
    assert (tmp_path / "given").read_bytes() == LABEL
    assert (tmp_path / "asked").read_text() == "-d bench -o raw -\n"
    CupsQueue("bench", raw=False, program=program).send(b"%PDF")
    assert (tmp_path / "asked").read_text() == "-d bench -\n"


@pytest.mark.parametrize("name", ["", "-o", "a b", "bench;id", "../bench", "a" * 200, "bench\n"])
def test_a_name_that_is_no_name_of_a_queue_is_not_tried(name):
    with pytest.raises(ValueError, match="no name of a queue"):
        CupsQueue(name)


@pytest.mark.parametrize(
    ("script", "error", "code"),
    [
        ('echo "lp: The printer or class does not exist." >&2; exit 1', NotSent, "printer_queue_unknown"),
        ('echo "lp: Error - scheduler not responding." >&2; exit 1', NotSent, "printer_queue_unreached"),
        (
            'echo "lp: Destination \\"bench\\" is not accepting jobs." >&2; exit 1',
            NotSent,
            "printer_queue_refuses",
        ),
        ("echo broken >&2; exit 1", Unclear, "printer_unclear"),
        ("echo thank you", Unclear, "printer_unclear"),
        ("exec sleep 5", Unclear, "printer_unclear"),
    ],
)
def test_what_a_queue_says_is_understood(lp, script, error, code):
    with pytest.raises(error, match=code):
        CupsQueue("bench", seconds=0.1, program=lp(script)).send(LABEL)


def test_without_the_program_nothing_is_sent():
    began = []
    with pytest.raises(NotSent, match="printer_program_missing"):
        CupsQueue("bench", program=os.path.join(os.sep, "nowhere", "lp")).send(LABEL, begin=began.append)
    assert not began
