"""What tests of withdrawals start from."""

import pytest
from flask import Flask

from tests import people
from tests.requests.world import World, make_world


@pytest.fixture
def world(app_context: Flask) -> World:
    return make_world()


@pytest.fixture
def donor(world):
    return world.donor(["HMB"])


@pytest.fixture
def other(world):
    """Somebody else than who records, who may take a withdrawal back."""
    return people.actor("manager")
