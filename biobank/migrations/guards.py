"""The database's own rules: what it refuses on any connection, whatever program speaks.

Written once, in words of tables and keys, and spelled out for SQLite and PostgreSQL. On SQLite a stranger's connection
has foreign keys off and may say INSERT OR REPLACE, which goes round triggers on DELETE: so each guarded table also
refuses the insertion of a key that exists and the change to one that another row has, and the gate repeats what the
foreign key says.
"""

from collections.abc import Iterator
from dataclasses import dataclass

GUARD = "biobank guard: "


@dataclass(frozen=True)
class Guard:
    """What a table refuses.

    table    its name
    keys     every unique key: an existing one is not inserted again (SQLite; PostgreSQL has no REPLACE)
    frozen   columns that never change once written; None: all of them (append-only)
    once     columns that are written once, from NULL, and then never again
    current  unique keys that hold among the rows where some columns are still NULL: ((columns), (columns that are NULL))
    as_text  frozen columns that are compared as text: PostgreSQL cannot tell whether two JSON values differ
    """

    table: str
    keys: tuple[tuple[str, ...], ...]
    frozen: tuple[str, ...] | None = None
    once: tuple[str, ...] = ()
    current: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    as_text: tuple[str, ...] = ()


GUARDS = (
    Guard("audit_entry", (("seq",), ("prev_hash",))),
    Guard("consent_event", (("id",),)),
    Guard("consent", (("id",), ("corrects_id",))),
    Guard("consent_answer", (("consent_id", "clause_id"),)),
    Guard("withdrawal", (("id",),)),
    Guard("withdrawal_reversal", (("id",), ("withdrawal_id",))),
    Guard("consent_review", (("id",),)),
    Guard("study_terms", (("id",),)),
    Guard("recall_sample", (("recall_id", "sample_id"),)),
    Guard(
        "signed_document",
        (("id",), ("replaces_id",)),
        frozen=(
            "id",
            "consent_id",
            "withdrawal_id",
            "replaces_id",
            "media_type",
            "size",
            "sha256",
            "recorded_at",
            "recorded_by",
        ),
        once=("erased_at",),
    ),
    Guard(
        "destruction_task",
        (("id",),),
        frozen=("id", "site_id", "sample_id", "withdrawal_id", "reason", "opened_at", "opened_by"),
        once=("first_at", "first_by", "done_at", "done_by", "cancelled_at", "cancelled_by"),
        current=((("sample_id",), ("done_at", "cancelled_at")),),
    ),
    Guard("discard_reversal", (("id",), ("entry_seq",))),
    Guard(
        "recall",
        (("id",),),
        frozen=("id", "site_id", "withdrawal_id", "request_id", "recipient", "due_on", "opened_at"),
        once=("sent_at", "sent_by", "answered_at", "answered_by", "answer"),
    ),
    Guard(
        "anonymisation",
        (("id",),),
        frozen=("id", "patient_id", "withdrawal_id", "asked_at", "asked_by"),
        once=("agreed_at", "agreed_by", "cancelled_at", "cancelled_by"),
        current=((("patient_id",), ("agreed_at", "cancelled_at")),),
    ),
    Guard("decision", (("id",),)),
    Guard("sample_use", (("id",), ("decision_id",))),
    Guard("quantity_entry", (("id",),)),
    Guard("sample_parent", (("child_id", "parent_id"),)),
    Guard("sample_correction", (("id",),)),
    Guard("processing", (("id",),)),
    Guard("collection_event", (("id",),)),
    Guard("import_run", (("id",),), frozen=("id", "site_id", "profile")),
    Guard(
        "imported_record",
        (("id",), ("site_id", "profile", "external_id")),
        frozen=("id", "sample_id"),
    ),
    Guard("audit_head", (("id",),), frozen=("id",)),
    Guard("accession_counter", (("letter",),), frozen=("letter",)),
    Guard(
        "scannable_code",
        (("id",), ("code", "site_id")),
        frozen=("id", "kind", "site_id"),
        once=("voided_at",),
    ),
    Guard(
        "user_account",
        (("id",), ("name",), ("actor_key",), ("fs_uniquifier",)),
        frozen=("id", "actor_key"),
    ),
    Guard("site", (("id",), ("code",)), frozen=("id", "code")),
    Guard("study", (("id",), ("site_id", "code")), frozen=("id", "site_id", "code")),
    Guard(
        "patient",
        (("id",), ("site_id", "code"), ("subject_key",)),
        frozen=("id", "site_id"),
        once=("anonymised_at",),
    ),
    Guard(
        "consent_form",
        (("id",), ("site_id", "code", "version")),
        frozen=("id", "site_id", "code", "version", "study_id"),
        once=("in_force_at", "in_force_on", "retired_at"),
    ),
    Guard(
        "sample",
        (("id",), ("code",), ("site_id", "container_code")),
        frozen=("id", "site_id", "study_id", "origin", "quantity_kind", "initial", "recorded_at"),
    ),
    Guard("code_replacement", (("id",), ("old_code",), ("new_code",))),
    Guard("allotment", (("id",),), frozen=("id", "site_id", "kit_id", "recorded_at", "recorded_by")),
    Guard(
        "allotted_number",
        (("id",), ("code",), ("sample_id",)),
        frozen=("id", "allotment_id", "code", "set_number", "place", "type", "label"),
    ),
    Guard("container", (("id",), ("code",)), frozen=("id", "site_id", "code", "kind")),
    Guard(
        "placement",
        (("id",),),
        frozen=(
            "id",
            "container_id",
            "position",
            "sample_id",
            "child_id",
            "placed_at",
            "placed_recorded_at",
            "placed_by",
        ),
        once=("removed_at", "removed_recorded_at", "removed_by"),
        current=(
            (("container_id", "position"), ("removed_recorded_at",)),
            (("sample_id",), ("removed_recorded_at",)),
            (("child_id",), ("removed_recorded_at",)),
        ),
    ),
    Guard(
        "hold",
        (("id",),),
        frozen=("id", "sample_id", "code", "opened_at", "opened_by"),
        once=("released_at", "released_by"),
    ),
    Guard("request", (("id",), ("code",)), frozen=("id", "site_id", "code", "researcher_id")),
    Guard(
        "request_line",
        (("id",), ("request_id", "sample_id")),
        frozen=("id", "request_id", "sample_id"),
        once=("handed_to", "handed_at"),
    ),
    Guard(
        "reservation",
        (("id",),),
        frozen=("id", "line_id", "sample_id", "amount"),
        once=("released_at",),
        current=((("sample_id",), ("released_at",)),),
    ),
    Guard(
        "station",
        (("id",), ("code",)),
        frozen=("id", "site_id", "code"),
    ),
    Guard(
        "odd_scan",
        (("id",),),
        frozen=("id", "site_id", "station", "kind", "fault", "recorded_at", "actor_key"),
        once=("settled_at", "settled_by"),
    ),
    Guard(
        "procedure",
        (("id",), ("number",), ("site_id", "code", "version")),
        frozen=("id", "site_id", "number", "code", "version"),
        once=("in_force_at", "retired_at"),
    ),
    Guard(
        "collection_kit",
        (("id",), ("number",), ("site_id", "code")),
        frozen=("id", "site_id", "number", "code", "study_id", "visit", "tubes", "procedure_code"),
        once=("retired_at",),
        as_text=("tubes",),
    ),
    Guard(
        "step_run",
        (("id",),),
        frozen=("id", "site_id", "procedure_id", "step", "sample_id", "batch", "started_at", "started_by"),
        once=("stopped_at", "stopped_by"),
        current=((("sample_id",), ("stopped_at",)),),
    ),
    Guard(
        "position_claim",
        (("id",),),
        frozen=("id", "container_id", "position", "kind", "for_key", "plan_id", "made_at", "made_by"),
        once=("ended_at", "ended_by", "how_ended"),
        current=((("container_id", "position"), ("ended_at",)),),
    ),
    Guard(
        "rack_scan",
        (("id",),),
        frozen=(
            "id",
            "site_id",
            "source",
            "file_name",
            "size",
            "sha256",
            "content",
            "recorded_at",
            "recorded_by",
        ),
        once=("container_id", "applied_at", "applied_by", "dismissed_at", "dismissed_by"),
        current=((("site_id", "sha256", "container_id"), ("applied_at", "dismissed_at")),),
    ),
    Guard(
        "move_plan",
        (("id",), ("reverses_id",)),
        frozen=("id", "site_id", "kind", "container_id", "reverses_id", "made_at", "made_by"),
        once=("closed_at", "closed_by"),
    ),
    Guard(
        "move_step",
        (("id",), ("plan_id", "seq")),
        frozen=(
            "id",
            "plan_id",
            "seq",
            "sample_id",
            "child_id",
            "from_container_id",
            "from_position",
            "to_container_id",
            "to_position",
        ),
        once=("done_at", "done_by", "skipped_at", "skipped_by"),
        current=(
            (("sample_id",), ("done_at", "skipped_at")),
            (("child_id",), ("done_at", "skipped_at")),
        ),
    ),
    Guard(
        "non_conformity",
        (("id",),),
        frozen=("id", "site_id", "sample_id", "container_id", "code", "stage", "recorded_at", "recorded_by"),
        once=("closed_at", "closed_by"),
    ),
    Guard(
        "inventory",
        (("id",),),
        frozen=("id", "site_id", "container_id", "kind", "seed", "opened_at", "opened_by"),
        once=("closed_at", "closed_by"),
    ),
    Guard(
        "inventory_line",
        (("id",), ("inventory_id", "container_id", "position")),
        frozen=("id", "inventory_id", "sample_id", "container_id", "position"),
        once=("outcome", "checked_at", "checked_by"),
    ),
    Guard(
        "discrepancy",
        (("id",),),
        frozen=(
            "id",
            "site_id",
            "sample_id",
            "container_id",
            "position",
            "kind",
            "source",
            "opened_at",
            "opened_by",
        ),
        once=("settled_at", "settled_by"),
        current=((("sample_id", "kind"), ("settled_at",)),),
    ),
    Guard(
        "label_job",
        (("id",),),
        frozen=("id", "site_id", "reprint", "asked_at", "asked_by"),
    ),
    Guard(
        "label_check",
        (("id",),),
        frozen=(
            "id",
            "sample_id",
            "expected",
            "matched",
            "reprint",
            "known_by",
            "station",
            "recorded_at",
            "recorded_by",
        ),
    ),
    Guard("label_design", (("id",), ("site_id", "name", "version"))),
    Guard(
        "work_session",
        (("id",), ("key",)),
        frozen=("id", "site_id", "key", "task", "station", "actor_key", "opened_at"),
        once=("closed_at", "closed_by"),
        current=((("actor_key", "station"), ("closed_at",)),),
    ),
    Guard(
        "work_step",
        (("id",), ("session_id", "seq"), ("session_id", "key")),
        frozen=("id", "session_id", "seq", "key", "how", "outcome", "act", "scanned_at", "recorded_at"),
        once=("undone_at", "undone_by"),
    ),
)

