"""Who is asking: the actor of the request at hand. `access` says how one is recognised."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import g

from biobank.core.actor import Actor
from biobank.core.errors import NotSignedIn

View = TypeVar("View", bound=Callable[..., Any])

#: What everybody may see, signed in or not. The value of `permission` on such a view.
PUBLIC = "public"

_loaders: list[Callable[[], Actor | None]] = []


def recognise(loader: Callable[[], Actor | None]) -> None:
    """Register how actors are recognised."""
    if loader not in _loaders:
        _loaders.append(loader)


def asking() -> Actor | None:
    """The actor of this request, or None when nobody is signed in."""
    if "actor" not in g:
        g.actor = next((actor for loader in _loaders if (actor := loader())), None)
    found: Actor | None = g.actor
    return found


def actor() -> Actor:
    """The actor of this request. raises NotSignedIn"""
    found = asking()
    if found is None:
        raise NotSignedIn("not_signed_in")
    return found


def public(view: View) -> View:
    """Open to everybody; the project's test keeps the short list of such routes."""
    view.permission = PUBLIC  # type: ignore[attr-defined]
    return view
