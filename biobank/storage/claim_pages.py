"""Pages' forms for kept places, for what a container accepts, and for taking out to thaw; and what their cards read."""

import re
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample
from biobank.storage import accepting, claims, cold, container_pages, kinds, temperatures
from biobank.storage import service as storage
from biobank.storage.map import ContainerMap
from biobank.storage.models import Container
from biobank.storage.page_parts import bp
from biobank.storage.texts import TEMPERATURE_NAMES
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.sentences import word


@bp.post("/containers/<code>/reserve")
@requires(Permission.STORAGE_MOVE)
def reserve(code: str) -> ResponseReturnValue:
    """Keep places while a hand is on the way: those that are named, else as many as are asked of the next free ones."""

    def work() -> str:
        box, places = storage.find_container(code, actor()), _words("positions")
        minutes, count = _whole("minutes"), _whole("count")
        if places:
            made = claims.reserve(container=box, positions=places, minutes=minutes, by=actor())
        else:
            made = claims.reserve_next(container=box, count=count or 1, minutes=minutes, by=actor())
        return url_for("storage.container", code=box.code, position=made[0].position)

    return pages.submit(work, again=_again(code))


@bp.post("/containers/<code>/release")
@requires(Permission.STORAGE_MOVE)
def release(code: str) -> ResponseReturnValue:
    """Give a reservation back."""

    def work() -> str:
        box = storage.find_container(code, actor())
        claims.release(container=box, positions=_words("positions"), by=actor())
        return url_for("storage.container", code=box.code)

    return pages.submit(work, again=_again(code))


@bp.post("/containers/<code>/block")
@requires(Permission.STORAGE_MOVE)
def block(code: str) -> ResponseReturnValue:
    """Say that nothing may stand at a place, and why."""

    def work() -> str:
        box = storage.find_container(code, actor())
        place, why = request.form.get("positions", ""), request.form.get("why", "")[:500]
        claims.block(container=box, position=place, why=why, by=actor())
        return url_for("storage.container", code=box.code)

    return pages.submit(work, again=_again(code))


@bp.post("/containers/<code>/unblock")
@requires(Permission.STORAGE_MOVE)
def unblock(code: str) -> ResponseReturnValue:
    """Say that a place may be used again."""

    def work() -> str:
        box = storage.find_container(code, actor())
        ended = claims.unblock(container=box, position=request.form.get("positions", ""), by=actor())
        return url_for("storage.container", code=box.code, position=ended.position)

    return pages.submit(work, again=_again(code))


@bp.post("/containers/<code>/accepts")
@requires(Permission.STORAGE_BUILD)
def set_accepts(code: str) -> ResponseReturnValue:
    """Say what may stand in a container from now on."""

    def work() -> str:
        box = storage.find_container(code, actor())
        accepting.set_accepts(
            container=box, studies=_words("studies"), types=_words("types"),
            families=request.form.get("families") or None,
            temperature=request.form.get("temperature", "")[:40] or None, by=actor(),
        )  # fmt: skip
        return url_for("storage.container", code=box.code)

    return pages.submit(work, again=_again(code))


@bp.post("/samples/<code>/thaw")
@requires(Permission.STORAGE_MOVE)
def thaw_sample(code: str) -> ResponseReturnValue:
    """Take one sample out of its place to thaw it; it is counted."""

    def work() -> str:
        sample = find_sample(code, actor())
        storage.thaw(sample=sample, by=actor())
        return f"/samples/{sample.code}"

    return pages.submit(work)


# --- what cards read


@bp.app_template_global("kept_places")
def kept_places(found: ContainerMap) -> list[dict[str, Any]]:
    """The places of a map that are reserved or blocked, in order, with who keeps them; one query."""
    kept = list(found.claims.values())
    if not kept:
        return []
    names = access.names_of([claim.for_key for claim in kept if claim.for_key])
    mine = actor().key
    return [
        {
            "position": place.text, "claim": found.claims[place.text], "over": claims.is_over(found.claims[place.text]),
            "who": names.get(found.claims[place.text].for_key or ""),
            "mine": found.claims[place.text].for_key == mine and found.claims[place.text].plan_id is None,
        }
        for place in found.places
        if place.text in found.claims
    ]  # fmt: skip


@bp.app_template_global("accepted_in")
def accepted_in(box: Container) -> dict[str, Any]:
    """What a container accepts: the rule, in words, and how many in it are against it."""
    return {
        "rule": accepting.rule_of(box), "words": accepting.explain(box), "against": accepting.count_against(box),
        "set_to": temperatures.set_to(box.kept_at), "as_cold_as_it_stands": box.kind in kinds.tube_kinds(),
        "temperatures": [(key, word("temperature", key)) for key in TEMPERATURE_NAMES],
    }  # fmt: skip


@bp.app_template_global("went_through")
def went_through(sample: Sample) -> cold.Cold:
    """How often a sample thawed, and how long it was out of the cold."""
    return cold.cold_of([sample.id])[sample.id]


@bp.app_template_global("out_of_cold_since")
def out_of_cold_since(box: Container) -> Any:
    """When a container left the cold; None for one that is in it, or never was."""
    return cold.out_since([box.id]).get(box.id)


def _words(name: str) -> list[str]:
    """What is written in one field, parted by blanks, commas or semicolons."""
    return [word for word in re.split(r"[\s,;]+", request.form.get(name, "")[:2000]) if word]


def _whole(name: str) -> int | None:
    text = request.form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        most = claims.MOST_MINUTES if name == "minutes" else 1000
        told = {"count": text[:20], "most": most}
        known = {"minutes": Reason("minutes_out_of_range", told), "count": Reason("count_out_of_range", told)}
        raise Malformed({name: known[name]})
    return int(text)


def _again(code: str) -> Any:
    def again(problems: dict[str, str], sentence: str) -> Any:
        told = " ".join(problems.values()) or sentence
        return container_pages.show(storage.find_container(code, actor()), told)

    return again