#: Counters that only rise: (table, column).
RISING = (("accession_counter", "next_serial"), ("audit_head", "seq"))

#: What must hold for the insertion of a row: (table, sentence, SQL that is true when it must be refused).
#: NEW is the row. The same SQL serves both databases.
_PERMIT_NEEDS_CONSENT = """NEW.verdict = 'permit' AND NEW.act <> 'own_care' AND (
    NOT EXISTS (SELECT 1 FROM sample_donor d WHERE d.sample_id = NEW.sample_id)
    OR EXISTS (SELECT 1 FROM sample_donor d WHERE d.sample_id = NEW.sample_id
               AND NOT EXISTS (SELECT 1 FROM consent c WHERE c.patient_id = d.patient_id)))"""
_PERMIT_AFTER_WITHDRAWAL = """NEW.verdict = 'permit' AND NEW.act <> 'own_care' AND EXISTS (
    SELECT 1 FROM sample_donor d JOIN sample s ON s.id = d.sample_id JOIN withdrawal w ON w.patient_id = d.patient_id
    WHERE d.sample_id = NEW.sample_id AND (w.scope = 'all' OR w.study_id = s.study_id)
    AND NOT EXISTS (SELECT 1 FROM withdrawal_reversal r WHERE r.withdrawal_id = w.id)
    AND NOT EXISTS (SELECT 1 FROM consent c
                    JOIN consent_answer a ON a.consent_id = c.id AND a.answer = 'granted'
                    WHERE c.patient_id = d.patient_id AND c.id > w.id AND c.corrects_id IS NULL
                    AND c.basis = 'consent' AND c.signed_on >= w.received_on))"""
