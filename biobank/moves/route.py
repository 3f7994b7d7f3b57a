"""The route of a plan on paper: in walking order, a box to tick at each step, from where, to where."""

from itertools import groupby

from flask_babel import gettext as _
from flask_babel import ngettext

from biobank.moves import leaving, reading
from biobank.moves.models import MovePlan
from biobank.moves.reading import Shown
from biobank.web import letters, sentences


def write(plan: MovePlan) -> bytes:
    """As PDF, in the language of the page or of `letters.in_language`."""
    container = reading.containers_of([plan])[plan.container_id]
    steps = [shown for shown in reading.all_steps(plan) if shown.step.skipped_at is None]
    title = _(
        "%(kind)s: %(name)s (%(code)s)",
        kind=sentences.word("move_plan", plan.kind), name=container.name, code=container.code,
    )  # fmt: skip
    parts: list[letters.Part] = [
        _(
            "Plan %(number)s. Take whichever box comes to hand; scan it and its place, or tick it here.",
            number=plan.id,
        )
    ]
    if plan.why:
        parts.append(plan.why)
    parts += _without_place(plan)
    lost = reading.lost_places(plan)
    columns = ["", _("At"), _("What"), _("Goes to"), _("Place")]
    for way, group in groupby(steps, key=lambda shown: shown.origin.way):
        parts.append(_("From %(place)s", place=way))
        parts.append(
            letters.Table(
                columns, [_row(shown, lost=shown.step.seq in lost) for shown in group], widths=(1, 2, 5, 9, 2)
            )
        )
    return letters.make(title, parts)


def _without_place(plan: MovePlan) -> list[letters.Part]:
    left = leaving.left_by_box(plan)
    if not left:
        return []
    count = leaving.count_left(plan)
    sentence = ngettext("%(num)s tube finds no place:", "%(num)s tubes find no place:", count)
    rows = [[each.name, each.code, str(each.tubes)] for each in left]
    return [sentence, letters.Table([_("In"), _("Code"), _("Tubes")], rows, widths=(3, 2, 1))]


def _row(shown: Shown, *, lost: bool) -> list[str]:
    what = shown.child.name + "\n" + shown.code if shown.child is not None else shown.code
    target = shown.target.way
    if shown.doubtful:
        target += "\n" + _("Not as cold: look for a better place.")
    if lost:
        target += "\n" + _("This place is taken: scan it before you set out.")
    tick = "☑" if shown.step.done_at else "☐"
    return [tick, shown.origin.position or "–", what, target, shown.target.position or "–"]
