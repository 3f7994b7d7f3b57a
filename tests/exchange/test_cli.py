"""`flask import` as somebody at a terminal meets it: what is said where, what is left behind, and the exit code."""

import csv
import gc
import io
import re

import pytest
import xlsxwriter
from sqlalchemy import func, select, text

from biobank import models
from biobank.core.db import db
from biobank.exchange.models import ImportedRecord, ImportRun
from biobank.samples.models import Sample
from tests.exchange.tables import ALL, ANALYTES, PORTIONS, SAMPLES, as_text, changed, dotted, write
from tests.factories import PatientFactory, SampleFactory, SiteFactory, StudyFactory

SUMMARY = "gdc: 1 patients, 2 samples, 1 portions, 1 analytes, 1 aliquots; {} changes, {} errors, {} notes"
TABLES = ("sample", "portion", "analyte", "aliquot")


@pytest.fixture
def flask(app):
    """`flask(...)` runs a command and gives its result."""
    return lambda *arguments: app.test_cli_runner().invoke(args=[str(one) for one in arguments])


@pytest.fixture
def put(tmp_path):
    return lambda **tables: write(tmp_path, **tables)


def last(result):
    return result.stdout.splitlines()[-1]


def rows(app):
    with app.app_context():
        return {
            name: db.session.scalar(select(func.count()).select_from(table))
            for name, table in models.Base.metadata.tables.items()
        }


