"""What a sample's page says beside its card: whose it is, what is wrong with it, what was decided; one query for all.

Each of these stands in a table of its own and mostly there is nothing; asked for one by one they were a third of the
page's cost.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, Text, bindparam, cast, literal, null, select, union_all

from biobank.core.codes import ScannableCode
from biobank.core.db import BigKey, Json, UTCDateTime, fetch
from biobank.patients.models import Patient
from biobank.quality.models import NonConformity
from biobank.samples.models import Decision, Hold, SampleDonor

#: Decisions that the page shows, the newest; all of them stand on a page of their own.
MOST_DECISIONS = 20


@dataclass
class Beside:
    """patients: pseudonyms, each with the key that the record knows the person by. numbers: every one that it had.
    holds, wrong, decisions: rows with `id`, `code`, `note`, `at`, `reasons`."""

    patients: dict[str, str] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    holds: list[Any] = field(default_factory=list)
    wrong: list[Any] = field(default_factory=list)
    decisions: list[Any] = field(default_factory=list)


_ID = bindparam("id", type_=BigKey)
_NO_TEXT, _NO_TIME, _NOTHING = cast(null(), Text), cast(null(), UTCDateTime), cast(null(), Json)


def _arm(
    what: str, key: Any, code: Any, note: Any = _NO_TEXT, at: Any = _NO_TIME, more: Any = _NOTHING
) -> Any:
    return select(
        literal(what, literal_execute=True).label("what"), key.label("id"), cast(code, Text).label("code"),
        cast(note, Text).label("note"), at.label("at"), more.label("reasons"),
    )  # fmt: skip


def _all() -> Select[Any]:
    decided = (
        select(Decision.id, Decision.act, Decision.verdict, Decision.recorded_at, Decision.reasons)
        .where(Decision.sample_id == _ID)
        .order_by(Decision.id.desc())
        .limit(MOST_DECISIONS)
        .subquery("decided")
    )
    told = union_all(
        _arm("patient", Patient.id, Patient.code, Patient.subject_key)
        .join(SampleDonor, SampleDonor.patient_id == Patient.id)
        .where(SampleDonor.sample_id == _ID),
        _arm("hold", Hold.id, Hold.code, Hold.note, Hold.opened_at)
        .where(Hold.sample_id == _ID, Hold.released_at.is_(None)),
        _arm("wrong", NonConformity.id, NonConformity.code, NonConformity.note, NonConformity.recorded_at)
        .where(NonConformity.sample_id == _ID, NonConformity.closed_at.is_(None)),
        _arm("number", ScannableCode.id, ScannableCode.code)
        .where(ScannableCode.kind == "sample", ScannableCode.target_id == _ID),
        _arm("decision", decided.c.id, decided.c.act, decided.c.verdict, decided.c.recorded_at, decided.c.reasons),
    ).subquery("told")  # fmt: skip
    return select(told).order_by(told.c.id)


_BESIDE = _all()


def beside(sample_id: int) -> Beside:
    """All of it, of one sample."""
    found = Beside()
    for row in fetch(_BESIDE, {"id": sample_id}):
        if row.what == "patient":
            found.patients[row.code] = row.note
        elif row.what == "number":
            found.numbers.append(row.code)
        else:
            {"hold": found.holds, "wrong": found.wrong, "decision": found.decisions}[row.what].append(row)
    found.decisions.reverse()
    return found
