"""How labels look, as a site says it: read, tried, kept in versions, taken back; and what a hostile text gets."""

import re
import time

import pytest
from sqlalchemy import text as sql

from biobank.audit import service as audit
from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError
from biobank.printing import designs, trying
from labels.errors import LabelError
from tests import people
from tests.reading import visible
from tests.storage.conftest import FarBench

#: However bad a design is, the page answers within this; a busy machine takes several times what it takes alone.
PATIENCE_S = 20.0


def words(page):
    return " ".join(visible(page))


@pytest.fixture
def bench(app):
    return FarBench(app)


@pytest.fixture
def desk(app, bench):
    return people.browser(app, "manager")


@pytest.fixture
def tube(app):
    return designs.shipped_text("tube")


def keep(browser, text, name="tube", **more):
    return browser.post("/labels/designs", {"old_name": name, "name": name, "text": text, "seen": "0"} | more)


def changed(text):
    return text.replace('value = "{type}  {amount}"', 'value = "OURS {type}"')


# --- who


@pytest.mark.parametrize("role", ["technician", "researcher", "committee", "dpo"])
def test_only_managers_and_administrators_say_how_labels_look(app, bench, tube, role):
    browser = people.browser(app, role)
    for path in (
        "/labels/designs",
        "/labels/designs/tube",
        "/labels/designs/new",
        "/labels/designs/tube.svg",
    ):
        assert browser.get(path).status_code == 403, path
    assert keep(browser, tube).status_code == 403
    assert browser.post("/labels/designs/preview", {"text": tube}).status_code == 403
    assert browser.post("/labels/designs/tube/restore", {"version": "0"}).status_code == 403
    assert people.api(app, role).put("/labels/designs/tube", {"text": tube}).status_code == 403


def test_a_design_of_one_site_is_none_of_another(app, bench, tube):
    own = people.browser(app, "manager")
    assert keep(own, changed(tube), name="ours", old_name="").status_code == 303
    far = people.browser(app, "manager", site_code="IUCT")

    assert "ours" in own.get("/labels/designs").text
    assert "/labels/designs/ours" not in far.get("/labels/designs").text
    for path in ("ours", "ours.svg", "ours.toml", "new?like=ours", "ours?site=IPC", "tube?site=IPC"):
        assert far.get(f"/labels/designs/{path}").status_code == 404, path
    assert keep(far, changed(tube), name="ours", site="IPC").status_code == 404
    assert far.post("/labels/designs/ours/restore", {"version": "0", "seen": "1"}).status_code == 404
    assert people.api(app, "technician", site_code="IUCT").get("/labels/designs/ours").status_code == 404


def test_who_sees_every_site_says_which_one(app, bench, tube):
    people.api(app, "technician", site_code="IUCT")
    browser = people.browser(app, "administrator", site_code=None)

    assert "Of which site" in words(browser.get("/labels/designs").text)
    assert (
        keep(browser, changed(tube), site="IUCT").headers["Location"]
        == "/labels/designs/tube?saved=1&site=IUCT"
    )
    assert "OURS" in browser.get("/labels/designs/tube?site=IUCT").text
    assert "OURS" not in browser.get("/labels/designs/tube?site=IPC").text
    assert browser.get("/labels/designs?site=NOWHERE").status_code == 404


# --- the list and the editor


def test_every_design_is_listed_with_its_picture_and_what_it_is_used_for(desk):
    page = desk.get("/labels/designs")

    assert page.text.count("<img") >= 15
    assert "used for: labels printed ahead" in words(page.text)
    picture = desk.get("/labels/designs/tube.svg")
    assert (picture.status_code, picture.content_type) == (200, "image/svg+xml")
    assert "<script" not in picture.text
    assert desk.get("/labels/designs/poster.svg").status_code == 404
    assert desk.get("/labels/designs/..%2Fdefault").status_code == 404


def test_what_is_typed_is_shown_as_a_label_with_what_would_go_wrong(app, bench, desk, tube):
    code = bench.tube(type="Serum").code
    fine = desk.post("/labels/designs/preview", {"text": tube, "data": "code", "code": code})
    long = desk.post(
        "/labels/designs/preview", {"text": tube.replace('"{type}  {amount}"', '"{type} {type} {visit}"')}
    )
    low = desk.post("/labels/designs/preview", {"text": tube.replace("height_mm = 7.5", "height_mm = 4.5")})

    assert "Everything fits" in words(fine.text)
    assert "data:image/png;base64," in fine.text
    assert "<html" not in fine.text
    assert re.search(r"field 3 \(text\).*does not fit", words(long.text))
    assert re.search(r"Line \d+, field 1 \(code128\) .*4.5 mm of bars", words(low.text))
    assert 'class="label-frame"' in low.text
    assert "patient" not in re.findall(r"<dt class=\"code\">\{(\w+)\}", fine.text)


