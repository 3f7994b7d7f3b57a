"""The page that says where scanned tubes go, and keeps the places for the hand that carries them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import vocabularies
from biobank.core.errors import BiobankError, Malformed, Reason
from biobank.samples.reading import find_sample
from biobank.samples.rules import Vessel
from biobank.storage import claims, suggesting
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.storage.page_parts import bp
from biobank.storage.places import Step
from biobank.storage.suggesting import Suggestion
from biobank.studies import service as studies
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.sentences import of_error, of_reason, word

#: What one page asks about; a rack is 96.
MOST_ON_PAGE = 100


@bp.get("/storage/where")
@requires(Permission.STORAGE_READ)
def where_to() -> ResponseReturnValue:
    """Where do they go? `?code=` the tubes so far, `?raw=` one more; or `?study=&type=&count=` for tubes to be made."""
    return _page()


@bp.post("/storage/where")
@requires(Permission.STORAGE_MOVE)
def keep_places() -> ResponseReturnValue:
    """Reserve the places that were suggested, all or none, and show them."""

    def work() -> str:
        by = actor()
        wanted: dict[str, list[str]] = {}
        for each in request.form.getlist("place")[: suggesting.MOST]:
            code, position, _tube = _split(each)
            wanted.setdefault(code, []).append(position)
        if not wanted:
            raise Malformed({"place": Reason("suggest_nothing")})
        boxes = [(storage.find_container(code, by), spots) for code, spots in wanted.items()]
        for box, spots in sorted(boxes, key=lambda each: each[0].id):  # the order in which rows are locked
            claims.reserve(container=box, positions=spots, by=by)
        return url_for("storage.where_to", kept=request.form.getlist("place"))

    return pages.submit(work, again=lambda _problems, sentence: _page(sentence))


def _split(text: str) -> list[str]:
    """K00000112:B07:T00421736 -> the box, the position, the tube (empty for one that is yet to be made)."""
    return [*text[:200].split(":"), "", ""][:3]


@dataclass(frozen=True)
class Kept:
    """A place that is reserved for the reader. until: None when it no longer is."""

    container: Container
    path: Sequence[Step]
    position: str
    tube: str
    until: datetime | None


def _kept(texts: list[str]) -> list[Kept]:
    by = actor()
    wanted = [_split(text) for text in texts[: suggesting.MOST]]
    boxes = {code: storage.find_container(code, by) for code in dict.fromkeys(code for code, _, _ in wanted)}
    paths = storage.path_of([box.id for box in boxes.values()])
    there = claims.open_claims([box.id for box in boxes.values()])
    found = []
    for code, position, tube in wanted:
        box = boxes[code]
        claim = there.get(box.id, {}).get(position)
        mine = claim is not None and claim.for_key == by.key
        found.append(
            Kept(box, paths.get(box.id, []), position, tube, claim.until_at if claim and mine else None)
        )
    return found


def _page(sentence: str | None = None) -> Response:
    by = actor()
    asked = list(dict.fromkeys(request.values.getlist("code")))
    raw = request.args.get("raw", "").strip()[:100]
    found: Suggestion | None = None
    kept: list[Kept] = []
    try:
        if raw:
            asked = list(dict.fromkeys([*asked, find_sample(raw, by).code]))
    except BiobankError as error:  # those that were scanned before keep their places
        raw, sentence = "", sentence or _told(error)
    try:
        kept = _kept(request.args.getlist("kept"))
        found = _asked(asked[:MOST_ON_PAGE])
    except BiobankError as error:
        sentence = sentence or _told(error)
    return pages.render(
        "storage/where.html",
        asked=asked,
        last=asked[-1] if raw and asked and found else None,
        found=found,
        spots=_by_sample(found),
        kept=kept,
        typed=request.args,
        sentence=sentence,
        studies=[(study.code, study.code) for study in studies.list_studies(by)],
        types=[(key, word("type", key)) for key in vocabularies.sample_types()],
        vessels=[(vessel.value, word("thing", vessel.value)) for vessel in Vessel],
    )


def _asked(asked: list[str]) -> Suggestion | None:
    by, args = actor(), request.args
    if asked:
        return suggesting.suggest(samples=[find_sample(code, by) for code in asked], by=by)
    if not args.get("study"):
        return None
    count = args.get("count", "")
    return suggesting.suggest(
        study=studies.find_study(args["study"], by),
        type=args.get("type") or None,
        vessel=args.get("vessel") or "tube",
        count=int(count) if count.isascii() and count.isdigit() and len(count) <= 4 else 0,
        by=by,
    )


def _told(error: BiobankError) -> str:
    if isinstance(error, Malformed):
        return " ".join(of_reason(reason) for reason in error.fields.values())
    return of_error(error)


def _by_sample(found: Suggestion | None) -> dict[str, Any]:
    """Code of a tube -> (its place, the position in it)."""
    if found is None:
        return {}
    return {
        sample.code: (place, place.positions[number] if place.positions else None)
        for place in found.places
        for number, sample in enumerate(place.samples)
    }
