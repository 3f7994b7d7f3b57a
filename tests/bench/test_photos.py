"""`flask bench rack-photo`: a table of what was read in each picture of a folder."""

from pathlib import Path

from click.testing import CliRunner

from biobank.bench.cli import bench
from tests.racks.drawn import file, rack, texts


def test_the_table_tells_found_and_expected_and_what_broke(tmp_path: Path) -> None:
    tubes = texts(2, 3)
    (tmp_path / "box.png").write_bytes(file(rack(2, 3, tubes)))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not looked at")
    rows = "".join(f"box.png\t{text}\n" for text in [*tubes.values(), "FD00000000"])
    (tmp_path / "decoded_reference.tsv").write_text("image\ttext\n" + rows)

    told = CliRunner().invoke(bench, ["rack-photo", str(tmp_path)])

    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert lines[1].startswith("box.png")
    assert "6 / 7" in lines[1]
    assert "expected and not found: FD00000000" in lines[2]
    assert lines[3].startswith("broken.jpg")
    assert "rack_picture_no_picture" in lines[3]
    assert lines[4].startswith("2 pictures: 6 wells found, 7 expected")
