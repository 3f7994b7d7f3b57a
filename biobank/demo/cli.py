"""`flask --app app demo load`: the demonstration bank, in a database of one's own."""

import click

from biobank.core.db import db
from biobank.core.errors import RuleViolation
from biobank.demo import service

demo = click.Group("demo", help="The demonstration bank.")


@demo.command("load")
def load() -> None:
    """Fill an empty bank with the demonstration: samples, consents in all states, requests at each step."""
    lines = service.load()
    db.session.remove()
    if not lines:
        raise RuleViolation("bank_not_empty")
    for line in lines:
        click.echo(line)


commands = [demo]
