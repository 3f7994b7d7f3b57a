"""The pages on which a patient's answers are recorded: which paper it is, then one key for each clause."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import bases, documents, service
from biobank.consent.models import ConsentForm
from biobank.consent.page_parts import at_site, bp
from biobank.consent.schemas import GROUNDS, ConsentNewSchema
from biobank.consent.service import RecordedConsent
from biobank.consent.words import describe_term
from biobank.core import clock
from biobank.core.errors import Malformed, Reason
from biobank.core.times import local_day
from biobank.patients.asking import asked_patient
from biobank.patients.models import Patient
from biobank.studies import service as studies
from biobank.web import pages, sentences
from biobank.web.asking import actor
from biobank.web.uploads import takes_file, uploaded

CONSENT = ConsentNewSchema()
#: The field that the button for all clauses of a notice sends.
ALL = "no_objection"


@bp.get("/patients/<path:code>/consents/new")
@requires(Permission.CONSENT_RECORD)
def new_consent(code: str) -> ResponseReturnValue:
    """The one form in force at once, else a choice. `?form=&version=` names it, `?corrects=` begins like a record."""
    patient = asked_patient(code)
    corrected = _corrected(patient)
    if request.args.get("form"):
        form = service.find_form(
            request.args["form"], request.args.get("version", ""), actor(), patient.site_id
        )
        return _answer(patient, form, _begun(form, corrected))
    if corrected is not None:
        return _answer(patient, corrected.form, _begun(corrected.form, corrected))
    forms = service.forms_to_sign(patient.site_id)
    in_force = [form for form in forms if form.status == "in_force"]
    if len(in_force) == 1:
        return _answer(patient, in_force[0], _begun(in_force[0]))
    return pages.render("consent/choose.html", patient=patient, at_site=at_site(), **_offered(patient, forms))


@bp.post("/patients/<path:code>/consents")
@requires(Permission.CONSENT_RECORD)
@takes_file
def record_consent(code: str) -> ResponseReturnValue:
    """Record the answers, with the scan if it came along, and go back to the patient."""
    patient = asked_patient(code)
    form = service.find_form(
        request.form.get("form", ""), request.form.get("version", ""), actor(), patient.site_id
    )

    def work() -> str:
        given = CONSENT.load(_typed(form))
        person = asked_patient(code)
        made = service.record_consent(
            patient=person,
            form=service.find_form(given["form"], given["version"], actor(), person.site_id),
            signed_on=given["signed_on"],
            answers=given["answers"],
            by=actor(),
            **{name: given[name] for name in GROUNDS},
        )
        if (content := uploaded()) is not None:
            documents.attach(patient=person, consent_id=made.id, content=content, by=actor())
        return url_for("bench.patient", code=person.code, **at_site())

    return pages.submit(
        work,
        again=lambda problems, sentence: _answer(
            patient, form, request.form.to_dict(), problems=problems, sentence=sentence
        ),
    )


def _typed(form: ConsentForm) -> dict[str, Any]:
    """What was filled in: a clause that was left blank is no answer. raises Malformed where one has two answers"""
    twice = [name for name, values in request.form.lists() if len(values) > 1]
    if twice:
        raise Malformed({name[:100]: Reason("answered_twice") for name in twice})
    typed: dict[str, Any] = {
        name: request.form[name]
        for name in ("form", "version", "signed_on", *GROUNDS)
        if request.form.get(name)
    }
    if (corrects := typed.get("corrects", "")).isdecimal():
        typed["corrects"] = int(corrects[:19])
    typed["answers"] = {
        name.removeprefix("answers."): answer
        for name, answer in request.form.items()
        if name.startswith("answers.") and answer
    }
    return typed | ({"answers": _nothing_objected(form, typed)} if request.form.get(ALL) else {})


def _nothing_objected(form: ConsentForm, typed: Mapping[str, Any]) -> dict[str, str]:
    """One button answers every clause of a notice. raises Malformed where one was answered otherwise"""
    if bases.usual(form.kind, typed.get("basis"), None)[0] != "non_opposition":
        raise Malformed({ALL: Reason("no_objection_of_notice")})
    said: Mapping[str, str] = typed["answers"]
    if against := [key for key, answer in said.items() if answer != "granted"]:
        raise Malformed({f"answers.{key}": Reason("answered_twice") for key in against})
    return {**said, **{clause.key: "granted" for clause in form.clauses}}


def _corrected(patient: Patient) -> RecordedConsent | None:
    """The record that `?corrects=` names. raises Malformed"""
    wanted = request.args.get("corrects", "")
    if not wanted:
        return None
    found = next((each for each in service.consents_of(patient) if str(each.id) == wanted), None)
    if found is None:
        raise Malformed({"corrects": Reason("consent_unknown", {"consent": wanted[:40]})})
    return found


def _begun(form: ConsentForm, corrected: RecordedConsent | None = None) -> dict[str, str]:
    """What stands in the fields at first: today; of a correction, what the mistaken record says."""
    if corrected is None:
        today = local_day(clock.now(), clock.zone()).isoformat()
        basis, given_by = bases.usual(form.kind, request.args.get("basis"), None)
        return {"signed_on": today, "basis": basis, "given_by": given_by}
    begun = {f"answers.{key}": answer for key, answer in corrected.answers.items()}
    names = ("basis", "given_by", "channel", "ethics_reference", "basis_reason")
    said = {name: getattr(corrected, name) for name in names}
    if corrected.form.kind != form.kind:
        said["basis"], said["given_by"] = bases.usual(form.kind, None, None)
    begun |= {name: value for name, value in said.items() if value}
    return begun | {"signed_on": corrected.signed_on.isoformat(), "corrects": str(corrected.id)}


def _offered(patient: Patient, forms: Iterable[ConsentForm]) -> dict[str, Any]:
    """The forms to choose from: what the patient never answered first, and versions that are signed no more."""
    forms = list(forms)
    answered = {record.form.code for record in service.consents_of(patient)}
    in_force = [form for form in forms if form.status == "in_force"]
    return {
        "in_force": sorted(in_force, key=lambda form: (form.code in answered, form.code)),
        "retired": [form for form in forms if form.status == "retired"],
        "study_codes": studies.study_codes({form.study_id for form in forms if form.study_id}),
    }


def _answer(
    patient: Patient,
    form: ConsentForm,
    typed: Mapping[str, str],
    *,
    problems: dict[str, str] | None = None,
    sentence: str | None = None,
) -> Any:
    basis = bases.usual(form.kind, typed.get("basis"), None)[0]
    basis = basis if basis in bases.BASES[form.kind] else bases.BASES[form.kind][0]
    labels = {each: sentences.word(f"answer_{basis}", each) for each in ("granted", "refused", "blank")}
    return pages.render(
        "consent/answer.html",
        patient=patient,
        form=form,
        typed=typed,
        basis=basis,
        labels=labels,
        asked=_asked(form, typed, labels, problems or {}),
        givers=[(each, sentences.word("given_by", each)) for each in bases.GIVERS[basis]],
        channels=[(each, sentences.word("channel", each)) for each in bases.CHANNELS],
        problems=problems or {},
        sentence=sentence,
        others=_offered(patient, service.forms_to_sign(patient.site_id)),
        at_site=at_site(),
    )


#: Answer -> its tone, and the keys that give it: digits, and the first letter of yes, oui, no and non. Of a notice only
#: the digits: who reads "no objection" or "non-opposition" takes N for it, and O for the objection.
ANSWERS = (("granted", "yes", "1yo"), ("refused", "no", "2n"), ("", "look", "0"))


def _asked(
    form: ConsentForm, typed: Mapping[str, str], labels: Mapping[str, str], problems: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The clauses as questions, with what each answer means."""
    return [
        {
            "name": f"answers.{clause.key}",
            "clause": clause,
            "value": typed.get(f"answers.{clause.key}") or "",
            "problem": problems.get(f"answers.{clause.key}"),
            "choices": [
                {
                    "value": value,
                    "tone": tone,
                    "pressed": keys[:1] if form.kind == "notice" else keys,
                    "label": labels[value or "blank"],
                    "means": _means(clause, value),
                }
                for value, tone, keys in ANSWERS
            ],
        }
        for clause in form.clauses
    ]


def _means(clause: Any, answer: str) -> list[str]:
    """What the answer adds, in words. A blank is not a yes: it means what a no means."""
    if answer == "granted":
        return [describe_term(term) for term in clause.if_granted]
    added = [describe_term(term) for term in clause.if_refused]
    return [_("Nothing is allowed under this form."), *added] if clause.required else added
