"""What a scan at the station stands for: one of our things, a command, a plain number, or a code nobody has yet."""

from dataclasses import dataclass
from typing import Any

from biobank.bench import commands
from biobank.core import accession, codes, scans
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import BiobankError, NotFound, RuleViolation
from biobank.patients.models import Patient
from biobank.procedures.models import CollectionKit, Procedure
from biobank.samples.allotted import find_number
from biobank.samples.models import Sample
from biobank.storage import position_codes
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container

#: A number with more digits is a code: tubes carry ten.
MOST_DIGITS = 5
#: Shorter texts are no maker's code.
FEWEST_CHARACTERS = 5

_TABLES: dict[str, Any] = {
    "sample": Sample, "tube": Sample, "container": Container, "rack": Container, "position": Container,
    "patient": Patient, "procedure": Procedure, "kit": CollectionKit,
}  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """One scan.

    kind      sample, container, position, patient, procedure, kit, allotted, command, number, new, or another kind of
              code
    text      the code as it was understood
    thing     the row behind it, for the first seven
    position  of a position: its canonical text
    repaired  a wrong keyboard setting had to be undone
    unknown   of `new`: why nobody knows it
    """

    kind: str
    raw: str
    text: str
    thing: Any = None
    position: str | None = None
    command: commands.Command | None = None
    number: int | None = None
    repaired: bool = False
    unknown: BiobankError | None = None

    @property
    def verb(self) -> str:
        """Of a command: what is to be done; else an empty text."""
        return self.command.verb if self.command is not None else ""

    @property
    def figure(self) -> int:
        """The number that was scanned as a command or typed; 0 where there is none."""
        return self.number or (self.command.number if self.command is not None else None) or 0

    @property
    def reason(self) -> str | None:
        """Of a command: why."""
        return self.command.reason if self.command is not None else None

    @property
    def code(self) -> str:
        """Our own code of the thing."""
        return getattr(self.thing, "code", self.text)


def hear(raw: str, by: Actor, *, clean: bool = False) -> Heard:
    """Understand a scan.

    clean   a reading that had to be repaired will not do: what follows cannot be taken back
    raises  Malformed for what no scanner sends; RuleViolation for a code that is void or means two things
    """
    text = raw.strip()
    if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
        return Heard("number", raw, text, number=int(text))
    try:
        meant = scans.meant(raw, by, clean=clean)
    except NotFound as unknown:
        return Heard("new", raw, text, unknown=unknown)
    kind = {"tube": "sample", "rack": "container"}.get(meant.found.kind, meant.found.kind)
    repaired = meant.fault is not None
    if kind == "command":
        return Heard(kind, raw, meant.text, command=commands.parse(meant.text), repaired=repaired)
    if kind == codes.ALLOTTED:
        return Heard(kind, raw, meant.text, thing=find_number(meant.text, by), repaired=repaired)
    table = _TABLES.get(meant.found.kind)
    thing = db.session.get_one(table, meant.found.target_id) if table is not None else None
    position = _position(meant.text, thing) if isinstance(thing, Container) and kind == "position" else None
    return Heard(kind, raw, meant.text, thing=thing, position=position, repaired=repaired)


def _position(text: str, container: Container) -> str:
    """The place that a code of a place is about. raises NotFound where the container has no such place"""
    found = position_codes.parse_position_code(text)
    place = position_codes.position_at(found[1], kind_of(container)) if found else None
    if place is None:
        raise NotFound("unknown_code", raw=text)
    return place.text


def require_new_code(heard: Heard, by: Actor) -> str:
    """The text of a code that nobody has yet, fit to be entered as a maker's code on a tube.

    A code that is looked up is proved by what it finds. One that is new is proved by nothing, so whatever smells of a
    badly set scanner is refused.

    raises  what made it unknown, for a misread number of ours; RuleViolation `new_code_doubtful`
    """
    reading = scans.read(heard.raw, by)
    text = reading.candidates[0].text
    looks_like_ours = text[:1] in accession.LETTERS and text[1:].isdigit() and len(text) >= 9
    if looks_like_ours and heard.unknown is not None:
        raise heard.unknown
    if reading.doubtful or not text.isascii() or len(text) < FEWEST_CHARACTERS or " " in text:
        raise RuleViolation("new_code_doubtful", raw=text)
    return text


def is_known(code: str, by: Actor) -> bool:
    """Does anybody have that code?"""
    return bool(codes.find([code], by))
