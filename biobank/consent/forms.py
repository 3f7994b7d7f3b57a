"""Drafts consent forms, brings them into force and retires them. A form in force is never edited, only succeeded."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select

from biobank.audit import service as audit
from biobank.consent.models import Clause, ConsentForm
from biobank.consent.rules import parse_term
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.studies.models import Study

#: Where a form may go from where it is.
LIFE = {"draft": "in_force", "in_force": "retired"}


def make_form(
    *,
    site_id: int,
    code: str,
    version: str,
    title: str,
    study: Study | None,
    clauses: Sequence[Mapping[str, Any]],
    by: Actor,
    draft: bool = False,
) -> ConsentForm:
    """Write a version of a form family; unless it is a draft, it is in force at once and the older versions retire.

    code     the family
    study    the study it covers; None covers every study of the site
    clauses  in the order printed: key, text, text_fr?, required?, if_granted?, if_refused? (terms as text)
    raises   Malformed naming every bad field of every clause; RuleViolation `form_version_taken`
    """
    if not by.sees(site_id) or (study is not None and study.site_id != site_id):
        raise NotFound("study_unknown", study=study.code if study else "")
    taken = select(ConsentForm.id).where(
        ConsentForm.site_id == site_id, ConsentForm.code == code, ConsentForm.version == version
    )
    if db.session.scalar(taken) is not None:
        raise RuleViolation("form_version_taken", form=code, version=version)
    form = ConsentForm(
        site_id=site_id,
        code=code,
        version=version,
        title=title,
        study_id=study.id if study else None,
        status="draft",
        recorded_at=clock.now(),
        clauses=_clauses(clauses),
    )
    db.session.add(form)
    db.session.flush()
    _record(form, "form_drafted", by, after=_told(form) | {"study": study.code if study else None})
    return form if draft else put_in_force(form=form, by=by)


def redraft(*, form: ConsentForm, title: str, clauses: Sequence[Mapping[str, Any]], by: Actor) -> ConsentForm:
    """Write a draft anew. raises RuleViolation `form_not_draft` once it is in force, Malformed as `make_form`"""
    _require_status(form, "draft")
    written = _clauses(clauses)
    before = _told(form)
    db.session.execute(delete(Clause).where(Clause.form_id == form.id))
    for clause in written:
        clause.form_id = form.id
    db.session.add_all(written)
    form.title = title
    db.session.flush()
    db.session.expire(form, ["clauses"])
    _record(form, "form_redrafted", by, before=before, after=_told(form))
    return form


def put_in_force(*, form: ConsentForm, by: Actor) -> ConsentForm:
    """From now on patients sign this version; the family's older ones retire. raises RuleViolation `form_not_draft`"""
    _require_status(form, "draft")
    older = select(ConsentForm).where(
        ConsentForm.site_id == form.site_id, ConsentForm.code == form.code, ConsentForm.status == "in_force"
    )
    for each in db.session.scalars(older).all():
        retire(form=each, by=by)
    form.status, form.in_force_at = LIFE["draft"], clock.now()
    db.session.flush()
    _record(form, "form_in_force", by, before={"status": "draft"}, after={"status": form.status})
    return form


def retire(*, form: ConsentForm, by: Actor) -> ConsentForm:
    """Nobody signs this version any more; what was signed on it stands. raises RuleViolation `form_not_in_force`"""
    _require_status(form, "in_force")
    form.status, form.retired_at = LIFE["in_force"], clock.now()
    db.session.flush()
    _record(form, "form_retired", by, before={"status": "in_force"}, after={"status": form.status})
    return form


