"""Short ways to write consents, withdrawals and samples; a test shows only what matters to it."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from biobank.consent.rules import (
    ClauseFact,
    ConsentFact,
    DonorFacts,
    SampleFacts,
    Use,
    WithdrawalFact,
    decide,
    parse_purposes,
    parse_term,
)
from biobank.core.vocabularies import FOLDER, ConsentVocabulary, consent_vocabulary

STUDY = "MELBASE"
SIGNED = date(2012, 3, 1)
TODAY = date(2012, 6, 1)
START = datetime(2012, 1, 1, tzinfo=UTC)
NOW = datetime(2012, 6, 1, 12, 0, tzinfo=UTC)


def terms(*texts):
    return tuple(parse_term(text) for text in texts)


def clause(key="research", if_granted=("HMB",), if_refused=(), required=False):
    return ClauseFact(key, required, terms(*if_granted), terms(*if_refused))


def consent(*clauses, answers=None, seq=1, signed_on=SIGNED, family="GENERAL", version="1", **facts):
    """Without `answers` every clause is granted."""
    if answers is None:
        answers = {each.key: "granted" for each in clauses}
    facts = {"id": seq, "study": None, "recorded_at": START + timedelta(minutes=seq)} | facts
    return ConsentFact(
        family=family,
        version=version,
        signed_on=signed_on,
        seq=seq,
        clauses=clauses,
        answers=answers,
        **facts,
    )


def granting(*texts, **facts):
    """A consent to one clause that brings these terms."""
    return consent(clause(if_granted=texts), **facts)


def withdrawal(scope="all", seq=10, received_on=date(2012, 5, 1), **facts):
    facts = {"id": seq, "recorded_at": START + timedelta(minutes=seq)} | facts
    return WithdrawalFact(scope=scope, received_on=received_on, seq=seq, **facts)


def donor(*papers, key="k1"):
    return DonorFacts(
        key,
        tuple(paper for paper in papers if isinstance(paper, ConsentFact)),
        tuple(paper for paper in papers if isinstance(paper, WithdrawalFact)),
    )


def sample(*papers, donors=None, **facts):
    """A sample of one donor with these papers, or of several donors."""
    facts = {"code": "T00421736", "study": STUDY, "form_in_force": True} | facts
    return SampleFacts(donors=(donor(*papers),) if donors is None else donors, **facts)


def use(*purposes, **facts):
    """A non-profit, non-commercial use that is no genetic study, in France."""
    known = {"organisation": "non-profit", "commercial": False, "country": "FR", "genetic": False}
    return Use(**({"act": "pick", "purposes": parse_purposes(purposes or ["HMB"])} | known | facts))


def asked(of, what=None, *, as_of=TODAY, known_at=NOW, vocabulary=None, reviews=()):
    """The decision on a sample, by default for health research."""
    return decide(
        of,
        what or use(),
        as_of=as_of,
        known_at=known_at,
        vocabulary=vocabulary or consent_vocabulary(),
        reviews=reviews,
    )


def codes(decision):
    return [reason.code for reason in decision.reasons]


def edited(tmp_path, name, old, new):
    """The vocabulary with one text of one table changed."""
    folder = tmp_path / "vocabularies"
    shutil.copytree(FOLDER, folder)
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), "utf-8")
    return ConsentVocabulary(folder)


def of_a_child(*papers, of_age_on=date(2012, 5, 1), **facts):
    """A sample of somebody who comes of age on that day."""
    return sample(donors=(replace(donor(*papers), of_age_on=of_age_on),), **facts)
