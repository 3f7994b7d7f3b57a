"""Drafts consent forms, brings them into force and retires them. A form in force is never edited, only succeeded."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, select

from biobank.audit import service as audit
from biobank.consent.clauses import copy_of, read_clauses
from biobank.consent.events import wrong_day
from biobank.consent.models import Clause, ConsentForm
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.core.times import local_day
from biobank.studies.models import Study

#: Where a form may go from where it is.
LIFE = {"draft": "in_force", "in_force": "retired"}
KINDS = ("consent", "notice")
MOST_OF_A_VERSION = 40


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
    kind: str = "consent",
    in_force_on: date | None = None,
) -> ConsentForm:
    """Write a version of a form family; unless it is a draft, it is in force at once and the older versions retire.

    code         the family
    study        the study it covers; None covers every study of the site
    clauses      in the order printed: key, text, text_fr?, required?, if_granted?, if_refused? (terms as text)
    kind         `consent` is signed; of a `notice` people are informed, and may object
    in_force_on  the first day it could be signed, for a form that is in force at once; None: it was on paper before
    raises       Malformed naming every bad field of every clause; RuleViolation `form_version_taken`
    """
    if not by.sees(site_id) or (study is not None and study.site_id != site_id):
        raise NotFound("study_unknown", study=study.code if study else "")
    if kind not in KINDS:
        raise Malformed(
            {"kind": Reason("form_kind_unknown", {"given": kind[:40], "known": ", ".join(KINDS)})}
        )
    if draft and in_force_on is not None:
        raise Malformed({"in_force_on": Reason("in_force_on_of_draft")})
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
        kind=kind,
        study_id=study.id if study else None,
        status="draft",
        recorded_at=clock.now(),
        clauses=read_clauses(clauses),
    )
    db.session.add(form)
    db.session.flush()
    _record(form, "form_drafted", by, after=_told(form) | {"study": study.code if study else None})
    return form if draft else _bring_into_force(form, in_force_on, by)


def redraft(
    *,
    form: ConsentForm,
    title: str,
    clauses: Sequence[Mapping[str, Any]],
    by: Actor,
    kind: str | None = None,
) -> ConsentForm:
    """Write a draft anew. raises RuleViolation `form_not_draft` once it is in force, Malformed as `make_form`"""
    lock(ConsentForm, [form.id])
    _require_status(form, "draft")
    if kind is not None and kind not in KINDS:
        raise Malformed(
            {"kind": Reason("form_kind_unknown", {"given": kind[:40], "known": ", ".join(KINDS)})}
        )
    written = read_clauses(clauses)
    before = _told(form)
    db.session.execute(delete(Clause).where(Clause.form_id == form.id))
    for clause in written:
        clause.form_id = form.id
    db.session.add_all(written)
    form.title, form.kind = title, kind or form.kind
    db.session.flush()
    db.session.expire(form, ["clauses"])
    _record(form, "form_redrafted", by, before=before, after=_told(form))
    return form


def put_in_force(
    *, form: ConsentForm, by: Actor, in_force_on: date | None = None, succeeds: str | None = None
) -> ConsentForm:
    """From now on patients sign this version; the family's older ones retire.

    in_force_on  the first day on which it could be signed: today unless an earlier day is given
    succeeds     the version that is in force as far as the caller knows, "" for none; not looked at when None
    raises       RuleViolation `form_not_draft`; `form_succeeded_meanwhile` when another version was faster;
                 Malformed for a day to come
    """
    today = local_day(clock.now(), clock.zone())
    return _bring_into_force(form, in_force_on or today, by, succeeds)


def _bring_into_force(
    form: ConsentForm, first_day: date | None, by: Actor, succeeds: str | None = None
) -> ConsentForm:
    """Of two versions that come into force in the same moment one is first; the other sees it, and succeeds it."""
    today = local_day(clock.now(), clock.zone())
    if first_day is not None and (bad_day := wrong_day(first_day, today)):
        raise Malformed({"in_force_on": bad_day})
    family = select(ConsentForm.id).where(ConsentForm.site_id == form.site_id, ConsentForm.code == form.code)
    versions = lock(ConsentForm, db.session.scalars(family))
    _require_status(form, "draft")
    older = [each for each in versions if each.status == "in_force"]
    now = older[0].version if older else ""
    if succeeds is not None and succeeds != now:
        raise RuleViolation("form_succeeded_meanwhile" if now else "form_retired_meanwhile",
                            form=form.code, version=now or succeeds)  # fmt: skip
    for each in older:
        _retire(each, by)
    form.status, form.in_force_at, form.in_force_on = LIFE["draft"], clock.now(), first_day
    db.session.flush()
    after = {"status": form.status, "in_force_on": first_day.isoformat() if first_day else None}
    _record(form, "form_in_force", by, before={"status": "draft"}, after=after)
    return form


def version_in_force(form: ConsentForm) -> str:
    """The version of its family that is in force; "" for none."""
    query = select(ConsentForm.version).where(
        ConsentForm.site_id == form.site_id, ConsentForm.code == form.code, ConsentForm.status == "in_force"
    )
    return db.session.scalar(query) or ""


def retire(*, form: ConsentForm, by: Actor) -> ConsentForm:
    """Nobody signs this version any more; what was signed on it stands. raises RuleViolation `form_not_in_force`"""
    lock(ConsentForm, [form.id])
    return _retire(form, by)


def _retire(form: ConsentForm, by: Actor) -> ConsentForm:
    _require_status(form, "in_force")
    form.status, form.retired_at = LIFE["in_force"], clock.now()
    db.session.flush()
    _record(form, "form_retired", by, before={"status": "in_force"}, after={"status": form.status})
    return form


def next_version(form: ConsentForm) -> str:
    """A version that the family does not have yet: the last number in this one's name, and one more."""
    taken = set(
        db.session.scalars(
            select(ConsentForm.version).where(
                ConsentForm.site_id == form.site_id, ConsentForm.code == form.code
            )
        )
    )
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", form.version)
    before, number, after = (found[1], found[2], found[3]) if found else (f"{form.version}-", "1", "")
    for step in range(1, len(taken) + 2):
        version = f"{before}{str(int(number) + step).zfill(len(number))}{after}"
        if version not in taken:
            return version if len(version) <= MOST_OF_A_VERSION else ""
    return ""


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


def wordings(site_id: int, signed: Collection[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Clause]]:
    """Form and version -> clause key -> clause, of these forms of a site."""
    query = select(ConsentForm).where(
        ConsentForm.site_id == site_id, ConsentForm.code.in_(sorted({code for code, _version in signed}))
    )
    found = db.session.scalars(query).all() if signed else ()
    return {
        (form.code, form.version): {clause.key: clause for clause in form.clauses}
        for form in found
        if (form.code, form.version) in signed
    }


def require_draft(form: ConsentForm) -> None:
    """Whether it may still be written in. raises RuleViolation `form_not_draft`"""
    _require_status(form, "draft")


def _require_status(form: ConsentForm, status: str) -> None:
    if form.status != status:
        code = "form_not_draft" if status == "draft" else "form_not_in_force"
        raise RuleViolation(code, form=form.code, version=form.version, form_status=form.status)


def _told(form: ConsentForm) -> dict[str, Any]:
    """The form as the record tells it."""
    clauses = copy_of(form.clauses)
    return {
        "form": form.code,
        "version": form.version,
        "title": form.title,
        "kind": form.kind,
        "clauses": clauses,
    }


def _record(
    form: ConsentForm,
    act: str,
    by: Actor,
    *,
    after: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> None:
    audit.record(by=by, act=act, subject=("consent_form", str(form.id)), before=before, after=after)
