"""`flask --app app labels …`: sends labels to the network printers."""

import time

import click

from biobank.printing import sending

labels = click.Group("labels", help="Labels that are to be printed.")


@labels.command("send")
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option("--every", metavar="SECONDS", type=click.FloatRange(min=0.5), default=5.0, show_default=True)
def send(once: bool, every: float) -> None:
    """Send what waits to its printers, again and again. A label of which nobody knows whether it came out is left."""
    while True:
        done = sending.run()
        if once or done.sent or done.failed:
            click.echo(
                f"{done.sent} sent, {done.waiting} waiting for their printer, {done.failed} to be looked at"
            )
        if once:
            return
        time.sleep(every)


commands = [labels]
