"""What people settled of what the rules leave to them: the newest word about a reason holds, no other is lifted."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed
from biobank.patients.models import Patient
from biobank.samples import correction, gate, processing, reviews
from biobank.samples.models import ConsentReview, Sample
from tests.factories import BY, ConsentFactory, PatientFactory, SampleFactory, StudyFactory, act

pytestmark = pytest.mark.usefixtures("app_context")

REQUEST, OTHER = 7, 8
CHILDREN, ABROAD = "flag_paediatric", "modifier_gs:clause=research:form=F:version=1"
BOTH = frozenset({CHILDREN, ABROAD})


@pytest.fixture
def tubes() -> list[int]:
    patient, study = PatientFactory(), StudyFactory()
    ConsentFactory(patient=patient)
    return [SampleFactory(patient=patient, study=study).id for _ in range(3)]


def settle(tubes: list[int], *codes: str, outcome="lift", why="Looked at.", request=REQUEST, named=BOTH):
    """One act of a reviewer. returns the keys of what was written"""

    def work():
        samples = gate.lock_samples(tubes)
        written = reviews.settle(
            request_id=request, request=f"R{request}", samples=samples, reason_codes=dict.fromkeys(tubes, codes),
            named=dict.fromkeys(tubes, named), outcome=outcome, why=why, by=BY,
        )  # fmt: skip
        return [row.id for row in written]

    return unit_of_work(work)


def lifting(tubes: list[int], request=REQUEST, known_at=None):
    db.session.rollback()
    return reviews.lifting(request, tubes, known_at)


def test_what_was_lifted_is_lifted_for_that_request_and_these_samples_only(tubes):
    first, second = settle(tubes[:2], CHILDREN)

    assert lifting(tubes) == {tubes[0]: [(first, (CHILDREN,))], tubes[1]: [(second, (CHILDREN,))]}
    assert lifting(tubes, request=OTHER) == {}


def test_who_upholds_takes_back_what_was_lifted_and_the_newest_word_holds(tubes):
    settle(tubes[:1], CHILDREN)
    settle(tubes[:1], CHILDREN, outcome="uphold", why="The opinion has run out.")
    assert lifting(tubes) == {}

    (last,) = settle(tubes[:1], CHILDREN)
    assert lifting(tubes) == {tubes[0]: [(last, (CHILDREN,))]}


def test_of_a_review_of_two_reasons_one_may_be_taken_back_and_the_other_holds(tubes):
    (both,) = settle(tubes[:1], CHILDREN, ABROAD)
    (one,) = settle(tubes[:1], ABROAD, outcome="uphold")

    assert lifting(tubes) == {tubes[0]: [(both, (CHILDREN,))]}
    assert {row.id for row in reviews.last_words(REQUEST, tubes)[tubes[0]].values()} == {both, one}
    said = reviews.last_words(REQUEST, tubes)[tubes[0]]
    assert {code: row.outcome for code, row in said.items()} == {CHILDREN: "lift", ABROAD: "uphold"}


def test_what_was_known_at_a_time_is_told_as_it_was_known(tubes):
    start = clock.now()
    with clock.freeze(start):
        (first,) = settle(tubes[:1], CHILDREN)
    with clock.freeze(start + timedelta(hours=1)):
        settle(tubes[:1], CHILDREN, outcome="uphold")

    assert lifting(tubes, known_at=start - timedelta(seconds=1)) == {}
    assert lifting(tubes, known_at=start) == {tubes[0]: [(first, (CHILDREN,))]}
    assert lifting(tubes, known_at=start + timedelta(hours=1)) == {}


# --- a tube that turns out to be somebody else's


def moved(tube: int, to) -> None:
    act(
        correction.wrong_patient,
        sample=db.session.get_one(Sample, tube),
        patient=to,
        reason="two labels swapped",
    )


def test_what_was_settled_for_one_person_lifts_nothing_for_another(tubes):
    start, other = clock.now(), PatientFactory()
    ConsentFactory(patient=other)
    with clock.freeze(start):
        settle(tubes[:2], CHILDREN, ABROAD)
    with clock.freeze(start + timedelta(hours=1)):
        moved(tubes[0], other)

    assert set(lifting(tubes)) == {tubes[1]}
    assert set(reviews.last_words(REQUEST, tubes)) == {tubes[1]}
    assert set(reviews.last_words(REQUEST, tubes)) == {tubes[1]}

    with clock.freeze(start + timedelta(hours=2)):
        (again,) = settle(tubes[:1], CHILDREN)
    assert lifting(tubes[:1]) == {tubes[0]: [(again, (CHILDREN,))]}


def test_what_was_settled_comes_not_back_with_the_person(tubes):
    start, other = clock.now(), PatientFactory()
    ConsentFactory(patient=other)
    (owner,) = gate.donors_of(tubes[:1])[tubes[0]]
    with clock.freeze(start):
        settle(tubes[:1], CHILDREN)
    for hours, person in ((1, other.id), (2, owner)):
        with clock.freeze(start + timedelta(hours=hours)):
            moved(tubes[0], db.session.get_one(Patient, person))

    assert lifting(tubes) == {}


def test_what_was_made_of_the_tube_follows_and_what_was_upheld_is_forgotten_too(tubes):
    start, other = clock.now(), PatientFactory()
    (child,) = act(processing.aliquot, sample=db.session.get_one(Sample, tubes[0]), count=1, amount=1000)
    child = child.id
    with clock.freeze(start):
        settle([child], CHILDREN)
        settle([tubes[0]], CHILDREN, outcome="uphold")
    with clock.freeze(start + timedelta(hours=1)):
        moved(tubes[0], other)

    assert reviews.last_words(REQUEST, [tubes[0], child]) == {}


def test_a_correction_of_the_same_instant_counts_as_later(tubes):
    with clock.freeze(clock.now()):
        settle(tubes[:1], CHILDREN)
        moved(tubes[0], PatientFactory())

    assert lifting(tubes) == {}


def test_a_correction_of_the_type_leaves_what_was_settled(tubes):
    settle(tubes[:1], CHILDREN)
    act(correction.wrong_type, sample=db.session.get_one(Sample, tubes[0]), type="Serum", reason="misread")

    assert set(lifting(tubes)) == {tubes[0]}


def test_what_was_known_before_a_correction_is_told_as_it_was_known(tubes):
    start = clock.now()
    with clock.freeze(start):
        (first,) = settle(tubes[:1], CHILDREN)
    with clock.freeze(start + timedelta(hours=2)):
        moved(tubes[0], PatientFactory())

    known = {tubes[0]: [(first, (CHILDREN,))]}
    assert lifting(tubes, known_at=start + timedelta(hours=1)) == known
    assert lifting(tubes, known_at=start + timedelta(hours=2)) == {}


def test_a_reason_that_the_decision_does_not_name_is_refused_with_those_it_does(tubes):
    with pytest.raises(Malformed) as refused:
        settle(tubes, "withdrawn_all")

    told = refused.value.fields["reason"]
    assert told.code == "review_reason_unknown"
    assert told.params["given"] == "withdrawn_all"
    assert told.params["known"] == f"{CHILDREN}, {ABROAD}"
    assert lifting(tubes) == {}


def test_where_nothing_is_left_to_people_nothing_is_settled(tubes):
    with pytest.raises(Malformed) as refused:
        settle(tubes, CHILDREN, named=frozenset())
    assert refused.value.fields["reason"].code == "review_nothing_open"


@pytest.mark.parametrize(
    ("told", "fields"),
    [
        ({"why": "  "}, ["why"]),
        ({"outcome": "perhaps"}, ["outcome"]),
        ({"why": "", "outcome": ""}, ["outcome", "why"]),
    ],
)
def test_who_settles_says_what_and_why(tubes, told, fields):
    with pytest.raises(Malformed) as refused:
        settle(tubes, CHILDREN, **told)
    assert sorted(refused.value.fields) == fields


def test_the_record_says_who_settled_what_and_why(tubes):
    settle(tubes[:1], CHILDREN, outcome="uphold", why="No opinion for children.")

    entry = audit.history("sample", db.session.get_one(Sample, tubes[0]).code)[-1]
    assert (entry["act"], entry["reason"], entry["actor"]) == (
        "review_upheld",
        "No opinion for children.",
        BY.key,
    )
    assert entry["after"] == {"request": "R7", "codes": [CHILDREN]}


def test_many_samples_cost_no_more_statements_than_one(tubes):
    def cost(count: int) -> int:
        sent = []
        keys = range(1, count + 1)

        def note(_connection, _cursor, statement, *_rest):
            sent.append(statement)

        def work() -> None:
            event.listen(db.engine, "before_cursor_execute", note)
            try:
                reviews.lifting(REQUEST, keys)
                reviews.last_words(REQUEST, keys)
            finally:
                event.remove(db.engine, "before_cursor_execute", note)

        unit_of_work(work)
        return len(sent)

    assert cost(5000) == cost(1)


def test_what_was_settled_is_neither_changed_nor_deleted(tubes):
    settle(tubes[:1], CHILDREN)
    for change in (db.update(ConsentReview).values(outcome="uphold"), db.delete(ConsentReview)):
        with pytest.raises(Exception, match="refused_by_database"):
            unit_of_work(lambda change=change: db.session.execute(change))
