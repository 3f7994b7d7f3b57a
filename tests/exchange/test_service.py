"""Imports carried out: what comes in and how, what is refused and leaves no trace, and that nothing comes in twice."""

import json

import pytest
from sqlalchemy import func, select, text

from biobank import models
from biobank.access.models import Site
from biobank.audit import service as audit
from biobank.core import codes
from biobank.core.db import Again, current_unit, db, unit_of_work
from biobank.core.errors import Malformed
from biobank.exchange import gdc, service
from biobank.exchange.models import ImportedRecord, ImportRun
from biobank.exchange.verdicts import fix, verdict
from biobank.patients.models import Patient
from biobank.samples import correction, holds, processing, reading
from biobank.samples.models import (
    CollectionEvent,
    Processing,
    QuantityEntry,
    Sample,
    SampleDonor,
    SampleParent,
)
from biobank.studies.models import Study
from tests.exchange.tables import (
    ALIQUOT,
    ALIQUOTS,
    ALL,
    ANALYTES,
    PORTIONS,
    SAMPLES,
    changed,
    dotted,
    without,
    write,
)
from tests.factories import (
    BY,
    ContainerFactory,
    PatientFactory,
    SampleFactory,
    SiteFactory,
    StudyFactory,
    act,
    fresh,
    withdraw,
)

pytestmark = pytest.mark.usefixtures("app_context")

PROFILE = gdc.load()
ALIQUOT_CODE = ALIQUOT["aliquot_submitter_id"]
OTHER_CASE = {"case_id": "case-2", "case_submitter_id": "P-2", "project_id": "DEMO-STAD"}
OTHER = SAMPLES[1] | OTHER_CASE | {"sample_id": "s3", "sample_submitter_id": "P-2-10A"}


class Imported:
    """What one import came to, and all it told."""

    def __init__(self, plan, *, site=None, unit=True, **options):
        self.findings = []
        place = service.site_for(site, BY)

        def work():
            self.findings.clear()
            return service.carry_out(plan, place=place, by=BY, tell=self.findings.append, **options)

        self.refused = False
        try:
            self.outcome = unit_of_work(work) if unit else work()
        except service.ImportRefused as refusal:
            self.refused, self.outcome = True, refusal.outcome
        db.session.rollback()

    def told(self, severity="error"):
        return [(f.file, f.row, f.column, f.code) for f in self.findings if f.severity == severity]


@pytest.fixture
def bring(tmp_path):
    SiteFactory()

    def bring(site=None, **given):
        options = {name: given.pop(name) for name in ("study", "keep_going", "rehearse") if name in given}
        paths = write(tmp_path, **given)
        plan = service.read(paths, profile=PROFILE, place=service.site_for(site, BY))
        return Imported(plan, site=site, unit=not options.get("rehearse"), **options)

    return bring


def sample(code):
    return reading.find_sample(code, BY)


def hold_codes(code):
    """Why it may not be used now."""
    key = sample(code).id
    return [hold.code for hold in holds.open_holds([key]).get(key, [])]


def rows():
    """How many rows stand in every table."""
    db.session.rollback()
    return {
        name: db.session.scalar(select(func.count()).select_from(table))
        for name, table in models.Base.metadata.tables.items()
    }


def one(query):
    return db.session.scalars(query).one()


# --- what comes in


def test_the_lineage_is_kept_and_every_tube_is_found_by_its_makers_code(bring):
    made = bring(**ALL)

    assert made.outcome.counts == {"patients": 1, "samples": 2, "portions": 1, "analytes": 1, "aliquots": 1}
    assert (made.outcome.changes, made.outcome.errors, made.told()) == (6, 0, [])
    trees, more = reading.lineage(sample(ALIQUOT_CODE).id)
    line = []
    while trees:
        line.append(db.session.get_one(Sample, trees[0].sample.id))
        trees = trees[0].children
    assert [one.container_code for one in line] == ["P-1-01A", "P-1-01A-11", "P-1-01A-11D", ALIQUOT_CODE]
    assert [one.type for one in line] == ["TissueFreshFrozen", "TissueFreshFrozen", "DNA", "DNA"]
    assert more == 0
    for found in line:
        assert sample(found.code).id == found.id
        assert (found.origin, found.status, found.site_id) == ("imported", "available", one(select(Site.id)))


