"""How a person's names are recognised in a text: whatever the case, and however the text was written down."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

#: What stands where a name stood.
MARK = "[…]"
#: A shorter name is looked for as a whole word only: `A1` is in too many others.
SHORT = 4
AROUND = 40
#: Long random keys and hashes, and moments, as this program writes them: no part of them is anybody's name.
_MADE_BY_US = re.compile(r"(hmac:)?[0-9a-f]{32,}|\d{4}-\d\d-\d\d[T ][\d:.]+([+-]\d\d:\d\d|Z)?")


@dataclass(frozen=True)
class Hit:
    """A name in a text, with what stands around it."""

    excerpt: str
    certain: bool
    """It stands there as a word of its own, and is no everyday word."""


class Naming:
    """Everything one person is called, ready to be looked for."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(name for name in names if name))
        self.likes = tuple(dict.fromkeys(map(_like, self.names)))
        """Patterns for LIKE that find at least all of them, escaped in JSON or in an address as well."""
        self._any = _pattern(self.names, whole=False)
        self._whole = _pattern(self.names, whole=True)

    def in_text(self, text: str) -> Hit | None:
        """The first of the names in a text, which may be JSON."""
        for part in strings_in(text):
            if hit := self._hit(part):
                return hit
        return None

    def without(self, value: Any) -> Any:
        """A text, or plain JSON, without the names."""
        if isinstance(value, str):
            return self._any.sub(MARK, value) if self._counts(value) else value
        if isinstance(value, list):
            return [self.without(one) for one in value]
        if isinstance(value, dict):
            return {self.without(key): self.without(one) for key, one in value.items()}
        return value

    def _counts(self, text: str) -> bool:
        return not _MADE_BY_US.fullmatch(text) or text.casefold() in {name.casefold() for name in self.names}

    def _hit(self, text: str) -> Hit | None:
        found = self._any.search(text) if self._counts(text) else None
        if found is None:
            return None
        whole = self._whole.search(text)
        found = whole or found
        name = found.group()
        certain = whole is not None and (len(name) >= SHORT or any(letter.isdigit() for letter in name))
        return Hit(_around(text, found.start(), found.end()), certain)


def strings_in(text: str) -> Iterator[str]:
    """The texts in a text: itself, or all that stands in it if it is JSON."""
    if text[:1] in ("{", "["):
        try:
            yield from _strings(json.loads(text))
        except (ValueError, RecursionError):
            yield text
    elif text[:1] == text[-1:] == '"' and len(text) > 1:
        yield json.loads(text) if _is_json(text) else text
    else:
        yield text


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), str)
    except ValueError:
        return False


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _strings(one)


def _like(name: str) -> str:
    """Letters and digits as they are; whatever may be escaped somewhere, or has two ways to be written, is a gap."""
    return f"%{re.sub(r'[^A-Za-z0-9.-]+', '%', unicodedata.normalize('NFC', name))}%".replace("%%", "%")


def _pattern(names: Iterable[str], *, whole: bool) -> re.Pattern[str]:
    parts = []
    for name in sorted(names, key=len, reverse=True):
        ways = dict.fromkeys(_ways(name))
        text = "|".join(re.escape(way) for way in ways)
        parts.append(rf"(?<!\w)(?:{text})(?!\w)" if whole or len(name) < SHORT else f"(?:{text})")
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)


def _ways(name: str) -> Iterator[str]:
    """As it is; composed and decomposed; as JSON writes it; as an address does."""
    yield name
    for form in ("NFC", "NFD"):
        plain = unicodedata.normalize(form, name)
        yield plain
        yield json.dumps(plain)[1:-1]
        yield json.dumps(plain, ensure_ascii=False)[1:-1]
        yield quote(plain, safe="")
        yield quote(plain, safe="!$&'()*+,/:;=@")


def _around(text: str, start: int, end: int) -> str:
    before, after = max(0, start - AROUND), min(len(text), end + AROUND)
    cut = " ".join(text[before:after].split())
    return ("…" if before else "") + cut + ("…" if after < len(text) else "")
