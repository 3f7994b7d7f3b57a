"""A stranger's connection: the database's own driver with its own defaults, none of our code in between."""

import sqlite3
from typing import Any

import psycopg
from sqlalchemy import make_url

NOON = "2012-03-14 11:00:00.000000"


class Stranger:
    """Says SQL to a migrated database. Each statement stands alone."""

    def __init__(self, uri: str) -> None:
        url = make_url(uri)
        self.sqlite = url.get_backend_name() == "sqlite"
        self.connection: Any = (
            sqlite3.connect(str(url.database))
            if self.sqlite
            else psycopg.connect(
                url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
            )
        )

    def say(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement)
            self.connection.commit()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self.connection.execute(statement).fetchall()
        return rows

    def insert(self, table: str, verb: str = "INSERT", **values: Any) -> None:
        columns = ", ".join(f'"{name}"' for name in values)
        self.say(f'{verb} INTO "{table}" ({columns}) VALUES ({", ".join(map(literal, values.values()))})')

    def refusal(self, statement: str) -> str:
        """What the database says no with; an empty text when it did not. Nothing stays changed."""
        try:
            self.connection.execute(statement)
        except (sqlite3.DatabaseError, psycopg.DatabaseError) as error:
            self.connection.rollback()
            return str(error).splitlines()[0]
        self.connection.commit()
        return ""

    def close(self) -> None:
        self.connection.close()


class Passing(Stranger):
    """A stranger whose words pass: what is said from `begin` on is taken back, so that one bank serves many tests.

    Each statement stands alone here too. No guard waits for the end of a transaction.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        if self.sqlite:
            self.connection.isolation_level = None  # transactions are begun here, not by the driver

    def begin(self) -> None:
        self.connection.execute("BEGIN")

    def take_back(self) -> None:
        self.connection.execute("ROLLBACK")

    def say(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement)

    def refusal(self, statement: str) -> str:
        self.connection.execute("SAVEPOINT before")
        try:
            self.connection.execute(statement)
        except (sqlite3.DatabaseError, psycopg.DatabaseError) as error:
            self.connection.execute("ROLLBACK TO before")
            return str(error).splitlines()[0]
        finally:
            self.connection.execute("RELEASE before")
        return ""


def literal(value: Any) -> str:
    """A value as both databases read it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def fill(bank: Stranger) -> None:
    """One row in each guarded table, by hand. Patient 1 consented, patient 2 was never asked."""
    add = bank.insert
    add("site", id=1, code="IPC", name="IPC", recorded_at=NOON)
    add("study", id=1, site_id=1, code="S1", title="S", recorded_at=NOON)
    for number in (1, 2):
        key = f"key-{number}"
        add(
            "patient",
            id=number,
            site_id=1,
            code=f"P{number}",
            subject_key=key,
            sex="female",
            recorded_at=NOON,
        )
    form = {"site_id": 1, "title": "F", "recorded_at": NOON}
    add("consent_form", id=1, code="F", version="1", status="draft", **form)
    add(
        "clause",
        id=1,
        form_id=1,
        place=1,
        key="use",
        text="…",
        required=True,
        if_granted="[]",
        if_refused="[]",
    )
    bank.say(f"UPDATE consent_form SET status = 'in_force', in_force_at = '{NOON}' WHERE id = 1")
    add("consent_form", id=2, code="F", version="2", status="draft", **form)
    add("consent_event", id=1, patient_id=1, kind="consent", recorded_at=NOON)
    add("consent", id=1, patient_id=1, form_id=1, signed_on="2012-03-01", recorded_at=NOON, recorded_by="k")
    add("consent_answer", consent_id=1, clause_id=1, answer="granted")
    add(
        "collection_event",
        id=1,
        site_id=1,
        patient_id=1,
        study_id=1,
        happened_at=NOON,
        precision="minute",
        recorded_at=NOON,
    )
    add(
        "processing",
        id=1,
        site_id=1,
        act="receive",
        happened_at=NOON,
        precision="minute",
        recorded_at=NOON,
        actor_key="k",
    )
    for number, patient in ((1, 1), (2, 2), (3, 1), (4, 1)):
        add(
            "sample", id=number, site_id=1, code=f"T{number}", container_code=f"tube-{number}", study_id=1,
            collection_event_id=1, type="Plasma", vessel="tube", status="available", origin="collected",
            processing_id=1, quantity_kind="volume", initial=9000, remaining=9000, reserved=0, recorded_at=NOON,
        )  # fmt: skip
        add("sample_donor", sample_id=number, patient_id=patient)
        add(
            "quantity_entry",
            id=number,
            sample_id=number,
            amount=9000,
            act="receive",
            recorded_at=NOON,
            actor_key="k",
        )
    add("sample_parent", child_id=3, parent_id=1)
    add(
        "sample_correction",
        id=1,
        sample_id=1,
        what="type",
        old="Serum",
        new="Plasma",
        reason="typo",
        recorded_at=NOON,
        actor_key="k",
    )
    decide(bank, 1)
    use(bank, 1)
    add("withdrawal", id=event(bank, 2, "withdrawal"), patient_id=2, scope="all", received_on="2012-03-02",
        fate="keep", recorded_at=NOON, recorded_by="k")  # fmt: skip
    add("withdrawal", id=event(bank, 2, "withdrawal"), patient_id=2, scope="objection", objects_to="NO_GENETIC",
        received_on="2012-03-02", fate="keep", recorded_at=NOON, recorded_by="k")  # fmt: skip
    last = int(bank.ask("SELECT max(id) FROM withdrawal")[0][0])
    add("withdrawal_reversal", id=event(bank, 2, "reversal"), withdrawal_id=last, reason="typo", recorded_at=NOON,
        recorded_by="l")  # fmt: skip
    add("study_terms", id=1, study_id=1, reserved=False, reason="…", recorded_at=NOON, recorded_by="k")
    add("consent_review", id=1, request_id=1, sample_id=1, reason_codes="[]", outcome="lift", why="…",
        reviewer_key="k", recorded_at=NOON)  # fmt: skip
    paper = {
        "media_type": "application/pdf",
        "size": 1,
        "sha256": "0",
        "recorded_at": NOON,
        "recorded_by": "k",
    }
    add("signed_document", id=1, consent_id=1, content="x", **paper)
    add("signed_document", id=2, consent_id=1, replaces_id=1, erased_at=NOON, **paper)
    task = {"site_id": 1, "reason": "…", "opened_at": NOON, "opened_by": "k"}
    add("destruction_task", id=1, sample_id=4, **task)
    add("destruction_task", id=2, sample_id=2, first_at=NOON, first_by="k", done_at=NOON, done_by="l", **task)
    add("anonymisation", id=1, patient_id=2, reason="…", asked_at=NOON, asked_by="k")
    add(
        "anonymisation",
        id=2,
        patient_id=1,
        reason="…",
        asked_at=NOON,
        asked_by="k",
        agreed_at=NOON,
        agreed_by="l",
    )
    _fill_places(bank)
    _fill_bench(bank)


