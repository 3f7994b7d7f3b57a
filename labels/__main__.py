"""Make labels by hand: python -m labels T00421736 --design tube --value type=Plasma -o tube.pdf"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from labels import (
    DESIGNS,
    FORMS,
    Design,
    Label,
    LabelError,
    Layout,
    PrinterSettings,
    checked,
    load,
    names,
    parse,
    render,
    write_pdf,
    zpl_stream,
)
from labels.stock import DOTS_PER_MM

#: What the name of a file ends in until it is whole.
UNFINISHED = ".part"
EXAMPLES = """\
examples:
  python -m labels --list
  python -m labels T00421736 --value type=Plasma -o tube.png
  python -m labels T00421736 --design vial --value "type=Plasma" --value "amount=500 µL" --dpi 203 -o vial.zpl
  python -m labels --codes-from codes.txt --design sheet-65 --sheet-start 23 -o sheets.pdf
  python -m labels T00421736 --design our-vial.toml -o our-vial.png
"""


def main(arguments: list[str] | None = None) -> int:
    """Write the labels and return 0, or say why not and return 1."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.list:
            _list()
        else:
            _write(asked, _Batch(asked))
    except LabelError as error:
        return _refuse(str(error))
    except BrokenPipeError:  # who read them has seen enough
        return 1
    except OSError as error:
        return _refuse(f"{_named(error)}: {error.strerror or error}.")
    return 0


def _named(error: OSError) -> str:
    """The file that somebody asked for."""
    return str(error.filename or "the output").removesuffix(UNFINISHED)


def _list() -> None:
    for name in names():
        design = load(name)
        sys.stdout.write(
            f"{name:16} {design.title} ({design.stock.width_mm:g} × {design.stock.height_mm:g} mm)\n"
        )


@dataclass
class _Batch:
    """The labels that were asked for."""

    asked: argparse.Namespace

    def __post_init__(self) -> None:
        self.design = _design(self.asked.design)
        self.values = dict(_value(text) for text in self.asked.value)
        if (self.asked.code is None) == (self.asked.codes_from is None):
            raise _wrong("give one code, or a file of them with --codes-from; --help shows how")

    def labels(self) -> Iterator[Label]:
        for code in [self.asked.code] if self.asked.code is not None else _codes(self.asked.codes_from):
            yield Label(code, design=self.design, values=self.values)

    def layouts(self) -> Iterator[Layout]:
        return (checked(label, dpi=self.asked.dpi) for label in self.labels())


def _write(asked: argparse.Namespace, batch: _Batch) -> None:
    form = _form(asked)
    if asked.codes_from is not None and form not in ("pdf", "zpl"):
        raise _wrong(f"many labels go into a PDF or ZPL, not into {form}")
    if asked.sheet_start != 1 and form != "pdf":
        raise _wrong("--sheet-start is for a PDF")
    if asked.codes_from is None:
        finished = render(next(batch.labels()), form, dpi=asked.dpi, **_more(asked, form))
        with _opened(asked.output) as out:
            out.write(finished)
        return
    layouts = batch.layouts()
    with _opened(asked.output) as out:
        if form == "pdf":
            write_pdf(layouts, out, **_more(asked, form))
        else:
            printer = PrinterSettings(asked.dpi) if asked.dpi else None
            for piece in zpl_stream(layouts, copies=asked.copies, printer=printer):
                out.write(piece)


def _more(asked: argparse.Namespace, form: str) -> dict[str, Any]:
    if form == "pdf":
        return {"copies": asked.copies, "start": asked.sheet_start}
    if form == "zpl":
        return {"copies": asked.copies}
    if asked.copies != 1:
        raise _wrong("copies are for a PDF or ZPL")
    return {}


def _form(asked: argparse.Namespace) -> str:
    if asked.form is not None:
        return str(asked.form)
    if asked.output == "-":
        raise _wrong("say with --form what to write, for there is no file name to tell it")
    return Path(asked.output).suffix.lstrip(".").lower()


def _design(asked: str) -> Design:
    """A name of the shipped ones, or the path of a file."""
    path = Path(asked)
    if path.suffix != ".toml":
        return load(asked, DESIGNS)
    try:
        return parse(path.stem, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise LabelError("label_design_wrong", design=asked, what=str(error)) from error


def _value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise _wrong(f"--value takes NAME=TEXT, not {text!r}")
    return name, value


def _codes(path: str) -> Iterator[str]:
    """One code a line; empty lines are passed over."""
    file = nullcontext(sys.stdin) if path == "-" else open(path, encoding="utf-8-sig")  # noqa: SIM115
    with file as lines:
        try:
            for line in lines:
                if line.strip():
                    yield line.strip()
        except UnicodeDecodeError as error:
            raise _wrong(f"{path} is not UTF-8") from error


@contextmanager
def _opened(output: str) -> Iterator[BinaryIO]:
    """The output; a file takes its name when it is whole, and what cannot be made leaves an older one as it was."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = Path(f"{output}{UNFINISHED}")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)


def _wrong(what: str) -> LabelError:
    return LabelError("label_command_wrong", what=what)


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m labels",
        description="Make labels.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("code", nargs="?", help="what the scanner will read, such as T00421736")
    parser.add_argument(
        "--codes-from", metavar="FILE", help="many: a file with one code a line; - is the input"
    )
    parser.add_argument(
        "--design", default="tube", help="a name from --list, or a .toml file (default: tube)"
    )
    parser.add_argument(
        "--value",
        action="append",
        default=[],
        metavar="NAME=TEXT",
        help="what a word of the design stands for, such as type=Plasma; may be given several times",
    )
    parser.add_argument(
        "--dpi", type=int, choices=list(DOTS_PER_MM), help="the printer's; default: the design's"
    )
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument(
        "--sheet-start", type=int, default=1, metavar="CELL", help="the first free label of the first sheet"
    )
    parser.add_argument("--form", choices=list(FORMS), help="default: what the file's name ends in")
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help="- (default) is the output")
    parser.add_argument("--list", action="store_true", help="name the designs there are, and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
