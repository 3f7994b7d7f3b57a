"""Reading a spreadsheet that may be damaged, or made to do damage: one way for everybody who reads workbooks.

The library that reads them panics on some damaged files, never ends on others, and takes any amount of memory for a
sheet whose last cell is said to be far away. So it runs in a program of its own, which has so much memory and time.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from biobank.core import workbook_child
from biobank.core.errors import BiobankError


@dataclass(frozen=True)
class Limits:
    """What reading may take, and how large the sheet may be; 0: as large as it is."""

    megabytes: int
    seconds: int
    rows: int = 0
    columns: int = 0


@dataclass(frozen=True)
class Packed:
    """What stands in a packed file: the names, and how many bytes it says they unpack to."""

    names: tuple[str, ...]
    size: int


def packed_in(file: Path | IO[bytes]) -> Packed | None:
    """None when it cannot be opened as one: it is cut, damaged, or of a version that nobody writes."""
    try:
        with zipfile.ZipFile(file) as packed:
            inner = packed.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):  # the last of a name that is no text
        return None
    return Packed(tuple(each.filename for each in inner), sum(each.file_size for each in inner))


def first_sheet(
    file: Path | bytes, limits: Limits, *, damaged: BiobankError, too_large: BiobankError
) -> Iterator[list[Any]]:
    """The rows of the first sheet that has any, one at a time: texts, numbers, yes and no. Moments are ISO 8601 texts.

    raises  `damaged` for what cannot be read within the limits; `too_large` before the first row of a larger sheet
    """
    told = [limits.megabytes, limits.seconds, limits.rows, limits.columns]
    asked = [sys.executable, "-I", workbook_child.__file__, *map(str, told)]
    quiet = os.environ | {"RUST_BACKTRACE": "0"}
    with (
        _opened(file) as source,
        subprocess.Popen(
            asked, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=quiet
        ) as child,
    ):
        try:
            for line in child.stdout or ():
                yield json.loads(line)
            if (code := child.wait()) != 0:
                raise too_large if code == workbook_child.TOO_LARGE else damaged
        finally:
            child.kill()


def _opened(file: Path | bytes) -> IO[bytes]:
    if isinstance(file, Path):
        return file.open("rb")
    kept = tempfile.TemporaryFile()  # noqa: SIM115  closed by who asked for it
    kept.write(file)
    kept.seek(0)
    return kept
