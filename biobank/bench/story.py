"""A sample's history as a story: each entry of the record as a sentence, with who did it and when."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import url_for

from biobank.access import service as access
from biobank.core import clock, times
from biobank.core.times import When
from biobank.web import sentences, spoken

#: Act of the record -> (icon, tone). Its sentence is `story_<act>` in texts.py.
SIGNS: dict[str, tuple[str, str | None]] = {
    "collected": ("drop", None),
    "received": ("down", "yes"),
    "imported": ("import", None),
    "created_from": ("branch", None),
    "pooled_from": ("merge", None),
    "aliquoted": ("branch", None),
    "derived": ("branch", None),
    "pooled": ("merge", None),
    "placed": ("freezer", None),
    "moved": ("move", None),
    "taken_out": ("up", None),
    "put_back": ("freezer", None),
    "destruction_asked": ("trash", "look"),
    "destruction_cancelled": ("trash", None),
    "destruction_confirmed": ("hand", "look"),
    "destruction_witnessed": ("check", "no"),
    "discarded": ("trash", "no"),
    "held": ("lock", "look"),
    "released": ("unlock", "yes"),
    "lost": ("help", "no"),
    "found": ("search", "yes"),
    "corrected": ("edit", "look"),
    "reserved": ("flag", None),
    "unreserved": ("flag", None),
    "picked": ("pick", None),
    "handed_out": ("hand", "yes"),
    "recalled": ("truck", "look"),
    "returned": ("down", None),
    "review_lifted": ("check", "yes"),
    "review_upheld": ("no", "no"),
    "redacted": ("edit", "look"),
    "use_refused": ("no", "no"),
    "step_started": ("spin", None),
    "step_stopped": ("clock", None),
    "step_cancelled": ("minus", None),
    "label_reprinted": ("print", "look"),
    "label_verified": ("label", "yes"),
    "code_replaced": ("label", "look"),
    "number_given_back": ("label", "look"),
    "label_wrong": ("label", "no"),
    "non_conformity": ("look", "look"),
    "non_conformity_closed": ("check", "yes"),
    "discrepancy": ("help", "look"),
    "discrepancy_settled": ("check", "yes"),
    "depleted": ("minus", None),
    "undone": ("history", "look"),
    "thaw_undone": ("history", "look"),
}


def tell(
    entries: Sequence[Mapping[str, Any]], patients: Mapping[str, str], *, may_read_decisions: bool = False
) -> list[dict[str, Any]]:
    """Entries of the record as the page draws them, newest first.

    patients            subject_key -> pseudonym, for those who may read it; others see none
    may_read_decisions  entries lead to the decision behind them
    """
    names = access.names_of({entry["actor"] for entry in entries})
    return [_told(entry, names, patients, may_read_decisions) for entry in reversed(entries)]


def _told(
    entry: Mapping[str, Any],
    names: Mapping[str, str],
    patients: Mapping[str, str],
    may_read_decisions: bool,
) -> dict[str, Any]:
    icon, tone = SIGNS.get(entry["act"], ("clock", None))
    happened = When(_instant(entry["happened_at"]), entry["precision"])
    recorded = datetime.fromisoformat(entry["recorded_at"])
    late = happened.at is None or abs((recorded - happened.at).total_seconds()) > 3600
    return {
        "what": sentences.sentence(f"story_{entry['act']}", _params(entry, patients)),
        "when": shown(happened),
        "iso": times.show(happened, clock.zone()),
        "by": names.get(entry["actor"], entry["actor"].removeprefix("job:")),
        "icon": icon,
        "tone": tone,
        "reason": entry["reason"],
        "detail": _detail(entry),
        "href": _decision(entry, may_read_decisions),
        "recorded": shown(When(recorded, "minute")) if late else None,
    }


def _params(entry: Mapping[str, Any], patients: Mapping[str, str]) -> dict[str, Any]:
    after, before = entry["after"], entry["before"]
    found: dict[str, Any] = {
        "old_code": before.get("code", "–"),
        "new_code": after.get("code", "–"),
        "children": ", ".join(after.get("children", [])),
        "count": len(after.get("children", [])),
        "parents": ", ".join(after.get("parents", [])),
        "place": _place(after),
        "from_place": _place(before),
        "patient": patients.get(str(after.get("subject")), "…"),
        "old": _type(before) or patients.get(str(before.get("subject")), "…"),
        "new": _type(after) or patients.get(str(after.get("subject")), "…"),
        "quantity": after.get("quantity", "?"),
        "hold": after.get("hold") or before.get("hold") or "",
        "non_conformity": after.get("what") or before.get("what") or "–",
        "discrepancy": after.get("kind") or before.get("kind") or "–",
    }
    for name in (
        "type",
        "request",
        "to",
        "drawn",
        "left",
        "act",
        "file",
        "row",
        "study",
        "step",
        "procedure",
        "reprint",
    ):
        found[name] = after.get(name, before.get(name, "–"))
    return found


def _type(told: Mapping[str, Any]) -> str | None:
    return sentences.word("type", told["type"]) if told.get("type") else None


def _place(told: Mapping[str, Any]) -> str:
    container, position = told.get("container"), told.get("position")
    return " · ".join(str(part) for part in (container, position) if part) or "–"


def _detail(entry: Mapping[str, Any]) -> str | None:
    """What the sentence has no room for: the reasons of a refusal."""
    reasons = entry["after"].get("reasons") or []
    return " ".join(sentences.of_reason(reason) for reason in reasons) or None


def _decision(entry: Mapping[str, Any], may_read: bool) -> str | None:
    """Where the decision behind an entry is explained; entries of before it was noted name none."""
    key = entry["after"].get("decision")
    return url_for("samples.decision", key=key) if may_read and isinstance(key, int) else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def shown(when: When) -> str:
    """A time for people: nothing in it that is not known."""
    return spoken.moment(when, clock.zone()) or sentences.sentence("time_unknown")
