"""`flask --app app storage evacuate CODE --why …`: a freezer fails, and nobody has a browser at hand."""

import click

from biobank.core.actor import job
from biobank.core.db import unit_of_work
from biobank.moves import leaving, reading, service
from biobank.storage import service as storage

EVACUATION = job("evacuation")


@click.group("storage")
def storage_group() -> None:
    """Freezers that fail."""


@storage_group.command("evacuate")
@click.argument("code")
@click.option("--why", required=True, help="What happened; it stands in the record.")
@click.option("--dry-run", is_flag=True, help="Say what would go where; keep no place.")
def evacuate(code: str, why: str, dry_run: bool) -> None:
    """Plan where everything in the container CODE goes, and keep the places. What finds no place is told first."""
    container = storage.find_container(code, EVACUATION)
    if dry_run:
        found = service.preview(container, EVACUATION)
        boxes = sum(1 for move in found.moves if move.box is not None)
        click.echo(f"{len(found.left)} tubes would find no place")
        click.echo(f"{boxes} boxes and racks, {len(found.moves) - boxes} tubes one by one")
        return
    plan = unit_of_work(lambda: service.evacuate(container=container, why=why, by=EVACUATION))
    progress = reading.progress_of(plan)
    if progress.left:
        click.echo(f"{progress.left} tubes find no place:")
        for left in leaving.left_by_box(plan):
            click.echo(f"  {left.tubes:5} in {left.code} {left.name}")
    click.echo(
        f"plan {plan.id}: {progress.steps} steps, see /moves/{plan.id}; the route: /moves/{plan.id}/route.pdf"
    )


commands = [storage_group]
