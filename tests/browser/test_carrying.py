"""What goes wrong with freezers, put right by a scanner: a freezer fails, a rack is carried, the record and the freezer
say two things. How many scans and clicks it takes."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from biobank.storage.kinds import kinds
from biobank.storage.position_codes import position_code
from tests.browser.hands import scan
from tests.browser.readable import complaints
from tests.test_journey import Bank, ok

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 780}


class Gloves:
    """Somebody with a scanner; counts scans and clicks."""

    def __init__(self, page: Page) -> None:
        self.page, self.scans, self.clicks = page, 0, 0

    def scan(self, code: str) -> None:
        self.scans += 1
        scan(self.page, code)

    def press(self, name: str, kind: Any = "button") -> None:
        self.clicks += 1
        self.page.get_by_role(kind, name=name, exact=True).first.click()

    def reads(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("#content")).to_contain_text(text)

    def is_told(self, text: str | re.Pattern[str]) -> None:
        """In the red box that is read aloud."""
        expect(self.page.locator("#content [role=alert]")).to_contain_text(text)

    def shows(self, code: str) -> None:
        """In the large letters."""
        expect(self.page.locator(".plate")).to_contain_text(code)


@pytest.fixture
def gloves(desk) -> Gloves:
    return Gloves(desk("technician"))


def readable(page: Page) -> None:
    """For everybody, and on a telephone without moving it sideways."""
    assert complaints(page) == []
    size = page.viewport_size
    page.set_viewport_size(PHONE)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.set_viewport_size(size)
    assert wide == 0


def make(bank: Bank, kind: str, name: str, parent: str | None = None, position: str | None = None) -> str:
    told = {"kind": kind, "name": name, "parent": parent, "position": position}
    body = {key: value for key, value in told.items() if value}
    code: str = ok(bank.manager.post("/containers", body))["code"]
    return code


def filled(bank: Bank, parent: str, position: str, name: str, count: int = 1) -> tuple[str, list[str]]:
    """A box with tubes in its first places."""
    box = make(bank, "tube_box_9x9", name, parent, position)
    tubes: list[str] = []
    while len(tubes) < count:
        tubes += bank.aliquot(bank.draw(bank.consenting_patient()))
    for number, tube in enumerate(tubes[:count], start=1):
        ok(bank.technician.put(f"/containers/{box}/positions/{number}", {"sample": tube}))
    return box, tubes[:count]


def place(bank: Bank, code: str, position: str) -> str:
    """The code that hangs at a place."""
    kind = ok(bank.technician.get(f"/containers/{code}"))["kind"]
    with bank.app.app_context():
        return position_code(code, kinds()[kind], position)


class Failing:
    """A freezer with a rack of two boxes and one box beside it; another one with room."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.code = make(bank, "freezer_minus80", "Freezer that fails")
        self.shelf = make(bank, "shelf", "Shelf that fails", self.code, "1")
        self.rack = make(bank, "drawer_rack", "Rack that fails", self.shelf, "1")
        self.inside, self.tubes = filled(bank, self.rack, "1", "Box in the rack", 2)
        self.box, _ = filled(bank, self.shelf, "2", "Box beside the rack")
        other = make(bank, "freezer_minus80", "Freezer that holds")
        self.room = make(bank, "shelf", "Shelf with room", other, "1")

    def steps(self, plan: str) -> dict[str, dict[str, Any]]:
        """What is carried -> where to."""
        found = ok(self.bank.technician.get(f"{plan}/steps"))["items"]
        return {step["container"]: step["to"] for step in found if step["state"] == "waiting"}


@pytest.fixture
def failing(bank) -> Failing:
    return Failing(bank)


def planned(gloves: Gloves, failing: Failing) -> str:
    """From the page of the freezer: two clicks and a reason."""
    gloves.page.goto(f"/containers/{failing.code}")
    gloves.clicks += 1
    gloves.page.get_by_role("link", name=re.compile("^Evacuate")).click()
    expect(gloves.page.get_by_label("What happened")).to_be_focused()
    gloves.page.keyboard.type("It alarms")
    gloves.press("Keep the places and show the route")
    gloves.reads("0 of 2 done")
    return "/moves/" + gloves.page.url.rpartition("/")[2]


