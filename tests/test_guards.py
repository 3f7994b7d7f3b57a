"""What the database refuses on any connection, whatever program speaks, with rows made by hand."""

import pytest

from biobank.core.db import Base
from biobank.migrations.guards import GUARDS
from tests.conftest import new_database
from tests.guarded import NOON, Passing, a_use, decide, decision, event, fill, literal, use

APPEND_ONLY = sorted(guard.table for guard in GUARDS if guard.frozen is None)
#: Tables where a stranger changes something else on the row than what is frozen.
FROZEN = sorted((guard.table, column) for guard in GUARDS for column in guard.frozen or ())
ONCE = [
    ("placement", "removed_recorded_at", 2),
    ("placement", "removed_at", 2),
    ("placement", "removed_by", 2),
    ("hold", "released_at", 2),
    ("scannable_code", "voided_at", 2),
    ("reservation", "released_at", 2),
    ("consent_form", "in_force_at", 1),
    ("destruction_task", "done_at", 2),
    ("destruction_task", "first_by", 2),
    ("recall", "answered_at", 2),
    ("recall", "sent_at", 2),
    ("anonymisation", "agreed_at", 2),
    ("signed_document", "erased_at", 2),
    ("odd_scan", "settled_at", 1),
    ("procedure", "retired_at", 1),
    ("collection_kit", "retired_at", 1),
    ("step_run", "stopped_at", 2),
    ("position_claim", "ended_at", 2),
    ("position_claim", "how_ended", 2),
    ("rack_scan", "applied_at", 1),
    ("move_plan", "closed_at", 1),
    ("move_step", "done_at", 2),
    ("non_conformity", "closed_at", 1),
    ("inventory", "closed_at", 1),
    ("inventory_line", "outcome", 1),
    ("discrepancy", "settled_at", 2),
    ("work_session", "closed_at", 2),
    ("work_step", "undone_at", 1),
]


@pytest.fixture(scope="module")
def filled(migrated_template, database_kind):
    with new_database(database_kind, template=migrated_template) as uri:
        stranger = Passing(uri.render_as_string(hide_password=False))
        fill(stranger)
        yield stranger
        stranger.close()


@pytest.fixture
def bank(filled):
    """The one filled bank, from which everything that a test says is taken back."""
    filled.begin()
    yield filled
    filled.take_back()


def insertion(table: str, values: dict, verb: str = "INSERT") -> str:
    columns = ", ".join(f'"{name}"' for name in values)
    return f'{verb} INTO "{table}" ({columns}) VALUES ({", ".join(map(literal, values.values()))})'


def verbs(bank) -> list[str]:
    """The ways to insert, also those that go round triggers on deletion."""
    return ["INSERT", "INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE"] if bank.sqlite else ["INSERT"]


def refused_every_way(bank, table: str, values: dict) -> bool:
    """True when no way to insert the row changes the number of rows."""
    before = bank.ask(f'SELECT count(*) FROM "{table}"')
    for verb in verbs(bank):
        bank.refusal(insertion(table, values, verb))
    return bank.ask(f'SELECT count(*) FROM "{table}"') == before


# --- the gate


def test_a_use_by_a_permit_is_taken_once(bank):
    decide(bank, 10)
    use(bank, 10)

    assert refused_every_way(bank, "sample_use", a_use(11, decision_id=10))


@pytest.mark.parametrize(
    "changes",
    [
        {"decision_id": 99},
        {"sample_id": 3},
        {"act": "ship"},
        {"recorded_at": "2012-03-14 11:00:00.000001"},
        {"verdict": "deny"},
        {"verdict": "review"},
        {"verdict": "PERMIT"},
        {"decision_id": None},
        {"verdict": None},
    ],
)
def test_a_use_needs_a_permit_for_that_sample_act_and_moment(bank, changes):
    decide(bank, 10)

    assert refused_every_way(bank, "sample_use", a_use(10) | changes)


@pytest.mark.parametrize("verdict", ["deny", "review"])
def test_a_use_by_a_decision_that_does_not_permit_is_refused(bank, verdict):
    decide(bank, 10, verdict=verdict)

    assert refused_every_way(bank, "sample_use", a_use(10))
    assert refused_every_way(bank, "sample_use", a_use(10, verdict=verdict))


def test_a_denial_is_not_turned_into_a_permit(bank):
    decide(bank, 10, verdict="deny")

    assert "append-only" in bank.refusal("UPDATE decision SET verdict = 'permit' WHERE id = 10")
    if bank.sqlite:
        assert bank.refusal("UPDATE OR REPLACE decision SET id = 1 WHERE id = 10")
    assert refused_every_way(bank, "decision", decision(10))


