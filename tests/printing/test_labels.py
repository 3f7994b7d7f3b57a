"""Labels of the bank's things: what stands on them, what never does, and which design each has."""

import re
import string
from datetime import UTC, datetime
from io import BytesIO

import pytest
from PIL import Image

from biobank.core import settings
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, RuleViolation
from biobank.core.settings import SettingsError
from biobank.exchange.models import ImportedRecord, ImportRun
from biobank.patients import service as patients
from biobank.printing import design_words, designs, service, things
from biobank.printing.texts import TEXTS
from biobank.printing.things import Thing
from biobank.procedures import kits
from biobank.samples import allotments, allotted, holds
from biobank.samples.models import CollectionEvent, Sample, SampleDonor
from biobank.storage.models import Container
from biobank.studies.models import Study
from labels import FIELDS, names, parse, readback
from labels.errors import SENTENCES
from labels.layout import Words
from tests import people
from tests.procedures import manual
from tests.storage.conftest import FarBench
from tests.storage.counting import statements

# half past midnight in Paris, still the day before in UTC
DRAWN = datetime(2012, 3, 13, 23, 30, tzinfo=UTC)
SECRET = "SECRET"
#: A design on which every word that a sample may bear stands, and those that it may not.
EVERYTHING = """
title = "Everything"
for = "{of}"
dpi = 300
[stock]
width_mm = 150.0
height_mm = 200.0
[[fields]]
kind = "datamatrix"
left_mm = 1.0
top_mm = 1.0
width_mm = 20.0
height_mm = 20.0
[[fields]]
kind = "number"
left_mm = 25.0
top_mm = 1.0
width_mm = 100.0
height_mm = 8.0
"""


@pytest.fixture
def bench(app):
    return FarBench(app)


@pytest.fixture
def api(app, bench):
    return people.api(app, "technician")


def read(response):
    return set(readback.read(Image.open(BytesIO(response.data))))


def in_bank(app, work):
    with app.app_context():
        return unit_of_work(work)


def words_on(layout):
    return [mark.text for mark in layout.marks if isinstance(mark, Words)]


# --- every form


def test_the_label_of_a_sample_reads_back_as_its_code(api, bench):
    tube = bench.tube()

    label = api.get(f"/labels/{tube.code}.png")

    assert (label.status_code, label.content_type, read(label)) == (200, "image/png", {tube.code})


def test_the_label_of_a_box_has_another_stock_than_that_of_a_tube(api, bench):
    box, tube = bench.container(name="CC12"), bench.tube()

    labels = [api.get(f"/labels/{code}.png") for code in (box.code, tube.code)]

    assert read(labels[0]) == {box.code}
    assert len({Image.open(BytesIO(label.data)).size for label in labels}) == 2


@pytest.mark.parametrize(
    ("form", "kind", "begins", "kept"),
    [
        ("png", "image/png", b"\x89PNG", "inline"),
        ("svg", "image/svg+xml; charset=utf-8", b"<svg", "inline"),
        ("pdf", "application/pdf", b"%PDF", "inline"),
        ("zpl", "application/zpl", b"^XA", "attachment"),
    ],
)
def test_a_label_is_had_in_every_form_with_its_type_and_name(api, bench, form, kind, begins, kept):
    tube = bench.tube()

    label = api.get(f"/labels/{tube.code}.{form}")

    assert (label.status_code, label.content_type, label.data[: len(begins)]) == (200, kind, begins)
    assert label.headers["Content-Disposition"] == f"{kept}; filename={tube.code}.{form}"
    assert "no-cache" in label.headers["Cache-Control"]
    assert label.headers["X-Content-Type-Options"] == "nosniff"


def test_a_label_may_be_had_at_each_resolution_and_in_another_design(api, bench):
    tube = bench.tube()

    sizes = [
        Image.open(BytesIO(api.get(f"/labels/{tube.code}.png?dpi={dpi}").data)).size for dpi in (203, 600)
    ]
    drawing = api.get(f"/labels/{tube.code}.svg?design=vial")

    assert sizes == [(304, 152), (897, 448)]
    assert "500 µL" in drawing.text


