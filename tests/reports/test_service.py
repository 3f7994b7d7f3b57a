"""What counts as treated and as stored, and when: one behaviour each."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from biobank.core import clock
from biobank.core.actor import job
from biobank.core.db import db
from biobank.core.errors import Malformed
from biobank.core.times import When
from biobank.reports import service
from biobank.samples import collection, processing
from biobank.storage import service as storage
from tests import people
from tests.factories import ContainerFactory, PatientFactory, SampleFactory, SiteFactory, StudyFactory, act

REPORT = job("report")
LATER = datetime(2013, 6, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def bank(app_context):
    """It is June 2013, unless a test says otherwise."""
    with clock.freeze(LATER):
        yield


def paris(text: str) -> datetime:
    """A time by the bank's clock, such as 2012-01-01T00:30."""
    return datetime.fromisoformat(text).replace(tzinfo=clock.zone())


def received(when: datetime | When, **told):
    """A tube that reached the bank then; nobody knows when it was drawn."""
    when = when if isinstance(when, When) else When.exactly(when)
    return SampleFactory(received=when, collected=When.unknown(), consented=False, **told)


def figures(first="2012-01-01", last="2012-12-31", *by, **told):
    told = {"actor": REPORT} | told
    return service.throughput(
        from_on=date.fromisoformat(first), to_on=date.fromisoformat(last), by_dimensions=by, **told
    )


def numbers(found):
    return found.samples_treated, found.samples_stored


def freezer_with_box(**told):
    """A freezer, a rack in it and a box in the rack, where they stand since the beginning of 2011."""
    with clock.freeze(datetime(2011, 1, 1, 12, tzinfo=UTC)):
        freezer = ContainerFactory(kind="freezer_minus80", **told)
        rack = ContainerFactory(kind="drawer_rack", parent=freezer, position="01", **told)
        return freezer, rack, ContainerFactory(parent=rack, position="01", **told)


def placed(box, position, when, sample=None):
    """A tube that stands there from then on."""
    sample = sample or received(when)
    act(storage.place, container=box, position=position, sample=sample, at=When.exactly(when))
    return sample


# --- treated


@pytest.mark.parametrize(
    ("when", "counts"),
    [
        ("2011-12-31T23:59", False),
        ("2012-01-01T00:00", True),
        ("2012-12-31T23:59", True),
        ("2013-01-01T00:00", False),
    ],
)
def test_a_period_begins_with_its_first_day_and_ends_with_its_last_by_the_clock_on_the_wall(when, counts):
    received(paris(when))

    assert figures().samples_treated == counts


@pytest.mark.parametrize(("day", "hours"), [("2012-03-25", 23), ("2012-10-28", 25)])
def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is(day, hours):
    start = paris(f"{day}T00:00").astimezone(UTC)
    for hour in (-1, 0, hours - 1, hours):
        received(start + timedelta(hours=hour))

    assert figures(day, day).samples_treated == 2


def test_a_time_of_which_only_the_day_is_known_counts_on_that_day():
    received(When.on(date(2012, 3, 1), clock.zone()))

    treated = {day: figures(day, day).samples_treated for day in ("2012-02-29", "2012-03-01", "2012-03-02")}

    assert treated == {"2012-02-29": 0, "2012-03-01": 1, "2012-03-02": 0}


def test_what_is_made_of_a_sample_counts_when_it_is_made():
    tube = received(paris("2012-03-01T10:00"))
    act(processing.aliquot, sample=tube, count=3, amount=1000, at=When.exactly(paris("2012-04-01T10:00")))

    found = figures("2012-01-01", "2012-12-31", "month")

    treated = {line.about["month"]: line.samples_treated for line in found.groups if line.samples_treated}
    assert treated == {"2012-03": 1, "2012-04": 3}


