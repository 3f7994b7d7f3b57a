"""Command cards: what one scans instead of clicking. A verb, then its arguments, such as "aliquot", "5", "500 µL".

Each card carries a number of letter J with its check digits, so that a wrong keyboard setting is undone on it as on any
other code, and a misread one is no other command. The serials are fixed for ever: cards hang on walls.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from biobank.core import scans
from biobank.core.accession import format_number, parse_number
from biobank.core.errors import Malformed
from biobank.core.settings import STATION_LETTER
from biobank.core.vocabularies import command_reasons

#: Verb -> its serial.
VERBS = {
    "store": 1, "take_out": 2, "thaw": 3, "put_back": 4, "aliquot": 5, "start": 6, "stop": 7, "discard": 8,
    "undo": 9, "confirm": 10, "cancel": 11, "finish": 12, "non_conformity": 13, "next": 14, "move_rack": 15,
    "close": 16,
}  # fmt: skip
_VERB_OF = {serial: verb for verb, serial in VERBS.items()}
#: Arguments: where their serials begin, and the largest number there.
COUNTS, MOST_COUNT = 100_000, 96
VOLUMES, MOST_VOLUME = 200_000, 99_999
REASONS, NON_CONFORMITIES, MOST_REASON = 300_000, 310_000, 9_999
_REASON_BASES = {"reason": REASONS, "non_conformity": NON_CONFORMITIES}
#: Volumes that have a card; any other is typed as a number.
USUAL_VOLUMES = (10, 20, 25, 50, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1500, 1800, 2000)
USUAL_COUNTS = (*range(1, 13), 16, 20, 24, 48, 96)


@dataclass(frozen=True)
class Command:
    """What a card says.

    verb    one of VERBS, or `count`, `volume` (µL), `reason` (why something is discarded)
    number  of a count or a volume
    reason  of a discard: in English, as it is recorded; of a non-conformity: its code
    """

    verb: str
    number: int | None = None
    reason: str | None = None


def parse(text: str) -> Command | None:
    """What the card of this number says; None for any other text, and for a number that no card has.

    >>> parse("J00000596"), parse("J10000520")
    (Command(verb='aliquot', number=None, reason=None), Command(verb='count', number=5, reason=None))
    """
    if not text.startswith(STATION_LETTER):
        return None
    try:
        _letter, serial = parse_number(text, digits=6)
    except Malformed:
        return None
    return _of(serial)


def number_of(verb: str, *, number: int | None = None, reason: str | None = None) -> str:
    """The number on the card of a verb, of an argument, or of a verb with its reason. raises ValueError for no card

    >>> number_of("aliquot"), number_of("count", number=5)
    ('J00000596', 'J10000520')
    """
    return format_number(STATION_LETTER, _serial(verb, number, reason))


def sheet() -> Iterator[tuple[str, list[Command]]]:
    """All cards of the printed sheet in their groups: verb, answer, count, volume, reason, non_conformity."""
    answers = ("confirm", "cancel", "undo", "finish", "next")
    yield "verb", [Command(verb) for verb in VERBS if verb not in answers]
    yield "answer", [Command(verb) for verb in answers]
    yield "count", [Command("count", number) for number in USUAL_COUNTS]
    yield "volume", [Command("volume", number) for number in USUAL_VOLUMES]
    for verb in _REASON_BASES:
        if cards := [
            Command(each.verb, reason=each.reason) for each in _reasons().values() if each.verb == verb
        ]:
            yield verb, cards


def card_of(command: Command) -> str:
    """The number on its card."""
    return number_of(command.verb, number=command.number, reason=command.reason)


def _of(serial: int) -> Command | None:
    if serial in _VERB_OF:
        return Command(_VERB_OF[serial])
    if COUNTS < serial <= COUNTS + MOST_COUNT:
        return Command("count", serial - COUNTS)
    if VOLUMES < serial <= VOLUMES + MOST_VOLUME:
        return Command("volume", serial - VOLUMES)
    return _reasons().get(serial)


def _serial(verb: str, number: int | None, reason: str | None) -> int:
    if reason is not None:
        wanted = Command(verb, reason=reason)
        if (
            known := next((serial for serial, each in _reasons().items() if each == wanted), None)
        ) is not None:
            return known
        raise ValueError(
            f"there is no card for {verb} {reason!r}: see config/vocabularies/command_reasons.csv"
        )
    if verb in VERBS:
        return VERBS[verb]
    base, most = {"count": (COUNTS, MOST_COUNT), "volume": (VOLUMES, MOST_VOLUME)}.get(verb, (0, 0))
    if number is None or not 1 <= number <= most:
        raise ValueError(f"there is no card for {verb} {number}")
    return base + number


@cache
def _reasons() -> dict[int, Command]:
    """Serial -> the reason on its card."""
    return {
        _REASON_BASES[row.verb] + row.number: Command(row.verb, reason=row.reason)
        for row in command_reasons()
    }


scans.derive("command", lambda text: "" if parse(text) is not None else None)