@pytest.mark.parametrize(
    ("column", "value"), [("sample_id", 3), ("act", "'ship'"), ("decision_id", 10), ("id", 9)]
)
def test_a_use_is_not_made_by_changing_another(bank, column, value):
    decide(bank, 10, sample_id=3, act="ship")

    assert "append-only" in bank.refusal(f"UPDATE sample_use SET {column} = {value} WHERE id = 1")


@pytest.mark.parametrize("kind", ["withdrawal", "consent", "attribution", "status", "reversal"])
def test_a_decision_older_than_what_its_donor_last_said_opens_nothing(bank, kind):
    decide(bank, 10)
    event(bank, 1, kind)

    assert refused_every_way(bank, "sample_use", a_use(10))


def test_a_decision_that_knew_the_last_word_opens(bank):
    number = event(bank, 1, "consent")
    decide(bank, 10, consent_event_id=number)

    use(bank, 10)


def test_what_another_patient_says_closes_nothing(bank):
    decide(bank, 10)
    event(bank, 2, "withdrawal")

    use(bank, 10)


def test_of_a_pool_every_donor_counts(bank):
    bank.say(
        insertion("sample", dict(bank_sample(bank), id=5, code="T5", container_code=None)),
        "INSERT INTO sample_donor (sample_id, patient_id) VALUES (5, 1), (5, 2)",
    )

    assert refused_every_way(bank, "decision", decision(10, sample_id=5))


def bank_sample(bank) -> dict:
    return {
        "site_id": 1, "study_id": 1, "type": "Plasma", "vessel": "tube", "status": "available",
        "origin": "pooled", "reserved": 0, "recorded_at": NOON,
    }  # fmt: skip


@pytest.mark.parametrize(
    "act", ["allocate", "pick", "hand_out", "ship", "analyse", "give_data", "pool_across_donors"]
)
def test_where_nothing_is_recorded_no_permit_can_be_written(bank, act):
    """Sample 2 is of a patient who was never asked."""
    assert refused_every_way(bank, "decision", decision(10, sample_id=2, act=act))


def test_where_no_donor_is_recorded_no_permit_can_be_written(bank):
    bank.say(insertion("sample", dict(bank_sample(bank), id=5, code="T5", container_code=None)))

    assert refused_every_way(bank, "decision", decision(10, sample_id=5))


def test_after_a_withdrawal_of_everything_no_permit_can_be_written(bank):
    number = event(bank, 1, "withdrawal")
    bank.insert(
        "withdrawal", id=number, patient_id=1, scope="all", received_on="2012-03-02", fate="keep", recorded_at=NOON,
        recorded_by="k",
    )  # fmt: skip

    assert refused_every_way(bank, "decision", decision(10, consent_event_id=number))


def test_after_a_withdrawal_that_was_reversed_a_permit_can_be_written_again(bank):
    number = event(bank, 1, "withdrawal")
    bank.insert(
        "withdrawal", id=number, patient_id=1, scope="all", received_on="2012-03-02", fate="keep", recorded_at=NOON,
        recorded_by="k",
    )  # fmt: skip
    undo = event(bank, 1, "reversal")
    reversal = {"id": undo, "withdrawal_id": number, "reason": "typo", "recorded_at": NOON}

    assert refused_every_way(bank, "withdrawal_reversal", reversal | {"recorded_by": "k"})
    bank.insert("withdrawal_reversal", **reversal, recorded_by="l")

    decide(bank, 10, consent_event_id=undo)
    use(bank, 10)


#: A later paper that gives nothing back: what it is, on which form, and its answer.
NOTHING_GIVEN = {
    "refusal": ({}, 1, "refused"),
    "blank": ({}, 1, None),
    "waiver": ({"basis": "waiver", "given_by": "committee", "ethics_reference": "CPP 1"}, 3, "granted"),
    "non_opposition": ({"basis": "non_opposition", "channel": "post"}, 3, "granted"),
    "signed_before": ({"signed_on": "2012-03-01"}, 1, "granted"),
}


def withdraw_all(bank, patient: int = 1) -> int:
    number = event(bank, patient, "withdrawal")
    bank.insert(
        "withdrawal", id=number, patient_id=patient, scope="all", received_on="2012-03-02", fate="keep",
        recorded_at=NOON, recorded_by="k",
    )  # fmt: skip
    return number


def sign(bank, form: int = 1, answer: str | None = "granted", **told) -> int:
    """A paper of patient 1, with its one answer. returns its number"""
    number = event(bank, 1, "consent")
    paper = {"id": number, "patient_id": 1, "form_id": form, "signed_on": "2012-03-03", "recorded_at": NOON}
    bank.insert("consent", **(paper | {"recorded_by": "k"} | told))
    if answer:
        bank.insert("consent_answer", consent_id=number, clause_id=form, answer=answer)
    return number