def test_a_tube_counts_when_it_is_received_not_when_it_was_drawn():
    drawn = When.exactly(paris("2012-12-31T10:00"))
    tube = SampleFactory(receive=False, collected=drawn, consented=False)
    assert figures().samples_treated == 0

    act(collection.receive, sample=tube, at=When.exactly(paris("2013-01-02T10:00")))

    assert figures().samples_treated == 0
    assert figures("2013-01-01", "2013-01-31").samples_treated == 1


def test_what_was_treated_nobody_knows_when_is_a_number_of_its_own():
    received(When.unknown())
    received(paris("2012-03-01T10:00"))

    found = figures("2012-01-01", "2012-12-31", "month")

    assert (found.samples_treated, found.unknown_time) == (1, 1)
    assert sum(line.samples_treated for line in found.groups) == 1


# --- stored


def test_a_sample_is_stored_while_its_box_stands_in_a_freezer_at_whatever_depth():
    *_, box = freezer_with_box()
    placed(box, "A01", paris("2012-03-01T10:00"))

    found = figures("2012-01-01", "2012-12-31", "month")

    assert numbers(found) == (1, 1)
    assert [line.samples_stored for line in found.groups] == [0] * 2 + [1] * 10


def test_a_box_that_stands_outside_a_freezer_stores_nothing_until_it_is_put_in():
    freezer, *_ = freezer_with_box()
    with clock.freeze(datetime(2011, 1, 1, tzinfo=UTC)):
        rack = ContainerFactory(kind="drawer_rack")
        box = ContainerFactory(parent=rack, position="01")
    placed(box, "A01", paris("2012-03-01T10:00"))
    act(
        storage.place,
        container=freezer,
        position="02",
        child=rack,
        at=When.exactly(paris("2012-05-31T23:59")),
    )

    found = figures("2012-01-01", "2012-12-31", "month")

    assert [line.samples_stored for line in found.groups] == [0] * 4 + [1] * 8


def test_a_rack_that_moves_to_another_freezer_stays_stored_and_one_that_is_taken_out_does_not():
    _, rack, box = freezer_with_box()
    other = ContainerFactory(kind="freezer_minus80")
    placed(box, "A01", paris("2012-03-01T10:00"))
    act(storage.place, container=other, position="03", child=rack, at=When.exactly(paris("2012-06-10T10:00")))
    act(storage.take_out, child=rack, at=When.exactly(paris("2012-09-10T10:00")))

    found = figures("2012-01-01", "2012-12-31", "month")

    assert [line.samples_stored for line in found.groups] == [0] * 2 + [1] * 6 + [0] * 4
    assert found.samples_stored == 0


@pytest.mark.parametrize("change", ["placed", "taken out"])
def test_what_happens_on_the_day_after_a_period_changes_nothing_in_it(change):
    *_, box = freezer_with_box()
    after = When.on(date(2013, 1, 1), clock.zone())
    sample = received(paris("2012-03-01T10:00"))
    if change == "taken out":
        placed(box, "A01", paris("2012-03-01T10:00"), sample)
        act(storage.take_out, sample=sample, at=after)
    else:
        act(storage.place, container=box, position="A01", sample=sample, at=after)

    assert figures().samples_stored == (change == "taken out")
    assert figures("2013-01-01", "2013-01-01").samples_stored == (change == "placed")
    assert figures("2013-01-01", "2013-01-01").samples_stored_at_start == (change == "taken out")


def test_what_was_taken_out_since_was_stored_then_and_still_is_next_year():
    *_, box = freezer_with_box()
    sample = placed(box, "A01", paris("2012-03-01T10:00"))
    before = figures("2012-01-01", "2012-12-31", "month", "type")

    act(storage.discard, sample=sample, reason="no volume left")

    assert figures("2012-01-01", "2012-12-31", "month", "type") == before
    assert figures("2013-01-01", "2013-12-31").samples_stored == 0


def test_what_is_told_late_counts_for_when_it_was_true():
    *_, box = freezer_with_box()
    sample = received(paris("2012-03-01T10:00"))
    assert figures().samples_stored == 0

    placed(box, "A01", paris("2012-03-01T12:00"), sample)

    assert figures().samples_stored == 1


