"""The three promises as questions in plain SQL, asked on a stranger's connection, and held against the plain bank."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.guarded import Stranger
from tests.promises.bank import HELD, Bank

#: Every table in which an act leaves something.
FACTS = (
    "patient", "consent_form", "clause", "consent_event", "consent", "consent_answer", "withdrawal",
    "collection_event", "processing", "sample", "sample_parent", "sample_donor", "quantity_entry", "hold",
    "sample_correction", "container", "placement", "request", "request_line", "reservation", "sample_use",
    "scannable_code", "decision", "audit_entry",
)  # fmt: skip
#: The only ones in which a refusal is kept.
OF_REFUSALS = ("decision", "audit_entry")

_COUNTS = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in FACTS)
_SAMPLES = """SELECT s.id, s.code, s.status, s.type, s.remaining, s.reserved, e.patient_id,
    (SELECT sum(q.amount) FROM quantity_entry q WHERE q.sample_id = s.id)
    FROM sample s LEFT JOIN collection_event e ON e.id = s.collection_event_id"""
_PLACES = """SELECT p.sample_id, c.code, p.position FROM placement p JOIN container c ON c.id = p.container_id
    WHERE p.removed_recorded_at IS NULL AND p.sample_id IS NOT NULL"""
_HELD = "SELECT sample_id, code FROM hold WHERE released_at IS NULL"
_RESERVED = "SELECT sample_id, amount FROM reservation WHERE released_at IS NULL"
_LINES = "SELECT r.code, r.status, l.sample_id, l.status FROM request r LEFT JOIN request_line l ON l.request_id = r.id"
_USES = """SELECT u.id, u.sample_id, u.act, x.sample_id, x.act, x.verdict, x.recorded_at = u.recorded_at,
    (SELECT count(*) FROM sample_use o WHERE o.decision_id = u.decision_id)
    FROM sample_use u LEFT JOIN decision x ON x.id = u.decision_id ORDER BY u.id"""
#: Uses that rest on less than their donors had said by then.
_STALE = """SELECT u.id FROM sample_use u JOIN decision x ON x.id = u.decision_id
    JOIN sample_donor d ON d.sample_id = u.sample_id JOIN consent_event e ON e.patient_id = d.patient_id
    WHERE u.id > {last} AND e.id > x.consent_event_id"""
#: Uses of what a donor has taken back whole, or for the study, with no consent recorded after it.
_WITHDRAWN = """SELECT u.id FROM sample_use u JOIN sample s ON s.id = u.sample_id
    JOIN sample_donor d ON d.sample_id = s.id
    JOIN withdrawal w ON w.patient_id = d.patient_id
    WHERE u.id > {last} AND u.act <> 'own_care' AND (w.scope = 'all' OR w.study_id = s.study_id)
    AND NOT EXISTS (SELECT 1 FROM consent c WHERE c.patient_id = w.patient_id AND c.id > w.id)"""
_SILENT = """SELECT u.id FROM sample_use u JOIN sample_donor d ON d.sample_id = u.sample_id
    WHERE u.id > {last} AND u.act <> 'own_care'
    AND NOT EXISTS (SELECT 1 FROM consent c WHERE c.patient_id = d.patient_id)"""


@dataclass
class Seen:
    """What stands in the database."""

    counts: dict[str, int]
    samples: dict[int, tuple[Any, ...]]
    donors: dict[int, set[int]]
    parents: dict[int, set[int]]
    places: list[tuple[int, str, str]]
    holds: Counter[tuple[int, str]]
    reserved: Counter[int]
    lines: dict[str, tuple[str, dict[int, str]]]
    uses: list[tuple[Any, ...]]


def look(stranger: Stranger) -> Seen:
    """Read everything."""
    lines: dict[str, tuple[str, dict[int, str]]] = {}
    for code, status, sample, line in stranger.ask(_LINES):
        lines.setdefault(code, (status, {}))
        if sample is not None:
            lines[code][1][sample] = line
    return Seen(
        counts=counts(stranger),
        samples={row[0]: row for row in stranger.ask(_SAMPLES)},
        donors=_sets(stranger, "SELECT sample_id, patient_id FROM sample_donor"),
        parents=_sets(stranger, "SELECT child_id, parent_id FROM sample_parent"),
        places=[(sample, code, position) for sample, code, position in stranger.ask(_PLACES)],
        holds=Counter((sample, code) for sample, code in stranger.ask(_HELD)),
        reserved=Counter(sample for sample, _amount in stranger.ask(_RESERVED)),
        lines=lines,
        uses=stranger.ask(_USES),
    )


def counts(stranger: Stranger) -> dict[str, int]:
    """How many rows each table has."""
    return dict(zip(FACTS, stranger.ask(_COUNTS)[0], strict=True))


def _sets(stranger: Stranger, query: str) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for key, value in stranger.ask(query):
        found.setdefault(key, set()).add(value)
    return found


def no_use_without_consent(stranger: Stranger, seen: Seen, last_use: int) -> list[str]:
    """The first promise, of every use; of those after `last_use` also that nobody had taken it back by then."""
    broken = [
        f"use {number} has no permit of its own"
        for number, sample, act, decided, decided_act, verdict, same_moment, times in seen.uses
        if (decided, decided_act, verdict, bool(same_moment), times) != (sample, act, "permit", True, 1)
    ]
    for why, query in (("stale", _STALE), ("withdrawn", _WITHDRAWN), ("never asked", _SILENT)):
        broken += [f"use {number}: {why}" for (number,) in stranger.ask(query.format(last=last_use))]
    return broken


def one_place_and_enough_in_it(seen: Seen) -> list[str]:
    """The second promise."""
    broken = []
    for number, times in Counter(sample for sample, _code, _position in seen.places).items():
        if times > 1:
            broken.append(f"sample {number} stands in {times} places")
    for place, times in Counter(place[1:] for place in seen.places).items():
        if times > 1:
            broken.append(f"{times} things stand at {place}")
    for _key, code, _status, _type, remaining, reserved, _drawn, entered in seen.samples.values():
        if remaining is not None and not 0 <= reserved <= remaining == entered:
            broken.append(
                f"{code} holds {remaining}, of which {reserved} promised; its ledger says {entered}"
            )
    return broken


def families_agree(seen: Seen) -> list[str]:
    """Donors are the union over the parents, and a sample has some."""
    broken = []
    for key in seen.samples:
        donors, parents = seen.donors.get(key, set()), seen.parents.get(key, set())
        if not donors:
            broken.append(f"sample {key} is nobody's")
        if parents and donors != set().union(*(seen.donors[parent] for parent in parents)):
            broken.append(f"sample {key} has other donors than its parents")
    return broken


def as_written_down(bank: Bank, seen: Seen) -> list[str]:
    """Everything that stands in the database is as the plain bank has it."""
    broken = []
    if set(seen.samples) != set(bank.tubes):
        broken.append(f"samples {set(seen.samples) ^ set(bank.tubes)} are only on one side")
    standing = {sample: (code, position) for sample, code, position in seen.places}
    for key, tube in bank.tubes.items():
        holds = {code: times for (sample, code), times in seen.holds.items() if sample == key}
        found = (
            seen.samples.get(key, ())[1:7],
            seen.donors.get(key),
            seen.parents.get(key, set()),
            standing.get(key),
            holds,
        )
        expected = (
            (tube.code, tube.status, tube.type, tube.left, tube.reserved, tube.draw and tube.draw[0]),
            tube.donors,
            set(tube.parents),
            tube.place,
            dict.fromkeys(tube.holds, 1),
        )
        broken += [
            f"{tube.code}: {a} is {b} by the plain bank"
            for a, b in zip(found, expected, strict=True)
            if a != b
        ]
    orders = {order.code: (order.status, order.lines) for order in bank.orders.values()}
    broken += [
        f"{code}: {seen.lines.get(code)} is {told} by the plain bank"
        for code, told in orders.items()
        if seen.lines.get(code) != told
    ]
    held = Counter(key for order in bank.orders.values() for key in order.with_status(*HELD))
    if held != seen.reserved:
        broken.append(f"held are {seen.reserved}, and {held} by the plain bank")
    return broken


def never_forgets(before: Seen, seen: Seen) -> list[str]:
    """The third promise, as far as one can see it from outside: nothing that was written is gone or different. Only the
    donors of a pool may become fewer, when two of them turn out to be one."""
    fewer = [
        table for table in FACTS if seen.counts[table] < before.counts[table] and table != "sample_donor"
    ]
    broken = [f"rows of {table} are gone" for table in fewer]
    if seen.uses[: len(before.uses)] != before.uses:
        broken.append("a use was changed")
    return broken


def leaves_no_trace(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """Of a refused act: nothing, but the refusing decisions and as many words of them in the record."""
    grown = {table: after[table] - before[table] for table in FACTS}
    broken = [
        f"{grown[table]} rows in {table}" for table in FACTS if table not in OF_REFUSALS and grown[table]
    ]
    if grown["decision"] != grown["audit_entry"]:
        broken.append(f"{grown['decision']} decisions, and {grown['audit_entry']} words of them")
    return broken