def test_a_failing_freezer_is_emptied_with_two_scans_a_box(gloves, bank, failing):
    plan = planned(gloves, failing)
    assert gloves.clicks == 2
    readable(gloves.page)
    steps = failing.steps(plan)
    assert set(steps) == {failing.rack, failing.box}

    # The box that comes to hand first, not the one that the page names; and a wrong place.
    gloves.scan(failing.box)
    gloves.shows(steps[failing.box]["position"])
    readable(gloves.page)
    gloves.scan(place(bank, failing.room, "6"))
    gloves.is_told(f"It goes to {steps[failing.box]['position']} in")
    readable(gloves.page)
    gloves.scan(place(bank, steps[failing.box]["container"], steps[failing.box]["position"]))
    gloves.reads("1 of 2 done")
    assert gloves.scans == 2 + 1  # of them one at the wrong place

    # The page is left and the browser closed; somebody goes on by a link of the list.
    gloves.page.goto("/moves")
    gloves.press(plan.rpartition("/")[2], "link")
    gloves.reads("1 of 2 done")
    gloves.scan(failing.inside)  # a neighbour: it goes with its rack
    gloves.is_told("is not part of plan")
    gloves.scan(failing.rack)
    gloves.shows(steps[failing.rack]["position"])
    gloves.scan(place(bank, steps[failing.rack]["container"], steps[failing.rack]["position"]))
    gloves.reads("This plan is closed")

    where = bank.sample(failing.tubes[0])["position"]["path"]
    assert failing.code not in str(where)
    assert steps[failing.rack]["container"] in str(where)


def test_an_evacuation_is_taken_back(gloves, bank, failing):
    plan = planned(gloves, failing)
    for code, to in failing.steps(plan).items():
        gloves.scan(code)
        gloves.shows(to["position"])
        gloves.scan(place(bank, to["container"], to["position"]))
        gloves.reads("is at its new place")

    gloves.page.get_by_text("Bring back what was moved").click()
    gloves.page.get_by_label("Why").fill("It was the alarm that was broken")
    gloves.press("Plan the way back")
    gloves.reads("0 of 2 done")
    readable(gloves.page)
    back = "/moves/" + gloves.page.url.rpartition("/")[2]
    for code, to in failing.steps(back).items():
        gloves.scan(code)
        gloves.shows(to["position"])
        gloves.scan(place(bank, to["container"], to["position"]))
        expect(gloves.page.locator("#content")).to_contain_text(re.compile("is at its new place|is closed"))

    assert bank.sample(failing.tubes[0])["position"]["container"] == failing.inside
    assert failing.code in str(bank.sample(failing.tubes[0])["position"]["path"])


def test_a_whole_rack_is_carried_with_one_pair_of_scans(gloves, bank, failing):
    gloves.page.goto("/moves/carry")
    readable(gloves.page)

    gloves.scan(failing.rack)
    gloves.reads("Scan where it stands now")
    readable(gloves.page)
    gloves.scan(place(bank, failing.room, "3"))
    gloves.reads("Carried")

    assert (gloves.scans, gloves.clicks) == (2, 0)
    readable(gloves.page)
    assert failing.room in str(bank.sample(failing.tubes[0])["position"]["path"])


# --- does everything stand where the record says?


def begun(gloves: Gloves, box: str, *, whole: bool) -> None:
    gloves.page.goto(f"/containers/{box}/inventory")
    if whole:
        gloves.clicks += 1
        gloves.page.get_by_role("radio", name=re.compile("^Everything")).check()
    gloves.press("Begin")
    gloves.reads("looked at")
    gloves.clicks = 0


def of(bank: Bank, tube: str) -> list[str]:
    """What is open about a tube."""
    items = ok(bank.technician.get("/discrepancies?limit=200"))["items"]
    return sorted(item["kind"] for item in items if item["sample"] == tube)