def test_a_text_that_is_no_toml_is_told_with_its_line_and_keeps_what_was_typed(desk, tube):
    preview = desk.post("/labels/designs/preview", {"text": "title = 'x'\nfields = [\n oops\n"})
    kept = keep(desk, "title = <b>\n")

    assert re.search(r"Line 3 This is not TOML", words(preview.text))
    assert (kept.status_code, "title = &lt;b&gt;" in kept.text) == (422, True)
    assert "<b>" not in kept.text.split("<textarea")[1].split("</textarea>")[0]


def test_without_script_a_button_shows_the_same(desk, tube):
    page = keep(desk, tube.replace("height_mm = 7.5", "height_mm = 4.5"), look="yes")

    assert (page.status_code, "4.5 mm of bars" in words(page.text)) == (200, True)
    assert "height_mm = 4.5" in page.text
    assert "version 1" not in words(desk.get("/labels/designs/tube").text)


def test_a_code_that_is_unknown_is_said_and_the_design_is_shown_all_the_same(desk, tube):
    page = desk.post("/labels/designs/preview", {"text": tube, "data": "code", "code": "T99999949"})

    assert "Nothing here has the code T99999949" in words(page.text)
    assert "data:image/png" in page.text


@pytest.mark.parametrize("dpi", ["203", "300", "600"])
@pytest.mark.parametrize("data", ["longest", "shortest"])
def test_every_shipped_design_fits_with_the_longest_and_the_shortest_data(app, bench, dpi, data):
    with app.app_context():
        by = people.actor("manager")
        for name in designs.names(by.site_id):
            trial = trying.attempt(name=name, text=designs.shipped_text(name), by=by, data=data, dpi=int(dpi))
            assert (name, [str(wrong) for wrong in trial.wrong], trial.dropped) == (name, [], ())


# --- versions


def test_what_is_kept_is_printed_from_then_on_and_each_version_stays(app, bench, desk, tube):
    sample = bench.tube().code
    before = desk.get(f"/labels/{sample}.svg").text

    assert keep(desk, changed(tube)).status_code == 303
    ours = desk.get(f"/labels/{sample}.svg").text
    assert keep(desk, changed(tube).replace("OURS", "MINE"), seen="1").status_code == 303
    mine = desk.get(f"/labels/{sample}.svg").text
    assert ("OURS" in before, "OURS" in ours, "MINE" in mine) == (False, True, True)

    page = words(desk.get("/labels/designs/tube").text)
    assert "tube, version 2 of the site" in page
    assert "Back to this one" in page
    assert "OURS" in desk.get("/labels/designs/tube?version=1").text
    assert "OURS" in desk.get("/labels/designs/tube.toml?version=1").text

    assert desk.post("/labels/designs/tube/restore", {"version": "1", "seen": "2"}).status_code == 303
    assert "OURS" in desk.get(f"/labels/{sample}.svg").text
    assert desk.post("/labels/designs/tube/restore", {"version": "0", "seen": "3"}).status_code == 303
    assert desk.get(f"/labels/{sample}.svg").text == before
    with app.app_context():
        site_id = people.site("IPC").id
        assert [row.version for row in designs.history("tube", site_id)] == [4, 3, 2, 1]
        told = [entry["act"] for entry in audit.history("label_design", "IPC/tube")]
    assert told == ["label_design_saved"] * 2 + ["label_design_restored"] * 2


def test_of_two_who_write_the_same_design_the_second_is_told(desk, tube):
    assert keep(desk, changed(tube)).status_code == 303

    late = keep(desk, tube)

    assert (late.status_code, "Somebody else wrote version 1" in words(late.text)) == (409, True)
    assert desk.post("/labels/designs/tube/restore", {"version": "0", "seen": "0"}).status_code == 409


def test_the_same_form_sent_twice_makes_one_version(app, desk, tube):
    for _ in range(2):
        assert keep(desk, changed(tube), idempotency_key="one-design").status_code == 303

    with app.app_context():
        assert len(designs.history("tube", people.site("IPC").id)) == 1


def test_a_new_design_begins_as_a_copy_and_may_be_taken_out_of_use(app, bench, desk):
    page = desk.get("/labels/designs/new?like=vial")
    assert 'title = "2 mL vial, wrapped"' in page.text.replace("&#34;", '"')

    text = designs.shipped_text("vial")
    for name, status in (("ours 2", 422), ("../x", 422), ("new", 422), ("", 422), ("ours", 303)):
        assert keep(desk, text, name=name, old_name="").status_code == status, name
    sample = bench.tube().code
    assert desk.get(f"/labels/{sample}.svg?design=ours").status_code == 200
    gone = desk.post("/labels/designs/ours/restore", {"version": "0", "seen": "1"})
    assert gone.headers["Location"] == "/labels/designs"
    assert desk.get("/labels/designs/ours").status_code == 404
    assert desk.get(f"/labels/{sample}.svg?design=ours").status_code == 422


def test_a_design_comes_and_goes_as_a_file(desk, tube):
    file = desk.get("/labels/designs/tube.toml")

    assert (file.status_code, file.text) == (200, tube)
    assert file.headers["Content-Disposition"] == 'attachment; filename="tube.toml"'
    assert desk.get("/labels/designs/tube.toml?version=7").status_code == 404


