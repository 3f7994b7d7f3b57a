"""What a ZPL printer says of itself when it is asked with `~HS`, and how many labels it is sent.

Three lines between STX and ETX: Zebra, ZPL II Programming Guide, «~HS Host Status Return». The guide also says that a
printer may leave it unanswered while it is out of labels or ribbon, open, or too hot.
"""

import re
from dataclasses import dataclass

LINES = re.compile(rb"\x02([^\x02\x03]*)\x03\s*\x02([^\x02\x03]*)\x03\s*\x02([^\x02\x03]*)\x03")


@dataclass(frozen=True)
class Status:
    """What a printer says of itself."""

    paper_out: bool = False
    paused: bool = False
    buffer_full: bool = False
    partial: bool = False
    corrupt: bool = False
    cold: bool = False
    hot: bool = False
    head_open: bool = False
    ribbon_out: bool = False
    to_take: bool = False
    formats: int = 0
    remaining: int = 0

    @property
    def trouble(self) -> str | None:
        """Why it cannot print, as the code of a sentence."""
        said = (
            (self.head_open, "printer_head_open"),
            (self.paper_out, "printer_paper_out"),
            (self.ribbon_out, "printer_ribbon_out"),
            (self.paused, "printer_paused"),
            (self.hot, "printer_too_hot"),
            (self.cold, "printer_too_cold"),
            (self.corrupt, "printer_settings_lost"),
        )
        return next((code for so, code in said if so), None)

    @property
    def busy(self) -> bool:
        """Something is in it that is still to be printed."""
        return bool(self.formats or self.remaining or self.buffer_full)


def read_status(answer: bytes) -> Status | None:
    """The three lines of `~HS`; None for anything that is not these."""
    found = LINES.search(answer)
    if found is None:
        return None
    first, second = ([field.strip() for field in line.split(b",")] for line in found.groups()[:2])
    if len(first) < 12 or len(second) < 9 or not all(part.isdigit() for part in (*first, *second)):
        return None
    flags = [*(first[place] for place in (1, 2, 5, 7, 9, 10, 11)), *(second[place] for place in (2, 3, 7))]
    if not set(flags) <= {b"0", b"1"}:
        return None
    out, paused, full, partial, corrupt, cold, hot, head_open, ribbon, to_take = (
        flag == b"1" for flag in flags
    )
    return Status(
        out, paused, full, partial, corrupt, cold, hot, head_open, ribbon, to_take, int(first[4]), int(second[8])
    )  # fmt: skip


_QUANTITY = re.compile(rb"\^PQ(\d{1,8})")


def labels_in(zpl: bytes) -> int:
    """How many labels come out of a printer that is sent this."""
    formats = zpl.split(b"^XA")[1:]
    return sum(int(found[1]) if (found := _QUANTITY.search(one)) else 1 for one in formats)
