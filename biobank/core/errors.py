"""What can go wrong, in the biobank's own words: one small tree that knows neither HTTP nor any language.

An error carries a `code` and `params`; the sentence a person reads is made at the edge (`biobank.web.texts`),
from the feature's `texts.py`. Services raise early, with the numbers; nothing but the edge catches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reason:
    """One reason for a verdict or a refusal: a stable code and what fills its sentence."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.code, tuple(sorted((key, str(value)) for key, value in self.params.items()))))

    def as_dict(self) -> dict[str, Any]:
        """The reason as it is stored: plain JSON, no sentence in any language."""
        return {"code": self.code, "params": dict(self.params)}


class BiobankError(Exception):
    """Something the biobank says no to.

    code     stable name, such as ``overdraw``; has a sentence in some feature's ``texts.py``
    reasons  where rules spoke: every one of them, not only the first
    params   numbers and codes for the sentence, ready to show (µL, not nL)
    """

    def __init__(self, code: str, /, *, reasons: Sequence[Reason] = (), **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.reasons = tuple(reasons)
        self.params = params

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value!r}" for key, value in self.params.items())
        return f"{self.code}({details})"


class NotFound(BiobankError):
    """Unknown here, or hidden from this actor: the two are not told apart."""


class RuleViolation(BiobankError):
    """Well formed, but the biobank forbids it."""


class Forbidden(BiobankError):
    """This actor may not."""


class NotSignedIn(BiobankError):
    """Nobody is asking, or with a token that is unknown, expired or revoked."""


class Unreadable(BiobankError):
    """The bytes cannot be read as what they claim to be."""


class TooLarge(BiobankError):
    """More bytes than are taken."""


class WrongKind(BiobankError):
    """Readable bytes of another kind than the ones asked for, such as a spreadsheet named .csv."""


class TooManyTries(BiobankError):
    """Slow down."""


class Busy(BiobankError):
    """The database was busy three times in a row; try again."""


class Malformed(BiobankError):
    """Fields that do not have the right shape; every bad field is named.

    fields  field name -> Reason
    """

    def __init__(self, fields: Mapping[str, Reason]) -> None:
        super().__init__("malformed", fields=", ".join(fields))
        self.fields = dict(fields)
