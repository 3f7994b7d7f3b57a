"""Every word that somebody reads: it goes through the catalogue, it has its French, and French pages are French."""

import ast
import importlib
import re

import jinja2
import pytest
from jinja2 import nodes

from biobank.translations import catalogues
from biobank.web import field_messages
from tests.conftest import ROOT
from tests.reading import visible
from tests.test_project import codes_raised_in, module_name, named

BIOBANK = ROOT / "biobank"
TEMPLATES = sorted(BIOBANK.rglob("templates/**/*.html"))
SOURCES = sorted(path for path in BIOBANK.rglob("*.py") if "migrations" not in path.parts)
LETTERS = re.compile(r"[^\W\d_]{2}")

#: Words that are the same in every language; and what stands for an attribute.
NAMES = {"English", "Français", "JSON", "CSV", "Excel", "PNG", "SVG", "UTC", "AaBb", "µL", "autofocus"}

pytestmark = pytest.mark.parametrize("language", catalogues.languages())


@pytest.fixture
def catalog(language):
    return catalogues.read(language)


# --- the catalogue


def test_the_catalogue_holds_what_the_sources_say_and_nothing_else(catalog):
    """After a change of texts: python -m biobank.translations"""
    said = {catalogues.key(one) for one in catalogues.messages(catalogues.found())}
    held = {catalogues.key(one) for one in catalogues.messages(catalog)}

    assert sorted(map(str, said - held)) == []
    assert sorted(map(str, held - said)) == []


def test_every_text_is_translated_and_none_is_guessed(catalog):
    assert [catalogues.key(one) for one in catalogues.untranslated(catalog)] == []


def test_a_translation_fills_in_what_its_source_fills_in(catalog):
    wrong = []
    for one in catalogues.messages(catalog):
        wanted = {frozenset(catalogues.PLACEHOLDER.findall(text)) for text in catalogues.texts(one.id)}
        given = {frozenset(catalogues.PLACEHOLDER.findall(text)) for text in catalogues.texts(one.string)}
        if not given <= wanted:
            wrong.append(catalogues.key(one))
    assert wrong == []


def test_what_the_program_reads_is_what_is_written(language, catalog):
    assert catalogues.mo_file(language).read_bytes() == catalogues.compiled(catalog)


def test_french_is_typeset_as_french(language, catalog):
    """No break before double signs and inside guillemets, and the curved apostrophe."""
    if language != "fr":
        return
    bad = re.compile(r"' | '|\w'\w| [:;?!»]|« |\"")
    assert [
        text
        for one in catalogues.messages(catalog)
        for text in catalogues.texts(one.string)
        if bad.search(text)
    ] == []


# --- the sources


def test_every_refusal_has_a_sentence_wherever_it_is_made(language):
    """As tests/test_project.py asks of errors written out; here of those that a helper makes."""
    texts = {}
    for path in BIOBANK.rglob("texts.py"):
        texts |= importlib.import_module(module_name(path)).TEXTS
    codes = {
        (code, named(path))
        for path in SOURCES
        for code in codes_raised_in(path)
        | codes_handed_to(path, {"_wrong", "_Refused", "_refused", "refuse"})
    }
    assert sorted(f"{code} in {where}" for code, where in codes if code not in texts) == []


def codes_handed_to(path, helpers):
    return {
        arg.value
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) in helpers
        for arg in call.args
        if isinstance(arg, ast.Constant) and re.fullmatch(r"[a-z]+(_[a-z]+)+", str(arg.value))
    }


def test_every_list_that_is_put_into_words_has_words(language):
    words = set()
    for path in BIOBANK.rglob("texts.py"):
        words |= {
            key.split(".")[0] for key in getattr(importlib.import_module(module_name(path)), "WORDS", {})
        }
    asked = {
        (name, named(path))
        for path in [*TEMPLATES, *SOURCES]
        for name in re.findall(r"\bword\(\"(\w+)\", ", path.read_text(encoding="utf-8"))
    }
    assert sorted(f"{name} in {where}" for name, where in asked if name not in words) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_says_nothing_past_the_catalogue(path, language):
    source = path.read_text(encoding="utf-8")
    bare = [text.replace(FILLER, "").strip(" :·–…()") for text in visible(without_jinja(source))]
    handed = list(strings_for_readers(source))

    assert [text for text in bare + handed if LETTERS.search(text) and text not in NAMES] == []


#: Stands for whatever Jinja puts somewhere: a letter, because it may be the name of a tag.
FILLER = "q"


