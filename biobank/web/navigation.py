"""Where somebody may go: a few lines that stand alone, the rest in groups by what people do. Only what one may open."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import current_app, request, url_for
from markupsafe import Markup

from biobank.core.actor import Actor
from biobank.core.i18n import N_
from biobank.web.i18n import here as language
from biobank.web.i18n import translated

#: Key -> label and icon, in the order in which they are shown, below the lines that stand alone.
GROUPS = {
    "bench": (N_("Bench"), "tube"),
    "storage": (N_("Storage"), "freezer"),
    "patients": (N_("Patients and consent"), "people"),
    "requests": (N_("Requests"), "request"),
    "reports": (N_("Figures and record"), "report"),
    "settings": (N_("Settings"), "settings"),
}


@dataclass(frozen=True)
class NavItem:
    """A line of the navigation; shown to those who hold the permission (its value), or to all signed in when None.

    group  a key of GROUPS; None: it stands alone, above them
    """

    endpoint: str
    label: str
    icon: str
    permission: str | None
    order: int = 50
    group: str | None = None


_items: list[NavItem] = []


def register(items: Iterable[NavItem]) -> None:
    """Features bring their own lines. raises ValueError for a group that there is not"""
    for item in items:
        if item.group is not None and item.group not in GROUPS:
            raise ValueError(f"{item.endpoint}: no group {item.group!r} in the navigation")
        if item not in _items:
            _items.append(item)
    _items.sort(key=lambda item: item.order)


@dataclass(frozen=True)
class Navigation:
    """What one reader's frame shows. Frames of which all of this is the same are drawn once.

    endpoints  of the lines that this person may open
    place      address of the line that this page belongs to; empty for none
    """

    root: str
    language: str
    endpoints: tuple[str, ...]
    place: str

    def drawn(self, name: str) -> Markup:
        """As `nav_list` of ui/frame.html draws it. name: of the list, since a page holds two"""
        return _drawn(self, name)

    def lines(self) -> list[dict[str, Any]]:
        """Lines and groups of lines. A group of which somebody may open one line only is that line."""
        lines = [(item, self._line(item)) for item in _items if item.endpoint in self.endpoints]
        shown = [line for item, line in lines if item.group is None]
        for key, (label, icon) in GROUPS.items():
            inside = [line for item, line in lines if item.group == key]
            if len(inside) > 1:
                here = any(line["here"] for line in inside)
                shown.append({"label": translated(label), "icon": icon, "lines": inside, "here": here})
            else:
                shown += inside
        return shown

    def _line(self, item: NavItem) -> dict[str, Any]:
        url = _address(self.root, item.endpoint)
        return {"url": url, "label": translated(item.label), "icon": item.icon, "here": url == self.place}


NOBODY = Navigation("", "", (), "")


def navigation_for(who: Actor) -> Navigation:
    """The navigation of the page that is asked for."""
    root = request.script_root
    endpoints = tuple(item.endpoint for item in _items if item.permission is None or who.may(item.permission))
    place = _place([(endpoint, _address(root, endpoint)) for endpoint in endpoints])
    return Navigation(root, language(), endpoints, place)


@lru_cache(maxsize=1024)
def _drawn(navigation: Navigation, name: str) -> Markup:
    frame = current_app.jinja_env.get_template("ui/frame.html").module
    return Markup(frame.nav_list(navigation.lines(), name))  # type: ignore[attr-defined]  # noqa: S704  our own template


@lru_cache(maxsize=256)
def _address(_root: str, endpoint: str) -> str:
    """An address that every page holds: building it costs more than drawing it."""
    return url_for(endpoint)


def _place(addresses: list[tuple[str, str]]) -> str:
    """The longest address that begins the path of this page; the very page, where that is a line."""
    path, home = request.script_root + request.path, request.script_root + "/"
    return max(
        (
            url
            for endpoint, url in addresses
            if endpoint == request.endpoint or path == url or (url != home and path.startswith(f"{url}/"))
        ),
        key=len,
        default="",
    )
