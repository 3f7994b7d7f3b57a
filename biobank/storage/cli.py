"""`flask --app app recount`: what is told of how full freezers are, counted anew from what stands there."""

import click

from biobank.core.db import unit_of_work
from biobank.storage import tally


@click.command("recount")
def recount() -> None:
    """Count anew how much stands in each freezer, where `check` finds that it is told wrong. People may work on."""
    found = list(tally.differences())
    unit_of_work(tally.recount)
    for line in found:
        click.echo(f"mended: {line}")
    click.echo(f"{len(found)} figures were wrong")


commands = [recount]