_KNOWS_WHAT_IS_UNSAID = """NEW.act <> 'own_care'
    AND NEW.consent_event_id > coalesce((SELECT max(e.id) FROM consent_event e), 0)"""
_NO_SUCH_EVENT = """NOT EXISTS (SELECT 1 FROM consent_event e
    WHERE e.id = NEW.id AND e.patient_id = NEW.patient_id AND e.kind = '{kind}')"""
_REVERSES_NOTHING = """NOT EXISTS (SELECT 1 FROM withdrawal w
    JOIN consent_event e ON e.id = NEW.id AND e.patient_id = w.patient_id AND e.kind = 'reversal'
    WHERE w.id = NEW.withdrawal_id AND w.id < NEW.id)"""
# Where the database gives the number itself, SQLite calls it -1 before it is given. Numbers of units that were rolled
# back leave gaps, which are never long.
_EVENT_OUT_OF_ORDER = """NEW.id <> -1 AND (
    NEW.id <= coalesce((SELECT max(e.id) FROM consent_event e WHERE e.patient_id = NEW.patient_id), 0)
    OR NEW.id > coalesce((SELECT max(e.id) FROM consent_event e), 0) + 1000)"""
_USE_WITHOUT_PERMIT = """NOT EXISTS (SELECT 1 FROM decision x WHERE x.id = NEW.decision_id
    AND x.sample_id = NEW.sample_id AND x.act = NEW.act AND x.verdict = 'permit' AND x.recorded_at = NEW.recorded_at)"""
_USE_BY_STALE_DECISION = """EXISTS (SELECT 1 FROM decision x
    JOIN sample_donor d ON d.sample_id = NEW.sample_id JOIN consent_event e ON e.patient_id = d.patient_id
    WHERE x.id = NEW.decision_id AND e.id > x.consent_event_id)"""
_CLAUSE_OF_A_FORM_IN_FORCE = (
    "EXISTS (SELECT 1 FROM consent_form f WHERE f.id = {row}.form_id AND f.status <> 'draft')"
)
_CLAUSE_REPLACED = """EXISTS (SELECT 1 FROM clause t
    WHERE t.id = NEW.id OR (t.form_id = NEW.form_id AND t.key = NEW.key))"""
_CLAUSE_MOVED = "NEW.id <> OLD.id OR NEW.form_id <> OLD.form_id OR NEW.key <> OLD.key"
# The last correction of a sample says whose it was taken to be, and whose it is.
_CORRECTED = """EXISTS (SELECT 1 FROM sample_correction k JOIN patient o ON o.subject_key = k.old
    JOIN patient n ON n.subject_key = k.new
    WHERE k.sample_id = {row}.sample_id AND {which} AND k.id = (
        SELECT max(m.id) FROM sample_correction m WHERE m.sample_id = k.sample_id AND m.what = 'patient'))"""
_DONOR_CHANGED = "NEW.sample_id <> OLD.sample_id OR NOT " + _CORRECTED.format(
    row="OLD", which="o.id = OLD.patient_id AND n.id = NEW.patient_id"
)
_DONOR_REMOVED = "NOT " + _CORRECTED.format(
    row="OLD",
    which="o.id = OLD.patient_id AND EXISTS (SELECT 1 FROM sample_donor d"
    " WHERE d.sample_id = k.sample_id AND d.patient_id = n.id)",
)
# What an act wrote is told in the record at its end: from then on nothing is added to it.
# The one key is looked up before the record is: a join would be planned as if the record were as short as it once was,
# and a thousand samples written together would take minutes. A sample whose number was replaced is in the record under
# another. A number that was printed ahead may be told of before: it was on a tube that was entered by mistake, and the
# next one with it is being written as long as the number does not say that it is on it.
_IN_THE_RECORD = """(EXISTS (SELECT 1 FROM code_replacement h WHERE h.sample_id = NEW.{key})
    OR (EXISTS (SELECT 1 FROM audit_entry a WHERE a.subject_kind = 'sample'
            AND a.subject_key = (SELECT s.code FROM sample s WHERE s.id = NEW.{key}))
        AND NOT EXISTS (SELECT 1 FROM allotted_number n WHERE n.state <> 'used'
            AND n.code = (SELECT s.code FROM sample s WHERE s.id = NEW.{key}))))"""
# Every number that a sample ever had.
_EVER = "(SELECT c.code FROM scannable_code c WHERE c.kind = 'sample' AND c.target_id = {sample})"
_DONOR_ADDED = f"{_IN_THE_RECORD.format(key='sample_id')} AND NOT " + _CORRECTED.format(
    row="NEW", which="n.id = NEW.patient_id"
)
_ANSWER_ADDED = """EXISTS (SELECT 1 FROM audit_entry a WHERE a.subject_kind = 'patient'
    AND a.subject_key = (
        SELECT p.subject_key FROM consent c JOIN patient p ON p.id = c.patient_id WHERE c.id = NEW.consent_id)
    AND a.content LIKE '%"consent":' || NEW.consent_id || ',%')"""
