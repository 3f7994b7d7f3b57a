"""A stored decision is explained: what was asked, what was known then, each reason by what it did, what came of it."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from biobank.consent import rules as consent_rules
from biobank.consent import service as consent
from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import NotFound
from biobank.samples import decisions, holds, processing, reviews, uses
from biobank.samples.models import Decision
from tests import people
from tests.factories import (
    ConsentFactory,
    FormFactory,
    SampleFactory,
    StudyFactory,
    act,
    withdraw,
)
from tests.requests.world import Alone, Program, browser_of, make_world

pytestmark = pytest.mark.usefixtures("app_context")


def browser(app, *roles, site_code="IPC"):
    """Somebody's browser; these tests work inside the app's context, and a request does not."""
    return Alone(app, people.user(*roles, site_code=site_code).fs_uniquifier)


def api(app, *roles, site_code="IPC"):
    return Program(app, people.token(*roles, site_code=site_code))


def wanted(*purposes, **more):
    """A use by a hospital in France, that is no genetic study."""
    told = {"organisation": "non-profit", "commercial": False, "genetic": False, "country": "FR"} | more
    return consent_rules.Use(act="", purposes=consent_rules.parse_purposes(purposes or ["HMB"]), **told)


def decide(sample, asked=None, how="hand_out", **more):
    """A decision, stored and not acted upon. returns its key"""
    (made,) = act(uses.decide, samples=[sample], asked=asked or wanted(), act=how, **more)
    return made.id


def read(key, by=None):
    db.session.rollback()
    reader = by or people.actor("manager")
    return decisions.read(decisions.find_decision(key, reader), reader)


def by_group(reading):
    found = {}
    for each in reading.reasons:
        found.setdefault(each.group, []).append(each.reason["code"])
    return found


def patient_who(*refused, terms=("HMB",)):
    """A donor who agreed to research, with clauses that were refused."""
    clauses = [
        {"key": "research", "text": "Research", "text_fr": "La recherche", "required": True, "if_granted": list(terms)},
        {"key": "company", "text": "Companies", "if_refused": ["NPU"]},
        {"key": "ethics", "text": "Without a committee", "if_refused": ["IRB"]},
    ]  # fmt: skip
    answers = {clause["key"]: "refused" if clause["key"] in refused else "granted" for clause in clauses}
    return ConsentFactory(form=FormFactory(clauses=clauses), answers=answers).patient


# --- what each reason did


def test_a_permit_tells_what_permits_and_what_binds():
    sample = SampleFactory(patient=patient_who("company"))

    reading = read(decide(sample))

    assert reading.decision.verdict == "permit"
    assert by_group(reading) == {"permits": ["granted"], "binds": ["modifier_npu"]}


def test_a_denial_tells_what_stands_in_the_way_apart_from_what_a_person_must_say():
    sample = SampleFactory(patient=patient_who("company", "ethics"))

    reading = read(decide(sample, wanted(organisation="for-profit", flags=("paediatric",))))

    assert reading.decision.verdict == "deny"
    assert by_group(reading) == {
        "against": ["modifier_npu"],
        "people": ["flag_paediatric", "modifier_irb"],
    }


def test_a_review_tells_a_restriction_that_a_person_must_look_at_from_one_that_only_binds():
    sample = SampleFactory(patient=patient_who("company", "ethics"))

    reading = read(decide(sample))

    assert reading.decision.verdict == "review"
    assert by_group(reading) == {
        "people": ["modifier_irb"],
        "permits": ["granted"],
        "binds": ["modifier_npu"],
    }


def test_what_a_person_settled_is_told_with_the_person_and_the_reason(app):
    sample = SampleFactory(patient=patient_who("ethics"))
    first = read(decide(sample, request_id=7))
    code = consent_rules.review_code(
        consent_rules.Reason(first.reasons[0].reason["code"], first.reasons[0].reason["params"])
    )
    reviewer = people.actor("committee")
    act(
        reviews.settle, request_id=7, request="R00000777", samples=[sample], reason_codes={sample.id: [code]},
        named={sample.id: [code]}, outcome="lift", why="The committee answered on paper.", by=reviewer,
    )  # fmt: skip

    key = decide(sample, request_id=7)

    reading = read(key)
    assert reading.decision.verdict == "permit"
    (settled,) = [each for each in reading.reasons if each.group == "settled"]
    assert settled.review.reviewer_key == reviewer.key
    page = browser(app).get(f"/decisions/{key}").text
    assert "The committee answered on paper." in page
    assert "An ethics approval valid on the day of use must be on file" in page
    assert reviewer.name in page


# --- what was known then


def test_what_is_recorded_later_changes_nothing_in_it(app):
    sample = SampleFactory(patient=patient_who())
    key = decide(sample)
    withdraw(reading_patient(sample))
    act(holds.hold, sample=sample, code="quarantine", note="")

    reading = read(key)

    assert reading.decision.verdict == "permit"
    assert reading.facts.donors[0].withdrawals == ()
    assert reading.facts.holds == ()
    assert "Taken back" not in browser(app).get(f"/decisions/{key}").text
    later = read(decide(sample))
    assert by_group(later)["against"][0] in ("hold", "withdrawn_all")
    assert "Taken back" in browser(app).get(f"/decisions/{later.decision.id}").text


def reading_patient(sample):
    from biobank.patients.models import Patient
    from biobank.samples import gate

    (key,) = gate.donors_of([sample.id])[sample.id]
    return db.session.get_one(Patient, key)


def test_the_page_tells_it_in_words(app):
    sample = SampleFactory(patient=patient_who("company", terms=("DS:C50",)))
    key = decide(sample, wanted("DS:C50.1"))

    page = browser(app).get(f"/decisions/{key}").text

    assert "The consent allows this: hand out" in page
    assert "research on a disease: C50.1 Malignant neoplasm" in page
    assert "the decision rests on this one" in page
    assert "not-for-profit organisations only" in page
    assert "Research" in page
    assert "What permits it" in page
    assert consent_rules.RULE_VERSION in page
    assert "La recherche" in browser(app).get(f"/decisions/{key}?lang=fr").text


def test_a_decision_by_older_rules_says_so(app, monkeypatch):
    key = decide(SampleFactory(patient=patient_who()))
    reader = browser(app)
    assert "the answer could be another one" not in reader.get(f"/decisions/{key}").text

    monkeypatch.setattr(consent_rules, "RULE_VERSION", "999")

    assert "Today the rules are version 999" in reader.get(f"/decisions/{key}").text


def test_facts_of_before_there_were_more_of_them_are_read():
    """A row that was written without the keys that came since."""
    sample = SampleFactory(patient=patient_who("ethics"))
    made = db.session.get_one(Decision, decide(sample))
    old = {name: made.facts[name] for name in ("code", "study", "form_in_force", "holds", "donors")}
    row = Decision(
        **{
            column.key: getattr(made, column.key)
            for column in Decision.__table__.columns
            if column.key not in ("id", "facts", "reviews", "use")
        },
        facts=old,
        use={name: value for name, value in made.use.items() if name not in ("users", "research_types")},
    )

    def keep():
        db.session.add(row)
        db.session.flush()
        return row.id

    key = act(lambda by: keep())

    reading = read(key)
    assert by_group(reading)["people"] == ["modifier_irb"]
    assert reading.days == [clock.now().date()] or len(reading.days) == 1


def test_reasons_that_cannot_be_weighed_again_are_told_by_their_names(monkeypatch):
    sample = SampleFactory(patient=patient_who("company", "ethics"))
    key = decide(sample, wanted(organisation="for-profit", flags=("paediatric",)))
    nothing = consent_rules.Decision(consent_rules.Verdict.DENY, ())
    monkeypatch.setattr(uses, "worst_of_days", lambda *_args, **_more: nothing)

    assert by_group(read(key)) == {"against": ["modifier_npu", "modifier_irb"], "people": ["flag_paediatric"]}


# --- what came of it


def test_the_use_that_was_made_with_it_is_told(app):
    sample = SampleFactory(patient=patient_who())
    (used,) = act(uses.use, samples=[sample], asked=wanted(), act="analyse")

    told = api(app).get(f"/decisions/{used.decision_id}").json

    assert told["used"]["happened_at"] == used.happened_at.isoformat()
    unused = api(app).get(f"/decisions/{decide(sample, how='analyse')}").json
    assert unused["used"] is None


# --- who reads it


def test_the_api_tells_all_of_it(app):
    sample = SampleFactory(patient=patient_who("company"))
    key = decide(sample)

    told = api(app).get(f"/decisions/{key}").json

    assert set(told) >= {
        "id", "sample", "act", "verdict", "reasons", "use", "facts", "consents", "reviews", "rule_version",
        "vocabulary_version", "as_of", "recorded_at", "request", "by", "used",
    }  # fmt: skip
    assert (told["id"], told["sample"], told["verdict"]) == (key, sample.code, "permit")
    assert [reason["code"] for reason in told["reasons"]] == ["granted", "modifier_npu"]
    assert all(reason["text"] for reason in told["reasons"])
    (paper,) = told["consents"]
    assert paper["rests_on"]
    assert paper["answers"]["company"] == "refused"
    assert paper["patient"] == reading_patient(sample).code


def test_a_committee_reads_no_pseudonym_and_no_key_that_stands_for_one(app):
    first, second = patient_who(), patient_who("company")
    study = StudyFactory()
    tubes = [SampleFactory(patient=patient, study=study) for patient in (first, second)]
    pool = act(processing.pool, samples=tubes, type=None, use=wanted())
    key = decide(pool, wanted(organisation="for-profit", commercial=True))

    page = browser(app, "committee").get(f"/decisions/{key}").text
    told = api(app, "committee").get(f"/decisions/{key}")

    for person in (first, second):
        assert person.code not in page
        assert person.subject_key not in page
        assert person.code not in told.text
        assert person.subject_key not in told.text
    assert "Donor 1" in page
    assert {donor["subject_key"] for donor in told.json["facts"]["donors"]} == {"donor-1", "donor-2"}
    assert told.json["reasons"][0]["params"]["donor"].startswith("donor-")
    assert second.code in browser(app).get(f"/decisions/{key}").text


def test_another_sites_decision_and_one_that_never_was_are_not_found(app):
    key = decide(SampleFactory(patient=patient_who()))
    other = people.actor("manager", site_code="IUCT")

    for strange in (0, key + 100, 2**70):
        with pytest.raises(NotFound):
            decisions.find_decision(strange, people.actor("manager"))
    with pytest.raises(NotFound):
        decisions.find_decision(key, other)
    assert api(app, "manager", site_code="IUCT").get(f"/decisions/{key}").status_code == 404
    assert browser(app, "manager", site_code="IUCT").get(f"/decisions/{key}").status_code == 404
    assert browser(app).get("/decisions/99999999999999999999999").status_code == 404
    assert browser(app, "researcher").get(f"/decisions/{key}").status_code == 403
    assert api(app, "researcher").get(f"/decisions/{key}").status_code == 403


# --- lists


def test_the_decisions_about_a_sample_are_listed_page_by_page(app):
    sample = SampleFactory(patient=patient_who())
    keys = [decide(sample) for _ in range(3)]
    other = decide(SampleFactory(patient=patient_who()))

    first = decisions.page_of_decisions(sample, limit=2)
    second = decisions.page_of_decisions(sample, limit=2, after=first.next)

    assert [each.id for each in [*first.items, *second.items]] == keys[::-1]
    reader = browser(app)
    page = reader.get(f"/decisions?sample={sample.code}").text
    assert all(f"/decisions/{key}" in page for key in keys)
    assert f"/decisions/{other}" not in page
    assert f"/decisions/{keys[0]}" in reader.get(f"/samples/{sample.code}").text
    assert reader.get("/decisions").status_code == 200
    assert reader.get("/decisions?sample=T00000000").status_code == 404
    assert reader.get(f"/decisions?sample={sample.code}&after=x").status_code == 422
    elsewhere = browser(app, "manager", site_code="IUCT")
    assert elsewhere.get(f"/decisions?sample={sample.code}").status_code == 404


def test_a_refused_use_leads_to_its_decision_from_the_story_and_from_the_record(app):
    sample = SampleFactory(patient=patient_who("company"))
    with pytest.raises(uses.UseRefused):
        act(uses.use, samples=[sample], asked=wanted(organisation="for-profit"), act="analyse")
    (kept,) = decisions.page_of_decisions(sample).items

    manager = browser(app, "manager")

    assert manager.get(f"/samples/{sample.code}").text.count(f'"/decisions/{kept.id}"') == 2
    assert f'"/decisions/{kept.id}"' in manager.get(f"/audit?code={sample.code}").text


def test_each_line_of_a_request_leads_to_its_decision_for_who_may_read_it(app):
    world = make_world()
    tube = world.tube()
    code = world.approved(tube)
    (decision,) = decisions.page_of_decisions(world.sample(tube)).items

    assert f'"/decisions/{decision.id}"' in browser_of(app, world.manager).get(f"/requests/{code}").text
    assert "/decisions/" not in browser_of(app, world.researcher).get(f"/requests/{code}").text
    page = browser_of(app, world.manager).get(f"/decisions/{decision.id}").text
    assert f'href="/requests/{code}"' in page
    assert api(app).get(f"/decisions/{decision.id}").json["request"] == code


def test_the_last_decision_for_a_request_is_found_for_many_samples_at_once():
    samples = [SampleFactory(patient=patient_who()) for _ in range(2)]
    for sample in samples:
        decide(sample, request_id=7)
    latest = {sample.id: decide(sample, request_id=7) for sample in samples}
    decide(samples[0], request_id=8)

    assert decisions.latest_for(7, latest) == latest
    assert decisions.latest_for(9, latest) == {}


def test_an_explanation_costs_the_same_number_of_queries_however_many_donors_there_are():
    study = StudyFactory()
    one = decide(SampleFactory(patient=patient_who(), study=study))
    tubes = [SampleFactory(patient=patient_who(), study=study) for _ in range(6)]
    many = decide(act(processing.pool, samples=tubes, type=None, use=wanted()))
    reader = people.actor("manager")

    def queries(key):
        db.session.rollback()
        db.session.expire_all()
        asked = []

        def note(_connection, _cursor, statement, *_more):
            asked.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            decisions.read(decisions.find_decision(key, reader), reader)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len([each for each in asked if each.startswith("SELECT")])

    assert queries(many) == queries(one)
    assert db.session.scalar(select(Decision.id).where(Decision.id == many)) == many


def test_a_correction_is_shown_as_what_took_the_mistakes_place(app):
    paper = ConsentFactory()
    sample = SampleFactory(patient=paper.patient)
    act(
        consent.record_consent, patient=paper.patient, form=paper.form, signed_on=paper.signed_on,
        answers={"research": "granted"}, corrects=paper.id, reason="misread",
    )  # fmt: skip

    page = browser(app).get(f"/decisions/{decide(sample)}").text

    assert "a mistake: record" in page
    assert "not answered (counts as no)" in page


def test_a_use_told_afterwards_names_both_of_its_days(app):
    from biobank.core.times import When

    sample = SampleFactory(patient=patient_who(), collected=When.exactly(clock.now() - timedelta(days=3)))
    day_before = When.exactly(clock.now() - timedelta(days=2))

    reading = read(decide(sample, at=day_before))

    assert len(reading.days) == 2
    assert browser(app).get(f"/decisions/{reading.decision.id}").status_code == 200
