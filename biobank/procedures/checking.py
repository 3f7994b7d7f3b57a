"""The steps of a procedure and the tubes of a kit as somebody gives them: every field that is wrong is named. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from biobank.core import vocabularies
from biobank.core.errors import Malformed, Reason
from biobank.procedures.rules import Kind, Since

MOST_STEPS = 30
#: Two weeks: nothing that a person waits for with a timer takes longer.
MOST_MINUTES = 14 * 24 * 60
MOST_FORCE_G = 200_000
COLDEST_C, HOTTEST_C = -200, 120
MOST_TUBES = 96
#: What tubes of a kit can be; the same vessels as samples have.
VESSELS = ("tube", "slide", "block", "straw", "cassette")

_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_UNSAFE_NOTE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def checked_steps(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Steps as they are kept: every key there is, in order.

    raises  Malformed naming every field that is wrong, such as `steps.2.max_minutes`
    """
    if not 1 <= len(given) <= MOST_STEPS:
        raise Malformed({"steps": Reason("steps_out_of_range", {"count": len(given), "most": MOST_STEPS})})
    problems: dict[str, Reason] = {}
    checked = [_checked_step(each, place, problems) for place, each in enumerate(given)]
    keys = [each["key"] for each in checked]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            problems.setdefault(f"steps.{place}.key", Reason("step_key_twice", {"key": key}))
    if problems:
        raise Malformed(problems)
    return checked


#: Whole numbers of a step: name -> (least, most).
_NUMBERS = {
    "start_within_min": (0, MOST_MINUTES),
    "min_minutes": (0, MOST_MINUTES),
    "max_minutes": (1, MOST_MINUTES),
    "warn_before_min": (0, MOST_MINUTES),
    "temperature_c": (COLDEST_C, HOTTEST_C),
    "force_g": (1, MOST_FORCE_G),
}


def _checked_step(given: Mapping[str, Any], place: int, problems: dict[str, Reason]) -> dict[str, Any]:
    def wrong(where: str, code: str, /, **params: Any) -> None:
        problems.setdefault(f"steps.{place}.{where}", Reason(code, params))

    known = {"key", "kind", "title", "since", "note", "parts", *_NUMBERS}
    for field in sorted(set(given) - known):
        wrong(str(field)[:40], "step_field_unknown", field=str(field)[:40])
    step: dict[str, Any] = {"key": str(given.get("key") or ""), "kind": str(given.get("kind") or "")}
    if not _KEY.fullmatch(step["key"]):
        wrong("key", "step_key_wrong", key=step["key"][:40])
    if step["kind"] not in set(Kind):
        wrong("kind", "step_kind_unknown", given=step["kind"][:40], known=", ".join(Kind))
    step["title"] = str(given.get("title") or "").strip()
    if not 0 < len(step["title"]) <= 120 or _UNSAFE.search(step["title"]):
        wrong("title", "step_title_wrong", most=120)
    step["since"] = given.get("since") or None
    if step["since"] is not None and step["since"] not in set(Since):
        wrong("since", "step_since_unknown", given=str(step["since"])[:40], known=", ".join(Since))
    step["note"] = str(given.get("note") or "").strip() or None
    if step["note"] and (len(step["note"]) > 1000 or _UNSAFE_NOTE.search(step["note"])):
        wrong("note", "step_title_wrong", most=1000)
    for name, (least, most) in _NUMBERS.items():
        step[name] = given.get(name)
        if step[name] is not None and not _is_whole(step[name], least, most):
            wrong(name, "step_number_wrong", given=str(step[name])[:20], least=least, most=most)
            step[name] = None
    step["parts"] = _checked_parts(given.get("parts") or [], place, problems)
    _check_together(step, place, wrong)
    return step


def _check_together(step: Mapping[str, Any], place: int, wrong: Any) -> None:
    """What two fields of a step say about each other."""
    if (step["since"] is None) != (step["start_within_min"] is None):
        wrong("since" if step["since"] is None else "start_within_min", "step_since_needs_limit")
    if step["since"] == Since.PREVIOUS and place == 0:
        wrong("since", "step_first_has_no_previous")
    least, most, warn = step["min_minutes"], step["max_minutes"], step["warn_before_min"]
    if least is not None and most is not None and least > most:
        wrong("max_minutes", "step_limits_crossed", least=least, most=most)
    if warn is not None and (most is None or warn >= most):
        wrong("warn_before_min", "step_warning_wrong", warn=warn)
    if step["force_g"] is not None and step["kind"] != Kind.SPIN:
        wrong("force_g", "step_force_of_spin_only")
    if step["parts"] and step["kind"] != Kind.ALIQUOT:
        wrong("parts", "step_parts_of_aliquot_only")


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _checked_parts(given: Sequence[Any], place: int, problems: dict[str, Reason]) -> list[dict[str, Any]]:
    parts = []
    for each in given:
        part = dict(each) if isinstance(each, Mapping) else {}
        count, volume, type = part.get("count"), part.get("volume_nl"), part.get("type")
        right = _is_whole(count, 1, 384) and (volume is None or _is_whole(volume, 1, 10**9))
        if not right or set(part) - {"count", "volume_nl", "type"} or not _is_type(type):
            problems.setdefault(f"steps.{place}.parts", Reason("step_part_wrong"))
        parts.append({"count": count, "volume_nl": volume, "type": type})
    return parts


def _is_type(type: Any) -> bool:
    return type is None or type in vocabularies.sample_types()


# --- kits


def checked_tubes(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The tubes of a kit as they are kept. raises Malformed naming every field that is wrong"""
    problems: dict[str, Reason] = {}
    tubes = [_checked_tube(each, place, problems) for place, each in enumerate(given)]
    total = sum(tube["count"] for tube in tubes if isinstance(tube["count"], int))
    if not problems and not 1 <= total <= MOST_TUBES:
        problems["tubes"] = Reason("tubes_out_of_range", {"count": total, "most": MOST_TUBES})
    if problems:
        raise Malformed(problems)
    return tubes


def _checked_tube(given: Mapping[str, Any], place: int, problems: dict[str, Reason]) -> dict[str, Any]:
    def wrong(where: str, code: str, /, **params: Any) -> None:
        problems.setdefault(f"tubes.{place}.{where}", Reason(code, params))

    for field in sorted(set(given) - {"type", "label", "count", "volume_nl", "vessel"}):
        wrong(str(field)[:40], "step_field_unknown", field=str(field)[:40])
    tube = {
        "type": given.get("type"),
        "label": str(given.get("label") or "").strip(),
        "count": given.get("count", 1),
        "volume_nl": given.get("volume_nl"),
        "vessel": given.get("vessel") or "tube",
    }
    if tube["type"] not in vocabularies.sample_types():
        wrong("type", "type_unknown", type=str(tube["type"])[:60])
    if len(tube["label"]) > 60 or _UNSAFE.search(tube["label"]):
        wrong("label", "step_title_wrong", most=60)
    if not _is_whole(tube["count"], 1, MOST_TUBES):
        wrong("count", "step_number_wrong", given=str(tube["count"])[:20], least=1, most=MOST_TUBES)
    if tube["volume_nl"] is not None and not _is_whole(tube["volume_nl"], 1, 10**9):
        wrong("volume_ul", "tube_volume_wrong")
    if tube["vessel"] not in VESSELS:
        wrong("vessel", "vessel_unknown", given=str(tube["vessel"])[:40], known=", ".join(VESSELS))
    return tube