def _fill_places(bank: Stranger) -> None:
    """Holds, places, codes, requests and the record."""
    add = bank.insert
    add("hold", id=1, sample_id=1, code="inventory", opened_at=NOON, opened_by="k")
    add(
        "hold",
        id=2,
        sample_id=1,
        code="other",
        opened_at=NOON,
        opened_by="k",
        released_at=NOON,
        released_by="k",
    )
    for number in (1, 2):
        add("container", id=number, site_id=1, code=f"K{number}", kind="box", name="B", recorded_at=NOON)
    placed = {"container_id": 1, "placed_at": NOON, "placed_recorded_at": NOON, "placed_by": "k"}
    gone = {"removed_at": NOON, "removed_recorded_at": NOON, "removed_by": "k"}
    add("placement", id=1, position="A01", sample_id=1, **placed)
    add("placement", id=2, position="A02", sample_id=2, **placed, **gone)
    add("scannable_code", id=1, code="T1", kind="sample", target_id=1, site_id=1)
    add("scannable_code", id=2, code="T2", kind="sample", target_id=2, site_id=1, voided_at=NOON)
    add("user_account", id=1, name="r", active=True, fs_uniquifier="u", actor_key="k", recorded_at=NOON)
    add("request", id=1, site_id=1, code="R1", researcher_id=1, title="t", purposes="[]", organisation="unknown",
        terms="{}", status="approved", recorded_at=NOON)  # fmt: skip
    add("request_line", id=1, request_id=1, sample_id=1, status="reserved", reasons="[]")
    letter = {"site_id": 1, "withdrawal_id": 1, "request_id": 1, "recipient": "r", "due_on": "2012-04-01",
              "opened_at": NOON}  # fmt: skip
    add("recall", id=1, **letter)
    add(
        "recall",
        id=2,
        sent_at=NOON,
        sent_by="k",
        answered_at=NOON,
        answered_by="k",
        answer="stopped",
        **letter,
    )
    add("recall_sample", recall_id=1, sample_id=1)
    add("reservation", id=1, line_id=1, sample_id=1, made_at=NOON, made_by="k")
    add("reservation", id=2, line_id=1, sample_id=2, made_at=NOON, made_by="k", released_at=NOON)
    add(
        "import_run",
        id=1,
        site_id=1,
        profile="gdc",
        files="[]",
        summary="{}",
        recorded_at=NOON,
        actor_key="k",
    )
    for number in (1, 2):
        add("imported_record", id=number, run_id=1, site_id=1, profile="gdc", external_id=f"x{number}", level="sample",
            sample_id=number, file="f", row=number, hash="h", raw="{}")  # fmt: skip
    add("accession_counter", letter="T", next_serial=5)
    add(
        "audit_entry",
        seq=1,
        prev_hash="0",
        hash="1",
        subject_kind="sample",
        subject_key="T1",
        recorded_at=NOON,
        content='{"act":"discarded","actor":"k","seq":1}',
    )
    bank.say("UPDATE audit_head SET seq = 1, hash = '1'")


