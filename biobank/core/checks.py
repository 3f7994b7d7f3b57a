"""What must never be false, to be looked at every night: each feature registers its own questions here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: name -> looks at the whole bank and gives one line for each thing that is wrong: codes and keys, no patient data.
_checks: dict[str, Callable[[], Sequence[str]]] = {}


@dataclass(frozen=True)
class Checked:
    """One question and what was found wrong; nothing, when all is well."""

    name: str
    findings: Sequence[str]


def register(name: str, look: Callable[[], Sequence[str]]) -> None:
    """Add a question. name, e.g. ``audit chain``; `look` only reads, in constant memory."""
    _checks[name] = look


def run() -> list[Checked]:
    """Ask every question."""
    return [Checked(name, list(look())) for name, look in sorted(_checks.items())]
