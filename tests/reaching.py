"""Which functions of the program a function can reach, read from the source: every name it speaks of, and what those
speak of in turn. More than what is called, never less.
"""

import ast
import importlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "biobank"


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(Path(str(importlib.import_module(module).__file__)).read_text(encoding="utf-8"))


@cache
def _functions(module: str) -> dict[str, ast.AST]:
    """Functions and classes of a module by name."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    found: dict[str, ast.AST] = {}
    for node in _tree(module).body:
        if isinstance(node, kinds[:3]):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
    return found


def _spoken(node: ast.AST) -> Iterator[list[str]]:
    """Every dotted name in it: `uses.use` is ["uses", "use"]."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield [each.id]
        elif isinstance(each, ast.Attribute):
            parts, here = [each.attr], each.value
            while isinstance(here, ast.Attribute):
                parts, here = [here.attr, *parts], here.value
            if isinstance(here, ast.Name):
                yield [here.id, *parts]


def _resolve(module: str, parts: list[str]) -> tuple[str, str] | None:
    """Where the name of a function of ours is defined: (module, name)."""
    here: Any = importlib.import_module(module)
    for part in parts:
        if not isinstance(here, ModuleType):
            break  # of a class or a value the whole is read
        here = vars(here).get(part)
    if here is None or isinstance(here, ModuleType):
        return None
    if not isinstance(here, type | FunctionType):
        # A value of a module, such as a table of functions, is read where it stands.
        return (module, parts[0]) if parts[0] in _functions(module) else None
    home, name = here.__module__, here.__name__
    return (home, name) if home.startswith(PACKAGE) else None


@cache
def reached(module: str, name: str) -> frozenset[str]:
    """Full names of all functions of ours that this one can reach, itself among them."""
    found: set[tuple[str, str]] = set()
    todo = [(module, name)]
    while todo:
        here = todo.pop()
        if here in found:
            continue
        found.add(here)
        node = _functions(here[0]).get(here[1])
        if node is None:
            continue
        spoken = (_resolve(here[0], parts) for parts in _spoken(node))
        todo += [each for each in spoken if each is not None]
    return frozenset(f"{module}.{name}" for module, name in found)


def reached_by(function: Callable[..., Any]) -> frozenset[str]:
    """The same for a function at hand, such as a view."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return reached(function.__module__, function.__name__)
