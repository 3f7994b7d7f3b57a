"""What tests of requests start from."""

import pytest
from flask import Flask

from tests.requests.world import World, make_world


@pytest.fixture
def world(app_context: Flask) -> World:
    """One site with its people, in the context of the app."""
    return make_world()
