"""What a station needs on paper, and the page that tests its scanner: command cards, its own card, people's badges."""

from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from biobank.access import badges, stations
from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.bench import card_words, commands, station_test
from biobank.bench.page_parts import bp
from biobank.bench.paper import Card, cards
from biobank.core.errors import NotFound
from biobank.core.gs1 import SEPARATOR
from biobank.core.readings import LONGEST_SCAN
from biobank.core.vocabularies import scanner_menus
from biobank.printing import symbols
from biobank.web import letters, pages, sentences
from biobank.web.asking import actor

#: Millimetres a module of the test symbols: wide enough for any scanner to read from a screen.
_LINEAR_MM, _MATRIX_MM = 0.4, 1.2


# --- the test of the scanner


@bp.get("/station/test", endpoint="station_test")
@requires(Permission.SCAN)
def test_station() -> ResponseReturnValue:
    """Two symbols to be scanned."""
    return _test()


@bp.post("/station/test")
@requires(Permission.SCAN)
def station_tested() -> ResponseReturnValue:
    """What came of one of them: what is wrong, and how it is mended."""
    raw = request.form.get("raw", "")[:LONGEST_SCAN]
    ended = request.form.get("ended", "")[:10]
    return _test(raw, station_test.diagnose(raw, ended=ended, affixes=actor().affixes))


def _test(raw: str = "", findings: list[station_test.Finding] | None = None) -> Any:
    mends = {finding.mends for finding in findings or [] if finding.mends}
    return pages.render(
        "bench/station_test.html",
        raw=raw.replace(SEPARATOR, "␝"),
        findings=[
            {"tone": each.tone, "sentence": sentences.sentence(each.code, each.params)}
            for each in findings or []
        ],
        menus=[menu for menu in scanner_menus() if menu.fault in mends],
        bars=_drawn(symbols.bars(station_test.TEST_CODE), _LINEAR_MM),
        matrix=_drawn(symbols.matrix(station_test.TEST_CODE), _MATRIX_MM),
        gs1=_drawn(symbols.matrix(station_test.GS1_TEST, gs1=True), _MATRIX_MM),
        code=station_test.TEST_CODE,
    )


def _drawn(symbol: symbols.Symbol, module_mm: float) -> Markup:
    return Markup(symbol.svg(module_mm=module_mm))  # noqa: S704  our own drawing: numbers alone


# --- paper


@bp.get("/station/commands.pdf")
@requires(Permission.SCAN)
def command_sheet() -> ResponseReturnValue:
    """Every command card, in groups, to be cut out or hung up. `?language=`"""
    with letters.in_language():
        groups = [
            (sentences.word("command_group", group), [_command_card(each) for each in them])
            for group, them in commands.sheet()
        ]
        return letters.answer(cards(_("Command cards"), groups), "commands")


def _command_card(command: commands.Command) -> Card:
    words = card_words.command_words(
        {"verb": command.verb, "number": command.number, "reason": command.reason}
    )
    return Card(commands.card_of(command), words)


@bp.get("/stations/<code>/card.pdf")
@requires(Permission.STATION_SET_UP)
def station_card(code: str) -> ResponseReturnValue:
    """The card beside the screen: scanned, it says that this computer is this station."""
    station = stations.find_station(code, actor())
    return _one(_("Station"), Card(station.code, station.name), station.code)


@bp.get("/people/<name>/badge.pdf")
@requires(Permission.STATION_SET_UP)
def badge_card(name: str) -> ResponseReturnValue:
    """Somebody's badge: it says who they are and opens nothing."""
    user = access.find_user(name, actor())
    badge = badges.badge_of(user)
    if badge is None:
        raise NotFound("badge_unknown", badge=name[:40])
    return _one(_("Badge"), Card(badge.code, user.name), badge.code)


def _one(title: str, card: Card, name: str) -> Response:
    with letters.in_language():
        return letters.answer(cards(title, [(title, [card])]), name)
