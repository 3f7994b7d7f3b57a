"""The pages of storage: the forms that move things. Where one looks at freezers is in `container_pages`."""

from typing import Any
from urllib.parse import quote

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.core.i18n import N_
from biobank.samples.reading import find_sample
from biobank.storage import (
    building_pages,
    claim_pages,
    container_pages,
    destruction,
    destruction_pages,
    kinds,
    places,
    rules,
    scanning,
    suggestion_pages,
)
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.storage.page_parts import bp
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

__all__ = [
    "NAVIGATION",
    "bp",
    "building_pages",
    "claim_pages",
    "container_pages",
    "destruction_pages",
    "suggestion_pages",
]

NAVIGATION = [
    NavItem(
        "storage.containers",
        N_("Freezers and boxes"),
        "freezer",
        Permission.STORAGE_READ.value,
        30,
        "storage",
    )
]

#: Why tubes are thrown away, as laboratories write it; offered while typing, never required.
DISCARD_REASONS = (
    N_("Tube broken"), N_("Leaked"), N_("Thawed by mistake"), N_("Temperature out of range"), N_("Contaminated"),
    N_("Mislabelled"), N_("Insufficient volume"), N_("Expired"), N_("Consent withdrawn"), N_("End of the study"),
)  # fmt: skip


@bp.post("/containers/<code>/fill")
@requires(Permission.STORAGE_MOVE)
def fill(code: str) -> ResponseReturnValue:
    """Place what was scanned at the place pointed at, else at the next free one, and point at the one after it."""

    def work() -> str:
        by = actor()
        box = storage.find_container(code, by)
        scanned = scanning.find_thing(request.form.get("raw", ""), by)
        if walked_to := _walked_to(box, scanned):
            return walked_to
        start = request.form.get("position") or None
        placed = storage.put(
            container=box, position=start, sample=scanned.sample, child=scanned.child, by=by, next_free=True
        )
        here = placed.placement.position
        following = storage.what_is_in(box).next_free_after(here) if here else None
        return url_for("storage.container", code=code, position=following, placed=scanned.code)

    return pages.submit(work, again=_again(code))


@bp.post("/containers/<code>/move")
@requires(Permission.STORAGE_MOVE)
def move(code: str) -> ResponseReturnValue:
    """Move what stands at a place here to another place, here or in another container."""

    def work() -> str:
        by = actor()
        thing = _occupant(code)
        to, there = scanning.find_scanned_place(request.form.get("to") or code, by)
        position = request.form.get("to_position") or there
        placed = storage.put(
            container=to, position=position, sample=thing.sample, child=thing.child, by=by,
            next_free=position is None,
        )  # fmt: skip
        return url_for(
            "storage.container", code=to.code, position=placed.placement.position, placed=thing.code
        )

    return pages.submit(work, again=_again(code))


@bp.post("/containers/<code>/take-out")
@requires(Permission.STORAGE_MOVE)
def take_out(code: str) -> ResponseReturnValue:
    """Take out what stands at a place here."""

    def work() -> str:
        thing = _occupant(code)
        reason = request.form.get("reason") or None
        ended = storage.take_out(sample=thing.sample, child=thing.child, reason=reason, by=actor())
        return url_for("storage.container", code=code, position=ended.position, taken=thing.code)

    return pages.submit(work, again=_again(code))


@bp.post("/containers/<code>/put-back")
@requires(Permission.STORAGE_MOVE)
def put_back(code: str) -> ResponseReturnValue:
    """Put what was scanned back where it last stood, wherever that is, and show it there."""

    def work() -> str:
        thing = scanning.find_thing(request.form.get("raw", ""), actor())
        placed = storage.put_back(sample=thing.sample, child=thing.child, by=actor())
        return _shown_at(placed, thing.code)

    return pages.submit(work, again=_again(code))


# --- one sample


@bp.get("/samples/<code>/place")
@requires(Permission.STORAGE_MOVE)
def place_form(code: str) -> ResponseReturnValue:
    """The form to say where a sample goes."""
    return _sample_form("storage/place.html", code)


@bp.post("/samples/<code>/place")
@requires(Permission.STORAGE_MOVE)
def place_sample(code: str) -> ResponseReturnValue:
    """Place or move one sample; without a position, at the next free place of the container."""

    def work() -> str:
        sample = find_sample(code, actor())
        box, there = scanning.find_scanned_place(request.form.get("container", ""), actor())
        position = request.form.get("position") or there
        placed = storage.put(
            container=box, position=position, sample=sample, by=actor(), next_free=position is None
        )
        return _shown_at(placed.placement, sample.code)

    return pages.submit(work, again=lambda *told: _sample_form("storage/place.html", code, *told))