def test_nobody_knows_when_it_was_drawn_or_received(bring):
    bring(**ALL)

    assert {(s.treated_at, s.treated_precision) for s in db.session.scalars(select(Sample))} == {
        (None, "unknown")
    }
    event = one(select(CollectionEvent))
    assert (event.happened_at, event.precision, event.patient_id) == (
        None,
        "unknown",
        one(select(Patient.id)),
    )
    assert {s.collection_event_id for s in db.session.scalars(select(Sample))} == {event.id}
    step = one(select(Processing))
    assert (step.act, step.happened_at, step.precision) == ("import", None, "unknown")
    assert {s.processing_id for s in db.session.scalars(select(Sample))} == {step.id}


def test_the_patient_is_enrolled_under_the_code_of_the_case(bring):
    bring(**ALL)

    patient = one(select(Patient))
    assert (patient.code, patient.sex, patient.birth_year) == ("P-1", "unknown", None)
    assert len(patient.subject_key) == 32
    assert [(found.kind, found.target_id) for found in codes.find(["P-1"], BY)] == [("patient", patient.id)]
    record = one(select(ImportedRecord).where(ImportedRecord.level == "case"))
    assert (record.external_id, record.patient_id, record.file, record.row) == (
        "case-1",
        patient.id,
        "sample.tsv",
        2,
    )
    assert set(db.session.scalars(select(SampleDonor.patient_id))) == {patient.id}
    assert db.session.scalar(select(func.count()).select_from(SampleDonor)) == 5
    assert [entry["act"] for entry in audit.history("patient", patient.subject_key)] == ["enrolled"]


def test_each_thing_is_traced_to_its_file_and_row_and_keeps_its_cells(bring):
    bring(**ALL)

    record = one(select(ImportedRecord).where(ImportedRecord.external_id == "s1"))
    assert (record.file, record.row, record.level) == ("sample.tsv", 2, "sample")
    assert record.sample_id == sample("P-1-01A").id
    assert record.raw["sample_type"] == "Primary Tumor"
    assert record.raw["days_to_collection"] == "1982"
    assert "preservation_method" not in record.raw
    run = one(select(ImportRun))
    assert [(file["name"], file["rows"], len(file["sha256"])) for file in run.files] == [
        ("sample.tsv", 2, 64), ("portion.tsv", 1, 64), ("analyte.tsv", 1, 64), ("aliquot.tsv", 1, 64),
    ]  # fmt: skip
    assert run.summary["changes"] == 6
    assert set(db.session.scalars(select(ImportedRecord.run_id))) == {run.id}


def test_an_amount_at_the_start_is_no_amount_that_is_left(bring):
    bring(**ALL)

    first, part = sample("P-1-01A"), sample(ALIQUOT_CODE)
    assert (first.quantity_kind, first.initial, first.remaining) == ("mass", 270_000_000, None)
    assert (part.quantity_kind, part.initial, part.remaining) == ("mass", 3060, 3060)
    ledger = {
        entry.sample_id: (entry.amount, entry.act) for entry in db.session.scalars(select(QuantityEntry))
    }
    assert first.id not in ledger
    assert ledger[part.id] == (3060, "imported")


def test_what_was_imported_can_be_worked_with(bring):
    bring(**ALL)

    (child,) = act(processing.aliquot, sample=sample(ALIQUOT_CODE), count=1, amount=60)

    assert (fresh(sample(ALIQUOT_CODE)).remaining, child.remaining) == (3000, 60)


