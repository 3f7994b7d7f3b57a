"""The life of a request and of its lines, and how much of its chances may be told. Pure: no database, no clock."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from biobank.core.errors import Malformed, Reason, RuleViolation


class Status(StrEnum):
    """Where a request is in its life."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class Act(StrEnum):
    """What people do with a request."""

    EDIT = "edit"
    SUBMIT = "submit"
    SETTLE = "settle"
    APPROVE = "approve"
    REFUSE = "refuse"
    CANCEL = "cancel"
    PICK = "pick"
    HAND_OUT = "hand_out"
    COMPLETE = "complete"


# The whole life of a request. What is not listed cannot happen.
LIFE: dict[tuple[Status, Act], Status] = {
    # The researcher writes it; nobody has been asked yet.
    (Status.DRAFT, Act.EDIT): Status.DRAFT,
    (Status.DRAFT, Act.SUBMIT): Status.SUBMITTED,
    (Status.DRAFT, Act.CANCEL): Status.CANCELLED,
    # The biobank answers. People settle what the rules leave to them, before and after: what is settled after the
    # approval is reserved by approving once more.
    (Status.SUBMITTED, Act.SETTLE): Status.SUBMITTED,
    (Status.SUBMITTED, Act.APPROVE): Status.APPROVED,
    (Status.SUBMITTED, Act.REFUSE): Status.REFUSED,
    (Status.SUBMITTED, Act.CANCEL): Status.CANCELLED,
    (Status.APPROVED, Act.SETTLE): Status.APPROVED,
    (Status.APPROVED, Act.APPROVE): Status.APPROVED,
    # Tubes are held for it, taken out and given.
    (Status.APPROVED, Act.PICK): Status.APPROVED,
    (Status.APPROVED, Act.HAND_OUT): Status.APPROVED,
    (Status.APPROVED, Act.CANCEL): Status.CANCELLED,
    (Status.APPROVED, Act.COMPLETE): Status.COMPLETED,
}

# What each status means; it also says why an act was refused.
STATUS_SENTENCES = {
    Status.DRAFT: "request_draft",
    Status.SUBMITTED: "request_submitted",
    Status.APPROVED: "request_approved",
    Status.REFUSED: "request_refused",
    Status.CANCELLED: "request_cancelled",
    Status.COMPLETED: "request_completed",
}


class LineStatus(StrEnum):
    """What became of one sample that is asked for."""

    ASKED = "asked"
    RESERVED = "reserved"
    REFUSED = "refused"
    PICKED = "picked"
    HANDED_OUT = "handed_out"
    RELEASED = "released"


class LineAct(StrEnum):
    """What the biobank does with a line."""

    ASK = "ask"
    RESERVE = "reserve"
    REFUSE = "refuse"
    PICK = "pick"
    HAND_OUT = "hand_out"
    RELEASE = "release"


# The whole life of a line. A tube is reserved before it is picked, and picked before it is given. A line taken out of
# a draft may be asked for again; the request's own life keeps that to drafts.
LINE_LIFE: dict[tuple[LineStatus, LineAct], LineStatus] = {
    (LineStatus.ASKED, LineAct.RESERVE): LineStatus.RESERVED,
    (LineStatus.ASKED, LineAct.REFUSE): LineStatus.REFUSED,
    (LineStatus.ASKED, LineAct.RELEASE): LineStatus.RELEASED,
    (LineStatus.RESERVED, LineAct.PICK): LineStatus.PICKED,
    (LineStatus.RESERVED, LineAct.RELEASE): LineStatus.RELEASED,
    (LineStatus.PICKED, LineAct.HAND_OUT): LineStatus.HANDED_OUT,
    (LineStatus.PICKED, LineAct.RELEASE): LineStatus.RELEASED,
    (LineStatus.RELEASED, LineAct.ASK): LineStatus.ASKED,
}

LINE_SENTENCES = {
    LineStatus.ASKED: "line_asked",
    LineStatus.RESERVED: "line_reserved",
    LineStatus.REFUSED: "line_refused",
    LineStatus.PICKED: "line_picked",
    LineStatus.HANDED_OUT: "line_handed_out",
    LineStatus.RELEASED: "line_released",
}

#: Something is still to be done with these.
OPEN_LINES = frozenset({LineStatus.ASKED, LineStatus.RESERVED, LineStatus.PICKED})
#: These hold a tube.
HOLDING_LINES = frozenset({LineStatus.RESERVED, LineStatus.PICKED})
#: Requests in which a line can still be open.
OPEN_REQUESTS = frozenset({Status.DRAFT, Status.SUBMITTED, Status.APPROVED})

