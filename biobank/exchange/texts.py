"""What an import says: a sentence for each code, and under the code with `.fix` what to do about it.

English is the source. Both are filled from the finding's `params`.
"""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    # the file cannot be read
    "import_cannot_open": N_("The file cannot be opened: {why}."),
    "import_empty_file": N_("The file is empty."),
    "import_not_text": N_("Byte {offset} (row {row}) is not {encoding} text."),
    "import_nul_byte": N_("Byte {offset} (row {row}) is a NUL byte, which no text has."),
    "import_line_too_long": N_("Row {row} is longer than {most} characters."),
    "import_cell_too_long": N_("A cell of row {row} is too long to be one."),
    "import_bad_quoting": N_("The quotation marks in row {row} do not close."),
    "import_bad_workbook": N_("The workbook is damaged."),
    "import_is_spreadsheet": N_("This is an {found} workbook, not a text table, whatever its name says."),
    "import_is_packed": N_("This is a packed file ({found}), not a table."),
    "import_is_no_table": N_("This is {found}, not a table."),
    # the table cannot be told, or not all of it is taken
    "import_kind_unknown": N_("What this table holds cannot be told: it has none of the columns {expected}."),
    "import_missing_column": N_("The column {column} is missing."),
    "import_repeated_column": N_("Several columns have one and the same meaning: {columns}."),
    "import_not_imported": N_("Tables of this kind ({kind}) are not imported."),
    "import_unknown_columns": N_(
        "These columns are not in the profile; they are kept as they stand: {columns}."
    ),
    "import_columns_left_out": N_("These columns speak of other things; they are left out: {columns}."),
    "import_file_twice": N_("This is the same file as {first}; it is read once."),
    "import_no_rows": N_("The table has a header and no rows."),
    # the row cannot be taken
    "import_ragged_row": N_("The row has {cells} cells, the header {columns}."),
    "import_missing_id": N_("The row does not name its {level}."),
    "import_missing_link": N_("The row does not say what this {level} was made from."),
    "import_missing_case": N_("The row does not say whose sample this is."),
    "import_id_too_long": N_("The identifier has {length} characters; at most {most} are kept."),
    "import_id_unprintable": N_("The identifier has a character that cannot be printed."),
    "import_id_at_two_levels": N_("{id} is a {level} here and a {other} in {first}."),
    "import_case_named_twice": N_("The patient {case} is named {other} elsewhere."),
    "import_rows_contradict": N_("The rows of {id} contradict each other: here and in {other}."),
    "import_made_from_two": N_("The rows of {id} name different parents: here and in {other}."),
    "import_own_parent": N_("{id} is named as its own parent."),
    "import_orphan": N_(
        "The {level} {parent}, from which it was made, is in none of the files and is not here."
    ),
    "import_parent_refused": N_("The {level} {parent}, from which it was made, cannot be taken."),
    "import_parent_of_wrong_level": N_("{parent} should be a {level} and is a {other}."),
    "import_patient_differs": N_(
        "It belongs to patient {patient}, but what it was made from ({place}) to {other}."
    ),
    "import_links_differ": N_("It names another {level} than what it was made from does ({place})."),
    # the row goes together with the others, and not with what stands here
    "import_changed": N_("{id} stands here as {sample} (from {first}), and its row says something else now."),
    "import_case_known_otherwise": N_("The case {case} stands here as another patient than {patient}."),
    "import_patient_code_taken": N_("The code {code} is in use here already ({kind})."),
    "import_maker_code_taken": N_("The maker's code {code} is in use here already ({kind}: {holder})."),
    "import_study_needed": N_("The row does not say for which project it was taken."),
    "import_study_differs": N_("It is taken for {study}, but what it was made from for {other}."),
    "import_withdrawn": N_("The patient took back what covers this sample, so it may not be received."),
    # the whole of it
    "import_refused": N_("Something cannot be taken ({errors}), so nothing was imported."),
    "import_study_unfit": N_("This is no study's code: give 1 to {most} printable characters."),
    "import_report_is_input": N_("{file} is one of the files to import; the report would overwrite it."),
    "import_report_unwritable": N_("The report {file} cannot be written: {why}."),
    # the row is taken
    "import_patient_used": N_("The patient {patient} stands here already; the samples are taken as theirs."),
    "import_row_repeated": N_("The row repeats {first} word for word; it counts once."),
    "import_several_parents": N_("{id} was made from {count} samples of one patient: it is taken as a pool."),
    "import_maker_code_shared": N_(
        "The maker's code {code} stands on several samples; a scan of it is ambiguous."
    ),
    # the cell means nothing
    "import_outside_vocabulary": N_(
        "“{value}” is outside what this column may hold; its meaning is unknown."
    ),
    "import_not_a_number": N_("“{value}” is not a number; its meaning is unknown."),
    "import_out_of_range": N_("{value} is outside {least} to {most}; its meaning is unknown."),
    "import_amount_in_shifted_row": N_(
        "{value} is not believed: cells of this row are out of place ({columns})."
    ),
    "import_amount_too_fine": N_("{value} cannot be kept exactly; the amount is unknown."),
}

