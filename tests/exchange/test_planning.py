"""Rows that go together, and rows that do not."""

import random
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.exchange import agreement, gdc, meaning, planning, profile, reading, survey
from biobank.exchange.planning import plan
from biobank.exchange.texts import TEXTS, WORDS
from tests.exchange.tables import (
    ALIQUOTS,
    ALL,
    ANALYTES,
    NULL,
    PORTIONS,
    SAMPLES,
    as_text,
    changed,
    dotted,
    without,
    write,
)

PROFILE = gdc.load()


@pytest.fixture
def planned(tmp_path):
    def planned(known=(), **tables):
        return plan(write(tmp_path, **tables), PROFILE, lambda ids: set(ids) & set(known))

    return planned


def places(findings, severity="error"):
    return [(f.file, f.row, f.column, f.code) for f in findings if f.severity == severity]


def ids(made):
    return [draft.external_id for chunk in made.drafts() for draft in chunk]


@pytest.mark.parametrize("seed", range(5))
def test_parents_come_before_children_in_whatever_order_files_and_rows_stand(planned, seed):
    mixed = random.Random(seed)
    names = mixed.sample(list(ALL), k=4)
    tables = {name: mixed.sample(ALL[name], k=len(ALL[name])) for name in names}

    made = planned(**tables)

    assert made.findings == []
    assert made.counts == {"sample": 2, "portion": 1, "analyte": 1, "aliquot": 1}
    assert made.patients == {"P-1": "case-1"}
    assert made.total == 5
    order = ids(made)
    assert sorted(order[:2]) == ["s1", "s2"]
    assert order[2:] == ["p1", "n1", "q1"]


def test_chunks_are_of_one_level_and_no_longer_than_asked(tmp_path):
    samples = [SAMPLES[1] | {"sample_id": f"s{n}", "sample_submitter_id": f"S{n}"} for n in range(7)]
    made = plan(write(tmp_path, sample=samples), PROFILE, chunk=3)

    assert [len(chunk) for chunk in made.drafts()] == [3, 3, 1]


def test_signs_of_life_add_up_to_the_rows(tmp_path):
    samples = [SAMPLES[1] | {"sample_id": f"s{n}", "sample_submitter_id": f"S{n}"} for n in range(1203)]
    ticks = []

    made = plan(write(tmp_path, sample=samples, portion=PORTIONS), PROFILE, tick=ticks.append)

    assert sum(ticks) == 1204
    assert [(file.name, file.kinds, file.rows) for file in made.files] == [
        ("sample.tsv", ("sample",), 1203),
        ("portion.tsv", ("portion",), 1),
    ]


# --- links


def test_a_child_whose_parent_is_nowhere_is_an_orphan_and_so_is_not_taken(planned):
    made = planned(sample=SAMPLES, analyte=ANALYTES, aliquot=ALIQUOTS)

    assert places(made.errors) == [
        ("analyte.tsv", 2, "portion_id", "import_orphan"),
        ("aliquot.tsv", 2, "analyte_id", "import_parent_refused"),
    ]
    assert made.errors[0].params == {"id": "n1", "parent": "p1", "level": "portion"}
    assert ids(made) == ["s1", "s2"]


def test_a_parent_that_is_here_already_need_not_be_in_the_files(planned):
    made = planned(known=["n1"], aliquot=ALIQUOTS)

    assert made.findings == []
    [[draft]] = made.drafts()
    assert (draft.parents, draft.type, draft.inherits_type) == (("n1",), "Unknown", True)


def test_the_database_is_asked_for_few_at_a_time_and_only_for_what_is_not_in_the_files(tmp_path):
    portions = [
        PORTIONS[0] | {"portion_id": f"p{n}", "sample_id": f"s{n}", "portion_submitter_id": f"P{n}"}
        for n in range(1, 1102)
    ]
    asked = []

    plan(
        write(tmp_path, sample=SAMPLES, portion=portions),
        PROFILE,
        lambda some: asked.append(list(some)) or set(some),
    )

    assert [len(some) for some in asked] == [500, 500, 99]
    assert not {"s1", "s2"} & {name for some in asked for name in some}


def test_the_most_specific_link_names_the_parent(planned):
    made = planned(sample=SAMPLES, portion=PORTIONS, aliquot=changed(ALIQUOTS, analyte_id=NULL))

    assert made.findings == []
    assert [draft.parents for chunk in made.drafts() for draft in chunk][-1] == ("p1",)


