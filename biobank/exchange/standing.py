"""What the bank already has of an import: records by the other system's ids, with the samples behind them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, exists, select

from biobank.core.db import chunks, db
from biobank.exchange.agreement import ASKED_AT_ONCE
from biobank.exchange.models import ImportedRecord
from biobank.exchange.planning import Plan
from biobank.samples import gate
from biobank.samples.models import Sample


class Standing(NamedTuple):
    """One thing that was imported. Its id is the sample's key, its code the sample's number."""

    id: int
    code: str
    level: str
    digest: str
    place: str  # file and row it came from
    run_id: int
    type: str
    study_id: int
    event_id: int | None
    donors: tuple[int, ...] = ()  # patient keys; asked for parents only


@dataclass(frozen=True)
class Shelf:
    """Where the things of one import stand: a site's, by one profile. Without a site nothing stands there."""

    site_id: int | None
    profile: str

    def _mine(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        return query.where(ImportedRecord.site_id == self.site_id, ImportedRecord.profile == self.profile)

    def known(self, ids: Iterable[str]) -> set[str]:
        """Which of these the bank has."""
        found: set[str] = set()
        for some in chunks(sorted(set(ids)), ASKED_AT_ONCE):
            query = select(ImportedRecord.external_id).where(ImportedRecord.external_id.in_(some))
            found |= set(db.session.scalars(self._mine(query)))
        return found

    def is_empty(self) -> bool:
        return not db.session.scalar(select(exists(self._mine(select(ImportedRecord.id)))))

    def find(self, ids: Iterable[str], *, donors: bool = False) -> dict[str, Standing]:
        """Things by the other system's ids. donors: with whose they are"""
        found: dict[str, Standing] = {}
        for some in chunks(sorted(set(ids)), 1000):
            query = self._mine(_FIND.where(ImportedRecord.external_id.in_(some)))
            found |= {name: _standing(*row) for name, *row in db.session.execute(query)}
        if not donors:
            return found
        owners = gate.donors_of(thing.id for thing in found.values() if thing.id)
        return {
            name: thing._replace(donors=tuple(sorted(owners.get(thing.id, ()))))
            for name, thing in found.items()
        }

    def parents_of_new(self, plan: Plan) -> Iterator[int]:
        """Keys of the samples here from which something new was made."""
        if self.is_empty():
            return
        entries = plan.survey.entries
        for some in chunks([name for name in entries if name not in plan.survey.refused], ASKED_AT_ONCE):
            here = self.known(some)
            above = {parent for name in some if name not in here for parent in entries[name].parents}
            for ids in chunks(sorted(above), ASKED_AT_ONCE):
                query = select(ImportedRecord.sample_id).where(
                    ImportedRecord.external_id.in_(ids), ImportedRecord.sample_id.is_not(None)
                )
                yield from db.session.scalars(self._mine(query))


_FIND = select(
    ImportedRecord.external_id,
    ImportedRecord.file,
    ImportedRecord.row,
    Sample.id,
    Sample.code,
    ImportedRecord.level,
    ImportedRecord.hash,
    ImportedRecord.run_id,
    Sample.type,
    Sample.study_id,
    Sample.collection_event_id,
).outerjoin(Sample, Sample.id == ImportedRecord.sample_id)


def _standing(file: str, row: int, *facts: Any) -> Standing:
    key, code, level, digest, *rest = facts
    return Standing(key, code, level, digest, f"{file}:{row}", *rest)
