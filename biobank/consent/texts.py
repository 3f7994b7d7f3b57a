"""The sentences people read for what the consent rules say."""

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
        "The consent of {signed_on} (form {form}, version {version}) permits {terms}, which does not cover {purpose}."
    ),
    "purpose_unclear": N_(
        'Whether {term} covers {purpose} is for a person to say (clause "{clause}" of form {form}, version {version}).'
    ),
    "purpose_not_evaluated": N_("Purpose {purpose} is not decided by rules: a person must look at it."),
    "granted": N_(
        '{purpose} is covered by {term}: clause "{clause}", granted on {signed_on} (form {form}, version {version}).'
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
    "fate_unknown": N_("“{given}” is none of {known}."),
    "form_family_unknown": N_("There is no consent form {form}."),
    "form_is_draft": N_("Form {form}, version {version}, is a draft: nobody can have signed it."),
    "form_is_retired": N_(
        "Form {form}, version {version}, was retired on {retired_on}: nobody can have signed it on {signed_on}."
    ),
    "form_not_draft": N_("Form {form}, version {version}, is no draft any more: it is {form_status}."),
    "form_not_in_force": N_("Form {form}, version {version}, is not in force: it is {form_status}."),
    "form_unknown": N_("There is no version {version} of a consent form {form}."),
    "form_version_taken": N_("There is a version {version} of form {form} already."),
    "scope_unknown": N_("A withdrawal takes back all, one clause of a form, or one study."),
    "signed_before_birth": N_("On {signed_on} the patient was not born yet."),
    "withdrawal_unknown": N_("This patient has no withdrawal {withdrawal}."),
    "withdrawn_before_consent": N_(
        "It cannot have been received on {received_on}: the first consent was signed on {signed_on}."
    ),
}

# One value of a list, in words; the terms of the Data Use Ontology as a patient would say them.
WORDS: dict[str, str] = {
    "answer.blank": N_("not answered"),
    "answer.granted": N_("granted"),
    "answer.refused": N_("refused"),
    "fate.anonymise": N_("break the link to the person"),
    "fate.destroy": N_("destroy"),
    "fate.keep": N_("keep, unused"),
    "form_status.draft": N_("a draft"),
    "form_status.in_force": N_("in force"),
    "form_status.retired": N_("retired"),
    "scope.all": N_("everything"),
    "scope.clause": N_("one clause"),
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
    "meaning.NPU": N_("not-for-profit organisations only"),
    "meaning.NPUNCU": N_("not-for-profit organisations only, and no commercial use"),
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