def test_a_cell_outside_its_vocabulary_is_kept_means_nothing_and_is_told(bring):
    made = bring(**ALL | {"analyte": changed(ANALYTES, analyte_type="released", analyte_quantity="9")})

    assert made.told("note") == [
        ("analyte.tsv", 2, "analyte_type", "import_outside_vocabulary"),
        ("analyte.tsv", 2, "analyte_quantity", "import_amount_in_shifted_row"),
    ]
    found = sample("P-1-01A-11D")
    assert (found.type, found.initial, found.remaining) == ("Unknown", None, None)
    record = one(select(ImportedRecord).where(ImportedRecord.external_id == "n1"))
    assert (record.raw["analyte_type"], record.raw["analyte_quantity"]) == ("released", "9")


def test_a_makers_code_on_several_tubes_scans_as_none_of_them_and_is_kept(bring):
    made = bring(sample=[SAMPLES[0], SAMPLES[1] | {"sample_submitter_id": "P-1-01A"}])

    assert [code for *_, code in made.told("note")] == ["import_maker_code_shared"] * 2
    assert set(db.session.scalars(select(Sample.container_code))) == {None}
    assert {record.raw.get("submitter_id") for record in db.session.scalars(select(ImportedRecord))} == {
        None, "P-1-01A",
    }  # fmt: skip
    assert codes.find(["P-1-01A"], BY) == []


def test_an_aliquot_of_two_samples_is_a_pool_of_both(bring):
    again = {name: cell for name, cell in ALIQUOTS[0].items() if not name.startswith(("portion", "analyte_"))}
    tables = {
        "sample": SAMPLES,
        "aliquot": [again, again | {"sample_id": "s2", "sample_submitter_id": "P-1-10A"}],
    }

    bring(**tables)

    pool = sample(ALIQUOT_CODE)
    parents = set(db.session.scalars(select(SampleParent.parent_id).where(SampleParent.child_id == pool.id)))
    assert parents == {sample("P-1-01A").id, sample("P-1-10A").id}
    assert db.session.scalars(
        select(SampleDonor.patient_id).where(SampleDonor.sample_id == pool.id)
    ).all() == [one(select(Patient.id))]


def test_every_sample_has_its_entry_in_the_record_and_no_patients_code_stands_in_it(bring):
    bring(**ALL)

    first, part = sample("P-1-01A"), sample(ALIQUOT_CODE)
    (entry,) = audit.history("sample", first.code)
    patient = one(select(Patient))
    assert (entry["act"], entry["happened_at"], entry["precision"]) == ("imported", None, "unknown")
    assert entry["after"] == {
        "file": "sample.tsv", "row": 2, "study": "DEMO-STAD", "subject": patient.subject_key,
        "type": "TissueFreshFrozen", "status": "available", "initial": "270000 µg",
    }  # fmt: skip
    (entry,) = audit.history("sample", part.code)
    assert entry["after"]["parents"] == [sample("P-1-01A-11D").code]
    texts = db.session.scalars(select(models.audit.AuditEntry.content)).all()
    assert len(texts) == 5 + 1 + 1 + 1 + 1  # samples, patient, study, site, the import itself
    assert not any("P-1" in content or "case-1" in content for content in texts)
    assert audit.verify().broken_at is None


# --- the same again


def test_the_same_files_again_change_nothing_at_all(bring):
    bring(**ALL)
    before = rows()

    again = bring(**ALL)

    assert again.outcome.changes == 0
    assert (again.outcome.errors, again.told("note")) == (0, [])
    assert rows() == before


def test_the_same_tables_in_the_other_form_change_nothing_either(bring):
    bring(**ALL)
    before = rows()

    again = bring(**{level: dotted(level, table) for level, table in ALL.items()})

    assert (again.outcome.changes, again.told()) == (0, [])
    assert rows() == before


def test_only_what_is_new_comes_in(bring):
    bring(sample=SAMPLES, portion=PORTIONS)

    again = bring(**ALL)

    assert again.outcome.changes == 2
    assert db.session.scalar(select(func.count()).select_from(Sample)) == 5
    assert len(db.session.scalars(select(CollectionEvent)).all()) == 1


