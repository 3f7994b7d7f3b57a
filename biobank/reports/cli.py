"""`flask --app app report …`: the figures at a terminal, or every night into a file."""

from datetime import datetime
from typing import BinaryIO

import click

from biobank.core.actor import job
from biobank.reports import service, sheets

REPORT = job("report")
_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def report() -> None:
    """Figures of the bank."""


@report.command("throughput")
@click.option("--from", "first", type=_DAY, required=True, help="The first day, such as 2012-01-01.")
@click.option("--to", "last", type=_DAY, required=True, help="The last day, included.")
@click.option(
    "--by", multiple=True, help="month, study, type, site; may be repeated, or several with commas between."
)
@click.option("--site", help="Code of one site; every site unless given.")
@click.option("--format", "name", type=click.Choice(list(sheets.FORMATS)), default="json", show_default=True)
@click.option(
    "--output",
    type=click.File("wb", atomic=True),
    default="-",
    help="A file, written whole or not at all; standard output unless given.",
)
def throughput(
    first: datetime, last: datetime, by: tuple[str, ...], site: str | None, name: str, output: BinaryIO
) -> None:
    """Samples treated from day to day, and stored at the end of the last one."""
    if name == "xlsx" and output.isatty():
        raise click.ClickException("a workbook is not for a screen: name a file with --output")
    figures = service.throughput(
        from_on=first.date(),
        to_on=last.date(),
        by_dimensions=[part.strip() for text in by for part in text.split(",") if part.strip()],
        site=site,
        actor=REPORT,
    )
    output.write(sheets.FORMATS[name].write(figures))


commands = [report]
