"""Labels of samples and containers: what stands on them, and what never does."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
from PIL import Image

from biobank.printing import service
from biobank.samples.models import CollectionEvent, Sample
from labels import readback
from tests import people
from tests.storage.conftest import FarBench

# half past midnight in Paris, still the day before in UTC
DRAWN = datetime(2012, 3, 13, 23, 30, tzinfo=UTC)


@pytest.fixture
def bench(app):
    return FarBench(app)


@pytest.fixture
def api(app, bench):
    return people.api(app, "technician")


def read(response):
    return readback.read(Image.open(BytesIO(response.data)))


def test_the_label_of_a_sample_reads_back_as_its_code(api, bench):
    tube = bench.tube()

    label = api.get(f"/labels/{tube.code}.png")

    assert (label.status_code, label.content_type, read(label)) == (200, "image/png", [tube.code])


def test_the_label_of_a_box_has_another_stock_than_that_of_a_tube(api, bench):
    box, tube = bench.container(name="CC12"), bench.tube()

    labels = [api.get(f"/labels/{code}.png") for code in (box.code, tube.code)]

    assert read(labels[0]) == [box.code]
    assert len({Image.open(BytesIO(label.data)).size for label in labels}) == 2


def test_a_label_may_be_had_as_a_drawing_and_on_another_stock(api, bench):
    tube = bench.tube()

    drawing = api.get(f"/labels/{tube.code}.svg?design=box")

    assert (drawing.status_code, drawing.content_type) == (200, "image/svg+xml")
    assert "500 µL" in drawing.text


def test_the_makers_code_gives_our_label(api, bench):
    tube = bench.tube(container_code="0363132553")

    assert read(api.get("/labels/0363132553.png")) == [tube.code]


def test_a_sample_label_says_type_volume_and_day_and_nothing_of_a_person(app_context):
    sample = Sample(code="T00421736", type="Plasma", quantity_kind="volume", initial=350_500, remaining=1,
                    treated_at=DRAWN)  # fmt: skip

    assert service.sample_lines(sample) == ("Plasma  350.5 µL", "2012-03-14")
    sample.quantity_kind = sample.initial = sample.treated_at = None
    assert service.sample_lines(sample) == ("Plasma", "")


def test_the_day_is_that_of_the_draw(app, bench):
    from biobank.core.db import db, unit_of_work
    from biobank.patients.models import Patient
    from biobank.studies.models import Study

    tube = bench.tube()
    with app.app_context():

        def work():
            sample = db.session.get(Sample, tube.id)
            study = db.session.get(Study, sample.study_id)
            patient = Patient(site_id=study.site_id, code="P1", subject_key="k", recorded_at=DRAWN)
            db.session.add(patient)
            db.session.flush()
            event = CollectionEvent(
                site_id=study.site_id, patient_id=patient.id, study_id=study.id, happened_at=DRAWN,
                precision="minute", recorded_at=DRAWN,
            )  # fmt: skip
            db.session.add(event)
            db.session.flush()
            sample.collection_event_id = event.id
            return service.sample_lines(sample)

        assert unit_of_work(work)[1] == "2012-03-14"


def test_a_long_name_is_cut_and_a_strange_character_left_out(api, bench):
    box = bench.container(name="🧊 Congélateur " + "très " * 30)

    drawing = api.get(f"/labels/{box.code}.svg")

    assert drawing.status_code == 200
    assert "Congélateur très" in drawing.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("{tube}.png?design=poster", 422, "malformed"),
        ("{tube}.png?design=../secret", 422, "malformed"),
        ("{tube}.gif", 404, "label_form_unknown"),
        ("T99999999.png", 404, "label_of_unknown"),
    ],
)
def test_a_label_that_cannot_be_is_refused_with_a_sentence(api, bench, path, status, code):
    refused = api.get("/labels/" + path.format(tube=bench.tube().code))

    assert (refused.status_code, refused.json["code"]) == (status, code)
    assert refused.json["detail"]


def test_an_unknown_design_names_those_there_are(api, bench):
    refused = api.get(f"/labels/{bench.tube().code}.png?design=poster")

    assert "box, freezer, tube" in refused.json["errors"]["design"]


def test_who_may_not_print_and_another_site_get_no_label(app, bench):
    tube = bench.tube()

    assert people.api(app, "researcher").get(f"/labels/{tube.code}.png").status_code == 403
    assert people.api(app, "technician", site_code="IUCT").get(f"/labels/{tube.code}.png").status_code == 404


def test_a_browser_shows_a_label(app, bench):
    browser, tube = people.browser(app, "technician"), bench.tube()

    assert browser.get(f"/labels/{tube.code}.png").content_type == "image/png"
    refused = browser.get(f"/labels/{tube.code}.png?design=poster")
    assert (refused.status_code, "There is no label design poster" in refused.text) == (422, True)
