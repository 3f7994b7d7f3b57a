"""On which legal basis an answer stands, who may give it, and what must then be on file. Pure: no database, no clock.

Code de la santé publique: what is signed (L1122-1-1); other uses of what was taken for care, unless the person objects
after being informed, and when a committee may waive the information (L1211-2). For a minor whoever has parental
authority speaks, for an adult under protection whoever represents them.
"""

from dataclasses import dataclass
from datetime import date

from biobank.core.errors import Reason

#: Kind of form -> the bases on which it can be recorded, the usual one first.
BASES = {"consent": ("consent",), "notice": ("non_opposition", "waiver")}
#: Basis -> who can give it, the usual one first.
GIVERS = {
    "consent": ("patient", "guardian", "representative"),
    "non_opposition": ("patient", "guardian", "representative"),
    "waiver": ("committee",),
}
#: Who speaks for an adult, or for themselves; for a child whoever has parental authority does.
OF_AGE = ("patient", "representative")
#: Where only the year of birth is known, a difference of years below this is surely a child's, whatever the days:
#: nobody of age is refused, even if the year noted is one too late. Nearer to the day only `of_age_on` tells. What a
#: minor of 15 may decide alone is not modelled.
SURELY_CHILD_BELOW = 17
CHANNELS = ("in_person", "post", "email", "phone", "portal")


@dataclass(frozen=True)
class Grounds:
    """What an answer stands upon."""

    basis: str
    given_by: str
    channel: str | None = None
    """How the person was informed."""
    ethics_reference: str | None = None
    basis_reason: str | None = None
    of_age_on: date | None = None
    """Said together with a guardian's answer: when the person comes of age."""


@dataclass(frozen=True)
class Person:
    """What is known of the person on the day of recording."""

    birth_year: int | None = None
    of_age_on: date | None = None
    died_on: date | None = None


def usual(kind: str, basis: str | None, given_by: str | None) -> tuple[str, str]:
    """The basis and who gave it; where nothing was said, what is usual for a form of this kind."""
    basis = basis or BASES[kind][0]
    return basis, given_by or GIVERS.get(basis, GIVERS["consent"])[0]


def wrong_grounds(kind: str, given: Grounds) -> dict[str, Reason]:
    """Every field that does not fit the kind of form, or is missing for the basis."""
    if given.basis not in BASES[kind]:
        known = ", ".join(BASES[kind])
        return {"basis": Reason("basis_not_for_form", {"given": given.basis[:40], "known": known})}
    wrong: dict[str, Reason] = {}
    if given.given_by not in GIVERS[given.basis]:
        known = ", ".join(GIVERS[given.basis])
        wrong["given_by"] = Reason("given_by_not_for_basis", {"given": given.given_by[:40], "known": known})
    if given.channel is not None and given.channel not in CHANNELS:
        params = {"given": given.channel[:40], "known": ", ".join(CHANNELS)}
        wrong["channel"] = Reason("channel_unknown", params)
    elif given.basis == "non_opposition" and given.channel is None:
        wrong["channel"] = Reason("channel_missing")
    elif given.basis == "waiver" and given.channel is not None:
        wrong["channel"] = Reason("channel_of_waiver")
    return wrong | _wrong_waiver(given)


def _wrong_waiver(given: Grounds) -> dict[str, Reason]:
    said = {"ethics_reference": given.ethics_reference, "basis_reason": given.basis_reason}
    if given.basis != "waiver":
        return {name: Reason("only_for_waiver") for name, value in said.items() if value}
    missing = {"ethics_reference": "ethics_reference_missing", "basis_reason": "basis_reason_missing"}
    return {name: Reason(code) for name, code in missing.items() if not (said[name] or "").strip()}


def wrong_signature(given: Grounds, person: Person, signed_on: date) -> Reason | None:
    """Why nobody can have answered so on that day. Days of a person's life are personal, and are not repeated."""
    day = {"signed_on": signed_on.isoformat()}
    if person.birth_year is not None and signed_on.year < person.birth_year:
        return Reason("signed_before_birth", day)
    # A committee can still be asked about somebody who has died: nobody is left to be informed.
    if person.died_on is not None and signed_on > person.died_on and given.basis != "waiver":
        return Reason("signed_after_death", day)
    if person.of_age_on is not None:
        if given.given_by == "guardian" and signed_on >= person.of_age_on:
            return Reason("guardian_after_majority", day)
        if given.given_by in OF_AGE and signed_on < person.of_age_on:
            return Reason("minor_needs_guardian", day)
    elif given.given_by == "patient" and _surely_child(person, signed_on):
        return Reason("minor_needs_guardian", day)
    return None


def _surely_child(person: Person, day: date) -> bool:
    return person.birth_year is not None and day.year - person.birth_year < SURELY_CHILD_BELOW


def wrong_majority(given: Grounds, person: Person, signed_on: date) -> Reason | None:
    """What is wrong with the day of coming of age, as it was said with this answer."""
    said = given.of_age_on
    if given.given_by != "guardian":
        return Reason("of_age_only_guardian") if said is not None else None
    if said is None:
        return Reason("of_age_missing") if person.of_age_on is None else None
    if person.of_age_on not in (None, said):
        return Reason("of_age_known_already")
    if said <= signed_on:
        return Reason("of_age_before_signature", {"signed_on": signed_on.isoformat()})
    return None