ORGANISATIONS = ("non-profit", "for-profit", "unknown")
#: More lines than this is a mistake of pasting; a larger need is several requests.
MOST_LINES = 2000
#: Fewer of a kind are not counted out to a researcher, who could otherwise ask about one donor alone.
SMALLEST_COUNT = 10


def next_status(status: str, act: str) -> Status:
    """What a request becomes.

    raises  RuleViolation `request_act_not_possible`, its reason being what the status means
    """
    try:
        return LIFE[Status(status), Act(act)]
    except KeyError:
        why = Reason(STATUS_SENTENCES[Status(status)])
        raise RuleViolation(
            "request_act_not_possible", reasons=[why], request_status=str(status), request_act=str(act)
        ) from None


def possible_acts(status: str) -> frozenset[Act]:
    """What the table allows now."""
    return frozenset(act for (listed, act) in LIFE if listed == status)


def next_line_status(status: str, act: str, *, sample: str) -> LineStatus:
    """What a line becomes.

    raises  RuleViolation `line_act_not_possible`, its reason being what the status means
    """
    try:
        return LINE_LIFE[LineStatus(status), LineAct(act)]
    except KeyError:
        why = Reason(LINE_SENTENCES[LineStatus(status)])
        raise RuleViolation(
            "line_act_not_possible", reasons=[why], sample=sample, line_status=str(status), line_act=str(act)
        ) from None


def may_be_reserved(sample: str, status: str, *, reserved: bool) -> Reason | None:
    """Why a tube cannot be promised to anybody now, whatever its donor said; None when it can.

    status    of the sample
    reserved  an open request holds it
    """
    if status != "available":
        return Reason("sample_not_available", {"sample": sample, "status": status})
    if reserved:
        return Reason("sample_is_reserved", {"sample": sample})
    return None


def check_organisation(organisation: str) -> Reason | None:
    """Why it is none of ours."""
    if organisation in ORGANISATIONS:
        return None
    known = ", ".join(ORGANISATIONS)
    return Reason("organisation_unknown", {"given": organisation[:40], "known": known})


def check_country(country: str | None) -> Reason | None:
    """Why it is no ISO 3166 alpha-2 code; whether such a country exists is not asked."""
    if country is None or (len(country) == 2 and country.isascii() and country.isalpha()):
        return None
    return Reason("country_unreadable", {"given": country[:40]})


def check_approval(text: str) -> Reason | None:
    """Why it is no approval: a kind, its number after a colon, its last day after an @."""
    document, at, until = text.rpartition("@")
    kind = (document if at else until).partition(":")[0]
    try:
        if at:
            date.fromisoformat(until.strip())
    except ValueError:
        return Reason("approval_unreadable", {"given": text[:80]})
    return None if kind.strip() else Reason("approval_unreadable", {"given": text[:80]})


def refuse_fields(reasons: dict[str, Reason | None]) -> None:
    """raises Malformed naming every field that has a reason"""
    wrong = {field: reason for field, reason in reasons.items() if reason is not None}
    if wrong:
        raise Malformed(wrong)


class Chances(NamedTuple):
    """How many samples could be given. None: fewer than may be told."""

    samples: int
    permit: int | None
    review: int | None
    deny: int | None


def chances(verdicts: Sequence[str], *, exact: bool) -> Chances:
    """Verdicts counted. Without `exact`, fewer than ten of a kind are not told, and more are rounded down to tens, so
    that asking twice with one sample more says nothing about that one.

    >>> chances(["permit"] * 23 + ["deny"] * 2, exact=False)
    Chances(samples=25, permit=20, review=None, deny=None)
    """
    counts = (_told(verdicts.count(kind), exact) for kind in ("permit", "review", "deny"))
    return Chances(len(verdicts), *counts)


def _told(count: int, exact: bool) -> int | None:
    if exact:
        return count
    return None if count < SMALLEST_COUNT else count - count % SMALLEST_COUNT


def without_donors(reasons: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Reasons as a researcher may read them: what the tube's own state says, and of what the donor said only that it
    does not allow the use. When somebody signed, what, and whether they withdrew is between them and the biobank."""
    told: dict[str, dict[str, object]] = {}
    for reason in reasons:
        shown = reason if reason["code"] in OF_THE_TUBE else {"code": _NO, "params": {}}
        told.setdefault(str(shown["code"]), dict(shown))
    if _REVIEW in told:
        told.pop(_NO, None)
    return list(told.values())


_NO, _REVIEW = "consent_does_not_allow", "consent_needs_review"


#: Reasons that say nothing about the donor.
OF_THE_TUBE = frozenset(
    {"sample_not_available", "sample_is_reserved", "sample_missing", "request_closed", _REVIEW}
)
