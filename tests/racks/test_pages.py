"""Racks as people see them: drop a file, look at what differs, press one button."""

import io
import re

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from tests import people
from tests.factories import SampleFactory
from tests.reading import visible as visible_texts
from tests.storage.conftest import Row


@pytest.fixture
def bench(far_bench):
    return far_bench


@pytest.fixture
def desk(app, bench):
    return people.browser(app, "technician")


@pytest.fixture
def box(bench):
    return bench.container("tube_box_8x12", name="CC12")


def visible(page):
    """Everything that can be read on a page, as one text."""
    return " ".join(visible_texts(page))


def drop(desk, box, content):
    data = content if isinstance(content, bytes) else content.encode()
    return desk.post(
        f"/containers/{box.code}/rack-scans", {"file": (io.BytesIO(data), "rack.csv")},
        content_type="multipart/form-data",
    )  # fmt: skip


def shown(page):
    return re.search(r'name="shown" value="(\w+)"', page.text)[1]


def fields(page):
    return dict(re.findall(r'<input type="hidden" name="(shown|turned|rack)" value="([^"]*)"', page.text))


def test_a_file_is_dropped_looked_at_and_carried_out(desk, bench, box):
    one, other = (bench.tube(container_code=f"FX000{n}") for n in (1, 2))

    dropped = drop(desk, box, "A1,FX0001\nB1,FX0002\nC1,NO READ\n")
    page = desk.get(dropped.location)
    assert (dropped.status_code, page.status_code) == (303, 200)
    assert "stood nowhere until now" in visible(page.text)
    done = desk.post(f"{dropped.location}/apply", {"shown": shown(page)})

    assert "Carried out" in visible(desk.get(done.location).text)
    assert [bench.where_is(tube)[-1].position for tube in (one, other)] == ["A01", "B01"]


def test_what_stands_in_the_way_is_told_and_there_is_no_button(desk, bench, box):
    bench.tube(container_code="FX0001")

    page = desk.get(drop(desk, box, "A1,FX0001\nA2,FX0001\nB1,ZZ1\n").location)

    text = visible(page.text)
    assert "One tube stands at one place" in text
    assert "Nothing here has the code ZZ1." in text
    assert "Carry it out" in text
    assert 'value="true"' not in page.text.partition("leave_unknown")[0]
    refused = desk.post(page.request.path + "/apply", {})
    assert refused.status_code == 409
    assert "whole or not at all" in visible(refused.text)


def test_unknown_tubes_are_left_out_by_a_tick(desk, bench, box):
    tube = bench.tube(container_code="FX0001")
    page = desk.get(drop(desk, box, "A1,FX0001\nB1,ZZ1\n").location)
    assert "Leave out 1 tube that nobody knows" in visible(page.text)

    desk.post(page.request.path + "/apply", fields(page) | {"leave_unknown": "true"})

    assert bench.where_is(tube)[-1].position == "A01"


def test_a_rack_read_turned_is_shown_turned_and_carried_out_so(desk, bench, box):
    tubes = [bench.tube(container_code=f"FX000{n}") for n in (1, 2, 3)]
    first = drop(desk, box, "A1,FX0001\nA2,FX0002\nA3,FX0003\n").location
    desk.post(f"{first}/apply", {})

    address = drop(desk, box, "H12,FX0001\nH11,FX0002\nH10,FX0003\n").location
    page = desk.get(address)
    assert "turned by 180°" in visible(page.text)
    turned = desk.get(f"{address}?turned=true")
    desk.post(f"{address}/apply", fields(turned))

    assert fields(turned)["turned"] == "true"
    assert [bench.where_is(tube)[-1].position for tube in tubes] == ["A01", "A02", "A03"]


def test_codes_are_typed_twice_for_what_could_not_be_read(desk, bench, box):
    bench.tube(container_code="FX0001")
    address = drop(desk, box, "A1,NO READ\n").location

    wrong = desk.post(f"{address}/codes", {"code-A01": "FX0001", "again-A01": "FX0002"})
    right = desk.post(f"{address}/codes", {"code-A01": "FX0001", "again-A01": "FX0001"})

    assert (wrong.status_code, "two codes differ" in visible(wrong.text)) == (422, True)
    assert "FX0001 stood nowhere" not in visible(wrong.text)
    assert "stood nowhere until now" in visible(desk.get(right.location).text)


def test_a_rack_that_nobody_knows_gets_its_box_by_one_button(desk, bench, box):
    tube = bench.tube(container_code="FX0001")
    address = drop(desk, box, "RK1,A1,FX0001\n").location

    page = desk.get(address)
    assert (page.status_code, "names the rack RK1, which nobody knows" in visible(page.text)) == (200, True)
    assert "/apply" not in page.text
    said = desk.post(f"{address}/box", {"raw": box.code})
    desk.post(f"{address}/apply", fields(desk.get(said.location)))

    assert (said.location, bench.where_is(tube)[-1].position) == (address, "A01")


def test_the_file_of_another_rack_is_refused_and_compared_with_that_one_by_one_button(desk, bench, box):
    other = bench.container("tube_box_8x12", name="CC13")
    address = drop(desk, box, f"{other.code},A1,FX0001\n").location

    refused = desk.get(address)
    moved = desk.post(f"{address}/box", {"raw": other.code})

    assert (refused.status_code, "which is CC13" in visible(refused.text)) == (409, True)
    assert "Rack scan of CC13" in visible(desk.get(moved.location).text)
    assert "Put aside" in visible(desk.get(address).text)