def test_of_a_sheet_many_copies_begin_at_the_cell_that_is_free(api, bench):
    tube = bench.tube()

    file = api.get(f"/labels/{tube.code}.pdf?design=sheet-24&copies=30&start=20")

    assert (
        file.data.count(b"/Type /Page\n") + file.data.count(b"/Type/Page/") >= 2 or b"/Count 3" in file.data
    )
    assert api.get(f"/labels/{tube.code}.pdf?design=sheet-24&start=25").status_code == 422


def test_the_makers_code_gives_our_label(api, bench):
    tube = bench.tube(container_code="0363132553")

    assert read(api.get("/labels/0363132553.png")) == {tube.code}


def test_what_was_printed_again_says_so_in_every_design_of_samples(app, bench):
    tube = bench.tube()
    with app.app_context():
        by = people.actor("technician")
        thing = things.find(tube.code, by)
        for one in designs.known(thing.site_id, ["sample"]):
            layout = service.layout_of(thing, design=one.name, reprint=12)
            assert any("R12" in text.split() for text in words_on(layout)), one.name


def test_a_design_whose_text_would_cut_the_mark_is_refused_rather_than_printed_without():
    text = EVERYTHING.format(of="sample") + (
        '[[fields]]\nkind = "text"\nleft_mm = 25.0\ntop_mm = 20.0\nwidth_mm = 8.0\nheight_mm = 3.0\n'
        'value = "{type} {mark}"\n'
    )
    thing = Thing("T00421736", "sample", "tube", 1, None, {"type": "Plasma EDTA, double spun"})

    with pytest.raises(RuleViolation) as refused:
        service.fitting(service.label_of(thing, parse("narrow", text), reprint=1))

    assert refused.value.code == "label_mark_lost"


# --- what stands on it


def test_the_words_of_a_sample(app, bench, frozen_clock):
    tube = bench.tube(container_code="0363132553")
    box = bench.container(name="CC12")

    def work():
        sample = db.session.get_one(Sample, tube.id)
        study = db.session.get_one(Study, sample.study_id)
        patient = patients.enrol(site_id=study.site_id, code="P1", by=people.TESTS)
        db.session.add(SampleDonor(sample_id=sample.id, patient_id=patient.id))
        event = CollectionEvent(
            site_id=study.site_id, patient_id=patient.id, study_id=study.id, happened_at=DRAWN, precision="minute",
            recorded_at=DRAWN, visit="V3",
        )  # fmt: skip
        db.session.add(event)
        db.session.flush()
        sample.collection_event_id = event.id
        return patient.id

    patient_id = in_bank(app, work)
    with app.app_context():
        bench.bench.place(db.session.get(Container, box.id), "B07", sample=db.session.get(Sample, tube.id))
        thing = things.find("0363132553", people.actor("technician"))

    assert (thing.code, thing.kind, thing.vessel, thing.patient_id) == (
        tube.code,
        "sample",
        "tube",
        patient_id,
    )
    assert thing.values == {
        "type": "Plasma", "amount": "500 µL", "collected_on": "2012-03-14", "stored_on": "2012-03-14",
        "study": "ESSAI", "visit": "V3", "site": "IPC", "container": "CC12", "position": "B07",
    }  # fmt: skip


def test_the_day_of_a_pool_is_that_on_which_it_was_made_and_an_unknown_amount_is_none(app_context):
    sample = Sample(
        code="T00421736", type="Plasma", quantity_kind="volume", initial=350_500, treated_at=DRAWN
    )
    assert (things.amount(sample), things.collected_on(sample, None)) == ("350.5 µL", "2012-03-14")

    sample.quantity_kind = sample.initial = sample.treated_at = None
    assert (things.amount(sample), things.collected_on(sample, None)) == ("", "")


