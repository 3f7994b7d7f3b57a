"""What picking and handing out say when they refuse. English; every sentence is translated."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "given_amount_needed": N_("Say how much of {sample} came back; nothing is guessed."),
    "given_amount_unknown": N_("Nobody knew how much {sample} held, so no amount can come back in it."),
    "more_than_was_given": N_("{given} {unit} of {sample} were handed out; {asked} {unit} cannot come back."),
    "not_handed_out": N_("{sample} was not handed out through {request}."),
    "nothing_picked": N_("Nothing is picked for {request}, so nothing can be handed out."),
    "recipient_missing": N_("Say who receives it."),
    "wrong_tube": N_("{sample} ({type}) is the wrong tube for {request}. Expected now: {expected}."),
    "wrong_tube_nothing_left": N_(
        "{sample} ({type}) is the wrong tube: nothing more is to be picked for {request}."
    ),
    "not_in_request": N_("{sample} is not asked for in {request}."),
}
