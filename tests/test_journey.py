"""The path of one sample, end to end. Read this first.

A tube is drawn from a patient who consented, gets a label, is processed into aliquots, stands at a freezer position, is
asked for by a researcher, is checked against the consent, is handed out, and shows up in the year's figures. Then the
same path once more, stopped by a withdrawal at each of its steps.
"""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from PIL import Image

from biobank.audit import service as audit
from tests.people import Api, api

#: Everybody who has a hand in it.
ROLES = ("manager", "technician", "researcher", "committee", "dpo")


class Bank:
    """A bank with one study, one form and one freezer, spoken to over its API by people of each role."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.people = {role: api(app, role) for role in ROLES}
        manager = self.manager
        ok(manager.post("/studies", {"code": "COLIBRI", "title": "Circulating DNA in breast cancer"}))
        clauses = [
            {"key": "research", "text": "Research on cancer", "required": True, "if_granted": ["DS:II"]},
            {"key": "companies", "text": "Use by companies", "if_refused": ["NPU"]},
        ]
        ok(manager.post("/consent-forms", {"code": "MAIN", "version": "1", "clauses": clauses}))
        freezer = ok(manager.post("/containers", {"kind": "freezer_minus80", "name": "Freezer A"}))["code"]
        shelf = self.container("shelf", "Shelf 1", freezer)
        rack = self.container("drawer_rack", "Rack 1", shelf)
        self.box = self.container("tube_box_9x9", "Box 1", rack)

    def __getattr__(self, role: str) -> Api:
        return self.people[role]

    def container(self, kind: str, name: str, parent: str) -> str:
        told = {"kind": kind, "name": name, "parent": parent, "position": "1"}
        code: str = ok(self.manager.post("/containers", told))["code"]
        return code

    def consenting_patient(self, **answers: str) -> str:
        patient: str = ok(self.technician.post("/patients", {"sex": "female", "birth_year": 1958}))["code"]
        told = {
            "form": "MAIN",
            "version": "1",
            "signed_on": today(),
            "answers": {"research": "granted"} | answers,
        }
        ok(self.technician.post(f"/patients/{patient}/consents", told))
        return patient

    def draw(self, patient: str) -> str:
        an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="minutes")
        told = {
            "patient": patient,
            "study": "COLIBRI",
            "type": "Plasma",
            "collected_at": an_hour_ago,
            "volume_ul": 1000,
        }
        code: str = ok(self.technician.post("/samples", told))["code"]
        return code

    def aliquot(self, tube: str) -> list[str]:
        made = ok(self.technician.post(f"/samples/{tube}/aliquots", {"count": 2, "volume_ul": 400.5}))
        return [child["code"] for child in made["items"]]

    def store(self, sample: str, position: str) -> None:
        ok(self.technician.put(f"/containers/{self.box}/positions/{position}", {"sample": sample}))

    def ask_for(self, *samples: str, **terms: Any) -> str:
        told = {
            "title": "Early relapse",
            "purposes": ["DS:C50.1"],
            "organisation": "non-profit",
            "genetic": False,
        }
        code: str = ok(self.researcher.post("/requests", told | terms))["code"]
        ok(self.researcher.post(f"/requests/{code}/lines", {"samples": list(samples)}))
        ok(self.researcher.post(f"/requests/{code}/submit"))
        return code

    def approve(self, request: str) -> dict[str, Any]:
        return ok(self.committee.post(f"/requests/{request}/approve"))

    def pick(self, request: str, sample: str) -> dict[str, Any]:
        return ok(self.technician.post(f"/requests/{request}/picks", {"sample": sample}))

    def hand_out(self, request: str) -> dict[str, Any]:
        return ok(self.technician.post(f"/requests/{request}/hand-out", {"to": "Laboratory 3"}))

    def withdraw(self, patient: str) -> dict[str, Any]:
        told = {"scope": "all", "received_on": today(), "fate": "keep"}
        return ok(self.dpo.post(f"/patients/{patient}/withdrawals", told))

    def sample(self, code: str) -> dict[str, Any]:
        return ok(self.technician.get(f"/samples/{code}"))


def ok(response: Any) -> Any:
    """What the bank answered; every step must have been allowed."""
    assert response.status_code in (200, 201), response.get_data(as_text=True)
    return response.json


def refused(response: Any, code: str) -> set[str]:
    """The codes of the reasons; the biobank must have forbidden it."""
    assert (response.status_code, response.json["code"]) == (409, code), response.get_data(as_text=True)
    assert response.json["detail"]
    return {reason["code"] for reason in response.json.get("reasons", [])}


def today() -> str:
    return datetime.now(UTC).date().isoformat()


@pytest.fixture
def bank(app: Flask) -> Bank:
    return Bank(app)


def test_the_path_of_one_sample(bank: Bank) -> None:
    # A patient consents, and a tube is drawn.
    patient = bank.consenting_patient()
    tube = bank.draw(patient)
    assert bank.sample(tube)["consent"]["colour"] == "green"

    # Its label can be read by any scanner.
    picture = bank.technician.get(f"/labels/{tube}.png")
    assert [found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.data)))] == [tube]

    # It is divided; the tube is debited, and the children know their parent.
    first, second = bank.aliquot(tube)
    assert bank.sample(tube)["volume_ul"] == 199
    assert bank.sample(first)["parents"] == [tube]

    # Each stands at a position of its own; the same position is refused, with its occupant.
    bank.store(first, "A1")
    bank.store(second, "a02")
    taken = bank.technician.put(f"/containers/{bank.box}/positions/A01", {"sample": tube})
    assert (taken.status_code, taken.json["occupant"]) == (409, first)

    # A scan tells what it is, where it is, and whether it may be used.
    scan = ok(bank.technician.get(f"/scan?raw={first}%0D%0A"))
    assert (scan["kind"], scan["code"], scan["card"]["position"]["position"]) == ("sample", first, "A01")
    assert [step["name"] for step in scan["card"]["position"]["path"]] == [
        "Freezer A",
        "Shelf 1",
        "Rack 1",
        "Box 1",
    ]

    # A researcher asks; the committee approves, which asks the consent and holds the tube.
    request = bank.ask_for(first)
    approved = bank.approve(request)
    assert (approved["status"], [line["status"] for line in approved["lines"]]) == ("approved", ["reserved"])
    assert patient not in str(ok(bank.researcher.get(f"/requests/{request}")))

    # The technician fetches it by scan: the wrong tube is refused, the right one is asked for once more.
    assert refused(bank.technician.post(f"/requests/{request}/picks", {"sample": second}), "wrong_tube")
    bank.pick(request, first)
    assert bank.sample(first)["position"] is None

    # It is handed out, after the consent was asked a third time.
    bank.hand_out(request)
    assert bank.sample(first)["status"] == "handed_out"
    decisions = ok(bank.technician.get(f"/samples/{first}/decisions"))["items"]
    assert [(decision["act"], decision["verdict"]) for decision in decisions] == [
        ("hand_out", "permit"), ("pick", "permit"), ("allocate", "permit")
    ]  # fmt: skip

    # The year's figures: three samples treated, one still stored.
    year = datetime.now(UTC).year
    figures = ok(bank.manager.get(f"/reports/throughput?from={year}-01-01&to={year}-12-31"))
    assert (figures["samples_treated"], figures["samples_stored"]) == (3, 1)

    # Its story can be told, and the record of it is unbroken.
    story = [entry["act"] for entry in ok(bank.technician.get(f"/samples/{first}/history"))["items"]]
    assert story == ["created_from", "placed", "reserved", "taken_out", "picked", "handed_out"]
    with bank.app.app_context():
        assert audit.verify().broken_at is None


def test_a_withdrawal_stops_it_at_each_step(bank: Bank) -> None:
    # Before anything is drawn: no tube is taken from this patient any more.
    gone = bank.consenting_patient()
    bank.withdraw(gone)
    told = {"patient": gone, "study": "COLIBRI", "type": "Plasma", "collected_at": today(), "volume_ul": 1000}
    assert refused(bank.technician.post("/samples", told), "preserving_refused") == {"withdrawn_all"}

    # After the draw: the tube is held, may be moved and discarded, and nothing is made of it.
    patient = bank.consenting_patient()
    tube = bank.draw(patient)
    assert bank.withdraw(patient)["held"] == [tube]
    assert refused(
        bank.technician.post(f"/samples/{tube}/aliquots", {"count": 1, "volume_ul": 10}), "preserving_refused"
    )
    assert bank.sample(tube)["consent"]["colour"] == "red"
    bank.store(tube, "A1")
    ok(bank.technician.post(f"/samples/{tube}/discard", {"reason": "The donor withdrew."}))

    # After aliquoting: every child is held, and no request gets one.
    patient = bank.consenting_patient()
    tube = bank.draw(patient)
    children = bank.aliquot(tube)
    assert set(bank.withdraw(patient)["held"]) == {tube, *children}
    request = bank.ask_for(children[0])
    assert "withdrawn_all" in refused(bank.committee.post(f"/requests/{request}/approve"), "use_refused")

    # Between the approval and the pick: the line is let go, and the tube is refused in the technician's hand.
    patient = bank.consenting_patient()
    (child, _other) = bank.aliquot(bank.draw(patient))
    bank.store(child, "B1")
    request = bank.ask_for(child)
    bank.approve(request)
    assert bank.withdraw(patient)["released"]
    assert bank.technician.post(f"/requests/{request}/picks", {"sample": child}).status_code == 409
    assert bank.sample(child)["position"]["position"] == "B01"

    # Between the pick and the hand-out: it does not leave.
    patient = bank.consenting_patient()
    (child, _other) = bank.aliquot(bank.draw(patient))
    bank.store(child, "C1")
    request = bank.ask_for(child)
    bank.approve(request)
    bank.pick(request, child)
    bank.withdraw(patient)
    assert bank.technician.post(f"/requests/{request}/hand-out", {"to": "Laboratory 3"}).status_code == 409
    assert bank.sample(child)["status"] == "available"

    # After the hand-out: what left is told, so that whoever has it can be written to.
    patient = bank.consenting_patient()
    (child, kept) = bank.aliquot(bank.draw(patient))
    bank.store(child, "D1")
    request = bank.ask_for(child)
    bank.approve(request)
    bank.pick(request, child)
    bank.hand_out(request)
    touched = bank.withdraw(patient)
    assert touched["out"] == [child]
    assert kept in touched["held"]

    # None of it used a sample after its donor's withdrawal, and the record is unbroken.
    with bank.app.app_context():
        assert audit.verify().broken_at is None
