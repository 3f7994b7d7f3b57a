"""What the card of a scanned thing says: one colour and one sentence, and the facts below."""

from collections.abc import Callable
from typing import Any

from flask_babel import gettext, ngettext

from biobank.bench.service import Scan
from biobank.web import sentences, spoken

#: Colour of a standing -> the band, and how it sounds.
BANDS = {"green": ("permit", "yes"), "amber": ("pending", "look"), "red": ("deny", "no")}


def told(found: Scan) -> tuple[str, str, str | None]:
    """Tone, sentence, and the band of a consent."""
    card = found.card
    if found.kind == "sample":
        band, tone = BANDS.get(card["consent"]["colour"], ("deny", "no"))
        return tone, card["consent"]["text"], band
    tone, sentence = _TOLD[found.kind](card)
    return tone, sentence, None


def _container(card: dict[str, Any]) -> tuple[str, str]:
    free = card["capacity"] - card["used"]
    if free <= 0:
        return "look", gettext("It is full.")
    return "yes", ngettext("%(num)s place is free.", "%(num)s places are free.", free)


def _position(card: dict[str, Any]) -> tuple[str, str]:
    there = card["occupant"]
    if there is None:
        return "yes", gettext("This place is free.")
    return "look", gettext("%(code)s stands here.", code=there.get("sample") or there.get("container"))


def _patient(card: dict[str, Any]) -> tuple[str, str]:
    if card.get("link_broken"):
        return "no", gettext("The link to this person is broken.")
    return "yes", ngettext("%(num)s sample is here.", "%(num)s samples are here.", card.get("samples", 0))


def _request(card: dict[str, Any]) -> tuple[str, str]:
    left = card["lines"].get("reserved", 0)
    if left:
        return "yes", ngettext("%(num)s tube is to be fetched.", "%(num)s tubes are to be fetched.", left)
    return "look", gettext("Nothing is to be fetched.")


def _procedure(card: dict[str, Any]) -> tuple[str, str]:
    return {
        "in_force": ("yes", gettext("This version is in force.")),
        "draft": ("look", gettext("This version is a draft: it is not to be followed yet.")),
        "retired": ("no", gettext("This version is retired: follow the one that succeeded it.")),
    }[card["state"]]


def _kit(card: dict[str, Any]) -> tuple[str, str]:
    if card["retired"]:
        return "no", gettext("This kit is no longer used.")
    count = sum(tube["count"] or 0 for tube in card["tubes"])
    return "yes", ngettext("A kit of %(num)s tube.", "A kit of %(num)s tubes.", count)


def _allotted(card: dict[str, Any]) -> tuple[str, str]:
    since = spoken.iso(card["out_since"])
    if card["state"] == "returned":
        return "look", gettext(
            "Label printed ahead, no tube yet. It came back, and was printed on %(day)s.", day=since
        )
    return "look", gettext("Label printed ahead, no tube yet. Out since %(day)s.", day=since)


def _user(card: dict[str, Any]) -> tuple[str, str]:
    if not card["active"]:
        return "no", gettext("%(name)s is shut out.", name=card["name"])
    if card["is_me"]:
        return "yes", gettext("That is you.")
    return "yes", gettext("The badge of %(name)s.", name=card["name"])


def _station(card: dict[str, Any]) -> tuple[str, str]:
    if card["is_here"]:
        return "yes", gettext("This computer is %(name)s.", name=card["name"])
    return "look", gettext("This computer is not known as %(name)s.", name=card["name"])


def _reagent(card: dict[str, Any]) -> tuple[str, str]:
    left = card["days_left"]
    if left is None:
        return "look", gettext("Its label names no expiry.")
    if left < 0:
        return "no", ngettext("Expired %(num)s day ago.", "Expired %(num)s days ago.", -left)
    if card["either"]:
        return "look", gettext(
            "The scanner swallowed what ends a field: lot and serial number cannot be told apart."
        )
    if left == 0:
        return "look", gettext("Expires today.")
    tone = "look" if left <= _SOON_DAYS else "yes"
    return tone, ngettext("Good for %(num)s more day.", "Good for %(num)s more days.", left)


#: A reagent that expires within these days is pointed at.
_SOON_DAYS = 30

_TOLD: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "container": _container, "position": _position, "patient": _patient, "request": _request,
    "pick_list": _request, "procedure": _procedure, "kit": _kit, "user": _user, "station": _station,
    "command": lambda _card: ("yes", gettext("A command card: scan it at the station.")), "reagent": _reagent,
    "allotted": _allotted,
}  # fmt: skip


# --- facts


def facts(found: Scan) -> list[dict[str, Any]]:
    """What stands below the sentence, for `ui.facts`."""
    return _FACTS[found.kind](found.card)