_BELOW_NOTHING = """NEW.amount < 0 AND NEW.amount + coalesce(
    (SELECT sum(q.amount) FROM quantity_entry q WHERE q.sample_id = NEW.sample_id), 0) < 0"""
# Nothing that comes back is more than the tube began with; of what began unknown, no amount is ever written.
_ABOVE_ITS_BEGINNING = """NEW.amount > 0 AND NEW.amount
    + coalesce((SELECT sum(q.amount) FROM quantity_entry q WHERE q.sample_id = NEW.sample_id), 0)
    > coalesce((SELECT s.initial FROM sample s WHERE s.id = NEW.sample_id), 0)"""
_HEAD_WITHOUT_ENTRY = """NEW.seq >= OLD.seq
    AND NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.seq = NEW.seq AND e.hash = NEW.hash)"""
# Breaking the link to a person is the one act that takes their names away; nothing else renames anything.
_RENAMED = """NEW.code <> OLD.code AND NOT (OLD.kind = 'patient'
    AND NEW.target_id = OLD.target_id AND OLD.voided_at IS NULL AND NEW.voided_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM patient p WHERE p.id = OLD.target_id AND p.anonymised_at IS NOT NULL))"""
_IMPORTED_RENAMED = """NEW.external_id <> OLD.external_id AND NOT EXISTS (SELECT 1 FROM patient p
    WHERE p.anonymised_at IS NOT NULL AND (p.id = OLD.patient_id OR EXISTS (SELECT 1 FROM sample_donor d
        WHERE d.sample_id = OLD.sample_id AND d.patient_id = p.id)))"""
# Who discarded a tube takes it back, as long as the record tells of nothing after it; what two people saw destroyed
# does not come back, nor the tube of a donor who took anything back.
_THEIRS = """'{"act":"discarded","actor":"' || NEW.recorded_by || '",'"""
_NOT_THEIR_DISCARD = f"""NOT EXISTS (SELECT 1 FROM audit_entry a
        WHERE a.seq = NEW.entry_seq AND a.subject_kind = 'sample'
        AND a.subject_key IN {_EVER.format(sample="NEW.sample_id")}
        AND substr(a.content, 1, length({_THEIRS})) = {_THEIRS}
        AND NOT EXISTS (SELECT 1 FROM audit_entry b WHERE b.subject_kind = 'sample'
            AND b.subject_key IN {_EVER.format(sample="NEW.sample_id")} AND b.seq > a.seq))
    OR EXISTS (SELECT 1 FROM destruction_task d WHERE d.sample_id = NEW.sample_id AND d.cancelled_at IS NULL)
    OR EXISTS (SELECT 1 FROM withdrawal w JOIN sample_donor o ON o.patient_id = w.patient_id
        WHERE o.sample_id = NEW.sample_id
        AND NOT EXISTS (SELECT 1 FROM withdrawal_reversal v WHERE v.withdrawal_id = w.id))"""
_DESTROYED_BY_ONE = """OLD.status <> 'destroyed' AND NEW.status = 'destroyed' AND EXISTS (SELECT 1
    FROM destruction_task d WHERE d.sample_id = OLD.id AND d.done_at IS NULL AND d.cancelled_at IS NULL)"""
_FILLED_AFTER_ITS_END = f"""NEW.amount > 0 AND EXISTS (
    SELECT 1 FROM sample s WHERE s.id = NEW.sample_id AND s.status = 'destroyed')
    AND {_IN_THE_RECORD.format(key="sample_id")}"""
# A maker's code is free again when its tube was entered by mistake, and stands for the next one that bears it.
# A number that was printed ahead comes onto a tube, and off one that was entered by mistake.
_POINTS_ELSEWHERE = """NEW.target_id <> OLD.target_id AND NOT ((OLD.kind = 'tube' AND (
    (NEW.target_id = 0 AND EXISTS (SELECT 1 FROM sample s
        WHERE s.id = OLD.target_id AND s.status = 'destroyed' AND s.container_code IS NULL))
    OR (OLD.target_id = 0 AND EXISTS (SELECT 1 FROM sample s
        WHERE s.id = NEW.target_id AND s.site_id = OLD.site_id AND s.container_code = OLD.code))))
    OR (OLD.kind = 'sample' AND OLD.voided_at IS NULL AND NEW.voided_at IS NULL AND (
    (NEW.target_id = 0 AND EXISTS (SELECT 1 FROM allotted_number n WHERE n.code = OLD.code)
        AND NOT EXISTS (SELECT 1 FROM sample s WHERE s.code = OLD.code))
    OR (OLD.target_id = 0 AND EXISTS (SELECT 1 FROM sample s
        WHERE s.id = NEW.target_id AND s.site_id = OLD.site_id AND (s.code = OLD.code OR EXISTS (
            SELECT 1 FROM code_replacement h WHERE h.sample_id = s.id AND h.new_code = OLD.code)))))))"""
_LEADS_TO_IT = """EXISTS (SELECT 1 FROM scannable_code c WHERE c.code = NEW.code AND c.site_id = OLD.site_id
    AND c.kind = 'sample' AND c.target_id = OLD.id AND c.voided_at IS NULL)"""
# A tube that was entered by mistake never was treated; the label that is on it waits for whose it is.
_RENUMBERED = f"""NEW.code <> OLD.code AND NOT ({_LEADS_TO_IT} AND (
    (OLD.status <> 'destroyed'
        AND EXISTS (SELECT 1 FROM code_replacement h
            WHERE h.old_code = OLD.code AND h.new_code = NEW.code AND h.sample_id = OLD.id)
        AND EXISTS (SELECT 1 FROM scannable_code c WHERE c.code = OLD.code AND c.site_id = OLD.site_id
            AND c.kind = 'sample' AND c.target_id = OLD.id AND c.voided_at IS NOT NULL))
    OR (OLD.status = 'destroyed' AND OLD.origin = 'collected' AND OLD.treated_precision IS NULL
        AND EXISTS (SELECT 1 FROM allotted_number n WHERE n.code = OLD.code AND n.sample_id = OLD.id))))"""
