"""Commands at a terminal: each runs inside the app, and a refusal is one sentence and exit code 1, not a traceback."""

import functools
from collections.abc import Callable
from typing import Any

import click
from flask import Flask
from flask.cli import with_appcontext

from biobank.core.errors import BiobankError
from biobank.web import sentences


def add(app: Flask, command: click.Command) -> None:
    """Make a command, or a group of them, one of `flask --app app`."""
    _wrap(command)
    app.cli.add_command(command)


def _wrap(command: click.Command) -> None:
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _wrap(inner)
    elif command.callback is not None and not hasattr(command.callback, "tells_refusals"):
        command.callback = with_appcontext(_telling(command.callback))
        command.callback.tells_refusals = True  # type: ignore[attr-defined]


def _telling(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except BiobankError as error:
            reasons = "".join(f"\n  {sentences.of_reason(reason)}" for reason in error.reasons)
            raise click.ClickException(sentences.of_error(error) + reasons) from error

    return told
