"""`flask --app app labels …`: sends labels to the printers."""

import signal
import time
from typing import Any

import click
from flask import current_app

from biobank.printing import sending
from biobank.printing.rounds import Sent

labels = click.Group("labels", help="Labels that are to be printed.")


@labels.command("send")
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option("--every", metavar="SECONDS", type=click.FloatRange(min=0.1), default=5.0, show_default=True)
def send(once: bool, every: float) -> None:
    """Send what waits to its printers, again and again. A label of which nobody knows whether it came out is left."""
    if once:
        _say(sending.run())
        return
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    senders = sending.Senders(app, forever=True, every=every)
    signal.signal(signal.SIGTERM, _stop)
    senders.wake()
    try:
        while True:
            time.sleep(every)
            done = senders.take_done()
            if done.sent or done.failed:
                _say(done)
    except KeyboardInterrupt:
        senders.stop()


def _stop(*_told: Any) -> None:
    raise KeyboardInterrupt


def _say(done: Sent) -> None:
    waiting = done.waiting + done.held
    click.echo(f"{done.sent} sent, {waiting} waiting for their printer, {done.failed} to be looked at")


commands = [labels]
