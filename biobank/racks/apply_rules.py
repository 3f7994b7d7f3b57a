"""May what was read of a rack be carried out? Not while it is old, doubtful, turned, or not whole. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime

from biobank.core.errors import Reason, RuleViolation
from biobank.racks.rules import OBSTACLES, Difference, Entry, State

#: What a picture leaves open of where its places are: a person looks, and says that it is right all the same.
DOUBTS = ("rack_picture_edges_unsure", "rack_picture_turn_unsure")


def require_newer(scanned_at: datetime | None, last: datetime | None, *, shown: str, last_shown: str) -> None:
    """Refuse a file that was read before the one that was carried out last."""
    if scanned_at is not None and last is not None and scanned_at < last:
        raise RuleViolation("rack_scan_older", scanned=shown, last=last_shown)


def require_applicable(found: Difference, *, leave_unknown: bool = False, turn_known: bool = False) -> None:
    """Refuse to carry out what is not whole: every place that stands in the way is a reason.

    leave_unknown  tubes that nobody knows are left out
    turn_known     somebody has said which way round the rack was read
    """
    if found.looks_turned and not found.turned and not turn_known:
        raise RuleViolation("rack_looks_turned")
    obstacles = [
        entry for entry in found.of(*OBSTACLES) if not (leave_unknown and entry.state is State.UNKNOWN)
    ]
    if obstacles:
        reasons = [
            Reason("rack_at_place", {"position": entry.position, "state": entry.state.value})
            if entry.reason is None
            else entry.reason
            for entry in obstacles
        ]
        raise RuleViolation(
            "rack_not_whole", reasons=reasons, count=len(obstacles), places=_listed(obstacles)
        )


def doubts_of(remarks: Collection[Reason]) -> list[str]:
    """The codes of those remarks that nothing is carried out under before somebody has confirmed them."""
    return [remark.code for remark in remarks if remark.code in DOUBTS]


def require_confirmed(doubts: Collection[str], confirmed: Collection[str]) -> None:
    """Refuse what is in doubt and was not confirmed, each doubt by itself."""
    open_ones = [Reason(doubt) for doubt in doubts if doubt not in confirmed]
    if open_ones:
        raise RuleViolation("rack_picture_doubted", reasons=open_ones)


def children_of(found: Difference, *, turn_known: bool = False) -> list[Entry]:
    """The tubes that nobody knows yet, each in a free place, beside tubes that stand where they should.

    raises  RuleViolation `rack_no_new_tubes`, `rack_looks_turned`, and `rack_not_for_children` naming every place that
            is not as it is recorded, or is taken
    """
    if found.looks_turned and not found.turned and not turn_known:
        raise RuleViolation("rack_looks_turned")
    coming = found.of(State.UNKNOWN)
    if not coming:
        raise RuleViolation("rack_no_new_tubes")
    obstacles = [entry for entry in found.entries if not _stays(entry) and not _is_new(entry)]
    if obstacles:
        reasons = [_in_the_way(entry) for entry in obstacles]
        raise RuleViolation(
            "rack_not_for_children", reasons=reasons, count=len(obstacles), places=_listed(obstacles)
        )
    return coming


def _stays(entry: Entry) -> bool:
    """It stands where it should, or was not read and is left where it is."""
    return entry.state is State.PRESENT or (entry.state is State.UNREAD and entry.tube is not None)


def _is_new(entry: Entry) -> bool:
    return entry.state is State.UNKNOWN and entry.was is None and not _lost_zeros(entry)


def _lost_zeros(entry: Entry) -> bool:
    return entry.reason is not None and entry.reason.code == "rack_code_without_zeros"


def _in_the_way(entry: Entry) -> Reason:
    if entry.state is State.UNKNOWN and entry.was is not None:
        return Reason("rack_place_taken", {"position": entry.position, "sample": entry.was.code})
    told = {"position": entry.position, "state": entry.state.value}
    return entry.reason if entry.reason is not None else Reason("rack_at_place", told)


def _listed(entries: Sequence[Entry]) -> str:
    return ", ".join(entry.position for entry in entries[:10]) + (" …" if len(entries) > 10 else "")