def test_a_new_box_is_set_up_for_a_rack_that_came_new(app, bench, box):
    desk = people.browser(app, "manager")
    address = drop(desk, box, "RK1,A1,FX0001\n").location

    wrong = desk.post(f"{address}/new-box", {"kind": "tube_box_8x12", "name": " "})
    made = desk.post(f"{address}/new-box", {"kind": "tube_box_8x12", "name": "From the ward"})

    assert (wrong.status_code, made.status_code) == (422, 303)
    assert "Rack scan of From the ward" in visible(desk.get(made.location).text)


def test_new_tubes_are_divided_into_from_the_page_of_the_scan(app, desk, box):
    with app.app_context():
        parent = Row(0, SampleFactory(volume_ul=500).code)
    address = drop(desk, box, "A1,FY0001\nA2,FY0002\n").location
    page = desk.get(address)
    assert "2 tubes are new" in visible(page.text)

    wrong = desk.post(f"{address}/aliquots", fields(page) | {"sample": parent.code, "each": ""})
    done = desk.post(f"{address}/aliquots", fields(page) | {"sample": parent.code, "each": "100"})

    assert (wrong.status_code, done.status_code) == (422, 303)
    assert "Carried out" in visible(desk.get(done.location).text)


def test_a_layout_that_is_not_known_is_asked_for_once(desk, bench, box):
    bench.tube(container_code="FX0001")
    dropped = drop(desk, box, "Puits;Foo;Code barre\nA1;x;FX0001\n")
    asked = desk.get(dropped.location)
    assert dropped.location.endswith("/layout")
    assert "Code barre" in visible(asked.text)

    wrong = desk.post(dropped.location, {"column-0": "position", "heading": "0", "name": "Ours"})
    right = desk.post(
        dropped.location, {"column-0": "position", "column-2": "code", "heading": "0", "name": "Ours"}
    )

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert "stood nowhere until now" in visible(desk.get(right.location).text)
    again = drop(desk, box, "Puits;Foo;Code barre\nB2;x;FX0001\n")
    assert desk.get(again.location).status_code == 200


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (b"%PDF-1.7", 415, "kind PDF"),
        (b"A1,1.03E+09\n", 400, "spreadsheet"),
        (b"", 422, "Choose the reader’s file"),
    ],
)
def test_what_cannot_be_read_is_told_where_it_was_dropped(desk, box, content, status, told):
    data = {"file": (io.BytesIO(content), "rack.csv")} if content else {}
    page = desk.post(f"/containers/{box.code}/rack-scans", data, content_type="multipart/form-data")

    assert (page.status_code, told in visible(page.text)) == (status, True)


def test_everything_that_was_read_of_a_box_is_listed_with_its_file(desk, box):
    address = drop(desk, box, "A1,FX0001\n").location

    listed = desk.get(f"/containers/{box.code}/rack-scans")
    file = desk.get(f"{address}/file")

    assert "rack.csv" in visible(listed.text)
    assert (file.data, file.headers["X-Content-Type-Options"]) == (b"A1,FX0001\n", "nosniff")


def test_what_is_put_aside_waits_no_more(desk, box):
    address = drop(desk, box, "A1,FX0001\n").location
    assert "rack.csv" in visible(desk.get("/rack-scans").text)

    desk.post(f"{address}/dismiss")

    assert "Nothing waits." in visible(desk.get("/rack-scans").text)
    assert "Put aside" in visible(desk.get(address).text)


def test_another_site_sees_no_scan(app, desk, box):
    address = drop(desk, box, "A1,FX0001\n").location
    stranger = people.browser(app, "technician", site_code="IUCT")

    assert [stranger.get(address + more).status_code for more in ("", "/file", "/picture")] == [404] * 3


def picture_of(codes):
    """A flatbed scan of a rack of 96: position -> code; a dark disc where a tube cannot be read, nothing elsewhere."""
    pitch, side = 90, 48
    scan = Image.new("L", (12 * pitch + 60, 8 * pitch + 60), 255)
    draw = ImageDraw.Draw(scan)
    for position, code in codes.items():
        x, y = 30 + pitch * (int(position[1:]) - 1), 30 + pitch * "ABCDEFGH".index(position[0])
        if code is None:
            draw.ellipse((x + 10, y + 10, x + 80, y + 80), fill=90)
            continue
        made = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.DataMatrix, force_square=True)
        image = Image.fromarray(zxingcpp.write_barcode_to_image(made, scale=4, add_quiet_zones=False))
        scan.paste(image.convert("L").resize((side, side), Image.Resampling.NEAREST), (x + 21, y + 21))
    written = io.BytesIO()
    scan.save(written, "PNG")
    return written.getvalue()


def test_a_picture_of_a_rack_is_read_like_a_file_with_what_is_unread_to_be_typed(desk, bench, box):
    corners = ["A1", "A12", "H1", "H12", "C4", "D9", "F6"]
    tubes = [bench.tube(container_code=f"FX{n:08d}") for n in range(len(corners))]
    codes = {position: f"FX{n:08d}" for n, position in enumerate(corners)}

    dropped = drop(desk, box, picture_of(codes))
    page = desk.get(dropped.location)
    shown_picture = desk.get(f"{dropped.location}/picture")
    desk.post(f"{dropped.location}/apply", fields(page))

    assert (page.status_code, shown_picture.headers["Content-Type"]) == (200, "image/jpeg")
    assert "<image href=" in page.text
    assert [bench.where_is(tube)[-1].position for tube in tubes] == [
        f"{position[0]}{int(position[1:]):02d}" for position in corners
    ]