def _sample_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    left = card["quantity"]
    collected = card.get("collected_at")
    return [
        {"label": gettext("Type"), "value": sentences.word("type", card["type"])},
        {
            "label": gettext("Status"),
            "status": card["status"],
            "value": card["status"],
            "unverified": card["label_to_verify"],
        },
        {"label": gettext("Left"), "value": gettext("unknown") if left is None else None, "amount": left},
        {"label": gettext("Study"), "value": card["study"]},
        {"label": gettext("Collected"), "value": spoken.iso(collected) if collected else None},
        {"label": gettext("Code on the tube"), "value": card["container_code"], "code": True},
    ]


def _container_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    used = gettext("%(used)s of %(capacity)s", used=card["used"], capacity=card["capacity"])
    return [
        {"label": gettext("Name"), "value": card["name"]},
        {"label": gettext("Kind"), "value": sentences.word("kind", card["kind_label"])},
        {"label": gettext("Used"), "value": used},
    ]


def _position_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": gettext("Container"), "value": f"{card['name']} ({card['container']})"},
        {"label": gettext("Kind"), "value": sentences.word("kind", card["kind_label"])},
    ]


def _patient_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": gettext("Sex"), "value": sentences.word("sex", card.get("sex"))},
        {"label": gettext("Year of birth"), "value": card.get("birth_year")},
        {"label": gettext("Samples"), "value": card.get("samples")},
    ]


def _request_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": gettext("Title"), "value": card["name"]},
        {"label": gettext("Status"), "value": sentences.word("request_status", card["status"])},
    ]


def _procedure_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    version = gettext("%(code)s, version %(version)s", code=card["procedure"], version=card["version"])
    return [
        {"label": gettext("Title"), "value": card["name"]},
        {"label": gettext("Procedure"), "value": version},
        {"label": gettext("Steps"), "value": " › ".join(card["steps"])},
    ]


def _kit_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    tubes = ", ".join(f"{tube['count']} × {sentences.word('type', tube['type'])}" for tube in card["tubes"])
    return [
        {"label": gettext("Title"), "value": card["name"]},
        {"label": gettext("Study"), "value": card["study"]},
        {"label": gettext("Visit"), "value": card["visit"]},
        {"label": gettext("Tubes"), "value": tubes},
    ]


def _allotted_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    place = gettext("tube %(place)s of %(tubes)s", place=card["place"], tubes=card["tubes"])
    if card["sets"] > 1:
        place += gettext(", kit %(set)s of %(sets)s", set=card["set"], sets=card["sets"])
    return [
        {"label": gettext("Kit"), "value": card["name"] or gettext("none: for whatever tube comes")},
        {"label": gettext("Which tube"), "value": place},
        {"label": gettext("Visit"), "value": card["visit"]},
        {"label": gettext("Type"), "value": sentences.word("type", card["type"]) if card["type"] else None},
        {"label": gettext("Label"), "value": card["label"]},
    ]


def _user_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    roles = ", ".join(sentences.word("role", role) for role in card["roles"])
    return [
        {"label": gettext("Name"), "value": card["name"]},
        {"label": gettext("Roles"), "value": roles},
        {"label": gettext("Site"), "value": card["site"] or gettext("every site")},
    ]


def _station_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": gettext("Name"), "value": card["name"]},
        {"label": gettext("Site"), "value": card["site"]},
        {"label": gettext("Label printer"), "value": card["printer"]},
    ]


def _command_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"label": gettext("Command"), "value": command_words(card)}]


def command_words(card: dict[str, Any]) -> str:
    """What a command card says, for people. card: `verb`, `number`, `reason`"""
    if card["verb"] == "count":
        return f"× {card['number']}"
    if card["verb"] == "volume":
        return spoken.quantity("volume", card["number"] * 1000)
    if card["verb"] == "reason":
        return sentences.word("discard_reason", card["reason"])
    if card["reason"]:
        return sentences.word("non_conformity", card["reason"])
    return sentences.word("command", card["verb"])


def _reagent_facts(card: dict[str, Any]) -> list[dict[str, Any]]:
    expires = card["expires_on"]
    lots = sorted({way["10"] for way in card["either"] if "10" in way})
    serials = sorted({way["21"] for way in card["either"] if "21" in way})
    either = gettext(" or ")
    return [
        {"label": gettext("GTIN"), "value": card["gtin"], "code": True},
        {"label": gettext("Lot"), "value": card["lot"] or either.join(lots) or None, "code": True},
        {"label": gettext("Expires on"), "value": spoken.iso(expires) if expires else None},
        {
            "label": gettext("Serial number"),
            "value": card["serial"] or either.join(serials) or None,
            "code": True,
        },
    ]


_FACTS: dict[str, Callable[[dict[str, Any]], list[dict[str, Any]]]] = {
    "sample": _sample_facts, "container": _container_facts, "position": _position_facts,
    "patient": _patient_facts, "request": _request_facts, "pick_list": _request_facts,
    "procedure": _procedure_facts, "kit": _kit_facts, "user": _user_facts, "station": _station_facts,
    "command": _command_facts, "reagent": _reagent_facts, "allotted": _allotted_facts,
}  # fmt: skip