# --- divided, and by whom


def test_another_site_is_not_counted_for_somebody_who_belongs_to_one():
    *_, box = freezer_with_box()
    placed(box, "A01", paris("2012-03-01T10:00"))
    lyon = SiteFactory(code="LYON")
    *_, their_box = freezer_with_box(site=lyon)
    theirs = [
        received(paris("2012-03-02T10:00"), patient=PatientFactory(site=lyon), study=StudyFactory(site=lyon))
    ]
    theirs += act(processing.aliquot, sample=theirs[0], count=1, amount=1000, at=When.on(date(2012, 3, 3)))
    theirs += [received(When.unknown(), patient=PatientFactory(site=lyon), study=StudyFactory(site=lyon))]
    for position, sample in zip(("A01", "A02"), theirs, strict=False):
        placed(their_box, position, paris("2012-03-04T10:00"), sample)

    everybody = figures("2012-01-01", "2012-12-31", "site")
    ours = figures(actor=people.actor("manager"))
    asked = figures(site="LYON")

    by_site = [(line.about["site"], line.samples_treated, line.samples_stored) for line in everybody.groups]
    assert by_site == [("IPC", 1, 1), ("LYON", 2, 2)]
    assert (*numbers(everybody), everybody.unknown_time, everybody.site) == (3, 3, 1, None)
    assert (*numbers(ours), ours.unknown_time, ours.site) == (1, 1, 0, "IPC")
    assert (*numbers(asked), asked.unknown_time, asked.site) == (2, 2, 1, "LYON")
    with pytest.raises(Malformed):
        figures(site="LYON", actor=people.actor("manager"))


def test_a_study_of_one_code_at_two_sites_is_one_line():
    lyon = SiteFactory(code="LYON")
    for site in (SiteFactory(), lyon):
        study = StudyFactory(code="TRIAL", site=site)
        received(paris("2012-03-02T10:00"), patient=PatientFactory(site=site), study=study)

    lines = figures("2012-01-01", "2012-12-31", "study").groups
    apart = figures("2012-01-01", "2012-12-31", "study", "site").groups

    assert [(dict(line.about), line.samples_treated) for line in lines] == [({"study": "TRIAL"}, 2)]
    assert [line.about["site"] for line in apart] == ["IPC", "LYON"]


def test_months_without_a_sample_show_zero():
    found = figures("2012-02-15", "2012-04-15", "month")

    assert [(line.about["month"], line.samples_treated, line.samples_stored) for line in found.groups] == [
        ("2012-02", 0, 0), ("2012-03", 0, 0), ("2012-04", 0, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "last", "by"),
    [
        ("2012-01-02", "2012-01-01", ()),
        ("1950-01-01", "2012-01-01", ()),
        ("2012-01-01", "2012-01-01", ("sex",)),
    ],
)
def test_what_cannot_be_reported_is_refused(first, last, by):
    with pytest.raises(Malformed):
        figures(first, last, *by)


def test_the_years_on_offer_are_those_from_the_first_treated_sample_to_the_last():
    assert service.years(REPORT) == []
    received(paris("2009-12-31T23:59"))
    received(paris("2012-01-01T00:00"))
    SiteFactory(code="LYON")

    assert service.years(REPORT) == [2012, 2011, 2010, 2009]
    assert service.years(people.actor("manager", site_code="LYON")) == []


def test_more_samples_months_and_studies_take_no_more_statements():
    *_, box = freezer_with_box()
    before = statements("2012-01-01", "2012-01-31")
    for column in range(1, 8):
        placed(box, f"A0{column}", paris(f"2012-0{column}-01T10:00"))

    assert statements("2000-01-01", "2012-12-31") == before
    assert before <= 6


def statements(first, last):
    sent = []

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    figures(first, last, "month", "study", "type", "site")
    event.remove(db.engine, "before_cursor_execute", note)
    return len([statement for statement in sent if not statement.startswith("BEGIN")])
