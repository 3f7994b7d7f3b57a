"""What a station needs on paper, and the page that tests its scanner: command cards, its own card, people's badges."""

from typing import Any

from flask import current_app, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from biobank.access import badges, stations
from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.bench import card_words, commands, scanner_menus, station_test
from biobank.bench.page_parts import bp
from biobank.bench.paper import Card, cards
from biobank.core.errors import NotFound
from biobank.core.gs1 import SEPARATOR
from biobank.core.readings import LONGEST_SCAN
from biobank.printing import symbols
from biobank.web import letters, pages, sentences
from biobank.web.asking import actor

#: Millimetres of a dot of the usual screen. Bars are whole dots wide: others are drawn unevenly, and read badly.
_DOT_MM = 25.4 / 96
_LINEAR_MM, _MATRIX_MM = 2 * _DOT_MM, 5 * _DOT_MM
#: A setting bar code is drawn larger where a page has room for it: so many dots.
_ROOM = 640
#: The maker of this computer's scanner, kept by its browser.
_COOKIE, _KEPT_SECONDS = "biobank_scanner", 5 * 365 * 24 * 3600


# --- the test of the scanner


def _read_menus(state: BlueprintSetupState) -> None:
    scanner_menus.keep(state.app.extensions, str(state.app.config["BIOBANK"]["scanner"]["menus"]))


bp.record_once(_read_menus)


@bp.get("/station/test", endpoint="station_test")
@requires(Permission.SCAN)
def test_station() -> ResponseReturnValue:
    """Two symbols to be scanned."""
    return _test()


@bp.post("/station/test")
@requires(Permission.SCAN)
def station_tested() -> ResponseReturnValue:
    """What came of one of them: what is wrong, and the bar code that mends it. `scanner=` says whose scanner it is."""
    raw = request.form.get("raw", "")[:LONGEST_SCAN]
    answer = _test(raw, request.form.get("ended", "")[:10], told="raw" in request.form)
    if "scanner" in request.form:
        answer.set_cookie(
            _COOKIE, _family(), max_age=_KEPT_SECONDS, httponly=True, samesite="Lax",
            secure=bool(current_app.config["BIOBANK"]["secure_cookies"]),
        )  # fmt: skip
    return answer


def _test(raw: str = "", ended: str = "", *, told: bool = False) -> Response:
    menus = scanner_menus.in_force()
    every = {symbol.replace(symbols.FNC3, "") for menu in menus.values() for symbol in menu.symbols}
    findings = (
        station_test.diagnose(raw, ended=ended, affixes=actor().affixes, settings=every) if told else []
    )
    return pages.render(
        "bench/station_test.html",
        raw=raw,
        ended=ended,
        read=raw.replace(SEPARATOR, "␝"),
        findings=[
            {"tone": each.tone, "sentence": sentences.sentence(each.code, each.params)} for each in findings
        ],
        mending=[_mending(menus, each) for each in findings if each.mends],
        makers={menu.family: menu.maker for menu in menus.values()},
        family=_family(),
        bars=_drawn(symbols.bars(station_test.TEST_CODE), _LINEAR_MM),
        matrix=_drawn(symbols.matrix(station_test.TEST_CODE), _MATRIX_MM),
        gs1=_drawn(symbols.matrix(station_test.GS1_TEST, gs1=True), _MATRIX_MM),
        code=station_test.TEST_CODE,
    )


def _family() -> str:
    """Whose scanner this computer has; empty where nobody said, or another maker's."""
    family = request.form.get("scanner", request.cookies.get(_COOKIE, ""))
    return family if any(family == known for known, _fault in scanner_menus.in_force()) else ""


def _mending(menus: scanner_menus.Menus, finding: station_test.Finding) -> dict[str, Any]:
    """One fault, and what each maker's scanner is rid of it with."""
    fault = str(finding.mends)
    return {
        "fault": fault,
        "sentence": sentences.sentence(finding.code, finding.params),
        "menus": {
            menu.family: {
                "maker": menu.maker,
                "menu": menu.menu,
                "source": menu.source,
                "symbols": [
                    {"drawn": _large(symbols.setting(each)), "says": scanner_menus.shown(each)}
                    for each in menu.symbols
                ],
            }
            for menu in menus.values()
            if menu.fault == fault
        },
    }


def _large(symbol: symbols.Symbol) -> Markup:
    return _drawn(symbol, 3 * _DOT_MM if 3 * symbol.width <= _ROOM else _LINEAR_MM)


def _drawn(symbol: symbols.Symbol, module_mm: float) -> Markup:
    return Markup(symbol.svg(module_mm=module_mm))  # noqa: S704  our own drawing: numbers alone


# --- paper


@bp.get("/station/commands.pdf")
@requires(Permission.SCAN)
def command_sheet() -> ResponseReturnValue:
    """Every command card, in groups, to be cut out or hung up. `?language=`"""
    with letters.in_language():
        return letters.answer(cards(_("Command cards"), _command_cards()), "commands")


def _command_cards() -> list[tuple[str, list[Card]]]:
    """Each group's name, and its cards. Each says its group: "Leaked" is why one discards, or what one notes."""
    named = [(sentences.word("command_group", group), them) for group, them in commands.sheet()]
    return [(name, [_command_card(each, name) for each in them]) for name, them in named]


def _command_card(command: commands.Command, group: str) -> Card:
    words = card_words.command_words(
        {"verb": command.verb, "number": command.number, "reason": command.reason}
    )
    return Card(commands.card_of(command), words, group)


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
