"""What the night finds when somebody went round the guards, or took them down."""

import pytest

from biobank.core.db import db
from biobank.samples import checks, processing
from biobank.samples.models import Sample
from tests.factories import SampleFactory, act
from tests.guarded import Stranger, a_use, decision

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

    assert found() == {"samples: nobody's": ["STRAY has no donor"]}


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