def test_the_words_of_containers_cards_patients_and_numbers_printed_ahead(app, bench):
    freezer, box = bench.container("freezer_minus80", name="Freezer 3"), bench.container(name="CC12")
    with app.app_context():
        by = people.actor("administrator")
        procedure, study = manual.procedure(), db.session.query(Study).first()
        tubes = [{"type": "Plasma", "label": "EDTA", "count": 2}]
        kit = unit_of_work(
            lambda: kits.make_kit(
                code="V1", study=study, title="First visit", tubes=tubes, note="two\nlines", by=by
            )
        )
        patient = unit_of_work(lambda: patients.enrol(site_id=by.site_id, code="P1", by=by))
        ahead = unit_of_work(lambda: allotments.allot(site_id=by.site_id, kit=kit, by=by))
        number = allotted.numbers_in(ahead)[0]
        wanted = [freezer.code, box.code, kit.number, procedure.number, patient.code, number.code]
        found = things.find_many(wanted, by)

        assert [(thing.code, thing.kind, thing.vessel) for thing in found] == [
            (freezer.code, "container", "freezer_minus80"),
            (box.code, "container", "tube_box_9x9"),
            (kit.number, "card", "kit"),
            (procedure.number, "card", "procedure"),
            ("P1", "patient", "patient"),
            (number.code, "sample", "kit_tube"),
        ]
        assert found[0].values["temperature"]
        assert found[1].values == {"container": "CC12", "kind": "Tube box, 9 × 9", "site": "IPC"}
        assert found[2].values["kit"] == kit.title
        assert found[3].values["procedure"] == procedure.title
        assert found[4].values == {"patient": "P1", "site": "IPC"}
        assert found[5].values["kit"] == kit.title
        assert (found[5].values["set"], found[5].values["sets"], found[5].values["tube"]) == (
            "1",
            "2",
            "EDTA",
        )
        assert found[2].values["note"] == "two lines"
        for thing in found:
            layout = service.layout_of(thing)
            assert layout.code == thing.code


def test_many_things_cost_as_many_queries_as_one(app, bench):
    tubes = [tube.code for tube in bench.tubes(40)]
    with app.app_context():
        by = people.actor("technician")
        things.find_many(tubes[:1], by)
        with statements() as one:
            things.find_many(tubes[:1], by)
        with statements() as all_of_them:
            things.find_many(tubes, by)

    assert len(all_of_them) == len(one)


def test_a_long_name_is_cut_and_a_strange_character_left_out(api, bench):
    box = bench.container(name="🧊 Congélateur " + "très " * 30)

    drawing = api.get(f"/labels/{box.code}.svg")

    assert drawing.status_code == 200
    assert "Congélateur très" in drawing.text


def test_however_many_strange_characters_a_name_has_its_label_is_made(api, bench):
    strange = "".join(chr(code) for code in range(0x13000, 0x13050))
    box = bench.container(name=f"Sérum {strange}12")

    drawing = api.get(f"/labels/{box.code}.svg")

    assert drawing.status_code == 200
    assert ">Sérum 12<" in drawing.text


def test_what_would_be_markup_is_text_on_a_drawing(api, bench):
    box = bench.container(name='<script>alert("1")</script>&')

    drawing = api.get(f"/labels/{box.code}.svg")

    assert "<script" not in drawing.text
    assert "&lt;script&gt;" in drawing.text


# --- what never stands on it


def test_no_word_of_a_design_is_a_name_a_birth_date_or_a_hospital_number():
    assert set(FIELDS) == {
        "code", "number", "type", "amount", "collected_on", "stored_on", "study", "visit", "patient", "site",
        "container", "position", "kind", "kit", "tube", "procedure", "version", "temperature", "mark", "set", "sets",
        "gs1_prefix", "note",
    }  # fmt: skip
    assert "patient" not in {word for word, meant in FIELDS.items() if "sample" in meant.on}
    assert "note" not in {word for word, meant in FIELDS.items() if "sample" in meant.on}