@pytest.mark.parametrize(
    ("tables", "place"),
    [
        ({"portion": changed(PORTIONS, portion_id="s1")}, ("portion.tsv", 2, "portion_id", "import_id_at_two_levels")),
        ({"portion": changed(PORTIONS, portion_id="x", sample_id="x")},
         ("portion.tsv", 2, "sample_id", "import_own_parent")),
        ({"portion": changed(PORTIONS, sample_id=NULL)}, ("portion.tsv", 2, "sample_id", "import_missing_link")),
        ({"portion": changed(PORTIONS, portion_id=NULL)}, ("portion.tsv", 2, "portion_id", "import_missing_id")),
        ({"portion": changed(PORTIONS, portion_id="p" * 101)}, ("portion.tsv", 2, "portion_id", "import_id_too_long")),
        ({"portion": changed(PORTIONS, portion_id="p\x07")}, ("portion.tsv", 2, "portion_id", "import_id_unprintable")),
        ({"portion": changed(PORTIONS, case_submitter_id="P-2", case_id="case-2")},
         ("portion.tsv", 2, "sample_id", "import_patient_differs")),
        ({"portion": changed(PORTIONS, case_submitter_id="P-2")},
         ("portion.tsv", 2, "case_submitter_id", "import_case_named_twice")),
        ({"portion": PORTIONS, "analyte": changed(ANALYTES, sample_id="s2")},
         ("analyte.tsv", 2, "portion_id", "import_links_differ")),
        ({"portion": PORTIONS, "analyte": changed(ANALYTES, portion_id="s2")},
         ("analyte.tsv", 2, "portion_id", "import_parent_of_wrong_level")),
        ({"sample": changed(SAMPLES, case_id=NULL, case_submitter_id=NULL)},
         ("sample.tsv", 2, "case_submitter_id", "import_missing_case")),
    ],
)  # fmt: skip
def test_a_row_that_does_not_go_with_the_others_is_refused_at_its_place(planned, tables, place):
    made = planned(**{"sample": SAMPLES} | tables)

    assert places(made.errors) == [place]
    assert "p" * 101 not in ids(made)


def test_a_ring_of_parents_cannot_be_taken(planned):
    ring = changed(PORTIONS, portion_id="a", sample_id="b")
    made = planned(
        sample=changed(SAMPLES, sample_id="a"), portion=ring, analyte=changed(ANALYTES, analyte_id="b")
    )

    assert made.errors
    assert ids(made) == ["s2"]


def test_a_child_without_a_patient_has_its_parents(planned):
    made = planned(sample=SAMPLES, portion=changed(PORTIONS, case_id=NULL, case_submitter_id=NULL))

    assert made.findings == []
    assert {draft.patient_code for chunk in made.drafts() for draft in chunk} == {"P-1"}


# --- the same thing in several rows


def test_a_row_repeated_word_for_word_counts_once(planned):
    made = planned(sample=[*SAMPLES, SAMPLES[0]])

    assert places(made.findings, "note") == [("sample.tsv", 4, "sample_id", "import_row_repeated")]
    assert made.errors == []
    assert ids(made) == ["s1", "s2"]


@pytest.mark.parametrize(
    "cells", [{"initial_weight": "271.0"}, {"initial_weight": NULL}, {"sample_submitter_id": "X"}]
)
def test_two_rows_of_one_id_that_differ_are_refused_and_both_places_named(planned, cells):
    made = planned(sample=[*SAMPLES, SAMPLES[0] | cells], portion=PORTIONS)

    assert places(made.errors) == [
        ("sample.tsv", 2, next(iter(cells)), "import_rows_contradict"),
        ("portion.tsv", 2, "sample_id", "import_parent_refused"),
    ]
    assert made.errors[0].params["other"] == "sample.tsv:4"
    assert ids(made) == ["s2"]


def test_two_portions_in_one_id_are_refused(planned):
    made = planned(sample=SAMPLES, portion=[*PORTIONS, PORTIONS[0] | {"sample_id": "s2"}])

    assert places(made.errors) == [("portion.tsv", 2, "sample_id", "import_made_from_two")]


