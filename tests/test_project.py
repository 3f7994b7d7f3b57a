"""What must hold of the repository itself: its layout, which way imports go, its lock, its words."""

import ast
import doctest
import importlib
import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from importlinter.cli import lint_imports
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from biobank.access import permissions
from tests.conftest import make_app

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {
    "app.py",
    "pyproject.toml",
    "README.md",
    "biobank",
    "labels",
    "config",
    "tests",
    ".ci",
    ".git",
    ".gitignore",
}
IGNORED = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT_FILES = {".py", ".md", ".toml", ".txt", ".html", ".css", ".js", ".csv", ".po", ".mako", ".svg", ""}
# In two pieces each, so that this file does not name them itself.
NEVER_NAMED = [
    "/wor" + "k/",
    "/roo" + "t/",
    "pypi" + ".org",
    "python" + "hosted",
    "npm" + "js",
    "debian" + ".org",
    "TO" + "DO",
    "FIX" + "ME",
]
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -q --require-hashes -r config/requirements.txt"


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file that belongs to the repository."""
    for path in sorted(folder.iterdir()):
        if path.name in IGNORED or path.name.endswith(".egg-info") or path == ROOT / ".git":
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    return named(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


PYTHON_FILES = [path for path in files() if path.suffix == ".py" and path.stat().st_size]


def test_the_top_level_holds_only_what_it_is_meant_to():
    assert {path.name for path in ROOT.iterdir()} - TOP_LEVEL - IGNORED == set()


def test_no_file_names_a_machine_a_registry_or_work_left_over():
    found = [
        (named(path), word)
        for path in files()
        if path.suffix in TEXT_FILES
        for word in NEVER_NAMED
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []


@pytest.mark.parametrize("path", PYTHON_FILES, ids=named)
def test_each_file_says_first_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "path", [path for path in PYTHON_FILES if ">>> " in path.read_text(encoding="utf-8")], ids=named
)
def test_the_examples_in_docstrings_hold(path):
    failures, _ = doctest.testmod(importlib.import_module(module_name(path)), optionflags=doctest.ELLIPSIS)
    assert failures == 0


def test_imports_go_one_way_only(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    # It would silence our own log for all tests that come after.
    monkeypatch.setattr("logging.config.dictConfig", lambda _told: None)

    status = lint_imports(no_cache=True, no_logo=True)

    assert status == 0, capsys.readouterr().out


def test_the_lock_holds_every_dependency_within_its_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    lock = (ROOT / "config" / "requirements.txt").read_text(encoding="utf-8")
    locked = {canonicalize_name(name): version for name, version in re.findall(r"^(\S+)==(\S+)", lock, re.M)}

    outside = [
        text
        for text, requirement in ((text, Requirement(text)) for text in wanted)
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"))
    ]

    assert outside == []


def test_every_locked_package_has_its_hashes():
    entries = re.split(r"\n(?=[a-z])", (ROOT / "config" / "requirements.txt").read_text(encoding="utf-8"))
    assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_the_readme_installs_and_tests_as_ci_does():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert f"{INSTALL} && .venv/bin/pytest" in README
    assert f"{INSTALL} && .venv/bin/python app.py" in README
    assert INSTALL in ci


def test_what_drives_a_browser_stands_where_the_gate_looks_for_it():
    sources = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__).resolve()]
    folders = {path.parent for path in sources if "pytest.mark.browser" in path.read_text(encoding="utf-8")}

    assert folders == {ROOT / "tests" / "browser"}


def test_the_readme_names_every_command():
    app = make_app("sqlite://")
    flasks_own = {"run", "shell", "routes", "openapi", "db"}  # and what Flask-Migrate adds to db
    ours = {name: command for name, command in app.cli.commands.items() if name not in flasks_own}

    commands = [
        f"{name} {under}" if under else name
        for name, command in ours.items()
        for under, part in getattr(command, "commands", {"": command}).items()
        if not part.hidden
    ]

    assert commands
    assert [command for command in commands if f"`{command}" not in README] == []
    assert [name for name in flasks_own if f"`{name}" not in README] == []


def test_the_readme_names_every_folder_and_role():
    folders = {path.parent.name for path in (ROOT / "biobank").glob("*/__init__.py")}

    assert [folder for folder in sorted(folders) if f"`{folder}/`" not in README] == []
    assert [role for role in permissions.ROLES if f"`{role}`" not in README] == []


def test_every_setting_and_permission_is_explained_where_the_readme_points():
    assert "(config/default.toml)" in README
    assert "(biobank/access/permissions.py)" in README

    settings = (ROOT / "config" / "default.toml").read_text(encoding="utf-8")
    bare = re.findall(
        r"(?:\A|\n)\n(\w+ = .*)", settings
    )  # a comment stands above each, with no empty line between
    source = ast.parse((ROOT / "biobank" / "access" / "permissions.py").read_text(encoding="utf-8"))
    table = next(node for node in source.body if getattr(node, "name", "") == "Permission").body[1:]
    named, told = table[::2], table[1::2]

    assert bare == []
    assert len(named) == len(told) == len(permissions.Permission)
    assert all(isinstance(node, ast.Assign) for node in named)
    assert all(isinstance(node, ast.Expr) for node in told)


def test_what_the_readme_shows_and_points_to_is_there_and_no_picture_is_left_over():
    targets = {target for target in re.findall(r'(?:\]\(|src=")([^)"]+)', README) if "://" not in target}
    pictures = {named(path) for path in (ROOT / "tests" / "browser" / "pictures").iterdir()}

    assert [target for target in sorted(targets) if not (ROOT / target).exists()] == []
    assert pictures - targets == set()
    assert sum((ROOT / picture).stat().st_size for picture in pictures) < 1_500_000


def test_the_code_that_the_readme_adds_fits_what_is_there():
    """The afternoon of a newcomer begins at functions and names that exist."""
    rules = (ROOT / "biobank" / "samples" / "rules.py").read_text(encoding="utf-8")
    processing = (ROOT / "biobank" / "samples" / "processing.py").read_text(encoding="utf-8")

    assert "\ndef whole(" in rules
    assert "\ndef refuse(" in rules
    assert "\ndef aliquot(" in processing
    assert '    step = making.start("aliquot"' in processing


def test_every_code_of_a_refusal_has_its_sentence():
    texts = {}
    for path in (ROOT / "biobank").rglob("texts.py"):
        texts |= importlib.import_module(module_name(path)).TEXTS

    codes = {code: named(path) for path in (ROOT / "biobank").rglob("*.py") for code in codes_raised_in(path)}

    assert sorted(f"{code} in {where}" for code, where in codes.items() if code not in texts) == []


def codes_raised_in(path: Path) -> set[str]:
    """The codes written out in a file: the first argument of a Reason, or of one of our errors."""
    from biobank.core import errors

    ours = {"Reason"} | {kind.__name__ for kind in errors.BiobankError.__subclasses__()}
    return {
        call.args[0].value
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant)
        if getattr(call.func, "id", getattr(call.func, "attr", "")) in ours
        and isinstance(call.args[0].value, str)
    }
