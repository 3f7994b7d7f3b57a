"""The profile `gdc`: what a row means, and what a cell out of its place must never mean."""

import csv
import io

import pytest

from biobank.exchange import gdc
from biobank.exchange.planning import plan
from tests.exchange.tables import (
    ALIQUOTS,
    ALL,
    ANALYTES,
    NULL,
    PORTIONS,
    SAMPLES,
    changed,
    dotted,
    without,
    write,
)


@pytest.fixture
def drafts(tmp_path):
    """Write tables, plan their import, and give the drafts by external id."""

    def drafts(**tables):
        planned = plan(write(tmp_path, **tables), gdc.load())
        assert planned.errors == []
        return {made.external_id: made for chunk in planned.drafts() for made in chunk}

    return drafts


def told(made):
    return {(finding.column, finding.code) for finding in made.findings}


def test_every_type_is_one_of_miabis(shared_data):
    with (shared_data.parent / "vocab" / "miabis_sample_type.csv").open(encoding="utf-8") as file:
        codes = {row["miabis_fhir_code"] for row in csv.DictReader(file)}

    levels = gdc.load().levels
    types = {code for level in levels for code in level.materials.values()} - {"tissue"}
    types |= {code for level in levels for words in level.tissue.values() for code in words.values()}

    assert types <= codes


def test_every_word_with_a_material_is_in_its_columns_vocabulary():
    for level in gdc.load().levels:
        words = {word for name in level.material_from for word in level.columns[name].values}
        assert set(level.materials) <= words


def test_a_row_becomes_a_sample_with_its_codes_lineage_type_and_amount(drafts):
    made = drafts(**ALL)

    tissue, blood, portion, analyte, aliquot = (made[name] for name in ("s1", "s2", "p1", "n1", "q1"))
    assert (tissue.maker_code, tissue.patient_code, tissue.patient_external_id, tissue.project) == (
        "P-1-01A", "P-1", "case-1", "DEMO-STAD",
    )  # fmt: skip
    assert [one.parents for one in (tissue, portion, analyte, aliquot)] == [(), ("s1",), ("p1",), ("n1",)]
    assert [one.type for one in (tissue, blood, portion, analyte, aliquot)] == [
        "TissueFreshFrozen", "WholeBlood", "TissueFreshFrozen", "DNA", "DNA",
    ]  # fmt: skip
    assert (tissue.quantity.base, tissue.quantity.at_start) == (270_000_000, True)  # 270 mg
    assert (portion.quantity.kind, portion.quantity.base) == ("mass", 30_000_000)  # 30 mg
    assert (aliquot.quantity.kind, aliquot.quantity.base) == ("mass", 3060)  # 3.06 µg
    assert blood.quantity is None
    assert aliquot.raw["aliquot_volume"] == "15"
    assert not any(one.findings for one in made.values())


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        ({"preservation_method": "FFPE", "is_ffpe": NULL}, "TissueFixed"),
        ({"preservation_method": "Snap Frozen", "is_ffpe": NULL}, "TissueFreshFrozen"),
        ({"preservation_method": "FFPE", "is_ffpe": "False"}, "TissueFixed"),
        ({"preservation_method": "Not Reported", "is_ffpe": "true"}, "TissueFixed"),
        ({"is_ffpe": "True"}, "TissueFixed"),
        ({"is_ffpe": NULL}, "Unknown"),  # tissue, but how it was kept nobody says
        ({"sample_type": NULL}, "Unknown"),  # its code 01 is not asked
        ({"sample_type": "Not Reported"}, "Unknown"),
        ({"sample_type": "blood derived normal"}, "WholeBlood"),
        ({"sample_type": "Granulocytes"}, "Unknown"),  # a word of the list for which there is no type here
    ],
)
def test_the_type_follows_from_valid_cells_only(drafts, cells, type_):
    made = drafts(sample=changed(SAMPLES, **cells))["s1"]

    assert made.type == type_
    assert made.findings == ()


def test_the_material_that_is_named_goes_before_the_part_it_played(drafts):
    sample = [row | {"specimen_type": "Bone Marrow NOS"} for row in SAMPLES]

    assert drafts(sample=sample)["s1"].type == "BoneMarrowWhole"


SHIFTED = {"sample_type": NULL, "is_ffpe": "released", "state": NULL, "preservation_method": "Primary Tumor"}


