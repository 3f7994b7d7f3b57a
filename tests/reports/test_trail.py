"""The audit trail as people read it: what is about one thing, and nothing of another site."""

import pytest
from flask import Flask

from tests import people
from tests.factories import SampleFactory


@pytest.fixture
def code(app: Flask) -> str:
    with app.app_context():
        code: str = SampleFactory().code
        return code


def test_a_manager_reads_what_happened_to_a_sample(app: Flask, code: str) -> None:
    page = people.browser(app, "manager").get(f"/audit?code={code}")
    assert page.status_code == 200
    assert "received" in page.text
    assert "PAT-" not in page.text, "no pseudonym stands in the record"


def test_another_sites_sample_has_no_trail(app: Flask, code: str) -> None:
    page = people.browser(app, "manager", site_code="IUCT").get(f"/audit?code={code}")
    assert page.status_code == 404
    assert "received" not in page.text


def test_only_who_sees_every_site_reads_the_whole_trail(app: Flask, code: str) -> None:
    assert code in people.browser(app, "administrator", site_code=None).get("/audit").text
    assert code not in people.browser(app, "manager").get("/audit").text


def test_a_technician_does_not_read_the_trail(app: Flask, code: str) -> None:
    assert people.browser(app, "technician").get(f"/audit?code={code}").status_code == 403
