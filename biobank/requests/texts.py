"""What requests say when they refuse, and their statuses and acts in words. English; every sentence is translated."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "consent_does_not_allow": N_("What its donor agreed to does not allow this use."),
    "approval_unreadable": N_(
        "“{given}” is no approval: write its kind, its number and its last day, such as ethics:CPP 26.011@2027-03-31."
    ),
    "consent_needs_review": N_("The committee is looking at it."),
    "country_unreadable": N_("“{given}” is not a country of two letters, such as FR."),
    "line_act_not_possible": N_(
        "This is not possible now: {line_act}, for {sample}, which is {line_status} here."
    ),
    "line_asked": N_("It is asked for; nobody has decided yet."),
    "line_handed_out": N_("It has been handed out."),
    "line_missing": N_("{sample} is not asked for in {request}."),
    "line_picked": N_("It has been taken out and waits to be handed out."),
    "line_refused": N_("It may not be given; the reasons stand beside it."),
    "line_released": N_("It is no longer held for this request."),
    "line_reserved": N_("It is held for this request and waits to be picked."),
    "lines_too_many": N_("A request takes at most {most} samples; {given} were asked."),
    "mail_request_approved": N_(
        "Your request {request} ({title}) was approved. Samples are held for you; we write again when it is completed."
    ),
    "mail_request_completed": N_(
        "Nothing is left to do for your request {request} ({title}): it is completed."
    ),
    "mail_request_refused": N_("Your request {request} ({title}) was refused: {reason}"),
    "mail_subject": N_("{bank}: your request {request}"),
    "nothing_asked_for": N_("{request} asks for no sample yet."),
    "nothing_left_to_decide": N_("Every sample of {request} was decided already."),
    "nothing_to_reserve": N_("None of the samples of {request} can be reserved."),
    "organisation_unknown": N_("“{given}” is none of {known}."),
    "own_request": N_("Nobody decides about a request of their own; somebody else must."),
    "not_your_request": N_("Only the researcher who wrote {request} may do this."),
    "reason_missing": N_("Say why."),
    "request_act_not_possible": N_(
        "This is not possible now: {request_act}, for a request that is {request_status}."
    ),
    "request_approved": N_("It was approved: samples are held for it until they are handed out."),
    "request_cancelled": N_("It was cancelled."),
    "request_closed": N_("The request ended before it was handed out."),
    "request_completed": N_("Nothing is left to do for it."),
    "request_draft": N_("It is being written and was not sent yet."),
    "request_refused": N_("It was refused."),
    "request_status_unknown": N_("“{given}” is no status of a request; they are: {known}."),
    "request_submitted": N_("It was sent and waits for the biobank's decision."),
    "request_unknown": N_("There is no request {request}."),
    "researcher_missing": N_("A request is written by a person, and {name} is none."),
    "review_all_settled": N_("This was settled so already for every sample of {request} that it is about."),
    "review_not_about": N_("This is not asked of {samples}, or it is decided already."),
    "review_unknown": N_("“{given}” is nothing that the rules leave to people here; that is: {known}."),
    "review_unknown_none": N_("The rules leave nothing of {request} to people."),
    "review_upheld": N_("A person looked at it and did not agree: {why}"),
    "reviews_open": N_(
        "No sample of {request} can be reserved before people have settled what the rules leave to them."
    ),
    "sample_is_reserved": N_("{sample} is held for another request."),
    "sample_missing": N_("{sample} was looked for and is not there."),
    "sample_not_available": N_("{sample} is {status}; only what is in the biobank's hands can be given."),
    "title_missing": N_("Say what the study is called."),
    "withdrawn_since": N_("A donor withdrew after {sample} was asked for."),
}

WORDS: dict[str, str] = {
    "approval.collaboration": N_("collaboration agreement"),
    "approval.ethics": N_("ethics approval"),
    "approval.export": N_("authorisation of export"),
    "approval.publication": N_("agreement to publish the results"),
    "approval.return": N_("agreement to give the data back"),
    "line_act.ask": N_("ask for"),
    "line_act.hand_out": N_("hand out"),
    "line_act.pick": N_("pick"),
    "line_act.refuse": N_("refuse"),
    "line_act.release": N_("release"),
    "line_act.reserve": N_("reserve"),
    "line_status.asked": N_("asked for"),
    "line_status.handed_out": N_("handed out"),
    "line_status.picked": N_("picked"),
    "line_status.refused": N_("refused"),
    "line_status.released": N_("released"),
    "line_status.reserved": N_("reserved"),
    "organisation.for-profit": N_("for profit"),
    "organisation.non-profit": N_("not for profit"),
    "organisation.unknown": N_("not said"),
    "request_act.approve": N_("approve"),
    "request_act.cancel": N_("cancel"),
    "request_act.complete": N_("complete"),
    "request_act.edit": N_("change"),
    "request_act.hand_out": N_("hand out"),
    "request_act.pick": N_("pick"),
    "request_act.refuse": N_("refuse"),
    "request_act.settle": N_("settle a review"),
    "request_act.submit": N_("send"),
    "request_status.approved": N_("approved"),
    "request_status.cancelled": N_("cancelled"),
    "request_status.completed": N_("completed"),
    "request_status.draft": N_("draft"),
    "request_status.refused": N_("refused"),
    "request_status.submitted": N_("sent"),
    "review_outcome.lift": N_("may be used"),
    "review_outcome.uphold": N_("may not be used"),
}