def add_notice(bank) -> None:
    """Form 3, in force, with clause 3: a notice, which people are informed by."""
    bank.insert(
        "consent_form", id=3, site_id=1, code="N", version="1", title="N", kind="notice", status="draft",
        recorded_at=NOON,
    )  # fmt: skip
    bank.insert(
        "clause",
        id=3,
        form_id=3,
        place=1,
        key="use",
        text="…",
        required=True,
        if_granted="[]",
        if_refused="[]",
    )
    bank.say(f"UPDATE consent_form SET status = 'in_force', in_force_at = '{NOON}' WHERE id = 3")


@pytest.mark.parametrize("kind", NOTHING_GIVEN)
def test_after_a_withdrawal_of_everything_only_a_consent_that_grants_something_opens(bank, kind):
    add_notice(bank)
    withdraw_all(bank)
    told, form, answer = NOTHING_GIVEN[kind]

    number = sign(bank, form, answer, **told)

    assert "has withdrawn" in bank.refusal(insertion("decision", decision(10, consent_event_id=number)))
    assert refused_every_way(bank, "decision", decision(10, consent_event_id=number))
    assert refused_every_way(bank, "sample_use", a_use(10))

    number = sign(bank)
    decide(bank, 10, consent_event_id=number)
    use(bank, 10)


def test_of_a_pool_each_who_withdrew_gives_again(bank):
    bank.say(
        insertion("sample", dict(bank_sample(bank), id=5, code="T5", container_code=None)),
        "INSERT INTO sample_donor (sample_id, patient_id) VALUES (5, 1), (5, 2)",
    )
    withdraw_all(bank)
    number = sign(bank)

    assert refused_every_way(bank, "decision", decision(10, sample_id=5, consent_event_id=number))


@pytest.mark.parametrize("table", ["consent", "withdrawal"])
def test_a_paper_stands_at_an_event_of_its_kind_and_patient(bank, table):
    other = "withdrawal" if table == "consent" else "consent"
    paper = {"patient_id": 1, "recorded_at": NOON, "recorded_by": "k"}
    paper |= (
        {"form_id": 1, "signed_on": "2012-03-03"}
        if table == "consent"
        else {"scope": "all", "received_on": "2012-03-03", "fate": "keep"}
    )

    assert refused_every_way(bank, table, paper | {"id": 900})
    assert refused_every_way(bank, table, paper | {"id": event(bank, 1, other)})
    assert refused_every_way(bank, table, paper | {"id": event(bank, 1, "status")})
    assert refused_every_way(bank, table, paper | {"id": event(bank, 2, table)})

    bank.insert(table, id=event(bank, 1, table), **paper)


def test_what_was_said_is_numbered_in_the_order_in_which_it_was_said(bank):
    first, last = event(bank, 1, "status"), event(bank, 2, "status")
    again = {"patient_id": 2, "kind": "consent", "recorded_at": NOON}

    for number in (0, first, last):
        assert refused_every_way(bank, "consent_event", again | {"id": number})
    for number in (last + 1001, 10**9):
        assert refused_every_way(bank, "consent_event", again | {"id": number})

    # Units that were rolled back leave gaps.
    bank.insert("consent_event", **(again | {"id": last + 5}))


def test_nothing_is_reversed_that_was_not_withdrawn(bank):
    withdrawn = withdraw_all(bank)
    stranger = event(bank, 2, "reversal")
    number = event(bank, 1, "reversal")
    reversal = {"reason": "typo", "recorded_at": NOON, "recorded_by": "l"}

    assert refused_every_way(bank, "withdrawal_reversal", reversal | {"id": number, "withdrawal_id": 900})
    assert refused_every_way(bank, "withdrawal_reversal", reversal | {"id": number, "withdrawal_id": 1})
    assert refused_every_way(
        bank, "withdrawal_reversal", reversal | {"id": stranger, "withdrawal_id": withdrawn}
    )
    assert refused_every_way(bank, "withdrawal_reversal", reversal | {"id": 900, "withdrawal_id": withdrawn})
    bank.insert("withdrawal_reversal", id=number, withdrawal_id=withdrawn, **reversal)


