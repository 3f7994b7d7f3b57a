"""What else points to a person: a feature that knows people by names of its own says here which, and how it forgets."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Select

from biobank.core import codes
from biobank.core.db import db
from biobank.patients.models import Patient


@dataclass(frozen=True)
class Link:
    """One table that leads to people.

    rows    the keys of its rows that lead to this person, all of which `forget` overwrites
    names   what the person is called in them
    forget  overwrites them; called in the unit of work that breaks the link, after the patient's own row has changed
    """

    rows: Callable[[Patient], Select[int]]
    names: Callable[[Patient], Iterable[str]]
    forget: Callable[[Patient], None]


_links: dict[str, Link] = {}


def register(table: str, link: Link) -> None:
    """Say that a table of this name leads to people."""
    _links[table] = link


def rows_of(patient: Patient) -> dict[str, Select[int]]:
    """Table -> the keys of its rows that lead to this person and will be overwritten."""
    return {table: link.rows(patient) for table, link in _links.items()}


def names_of(patient: Patient) -> list[str]:
    """Everything that the person is called here: the pseudonym first, each name once."""
    found = dict.fromkeys([patient.code])
    for link in _links.values():
        found |= dict.fromkeys(link.names(patient))
    return [name for name in found if name]


def forget(patient: Patient) -> None:
    """Overwrite what leads to the person in every table."""
    for link in _links.values():
        link.forget(patient)
    db.session.flush()


def _codes(patient: Patient) -> Select[int]:
    code = codes.ScannableCode
    return codes.rows_of("patient", patient.id).with_only_columns(code.id)


def _code_names(patient: Patient) -> Iterable[str]:
    return [row.code for row in db.session.scalars(codes.rows_of("patient", patient.id))]


register(
    "scannable_code",
    Link(_codes, _code_names, lambda patient: codes.erase("patient", patient.id, patient.code)),
)