def test_a_row_that_was_changed_is_told_and_nothing_is_overwritten(bring):
    bring(**ALL)
    before = rows()
    later = ALL | {"portion": changed(PORTIONS, weight="31.0")}

    again = bring(**later)

    assert again.refused
    assert again.told() == [("portion.tsv", 2, None, "import_changed")]
    assert sample("P-1-01A-11").code in verdict(again.findings[-1])
    assert rows() == before

    assert bring(**later, keep_going=True).told("note") == [("portion.tsv", 2, None, "import_changed")]
    assert rows() == before
    assert sample("P-1-01A-11").remaining == 30_000_000


def test_a_second_import_of_a_patients_samples_takes_the_same_patient(bring):
    bring(sample=SAMPLES[:1])

    bring(sample=SAMPLES)

    assert db.session.scalar(select(func.count()).select_from(Patient)) == 1


def test_tables_without_ids_of_cases_are_known_again_by_the_patients_code(bring):
    tables = {level: without(table, "case_id") for level, table in ALL.items()}
    bring(**tables)
    before = rows()

    again = bring(**tables)

    assert (again.outcome.changes, again.told("note")) == (0, [])
    assert rows() == before


# --- rehearsal, refusal, keeping going


def test_a_rehearsal_tells_the_same_and_changes_nothing(bring):
    before = rows()

    made = bring(**ALL, rehearse=True)

    assert made.outcome.as_dict() == {
        "counts": {"patients": 1, "samples": 2, "portions": 1, "analytes": 1, "aliquots": 1},
        "changes": 6, "errors": 0, "notes": 0,
    }  # fmt: skip
    assert made.outcome.opened == ["DEMO-STAD"]
    assert rows() == before


def test_an_import_with_an_error_leaves_no_trace(bring):
    before = rows()

    made = bring(**ALL | {"aliquot": changed(ALIQUOTS, portion_id="p9", analyte_id="n9", sample_id="s9")})

    assert made.refused
    assert made.told() == [("aliquot.tsv", 2, "analyte_id", "import_orphan")]
    assert (made.outcome.changes, made.outcome.opened) == (0, [])
    assert rows() == before


@pytest.mark.parametrize("rehearse", [False, True])
def test_an_error_that_shows_only_late_leaves_no_trace_either(bring, rehearse):
    SampleFactory(container_code=ALIQUOT_CODE)
    before = rows()

    made = bring(**ALL, rehearse=rehearse)

    assert made.refused
    assert made.told() == [("aliquot.tsv", 2, "aliquot_submitter_id", "import_maker_code_taken")]
    assert rows() == before


def test_who_keeps_going_leaves_out_the_bad_row_and_what_was_made_from_it(bring):
    has = SampleFactory(container_code="P-1-01A-11")

    made = bring(**ALL, keep_going=True)

    assert not made.refused
    assert made.told() == [
        ("portion.tsv", 2, "portion_submitter_id", "import_maker_code_taken"),
        ("analyte.tsv", 2, "portion_id", "import_parent_refused"),
        ("aliquot.tsv", 2, "analyte_id", "import_parent_refused"),
    ]
    assert has.code in verdict(made.findings[0])
    assert all(not fix(finding).startswith("import_") for finding in made.findings)
    assert made.outcome.changes == 3
    imported = select(Sample.container_code).where(Sample.origin == "imported").order_by(Sample.id)
    assert db.session.scalars(imported).all() == ["P-1-01A", "P-1-10A"]


def test_a_rehearsal_of_keeping_going_tells_exactly_what_would_happen(bring):
    SampleFactory(container_code="P-1-01A-11")
    rehearsed = bring(**ALL, keep_going=True, rehearse=True)

    made = bring(**ALL, keep_going=True)

    assert rehearsed.told() == made.told()
    assert rehearsed.outcome == made.outcome


def test_a_file_that_cannot_be_read_stops_everything_and_is_all_that_is_told(tmp_path):
    paths = [*write(tmp_path, **ALL), tmp_path / "nothing.tsv"]
    paths.pop(0)
    place = service.site_for(None, BY)

    made = Imported(service.read(paths, profile=PROFILE, place=place), keep_going=True)

    assert made.refused
    assert made.told() == [("nothing.tsv", None, None, "import_cannot_open")]
    assert rows()["sample"] == 0


