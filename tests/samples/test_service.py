"""Samples through their services: collected, received, divided, derived, pooled, held, corrected; on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.consent import rules as consent_rules
from biobank.core import clock, codes
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.times import When
from biobank.samples import collection, correction, gate, holds, life, numbers, processing, reading, uses
from biobank.samples.models import Decision, Hold, QuantityEntry, Sample, SampleUse
from tests import people
from tests.factories import (
    BY,
    ConsentFactory,
    FormFactory,
    PatientFactory,
    SampleFactory,
    SiteFactory,
    StudyFactory,
    act,
    fresh,
    withdraw,
)

pytestmark = pytest.mark.usefixtures("app_context")

RESEARCH = consent_rules.Use(
    act="hand_out", purposes=consent_rules.parse_purposes(["HMB"]), organisation="non-profit", genetic=False
)


def left(sample: Sample) -> int | None:
    return fresh(sample).remaining


def count(model: type, *where: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


# --- collection


def test_a_tube_that_reached_the_bank_is_available_and_counts_as_treated():
    sample = SampleFactory()

    assert (sample.status, sample.origin, sample.treated_precision) == ("available", "collected", "minute")
    assert codes.find([sample.code], BY)[0].target_id == sample.id


def test_a_tube_that_is_only_collected_is_received_before_anything_else():
    sample = SampleFactory(receive=False)

    with pytest.raises(RuleViolation, match="act_not_possible"):
        act(processing.aliquot, sample=sample, count=1, amount=1000)
    act(collection.receive, sample=sample)

    assert fresh(sample).status == "available"
    assert fresh(sample).treated_at is not None


def test_a_future_draw_is_refused_and_leaves_no_trace():
    patient, study = PatientFactory(), StudyFactory()

    with pytest.raises(RuleViolation, match="collected_in_future"):
        act(
            collection.collect, patient=patient, study=study, type="Plasma",
            collected=When.exactly(clock.now() + timedelta(days=1)),
        )  # fmt: skip

    assert count(Sample) == 0


def test_a_makers_code_belongs_to_one_tube_of_a_site():
    first = SampleFactory(container_code="0363132553")

    with pytest.raises(RuleViolation, match="code_taken"):
        SampleFactory(container_code="0363132553")

    assert reading.find_sample("0363132553", BY).id == first.id


def test_the_tubes_of_one_draw_share_their_collection_event():
    patient, study = PatientFactory(), StudyFactory()
    drawn = When.exactly(clock.now() - timedelta(hours=2))

    one, two = (SampleFactory(patient=patient, study=study, collected=drawn) for _ in range(2))
    other = SampleFactory(patient=patient, study=study, collected=When.unknown())

    assert one.collection_event_id == two.collection_event_id != other.collection_event_id


def test_an_unknown_type_is_named():
    with pytest.raises(Malformed) as refused:
        SampleFactory(type="Elixir")
    assert refused.value.fields["type"].params == {"type": "Elixir"}


def test_nothing_is_received_from_a_patient_who_withdrew():
    patient = ConsentFactory().patient
    withdraw(patient)

    with pytest.raises(RuleViolation, match="preserving_refused") as refused:
        SampleFactory(patient=patient)

    assert [reason.code for reason in refused.value.reasons] == ["withdrawn_all"]


# --- processing


def test_aliquots_debit_their_parent_and_know_it():
    parent = SampleFactory(volume_ul=1000)

    children = act(processing.aliquot, sample=parent, count=3, amount=200_000)

    assert left(parent) == 400_000
    assert [child.remaining for child in children] == [200_000] * 3
    assert reading.parents_of([child.id for child in children]) == {
        child.id: [parent.code] for child in children
    }
    assert gate.donors_of([children[0].id])[children[0].id] == gate.donors_of([parent.id])[parent.id]


def test_germinal_cells_are_not_divided_into_something_else():
    parent = SampleFactory(type="Semen", volume_ul=1000)

    with pytest.raises(RuleViolation, match="aliquot_is_germinal"):
        act(processing.aliquot, sample=parent, count=1, amount=1000, type="Plasma")
    (child,) = act(processing.aliquot, sample=parent, count=1, amount=1000)

    assert child.type == "Semen"


def test_more_than_is_left_is_refused_with_what_is_left_and_leaves_no_trace():
    parent = SampleFactory(volume_ul=100)

    with pytest.raises(RuleViolation, match="overdraw") as refused:
        act(processing.aliquot, sample=parent, count=2, amount=60_000)

    assert (refused.value.params["left"], refused.value.params["asked"]) == ("100", "120")
    assert left(parent) == 100_000
    assert count(Sample) == 1
    assert count(QuantityEntry) == 1


def test_the_last_drop_depletes_a_sample():
    parent = SampleFactory(volume_ul=100)
    act(processing.aliquot, sample=parent, count=1, amount=100_000)
    assert fresh(parent).status == "depleted"


def test_closing_a_parent_writes_off_the_rest():
    parent = SampleFactory(volume_ul=100)

    act(processing.aliquot, sample=parent, count=1, amount=30_000, close_parent=True)

    assert (fresh(parent).status, fresh(parent).remaining) == ("depleted", 0)
    ledger = db.session.scalars(
        select(QuantityEntry.amount).where(QuantityEntry.sample_id == parent.id)
    ).all()
    assert sorted(ledger) == [-70_000, -30_000, 100_000]


def test_nothing_is_drawn_by_amount_from_an_unknown_quantity():
    parent = SampleFactory(volume_ul=None)
    with pytest.raises(RuleViolation, match="quantity_unknown"):
        act(processing.aliquot, sample=parent, count=1, amount=1)


def test_a_child_is_not_older_than_its_parent():
    parent = SampleFactory()
    with pytest.raises(RuleViolation, match="child_older_than_parent"):
        act(
            processing.aliquot,
            sample=parent,
            count=1,
            amount=1,
            at=When.exactly(clock.now() - timedelta(days=9)),
        )


def test_a_derivative_has_its_own_unit():
    blood = SampleFactory(type="WholeBlood", volume_ul=4000)

    (dna,) = act(processing.derive, sample=blood, type="DNA", quantity=("mass", 3_060), drawn=2_000_000)

    assert (dna.quantity_kind, dna.remaining, left(blood)) == ("mass", 3_060, 2_000_000)


def test_a_pool_of_one_donor_is_preserving_and_takes_everything():
    patient, study = ConsentFactory().patient, StudyFactory()
    parents = [SampleFactory(patient=patient, study=study, volume_ul=100) for _ in range(2)]

    pool = act(processing.pool, samples=parents)

    assert pool.remaining == 200_000
    assert {fresh(parent).status for parent in parents} == {"depleted"}
    assert count(SampleUse) == 0


def test_a_pool_across_donors_is_a_use_that_every_donor_must_permit():
    form, study = FormFactory(), StudyFactory()
    willing = SampleFactory(patient=ConsentFactory(form=form).patient, study=study)
    refusing = SampleFactory(
        patient=ConsentFactory(form=form, answers={"research": "refused"}).patient, study=study
    )

    with pytest.raises(uses.UseRefused) as refused:
        act(processing.pool, samples=[willing, refusing], use=RESEARCH)

    assert {reason.params["sample"] for reason in refused.value.reasons} == {refusing.code}
    assert (left(willing), left(refusing)) == (1_000_000, 1_000_000)
    assert count(Decision, Decision.verdict == "deny") == 1, (
        "the refusal is kept though the act was rolled back"
    )
    assert count(SampleUse) == 0


def test_a_pool_across_willing_donors_has_them_all():
    form, study = FormFactory(), StudyFactory()
    parents = [SampleFactory(patient=ConsentFactory(form=form).patient, study=study) for _ in range(2)]

    pool = act(processing.pool, samples=parents, use=RESEARCH)

    assert len(gate.donors_of([pool.id])[pool.id]) == 2
    assert count(SampleUse, SampleUse.act == "pool_across_donors") == 2


# --- uses


def test_a_use_without_any_consent_is_refused_and_the_refusal_is_kept():
    sample = SampleFactory(consented=False)
    FormFactory()

    with pytest.raises(uses.UseRefused) as refused:
        use(sample)

    assert [reason.code for reason in refused.value.reasons] == ["pending"]
    assert count(Decision, Decision.verdict == "deny", Decision.sample_id == sample.id) == 1
    assert numbers.story(sample)[-1]["act"] == "use_refused"


def use(sample: Sample, act_name: str = "hand_out", **told: object) -> list[SampleUse]:
    from biobank.core.db import unit_of_work

    return unit_of_work(lambda: uses.use([sample], RESEARCH, act=act_name, by=BY, **told))


def test_a_permitted_use_points_at_its_decision():
    sample = SampleFactory()

    (used,) = use(sample)

    decision = db.session.get_one(Decision, used.decision_id)
    assert (decision.verdict, decision.sample_id, decision.act) == ("permit", sample.id, "hand_out")
    assert decision.facts["donors"][0]["subject_key"]
    assert decision.consent_event_id > 0


def test_a_use_is_not_dated_back_before_a_withdrawal():
    patient = ConsentFactory(signed_on=(clock.now() - timedelta(days=9)).date()).patient
    sample = SampleFactory(patient=patient, collected=When.exactly(clock.now() - timedelta(days=5)))
    withdraw(patient)

    with pytest.raises(uses.UseRefused):
        use(sample, at=When.exactly(clock.now() - timedelta(days=2)))


def test_a_use_before_the_signature_is_refused():
    sample = SampleFactory(collected=When.exactly(clock.now() - timedelta(days=5)))
    with pytest.raises(uses.UseRefused) as refused:
        use(sample, at=When.exactly(clock.now() - timedelta(days=2)))
    assert {reason.code for reason in refused.value.reasons} == {"not_yet_given"}


def test_material_goes_back_to_the_patients_own_care_even_after_a_withdrawal():
    sample = SampleFactory()
    patient_id = next(iter(gate.donors_of([sample.id])[sample.id]))
    withdraw(db.session.get_one(type(PatientFactory()), patient_id))

    (used,) = use(sample, "own_care")

    assert db.session.get_one(Decision, used.decision_id).reasons[0]["code"] == "own_care"


def test_a_check_asks_and_stores_nothing():
    sample = SampleFactory()
    before = count(Decision)

    (answer,) = uses.check([sample], RESEARCH)

    assert answer.verdict is consent_rules.Verdict.PERMIT
    assert count(Decision) == before


# --- holds


def test_a_held_sample_is_not_used_and_its_children_are_born_held():
    sample = SampleFactory()
    act(holds.hold, sample=sample, code="non_conformity", note="haemolysis")

    (child,) = act(processing.aliquot, sample=sample, count=1, amount=1000)

    assert [hold.code for hold in holds.open_holds([child.id])[child.id]] == ["non_conformity"]
    for held in (sample, child):
        with pytest.raises(uses.UseRefused):
            use(held)


def test_a_released_sample_may_be_used_again_and_the_hold_stays_in_the_record():
    sample = SampleFactory()
    hold = act(holds.hold, sample=sample, code="inventory")

    act(holds.release, hold=hold, reason="found in the next box")

    assert use(sample)
    assert count(Hold) == 1
    with pytest.raises(RuleViolation, match="hold_ended"):
        act(holds.release, hold=db.session.get_one(Hold, hold.id), reason="again")


def test_a_withdrawals_hold_is_not_released_by_hand():
    sample = SampleFactory()
    donor = next(iter(gate.donors_of([sample.id])[sample.id]))
    withdraw(db.session.get_one(type(PatientFactory()), donor))

    with pytest.raises(RuleViolation, match="hold_of_withdrawal"):
        act(holds.release, hold=holds.open_holds([sample.id])[sample.id][0], reason="please")


def test_a_lost_sample_is_found_again():
    sample = SampleFactory()
    act(life.lose, sample=sample, reason="not in the box")
    assert fresh(sample).status == "lost"
    act(life.find, sample=sample)
    assert fresh(sample).status == "available"


# --- corrections


def test_a_wrong_patient_is_corrected_with_everything_made_of_the_tube():
    form = FormFactory()
    wrong = ConsentFactory(form=form).patient
    right = ConsentFactory(form=form, answers={"research": "refused"}).patient
    tube = SampleFactory(patient=wrong)
    (child,) = act(processing.aliquot, sample=tube, count=1, amount=1000)
    other = SampleFactory(patient=wrong)
    assert use(child)

    changed = act(correction.wrong_patient, sample=tube, patient=right, reason="labels swapped at the ward")

    assert {sample.id for sample in changed} == {tube.id, child.id}
    assert gate.donors_of([tube.id, child.id, other.id]) == {
        tube.id: {right.id},
        child.id: {right.id},
        other.id: {wrong.id},
    }
    with pytest.raises(uses.UseRefused):
        use(child)
    assert use(other)


def test_a_pool_of_the_corrected_tube_has_its_new_donor_beside_the_old():
    form, study = FormFactory(), StudyFactory()
    first, second, right = (ConsentFactory(form=form).patient for _ in range(3))
    one, two = (SampleFactory(patient=patient, study=study, volume_ul=100) for patient in (first, second))
    pool = act(processing.pool, samples=[one, two], use=RESEARCH)

    act(correction.wrong_patient, sample=one, patient=right, reason="mistaken")

    assert gate.donors_of([pool.id])[pool.id] == {right.id, second.id}


def test_what_was_made_of_another_sample_is_corrected_at_its_root():
    tube = SampleFactory()
    (child,) = act(processing.aliquot, sample=tube, count=1, amount=1000)
    with pytest.raises(RuleViolation, match="correct_the_first"):
        act(correction.wrong_patient, sample=child, patient=PatientFactory(), reason="mistaken")


def test_a_wrong_type_is_corrected_and_the_old_one_named():
    sample = SampleFactory(type="Plasma")
    act(correction.wrong_type, sample=sample, type="Serum", reason="wrong tube")
    assert fresh(sample).type == "Serum"
    assert numbers.story(sample)[-1]["before"] == {"type": "Plasma"}


# --- reading


def test_another_sites_sample_is_not_there():
    there = SampleFactory(study=StudyFactory(site=SiteFactory(code="IUCT")), consented=False,
                          patient=PatientFactory(site=SiteFactory(code="IUCT")))  # fmt: skip
    here = people.actor("technician", site_code="IPC")

    with pytest.raises(NotFound, match="sample_unknown"):
        reading.find_sample(there.code, here)
    assert list(reading.list_samples(here).items) == []


def test_a_lineage_of_any_depth_is_one_tree():
    sample = SampleFactory(volume_ul=100)
    chain = [sample]
    for _ in range(30):
        chain += act(processing.aliquot, sample=chain[-1], count=1, amount=fresh(chain[-1]).remaining)

    trees, more = reading.lineage(chain[15].id)

    depth, branch = 1, trees[0]
    while branch.children:
        depth, branch = depth + 1, branch.children[0]
    assert (len(trees), depth, more) == (1, 31, 0)
    assert reading.descendant_ids([sample.id]) == [each.id for each in chain[1:]]


def test_lists_come_in_pages_that_hold_everything_once():
    made = {SampleFactory(consented=False).code for _ in range(7)}
    seen, after = [], None
    while True:
        page = reading.list_samples(BY, after=after, limit=3)
        seen += [sample.code for sample in page.items]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted(made)


def test_the_record_of_it_all_is_one_unbroken_chain():
    sample = SampleFactory()
    act(processing.aliquot, sample=sample, count=2, amount=1000)
    use(sample)
    assert audit.verify().broken_at is None
