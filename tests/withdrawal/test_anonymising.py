"""The link to a person is broken by two people, for good: nothing in the bank names them any more."""

import json
import sqlite3
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import String, cast, make_url, select, text
from sqlalchemy.types import JSON

from biobank.audit import service as audit
from biobank.audit.models import AuditEntry
from biobank.consent import documents, rules
from biobank.consent import service as consent
from biobank.core import checks, codes, outbox
from biobank.core.db import Base, db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.times import When
from biobank.exchange.models import ImportedRecord, ImportRun
from biobank.patients import service as patients
from biobank.requests import service as requests
from biobank.samples import collection, correction, gate, holds, numbers, processing, replay, uses
from biobank.samples.models import Hold
from biobank.studies import service as studies
from biobank.withdrawal import anonymising, service, traces
from biobank.withdrawal.models import Anonymisation
from tests import people
from tests.conftest import NOON

TODAY, BEFORE = date(2012, 3, 14), date(2012, 3, 13)
CODE = "Zoé-4711/B"
CLAUSES = [{"key": "research", "text": "Research", "required": True, "if_granted": ["GRU"]}]


@pytest.fixture
def by(app_context, frozen_clock):
    return people.actor("manager")


@pytest.fixture
def other(by):
    """The second person."""
    return people.actor("dpo")


@pytest.fixture
def study(by):
    return do(studies.open_study, code="ESSAI", title="Essai", site_id=by.site_id, by=by)


@pytest.fixture
def form(by):
    return do(
        consent.make_form,
        site_id=by.site_id,
        code="F",
        version="1",
        title="F",
        study=None,
        clauses=CLAUSES,
        by=by,
    )


def do(what, **arguments):
    return unit_of_work(lambda: what(**arguments))


def enrolled(by, form, code=CODE):
    patient = do(patients.enrol, site_id=by.site_id, code=code, birth_year=1950, sex="female", by=by)
    answers = {"research": "granted"}
    do(consent.record_consent, patient=patient, form=form, signed_on=TODAY, answers=answers, by=by)
    return patient


def draw(by, patient, study):
    return do(
        collection.collect, patient=patient, study=study, type="Plasma", quantity=("volume", 500_000),
        collected=When.exactly(NOON - timedelta(hours=1)), by=by,
    )  # fmt: skip


def withdraw(by, patient, fate="keep", scope="all"):
    return do(service.withdraw, patient=patient, scope=scope, received_on=TODAY, fate=fate, by=by)


def asked(by, patient):
    return do(anonymising.ask, patient=patient, reason="asked for in the letter", by=by)


def break_link(by, other, patient, erase=None):
    """Ask and agree; all that is proposed is overwritten unless told otherwise."""
    open_one = anonymising.open_of(patient) or asked(by, patient)
    found = traces.find_traces(patient)
    proposed = [trace.key for trace in found if trace.certain]
    return do(
        anonymising.agree,
        anonymisation=open_one,
        code=patient.code,
        looked_at=traces.seen(found),
        erase=proposed if erase is None else erase,
        by=other,
    )


def held_texts(needle):
    """Where a text stands, in any column of any table, as the database reads it: (table, column)."""
    found = set()
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, String | JSON):
                words = db.session.scalars(select(cast(column, String)).where(column.is_not(None)))
                decoded = [
                    json.loads(word) if word[:1] in '{["' and _is_json(word) else word for word in words
                ]
                if any(needle.casefold() in _plain(word).casefold() for word in decoded):
                    found.add((table.name, column.name))
    return found


def _is_json(word):
    try:
        json.loads(word)
    except ValueError:
        return False
    return True


