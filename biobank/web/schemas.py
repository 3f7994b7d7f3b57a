"""Shapes at the edge: fields that refuse what neither database keeps, and speak in units people use.

Schemas check type, range and pattern; they never query. Built once, at import.
"""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, ValidationError, fields, validate
from marshmallow import Schema as MarshmallowSchema

from biobank.core.i18n import N_

#: Printable text of any language: no control character, no half of a surrogate pair.
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_UNSAFE_LINE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Schema(MarshmallowSchema):
    class Meta:
        unknown = RAISE
        ordered = True


class SafeString(fields.String):
    """Text that both databases keep as it came: no NUL, no lone surrogate, no control character."""

    default_error_messages = {  # noqa: RUF012  marshmallow's own way
        "unsafe": N_("Contains a character that cannot be kept (a control character or broken Unicode)."),
        "blank": N_("May not be blank."),
    }

    def __init__(
        self, *, max_length: int = 500, lines: bool = False, blank: bool = False, **kwargs: Any
    ) -> None:
        checks = kwargs.pop("validate", [])
        checks = list(checks) if isinstance(checks, list | tuple) else [checks]
        super().__init__(validate=[validate.Length(max=max_length), *checks], **kwargs)
        self._unsafe = _UNSAFE if lines else _UNSAFE_LINE
        self._blank = blank

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if self._unsafe.search(text):
            raise self.make_error("unsafe")
        text = text.strip()
        if not text and not self._blank:
            raise self.make_error("blank")
        return text


class Code(SafeString):
    """A code as printed: no blanks inside, kept as it came."""

    default_error_messages = {"spaces": N_("A code has no blanks in it.")}  # noqa: RUF012  marshmallow's own way

    def __init__(self, *, max_length: int = 100, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if any(character.isspace() for character in text):
            raise self.make_error("spaces")
        return text


class Amount(fields.Raw):
    """A quantity as a JSON number or decimal text; `biobank.core.units` turns it into whole base units."""

    default_error_messages = {"invalid": N_("Not a number.")}  # noqa: RUF012  marshmallow's own way

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self.make_error("invalid")
        return value


def check(condition: bool, field: str, message: str) -> None:
    """Refuse one field with a marked message. raises ValidationError"""
    if not condition:
        raise ValidationError(message, field)
