"""Signed papers: told by their bytes, kept with their hash, replaced but never overwritten, each reading on record."""

import hashlib
import io
import json

import pytest
from sqlalchemy import select, update

from biobank.audit.models import AuditEntry
from biobank.consent import documents
from biobank.consent import service as consents
from biobank.consent.models import Consent, SignedDocument
from biobank.core.db import db, unit_of_work
from biobank.core.errors import NotFound, RuleViolation
from tests import factories, people
from tests.consent.traces import nothing_is_stored

PDF = b"%PDF-1.7\n1 0 obj << >> endobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 20
HTML = b"<html><script>alert(1)</script>"
FORM = {"code": "F", "version": "1", "clauses": [{"key": "research", "text": "R", "if_granted": ["HMB"]}]}
GIVEN = {"form": "F", "version": "1", "signed_on": "2012-03-01", "answers": {"research": "granted"}}


@pytest.fixture
def api(app):
    return people.api(app, "manager")


@pytest.fixture
def record(api):
    """The address of a record, as the API has it."""
    api.post("/consent-forms", FORM)
    api.post("/patients", {"code": "A/1"})
    key = api.post("/patients/A/1/consents", GIVEN).json["id"]
    return f"/patients/A/1/consents/{key}"


def scan(content=PDF, name="Martin_Jeanne.pdf"):
    return {"file": (io.BytesIO(content), name)}


def send(api, record, content=PDF, name="Martin_Jeanne.pdf", **fields):
    return api.post(
        f"{record}/documents", data=scan(content, name) | fields, content_type="multipart/form-data"
    )


def acts(app):
    with app.app_context():
        contents = db.session.scalars(select(AuditEntry.content).order_by(AuditEntry.seq)).all()
    return [json.loads(content) for content in contents]


@pytest.mark.parametrize(
    ("content", "media_type"), [(PDF, "application/pdf"), (PNG, "image/png"), (JPEG, "image/jpeg")]
)
def test_a_paper_is_what_its_bytes_say_and_comes_back_as_it_was(api, record, content, media_type):
    made = send(api, record, content, "whatever.txt")

    assert made.status_code == 201
    assert (made.json["media_type"], made.json["size"]) == (media_type, len(content))
    assert made.json["sha256"] == hashlib.sha256(content).hexdigest()
    back = api.get(f"{record}/documents/{made.json['id']}")
    assert (back.data, back.content_type) == (content, media_type)


def test_a_paper_leaves_as_a_file_and_is_never_shown(api, record):
    polyglot = PDF + HTML
    key = send(api, record, polyglot).json["id"]

    headers = api.get(f"{record}/documents/{key}").headers

    assert headers["Content-Disposition"] == f'attachment; filename="document-{key}.pdf"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("content", [HTML, b" " + PDF, b"", b"%PD", b"GIF89a", b"PK\x03\x04"])
def test_bytes_of_another_kind_are_refused_whatever_their_name(app, api, record, content):
    with nothing_is_stored(app):
        answer = send(api, record, content)
        assert (answer.status_code, set(answer.json["errors"])) == (422, {"file"})


