"""Procedures and kits through their services: versions succeed one another, on both databases."""

import pytest

from biobank.core import codes
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.procedures import service
from biobank.procedures.models import Procedure
from tests import people
from tests.factories import BY, SiteFactory, StudyFactory, act, fresh
from tests.guarded import Stranger
from tests.procedures.manual import PLASMA, SERUM, procedure
from tests.racing import refusals, together

pytestmark = pytest.mark.usefixtures("app_context")

TUBES = [{"type": "WholeBlood", "label": "EDTA", "count": 2, "volume_nl": 4_000_000}]


def refusal(expected, service_act, /, **told):
    with pytest.raises(RuleViolation) as refused:
        act(service_act, **told)
    assert refused.value.code == expected
    return refused.value.params


def test_a_procedure_has_a_number_of_its_own_that_can_be_scanned():
    made = procedure()

    assert made.number.startswith("X")
    assert codes.find([made.number], BY)[0][1:3] == ("procedure", made.id)
    assert service.find_procedure(made.number, BY).id == made.id
    assert service.find_procedure("SOP-PLASMA", BY).id == made.id


def test_a_new_version_succeeds_the_old_which_stays_as_it_was():
    old = procedure()
    new = procedure(steps=SERUM)

    assert (fresh(old).retired_at is not None, fresh(new).version) == (True, 2)
    assert service.find_procedure("SOP-PLASMA", BY).id == new.id
    assert service.find_procedure(old.number, BY).steps[0]["title"] == "Spin"
    assert [each.version for each in service.versions(new)] == [2, 1]
    with pytest.raises(RuleViolation, match="procedure_succeeded") as refused:
        service.require_in_force(fresh(old))
    assert refused.value.params["number"] == new.number


def test_a_draft_is_changed_until_it_is_in_force():
    draft = act(service.draft, code="SOP-SERUM", title="Serum", steps=SERUM, site_id=SiteFactory().id)
    act(service.edit, procedure=draft, title="Serum from clotted blood", steps=SERUM[:1])
    assert service.in_force("SOP-SERUM", draft.site_id) is None

    act(service.put_in_force, procedure=fresh(draft))

    assert len(fresh(draft).steps) == 1
    refusal("procedure_not_draft", service.edit, procedure=fresh(draft), title="No", steps=SERUM)
    refusal("procedure_in_force_already", service.put_in_force, procedure=fresh(draft))


def test_a_draft_older_than_what_was_in_force_since_does_not_come_back():
    first = act(service.draft, code="SOP-SERUM", title="Serum", steps=SERUM, site_id=SiteFactory().id)
    procedure("SOP-SERUM", SERUM)

    refusal("procedure_older", service.put_in_force, procedure=fresh(first))


def test_what_is_retired_is_followed_by_nobody():
    made = procedure()
    act(service.retire, procedure=made)

    with pytest.raises(RuleViolation, match="procedure_not_in_force"):
        service.require_in_force(fresh(made))
    refusal("procedure_not_in_force", service.retire, procedure=fresh(made))
    refusal("procedure_not_draft", service.put_in_force, procedure=fresh(made))


def test_a_step_that_is_wrong_leaves_nothing_behind():
    with pytest.raises(Malformed):
        act(service.make, code="BAD", title="Bad", steps=[{"key": "a"}], site_id=SiteFactory().id)
    db.session.rollback()
    assert service.page_of_procedures(BY).items == []


def test_another_site_sees_nothing_of_it():
    made = procedure()
    stranger = people.actor("manager", site_code="IUCT")

    for text in (made.number, made.code, "nonsense", "a\x00b"):
        with pytest.raises(NotFound):
            service.find_procedure(text, stranger)
    for change in (service.retire, service.put_in_force):
        with pytest.raises(NotFound):
            unit_of_work(lambda change=change: change(procedure=fresh(made), by=stranger))


def test_the_database_lets_nobody_edit_a_procedure_in_force(database_uri):
    made = procedure()
    stranger = Stranger(database_uri)

    refused = [
        stranger.refusal(f'UPDATE "procedure" SET {change} WHERE id = {made.id}')
        for change in ("steps = '[]'", "title = 'Other'", "in_force_at = NULL", "version = 7")
    ]
    stranger.close()

    assert all(refused)
    assert fresh(made).steps == service.find_procedure(made.number, BY).steps != []


def test_two_who_write_the_next_version_at_once_write_two(app):
    site_id = procedure().site_id

    def write():
        return service.draft(code="SOP-PLASMA", title="Next", steps=PLASMA, site_id=site_id, by=BY).version

    assert sorted(together(app, write, write)) == [2, 3]


def test_of_two_drafts_brought_into_force_at_once_one_is_followed(app):
    site_id = SiteFactory().id
    drafts = [act(service.draft, code="SOP-X", title="X", steps=PLASMA, site_id=site_id).id for _ in range(2)]

    def begin(key):
        return lambda: service.put_in_force(procedure=db.session.get_one(Procedure, key), by=BY).version

    outcomes = together(app, *[begin(key) for key in drafts])

    assert set(refusals(outcomes)) <= {"procedure_older"}
    assert service.in_force("SOP-X", site_id).version == 2


# --- kits


def test_a_kit_belongs_to_a_study_and_names_its_procedure():
    study = StudyFactory()
    made = procedure()
    kit = act(
        service.make_kit, code="C1", study=study, title="Inclusion", tubes=TUBES, procedure_code=made.code
    )

    assert kit.number.startswith("Y")
    assert service.find_kit(kit.number, BY).id == service.find_kit("C1", BY).id == kit.id
    assert [each.id for each in service.kits_of([study.id, 0])] == [kit.id]


def test_a_kit_is_used_until_it_is_retired():
    study = StudyFactory()
    kit = act(service.make_kit, code="C1", study=study, title="Inclusion", tubes=TUBES)
    act(service.retire_kit, kit=kit)

    assert service.kits_of([study.id]) == []
    refusal("kit_retired", service.retire_kit, kit=fresh(kit))
    refusal("kit_code_taken", service.make_kit, code="C1", study=study, title="Again", tubes=TUBES)


def test_a_kit_of_an_unknown_procedure_is_none():
    with pytest.raises(NotFound, match="procedure_unknown"):
        act(service.make_kit, code="C1", study=StudyFactory(), title="I", tubes=TUBES, procedure_code="SOP-?")


def test_a_kit_of_another_site_is_not_found():
    kit = act(service.make_kit, code="C1", study=StudyFactory(), title="Inclusion", tubes=TUBES)
    stranger = people.actor("manager", site_code="IUCT")

    for text in (kit.number, "C1"):
        with pytest.raises(NotFound, match="kit_unknown"):
            service.find_kit(text, stranger)