def test_an_aliquot_of_several_samples_is_a_pool(planned):
    aliquots = [row | {"analyte_id": NULL, "portion_id": NULL} for row in ALIQUOTS]
    made = planned(sample=SAMPLES, aliquot=[*aliquots, aliquots[0] | {"sample_id": "s2"}])

    assert made.errors == []
    assert places(made.findings, "note") == [("aliquot.tsv", 2, "sample_id", "import_several_parents")]
    assert [draft.parents for chunk in made.drafts() for draft in chunk][-1] == ("s1", "s2")


def test_a_pool_of_two_patients_is_refused(planned):
    samples = [SAMPLES[0], SAMPLES[1] | {"case_id": "case-2", "case_submitter_id": "P-2"}]
    aliquots = [row | {"analyte_id": NULL, "portion_id": NULL} for row in ALIQUOTS]

    made = planned(sample=samples, aliquot=[*aliquots, aliquots[0] | {"sample_id": "s2"}])

    assert places(made.errors) == [("aliquot.tsv", 2, "sample_id", "import_patient_differs")]


def test_a_file_given_twice_is_read_once(tmp_path):
    [path] = write(tmp_path, sample=SAMPLES)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())

    made = plan([path, path, copy], PROFILE)

    assert [finding.code for finding in made.findings] == ["import_file_twice"] * 2
    assert ids(made) == ["s1", "s2"]


def test_makers_codes_are_kept_and_told_where_a_scan_could_not_tell_them_apart(planned):
    made = planned(sample=SAMPLES, portion=changed(PORTIONS, portion_submitter_id="P-1-01A"))

    assert made.errors == []
    drafts = {draft.external_id: draft for chunk in made.drafts() for draft in chunk}
    assert [drafts[name].maker_code for name in ("s1", "p1")] == ["P-1-01A", "P-1-01A"]
    assert [drafts[name].maker_code_shared for name in ("s1", "s2", "p1")] == [True, False, True]
    assert [finding.code for finding in drafts["p1"].findings] == ["import_maker_code_shared"]


# --- joined tables


def joined():
    """Two aliquots with all that their parents' tables say in every row, as a query across all tables gives it."""
    levels = [*dotted("sample", SAMPLES[:1]), *dotted("portion", PORTIONS), *dotted("analyte", ANALYTES)]
    one = {name: cell for row in (*levels, *dotted("aliquot", ALIQUOTS)) for name, cell in row.items()}
    return [one, one | {"aliquots.aliquot_id": "q2", "aliquots.submitter_id": "P-1-01A-11D-37"}]


def test_a_joined_table_repeats_its_parents_and_each_is_one(planned):
    made = planned(all=joined())

    assert made.findings == []
    assert made.counts == {"sample": 1, "portion": 1, "analyte": 1, "aliquot": 2}
    assert ids(made) == ["s1", "p1", "n1", "q1", "q2"]


def test_a_join_and_the_tables_it_was_made_from_say_the_same(planned):
    apart = {draft.external_id: draft.digest for chunk in planned(**ALL).drafts() for draft in chunk}

    made = planned(all=joined(), **ALL)

    assert made.errors == []
    together = {draft.external_id: draft.digest for chunk in made.drafts() for draft in chunk}
    assert together == apart | {"q2": together["q2"]}


def test_a_join_that_contradicts_a_table_names_both_places(planned):
    rows = [row | {"portions.weight": "31.0"} for row in joined()]

    made = planned(portion=PORTIONS, all=rows)

    assert ("portion.tsv", 2, "weight", "import_rows_contradict") in places(made.errors)
    assert made.errors[0].params["other"] == "all.tsv:2"


def test_a_joined_row_may_end_early(planned):
    bare = dict.fromkeys(joined()[0], "'--")
    sample = bare | dotted("sample", SAMPLES)[1]

    made = planned(all=[*joined(), sample])

    assert made.findings == []
    assert made.counts == {"sample": 2, "portion": 1, "analyte": 1, "aliquot": 2}


# --- files that break


def test_a_file_that_breaks_off_is_left_out_whole(tmp_path):
    many = [SAMPLES[1] | {"sample_id": f"s{n}", "sample_submitter_id": f"S{n}"} for n in range(3000)]
    sample, portion = write(tmp_path, sample=many, portion=PORTIONS)
    sample.write_bytes(sample.read_bytes() + b"\xe9\n")

    made = plan([sample, portion], PROFILE)

    assert places(made.errors) == [
        ("sample.tsv", 3002, None, "import_not_text"),
        ("portion.tsv", 2, "sample_id", "import_parent_refused"),
    ]
    assert ids(made) == []


