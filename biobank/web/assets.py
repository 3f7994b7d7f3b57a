"""Addresses of what never changes while the service runs, and icons: a page holds dozens, so each is made once."""

from functools import lru_cache

from flask import Flask, request, url_for
from markupsafe import Markup


def asset(filename: str, endpoint: str = "static") -> str:
    """The address of a file that pages load, with what tells its version."""
    return _address(_root(), filename, endpoint)


def _root() -> str:
    return request.script_root if request else ""


@lru_cache(maxsize=256)
def _address(_root: str, filename: str, endpoint: str) -> str:
    return url_for(endpoint, filename=filename)


def icon(name: str, label: str | None = None) -> Markup:
    """The drawing of that name, hidden from screen readers as decoration; with a label it is read aloud."""
    return _icon(_root(), name, None if label is None else str(label))


@lru_cache(maxsize=1024)
def _icon(root: str, name: str, label: str | None) -> Markup:
    told = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    address = _address(root, "icons.svg", "static")
    return Markup(
        '<svg class="icon" {} focusable="false"><use href="{}#{}"></use></svg>'
    ).format(told, address, name)  # fmt: skip


def init(app: Flask) -> None:
    """Give them to the templates; those of pages call icons by ui/icon.html."""
    app.jinja_env.globals["drawn_icon"] = icon
    app.jinja_env.globals["asset"] = asset