_REPLACES_ANOTHER = """NOT EXISTS (SELECT 1 FROM sample s
    WHERE s.id = NEW.sample_id AND s.code = NEW.old_code AND s.status <> 'destroyed')"""
_REPLACED_BY_ANOTHERS = """EXISTS (SELECT 1 FROM sample s WHERE s.code = NEW.new_code)
    OR EXISTS (SELECT 1 FROM scannable_code c WHERE c.code = NEW.new_code
        AND (c.kind <> 'sample' OR c.target_id <> 0 OR c.voided_at IS NOT NULL))"""
# A tube never gets a number that another one has, had, or that is void. Its site is asked for because the whole key is
# what SQLite looks up: by the code and the kind it would look through all of that kind.
_NUMBER_OF_ANOTHER = """EXISTS (SELECT 1 FROM scannable_code c WHERE c.code = NEW.code AND c.site_id = NEW.site_id
    AND c.kind = 'sample' AND (c.target_id <> 0 OR c.voided_at IS NOT NULL))"""
# Under the numbers of a tube its record is read: a number is its own, was given to it, or takes the place of the one
# that was printed ahead and goes back.
_LEADS_ELSEWHERE = """NEW.kind = 'sample' AND NEW.target_id <> 0 AND NOT EXISTS (SELECT 1 FROM sample s
    WHERE s.id = NEW.target_id AND s.site_id = NEW.site_id AND (s.code = NEW.code
        OR EXISTS (SELECT 1 FROM code_replacement h WHERE h.sample_id = s.id AND h.new_code = NEW.code)
        OR (s.status = 'destroyed' AND s.origin = 'collected' AND s.treated_precision IS NULL
            AND EXISTS (SELECT 1 FROM allotted_number n WHERE n.code = s.code AND n.sample_id = s.id))))"""
_VOIDED_ALONE = """OLD.kind = 'sample' AND OLD.voided_at IS NULL AND NEW.voided_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM code_replacement h
        WHERE h.old_code = OLD.code AND h.sample_id = OLD.target_id)
    AND NOT (OLD.target_id = 0 AND EXISTS (SELECT 1 FROM allotted_number n WHERE n.code = OLD.code))"""
_NEVER_TREATED_AFTER_ALL = """OLD.status = 'destroyed' AND NEW.status = 'destroyed'
    AND OLD.treated_precision IS NOT NULL AND NEW.treated_precision IS NULL"""
_PRINTED_AFTER = "NEW.state <> 'out' OR EXISTS (SELECT 1 FROM sample s WHERE s.code = NEW.code)"
_NUMBER_GOES_BACK = """(OLD.state = 'voided' AND (NEW.state <> 'voided'
        OR coalesce(NEW.ended_by, '') <> coalesce(OLD.ended_by, '')
        OR coalesce(CAST(NEW.ended_at AS text), '') <> coalesce(CAST(OLD.ended_at AS text), '')))
    OR (OLD.state = 'used' AND (NEW.state <> 'used' OR NEW.sample_id <> OLD.sample_id)
        AND EXISTS (SELECT 1 FROM sample s WHERE s.code = OLD.code))
    OR (NEW.state IN ('out', 'returned') AND EXISTS (SELECT 1 FROM scannable_code c
        WHERE c.code = OLD.code AND c.kind = 'sample' AND c.voided_at IS NOT NULL))
    OR (NEW.state = 'used' AND OLD.state <> 'used' AND NOT EXISTS (SELECT 1 FROM sample s
        JOIN allotment m ON m.site_id = s.site_id
        WHERE s.id = NEW.sample_id AND s.code = OLD.code AND m.id = OLD.allotment_id))"""
_BACK_FROM_THE_DEAD = f"""OLD.status = 'destroyed' AND NEW.status <> 'destroyed' AND NOT EXISTS (
    SELECT 1 FROM discard_reversal r WHERE r.sample_id = OLD.id AND NOT EXISTS (
        SELECT 1 FROM audit_entry a WHERE a.subject_kind = 'sample'
        AND (a.subject_key = OLD.code OR a.subject_key IN {_EVER.format(sample="OLD.id")})
        AND a.seq > r.entry_seq))"""
_ANOTHER_KEY = """(NEW.subject_key IS NOT NULL
    AND (OLD.subject_key IS NULL OR NEW.subject_key <> OLD.subject_key))
    OR (NEW.anonymised_at IS NULL AND (
        (OLD.subject_key IS NOT NULL AND NEW.subject_key IS NULL)
        OR (OLD.veil_key IS NOT NULL AND (NEW.veil_key IS NULL OR NEW.veil_key <> OLD.veil_key))))"""

_LINK_BROKEN_ALONE = """NEW.anonymised_at IS NOT NULL AND OLD.anonymised_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM anonymisation a WHERE a.patient_id = NEW.id AND a.agreed_at IS NOT NULL)"""

# Keys that are unique among some rows only: INSERT OR REPLACE and UPDATE OR REPLACE would take the other row away.
_MATCHED_TWICE = """NEW.matched AND EXISTS (SELECT 1 FROM label_check t WHERE t.sample_id = NEW.sample_id
    AND t.expected = NEW.expected AND t.reprint = NEW.reprint AND t.matched)"""
# What was read by mistake may name somebody, and gives way to a mark that shows it; what the rules read stays.
_CHECK_REWORDED = """NEW.read <> OLD.read
    AND (OLD.matched OR OLD.read = OLD.expected OR NEW.read NOT LIKE '%…%')"""
_NOTE_REWORDED = (
    """coalesce(NEW.note, '') <> coalesce(OLD.note, '') AND coalesce(NEW.note, '') NOT LIKE '%…%'"""
)
_VOID_REWORDED = """OLD.state = 'voided' AND coalesce(NEW.reason, '') <> coalesce(OLD.reason, '')
    AND coalesce(NEW.reason, '') NOT LIKE '%…%'"""