def find_form(code: str, version: str, by: Actor, site_id: int | None = None) -> ConsentForm:
    """That version of that family.

    site_id  where to look; the actor's own site unless given
    raises   NotFound; Malformed `site_needed` when several sites that the actor sees have it
    """
    wanted = by.site_id if site_id is None else site_id
    # A control character is in no code, and PostgreSQL would not even look for it.
    readable = code.isprintable() and version.isprintable()
    if not readable or (wanted is not None and not by.sees(wanted)):
        raise NotFound("form_unknown", form=code, version=version)
    query = select(ConsentForm).where(ConsentForm.code == code, ConsentForm.version == version)
    if wanted is not None:
        query = query.where(ConsentForm.site_id == wanted)
    found = db.session.scalars(query.limit(2)).all()
    if not found:
        raise NotFound("form_unknown", form=code, version=version)
    if len(found) > 1:
        raise Malformed({"site": Reason("site_needed")})
    return found[0]


def page_of_forms(
    *, by: Actor, after: str | None = None, limit: int = DEFAULT_LIMIT, status: str | None = None
) -> Page[ConsentForm]:
    """Forms of every version that the actor sees, the newest first."""
    query = select(ConsentForm)
    if by.site_id is not None:
        query = query.where(ConsentForm.site_id == by.site_id)
    if status is not None:
        query = query.where(ConsentForm.status == status)
    return page_of(query, ConsentForm.id, after=after, limit=limit)


def forms_to_sign(site_id: int) -> list[ConsentForm]:
    """What a patient of this site can have signed: each family's version in force, then the older ones."""
    query = (
        select(ConsentForm)
        .where(ConsentForm.site_id == site_id, ConsentForm.status != "draft")
        .order_by(ConsentForm.status, ConsentForm.code, ConsentForm.id.desc())
    )
    return list(db.session.scalars(query))


def _require_status(form: ConsentForm, status: str) -> None:
    if form.status != status:
        code = "form_not_draft" if status == "draft" else "form_not_in_force"
        raise RuleViolation(code, form=form.code, version=form.version, form_status=form.status)


def _clauses(clauses: Sequence[Mapping[str, Any]]) -> list[Clause]:
    """The clauses as rows. raises Malformed naming every bad field by its place, such as `clauses.0.if_granted.1`"""
    wrong: dict[str, Reason] = {} if clauses else {"clauses": Reason("clause_missing")}
    keys: list[str] = []
    rows = []
    for place, clause in enumerate(clauses):
        at = f"clauses.{place}"
        key, text = str(clause.get("key") or "").strip(), str(clause.get("text") or "").strip()
        if not key:
            wrong[f"{at}.key"] = Reason("clause_key_missing")
        elif key in keys:
            wrong[f"{at}.key"] = Reason("clause_key_twice", {"clause": key})
        keys.append(key)
        if not text:
            wrong[f"{at}.text"] = Reason("clause_text_missing")
        rows.append(
            Clause(
                place=place + 1,
                key=key,
                text=text,
                text_fr=(clause.get("text_fr") or "").strip() or None,
                required=bool(clause.get("required", False)),
                if_granted=_terms(clause.get("if_granted") or (), f"{at}.if_granted", wrong),
                if_refused=_terms(clause.get("if_refused") or (), f"{at}.if_refused", wrong),
            )
        )
    if wrong:
        raise Malformed(wrong)
    return rows


def _terms(texts: Sequence[str], at: str, wrong: dict[str, Reason]) -> list[str]:
    """Terms in their one spelling; a term nobody knows is kept, and a person will look at each use."""
    terms = []
    for place, text in enumerate(texts):
        try:
            terms.append(parse_term(text).text)
        except Malformed as error:
            wrong[f"{at}.{place}"] = error.fields["term"]
    return list(dict.fromkeys(terms))


def _told(form: ConsentForm) -> dict[str, Any]:
    """The form as the record tells it."""
    clauses = [
        {
            "key": clause.key,
            "text": clause.text,
            "required": clause.required,
            "if_granted": clause.if_granted,
            "if_refused": clause.if_refused,
        }
        for clause in form.clauses
    ]
    return {"form": form.code, "version": form.version, "title": form.title, "clauses": clauses}


def _record(
    form: ConsentForm,
    act: str,
    by: Actor,
    *,
    after: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> None:
    audit.record(by=by, act=act, subject=("consent_form", str(form.id)), before=before, after=after)