def test_nothing_is_agreed_to_or_done_without_a_name(bank):
    task = {"id": 9, "site_id": 1, "sample_id": 3, "reason": "…", "opened_at": NOON, "opened_by": "k"}
    link = {"id": 9, "patient_id": 1, "reason": "…", "asked_at": NOON, "asked_by": "k"}

    assert refused_every_way(bank, "anonymisation", link | {"agreed_at": NOON})
    assert refused_every_way(bank, "destruction_task", task | {"first_at": NOON})
    assert refused_every_way(bank, "destruction_task", task | {"done_at": NOON})
    assert bank.refusal(f"UPDATE anonymisation SET agreed_at = '{NOON}' WHERE id = 1")
    assert bank.refusal("UPDATE anonymisation SET agreed_by = 'l' WHERE id = 1")
    assert bank.refusal(f"UPDATE destruction_task SET first_at = '{NOON}' WHERE id = 1")
    assert bank.refusal(f"UPDATE destruction_task SET done_at = '{NOON}', done_by = 'l' WHERE id = 1")

    bank.say(f"UPDATE anonymisation SET agreed_at = '{NOON}', agreed_by = 'l' WHERE id = 1")
    bank.say(f"UPDATE destruction_task SET first_at = '{NOON}', first_by = 'k' WHERE id = 1")
    assert bank.refusal(f"UPDATE destruction_task SET done_at = '{NOON}' WHERE id = 1")
    assert bank.refusal(f"UPDATE destruction_task SET done_at = '{NOON}', done_by = 'k' WHERE id = 1")
    bank.say(f"UPDATE destruction_task SET done_at = '{NOON}', done_by = 'l' WHERE id = 1")


def test_two_people_stand_behind_what_cannot_be_undone(bank):
    task = {"id": 9, "site_id": 1, "sample_id": 3, "reason": "…", "opened_at": NOON, "opened_by": "k"}
    done = {"first_at": NOON, "first_by": "k", "done_at": NOON, "done_by": "k"}
    link = {"id": 9, "patient_id": 1, "reason": "…", "asked_at": NOON, "asked_by": "k"}

    assert refused_every_way(bank, "destruction_task", task | done)
    assert refused_every_way(bank, "destruction_task", task | {"done_at": NOON, "done_by": "l"})
    assert refused_every_way(bank, "anonymisation", link | {"agreed_at": NOON, "agreed_by": "k"})


def test_the_link_to_a_person_is_broken_by_two_people_or_not_at_all(bank):
    broken = f"UPDATE patient SET anonymised_at = '{NOON}', code = 'gone', subject_key = NULL WHERE id = "

    assert bank.refusal("UPDATE patient SET code = 'other' WHERE id = 1")
    assert bank.refusal(f"{broken}2")  # asked for, and not agreed to
    assert bank.refusal(f"{broken}1") == ""
    assert bank.refusal("UPDATE patient SET code = 'P1' WHERE id = 1")
    assert bank.refusal("UPDATE patient SET anonymised_at = NULL WHERE id = 1")


@pytest.mark.parametrize("patient", [1, 2])
def test_what_stands_for_a_person_is_erased_only_with_the_link(bank, patient):
    assert bank.refusal(f"UPDATE patient SET subject_key = NULL WHERE id = {patient}")
    assert bank.refusal(f"UPDATE patient SET subject_key = 'other' WHERE id = {patient}")
    assert bank.ask(f"SELECT subject_key FROM patient WHERE id = {patient}") == [(f"key-{patient}",)]


@pytest.mark.parametrize("verb", ["INSERT", "REPLACE"])
def test_who_acted_stays_who_they_are(bank, verb):
    account = "SELECT id, name, actor_key FROM user_account"
    before = bank.ask(account)

    assert bank.refusal("UPDATE user_account SET actor_key = 'other' WHERE id = 1")
    assert bank.refusal("DELETE FROM user_account WHERE id = 1")
    for taken in ({"id": 1}, {"actor_key": "k"}, {"name": "r"}):
        row = {"id": 9, "name": "s", "active": True, "fs_uniquifier": "v", "actor_key": "l"} | taken
        assert bank.refusal(insertion("user_account", row | {"recorded_at": NOON}, verb))

    assert bank.ask(account) == before
    bank.say("UPDATE user_account SET active = FALSE, name = 's' WHERE id = 1")


def test_nothing_is_laid_down_for_a_record_that_is_still_to_come(bank):
    assert refused_every_way(bank, "consent_answer", {"consent_id": 9, "clause_id": 1, "answer": "granted"})
    assert refused_every_way(bank, "sample_donor", {"sample_id": 99, "patient_id": 1})


def test_a_signed_document_is_erased_and_never_changed(bank):
    assert bank.refusal("UPDATE signed_document SET content = 'y' WHERE id = 1")
    assert bank.refusal("UPDATE signed_document SET content = NULL WHERE id = 1")
    assert bank.refusal("UPDATE signed_document SET content = 'y', erased_at = NULL WHERE id = 2")
    assert bank.refusal(f"UPDATE signed_document SET content = NULL, erased_at = '{NOON}' WHERE id = 1") == ""


def test_nobody_has_signed_a_form_that_was_never_in_force(bank):
    paper = {"id": event(bank, 1, "consent"), "patient_id": 1, "signed_on": "2012-03-01", "recorded_at": NOON}

    assert refused_every_way(bank, "consent", paper | {"form_id": 2, "recorded_by": "k"})


def test_two_versions_of_a_form_are_never_in_force_together(bank):
    assert bank.refusal(f"UPDATE consent_form SET status = 'in_force', in_force_at = '{NOON}' WHERE id = 2")