def test_a_unit_that_is_run_once_more_tells_everything_once(tmp_path):
    plan = service.read(write(tmp_path, **ALL), profile=PROFILE, place=service.site_for(None, BY))
    runs = []

    def work():
        outcome = service.carry_out(plan, place=service.site_for(None, BY), by=BY)
        runs.append(outcome)
        if len(runs) == 1:
            raise Again
        return outcome

    assert unit_of_work(work) == runs[0]
    assert (len(runs), rows()["sample"]) == (2, 5)


# --- what stands here already


def test_a_patient_of_that_code_is_taken_as_the_same_and_it_is_told_once(bring):
    patient = PatientFactory(code="P-1")

    first, again = bring(**ALL), bring(**ALL)

    assert first.told("note") == [("sample.tsv", 2, "case_submitter_id", "import_patient_used")]
    assert set(db.session.scalars(select(SampleDonor.patient_id))) == {patient.id}
    assert first.outcome.changes == 6
    assert (again.told("note"), again.outcome.changes) == ([], 0)


def test_a_patients_code_that_something_else_has_is_refused(bring):
    SampleFactory(container_code="P-1")

    made = bring(**ALL)

    assert made.told()[0] == ("sample.tsv", 2, "case_submitter_id", "import_patient_code_taken")
    assert len(made.told()) == 5


def test_a_case_that_stands_here_as_another_patient_is_refused(bring):
    bring(sample=SAMPLES)
    PatientFactory(code="P-2")

    renamed = bring(sample=[OTHER | {"case_id": "case-1"}])
    other_case = bring(sample=[OTHER | {"case_id": "case-3", "case_submitter_id": "P-1"}])

    assert renamed.told() == [("sample.tsv", 2, "case_submitter_id", "import_case_known_otherwise")]
    assert other_case.told() == [("sample.tsv", 2, "case_submitter_id", "import_case_named_twice")]


def test_an_id_that_stands_here_at_another_level_is_refused(bring):
    bring(sample=SAMPLES)

    made = bring(sample=[SAMPLES[0]], portion=changed(PORTIONS, portion_id="s2"))
    as_case = bring(sample=[OTHER | {"sample_id": "case-1"}])
    as_own_case = bring(sample=[OTHER | {"sample_id": "case-2"}])

    assert made.told() == [("portion.tsv", 2, "portion_id", "import_id_at_two_levels")]
    assert as_case.told() == [("sample.tsv", 2, "sample_id", "import_id_at_two_levels")]
    assert as_own_case.told() == [("sample.tsv", 2, "sample_id", "import_id_at_two_levels")]


def test_what_was_made_from_something_here_must_be_of_the_next_level(bring):
    bring(sample=SAMPLES)

    made = bring(analyte=without(changed(ANALYTES, portion_id="s1"), "sample_id", "sample_submitter_id"))

    assert made.told() == [("analyte.tsv", 2, "portion_id", "import_parent_of_wrong_level")]


def test_a_child_of_what_stands_here_has_its_donor_draw_and_study(bring):
    bring(sample=SAMPLES)

    made = bring(portion=PORTIONS)

    assert (made.told(), made.outcome.changes) == ([], 1)
    parent, child = sample("P-1-01A"), sample("P-1-01A-11")
    assert (child.study_id, child.collection_event_id) == (parent.study_id, parent.collection_event_id)
    assert reading.parents_of([child.id]) == {child.id: [parent.code]}
    assert child.type == "TissueFreshFrozen"


def test_a_part_of_tissue_that_was_embedded_since_is_fixed_also_when_its_sample_stands_here(bring):
    bring(sample=SAMPLES)

    bring(portion=changed(PORTIONS, is_ffpe="True"))

    assert sample("P-1-01A-11").type == "TissueFixed"


def test_a_part_is_of_the_type_to_which_its_sample_was_corrected(bring):
    bring(sample=SAMPLES)
    act(correction.wrong_type, sample=sample("P-1-01A"), type="Plasma", reason="mixed up")

    bring(sample=SAMPLES, portion=PORTIONS)

    assert sample("P-1-01A-11").type == "Plasma"


