"""May what is imported be received? Asked once for each patient and study, of whole chunks together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from biobank.consent import rules
from biobank.consent import service as consent
from biobank.core import clock, times
from biobank.core.errors import Reason
from biobank.samples import gate

Who = tuple[int, ...]
"""Patient keys in order: the donors of one sample."""


@dataclass
class Permission:
    """What was found out so far. The caller holds the locks of all these patients."""

    refused: dict[tuple[Who, str], tuple[Reason, ...]] = field(default_factory=dict)
    """Donors and study -> why not; nothing, when it may."""

    def ask(self, questions: Iterable[tuple[Who, str]], studies: Mapping[str, int]) -> None:
        """Find out for these donors and studies.

        studies  code -> key; a study that is not open yet has none
        """
        new = [(who, study) for who, study in set(questions) - self.refused.keys() if who]
        if not new:
            return
        said = consent.donor_facts({key for who, _ in new for key in who})
        covered = consent.forms_in_force({studies[study] for _, study in new if study in studies})
        for who, study in new:
            facts = rules.SampleFacts(
                code="",
                study=study,
                donors=tuple(said[key] for key in who),
                form_in_force=studies.get(study) in covered,
            )
            now = gate.now_for(facts)
            today = times.local_day(now, clock.zone())
            decision = rules.may_preserve(facts, "receive", as_of=today, known_at=now)
            permits = decision.verdict is rules.Verdict.PERMIT
            self.refused[who, study] = () if permits else decision.reasons

    def why_not(self, who: Who, study: str) -> tuple[Reason, ...]:
        """Why these people's samples may not be received; nothing for who is new, since they said nothing yet."""
        return self.refused.get((who, study), ())
