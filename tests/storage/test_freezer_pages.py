"""Freezers as people see them: built by a form, walked through by links, coloured; where tubes go. Without a script."""

import html
import re

import pytest

from biobank.core import clock
from biobank.core.db import unit_of_work
from biobank.storage import building, claims
from biobank.storage import service as storage
from biobank.storage.layouts import Level
from tests import people
from tests.storage.counting import statements


@pytest.fixture
def bench(far_bench):
    return far_bench


@pytest.fixture
def manager(app, bench):
    return people.browser(app, "manager")


@pytest.fixture
def freezer(app, bench):
    """Code of the freezer, and of each container in it by name."""
    levels = [
        Level("shelf", 2),
        Level("drawer_rack", 2, "{parent}{a}"),
        Level("tube_box_9x9", 1, "{parent} box"),
    ]
    with app.app_context():
        made = unit_of_work(
            lambda: (
                building.build(
                    site_id=bench.bench.site_id,
                    kind="freezer_minus80",
                    name="Freezer 7",
                    levels=levels,
                    by=bench.bench.by,
                ).container.code
            )
        )
        from biobank.core.db import db
        from biobank.storage.models import Container

        return {each.name: each.code for each in db.session.query(Container)} | {"top": made}


def links(page):
    """Address -> what is read aloud, of the links in the picture."""
    found = re.findall(r'<a class="front-\w+" href="([^"]+)" aria-label="([^"]+)"', page.text)
    return {html.unescape(address): html.unescape(said) for address, said in found}


def test_a_freezer_is_a_picture_whose_every_place_is_a_link_with_a_name(manager, freezer):
    page = manager.get(f"/containers/{freezer['top']}")

    found = links(page)
    assert found[f"/containers/{freezer['Shelf 1']}"].startswith("Shelf 1, place 01: 0% full, 0 of")
    assert found[f"/containers/{freezer['Shelf 2B']}"].startswith("Shelf 2, Shelf 2B, place 02")
    assert f"/containers/new?parent={freezer['Shelf 1']}&position=03" in found
    assert "<svg viewBox" in page.text
    assert "style=" not in page.text


def test_one_walks_down_and_up_and_aside_by_links(manager, freezer):
    page = manager.get(f"/containers/{freezer['Shelf 1A']}")

    assert f'data-up href="/containers/{freezer["Shelf 1"]}"' in page.text
    assert f'rel="next" href="/containers/{freezer["Shelf 1B"]}"' in page.text
    assert 'rel="prev"' not in page.text
    crumbs = re.findall(r'<li><a href="[^"]+">([^<]+)</a></li>', page.text)
    assert crumbs[:3] == ["Storage", "Freezer 7", "Shelf 1"]


def test_scanning_a_box_that_stands_below_walks_there_and_moves_nothing(manager, bench, freezer):
    tube = bench.tube()
    manager.post(f"/containers/{freezer['Shelf 2A box']}/fill", {"raw": tube.code})

    for raw in (freezer["Shelf 2A box"], freezer["Shelf 2A"]):
        assert (
            manager.post(f"/containers/{freezer['top']}/fill", {"raw": raw}).location == f"/containers/{raw}"
        )
    found = manager.post(f"/containers/{freezer['top']}/fill", {"raw": tube.code})

    assert found.location == f"/containers/{freezer['Shelf 2A box']}?position=A01"
    assert [step.name for step in bench.where_is(tube)] == [
        "Freezer 7",
        "Shelf 2",
        "Shelf 2A",
        "Shelf 2A box",
    ]


def test_who_may_not_build_sees_no_link_on_a_free_place(app, freezer):
    page = people.browser(app, "technician").get(f"/containers/{freezer['top']}")

    assert "/containers/new" not in page.text
    assert people.browser(app, "technician").get("/containers/build").status_code == 403


@pytest.mark.parametrize("by", ["study", "type", "age", "consent", "thaws", "cold"])
def test_a_box_is_coloured_by_a_choice_that_needs_no_script(manager, bench, freezer, by):
    box = freezer["Shelf 1A box"]
    manager.post(f"/containers/{box}/fill", {"raw": bench.tube().code})

    page = manager.get(f"/containers/{box}?colour={by}")

    assert f'<input type="radio" name="colour" value="{by}" checked>' in page.text
    assert re.search(r'class="pos pos-\w+ look-[\w-]+" href', page.text)
    assert 'class="pos-letter"' in page.text