_JOB_OF_ANOTHER = """(NEW.code <> OLD.code AND NOT EXISTS (SELECT 1 FROM patient p
        WHERE p.id = OLD.patient_id AND p.anonymised_at IS NOT NULL AND p.code = NEW.code))
    OR (coalesce(NEW.patient_id, 0) <> coalesce(OLD.patient_id, 0) AND EXISTS (SELECT 1 FROM patient p
        WHERE p.id = NEW.patient_id AND p.anonymised_at IS NOT NULL))"""
_PRINTED_VOID = """EXISTS (SELECT 1 FROM scannable_code c
    WHERE c.code = NEW.code AND c.site_id = NEW.site_id AND c.voided_at IS NOT NULL)"""
_UNPRINTED = "OLD.state IN ('sent', 'shown') AND NEW.state <> OLD.state"
_IN_FORCE_TWICE = """NEW.in_force_at IS NOT NULL AND NEW.retired_at IS NULL AND EXISTS (SELECT 1 FROM procedure t
    WHERE t.id <> NEW.id AND t.site_id = NEW.site_id AND t.code = NEW.code
    AND t.in_force_at IS NOT NULL AND t.retired_at IS NULL)"""
_PROCEDURE_CHANGED = """OLD.in_force_at IS NOT NULL
    AND (NEW.title <> OLD.title OR CAST(NEW.steps AS text) <> CAST(OLD.steps AS text))"""

