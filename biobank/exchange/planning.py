"""What the files would become: every sample in order, parents first, and everything that has to be told.

`plan()` reads the files once to find what does not go together; walking through `Plan.drafts()` reads them again, level
by level. Neither keeps the rows in memory, and neither changes anything: a dry run is a plan that nobody carries out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from biobank.exchange.agreement import Known, check_parents, settle_repeats
from biobank.exchange.meaning import draft
from biobank.exchange.profile import Draft, Finding, Piece, Profile
from biobank.exchange.survey import Entry, FileRead, Survey

_NOT_DESCRIPTIVE = ("submitter_id", "case_id", "case_submitter_id", "project_id")


def plan(
    paths: Sequence[Path],
    profile: Profile,
    known: Known = lambda _ids: set(),
    *,
    tick: Callable[[int], None] = lambda _rows: None,
    chunk: int = 1000,
) -> "Plan":
    """Read all files and decide what could be imported.

    known   asked for parents that stand in none of the files: which of these external ids are here already?
    tick    told now and then how many more rows were read
    chunk   how many drafts come at once
    """
    survey = Survey(profile, tick)
    survey.read(paths)
    merged = settle_repeats(survey)
    if survey.dead:
        survey.refused.update(name for name, entry in survey.entries.items() if entry.file in survey.dead)
    for level in profile.levels:
        check_parents(survey, level.rank, known)
    return Plan(profile, survey, merged, chunk)


@dataclass
class Plan:
    """A checked import, not carried out. What is told of single cells comes with each draft."""

    profile: Profile
    survey: Survey
    merged: dict[str, dict[str, str]]
    chunk: int

    @property
    def findings(self) -> list[Finding]:
        """Of files, and of rows that do not go together."""
        return self.survey.findings

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def files(self) -> list[FileRead]:
        return self.survey.files

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many drafts there are of each level."""
        counts = dict.fromkeys((level.name for level in self.profile.levels), 0)
        for entry in self._accepted():
            counts[self.profile.levels[entry.rank].name] += 1
        return counts

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @cached_property
    def patients(self) -> dict[str, str | None]:
        """Patient code -> the other system's id of the case, of everything that could be imported."""
        codes = dict.fromkeys(entry.case for entry in self._accepted() if entry.case)
        return {code: self.survey.cases.get(code) for code in codes}

    def drafts(self) -> Iterator[list[Draft]]:
        """Chunks of drafts, each of one level; parents come in an earlier chunk than what was made from them."""
        for level in self.profile.levels:
            chunk: list[Draft] = []
            for made in self._drafts_of(level.rank):
                chunk.append(made)
                if len(chunk) == self.chunk:
                    yield chunk
                    chunk = []
            if chunk:
                yield chunk

    def _accepted(self) -> Iterator[Entry]:
        refused = self.survey.refused
        return (entry for name, entry in self.survey.entries.items() if name not in refused)

    def _drafts_of(self, rank: int) -> Iterator[Draft]:
        survey = self.survey
        for file, (table, layout) in enumerate(survey.tables):
            if file in survey.dead:
                continue
            for piece in (piece for piece in layout.pieces if piece.level.rank == rank):
                for number, values in table.records():
                    name = values[piece.id_at] if piece.id_at < len(values) else ""
                    entry = survey.entries.get(name)
                    # Of several rows of one thing, the first stands for all.
                    if entry and entry.row == number and entry.file == file and name not in survey.refused:
                        yield self._draft(name, entry, piece, values)

    def _draft(self, name: str, entry: Entry, piece: Piece, values: Sequence[str]) -> Draft:
        survey, nulls = self.survey, self.profile.nulls
        said = dict(
            self.merged.get(name) or {key: values[at] for key, at in piece.said if values[at] not in nulls}
        )
        code, _, _, project = [said.pop(key, None) for key in _NOT_DESCRIPTIVE]
        parents = entry.parents
        parent = survey.entries.get(parents[0]) if parents else None
        made = draft(
            self.profile,
            piece,
            file=survey.tables[entry.file][0].name,
            row=entry.row,
            external_id=name,
            maker_code=code,
            maker_code_shared=code is not None and hash(code) in survey.shared_codes,
            patient_code=entry.case,
            patient_external_id=survey.cases.get(entry.case or ""),
            project=project,
            parents=parents,
            parent_level=self.profile.levels[entry.parent_rank].name if parents else None,
            parent_type=parent.type if parent else None,
            raw=said,
        )
        entry.type = made.type  # for what was made from it, in a later chunk
        return made
