"""A rack read in one go, as somebody at a desk does it: drop the reader's file, look at the grid, confirm once."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import scan
from tests.browser.readable import complaints
from tests.test_journey import ok

pytestmark = pytest.mark.browser

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def rack(bank, name: str) -> str:
    code: str = ok(bank.manager.post("/containers", {"kind": "tube_box_8x12", "name": name}))["code"]
    return code


def tubes(bank, count: int) -> list[str]:
    """Our numbers of tubes in the bank's hands."""
    patient = bank.consenting_patient()
    return [bank.draw(patient) for _ in range(count)]


def stands_in(bank, box: str) -> dict[str, str]:
    found = ok(bank.technician.get(f"/containers/{box}/map"))["positions"]
    return {each["position"]: each["sample"]["code"] for each in found if each["sample"]}


class Reading:
    """Somebody at a box; `acts` counts what their hands do."""

    def __init__(self, page: Page, box: str) -> None:
        self.page, self.box, self.acts = page, box, 0
        page.goto(f"/containers/{box}/rack-scans")

    def drop(self, wells: dict[str, str], rack: str | None = None) -> None:
        """A file is dropped on the page, which sends it by itself."""
        lines = [f"{rack},{place},{code}" if rack else f"{place},{code}" for place, code in wells.items()]
        file = {"name": "scan.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
        self.acts += 1
        self.page.set_input_files("#content input[type=file]", file)
        self.page.wait_for_url("**/rack-scans/*")

    def press(self, name: str) -> None:
        self.acts += 1
        self.page.get_by_role("button", name=name, exact=True).click()

    def said(self, text: str) -> None:
        expect(self.page.locator("#content")).to_contain_text(text)

    def on_the_grid(self) -> dict[str, str]:
        """Place -> what its sign says, of every place that is told."""
        told = self.page.locator(".map-grid .pos:not(.pos-free)").evaluate_all(
            "cells => cells.map(cell => [cell.title.slice(0, 3), cell.className.match(/pos-([a-z]+)/)[1]])"
        )
        return dict(told)


def test_one_drop_and_one_confirmation_put_a_rack_right(desk, bank):
    box, other = rack(bank, "Rack of the browser"), rack(bank, "Another rack")
    here, moved, new, gone, hidden = tubes(bank, 5)
    for place, tube in {"A1": here, "B2": gone, "C3": hidden}.items():
        ok(bank.technician.put(f"/containers/{box}/positions/{place}", {"sample": tube}))
    ok(bank.technician.put(f"/containers/{other}/positions/H12", {"sample": moved}))
    reading = Reading(desk("technician", viewport=DESK), box)

    reading.drop({"A1": here, "A2": moved, "A3": new, "B2": "NO TUBE", "C3": "NO READ"}, rack=box)
    assert reading.on_the_grid() == {
        "A01": "present", "A02": "moved", "A03": "new", "B02": "missing", "C03": "unread",
    }  # fmt: skip
    reading.press("Carry it out")
    reading.said("Carried out")

    assert reading.acts == 2
    assert stands_in(bank, box) == {"A01": here, "A02": moved, "A03": new, "C03": hidden}
    assert stands_in(bank, other) == {}


def test_a_box_read_turned_is_said_and_the_wrong_rack_is_refused(desk, bank):
    box, other = rack(bank, "Turned"), rack(bank, "The wrong one")
    inside = tubes(bank, 3)
    for number, tube in enumerate(inside, 1):
        ok(bank.technician.put(f"/containers/{box}/positions/A{number}", {"sample": tube}))
    reading = Reading(desk("technician", viewport=DESK), box)

    reading.drop({f"H{13 - number}": tube for number, tube in enumerate(inside, 1)})
    reading.said("The rack was read turned by 180°")
    reading.page.get_by_role("link", name="Show it turned").click()
    assert reading.on_the_grid() == {f"A0{number}": "present" for number in (1, 2, 3)}

    reading.page.goto(f"/containers/{box}/rack-scans")
    reading.drop({"A1": inside[0]}, rack=other)
    reading.said(f"The file is of the rack {other}")
    expect(reading.page.get_by_role("button", name="Carry it out")).to_have_count(0)
    assert len(stands_in(bank, box)) == 3


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_rack_that_nobody_knows_gets_its_box_by_one_scan_and_is_readable_for_everybody(
    desk, bank, viewport
):
    box = rack(bank, f"New on a screen of {viewport['width']}")
    (tube,) = tubes(bank, 1)
    reading, unknown = Reading(desk("technician", viewport=viewport), box), f"RK{viewport['width']}"

    reading.drop({"A1": tube, "A2": "ZZ9"}, rack=unknown)
    reading.said(f"Whose code is {unknown}?")
    asked = complaints(reading.page)
    scan(reading.page, box)
    expect(reading.page.get_by_role("heading", name="Carry it out")).to_be_visible()
    reading.page.get_by_label("Leave out 1 tube that nobody knows").check()
    shown = complaints(reading.page)
    reading.press("Carry it out")
    reading.said("Carried out")

    assert (asked, shown) == ([], [])
    assert stands_in(bank, box) == {"A01": tube}
    width = reading.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]


def test_a_file_dropped_on_the_boxs_own_page_takes_nothing_out_that_it_does_not_name(desk, bank):
    box = rack(bank, "Read in part")
    read, unnamed = tubes(bank, 2)
    for place, tube in {"A1": read, "A2": unnamed}.items():
        ok(bank.technician.put(f"/containers/{box}/positions/{place}", {"sample": tube}))
    reading = Reading(desk("technician", viewport=PHONE), box)
    reading.page.goto(f"/containers/{box}")
    assert reading.page.evaluate("scrollY") == 0

    reading.page.evaluate(
        """text => {
          const carried = new DataTransfer();
          carried.items.add(new File([text], "scan.csv", { type: "text/csv" }));
          const dropped = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
          document.querySelector("main").dispatchEvent(dropped);
        }""",
        f"A1,{read}",
    )
    reading.page.wait_for_url("**/rack-scans/*")
    reading.said("count as not read")
    reading.press("Confirm")
    reading.said("Carried out")

    assert stands_in(bank, box) == {"A01": read, "A02": unnamed}