def test_places_that_are_kept_are_seen_on_the_map(app, manager, bench, freezer):
    with app.app_context():
        from biobank.storage import service as storage

        box = storage.find_container(freezer["Shelf 1A box"], bench.bench.by)
        bench.bench.do(claims.block, container=box, position="A1", why="cracked")
        bench.bench.do(claims.reserve, container=box, positions=["A2"])

    page = manager.get(f"/containers/{freezer['Shelf 1A box']}")

    assert "A01: cracked, place blocked" in page.text
    assert "A02: place reserved" in page.text


def test_a_box_is_shown_as_it_was(manager, bench, freezer):
    box, tube = freezer["Shelf 1A box"], bench.tube()
    manager.post(f"/containers/{box}/fill", {"raw": tube.code})

    before = manager.get(f"/containers/{box}?at=2001-02-03")
    assert "As it was on" in before.text
    assert tube.code not in before.text
    assert "/fill" not in before.text
    nonsense = manager.get(f"/containers/{box}?at=yesterday")
    assert nonsense.status_code == 200
    assert 'role="alert"' in nonsense.text


def test_the_storage_page_tells_how_full_and_when_full(manager, freezer):
    page = manager.get("/containers")

    assert "0 of 7,776 places for samples are taken; room for 92 more boxes" in page.text
    assert "0 of 7,776 places for samples" in manager.get(f"/containers/{freezer['top']}").text
    assert "Too little history to tell" in page.text
    assert "Tube box, 9 × 9" in page.text


# --- building


FORM = {
    "kind": "freezer_minus80", "name": "Freezer 8", "kind_1": "shelf", "count_1": "5", "name_1": "Shelf {n}",
    "kind_2": "drawer_rack", "count_2": "4", "kind_3": "tube_box_9x9", "count_3": "6",
}  # fmt: skip


def test_a_freezer_is_looked_at_and_then_built(manager):
    assert manager.get("/containers/build").status_code == 200

    looked = manager.post("/containers/build/preview", FORM)
    assert "146" in looked.text
    assert "9,720" in looked.text
    assert "Shelf 5" in looked.text
    assert manager.get("/containers").text.count("Freezer 8") == 0  # nothing is kept
    built = manager.post("/containers/build", FORM)

    page = manager.get(built.location)
    assert "146 containers are set up." in page.text
    assert "Rack D" in page.text


def test_a_line_is_read_into_the_levels(manager):
    line = "5 shelves × 4 racks × 6 drawers of 9×9 boxes"
    looked = manager.post("/containers/build/preview", {"kind": "freezer_minus80", "name": "F", "line": line})

    assert "866" in looked.text
    assert re.search(r'name="count_3"[^>]* value="6"', looked.text)
    assert '<option value="rack_with_drawers" selected>' in looked.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"count_2": "7"}, "Level 2: 7 × Drawer rack do not go into Shelf, which has room for 6."),
        ({"kind_3": "shelf"}, "Level 3: Shelf cannot stand in Drawer rack."),
        ({"count_1": "five"}, "Level 1: “five” is no number of containers."),
        ({"line": "5 shelves × 4 bathtubs"}, "Level 2: “bathtubs” is no kind of container."),
        ({"name_1": "{colour}"}, "Level 1: {colour} is no part of a name"),
        ({"kind": "bathtub"}, "There is no kind of container bathtub"),
    ],
)
def test_what_does_not_fit_is_told_by_its_level_and_nothing_is_built(manager, change, sentence):
    refused = manager.post("/containers/build", FORM | change)

    assert refused.status_code == 422
    assert sentence in html.unescape(refused.text)
    assert 'value="Freezer 8"' in refused.text
    assert sentence in html.unescape(manager.post("/containers/build/preview", FORM | change).text)


