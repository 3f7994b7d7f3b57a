"""What a scan costs the database: so many statements, whatever a tube has been through and however large its family."""

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests import people
from tests.test_journey import Bank, ok

#: Of a page; with the one that begins the transaction.
MOST = 12


@pytest.fixture
def bank(app):
    return Bank(app)


@pytest.fixture
def desk(app):
    return people.browser(app, "technician")


@pytest.fixture
def sent():
    """Every statement that goes to the database."""
    statements = []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


def a_tube_that_nothing_happened_to(bank: Bank) -> str:
    return bank.draw(bank.consenting_patient())


def a_tube_with_a_life(bank: Bank) -> str:
    """Frozen and thawed, with brothers and children, held, reserved by a decision, and something wrong with it."""
    brothers = bank.aliquot(bank.draw(bank.consenting_patient()))
    tube, children = brothers[0], bank.aliquot(bank.draw(bank.consenting_patient()))
    for place, each in enumerate((*brothers, *children), 1):
        bank.store(each, f"A{place}")
    ok(bank.technician.post(f"/samples/{tube}/take-out", {"thaw": True}))
    bank.store(tube, "B1")
    ok(bank.technician.post(f"/samples/{tube}/aliquots", {"count": 5, "volume_ul": 20}))
    bank.approve(bank.ask_for(tube))
    ok(bank.technician.post(f"/samples/{tube}/non-conformities", {"code": "leaked", "stage": "storage"}))
    ok(bank.technician.post(f"/samples/{tube}/holds", {"code": "quarantine"}))
    return tube


def count(sent, ask) -> int:
    """Statements of the second time: the first reads what never changes again, such as a form."""
    ask()
    sent.clear()
    answer = ask()
    assert answer.status_code == 200
    return len(sent)


@pytest.mark.parametrize(("path", "headers"), [
    ("/samples/{code}", {}), ("/scan?raw={code}", {"X-Partial": "1"}), ("/api/v1/scan?raw={code}", {}),
])  # fmt: skip
def test_a_scan_and_a_samples_page_take_twelve_statements_at_most_whatever_it_has_been_through(
    bank, desk, sent, path, headers
):
    bank_of = people.api(bank.app, "technician").headers if path.startswith("/api") else {}
    calm, lively = a_tube_that_nothing_happened_to(bank), a_tube_with_a_life(bank)

    asked = [
        count(sent, lambda code=code: desk.get(path.format(code=code), headers=headers | bank_of))
        for code in (calm, lively)
    ]

    assert max(asked) <= MOST
    assert asked[0] == asked[1]
