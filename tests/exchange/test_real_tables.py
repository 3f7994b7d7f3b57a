"""The stomach cancer tables that the Genomic Data Commons gave out: 443 cases, and many rows out of place."""

from collections import Counter

import pytest

from biobank.exchange import gdc
from biobank.exchange.planning import plan

COUNTS = {"sample": 1356, "portion": 1325, "analyte": 2222, "aliquot": 5522}
SHIFTED = {"sample": 416, "analyte": 2200, "aliquot": 5073}
TABLES = ("aliquot", "slide", "sample", "analyte", "portion")  # no order that would help


@pytest.fixture(scope="module")
def paths(shared_data):
    return [shared_data / "gdc_tcga_stad_biospecimen" / f"{name}.tsv" for name in TABLES]


@pytest.fixture(scope="module")
def planned(paths):
    return plan(paths, gdc.load())


@pytest.fixture(scope="module")
def drafts(planned):
    return {draft.external_id: draft for chunk in planned.drafts() for draft in chunk}


def test_every_row_is_taken_and_nothing_is_orphaned(planned, drafts):
    assert planned.counts == COUNTS
    assert planned.errors == []
    assert len(planned.patients) == 443
    assert Counter(draft.level for draft in drafts.values()) == COUNTS
    assert all(draft.maker_code for draft in drafts.values())
    order = {name: number for number, name in enumerate(drafts)}
    for name, draft in drafts.items():
        assert len(draft.parents) == (draft.level != "sample")
        assert all(order[parent] < order[name] for parent in draft.parents)


def test_the_slides_are_told_and_left_out(planned):
    assert [(f.file, f.code) for f in planned.findings] == [("slide.tsv", "import_not_imported")]


def test_each_shifted_row_is_told_and_none_is_given_a_meaning(drafts):
    shifted = [draft for draft in drafts.values() if draft.outside]

    assert Counter(draft.level for draft in shifted) == SHIFTED
    assert {(draft.type, draft.quantity) for draft in shifted} == {("Unknown", None)}
    assert all(
        finding.severity == "note" and finding.row == draft.row
        for draft in shifted
        for finding in draft.findings
    )
    assert sum(len(draft.outside) for draft in shifted) == 27_845


def test_only_what_stands_in_its_place_has_a_meaning(drafts):
    assert Counter((draft.level, draft.type) for draft in drafts.values()) == {
        ("sample", "TissueFreshFrozen"): 544,
        ("sample", "WholeBlood"): 396,
        ("sample", "Unknown"): 416,
        ("portion", "TissueFreshFrozen"): 929,
        ("portion", "WholeBlood"): 396,
        ("analyte", "DNA"): 22,
        ("analyte", "Unknown"): 2200,
        ("aliquot", "DNA"): 21,
        ("aliquot", "Unknown"): 5501,
    }
    amounts = Counter(draft.quantity.column for draft in drafts.values() if draft.quantity)
    assert amounts == {"initial_weight": 222, "weight": 735, "aliquot_quantity": 133}
    # 60 stands under aliquot_quantity in shifted rows only, where it is the volume.
    assert {draft.quantity for draft in drafts.values() if draft.raw.get("aliquot_quantity") == "60"} == {
        None
    }


def test_the_rna_of_three_micrograms_is_kept_exactly(drafts):
    found = [draft for draft in drafts.values() if draft.raw.get("aliquot_quantity") == "3.06"]

    assert [draft.quantity and draft.quantity.base for draft in found] == [3060, 3060]


def test_the_same_tables_again_say_the_same(paths, drafts):
    again = {draft.external_id: draft.digest for chunk in plan(paths, gdc.load()).drafts() for draft in chunk}

    assert again == {name: draft.digest for name, draft in drafts.items()}


def test_with_dotted_headers_and_the_other_null_mark_they_say_the_same(paths, drafts, tmp_path):
    files = []
    for path in paths:
        head, rest = path.read_text(encoding="utf-8").split("\n", 1)
        level = path.stem
        names = [header(level, name) for name in head.split("\t")]
        cells = [["'--" if cell == "--" else cell for cell in line.split("\t")] for line in rest.splitlines()]
        files.append(tmp_path / path.name)
        files[-1].write_text(
            "\r\n".join("\t".join(row) for row in [names, *cells]), encoding="utf-8-sig", newline=""
        )

    planned = plan(files, gdc.load())

    assert planned.errors == []
    assert {draft.external_id: draft.digest for chunk in planned.drafts() for draft in chunk} == {
        name: draft.digest for name, draft in drafts.items()
    }


def header(level, name):
    """`sample_id` -> `samples.sample_id`, `case_submitter_id` -> `cases.submitter_id`, `weight` -> `portions.weight`"""
    if name == "project_id":
        return "project.project_id"
    for entity in ("case", "sample", "portion", "analyte", "aliquot", "slide"):
        if name in {f"{entity}_id", f"{entity}_submitter_id"}:
            return f"{entity}s.{name if name.endswith(f'{entity}_id') else 'submitter_id'}"
    return f"{level}s.{name}"