def test_a_shifted_row_is_kept_raw_means_nothing_and_is_told_cell_by_cell(drafts):
    made = drafts(sample=changed(SAMPLES, **SHIFTED))["s1"]

    assert (made.external_id, made.maker_code, made.patient_code) == ("s1", "P-1-01A", "P-1")
    assert made.type == "Unknown"
    assert made.raw["is_ffpe"] == "released"
    assert set(made.outside) == {"is_ffpe", "preservation_method"}
    assert told(made) == {
        ("is_ffpe", "import_outside_vocabulary"),
        ("preservation_method", "import_outside_vocabulary"),
        ("initial_weight", "import_amount_in_shifted_row"),
    }
    assert {(finding.file, finding.row, finding.severity) for finding in made.findings} == {
        ("sample.tsv", 2, "note")
    }


def test_a_number_that_fits_its_column_is_not_believed_where_other_cells_are_out_of_place(drafts):
    shifted = {"aliquot_quantity": "60", "aliquot_volume": NULL, "no_matched_normal_wxs": "0.05"}

    made = drafts(**ALL | {"aliquot": changed(ALIQUOTS, **shifted)})["q1"]

    assert made.quantity is None
    assert made.raw["aliquot_quantity"] == "60"


def test_a_word_of_its_own_columns_list_is_believed_also_in_a_shifted_row(drafts):
    made = drafts(sample=changed(SAMPLES, sample_type="Blood Derived Normal", state="0.15"))["s1"]

    assert made.type == "WholeBlood"


def test_a_yes_or_no_is_not_believed_in_a_shifted_row(drafts):
    assert drafts(sample=changed(SAMPLES, state="0.15"))["s1"].type == "Unknown"


def test_an_aliquot_whose_own_word_is_out_of_place_takes_no_type_over(drafts):
    made = drafts(**ALL | {"aliquot": changed(ALIQUOTS, analyte_type="23")})["q1"]

    assert (made.type, made.inherits_type) == ("Unknown", False)


def test_an_aliquot_made_straight_from_a_sample_takes_no_type_over(drafts):
    made = drafts(sample=SAMPLES, aliquot=changed(ALIQUOTS, analyte_id=NULL, portion_id=NULL))["q1"]

    assert (made.parents, made.type, made.inherits_type) == (("s1",), "Unknown", False)


def test_a_part_of_frozen_tissue_may_have_been_embedded(drafts):
    made = drafts(sample=SAMPLES, portion=changed(PORTIONS, is_ffpe="True"))

    assert (made["s1"].type, made["p1"].type) == ("TissueFreshFrozen", "TissueFixed")


@pytest.mark.parametrize(
    ("weight", "code"),
    [
        ("a lot", "import_not_a_number"),
        ("1,5", "import_not_a_number"),
        ("nan", "import_not_a_number"),
        ("٣", "import_not_a_number"),
        ("-1", "import_out_of_range"),
        ("99999999", "import_out_of_range"),
        ("0.0000001", "import_amount_too_fine"),
    ],
)
def test_an_amount_that_cannot_be_one_is_unknown_and_told(drafts, weight, code):
    made = drafts(sample=SAMPLES, portion=changed(PORTIONS, weight=weight))["p1"]

    assert made.quantity is None
    assert told(made) == {("weight", code)}


def test_a_volume_is_taken_where_no_mass_is_given(drafts):
    made = drafts(**ALL | {"aliquot": changed(ALIQUOTS, aliquot_quantity=NULL)})["q1"]

    assert (made.quantity.kind, made.quantity.base, made.quantity.column) == (
        "volume",
        15_000,
        "aliquot_volume",
    )


def test_dotted_headers_and_the_other_null_mark_say_the_very_same(drafts, tmp_path):
    plain = drafts(**ALL)
    other = drafts(**{name: dotted(name, rows) for name, rows in ALL.items()})

    assert {name: made.digest for name, made in other.items()} == {
        name: made.digest for name, made in plain.items()
    }
    assert [made.raw for made in other.values()] == [made.raw for made in plain.values()]


def test_a_finding_names_the_column_as_the_header_writes_it(drafts):
    made = drafts(sample=dotted("sample", changed(SAMPLES, is_ffpe="released", initial_weight=NULL)))["s1"]

    assert told(made) == {("samples.is_ffpe", "import_outside_vocabulary")}


def test_the_digest_changes_with_any_cell_and_only_then(drafts):
    before = drafts(**ALL)
    after = drafts(**ALL | {"portion": changed(PORTIONS, weight="29.0")})

    assert {name for name in before if before[name].digest != after[name].digest} == {"p1"}


