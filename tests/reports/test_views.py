"""The figures through the API, on the page and at the terminal: who may see them, and what a bad question is told."""

import json
import re
from datetime import UTC, date, datetime

import pytest

from biobank.core import clock
from biobank.core.times import When
from biobank.storage import service as storage
from tests import people
from tests.factories import ContainerFactory, PatientFactory, SampleFactory, SiteFactory, StudyFactory, act
from tests.reports.test_sheets import read_csv, read_xlsx

YEAR = "from=2012-01-01&to=2012-12-31"


@pytest.fixture(autouse=True)
def bank(app):
    """Two tubes of March 2012, one of them stored since; one of another site; June 2013."""
    with clock.freeze(datetime(2013, 6, 1, tzinfo=UTC)):
        with app.app_context():
            when = When.exactly(datetime(2012, 3, 14, 11, tzinfo=UTC))
            told = {"received": when, "collected": When.unknown(), "consented": False}
            study = StudyFactory(code="=ALPHA")
            tubes = SampleFactory.create_batch(2, study=study, **told)
            freezer = ContainerFactory(kind="freezer_minus80")
            box = ContainerFactory(parent=ContainerFactory(kind="drawer_rack", parent=freezer), position="01")
            act(storage.place, container=box, position="A01", sample=tubes[0])
            lyon = SiteFactory(code="LYON")
            SampleFactory(
                patient=PatientFactory(site=lyon), study=StudyFactory(site=lyon), type="DNA", **told
            )
        yield


# --- API


def test_the_api_answers_with_both_numbers_and_the_groups_asked_for(app):
    answer = people.api(app, "manager").get(f"/reports/throughput?{YEAR}&by=study,type")

    assert answer.status_code == 200
    assert answer.json == {
        "samples_treated": 2,
        "samples_stored": 0,
        "samples_stored_at_start": 0,
        "unknown_time": 0,
        "from": "2012-01-01",
        "to": "2012-12-31",
        "site": "IPC",
        "by": ["study", "type"],
        "groups": [{"study": "=ALPHA", "type": "Plasma", "samples_treated": 2, "samples_stored": 0}],
    }


def test_dimensions_may_be_repeated_or_left_blank(app):
    program = people.api(app, "manager")

    repeated = program.get(f"/reports/throughput?{YEAR}&by=month&by=type").json
    blank = program.get(f"/reports/throughput?{YEAR}&by=").json

    assert repeated["by"] == ["month", "type"]
    assert [line["samples_treated"] for line in repeated["groups"]] == [0, 0, 2] + [0] * 9
    assert (blank["by"], blank["groups"]) == ([], [])


def test_somebody_of_every_site_counts_them_all_or_names_one(app):
    program = people.api(app, "manager", site_code=None)

    everywhere = program.get(f"/reports/throughput?{YEAR}&by=site").json
    lyon = program.get(f"/reports/throughput?{YEAR}&site=LYON").json

    assert [(line["site"], line["samples_treated"]) for line in everywhere["groups"]] == [
        ("IPC", 2),
        ("LYON", 1),
    ]
    assert (everywhere["site"], lyon["site"], lyon["samples_treated"]) == (None, "LYON", 1)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {"from", "to"}),
        ("from=2012-01-01", {"to"}),
        ("from=yesterday&to=2012-13-01", {"from", "to"}),
        ("from=2012-02-01&to=2012-01-01", {"to"}),
        ("from=1900-01-01&to=2012-01-01", {"to"}),
        ("from=0001-01-01&to=9999-12-31", {"from", "to"}),
        (f"{YEAR}&by=sex", {"by"}),
        (f"{YEAR}&site=LYON", {"site"}),
        (f"{YEAR}&format=pdf", {"format"}),
        (f"{YEAR}&bye=month", {"bye"}),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_and_every_bad_field_named(app, query, fields):
    answer = people.api(app, "manager").get(f"/reports/throughput?{query}")

    assert answer.status_code == 422
    assert set(answer.json["errors"]) == fields


def test_the_api_gives_files_too(app):
    program = people.api(app, "manager")

    table = program.get(f"/reports/throughput?{YEAR}&by=study&format=csv")
    book = program.get(f"/reports/throughput?{YEAR}&by=study&format=xlsx")

    assert table.content_type == "text/csv; charset=utf-8"
    assert table.headers["Content-Disposition"] == "attachment; filename=throughput-2012-01-01-2012-12-31.csv"
    assert read_csv(table.data)[1] == ["group", "2012-01-01", "2012-12-31", "'=ALPHA", "2", "0"]
    assert read_xlsx(book.data)[1][3:] == ["=ALPHA", 2.0, 0.0]


@pytest.mark.parametrize(("role", "status"), [("technician", 200), ("committee", 200), ("researcher", 403)])
def test_a_researcher_does_not_see_the_figures(app, role, status):
    assert people.api(app, role).get(f"/reports/throughput?{YEAR}").status_code == status
    assert people.browser(app, role).get("/reports/throughput").status_code == status
    assert people.browser(app, role).get(f"/reports/throughput.csv?{YEAR}").status_code == status


# --- page