CONDITIONS = (
    (
        "procedure",
        "UPDATE",
        "procedure_in_force_changed",
        _PROCEDURE_CHANGED,
        "a procedure in force is not edited, only succeeded",
    ),
    (
        "label_check",
        "INSERT",
        "label_matched_twice",
        _MATCHED_TWICE,
        "a label of a sample is verified once",
    ),
    (
        "label_check",
        "UPDATE",
        "label_check_reworded",
        _CHECK_REWORDED,
        "what was read on a tube is kept; what names somebody is marked",
    ),
    (
        "allotment",
        "UPDATE",
        "allotment_reworded",
        _NOTE_REWORDED,
        "what was said of these labels is kept; what names somebody is marked",
    ),
    (
        "allotted_number",
        "UPDATE",
        "void_reworded",
        _VOID_REWORDED,
        "why a number is void is kept; what names somebody is marked",
    ),
    (
        "label_job",
        "UPDATE",
        "label_job_of_another",
        _JOB_OF_ANOTHER,
        "a label is of what it was asked for; a pseudonym on it goes with the link to the person",
    ),
    (
        "label_job",
        "INSERT",
        "label_job_void",
        _PRINTED_VOID,
        "no label is printed with a code that is void",
    ),
    (
        "label_job",
        "UPDATE",
        "label_job_unprinted",
        _UNPRINTED,
        "a label that came out stays so",
    ),
    (
        "sample",
        "INSERT",
        "sample_number_of_another",
        _NUMBER_OF_ANOTHER,
        "this number belongs to another tube, or is void",
    ),
    (
        "sample",
        "UPDATE",
        "sample_never_treated",
        _NEVER_TREATED_AFTER_ALL,
        "what was destroyed stays as it was",
    ),
    (
        "scannable_code",
        "INSERT",
        "code_leads_elsewhere",
        _LEADS_ELSEWHERE,
        "a number leads to the tube that it was given to",
    ),
    (
        "scannable_code",
        "UPDATE",
        "code_voided_alone",
        _VOIDED_ALONE,
        "a number is void when it was replaced, or printed ahead and spoilt",
    ),
    (
        "sample",
        "UPDATE",
        "sample_renumbered",
        _RENUMBERED,
        "a tube gets another number by a recorded replacement, and the old one is void for ever",
    ),
    (
        "code_replacement",
        "INSERT",
        "replaces_another",
        _REPLACES_ANOTHER,
        "what is replaced is the number that the tube has",
    ),
    (
        "code_replacement",
        "INSERT",
        "replaced_by_anothers",
        _REPLACED_BY_ANOTHERS,
        "a tube gets a number that nothing else has or had",
    ),
    (
        "allotted_number",
        "INSERT",
        "allotted_after",
        _PRINTED_AFTER,
        "a number is printed ahead of its tube",
    ),
    (
        "allotted_number",
        "UPDATE",
        "allotted_goes_back",
        _NUMBER_GOES_BACK,
        "a number that is on a tube stays there, and a void one stays void",
    ),
    (
        "procedure",
        "INSERT",
        "procedure_begun_twice",
        _IN_FORCE_TWICE,
        "one version of a procedure is in force at a time",
    ),
    (
        "procedure",
        "UPDATE",
        "procedure_in_force_twice",
        _IN_FORCE_TWICE,
        "one version of a procedure is in force at a time",
    ),
    (
        "patient",
        "UPDATE",
        "link_broken_alone",
        _LINK_BROKEN_ALONE,
        "the link to a person is broken by two people together",
    ),
    (
        "patient",
        "UPDATE",
        "pseudonym_changed",
        "NEW.code <> OLD.code AND (OLD.anonymised_at IS NOT NULL OR NEW.anonymised_at IS NULL)",
        "a pseudonym stays, until the link to the person is broken",
    ),
    (
        "decision",
        "INSERT",
        "permit_needs_consent",
        _PERMIT_NEEDS_CONSENT,
        "a permit for a sample that has a donor without any recorded consent",
    ),
    (
        "decision",
        "INSERT",
        "permit_after_withdrawal",
        _PERMIT_AFTER_WITHDRAWAL,
        "a permit for a sample of a donor who has withdrawn",
    ),
    (
        "decision",
        "INSERT",
        "decision_knows_the_future",
        _KNOWS_WHAT_IS_UNSAID,
        "a decision cannot know what was not said yet",
    ),
    (
        "sample_use",
        "INSERT",
        "use_needs_consent",
        _PERMIT_NEEDS_CONSENT,
        "a use of a sample that has a donor without any recorded consent",
    ),
    (
        "sample_use",
        "INSERT",
        "use_after_withdrawal",
        _PERMIT_AFTER_WITHDRAWAL,
        "a use of a sample of a donor who has withdrawn",
    ),
    (
        "sample_use",
        "INSERT",
        "use_without_permit",
        f"NEW.verdict <> 'permit' OR {_USE_WITHOUT_PERMIT}",
        "a use needs a permitting decision made for that sample, act and moment",
    ),
    (
        "sample_use",
        "INSERT",
        "use_by_stale_decision",
        _USE_BY_STALE_DECISION,
        "the decision is older than what its donors last said",
    ),
    (
        "clause",
        "INSERT",
        "clause_in_force_added",
        _CLAUSE_OF_A_FORM_IN_FORCE.format(row="NEW"),
        "a form in force is not edited, only succeeded",
    ),
    (
        "clause",
        "UPDATE",
        "clause_in_force_changed",
        _CLAUSE_OF_A_FORM_IN_FORCE.format(row="OLD"),
        "a form in force is not edited, only succeeded",
    ),
    (
        "clause",
        "INSERT",
        "clause_replaced",
        _CLAUSE_REPLACED,
        "clause has this key already",
    ),
    (
        "clause",
        "UPDATE",
        "clause_moved",
        _CLAUSE_MOVED,
        "a clause stays in its form",
    ),
    (
        "clause",
        "DELETE",
        "clause_in_force_deleted",
        _CLAUSE_OF_A_FORM_IN_FORCE.format(row="OLD"),
        "a form in force is not edited, only succeeded",
    ),
    (
        "consent_form",
        "UPDATE",
        "form_goes_forward",
        "OLD.status = 'retired' OR (OLD.status = 'in_force' AND NEW.status = 'draft')"
        " OR (OLD.status <> 'draft' AND (NEW.kind <> OLD.kind OR NEW.title <> OLD.title"
        " OR coalesce(NEW.in_force_on, '1000-01-01') <> coalesce(OLD.in_force_on, '1000-01-01')))",
        "a form only goes forward",
    ),
    (
        "consent_answer",
        "INSERT",
        "answer_added",
        _ANSWER_ADDED,
        "answers are given with their consent, or by a correction of it",
    ),
    (
        "consent_answer",
        "INSERT",
        "answer_of_nothing",
        "NOT EXISTS (SELECT 1 FROM consent c WHERE c.id = NEW.consent_id)",
        "answers belong to a consent that is recorded",
    ),
    (
        "sample_donor",
        "INSERT",
        "donor_of_nothing",
        "NOT EXISTS (SELECT 1 FROM sample s WHERE s.id = NEW.sample_id)",
        "a donor is one of a sample that is recorded",
    ),
    (
        "sample_donor",
        "INSERT",
        "donor_added",
        _DONOR_ADDED,
        "donors change only by a recorded correction",
    ),
    (
        "sample_donor",
        "UPDATE",
        "donor_corrected",
        _DONOR_CHANGED,
        "donors change only by a recorded correction",
    ),
    (
        "sample_donor",
        "DELETE",
        "donor_removed",
        _DONOR_REMOVED,
        "donors change only by a recorded correction",
    ),
    (
        "sample_parent",
        "INSERT",
        "parent_added",
        _IN_THE_RECORD.format(key="child_id"),
        "a sample has its parents from its birth",
    ),
    (
        "sample",
        "UPDATE",
        "sample_destroyed",
        _BACK_FROM_THE_DEAD,
        "what was destroyed stays destroyed",
    ),
    (
        "sample",
        "UPDATE",
        "sample_destroyed_by_one",
        _DESTROYED_BY_ONE,
        "what two people are asked to destroy is not destroyed by one",
    ),
    (
        "quantity_entry",
        "INSERT",
        "ledger_after_the_end",
        _FILLED_AFTER_ITS_END,
        "nothing comes into what was destroyed",
    ),
    (
        "scannable_code",
        "UPDATE",
        "code_points_elsewhere",
        _POINTS_ELSEWHERE,
        "a code stands for what it was given to",
    ),
    (
        "discard_reversal",
        "INSERT",
        "discard_of_another",
        _NOT_THEIR_DISCARD,
        "a discard is taken back by who did it, and never what two people saw destroyed, nor after a withdrawal",
    ),
    (
        "quantity_entry",
        "INSERT",
        "ledger_below_nothing",
        _BELOW_NOTHING,
        "more is drawn than there is",
    ),
    (
        "quantity_entry",
        "INSERT",
        "ledger_above_its_beginning",
        _ABOVE_ITS_BEGINNING,
        "more is written into a tube than it began with",
    ),
    (
        "patient",
        "UPDATE",
        "subject_key_changed",
        _ANOTHER_KEY,
        "what stands for a patient in the record is erased, never given another",
    ),
    (
        "scannable_code",
        "UPDATE",
        "code_renamed",
        _RENAMED,
        "a code stays what it is, but for the pseudonym of an anonymised patient, which is overwritten as it is voided",
    ),
    (
        "imported_record",
        "UPDATE",
        "imported_renamed",
        _IMPORTED_RENAMED,
        "what another system calls a thing is forgotten only with the person it comes from",
    ),
    (
        "withdrawal_reversal",
        "INSERT",
        "reversal_by_another",
        "EXISTS (SELECT 1 FROM withdrawal w WHERE w.id = NEW.withdrawal_id AND w.recorded_by = NEW.recorded_by)",
        "a withdrawal is taken out of force by somebody else than who recorded it",
    ),
    (
        "consent_event",
        "INSERT",
        "event_in_order",
        _EVENT_OUT_OF_ORDER,
        "events are numbered in the order in which they are recorded",
    ),
    (
        "consent",
        "INSERT",
        "paper_without_event",
        _NO_SUCH_EVENT.format(kind="consent"),
        "a consent is an event of its patient",
    ),
    (
        "withdrawal",
        "INSERT",
        "withdrawal_without_event",
        _NO_SUCH_EVENT.format(kind="withdrawal"),
        "a withdrawal is an event of its patient",
    ),
    (
        "withdrawal_reversal",
        "INSERT",
        "reversal_of_nothing",
        _REVERSES_NOTHING,
        "a reversal comes after the withdrawal that it takes out of force",
    ),
    (
        "signed_document",
        "UPDATE",
        "document_changed",
        "NEW.content IS NOT NULL AND (OLD.content IS NULL OR NEW.content <> OLD.content)",
        "a signed document is erased or left as it is, never changed",
    ),
    (
        "consent",
        "INSERT",
        "form_never_in_force",
        "EXISTS (SELECT 1 FROM consent_form f WHERE f.id = NEW.form_id AND f.in_force_at IS NULL)",
        "nobody can have signed a form that was never in force",
    ),
    (
        "audit_head",
        "UPDATE",
        "head_without_entry",
        _HEAD_WITHOUT_ENTRY,
        "the head of the record is its last entry",
    ),
)


