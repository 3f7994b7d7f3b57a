"""Do the rows go together? Several rows of one thing, and every link from a child to what it was made from.

Rows may stand in any order and in several files, so this is asked when all of them have been met.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from biobank.exchange.profile import Piece
from biobank.exchange.survey import Entry, Survey

ASKED_AT_ONCE = 500
"""How many ids the database is asked for in one question."""

Known = Callable[[Collection[str]], set[str]]
"""Which of these external ids stand here already?"""


@dataclass(frozen=True)
class _Telling:
    """One of several rows that speak of the same thing."""

    file: int
    row: int
    piece: Piece
    said: dict[str, str]  # by our names for the columns; nulls left out
    links: tuple[str | None, ...]


def settle_repeats(survey: Survey) -> dict[str, dict[str, str]]:
    """Settle the things with several rows that are not word for word the same.

    Rows of different tables may add to each other; rows that contradict each other bar the thing. An aliquot may have
    come from several samples of one patient: then each of its rows names another.

    returns   id -> all that its rows say together, by our names for the columns
    """
    merged = {}
    for name, tellings in _read_again(survey).items():
        if (fault := _contradiction(tellings)) is not None:
            column, first, other = fault
            at = dict(first.piece.said)[column]
            survey.refuse(name, "import_rows_contradict", at, other=_place(survey, other))
        elif _join_links(survey, name, tellings):
            merged[name] = {key: text for telling in tellings for key, text in telling.said.items()}
    return merged


def _read_again(survey: Survey) -> dict[str, list[_Telling]]:
    wanted: dict[int, dict[int, list[tuple[str, Piece]]]] = defaultdict(lambda: defaultdict(list))
    for name, again in survey.repeats.items():
        entry = survey.entries[name]
        for file, row, piece in ((entry.file, entry.row, survey.piece_of(entry)), *again):
            wanted[file][row].append((name, piece))
    nulls = survey.profile.nulls
    found: dict[str, list[_Telling]] = defaultdict(list)
    for file, rows in sorted(wanted.items()):
        for row, values in survey.tables[file][0].records():
            for name, piece in rows.get(row, ()):
                said = {key: values[at] for key, at in piece.said if values[at] not in nulls}
                links = tuple(None if at is None or values[at] in nulls else values[at] for at in piece.links)
                found[name].append(_Telling(file, row, piece, said, links))
    return found


def _contradiction(tellings: Sequence[_Telling]) -> tuple[str, _Telling, _Telling] | None:
    """The first column in which a row says other than the first row.

    Within one table an empty cell against a filled one is a contradiction too: there one row has been changed.
    """
    first = tellings[0]
    for other in tellings[1:]:
        columns = [name for name, _ in first.piece.said if name in dict(other.piece.said)]
        for name in columns:
            one, two = first.said.get(name), other.said.get(name)
            if one != two and (first.file == other.file or (one and two)):
                return name, first, other
    return None


def _join_links(survey: Survey, name: str, tellings: Sequence[_Telling]) -> bool:
    entry = survey.entries[name]
    rank = max(
        next((rank for rank in reversed(range(entry.rank)) if told.links[rank]), -1) for told in tellings
    )
    if rank < 0:
        return True
    parents = list(dict.fromkeys(told.links[rank] for told in tellings if told.links[rank]))
    if len(parents) > 1 and not survey.profile.levels[entry.rank].pools:
        other = next(told for told in tellings if told.links[rank] == parents[1])
        survey.refuse(
            name, "import_made_from_two", entry_link(survey, entry, rank), other=_place(survey, other)
        )
        return False
    first = next(told.links for told in tellings if told.links[rank])
    rest = [told.links for told in tellings if len(parents) == 1]
    entry.links = tuple(
        own or next((links[above] for links in rest if links[above]), None) for above, own in enumerate(first)
    )
    entry.more = tuple(parent for parent in parents[1:] if parent)
    if entry.more:
        table = survey.tables[entry.file][0]
        at = entry_link(survey, entry, rank)
        column = None if at is None else table.header[at]
        survey.tell(
            table.name,
            entry.row,
            column,
            "import_several_parents",
            severity="note",
            id=name,
            count=len(parents),
        )
    return True


def check_parents(survey: Survey, rank: int, known: Known) -> None:
    """Check the links of every thing of one level; the levels above it have been checked before."""
    entries, refused = survey.entries, survey.refused
    mine = [(name, entry) for name, entry in entries.items() if entry.rank == rank and name not in refused]
    asked = {parent for _, entry in mine for parent in entry.parents if parent not in entries} - refused
    here = _ask(known, asked)
    for name, entry in mine:
        for parent in entry.parents:
            if fault := _fault(survey, name, entry, parent, here):
                code, params = fault
                survey.refuse(
                    name, code, entry_link(survey, entry, entry.parent_rank), parent=parent, **params
                )
                break


def _ask(known: Known, asked: Collection[str]) -> set[str]:
    here: set[str] = set()
    rest = iter(sorted(asked))
    while some := list(islice(rest, ASKED_AT_ONCE)):
        here |= known(some)
    return here


def _fault(
    survey: Survey, name: str, entry: Entry, parent: str, here: Collection[str]
) -> tuple[str, dict[str, str]] | None:
    """What is wrong with the link from a thing to what it was made from."""
    levels = survey.profile.levels
    wanted = levels[entry.parent_rank].name
    found = survey.entries.get(parent)
    if parent == name:
        return "import_own_parent", {}
    if parent in survey.refused:
        return "import_parent_refused", {"level": wanted}
    if found is None:
        return None if parent in here else ("import_orphan", {"level": wanted})
    if found.rank != entry.parent_rank:
        return "import_parent_of_wrong_level", {"level": wanted, "other": levels[found.rank].name}
    return _disagreement(survey, entry, found)


def _disagreement(survey: Survey, entry: Entry, found: Entry) -> tuple[str, dict[str, str]] | None:
    """Child and parent must name one patient, and one lineage above them."""
    if entry.case is None:
        entry.case = found.case
    if found.case and entry.case != found.case:
        return "import_patient_differs", {
            "patient": entry.case or "",
            "other": found.case,
            "place": survey.place(found),
        }
    for above in range(found.rank):
        one, two = entry.links[above], found.links[above]
        if one and two and one != two and not found.more and not entry.more:
            level = survey.profile.levels[above].name
            return "import_links_differ", {"level": level, "place": survey.place(found)}
    return None


def entry_link(survey: Survey, entry: Entry, rank: int) -> int | None:
    """The column by which a thing's row names what it comes from at a level."""
    return survey.piece_of(entry).links[rank]


def _place(survey: Survey, telling: _Telling) -> str:
    return f"{survey.tables[telling.file][0].name}:{telling.row}"
