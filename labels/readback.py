"""Reads symbols as a scanner would: every one in a picture, and each on a finished label before it is let out."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, cast

import zxingcpp
from PIL import Image, ImageChops

from labels import gs1, pictures
from labels.errors import LabelError
from labels.layout import Code, Layout
from labels.symbols import KINDS, Symbol

_MATRIX, _LINEAR, _QR = (
    zxingcpp.BarcodeFormat.DataMatrix,
    zxingcpp.BarcodeFormat.Code128,
    zxingcpp.BarcodeFormat.QRCode,
)
_FORMATS = {
    "code128": _LINEAR, "gs1_128": _LINEAR, "datamatrix": _MATRIX, "gs1_datamatrix": _MATRIX, "qr": _QR,
}  # fmt: skip
_ONLY = {kind: zxingcpp.BarcodeFormats([form]) for kind, form in _FORMATS.items()}
#: Dots a module where a whole scanner is imitated, and how many dots of each bar it is shown.
_DOTS, _SLICE = 2, 8
_SAYS_NO_ALPHABET = "]d1"
_UPRIGHT = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
_SHADES = bytes.maketrans(b"01", b"\xff\x00")
_QUICK: dict[str, Any] = {"try_rotate": False, "try_downscale": False, "text_mode": zxingcpp.TextMode.Plain}


def read(picture: Image.Image, kinds: Iterable[str] = KINDS) -> list[str]:
    """Every symbol of these kinds in any picture; GS1 as it is written for people.

    What is turned, small, blurred, pale, inverted or without quiet zone is looked for as long as nothing else was
    found and pictures.SECONDS are not over.
    raises  LabelError label_picture_wrong: the file is broken
    """
    asked = frozenset(kinds)
    formats = {_FORMATS[kind] for kind in asked}
    found: Counter[str] = Counter()
    for attempt in pictures.attempts(picture):
        if found and not attempt.always:
            break
        wanted = sorted(formats & {_LINEAR} if attempt.bars else formats)
        if not wanted:
            continue
        codes = zxingcpp.read_barcodes(
            attempt.image,
            formats=zxingcpp.BarcodeFormats(wanted),
            binarizer=attempt.binarizer,
            text_mode=zxingcpp.TextMode.Plain,
        )
        found |= Counter(_written(code) for code in codes if _kind(code) in asked)
    return list(found.elements())


def verify(layout: Layout, picture: Image.Image) -> None:
    """Refuse a label of which not every symbol, cut from its own place, is whole, alone and read as its content.

    picture  the finished label, dot by dot
    raises   LabelError label_unreadable, label_quiet_zone, label_symbol_covered
    """
    for mark in layout.marks:
        if isinstance(mark, Code):
            left, top, right, bottom = mark.quiet_box
            if left < 0 or top < 0 or right > picture.width or bottom > picture.height:
                raise LabelError("label_quiet_zone", content=mark.symbol.content)
            cut = picture.crop(mark.quiet_box).convert("L")
            verify_symbol(mark.symbol, cut.transpose(_UPRIGHT[mark.turn]) if mark.turn else cut)


def verify_symbol(symbol: Symbol, drawn: Image.Image, *, sets: bool = False) -> None:
    """Refuse a drawing that is not exactly this symbol with its quiet zones, or reads as anything else.

    drawn  in "L", upright; the modules whole dots
    sets   it is to set a scanner, and has to say so
    """
    codes = _seen(drawn, formats=_ONLY[symbol.kind], is_pure=True)
    modules = drawn.resize((symbol.width, symbol.height), Image.Resampling.BOX)
    # Error correction reads on where something lies over a symbol; a worse printer would need that reserve.
    if not _is(symbol, codes, sets) or modules.tobytes() != _with_quiet_zones(symbol):
        raise _fault(symbol, codes, drawn)
    codes = _seen(_small(symbol, modules))
    if not _is(symbol, codes, sets):
        raise _fault(symbol, codes, drawn)


def _seen(image: Image.Image, **options: Any) -> list[zxingcpp.Barcode]:
    return [code for code in zxingcpp.read_barcodes(image, **_QUICK, **options) if code.valid]


def _is(symbol: Symbol, codes: list[zxingcpp.Barcode], sets: bool = False) -> bool:
    """One reading, of the right kind, whose bytes are the content: what letters they are, readers guess."""
    said = [(code.bytes, _kind(code)) for code in codes]
    return said == [(_bytes(symbol), symbol.kind)] and (not sets or _sets(codes[0]))


def _bytes(symbol: Symbol) -> bytes:
    if symbol.kind in ("gs1_128", "gs1_datamatrix"):
        return gs1.message(symbol.content).encode()
    return symbol.content.encode("utf-8" if symbol.kind == "qr" else "latin-1")


def draw(symbol: Symbol, *, module: int = 2, bars: int = 20) -> Image.Image:
    """The symbol with its quiet zones and nothing else. bars: how high a linear one is, in modules"""
    modules = Image.frombytes("L", (symbol.width, symbol.height), _with_quiet_zones(symbol))
    height = bars if symbol.linear else symbol.height
    return modules.resize((symbol.width * module, height * module), Image.Resampling.NEAREST)


def _with_quiet_zones(symbol: Symbol) -> bytes:
    return "".join(symbol.quieted()).encode().translate(_SHADES)


def _small(symbol: Symbol, modules: Image.Image) -> Image.Image:
    """Drawn small for the slow search through everything a scanner may be set to."""
    height = _SLICE if symbol.linear else symbol.height * _DOTS
    return modules.resize((symbol.width * _DOTS, height), Image.Resampling.NEAREST)


def _fault(symbol: Symbol, codes: list[zxingcpp.Barcode], drawn: Image.Image) -> LabelError:
    beside = symbol.quiet * (drawn.width // symbol.width)
    above = 0 if symbol.linear else beside
    left, top, right, bottom = ImageChops.invert(drawn).getbbox() or (beside, above, beside, above)
    outside = left < beside or top < above or right > drawn.width - beside or bottom > drawn.height - above
    itself = _is(symbol, codes)
    if outside and (itself or not codes):
        return LabelError("label_quiet_zone", content=symbol.content)
    if itself:
        return LabelError("label_symbol_covered", content=symbol.content)
    read = ", ".join(_written(code) for code in codes)
    return LabelError("label_unreadable", content=symbol.content, read=read or "–")


def _sets(code: zxingcpp.Barcode) -> bool:
    """Whether it says that it sets a scanner. Also said of some that do not: by a check character of 96, FNC3's."""
    return bool(cast(dict[str, Any], code.extra or {}).get("ReaderInit"))


def _kind(code: zxingcpp.Barcode) -> str | None:
    is_gs1 = code.content_type == zxingcpp.ContentType.GS1
    if code.symbology == _LINEAR:
        return "gs1_128" if is_gs1 else "code128"
    if code.symbology == _MATRIX:
        return "gs1_datamatrix" if is_gs1 else "datamatrix"
    return "qr" if code.symbology == _QR else None


def _written(code: zxingcpp.Barcode) -> str:
    if code.content_type == zxingcpp.ContentType.GS1:
        try:
            return gs1.written(code.text)
        except LabelError:
            pass  # it says that it is GS1, and is not: read as it stands
    if code.symbology_identifier == _SAYS_NO_ALPHABET:
        return _lettered(code.bytes)
    return code.text


def _lettered(read: bytes) -> str:
    """A Data Matrix is Latin-1 unless it says otherwise; many are written in UTF-8 and say nothing."""
    try:
        return read.decode()
    except UnicodeDecodeError:
        return read.decode("latin-1")