def test_material_may_always_go_back_to_the_patients_own_care(bank):
    decide(bank, 10, sample_id=2, act="own_care", consent_event_id=99)
    use(bank, 10, sample_id=2, act="own_care")


def test_whose_a_sample_is_changes_only_by_a_recorded_correction(bank):
    change = "UPDATE sample_donor SET patient_id = 1 WHERE sample_id = 2"

    assert "recorded correction" in bank.refusal(change)
    assert "recorded correction" in bank.refusal("DELETE FROM sample_donor WHERE sample_id = 2")
    bank.insert(
        "sample_correction", id=2, sample_id=2, what="patient", old="key-2", new="key-1", reason="mixed up",
        recorded_at=NOON, actor_key="k",
    )  # fmt: skip
    assert bank.refusal(change) == ""


# --- what is written stays


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_is_only_added_to_is_never_changed_deleted_or_replaced(bank, table):
    columns = [column.name for column in Base.metadata.tables[table].columns]
    before = bank.ask(f'SELECT * FROM "{table}" ORDER BY 1')
    assert before, f"no row of {table} to try on"

    for column in columns:
        other = "'other'" if isinstance(before[0][columns.index(column)], str) else "NULL"
        assert bank.refusal(f'UPDATE "{table}" SET "{column}" = {other}'), column
        if bank.sqlite:
            assert bank.refusal(f'UPDATE OR REPLACE "{table}" SET "{column}" = {other}'), column
    assert bank.refusal(f'DELETE FROM "{table}"')
    if bank.sqlite:
        quoted = ", ".join(f'"{column}"' for column in columns)
        assert bank.refusal(f'INSERT OR REPLACE INTO "{table}" ({quoted}) SELECT {quoted} FROM "{table}"')
    assert bank.ask(f'SELECT * FROM "{table}" ORDER BY 1') == before


@pytest.mark.parametrize(("table", "column"), FROZEN)
def test_what_says_which_thing_it_is_never_changes(bank, table, column):
    value = bank.ask(f'SELECT "{column}" FROM "{table}" ORDER BY CAST("{column}" AS text) LIMIT 1')[0][0]
    other = "'other'" if isinstance(value, str) or (value is None and "_" not in column) else "77"
    if "_at" in column:
        other = "'2001-01-01 00:00:00.000000'"

    assert bank.refusal(f'UPDATE "{table}" SET "{column}" = {other}')


@pytest.mark.parametrize(("table", "column", "key"), ONCE)
@pytest.mark.parametrize("value", ["NULL", "'2001-01-01 00:00:00.000000'"])
def test_what_is_written_once_is_not_taken_back(bank, table, column, key, value):
    assert bank.refusal(f'UPDATE "{table}" SET "{column}" = {value} WHERE id = {key}')


@pytest.mark.parametrize("table", sorted(guard.table for guard in GUARDS))
def test_nothing_that_is_guarded_is_deleted_or_emptied(bank, table):
    assert bank.refusal(f'DELETE FROM "{table}"')
    if not bank.sqlite:
        assert bank.refusal(f'TRUNCATE "{table}" CASCADE')


@pytest.mark.parametrize("table", ["clause", "sample_donor"])
def test_clauses_and_donors_are_not_emptied_either(bank, table):
    if not bank.sqlite:
        assert bank.refusal(f'TRUNCATE "{table}" CASCADE')
    assert bank.refusal(f'DELETE FROM "{table}"')


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # PostgreSQL knows no REPLACE
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.table)
def test_no_row_takes_the_place_of_another(bank, guard):
    """INSERT OR REPLACE and UPDATE OR REPLACE delete what stands in their way without asking the triggers on DELETE."""
    table = Base.metadata.tables[guard.table]
    columns = [column.name for column in table.columns]
    quoted = ", ".join(f'"{column}"' for column in columns)
    before = bank.ask(f'SELECT {quoted} FROM "{guard.table}" ORDER BY 1')
    for unique in unique_keys(table):
        row = dict(zip(columns, before[0], strict=True))
        fresh = row | {
            name: f"fresh-{name}"
            for name, value in row.items()
            if name not in unique and isinstance(value, str)
        }
        for key in table.primary_key.columns:
            if key.name not in unique:
                fresh[key.name] = 900
        for verb in ("INSERT OR REPLACE", "REPLACE"):
            bank.refusal(insertion(guard.table, fresh, verb))
        if len(before) > 1:
            taken = ", ".join(f'"{name}" = {literal(row[name])}' for name in unique)
            key = next(iter(table.primary_key.columns)).name
            bank.refusal(
                f'UPDATE OR REPLACE "{guard.table}" SET {taken} WHERE "{key}" = {literal(before[1][0])}'
            )
    after = bank.ask(f'SELECT {quoted} FROM "{guard.table}" ORDER BY 1')
    assert [row for row in before if row not in after] == []


