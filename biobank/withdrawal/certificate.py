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
from biobank.samples import gate
from biobank.samples.correction import GONE
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
    kept = _not_destroyed(patient, tasks)
    if kept:
        parts += [_("Not destroyed, because it is no longer to be:"), _kept_rows(kept)]
    parts.append(letters.Signatures([_("For the biobank: name, day, signature")]))
    return letters.make(_("Certificate of destruction"), parts)


def _not_destroyed(patient: Patient, tasks: Sequence[DestructionTask]) -> list[destruction.Listed]:
    """What was to be destroyed and is not any more; but not what turned out to be of somebody else."""
    last = {task.sample_id: task for task in tasks}  # a tube that was asked for again has more than one
    cancelled = [task for task in last.values() if task.cancelled_at is not None]
    donors = gate.donors_of(task.sample_id for task in cancelled)
    mine = [task for task in cancelled if patient.id in donors[task.sample_id]]
    asked_again = destruction.open_of(task.sample_id for task in mine)
    return [
        row
        for row in destruction.listed(mine)
        if row.sample.status not in GONE and row.sample.id not in asked_again
    ]


def _kept_rows(rows: Sequence[destruction.Listed]) -> letters.Table:
    zone = clock.zone()
    texts = [
        [
            row.sample.code,
            sentences.word("type", row.sample.type),
            format_date(times.local_day(row.task.cancelled_at, zone)) if row.task.cancelled_at else "–",
        ]
        for row in rows
    ]
    return letters.Table([_("Sample"), _("Type"), _("Cancelled on")], texts, widths=[3, 3, 11])


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
