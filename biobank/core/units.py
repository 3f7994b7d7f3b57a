"""How much is in a tube: whole nanolitres, nanograms and cells inside, µL and µg with up to three decimals outside.

An unknown quantity is None everywhere; it is never 0. Real banks hold 3.06 µg of RNA, so thousandths are kept,
and binary fractions are kept out: 0.1 µL ten times over is exactly 1 µL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from typing import Any

from biobank.core.errors import Malformed, Reason

VOLUME, MASS, CELLS = "volume", "mass", "cells"


@dataclass(frozen=True)
class QuantityKind:
    """One way to say how much there is."""

    key: str
    field: str  # its name in the API and in spreadsheets
    unit: str  # as people read it
    per_unit: int  # stored units in one shown unit


KINDS = {
    VOLUME: QuantityKind(VOLUME, "volume_ul", "µL", 1000),
    MASS: QuantityKind(MASS, "mass_ug", "µg", 1000),
    CELLS: QuantityKind(CELLS, "cell_count", "cells", 1),
}
KIND_OF_FIELD = {kind.field: kind.key for kind in KINDS.values()}

# The widest integer both databases keep.
LARGEST = 2**63 - 1


def to_base(kind: str, value: int | str | float | Decimal, *, field: str | None = None) -> int:
    """What was given in µL, µg or cells, as whole nL, ng or cells.

    value    a number as JSON or a form gives it; text may use a decimal comma
    field    the name to blame; the kind's own (`volume_ul`, …) when not given
    raises   Malformed naming the field, its reason carrying the number

    >>> to_base("volume", "12.5")
    12500
    """
    kind_of = KINDS[kind]
    try:
        return _in_base_units(kind_of, value)
    except _Refused as refused:
        number = str(value)[:40]
        raise Malformed(
            {field or kind_of.field: Reason(refused.code, {"number": number, "unit": kind_of.unit})}
        ) from None


def from_base(kind: str, amount: int) -> Decimal | int:
    """Stored units as an exact number of µL or µg (Decimal), or of cells (int)."""
    if KINDS[kind].per_unit == 1:
        return amount
    return Decimal(amount).scaleb(-3)


def show(kind: str, amount: int) -> str:
    """The number a person reads, in µL, µg or cells, without trailing zeros.

    >>> show("volume", 12500)
    '12.5'
    """
    text = f"{from_base(kind, amount):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_number(kind: str, amount: int | None) -> int | float | None:
    """The JSON number: whole where it is whole, else a float that reads back to the very same amount.

    (True up to 10**15 stored units: a thousand cubic metres. None stays None: unknown is null.)
    """
    if amount is None:
        return None
    whole, rest = divmod(amount, KINDS[kind].per_unit)
    return whole if rest == 0 else amount / KINDS[kind].per_unit


def read_quantity(data: Mapping[str, Any]) -> tuple[str, int] | None:
    """The one quantity among `volume_ul`, `mass_ug` and `cell_count`, as (kind, stored units).

    returns  None when none is given or it is null: the quantity is unknown
    raises   Malformed when two are given: a tube has one ledger, in one unit
    """
    given = [field for field in KIND_OF_FIELD if data.get(field) is not None]
    if not given:
        return None
    if len(given) > 1:
        raise Malformed(
            {field: Reason("quantity_given_twice", {"fields": ", ".join(given)}) for field in given}
        )
    kind = KIND_OF_FIELD[given[0]]
    return kind, to_base(kind, data[given[0]])


class _Refused(Exception):
    def __init__(self, code: str) -> None:
        self.code = code


def _in_base_units(kind: QuantityKind, value: int | str | float | Decimal) -> int:
    number = _decimal(value)
    if number < 0:
        raise _Refused("quantity_negative")
    if number > Decimal(LARGEST) / kind.per_unit:
        raise _Refused("quantity_too_large")
    step = Decimal(1) / kind.per_unit
    try:
        # Dropping a digit that is not zero trips Inexact; below LARGEST the result always fits 28 digits.
        exact = number.quantize(step, context=Context(prec=28, traps=[Inexact]))
    except Inexact:
        raise _Refused("cells_not_whole" if kind.per_unit == 1 else "quantity_too_precise") from None
    return int(exact * kind.per_unit)


# Plain digits only: Decimal() itself would take "1e400", "1_000", "Infinity" and other scripts' digits.
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:[.,][0-9]{1,40})?")
# "1,000" is one for a Frenchman and a thousand for an Englishman; a factor of 1000 is not to be guessed.
_EITHER_ONE_OR_A_THOUSAND = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")


def _decimal(value: int | str | float | Decimal) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | float | Decimal):
        raise _Refused("quantity_not_a_number")
    if isinstance(value, str):
        text = value.strip()
        if _EITHER_ONE_OR_A_THOUSAND.fullmatch(text):
            raise _Refused("quantity_ambiguous_comma")
        if not _NUMBER.fullmatch(text):
            raise _Refused("quantity_not_a_number")
        return Decimal(text.replace(",", "."))
    # repr() of a float is the number that stood in the JSON, not its binary neighbour.
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise _Refused("quantity_not_a_number")
    return number
