"""Settings: config/default.toml, overridden by the file in BIOBANK_CONFIG, overridden by BIOBANK_* variables."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
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
OPEN_TABLES = {"sites", "printers", "label_designs"}
#: Command cards carry it on every bench of the world: no site gives it to its tubes.
STATION_LETTER = "J"


#: How a queue of a print server may be called.
QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,126}", re.ASCII)


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


def labels_must_be_verified(site_code: str | None = None) -> bool:
    """Does a tube of this site leave only once its label was scanned after it was stuck?"""
    told = current_app.config["BIOBANK"]
    own = told["label_checks"]["sites"].get(site_code, {})
    return bool(own.get("must_be_verified", told["labels_must_be_verified"]))


def sites_that_verify() -> frozenset[str]:
    """The sites that say for themselves whether labels must be verified."""
    return frozenset(current_app.config["BIOBANK"]["label_checks"]["sites"])


def allotted_days() -> int:
    """After how many days labels that were printed ahead are asked after."""
    return int(current_app.config["BIOBANK"]["label_checks"]["allotted_days"])


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
    for table in (settings["label_designs"], *settings["label_designs"]["sites"].values()):
        if wrong := [key for key, name in table.items() if key != "sites" and not isinstance(name, str)]:
            raise SettingsError(f"label_designs: {wrong[0]!r} must be the name of a design")
    for name, printer in settings["printers"].items():
        _check_printer(name, printer)
    for name, site in settings["label_checks"]["sites"].items():
        if not isinstance(site, Mapping) or [type(site.get("must_be_verified")), len(site)] != [bool, 1]:
            raise SettingsError(f"label_checks.sites.{name}: it says must_be_verified, true or false")
    if settings["label_checks"]["allotted_days"] < 1:
        raise SettingsError("label_checks.allotted_days must be at least 1")
    if settings["withdrawal_answer_days"] < 1:
        raise SettingsError("withdrawal_answer_days must be at least 1")
    if settings["database_uri"] and not settings["secret_key"]:
        raise SettingsError("a database is configured, so secret_key (BIOBANK_SECRET_KEY) must be set")


def _check_printer(name: str, printer: Any) -> None:
    """Labels are sent to the printers that stand here, and nowhere else."""
    told = printer if isinstance(printer, Mapping) else {}
    kind = told.get("kind", "raw")
    needed = {"raw": {"host"}, "cups": {"queue"}}.get(str(kind), set())
    known = needed | {"kind", "dpi", "seconds", "left_mm", "top_mm", "darkness", "speed", "letters"}
    if kind == "raw":
        known |= {"port", "answers", "counts"}
    wrong = sorted(set(told) - known) + sorted(needed - set(told))
    wrong += [key for key, right in _PRINTER.items() if key in told and not right(told[key])]
    if told.get("counts") and told.get("answers") is False:
        wrong.append("counts")
    if not needed:
        wrong = ["kind"]
    if wrong or not 0 < len(name) <= 40:
        raise SettingsError(
            f"printers.{name}: {', '.join(wrong) or 'its name'} is not right; config/default.toml shows all that a"
            " printer of either kind, raw or cups, has and may have"
        )


#: What each setting of a printer may be.
_PRINTER: dict[str, Callable[[Any], bool]] = {
    "host": lambda value: isinstance(value, str) and bool(value.strip()),
    "port": lambda value: 0 < _whole(value) < 65536,
    "queue": lambda value: isinstance(value, str) and bool(QUEUE_NAME.fullmatch(value)),
    "dpi": lambda value: _whole(value) in (203, 300, 600),
    "answers": lambda value: isinstance(value, bool),
    "counts": lambda value: isinstance(value, bool),
    "seconds": lambda value: _between(value, 0.1, 60),
    "left_mm": lambda value: _between(value, -20, 20),
    "top_mm": lambda value: _between(value, -20, 20),
    "darkness": lambda value: 0 <= _whole(value) <= 30,
    "speed": lambda value: 1 <= _whole(value) <= 14,
    "letters": lambda value: value in ("own", "picture"),
}


def _between(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
