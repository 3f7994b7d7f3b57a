"""Racks and pucks read from pictures: drawn ones with every fault of a camera, real ones, and files that are broken."""

import csv
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from biobank.core.errors import BiobankError, Malformed, RuleViolation, TooLarge, Unreadable
from biobank.racks import picture_codes, picture_file, readings
from biobank.racks.picture_file import open_picture
from biobank.racks.picture_plane import Plane
from biobank.racks.pictures import PictureReading, read_picture
from biobank.racks.texts import TEXTS
from biobank.storage.kinds import kinds
from tests.racks import drawn
from tests.racks.drawn import file, puck, rack, texts

Well = tuple[int, int]
TUBES = texts(4, 6)
CHECKERED = {well: text for well, text in TUBES.items() if sum(well) % 3}

#: What each slot of a puck holds, as the tests of the project say that took the pictures
#: (DiamondLightSource/PuckBarcodeReader, tests/system_tests).
PUCK = {1: "DF150E0101", 3: "DF150E0144", 4: "DF150E0016", 7: "DF150E0156", 8: "DF150E0129", 9: "DF150E0323",
        10: "DF150E0042", 12: "DF150E0443", 14: "DF150E0370", 16: "DF150E0250"}  # fmt: skip


def read(reading: PictureReading) -> dict[Well, str]:
    return {(well.row, well.column): well.text for well in reading.wells if well.text is not None}


def in_state(reading: PictureReading, state: str) -> set[Well]:
    return {(well.row, well.column) for well in reading.wells if well.state == state}


def turned(wells: dict[Well, str], rows: int, columns: int) -> dict[Well, str]:
    """The same rack turned by 180°."""
    return {(rows + 1 - row, columns + 1 - column): text for (row, column), text in wells.items()}


# --- racks


def test_every_tube_of_a_rack_is_read_in_its_well() -> None:
    reading = read_picture(file(rack(4, 6, TUBES)), rows=4, columns=6)

    assert read(reading) == TUBES
    assert (reading.rows, reading.columns, reading.stray, reading.doubts) == (4, 6, (), ())


def test_a_well_knows_where_it_is_in_the_picture() -> None:
    reading = read_picture(file(rack(4, 6, TUBES)), rows=4, columns=6)

    second = next(well for well in reading.wells if (well.row, well.column) == (2, 3))
    assert (second.x, second.y) == pytest.approx((3 * 144, 2 * 144), abs=10)
    assert (reading.width, reading.height) == (7 * 144, 5 * 144)


