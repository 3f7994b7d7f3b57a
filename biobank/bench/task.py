"""What every task at the station is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from biobank.bench.heard import Heard
from biobank.core.actor import Actor
from biobank.core.errors import BiobankError, Forbidden, Reason


@dataclass
class Work:
    """What a task is told besides the scan. `state` is its own, kept between scans: plain JSON, codes only.

    position  the place the screen showed when it was scanned
    at        when it was scanned, if it waited for the line
    """

    state: dict[str, Any]
    by: Actor
    site_id: int
    position: str | None = None
    at: datetime | None = None


@dataclass
class Told:
    """What came of a scan: a sentence, how it sounds, and how to take it back.

    tone     yes, look or no
    outcome  done: something was changed; told: understood; refused
    undo     what `reversing` needs, codes and keys only; None: nothing was changed
    shown    what the screen shows in large letters: {"code", "position"}, and why: {"reasons"}
    """

    code: str
    params: dict[str, Any] = field(default_factory=dict)
    tone: str = "yes"
    outcome: str = "told"
    act: str | None = None
    undo: dict[str, Any] | None = None
    shown: dict[str, Any] | None = None
    before: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.outcome == "done" and self.undo is None:
            raise TypeError(f"{self.code} changes something: say how it is taken back")


@dataclass(frozen=True)
class Task:
    """One kind of work.

    begins    does this scan begin it?
    begin     sets up the state; None: not after all
    hear      one scan of a session that is going on; None: not for this task
    sentence  what is being built
    end       what is given back when it ends
    wants     does it take "finish" or "cancel" itself?
    refused   what its state is after a refusal: an act that came to nothing may still have taught something
    """

    name: str
    begins: Callable[[Heard], bool]
    begin: Callable[[Work, Heard], Told | None]
    hear: Callable[[Work, Heard], Told | None]
    sentence: Callable[[dict[str, Any]], Reason]
    end: Callable[[Work], None] = lambda _work: None
    wants: Callable[[dict[str, Any], str], bool] = lambda _state, _verb: False
    refused: Callable[[dict[str, Any], BiobankError], dict[str, Any]] = lambda state, _refusal: state


def require(by: Actor, permission: str) -> None:
    """raises Forbidden unless the actor holds it: a station carries out many acts behind one address"""
    if not by.may(permission):
        raise Forbidden("forbidden_permission", permission=permission)
