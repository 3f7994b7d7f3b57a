"""A folder that readers write into: every file is kept, matched to its box, and waits for a person. Nothing is carried
out from here.

A file is taken once it no longer grows, and then moved to done/, or to refused/ with the reason in a text beside it.
It is moved after it was kept: a file that was kept when the power went is found again, and kept once.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from biobank.access.models import Site
from biobank.core import clock
from biobank.core.actor import Actor, job
from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError, Malformed, Reason, Unreadable
from biobank.racks import naming, scans

BY = job("rack folder")
DONE, REFUSED = "done", "refused"
#: Seconds between two looks: a file that has not changed between them is whole.
PAUSE = 2.0
#: What programs write into until they are ready.
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".lock", ".swp", "~")


@dataclass(frozen=True)
class Taken:
    """What became of one file. `refusal`: why it was not kept for anybody to look at."""

    file: str
    scan_id: int | None = None
    container: str | None = None
    again: bool = False
    refusal: BiobankError | None = None


def site_of_folder(code: str | None) -> Site:
    """Whose folder it is: the only site's, unless told. raises Malformed"""
    query = select(Site).order_by(Site.id)
    sites = list(db.session.scalars(query.where(Site.code == code) if code else query))
    if len(sites) != 1:
        raise Malformed({"site": Reason("rack_folder_site_needed", {"site": (code or "–")[:40]})})
    return sites[0]


def watch(
    folder: Path,
    site: Site,
    *,
    tell: Callable[[Path, Taken], str],
    once: bool = False,
    pause: float = PAUSE,
    by: Actor = BY,
) -> Iterator[Taken]:
    """Take every file that is whole, again and again, or once.

    tell    makes the sentence that is written beside a refused file
    raises  Unreadable when there is no such folder
    """
    if not folder.is_dir():
        raise Unreadable("rack_folder_missing", folder=str(folder))
    site_id = site.id
    before = _sizes(folder)
    while True:
        time.sleep(pause)
        now = _sizes(folder)
        for path in sorted(path for path, size in now.items() if before.get(path) == size):
            taken = take(path, site_id, by)
            _put_away(folder, path, taken, tell)
            yield taken
        before = now
        if once:
            return


def take(path: Path, site_id: int, by: Actor) -> Taken:
    """Keep one file, and say which box it seems to be of."""

    def work() -> Taken:
        content = path.read_bytes()
        kept = scans.keep(content=content, file_name=path.name, source="folder", site_id=site_id, by=by)
        scan, box = naming.take_to_its_box(kept.scan, by)
        return Taken(path.name, scan.id, box.code if box is not None else None, kept.again)

    try:
        return unit_of_work(work)
    except BiobankError as refusal:
        return Taken(path.name, refusal=refusal)
    except OSError as error:
        return Taken(path.name, refusal=Unreadable("rack_file_unreadable", why=error.strerror or ""))
    finally:
        db.session.rollback()


def _sizes(folder: Path) -> dict[Path, tuple[int, int]]:
    """The files that may be taken, with their size and the time of their last change. Nothing below is looked at."""
    found = {}
    for path in folder.iterdir():
        if path.name.startswith((".", "~")) or path.name.lower().endswith(_UNFINISHED):
            continue
        try:
            state = path.lstat()
        except FileNotFoundError:
            continue
        if path.is_file() and not path.is_symlink():
            found[path] = (state.st_size, state.st_mtime_ns)
    return found


def _put_away(folder: Path, path: Path, taken: Taken, tell: Callable[[Path, Taken], str]) -> None:
    """Move a file out of the way, under a name that no other has."""
    place = folder / (DONE if taken.refusal is None else REFUSED)
    place.mkdir(exist_ok=True)
    stamp = f"{clock.now():%Y%m%dT%H%M%S}"
    target = place / f"{stamp}-{path.name}"
    number = 1
    while target.exists():
        number += 1
        target = place / f"{stamp}-{number}-{path.name}"
    if taken.refusal is not None:
        target.with_name(f"{target.name}.reason.txt").write_text(tell(path, taken) + "\n", encoding="utf-8")
    try:
        os.replace(path, target)
    except FileNotFoundError:
        return  # somebody took it away meanwhile; it was kept
