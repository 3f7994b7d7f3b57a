"""What the night finds when somebody went round the guards, or took them down."""

import pytest

from biobank.core.db import db
from biobank.samples import allotments, allotted, checks, processing, replacing, undoing
from biobank.samples.models import Sample
from biobank.storage import service as storage
from tests.factories import SampleFactory, act, fresh
from tests.guarded import NOON, Stranger, a_use, decision

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def bare(database_uri):
    stranger = Stranger(database_uri)
    yield stranger
    stranger.close()


@pytest.fixture
def family() -> tuple[Sample, Sample]:
    parent = SampleFactory(volume_ul=1000)
    (child,) = act(processing.aliquot, sample=parent, count=1, amount=200_000)
    return parent, child


def found() -> dict[str, list[str]]:
    db.session.rollback()
    return {name: findings for name, check in checks.CHECKS.items() if (findings := list(check()))}


def test_of_a_bank_that_nobody_tampered_with_nothing_is_found(family):
    assert found() == {}


def test_a_quantity_that_no_entry_accounts_for(bare, family):
    bare.say(f"UPDATE sample SET remaining = 5 WHERE id = {family[1].id}")

    assert found() == {"samples: ledgers": [f"{family[1].code} holds 5, and its ledger says 200000"]}


def test_a_sample_that_is_nobodys(bare, family):
    stray = family[0].id + 100
    bare.say(
        "INSERT INTO sample (id, site_id, code, study_id, type, vessel, status, origin, reserved, recorded_at)"
        f" SELECT {stray}, site_id, 'STRAY', study_id, type, vessel, status, origin, 0, recorded_at FROM sample"
        f" WHERE id = {family[0].id}"
    )

    assert found() == {
        "samples: nobody's": ["STRAY has no donor"],
        "samples: codes astray": ["STRAY does not lead to STRAY"],
    }


@pytest.mark.parametrize("which", [0, 1])
def test_a_donor_that_parent_and_child_do_not_share(bare, family, which):
    other = SampleFactory()
    (patient,) = bare.ask(f"SELECT patient_id FROM sample_donor WHERE sample_id = {other.id}")[0]
    bare.say("DROP TRIGGER guard_donor_added" + ("" if bare.sqlite else " ON sample_donor"))
    bare.say(f"INSERT INTO sample_donor (sample_id, patient_id) VALUES ({family[which].id}, {patient})")

    assert found() == {
        "samples: unlike their parents": [f"{family[1].code} has other donors than its parents"]
    }


def test_a_use_without_a_permit(bare, family):
    table = "" if bare.sqlite else " ON sample_use"
    for guard in ("use_without_permit", "sample_use_insert") if bare.sqlite else ("use_without_permit",):
        bare.say(f"DROP TRIGGER guard_{guard}{table}")
    if not bare.sqlite:
        bare.say("ALTER TABLE sample_use DROP CONSTRAINT fk_sample_use_decision")
    sample = family[0].id
    last = bare.ask("SELECT max(id) FROM consent_event")[0][0]
    bare.insert("decision", **decision(900, sample_id=sample, act="ship", consent_event_id=last))
    bare.insert("sample_use", **a_use(900, sample_id=sample))

    assert found() == {
        "samples: uses without permit": [f"use 900 of {family[0].code} has no permit"],
        "samples: decisions made again": ["decision 900: what it was made from cannot be read"],
    }


def test_a_number_that_was_voided_under_its_living_tube(bare, family):
    void = f"UPDATE scannable_code SET voided_at = '{NOON}' WHERE code = '{family[1].code}'"
    assert "void when it was replaced" in bare.refusal(void)
    bare.say("DROP TRIGGER guard_code_voided_alone" + ("" if bare.sqlite else " ON scannable_code"), void)

    assert found() == {"samples: codes astray": [f"{family[1].code} does not lead to {family[1].code}"]}


def test_a_code_of_a_tube_that_was_written_over(bare):
    tube = SampleFactory(container_code="FX1000001")
    bare.say(f"UPDATE sample SET container_code = 'FX1000002' WHERE id = {tube.id}")

    assert found() == {
        "samples: codes astray": [
            f"FX1000002 does not lead to {tube.code}",
            "FX1000001 leads to a sample that does not bear it",
        ]
    }


def test_a_code_that_leads_to_another_sample(bare, family):
    bare.say("DROP TRIGGER guard_code_points_elsewhere" + ("" if bare.sqlite else " ON scannable_code"))
    bare.say(f"UPDATE scannable_code SET target_id = {family[0].id} WHERE code = '{family[1].code}'")

    assert found() == {
        "samples: codes astray": [
            f"{family[1].code} does not lead to {family[1].code}",
            f"{family[1].code} leads to a sample that does not bear it",
        ]
    }


def test_the_code_of_a_tube_that_was_entered_by_mistake_leads_nowhere_and_is_nothing_odd(family):
    tube = SampleFactory(container_code="FX1000001")
    act(undoing.undo_register, sample=tube)
    act(storage.discard, sample=family[1], reason="broken")

    assert found() == {}


def test_numbers_that_were_replaced_or_printed_ahead_are_where_they_are_said_to_be():
    tube = SampleFactory()
    act(replacing.replace_code, sample=tube, reason="torn")
    made = act(allotments.allot, site_id=tube.site_id, count=2)
    used, spoilt = (number.code for number in allotted.numbers_in(made))
    act(replacing.replace_code, sample=fresh(tube), reason="torn", new_code=used)
    act(allotments.void, numbers=[spoilt], reason="torn")
    assert list(checks.numbers_astray()) == []
