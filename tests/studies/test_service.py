"""Studies: opened once per site, seen by their own site only."""

import pytest

from biobank.core.db import unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.studies import service
from tests import people


def open_study(by, code="ESSAI", site_id=None):
    return unit_of_work(
        lambda: service.open_study(code=code, title=code.title(), site_id=site_id or by.site_id, by=by)
    )


def test_a_study_is_found_by_its_code(app_context):
    by = people.actor("manager")
    study = open_study(by)

    assert service.find_study("ESSAI", by).id == study.id
    assert [each.code for each in service.list_studies(by)] == ["ESSAI"]


def test_a_site_has_a_code_once_and_two_sites_may_share_it(app_context):
    ours, theirs = people.actor("manager"), people.actor("manager", site_code="IUCT")
    open_study(ours)
    open_study(theirs)

    with pytest.raises(RuleViolation, match="study_code_taken"):
        open_study(ours)
    with pytest.raises(Malformed) as error:
        service.find_study("ESSAI", people.actor("administrator", site_code=None))
    assert error.value.fields["site"].code == "site_needed"


def test_another_sites_study_is_unknown_here(app_context):
    ours, theirs = people.actor("manager"), people.actor("manager", site_code="IUCT")
    study = open_study(theirs)

    with pytest.raises(NotFound):
        service.find_study("ESSAI", ours)
    with pytest.raises(NotFound):
        service.find_study("ESSAI", ours, study.site_id)
    with pytest.raises(NotFound):
        open_study(ours, site_id=study.site_id)


def test_a_control_character_is_in_no_code(app_context):
    with pytest.raises(NotFound):
        service.find_study("ES\x00SAI", people.actor("manager"))
