"""Draws the form of a new request, and the page of one: its life, its lines with every reason, what can be done now."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.permissions import Permission
from biobank.consent.rules import review_code
from biobank.core.actor import Actor
from biobank.core.errors import Reason
from biobank.core.vocabularies import research_types
from biobank.requests import asking, reviewing, rules, service, wording
from biobank.requests.models import Request
from biobank.requests.rules import Act, LineStatus, Status
from biobank.requests.schemas import question_json, reasons_json
from biobank.samples import decisions, reviews
from biobank.web import pages, sentences
from biobank.web.asking import actor


def new_form(problems: dict[str, str], sentence: str | None) -> Any:
    """The form: empty, or once more with what was typed and what is wrong with it."""
    by = actor()
    listed: dict[str, str] = {}
    papers = asking.approval_kinds(request.form)
    for name, text in problems.items():  # purposes.1 -> purposes, approvals.0 -> ethics_number
        key, _dot, place = name.partition(".")
        if key == "approvals" and place.isdecimal() and int(place) < len(papers):
            key = f"{papers[int(place)]}_number"
        listed[key] = f"{listed[key]} {text}" if key in listed else text
    return pages.render(
        "requests/new_request.html",
        problems=listed,
        sentence=sentence,
        typed=request.form,
        words={
            name: [(value, _(text)) for value, text in getattr(asking, name.upper()).items()]
            for name in ("purposes", "organisations", "answer_words", "approvals", "flags")
        },
        research_types=[(code, wording.research_type(code)) for code in research_types()],
        site_options=[(site.code, site.name) for site in access.list_sites(by)],
        every_site=by.site_id is None,
    )


def request_page(found: Request, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    """One request, as this reader may see it."""
    by = actor()
    asked = service.asked_of(found)
    lines = [each.line.status for each in asked]
    staff = service.reads_all(by)
    undecided = found.status in (Status.DRAFT, Status.SUBMITTED) and bool(asked)
    forecast = _forecast(found, asked) if staff and LineStatus.ASKED in lines else {}
    return pages.render(
        "requests/request.html",
        asked_for=found,
        researcher=service.researchers_of([found]).get(found.researcher_id, ""),
        lines=[_line(each, forecast, by) for each in asked],
        decisions=_decisions(found, asked, by),
        steps=_steps(found, lines),
        told=_told(found),
        status_sentence=sentences.sentence(rules.STATUS_SENTENCES[Status(found.status)]),
        chances=service.feasibility(found, by) if undecided else None,
        smallest=rules.SMALLEST_COUNT,
        staff=staff,
        questions=_questions(found) if staff and lines else [],
        waiting=found.status == Status.APPROVED and LineStatus.ASKED in lines,
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        **_possible(found, by),
    )


def _possible(found: Request, by: Actor) -> dict[str, bool]:
    """What this reader may do with it now."""
    own = by.user_id == found.researcher_id
    possible = rules.possible_acts(found.status)
    decides = by.may(Permission.REQUEST_DECIDE.value)
    return {
        "may_edit": own and Act.EDIT in possible and by.may(Permission.REQUEST_OWN.value),
        "may_decide": decides and not own and Act.APPROVE in possible,
        "may_refuse": decides and not own and Act.REFUSE in possible,
        "may_settle": by.may(Permission.CONSENT_REVIEW.value) and not own and Act.SETTLE in possible,
        "own_decision": decides and own and Act.REFUSE in possible,
        "may_fetch": Act.PICK in possible and by.may(Permission.REQUEST_FULFIL.value),
        "may_cancel": Act.CANCEL in possible and (own or decides),
    }


def _forecast(found: Request, asked: Sequence[service.Asked]) -> dict[int, tuple[str | None, list[Reason]]]:
    """Line key -> the verdict as things stand, and why. A review that people upheld counts as their no; of any other,
    what they have to look at is told and nothing besides."""
    said = reviews.last_words(found.id, [each.sample.id for each in asked])
    samples = {each.line.id: each.sample.id for each in asked}
    told: dict[int, tuple[str | None, list[Reason]]] = {}
    for key, answer in service.forecast(found).items():
        left = [reason for reason in answer.reasons if review_code(reason) in answer.review_codes]
        upheld = reviewing.upheld(answer.review_codes, said.get(samples[key], {}))
        verdict = "deny" if upheld else answer.verdict.value
        told[key] = (verdict, [*upheld, *(left or answer.reasons)])
    return told


def _line(
    each: service.Asked, forecast: Mapping[int, tuple[str | None, list[Reason]]], by: Actor
) -> dict[str, Any]:
    """One line of the table: its status, and in sentences what was decided, or would be now."""
    if each.line.id in forecast:
        verdict, why = forecast[each.line.id]
        reasons = [{"code": reason.code, "text": wording.reason(reason)} for reason in why]
    else:
        verdict, reasons = each.line.verdict, reasons_json(each.line, by)
    return {
        "code": each.sample.code,
        "type": each.sample.type,
        "status": each.line.status,
        "verdict": verdict,
        "reasons": reasons,
        "tone": "no" if verdict == "deny" else "look" if verdict == "review" else None,
    }


def _decisions(found: Request, asked: Sequence[service.Asked], by: Actor) -> dict[str, int]:
    """Sample -> the last decision about it for this request, for who may read decisions."""
    if not by.may(Permission.DECISION_READ.value):
        return {}
    latest = decisions.latest_for(found.id, [each.sample.id for each in asked])
    return {each.sample.code: latest[each.sample.id] for each in asked if each.sample.id in latest}


def _told(found: Request) -> dict[str, Any]:
    """What it is for, in words."""
    terms = found.terms
    flags = terms.get("flags") or ()
    return {
        "purposes": [wording.purpose(text) for text in found.purposes],
        "approvals": [wording.approval(text) for text in terms.get("approvals") or ()],
        "flags": [_(asking.FLAGS[flag]) if flag in asking.FLAGS else flag for flag in flags],
        "research_types": [wording.research_type(code) for code in terms.get("research_types") or ()],
        "users": list(terms.get("users") or ()),
    }


def _questions(found: Request) -> list[dict[str, Any]]:
    """What the rules leave to people, as the API gives it."""
    if Act.SETTLE not in rules.possible_acts(found.status):
        return []
    questions = service.questions(found)
    names = access.names_of(act.by for question in questions for act in question.settled.values())
    drawn = []
    for place, question in enumerate(questions):
        told = question_json(question, names) | {"place": place}
        for act, row in zip(told["settled"], question.settled.values(), strict=True):
            act["shown"] = row.at
        drawn.append(told)
    return drawn


def _steps(found: Request, lines: list[str]) -> list[dict[str, str]]:
    """The life of a request as a picture: what is done, where it is, and where it was stopped."""
    labels = [_("Written"), _("Sent"), _("Decided"), _("Fetched"), _("Handed out")]
    at = {
        Status.DRAFT: 0,
        Status.SUBMITTED: 2,
        Status.REFUSED: 2,
        Status.CANCELLED: 3 if LineStatus.REFUSED in lines else 2 if found.submitted_at else 0,
        Status.APPROVED: _place_approved(lines),
        Status.COMPLETED: 5,
    }[Status(found.status)]
    stopped = found.status in (Status.REFUSED, Status.CANCELLED)
    return [
        {"label": label, "state": "done" if place < at else _state_here(stopped) if place == at else "todo"}
        for place, label in enumerate(labels)
    ]


def _place_approved(lines: list[str]) -> int:
    """At the freezer while something is to be fetched, at the counter, or back with those who settle reviews."""
    if LineStatus.RESERVED in lines:
        return 3
    return 2 if LineStatus.ASKED in lines and LineStatus.PICKED not in lines else 4


def _state_here(stopped: bool) -> str:
    return "stopped" if stopped else "now"