@bp.post("/samples/<code>/take-out")
@requires(Permission.STORAGE_MOVE)
def take_sample_out(code: str) -> ResponseReturnValue:
    """Take one sample out of its place."""

    def work() -> str:
        reason = request.form.get("reason") or None
        storage.take_out(sample=find_sample(code, actor()), reason=reason, by=actor())
        return _sample_url(code)

    return pages.submit(work)


@bp.post("/samples/<code>/put-back")
@requires(Permission.STORAGE_MOVE)
def put_sample_back(code: str) -> ResponseReturnValue:
    """Put one sample back where it last stood."""

    def work() -> str:
        sample = find_sample(code, actor())
        return _shown_at(storage.put_back(sample=sample, by=actor()), sample.code)

    return pages.submit(work)


@bp.get("/samples/<code>/discard")
@requires(Permission.SAMPLE_DISCARD)
def discard_form(code: str) -> ResponseReturnValue:
    """The form to throw a sample away: why, and whether one is sure; or the two people that it takes."""
    found = find_sample(code, actor())
    if (task := destruction.open_of([found.id]).get(found.id)) is not None:
        return redirect(url_for("storage.destruction", key=task.id))
    return _sample_form("storage/discard.html", code)


@bp.post("/samples/<code>/discard")
@requires(Permission.SAMPLE_DISCARD)
def discard_sample(code: str) -> ResponseReturnValue:
    """Throw a sample away, for good."""

    def work() -> str:
        if request.form.get("sure") != "true":
            raise Malformed({"sure": Reason("discard_not_sure")})
        storage.discard(sample=find_sample(code, actor()), reason=request.form.get("reason", ""), by=actor())
        return _sample_url(code)

    return pages.submit(work, again=lambda *told: _sample_form("storage/discard.html", code, *told))


@bp.post("/samples/<code>/lose")
@requires(Permission.SAMPLE_HOLD)
def lose_sample(code: str) -> ResponseReturnValue:
    """Say that a sample is not where it should be."""

    def work() -> str:
        storage.lose(sample=find_sample(code, actor()), reason=request.form.get("reason") or None, by=actor())
        return _sample_url(code)

    return pages.submit(work)


# --- drawing


def _walked_to(box: Container, scanned: scanning.Scanned) -> str | None:
    """Where a scan leads that is not to be put in: a box that stands below or does not fit here, or a tube that stands
    below and does not fit here."""
    if scanned.child is not None:
        below = box.id in places.ids_above([scanned.child.id]).get(scanned.child.id, [])
        if below or not rules.may_stand(kinds.kind_of(box), scanned.child.kind):
            return url_for("storage.container", code=scanned.child.code)
    if scanned.sample is not None and not rules.may_stand(kinds.kind_of(box), scanned.sample.vessel):
        way = places.where_is([scanned.sample.id]).get(scanned.sample.id, [])
        if any(step.code == box.code for step in way):
            return url_for("storage.container", code=way[-1].code, position=way[-1].position)
    return None


def _again(code: str) -> Any:
    return lambda _fields, sentence: container_pages.show(storage.find_container(code, actor()), sentence)


def _sample_form(
    template: str, code: str, problems: dict[str, str] | None = None, sentence: str | None = None
) -> Any:
    sample = find_sample(code, actor())
    return pages.render(
        template,
        sample=sample,
        path=storage.where_is([sample.id]).get(sample.id, []),
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        reasons=[_(reason) for reason in DISCARD_REASONS],
        sample_url=_sample_url(sample.code),
    )


def _occupant(code: str) -> scanning.Scanned:
    """What the form is about: what stands at `position`, or the thing of the code `thing` where there are no places."""
    by = actor()
    if request.form.get("thing"):
        return scanning.find_thing(request.form["thing"], by)
    there = storage.occupant_at(storage.find_container(code, by), request.form.get("position", ""), by)
    return scanning.Scanned(there.sample, there.container)


def _shown_at(placement: Any, code: str) -> str:
    box = storage.container_of(placement)
    return url_for("storage.container", code=box.code, position=placement.position, placed=code)


def _sample_url(code: str) -> str:
    return f"/samples/{quote(code, safe='')}"
