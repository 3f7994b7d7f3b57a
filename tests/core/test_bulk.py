"""Rows by the thousand stand there as single rows would, on both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select

from biobank.core import bulk
from biobank.core.db import db, unit_of_work
from biobank.core.errors import RuleViolation
from biobank.exchange.models import ImportRun
from biobank.studies.models import Study
from tests.factories import SiteFactory, StudyFactory

pytestmark = pytest.mark.usefixtures("app_context")

MOMENT = datetime(2012, 3, 14, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=1)))
AWKWARD = [
    "",
    "plain",
    "é“µ”𝄞",
    "tab\there",
    "line\nend\r\n",
    "\\N",
    "\\.",
    "back\\slash",
    '"quoted"',
    "'",
    "NULL",
]


@pytest.mark.parametrize("times", [1, 10])
def test_every_kind_of_value_comes_back_as_it_went_in(times):
    site = SiteFactory().id
    texts = AWKWARD * times
    given = [
        {"site_id": site, "profile": text_, "files": [{"name": text_, "rows": 1}], "summary": {text_: None},
         "recorded_at": MOMENT + timedelta(seconds=n % 3), "actor_key": "tests"}
        for n, text_ in enumerate(texts)
    ]  # fmt: skip

    unit_of_work(lambda: bulk.insert_rows(ImportRun, given))

    found = db.session.scalars(select(ImportRun).order_by(ImportRun.id)).all()
    assert [run.profile for run in found] == texts
    assert [run.files for run in found] == [row["files"] for row in given]
    assert [run.summary for run in found] == [row["summary"] for row in given]
    assert [run.recorded_at for run in found] == [row["recorded_at"].astimezone(UTC) for row in given]


def test_no_rows_are_no_statement():
    unit_of_work(lambda: bulk.insert_rows(ImportRun, []))

    assert db.session.scalar(select(func.count()).select_from(ImportRun)) == 0


@pytest.mark.parametrize("count", [2, 100])
def test_what_the_database_refuses_is_refused_as_ever_and_leaves_no_trace(count):
    study = StudyFactory()
    rows = [
        {"site_id": study.site_id, "code": f"S{n}", "title": "", "recorded_at": MOMENT} for n in range(count)
    ]
    rows.append(rows[0] | {"code": study.code})

    with pytest.raises(RuleViolation, match="refused_by_database"):
        unit_of_work(lambda: bulk.insert_rows(Study, rows))

    assert db.session.scalar(select(func.count()).select_from(Study)) == 1


def test_keys_are_given_out_before_the_rows_are_written_and_never_twice():
    study = StudyFactory()

    def work():
        keys = list(bulk.next_keys(Study, 30))
        bulk.insert_rows(
            Study,
            [
                {"id": key, "site_id": study.site_id, "code": f"S{key}", "title": "", "recorded_at": MOMENT}
                for key in keys
            ],
        )
        return keys

    first, second = unit_of_work(work), unit_of_work(work)

    assert len({*first, *second, study.id}) == 61
    assert list(first) == sorted(first)
    after = StudyFactory()
    assert after.id not in {*first, *second}


def test_keys_are_only_given_out_in_a_unit_of_work():
    with pytest.raises(RuntimeError, match="no unit of work"):
        bulk.next_keys(Study, 1)


def test_what_waits_to_be_written_is_written_first():
    site = SiteFactory().id

    def work():
        run = ImportRun(
            site_id=site, profile="gdc", files=[], summary={}, recorded_at=MOMENT, actor_key="tests"
        )
        db.session.add(run)
        bulk.insert_rows(Study, [{"site_id": site, "code": "S", "title": "", "recorded_at": MOMENT}])
        return run.id

    assert unit_of_work(work) is not None
