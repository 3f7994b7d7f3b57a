"""Makes the words: a code and its parameters become a sentence in the reader's language.

Each feature has a `texts.py` with TEXTS (code -> English sentence) and, where it has them, WORDS ("status.lost" ->
English word for the value `lost` of a parameter named `status`). They are collected here once, at start. SPOKEN names
parameters that hold codes with arguments, such as DS:C50: a sentence may ask for their words, `{term_words}`.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from biobank.core.errors import BiobankError, Malformed, Reason
from biobank.web import spoken
from biobank.web.i18n import translated

FEATURES = (
    "web", "access", "studies", "patients", "consent", "procedures", "samples", "storage", "racks", "moves", "printing",
    "requests", "distribution", "quality", "withdrawal", "bench", "reports", "exchange", "demo",
)  # fmt: skip

_texts: dict[str, str] = {}
_words: dict[str, str] = {}
_spoken: dict[str, tuple[str, ...]] = {}


def collect() -> None:
    """Read every feature's texts.py. raises RuntimeError where two features claim one code with two sentences."""
    for feature in FEATURES:
        name = f"biobank.{feature}.texts"
        if find_spec(name) is None:
            continue
        module = import_module(name)
        _spoken.update(getattr(module, "SPOKEN", {}))
        for known, more in ((_texts, module.TEXTS), (_words, getattr(module, "WORDS", {}))):
            for code, text in more.items():
                if known.setdefault(code, text) != text:
                    raise RuntimeError(f"{name}: {code!r} has another sentence elsewhere")


def known_codes() -> frozenset[str]:
    """Every code that has a sentence."""
    return frozenset(_texts)


def word(name: str, value: Any) -> str:
    """One value of a named list in the reader's language: word("status", "lost") -> "lost" / "perdu"."""
    text = _words.get(f"{name}.{value}")
    return translated(text) if text else str(value)


def sentence(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence of a code, filled in. A code without one is shown as it stands, rather than nothing."""
    params = params or {}
    source = _texts.get(code)
    if source is None:
        return f"{code} {dict(params)}" if params else code
    text = translated(source)
    filled = {key: word(key, spoken.param(key, value, params)) for key, value in params.items()}
    filled |= {f"{key}_words": in_words(key, str(params[key])) for key in _spoken.keys() & params.keys()}
    try:
        return text.format_map(filled)
    except (KeyError, IndexError, ValueError):  # a translator's slip must not hide a refusal
        return f"{text} {dict(params)}"


def in_words(name: str, codes: str) -> str:
    """Codes with their arguments, after what they mean: "research on named diseases (DS:C50)". One without stays."""
    return ", ".join(_in_words(name, code) for code in codes.split(", "))


def _in_words(name: str, text: str) -> str:
    code = text.partition(":")[0]
    lists = _spoken.get(name, ())
    meaning = next((_words[key] for key in (f"{one}.{code}" for one in lists) if key in _words), None)
    return f"{translated(meaning)} ({text})" if meaning else text


def of_reason(reason: Reason | Mapping[str, Any]) -> str:
    """The sentence of a reason, also of one read back from the database."""
    if isinstance(reason, Reason):
        return sentence(reason.code, reason.params)
    return sentence(reason["code"], reason.get("params", {}))


def of_error(error: BiobankError) -> str:
    """The sentence of an error; for a malformed demand, that of its fields."""
    if isinstance(error, Malformed):
        return " ".join(f"{field}: {of_reason(reason)}" for field, reason in error.fields.items())
    return sentence(error.code, error.params)
