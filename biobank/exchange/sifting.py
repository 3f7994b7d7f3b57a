"""Which rows can be taken: each is compared with what stands here, and with what was said of those before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from sqlalchemy import and_, select

from biobank.core.codes import ScannableCode
from biobank.core.db import chunks, db
from biobank.exchange.people import CASE, Fault, People
from biobank.exchange.permission import Permission, Who
from biobank.exchange.planning import Plan
from biobank.exchange.profile import Draft, Finding
from biobank.exchange.standing import Shelf, Standing
from biobank.patients import service as patients
from biobank.samples.models import Sample

Column = Literal["id", "code", "case", "project", "parent"]
Refusal = tuple[Column, Fault]
"""Which column is to blame, and for what."""


class Ready(NamedTuple):
    """One new row, and what it would be taken with."""

    draft: Draft
    study: str
    """Code of the study; empty where nothing says it."""
    parents: tuple[Standing, ...] = ()
    """What it was made from, as it stands here; in a rehearsal those of these files are missing."""
    donors: Who = ()
    """Whose it is, as far as they stand here."""
    other_study: str | None = None
    """What it was made from was taken for another study than its row says: this one."""


@dataclass
class _Around:
    """What the rows of one chunk are compared with."""

    here: Mapping[str, Standing]
    new: Mapping[str, Ready]
    taken: Mapping[str, tuple[str, str]]
    """Makers' codes that something has already -> its kind and its number."""


