"""A label as its callers get it: any form from one call, read back before it is let out, or made from the shell."""

import io
import itertools
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pypdfium2
import pytest
from PIL import Image

import labels
from labels import FORMS, Label, LabelError, checked, lay_out, load, names, picture, readback, render
from labels.__main__ import main
from labels.design import parse
from labels.layout import Code, Words
from labels.stock import DOTS_PER_MM

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(labels.__file__).resolve().parents[1]
WORDS = {"type": "Sérum", "amount": "200 µL"}

every_resolution = pytest.mark.parametrize("dpi", list(DOTS_PER_MM))
every_turn = pytest.mark.parametrize("turn", [0, 90, 180, 270])


def opened(png):
    return Image.open(BytesIO(png))


def turned(turn):
    """A label with a code, bars and a text, each turned so, and each where it stays clear of the others."""
    upright = turn in (0, 180)
    sizes = {"datamatrix": (8, 8), "code128": (36, 8), "number": (24, 4), "text": (24, 4)}
    places = {"datamatrix": (1, 1), "code128": (1, 10), "number": (1, 20), "text": (1, 26)}
    fields = [
        {
            "kind": kind,
            **dict(zip(("left_mm", "top_mm"), places[kind] if upright else places[kind][::-1], strict=True)),
            **dict(zip(("width_mm", "height_mm"), size if upright else size[::-1], strict=True)),
            "turn": turn,
        }
        for kind, size in sizes.items()
    ]
    fields[-1] |= {"value": "{type}", "align": "left", "font": "sans"}
    stock = {"width_mm": 40, "height_mm": 40}
    return parse("turned", {"title": "Turned", "dpi": 300, "stock": stock, "fields": fields})


@every_resolution
def test_a_picture_is_the_layout_dot_for_dot_and_says_its_resolution(dpi):
    label = Label("T00421736", design="vial", values=WORDS)

    image = opened(render(label, dpi=dpi))

    assert image.mode == "1"
    assert image.size == (lay_out(label, dpi=dpi).width, lay_out(label, dpi=dpi).height)
    assert image.tobytes() == picture(lay_out(label, dpi=dpi)).tobytes()
    assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)  # the file counts dots a metre