def _fill_bench(bank: Stranger) -> None:
    """Stations and scans, procedures, claims, racks, plans, what went wrong, labels and sessions of work."""
    add = bank.insert
    made = {"made_at": NOON, "made_by": "k"}
    recorded = {"recorded_at": NOON, "recorded_by": "k"}
    add("discard_reversal", id=1, sample_id=1, entry_seq=1, **recorded)
    add("station", id=1, site_id=1, code="J1", name="Reception", prefix="", suffix="", recorded_at=NOON)
    add("odd_scan", id=1, site_id=1, station="J1", kind="unknown", raw="x", fault="layout", recorded_at=NOON,
        actor_key="k", settled_at=NOON, settled_by="k")  # fmt: skip
    add("procedure", id=1, site_id=1, number="X1", code="SOP", version=1, title="t", steps="[]", in_force_at=NOON,
        retired_at=NOON, **recorded)  # fmt: skip
    add("collection_kit", id=1, site_id=1, number="Y1", code="KIT", study_id=1, visit="V1", title="t", tubes="[]",
        procedure_code="SOP", retired_at=NOON, **recorded)  # fmt: skip
    run = {"site_id": 1, "procedure_id": 1, "step": "spin", "batch": "b", "started_at": NOON, "started_by": "k",
           "cancelled": False}  # fmt: skip
    add("step_run", id=1, sample_id=1, **run)
    add("step_run", id=2, sample_id=2, stopped_at=NOON, stopped_by="k", **run)
    claim = {"container_id": 1, "kind": "reserved", "for_key": "k", "plan_id": 1, "until_at": NOON, **made}
    add("position_claim", id=1, position="B01", **claim)
    add("position_claim", id=2, position="B02", ended_at=NOON, ended_by="k", how_ended="used", **claim)
    add("rack_scan", id=1, site_id=1, container_id=1, source="upload", file_name="f.csv", media_type="text/csv",
        size=1, sha256="0", content="x", applied_at=NOON, applied_by="k", **recorded)  # fmt: skip
    plan = {"site_id": 1, "container_id": 1, "why": "alarm", **made}
    add("move_plan", id=1, kind="evacuate", closed_at=NOON, closed_by="k", **plan)
    add("move_plan", id=2, kind="return", reverses_id=1, **plan)
    step = {
        "plan_id": 1,
        "from_container_id": 1,
        "from_position": "A01",
        "to_container_id": 2,
        "to_position": "A01",
    }
    add("move_step", id=1, seq=1, sample_id=1, **step)
    add("move_step", id=2, seq=2, sample_id=2, done_at=NOON, done_by="k", **step)
    add("move_step", id=3, seq=3, child_id=2, **step)
    add("non_conformity", id=1, site_id=1, sample_id=1, code="warm", stage="arrival", happened_at=NOON,
        closed_at=NOON, closed_by="k", action="thrown away", **recorded)  # fmt: skip
    looked = {"site_id": 1, "container_id": 1, "opened_at": NOON, "opened_by": "k"}
    add("inventory", id=1, kind="random", seed=7, closed_at=NOON, closed_by="k", **looked)
    add("inventory_line", id=1, inventory_id=1, sample_id=1, container_id=1, position="A01", outcome="missing",
        checked_at=NOON, checked_by="k")  # fmt: skip
    differs = {**looked, "sample_id": 1, "source": "inventory", "source_id": 1, "position": "A01"}
    add("discrepancy", id=1, kind="missing", **differs)
    add("discrepancy", id=2, kind="unreadable", settled_at=NOON, settled_by="k", how="found", **differs)
    add("label_job", id=1, site_id=1, code="T1", copies=1, reprint=0, state="sent", tries=1, asked_at=NOON,
        asked_by="k")  # fmt: skip
    add("label_design", id=1, site_id=1, name="tube", version=1, text="x", **recorded)
    _fill_numbers(bank)
    add("label_check", id=1, sample_id=1, expected="T1", read="T1", matched=True, station="J1", **recorded)
    work = {"site_id": 1, "task": "fill", "actor_key": "k", "state": "{}", "opened_at": NOON}
    add("work_session", id=1, key="w1", station="J1", **work)
    add("work_session", id=2, key="w2", station="J2", closed_at=NOON, closed_by="k", **work)
    add("work_step", id=1, session_id=1, seq=1, key="s1", raw="T1", how="typed", outcome="done", act="place", told="{}",
        scanned_at=NOON, recorded_at=NOON, undone_at=NOON, undone_by="k")  # fmt: skip