def test_designs_over_the_api(app, bench, tube):
    api, manager = people.api(app, "technician"), people.api(app, "manager")

    saved = manager.put("/labels/designs/tube", {"text": changed(tube), "version": 0})
    late = manager.put("/labels/designs/tube", {"text": tube, "version": 0})
    wrong = manager.put("/labels/designs/tube", {"text": "nonsense", "version": 1})

    assert (saved.status_code, saved.json["version"]) == (201, 1)
    assert (late.status_code, late.json["code"]) == (409, "label_design_changed")
    assert (wrong.status_code, "text" in wrong.json["errors"]) == (422, True)
    known = {one["name"]: one for one in api.get("/labels/designs").json["items"]}
    assert (known["tube"]["version"], known["box"]["version"], known["box"]["for"]) == (1, 0, "container")
    one = api.get("/labels/designs/tube").json
    assert ("OURS" in one["text"], [row["version"] for row in one["versions"]]) == (True, [1])
    assert api.get("/labels/designs/poster").status_code == 404
    assert people.api(app, "administrator", site_code=None).get("/labels/designs").status_code == 422
    assert people.api(app, "administrator", site_code=None).get("/labels/designs?site=IPC").status_code == 200


def test_a_kept_design_is_never_changed_by_anybody(app, desk, tube):
    keep(desk, changed(tube))
    with app.app_context():
        for statement in ("UPDATE label_design SET text = 'x'", "DELETE FROM label_design"):
            with pytest.raises(BiobankError):
                unit_of_work(lambda statement=statement: db.session.execute(sql(statement)))


# --- hostile texts

FIELD = """
[[fields]]
kind = "text"
left_mm = 0.0
top_mm = {top}
width_mm = 300.0
height_mm = {height}
value = "{value}"
"""
STOCK = 'title = "x"\nfor = "sample"\ndpi = 600\n[stock]\nwidth_mm = 300.0\nheight_mm = 300.0\n'
HOSTILE = {
    "ten thousand fields": STOCK + "[[fields]]\n" * 10_000,
    "fields in few letters": STOCK + "fields = [" + "{}," * 9_000 + "]",
    "a stock of a kilometre": STOCK.replace("300.0", "1000000.0"),
    "an endless length": STOCK.replace("300.0", "inf"),
    "a length that is none": STOCK.replace("300.0", "nan"),
    "a deep list": "x = " + "[" * 9_000,
    "a deep table": "x = " + "{a = " * 3_000,
    "a deep name": ".".join("a" * 9_000) + " = 1",
    "a number of many digits": "dpi = " + "9" * 19_000,
    "a date": "dpi = 1979-05-27T07:32:00Z",
    "a text of megabytes": "# " + "x" * 3_000_000,
    "a word that formats": STOCK + FIELD.format(top=0, height=5, value="{type!r:>99999999}"),
    "a word that reaches": STOCK + FIELD.format(top=0, height=5, value="{code.__class__}"),
    "huge letters everywhere": STOCK
    + '[[fields]]\nkind = "datamatrix"\nleft_mm = 0.0\ntop_mm = 200.0\nwidth_mm = 90.0\nheight_mm = 90.0\n'
    + "widest_module_mm = 90.0\n"
    + '[[fields]]\nkind = "number"\nleft_mm = 100.0\ntop_mm = 200.0\nwidth_mm = 200.0\nheight_mm = 90.0\n'
    + "".join(FIELD.format(top=5.0 * row, height=5, value="{type} {visit} {study}") for row in range(38)),
    "one huge letter": STOCK + FIELD.format(top=0, height=300, value="{set}"),
    "markup": STOCK.replace('"x"', '"<script>alert(1)</script>"'),
    "controls": "title = \"\x00\x1b[31m\"",
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_hostile_design_gets_a_sentence_and_not_minutes(desk, name):
    started = time.monotonic()

    shown = desk.post("/labels/designs/preview", {"text": HOSTILE[name], "dpi": "600"})
    kept = keep(desk, HOSTILE[name], name="hostile", old_name="")

    assert time.monotonic() - started < PATIENCE_S
    assert shown.status_code in (200, 400, 413, 422)
    assert "<script>alert" not in shown.text + kept.text
    if name != "huge letters everywhere":
        assert kept.status_code in (400, 413, 422), words(kept.text)[-500:]
        assert desk.get("/labels/designs/hostile").status_code == 404


def test_a_design_is_at_most_so_long_so_large_and_so_full():
    for text, code in (
        (STOCK + "[[fields]]\n" * 41, "design_not_tables"),
        (STOCK.replace("300.0", "300.1") + FIELD.format(top=0, height=5, value="x"), "design_too_long"),
        ("# " + "x" * 20_000, "design_toml"),
    ):
        with pytest.raises(LabelError) as refused:
            designs.read("wrong", text)
        assert refused.value.params["fault"] == code
