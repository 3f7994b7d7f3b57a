"""Makes the README's pictures, of a fresh demonstration bank: `.venv/bin/python -m tests.browser.pictures [NAME …]`."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, sync_playwright
from sqlalchemy import Select, select

from biobank.bench import commands
from biobank.consent.models import Withdrawal
from biobank.core.db import db
from biobank.demo.plan import PASSWORD
from biobank.patients.models import Patient
from biobank.requests.models import Request, RequestLine
from biobank.samples.models import Hold, Sample
from biobank.storage.models import Container, Placement
from biobank.storage.places import current
from tests.browser.hands import scan, sign_in
from tests.browser.label_pictures import draw_designs
from tests.conftest import served

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "pictures"
DESK = {"width": 1180, "height": 860}
PHONE = {"width": 390, "height": 780}
COLOURS = 128
#: Scrolls a field to the line with these words.
SHOW = """(field, words) => {
  const lines = field.value.split("\\n"), at = lines.findIndex((line) => line.includes(words));
  field.scrollTop = (at - 9) / lines.length * field.scrollHeight;
}"""
#: The one picture that is of no page.
DESIGNS = "label-designs"

T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    """One file: what somebody of that role sees after these steps, in a window of `height`, or of it `only` a part."""

    name: str
    role: str
    steps: Callable[[Page, dict[str, str]], object]
    size: dict[str, int]
    height: int | None = None
    only: str | None = None


def go(path: str) -> Callable[[Page, dict[str, str]], object]:
    """Open an address; what stands in braces are codes of the demonstration bank."""
    return lambda page, codes: page.goto(path.format(**codes))


def scan_on_home(page: Page, codes: dict[str, str]) -> None:
    page.goto("/")
    scan(page, codes["tube"])
    page.locator("#content .plate").wait_for()


def wrong_tube(page: Page, codes: dict[str, str]) -> None:
    page.goto(f"/requests/{codes['approved']}/fetch")
    scan(page, codes["withdrawn"])
    page.locator(".alarm").wait_for()
    page.evaluate("scrollTo(0, 0)")


def at_the_station(page: Page, codes: dict[str, str]) -> None:
    """Three tubes go from one box into another."""
    tubes = codes["neighbours"].split()[:3]
    page.goto("/station")
    for code in (commands.number_of("take_out"), *tubes, codes["other_box"], *tubes):
        scan(page, code)
        page.locator("#station-queue").wait_for(state="hidden")
        page.wait_for_timeout(600)


def rack_against_record(page: Page, codes: dict[str, str]) -> None:
    """A file in which two tubes changed places, one is gone, one could not be read, and one is nobody's."""
    one, two, _gone, unread, *rest = codes["places"].split()
    tubes = dict(zip(codes["places"].split(), codes["neighbours"].split(), strict=True))
    read = {one: tubes[two], two: tubes[one], unread: "NO READ", "I09": "FD06299917"} | {
        place: tubes[place] for place in rest
    }
    lines = [f"{place},{read.get(place, 'NO TUBE')}" for place in _box_of_81()]
    page.goto(f"/containers/{codes['box']}/rack-scans")
    page.locator("#content input[type=file]").first.set_input_files(
        {"name": "scan.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
    )
    page.locator(".map-grid").first.wait_for()  # the file is sent as soon as it is chosen


def _box_of_81() -> list[str]:
    return [f"{row}{column:02d}" for row in "ABCDEFGHI" for column in range(1, 10)]


def reasons(page: Page, codes: dict[str, str]) -> None:
    page.goto(f"/requests/{codes['company']}")
    page.get_by_role("heading", name="What may be given").evaluate("heading => heading.scrollIntoView()")
    page.evaluate("scrollBy(0, -24)")


def too_long(page: Page, codes: dict[str, str]) -> None:
    """A design whose longest data no longer fit."""
    page.goto("/labels/designs/vial")
    text = page.locator("#field-text")
    text.fill(text.input_value().replace('value = "{type}"', 'value = "{study}  {type}"'))
    page.locator("#preview .label-frame").wait_for()
    text.evaluate(SHOW, "{study}  {type}")


PICTURES = (
    Picture("scan", "technician", scan_on_home, DESK),
    Picture("station", "technician", at_the_station, DESK, 900),
    Picture("rack", "technician", rack_against_record, DESK, 1100),
    Picture("freezer", "technician", go("/containers/{freezer}"), DESK, 1000),
    Picture("sample", "technician", go("/samples/{handed_out}"), DESK, 1800),
    Picture("box", "technician", go("/containers/{box}?position={place}"), DESK, 900),
    Picture("labels", "manager", too_long, DESK, 900),
    Picture("request", "manager", reasons, DESK, only="main"),
    Picture("patient", "technician", go("/patients/{patient}"), DESK, 1100),
    Picture("figures", "manager", go("/reports/throughput"), DESK, 1000),
    Picture("french", "technician", go("/samples/{withdrawn}?lang=fr"), DESK, 1000),
    Picture("phone", "technician", wrong_tube, PHONE),
)


def main(wanted: set[str]) -> None:
    if not wanted or DESIGNS in wanted:
        draw_designs(FOLDER / f"{DESIGNS}.png")
        smaller(FOLDER / f"{DESIGNS}.png")
    if wanted == {DESIGNS}:
        return
    with tempfile.TemporaryDirectory(prefix="biobank-pictures-") as folder:
        app = demonstration(f"sqlite:///{folder}/biobank.sqlite")
        logging.getLogger("werkzeug").disabled = True
        codes = look_around(app)
        with served(app) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--lang=en-GB"]
            )
            for picture in PICTURES:
                if not wanted or picture.name in wanted:
                    take(browser, address, picture, codes)
            browser.close()