def _fill_numbers(bank: Stranger) -> None:
    """A tube whose number was replaced, numbers that were printed ahead, and one of them on a tube."""
    add = bank.insert
    told = {"recorded_at": NOON, "recorded_by": "k"}
    tube = {"site_id": 1, "study_id": 1, "type": "Plasma", "vessel": "tube", "status": "available",
            "origin": "collected", "treated_precision": "unknown", "reserved": 0, "recorded_at": NOON}  # fmt: skip
    add("sample", id=31, code="T31", **tube)
    add("scannable_code", id=31, code="T31", kind="sample", target_id=31, site_id=1)
    add("code_replacement", id=1, sample_id=31, old_code="T31", new_code="T32", reason="torn", **told)
    add("scannable_code", id=32, code="T32", kind="sample", target_id=31, site_id=1)
    bank.say(f"UPDATE scannable_code SET voided_at = '{NOON}' WHERE id = 31")
    bank.say("UPDATE sample SET code = 'T32' WHERE id = 31")
    add("allotment", id=1, site_id=1, kit_id=1, note="ward", **told)
    for number, code in enumerate(("T41", "T42", "T43"), start=41):
        add("scannable_code", id=number, code=code, kind="sample", target_id=0, site_id=1)
        add("allotted_number", id=number, allotment_id=1, code=code, set_number=1, place=number - 40, type="Plasma",
            label="a", state="out")  # fmt: skip
    add("sample", id=42, code="T42", **tube)
    bank.say("UPDATE scannable_code SET target_id = 42 WHERE id = 42",
             "UPDATE allotted_number SET state = 'used', sample_id = 42 WHERE id = 42",
             f"UPDATE scannable_code SET voided_at = '{NOON}' WHERE id = 43",
             "UPDATE allotted_number SET state = 'voided' WHERE id = 43")  # fmt: skip


def event(bank: Stranger, patient: int, kind: str) -> int:
    """Something that changes a patient's standing. returns its number"""
    number = int(bank.ask("SELECT coalesce(max(id), 0) + 1 FROM consent_event")[0][0])
    bank.insert("consent_event", id=number, patient_id=patient, kind=kind, recorded_at=NOON)
    return number


def decision(number: int, **changes: Any) -> dict[str, Any]:
    """A permit to pick sample 1, made by hand."""
    return {
        "id": number, "sample_id": 1, "act": "pick", "verdict": "permit", "reasons": "[]", "use": "{}", "facts": "{}",
        "consent_ids": "[1]", "consent_event_id": 1, "rule_version": "1", "vocabulary_version": "1", "as_of": NOON,
        "recorded_at": NOON, "actor_key": "k",
    } | changes  # fmt: skip


def decide(bank: Stranger, number: int, **changes: Any) -> None:
    bank.insert("decision", **decision(number, **changes))


def a_use(number: int, **changes: Any) -> dict[str, Any]:
    """A use by the decision of the same number, made by hand."""
    return {
        "id": number, "decision_id": number, "sample_id": 1, "act": "pick", "verdict": "permit", "recorded_at": NOON,
        "happened_at": NOON, "actor_key": "k",
    } | changes  # fmt: skip


def use(bank: Stranger, number: int, **changes: Any) -> None:
    bank.insert("sample_use", **a_use(number, **changes))