def test_a_child_of_a_held_sample_is_born_held_and_so_are_its_children(bring):
    bring(sample=SAMPLES)
    act(holds.hold, sample=sample("P-1-01A"), code="quarantine", note="leaking")

    bring(**ALL)

    assert hold_codes("P-1-01A-11") == ["quarantine"]
    assert hold_codes(ALIQUOT_CODE) == ["quarantine"]


def test_a_row_that_names_the_patient_a_tube_was_wrongly_given_to_is_refused(bring):
    bring(sample=SAMPLES)
    right = PatientFactory(code="P-9")
    act(correction.wrong_patient, sample=sample("P-1-01A"), patient=right, reason="mixed up")

    made = bring(portion=PORTIONS)

    assert made.told() == [("portion.tsv", 2, "case_submitter_id", "import_patient_differs")]
    assert "P-9" in verdict(made.findings[0])


def test_a_row_without_a_patient_takes_the_one_its_parent_has_here(bring):
    bring(sample=SAMPLES)
    right = PatientFactory(code="P-9")
    act(correction.wrong_patient, sample=sample("P-1-01A"), patient=right, reason="mixed up")

    bring(portion=without(PORTIONS, "case_id", "case_submitter_id"))

    donors = select(SampleDonor.patient_id).where(SampleDonor.sample_id == sample("P-1-01A-11").id)
    assert one(donors) == right.id


# --- consent


def test_nothing_of_a_patient_who_withdrew_is_received(bring):
    bring(sample=SAMPLES)
    withdraw(one(select(Patient)))
    before = rows()
    later = ALL | {"sample": [*SAMPLES, OTHER]}

    made = bring(**later)

    assert made.told() == [
        ("portion.tsv", 2, "case_submitter_id", "import_withdrawn"),
        ("analyte.tsv", 2, "portion_id", "import_parent_refused"),
        ("aliquot.tsv", 2, "analyte_id", "import_parent_refused"),
    ]
    assert "withdr" in verdict(made.findings[0]).lower()
    assert rows() == before

    kept = bring(**later, keep_going=True)
    assert (kept.told(), kept.outcome.changes) == (made.told(), 2)
    assert sample("P-2-10A").status == "available"


def test_a_patient_who_withdrew_from_another_study_is_received(bring):
    patient = PatientFactory(code="P-1")
    withdraw(patient, scope={"study": StudyFactory().code})

    assert bring(**ALL).told() == []


def test_patients_are_locked_before_what_they_said_is_read(tmp_path):
    patient = PatientFactory(code="P-1")
    plan = service.read(write(tmp_path, **ALL), profile=PROFILE, place=service.site_for(None, BY))

    def work():
        service.carry_out(plan, place=service.site_for(None, BY), by=BY)
        return set(current_unit().locked)

    assert ("patient", patient.id) in unit_of_work(work)


# --- studies


def test_the_project_becomes_the_study_and_is_opened_where_there_is_none(bring):
    StudyFactory(code="DEMO-STAD")
    made = bring(sample=[SAMPLES[0], OTHER | {"project_id": "DEMO-BRCA"}])

    assert made.outcome.opened == ["DEMO-BRCA"]
    assert sorted(db.session.scalars(select(Study.code))) == ["DEMO-BRCA", "DEMO-STAD"]
    assert db.session.get_one(Study, sample("P-1-01A").study_id).code == "DEMO-STAD"


def test_without_a_project_the_study_must_be_named(bring):
    tables = {level: without(table, "project_id") for level, table in ALL.items()}

    assert bring(**tables).told()[0] == ("sample.tsv", 2, None, "import_study_needed")
    assert bring(**tables, study="COHORT").told() == []
    assert one(select(Study.code)) == "COHORT"


def test_a_named_study_stands_for_whatever_project_the_rows_name(bring):
    bring(**ALL, study="COHORT")

    assert one(select(Study.code)) == "COHORT"
    assert (
        one(select(ImportedRecord).where(ImportedRecord.external_id == "q1")).raw["project_id"] == "DEMO-STAD"
    )