def _plain(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def bytes_of(uri):
    path = str(make_url(uri).database)
    return b"".join(Path(path + end).read_bytes() for end in ("", "-wal") if Path(path + end).exists())


# --- what goes, what stays


def test_nothing_names_the_person_any_more_and_what_they_said_stays(by, other, study, form):
    patient = enrolled(by, form)
    tube = draw(by, patient, study)
    withdraw(by, patient)
    subject = patient.subject_key
    consents, withdrawals = consent.consents_of(patient), consent.withdrawals_of(patient)

    break_link(by, other, patient)

    db.session.expire_all()
    assert patient.code.startswith("ANON-")
    assert patient.code != CODE
    assert (patient.subject_key, patient.veil_key, patient.birth_year) == (None, None, None)
    assert (patient.sex, patient.anonymised_at) == ("female", NOON)
    assert held_texts(CODE) == set()
    assert held_texts(subject) <= {
        (table, column) for table, column in held_texts(subject) if table in traces.KEEPS_KEY
    }
    assert [each.id for each in consent.consents_of(patient)] == [each.id for each in consents]
    assert [each.id for each in consent.withdrawals_of(patient)] == [each.id for each in withdrawals]
    assert holds.open_holds([tube.id])[tube.id][0].code == "withdrawal"
    assert numbers.story(tube)
    assert patients.by_keys([subject]) == {}


def test_the_old_pseudonym_finds_nobody_and_its_code_is_void(by, other, form):
    patient = enrolled(by, form)
    withdraw(by, patient)
    break_link(by, other, patient)

    with pytest.raises(NotFound):
        patients.find_patient(CODE, by)
    assert codes.find([CODE], by) == []
    (left,) = codes.find([patient.code], by)
    assert left.voided
    do(patients.enrol, site_id=by.site_id, code=CODE, by=by)  # somebody new


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_bytes_of_the_database_do_not_hold_the_pseudonym(by, other, study, form, database_uri):
    patient = enrolled(by, form, "PSEUDONYM-4711")
    for number in range(40):
        enrolled(by, form, f"somebody-{number}")
    tube = draw(by, patient, study)
    do(holds.hold, sample=tube, code="inventory", note=None, by=by)
    db.session.execute(text("SELECT 1"))
    do(
        lambda: setattr(
            holds.open_holds([tube.id])[tube.id][0], "note", "pseudonym-4711 is on the label, says the nurse"
        )
    )
    withdraw(by, patient)
    assert b"PSEUDONYM-4711" in bytes_of(database_uri)

    break_link(by, other, patient)

    left = bytes_of(database_uri)
    assert b"pseudonym-4711" not in left.lower()
    assert b"says the nurse" in left
    with sqlite3.connect(make_url(database_uri).database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_signed_documents_are_emptied(by, other, form):
    patient = enrolled(by, form)
    paper = do(
        documents.attach, patient=patient, content=b"%PDF-1.7 signed Zoe", by=by,
        consent_id=consent.consents_of(patient)[0].id,
    )  # fmt: skip
    withdraw(by, patient)

    break_link(by, other, patient)

    db.session.expire_all()
    assert (paper.content, paper.erased_at) == (None, NOON)
    assert len(paper.sha256) == 64


def test_what_other_systems_call_the_person_is_forgotten(by, other, study, form):
    patient, stranger = enrolled(by, form), enrolled(by, form, "P-2")
    tubes = [draw(by, each, study) for each in (patient, stranger)]

    def import_by_hand():
        run = ImportRun(
            site_id=by.site_id, profile="gdc", files=[{"name": "case-TCGA-77.tsv"}], summary={}, recorded_at=NOON,
            actor_key="k",
        )  # fmt: skip
        db.session.add(run)
        db.session.flush()
        told = {"run_id": run.id, "site_id": by.site_id, "profile": "gdc", "file": "f", "row": 7, "hash": "h"}
        for name, sample, person in (
            ("TCGA-77", None, patient), ("TCGA-77-01A", tubes[0], None),
            ("TCGA-78", None, stranger), ("TCGA-78-01A", tubes[1], None),
        ):  # fmt: skip
            db.session.add(
                ImportedRecord(
                    external_id=name,
                    level="case",
                    sample_id=sample and sample.id,
                    patient_id=person and person.id,
                    raw={"submitter_id": name},
                    **told,
                )
            )

    do(import_by_hand)
    withdraw(by, patient)

    break_link(by, other, patient)

    assert held_texts("TCGA-77") == set()
    assert held_texts("TCGA-78")  # somebody else's
    records = db.session.scalars(select(ImportedRecord).order_by(ImportedRecord.id)).all()
    assert [(record.row, record.file, record.raw == {}) for record in records] == [
        (0, "", True), (0, "", True), (7, "f", False), (7, "f", False),
    ]  # fmt: skip
    assert db.session.scalars(select(ImportRun)).one().files == [{"name": "case-[…].tsv"}]


def test_letters_lose_the_name(by, other, form):
    patient = enrolled(by, form)
    do(outbox.put, kind="letter", payload={"patient": CODE, "to": ["a", CODE]})
    withdraw(by, patient)

    break_link(by, other, patient)

    item = db.session.scalars(select(outbox.OutboxItem).where(outbox.OutboxItem.kind == "letter")).one()
    assert item.payload == {"patient": "[…]", "to": ["a", "[…]"]}


# --- the search


@pytest.mark.parametrize(
    "code", [CODE, "%", "_", "a", "O'Neill", 'say"so', "back\\slash", "50%_off", "Ünï", "{", "P-1;--", "é"]
)
def test_a_pseudonym_is_found_whatever_it_looks_like(by, other, study, form, code):
    patient = enrolled(by, form, code)
    tube = draw(by, patient, study)
    do(holds.hold, sample=tube, code="other", note=f"seen by {code} on Monday", by=by)
    do(lambda: setattr(holds.open_holds([tube.id])[tube.id][0], "release_reason", "nothing here"))
    withdraw(by, patient)

    found = {trace.place: trace for trace in traces.find_traces(patient)}

    assert found["hold.note"].fate == traces.OVERWRITABLE
    assert found["hold.note"].belongs == [("sample", tube.code)]
    assert code in found["hold.note"].excerpt
    assert found["audit_entry.content"].fate == traces.STAYS
    assert found["patient.code"].fate == found["scannable_code.code"].fate == traces.GOES
    if code != "a":
        assert "hold.release_reason" not in found

    break_link(by, other, patient, erase=[found["hold.note"].key])

    note = db.session.scalars(select(Hold.note).where(Hold.note.is_not(None))).one()
    assert note in ("seen by […] on Monday", "seen by … on Monday")


def test_typed_into_a_title_a_reason_and_a_note_it_is_found_and_overwritten_where_that_may_be(
    by, other, study, form
):
    patient = enrolled(by, form, "B-0815")
    tube = draw(by, patient, study)
    do(holds.hold, sample=tube, code="other", note="B-0815 fell ill", by=by)
    request = do(
        requests.draft, site_id=by.site_id, title="Follow-up of b-0815", purposes=["HMB"], organisation="non-profit",
        by=by,
    )  # fmt: skip
    do(correction.wrong_type, sample=tube, type="Serum", reason="B-0815 had serum", by=by)
    withdraw(by, patient)

    found = traces.find_traces(patient)
    assert {(trace.place, trace.fate) for trace in found if trace.fate != traces.GOES} == {
        ("hold.note", "overwritable"),
        ("request.title", "overwritable"),
        ("sample_correction.reason", "stays"),
        ("audit_entry.content", "stays"),
    }

    break_link(by, other, patient)

    db.session.expire_all()
    assert request.title == "Follow-up of […]"
    acts = [entry["act"] for entry in audit.history("request", request.code)]
    assert acts[-1] == "redacted"
    assert held_texts("B-0815") == {("sample_correction", "reason"), ("audit_entry", "content")}


def test_what_was_not_ticked_stays(by, other, study, form):
    patient = enrolled(by, form, "B-0815")
    tube = draw(by, patient, study)
    do(holds.hold, sample=tube, code="other", note="B-0815 fell ill", by=by)
    withdraw(by, patient)

    break_link(by, other, patient, erase=[])

    assert ("hold", "note") in held_texts("B-0815")


@pytest.mark.parametrize(
    ("code", "note", "certain"),
    [
        ("P-12", "it is P-12.", True),
        ("P-12", "it is P-123", False),
        ("anna", "Anna", True),
        ("anna", "savanna", False),
        ("A1", "A1 was ill", True),
        ("A1", "BA1", None),
        ("a", "a tube", False),
    ],
)
def test_only_a_word_of_its_own_is_proposed(by, study, form, code, note, certain):
    patient = enrolled(by, form, code)
    tube = draw(by, patient, study)
    do(holds.hold, sample=tube, code="other", note=note, by=by)

    found = {trace.place: trace.certain for trace in traces.find_traces(patient)}

    assert found.get("hold.note") is certain


def test_one_note_on_many_tubes_is_one_finding_and_few_queries(by, other, study, form, frozen_clock):
    patient = enrolled(by, form, "B-0815")
    tubes = [draw(by, patient, study) for _ in range(30)]
    ids = [tube.id for tube in tubes]
    do(lambda: holds.hold_many(ids, code="other", note="B-0815 is unwell", by=by))
    withdraw(by, patient)

    (found,) = [trace for trace in traces.find_traces(patient) if trace.place == "hold.note"]

    assert len(found.rows) == 30
    assert len(found.belongs) == 5
    break_link(by, other, patient)
    assert set(db.session.scalars(select(Hold.note).where(Hold.note.is_not(None)))) == {"[…] is unwell"}


def test_the_same_pseudonym_at_another_site_is_somebody_else(by, other, form):
    there = people.actor("manager", site_code="IUCT")
    stranger = do(patients.enrol, site_id=there.site_id, code="B-0815", by=there)
    study_there = do(studies.open_study, code="S", title="About B-0815", site_id=there.site_id, by=there)
    patient = enrolled(by, form, "B-0815")
    withdraw(by, patient)
    assert {trace.fate for trace in traces.find_traces(patient)} == {traces.GOES}

    break_link(by, other, patient)

    db.session.expire_all()
    assert (stranger.code, study_there.title) == ("B-0815", "About B-0815")
    assert patients.find_patient("B-0815", there).id == stranger.id


def test_every_text_of_every_table_is_searched(app_context):
    from biobank.withdrawal.columns import searched

    looked_through = {column for place in searched() for column in place.texts}
    every = {
        column
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, String | JSON)
    }
    assert looked_through == every


def test_a_table_that_nobody_named_is_searched_too(by, form, app_context):
    from sqlalchemy import Column, ForeignKey, Integer, Table, Text

    patient = enrolled(by, form, "B-0815")
    fresh = Table(
        "fresh_note", Base.metadata, Column("id", Integer, primary_key=True),
        Column("site_id", ForeignKey("site.id")), Column("words", Text),
    )  # fmt: skip
    try:
        do(lambda: fresh.create(db.session.connection()))
        elsewhere = people.site("IUCT")
        rows = [
            {"id": 1, "site_id": by.site_id, "words": "B-0815!"},
            {"id": 2, "site_id": elsewhere.id, "words": "B-0815?"},
        ]
        do(lambda: db.session.execute(fresh.insert(), rows))

        found = [trace for trace in traces.find_traces(patient) if trace.table == "fresh_note"]

        assert [(trace.excerpt, trace.fate) for trace in found] == [("B-0815!", "overwritable")]
    finally:
        Base.metadata.remove(fresh)


# --- who, and when


def test_a_withdrawal_that_wants_it_asks_for_it(by, other, form):
    patient = enrolled(by, form)
    withdraw(by, patient, fate="anonymise")

    waiting = anonymising.open_of(patient)
    assert waiting is not None
    assert waiting.withdrawal_id == consent.withdrawals_of(patient)[0].id
    withdraw(by, patient, fate="anonymise")  # once more: it waits already
    assert [each.id for each in anonymising.of_patient(patient)] == [waiting.id]
    break_link(by, other, patient)


def test_who_asked_does_not_agree(by, form):
    patient = enrolled(by, form)
    withdraw(by, patient)

    with pytest.raises(RuleViolation, match="anonymisation_same_person"):
        break_link(by, by, patient)

    db.session.expire_all()
    assert patient.code == CODE


def test_the_database_wants_two_people_too(by, form):
    patient = enrolled(by, form)
    withdraw(by, patient)
    one = asked(by, patient)

    def by_hand():
        db.session.execute(
            text("UPDATE anonymisation SET agreed_at = asked_at, agreed_by = asked_by WHERE id = :id"),
            {"id": one.id},
        )

    with pytest.raises(RuleViolation, match="refused_by_database"):
        do(by_hand)


@pytest.mark.parametrize("scope", [None, {"study": "ESSAI"}, {"form": "F", "clause": "research"}])
def test_without_a_withdrawal_of_everything_it_is_refused(by, study, form, scope):
    patient = enrolled(by, form)
    if scope:
        withdraw(by, patient, scope=scope)

    with pytest.raises(RuleViolation, match="anonymisation_not_withdrawn"):
        asked(by, patient)


def test_who_agreed_to_something_since_has_not_withdrawn(by, other, form):
    patient = enrolled(by, form)
    withdraw(by, patient)
    asked(by, patient)
    do(
        consent.record_consent,
        patient=patient,
        form=form,
        signed_on=TODAY,
        answers={"research": "granted"},
        by=by,
    )

    with pytest.raises(RuleViolation, match="anonymisation_not_withdrawn"):
        break_link(by, other, patient)


@pytest.mark.parametrize(
    "since", [{"answers": {"research": "refused"}}, {"answers": {}}, {"signed_on": BEFORE}]
)
def test_who_said_no_since_or_signed_before_has_withdrawn(by, other, form, since):
    patient = enrolled(by, form)
    withdraw(by, patient)
    told = {"signed_on": TODAY, "answers": {"research": "granted"}} | since
    do(consent.record_consent, patient=patient, form=form, by=by, **told)

    assert break_link(by, other, patient).agreed_by == other.key


def test_a_committees_waiver_is_no_agreement_of_who_withdrew(by, other, form):
    patient = enrolled(by, form)
    withdraw(by, patient)
    notice = do(
        consent.make_form, site_id=by.site_id, code="N", version="1", title="N", study=None, clauses=CLAUSES, by=by,
        kind="notice",
    )  # fmt: skip
    do(
        consent.record_consent, patient=patient, form=notice, signed_on=TODAY, answers={"research": "granted"}, by=by,
        basis="waiver", given_by="committee", ethics_reference="CPP 1", basis_reason="cannot be found",
    )  # fmt: skip

    assert anonymising.withdrawal_in_force(patient) is not None


def test_one_is_open_at_a_time_and_a_cancelled_one_may_be_asked_again(by, form):
    patient = enrolled(by, form)
    withdraw(by, patient)
    first = asked(by, patient)
    with pytest.raises(RuleViolation, match="anonymisation_open"):
        asked(by, patient)

    do(anonymising.cancel, anonymisation=first, reason="too early", by=by)

    assert asked(by, patient).id != first.id
    with pytest.raises(RuleViolation, match="anonymisation_ended"):
        do(anonymising.cancel, anonymisation=first, reason="once more", by=by)


@pytest.mark.parametrize(
    ("reason", "why"), [("", "reason_needed"), (f"{CODE} wants it", "anonymisation_reason_names")]
)
def test_the_reason_is_there_and_names_nobody(by, form, reason, why):
    patient = enrolled(by, form)
    withdraw(by, patient)

    with pytest.raises(Malformed) as refused:
        do(anonymising.ask, patient=patient, reason=reason, by=by)

    assert refused.value.fields["reason"].code == why


def test_another_code_typed_breaks_nothing(by, other, form):
    patient = enrolled(by, form)
    withdraw(by, patient)
    one, looked_at = asked(by, patient), traces.seen(traces.find_traces(patient))

    with pytest.raises(Malformed):
        do(anonymising.agree, anonymisation=one, code="P-2", looked_at=looked_at, erase=[], by=other)


def test_what_nobody_looked_at_is_not_left_behind(by, other, study, form):
    patient = enrolled(by, form, "B-0815")
    tube = draw(by, patient, study)
    withdraw(by, patient)
    one, looked_at = asked(by, patient), traces.seen(traces.find_traces(patient))
    do(holds.hold, sample=tube, code="other", note="B-0815 meanwhile", by=by)

    with pytest.raises(RuleViolation, match="traces_changed"):
        do(anonymising.agree, anonymisation=one, code="B-0815", looked_at=looked_at, erase=[], by=other)


def test_another_sites_person_is_not_found(by, form):
    patient = enrolled(by, form)
    withdraw(by, patient)
    one = asked(by, patient)
    there = people.actor("manager", site_code="IUCT")

    with pytest.raises(NotFound):
        anonymising.find(one.id, there)
    for act in (
        lambda: anonymising.ask(patient=patient, reason="x", by=there),
        lambda: anonymising.cancel(anonymisation=one, reason="x", by=there),
        lambda: anonymising.agree(anonymisation=one, code=CODE, looked_at="", erase=[], by=there),
    ):
        with pytest.raises(NotFound):
            unit_of_work(act)
    assert anonymising.list_open(there) == []
    assert [patient.id for _one, patient in anonymising.list_open(by)] == [patient.id]


# --- whole or not at all, and afterwards


def test_cut_short_nothing_has_changed(by, other, study, form):
    patient = enrolled(by, form, "B-0815")
    tube = draw(by, patient, study)
    do(holds.hold, sample=tube, code="other", note="B-0815 fell ill", by=by)
    withdraw(by, patient)
    one, found = asked(by, patient), traces.find_traces(patient)
    before = {place: held_texts("B-0815") for place in ("all",)}

    class Killed(Exception):
        pass

    def cut_short():
        anonymising.agree(
            anonymisation=one, code="B-0815", looked_at=traces.seen(found),
            erase=[trace.key for trace in found], by=other,
        )  # fmt: skip
        raise Killed

    with pytest.raises(Killed):
        unit_of_work(cut_short)

    db.session.expire_all()
    assert {"all": held_texts("B-0815")} == before
    assert (patient.anonymised_at, one.agreed_at) == (None, None)
    break_link(by, other, patient)


def test_afterwards_nothing_can_be_recorded_of_them(by, other, study, form):
    patient, stranger = enrolled(by, form), enrolled(by, form, "P-2")
    tube, theirs = draw(by, patient, study), draw(by, stranger, study)
    withdraw(by, patient)
    break_link(by, other, patient)

    answers = {"research": "granted"}
    for act in (
        lambda: consent.record_consent(patient=patient, form=form, signed_on=TODAY, answers=answers, by=by),
        lambda: service.withdraw(patient=patient, scope="all", received_on=TODAY, fate="keep", by=by),
        lambda: correction.wrong_patient(sample=tube, patient=stranger, reason="mixed up", by=by),
        lambda: correction.wrong_patient(sample=theirs, patient=patient, reason="mixed up", by=by),
        lambda: anonymising.ask(patient=patient, reason="again", by=by),
        lambda: patients.erase_link(patient=patient, by=by),
    ):
        with pytest.raises(RuleViolation, match="patient_anonymised"):
            unit_of_work(act)


def test_their_samples_stay_held_and_readable_and_every_check_is_green(by, other, study, form):
    patient = enrolled(by, form)
    tube = draw(by, patient, study)
    withdraw(by, patient)
    break_link(by, other, patient)

    assert gate.donors_of([tube.id])[tube.id] == {patient.id} or list(gate.donors_of([tube.id])[tube.id]) == [
        patient.id
    ]
    assert gate.is_withdrawn(gate.facts_of([tube])[tube.id])
    assert [(one.name, list(one.findings)) for one in checks.run() if one.findings] == []
    assert audit.verify().broken_at is None
    with pytest.raises(RuleViolation):
        draw(by, patient, study)


def test_nothing_else_than_that_changes_a_code(by, other, form):
    """A code is what a label says: only the pseudonym of an anonymised patient is overwritten, once, as it is void."""
    patient, stranger = enrolled(by, form), enrolled(by, form, "P-2")
    withdraw(by, patient)
    break_link(by, other, patient)

    for target, change in (
        (stranger, "code = 'X', voided_at = '2012-03-14 11:00:00.000000'"),
        (stranger, "code = 'X'"),
        (patient, "code = 'X'"),
        (patient, "voided_at = NULL"),
    ):
        statement = text(
            f"UPDATE scannable_code SET {change} WHERE kind = 'patient' AND target_id = {target.id}"
        )
        with pytest.raises(RuleViolation, match="refused_by_database"):
            do(db.session.execute, statement=statement)
    assert (
        db.session.scalar(
            select(codes.ScannableCode.code).where(codes.ScannableCode.target_id == stranger.id)
        )
        == "P-2"
    )


def test_the_acts_stand_in_the_record_by_number_alone(by, other, form):
    patient = enrolled(by, form)
    withdraw(by, patient)
    subject = patient.subject_key
    break_link(by, other, patient)

    acts = [entry["act"] for entry in audit.history("patient", subject)]
    assert acts[-3:] == ["anonymisation_asked", "anonymisation_agreed", "link_broken"]
    contents = db.session.scalars(select(AuditEntry.content)).all()
    assert not [content for content in contents if CODE in content or "ANON-" in content]


def test_a_withdrawal_that_was_a_mistake_breaks_no_link(by, other, form):
    patient = enrolled(by, form)
    withdraw(by, patient, fate="anonymise")
    (taken_back,) = consent.withdrawals_of(patient)
    do(service.reverse, withdrawal=taken_back, reason="another person's letter", by=other)

    with pytest.raises(RuleViolation, match="anonymisation_not_withdrawn"):
        break_link(by, other, patient)


def test_of_two_who_agree_at_once_one_is_first(app, by, other, form):
    patient, third = enrolled(by, form), people.actor("dpo")
    withdraw(by, patient)
    key, looked_at = asked(by, patient).id, traces.seen(traces.find_traces(patient))
    db.session.remove()
    ready, outcomes = threading.Barrier(2), []

    def run(who):
        with app.app_context():
            ready.wait()
            try:
                outcomes.append(
                    unit_of_work(
                        lambda: anonymising.agree(
                            anonymisation=db.session.get_one(Anonymisation, key),
                            code=CODE,
                            looked_at=looked_at,
                            erase=[],
                            by=who,
                        )
                    )
                    and "agreed"
                )
            except (RuleViolation, Malformed) as refusal:
                outcomes.append(refusal.code)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=[who]) for who in (other, third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["agreed", "anonymisation_ended"]


def test_every_decision_is_still_made_again_as_it_was(by, other, study, form):
    """Also of a pool, and after two of its donors are nobody any more."""
    donors = [enrolled(by, form, code) for code in ("P-1", "P-2", "P-3")]
    tubes = [draw(by, donor, study) for donor in donors]
    asked_for = rules.Use(act="analyse", purposes=rules.parse_purposes(["GEN"]), genetic=False)
    pool = do(processing.pool, samples=tubes, type="Plasma", use=asked_for, by=by)
    do(uses.use, samples=[pool], asked=asked_for, act="analyse", by=by)
    for donor in donors[:2]:
        withdraw(by, donor)
        break_link(by, other, donor)
    with pytest.raises(RuleViolation):
        do(uses.use, samples=[pool], asked=asked_for, act="analyse", by=by)

    db.session.rollback()
    done = replay.replay()

    assert done.unlinked > 0
    assert done.differences == []
