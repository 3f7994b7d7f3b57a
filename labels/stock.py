"""What a label is printed on, and the fields that stand on it: sizes as bought and as measured with a ruler."""

from dataclasses import dataclass

from labels.errors import LabelError

# What the trade calls 203 dpi is eight dots to the millimetre.
DOTS_PER_MM = {203: 8.0, 300: 300 / 25.4, 600: 600 / 25.4}


def dots_per_mm(dpi: int) -> float:
    """Printer dots to the millimetre; only resolutions that printers have."""
    if dpi not in DOTS_PER_MM:
        raise LabelError("label_resolution_unknown", dpi=dpi, known=", ".join(map(str, DOTS_PER_MM)))
    return DOTS_PER_MM[dpi]


@dataclass(frozen=True)
class Rectangle:
    """A place on the label, measured from its top left corner."""

    left_mm: float
    top_mm: float
    width_mm: float
    height_mm: float

    @property
    def right_mm(self) -> float:
        return self.left_mm + self.width_mm

    @property
    def bottom_mm(self) -> float:
        return self.top_mm + self.height_mm


@dataclass(frozen=True)
class Part(Rectangle):
    """A piece of the stock that is printed on: a cap dot, the white part of a wrap. The rest stays empty."""

    shape: str = "rectangle"
    """`rectangle`, or `round`: the ellipse that touches its four sides."""
    name: str = ""


@dataclass(frozen=True)
class Sheet:
    """A page of labels for an office printer; `left_mm`, `top_mm` is the corner of the first label."""

    page_width_mm: float
    page_height_mm: float
    left_mm: float
    top_mm: float
    columns: int
    rows: int
    pitch_x_mm: float
    """From the left edge of one label to that of the next."""
    pitch_y_mm: float

    @property
    def cells(self) -> int:
        return self.columns * self.rows


@dataclass(frozen=True)
class Stock:
    """The blank label, as bought."""

    width_mm: float
    height_mm: float
    module_mm: float = 0.25
    """The narrowest module this film and ribbon are trusted with; 0.19 at least."""
    gap_mm: float = 0.0
    """Between one label and the next on the roll."""
    columns: int = 1
    """Labels side by side on the roll."""
    column_gap_mm: float = 0.0
    material: str = ""
    lowest_c: int | None = None
    highest_c: int | None = None
    parts: tuple[Part, ...] = ()
    """Empty: the whole label is one rectangle."""
    sheet: Sheet | None = None


@dataclass(frozen=True, kw_only=True)
class Field(Rectangle):
    """A rectangle of the label, as seen on it, and what goes into it; a symbol keeps its quiet zones inside."""

    kind: str
    """One of symbols.KINDS; `number`, the code spelled for people; `text`, what `value` says."""
    turn: int = 0
    """0, 90, 180 or 270 degrees clockwise."""
    font: str = "mono"
    align: str = "centre"
    """`left`, `centre` or `right`, as the text reads."""
    value: str = ""
    """Words of FIELDS in braces, and text: "{type}  {amount}". Symbols: "{code}" unless said."""
    rows: int = 1
    """Number and texts: broken at blanks into as many lines at most."""
    widest_module_mm: float = 0.5
    """Symbols: modules grow with the room up to this."""
    smallest_text_mm: float = 1.8
    """Number and texts: letters shrink to fit down to this size (1.8 mm is 5 points, 1.41 mm is 4: the least)."""
    shape: str = "square"
    """Data Matrix: `square`, `rectangle` or `any`."""
    may_shorten: bool = True
    """Texts: whether a caller may cut what does not fit. Numbers and codes are never cut."""
