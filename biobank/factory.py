"""Makes the app: settings, database, and each feature in the order of the house."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_migrate import Migrate

from biobank import cli, models
from biobank.access import security
from biobank.core import settings as settings_file
from biobank.core.db import db
from biobank.web import (
    api,
    console,
    description,
    errors,
    headers,
    i18n,
    navigation,
    operations,
    pages,
    sentences,
    uploads,
)

MIGRATIONS = Path(__file__).parent / "migrations"
#: In the order of the path of a sample. Each may have api.py (`bp`), pages.py (`bp`, NAVIGATION), cli.py (`commands`).
FEATURES = (
    "access", "studies", "patients", "consent", "procedures", "samples", "storage", "racks", "moves", "printing",
    "requests", "distribution", "quality", "withdrawal", "bench", "reports", "exchange", "demo",
)  # fmt: skip


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """The WSGI app.

    overrides  settings by the names of config/default.toml, for tests; `testing` makes sign-in hashes cheap
    raises     SettingsError, naming the setting
    """
    overrides = dict(overrides or {})
    testing = bool(overrides.pop("testing", False))
    settings = settings_file.load(overrides=overrides)
    app = Flask(
        "biobank", root_path=str(Path(__file__).parent), instance_path=str(settings_file.ROOT / "instance")
    )
    app.config["BIOBANK"] = settings
    app.config["TESTING"] = testing
    app.config["MAX_CONTENT_LENGTH"] = settings["max_body_bytes"]
    app.config["MAX_FORM_MEMORY_SIZE"] = settings["max_body_bytes"]
    app.config["SECRET_KEY"] = settings["secret_key"] or own_key(Path(app.instance_path))
    # Parameters of statements stay out of error messages, and so out of the log: they may tell about patients.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True}
    app.config["SQLALCHEMY_DATABASE_URI"] = (
        settings["database_uri"] or f"sqlite:///{app.instance_path}/biobank.sqlite"
    )
    app.template_folder = str(Path(__file__).parent / "web" / "templates")
    app.static_folder = str(Path(__file__).parent / "web" / "static")
    _set_up(app)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    return app


def _set_up(app: Flask) -> None:
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), compare_type=True)
    operations.init(app)
    uploads.init(app)
    i18n.init(app)
    sentences.collect()
    errors.install(app)
    security.init(app)
    pages.init(app)
    api.init(app)
    description.init(app)
    for feature in FEATURES:
        _register(app, feature)
    for command in cli.commands:
        console.add(app, command)
    headers.open_files(app)


def _register(app: Flask, feature: str) -> None:
    for part in ("api", "pages", "cli"):
        name = f"biobank.{feature}.{part}"
        if find_spec(f"biobank.{feature}") is None or find_spec(name) is None:
            continue
        module = import_module(name)
        if part == "api":
            api.api.register_blueprint(module.bp)
        elif part == "pages":
            app.register_blueprint(module.bp)
            navigation.register(getattr(module, "NAVIGATION", []))
        else:
            for command in module.commands:
                console.add(app, command)


def own_key(folder: Path) -> str:
    """The secret key of a bank that was given none: random, made once, kept beside its database."""
    path = folder / "secret.key"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=folder, delete=False) as fresh:  # readable by its owner alone
            fresh.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):  # another process was first: its key is the one
            os.link(fresh.name, path)
        os.unlink(fresh.name)
    return path.read_text(encoding="utf-8").strip()


__all__ = ["create_app", "models"]