@every_resolution
def test_every_bar_is_a_whole_number_of_modules_and_every_module_of_dots(dpi):
    layout = checked(Label("T00421736", design="tube"), dpi=dpi)
    bars = next(mark for mark in layout.marks if isinstance(mark, Code))
    row = bars.top + bars.height // 2
    pixels = [picture(layout).getpixel((x, row)) == 0 for x in range(layout.width)]

    (_, before), *inside, (_, after) = ((dark, len(list(run))) for dark, run in itertools.groupby(pixels))

    modules = "".join(("1" if dark else "0") * (length // bars.module) for dark, length in inside)
    assert modules == bars.symbol.rows[0]
    assert all(length % bars.module == 0 for _, length in inside)
    assert min(before, after) >= 10 * bars.module


@every_turn
def test_what_is_turned_is_the_upright_picture_turned(turn):
    label = Label("T00421736", design=turned(turn), values=WORDS)
    layout = checked(label)

    for mark in layout.marks:
        upright = picture(replace(layout, marks=(replace(mark, turn=0, left=0, top=0),)))
        upright = upright.crop((0, 0, mark.width, mark.height)).rotate(-turn, expand=True)
        assert picture(layout).crop(mark.box).tobytes() == upright.tobytes()
    assert readback.read(picture(layout)) == ["T00421736"] * 2


@every_turn
def test_the_drawing_for_pages_stands_on_the_same_dots_as_the_picture(turn):
    layout = checked(Label("T00421736", design=turned(turn), values={"type": "Sang & <EDTA>"}))

    root = ElementTree.fromstring(render(Label("T00421736", turned(turn), {"type": "Sang & <EDTA>"}), "svg"))

    assert root.get("viewBox") == f"0 0 {layout.width} {layout.height}"
    assert root.get("width") == f"{layout.width / DOTS_PER_MM[300]:.3f}mm"
    assert [text.text for text in root.iter(f"{SVG}text")] == ["T 004217 36", "Sang & <EDTA>"]
    assert all(text.get("textLength") for text in root.iter(f"{SVG}text"))
    drawn = Image.new("1", (layout.width, layout.height), 255)
    for path in root.iter(f"{SVG}path"):
        draw_path(drawn, path)
    codes = tuple(mark for mark in layout.marks if isinstance(mark, Code))
    assert drawn.tobytes() == picture(replace(layout, marks=codes)).tobytes()


def draw_path(image, path):
    """Rectangles M x y h w v h h -w z, moved and turned as the path says: all that a symbol is drawn with."""
    move, _, turn = path.get("transform").partition(" rotate")
    across, down = map(int, move.removeprefix("translate(").removesuffix(")").split())
    degrees = int(turn.strip("()") or 0)
    for rectangle in path.get("d").split("z")[:-1]:
        x, y = map(int, rectangle[1:].split("h")[0].split())
        width, height = int(rectangle.split("h")[1].split("v")[0]), int(rectangle.split("v")[1].split("h")[0])
        corners = [rotated(x, y, degrees), rotated(x + width, y + height, degrees)]
        left, right = sorted(across + corner[0] for corner in corners)
        top, bottom = sorted(down + corner[1] for corner in corners)
        image.paste(0, (left, top, right, bottom))


def rotated(x, y, degrees):
    return {0: (x, y), 90: (-y, x), 180: (-x, -y), 270: (y, -x)}[degrees]


def test_a_drawing_for_pages_holds_no_style_and_no_script():
    drawn = render(Label("T00421736", design="vial", values={"type": "<script>&amp;"}), "svg").decode()

    assert "style" not in drawn
    assert "<script" not in drawn
    assert "&lt;script&gt;&amp;amp;" in drawn


@pytest.mark.parametrize("form", FORMS)
def test_a_label_that_does_not_read_back_is_let_out_in_no_form(form, monkeypatch):
    # given a printer's dots lost over the symbol
    def covered(layout):
        image = picture(layout)
        image.paste(255, next(mark for mark in layout.marks if isinstance(mark, Code)).box)
        return image

    monkeypatch.setattr(labels, "picture", covered)

    with pytest.raises(LabelError) as refused:
        render(Label("T00421736", design="vial"), form)
    assert refused.value.code == "label_unreadable"
    assert render(Label("T00421736", design="vial"), form, check=False)


def test_every_form_comes_from_one_call():
    label = Label("T00421736", design="vial", values=WORDS)

    assert {form: render(label, form)[:4] for form in FORMS} == {
        "png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF", "zpl": b"^XA^"
    }  # fmt: skip
    assert b"^PQ2" in render(label, "zpl", copies=2, darkness=3)
    with pytest.raises(LabelError, match="bmp"):
        render(label, "bmp")
    with pytest.raises(LabelError, match="250"):
        render(label, dpi=250)


def test_accents_are_drawn_and_differ_from_the_bare_letter():
    accented, bare, decomposed = (
        render(Label("T00421736", design="vial", values={"type": kind}))
        for kind in ("prélevé à 3 µg, cœur", "preleve a 3 g, cur", "pre\u0301leve\u0301 a\u0300 3 µg, cœur")
    )

    assert accented != bare
    assert accented == decomposed


def test_letters_stand_as_far_apart_as_they_were_measured():
    layout = lay_out(Label("T00421736", design="box", values={"container": "Boîte à œufs, été"}), dpi=600)

    for mark in layout.marks:
        if isinstance(mark, Words):
            ink = picture(replace(layout, marks=(mark,))).point(lambda shade: 255 - shade).getbbox()
            left, top, right, bottom = mark.box
            assert left <= ink[0]
            assert top <= ink[1]
            assert ink[2] <= right
            assert ink[3] <= bottom


# --- from the shell


@pytest.fixture
def shell(monkeypatch, capsysbinary):
    """The tool with its arguments, and what it says: (its answer, output, errors)."""

    def run(*arguments, given=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        answer = main([str(argument) for argument in arguments])
        said = capsysbinary.readouterr()
        return answer, said.out, said.err.decode()

    return run


def test_a_label_is_made_in_the_form_that_the_file_is_named_for(shell, tmp_path):
    for form in FORMS:
        out = tmp_path / f"tube.{form}"
        assert shell("T00421736", "--design", "vial", "--value", "type=Plasma", "-o", out) == (0, b"", "")
        assert out.read_bytes() == render(Label("T00421736", design="vial", values={"type": "Plasma"}), form)


def test_the_tool_runs_by_itself():
    done = subprocess.run(
        [sys.executable, "-m", "labels", "T00421736", "--design", "vial", "--form", "zpl", "-o", "-"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )

    assert done.stdout == render(Label("T00421736", design="vial"), "zpl")
    assert done.stderr == b""


def test_the_designs_are_listed(shell):
    answer, out, _ = shell("--list")

    assert answer == 0
    assert [line.split()[0] for line in out.decode().splitlines()] == names()


def test_many_codes_become_one_file(shell, tmp_path):
    codes = tmp_path / "codes.txt"
    codes.write_text("T00421736\n\nT00421833\r\n", encoding="utf-8-sig")
    pdf, zpl = tmp_path / "x.pdf", tmp_path / "x.zpl"

    sheet = ("--design", "sheet-65", "--sheet-start", "65")
    assert shell("--codes-from", codes, *sheet, "-o", pdf)[0] == 0
    assert shell("--codes-from", "-", "--design", "vial", "-o", zpl, given=codes.read_text()[1:])[0] == 0

    with pypdfium2.PdfDocument(pdf.read_bytes()) as document:
        assert len(document) == 2
    assert zpl.read_bytes().count(b"^XA") == 2


def test_a_design_of_ones_own_is_taken_by_its_path(shell, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text((labels.DESIGNS / "vial.toml").read_text(encoding="utf-8"), encoding="utf-8")
    out = tmp_path / "x.png"

    assert shell("T00421736", "--design", own, "-o", out)[0] == 0
    assert readback.read(Image.open(out)) == ["T00421736"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["IPC-26-004821-7", "--design", "tube", "-o", "x.png"], "There would fit"),
        (["T00421736", "--design", "none", "-o", "x.png"], "no label design"),
        (["T00421736", "--design", "none.toml", "-o", "x.png"], "none.toml: No such file"),
        (["T00421736", "-o", "x.bmp"], "bmp"),
        (["T00421736", "-o", "x"], "cannot be made as"),
        (["T00421736"], "--form"),
        (["T00421736", "--value", "type", "-o", "x.png"], "NAME=TEXT"),
        (["T00421736", "--value", "birthday=1", "-o", "x.png"], "birthday"),
        (["-o", "x.png"], "one code"),
        (["T00421736", "--codes-from", "codes", "-o", "x.pdf"], "one code"),
        (["--codes-from", "codes", "-o", "x.pdf"], "codes: No such file"),
        (["--codes-from", "codes", "-o", "x.png"], "many labels"),
        (["T00421736", "--copies", "0", "-o", "x.pdf"], "copies"),
        (["T00421736", "--copies", "2", "-o", "x.png"], "copies"),
        (["T00421736", "--sheet-start", "2", "-o", "x.pdf"], "1 labels on a sheet"),
        (["T00421736", "--sheet-start", "2", "-o", "x.zpl"], "PDF"),
        (["T00421736", "-o", "no/such/folder/x.png"], "No such file"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_sentence(shell, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    answer, out, error = shell(*arguments)

    assert (answer, out) == (1, b"")
    assert says in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_code_among_many_leaves_the_older_file(shell, tmp_path):
    out = tmp_path / "x.pdf"
    out.write_bytes(b"older")

    answer, _, error = shell("--codes-from", "-", "-o", out, given="T00421736\nIPC-26-004821-7\n")

    assert answer == 1
    assert "IPC-26-004821-7" in error
    assert out.read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["x.pdf"]


def test_the_shipped_tube_is_what_is_made_unless_another_is_named(shell):
    assert shell("T00421736", "--form", "zpl")[1] == render(Label("T00421736", design=load("tube")), "zpl")
