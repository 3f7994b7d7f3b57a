"""What there is to translate, and the catalogues that say how: `python -m biobank.translations` brings them up to date.

English is the source and needs no catalogue. A language is a folder here, fr/LC_MESSAGES/messages.po; the .mo beside it
is the same for the program, and both belong to the repository, so that nothing is built before a start.
"""

import io
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from biobank.core import vocabularies
from biobank.core.settings import CONFIG, ROOT

HERE = Path(__file__).parent
#: Which files are read, and how.
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
#: The names of a translation in Python and in templates; of ngettext, both forms.
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
#: {x} and {x.y} of a sentence, %(x)s of a template.
PLACEHOLDER = re.compile(r"{[^{}\s]*}|%\(\w+\)[sd]")

_NO_DAY = datetime(2000, 1, 1, tzinfo=UTC)
#: What a catalogue's file does not say at its head.
_UNSAID = tuple(
    f'"{name}: '
    for name in (
        "Project-Id-Version", "POT-Creation-Date", "PO-Revision-Date", "Last-Translator", "Report-Msgid-Bugs-To",
        "Generated-By",
    )
)  # fmt: skip


def languages() -> list[str]:
    """Those that have a catalogue."""
    return sorted(path.parents[1].name for path in HERE.glob("*/LC_MESSAGES/messages.po"))


def found() -> Catalog:
    """Every message of the sources and of the configuration, without a translation."""
    catalog = Catalog()
    for name, _line, message, comments, context in extract_from_dir(
        ROOT / "biobank", METHODS, keywords=KEYWORDS, comment_tags=("NOTE:",), strip_comment_tags=True
    ):
        catalog.add(message, locations=[(f"biobank/{name}", 0)], auto_comments=comments, context=context)
    for file, text in _configured():
        catalog.add(text, locations=[(file, 0)])
    return catalog


def _configured() -> Iterator[tuple[str, str]]:
    """The words of config/ that pages show: kinds of container, sample types, what restrictions bind to."""
    containers = tomllib.loads((CONFIG / "containers.toml").read_text(encoding="utf-8"))
    for kind in containers.values():
        if isinstance(kind, dict):
            yield "config/containers.toml", kind["label"]
    for sample_type in vocabularies.sample_types().values():
        yield "config/vocabularies/miabis_sample_type.csv", sample_type.label
    for rule in vocabularies.modifier_rules().values():
        if rule.obligation:
            yield "config/vocabularies/duo_modifier_rules.csv", rule.obligation


def po_file(language: str) -> Path:
    return HERE / language / "LC_MESSAGES" / "messages.po"


def mo_file(language: str) -> Path:
    return po_file(language).with_suffix(".mo")


def read(language: str) -> Catalog:
    """The catalogue as it stands in the repository."""
    with po_file(language).open("rb") as file:
        catalog = read_po(file, locale=language)
    # The file says no day and no name, and what is compiled must not say those of this run.
    catalog.creation_date = catalog.revision_date = _NO_DAY
    catalog.project, catalog.version, catalog.last_translator = "biobank", "", ""
    return catalog


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as the program reads it."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def update(language: str) -> Catalog:
    """Take in what is new, drop what is gone, guess nothing; write both files."""
    catalog = read(language)
    catalog.update(found(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    write(catalog, language)
    return catalog


def write(catalog: Catalog, language: str) -> None:
    """Both files, in an order and with a header that do not change by themselves."""
    catalog.header_comment = f"# {catalog.locale.english_name} of the biobank; see ../../catalogues.py"
    # No line numbers and no dates: a file changes when its words do.
    with po_file(language).open("wb") as file:
        write_po(file, catalog, width=110, sort_by_file=True, include_lineno=False)
    lines = po_file(language).read_text(encoding="utf-8").splitlines(keepends=True)
    po_file(language).write_text(
        "".join(line for line in lines if not line.startswith(_UNSAID)), encoding="utf-8"
    )
    mo_file(language).write_bytes(compiled(read(language)))


def messages(catalog: Catalog) -> list[Message]:
    """All but the header."""
    return [message for message in catalog if message.id]


def key(message: Message) -> str | tuple[str, ...]:
    """What makes it this message: its English, both forms where there are two."""
    return tuple(message.id) if isinstance(message.id, list | tuple) else message.id


def texts(of: object) -> list[str]:
    """A message's id or string as a list: one form, or several."""
    return [str(text) for text in of] if isinstance(of, list | tuple) else [str(of or "")]


def untranslated(catalog: Catalog) -> list[Message]:
    """Messages without a word in some form, or whose words are only a guess."""
    return [one for one in messages(catalog) if one.fuzzy or not all(texts(one.string))]
