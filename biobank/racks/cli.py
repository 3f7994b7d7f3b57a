"""`flask --app app racks …`: the folder that readers write into."""

from pathlib import Path

import click
from flask import current_app

from biobank.core.errors import Malformed, Reason
from biobank.racks import folder as folders
from biobank.racks.folder import Taken
from biobank.web import sentences


@click.group()
def racks() -> None:
    """Whole racks, read at once."""


@racks.command("watch")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Take what is there now, and end.")
@click.option("--site", metavar="CODE", help="Whose folder it is; the only site's, unless given.")
@click.option("--pause", default=folders.PAUSE, show_default=True, help="Seconds between two looks.")
def watch(folder: Path | None, once: bool, site: str | None, pause: float) -> None:
    """Take the files that readers write into FOLDER (the setting rack_folder unless given).

    Each is kept and waits on the page "Racks read" for a person: nothing is carried out. Then it is moved to done/,
    or to refused/ with the reason beside it. Run it again after any stop: nothing is lost, nothing comes twice.
    """
    named = folder or Path(current_app.config["BIOBANK"]["rack_folder"] or "")
    if str(named) in ("", "."):
        raise Malformed({"folder": Reason("rack_folder_missing", {"folder": "–"})})
    for taken in folders.watch(
        named, folders.site_of_folder(site), tell=lambda _path, each: _sentence(each), once=once, pause=pause
    ):
        click.echo(f"{taken.file}: {_sentence(taken)}", err=taken.refusal is not None)


def _sentence(taken: Taken) -> str:
    if taken.refusal is not None:
        reasons = " ".join(sentences.of_reason(reason) for reason in taken.refusal.reasons)
        return f"{sentences.of_error(taken.refusal)} {reasons}".strip()
    where = f"box {taken.container}" if taken.container else "box not known yet"
    return f"rack scan {taken.scan_id}, {where}{', read before' if taken.again else ''}"


commands = [racks]
