"""Where tests put their files: in memory where there is room, and where another user can reach them."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

MEMORY = Path(
    "/dev/shm"
)  # making the three hundred files of a database takes 20 ms there and 500 ms on a slow disk
#: Containers often have 64 MB of it, and what does not fit there ends as a broken database.
ROOM_FOR_A_SERVER = 2_000_000_000
ROOM_FOR_A_FILE = 400_000_000
SOCKET_PATH_ROOM = 60


def memory_folder(room: int = ROOM_FOR_A_SERVER) -> Path:
    """A folder that anybody can reach, in memory if there is so much of it."""
    if MEMORY.is_dir() and _anybody_writes(MEMORY) and shutil.disk_usage(MEMORY).free > room:
        return MEMORY
    return open_folder()


def open_folder() -> Path:
    """A folder for temporary files that anybody can reach, with a name short enough for a socket's path."""
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    fit = (place for place in places if _anybody_writes(place) and len(str(place)) < SOCKET_PATH_ROOM)
    return next(fit, places[0])


def anybody_reaches(path: Path) -> bool:
    """May every user of this machine read and run this?"""
    others = stat.S_IROTH | stat.S_IXOTH
    reached = all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)
    return reached and path.stat().st_mode & others == others


def _anybody_writes(folder: Path) -> bool:
    return folder.is_dir() and anybody_reaches(folder) and os.access(folder, os.W_OK)
