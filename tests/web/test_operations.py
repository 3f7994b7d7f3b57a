"""Health, metrics, log lines, and the headers that guard browsers."""

import logging
import re

import pytest
from sqlalchemy import text

from biobank.core.db import db
from tests import people
from tests.conftest import close, make_app


def test_the_process_answers_and_is_ready(client):
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready"}


def test_without_its_tables_it_is_not_ready_and_says_what_to_do(empty_database_uri):
    app = make_app(empty_database_uri)
    answer = app.test_client().get("/readyz")
    health = app.test_client().get("/healthz")
    close(app)

    assert answer.status_code == 503
    assert "flask --app app db upgrade" in answer.json["detail"]
    assert health.status_code == 200


def test_behind_a_migration_it_is_not_ready(app):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'old'"))

    assert app.test_client().get("/readyz").status_code == 503


def test_without_a_database_it_lives_but_is_not_ready():
    app = make_app("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2")
    client = app.test_client()

    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert client.get("/sign-in").status_code == 200


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
class TestOnOneDatabase:
    def test_requests_are_counted_by_route_and_not_by_what_fills_it(self, fresh_app):
        client = fresh_app.test_client()
        people.browser(fresh_app, "administrator").post("/people/durand/password")
        client.get("/no/such/page")

        told = client.get("/metrics")
        assert told.content_type.startswith("text/plain")
        assert (
            'biobank_requests_total{method="POST",route="/people/<name>/password",status="404"} 1.0'
            in told.text
        )
        assert 'route="none",status="404"' in told.text
        assert "durand" not in told.text
        assert "biobank_request_seconds_bucket" in told.text

    def test_a_method_that_somebody_invents_gets_no_line_of_its_own(self, client):
        client.open("/healthz", method="BREW")

        assert "BREW" not in client.get("/metrics").text

    def test_an_answer_carries_the_id_of_its_request(self, client):
        given = client.get("/healthz", headers={"X-Request-ID": "abcd-1234-efgh"})
        made = client.get("/healthz", headers={"X-Request-ID": "x\ty"})

        assert given.headers["X-Request-ID"] == "abcd-1234-efgh"
        assert re.fullmatch("[0-9a-f]{32}", made.headers["X-Request-ID"])

    def test_a_log_line_names_the_route_and_nothing_of_a_patient(self, app, caplog):
        caplog.set_level(logging.INFO)
        people.browser(app, "administrator").post("/people/durand/password?born=1950")

        assert "/people/<name>/password" in caplog.text
        assert "durand" not in caplog.text
        assert "1950" not in caplog.text

    def test_an_error_of_the_database_names_no_values(self, app, caplog):
        with app.app_context(), pytest.raises(Exception, match="no_table") as caught:
            db.session.execute(text("SELECT * FROM no_table WHERE name = :name"), {"name": "Durand"})

        assert "Durand" not in str(caught.value)

    @pytest.mark.parametrize("path", ["/sign-in", "/healthz", "/nothing", "/api/v1/docs", "/api/v1/sites"])
    def test_every_answer_guards_the_browser(self, client, path):
        headers = client.get(path).headers

        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("path", ["/sign-in", "/nothing", "/api/v1/sites"])
    def test_an_answer_says_that_it_differs_by_language_and_by_reader(self, client, path):
        french, english = (
            client.get(path, headers={"Accept-Language": language}) for language in ("fr", "en")
        )

        assert french.text != english.text
        assert {"Accept-Language", "Cookie"} <= set(french.vary)
        with client.get("/static/biobank.css") as file:
            assert "Accept-Language" not in file.vary

    @pytest.mark.parametrize("path", ["/sign-in", "/people", "/account", "/api/v1/docs"])
    def test_no_page_has_a_script_or_a_style_of_its_own_or_anything_from_elsewhere(self, app, path):
        page = people.browser(app, "administrator", site_code=None).get(path).text

        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert "<style" not in page
        assert not re.search(r"\son[a-z]+=", page)
        assert not re.search(r"\sstyle=", page)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)

    def test_a_file_named_by_its_hash_is_kept_for_a_year(self, app, client):
        with app.test_request_context():
            address = app.url_for("static", filename="biobank.css")
        answer = client.get(address)

        assert "?v=" in address
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers
        answer.close()

    def test_no_cookie_is_set_for_files_health_and_the_api(self, app):
        browser = people.browser(app, "administrator")
        for path in ("/static/biobank.css", "/healthz", "/metrics", "/api/v1/openapi.json"):
            answer = browser.get(path)
            assert "Set-Cookie" not in answer.headers
            answer.close()

    def test_the_description_says_which_permission_each_call_takes(self, client):
        described = client.get("/api/v1/openapi.json").json

        assert described["openapi"] == "3.1.0"
        assert described["paths"]["/api/v1/sites"]["post"]["x-permission"] == "user:admin"
        assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"

    def test_the_description_can_be_read_by_people(self, client):
        page = client.get("/api/v1/docs")

        assert page.status_code == 200
        assert "/api/v1/sites" in page.text