def marked(tube, by):
    """Everything that the bank knows of a person, of where they are known and of who wrote it down, marked."""
    sample = db.session.get_one(Sample, tube.id)
    patient = patients.enrol(
        site_id=sample.site_id, code=f"{SECRET}-PSEUDONYM", birth_year=1958, sex="female", by=by
    )
    db.session.add(SampleDonor(sample_id=sample.id, patient_id=patient.id))
    holds.hold(sample=sample, code="quarantine", note=f"{SECRET}, Mrs Martin, born 12/03/1958", by=by)
    run = ImportRun(
        site_id=sample.site_id,
        profile="x",
        files=[{"name": SECRET}],
        summary={},
        recorded_at=DRAWN,
        actor_key=by.key,
    )
    db.session.add(run)
    db.session.flush()
    db.session.add_all(
        ImportedRecord(
            run_id=run.id, site_id=sample.site_id, profile="x", external_id=f"{SECRET}-{n}", level="case", file=SECRET,
            row=1, hash="0" * 64, raw={"NIP": SECRET, "name": SECRET}, **{f"{what}_id": row.id},
        )
        for n, (what, row) in enumerate((("sample", sample), ("patient", patient)))
    )  # fmt: skip


def a_field_for_each_word(subject):
    words = [word for word, meant in FIELDS.items() if subject in meant.on and word != "gs1_prefix"]
    return "".join(
        f'[[fields]]\nkind = "text"\nleft_mm = 1.0\ntop_mm = {25 + 7 * row}.0\nwidth_mm = 120.0\n'
        f'height_mm = 6.0\nvalue = "{{{word}}}"\n'
        for row, word in enumerate(words)
    )


def test_in_a_bank_full_of_secrets_none_comes_onto_a_label(app, bench):
    tube = bench.tube(container_code=f"{SECRET}-MAKER")
    with app.app_context():
        by = people.actor("technician")
        unit_of_work(lambda: marked(tube, people.TESTS))
        for subject, code in (("sample", tube.code), ("patient", f"{SECRET}-PSEUDONYM")):
            design = parse("everything", EVERYTHING.format(of=subject) + a_field_for_each_word(subject))
            label = service.label_of(things.find(code, by), design, reprint=1)
            printed = " ".join(words_on(service.fitting(label)))
            told = printed.replace(f"{SECRET}-PSEUDONYM", "") if subject == "patient" else printed
            assert SECRET not in told
            assert "1958" not in told
            assert "R1" in told


def test_nothing_that_knows_a_person_is_even_read_for_the_label_of_a_sample(app, bench):
    tube = bench.tube()
    with app.app_context():
        by = people.actor("technician")
        with statements() as said:
            service.layout_of(things.find(tube.code, by))
    read_from = {name for text in said for name in re.findall(r"(?:FROM|JOIN) ([a-z_]+)", text)}

    assert read_from - {"json_each", "chain"} <= {
        "scannable_code", "sample", "collection_event", "placement", "container", "sample_donor", "study", "site",
        "allotted_number", "allotment", "label_design",
    }  # fmt: skip


def test_a_design_for_patients_leaves_a_sample_without_pseudonym(app, bench):
    tube = bench.tube()

    def work():
        patient = patients.enrol(site_id=1, code="PSEUDO-7", by=people.TESTS)
        db.session.add(SampleDonor(sample_id=tube.id, patient_id=patient.id))

    in_bank(app, work)
    drawing = people.api(app, "technician").get(f"/labels/{tube.code}.svg?design=patient-sheet")

    assert drawing.status_code == 200
    assert "PSEUDO-7" not in drawing.text


# --- which design


def test_every_design_of_the_settings_is_there_and_is_for_such_things(app_context):
    told = app_context.config["BIOBANK"]["label_designs"]
    of = {"box": "container", "container": "container", "card": "card", "patient": "patient"}

    assert {key: designs.shipped_text(name) is not None for key, name in told.items() if key != "sites"} == {
        key: True for key in told if key != "sites"
    }
    for key, name in told.items():
        if key != "sites":
            assert designs.read(name, designs.shipped_text(name)).of == of.get(key, "sample"), key


