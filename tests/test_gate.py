"""No way to a sample goes round the gate: every route and every command that changes one asks it, or stands in the
list below, with the reason why it need not."""

import ast

import pytest

from tests.reaching import ROOT, reached_by

on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

SAMPLES = "biobank.samples"
#: What asks consent before it lets anything happen.
GATE = {
    f"{SAMPLES}.uses.use",
    f"{SAMPLES}.uses.use_permitted",
    f"{SAMPLES}.gate.require_preserving",
    f"{SAMPLES}.gate.require_preserving_of",
    "biobank.exchange.permission.Permission",
}
#: What changes a sample, or writes that it was used.
TOUCH = {
    f"{SAMPLES}.making.make",
    f"{SAMPLES}.making.make_many",
    f"{SAMPLES}.replacing.replace_code",
    f"{SAMPLES}.quantities.write",
    f"{SAMPLES}.life.set_status",
    f"{SAMPLES}.rules.next_status",
    "biobank.storage.placing.put",
    "biobank.storage.placing.end_placement",
}
#: Acts that preserve, and need no answer: why, and the routes and commands that do them.
PRESERVING = {
    "to move a tube is allowed whatever was answered: it must be kept safe, or be set aside": {
        "moves.carry",
        "moves.confirm",
        "moves.elsewhere",
        "moves_api.carry",
        "moves_api.confirm",
        "moves_api.elsewhere",
        "racks.apply",
        "racks.new_box",
        "racks_api.apply",
        "racks_api.new_box",
        "racks_api.send",
        "storage.fill",
        "storage.make_container",
        "storage.move",
        "storage.place_sample",
        "storage.put_back",
        "storage.put_sample_back",
        "storage.take_out",
        "storage.take_sample_out",
        "storage.thaw_sample",
        "storage_api.make",
        "storage_api.place",
        "storage_api.place_inside",
        "storage_api.put_back",
        "storage_api.take_out",
        "storage_api.take_out_of",
    },
    "to destroy a tube is allowed whatever was answered; it is what a withdrawal asks for": {
        "storage.confirm_destruction",
        "storage.discard_sample",
        "storage.witness_destruction",
        "storage_api.confirm_destruction",
        "storage_api.discard",
        "storage_api.witness_destruction",
    },
    "it says where a tube is not, or is again, and takes nothing from it": {
        "distribution.missing",
        "quality.settle",
        "quality_api.settle",
        "samples.find",
        "storage.lose_sample",
        "storage_api.find",
        "storage_api.lose",
    },
    "it changes which number is on the tube, and nothing of what may be done with it: also one that waits for its"
    " destruction must be known": {
        "printing.replace_code",
        "printing_api.replace_code",
    },
    "what comes back is taken in: it is only kept here again": {"distribution_api.take_back"},
    "it works on a scratch database of its own": {"flask bench consent-here"},
}
EXCEPTIONS = set().union(*PRESERVING.values())


def routes(app):
    for rule in app.url_map.iter_rules():
        if {"POST", "PUT", "PATCH", "DELETE"} & (rule.methods or set()):
            yield rule.endpoint, app.view_functions[rule.endpoint]


def commands(group, name=""):
    for key, command in group.commands.items():
        full = f"{name} {key}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, full)
        elif command.callback is not None:
            yield full, command.callback


def touching(app):
    """Route or command -> what it reaches, for each that can change a sample."""
    ways = [*routes(app), *((f"flask {name}", each) for name, each in commands(app.cli))]
    found = {name: reached_by(view) for name, view in ways}
    return {name: reach for name, reach in found.items() if reach & TOUCH}


@on_one_database
def test_every_way_that_changes_a_sample_asks_the_gate_or_says_why_not(app):
    ways = touching(app)

    unasked = sorted(name for name, reach in ways.items() if not reach & GATE)

    assert [name for name in unasked if name not in EXCEPTIONS] == []


@on_one_database
def test_the_list_of_exceptions_names_nothing_else(app):
    ways = touching(app)

    assert [name for name in EXCEPTIONS if name not in ways or ways[name] & GATE] == []


def test_a_use_is_written_at_one_place_only():
    """Where it is written it has just been decided; nobody else writes one."""
    writers = set()
    for path in sorted((ROOT / "biobank").rglob("*.py")):
        for call in (
            node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
        ):
            made = [
                call.func,
                *(call.args[:1] if getattr(call.func, "id", "") in ("insert", "update") else []),
            ]
            if any(getattr(each, "id", getattr(each, "attr", "")) == "SampleUse" for each in made):
                writers.add(path.relative_to(ROOT).as_posix())

    assert writers == {"biobank/samples/uses.py"}
