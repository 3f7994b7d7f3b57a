"""The policy is one table; these are the sentences that it must keep true."""

import pytest

from biobank.access.permissions import ROLES, Permission, of_roles

P = Permission


@pytest.mark.parametrize(
    ("role", "may_not"),
    [
        (
            "researcher",
            {P.SAMPLE_READ, P.PATIENT_READ, P.SCAN, P.REQUEST_READ, P.REQUEST_DECIDE, P.REQUEST_FULFIL},
        ),
        ("committee", {P.PATIENT_READ, P.SAMPLE_READ, P.REQUEST_FULFIL, P.SAMPLE_COLLECT}),
        ("technician", {P.REQUEST_DECIDE, P.FORM_WRITE, P.USER_ADMIN, P.SAMPLE_CORRECT, P.STORAGE_BUILD}),
        (
            "dpo",
            {
                P.SAMPLE_COLLECT,
                P.SAMPLE_PROCESS,
                P.STORAGE_MOVE,
                P.REQUEST_DECIDE,
                P.REQUEST_FULFIL,
                P.USER_ADMIN,
            },
        ),
        ("manager", {P.USER_ADMIN}),
    ],
)
def test_what_a_role_may_not_do(role, may_not):
    assert not ROLES[role] & may_not


def test_who_decides_on_a_request_and_who_hands_out_are_told_apart():
    deciding = {role for role, held in ROLES.items() if P.REQUEST_DECIDE in held}
    fulfilling = {role for role, held in ROLES.items() if P.REQUEST_FULFIL in held}

    assert "committee" in deciding - fulfilling
    assert "technician" in fulfilling - deciding


def test_two_roles_give_what_either_gives():
    both = of_roles(frozenset({"researcher", "committee"}))

    assert both == of_roles(frozenset({"researcher"})) | of_roles(frozenset({"committee"}))


def test_an_unknown_role_gives_nothing():
    assert of_roles(frozenset({"king"})) == frozenset()


def test_permission_names_are_their_own():
    assert len({permission.value for permission in Permission}) == len(Permission)