@pytest.mark.parametrize(
    "camera",
    [
        lambda picture: drawn.tilted(picture, 9),
        lambda picture: drawn.tilted(picture, -31),
        drawn.blurred,
        drawn.grainy,
        drawn.shaded,
        drawn.from_aside,
        lambda picture: drawn.grainy(drawn.blurred(drawn.tilted(drawn.from_aside(picture), 5))),
        lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
        lambda picture: picture.point(lambda level: 60 + level // 6),  # underexposed
    ],
    ids=[
        "tilted",
        "much tilted",
        "blurred",
        "grainy",
        "shaded",
        "from aside",
        "all at once",
        "small",
        "faint",
    ],
)
def test_the_faults_of_a_camera_lose_no_tube(camera: Callable[[Image.Image], Image.Image]) -> None:
    reading = read_picture(file(camera(rack(4, 6, CHECKERED))), rows=4, columns=6)

    assert read(reading) == CHECKERED
    assert in_state(reading, "empty") == set(TUBES) - set(CHECKERED)


def test_more_is_read_than_one_look_at_the_whole_picture_reads() -> None:
    hard = drawn.grainy(drawn.blurred(drawn.tilted(rack(4, 6, TUBES), 7), 1.7), 30)
    at_once = len(zxingcpp.read_barcodes(hard))

    found = read(read_picture(file(hard), rows=4, columns=6))

    assert len(found) > max(20, at_once)
    assert found.items() <= TUBES.items()


def test_a_place_without_a_tube_is_empty_and_a_tube_without_a_readable_code_is_unread() -> None:
    tubes = {**CHECKERED, (1, 1): None, (4, 6): None}

    reading = read_picture(file(rack(4, 6, tubes, smudged={(2, 3)})), rows=4, columns=6)

    assert in_state(reading, "unread") == {(1, 1), (4, 6), (2, 3)}
    assert in_state(reading, "empty") == set(TUBES) - set(tubes)


def test_without_rims_a_blank_place_is_empty() -> None:
    reading = read_picture(file(rack(4, 6, CHECKERED, rims=False)), rows=4, columns=6)

    assert in_state(reading, "empty") == set(TUBES) - set(CHECKERED)


def test_a_rack_upside_down_is_read_as_it_lies() -> None:
    reading = read_picture(file(drawn.tilted(rack(4, 6, CHECKERED), 180)), rows=4, columns=6)

    assert read(reading) == turned(CHECKERED, 4, 6)


def test_a_rack_on_its_side_keeps_its_rows_and_columns() -> None:
    reading = read_picture(file(drawn.tilted(rack(4, 6, CHECKERED), -90)), rows=4, columns=6)

    assert read(reading) == CHECKERED


def test_a_rack_seen_from_below_has_its_first_column_at_the_right() -> None:
    mirrored = {(row, 7 - column): text for (row, column), text in CHECKERED.items()}

    reading = read_picture(file(rack(4, 6, CHECKERED)), rows=4, columns=6, below=True)

    assert read(reading) == mirrored


@pytest.mark.parametrize(("rows", "columns"), [(4, 6), (6, 8), (9, 9), (8, 12), (10, 10)])
def test_the_rows_and_columns_are_told_from_the_picture(rows: int, columns: int) -> None:
    tubes = {well: text for well, text in texts(rows, columns).items() if (well[0] * 5 + well[1] * 3) % 7 > 1}

    reading = read_picture(file(rack(rows, columns, tubes, module=3)))

    assert (reading.rows, reading.columns, read(reading)) == (rows, columns, tubes)


def test_a_few_tubes_stand_where_they_stand_because_the_holes_are_seen() -> None:
    few = {well: text for well, text in texts(8, 12).items() if well in {(2, 3), (2, 4), (3, 3), (6, 9)}}

    reading = read_picture(file(rack(8, 12, few, module=3)), rows=8, columns=12)

    assert (read(reading), reading.doubts) == (few, ())
    assert len(in_state(reading, "empty")) == 92


def test_where_the_rack_ends_is_doubted_when_nothing_shows_it() -> None:
    few = {well: text for well, text in texts(8, 12).items() if well in {(4, 5), (4, 6), (5, 5), (5, 6)}}

    reading = read_picture(file(rack(8, 12, few, module=3, rims=False)), rows=6, columns=8)

    assert [doubt.code for doubt in reading.doubts] == ["rack_picture_edges_unsure"]


def test_a_code_twice_is_left_for_the_difference_to_tell() -> None:
    reading = read_picture(file(rack(4, 6, {**TUBES, (3, 3): TUBES[1, 1]})), rows=4, columns=6)

    assert read(reading)[1, 1] == read(reading)[3, 3] == TUBES[1, 1]


def test_codes_beside_the_rack_are_told_apart() -> None:
    picture = Image.new("L", (1400, 720), drawn.TABLE)
    picture.paste(rack(4, 6, TUBES), (0, 0))
    picture.paste(drawn.code("FD99999999"), (1180, 100))
    lines = drawn.code("RACK0001", 2, zxingcpp.BarcodeFormat.Code128)
    picture.paste(lines.resize((lines.width, 60)), (1080, 300))

    reading = read_picture(file(picture), rows=4, columns=6)

    assert read(reading) == TUBES
    assert [seen.text for seen in reading.stray] == ["FD99999999"]
    assert reading.linear == ("RACK0001",)


def test_one_tube_alone_is_a_rack_of_one() -> None:
    reading = read_picture(file(rack(1, 1, {(1, 1): "NA0003372326"})))

    assert (reading.rows, reading.columns, read(reading)) == (1, 1, {(1, 1): "NA0003372326"})


# --- pucks


@pytest.mark.parametrize("turn", [0, 77, 200])
def test_the_pins_of_a_puck_are_read_in_their_numbered_places(turn: float) -> None:
    reading = read_picture(file(drawn.puck(PUCK, turn=turn)))

    assert (reading.rows, reading.columns) == (16, 1)
    assert read(reading) == {(place, 1): text for place, text in PUCK.items()}
    assert in_state(reading, "empty") == {(place, 1) for place in range(1, 17) if place not in PUCK}


def test_four_pins_are_enough_to_know_how_a_puck_is_turned() -> None:
    pins = {place: PUCK[place] for place in (1, 3, 7, 12)}

    reading = read_picture(file(drawn.puck(pins, turn=140)), puck=True)

    assert read(reading) == {(place, 1): text for place, text in pins.items()}


def test_a_rack_is_no_puck_and_a_puck_no_rack() -> None:
    with pytest.raises(Unreadable) as refused:
        read_picture(file(rack(4, 6, TUBES)), puck=True)
    assert refused.value.code == "rack_picture_no_puck"

    with pytest.raises(Unreadable) as refused:
        read_picture(file(drawn.puck(PUCK)), rows=4, columns=6)
    assert refused.value.code in {"rack_picture_no_grid", "rack_picture_cut"}


# --- what is refused


def test_a_rack_of_another_size_is_refused() -> None:
    content = file(rack(4, 6, TUBES))

    with pytest.raises(Unreadable) as refused:
        read_picture(content, rows=3, columns=3)
    assert refused.value.code == "rack_picture_no_grid"
    with pytest.raises(Unreadable) as refused:
        read_picture(content, rows=8, columns=12)
    assert refused.value.code == "rack_picture_cut"


def test_two_codes_in_one_well_are_refused() -> None:
    picture = rack(4, 6, {well: text for well, text in TUBES.items() if well != (2, 2)}, module=4)
    for text, x in (("FD11111111", 288 - 50), ("FD22222222", 288 + 4)):
        picture.paste(drawn.code(text, 2), (x, 288 - 18))

    with pytest.raises(Unreadable) as refused:
        read_picture(file(picture), rows=4, columns=6)

    assert refused.value.code == "rack_picture_two_codes"
    assert (refused.value.params["row"], refused.value.params["column"]) == (2, 2)


@pytest.mark.parametrize("shape", [{"rows": 8}, {"columns": 12}, {"rows": 0, "columns": 6}, {"rows": -1, "columns": -1},
                                   {"rows": 1000, "columns": 1000}])  # fmt: skip
def test_a_shape_that_no_rack_has_is_refused(shape: dict[str, int]) -> None:
    with pytest.raises(Malformed):
        read_picture(file(rack(1, 1, {(1, 1): "X1"})), **shape)


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is so large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


GOOD = file(rack(2, 3, texts(2, 3)))
BROKEN = {
    "nothing": (b"", Unreadable),
    "text": (b"Rack ID,Well,2D Barcode\r\n", Unreadable),
    "a program for a printer": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", Unreadable),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Unreadable),
    "cut in the head": (GOOD[:40], Unreadable),
    "cut in the middle": (GOOD[: len(GOOD) // 2], Unreadable),
    "a cut JPEG": (file(rack(2, 3, {}), "JPEG")[:3000], Unreadable),
    "bytes changed": (GOOD[:2000] + b"XXXXXXXX" + GOOD[2008:], Unreadable),
    "larger than any camera's": (claiming(100_000, 100_000), TooLarge),
    "larger than is taken": (claiming(9_000, 8_000), TooLarge),
    "longer than is taken": (claiming(50_000, 20), TooLarge),
    "large and empty": (claiming(5_000, 5_000), Unreadable),
    "one pixel": (file(Image.new("L", (1, 1))), Unreadable),
    "six pixels": (file(Image.new("RGB", (3, 2))), Unreadable),
    "a blank page": (file(Image.new("L", (400, 300), 255)), Unreadable),
    "noise": (file(Image.effect_noise((300, 300), 80)), Unreadable),
    "not a number": (file(Image.new("F", (50, 50), float("nan")), "TIFF"), Unreadable),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_picture_of_a_rack_is_refused_with_a_sentence(what: str) -> None:
    content, kind = BROKEN[what]
    started = time.monotonic()

    with pytest.raises(BiobankError) as refused:
        read_picture(content)

    assert isinstance(refused.value, kind)
    assert TEXTS[refused.value.code].format(**refused.value.params)
    assert time.monotonic() - started < 10


def deep(picture: Image.Image) -> Image.Image:
    """16 bits of grey, of which the picture uses a small part."""
    return Image.frombytes(
        "I;16", picture.size, b"".join(struct.pack("<H", 9000 + 40 * v) for v in picture.tobytes())
    )


def turned_camera(picture: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return file(picture.rotate(90, expand=True), "JPEG", exif=exif.tobytes())


@pytest.mark.parametrize(
    "written",
    [
        lambda picture: file(picture, "JPEG", quality=60),
        lambda picture: file(picture.convert("CMYK"), "JPEG"),
        turned_camera,
        lambda picture: file(picture, "GIF", save_all=True, append_images=[Image.new("L", picture.size)]),
        lambda picture: file(picture, "TIFF"),
        lambda picture: file(picture.convert("F"), "TIFF"),
        lambda picture: file(picture, "WEBP"),
        lambda picture: file(picture, "BMP"),
        lambda picture: file(deep(picture)),
        lambda picture: file(picture.convert("P")),
        lambda picture: file(picture.point(lambda level: 255 * (level > 128)).convert("1")),
        lambda picture: file(Image.merge("LA", (picture, Image.new("L", picture.size, 255)))),
        lambda picture: file(Image.merge("RGBA", (picture, picture, picture, picture.point(lambda _: 255)))),
    ],
    ids=["JPEG", "CMYK", "turned camera", "moving GIF", "TIFF", "floating point", "WebP", "BMP", "16 bits", "palette",
         "black and white", "grey and clear", "colours and clear"],
)  # fmt: skip
def test_every_kind_of_picture_is_read(written: Callable[[Image.Image], bytes]) -> None:
    tubes = texts(4, 6)

    reading = read_picture(written(rack(4, 6, tubes)), rows=4, columns=6)

    assert read(reading) == tubes


# --- real pictures


def real_pictures(folder: Path) -> dict[str, set[str]]:
    """Name -> what a decoder read in it."""
    pictures = folder / "rack_photos_datamatrix"
    found: dict[str, set[str]] = {
        path.name: set() for path in pictures.iterdir() if path.suffix in {".png", ".bmp"}
    }
    with (pictures / "decoded_reference.tsv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            found[row["image"]].add(row["text"])
    return found


@pytest.mark.slow
def test_real_pictures_are_read_at_least_as_completely_as_their_reference(
    shared_data: Path, record_property: Callable[[str, object], None]
) -> None:
    told = []
    for name, expected in sorted(real_pictures(shared_data).items()):
        content = (shared_data / "rack_photos_datamatrix" / name).read_bytes()
        if not expected:  # a screenshot, in which a rack is the size of a stamp
            with pytest.raises(Unreadable):
                read_picture(content)
            continue
        found = set(read(read_picture(content)).values())
        assert expected <= found, name
        told.append(f"{name} {len(found)} of {len(expected)}")
    record_property("told", "; ".join(told))


@pytest.mark.slow
def test_more_pins_of_the_hardest_puck_are_read_than_the_reference_has(shared_data: Path) -> None:
    path = shared_data / "rack_photos_datamatrix" / "blue_stand_puck1_03.png"

    reading = read_picture(path.read_bytes())

    assert len(read(reading)) >= 8  # of 14; the reference has 4
    assert {(6, 1), (8, 1)} >= in_state(reading, "empty")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["puck1_01.png", "puck1_03.png", "puck1_05.png", "puck1_11.png"])
def test_the_places_of_real_pins_are_those_their_makers_tell(shared_data: Path, name: str) -> None:
    reading = read_picture((shared_data / "rack_photos_datamatrix" / name).read_bytes())

    assert {row: text for (row, _), text in read(reading).items()} == PUCK
    assert not in_state(reading, "unread")


# --- the plane


@given(
    values=st.tuples(*[st.floats(-0.2, 0.2)] * 4, *[st.floats(-0.01, 0.01)] * 2),
    model=st.complex_numbers(max_magnitude=10, allow_nan=False),
)
def test_a_point_of_the_plane_is_found_again(values: tuple[float, ...], model: complex) -> None:
    a, b, c, d, g, h = values
    plane = Plane(100 + 50j, 30 + 4j, [1 + a, b, 0, c, 1 + d, 0, g, h])

    assert abs(plane.model(plane.point(model)) - model) < 1e-6


# --- large pictures


def test_a_large_picture_is_looked_at_in_parts_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tubes = texts(4, 6)
    picture = rack(4, 6, tubes)
    monkeypatch.setattr(picture_codes, "LARGE", 60_000)
    monkeypatch.setattr(picture_codes, "PART", 300)
    monkeypatch.setattr(picture_codes, "OVERLAP", 140)

    found, _linear = picture_codes.look_at_all(picture)

    assert sorted(seen.text for seen in found) == sorted(tubes.values())
    assert read(read_picture(file(picture), rows=4, columns=6)) == tubes


def test_of_a_large_picture_only_the_grey_levels_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_once = rack(2, 3, texts(2, 3))
    shades = [drawn_once.point([level * tenths // 10 for level in range(256)]) for tenths in (9, 8, 4)]
    picture = Image.merge("RGB", shades)
    small = open_picture(file(picture))
    monkeypatch.setattr(picture_file, "IN_COLOURS", 1000)
    monkeypatch.setattr(picture_file, "STRIP", 100)

    large, unpacked_at_once = open_picture(file(picture)), open_picture(file(picture, "JPEG", quality=95))

    assert (small.colour is not None, large.colour, unpacked_at_once.colour) == (True, None, None)
    assert large.grey.tobytes() == small.grey.tobytes() == ImageOps.grayscale(picture).tobytes()
    assert unpacked_at_once.grey.size == picture.size


# --- what kind of rack it is


def test_a_kind_of_sixteen_numbered_places_is_a_puck_without_being_told() -> None:
    pins = {
        1: "PIN0001",
        3: "PIN0003",
        6: "PIN0006",
        9: "PIN0009",
        12: "PIN0012",
        14: "PIN0014",
        16: "PIN0016",
    }

    reading = readings.read(file(puck(pins)), 1, kinds()["puck"])

    assert reading is not None
    assert {int(well.place): well.code for well in reading.wells if well.code} == pins


def test_other_numbered_places_stand_side_by_side_as_their_kind_says() -> None:
    kind = replace(kinds()["slide_box"], rows=24, capacity=24, across=6)
    tubes = texts(4, 6)

    reading = readings.read(file(rack(4, 6, tubes)), 1, kind)

    assert reading is not None
    assert {int(well.place): well.code for well in reading.wells} == {
        (row - 1) * 6 + column: code for (row, column), code in tubes.items()
    }
    with pytest.raises(RuleViolation, match="rack_picture_no_rows"):
        readings.read(file(rack(4, 6, tubes)), 1, replace(kind, across=7))


def test_a_picture_from_below_is_read_from_right_to_left() -> None:
    tubes = texts(4, 6)
    picture = file(rack(4, 6, tubes))

    above, below = (readings.read(picture, 1, kinds()["tube_box_4x6"], below=told) for told in (False, True))

    assert above is not None
    assert below is not None
    assert (above.below, below.below) == (False, True)
    assert {well.place: well.code for well in below.wells} == {
        f"{'ABCD'[row - 1]}{7 - column:02d}": code for (row, column), code in tubes.items()
    }
