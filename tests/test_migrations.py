"""Migrations make the very tables that the models describe, and can be taken back."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from biobank import models
from biobank.core.db import db
from tests.conftest import close, make_app


def test_the_migrations_make_what_the_models_describe(app_context):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, models.Base.metadata) == []


def test_one_can_go_back_to_nothing_and_forth_again(empty_database_uri):
    app = make_app(empty_database_uri)
    with app.app_context():
        upgrade()
        first = set(inspect(db.engine).get_table_names())
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
        upgrade()
        assert set(inspect(db.engine).get_table_names()) == first
    close(app)
