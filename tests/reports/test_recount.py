"""Banks made at random, counted once more in plain Python: one sample, one instant, one step up at a time.

The banks are wilder than any real one: things stand in each other, for no time at all, and change hands at the very
instants at which months begin. Rows are written as they are, since no act would write some of them.
"""

import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select

from biobank.access.models import Site
from biobank.core.actor import Actor, job
from biobank.core.db import db, unit_of_work
from biobank.reports import service
from biobank.samples.models import Sample
from biobank.storage import kinds
from biobank.storage import service as storage
from biobank.storage.models import Container, Placement
from biobank.studies.models import Study

PARIS = ZoneInfo("Europe/Paris")
WRITTEN = datetime(2013, 6, 1, tzinfo=UTC)
MONTHS = [datetime(2012 + number // 12, number % 12 + 1, 1, tzinfo=PARIS) for number in range(-2, 6)]
KINDS = ["freezer_minus80", "freezer_minus80", "room_cabinet", *["shelf", "drawer_rack", "tube_box_9x9"] * 3]
STUDIES = [(1, "ALPHA"), (1, "BETA"), (2, "ALPHA"), (2, "GAMMA")]
PERIODS = [
    (date(2012, 1, 1), date(2012, 3, 31)),
    (date(2011, 11, 15), date(2012, 4, 2)),
    (date(2012, 3, 25), date(2012, 3, 25)),
]
DIVISIONS = [
    (),
    ("month",),
    ("study",),
    ("type", "month"),
    ("site", "study"),
    ("month", "study", "type", "site"),
]


def moment(rng: random.Random) -> datetime:
    """Often the very instant a month begins, or next to it; or some hour of a night on which the clocks change."""
    start = rng.choice([*MONTHS, datetime(2012, 3, 25, tzinfo=PARIS)]).astimezone(UTC)
    jitter = [0, 0, 1, -1, 3_600_000_000, rng.randrange(40 * 86_400_000_000)]
    return start + timedelta(microseconds=rng.choice(jitter))


def stays(rng: random.Random, places: list[int], most: int) -> list[dict[str, object]]:
    """Where one thing stood, one place after the other, with gaps and without; perhaps it stands there still."""
    times = sorted(moment(rng) for _ in range(rng.randrange(most + 1)))
    found = [
        {"container_id": rng.choice(places), "placed_at": start, "removed_at": end}
        for start, end in pairwise(times)
        if rng.random() < 0.8
    ]
    if times and rng.random() < 0.7:
        found.append({"container_id": rng.choice(places), "placed_at": times[-1], "removed_at": None})
    return found


def placement(**told: object) -> dict[str, object]:
    gone = told["removed_at"] is not None
    return {
        "position": None, "sample_id": None, "child_id": None, "placed_recorded_at": WRITTEN, "placed_by": "x",
        "removed_recorded_at": WRITTEN if gone else None, "removed_by": "x" if gone else None,
        "why": "moved" if gone else None,
    } | told  # fmt: skip


def sample(rng: random.Random, number: int) -> dict[str, object]:
    study = rng.randrange(len(STUDIES))
    precision = rng.choice(["minute", "day", "unknown", None, "minute"])
    known = precision in ("minute", "day")
    return {
        "id": number, "site_id": STUDIES[study][0], "code": f"T{number:08}", "study_id": study + 1,
        "type": rng.choice(["Plasma", "DNA", "Unknown"]), "vessel": "tube", "origin": "imported", "reserved": 0,
        "status": "available" if precision else "collected", "treated_at": moment(rng) if known else None,
        "treated_precision": precision, "recorded_at": WRITTEN,
    }  # fmt: skip


def make_bank(rng: random.Random) -> None:
    containers = [
        {"id": number, "site_id": number % 2 + 1, "code": f"K{number:08}", "kind": kind, "name": kind,
         "recorded_at": WRITTEN}
        for number, kind in enumerate(KINDS * 2, start=1)
    ]  # fmt: skip
    samples = [sample(rng, number) for number in range(1, 81)]
    of_site = {site: [one["id"] for one in containers if one["site_id"] == site] for site in (1, 2)}
    placements = [
        placement(child_id=one["id"], **stay)
        for one in containers
        for stay in stays(rng, [key for key in of_site[one["site_id"]] if key != one["id"]], 3)
    ]
    placements += [
        placement(sample_id=one["id"], **stay)
        for one in samples
        for stay in stays(rng, of_site[one["site_id"]], 5)
    ]
    sites = [
        {"id": key, "code": code, "name": code, "recorded_at": WRITTEN}
        for key, code in ((1, "IPC"), (2, "LYON"))
    ]
    studies = [
        {"id": number, "site_id": site, "code": code, "title": code, "recorded_at": WRITTEN}
        for number, (site, code) in enumerate(STUDIES, start=1)
    ]
    for table, rows in (
        (Site, sites), (Study, studies), (Container, containers), (Sample, samples), (Placement, placements),
    ):  # fmt: skip
        db.session.execute(insert(table), rows)


class Recount:
    """The whole bank in memory, asked one question at a time."""

    def __init__(self, site_id: int | None) -> None:
        self.samples = [
            one for one in db.session.scalars(select(Sample)) if site_id is None or one.site_id == site_id
        ]
        self.kind = {one.id: one.kind for one in db.session.scalars(select(Container))}
        self.stood: dict[tuple[int | None, int | None], list[Placement]] = defaultdict(list)
        for one in db.session.scalars(select(Placement)):
            self.stood[one.sample_id, one.child_id].append(one)
        self.study = {one.id: one.code for one in db.session.scalars(select(Study))}
        self.site = {one.id: one.code for one in db.session.scalars(select(Site))}

    def about(self, one: Sample, by: tuple[str, ...], month: str) -> tuple[str, ...]:
        told = {
            "month": month,
            "study": self.study[one.study_id],
            "type": one.type,
            "site": self.site[one.site_id],
        }
        return tuple(told[name] for name in by)

    def treated(self, by: tuple[str, ...], first: date, last: date) -> Counter:
        return Counter(
            self.about(one, by, f"{one.treated_at.astimezone(PARIS):%Y-%m}")
            for one in self.samples
            if one.treated_at is not None and first <= one.treated_at.astimezone(PARIS).date() <= last
        )

    def stored(self, by: tuple[str, ...], first: date, last: date) -> Counter:
        found: Counter = Counter()
        day = first
        while day <= last:
            tomorrow = day + timedelta(days=1)
            if tomorrow > last or ("month" in by and tomorrow.day == 1):
                midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=PARIS)
                found.update(
                    self.about(one, by, f"{day:%Y-%m}")
                    for one in self.samples
                    if self.is_stored(one, midnight)
                )
            day = tomorrow
        return found

    def is_stored(self, one: Sample, midnight: datetime) -> bool:
        """Just before midnight."""
        place = self.place_of(one.id, None, midnight)
        seen = set()
        while place is not None and place not in seen:
            if kinds.kinds()[self.kind[place]].storage:
                return True
            seen.add(place)
            place = self.place_of(None, place, midnight)
        return False

    def place_of(self, sample_id: int | None, child_id: int | None, midnight: datetime) -> int | None:
        found = [
            each.container_id
            for each in self.stood[sample_id, child_id]
            if each.placed_at < midnight and (each.removed_at is None or each.removed_at >= midnight)
        ]
        assert len(found) <= 1
        return found[0] if found else None


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_are_those_of_a_plain_recount(app_context, seed):
    unit_of_work(lambda: make_bank(random.Random(seed)))

    for site_id in (None, 1):
        plain = Recount(site_id)
        actor = Actor(key="x", name="x", site_id=site_id)
        for first, last in PERIODS:
            for by in DIVISIONS:
                found = service.throughput(from_on=first, to_on=last, by_dimensions=by, actor=actor)

                lines = {tuple(line.about.values()): line for line in found.groups}
                treated, stored = plain.treated(by, first, last), plain.stored(by, first, last)
                if by:
                    assert {
                        key: n.samples_treated for key, n in lines.items() if n.samples_treated
                    } == treated
                    assert {key: n.samples_stored for key, n in lines.items() if n.samples_stored} == stored
                assert found.samples_treated == treated.total()
                assert found.samples_stored == plain.stored((), first, last).total()
                before = plain.stored((), first - timedelta(days=1), first - timedelta(days=1))
                assert found.samples_stored_at_start == before.total()
                unknown = [one for one in plain.samples if one.treated_precision == "unknown"]
                assert found.unknown_time == len(unknown)


@pytest.mark.parametrize("seed", range(5, 8))
def test_the_figures_agree_with_what_storage_says_of_one_instant(app_context, seed):
    unit_of_work(lambda: make_bank(random.Random(seed)))

    found = service.throughput(
        from_on=date(2012, 1, 1), to_on=date(2012, 3, 31), by_dimensions=["month"], actor=job("report")
    )

    ends = [month.astimezone(UTC) - timedelta(microseconds=1) for month in MONTHS[3:6]]
    told = [select(func.count()).select_from(storage.stored_samples(end).subquery()) for end in ends]
    assert [line.samples_stored for line in found.groups] == [db.session.scalar(query) for query in told]


def test_the_random_banks_are_worth_counting(app_context):
    """Otherwise the recounts above would compare nothing with nothing."""
    unit_of_work(lambda: make_bank(random.Random(0)))

    found = service.throughput(
        from_on=date(2012, 1, 1), to_on=date(2012, 3, 31), by_dimensions=["month"], actor=job("report")
    )

    stored = [line.samples_stored for line in found.groups]
    assert found.samples_treated > 10
    assert found.unknown_time > 5
    assert min(stored) > 5
    assert len(set(stored)) > 1
    assert max(stored) < 60