def test_a_child_is_not_taken_for_another_study_than_its_parent(bring):
    bring(sample=SAMPLES, study="COHORT")

    made = bring(portion=PORTIONS)
    in_files = bring(sample=[OTHER], portion=[
        PORTIONS[0] | OTHER_CASE | {"sample_id": "s3", "project_id": "ELSE", "portion_id": "p3"}
    ])  # fmt: skip

    assert made.told() == [("portion.tsv", 2, "project_id", "import_study_differs")]
    assert in_files.told() == [("portion.tsv", 2, "project_id", "import_study_differs")]
    assert bring(portion=PORTIONS, study="COHORT").told() == []


@pytest.mark.parametrize("study", ["", "x" * 81, "a\tb"])
def test_a_study_that_cannot_be_one_is_refused(bring, study):
    with pytest.raises(Malformed, match="study"):
        bring(**ALL, study=study)


# --- sites


def test_a_bank_without_a_site_gets_its_first(tmp_path):
    plan = service.read(write(tmp_path, **ALL), profile=PROFILE, place=service.site_for(None, BY))

    rehearsed = Imported(plan, unit=False, rehearse=True)
    assert rehearsed.outcome.changes == 6
    assert rows()["site"] == 0

    assert Imported(plan).outcome == rehearsed.outcome
    assert one(select(Site.code)) == service.FIRST_SITE


def test_of_several_sites_one_is_to_be_named_and_keeps_its_own_things(bring):
    ContainerFactory(site__code="IPC")
    ContainerFactory(site__code="CLB")
    with pytest.raises(Malformed, match="site"):
        bring(**ALL)
    with pytest.raises(Malformed, match="site"):
        bring(**ALL, site="ELSE")

    bring(**ALL, site="IPC")
    elsewhere = bring(**ALL, site="CLB")

    assert elsewhere.outcome.changes == 6  # each site has its own makers' codes, patients and studies
    assert db.session.scalar(select(func.count()).select_from(Sample)) == 10


# --- many at once


@pytest.fixture
def many(tmp_path):
    """2,500 samples of 500 patients, each with a portion: several chunks of each level."""
    names = [(f"s{n}", f"P-{n % 500}", f"P-{n % 500}-{n}") for n in range(2500)]
    samples = [
        SAMPLES[0]
        | {
            "case_id": f"case-{code}",
            "case_submitter_id": code,
            "sample_id": key,
            "sample_submitter_id": tube,
        }
        for key, code, tube in names
    ]
    portions = [
        PORTIONS[0] | {"case_id": f"case-{code}", "case_submitter_id": code, "sample_id": key,
                       "portion_id": f"p-{key}", "portion_submitter_id": f"{tube}-11"}
        for key, code, tube in names
    ]  # fmt: skip
    return write(tmp_path, portion=portions, sample=samples)


def test_many_chunks_come_in_whole_and_only_once(many):
    place = service.site_for(None, BY)
    first = Imported(service.read(many, profile=PROFILE, place=place))
    again = Imported(service.read(many, profile=PROFILE, place=service.site_for(None, BY)))

    assert (first.outcome.changes, again.outcome.changes) == (5500, 0)
    orphans = """
        SELECT count(*) FROM sample s JOIN imported_record r ON r.sample_id = s.id AND r.level = 'portion'
        WHERE NOT EXISTS (SELECT 1 FROM sample_parent p WHERE p.child_id = s.id)"""
    assert db.session.scalar(text(orphans)) == 0
    mixed_up = """
        SELECT count(*) FROM sample_parent p JOIN sample c ON c.id = p.child_id JOIN sample s ON s.id = p.parent_id
        WHERE c.container_code <> s.container_code || '-11'"""
    assert db.session.scalar(text(mixed_up)) == 0
    assert len(set(db.session.scalars(select(Sample.code)))) == 5000
    assert audit.verify().broken_at is None
    for content in db.session.scalars(select(models.audit.AuditEntry.content).limit(50)):
        assert json.loads(content)["actor"] == BY.key
