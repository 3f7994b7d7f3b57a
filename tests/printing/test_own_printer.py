"""The printer of one's own station, on the pages: it says why it does not print, and others take over."""

import pytest

from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.printing.models import LabelPrinter
from tests import people
from tests.factories import SampleFactory
from tests.printing.conftest import BENCH, station
from tests.printing.test_views import jobs_of, words

PRINTERS = {"labeller": {"host": "127.0.0.1", "port": 1}, "other": {"host": "127.0.0.1", "port": 2}}


@pytest.fixture
def bench(app):
    """A browser at a bench with a printer that has no labels left."""
    app.config["BIOBANK"]["printers"] |= PRINTERS
    with app.app_context():
        station(BENCH, "labeller")
        row = LabelPrinter(name="labeller", trouble="printer_paper_out", told_at=clock.now())
        unit_of_work(lambda: db.session.add(row))
    browser = people.browser(app, "technician")
    browser.post(f"/stations/{BENCH}/here")
    yield browser
    app.config["BIOBANK"]["printers"].clear()


@pytest.fixture
def tubes(app):
    with app.app_context():
        return [SampleFactory().code for _ in range(3)]


def waiting(app, printer):
    found = people.api(app, "technician").get(f"/labels/jobs?state=waiting&printer={printer}").json["items"]
    return [job["code"] for job in reversed(found)]


def test_many_labels_come_out_of_the_printer_of_the_station_again_with_a_reason(app, bench, tubes):
    page = words(bench.get(f"/labels/sheet?codes={','.join(tubes)}").text)
    assert "On the label printer labeller" in page

    told = {"codes": " ".join(tubes[:2]), "form": "printer", "design": "vial"}
    assert bench.post("/labels/sheets", told).headers["Location"] == "/labels/jobs"
    assert waiting(app, "labeller") == tubes[:2]

    told["codes"] = " ".join(tubes)
    assert bench.post("/labels/sheets", told).status_code == 422
    assert bench.post("/labels/sheets", told | {"reason": "torn"}).status_code == 303
    assert jobs_of(app, tubes[0]) == [(0, "waiting", None), (1, "waiting", "torn")]
    assert jobs_of(app, tubes[2]) == [(0, "waiting", None)]


def test_a_label_that_waits_for_the_browser_is_not_asked_for_twice(app, bench, tubes):
    people.api(app, "technician").post("/labels/jobs", {"codes": tubes[:1]})

    bench.post("/labels/sheets", {"codes": tubes[0], "form": "printer"})

    assert jobs_of(app, tubes[0]) == [(0, "waiting", None)]
    assert waiting(app, "labeller") == tubes[:1]


def test_all_that_waits_for_a_printer_goes_to_another_one_at_once(app, bench, tubes):
    bench.post("/labels/sheets", {"codes": " ".join(tubes), "form": "printer"})
    page = words(bench.get("/labels/jobs").text)
    assert "The printer has no labels left." in page
    assert "Print them elsewhere" in page

    assert bench.post("/labels/printers/labeller/move", {"printer": "elsewhere"}).status_code == 422
    assert bench.post("/labels/printers/labeller/move", {"printer": "other"}).status_code == 303

    assert waiting(app, "other") == tubes
    assert waiting(app, "labeller") == []
    assert "Print them elsewhere" not in words(bench.get("/labels/jobs").text)


def test_the_page_of_a_label_says_that_the_printer_at_hand_does_not_print(app, bench, tubes):
    page = words(bench.get(f"/labels/of/{tubes[0]}").text)
    assert "labeller – The printer has no labels left." in page

    assert "has no labels left" not in words(
        people.browser(app, "technician").get(f"/labels/of/{tubes[0]}").text
    )


def test_a_reason_is_pressed_instead_of_typed(app, bench, tubes):
    bench.post(f"/labels/of/{tubes[0]}", {})
    assert "Label fell off" in words(bench.get(f"/labels/of/{tubes[0]}").text)

    bench.post(f"/labels/of/{tubes[0]}", {"design": "vial", "reason": "Label fell off"})

    assert jobs_of(app, tubes[0])[-1] == (1, "waiting", "Label fell off")
