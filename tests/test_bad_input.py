"""What bad input gets over the API: a sentence with the field or the number in it, the right status, no change."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from biobank.core.db import Base, db
from tests.people import api
from tests.test_journey import Bank, ok, today

#: Kept of a refusal, so they may grow: the denying decision, the record of it, and the scan that nobody recognised.
KEPT = {"decision", "audit_entry", "audit_head", "odd_scan"}
HUGE = 10**30


@pytest.fixture
def bank(app: Flask) -> Bank:
    return Bank(app)


@pytest.fixture
def tube(bank: Bank) -> str:
    return bank.draw(bank.consenting_patient())


@contextmanager
def nothing_changes(bank: Bank) -> Iterator[None]:
    """The rows of every table are as many as before, and the chain of the record is whole."""
    before = _rows(bank)
    yield
    assert _rows(bank) == before


def _rows(bank: Bank) -> dict[str, int]:
    with bank.app.app_context():
        counts = {
            table.name: db.session.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.tables.values()
            if table.name not in KEPT
        }
        sums = db.session.execute(db.text("SELECT sum(remaining), sum(reserved) FROM sample")).one()
        return counts | {"remaining": sums[0], "reserved": sums[1]}


def refused(response: Any, status: int, code: str, *words: str) -> Any:
    """The answer is a problem with this status and code, and its sentence has these words in it."""
    text = response.get_data(as_text=True)
    assert (response.status_code, response.content_type) == (status, "application/problem+json"), text
    assert response.json["code"] == code, text
    for word in words:
        assert word in text, f"{word!r} is not in {text}"
    return response.json


def test_an_unknown_code_is_named(bank: Bank) -> None:
    with nothing_changes(bank):
        refused(bank.technician.get("/samples/T99999949"), 404, "sample_unknown", "T99999949")
        refused(bank.technician.get("/scan?raw=nonsense"), 404, "unknown_code", "nonsense")
        refused(bank.technician.get("/containers/K99999949/map"), 404, "container_unknown", "K99999949")
        refused(
            bank.technician.post("/samples/T99999949/aliquots", {"count": 1, "volume_ul": 1}),
            404,
            "sample_unknown",
        )


def test_the_check_digits_say_that_a_number_was_misread(bank: Bank, tube: str) -> None:
    wrong = tube[:-1] + str((int(tube[-1]) + 1) % 10)
    for path in (f"/samples/{wrong}", f"/scan?raw={wrong}"):
        answer = bank.technician.get(path)
        assert answer.status_code == 404
        assert answer.json["reasons"][0]["code"] == "check_digits_wrong"
        assert tube[-2:] in answer.json["reasons"][0]["text"]


def test_an_overdraw_says_what_is_left(bank: Bank, tube: str) -> None:
    with nothing_changes(bank):
        answer = bank.technician.post(f"/samples/{tube}/aliquots", {"count": 3, "volume_ul": 400})
        assert refused(answer, 409, "overdraw", "1000", "1200")["left"] == "1000"


@pytest.mark.parametrize(
    "amount", [0, -1, 0.0001, "NaN", "Infinity", "1e400", 10**18, True, None, [], {}, "ten", "", 2**63]
)
def test_an_amount_that_is_none_is_refused_by_name(bank: Bank, tube: str, amount: Any) -> None:
    with nothing_changes(bank):
        answer = bank.technician.post(f"/samples/{tube}/aliquots", {"count": 1, "volume_ul": amount})
        assert answer.status_code in (409, 422), answer.get_data(as_text=True)
        assert answer.json["detail"]


@pytest.mark.parametrize("count", [0, -1, 385, 1.5, "4", None, True, 2**70])
def test_a_count_that_is_none_is_refused_by_name(bank: Bank, tube: str, count: Any) -> None:
    with nothing_changes(bank):
        answer = bank.technician.post(f"/samples/{tube}/aliquots", {"count": count, "volume_ul": 1})
        refused(answer, 422, "malformed", "count")


def test_a_taken_position_says_by_whom(bank: Bank, tube: str) -> None:
    other = bank.draw(bank.consenting_patient())
    bank.store(tube, "B7")
    with nothing_changes(bank):
        answer = bank.technician.put(f"/containers/{bank.box}/positions/b07", {"sample": other})
        assert refused(answer, 409, "position_taken", tube)["occupant"] == tube


@pytest.mark.parametrize("position", ["J1", "A10", "A0", "82", "0", "AAAA1", "é1", "A1A", "-1", str(HUGE)])
def test_a_position_outside_the_box_is_refused(bank: Bank, tube: str, position: str) -> None:
    with nothing_changes(bank):
        answer = bank.technician.put(f"/containers/{bank.box}/positions/{position}", {"sample": tube})
        assert answer.status_code in (404, 409, 422), answer.get_data(as_text=True)
        assert "I" in answer.json["detail"]


def test_a_child_is_not_older_than_its_parent(bank: Bank, tube: str) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    with nothing_changes(bank):
        for path, body in (
            (f"/samples/{tube}/aliquots", {"count": 1, "volume_ul": 1, "at": long_ago}),
            ("/samples", {"type": "DNA", "parents": [tube], "collected_at": long_ago}),
        ):
            refused(bank.technician.post(path, body), 409, "child_older_than_parent", tube)


def test_a_future_draw_is_refused(bank: Bank) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    told = {
        "patient": bank.consenting_patient(),
        "study": "COLIBRI",
        "type": "Plasma",
        "collected_at": tomorrow,
    }
    with nothing_changes(bank):
        refused(bank.technician.post("/samples", told), 409, "collected_in_future", tomorrow[:4])


def test_a_pool_across_patients_where_one_refuses_names_the_sample(bank: Bank, tube: str) -> None:
    patient = ok(bank.technician.post("/patients", {}))["code"]
    answers = {"form": "MAIN", "version": "1", "signed_on": today(), "answers": {"research": "refused"}}
    ok(bank.technician.post(f"/patients/{patient}/consents", answers))
    refusing = bank.draw(patient)
    use = {"purposes": ["DS:C50"], "organisation": "non-profit", "genetic": False}
    with nothing_changes(bank):
        answer = bank.technician.post("/pools", {"samples": [tube, refusing], "use": use})
        problem = refused(answer, 409, "use_refused", refusing)
        assert problem["reasons"]
        assert problem["samples"] == refusing


def test_a_body_of_ten_megabytes_is_too_large(bank: Bank) -> None:
    with nothing_changes(bank):
        body = b'{"type": "' + b"x" * 10_000_000 + b'"}'
        answer = bank.technician.post("/samples", data=body, content_type="application/json")
        refused(answer, 413, "too_large")


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b'{"type": "Pla\\u0000sma"}', {422}),
        (b'{"type": "Pla\x00sma"}', {400, 422}),
        (b'{"type": "\xff\xfe"}', {400}),
        (b'{"type": "\\ud800"}', {422}),
        (b"{", {400}),
        (b"", {400, 422}),
        (b"[]", {422}),
        (b'"text"', {422}),
        (b"null", {400, 422}),
        (b"[" * 50_000, {400}),
        (b'{"type": NaN}', {400, 422}),
    ],
)
def test_bytes_that_are_no_json_are_refused(bank: Bank, body: bytes, statuses: set[int]) -> None:
    with nothing_changes(bank):
        answer = bank.technician.post("/samples", data=body, content_type="application/json")
        assert answer.status_code in statuses, answer.get_data(as_text=True)
        assert answer.json["detail"]


@pytest.mark.parametrize(
    "path",
    [
        f"/samples?after={HUGE}",
        f"/samples?limit={HUGE}",
        "/samples?after=-1",
        "/samples?after=%00",
        "/samples?status=asleep",
        "/samples?study=%00",
        "/samples?type=%00",
        f"/samples/{HUGE}",
        f"/scan?raw={HUGE}",
        "/scan?raw=%00",
        "/scan?raw=%ed%a0%80",
        "/scan?raw=" + "x" * 20_000,
        "/scan",
        f"/patients/{HUGE}",
        f"/requests/{HUGE}",
        f"/containers/{HUGE}/map",
        "/reports/throughput?from=2026-13-01&to=2026-01-01",
        f"/reports/throughput?from={HUGE}-01-01&to=2026-01-01",
        "/labels/%00.png",
        "/labels/T00000174.exe",
    ],
)
def test_hostile_addresses_get_a_sentence(bank: Bank, path: str) -> None:
    answer = bank.manager.get(path)
    assert 400 <= answer.status_code < 500, answer.get_data(as_text=True)
    assert answer.json["detail"]


def test_every_bad_field_is_named_at_once(bank: Bank) -> None:
    told = {
        "patient": "a b",
        "type": 3,
        "volume_ul": "x",
        "vessel": None,
        "colour": "blue",
        "collected_precision": "?",
    }
    problem = refused(bank.technician.post("/samples", told), 422, "malformed")
    assert {"patient", "type", "colour", "collected_precision"} <= set(problem["errors"])


def test_a_wrong_method_says_which_are_right(bank: Bank) -> None:
    answer = bank.technician.open("DELETE", "/samples")
    refused(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(",", "").split())


def test_another_sites_things_are_not_there(bank: Bank, tube: str, app: Flask) -> None:
    stranger = api(app, "manager", site_code="IUCT")
    box = ok(stranger.post("/containers", {"kind": "tube_box_9x9", "name": "Elsewhere"}))["code"]
    for path in (f"/samples/{tube}", f"/scan?raw={tube}", f"/samples/{tube}/history", f"/samples/{tube}/decisions",
                 f"/containers/{bank.box}/map", f"/labels/{tube}.png"):  # fmt: skip
        assert stranger.get(path).status_code == 404, path
    assert ok(stranger.get("/samples"))["items"] == []
    assert stranger.post(f"/samples/{tube}/aliquots", {"count": 1, "volume_ul": 1}).status_code == 404
    assert stranger.put(f"/containers/{box}/positions/A1", {"sample": tube}).status_code == 404
    asked = {"samples": [tube], "use": {"purposes": ["HMB"]}}
    refused(stranger.post("/use-checks", asked), 422, "malformed", tube)


def test_the_same_demand_sent_twice_is_carried_out_once(bank: Bank, tube: str) -> None:
    key = {"Idempotency-Key": "scan-1"}
    body = {"count": 1, "volume_ul": 100}
    first = bank.technician.post(f"/samples/{tube}/aliquots", body, headers=key)
    again = bank.technician.post(f"/samples/{tube}/aliquots", body, headers=key)
    other = bank.technician.post(f"/samples/{tube}/aliquots", body | {"volume_ul": 200}, headers=key)
    assert ok(first) == ok(again)
    refused(other, 422, "malformed", "Idempotency-Key")
    assert bank.sample(tube)["volume_ul"] == 900
