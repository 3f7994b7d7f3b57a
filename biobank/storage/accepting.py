"""What a container accepts: which studies and types may stand in it, at any depth, and how cold it is kept.

A rule binds what is put in from now on; what stands in it already stays, and is counted when the rule is made.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import CTE, func, or_, select

from biobank.audit import service as audit
from biobank.core import vocabularies
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.samples.models import Sample
from biobank.storage import places, standing, temperatures
from biobank.storage.limits import not_kept_at
from biobank.storage.models import Container, Placement
from biobank.studies.models import Study

FAMILIES = ("together", "apart")
_FAMILIES_IN_WORDS = {
    "together": Reason("accepts_families_together"),
    "apart": Reason("accepts_families_apart"),
}


class Facts(NamedTuple):
    """What is asked of samples that are put in: one of them by name, and how many are alike in study and type."""

    code: str
    study: str
    type: str


@dataclass(frozen=True)
class Accepts:
    """A rule as it is read. Nothing in a list: everything.

    families  together or apart: where a family of samples is suggested to go; never refused
    """

    studies: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    families: str | None = None


def rule_of(container: Container) -> Accepts | None:
    """None: whatever fits."""
    told = container.accepts
    if not told:
        return None
    return Accepts(tuple(told.get("studies") or ()), tuple(told.get("types") or ()), told.get("families"))


def require_accepts(ancestors: Iterable[Container], sample_facts: Collection[Facts]) -> None:
    """Raise unless each container on the way takes each of these samples.

    ancestors  the container itself and everything it stands in
    raises     RuleViolation `study_not_accepted` or `type_not_accepted`, naming container and sample
    """
    for container in ancestors:
        rule = rule_of(container)
        if rule is None:
            continue
        shown: dict[str, Any] = {"container": container.code, "name": container.name}
        for facts in sample_facts:
            if rule.studies and facts.study not in rule.studies:
                accepted = ", ".join(rule.studies)
                raise RuleViolation(
                    "study_not_accepted", **shown, sample=facts.code, study=facts.study, accepted=accepted
                )
            if rule.types and facts.type not in rule.types:
                raise RuleViolation(
                    "type_not_accepted", **shown, sample=facts.code, type=facts.type,
                    accepted=", ".join(rule.types),
                )  # fmt: skip


def binding(ancestors: Iterable[Container]) -> list[Container]:
    """Those whose rule refuses anything at all."""
    rules = [(container, rule_of(container)) for container in ancestors]
    return [container for container, rule in rules if rule is not None and (rule.studies or rule.types)]


def facts_of(samples: Sequence[Sample]) -> list[Facts]:
    """What is asked of these samples; one query."""
    codes = _study_codes({sample.study_id for sample in samples})
    return [Facts(sample.code, codes[sample.study_id], sample.type) for sample in samples]


def facts_below(container_id: int) -> list[Facts]:
    """One sample of each study and type that stand in a container at any depth; one query."""
    below = _below(container_id)
    query = (
        select(func.min(Sample.code), Study.code, Sample.type)
        .join(Placement, Placement.sample_id == Sample.id)
        .join(Study, Study.id == Sample.study_id)
        .where(Placement.container_id.in_(select(below.c.id)), places.current())
        .group_by(Study.code, Sample.type)
    )
    return [Facts(*row) for row in db.session.execute(query)]


def set_accepts(
    *,
    container: Container,
    by: Actor,
    studies: Sequence[str] = (),
    types: Sequence[str] = (),
    families: str | None = None,
    temperature: str | None = None,
) -> Container:
    """Say what may stand in a container from now on, and how cold it is kept. Nothing said: whatever fits, and as cold
    as its kind is, else as what it stands in.

    raises  Malformed for a study of no name here, an unknown type or temperature, a temperature of a box, or a word for
            families that is none
    """
    if not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)
    studies, types = list(dict.fromkeys(studies)), list(dict.fromkeys(types))
    _check(container.site_id, studies, types, families)
    standing.lock_paths(container.id)
    before = _told(container)
    temperatures.set_own(container, temperature)
    told = {"studies": studies, "types": types, "families": families}
    container.accepts = {key: value for key, value in told.items() if value} or None
    db.session.flush()
    audit.record(
        by=by, act="accepts_set", subject=("container", container.code), before=before, after=_told(container)
    )  # fmt: skip
    return container


def _told(container: Container) -> dict[str, Any]:
    """What is set, as the record tells it."""
    at = temperatures.set_to(container.kept_at)
    return dict(container.accepts or {}) | ({"temperature": at} if at else {})


def count_against(container: Container) -> int:
    """How many samples stand in it, at any depth, that it would not take today; one query."""
    rule = rule_of(container) or Accepts()
    wrong = not_kept_at(temperatures.set_to(container.kept_at))
    if not (rule.studies or rule.types or wrong):
        return 0
    below = _below(container.id)
    query = (
        select(func.count())
        .select_from(Placement)
        .join(Sample, Sample.id == Placement.sample_id)
        .join(Study, Study.id == Sample.study_id)
        .where(Placement.container_id.in_(select(below.c.id)), places.current())
    )
    against = []
    if rule.studies:
        against.append(Study.code.not_in(rule.studies))
    if rule.types:
        against.append(Sample.type.not_in(rule.types))
    if wrong:
        against.append(Sample.type.in_(wrong))
    return db.session.scalar(query.where(or_(*against))) or 0


def explain(container: Container) -> list[Reason]:
    """Its rule in words, one reason each; empty when it takes whatever fits."""
    rule, at = rule_of(container), temperatures.set_to(container.kept_at)
    told = [Reason("accepts_temperature", {"temperature": at})] if at else []
    if rule is None:
        return told
    if rule.studies:
        told.append(Reason("accepts_studies", {"studies": ", ".join(rule.studies)}))
    if rule.types:
        told.append(Reason("accepts_types", {"types": ", ".join(rule.types)}))
    if rule.families:
        told.append(_FAMILIES_IN_WORDS[rule.families])
    return told


def _check(site_id: int, studies: list[str], types: list[str], families: str | None) -> None:
    wrong: dict[str, Reason] = {}
    known = set(
        db.session.scalars(select(Study.code).where(Study.site_id == site_id, Study.code.in_(studies)))
    )
    if strange := [code for code in studies if code not in known]:
        wrong["studies"] = Reason("study_unknown", {"study": strange[0][:40]})
    if odd := [given for given in types if given not in {*vocabularies.sample_types(), "Unknown"}]:
        wrong["types"] = Reason("type_unknown", {"type": odd[0][:40]})
    if families is not None and families not in FAMILIES:
        wrong["families"] = Reason("families_unknown", {"given": families[:40], "known": ", ".join(FAMILIES)})
    if wrong:
        raise Malformed(wrong)


def _study_codes(ids: set[int]) -> dict[int, str]:
    return dict(db.session.execute(select(Study.id, Study.code).where(Study.id.in_(ids))).all())


def _below(container_id: int) -> CTE:
    below = select(Container.id.label("id")).where(Container.id == container_id).cte(recursive=True)
    return below.union(
        select(Placement.child_id)
        .join(below, Placement.container_id == below.c.id)
        .where(Placement.child_id.is_not(None), places.current())
    )
