"""What the record says of a sample is told in a sentence, whatever act it was."""

import ast
from collections.abc import Iterator
from pathlib import Path

from biobank.bench import story
from biobank.bench.texts import TEXTS

SOURCE = Path(story.__file__).resolve().parents[1]


def test_every_act_that_is_recorded_of_a_sample_has_a_sentence_and_a_sign():
    acts = set(_acts_of_samples())

    assert {"collected", "moved", "undone", "picked", "handed_out", "aliquoted", "step_started"} <= acts
    assert sorted(act for act in acts if f"story_{act}" not in TEXTS) == []
    assert sorted(acts - story.SIGNS.keys()) == []


def _acts_of_samples() -> Iterator[str]:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")}
    calls = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for tree in trees.values():
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                if ast.unparse(call.func) == "audit.record":
                    given = {each.arg: each.value for each in call.keywords}
                    if _of_sample(given["subject"], tree):
                        yield from _values(given["act"], function, tree, calls)


def _of_sample(subject: ast.expr, tree: ast.Module) -> bool:
    """A sample for sure, or for all that can be told: what is not written out may be one where a sample is named."""
    if isinstance(subject, ast.Tuple) and isinstance(subject.elts[0], ast.Constant):
        return subject.elts[0].value == "sample"
    return isinstance(subject, ast.Tuple) or "'sample'" in ast.unparse(tree)


def _values(
    act: ast.expr, function: ast.FunctionDef, tree: ast.Module, calls: list[ast.Call]
) -> Iterator[str]:
    """Every text that the act can be: written out, one of a table, kept under a name, or handed in by who calls."""
    if isinstance(act, ast.Constant):
        yield from [act.value] if isinstance(act.value, str) else []
    elif isinstance(act, ast.IfExp):
        yield from _values(act.body, function, tree, calls)
        yield from _values(act.orelse, function, tree, calls)
    elif isinstance(act, ast.Subscript):
        table = next(value for name, value in _assigned(tree) if name == ast.unparse(act.value))
        yield from (each.value for each in table.values)
    elif isinstance(act, ast.Name):
        names = [each.arg for each in (*function.args.args, *function.args.kwonlyargs)]
        if act.id in names:
            yield from _handed_in(act.id, function, tree, calls)
        else:
            for value in (value for name, value in _assigned(tree) if name == act.id):
                yield from _values(value, function, tree, calls)


def _handed_in(
    name: str, function: ast.FunctionDef, tree: ast.Module, calls: list[ast.Call]
) -> Iterator[str]:
    names = [each.arg for each in function.args.args]
    here = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in here if function.name.startswith("_") else calls:
        if ast.unparse(call.func).rpartition(".")[2] == function.name:
            given = {each.arg: each.value for each in call.keywords} | dict(
                zip(names, call.args, strict=False)
            )
            if isinstance(given.get(name), ast.Constant | ast.IfExp):
                yield from _values(given[name], function, tree, calls)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