def demonstration(uri: str) -> Flask:
    """The demonstration bank in a new database."""
    os.environ |= {"BIOBANK_DATABASE_URI": uri, "BIOBANK_SECRET_KEY": "for pictures only"}
    for command in (["db", "upgrade"], ["demo", "load"]):
        flask = [sys.executable, "-m", "flask", "--app", "app", *command]
        subprocess.run(flask, cwd=ROOT, check=True, capture_output=True)
    from biobank.factory import create_app

    return create_app()


def look_around(app: Flask) -> dict[str, str]:
    """Codes of what is worth a picture."""

    def first(query: Select[tuple[T]]) -> T:
        return db.session.scalars(query.limit(1)).one()

    with app.app_context():
        request = first(select(Request).where(Request.status == "approved"))
        reserved = select(RequestLine.sample_id).where(
            RequestLine.request_id == request.id, RequestLine.status == "reserved"
        )
        tube = first(select(Sample).where(Sample.id.in_(reserved)))
        place = first(select(Placement).where(Placement.sample_id == tube.id, current()))
        held = select(Hold.sample_id).where(Hold.code == "withdrawal")
        taken_back = select(Withdrawal.patient_id).where(Withdrawal.scope == "clause")
        standing = db.session.execute(
            select(Placement.position, Sample.code)
            .join(Sample, Sample.id == Placement.sample_id)
            .where(Placement.container_id == place.container_id, current())
            .order_by(Placement.position)
        ).all()
        boxes = select(Container.code).where(
            Container.kind == "tube_box_9x9",
            Container.site_id == tube.site_id,
            Container.id != place.container_id,
        )
        freezer = select(Container.code).where(
            Container.kind == "freezer_minus80", Container.site_id == tube.site_id
        )
        return {
            "freezer": first(freezer.order_by(Container.id)),
            "other_box": first(boxes.order_by(Container.id.desc())),
            "neighbours": " ".join(code for _position, code in standing),
            "places": " ".join(str(position) for position, _code in standing),
            "tube": tube.code,
            "place": str(place.position),
            "box": db.session.get_one(Container, place.container_id).code,
            "approved": request.code,
            "company": first(select(Request.code).where(Request.organisation == "for-profit")),
            "handed_out": first(select(Sample.code).where(Sample.status == "handed_out")),
            "withdrawn": first(
                select(Sample.code).where(
                    Sample.id.in_(held), Sample.type == "Plasma", Sample.status == "available"
                )
            ),
            "patient": first(select(Patient.code).where(Patient.id.in_(taken_back))),
        }


def take(browser: Browser, address: str, picture: Picture, codes: dict[str, str]) -> None:
    context = browser.new_context(
        base_url=address,
        viewport=picture.size,
        device_scale_factor=1.5,
        locale="en-GB",
        reduced_motion="reduce",
    )
    page = context.new_page()
    sign_in(page, address, picture.role, PASSWORD)
    picture.steps(page, codes)
    if picture.height:
        page.set_viewport_size(picture.size | {"height": picture.height})
    path = FOLDER / f"{picture.name}.png"
    page.screenshot(path=path, clip=part(page, picture.only) if picture.only else None)
    context.close()
    smaller(path)


def smaller(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    click.echo(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB")


def part(page: Page, selector: str) -> FloatRect:
    """The part of the window that an element fills."""
    box, window = page.locator(selector).bounding_box(), page.viewport_size
    assert box is not None
    assert window is not None
    top = max(box["y"], 0.0)
    return {"x": box["x"], "y": top, "width": box["width"], "height": window["height"] - top}


if __name__ == "__main__":
    main(set(sys.argv[1:]))
