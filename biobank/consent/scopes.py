"""What a withdrawal takes back, as it is written: "all", {"form", "clause"}, {"study"}; or {"objection"}: what is
objected to, over every form of the person."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from biobank.consent.models import Clause, ConsentForm
from biobank.consent.terms import parse_term
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.core.vocabularies import consent_vocabulary
from biobank.patients.models import Patient
from biobank.studies import service as studies
from biobank.studies.models import Study


@dataclass(frozen=True)
class Scope:
    """A scope whose names are known. kind: all, clause, study or objection."""

    kind: str
    form: str | None = None
    clause: str | None = None
    study: Study | None = None
    objects_to: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing that it covers may be used any more; else it only narrows what samples may be used for."""
        return self.kind in ("all", "study")

    def as_given(self) -> str | dict[str, str]:
        """As it was written."""
        if self.study is not None:
            return {"study": self.study.code}
        if self.objects_to is not None:
            return {"objection": self.objects_to}
        return {"form": self.form, "clause": self.clause} if self.form and self.clause else "all"


def read_scope(scope: str | Mapping[str, str], *, patient: Patient, by: Actor) -> Scope:
    """The scope with its form and clause, or its study, looked up at the patient's site.

    raises  NotFound for an unknown form family or study; Malformed for an unknown clause, a term that nobody can object
            to, or what is no scope
    """
    if scope == "all":
        return Scope("all")
    if isinstance(scope, Mapping) and all(isinstance(value, str) for value in scope.values()):
        if set(scope) == {"study"}:
            return Scope("study", study=studies.find_study(scope["study"], by, patient.site_id))
        if set(scope) == {"form", "clause"}:
            return _clause(scope["form"], scope["clause"], patient.site_id)
        if set(scope) == {"objection"}:
            return _objection(scope["objection"])
    raise Malformed({"scope": Reason("scope_unknown")})


def objections() -> list[str]:
    """The terms that a person can object to by word of mouth, whatever forms they signed."""
    return [code for code, rule in consent_vocabulary().modifiers.items() if rule.gate]


def _objection(text: str) -> Scope:
    term = parse_term(text) if text.strip() else None
    if term is None or term.args or term.code not in objections():
        params = {"given": text[:40], "known": ", ".join(objections())}
        raise Malformed({"scope.objection": Reason("objection_not_offered", params)})
    return Scope("objection", objects_to=term.code)


def _clause(form: str, clause: str, site_id: int) -> Scope:
    """A clause of any version that was ever signed."""
    query = (
        select(Clause.key)
        .join(ConsentForm, ConsentForm.id == Clause.form_id)
        .where(ConsentForm.site_id == site_id, ConsentForm.code == form, ConsentForm.status != "draft")
    )
    keys = sorted(set(db.session.scalars(query))) if form.isprintable() else []
    if not keys:
        raise NotFound("form_family_unknown", form=form)
    if clause not in keys:
        params = {"clause": clause[:40], "form": form, "known": ", ".join(keys)}
        raise Malformed({"scope.clause": Reason("clause_unknown_in_family", params)})
    return Scope("clause", form=form, clause=clause)