# --- telling a table by its header


def layout(header, file="t.tsv"):
    return gdc.layout(gdc.load(), file, header)


@pytest.mark.parametrize(("kind", "rows"), ALL.items())
def test_each_table_is_told_by_its_header_whatever_its_name(kind, rows):
    assert layout(list(rows[0])).kinds == (kind,)
    assert layout(list(dotted(kind, rows)[0])).kinds == (kind,)
    assert layout([name.upper() for name in rows[0]]).kinds == (kind,)


@pytest.mark.parametrize(
    "header",
    [
        ["slide_id", "slide_submitter_id", "sample_id", "portion_id", "case_submitter_id", "state"],
        ["slides.slide_id", "slides.submitter_id", "samples.sample_id", "cases.submitter_id", "slides.state"],
    ],
)
def test_slides_are_told_and_left_out(header):
    found = layout(header)

    assert (found.kinds, found.pieces) == (("slide",), ())
    assert [(finding.severity, finding.code) for finding in found.findings] == [
        ("note", "import_not_imported")
    ]


@pytest.mark.parametrize(
    ("header", "code", "column"),
    [
        (["weight", "colour"], "import_kind_unknown", None),
        (["case_id", "case_submitter_id"], "import_kind_unknown", None),
        ([*without(SAMPLES, "sample_submitter_id")[0]], "import_missing_column", "sample_submitter_id"),
        (
            [*without(SAMPLES, "case_id", "case_submitter_id")[0]],
            "import_missing_column",
            "case_submitter_id",
        ),
        ([*without(PORTIONS, "sample_id")[0]], "import_missing_column", "sample_id"),
        ([*SAMPLES[0], "samples.is_ffpe"], "import_repeated_column", "is_ffpe"),
        (["samples.0.sample_id", "samples.1.sample_id"], "import_repeated_column", "samples.0.sample_id"),
    ],
)
def test_a_header_from_which_nothing_can_be_read_is_refused(header, code, column):
    found = layout(header)

    assert found.pieces == ()
    assert [(f.severity, f.code, f.column) for f in found.findings] == [("error", code, column)]


def test_columns_nobody_told_us_of_are_kept_raw_and_told_once(drafts, tmp_path):
    header = [*SAMPLES[0], "shoe_size", "diagnoses.age"]

    assert [(f.code, f.params["columns"]) for f in layout(header).findings] == [
        ("import_unknown_columns", "shoe_size"),
        ("import_columns_left_out", "diagnoses.age"),
    ]
    assert drafts(sample=[row | {"shoe_size": "44"} for row in SAMPLES])["s1"].raw["shoe_size"] == "44"


def test_a_column_of_a_parent_makes_a_table_a_join_of_all_levels_between():
    parents = {"samples.sample_type": "Primary Tumor", "portions.weight": "30"}

    assert layout([*(dotted("aliquot", ALIQUOTS)[0] | parents)]).kinds == (
        "sample",
        "portion",
        "analyte",
        "aliquot",
    )
    assert layout([*ALIQUOTS[0], "sample_type"]).kinds == ("sample", "portion", "analyte", "aliquot")
    assert layout([*dotted("aliquot", ALIQUOTS)[0]]).kinds == ("aliquot",)


def test_the_whole_path_of_an_api_header_may_stand_before_a_column():
    header = [
        "cases.samples.portions.portion_id",
        "cases.samples.portions.submitter_id",
        "cases.samples.sample_id",
    ]

    assert layout(header).kinds == ("portion",)


def test_a_spreadsheet_program_may_have_been_in_between(drafts, tmp_path):
    text = io.StringIO()
    writer = csv.DictWriter(text, [*SAMPLES[0]], delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(SAMPLES)
    path = tmp_path / "sample.csv"
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")

    planned = plan([path], gdc.load())

    assert planned.findings == []
    assert {made.digest for chunk in planned.drafts() for made in chunk} == {
        made.digest for made in drafts(sample=SAMPLES).values()
    }


def test_an_analyte_of_which_only_the_code_is_given_stays_unknown(drafts):
    analytes = [row | {"analyte_type": NULL, "analyte_type_id": "D"} for row in ANALYTES]

    assert drafts(sample=SAMPLES, portion=PORTIONS, analyte=analytes)["n1"].type == "Unknown"
