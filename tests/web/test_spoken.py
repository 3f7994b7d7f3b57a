"""Times, numbers and quantities in sentences: as the reader's language writes them."""

from datetime import UTC, datetime

import pytest
from flask_babel import force_locale

from biobank.core import clock
from biobank.core.times import When
from biobank.web import sentences, spoken

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
AT = datetime(2012, 3, 14, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "minute", "day"),
    [
        ("fr", "14 mars 2012, 12:05", "14 mars 2012"),
        ("en", "Mar 14, 2012, 12:05\N{NARROW NO-BREAK SPACE}PM", "Mar 14, 2012"),
    ],
)
def test_a_time_is_told_by_the_banks_clock_and_no_more_exactly_than_it_is_known(
    app_context, language, minute, day
):
    with force_locale(language):
        assert spoken.moment(When.exactly(AT), clock.zone()) == minute
        assert spoken.moment(When(AT, "day"), clock.zone()) == day
        assert spoken.moment(When.unknown(), clock.zone()) is None


def test_quantities_are_told_in_french_with_a_comma(app_context):
    with force_locale("fr"):
        assert spoken.quantity("volume", 12_500) == "12,5\N{NO-BREAK SPACE}µL"
        assert (
            spoken.quantity("cells", 5_000_000)
            == "5\N{NARROW NO-BREAK SPACE}000\N{NARROW NO-BREAK SPACE}000\N{NO-BREAK SPACE}cellules"
        )


def test_a_sentence_tells_days_and_quantities_as_people_write_them(app_context):
    refused = {"clause": "research", "signed_on": "2012-03-14", "form": "F", "version": "1.2"}
    drawn = {"sample": "T00421736", "left": "12.5", "asked": "20", "unit": "µL"}
    with force_locale("fr"):
        assert "le 14 mars 2012 (formulaire F, version 1.2)" in sentences.sentence("clause_refused", refused)
        assert sentences.sentence("overdraw", drawn).startswith("T00421736\N{NO-BREAK SPACE}: 12,5 µL")


def test_what_somebody_typed_is_told_as_it_was_typed(app_context):
    with force_locale("fr"):
        assert "« 2012-13-45 »" in sentences.sentence("time_unreadable", {"text": "2012-13-45"}).replace(
            "\N{NO-BREAK SPACE}", " "
        )
        assert "12.5" in sentences.sentence("cells_not_whole", {"number": "12.5", "unit": "cells"})
