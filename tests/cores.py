"""How many tests run at once: as many as there are processors for us, which on a shared machine are not all it has."""

import math
import os
from pathlib import Path

#: Each has an app, a PostgreSQL server and maybe a browser: so much memory, and more than this many wait for the disk.
BYTES_EACH = 800_000_000
MOST = 16

_PROCESSOR_LIMITS = Path("/sys/fs/cgroup/cpu.max")
_MEMORY_LIMITS = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")


def at_once() -> int:
    """What the scheduler gives us, what the container may use, what there is memory for."""
    return max(1, min(len(os.sched_getaffinity(0)), _processors(), _memory() // BYTES_EACH, MOST))


def _processors() -> int:
    """The share of a container: "200000 100000" is two."""
    try:
        most, period = _PROCESSOR_LIMITS.read_text().split()
        return math.ceil(int(most) / int(period))
    except (OSError, ValueError):  # no container, or "max"
        return MOST


def _memory() -> int:
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in _MEMORY_LIMITS:
        try:
            there = min(there, int(limit.read_text()))
        except (OSError, ValueError):
            continue
    return there
