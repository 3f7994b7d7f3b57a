"""The letters of a PDF: which glyph and how wide each is, and the part of the typeface that is put into the file."""

import zlib
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from io import BytesIO

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from labels import letters

# What nearly every label keeps to. Cut out once, and the same in all files that need no more.
_USUAL = frozenset(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100)))) | frozenset("œŒŸ–’…€≤≥")
# Outlines, measures and what draws them well; no names, no layout rules: each letter is placed by itself.
_KEPT = ["head", "hhea", "maxp", "hmtx", "loca", "glyf", "cvt ", "fpgm", "prep", "cmap"]
_EM = 1000


@cache
def glyphs(name: str) -> dict[str, int]:
    """The number of the glyph of each character."""
    with TTFont(letters.face(name).path, lazy=True) as font:
        return {chr(code): font.getGlyphID(glyph) for code, glyph in font.getBestCmap().items()}


def reach(text: str, name: str) -> float:
    """How far the text reaches, in ems."""
    return sum(map(_Widths.of(name).__getitem__, text)) / _EM


class _Widths(dict[str, float]):
    """Of each letter, in thousandths of the em, as it is asked for."""

    def __init__(self, name: str) -> None:
        self._font = letters.font(_EM, name)

    def __missing__(self, character: str) -> float:
        self[character] = width = self._font.getlength(character)
        return width

    @staticmethod
    @cache
    def of(name: str) -> "_Widths":
        return _Widths(name)


def objects(name: str, characters: Iterable[str], first: int) -> Iterator[bytes]:
    """The five objects of an embedded font, numbered from `first`; the first is what a page names."""
    used = frozenset(characters)
    part = _part(name, _USUAL if used <= _USUAL else _USUAL | used)
    yield (
        f"<</Type/Font/Subtype/Type0/BaseFont/{part.name}/Encoding/Identity-H"
        f"/DescendantFonts[{first + 1} 0 R]/ToUnicode {first + 4} 0 R>>"
    ).encode()
    yield (
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{part.name}/CIDToGIDMap/Identity"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        f"/FontDescriptor {first + 2} 0 R/DW 0/W[{part.widths}]>>"
    ).encode()
    yield (
        f"<</Type/FontDescriptor/FontName/{part.name}/Flags {part.flags}/ItalicAngle 0/StemV 80"
        f"/FontBBox[{part.box}]/Ascent {part.ascent}/Descent {part.descent}/CapHeight {part.ascent}"
        f"/FontFile2 {first + 3} 0 R>>"
    ).encode()
    yield stream(part.file, f"/Length1 {part.length}")
    yield stream(part.unicode)


def stream(packed: bytes, more: str = "") -> bytes:
    """A stream object of what zlib has packed."""
    return b"<</Filter/FlateDecode%b/Length %d>>stream\n%b\nendstream" % (more.encode(), len(packed), packed)


class _Part:
    """A typeface cut down to some characters. Glyphs keep their numbers."""

    def __init__(self, name: str, characters: frozenset[str]) -> None:
        known = sorted(characters & glyphs(name).keys())
        with _cut(name, known) as font:
            self._measure(font, name, known)

    def _measure(self, font: TTFont, name: str, known: list[str]) -> None:
        number = glyphs(name)
        scale = _EM / font["head"].unitsPerEm
        names, advances = font.getGlyphOrder(), font["hmtx"].metrics
        # A subset is named by six capitals before the name (ISO 32000-1, 9.6.4).
        sign = zlib.crc32("".join(known).encode())
        tag = "".join(chr(ord("A") + sign // 26**place % 26) for place in range(6))
        self.name = f"{tag}+{name}"
        self.widths = "".join(
            f"{number[letter]}[{advances[names[number[letter]]][0] * scale:.0f}]" for letter in known
        )
        head, measures = font["head"], font["hhea"]
        self.box = " ".join(f"{side * scale:.0f}" for side in (head.xMin, head.yMin, head.xMax, head.yMax))
        self.ascent, self.descent = f"{measures.ascent * scale:.0f}", f"{measures.descent * scale:.0f}"
        # 4: symbolic, for glyphs are named by number; 1: all as wide.
        self.flags = 5 if name == "mono" else 4
        out = BytesIO()
        font.save(out, reorderTables=False)
        self.length, self.file = out.tell(), zlib.compress(out.getvalue(), 9)
        self.unicode = zlib.compress(_to_unicode({number[letter]: letter for letter in known}))


@lru_cache(maxsize=8)
def _part(name: str, characters: frozenset[str]) -> _Part:
    return _Part(name, characters)


def _cut(name: str, characters: list[str]) -> TTFont:
    chosen = letters.face(name)
    # The time of making is left as it is in the file: the same labels make the same bytes.
    font = TTFont(chosen.path, recalcTimestamp=False, lazy=True)
    options = Options(retain_gids=True, layout_features=[], notdef_outline=True, recalc_timestamp=False)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "MVAR", "STAT", "kern", "FFTM"]
    cutter = Subsetter(options)
    cutter.populate(text="".join(characters))
    cutter.subset(font)
    if chosen.axes:
        instantiateVariableFont(font, dict(chosen.axes), inplace=True)
    for table in [table for table in font.keys() if table not in (*_KEPT, "GlyphOrder")]:  # noqa: SIM118
        del font[table]
    return font


def _to_unicode(letter_of: dict[int, str]) -> bytes:
    """What a reader puts into the clipboard for each glyph."""
    rows = [
        f"<{glyph:04X}><{letter.encode('utf-16-be').hex()}>" for glyph, letter in sorted(letter_of.items())
    ]
    blocks = [rows[at : at + 100] for at in range(0, len(rows), 100)]
    maps = [f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks]
    return "\n".join(
        (
            "/CIDInit/ProcSet findresource begin 12 dict begin begincmap",
            "/CMapName/Labels def/CMapType 2 def",
            "1 begincodespacerange<0000><FFFF>endcodespacerange",
            *maps,
            "endcmap CMapName currentdict/CMap defineresource pop end end",
        )
    ).encode()
