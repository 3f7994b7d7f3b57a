"""The sentences that belong to no feature: HTTP, shapes, and the database's own refusals."""

from biobank.core.i18n import N_

TEXTS = {
    "bad_request": N_("This request cannot be read."),
    "busy": N_("The database is busy. Nothing was written; please try again."),
    "copy_failed": N_("The copy failed, and nothing was changed: {detail}"),
    "check_digits_wrong": N_("{number} ends in {got}; a number like it ends in {expected}. Read it again."),
    "code_taken": N_("The code {code} is already in use ({kind})."),
    "codes_exhausted": N_(
        "No number is left for {kind} (letters {letters}). An administrator can allot another letter."
    ),
    "cursor_unreadable": N_("{after} is not a place in this list."),
    "database_not_empty": N_(
        "There are tables in this database: a copy is brought back into an empty one only."
    ),
    "file_exists": N_("{file} exists already, and is not overwritten."),
    "forbidden": N_("You may not do this."),
    "idempotency_body": N_("The key {key} was used for another request; a new request needs a new key."),
    "idempotency_key_long": N_("An Idempotency-Key has 1 to 200 printable characters."),
    "language_unknown": N_("There is no language {given}; there are: {known}."),
    "letter_not_allowed": N_("No code begins with {letter}; the letters are {allowed}."),
    "limit_out_of_range": N_("{limit} is not a number from 1 to {most}."),
    "malformed": N_("These fields are not right: {fields}."),
    "forbidden_permission": N_("You may not do this: it takes the permission {permission}."),
    "method_not_allowed": N_("This address does not take that method."),
    "number_character": N_("A number of ours has no {character} at place {place}."),
    "number_too_long": N_("A number of ours has at most {most} characters; this has {characters}."),
    "number_too_short": N_("A number of ours has at least {least} characters; this has {characters}."),
    "not_signed_in": N_("Please sign in."),
    "key_twice": N_("“{key}” is given twice: which of the two is meant?"),
    "one_file_only": N_("One file at a time."),
    "page_unknown": N_("There is nothing at {path}."),
    "refused_by_database": N_("The database refused this, and nothing was written: {detail}."),
    "serials_used_up": N_("The letter {letter} has no serial {serial}: the last is {most}."),
    "site_needed": N_("Say at which site."),
    "site_unknown": N_("There is no site {site}."),
    "too_large": N_("This is too large to be taken."),
    "unreadable": N_("This cannot be read: {detail}"),
    "unsupported_media_type": N_("This is of a kind that is not taken here."),
    "unsafe_text": N_("Contains a character that cannot be kept."),
    "value_unkeepable": N_("Holds a number or a character that cannot be kept."),
    "wrong_kind": N_("This is of a kind that is not taken here."),
    "internal_server_error": N_(
        "Something went wrong on our side. Nothing was written, and the fault is in the log."
    ),
    "csrf": N_("This form is too old. Go back, reload the page and send it again."),
}

WORDS = {
    "kind.given twice": N_("given twice"),
    "kind.sample": N_("sample"),
    "kind.tube": N_("tube code"),
    "kind.container": N_("container"),
    "kind.patient": N_("patient"),
    "kind.request": N_("request"),
}