def test_a_file_that_is_not_there_or_of_another_kind_is_told_and_the_others_are_read(tmp_path):
    paths = write(tmp_path, sample=SAMPLES)
    other = tmp_path / "portion.tsv"
    other.write_bytes(b"%PDF-1.7")

    made = plan([*paths, other, tmp_path / "gone.tsv", tmp_path], PROFILE)

    assert [finding.code for finding in made.errors] == [
        "import_is_no_table", "import_cannot_open", "import_cannot_open",
    ]  # fmt: skip
    assert ids(made) == ["s1", "s2"]


@pytest.mark.parametrize(("change", "cells"), [("\tmore", 13), ("", 11)])
def test_a_row_with_too_many_or_too_few_cells_is_refused(tmp_path, change, cells):
    [path] = write(tmp_path, sample=SAMPLES)
    head, row, last = path.read_text().splitlines()
    row = row + change if change else row.rpartition("\t")[0]
    assert len(SAMPLES[0]) == 12
    path.write_text("\n".join([head, row, last]))

    made = plan([path], PROFILE)

    assert places(made.errors) == [("sample.tsv", 2, None, "import_ragged_row")]
    assert made.errors[0].params == {"cells": cells, "columns": 12}
    assert ids(made) == ["s2"]


def test_empty_cells_after_the_last_column_do_no_harm(tmp_path):
    [path] = write(tmp_path, sample=SAMPLES)
    path.write_text(as_text(SAMPLES).replace("\n", "\t\t\n"))

    assert ids(plan([path], PROFILE)) == ["s1", "s2"]


def test_a_table_without_rows_is_told(tmp_path):
    [path] = write(tmp_path, sample=SAMPLES)
    path.write_text("\t".join(SAMPLES[0]) + "\n")

    made = plan([path], PROFILE)

    assert [finding.code for finding in made.findings] == ["import_no_rows"]
    assert made.total == 0


# --- what is said


def test_every_code_has_a_sentence_and_a_fix_which_its_params_fill(planned):
    shifted = changed(SAMPLES, is_ffpe="released", sample_type_id="one", days_to_collection="9999999")
    several = [*shifted, SAMPLES[0], SAMPLES[1] | {"sample_id": "s3"}]
    found = []
    for tables in (
        {"sample": several, "portion": PORTIONS, "analyte": ANALYTES},
        {"sample": without(SAMPLES, "sample_submitter_id"), "aliquot": changed(ALIQUOTS, aliquot_id=NULL)},
        {"sample": SAMPLES, "portion": changed(PORTIONS, weight="0.0000001"), "aliquot": ALIQUOTS},
        {"sample": shifted, "portion": changed(PORTIONS, case_id="x")},
    ):
        made = planned(**tables)
        found += made.findings
        found += [finding for chunk in made.drafts() for draft in chunk for finding in draft.findings]

    assert len({finding.code for finding in found}) > 9
    for finding in found:
        assert TEXTS[finding.code].format_map(finding.params)
        assert TEXTS[f"{finding.code}.fix"].format_map(finding.params)


def test_every_sentence_has_a_fix_and_every_fix_a_sentence():
    codes = {code.removesuffix(".fix") for code in TEXTS}

    assert set(TEXTS) == codes | {f"{code}.fix" for code in codes}
    assert {f"level.{level.name}" for level in PROFILE.levels} <= set(WORDS)


@given(st.data())
def test_no_damage_to_a_file_is_more_than_a_finding(data):
    text = as_text(SAMPLES, data.draw(st.sampled_from("\t,;"))).encode()
    start = data.draw(st.integers(0, len(text)))
    damage = data.draw(st.binary(max_size=20) | st.text(max_size=20).map(str.encode))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sample.tsv"
        path.write_bytes(text[:start] + damage + text[start + data.draw(st.integers(0, 20)) :])

        made = plan([path], PROFILE)

        assert len(ids(made)) == made.total


def test_every_code_in_the_source_has_a_sentence():
    sources = [planning.__file__, agreement.__file__, survey.__file__, meaning.__file__, profile.__file__]
    sources += [gdc.__file__, reading.__file__]
    codes = {
        code
        for path in sources
        for code in re.findall(r'"(import_\w+)"', Path(path).read_text(encoding="utf-8"))
    }

    assert len(codes) > 35
    assert codes - set(TEXTS) == set()
