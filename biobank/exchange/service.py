"""Carries an import out: what the files would become is checked against the bank, and written as one whole.

A thing that stands here already is left as it is, so the same files again change nothing. Nobody wrote down when the
tubes were drawn or received, so those times stay unknown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from biobank.access import service as access
from biobank.access.models import Site
from biobank.consent import service as consent
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.exchange import forgetting, gdc, planning
from biobank.exchange.landing import Landing
from biobank.exchange.people import People
from biobank.exchange.planning import Plan
from biobank.exchange.profile import LONGEST_PROJECT, Finding, Profile
from biobank.exchange.sifting import Sieve
from biobank.exchange.standing import Shelf
from biobank.patients import links
from biobank.samples import gate
from biobank.samples.models import Sample
from biobank.studies.models import Study

links.register("imported_record", forgetting.LINK)

PROFILES: dict[str, Callable[[], Profile]] = {"gdc": gdc.load}
FIRST_SITE = "MAIN"
"""The site of a bank that has none, where nobody names one."""
LONGEST_SITE = 40

Tell = Callable[[Finding], None]
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Place:
    """The site that things are imported into. Without a key: the bank has no site yet, and this becomes its first."""

    id: int | None
    code: str


@dataclass
class Outcome:
    """What an import came to.

    counts   what the files hold that goes together: patients, and things of each level
    changes  patients and samples that came in; in a rehearsal, that would
    """

    counts: dict[str, int]
    changes: int = 0
    errors: int = 0
    notes: int = 0
    opened: list[str] = field(default_factory=list)
    """Codes of the studies that were opened."""

    def as_dict(self) -> dict[str, Any]:
        return {"counts": self.counts, "changes": self.changes, "errors": self.errors, "notes": self.notes}


class ImportRefused(RuleViolation):
    """Some rows cannot be taken, and none was to be left out."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("import_refused", errors=outcome.errors)
        self.outcome = outcome


def site_for(code: str | None, by: Actor) -> Place:
    """Where to import: the site named, or the only one there is.

    raises  Malformed naming `site`: unknown, or one of several is to be chosen
    """
    sites = access.list_sites(by)
    if code is None and len(sites) == 1:
        return Place(sites[0].id, sites[0].code)
    if not sites and by.site_id is None and 0 < len(code or FIRST_SITE) <= LONGEST_SITE:
        return Place(None, code or FIRST_SITE)
    if code is None:
        raise Malformed({"site": Reason("site_needed")})
    if found := next((site for site in sites if site.code == code), None):
        return Place(found.id, found.code)
    raise Malformed({"site": Reason("site_unknown", {"site": code})})


def read(paths: Sequence[Path], *, profile: Profile, place: Place, tick: Tick = lambda _rows: None) -> Plan:
    """Read the files and see what goes together. Changes nothing, and needs no unit of work.

    tick  told now and then how many more rows were read
    """
    return planning.plan(paths, profile, Shelf(place.id, profile.name).known, tick=tick)


def carry_out(
    plan: Plan,
    *,
    place: Place,
    by: Actor,
    study: str | None = None,
    keep_going: bool = False,
    rehearse: bool = False,
    tell: Tell = lambda _finding: None,
    tick: Tick = lambda _rows: None,
) -> Outcome:
    """Bring in what is new. Stands in one unit of work; a rehearsal writes nothing and needs none.

    study       what the samples are taken for; the project that each row names unless given
    keep_going  leave out what cannot be taken, and what was made from it, and bring in the rest
    tell        told everything there is to say, also of the files; from the start when the unit is run once more
    tick        told now and then how many more things were dealt with
    raises      ImportRefused when a file cannot be read, or there is an error and nothing was to be left out; also
                in a rehearsal
    """
    if study is not None and not (0 < len(study) <= LONGEST_PROJECT and study.isprintable()):
        raise Malformed({"study": Reason("import_study_unfit", {"most": LONGEST_PROJECT})})
    counts = {"patients": len(plan.patients)} | {f"{name}s": number for name, number in plan.counts.items()}
    outcome = Outcome(counts)

    def count(finding: Finding) -> None:
        if finding.severity == "error":
            outcome.errors += 1
        else:
            outcome.notes += 1
        tell(finding)

    broken = _of_unread_files(plan)
    # What is wrong with rows may come of a file that could not be read: then it is not told.
    for finding in broken or plan.findings:
        count(finding)
    if broken:
        raise ImportRefused(outcome)
    writing = not rehearse and (keep_going or not outcome.errors)
    walk = _Walk(plan, _set_up(place, by) if writing else place, study, by, keep_going, count, outcome)
    walk.go(writing, tick)
    if outcome.errors and not keep_going:
        outcome.changes, outcome.opened = 0, []
        raise ImportRefused(outcome)
    return outcome


def _of_unread_files(plan: Plan) -> list[Finding]:
    """The errors of files that could not be read to their end."""
    broke_off = {plan.survey.tables[at][0].name for at in plan.survey.dead}
    whole = {file.name for file in plan.files} - broke_off
    return [finding for finding in plan.errors if finding.row is None or finding.file not in whole]


def _set_up(place: Place, by: Actor) -> Place:
    if place.id is not None:
        return place
    return Place(access.make_site(code=place.code, name=place.code, by=by).id, place.code)


@dataclass
class _Walk:
    """One walk through all drafts."""

    plan: Plan
    place: Place
    study: str | None
    by: Actor
    keep_going: bool
    tell: Tell
    outcome: Outcome

    def go(self, writing: bool, tick: Tick) -> None:
        outcome = self.outcome
        shelf = Shelf(self.place.id, self.plan.profile.name)
        people = People(self.plan.patients, shelf.profile, shelf.site_id)
        people.look()
        studies = self._studies()
        landing = self._landing(shelf, people, studies) if writing else None
        sieve = Sieve(self.plan, shelf, people, self.study, studies, self.keep_going, self.tell)
        for drafts in self.plan.drafts():
            ready = sieve.sift(drafts)
            new_patients = people.to_take(one.draft for one in ready if not one.draft.parents)
            outcome.changes += len(ready) + len(new_patients)
            if outcome.errors and not self.keep_going:
                # Nothing of it will stand: from here on it is only looked for what else is wrong.
                landing = None
            if landing is not None:
                landing.write(ready, new_patients)
            else:
                sieve.remember(ready)
            tick(len(drafts))
        outcome.opened = sieve.new_studies()
        if landing is not None:
            outcome.opened = landing.opened
            landing.finish(outcome.as_dict())

    def _studies(self) -> dict[str, int]:
        query = select(Study.code, Study.id).where(Study.site_id == self.place.id)
        return dict(db.session.execute(query).all())

    def _landing(self, shelf: Shelf, people: People, studies: dict[str, int]) -> Landing:
        """Lock everybody whose samples will be touched, then what something new was made from: in this order."""
        parents = list(shelf.parents_of_new(self.plan))
        donors = gate.donors_of(parents).values()
        patients = set(people.ids.values()).union(*donors)
        consent.lock_patients(patients)
        lock(Sample, parents)
        site = db.session.get_one(Site, self.place.id)
        return Landing(self.plan, site, people, studies, patients, self.by)