def unique_keys(table) -> list[set[str]]:
    """Every set of columns that the table holds to be unique."""
    from sqlalchemy import UniqueConstraint

    keys = [{column.name for column in table.primary_key.columns}]
    keys += [
        {column.name for column in one.columns}
        for one in table.constraints
        if isinstance(one, UniqueConstraint)
    ]
    return keys + [{column.name for column in one.columns} for one in table.indexes if one.unique]


# --- one place, one thing; never less than nothing


def test_two_things_never_stand_in_one_place_nor_one_thing_in_two(bank):
    placed = {"container_id": 1, "placed_at": NOON, "placed_recorded_at": NOON, "placed_by": "k"}

    assert refused_every_way(bank, "placement", placed | {"id": 9, "position": "A01", "sample_id": 3})
    assert refused_every_way(bank, "placement", placed | {"id": 9, "position": "B01", "sample_id": 1})
    assert bank.refusal("UPDATE placement SET removed_recorded_at = NULL, removed_at = NULL WHERE id = 2")
    assert bank.refusal("UPDATE placement SET position = 'A01' WHERE id = 2")


def test_a_container_does_not_stand_in_itself(bank):
    placed = {"container_id": 1, "placed_at": NOON, "placed_recorded_at": NOON, "placed_by": "k"}

    assert refused_every_way(bank, "placement", placed | {"id": 9, "child_id": 1})


@pytest.mark.parametrize(
    "change",
    [
        "remaining = -1",
        "reserved = -1",
        "reserved = 9001",
        "remaining = NULL, reserved = 1",
        "status = 'vanished'",
        "quantity_kind = 'litres'",
        "quantity_kind = NULL",
    ],
)
def test_a_tube_never_holds_less_than_nothing(bank, change):
    assert bank.refusal(f"UPDATE sample SET {change} WHERE id = 1")


def test_a_sample_is_reserved_once(bank):
    assert refused_every_way(
        bank, "reservation", {"id": 9, "line_id": 1, "sample_id": 1, "made_at": NOON, "made_by": "k"}
    )


def test_counters_only_rise(bank):
    assert "only rises" in bank.refusal("UPDATE accession_counter SET next_serial = 4")
    assert "only rises" in bank.refusal("UPDATE audit_head SET seq = 0")
    assert bank.refusal("UPDATE accession_counter SET next_serial = 6") == ""


def test_the_record_does_not_fork(bank):
    entry = {
        "seq": 2,
        "prev_hash": "0",
        "hash": "2",
        "subject_kind": "s",
        "subject_key": "s",
        "recorded_at": NOON,
        "content": "{}",
    }

    assert refused_every_way(bank, "audit_entry", entry)
    assert refused_every_way(bank, "audit_head", {"id": 2, "seq": 9, "hash": "x"})


# --- forms


def test_a_form_in_force_is_not_edited(bank):
    more = {
        "id": 2,
        "form_id": 1,
        "place": 2,
        "key": "k",
        "text": "t",
        "required": False,
        "if_granted": "[]",
        "if_refused": "[]",
    }

    assert refused_every_way(bank, "clause", more)
    assert bank.refusal("UPDATE clause SET text = 'other' WHERE id = 1")
    assert bank.refusal("UPDATE clause SET form_id = 2 WHERE id = 1")
    assert bank.refusal("DELETE FROM clause WHERE id = 1")
    assert bank.refusal("UPDATE consent_form SET status = 'draft' WHERE id = 1")
    assert bank.refusal("UPDATE consent_form SET title = 'other' WHERE id = 1")
    bank.say("UPDATE consent_form SET title = 'other' WHERE id = 2")
    bank.insert("clause", **(more | {"form_id": 2}))


def test_a_clause_of_a_draft_is_not_moved_into_a_form_in_force(bank):
    draft = {
        "id": 2,
        "form_id": 2,
        "place": 2,
        "key": "k",
        "text": "t",
        "required": False,
        "if_granted": "[]",
        "if_refused": "[]",
    }
    bank.insert("clause", **draft)

    assert bank.refusal("UPDATE clause SET form_id = 1 WHERE id = 2")
    if bank.sqlite:
        before = bank.ask("SELECT * FROM clause")
        bank.refusal("UPDATE OR REPLACE clause SET id = 1 WHERE id = 2")
        bank.refusal(insertion("clause", draft | {"id": 1}, "INSERT OR REPLACE"))
        assert bank.ask("SELECT * FROM clause") == before


def test_a_retired_form_stays_retired(bank):
    bank.say(f"UPDATE consent_form SET status = 'retired', retired_at = '{NOON}' WHERE id = 1")

    assert bank.refusal("UPDATE consent_form SET status = 'in_force' WHERE id = 1")