def shown(answer):
    """The words of a page, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def test_the_page_shows_the_latest_year_in_which_something_was_treated(app):
    answer = people.browser(app, "manager").get("/reports/throughput")

    assert answer.status_code == 200
    assert "1 January 2012 to 31 December 2012, both days included · IPC" in shown(answer)
    assert "Samples treated 2 received or made in the period" in shown(answer)
    assert "Total 2 0" in shown(answer)
    assert "<script>" not in answer.get_data(as_text=True)


def test_the_page_divides_and_its_files_hold_the_same(app):
    browser = people.browser(app, "manager")

    page = browser.get(f"/reports/throughput?{YEAR}&by=study&by=type")
    table = browser.get(f"/reports/throughput.csv?{YEAR}&by=study&by=type")
    book = browser.get(f"/reports/throughput.xlsx?{YEAR}&by=study&by=type")
    told = browser.get(f"/reports/throughput.json?{YEAR}&by=study&by=type")

    assert "=ALPHA Plasma 2 0" in shown(page)
    assert f"/reports/throughput.csv?{YEAR}&by=study&by=type".replace("&", "&amp;") in page.get_data(
        as_text=True
    )
    assert read_csv(table.data)[1][3:] == ["'=ALPHA", "Plasma", "2", "0"]
    assert read_xlsx(book.data)[1][3:] == ["=ALPHA", "Plasma", 2.0, 0.0]
    assert told.json["samples_treated"] == 2


def test_a_long_period_is_drawn_by_year(app):
    page = people.browser(app, "manager").get("/reports/throughput?from=2008-01-01&to=2013-12-31&by=month")

    assert "Samples treated, by year" in shown(page)
    assert "2011 0 2012 2 2013 0" in shown(page)
    assert "Samples stored at the end of each year" in shown(page)


def test_somebody_of_every_site_chooses_one_on_the_page(app):
    browser = people.browser(app, "administrator", site_code=None)

    assert "Samples treated 3 " in shown(browser.get(f"/reports/throughput?{YEAR}"))
    assert "Samples treated 1 " in shown(browser.get(f"/reports/throughput?{YEAR}&site=LYON"))


@pytest.mark.parametrize(
    "query", ["from=2012-02-01&to=2012-01-01", "from=x&to=", f"{YEAR}&by=sex", f"{YEAR}&site=LYON"]
)
def test_a_bad_period_is_shown_again_with_what_is_wrong(app, query):
    answer = people.browser(app, "manager").get(f"/reports/throughput?{query}")

    assert answer.status_code == 422
    assert "Please correct what is marked below." in shown(answer)
    assert "Samples stored" not in shown(answer)


def test_there_are_no_other_files(app):
    browser = people.browser(app, "manager")

    assert browser.get(f"/reports/throughput.pdf?{YEAR}").status_code == 404
    assert browser.get("/reports/throughput.csv?from=2012-02-01&to=2012-01-01").status_code == 422


def test_an_empty_bank_has_a_page_too(app):
    with app.app_context():
        SiteFactory(code="NICE")

    answer = people.browser(app, "manager", site_code="NICE").get("/reports/throughput")

    assert "1 January 2013 to 1 June 2013" in shown(answer)
    assert "Samples treated 0 " in shown(answer)


# --- terminal


def run(app, *arguments):
    dates = ("--from", "2012-01-01", "--to", "2012-12-31")
    return app.test_cli_runner().invoke(args=["report", "throughput", *dates, *arguments])


def test_the_command_counts_every_site_and_prints_json(app):
    result = run(app, "--by", "site,type")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["groups"] == [
        {"site": "IPC", "type": "Plasma", "samples_treated": 2, "samples_stored": 0},
        {"site": "LYON", "type": "DNA", "samples_treated": 1, "samples_stored": 0},
    ]


def test_the_command_takes_one_site_and_prints_csv(app):
    result = run(app, "--by", "month", "--by", "type", "--site", "LYON", "--format", "csv")

    lines = read_csv(result.stdout_bytes)
    assert lines[0] == ["line", "from", "to", "month", "type", "samples_treated", "samples_stored"]
    assert lines[3][3:] == ["2012-03", "DNA", "1", "0"]
    assert lines[-2][0:1] + lines[-2][5:] == ["total", "1", "0"]


def test_the_command_writes_a_workbook_into_a_file(app, tmp_path):
    file = tmp_path / "2012.xlsx"

    result = run(app, "--format", "xlsx", "--output", str(file))

    assert (result.exit_code, result.stdout) == (0, "")
    assert read_xlsx(file.read_bytes())[1] == [
        "total",
        date(2012, 1, 1),
        date(2012, 12, 31),
        3,
        0,
    ]


@pytest.mark.parametrize("wrong", [("--site", "NICE"), ("--by", "sex")])
def test_a_refused_report_is_one_sentence_and_leaves_the_file_as_it_was(app, tmp_path, wrong):
    file = tmp_path / "2012.json"
    file.write_text("last night's")

    result = run(app, *wrong, "--output", str(file))

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.output
    assert file.read_text() == "last night's"
    assert list(tmp_path.iterdir()) == [file]
