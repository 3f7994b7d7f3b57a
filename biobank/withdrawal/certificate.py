"""The certificate for a person whose samples were destroyed: which tubes, when, by whom and before whose eyes.

It names the person by the pseudonym alone, and only because the person gets it.
"""

from collections.abc import Sequence

from flask_babel import format_date
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.consent.models import Withdrawal
from biobank.core import clock, times
from biobank.core.errors import RuleViolation
from biobank.patients.models import Patient
from biobank.storage import destruction
from biobank.storage.models import DestructionTask
from biobank.web import letters, sentences


def write(patient: Patient, withdrawal: Withdrawal) -> bytes:
    """As PDF, in the language of the page or of `letters.in_language`.

    raises  RuleViolation `nothing_to_destroy` before anything is destroyed
    """
    tasks = destruction.tasks_of_withdrawal(withdrawal.id)
    done = [task for task in tasks if task.done_at is not None]
    if not done:
        raise RuleViolation("nothing_to_destroy")
    left = sum(task.done_at is None and task.cancelled_at is None for task in tasks)
    parts: list[letters.Part] = [
        _("Pseudonym: %(code)s", code=patient.code),
        _(
            "You asked us on %(day)s to destroy what we keep of you. We certify that the samples named below were "
            "destroyed, each by one person before the eyes of another one.",
            day=format_date(withdrawal.received_on, "long"),
        ),
        _rows(done),
        _("Reason: %(reason)s", reason=sentences.word("destruction_reason", done[0].reason)),
    ]
    if left:
        parts.append(
            _("Still to be destroyed: %(left)s. You will then receive a new certificate.", left=left)
        )
    parts.append(letters.Signatures([_("For the biobank: name, day, signature")]))
    return letters.make(_("Certificate of destruction"), parts)


def _rows(tasks: Sequence[DestructionTask]) -> letters.Table:
    people = {str(key) for task in tasks for key in (task.first_by, task.done_by)}
    names = access.names_of(people)
    zone = clock.zone()
    rows = [
        [
            row.sample.code,
            sentences.word("type", row.sample.type),
            format_date(times.local_day(row.task.done_at, zone)) if row.task.done_at else "–",
            names.get(str(row.task.first_by), "–"),
            names.get(str(row.task.done_by), "–"),
        ]
        for row in destruction.listed(tasks)
    ]
    columns = [_("Sample"), _("Type"), _("Destroyed on"), _("By"), _("Witness")]
    return letters.Table(columns, rows, widths=[3, 3, 3, 4, 4])
