"""What the racks say: why a file cannot be read, what a place means, and why nothing is carried out. English."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    # --- the file
    "rack_code_as_number": N_(
        "Line {line}, {place}: “{code}” is a code that a spreadsheet has made a number of. Its digits are lost; "
        "export the file from the reader again, and do not open it in a spreadsheet."
    ),
    "rack_code_spoilt": N_("Line {line}, {place}: a spreadsheet has put “{code}” in place of the code."),
    "rack_code_too_long": N_("Line {line}, {place}: no code has more than {most} letters."),
    "rack_own_code_too_long": N_("The file calls the rack “{rack}…”: no code has more than {most} letters."),
    "rack_code_unprintable": N_(
        "Line {line}, {place}: the code “{code}” holds signs that cannot be printed."
    ),
    "rack_file_bad_quoting": N_("Line {line}: a quotation mark is opened and not closed. Is the file cut?"),
    "rack_file_bad_workbook": N_("The workbook is damaged; it cannot be opened."),
    "rack_file_empty": N_("There is nothing in the file."),
    "rack_file_missing": N_("Choose the reader’s file."),
    "rack_file_unreadable": N_("The file cannot be opened: {why}."),
    "rack_file_no_wells": N_("The file names no place."),
    "rack_file_not_text": N_("This is no text: see its byte {offset}."),
    "rack_file_too_large": N_("The file is larger than {most_mb} MB; a rack’s is not."),
    "rack_file_too_long": N_("The file has more than {most} rows; a rack’s has not."),
    "rack_file_wrong_kind": N_("This is a file of the kind {found}, not what a rack reader writes."),
    "rack_json_broken": N_("Line {line}: the JSON is broken. Is the file cut?"),
    "rack_json_strange": N_("This is JSON, but not what a Ziath reader writes."),
    "rack_layout_unknown": N_(
        "This layout is not known yet: {rows} rows, the first being “{first}”. Say once which column is what."
    ),
    "rack_picture_bad_shape": N_("A rack has rows and columns, and {most} places at most."),
    "rack_picture_broken": N_("The picture is damaged; it cannot be shown."),
    "rack_picture_cut": N_("The picture shows only a part of a rack of {rows} × {columns} places."),
    "rack_picture_edges_unsure": N_(
        "Where the rack ends could not be told for certain from the picture: look whether A01 is where it should be."
    ),
    "rack_picture_doubted": N_(
        "Where the places are is in doubt. Somebody must look at the picture and confirm it; nothing was carried out."
    ),
    "rack_picture_no_rows": N_("{kind}: its places fill no rows, so no picture of it can be read."),
    "rack_picture_no_grid": N_("{codes} codes were read, and they do not stand in rows and columns."),
    "rack_picture_no_picture": N_("This is no picture that can be opened."),
    "rack_picture_no_puck": N_("{codes} codes were read, and they do not stand as on a puck."),
    "rack_picture_shape_guessed": N_(
        "It was taken for a rack of {rows} × {columns} places: that is a guess."
    ),
    "rack_picture_stray": N_("{count} codes stand in no place of the rack: {codes}."),
    "rack_picture_turn_unsure": N_(
        "Which way round the rack lies could not be told for certain from the picture: look whether A01 is where it "
        "should be."
    ),
    "rack_picture_too_large": N_(
        "The picture has more than {most} million pixels, or more than {side} on a side."
    ),
    "rack_picture_two_codes": N_(
        "Two codes stand in one place (row {row}, column {column}): {one} and {other}. Is it the picture of this rack?"
    ),
    "rack_picture_unreadable": N_("No code could be read in the picture."),
    "rack_places_differ": N_("Line {line}: the place is {one}, but its row and column say {other}."),
    "rack_row_cut": N_("Line {line} is cut: it has {cells} cells, and {needed} are needed."),
    "rack_row_too_long": N_("Line {line} has {cells} cells; at most {most} can be meant."),
    "rack_row_without_place": N_("Line {line}: the code “{code}” stands at no place."),
    "rack_tubes_lacking": N_("The file says {told} tubes and holds {found}. Is it cut?"),
    "rack_two_racks": N_("Two racks are in one file: {one}, and from line {line} {other}."),
    "rack_two_scans": N_("Two scans are in one file: the second begins at line {line}."),
    "rack_zeros_lost": N_(
        "Line {line}, {place}: a spreadsheet has kept “{code}” as a number, and its first zeros are lost. Export the "
        "file from the reader again, as text."
    ),
    # --- teaching a layout
    "rack_mapping_code_needed": N_("Say which column holds the tubes’ codes."),
    "rack_mapping_name_needed": N_("Give the reader a name, so that it is known again."),
    "rack_mapping_numbering": N_("Numbers are counted row by row or column by column."),
    "rack_mapping_place_needed": N_("Say which column holds the place, or the row and the column."),
    "rack_mapping_role_twice": N_("Two columns cannot both be this."),
    "rack_mapping_role_unknown": N_("This is nothing that a column can be."),
    "rack_mapping_row": N_("The file has no such row."),
    "rack_layout_known": N_("The layout of this file is known; there is nothing to say."),
    # --- the rack
    "rack_needs_places": N_("{kind}: it has no places, so no rack scan can be of it."),
    "rack_code_known": N_("{rack} is known already: no new box is needed for it."),
    "rack_code_new": N_(
        "The file names the rack {rack}, which nobody knows. Say first whether that is the code of {name} "
        "({container})."
    ),
    "rack_code_no_code": N_("“{rack}” cannot be the code of a box."),
    "rack_kind_without_tubes": N_("{kind}: no tubes stand in it."),
    "rack_of_other_box": N_("The file is of the rack {rack}, which is {of}; this is {name} ({container})."),
    "rack_place_twice": N_("{position} is in the file twice: {one}, and in line {line} {other}."),
    "rack_place_unreadable": N_("Line {line}: “{place}” is no place. {kind}."),
    "rack_places_outside": N_("{outside} places are outside this rack: {places}. {kind}."),
    "rack_scan_older": N_("This was read {scanned}; what was carried out last was read {last}."),
    "rack_wrong_size": N_("The file is of a rack with {read} places; this one has {places}. {kind}."),
    "rack_box_needed": N_("Say first which box it is."),
    "rack_layout_needed": N_("The layout of this file is not known yet: say first which column is what."),
    "rack_scan_unknown": N_("There is no rack scan {scan}."),
    "rack_scan_damaged": N_("The file of rack scan {scan} is not what was kept any more."),
    "rack_scan_applied": N_(
        "This scan was carried out already ({applied}), and the box has changed since. Read it again."
    ),
    "rack_scan_dismissed": N_("This scan was put aside."),
    # --- the difference
    "rack_at_place": N_("{position}: {state}."),
    "rack_came_from": N_("{sample} stood in {container}, at {position}."),
    "rack_code_ambiguous": N_("{code} stands for two tubes."),
    "rack_code_not_a_tube": N_("{code} is no tube’s code: {kind}."),
    "rack_code_twice": N_("{code} was read at {others} as well. One tube stands at one place: look at both."),
    "rack_code_unknown": N_("Nothing here has the code {code}."),
    "rack_code_void": N_("{code} is not in use any more."),
    "rack_code_without_zeros": N_(
        "Nothing here has the code {code}, but {meant} is known: a spreadsheet has dropped its zeros."
    ),
    "rack_kept": N_("There is a tube that could not be read; {sample}, which stood here, stays."),
    "rack_lists_fewer": N_(
        "The file lists {listed} of {places} places. Was the reader set for this kind of rack?"
    ),
    "rack_not_kept": N_("There is a tube that could not be read. Nothing is known of it."),
    "rack_numbers_counted": N_("Places that are told by a number are counted {numbering}."),
    "rack_other_site": N_("{sample} belongs to another site."),
    "rack_place_empty": N_("The reader saw no tube here."),
    "rack_place_said_empty": N_("The file does not name this place, and somebody said that it is empty."),
    "rack_place_unlisted": N_("The file does not name this place: it was not read, and {sample} stays."),
    "rack_places_unlisted": N_(
        "Places that the file does not name, though tubes should stand there: {count}. They count as not read; "
        "what stands there stays."
    ),
    "rack_stood_nowhere": N_("{sample} stood nowhere until now."),
    "rack_taken_by_box": N_("The container {container} stands at {position}."),
    # --- carrying it out
    "rack_box_changed": N_(
        "{container} has changed since the difference was shown. Look at it again; nothing was carried out."
    ),
    "rack_looks_turned": N_(
        "The rack was read turned by 180°, so it seems: say which way round. Nothing was carried out."
    ),
    "rack_not_unread": N_("{position} was read, or is not in the file: nothing can be typed for it."),
    "rack_not_whole": N_(
        "{count} places cannot be carried out ({places}), so nothing was. It is carried out whole or not at all."
    ),
    "rack_no_new_tubes": N_("There is no tube in the rack that nobody knows: nothing can be filled."),
    "rack_not_for_children": N_(
        "{count} places are not as they are recorded ({places}). Put the rack right first; nothing was divided."
    ),
    "rack_place_taken": N_("At {position} stands {sample} by the record: no new tube can stand there."),
    "rack_typed_twice_differs": N_("The two codes differ: “{one}” and “{other}”."),
    "rack_typed_nothing": N_("No code was typed."),
    "rack_typed_unreadable": N_("“{code}” cannot be a tube’s code."),
    "sample_given_twice": N_("{container}: one tube cannot stand at two places."),
    "place_given_twice": N_("{container}: {position} was given twice."),
    "placed_and_taken_out": N_("{sample} cannot be put in and taken out at once."),
    # --- the folder
    "rack_folder_missing": N_("There is no folder {folder}."),
    "rack_folder_site_needed": N_("Say whose folder it is: there is no one site {site}."),
}

#: The labels of config/scanners, here so that they are found for translation. A site's own layouts keep theirs.
LAYOUTS: dict[str, str] = {
    "fluidx": N_("FluidX / Azenta"),
    "list": N_("List of codes"),
    "picture": N_("Picture"),
    "plain_table": N_("Plain table"),
    "sanger_2_columns": N_("Two columns: place, code"),
    "sanger_3_columns": N_("Three columns: rack, place, code"),
    "trakmate": N_("Matrix TrakMate"),
    "traxcer": N_("Traxcer"),
    "visionmate": N_("Thermo VisionMate"),
    "ziath": N_("Ziath"),
}

WORDS: dict[str, str] = {
    **{f"rack_layout.{key}": label for key, label in LAYOUTS.items()},
    "state.new": N_("new"),
    "state.present": N_("present"),
    "state.moved": N_("moved"),
    "state.missing": N_("missing"),
    "state.unread": N_("unread"),
    "state.duplicate": N_("duplicate"),
    "state.unknown": N_("unknown code"),
    "state.error": N_("error"),
    "rack_doubt.rack_picture_edges_unsure": N_(
        "I have looked at the picture: its first and last row and column are those of the rack."
    ),
    "rack_doubt.rack_picture_turn_unsure": N_(
        "I have looked at the picture: the place that it marks is the first."
    ),
    "numbering.row-major": N_("row by row"),
    "numbering.column-major": N_("column by column"),
    "rack_role.position": N_("place"),
    "rack_role.row": N_("row"),
    "rack_role.column": N_("column"),
    "rack_role.code": N_("tube’s code"),
    "rack_role.rack": N_("rack’s code"),
    "rack_role.date": N_("day"),
    "rack_role.time": N_("time"),
    "rack_source.upload": N_("dropped on a page"),
    "rack_source.api": N_("sent by a program"),
    "rack_source.folder": N_("from the folder"),
    "rack_source.picture": N_("picture"),
    "rack_source.hand": N_("typed by hand"),
}