@dataclass
class Sieve:
    """Tells what is wrong with each row, and lets the others through.

    study       taken for this study whatever the files say
    studies     code -> key of the site's studies
    keep_going  what stands here and was changed in the files is only told
    """

    plan: Plan
    shelf: Shelf
    people: People
    study: str | None
    studies: Mapping[str, int]
    keep_going: bool
    tell: Callable[[Finding], None]
    permission: Permission = field(default_factory=Permission)
    refused: set[str] = field(default_factory=set)
    _planned: dict[str, str] = field(default_factory=dict)
    """Id -> study of what passed and was not written."""
    _noted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._all_new = self.shelf.is_empty()

    def sift(self, drafts: Sequence[Draft]) -> list[Ready]:
        """The rows that can be taken and are new. What is not written is to be remembered before the next come."""
        around = self._look_around(drafts)
        ready = []
        for draft in drafts:
            for finding in draft.findings:
                self.tell(finding)
            one = around.new.get(draft.external_id)
            if one is None:
                self._compare(draft, around.here[draft.external_id])
            elif (refusal := self._refusal(one, around)) is not None:
                self._refuse(draft, refusal)
            else:
                ready.append(one)
                self._note_patient(draft)
        return ready

    def remember(self, ready: Sequence[Ready]) -> None:
        """These passed and are not written: what was made from them is looked at as if they were."""
        self._planned |= {one.draft.external_id: one.study for one in ready}

    def new_studies(self) -> list[str]:
        """Studies that would have to be opened."""
        return [code for code in dict.fromkeys(self._planned.values()) if code not in self.studies]

    # ------------------------------------------------------------------------------------------- what stands here

    def _look_around(self, drafts: Sequence[Draft]) -> _Around:
        here = {} if self._all_new else self.shelf.find(draft.external_id for draft in drafts)
        new = [draft for draft in drafts if draft.external_id not in here]
        above = self.shelf.find({parent for draft in new for parent in draft.parents}, donors=True)
        studies = {key: code for code, key in self.studies.items()}
        met = {draft.external_id: self._meet(draft, above, studies) for draft in new}
        self.permission.ask({(one.donors, one.study) for one in met.values()}, self.studies)
        return _Around(here, met, self._taken({draft.maker_code for draft in new if draft.maker_code}))

    def _meet(self, draft: Draft, things: Mapping[str, Standing], studies: Mapping[int, str]) -> Ready:
        """What was made from a sample is of the sample's study and donors, whatever its own row says."""
        wanted = self.study or draft.project or ""
        key = self.people.ids.get(draft.patient_code or "")
        own: Who = () if key is None else (key,)
        if not draft.parents:
            return Ready(draft, wanted, (), own)
        parents = tuple(things[name] for name in draft.parents if name in things)
        above = [studies[parent.study_id] for parent in parents if parent.study_id]
        above += [self._planned[name] for name in draft.parents if name in self._planned]
        study = above[0] if above else wanted
        other = next((code for code in above if code != (wanted or study)), None)
        if len(parents) == 1:
            own = parents[0].donors
        elif parents:
            own = tuple(sorted({key for parent in parents for key in parent.donors}))
        return Ready(draft, study, parents, own, other)

    def _taken(self, codes: set[str]) -> dict[str, tuple[str, str]]:
        owner = and_(ScannableCode.kind.in_(("sample", "tube")), Sample.id == ScannableCode.target_id)
        query = select(ScannableCode.code, ScannableCode.kind, Sample.code).outerjoin(Sample, owner)
        query = query.where(ScannableCode.site_id == self.shelf.site_id)
        taken: dict[str, tuple[str, str]] = {}
        for some in chunks(sorted(codes), 1000):
            for code, kind, number in db.session.execute(query.where(ScannableCode.code.in_(some))):
                taken[code] = (kind, number or code)
        return taken

    def _compare(self, draft: Draft, thing: Standing) -> None:
        """A row of something that stands here: it should say what it said then."""
        if thing.level != draft.level:
            self._refuse(draft, _at_two_levels(draft, thing.level, thing.place))
        elif thing.digest != draft.digest:
            params = {"id": draft.external_id, "sample": thing.code, "first": thing.place}
            severity: Literal["error", "note"] = "note" if self.keep_going else "error"
            self.tell(Finding(draft.file, draft.row, None, severity, "import_changed", params))

    def _note_patient(self, draft: Draft) -> None:
        code = draft.patient_code
        if code is None or code in self.people.recorded or code in self._noted:
            return
        self._noted.add(code)
        if code in self.people.ids:
            self._tell(draft, "case", ("import_patient_used", {"patient": code}), "note")

    # --------------------------------------------------------------------------------------------- what is wrong

    def _refusal(self, one: Ready, around: _Around) -> Refusal | None:
        """The first thing that is wrong with a new row."""
        return (
            self._wrong_link(one)
            or self._wrong_patient(one)
            or self._wrong_study(one)
            or self._withdrawn(one)
            or self._code_in_use(one.draft, around)
        )

    def _wrong_link(self, one: Ready) -> Refusal | None:
        for name in one.draft.parents:
            if name in self.refused:
                params = {"parent": name, "level": self._level_above(one.draft)}
                return "parent", ("import_parent_refused", params)
        for name, parent in () if self._all_new else zip(one.draft.parents, one.parents, strict=False):
            level = self._level_above(one.draft)
            if parent.level != level:
                params = {"parent": name, "level": level, "other": parent.level}
                return "parent", ("import_parent_of_wrong_level", params)
        return None

    def _level_above(self, draft: Draft) -> str:
        rank = self.plan.survey.entries[draft.external_id].parent_rank
        return self.plan.profile.levels[rank].name

    def _wrong_patient(self, one: Ready) -> Refusal | None:
        draft, code = one.draft, one.draft.patient_code
        if code is not None and (fault := self.people.faults.get(code)):
            return "case", fault
        if draft.external_id in self.people.cases:
            return _at_two_levels(draft, CASE, draft.file)
        if one.parents and code is not None and self.people.ids.get(code) not in one.donors:
            others, place = ", ".join(patients.codes_of(one.donors)), one.parents[0].code
            return "case", ("import_patient_differs", {"patient": code, "other": others, "place": place})
        return None

    def _wrong_study(self, one: Ready) -> Refusal | None:
        if one.other_study is not None:
            wanted = self.study or one.draft.project or one.study
            return "project", ("import_study_differs", {"study": wanted, "other": one.other_study})
        return None if one.study else ("project", ("import_study_needed", {}))

    def _withdrawn(self, one: Ready) -> Refusal | None:
        why = self.permission.why_not(one.donors, one.study)
        return ("case", ("import_withdrawn", {"reasons": why})) if why else None

    def _code_in_use(self, draft: Draft, around: _Around) -> Refusal | None:
        code = draft.maker_code
        if code is None or draft.maker_code_shared:
            return None
        has = around.taken.get(code) or (("patient", code) if code in self.people.named else None)
        if has is None:
            return None
        return "code", ("import_maker_code_taken", {"code": code, "kind": has[0], "holder": has[1]})

    # -------------------------------------------------------------------------------------------------- telling

    def _refuse(self, draft: Draft, refusal: Refusal) -> None:
        self.refused.add(draft.external_id)
        self._tell(draft, *refusal, "error")

    def _tell(self, draft: Draft, column: Column, fault: Fault, severity: Literal["error", "note"]) -> None:
        code, params = fault
        header = self._header(draft, column)
        self.tell(Finding(draft.file, draft.row, header, severity, code, params))

    def _header(self, draft: Draft, column: Column) -> str | None:
        """The column as the file writes it; None where the file has none."""
        survey = self.plan.survey
        entry = survey.entries[draft.external_id]
        piece = survey.piece_of(entry)
        at: dict[Column, int | None] = {
            "id": piece.id_at,
            "code": piece.code_at,
            "case": piece.case_id_at if piece.case_code_at is None else piece.case_code_at,
            "project": piece.project_at,
            "parent": piece.links[entry.parent_rank] if piece.links else None,
        }
        place = at[column]
        return None if place is None else survey.tables[entry.file][0].header[place]


def _at_two_levels(draft: Draft, other: str, first: str) -> Refusal:
    params: dict[str, Any] = {"id": draft.external_id, "level": draft.level, "other": other, "first": first}
    return "id", ("import_id_at_two_levels", params)
