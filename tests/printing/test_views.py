"""Label jobs over the API and on their pages, the page of one label, and many labels at once: on paper, in files."""

import re

import pytest
from sqlalchemy import select

from biobank.core.db import db, unit_of_work
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.printing import sheets
from biobank.printing.models import LabelJob
from biobank.samples.models import SampleDonor
from labels import load, names
from tests import people
from tests.factories import SampleFactory
from tests.reading import visible
from tests.storage.conftest import FarBench


def words(page):
    """Everything that is read on a page, as one text."""
    return " ".join(visible(page))


@pytest.fixture
def tubes(app):
    with app.app_context():
        return [SampleFactory().code for _ in range(2)]


@pytest.fixture
def bench(app):
    return FarBench(app)


def jobs_of(app, code):
    with app.app_context():
        found = db.session.query(LabelJob).filter_by(code=code).order_by(LabelJob.id)
        return [(job.reprint, job.state, job.reason) for job in found]


# --- jobs


def test_labels_are_asked_for_reprinted_and_cancelled_over_the_api(app, tubes):
    api = people.api(app, "technician")
    ordered = api.post("/labels/jobs", {"codes": tubes})
    assert (ordered.status_code, [job["code"] for job in ordered.json["items"]]) == (201, tubes)
    assert api.post("/labels/jobs", {"codes": tubes}).json == ordered.json

    again = api.post("/labels/reprints", {"code": tubes[0], "reason": "torn"}).json
    assert (again["reprint"], again["state"]) == (1, "waiting")
    assert api.post(f"/labels/jobs/{again['id']}/cancel").json["state"] == "cancelled"
    assert api.post(f"/labels/jobs/{again['id']}/send-again").json["code"] == "label_job_over"
    listed = api.get("/labels/jobs?state=waiting").json["items"]
    assert sorted(job["code"] for job in listed) == sorted(tubes)


def test_what_the_api_of_labels_refuses(app, tubes):
    api = people.api(app, "technician")
    for path, body, status in (
        ("/labels/jobs", {"codes": []}, 422),
        ("/labels/jobs", {"codes": ["T99999949"]}, 404),
        ("/labels/jobs", {"codes": tubes, "copies": 0}, 422),
        ("/labels/reprints", {"code": tubes[0], "reason": ""}, 422),
        ("/labels/reprints", {"code": tubes[0]}, 422),
        ("/labels/jobs/999999/cancel", None, 404),
        ("/labels/jobs/999999/move", {"printer": None}, 404),
        ("/labels/sheets", {"codes": []}, 422),
        ("/labels/sheets", {"codes": ["T99999949"]}, 404),
        ("/labels/sheets", {"codes": tubes, "design": "box"}, 422),
        ("/labels/sheets", {"codes": tubes, "design": "poster"}, 422),
    ):
        assert api.post(path, body).status_code == status, (path, body)
    assert api.get("/labels/jobs").json["items"] == []


def test_a_label_that_nobody_knows_about_came_out_or_goes_to_another_printer(app, tubes):
    app.config["BIOBANK"]["printers"]["bench-1"] = {"host": "127.0.0.1", "port": 1}
    try:
        api, browser = people.api(app, "technician"), people.browser(app, "technician")
        one, other = (job["id"] for job in api.post("/labels/jobs", {"codes": tubes}).json["items"])
        fail(app, one, other)

        assert "It came out" in words(browser.get("/labels/jobs").text)
        assert browser.post(f"/labels/jobs/{one}/came-out").status_code == 303
        moved = browser.post(f"/labels/jobs/{other}/move?state=failed", {"printer": "bench-1"})
        assert moved.headers["Location"] == "/labels/jobs?state=failed"
        assert [state for _reprint, state, _reason in jobs_of(app, tubes[0])] == ["sent"]
        assert api.get("/labels/jobs?printer=bench-1").json["items"][0]["code"] == tubes[1]
        assert browser.post(f"/labels/jobs/{other}/move", {"printer": "-"}).status_code == 303
        assert api.get("/labels/jobs?printer=-&state=waiting").json["items"][0]["code"] == tubes[1]
        assert browser.post(f"/labels/jobs/{other}/move", {"printer": "elsewhere"}).status_code == 422
        (printer,) = api.get("/labels/printers").json["items"]
        assert (printer["name"], printer["trouble"], printer["waiting"]) == ("bench-1", None, 0)
    finally:
        app.config["BIOBANK"]["printers"].clear()


