"""Times, numbers and quantities in sentences: as the reader's language writes them."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import render_template_string

from biobank.core import clock
from biobank.core.times import When
from biobank.web import sentences, spoken
from biobank.web.i18n import speaking

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
AT = datetime(2012, 3, 14, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "minute", "day"),
    [
        ("fr", "14 mars 2012, 12:05", "14 mars 2012"),
        ("en", "14 Mar 2012, 12:05", "14 Mar 2012"),
    ],
)
def test_a_time_is_told_by_the_banks_clock_and_no_more_exactly_than_it_is_known(
    app_context, language, minute, day
):
    with speaking(language):
        assert spoken.moment(When.exactly(AT), clock.zone()) == minute
        assert spoken.moment(When(AT, "day"), clock.zone()) == day
        assert spoken.moment(When.unknown(), clock.zone()) is None


@pytest.mark.parametrize(
    ("language", "month", "whole"), [("fr", "sept.", "septembre"), ("en", "Sep", "September")]
)
def test_pages_sentences_and_papers_write_a_day_in_one_way(app_context, language, month, whole):
    at = datetime(2012, 9, 14, 21, 5, 33, tzinfo=UTC)
    page = "{{ at|dateformat }}|{{ at|dateformat('short') }}|{{ at|dateformat('long') }}|{{ at|timeformat }}|" \
           "{{ at|datetimeformat }}|{{ at|datetimeformat('short') }}"  # fmt: skip
    with app_context.test_request_context(), speaking(language):
        shown = render_template_string(page, at=at).split("|")
        told = [
            sentences.sentence(
                "position_reserved", {"position": "A01", "container": "K1", "who": "N", "clock": hour}
            )
            for hour in ("23:05", "2012-09-14T23:05+02:00")
        ]
        months = spoken.month("2012-09"), spoken.month("2012")
        kept = sentences.sentence("retention_over", {"keep_until": "2012-09-14"})

    day, late = f"14 {month} 2012", "23:05"
    assert shown == [day, day, f"14 {whole} 2012", late, f"{day}, {late}", f"{day}, {late}"]
    assert months == (f"{month} 2012", "2012")
    assert (late in told[0], f"{day}, {late}" in told[1], day in kept) == (True, True, True)


def test_quantities_are_told_in_french_with_a_comma(app_context):
    with speaking("fr"):
        assert spoken.quantity("volume", 12_500) == "12,5\N{NO-BREAK SPACE}µL"
        assert (
            spoken.quantity("cells", 5_000_000)
            == "5\N{NARROW NO-BREAK SPACE}000\N{NARROW NO-BREAK SPACE}000\N{NO-BREAK SPACE}cellules"
        )


def test_a_sentence_tells_days_and_quantities_as_people_write_them(app_context):
    refused = {"clause": "research", "signed_on": "2012-03-14", "form": "F", "version": "1.2"}
    drawn = {"sample": "T00421736", "left": "12.5", "asked": "20", "unit": "µL"}
    with speaking("fr"):
        assert "le 14 mars 2012 (formulaire F, version 1.2)" in sentences.sentence("clause_refused", refused)
        assert sentences.sentence("overdraw", drawn).startswith("T00421736\N{NO-BREAK SPACE}: 12,5 µL")


def test_what_somebody_typed_is_told_as_it_was_typed(app_context):
    with speaking("fr"):
        assert "« 2012-13-45 »" in sentences.sentence("time_unreadable", {"text": "2012-13-45"}).replace(
            "\N{NO-BREAK SPACE}", " "
        )
        assert "12.5" in sentences.sentence("cells_not_whole", {"number": "12.5", "unit": "cells"})


def test_an_hour_of_another_day_is_told_with_its_day(app_context):
    with speaking("en"):
        with clock.freeze(AT):
            assert spoken.hour(AT) == "12:05"
        with clock.freeze(AT + timedelta(days=1)):
            assert spoken.hour(AT) == "14 Mar 2012, 12:05"
