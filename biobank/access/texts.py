"""Sentences of sites, people, sign-in and tokens."""

from biobank.core.i18n import N_

TEXTS = {
    "affix_like_a_code": N_(
        "{given} has only letters and digits: it could not be told from the code itself."
    ),
    "affix_wrong": N_(
        "What a scanner adds has at most {most} printable characters, and no blank at either end."
    ),
    "badge_unknown": N_("{badge} is nobody’s badge."),
    "password_length": N_("A password has {least} to {most} characters."),
    "password_wrong": N_("This is not your password."),
    "role_unknown": N_("There is no role {role}; the roles are {known}."),
    "sign_in_failed": N_("This name and password do not fit together."),
    "site_exists": N_("There is a site {site} already."),
    "site_scope": N_("Only somebody who sees every site may set up a site."),
    "token_days": N_("A token lives 1 to {most} days; {days} were asked."),
    "token_unknown": N_("There is no token {token}."),
    "printer_name_wrong": N_("The name of a printer has at most {most} printable characters."),
    "station_name_needed": N_("A station needs a name."),
    "station_unknown": N_("There is no station {station}."),
    "too_many_tries": N_("Too many tries for this name. Please wait {minutes} minutes."),
    "user_exists": N_("There is somebody called {user} already."),
    "user_unknown": N_("There is nobody called {user}."),
}

WORDS = {
    "role.technician": N_("technician"),
    "role.manager": N_("manager"),
    "role.committee": N_("access committee"),
    "role.researcher": N_("researcher"),
    "role.dpo": N_("data protection officer"),
    "role.administrator": N_("administrator"),
}