def test_an_inventory_by_random_sample_takes_a_scan_a_place_and_what_is_wrong_is_mended(
    desk, gloves, bank, failing
):
    box, tubes = filled(bank, failing.shelf, "3", "Box looked through", 4)
    stranger = bank.aliquot(bank.draw(bank.consenting_patient()))[0]
    begun(gloves, box, whole=False)
    readable(gloves.page)

    gloves.shows("A01")
    gloves.scan(tubes[0])
    gloves.shows("A02")
    gloves.page.keyboard.press("F4")  # nothing is there
    gloves.shows("A03")
    gloves.scan(stranger)
    gloves.is_told(f"That is {stranger}")
    readable(gloves.page)
    gloves.page.keyboard.press("F2")  # it is that one
    gloves.shows("A04")
    gloves.scan(tubes[3])
    gloves.reads("The record was right")
    assert (gloves.scans, gloves.clicks) == (3, 0)
    readable(gloves.page)

    assert [of(bank, tube) for tube in (tubes[1], tubes[2], stranger)] == [
        ["missing"],
        ["missing"],
        ["foreign"],
    ]
    boss = Gloves(desk("manager"))
    boss.page.goto("/discrepancies")
    readable(boss.page)
    settle(boss, tubes[1], "Found")
    settle(boss, stranger, "Put the record right")  # the one that is missing there makes way
    boss.page.goto("/discrepancies")
    boss.press(tubes[2], "link")
    readable(boss.page)
    boss.press("Lost")
    boss.reads("is settled")

    assert [of(bank, tube) for tube in (*tubes, stranger)] == [[]] * 5
    assert bank.sample(stranger)["position"]["position"] == "A03"
    assert bank.sample(tubes[2])["status"] == "lost"


def settle(somebody: Gloves, code: str, how: str) -> None:
    """Two clicks from the worklist."""
    somebody.page.goto("/discrepancies")
    somebody.press(code, "link")
    somebody.press(how)
    somebody.reads(f"{code} is settled")


def test_an_inventory_by_a_scan_of_the_whole_rack_is_one_file_and_mended_by_it(gloves, bank, failing):
    box, tubes = filled(bank, failing.shelf, "3", "Rack looked through", 4)
    swapped = {1: tubes[1], 2: tubes[0], 3: tubes[2], 9: "FD7700112233"}
    content = "".join(f"A{n},{swapped.get(n, 'NO TUBE')}\r\n" for n in range(1, 10))
    content += "".join(f"{row}{n},NO TUBE\r\n" for row in "BCDEFGHI" for n in range(1, 10))
    begun(gloves, box, whole=True)

    gloves.page.get_by_label("The reader’s own file").set_input_files(
        {"name": "rack.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    gloves.press("Compare")
    gloves.reads("4 places were answered by the scan")
    gloves.reads("25")  # per cent
    readable(gloves.page)
    assert [of(bank, tube) for tube in tubes] == [["moved"], ["moved"], [], ["missing"]]

    gloves.press("Let the record follow the rack", "link")
    gloves.page.get_by_label("Leave out 1 tube that nobody knows").check()
    gloves.page.get_by_role("button", name=re.compile("^Carry it out")).click()
    gloves.reads(re.compile("carried out", re.IGNORECASE))

    assert [bank.sample(tube)["position"]["position"] for tube in tubes[:3]] == ["A02", "A01", "A03"]
    assert [of(bank, tube) for tube in tubes] == [[], [], [], ["missing"]]


def test_what_went_wrong_is_one_key_and_is_dealt_with_on_one_page(desk, gloves, bank):
    tube = bank.aliquot(bank.draw(bank.consenting_patient()))[0]
    gloves.page.goto(f"/samples/{tube}/non-conformity?stage=storage")
    readable(gloves.page)
    gloves.page.get_by_role("radio", name=re.compile("^Tube broken")).check()
    gloves.page.keyboard.press("Enter")
    gloves.reads("Recorded: Tube broken")

    boss = Gloves(desk("manager"))
    boss.page.goto(f"/samples/{tube}/non-conformity")
    boss.press("Tube broken", "link")
    readable(boss.page)
    boss.page.get_by_label("What was done about it").fill("Poured into another tube")
    boss.press("Close")
    boss.reads("is closed")
