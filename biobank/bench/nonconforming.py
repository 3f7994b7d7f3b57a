"""What is wrong with a tube, said anywhere: the command, the tube, the reason; or the reason, then tube after tube."""

from biobank.bench.heard import Heard
from biobank.bench.task import Task, Told, Work, require
from biobank.core.errors import Reason
from biobank.quality import service as quality
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample
from biobank.storage import places

HOLD = "sample:hold"
VERB = "non_conformity"
#: A tube that is none of these stands somewhere, or is on the bench.
_STAGES = {"expected": "arrival", "collected": "arrival", "handed_out": "transfer", "shipped": "transfer"}


def begins(heard: Heard) -> bool:
    return heard.verb == VERB


def begin(work: Work, heard: Heard) -> Told | None:
    require(work.by, HOLD)
    work.state.update(tube=None, stage=None, reason=None)
    return _reason(work, heard.reason) if heard.reason else Told("fault_which", {})


def hear(work: Work, heard: Heard) -> Told | None:
    """A tube, or what is wrong with it. The same tube may have more than one thing wrong."""
    if heard.verb == VERB:
        return _reason(work, heard.reason) if heard.reason else begin(work, heard)
    if heard.verb == "cancel":
        work.state.update(tube=None, stage=None, reason=None)
        return Told("fault_nothing", {}, tone="look")
    if heard.unknown is not None:
        raise heard.unknown
    return _tube(work, heard.thing) if heard.kind == "sample" else None


def wants(state: dict[str, str | None], verb: str) -> bool:
    """ "Cancel" lets go of the tube or the reason, before it ends the task."""
    return verb == "cancel" and bool(state["tube"] or state["reason"])


def _tube(work: Work, sample: Sample) -> Told:
    state = work.state
    if state["reason"]:
        return record(work, sample, state["reason"], stage_of(sample))
    state.update(tube=sample.code, stage=stage_of(sample))
    return Told("fault_tube", {"sample": sample.code}, shown={"code": sample.code})


def _reason(work: Work, reason: str) -> Told:
    state = work.state
    if state["tube"]:
        return record(work, find_sample(state["tube"], work.by), reason, state["stage"])
    state["reason"] = reason
    return Told("fault_reason", {"non_conformity": reason})


def record(work: Work, sample: Sample, reason: str, stage: str) -> Told:
    """Say it, and how it is taken back."""
    item = quality.record(sample=sample, code=reason, stage=stage, by=work.by)
    return Told(
        "receive_wrong", {"sample": sample.code, "non_conformity": reason}, tone="look", outcome="done", act=VERB,
        undo={"act": VERB, "sample": sample.code, "item": item.id}, shown={"code": sample.code},
    )  # fmt: skip


def stage_of(sample: Sample) -> str:
    """Where in its life the tube is now."""
    return _STAGES.get(sample.status) or ("storage" if places.where_is([sample.id]) else "processing")


def sentence(state: dict[str, str | None]) -> Reason:
    if state["tube"]:
        return Reason("fault_sentence_what", {"sample": state["tube"]})
    if state["reason"]:
        return Reason("fault_sentence_reason", {"non_conformity": state["reason"]})
    return Reason("fault_sentence")


TASK = Task("wrong", begins, begin, hear, sentence, wants=wants)
