"""`flask --app app consent …`: the evidence, made again."""

import click

from biobank.samples import replay as replaying


@click.group()
def consent() -> None:
    """Consent and its decisions."""


@consent.command("replay")
@click.option("--after", default=0, show_default=True, help="Only decisions with a greater number.")
def replay(after: int) -> None:
    """Decide every stored decision again from what was known then, and list those that come out differently."""
    done = replaying.replay(after)
    for line in done.differences:
        click.echo(line)
    click.echo(
        f"{done.decisions} decisions made again: {len(done.differences)} differ. "
        f"{done.older_rules} by older rules or lists, {done.unlinked} about people whose link was broken."
    )
    if done.differences:
        raise click.exceptions.Exit(1)


commands = [consent]