def without_jinja(source):
    """The template's own HTML. A macro that writes attributes only is no text."""
    tokens = jinja2.Environment(autoescape=True).lex(source)
    parts = (
        text if kind == "data" else FILLER for _, kind, text in tokens if kind in ("data", "variable_begin")
    )
    return re.sub(r' [\w-]+="[^"<>]*"(?=[^<>]*(<|$))', " ", "".join(parts))


#: Keys and arguments whose value is shown.
SHOWN = {
    "label",
    "hint",
    "text",
    "lead",
    "title",
    "heading",
    "sentence",
    "submit",
    "caption",
    "empty_text",
    "row_label",
    "unit",
}


def strings_for_readers(source):
    """Texts written out inside Jinja, under a name that is shown, or as the first thing a piece is told."""
    tree = jinja2.Environment(autoescape=True).parse(source)
    for pair in tree.find_all(nodes.Pair):
        if isinstance(pair.key, nodes.Const) and pair.key.value in SHOWN:
            yield from constants(pair.value)
    for call in tree.find_all(nodes.Call):
        for keyword in call.kwargs:
            if keyword.key in SHOWN:
                yield from constants(keyword.value)
        if isinstance(call.node, nodes.Getattr) and getattr(call.node.node, "name", "") == "ui" and call.args:
            first = (
                1
                if call.node.attr
                in ("badge", "notice", "signal", "consent_band", "verdict", "scan_box", "form")
                else 0
            )
            yield from (
                constants(call.args[first])
                if call.node.attr not in ("icon", "status", "marks") and len(call.args) > first
                else ()
            )


def constants(node):
    """Strings of an expression that no translation surrounds, but for those that only look something up."""
    if isinstance(node, nodes.Const):
        yield node.value if isinstance(node.value, str) else ""
    elif isinstance(node, nodes.CondExpr):
        yield from constants(node.expr1)
        yield from constants(node.expr2) if node.expr2 else ()
    elif isinstance(node, nodes.Concat | nodes.Or | nodes.And | nodes.Add):
        for child in node.iter_child_nodes():
            yield from constants(child)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in SOURCES
        if path.name in ("pages.py", "asking.py", "schemas.py", "errors.py", "cards.py")
    ],
    ids=named,
)
def test_a_page_hands_no_text_past_the_catalogue(path, language):
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        pairs = zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ()
        found += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value in SHOWN]
        if isinstance(node, ast.Call):
            found += [each.value for each in node.keywords if each.arg in SHOWN | {"error"}]
            if getattr(node.func, "id", getattr(node.func, "attr", "")) in ("ValidationError", "flash"):
                found += node.args[:1]
    bare = [each.value for each in found if isinstance(each, ast.Constant) and isinstance(each.value, str)]

    assert [text for text in bare if LETTERS.search(text) and text not in NAMES] == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_whatever_a_schema_says_of_a_field_is_in_the_catalogue(app, catalog):
    known = {text for one in catalogues.messages(catalog) for text in catalogues.texts(one.id)}

    assert sorted({text for text in of_schemas() if text not in known}) == []


#: Said of a moment, which no field of ours is, or when something is written out.
OF_TIMES = ("format", "invalid_awareness")


def of_schemas():
    """The sentences that the fields of our schemas, and their checks, may say."""
    from marshmallow import validate

    from biobank.web.schemas import Schema

    def all_below(kind):
        return {kind}.union(*(all_below(below) for below in kind.__subclasses__()))

    def said_by(field):
        yield from (text for key, text in field.error_messages.items() if key not in OF_TIMES)
        for check in field.validators:
            if getattr(check, "error", None):
                yield check.error
            elif isinstance(check, validate.Length | validate.Range):
                bounds = (check.min is not None, check.max is not None)
                yield {(1, 0): check.message_min, (0, 1): check.message_max, (1, 1): check.message_all}[
                    bounds
                ]
            elif isinstance(check, validate.OneOf | validate.Regexp):
                yield check.error or check.default_message
        if inner := getattr(field, "inner", None):
            yield from said_by(inner)

    for schema in all_below(Schema):
        if schema.__module__.startswith("biobank."):
            for field in schema._declared_fields.values():
                yield from said_by(field)


def test_a_sentence_of_marshmallow_is_said_again_with_its_numbers(language):
    told = field_messages.told_apart("Must be one of: a, {b}.")

    assert told == ("Must be one of: {choices}.", {"choices": "a, {b}"})
