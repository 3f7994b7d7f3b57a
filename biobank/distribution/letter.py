"""The letter to who received samples of a person who has withdrawn since. Tubes are named by our numbers alone: nothing
in it points at a person, and it does not say what was withdrawn."""

from flask_babel import format_date
from flask_babel import gettext as _

from biobank.distribution.recalls import ANSWERS, Letter
from biobank.web import letters, sentences


def write(letter: Letter) -> bytes:
    """As PDF, in the language of the page or of `letters.in_language`."""
    recall = letter.recall
    to_do = (
        _("to stop all work on them, and on everything made of them, at once;"),
        _("to destroy what is left, or to return it to us;"),
        _(
            "to tell us by %(day)s which of the two you did, or that nothing was left.",
            day=format_date(recall.due_on, "long"),
        ),
    )
    answers = (f"☐ {sentences.word('recall_answer', each)}" for each in ANSWERS)
    rows = [[sample.code, sentences.word("type", sample.type)] for sample in letter.samples]
    parts: list[letters.Part] = [
        _("Request %(code)s", code=letter.request.code),
        _(
            "You received the samples named below for this request. Whoever they come from has since taken back what "
            "they had agreed to, or part of it. The samples may no longer be used for this request."
        ),
        _("We ask you"),
        "\n".join(f"– {each}" for each in to_do),
        _("Results that were won and published before are not called into question."),
        letters.Table([_("Sample"), _("Type")], rows),
        _("What became of the samples"),
        "    ".join(answers),
        letters.Signatures([_("For the biobank"), _("Recipient: name, day, signature")]),
    ]
    return letters.make(_("Please stop using these samples"), parts, to=recall.recipient)