def fail(app, *job_ids):
    def work():
        for key in job_ids:
            job = db.session.get_one(LabelJob, key)
            job.state, job.error = "failed", "printer_unclear"

    with app.app_context():
        unit_of_work(work)


def test_the_list_is_narrowed_by_state_and_printer_and_groups_by_patient(app, tubes):
    people.api(app, "technician").post("/labels/jobs", {"codes": tubes})
    with app.app_context():
        whose = select(LabelJob.code, Patient.code).join(Patient, Patient.id == LabelJob.patient_id)
        patient = {tube: pseudonym for tube, pseudonym in db.session.execute(whose)}  # noqa: C416
    browser = people.browser(app, "technician")

    page = words(browser.get("/labels/jobs?state=waiting&printer=-").text)
    headings = re.findall(r"PAT-\d+", page)

    assert sorted(headings) == sorted(patient.values())
    first, second = tubes
    assert page.index(patient[second]) < page.index(second) < page.index(patient[first]) < page.index(first)
    assert "No label is like that" in words(browser.get("/labels/jobs?state=failed").text)
    assert browser.get("/labels/jobs?state=nonsense").status_code == 200


def test_another_site_neither_sees_nor_touches_a_job(app, tubes):
    job = people.api(app, "technician").post("/labels/jobs", {"codes": tubes[:1]}).json["items"][0]["id"]
    far = people.browser(app, "technician", site_code="IUCT")

    assert tubes[0] not in far.get("/labels/jobs").text
    for act in ("cancel", "send-again", "came-out", "move"):
        assert far.post(f"/labels/jobs/{job}/{act}", {"printer": "-"}).status_code == 404, act
    assert far.get(f"/labels/of/{tubes[0]}").status_code == 404


def test_the_browser_is_given_each_label_once(app, tubes):
    browser = people.browser(app, "technician")
    for tube in tubes:
        browser.post("/labels/reprints", {"code": tube, "reason": "torn"})
    assert "Print 2 labels here" in words(browser.get("/labels/jobs").text)

    sheet = browser.post("/labels/jobs/show").headers["Location"]
    shown = browser.get(sheet).text
    for tube in tubes:
        assert f"/labels/{tube}.svg?reprint=1" in shown
    assert "labels here" not in words(browser.get("/labels/jobs").text)
    assert browser.post("/labels/jobs/show").headers["Location"].endswith("/labels/jobs")


# --- one label


def test_the_page_of_a_label_prints_it_once_and_again_only_with_a_reason(app, tubes):
    browser, page = people.browser(app, "technician"), f"/labels/of/{tubes[0]}"
    assert "never printed" in words(browser.get(page).text)

    assert browser.post(page, {"design": "vial"}).status_code == 303
    refused = browser.post(page, {"reason": " "})
    assert (refused.status_code, "Say why" in words(refused.text)) == (422, True)
    assert browser.post(page, {"reason": "Label fell off"}).status_code == 303

    assert jobs_of(app, tubes[0]) == [(0, "waiting", None), (1, "waiting", "Label fell off")]
    shown = words(browser.get(page).text)
    assert "R1" in shown
    assert "Label fell off" in shown


def test_the_same_form_sent_twice_prints_once(app, tubes):
    browser = people.browser(app, "technician")
    browser.post(f"/labels/of/{tubes[0]}")
    form = {"reason": "torn", "idempotency_key": "one-form"}

    first, second = (browser.post(f"/labels/of/{tubes[0]}", form) for _ in range(2))

    assert (first.status_code, second.status_code) == (303, 303)
    assert [reprint for reprint, _state, _reason in jobs_of(app, tubes[0])] == [0, 1]


# --- what a browser prints


def test_a_sheet_of_any_codes_may_be_printed(app, tubes):
    browser = people.browser(app, "technician")
    shown = browser.get(f"/labels/print?codes={tubes[0]},{tubes[1]}").text

    assert len(re.findall(r'class="stock-\d+-tube"', shown)) == 2
    assert "data-print" in shown
    for wrong, status in (
        ("", 422),
        ("?codes=", 422),
        ("?codes=T99999949", 404),
        ("?jobs=1,x,99999999999", 422),
        ("?sheet=99", 404),
        ("?sheet=x", 404),
    ):
        assert browser.get(f"/labels/print{wrong}").status_code == status, wrong


