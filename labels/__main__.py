"""Make one label by hand: python -m labels T00421736 --design tube --line Plasma -o tube.png"""

import argparse
import sys
from pathlib import Path

from labels import FORMS, Label, LabelError, names, render
from labels.stock import DOTS_PER_MM


def main(arguments: list[str] | None = None) -> int:
    """Write the label and return 0, or say why not and return 1."""
    asked = _parser().parse_args(arguments)
    label = Label(asked.code, design=asked.design, lines=tuple(asked.line))
    try:
        finished = render(label, form=asked.output.suffix.lstrip(".").lower(), dpi=asked.dpi)
    except LabelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    asked.output.write_bytes(finished)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labels", description="Make one label.")
    parser.add_argument("code", help="what the scanner will read, such as T00421736")
    parser.add_argument("--design", default="tube", help=f"one of {', '.join(names())} (default tube)")
    parser.add_argument("--line", action="append", default=[], help="a line of text; may be given again")
    parser.add_argument(
        "--dpi", type=int, choices=list(DOTS_PER_MM), help="the printer's; default the design's"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help=f"a file ending in {', '.join(FORMS)}"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