def test_a_rack_is_filled_with_boxes(manager, freezer):
    rack = freezer["Shelf 1B"]
    assert "Shelf 1B" in manager.get(f"/containers/build?into={rack}").text

    built = manager.post("/containers/build", {"into": rack, "kind_1": "tube_box_10x10", "name_1": "New {n}"})

    assert "23 containers are set up." in manager.get(built.location).text


# --- where do they go


def test_each_scan_is_told_its_place_and_the_places_are_kept(app, manager, bench, freezer):
    one, two = bench.tubes(2)
    assert manager.get("/storage/where").status_code == 200

    first = manager.get(f"/storage/where?raw={one.code}")
    assert re.search(r'name="code" value="' + one.code, first.text)
    both = manager.get(f"/storage/where?code={one.code}&raw={two.code}")
    spots = re.findall(r'name="place" value="([^"]+)"', both.text)
    assert len(spots) == 2
    kept = manager.post("/storage/where", {"place": spots, "code": [one.code, two.code]})

    page = manager.get(kept.location)
    assert "Reserved for you" in page.text
    assert one.code in page.text
    box = spots[0].split(":")[0]
    assert "A02: place reserved" in manager.get(f"/containers/{box}").text


@pytest.mark.parametrize(
    "query", ["raw=NOTHING", "code=T99999999", "study=NONE&type=Plasma&count=3", "study=ESSAI&type=Plasma&count=x",
              "kept=K1:A1:T1", "kept=::"],
)  # fmt: skip
def test_nonsense_is_told_and_nothing_breaks(manager, freezer, query):
    page = manager.get(f"/storage/where?{query}")

    assert page.status_code == 200
    assert 'role="alert"' in page.text


def test_a_bad_scan_does_not_lose_those_before_it(manager, bench, freezer):
    one = bench.tube()

    page = manager.get(f"/storage/where?code={one.code}&raw=NOTHING")

    assert "There is no sample NOTHING." in page.text
    assert len(re.findall('name="place" value="([^"]+)"', page.text)) == 1


def test_places_for_tubes_yet_to_be_made(manager, freezer):
    page = manager.get("/storage/where?study=ESSAI&type=Plasma&vessel=tube&count=90")

    assert "2 boxes to open" in page.text
    assert page.text.count('name="place"') == 90


def test_a_place_that_somebody_took_meanwhile_is_not_reserved(manager, freezer):
    spot = f"{freezer['Shelf 1A box']}:A01:"
    manager.post("/storage/where", {"place": [spot, f"{freezer['Shelf 1A box']}:Z99:"]})
    assert "place reserved" not in manager.get(f"/containers/{freezer['Shelf 1A box']}").text
    assert manager.post("/storage/where", {}).status_code == 422


# --- what a page costs


def test_no_page_of_storage_says_more_to_the_database_for_more_boxes_and_tubes(app, bench, manager, freezer):
    top, shelf, rack, box = (freezer[name] for name in ("top", "Shelf 1", "Shelf 1A", "Shelf 1A box"))
    day = clock.now().date().isoformat()
    addresses = [
        "/containers", f"/containers/{top}", f"/containers/{shelf}", f"/containers/{rack}", f"/containers/{box}",
        f"/containers/{box}?colour=cold", f"/containers/{top}?at={day}", f"/containers/{box}?at={day}",
    ]  # fmt: skip

    def costs():
        said = {}
        for address in addresses:
            manager.get(address)  # what never changes is read once
            with app.app_context(), statements() as seen:
                assert manager.get(address).status_code == 200
            said[address] = len([one for one in seen if one.startswith(("SELECT", "WITH"))])
        return said

    api = people.api(app, "manager")

    def fill(first, tubes):
        for position, tube in enumerate(tubes, start=first):
            assert (
                api.put(f"/containers/{box}/positions/{position}", {"sample": tube.code}).status_code == 201
            )

    fill(1, bench.tubes(1))
    few = costs()
    with app.app_context():
        for name in ("Shelf 1A", "Shelf 1B", "Shelf 2A"):
            into = storage.find_container(freezer[name], bench.bench.by)
            bench.bench.do(
                building.build, site_id=bench.bench.site_id, into=into, levels=[Level("tube_box_9x9", 10)]
            )
    fill(2, bench.tubes(15))

    assert costs() == few
