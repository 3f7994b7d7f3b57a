"""The sentences of the rule tables, and the names of lists and purposes, in the words of the people who read them."""

from biobank.core.i18n import N_

#: Added to the words of consent.
RULE_WORDS: dict[str, str] = {
    # what a use may be for
    "purpose.CC": N_("clinical care"),
    "purpose.DS": N_("research on a disease"),
    "purpose.GEN": N_("research of any kind, also outside health"),
    "purpose.HMB": N_("health, medical or biomedical research"),
    "purpose.MDS": N_("development of methods or software"),
    "purpose.POA": N_("research on origins or ancestry"),
    # what makes a use delicate
    "delicate.controls": N_("samples that serve as controls"),
    "delicate.illegal-behaviour": N_("illegal behaviour"),
    "delicate.not-health": N_("something else than health"),
    "delicate.one-sex": N_("one sex only"),
    "delicate.other": N_("another reason"),
    "delicate.paediatric": N_("children"),
    "delicate.population": N_("variation in the population"),
    "delicate.psychological": N_("psychological traits"),
    "delicate.sexual": N_("sexual preference or behaviour"),
    "delicate.stigmatising": N_("a group that it could stigmatise"),
    "delicate.vulnerable": N_("vulnerable people"),
    # what the tables ask, word for word as they write it
    "phrase.(additive) allows purpose CC": N_("nothing: it permits clinical care beside what is permitted"),
    "phrase.(never blocks use)": N_("nothing: it binds, and stands in no use's way"),
    "phrase.all are self-or-descendant of consented ones": N_("each of them is one that was consented to"),
    "phrase.all purpose diseases are self-or-descendant of consented ones": N_(
        "the use names diseases, and each is one that was consented to, or a kind of it"
    ),
    "phrase.country of processing in allowed list": N_("Is the country one of those named?"),
    "phrase.ethics approval document valid on the date of use": N_(
        "Is an ethics approval on file that is valid on the day of use?"
    ),
    "phrase.every purpose disease is self-or-descendant of a consented disease": N_(
        "each disease of the use is one that was consented to, or a kind of it"
    ),
    "phrase.every purpose disease is self-or-descendant of some consented disease": N_(
        "each disease of the use is one that was consented to, or a kind of it"
    ),
    "phrase.institution in allowed list": N_("Is the institution one of those named?"),
    "phrase.organisation not-for-profit AND use non-commercial": N_(
        "Is the organisation not-for-profit, and the use not commercial?"
    ),
    "phrase.project in allowed list": N_("Is the project one of those named?"),
    "phrase.purpose includes MDS": N_("Is it for the development of methods?"),
    "phrase.purpose includes POA": N_("Is it for research on origins or ancestry?"),
    "phrase.purpose is a genetic study": N_("Is it a genetic study?"),
    "phrase.purpose names diseases": N_("the use names diseases"),
    "phrase.purpose names none": N_("it names none"),
    "phrase.requesting organisation is not-for-profit": N_("Is the organisation not-for-profit?"),
    "phrase.signed collaboration clause on file": N_("Is a signed agreement to collaborate on file?"),
    "phrase.signed publication clause on file": N_("Is a signed agreement to publish on file?"),
    "phrase.signed return-of-data clause on file": N_("Is a signed agreement to give back data on file?"),
    "phrase.structured research-type predicate satisfied": N_("Is the kind of research one of those named?"),
    "phrase.today <= start + n months": N_(
        "Is it still within the months that were named, counted from the signature?"
    ),
    "phrase.use is non-commercial": N_("Is the use not commercial?"),
    "phrase.user in allowed list": N_("Is everybody who uses it one of those named?"),
    # the lists, with their versions
    "list.diseases": N_("Diseases"),
    "list.duo": N_("Terms (GA4GH Data Use Ontology)"),
    "list.legal_gates": N_("What the law asks first"),
    "list.modifier_rules": N_("Restrictions and duties"),
    "list.permission_matrix": N_("Permissions and purposes"),
    "list.research_types": N_("Kinds of research"),
    "list.sample_types": N_("Sample types (MIABIS)"),
    "list.storage_temperatures": N_("Storage temperatures (MIABIS)"),
}
