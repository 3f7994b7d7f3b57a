"""The page of the year's figures, and the same figures as files."""

from datetime import date
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from marshmallow import ValidationError

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import clock, times
from biobank.core.errors import Malformed, NotFound
from biobank.core.i18n import N_
from biobank.core.paging import Page
from biobank.reports import schemas, service, sheets, trail
from biobank.reports.rules import DIMENSIONS, MONTH, Figures, Group
from biobank.web import errors, pages, sentences, spoken
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

bp = pages.blueprint("reports", __name__)

NAVIGATION = [
    NavItem("reports.throughput", N_("Figures"), "report", Permission.REPORT_READ.value, 70, "reports"),
    NavItem("reports.audit_trail", N_("Audit trail"), "history", Permission.AUDIT_READ.value, 80, "reports"),
]

QUERY = schemas.ThroughputQuery()
#: More lines than these are for a file, not for a page.
MOST_LINES = 500
#: More months than these are drawn as years.
MOST_MONTHS = 36
MOST_YEARS = 15


@bp.get("/audit")
@requires(Permission.AUDIT_READ)
def audit_trail() -> ResponseReturnValue:
    """The record: `?code=` about one thing; all of it for who sees every site."""
    code = request.args.get("code", "").strip()
    sentence = None
    page: Page[trail.Line] = Page([], None)
    try:
        page = trail.entries(actor(), code=code or None, after=request.args.get("after"))
    except NotFound as unknown:
        sentence = sentences.of_error(unknown)
    seq, hash_ = trail.head()
    return pages.render(
        "reports/trail.html",
        status=404 if sentence else 200,
        page=page,
        code=code,
        sentence=sentence,
        seq=seq,
        hash=hash_,
    )


@bp.get("/reports/throughput")
@requires(Permission.REPORT_READ)
def throughput() -> ResponseReturnValue:
    """Tiles, two charts and a table; without a period, those of the latest year in which something was treated."""
    years = service.years(actor())
    given = _given(years)
    problems: dict[str, str] = {}
    figures, drawn = None, None
    try:
        asked = schemas.asked(QUERY.load(given))
        figures = service.throughput(**asked, actor=actor())
        drawn = figures if figures.by == (MONTH,) else _by_month(asked)
    except ValidationError as error:
        problems = errors.malformed(error.normalized_messages())[2]["errors"]
    except Malformed as error:
        problems = {name: sentences.of_reason(reason) for name, reason in error.fields.items()}
    return pages.render(
        "reports/throughput.html",
        status=422 if problems else 200,
        figures=figures,
        month=spoken.month,
        charts=_charts(drawn) if drawn else [],
        lines=figures.groups[:MOST_LINES] if figures else (),
        fields=_fields(given, problems),
        years=[_year(year, given) for year in years[:MOST_YEARS]],
        files=_files(given) if figures else {},
    )


@bp.get("/reports/throughput.<name>")
@requires(Permission.REPORT_READ)
def throughput_file(name: str) -> ResponseReturnValue:
    """The same figures as JSON, CSV or a workbook. raises NotFound for another kind of file"""
    if name not in sheets.FORMATS:
        raise NotFound("page_unknown", path=request.path)
    wanted = sheets.FORMATS[name]
    figures = service.throughput(**schemas.asked(QUERY.load(_given([]))), actor=actor())
    response = Response(wanted.write(figures), content_type=wanted.mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=sheets.file_name(figures, name))
    return response


def _by_month(asked: dict[str, Any]) -> Figures:
    return service.throughput(**asked | {"by_dimensions": [MONTH]}, actor=actor())


def _given(years: list[int]) -> dict[str, Any]:
    """What the address says, and what it leaves out: the latest year, to this day if it is not over."""
    today = times.local_day(clock.now(), clock.zone())
    year = min(years[0], today.year) if years else today.year
    given: dict[str, Any] = {
        "from": request.args.get("from", f"{year}-01-01"),
        "to": request.args.get("to", min(date(year, 12, 31), today).isoformat()),
        "by": request.args.getlist("by") if "from" in request.args else [MONTH],
    }
    return given | ({"site": request.args["site"]} if request.args.get("site") else {})


def _fields(given: dict[str, Any], problems: dict[str, str]) -> list[dict[str, Any]]:
    """The form's fields, as `ui.form` draws them."""
    sites = access.list_sites(actor())
    dimensions = [(name, sentences.word("dimension", name)) for name in DIMENSIONS]
    fields: list[dict[str, Any]] = [
        {"name": "from", "label": _("From"), "kind": "date", "required": True, "size": "s"},
        {"name": "to", "label": _("To, included"), "kind": "date", "required": True, "size": "s"},
        {"name": "by", "label": _("Divided by"), "kind": "checkboxes", "options": dimensions, "size": "m"},
    ]
    if len(sites) > 1:
        options = [(site.code, f"{site.code} · {site.name}") for site in sites]
        hint = _("Every site unless one is chosen.")
        fields.append(
            {
                "name": "site",
                "label": _("Site"),
                "kind": "select",
                "options": options,
                "size": "m",
                "hint": hint,
            }
        )
    shown = {field["name"] for field in fields}
    for field in fields:
        name = field["name"]
        field |= {"value": given.get(name), "optional": False}
        # A field that is not drawn, such as another site's code in the address, is told of at the first one.
        field["errors"] = [
            text
            for where, text in problems.items()
            if (where.split(".")[0] if where.split(".")[0] in shown else "from") == name
        ]
    return fields


def _year(year: int, given: dict[str, Any]) -> dict[str, Any]:
    first, last = f"{year}-01-01", f"{year}-12-31"
    today = times.local_day(clock.now(), clock.zone()).isoformat()
    href = url_for("reports.throughput", **given | {"from": first, "to": last})
    active = given["from"] == first and given["to"] in (last, min(last, today))
    return {"label": str(year), "href": href, "active": active}


def _files(given: dict[str, Any]) -> dict[str, str]:
    return {name: url_for("reports.throughput_file", name=name, **given) for name in sheets.FORMATS}


def _charts(figures: Figures) -> list[dict[str, Any]]:
    """Treated and stored apart: the one is a tenth of the other, and would not be seen beside it."""
    by_year = len(figures.groups) > MOST_MONTHS
    groups = _years(figures.groups) if by_year else figures.groups
    treated = [
        {"label": spoken.month(group.about[MONTH]), "values": [group.samples_treated]} for group in groups
    ]
    stored = [
        {"label": spoken.month(group.about[MONTH]), "values": [group.samples_stored]} for group in groups
    ]
    titles = (
        (_("Samples treated, by year"), _("Samples stored at the end of each year"))
        if by_year
        else (_("Samples treated, by month"), _("Samples stored at the end of each month"))
    )
    label = _("Year") if by_year else sentences.word("dimension", MONTH)
    return [
        {"title": titles[0], "rows": treated, "series": [_("treated")], "row_label": label},
        {"title": titles[1], "rows": stored, "series": [_("stored")], "row_label": label},
    ]


def _years(groups: tuple[Group, ...]) -> list[Group]:
    """Months as years: what was treated adds up, what was stored is what stood there at the end."""
    years: dict[str, Group] = {}
    for group in groups:
        label = group.about[MONTH][:4]
        before = years[label].samples_treated if label in years else 0
        years[label] = Group({MONTH: label}, before + group.samples_treated, group.samples_stored)
    return list(years.values())