def verdicts(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- what is said


def test_the_last_line_sums_up_and_the_same_files_again_are_no_change(flask, put, app):
    first, again = flask("import", *put(**ALL)), flask("import", *put(**ALL))

    assert (first.exit_code, last(first)) == (0, SUMMARY.format(6, 0, 0))
    assert (again.exit_code, last(again)) == (0, SUMMARY.format(0, 0, 0))
    assert rows(app)["sample"] == 5


def test_a_first_site_and_a_new_study_are_told(flask, put):
    result = flask("import", *put(**ALL))

    assert result.stderr.splitlines() == [
        "site MAIN was set up: there was none", "study DEMO-STAD was opened: there was none",
    ]  # fmt: skip


def test_a_dry_run_says_what_would_come_in_and_changes_nothing(flask, put, app):
    before = rows(app)

    result = flask("import", *put(**ALL), "--dry-run")

    assert result.exit_code == 0
    assert last(result) == SUMMARY.format(6, 0, 0) + "; dry run, nothing was changed"
    assert "study DEMO-STAD would be opened" in result.stderr
    assert rows(app) == before


def test_a_bad_row_is_told_with_its_place_and_what_to_do_and_nothing_comes_in(flask, put, app):
    before = rows(app)
    files = put(**ALL | {"analyte": changed(ANALYTES, portion_id="p9")})

    result = flask("import", *files)

    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == (
        "analyte.tsv:2:portion_id: The portion p9, from which it was made, is in none of the files and is not here. "
        "Give portion.tsv too, or add the row of p9 to it."
    )
    assert last(result).endswith("; 0 changes, 2 errors, 0 notes; nothing was imported")
    assert rows(app) == before


def test_who_keeps_going_gets_the_good_rows_and_still_hears_of_the_bad(flask, put, app):
    files = put(**ALL | {"analyte": changed(ANALYTES, portion_id="p9")})

    result = flask("import", *files, "--keep-going")

    assert result.exit_code == 1
    assert last(result).endswith("; 4 changes, 2 errors, 0 notes")
    assert rows(app)["sample"] == 3


def test_notes_are_counted_with_an_example_and_listed_one_by_one_in_the_report(flask, put, tmp_path):
    shifted = [row | {"sample_type": "released"} for row in SAMPLES]
    report = tmp_path / "report.csv"

    result = flask("import", *put(**ALL | {"sample": shifted}), "--report", report)

    assert result.exit_code == 0
    assert (
        "      2 × sample.tsv:sample_type: “released” is outside what this column may hold; its meaning is unknown. "
        "(first in row 2)"
    ) in result.stdout.splitlines()
    found = verdicts(report)
    assert list(found[0]) == ["file", "row", "column", "severity", "verdict", "fix"]
    assert [(one["file"], one["row"], one["column"], one["severity"]) for one in found] == [
        ("sample.tsv", "2", "sample_type", "note"),
        ("sample.tsv", "2", "initial_weight", "note"),
        ("sample.tsv", "3", "sample_type", "note"),
    ]
    assert all(one["verdict"] and one["fix"] for one in found)


def test_a_report_is_also_written_of_what_is_refused(flask, put, tmp_path):
    report = tmp_path / "report.csv"

    flask("import", *put(portion=PORTIONS), "--report", report)

    assert [(one["severity"], one["column"]) for one in verdicts(report)] == [("error", "sample_id")]


def test_of_many_errors_the_first_are_shown_and_the_rest_counted(flask, put, tmp_path):
    lonely = [PORTIONS[0] | {"portion_id": f"p{n}", "portion_submitter_id": f"T-{n}"} for n in range(70)]
    report = tmp_path / "report.csv"

    result = flask("import", *put(portion=lonely), "--report", report)

    lines = result.stderr.splitlines()
    assert len(lines) == 51
    assert lines[-1] == f"… and 20 more. All of them are in {report}."
    assert len(verdicts(report)) == 70


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x")'])
def test_no_cell_of_the_report_is_a_formula(flask, put, tmp_path, cell):
    report = tmp_path / "report.csv"
    orphan = changed(PORTIONS, portion_id=cell, sample_id=cell)
    twice = changed(SAMPLES, sample_id=cell)

    flask("import", *put(sample=twice, portion=orphan), "--report", report)

    with report.open(encoding="utf-8", newline="") as file:
        cells = [one for row in csv.reader(file) for one in row]
    assert any(cell in one for one in cells)
    assert [one for one in cells if one.startswith(("=", "+", "-", "@"))] == []


def test_no_bar_is_drawn_where_nobody_looks(flask, put):
    result = flask("import", *put(**ALL))

    assert "\x1b" not in result.output
    assert "reading" not in result.output


def test_what_was_set_aside_from_the_collector_is_given_back(flask, put):
    flask("import", *put(**ALL))

    assert gc.get_freeze_count() == 0


# --- what is asked


def test_the_site_and_the_study_can_be_named(flask, put, app):
    with app.app_context():
        SiteFactory(code="IPC")
        SiteFactory(code="CLB")

    assert flask("import", *put(**ALL)).stderr == "Error: site: Say at which site.\n"
    assert flask("import", *put(**ALL), "--site", "X").stderr == "Error: site: There is no site X.\n"
    result = flask("import", *put(**ALL), "--site", "CLB", "--study", "COHORT")

    assert result.stderr.splitlines() == ["study COHORT was opened: there was none"]
    assert last(result) == SUMMARY.format(6, 0, 0)


def test_a_patient_and_a_study_that_stand_here_are_used(flask, put, app):
    with app.app_context():
        PatientFactory(code="P-1")
        StudyFactory(code="DEMO-STAD")

    result = flask("import", *put(**ALL))

    assert result.stderr == ""
    assert last(result) == SUMMARY.format(6, 0, 1)


def test_a_makers_code_in_use_names_what_has_it(flask, put, app):
    with app.app_context():
        code = SampleFactory(container_code="P-1-10A").code

    result = flask("import", *put(**ALL))

    assert result.exit_code == 1
    assert (
        f"sample.tsv:3:sample_submitter_id: The maker's code P-1-10A is in use here already (tube code: {code})."
        in (result.stderr)
    )


def workbook():
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        book.add_worksheet().write_row(0, 0, list(SAMPLES[0]))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (workbook(), "This is an XLSX workbook, not a text table, whatever its name says."),
        (b"", "The file is empty."),
        (b"\xff\xfe\xfd", "is not UTF-16 text."),
        (as_text(PORTIONS).encode() + b"\xff\n", "is not UTF-8 text."),
        (b"name\tweight\nx\t1\n", "What this table holds cannot be told"),
        (None, "The file cannot be opened: Is a directory."),
        ("missing", "The file cannot be opened: No such file or directory."),
    ],
    ids=["workbook", "empty", "bytes", "bytes at the end", "other table", "directory", "missing"],
)
def test_what_is_no_table_is_told_in_a_sentence_and_nothing_comes_in(
    flask, put, tmp_path, app, content, sentence
):
    before = rows(app)
    path = tmp_path / "portion.csv"
    if content is None:
        path.mkdir()
    elif content != "missing":
        path.write_bytes(content)

    for options in ([], ["--keep-going"], ["--dry-run"]):
        result = flask("import", *put(sample=SAMPLES), path, *options)

        assert result.exit_code == 1
        assert sentence in result.stderr
        assert result.stderr.startswith("portion.csv:")
        assert "0 changes, 1 errors" in last(result)
    assert rows(app) == before


def test_without_a_file_or_with_an_unknown_profile_the_usage_is_told(flask, put):
    assert flask("import").exit_code == 2
    assert flask("import", *put(**ALL), "--profile", "other").exit_code == 2


def test_the_report_never_overwrites_what_is_to_be_imported(flask, put, app):
    files = put(**ALL)
    before = files[0].read_bytes()

    result = flask("import", *files, "--report", files[0])

    assert result.exit_code == 1
    assert "the report would overwrite it" in result.stderr
    assert files[0].read_bytes() == before
    assert rows(app)["sample"] == 0


def test_a_report_that_cannot_be_written_is_told_before_anything_is_done(flask, put, tmp_path, app):
    result = flask("import", *put(**ALL), "--report", tmp_path / "none" / "report.csv")

    assert (result.exit_code, rows(app)["sample"]) == (1, 0)
    assert "cannot be written: No such file or directory." in result.stderr


