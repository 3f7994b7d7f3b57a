"""Settings: config/default.toml, overridden by the file in BIOBANK_CONFIG, overridden by BIOBANK_* variables."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import current_app

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
PREFIX = "BIOBANK_"
#: Variables with our prefix that are not settings: where the file is, and what only tests read.
NOT_SETTINGS = {"BIOBANK_CONFIG", "BIOBANK_SHARED_DATA"}
NOT_SETTINGS_PREFIX = "BIOBANK_TEST_"
#: Tables whose keys are names chosen by the site, so that any key is right there.
OPEN_TABLES = {"sites", "printers"}
#: Command cards carry it on every bench of the world: no site gives it to its tubes.
STATION_LETTER = "J"


class SettingsError(Exception):
    """A setting that is unknown or of the wrong type; the message names it and where it came from."""


def load(
    environ: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All settings as one dictionary.

    environ    os.environ unless given
    overrides  applied last, for tests; same names as in default.toml
    raises     SettingsError, naming the setting and its source
    """
    environ = os.environ if environ is None else environ
    settings = tomllib.loads((CONFIG / "default.toml").read_text(encoding="utf-8"))
    if path := environ.get("BIOBANK_CONFIG"):
        _merge(settings, _read(Path(path)), path)
    _merge(settings, _from_environment(environ, settings), "the environment")
    _merge(settings, dict(overrides or {}), "overrides")
    _check(settings)
    return settings


def country() -> str | None:
    """Where the app at hand keeps its samples, ISO 3166 alpha-2; None: leaving the country is not asked about."""
    code = str(current_app.config["BIOBANK"]["country"]).strip().upper()
    return code or None


def document_bytes() -> int:
    """The largest scan of a signed paper that the app at hand takes, in bytes."""
    return int(current_app.config["BIOBANK"]["max_document_bytes"])


def withdrawal_answer_days() -> int:
    """How many days a recipient has to answer a letter about samples of somebody who has withdrawn."""
    return int(current_app.config["BIOBANK"]["withdrawal_answer_days"])


def labels_must_be_verified() -> bool:
    """Does a tube leave only once its label was scanned after it was stuck?"""
    return bool(current_app.config["BIOBANK"]["labels_must_be_verified"])


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def _from_environment(environ: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS or name.startswith(NOT_SETTINGS_PREFIX):
            continue
        *tables, key = name.removeprefix(PREFIX).lower().split("__")
        place, default = found, settings
        for table in tables:
            place = place.setdefault(table, {})
            default = default.get(table, {}) if isinstance(default, Mapping) else {}
        place[key] = _typed(name, text, default.get(key) if isinstance(default, Mapping) else None)
    return found


def _typed(name: str, text: str, default: Any) -> Any:
    """The text as the type of the default; a text setting is taken as it stands."""
    if default is None or isinstance(default, str):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: {text!r} is not a {type(default).__name__}") from error


def _merge(settings: dict[str, Any], more: Mapping[str, Any], source: str, table: str = "") -> None:
    for key, value in more.items():
        name = f"{table}{key}"
        if key not in settings and table.rstrip(".").split(".")[-1] not in OPEN_TABLES:
            raise SettingsError(f"{source}: there is no setting {name!r}; config/default.toml names them all")
        known = settings.get(key)
        if isinstance(known, dict):
            if not isinstance(value, Mapping):
                raise SettingsError(f"{source}: {name!r} is a table")
            _merge(known, value, source, f"{name}.")
        elif known is not None and type(value) is not type(known):
            raise SettingsError(f"{source}: {name!r} must be a {type(known).__name__}, not {value!r}")
        else:
            settings[key] = value


def _check(settings: Mapping[str, Any]) -> None:
    if not 6 <= settings["codes"]["serial_digits"] <= 10:
        raise SettingsError("codes.serial_digits must be 6 to 10")
    for table in (settings["codes"]["letters"], *settings["codes"]["sites"].values()):
        if any(STATION_LETTER in letters for kind, letters in table.items() if kind != "station"):
            raise SettingsError(
                f"codes: the letter {STATION_LETTER} is that of stations and command cards alone"
            )
    for name, printer in settings["printers"].items():
        _check_printer(name, printer)
    if settings["withdrawal_answer_days"] < 1:
        raise SettingsError("withdrawal_answer_days must be at least 1")
    if settings["database_uri"] and not settings["secret_key"]:
        raise SettingsError("a database is configured, so secret_key (BIOBANK_SECRET_KEY) must be set")


def _check_printer(name: str, printer: Any) -> None:
    """Labels are sent to the printers that stand here, and nowhere else."""
    told = printer if isinstance(printer, Mapping) else {}
    unknown = sorted(set(told) - {"host", "port", "dpi", "answers"})
    right = (
        0 < len(name) <= 40
        and isinstance(told.get("host"), str)
        and told["host"].strip()
        and 0 < _whole(told.get("port", 9100)) < 65536
        and _whole(told.get("dpi", 203)) in (203, 300, 600)
        and isinstance(told.get("answers", True), bool)
    )
    if unknown or not right:
        raise SettingsError(
            f"printers.{name}: a printer has a host, and may have port, dpi (203, 300, 600) and answers"
        )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
