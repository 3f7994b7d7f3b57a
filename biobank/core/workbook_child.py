"""A program of its own that reads the first sheet of a workbook: what a damaged one does to its reader ends with it.

stdin: the file. Arguments: megabytes and seconds it may take, rows and columns the sheet may have (0: any). stdout: a
line of JSON for each row. Run by `biobank.core.workbooks`; it imports nothing of ours, so that it starts at once.
"""

import io
import json
import sys
from datetime import date, datetime, time, timedelta
from typing import Any

#: What the program ends with when the sheet is larger than it may be.
TOO_LARGE = 3


def limit(megabytes: int, seconds: int) -> None:
    """Beyond this the system ends the program."""
    try:
        import resource
    except ImportError:  # a system without such limits
        return
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def plain(value: Any) -> Any:
    """Text, number or yes and no; moments as ISO 8601 writes them."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, timedelta) else value


def main() -> None:
    megabytes, seconds, most_rows, most_columns = map(int, sys.argv[1:])
    limit(megabytes, seconds)
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    for name in book.sheet_names:
        sheet = book.get_sheet_by_name(name)
        if 0 < most_rows < sheet.height or 0 < most_columns < sheet.width:
            sys.exit(TOO_LARGE)
        rows = sheet.to_python(skip_empty_area=False)
        if any(value != "" for row in rows for value in row):
            for row in rows:
                sys.stdout.write(json.dumps([plain(value) for value in row]) + "\n")
            return


if __name__ == "__main__":
    main()