def test_one_version_of_a_procedure_is_in_force_at_a_time(bank):
    version = {
        "site_id": 1,
        "code": "P",
        "title": "t",
        "steps": "[]",
        "recorded_at": NOON,
        "recorded_by": "k",
    }
    bank.insert("procedure", id=2, number="X2", version=1, in_force_at=NOON, **version)
    bank.insert("procedure", id=3, number="X3", version=2, **version)
    second = {"id": 4, "number": "X4", "version": 3, "in_force_at": NOON, **version}

    assert refused_every_way(bank, "procedure", second)
    assert bank.refusal(f"UPDATE procedure SET in_force_at = '{NOON}' WHERE id = 3")
    if bank.sqlite:
        bank.refusal(f"UPDATE OR REPLACE procedure SET in_force_at = '{NOON}' WHERE id = 3")
    assert bank.ask("SELECT count(*) FROM procedure WHERE code = 'P'") == [(2,)]
    bank.say(
        f"UPDATE procedure SET retired_at = '{NOON}' WHERE id = 2",
        f"UPDATE procedure SET in_force_at = '{NOON}' WHERE id = 3",
    )


def test_the_label_of_a_sample_is_verified_once(bank):
    check = {"sample_id": 1, "expected": "T1", "read": "T1", "recorded_at": NOON, "recorded_by": "k"}

    assert refused_every_way(bank, "label_check", check | {"id": 9, "matched": True})
    bank.insert("label_check", **check, id=9, matched=False)


def test_a_kit_is_retired_and_never_edited(bank):
    kit = {"site_id": 1, "number": "Y2", "code": "K2", "study_id": 1, "title": "t", "recorded_by": "k"}
    bank.insert("collection_kit", id=2, tubes="[]", recorded_at=NOON, **kit)

    bank.say(f"UPDATE collection_kit SET retired_at = '{NOON}' WHERE id = 2")
    assert "never changes" in bank.refusal("""UPDATE collection_kit SET tubes = '["T"]' WHERE id = 2""")


# --- numbers on labels


def renumber(bank, number="T99"):
    """Everything that a replacement of T1 writes, but for the number itself."""
    told = {"recorded_at": NOON, "recorded_by": "k"}
    bank.insert("code_replacement", id=9, sample_id=1, old_code="T1", new_code=number, reason="torn", **told)
    bank.insert("scannable_code", id=99, code=number, kind="sample", target_id=1, site_id=1)
    bank.say(f"UPDATE scannable_code SET voided_at = '{NOON}' WHERE code = 'T1'")


def test_a_tube_gets_another_number_by_a_replacement_alone(bank):
    change = "UPDATE sample SET code = 'T99' WHERE id = 1"
    assert "recorded replacement" in bank.refusal(change)

    renumber(bank)

    assert bank.refusal("UPDATE sample SET code = 'T98' WHERE id = 1")
    assert bank.refusal("UPDATE sample SET code = 'T99' WHERE id = 3")
    assert bank.refusal(change) == ""
    assert bank.refusal("UPDATE sample SET code = 'T1' WHERE id = 1")


@pytest.mark.parametrize("missing", ["replacement", "code", "void"])
def test_each_part_of_a_replacement_is_needed(bank, missing):
    told = {"recorded_at": NOON, "recorded_by": "k"}
    if missing != "replacement":
        bank.insert(
            "code_replacement", id=9, sample_id=1, old_code="T1", new_code="T99", reason="torn", **told
        )
    if missing != "code":
        code = {"id": 99, "code": "T99", "kind": "sample", "target_id": 1, "site_id": 1}
        assert bool(bank.refusal(insertion("scannable_code", code))) == (missing == "replacement")
    if missing != "void":
        void = f"UPDATE scannable_code SET voided_at = '{NOON}' WHERE code = 'T1'"
        assert bool(bank.refusal(void)) == (missing == "replacement")

    assert bank.refusal("UPDATE sample SET code = 'T99' WHERE id = 1")


def test_a_replacement_names_the_number_that_the_tube_has_and_is_never_edited(bank):
    told = {
        "id": 9,
        "old_code": "T7",
        "new_code": "T99",
        "reason": "r",
        "recorded_at": NOON,
        "recorded_by": "k",
    }
    assert refused_every_way(bank, "code_replacement", told | {"sample_id": 1})
    assert refused_every_way(bank, "code_replacement", told | {"sample_id": 1, "old_code": "T31"})
    assert "append-only" in bank.refusal("UPDATE code_replacement SET reason = 'other'")


def test_a_destroyed_tube_keeps_its_number(bank):
    renumber(bank)
    bank.say("UPDATE sample SET status = 'destroyed', treated_precision = 'day' WHERE id = 1")

    assert bank.refusal("UPDATE sample SET code = 'T99' WHERE id = 1")


