"""The sentences people read for what the consent rules say."""

from biobank.consent.rule_words import RULE_WORDS
from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    # verdicts and colours
    "verdict_permit": N_("May be used."),
    "verdict_review": N_("A person must decide."),
    "verdict_deny": N_("May not be used."),
    "colour_green": N_("Consent given"),
    "colour_amber": N_("May be kept, not used"),
    "colour_red": N_("Stop"),
    "consent_given": N_(
        "Consent was given on {signed_on} (form {form}, version {version}): may be used for what it covers."
    ),
    # nothing to go by
    "no_donor": N_("It is not known whose sample this is."),
    "no_consent": N_("No consent form covers study {study}: the sample may be kept, not used."),
    "pending": N_("The consent for study {study} has not arrived yet: the sample may be kept, not used."),
    "not_yet_given": N_(
        "The consent (form {form}, version {version}) is signed only on {signed_on}: until then the sample may be "
        "kept, not used."
    ),
    "hold": N_("The sample is on hold: {hold}."),
    # what the law asks first
    "reserved_to_trial": N_(
        "The sample is reserved to study {study} while that is open: it serves no other study."
    ),
    "retention_over": N_("The study allows its samples to be used until {keep_until}: that time is over."),
    "export_not_authorised": N_(
        "It would leave for {country}: no authorisation of export that is valid that day is on file."
    ),
    "germinal_after_death": N_(
        "The patient has died: germinal tissue and cells are not used after death (L1211-2)."
    ),
    "germinal_waiver": N_(
        "Nobody was informed, under a waiver: germinal tissue and cells are not used so (L1211-2)."
    ),
    "came_of_age": N_(
        "A guardian answered on {signed_on} (form {form}, version {version}), and the patient has come of age since "
        "without being informed again: a person must look at it."
    ),
    "objected": N_("The patient objected on {received_on}: {term_words}."),
    "objection_unknown": N_(
        "The patient objected on {received_on} to something the rules do not know ({term}): a person must look at it."
    ),
    "own_care": N_(
        "It goes back to the care of the patient it came from: that needs no consent to research."
    ),
    # answers
    "required_refused": N_(
        'The required clause "{clause}" was refused on {signed_on} (form {form}, version {version}).'
    ),
    "required_blank": N_(
        'The required clause "{clause}" was left blank on {signed_on} (form {form}, version {version}): '
        "a blank is not a yes."
    ),
    "clause_refused": N_('Clause "{clause}" was refused on {signed_on} (form {form}, version {version}).'),
    "clause_blank": N_(
        'Clause "{clause}" was left blank on {signed_on} (form {form}, version {version}): a blank is not a yes.'
    ),
    "withdrawn_all": N_("The patient withdrew on {received_on}."),
    "withdrawn_study": N_("The patient withdrew from study {study} on {received_on}."),
    "withdrawn_clause": N_('The patient took back clause "{clause}" of form {form} on {received_on}.'),
    # purposes
    "no_permission": N_(
        "Nothing that was granted on {signed_on} (form {form}, version {version}) permits research."
    ),
    "purpose_not_covered": N_(
        "The consent of {signed_on} (form {form}, version {version}) allows {terms_words}. That does not cover what is "
        "asked: {purpose_words}."
    ),
    "purpose_unclear": N_(
        'Clause "{clause}" of form {form}, version {version}, allows {term_words}. Whether that covers what is asked '
        "({purpose_words}) is for a person to say."
    ),
    "purpose_not_evaluated": N_("The rules do not decide on {purpose_words}: a person must look at it."),
    "granted": N_(
        'Clause "{clause}", granted on {signed_on} (form {form}, version {version}), allows {term_words}. '
        "That covers what is asked: {purpose_words}."
    ),
    "review_settled": N_("A person looked at this and agreed: {settled}."),
    # terms that restrict
    "term_unknown": N_(
        'Term {term} is not known to the rules: a person must look at it (clause "{clause}" of form {form}, '
        "version {version})."
    ),
    "modifier_npoa": N_('No research on origins or ancestry ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_gso": N_('Genetic studies only ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_nmds": N_(
        'Development of methods only within the diseases consented to ({term}, clause "{clause}" of {signed_on}).'
    ),
    "modifier_rs": N_(
        'Only some kinds of research, as the form says ({term}, clause "{clause}" of {signed_on}).'
    ),
    "modifier_npu": N_('Not-for-profit organisations only ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_ncu": N_('No commercial use ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_npuncu": N_(
        'Not-for-profit organisations only, and no commercial use ({term}, clause "{clause}" of {signed_on}).'
    ),
    "modifier_irb": N_(
        "An ethics approval valid on the day of use must be on file "
        '({term}, clause "{clause}" of {signed_on}).'
    ),
    "modifier_gs": N_('Only in the countries named ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_ts": N_(
        'Only for so many months from the signature ({term}, clause "{clause}" of {signed_on}); '
        "then return or destroy."
    ),
    "modifier_us": N_('Only by the persons named ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_ps": N_('Only in the projects named ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_is": N_('Only by the institutions named ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_col": N_('In collaboration with those named ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_pub": N_('The results must be made public ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_rtn": N_('The data won must be given back ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_mor": N_('No publication before the date named ({term}, clause "{clause}" of {signed_on}).'),
    "modifier_no_genetic": N_(
        'The patient objected to genetic examination ({term}, clause "{clause}" of {signed_on}).'
    ),
    "modifier_no_findings": N_(
        'The patient must not be told of incidental findings ({term}, clause "{clause}" of {signed_on}).'
    ),
    # delicate uses
    "flag_paediatric": N_("The use is about children: a person must look at it."),
    "flag_one_sex": N_("The use is about one sex only: a person must look at it."),
    "flag_controls": N_("The sample would serve as a control: a person must look at it."),
    "flag_population": N_("The use is about variation in the population: a person must look at it."),
    "flag_vulnerable": N_("The use is about vulnerable people: a person must look at it."),
    "flag_illegal_behaviour": N_("The use is about illegal behaviour: a person must look at it."),
    "flag_sexual": N_("The use is about sexual preference or behaviour: a person must look at it."),
    "flag_psychological": N_("The use is about psychological traits: a person must look at it."),
    "flag_stigmatising": N_("The use could stigmatise a group of people: a person must look at it."),
    "flag_not_health": N_("The use is not about health: a person must look at it."),
    "flag_other": N_("The use is delicate for another reason: a person must look at it."),
    "flag_unknown": N_('The use is marked "{flag}", which the rules do not know: a person must look at it.'),
    # keeping
    "preserve_allowed": N_("The sample may be kept."),
    "not_preserving": N_('"{act}" is a use, not a way to keep a sample: it needs a permit.'),
    "pooling_donors_is_use": N_("Pooling material of several donors is a use: it needs a permit."),
    # what cannot be read
    "term_empty": N_("A term must not be empty."),
    "term_names_nothing": N_("{term} takes nothing beside it."),
    "term_needs_names": N_("Say which: {term} means nothing alone."),
    "term_not_chosen": N_("Choose what this belongs to: {names}."),
    "purpose_missing": N_("What the sample is used for is not said."),
    "purpose_unknown": N_('"{purpose}" is no purpose. Purposes are: {known}.'),
    "purpose_takes_no_disease": N_(
        "{purpose} takes no disease, and {diseases} was given: write DS:{diseases}."
    ),
    "disease_missing": N_("{purpose} needs a disease, such as DS:C50."),
    "disease_unknown": N_("{disease} is no ICD-10 code."),
    "disease_unknown_near": N_("{disease} is no ICD-10 code; the nearest one is {nearest}."),
    # forms, records and withdrawals
    "answer_unknown": N_("“{given}” is no answer to clause {clause}: it is granted or refused, or left out."),
    "answered_twice": N_("This is answered twice: which of the two is meant?"),
    "basis_not_for_form": N_("“{given}” is no basis for a form of this kind; it takes {known}."),
    "basis_reason_missing": N_("Say why the person could not, or need not, be informed."),
    "channel_missing": N_(
        "Say how the person was informed: without information there is no objection to wait for."
    ),
    "channel_of_waiver": N_("A waiver says that nobody was informed: it has no channel."),
    "channel_unknown": N_("“{given}” is none of {known}."),
    "clause_key_missing": N_("The clause has no key."),
    "clause_key_twice": N_("There is another clause {clause} in this form."),
    "clause_missing": N_("A form has at least one clause."),
    "clause_text_missing": N_("The clause says nothing."),
    "clause_unknown": N_("Form {form}, version {version}, has no clause {clause}; it has {known}."),
    "clause_unknown_in_family": N_("Form {form} has no clause {clause}; it has {known}."),
    "consent_corrected_already": N_(
        "Record {consent} was corrected already, by record {newer}; correct that one."
    ),
    "consent_unknown": N_("This patient has no record {consent}."),
    "correction_needs_reason": N_("Say why the record is corrected."),
    "day_in_future": N_("{day} has not come yet; today is {today}."),
    "day_long_ago": N_("{day} is too long ago to be right."),
    "died_before_birth": N_("That is before the patient was born."),
    "died_before_signature": N_(
        "That is before the last signature (record {consent}, {signed_on}). Correct that record first, if it is wrong."
    ),
    "document_attached_already": N_("This very document is there already (document {document})."),
    "document_damaged": N_(
        "Document {document} is not what was scanned any more: tell those who run the service."
    ),
    "document_empty": N_("The file is empty."),
    "document_erased": N_("Document {document} was erased when the link to the person was broken."),
    "document_kind": N_("This is no PDF, PNG or JPEG, whatever its name says."),
    "document_missing": N_("Choose the file."),
    "document_replaced_already": N_("Document {document} was replaced already, by document {newer}."),
    "document_too_large": N_("A document has at most {most_mb} MB."),
    "document_unknown": N_("This patient has no document {document}."),
    "ethics_reference_missing": N_("A waiver names the committee's opinion."),
    "anonymise_needs_all": N_(
        "The link to a person is broken as a whole: that goes with taking back everything, not a part."
    ),
    "fate_unknown": N_("“{given}” is none of {known}."),
    "form_family_unknown": N_("There is no consent form {form}."),
    "form_kind_unknown": N_("“{given}” is none of {known}."),
    "form_retired_meanwhile": N_(
        "Version {version} of form {form} is not in force any more: somebody retired it meanwhile. Look again."
    ),
    "form_succeeded_meanwhile": N_(
        "Version {version} of form {form} came into force meanwhile. Look at it before another takes its place."
    ),
    "form_is_draft": N_("Form {form}, version {version}, is a draft: nobody can have signed it."),
    "form_is_retired": N_(
        "Form {form}, version {version}, was retired on {retired_on}: nobody can have signed it on {signed_on}."
    ),
    "form_not_draft": N_("Form {form}, version {version}, is no draft any more: it is {form_status}."),
    "form_not_in_force": N_("Form {form}, version {version}, is not in force: it is {form_status}."),
    "form_not_yet_in_force": N_(
        "Form {form}, version {version}, is in force only from {in_force_on}: nobody can have signed it on {signed_on}."
    ),
    "form_unknown": N_("There is no version {version} of a consent form {form}."),
    "form_version_taken": N_("There is a version {version} of form {form} already."),
    "in_force_on_of_draft": N_("A draft gets its first day when it is put in force."),
    "objection_not_offered": N_("“{given}” is nothing that one objects to; there are: {known}."),
    "reversal_by_recorder": N_("You recorded this withdrawal: somebody else must say that it was a mistake."),
    "reversal_needs_reason": N_("Say what the mistake was."),
    "given_by_not_for_basis": N_("“{given}” cannot give this; {known} can."),
    "guardian_after_majority": N_(
        "On {signed_on} the patient was of age: nobody else could sign for them as for a child."
    ),
    "minor_needs_guardian": N_(
        "On {signed_on} the patient was not of age yet: who has parental authority must sign."
    ),
    "of_age_after_own_consent": N_(
        "Then the patient would have been a child when they signed record {consent} on {signed_on}. Correct that "
        "record first, if it is wrong."
    ),
    "of_age_before_birth": N_("That is before the patient could come of age."),
    "of_age_before_guardian": N_(
        "Then the patient was of age when somebody signed for them as for a child (record {consent}, {signed_on}). "
        "Correct that record first, if it is wrong."
    ),
    "of_age_before_signature": N_(
        "Who signs for a child on {signed_on} does so before the child comes of age: the day must lie after it."
    ),
    "of_age_known_already": N_(
        "Another day is noted for this patient: correct it on the patient's own page."
    ),
    "of_age_missing": N_("Say when the child comes of age: from then on they must be asked themselves."),
    "of_age_only_guardian": N_("This is asked only where somebody with parental authority answers."),
    "of_age_out_of_range": N_("The year must lie between {first} and {last}."),
    "only_for_waiver": N_("Only a committee's waiver has this."),
    "no_objection_of_notice": N_(
        "Only a notice is answered so: a form to be signed has an answer for each clause."
    ),
    "patient_anonymised": N_(
        "The link to the person behind {patient} is broken: nothing more can be recorded."
    ),
    "scope_unknown": N_(
        "A withdrawal takes back all, one clause of a form, or one study; or it is an objection."
    ),
    "signed_after_death": N_("On {signed_on} the patient was not alive any more."),
    "signed_before_birth": N_("On {signed_on} the patient was not born yet."),
    "withdrawal_reversed_already": N_("Withdrawal {withdrawal} was taken out of force already."),
    "withdrawal_unknown": N_("This patient has no withdrawal {withdrawal}."),
    "withdrawn_before_consent": N_(
        "It cannot have been received on {received_on}: the first consent was signed on {signed_on}."
    ),
}

# Parameters that hold codes with arguments, such as DS:C50 -> the lists below that say what they mean. A sentence that
# asks for {term_words} instead of {term} is given both.
SPOKEN: dict[str, tuple[str, ...]] = {
    "purpose": ("purpose", "meaning"),
    "term": ("meaning",),
    "terms": ("meaning",),
}

# One value of a list, in words; the terms of the Data Use Ontology as a patient would say them.
WORDS: dict[str, str] = {
    "answer_consent.blank": N_("not answered"),
    "answer_consent.granted": N_("yes"),
    "answer_consent.refused": N_("no"),
    "answer_non_opposition.blank": N_("not answered"),
    "answer_non_opposition.granted": N_("no objection"),
    "answer_non_opposition.refused": N_("objects"),
    "answer_waiver.blank": N_("not answered"),
    "answer_waiver.granted": N_("covered"),
    "answer_waiver.refused": N_("not covered"),
    "answer.blank": N_("not answered"),
    "answer.granted": N_("granted"),
    "answer.refused": N_("refused"),
    "basis.consent": N_("signed consent"),
    "basis.non_opposition": N_("no objection after information"),
    "basis.waiver": N_("waiver by a committee"),
    "channel.email": N_("by e-mail"),
    "channel.in_person": N_("in person"),
    "channel.phone": N_("by telephone"),
    "channel.portal": N_("on a portal"),
    "channel.post": N_("by post"),
    "fate.anonymise": N_("break the link to the person"),
    "fate.destroy": N_("destroy"),
    "fate.keep": N_("keep, unused"),
    "form_status.draft": N_("a draft"),
    "form_status.in_force": N_("in force"),
    "form_status.retired": N_("retired"),
    "form_kind.consent": N_("consent form"),
    "form_kind.notice": N_("information notice"),
    "given_by.committee": N_("the committee"),
    "given_by.guardian": N_("who has parental authority"),
    "given_by.patient": N_("the patient"),
    "given_by.representative": N_("who represents the patient"),
    "media_type.application/pdf": N_("PDF"),
    "media_type.image/jpeg": N_("picture (JPEG)"),
    "media_type.image/png": N_("picture (PNG)"),
    "scope.all": N_("everything"),
    "scope.clause": N_("one clause"),
    "scope.objection": N_("an objection"),
    "scope.study": N_("one study"),
    "meaning.CC": N_("clinical care"),
    "meaning.COL": N_("in collaboration with those named"),
    "meaning.DS": N_("research on named diseases"),
    "meaning.GRU": N_("research of any kind"),
    "meaning.GS": N_("only in the countries named"),
    "meaning.GSO": N_("genetic studies only"),
    "meaning.HMB": N_("health, medical or biomedical research"),
    "meaning.IRB": N_("an ethics approval is needed"),
    "meaning.IS": N_("only by the institutions named"),
    "meaning.MOR": N_("no publication before the date named"),
    "meaning.NCU": N_("no commercial use"),
    "meaning.NMDS": N_("methods only for the diseases consented to"),
    "meaning.NO_FINDINGS": N_("not to be told of incidental findings"),
    "meaning.NO_GENETIC": N_("no genetic examination"),
    "meaning.NPOA": N_("no research on origins or ancestry"),
    "meaning.NPU": N_("no use by companies: not-for-profit organisations only"),
    "meaning.NPUNCU": N_("no use by companies: not-for-profit organisations only, and no commercial use"),
    "meaning.NRES": N_("any use, without restriction"),
    "meaning.POA": N_("research on origins or ancestry"),
    "meaning.PS": N_("only in the projects named"),
    "meaning.PUB": N_("results must be made public"),
    "meaning.RS": N_("only some kinds of research"),
    "meaning.RTN": N_("data must be given back"),
    "meaning.TS": N_("only for so many months from the signature"),
    "meaning.US": N_("only by the persons named"),
    "verdict.deny": N_("not permitted"),
    "verdict.permit": N_("permitted"),
    "verdict.review": N_("to be reviewed"),
}
WORDS |= RULE_WORDS