_SAVE_AS_TEXT = N_("Save it as text with tabs, in UTF-8, and give that file.")
_SAVE_AGAIN = N_("Save the file again as UTF-8 text, or take it afresh from where it came.")
_CELL = N_(
    "Nothing has to be done: the cell is kept as it stands. To give it a meaning, put the right value in the file."
)
_SEE_ORIGIN = N_("Compare both rows with the source, and keep the right one.")

_FIXES = {
    "import_cannot_open": N_("Check the path and whether you may read the file."),
    "import_empty_file": N_("Take the file afresh from where it came."),
    "import_not_text": _SAVE_AGAIN,
    "import_nul_byte": _SAVE_AGAIN,
    "import_line_too_long": _SAVE_AGAIN,
    "import_cell_too_long": N_("Look for a quotation mark that is not closed before this row."),
    "import_bad_quoting": N_("Close the quotation mark, or double it where it is part of the text."),
    "import_bad_workbook": N_("Open it with a spreadsheet program and save it again."),
    "import_is_spreadsheet": _SAVE_AS_TEXT,
    "import_is_packed": N_("Unpack it and give the tables in it."),
    "import_is_no_table": _SAVE_AS_TEXT,
    "import_kind_unknown": N_("Give a table of the profile, with its header as the first row."),
    "import_missing_column": N_("Give the table with the column {column}."),
    "import_repeated_column": N_("Keep one of the columns."),
    "import_not_imported": N_("Nothing has to be done."),
    "import_unknown_columns": N_("Nothing has to be done."),
    "import_columns_left_out": N_("Nothing has to be done."),
    "import_file_twice": N_("Nothing has to be done."),
    "import_no_rows": N_("Check that the table is complete."),
    "import_ragged_row": N_("Look for a missing or surplus separator in this row."),
    "import_missing_id": N_("Put the identifier into the row, or take the row out."),
    "import_missing_link": N_("Put the identifier of what it was made from into the row."),
    "import_missing_case": N_("Put the patient's code into the row."),
    "import_id_too_long": N_("Check that the cell holds an identifier."),
    "import_id_unprintable": N_("Write the identifier again without it."),
    "import_id_at_two_levels": N_("Give each its own identifier."),
    "import_case_named_twice": N_("Use the same two names for one patient in every row."),
    "import_rows_contradict": _SEE_ORIGIN,
    "import_made_from_two": _SEE_ORIGIN,
    "import_own_parent": N_("Put the identifier of what it was made from."),
    "import_orphan": N_("Give {level}.tsv too, or add the row of {parent} to it."),
    "import_parent_refused": N_("Put the row of {parent} right first."),
    "import_parent_of_wrong_level": N_("Put the identifier of a {level}."),
    "import_patient_differs": _SEE_ORIGIN,
    "import_links_differ": _SEE_ORIGIN,
    "import_changed": N_("Nothing is overwritten. Correct {sample} here, or put the row back as it was."),
    "import_case_known_otherwise": N_("Use the code under which the case stands here."),
    "import_patient_code_taken": N_("Give the patient another code in the files."),
    "import_maker_code_taken": N_(
        "Compare the two tubes. If both are right, take the code out of the row; it gets our own number."
    ),
    "import_study_needed": N_("Put the project into the row, or name the study with --study."),
    "import_study_differs": N_("Put the project right, or import this with --study {other}."),
    "import_withdrawn": N_(
        "Take the rows of this patient out of the files; with --keep-going they are left out."
    ),
    "import_refused": N_("Put the rows right, or leave them out with --keep-going."),
    "import_study_unfit": N_("Give the code by which people call the study."),
    "import_report_is_input": N_("Give the report another name."),
    "import_report_unwritable": N_("Check the path and whether you may write there."),
    "import_patient_used": N_("Check that it is the same person; if not, give the patient another code."),
    "import_row_repeated": N_("Nothing has to be done."),
    "import_several_parents": N_("Check that it is a pool; if not, keep the row with the right parent."),
    "import_maker_code_shared": N_("Nothing has to be done; scan our own code instead."),
    "import_outside_vocabulary": _CELL,
    "import_not_a_number": _CELL,
    "import_out_of_range": _CELL,
    "import_amount_in_shifted_row": N_(
        "Put the cells of the row back into their columns, or enter the amount by hand."
    ),
    "import_amount_too_fine": N_("Enter the amount by hand, in whole nanograms or nanolitres."),
}

TEXTS |= {f"{code}.fix": text for code, text in _FIXES.items()}

_LEVELS = {
    "sample": N_("sample"),
    "portion": N_("portion"),
    "analyte": N_("analyte"),
    "aliquot": N_("aliquot"),
    "slide": N_("slide"),
    "case": N_("case"),
}
WORDS = {f"{name}.{level}": text for name in ("level", "other", "kind") for level, text in _LEVELS.items()}
