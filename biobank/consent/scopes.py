"""What a withdrawal takes back, as it is written: "all", {"form", "clause"} or {"study"}."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from biobank.consent.models import Clause, ConsentForm
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.patients.models import Patient
from biobank.studies import service as studies
from biobank.studies.models import Study


@dataclass(frozen=True)
class Scope:
    """A scope whose names are known. kind: all, clause or study."""

    kind: str
    form: str | None = None
    clause: str | None = None
    study: Study | None = None

    def as_given(self) -> str | dict[str, str]:
        """As it was written."""
        if self.study is not None:
            return {"study": self.study.code}
        return {"form": self.form, "clause": self.clause} if self.form and self.clause else "all"


def read_scope(scope: str | Mapping[str, str], *, patient: Patient, by: Actor) -> Scope:
    """The scope with its form and clause, or its study, looked up at the patient's site.

    raises  NotFound for an unknown form family or study; Malformed for an unknown clause, or what is no scope
    """
    if scope == "all":
        return Scope("all")
    if isinstance(scope, Mapping) and all(isinstance(value, str) for value in scope.values()):
        if set(scope) == {"study"}:
            return Scope("study", study=studies.find_study(scope["study"], by, patient.site_id))
        if set(scope) == {"form", "clause"}:
            return _clause(scope["form"], scope["clause"], patient.site_id)
    raise Malformed({"scope": Reason("scope_unknown")})


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
