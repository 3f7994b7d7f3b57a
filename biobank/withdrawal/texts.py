"""What a withdrawal says when something is refused, and the words of its lists."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "anonymisation_ended": N_("This was agreed to or cancelled already."),
    "anonymisation_not_withdrawn": N_(
        "The link is broken only after a withdrawal of everything that is in force: {patient} has none."
    ),
    "anonymisation_open": N_("The link to {patient} is waiting for a second person already."),
    "anonymisation_other_code": N_("That is not the pseudonym of this person."),
    "anonymisation_reason_names": N_(
        "This names the person, and it would stand in the record for good. Say it without the pseudonym."
    ),
    "anonymisation_same_person": N_("You asked for it yourself: somebody else must agree."),
    "anonymisation_unknown": N_("There is nothing of this number to agree to ({anonymisation})."),
    "lift_needs_another": N_(
        "You recorded this withdrawal, or the only consent given since: somebody else must let go of what it holds."
    ),
    "nothing_to_destroy": N_("Nothing of this withdrawal was destroyed, so there is nothing to certify."),
    "nothing_to_let_go": N_("All that this withdrawal holds is still withdrawn: nothing can be let go."),
    "traces_changed": N_(
        "What names this person has changed since you looked. Nothing was erased; look at the list again."
    ),
}

#: Where a text that names a person was found: table.column -> what people call it.
PLACES: dict[str, str] = {
    "place.anonymisation.reason": N_("Why the link is to be broken"),
    "place.anonymisation.why_cancelled": N_("Why the link was kept"),
    "place.api_token.name": N_("Name of a token"),
    "place.audit_entry.content": N_("Audit trail"),
    "place.audit_entry.subject_key": N_("Audit trail"),
    "place.clause.text": N_("Text of a clause"),
    "place.clause.text_fr": N_("French text of a clause"),
    "place.collection_event.visit": N_("Visit of a draw"),
    "place.consent.basis_reason": N_("Reason of a waiver"),
    "place.consent.ethics_reference": N_("Reference of a waiver"),
    "place.consent.reason": N_("Why a consent was corrected"),
    "place.consent_form.code": N_("Code of a form"),
    "place.consent_form.title": N_("Title of a form"),
    "place.consent_review.why": N_("Why a review was settled so"),
    "place.container.name": N_("Name of a container"),
    "place.decision.facts": N_("Facts of a decision"),
    "place.decision.use": N_("Use that was decided"),
    "place.destruction_task.reason": N_("Why a sample is to be destroyed"),
    "place.destruction_task.why_cancelled": N_("Why a sample is not to be destroyed"),
    "place.hold.note": N_("Note of a hold"),
    "place.hold.release_reason": N_("Why a hold was ended"),
    "place.idempotency_key.answer": N_("Answer kept for a week"),
    "place.idempotency_key.route": N_("Answer kept for a week"),
    "place.import_run.files": N_("Names of imported files"),
    "place.import_run.summary": N_("Summary of an import"),
    "place.imported_record.external_id": N_("Name in another system"),
    "place.imported_record.file": N_("Name of an imported file"),
    "place.imported_record.raw": N_("Cells of an imported row"),
    "place.outbox_item.error": N_("Letter that could not be sent"),
    "place.outbox_item.payload": N_("Letter"),
    "place.patient.code": N_("Pseudonym"),
    "place.placement.why": N_("Why something was taken from its place"),
    "place.recall.note": N_("Note about a recipient's answer"),
    "place.recall.recipient": N_("Recipient of a letter"),
    "place.request.settled_reason": N_("Answer to a request"),
    "place.request.terms": N_("Terms of a request"),
    "place.request.title": N_("Title of a request"),
    "place.request_line.handed_to": N_("Who received a sample"),
    "place.request_line.reasons": N_("Reasons at a line of a request"),
    "place.sample.container_code": N_("Code on a tube"),
    "place.sample_correction.reason": N_("Why a sample was corrected"),
    "place.scannable_code.code": N_("Code that can be scanned"),
    "place.site.name": N_("Name of a site"),
    "place.study.code": N_("Code of a study"),
    "place.study.title": N_("Title of a study"),
    "place.study_terms.reason": N_("Why the terms of a study changed"),
    "place.user_account.name": N_("Name of a user"),
    "place.user_account.email": N_("Address of a user"),
    "place.withdrawal_reversal.reason": N_("Why a withdrawal was taken out of force"),
}

WORDS: dict[str, str] = {
    "objection.NO_FINDINGS": N_("Objects to being told of incidental findings"),
    "objection.NO_GENETIC": N_("Objects to genetic examinations"),
    "belongs.consent_form": N_("form"),
    "belongs.container": N_("container"),
    "belongs.import": N_("import"),
    "belongs.import_run": N_("import"),
    "belongs.patient": N_("patient"),
    "belongs.request": N_("request"),
    "belongs.sample": N_("sample"),
    "belongs.site": N_("site"),
    "belongs.study": N_("study"),
    "belongs.user": N_("user"),
    "belongs.user_account": N_("user"),
    "trace.goes": N_("goes with the link"),
    "trace.overwritable": N_("can be overwritten"),
    "trace.stays": N_("stays in the record for good"),
} | PLACES
