"""The whole journey of a withdrawal: a pool, a promised, a picked, a given, a lost tube; a clause; an objection."""

from datetime import timedelta

import pytest

from biobank.consent import service as consent
from biobank.core import clock
from biobank.core.db import unit_of_work
from biobank.core.errors import Malformed, RuleViolation
from biobank.patients import service as patients
from biobank.samples import holds, processing, reading
from biobank.withdrawal import anonymising, service
from tests.withdrawal.acts import destroy, held, lose, patient, pooled, seen, terms, withdraw

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_the_whole_journey(world, donor, other):
    reserved, picked, out, lost, drafted, sent, used = (world.tube(donor) for _ in range(7))
    stranger = world.tube()
    pool = pooled(world, world.tube(donor), stranger)
    promised = world.approved(reserved)
    fetched = world.picked(picked)
    world.hand_out(world.picked(out), to="Dr Recipient")
    draft, waiting = world.draft(drafted), world.submitted(sent)
    lose(world, lost)

    done = withdraw(world, donor, fate="destroy", channel="phone")

    mother = reading.find_sample(pool, world.manager)
    assert set(done["held"]) >= {reserved, picked, lost, drafted, sent, used, pool}
    assert stranger not in done["held"]
    assert done["out"] == [out]
    assert {(each["request"], each["sample"]) for each in done["released"]} == {
        (promised, reserved),
        (fetched, picked),
        (draft, drafted),
        (waiting, sent),
    }
    for code, tube in ((promised, reserved), (fetched, picked), (draft, drafted), (waiting, sent)):
        assert (world.lines(code)[tube], world.reasons(code, tube)[0]) == ("released", "withdrawn_since")
    assert world.request(promised).status == world.request(fetched).status == "completed"
    assert [world.fresh_sample(tube).reserved for tube in (reserved, picked)] == [0, 0]
    (told,) = done["recalls"]
    assert told["recipient"] == "Dr Recipient"
    now = seen(world, donor, done["withdrawal"])
    assert (now.to_destroy, now.destroyed, now.held) == (len(done["held"]), 0, len(done["held"]))
    assert {each.sample for each in now.let_go} == {reserved, picked, drafted, sent}
    assert now.withdrawal.channel == "phone"
    assert mother.id in {row.task.sample_id for row in now.tasks}

    with pytest.raises(RuleViolation):
        unit_of_work(lambda: processing.aliquot(
            sample=world.sample(used), count=1, amount=1000, by=world.technician
        ))  # fmt: skip
    destroy(world, picked, other)
    destroy(world, pool, other)
    with pytest.raises(RuleViolation):
        destroy(world, lost, other)
    now = seen(world, donor, done["withdrawal"])
    assert (now.to_destroy, now.destroyed) == (len(done["held"]) - 2, 2)


def test_anonymising_asks_for_a_second_person(world, donor):
    withdraw(world, donor, fate="anonymise")
    assert anonymising.open_of(patient(world, donor)) is not None


# --- one clause, or an objection


GENETICS = [
    {"key": "research", "text": "Research", "required": True, "if_granted": ["HMB"]},
    {"key": "company", "text": "Companies", "if_refused": ["NCU"]},
]


@pytest.fixture
def liberal(world):
    """A donor who also agreed to commercial use."""

    def work():
        found = patients.enrol(site_id=world.site_id, by=world.technician)
        form = consent.make_form(
            site_id=world.site_id, code="TWO", version="1", title="Two", study=None, clauses=GENETICS, by=world.manager,
        )  # fmt: skip
        consent.record_consent(
            patient=found, form=form, signed_on=clock.now().date(), by=world.technician,
            answers={"research": "granted", "company": "granted"},
        )  # fmt: skip
        return found.code

    return unit_of_work(work)


def test_a_clause_lets_go_only_of_what_it_forbids(world, liberal):
    sold, kept, asked, moved = (world.tube(liberal) for _ in range(4))
    company = world.picked(sold, **terms(commercial=True))
    hospital = world.approved(kept, **terms())
    draft = world.draft(asked, **terms(commercial=True))
    world.hand_out(world.picked(moved, **terms(commercial=True)), to="A company")

    done = withdraw(world, liberal, {"form": "TWO", "clause": "company"}, fate="destroy")

    assert done["released"] == [{"request": company, "sample": sold}]
    assert (done["held"], done["to_destroy"]) == ([], 0)
    assert world.reasons(company, sold) == ["withdrawn_part_since", "modifier_ncu"]
    assert (world.lines(hospital), world.lines(draft)) == ({kept: "reserved"}, {asked: "asked"})
    assert held(world, sold, kept, asked, moved) == set()
    assert [each["recipient"] for each in done["recalls"]] == ["A company"]
    assert world.fresh_sample(sold).reserved == 0


def test_an_objection_to_genetics_stands_over_every_form(world, donor):
    genome, proteome = world.tube(donor), world.tube(donor)
    sequencing = world.approved(genome, **terms(genetic=True))
    proteins = world.approved(proteome, **terms())

    done = withdraw(world, donor, {"objection": "NO_GENETIC"})

    assert done["released"] == [{"request": sequencing, "sample": genome}]
    assert world.lines(proteins) == {proteome: "reserved"}
    assert world.reasons(sequencing, genome)[0] == "withdrawn_part_since"
    assert held(world, genome, proteome) == set()
    (fact,) = consent.withdrawals_of(patient(world, donor))
    assert (fact.scope, fact.objects_to) == ("objection", "NO_GENETIC")
    assert service.scope_of(fact).as_given() == {"objection": "NO_GENETIC"}


def test_an_objection_may_be_older_than_every_signature(world, donor):
    day = clock.now().date() - timedelta(days=400)
    told = {"patient": patient(world, donor), "received_on": day, "fate": "keep", "by": world.technician}
    unit_of_work(lambda: service.withdraw(scope={"objection": "no_genetic"}, **told))
    with pytest.raises(Malformed):
        unit_of_work(lambda: service.withdraw(scope="all", **told))


@pytest.mark.parametrize("term", ["GRU", "NCU", "", "NOBODY", "NO_GENETIC:x,y" * 30])
def test_nobody_objects_to_what_is_no_objection(world, donor, term):
    with pytest.raises(Malformed) as refused:
        withdraw(world, donor, {"objection": term})
    assert list(refused.value.fields) == ["scope.objection"]


def test_a_hold_for_another_reason_is_no_reason_to_let_go(world, donor):
    tube = world.tube(donor)
    code = world.approved(tube, **terms())
    unit_of_work(lambda: holds.hold(sample=world.sample(tube), code="inventory", by=world.technician))
    assert withdraw(world, donor, {"objection": "NO_GENETIC"})["released"] == []
    assert world.lines(code) == {tube: "reserved"}


def test_an_unknown_channel_is_named(world, donor):
    with pytest.raises(Malformed) as refused:
        withdraw(world, donor, channel="pigeon")
    assert list(refused.value.fields) == ["channel"]
