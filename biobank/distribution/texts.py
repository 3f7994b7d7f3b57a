"""What picking and handing out say when they refuse. English; every sentence is translated."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "given_amount_needed": N_("Say how much of {sample} came back; nothing is guessed."),
    "given_amount_unknown": N_("Nobody knew how much {sample} held, so no amount can come back in it."),
    "more_than_was_given": N_("{given} {unit} of {sample} were handed out; {asked} {unit} cannot come back."),
    "not_handed_out": N_("{sample} was not handed out through {request}."),
    "nothing_picked": N_("Nothing is picked for {request}, so nothing can be handed out."),
    "recall_answer_unknown": N_("“{given}” is none of {known}."),
    "recall_answered_already": N_("The recipient's answer is recorded already."),
    "recall_sent_already": N_("The letter was sent, or answered, already."),
    "recall_unknown": N_("There is no letter {recall}."),
    "recall_void": N_("The withdrawal was a mistake: nothing is asked of the recipient."),
    "recipient_missing": N_("Say who receives it."),
    "withdrawn_part_since": N_("What the donor of {sample} allows has changed since it was promised."),
    "wrong_tube": N_("{sample} ({type}) is the wrong tube for {request}. Expected now: {expected}."),
    "wrong_tube_nothing_left": N_(
        "{sample} ({type}) is the wrong tube: nothing more is to be picked for {request}."
    ),
    "not_in_request": N_("{sample} is not asked for in {request}."),
}

WORDS: dict[str, str] = {
    "recall_answer.destroyed": N_("destroyed there"),
    "recall_answer.returned": N_("returned"),
    "recall_answer.stopped": N_("no longer used"),
    "recall_answer.used_up": N_("used up before"),
}
