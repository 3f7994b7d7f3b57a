"""The folder that readers write into: nothing is lost, nothing comes twice, nothing is carried out by itself."""

import os

import pytest

from biobank.core.db import db
from biobank.core.errors import BiobankError
from biobank.racks import folder, naming, scans
from biobank.racks.models import RackScan
from biobank.storage import service as storage
from tests import people
from tests.storage.conftest import make_bench


def look(where, **how):
    told = folder.watch(
        where, people.site(), tell=lambda _path, taken: taken.refusal.code, once=True, pause=0, **how
    )
    return list(told)


def names(where):
    return sorted(str(path.relative_to(where)) for path in where.rglob("*") if path.is_file())


def rows():
    db.session.rollback()
    return db.session.query(RackScan).order_by(RackScan.id).all()


def test_a_file_is_kept_matched_by_its_rack_and_waits(racks, tmp_path):
    (tmp_path / "scan.csv").write_text(f"{racks.box.code},A1,FX00000001\n")

    (taken,) = look(tmp_path)

    assert (taken.container, taken.refusal) == (racks.box.code, None)
    (row,) = rows()
    assert (row.source, row.container_id, row.applied_at) == ("folder", racks.box.id, None)
    assert [name.partition("/")[0] for name in names(tmp_path)] == ["done"]
    assert [scan.id for scan in scans.waiting(racks.bench.by).items] == [row.id]
    assert racks.stands() == {}


@pytest.mark.parametrize("by", ["name of the box", "name of the file", "nothing"])
def test_a_file_that_names_no_rack_is_matched_by_its_own_name_or_waits_for_its_box(racks, tmp_path, by):
    content, name = "A1,FX1\n", "scan.csv"
    if by == "name of the box":
        content = f"{racks.box.name},A1,FX1\n"
    elif by == "name of the file":
        name = f"{racks.box.code}.csv"
    (tmp_path / name).write_text(content)

    (taken,) = look(tmp_path)

    assert taken.container == (None if by == "nothing" else racks.box.code)


def test_what_cannot_be_read_is_put_apart_with_the_reason_beside_it(racks, tmp_path):
    (tmp_path / "broken.csv").write_bytes(b"A1,1.03E+09\n")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.7")

    refused = look(tmp_path)

    assert sorted(taken.refusal.code for taken in refused) == ["rack_code_as_number", "rack_file_wrong_kind"]
    told = [name for name in names(tmp_path) if name.endswith(".reason.txt")]
    assert len(told) == 2
    assert (tmp_path / told[0]).read_text().strip() in ("rack_code_as_number", "rack_file_wrong_kind")


def test_a_file_that_still_grows_is_left_alone(racks, tmp_path, monkeypatch):
    path = tmp_path / "scan.csv"
    path.write_text("A1,FX1\n")
    monkeypatch.setattr(folder.time, "sleep", lambda _pause: path.write_text("A1,FX1\nA2,FX2\n"))

    assert look(tmp_path) == []
    monkeypatch.undo()
    assert len(look(tmp_path)) == 1


def test_what_programs_write_into_is_left_alone(racks, tmp_path):
    for name in ("scan.csv.tmp", ".scan.csv", "~scan.csv", "scan.csv.part"):
        (tmp_path / name).write_text("A1,FX1\n")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "link.csv").symlink_to("/etc/hostname")

    assert look(tmp_path) == []


def test_a_file_that_was_kept_when_the_power_went_is_kept_once(racks, tmp_path):
    content = f"{racks.box.code},A1,FX1\n".encode()
    (tmp_path / "scan.csv").write_bytes(content)
    folder.take(tmp_path / "scan.csv", racks.bench.site_id, folder.BY)

    (taken,) = look(tmp_path)

    assert (taken.again, len(rows())) == (True, 1)


def test_a_rack_that_was_read_again_waits_again(racks, tmp_path):
    tube = racks.tubes(1)[0]
    content = f"{racks.box.code},A1,{tube.container_code}\n"
    (tmp_path / "scan.csv").write_text(content)
    look(tmp_path)
    racks.apply(rows()[0])
    racks.bench.do(storage.take_out, sample=tube)
    (tmp_path / "scan.csv").write_text(content)

    look(tmp_path)

    waiting = scans.waiting(racks.bench.by).items
    assert len(waiting) == 1
    racks.apply(waiting[0])
    assert racks.stands() == {"A01": tube.code}


def test_somebody_says_which_box_it_is(racks, tmp_path):
    (tmp_path / "scan.csv").write_text("A1,FX1\n")
    look(tmp_path)
    (row,) = rows()

    racks.bench.do(naming.say_box, scan=row, container=racks.box)

    assert rows()[0].container_id == racks.box.id
    moved = racks.bench.do(naming.say_box, scan=rows()[0], container=racks.bench.container())
    assert (moved.content, rows()[0].dismissed_at is not None) == (b"A1,FX1\n", True)


def test_a_folder_that_is_not_there_is_refused(racks, tmp_path):
    with pytest.raises(BiobankError, match="rack_folder_missing"):
        look(tmp_path / "nowhere")


def test_with_several_sites_somebody_says_whose_folder_it_is(racks):
    make_bench("IUCT")

    with pytest.raises(BiobankError, match="malformed"):
        folder.site_of_folder(None)
    assert folder.site_of_folder("IUCT").code == "IUCT"


def test_the_command_takes_what_is_there(app, racks, tmp_path):
    (tmp_path / "scan.csv").write_text(f"{racks.box.code},A1,FX1\n")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.7")

    run = app.test_cli_runner().invoke(args=["racks", "watch", str(tmp_path), "--once", "--pause", "0"])

    assert run.exit_code == 0, run.output
    assert f"box {racks.box.code}" in run.output
    assert "kind PDF" in run.output
    assert os.listdir(tmp_path / "refused")
