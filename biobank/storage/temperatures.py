"""How cold it is in a container, and whether that suits what is put there.

A container has the storage temperature that it was set to, else that of its kind, else that of what it stands in. What
a type of sample bears stands in config/cold.toml: another temperature warns, or is refused, as the bank says there.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.core.vocabularies import storage_temperatures
from biobank.storage import kinds, places, rules
from biobank.storage.limits import limits_of
from biobank.storage.models import Container
from biobank.storage.rules import ContainerKind


def own(container: Container) -> str | None:
    """What it is set to, else what its kind is kept at; None: it has the temperature of what it stands in."""
    return own_of(kinds.kinds().get(container.kind), container.kept_at)


def own_of(kind: ContainerKind | None, kept_at: Sequence[Any] | None) -> str | None:
    """The same, of a kind and of what the column keeps."""
    return set_to(kept_at) or (kind.temperature if kind is not None else None)


def set_to(kept_at: Sequence[Any] | None) -> str | None:
    """What it was set to last; None: never, or back to that of its kind."""
    return str(kept_at[-1][1]) if kept_at and kept_at[-1][1] else None


def decided_by(above: Iterable[Container]) -> tuple[Container, str] | None:
    """The nearest container with a temperature of its own, and that; None: it stands in no storage.

    above  a container and everything it stands in, the nearest first
    """
    told = ((container, own(container)) for container in above)
    return next(((container, at) for container, at in told if at is not None), None)


def of_way(above: Iterable[Container]) -> str | None:
    """How cold it is there, as an internal key of the storage temperatures."""
    found = decided_by(above)
    return found[1] if found is not None else None


def here(container: Container) -> str | None:
    """How cold it is in a container, wherever it stands now; two queries."""
    way = places.ids_above([container.id])[container.id]
    rows = {row.id: row for row in db.session.scalars(select(Container).where(Container.id.in_(way)))}
    return of_way(rows[key] for key in way)


def of_codes(codes: Sequence[str]) -> tuple[Container, str] | None:
    """As `decided_by`, for a container and what it stands in by their codes, the nearest first; one query."""
    query = select(Container).where(Container.code.in_(codes))
    found = {container.code: container for container in db.session.scalars(query)}
    return decided_by(found[code] for code in codes if code in found)


def suits(type: str, temperature: str | None) -> str:
    """ok; or, of a temperature that the type does not bear, what this bank does about it: warn or refuse."""
    limits = limits_of(type)
    if temperature is None or not limits.temperatures or temperature in limits.temperatures:
        return "ok"
    return limits.wrong_temperature


def faults(above: Sequence[Container], samples: Iterable[tuple[str, str]]) -> tuple[Reason, ...]:
    """What is to be warned of when these samples come to stand there, one reason for each type.

    above    where they come to stand, and everything that stands in, the nearest first
    samples  (code, type); of many alike, one is enough
    raises   RuleViolation `temperature_refused` for the first whose type this bank does not take there
    """
    found = decided_by(above)
    if found is None:
        return ()
    container, temperature = found
    warned: dict[str, Reason] = {}
    for code, type in samples:
        means = suits(type, temperature)
        if means == "refuse":
            raise RuleViolation("temperature_refused", **_shown(container, temperature, code, type))
        if means == "warn" and type not in warned:
            warned[type] = Reason("temperature_unusual", _shown(container, temperature, code, type))
    return tuple(warned.values())


def unusual(found: tuple[Container, str] | None, code: str, type: str) -> Reason | None:
    """What there is to say of a sample that stands at such a temperature; None when it suits."""
    if found is None or suits(type, found[1]) == "ok":
        return None
    return Reason("temperature_unusual", _shown(*found, code, type))


def _shown(container: Container, temperature: str, code: str, type: str) -> dict[str, Any]:
    told = {"container": container.code, "name": container.name, "sample": code, "type": type}
    return told | {"temperature": temperature} | _range(type)


def _range(type: str) -> dict[str, str]:
    """The warmest and the coldest that a type bears."""
    scale = [each.key for each in storage_temperatures()]
    borne = sorted(limits_of(type).temperatures, key=scale.index)
    return {"warmest": borne[0], "coldest": borne[-1]}


def set_own(container: Container, temperature: str | None) -> None:
    """From now on it is kept at that; None: at that of its kind, or of what it stands in. Its row is locked.

    raises  Malformed for a temperature that there is not, and for a box, which is as cold as what it stands in
    """
    if temperature is not None and temperature not in rules.TEMPERATURES:
        known = ", ".join(sorted(rules.TEMPERATURES))
        raise Malformed(
            {"temperature": Reason("temperature_unknown", {"given": temperature[:40], "known": known})}
        )
    if temperature is not None and container.kind in kinds.tube_kinds():
        raise Malformed({"temperature": Reason("temperature_of_box", {"container": container.code})})
    if temperature != set_to(container.kept_at):
        container.kept_at = [*(container.kept_at or []), [clock.now().isoformat(), temperature]]