def test_a_thing_has_the_design_of_its_vessel_or_kind_and_a_site_may_say_otherwise(app):
    with app.app_context():
        site_id = people.site("IPC").id
        told = app.config["BIOBANK"]["label_designs"]
        usual = {
            vessel: designs.usual(kind, vessel, site_id)
            for kind, vessel in (
                ("sample", "tube"), ("sample", "slide"), ("sample", "straw"), ("container", "tube_box_9x9"),
                ("container", "freezer_minus80"), ("card", "kit"), ("patient", "patient"),
            )
        }  # fmt: skip
        told["sites"]["IPC"] = {"tube": "vial", "freezer_minus80": "box"}
        try:
            own = (
                designs.usual("sample", "tube", site_id),
                designs.usual("container", "freezer_minus80", site_id),
            )
            other = designs.usual("sample", "tube", people.site("IUCT").id)
        finally:
            del told["sites"]["IPC"]

    assert usual == {
        "tube": "tube", "slide": "slide", "straw": "straw", "tube_box_9x9": "box", "freezer_minus80": "freezer",
        "kit": "card", "patient": "patient-sheet",
    }  # fmt: skip
    assert (own, other) == (("vial", "box"), "tube")


def test_every_shipped_design_prints_a_thing_of_the_bank(app, bench):
    tube, box = bench.tube(), bench.container(name="CC12")
    with app.app_context():
        by = people.actor("technician")
        found = {"sample": things.find(tube.code, by), "container": things.find(box.code, by)}
        for one in designs.known(found["sample"].site_id, found):
            assert service.layout_of(found[one.of], design=one.name).code == found[one.of].code, one.name


def test_a_gs1_symbol_needs_the_prefix_of_the_bank(app, bench):
    tube = bench.tube()
    text = EVERYTHING.format(of="sample").replace(
        'kind = "datamatrix"', 'kind = "gs1_datamatrix"\nvalue = "(8004){gs1_prefix}{code}"'
    )
    with app.app_context():
        thing = things.find(tube.code, people.actor("technician"))
        design = parse("gs1", text)
        with pytest.raises(RuleViolation, match="gs1_prefix_missing"):
            service.label_of(thing, design)
        app.config["BIOBANK"]["gs1_prefix"] = "3760012345"
        try:
            layout = service.fitting(service.label_of(thing, design))
        finally:
            app.config["BIOBANK"]["gs1_prefix"] = ""

    assert layout.marks[0].symbol.content == f"(8004)3760012345{tube.code}"


# --- what cannot be


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("{tube}.png?design=poster", 422, "malformed"),
        ("{tube}.png?design=../secret", 422, "malformed"),
        ("{tube}.png?dpi=150", 422, "malformed"),
        ("{tube}.png?dpi=many", 422, "malformed"),
        ("{tube}.zpl?copies=0", 422, "malformed"),
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

    assert ", ".join(names()) in refused.json["errors"]["design"]


def test_a_design_that_went_wrong_is_no_label_but_a_sentence(app, bench):
    with app.app_context(), pytest.raises(Malformed, match="malformed") as refused:
        designs.find("poster", people.site("IPC").id)
    assert refused.value.fields["design"].code == "label_design_unknown"


def test_who_may_not_print_and_another_site_get_no_label(app, bench):
    tube = bench.tube()

    assert people.api(app, "researcher").get(f"/labels/{tube.code}.png").status_code == 403
    assert people.api(app, "technician", site_code="IUCT").get(f"/labels/{tube.code}.png").status_code == 404


def test_a_browser_shows_a_label(app, bench):
    browser, tube = people.browser(app, "technician"), bench.tube()

    assert browser.get(f"/labels/{tube.code}.png").content_type == "image/png"
    refused = browser.get(f"/labels/{tube.code}.png?design=poster")
    assert (refused.status_code, "There is no label design poster" in refused.text) == (422, True)


def test_everything_that_labels_complain_of_has_a_sentence_with_the_same_figures():
    def filled(text):
        return {name for _literal, name, _form, _how in string.Formatter().parse(text) if name}

    assert set(SENTENCES) - set(TEXTS) == set()
    assert {code for code, text in SENTENCES.items() if not filled(TEXTS[code]) <= filled(text)} == set()
    assert set(design_words.MEANINGS) == set(FIELDS)


def test_a_design_of_the_settings_is_a_name():
    with pytest.raises(SettingsError, match="label_designs: 'tube' must be the name of a design"):
        settings.load(environ={}, overrides={"label_designs": {"tube": 3}})
    assert settings.load(environ={}, overrides={"label_designs": {"sites": {"X": {"tube": "vial"}}}})