def test_each_design_has_a_page_of_its_own_size(app, tubes):
    browser = people.browser(app, "technician")
    page = browser.get(f"/labels/print?codes={tubes[0]}").text
    site = re.search(r"stock-(\d+)-tube", page)[1]

    css = browser.get("/labels/print.css?design=" + ",".join(f"{site}-{name}" for name in names()))
    sizes = dict(re.findall(r"@page stock-\d+-([\w-]+) \{ size: ([\d.]+mm [\d.]+mm)", css.text))

    assert css.content_type == "text/css; charset=utf-8"
    assert f"/labels/print.css?design={site}-tube" in page
    assert sizes == {
        name: f"{load(name).stock.width_mm:.2f}mm {load(name).stock.height_mm:.2f}mm" for name in names()
    }


@pytest.mark.parametrize(
    ("asked", "status"), [("9999-tube", 404), ("x-tube", 404), ("{site}-poster", 422), ("{site}-a}b", 422), ("", 200)]
)  # fmt: skip
def test_a_style_is_made_of_designs_that_are_there_and_of_nothing_that_is_typed(app, tubes, asked, status):
    browser = people.browser(app, "technician")
    site = re.search(r"stock-(\d+)-", browser.get(f"/labels/print?codes={tubes[0]}").text)[1]

    answer = browser.get("/labels/print.css", query_string={"design": asked.replace("{site}", site)})

    assert answer.status_code == status


# --- many at once


def test_many_labels_come_in_one_file_and_are_accounted_for(app, bench):
    tubes = [tube.code for tube in bench.tubes(3)]
    api = people.api(app, "technician")

    sheet = api.post("/labels/sheets", {"codes": tubes, "design": "sheet-65"}).json

    assert [item["code"] for item in sheet["items"]] == tubes
    assert jobs_of(app, tubes[0]) == [(0, "shown", None)]
    for form, begins, most in (("pdf", b"%PDF", 4), ("sheet", b"%PDF", 2), ("zpl", b"^XA", 0)):
        file = api.get(sheet["files"][form].removeprefix("/api/v1"))
        assert (file.status_code, file.data[: len(begins)]) == (200, begins)
        assert file.headers["Content-Disposition"].split("=")[1] == (
            f"labels-{sheet['sheet']}.{'pdf' if form == 'sheet' else form}"
        )
        if most:
            assert int(re.search(rb"/Count (\d+)", file.data)[1]) < most
    zpl = api.get(sheet["files"]["zpl"].removeprefix("/api/v1")).data
    assert zpl.count(b"^XZ") == 3


def test_a_sheet_begins_at_the_cell_that_is_free(app, bench):
    tubes = [tube.code for tube in bench.tubes(3)]
    browser = people.browser(app, "technician")
    form = {"codes": " ".join(tubes), "design": "sheet-65", "form": "sheet", "start": "64"}

    page = browser.get("/labels/sheet?design=sheet-65&codes=" + ",".join(tubes)).text
    given = browser.post("/labels/sheets", form)

    assert page.count('name="start"') == 65
    assert given.headers["Location"].endswith(".sheet?start=64")
    file = browser.get(given.headers["Location"])
    assert (file.content_type, int(re.search(rb"/Count (\d+)", file.data)[1])) == ("application/pdf", 2)
    assert browser.post("/labels/sheets", form | {"start": "66", "reason": "again"}).status_code == 422
    assert browser.post("/labels/sheets", form | {"design": "tube", "reason": "again"}).status_code == 422
    assert jobs_of(app, tubes[0]) == [(0, "shown", None)]


def test_what_has_a_label_already_is_printed_again_with_a_reason_and_its_mark(app, bench):
    old, new, waiting = (tube.code for tube in bench.tubes(3))
    browser = people.browser(app, "technician")
    form = {"codes": old, "form": "print"}
    browser.post("/labels/sheets", form)
    browser.post(f"/labels/of/{waiting}")

    many = form | {"codes": f"{old}\n{new}\n{waiting}"}
    refused = browser.post("/labels/sheets", many)
    assert (refused.status_code, "1 of them have a label already" in words(refused.text)) == (422, True)
    given = browser.post("/labels/sheets", many | {"reason": "spoilt"})

    assert jobs_of(app, old) == [(0, "shown", None), (1, "shown", "spoilt")]
    assert jobs_of(app, new) == [(0, "shown", None)]
    assert jobs_of(app, waiting) == [(0, "cancelled", None), (0, "shown", None)]
    shown = browser.get(given.headers["Location"]).text
    assert f"/labels/{old}.svg?reprint=1" in shown
    assert f'/labels/{new}.svg"' in shown