def test_a_table_is_known_by_its_content_and_not_by_its_name(flask, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text(as_text(SAMPLES, delimiter=",", end="\r\n"), encoding="utf-8-sig", newline="")

    result = flask("import", path)

    assert last(result).startswith("gdc: 1 patients, 2 samples,")
    assert "3 changes, 0 errors, 0 notes" in last(result)


# --- the real tables


@pytest.fixture
def real(shared_data):
    return [
        shared_data / "gdc_tcga_stad_biospecimen" / f"{name}.tsv"
        for name in ("aliquot", "slide", *TABLES[:3])
    ]


def redrawn(path, folder):
    """The same table with dotted headers, the other null mark, a byte order mark and other line ends."""
    names, *lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    table = dotted(path.stem, [dict(zip(names, cells, strict=True)) for cells in lines])
    again = folder / path.name
    again.write_text(as_text(table, end="\r\n"), encoding="utf-8-sig", newline="")
    return again


def test_the_real_tables_come_in_whole_once_and_with_their_lineage(flask, real, app, tmp_path):
    held = "gdc: 443 patients, 1356 samples, 1325 portions, 2222 analytes, 5522 aliquots; "

    rehearsed = flask("import", *real, "--dry-run")
    first = flask("import", *real, "--report", tmp_path / "report.csv")
    before = rows(app)
    again = flask("import", *real)
    other_form = flask("import", *[redrawn(path, tmp_path) for path in real if path.stem != "slide"])

    assert re.fullmatch(
        held + r"10868 changes, 0 errors, \d+ notes; dry run, nothing was changed", last(rehearsed)
    )
    assert re.fullmatch(held + r"10868 changes, 0 errors, \d+ notes", last(first))
    assert re.fullmatch(held + r"0 changes, 0 errors, \d+ notes", last(again))
    assert re.fullmatch(held + r"0 changes, 0 errors, \d+ notes", last(other_form))
    assert rows(app) == before
    told = verdicts(tmp_path / "report.csv")
    assert f"{len(told)} notes" in last(first)
    with app.app_context():
        check_lineage()


def check_lineage():
    levels = select(ImportedRecord.level, func.count()).group_by(ImportedRecord.level)
    assert dict(db.session.execute(levels).all()) == {
        "case": 443, "sample": 1356, "portion": 1325, "analyte": 2222, "aliquot": 5522,
    }  # fmt: skip
    above = """
        SELECT c.level, p.level, count(*) FROM sample_parent l
        JOIN imported_record c ON c.sample_id = l.child_id JOIN imported_record p ON p.sample_id = l.parent_id
        GROUP BY c.level, p.level"""
    assert {(child, parent): n for child, parent, n in db.session.execute(text(above))} == {
        ("portion", "sample"): 1325, ("analyte", "portion"): 2222, ("aliquot", "analyte"): 5522,
    }  # fmt: skip
    deepest = """
        WITH RECURSIVE line(id, depth) AS (
            SELECT s.id, 1 FROM sample s WHERE NOT EXISTS (SELECT 1 FROM sample_parent p WHERE p.child_id = s.id)
            UNION ALL SELECT p.child_id, depth + 1 FROM sample_parent p JOIN line ON p.parent_id = line.id)
        SELECT depth, count(*) FROM line GROUP BY depth ORDER BY depth"""
    assert [tuple(row) for row in db.session.execute(text(deepest))] == [
        (1, 1356),
        (2, 1325),
        (3, 2222),
        (4, 5522),
    ]
    strangers = """
        SELECT count(*) FROM sample_parent l JOIN sample_donor c ON c.sample_id = l.child_id
        JOIN sample_donor p ON p.sample_id = l.parent_id WHERE c.patient_id <> p.patient_id"""
    assert db.session.scalar(text(strangers)) == 0
    # A barcode of the TCGA begins with that of what the tube was made from, and of the patient.
    mixed_up = """
        SELECT count(*) FROM sample c JOIN sample_parent l ON l.child_id = c.id JOIN sample p ON p.id = l.parent_id
        WHERE substr(c.container_code, 1, 16) <> substr(p.container_code, 1, 16)"""
    assert (
        db.session.scalar(text(mixed_up)) == 2
    )  # barcodes of their patient's other sample; the links are believed
    not_theirs = """
        SELECT count(*) FROM sample s JOIN sample_donor d ON d.sample_id = s.id JOIN patient p ON p.id = d.patient_id
        WHERE substr(s.container_code, 1, 12) <> p.code"""
    assert db.session.scalar(text(not_theirs)) == 0
    assert (
        db.session.scalar(select(func.count()).select_from(Sample).where(Sample.container_code.is_(None)))
        == 0
    )
    assert db.session.scalar(select(func.count()).select_from(ImportRun)) == 1


def test_one_sample_missing_from_the_real_tables_stops_them_all(flask, real, app, tmp_path):
    lines = real[2].read_text(encoding="utf-8").splitlines(keepends=True)
    needed = real[4].read_text(encoding="utf-8").splitlines()[1]
    short = tmp_path / "sample.tsv"
    short.write_text("".join(line for line in lines if line.split("\t")[0] not in needed), encoding="utf-8")

    result = flask("import", *(path for path in real if path.stem != "sample"), short)

    assert result.exit_code == 1
    assert "is in none of the files and is not here" in result.stderr
    assert last(result).endswith("; nothing was imported")
    assert rows(app)["sample"] == 0