def test_a_tube_with_another_number_is_in_the_record_as_it_was(bank):
    assert "recorded correction" in bank.refusal(
        insertion("sample_donor", {"sample_id": 31, "patient_id": 1})
    )
    assert bank.refusal(insertion("sample_parent", {"child_id": 31, "parent_id": 1}))


def test_a_tube_is_not_fetched_out_of_the_bin_under_another_number(bank):
    renumber(bank)
    bank.say("UPDATE sample SET code = 'T99' WHERE id = 1")
    bank.say("UPDATE sample SET status = 'destroyed' WHERE id = 1")
    bank.insert(
        "audit_entry", seq=2, prev_hash="1", hash="2", subject_kind="sample", subject_key="T1", recorded_at=NOON,
        content='{"act":"moved","actor":"k","seq":2}',
    )  # fmt: skip

    # the reversal knows the first entry, and the record goes on after it, under the number that it had
    assert "stays destroyed" in bank.refusal("UPDATE sample SET status = 'available' WHERE id = 1")


def test_a_number_is_printed_ahead_of_its_tube(bank):
    number = {"id": 50, "allotment_id": 1, "set_number": 1, "place": 1, "code": "T50"}

    assert refused_every_way(bank, "allotted_number", number | {"code": "T1", "state": "out"})
    assert refused_every_way(bank, "allotted_number", number | {"state": "returned"})
    assert refused_every_way(bank, "allotted_number", number | {"state": "used", "sample_id": 1})
    assert refused_every_way(bank, "allotted_number", number | {"code": "T41", "state": "out"})


def test_a_number_is_used_by_the_tube_that_bears_it(bank):
    assert "stays there" in bank.refusal(
        "UPDATE allotted_number SET state = 'used', sample_id = 1 WHERE id = 41"
    )


@pytest.mark.parametrize(
    "change",
    [
        "state = 'out', sample_id = NULL",
        "state = 'returned', sample_id = NULL",
        "state = 'voided', sample_id = NULL",
        "sample_id = 1",
    ],
)
def test_a_number_that_is_on_a_tube_stays_there(bank, change):
    assert "stays there" in bank.refusal(f"UPDATE allotted_number SET {change} WHERE id = 42")


@pytest.mark.parametrize("state", ["out", "returned", "used"])
def test_a_void_number_stays_void(bank, state):
    sample = 3 if state == "used" else "NULL"

    assert "stays void" in bank.refusal(
        f"UPDATE allotted_number SET state = '{state}', sample_id = {sample} WHERE id = 43"
    )
    assert bank.refusal("UPDATE scannable_code SET voided_at = NULL WHERE id = 43")
    assert bank.refusal("UPDATE scannable_code SET target_id = 1 WHERE id = 43")


def test_a_number_that_was_printed_ahead_stands_for_the_tube_that_bears_it(bank):
    assert "what it was given to" in bank.refusal("UPDATE scannable_code SET target_id = 1 WHERE id = 41")
    assert "what it was given to" in bank.refusal("UPDATE scannable_code SET target_id = 0 WHERE id = 42")


def test_the_number_of_a_tube_that_never_was_goes_back_and_that_of_any_other_does_not(bank):
    number = insertion(
        "scannable_code", {"id": 60, "code": "T60", "kind": "sample", "target_id": 42, "site_id": 1}
    )
    change = "UPDATE sample SET code = 'T60' WHERE id = 42"
    assert "was given to" in bank.refusal(number)
    assert bank.refusal(change)

    bank.say("SAVEPOINT discarded", "UPDATE sample SET status = 'destroyed' WHERE id = 42")
    assert "was given to" in bank.refusal(number)
    assert bank.refusal(change)
    assert "stays as it was" in bank.refusal("UPDATE sample SET treated_precision = NULL WHERE id = 42")
    bank.say("ROLLBACK TO discarded")

    bank.say("UPDATE sample SET status = 'destroyed', treated_precision = NULL WHERE id = 42")
    bank.say(number, change, "UPDATE scannable_code SET target_id = 0 WHERE id = 42")

    assert bank.refusal("UPDATE allotted_number SET state = 'out', sample_id = NULL WHERE id = 42") == ""


def test_each_print_of_each_label_is_verified_once(bank):
    check = {
        "sample_id": 1,
        "expected": "T1",
        "read": "T1",
        "matched": True,
        "recorded_at": NOON,
        "recorded_by": "k",
    }

    assert refused_every_way(bank, "label_check", check | {"id": 9})
    bank.insert("label_check", **check, id=9, reprint=1)
    bank.insert("label_check", **check | {"expected": "T99", "read": "T99"}, id=10)
    assert refused_every_way(bank, "label_check", check | {"id": 11, "reprint": 1})