def test_labels_of_two_patients_never_take_turns(app, bench):
    tubes = bench.tubes(4)

    def work():
        for number, tube in enumerate(tubes):
            if number < 2:
                patient = patients.enrol(site_id=1, code=f"WHO-{number}", by=people.TESTS)
                donors.append(patient.id)
            db.session.add(SampleDonor(sample_id=tube.id, patient_id=donors[number % 2]))

    donors: list[int] = []
    with app.app_context():
        unit_of_work(work)
    one, two, three, four = (tube.code for tube in tubes)

    sheet = people.api(app, "technician").post("/labels/sheets", {"codes": [one, two, three, four]}).json
    page = words(people.browser(app, "technician").get(f"/labels/sheet?codes={one},{two},{three}").text)

    assert [item["code"] for item in sheet["items"]] == [one, three, two, four]
    assert page.index("WHO-0") < page.index("WHO-1")


def test_codes_are_scanned_one_after_the_other_and_what_is_unknown_is_said(app, bench):
    one, two = (tube.code for tube in bench.tubes(2))
    browser = people.browser(app, "technician")

    page = browser.post("/labels/sheet", {"codes": one, "raw": f"{two}\r"})
    unknown = browser.post("/labels/sheet", {"codes": one, "raw": "NOTHING-7"})

    assert "2 labels" in words(page.text)
    assert f"{one}\n{two}" in page.text.replace("\r", "")
    assert (unknown.status_code, "NOTHING-7" in words(unknown.text), one in unknown.text) == (200, True, True)


def test_the_labels_of_what_stands_in_a_box(app, bench):
    box, tube = bench.container(), bench.tube()
    with app.app_context():
        from biobank.samples.models import Sample
        from biobank.storage.models import Container

        bench.bench.place(db.session.get(Container, box.id), "B07", sample=db.session.get(Sample, tube.id))

    assert tube.code in people.browser(app, "technician").get(f"/labels/sheet?container={box.code}").text


def test_things_of_several_kinds_each_have_their_own_design(app, bench):
    box, tube = bench.container().code, bench.tube().code
    browser = people.browser(app, "technician")

    page = browser.get(f"/labels/sheet?codes={box},{tube}")
    given = browser.post("/labels/sheets", {"codes": f"{box} {tube}", "form": "pdf"})

    assert "several kinds" in words(page.text)
    assert browser.get(given.headers["Location"]).data[:4] == b"%PDF"


def test_another_site_gets_nothing_of_a_sheet_and_a_researcher_none_at_all(app, bench):
    sheet = people.api(app, "technician").post("/labels/sheets", {"codes": [bench.tube().code]}).json
    path = f"/labels/sheets/{sheet['sheet']}.pdf"

    assert people.api(app, "technician", site_code="IUCT").get(path).status_code == 404
    assert people.api(app, "researcher").get(path).status_code == 403
    assert people.browser(app, "researcher").post("/labels/sheets", {"codes": "T"}).status_code == 403


def test_the_same_sheet_asked_for_twice_is_given_out_once(app, bench):
    tube = bench.tube().code
    api = people.api(app, "technician")
    key = {"Idempotency-Key": "one-sheet"}

    first, second = (api.post("/labels/sheets", {"codes": [tube]}, headers=key).json for _ in range(2))

    assert first == second
    assert jobs_of(app, tube) == [(0, "shown", None)]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_more_labels_than_one_sheet_takes_are_refused_before_anything_is_read(app):
    with app.app_context():
        by = people.actor("technician")
        with pytest.raises(Exception, match="malformed"):
            sheets.choose(codes=[f"T{number}" for number in range(sheets.MOST + 1)], by=by)
    assert people.api(app, "technician").post("/labels/sheets", {"codes": ["T"] * 5001}).status_code == 422


@pytest.mark.slow
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_thousand_labels_take_no_more_memory_than_a_hundred(app, bench):
    import tracemalloc

    tubes = [tube.code for tube in bench.tubes(1000)]
    with app.app_context():
        by = people.actor("technician")
        few = unit_of_work(lambda: sheets.order(codes=tubes[:100], by=by, design="sheet-65"))
        many = unit_of_work(lambda: sheets.order(codes=tubes, by=by, design="sheet-65", reason="again"))
        sheets.write(sheet=few, form="sheet", by=by).close()
        peaks = []
        for sheet in (few, many):
            db.session.expunge_all()
            tracemalloc.start()
            with sheets.write(sheet=sheet, form="sheet", by=by) as file:
                assert file.read(4) == b"%PDF"
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    assert peaks[1] < peaks[0] + 8_000_000