def large(api, path, size):
    """A PDF of that size. Written out here, because the test client leaves its own large files open."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    body = head + PDF.ljust(size) + b"\r\n--x--\r\n"
    return api.post(path, data=body, content_type="multipart/form-data; boundary=x")


def test_a_paper_that_is_too_large_is_refused_and_one_that_just_fits_is_taken(app, api, record):
    most = app.config["BIOBANK"]["max_document_bytes"]
    assert app.config["BIOBANK"]["max_body_bytes"] < most

    fits = large(api, f"{record}/documents", most)
    with nothing_is_stored(app):
        over, far_over = (large(api, f"{record}/documents", size) for size in (most + 1, 2 * most))

    assert fits.status_code == 201
    assert (over.status_code, over.json["code"]) == (413, "document_too_large")
    assert "10 MB" in over.json["detail"]
    assert far_over.status_code == 413


def test_only_routes_that_take_files_take_bodies_that_large(api, record):
    assert large(api, "/patients/A/1/status", 9_000_000).status_code in (413, 415)
    assert large(api, "/patients/A/1/consents", 9_000_000).status_code in (413, 415)


def test_the_name_of_the_file_is_kept_nowhere(app, api, record):
    made = send(api, record)

    assert "Martin" not in json.dumps(made.json)
    assert "Martin" not in json.dumps(acts(app))
    with app.app_context():
        row = db.session.get_one(SignedDocument, made.json["id"])
        assert not any("Martin" in str(value) for value in vars(row).values())


def test_a_replaced_paper_is_kept_and_replaced_once(app, api, record):
    first = send(api, record).json["id"]
    second = send(api, record, PNG, replaces=first).json

    assert second["replaces"] == first
    assert api.get(f"{record}/documents/{first}").data == PDF
    (read,) = api.get("/patients/A/1/consents").json["items"]
    assert [each["id"] for each in read["documents"]] == [second["id"], first]
    with nothing_is_stored(app):
        again = send(api, record, JPEG, replaces=first)
        elsewhere = send(api, record, JPEG, replaces=99)
        same = send(api, record, PNG)
    assert (again.status_code, again.json["code"]) == (409, "document_replaced_already")
    assert (elsewhere.status_code, set(elsewhere.json["errors"])) == (422, {"replaces"})
    assert (same.status_code, same.json["code"]) == (409, "document_attached_already")


def test_reading_one_is_on_record_with_who_and_which(app, api, record):
    key = send(api, record).json["id"]

    api.get(f"{record}/documents/{key}")

    *_, attached, read = acts(app)
    assert (attached["act"], attached["after"]["document"], attached["after"]["sha256"]) == (
        "document_attached", key, hashlib.sha256(PDF).hexdigest(),
    )  # fmt: skip
    assert (read["act"], read["after"]) == ("document_read", {"document": key})
    assert (read["actor"], read["subject"]) == (attached["actor"], attached["subject"])


def test_a_paper_is_found_only_at_its_own_record_patient_and_site(app, api, record):
    key = send(api, record).json["id"]
    other = api.post("/patients/A/1/consents", GIVEN).json["id"]
    api.post("/patients", {"code": "B"})
    theirs = api.post("/patients/B/consents", GIVEN).json["id"]
    stranger = people.api(app, "manager", site_code="IUCT")

    with nothing_is_stored(app):
        for path in (
            f"/patients/A/1/consents/{other}/documents/{key}",
            f"/patients/B/consents/{theirs}/documents/{key}",
            f"{record}/documents/99",
            f"{record}/documents/{2**70}",
        ):
            assert api.get(path).status_code == 404, path
        assert stranger.get(f"{record}/documents/{key}").status_code == 404
        assert send(stranger, record, PNG).status_code == 404
        assert send(api, f"/patients/A/1/consents/{theirs}", PNG).status_code == 404
        assert send(api, "/patients/A/1/consents/99", PNG).status_code == 404
    assert people.api(app, "committee").get(f"{record}/documents/{key}").status_code == 403


def test_the_same_sending_twice_keeps_one(api, record):
    key = {"Idempotency-Key": "once"}
    answers = [
        api.post(f"{record}/documents", data=scan(), content_type="multipart/form-data", headers=key)
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json


def test_without_a_file_there_is_nothing_to_keep(app, api, record):
    with nothing_is_stored(app):
        empty = api.post(f"{record}/documents", data={"replaces": ""}, content_type="multipart/form-data")
        as_json = api.post(f"{record}/documents", {"file": "JVBERi0="})
        several = api.post(
            f"{record}/documents",
            data={"file": [(io.BytesIO(PDF), "a.pdf"), (io.BytesIO(PNG), "b.png")]},
            content_type="multipart/form-data",
        )
    assert (empty.status_code, several.status_code) == (422, 422)
    assert as_json.status_code in (415, 422)


# --- the service


@pytest.fixture
def consent(app_context):
    return factories.ConsentFactory()


def test_a_paper_is_erased_and_its_hash_stays(consent):
    patient = consent.patient
    attached = factories.act(documents.attach, patient=patient, consent_id=consent.id, content=PDF)
    taken_back = factories.withdraw(patient)["withdrawal"]
    factories.act(documents.attach, patient=patient, withdrawal_id=taken_back, content=PNG)
    other = factories.ConsentFactory()
    kept = factories.act(documents.attach, patient=other.patient, consent_id=other.id, content=PDF)

    erased = [factories.act(documents.erase, patient=patient) for _ in range(2)]

    assert erased == [2, 0]
    for row in documents.documents_of(patient):
        assert (row.content, row.erased_at is None, len(row.sha256)) == (None, False, 64)
    with pytest.raises(RuleViolation, match="document_erased"):
        factories.act(documents.read_document, patient=patient, key=attached.id)
    assert factories.act(documents.read_document, patient=other.patient, key=kept.id).content == PDF


def test_the_papers_of_many_records_take_one_query_and_are_not_read(consent, app_context):
    factories.act(documents.attach, patient=consent.patient, consent_id=consent.id, content=PDF)
    db.session.expire_all()

    (found,) = documents.documents_of(consent.patient)

    assert "content" not in vars(found)


def test_the_database_refuses_another_content(consent):
    made = factories.act(documents.attach, patient=consent.patient, consent_id=consent.id, content=PDF)

    with pytest.raises(RuleViolation, match="never changed"):
        unit_of_work(
            lambda: db.session.execute(
                update(SignedDocument).where(SignedDocument.id == made.id).values(content=PNG)
            )
        )


def test_a_paper_belongs_to_a_record_of_the_patient(consent):
    other = factories.ConsentFactory()
    with nothing_is_stored(), pytest.raises(NotFound):
        factories.act(documents.attach, patient=other.patient, consent_id=consent.id, content=PDF)
    with nothing_is_stored(), pytest.raises(ValueError, match="belongs to"):
        factories.act(documents.attach, patient=consent.patient, content=PDF)


# --- the pages


@pytest.fixture
def manager(app, record):
    return people.browser(app, "manager")


def test_a_paper_is_attached_replaced_and_saved_by_page(manager):
    assert "No paper is attached." in manager.get("/patients/A/1/consents").text
    assert manager.get("/patients/A/1/consents/1/documents/new").status_code == 200

    answer = manager.post("/patients/A/1/consents/1/documents", scan())
    manager.post("/patients/A/1/consents/1/documents", scan(PNG) | {"replaces": "1"})

    assert (answer.status_code, answer.location) == (303, "/patients/A/1/consents#record-1")
    page = manager.get("/patients/A/1/consents").text
    assert "replaced by document 2" in page
    assert 'href="/patients/A/1/documents/1"' in page
    saved = manager.get("/patients/A/1/documents/1")
    assert saved.data == PDF
    assert saved.headers["Content-Disposition"].startswith("attachment")


def test_a_bad_file_is_told_beside_its_field(manager, app):
    with nothing_is_stored(app):
        page = manager.post("/patients/A/1/consents/1/documents", scan(HTML))
        none = manager.post("/patients/A/1/consents/1/documents", {"file": (io.BytesIO(b""), "")})
    assert (page.status_code, none.status_code) == (422, 422)
    assert 'id="problem-file"' in page.text
    assert "Choose the file." in none.text


def test_a_consent_and_its_paper_are_recorded_together_or_not_at_all(manager, app):
    given = {"form": "F", "version": "1", "signed_on": "2012-03-01", "answers.research": "granted"}

    with nothing_is_stored(app):
        refused = manager.post("/patients/A/1/consents", given | scan(HTML))
    taken = manager.post("/patients/A/1/consents", given | scan())
    without = manager.post("/patients/A/1/consents", given | {"file": (io.BytesIO(b""), "")})

    assert (refused.status_code, taken.status_code, without.status_code) == (422, 303, 303)
    with app.app_context():
        patient = db.session.scalars(select(Consent)).first().patient
        counts = [len(each.documents) for each in consents.consents_of(patient)]
    assert counts == [0, 1, 0]


def test_the_letter_of_a_withdrawal_is_kept_beside_it(app, api, manager):
    told = {"scope": "all", "received_on": "2012-04-01", "fate": "keep"}
    key = api.post("/patients/A/1/withdrawals", told).json["withdrawal"]
    address = f"/patients/A/1/withdrawals/{key}"
    assert "No paper is attached." in manager.get(address).text
    assert manager.get(f"{address}/documents/new").status_code == 200

    first = send(api, address, JPEG)
    answer = manager.post(f"{address}/documents", scan() | {"replaces": str(first.json["id"])})

    assert (first.status_code, first.json["withdrawal"]) == (201, key)
    assert (answer.status_code, answer.location) == (303, address)
    assert "replaced by document 2" in manager.get(address).text
    assert api.get(f"{address}/documents/2").data == PDF
    assert api.get("/patients/A/1/consents/1/documents/2").status_code == 404
    with nothing_is_stored(app):
        assert manager.post(f"{address}9/documents", scan(PNG)).status_code == 404
        assert manager.get(f"{address}9/documents/new").status_code == 404


def test_another_site_does_not_find_the_pages_of_a_paper(app, manager):
    manager.post("/patients/A/1/consents/1/documents", scan())
    other = people.browser(app, "manager", site_code="IUCT")
    for path in ("/patients/A/1/documents/1", "/patients/A/1/consents/1/documents/new"):
        assert other.get(path).status_code == 404, path
    assert manager.get("/patients/A/1/consents/99/documents/new").status_code == 404
