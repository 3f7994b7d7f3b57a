"""What a scan at a box stands for: a tube, by our number or its maker's code, or another container."""

from dataclasses import dataclass

from biobank.core import codes
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import NotFound
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample
from biobank.storage.models import Container


@dataclass(frozen=True)
class Scanned:
    """One of the two is None."""

    sample: Sample | None = None
    child: Container | None = None

    @property
    def code(self) -> str:
        found = self.sample or self.child
        return found.code if found is not None else ""


def find_thing(raw: str, by: Actor) -> Scanned:
    """What was scanned.

    raises  NotFound `scanned_unknown` with what was read; RuleViolation for a code that is void or means two things
    """
    text = raw.strip()[:100]
    kinds = {found.kind: found for found in codes.find([text], by)}
    if "sample" in kinds or "tube" in kinds:
        return Scanned(sample=find_sample(text, by))
    if "container" in kinds:
        return Scanned(child=db.session.get_one(Container, kinds["container"].target_id))
    raise NotFound("scanned_unknown", scanned=text)
