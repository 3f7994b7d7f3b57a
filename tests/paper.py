"""Reads back what stands on a PDF of ours, line by line, as somebody would who holds it in hand."""

import re
import zlib


def lines(pdf):
    """The texts of a PDF in the order they were written; one for each place where writing began."""
    assert pdf.startswith(b"%PDF-")
    streams = [_inflated(found) for found in re.findall(rb"stream\n(.*?)\nendstream", pdf, re.S)]
    letters = [_letters(stream) for stream in streams if b"beginbfchar" in stream]
    return [line for stream in streams if b" Tj" in stream for line in _lines(stream, letters)]


def text(pdf):
    """Everything on it, on one line."""
    return " ".join(" ".join(lines(pdf)).split())


def _inflated(stream):
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def _letters(cmap):
    pairs = re.findall(rb"<([0-9A-F]+)> <([0-9A-F]+)>\n", cmap[cmap.index(b"beginbfchar") :])
    return {int(code, 16): bytes.fromhex(letter.decode()).decode("utf-16-be") for code, letter in pairs}


_STEP = re.compile(
    rb"/F(\d+) [\d.]+ Tf|(BT [\d.]+ [\d.]+ Td)|\(((?:\\.|[^\\()])*)\) Tj|(?:^|(?<=\s))([qQ])(?=\s)", re.S
)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def _lines(stream, letters):
    font, kept, found = 1, [], []
    for step in _STEP.finditer(stream):
        number, begins, shown, state = step.groups()
        if state == b"q":
            kept.append(font)
        elif state:
            font = kept.pop()
        elif number:
            font = int(number)
        elif begins:
            found.append("")
        else:
            raw = re.sub(rb"\\(.)", lambda one: _ESCAPED.get(one[1], one[1]), shown, flags=re.S)
            codes = (int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2))
            found[-1] += "".join(letters[font - 1].get(code, "?") for code in codes)
    return found
