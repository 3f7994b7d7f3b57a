"""How the card of a scanned thing is drawn: code and place large, one colour, one sentence, what to do now."""

from collections.abc import Callable
from typing import Any

from flask import url_for

from biobank.bench import card_words
from biobank.bench.service import Scan
from biobank.web import sentences

#: Act -> (where it is done, icon, is a form sent at once). `{code}` is filled in by url_for.
_LINKS: dict[tuple[str, str], tuple[str, str, bool]] = {
    ("sample", "receive"): ("samples.receive", "down", True),
    ("sample", "place"): ("storage.place_form", "pin", False),
    ("sample", "take_out"): ("storage.take_sample_out", "up", True),
    ("sample", "put_back"): ("storage.put_sample_back", "freezer", True),
    ("sample", "aliquot"): ("samples.aliquot_form", "branch", False),
    ("sample", "derive"): ("samples.derive_form", "branch", False),
    ("sample", "find"): ("samples.find", "search", True),
    ("sample", "label"): ("printing.label_page", "print", False),
    ("sample", "hold"): ("samples.hold_form", "lock", False),
    ("sample", "correct"): ("withdrawal.correct_form", "edit", False),
    ("sample", "discard"): ("storage.discard_form", "trash", False),
    ("container", "open"): ("storage.container", "box", False),
    ("container", "label"): ("printing.label_page", "print", False),
    ("patient", "collect"): ("samples.new_sample", "tube", False),
    ("patient", "consent"): ("consent.new_consent", "consent", False),
    ("patient", "open"): ("bench.patient", "user", False),
    ("patient", "withdraw"): ("withdrawal.new_withdrawal", "no", False),
    ("request", "pick"): ("distribution.fetch", "pick", False),
    ("request", "open"): ("requests.show", "request", False),
    ("station", "be_station"): ("access.be_station", "pin", True),
}
#: Acts whose address is made of more than the code: (icon, is a form sent at once, what makes it of the card).
_OTHERS: dict[tuple[str, str], tuple[str, bool, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    ("position", "open"): (
        "box", False,
        lambda card: {"href": url_for("storage.container", code=card["container"], position=card["place"])},
    ),
    ("pick_list", "pick"): (
        "pick", False, lambda card: {"href": url_for("distribution.fetch", code=card["request"])},
    ),
    ("procedure", "start"): ("clock", True, lambda card: _at_station(card["title"])),
    ("kit", "receive_kit"): ("box", True, lambda card: _at_station(card["title"])),
    ("allotted", "open_allotment"): (
        "label", False, lambda card: {"href": url_for("printing.allotment", key=card["allotment"])},
    ),
    ("command", "go_to_station"): ("scan", False, lambda _card: {"href": url_for("bench.station")}),
    ("station", "test_station"): ("scan", False, lambda _card: {"href": url_for("bench.station_test")}),
    ("user", "switch_user"): (
        "user", True,
        lambda card: {"action": url_for("access.switch"), "data": {"badge": card["title"]}},
    ),
}  # fmt: skip
#: What Enter alone never does, though it stand first: nothing brings it back, or somebody must think first.
_NEVER_BY_ENTER = frozenset({"discard", "withdraw", "correct", "hold"})


def _at_station(code: str) -> dict[str, Any]:
    return {"action": url_for("bench.station_scan"), "data": {"raw": code}}


def card_parts(found: Scan) -> dict[str, Any]:
    """What bench/_card.html draws."""
    card = found.card
    path = card.get("position") or {}
    tone, sentence, band = card_words.told(found)
    return {
        "found": found,
        "code": found.code,
        "kind": sentences.word("scanned", found.kind),
        "position": card["place"] if found.kind == "position" else path.get("position"),
        "place": " › ".join(step["name"] for step in path.get("path", [])) or None,
        "tone": tone,
        "sentence": sentence,
        "band": band,
        "repaired": _repaired(found),
        "facts": card_words.facts(found),
        "items": first_is_primary(
            [(act, action(found.kind, act, card)) for act in found.actions], enter=True
        ),
        "href": url_for("bench.sample", code=found.code) if found.kind == "sample" else None,
    }


def _repaired(found: Scan) -> str | None:
    """What was received, what it was understood as, and which setting is wrong."""
    if not found.repaired_from or not found.fault:
        return None
    read = sentences.sentence("understood_as", {"raw": found.repaired_from, "read": found.read})
    return f"{sentences.sentence(found.fault)} {read}"


def action(kind: str, act: str, card: dict[str, Any]) -> dict[str, Any]:
    """One large button of a card: where it leads, or what it does at once. card: at least its `title`"""
    label = sentences.word("action", act)
    if (kind, act) in _OTHERS:
        icon, _at_once, made = _OTHERS[kind, act]
        return {"label": label, "icon": icon} | made(card)
    endpoint, icon, at_once = _LINKS[kind, act]
    told, code = {"label": label, "icon": icon}, card["title"]
    if endpoint == "samples.new_sample":
        return told | {"href": url_for(endpoint, patient=code)}
    return told | {"action" if at_once else "href": url_for(endpoint, code=code)}


def first_is_primary(acts: list[tuple[str, dict[str, Any]]], *, enter: bool = False) -> list[dict[str, Any]]:
    """The likeliest act stands out. enter: Enter alone does it, as long as it can be taken back"""
    return [
        item
        | {
            "tone": "primary" if place == 0 else "secondary",
            "enter": enter and place == 0 and act not in _NEVER_BY_ENTER,
        }
        for place, (act, item) in enumerate(acts)
    ]