def create(dialect: str) -> Iterator[str]:
    """The statements that raise every guard, for `sqlite` or `postgresql`."""
    yield from _sqlite() if dialect == "sqlite" else _postgresql()


def _no_delete(guard: Guard) -> str:
    return f"{guard.table} rows are never deleted"


def _changed(guard: Guard, differs: str) -> str:
    def side(row: str, column: str) -> str:
        return f"CAST({row}.{column} AS text)" if column in guard.as_text else f"{row}.{column}"

    parts = [f"{side('NEW', column)} {differs} {side('OLD', column)}" for column in guard.frozen or ()]
    parts += [f"(OLD.{column} IS NOT NULL AND NEW.{column} {differs} OLD.{column})" for column in guard.once]
    return " OR ".join(parts)


def _changeable_keys(guard: Guard) -> list[tuple[str, ...]]:
    """Unique keys that an update may touch: UPDATE OR REPLACE deletes in silence whichever row has the key already."""
    return [key for key in guard.keys if guard.frozen is not None and not set(key) <= set(guard.frozen)]


def _sqlite() -> Iterator[str]:
    def trigger(name: str, when: str, table: str, condition: str, sentence: str) -> str:
        return (
            f"CREATE TRIGGER guard_{name} BEFORE {when} ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{GUARD}{sentence}'); END"
        )

    for guard in GUARDS:
        table = guard.table
        yield trigger(f"{table}_delete", "DELETE", table, "1", _no_delete(guard))
        if guard.frozen is None:
            yield trigger(f"{table}_update", "UPDATE", table, "1", f"{table} is append-only")
        else:
            changed = _changed(guard, "IS NOT")
            yield trigger(
                f"{table}_update", "UPDATE", table, changed, f"{table}: this never changes once written"
            )
        exists = [" AND ".join(f"t.{column} = NEW.{column}" for column in key) for key in guard.keys]
        exists += [
            " AND ".join(
                [
                    *(f"t.{column} = NEW.{column}" for column in key),
                    *(f"{row}.{column} IS NULL" for column in open_columns for row in ("t", "NEW")),
                ]
            )
            for key, open_columns in guard.current
        ]
        again = " OR ".join(f"EXISTS (SELECT 1 FROM {table} t WHERE {condition})" for condition in exists)
        yield trigger(f"{table}_insert", "INSERT", table, again, f"{table} has this key already")
        for number, key in enumerate(_changeable_keys(guard), start=1):
            when = f"UPDATE OF {', '.join(key)}"
            taken = " AND ".join(["t.rowid <> OLD.rowid", *(f"t.{column} = NEW.{column}" for column in key)])
            condition = f"EXISTS (SELECT 1 FROM {table} t WHERE {taken})"
            yield trigger(f"{table}_taken_{number}", when, table, condition, f"{table} has this key already")
    for table, column in RISING:
        falls = f"NEW.{column} < OLD.{column}"
        yield trigger(f"{table}_rises", "UPDATE", table, falls, f"{table} only rises")
    for table, when, name, condition, sentence in CONDITIONS:
        yield trigger(name, when, table, condition, sentence)


def _postgresql() -> Iterator[str]:
    def refuse(name: str, sentence: str, condition: str = "TRUE") -> str:
        return (
            f"CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION '{GUARD}{sentence}' USING ERRCODE = 'restrict_violation'; END IF; "
            f"IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
        )

    def trigger(name: str, when: str, table: str, scope: str = "ROW") -> str:
        return f"CREATE TRIGGER guard_{name} BEFORE {when} ON {table} FOR EACH {scope} EXECUTE FUNCTION guard_{name}()"

    for guard in GUARDS:
        table = guard.table
        for verb in ("delete", "truncate"):
            yield refuse(f"{table}_{verb}", _no_delete(guard))
            yield trigger(
                f"{table}_{verb}", verb.upper(), table, "STATEMENT" if verb == "truncate" else "ROW"
            )
        if guard.frozen is None:
            yield refuse(f"{table}_update", f"{table} is append-only")
        else:
            changed = _changed(guard, "IS DISTINCT FROM")
            yield refuse(f"{table}_update", f"{table}: this never changes once written", changed)
        yield trigger(f"{table}_update", "UPDATE", table)
    for table in ("clause", "sample_donor"):
        yield refuse(f"{table}_truncate", f"{table} rows are never deleted")
        yield trigger(f"{table}_truncate", "TRUNCATE", table, "STATEMENT")
    for table, column in RISING:
        yield refuse(f"{table}_rises", f"{table} only rises", f"NEW.{column} < OLD.{column}")
        yield trigger(f"{table}_rises", "UPDATE", table)
    for table, when, name, condition, sentence in CONDITIONS:
        yield refuse(name, sentence, condition)
        yield trigger(name, when, table)
