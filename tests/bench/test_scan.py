"""One place for every scan: whatever code it is, by whatever scanner, over the API and on the page."""

import pytest
from flask import g
from sqlalchemy import func, select

from biobank.access import badges, stations
from biobank.bench import commands
from biobank.core import codes, scans
from biobank.core.db import db, unit_of_work
from biobank.core.errors import NotFound, RuleViolation
from biobank.core.readings import FRENCH_TO_US, US_TO_FRENCH
from biobank.core.scans import OddScan
from biobank.procedures import kits
from biobank.procedures import service as procedures
from biobank.requests.models import Request
from biobank.storage.kinds import kind_of
from biobank.storage.position_codes import position_code
from tests import people
from tests.factories import ContainerFactory, PatientFactory, SampleFactory, SiteFactory, StudyFactory, act
from tests.storage.test_service import Statements

STEPS = [{"key": "spin", "kind": "spin", "title": "First spin", "min_minutes": 10, "max_minutes": 15}]
TUBES = [{"type": "WholeBlood", "label": "EDTA", "count": 2, "volume_nl": 4_000_000}]
GTIN = "03453120000011"


@pytest.fixture
def api(app):
    return people.api(app, "technician")


@pytest.fixture
def page(app):
    return people.browser(app, "technician")


@pytest.fixture
def here(app_context):
    """The app's context, for making things."""


def odd(**columns):
    db.session.rollback()
    query = select(OddScan).order_by(OddScan.id)
    return [row for row in db.session.scalars(query) if all(getattr(row, k) == v for k, v in columns.items())]


def another_asks():
    """The context of the app outlives a request here, and remembers who asked and what was read."""
    g.pop("actor", None)
    db.session.rollback()


def things():
    """One of each kind: what is scanned, the kind and code of the answer, its first act."""
    tube = SampleFactory(container_code="FX05653780")
    box = ContainerFactory()
    unit_of_work(lambda: codes.register("RACK-0042", "rack", box.id, box.site_id))
    patient, site = PatientFactory(), SiteFactory()
    procedure = act(procedures.make, code="SOP", title="Plasma", steps=STEPS, site_id=site.id)
    kit = act(kits.make_kit, code="V1", study=StudyFactory(), title="Visit 1", visit="V1", tubes=TUBES)
    station = act(stations.make_station, site=site, name="Reception bench")
    somebody = people.user("technician")
    badge = act(badges.issue_badge, user=somebody)
    place = position_code(box.code, kind_of(box), "B7")
    return [
        (tube.code, "sample", tube.code),
        ("FX05653780", "sample", tube.code),
        (box.code, "container", box.code),
        ("RACK-0042", "container", box.code),
        (place, "position", place),
        (patient.code, "patient", patient.code),
        (procedure.number, "procedure", procedure.number),
        (kit.number, "kit", kit.number),
        (station.code, "station", station.code),
        (badge, "user", badge),
        (commands.number_of("take_out"), "command", commands.number_of("take_out")),
        (commands.number_of("volume", number=350), "command", commands.number_of("volume", number=350)),
        (f"]d201{GTIN}10LOT1\x1d17491231", "reagent", GTIN),
    ]


def test_every_kind_of_code_has_its_card_over_the_api_and_on_the_page(here, api, page):
    for raw, kind, code in things():
        answer = api.get("/scan", query_string={"raw": raw})
        assert answer.status_code == 200, (raw, answer.json)
        assert (answer.json["kind"], answer.json["code"]) == (kind, code)
        assert {"card", "actions", "repaired_from"} <= set(answer.json)
        assert page.get("/scan", query_string={"raw": raw}).status_code == 200, raw
    assert odd() == []


def test_every_code_of_ours_is_known_by_a_badly_set_scanner_too_and_it_is_said_and_kept(here, api, page):
    for raw, kind, code in things():
        if "\x1d" in raw or raw[0] not in "TKPXYJN":
            continue
        received = f"]C0{raw}".translate(US_TO_FRENCH)
        answer = api.get("/scan", query_string={"raw": received}).json
        assert (answer["kind"], answer["code"], answer["repaired_from"]) == (kind, code, received)
        assert answer["fault"] == "us_scanner_on_french_pc"
        assert odd(raw=received, read=code, kind="repaired")[0].settled_at is not None
    shown = page.get("/scan", query_string={"raw": received}).text
    assert "understood as" in shown
    assert "/station/test" in shown


def test_a_pick_list_leads_to_its_request(here, app, api):
    site, somebody = SiteFactory(), people.user("researcher")
    (number,) = unit_of_work(lambda: codes.issue("request", "IPC"))

    def ask():
        asked = Request(
            site_id=site.id, code=number, researcher_id=somebody.id, title="t", purposes=["HMB"],
            organisation="unknown", terms={}, status="approved", recorded_at=scans.clock.now(),
        )  # fmt: skip
        db.session.add(asked)
        db.session.flush()
        codes.register(number, "request", asked.id, site.id)

    unit_of_work(ask)

    answer = api.get(f"/scan?raw={number}L").json

    assert (answer["kind"], answer["code"], answer["actions"]) == ("pick_list", f"{number}L", ["pick"])
    assert answer["card"]["request"] == number


def test_a_place_that_the_box_has_not_is_unknown(here, api):
    box = ContainerFactory()

    assert api.get(f"/scan?raw={box.code}P81").status_code == 200
    assert api.get(f"/scan?raw={box.code}P82").json["code"] == "unknown_code"


def test_a_place_says_what_stands_there(here, api):
    box, tube = ContainerFactory(), SampleFactory()
    box_code, tube_code = box.code, tube.code
    assert api.put(f"/containers/{box_code}/positions/A3", {"sample": tube_code}).status_code == 201

    card = api.get(f"/scan?raw={box_code}P03").json["card"]

    assert (card["place"], card["occupant"]) == ("A03", {"sample": tube_code})


def test_a_card_of_a_container_has_one_way_to_open_it(here, page):
    box = ContainerFactory()

    shown = page.get(f"/scan?raw={box.code}").text

    assert shown.count(f'href="/containers/{box.code}"') == 1
    assert shown.count("data-enter") == 1


# --- reagents


@pytest.mark.parametrize(
    ("raw", "expired", "told"),
    [
        (f"]d201{GTIN}17491231" + "10L1", False, "Good for"),
        (f"]C101{GTIN}1720010110L1", True, "Expired"),
        (f"01{GTIN}10L1", None, "names no expiry"),
        (f"$dé01{GTIN}17491231".replace("01", "à&", 1), None, None),
    ],
)
def test_a_reagent_says_until_when_it_is_good(here, api, page, raw, expired, told):
    if told is None:
        raw = f"]d201{GTIN}17491231".translate(US_TO_FRENCH)
        expired, told = False, "Good for"

    answer = api.get("/scan", query_string={"raw": raw}).json

    assert (answer["kind"], answer["code"], answer["card"]["expired"]) == ("reagent", GTIN, expired)
    shown = page.get("/scan", query_string={"raw": raw}).text
    assert told in shown
    assert ("tone-no" in shown) is bool(expired)


def test_a_lot_and_a_serial_that_cannot_be_told_apart_are_shown_as_such(here, api, page):
    raw = f"]d201{GTIN}1749123110ABC21XYZ"

    card = api.get("/scan", query_string={"raw": raw}).json["card"]

    assert (card["lot"], card["serial"], len(card["either"])) == (None, None, 2)
    assert "ABC or ABC21XYZ" in page.get("/scan", query_string={"raw": raw}).text


def test_a_misread_product_is_refused_with_the_reason(here, api):
    answer = api.get("/scan", query_string={"raw": f"]d201{GTIN[:-1]}9"})

    assert (answer.status_code, answer.json["code"]) == (404, "unknown_code")
    assert answer.json["reasons"][0]["code"] == "gs1_check_digit_wrong"
    assert odd(kind="misread")


def test_a_tube_is_known_by_the_serial_number_in_its_gs1_code_or_by_the_whole(here, api):
    by_serial = SampleFactory(container_code="SN0001234")
    whole = f"01{GTIN}21SN99"
    by_whole = SampleFactory(container_code=whole)

    assert api.get("/scan", query_string={"raw": f"]d201{GTIN}21SN0001234"}).json["code"] == by_serial.code
    assert api.get("/scan", query_string={"raw": whole}).json["code"] == by_whole.code


# --- two readings


@pytest.fixture
def twins(here):
    """Two tubes whose codes are the same keys on the two keyboards."""
    return SampleFactory(container_code="AQUA"), SampleFactory(container_code="QAUQ")


def test_two_readings_are_refused_and_both_are_shown(api, page, twins):
    answer = api.get("/scan?raw=AQUA")

    assert (answer.status_code, answer.json["code"]) == (409, "ambiguous_scan")
    assert "AQUA" in answer.json["detail"]
    assert "QAUQ" in answer.json["detail"]
    shown = page.get("/scan?raw=AQUA").text
    assert "raw=QAUQ&amp;exact=1" in shown
    assert odd(kind="ambiguous")


def test_who_looks_at_the_tube_chooses_the_right_one_by_eye_and_it_is_kept_as_typed(api, page, twins):
    assert page.get("/scan?raw=QAUQ&exact=1").status_code == 200
    assert api.get("/scan?raw=QAUQ&exact=true").json["code"] == twins[1].code
    assert {row.raw for row in odd(kind="typed")} == {"QAUQ"}


def test_with_only_one_of_them_here_the_other_reading_is_repaired(here, api):
    tube = SampleFactory(container_code="QAUQ")

    answer = api.get("/scan?raw=AQUA").json

    assert (answer["code"], answer["repaired_from"]) == (tube.code, "AQUA")


# --- acts that take a clean reading


@pytest.mark.parametrize("keyboard", [US_TO_FRENCH, FRENCH_TO_US])
def test_what_is_destroyed_and_fetched_takes_a_clean_reading(here, keyboard):
    tube, by = SampleFactory(), people.actor("technician")

    with pytest.raises(RuleViolation) as refused:
        scans.meant(tube.code.translate(keyboard), by, clean=True)

    assert (refused.value.code, refused.value.params["read"]) == ("clean_reading_needed", tube.code)
    assert scans.meant(tube.code, by, clean=True).found.target_id == tube.id


# --- what is kept


def test_a_clean_scan_writes_nothing_and_asks_no_more_than_before(here):
    tube, by = SampleFactory(), people.actor("technician")
    scans.meant(tube.code, by)

    with Statements() as sent:
        scans.meant(tube.code, by)

    assert len(sent) == 1


def test_an_unknown_code_is_kept_once_until_it_is_settled(here, api):
    for _ in range(3):
        assert api.get("/scan?raw=HELLO-1").status_code == 404
    assert api.get("/scan?raw=T00421737").status_code == 404

    told = api.get("/odd-scans").json["items"]
    assert [(each["raw"], each["kind"]) for each in told] == [
        ("T00421737", "misread"),
        ("HELLO-1", "unknown"),
    ]


def test_an_unrecognised_scan_is_settled_by_what_it_was_or_dismissed(here, api, page):
    tube = SampleFactory()
    api.get("/scan?raw=HELLO-1")
    api.get("/scan?raw=HELLO-2")
    second, first = (each["id"] for each in api.get("/odd-scans").json["items"])

    assert "Not recognised today" in page.get("/scan/not-recognised").text
    assert page.post(f"/scan/not-recognised/{first}", {"was": tube.code}).status_code == 303
    assert page.post(f"/scan/not-recognised/{second}", {"dismiss": "1"}).status_code == 303

    assert [(row.raw, row.read) for row in odd()] == [("HELLO-1", tube.code), ("HELLO-2", None)]
    assert all(row.settled_at for row in odd())
    assert api.get("/odd-scans").json["items"] == []
    again = api.post(f"/odd-scans/{first}/settle", {"was": tube.code})
    assert (again.status_code, again.json["code"]) == (409, "odd_scan_settled")


def test_what_nobody_knows_settles_nothing(here, api, page):
    api.get("/scan?raw=HELLO-1")
    (waiting,) = api.get("/odd-scans").json["items"]

    assert api.post(f"/odd-scans/{waiting['id']}/settle", {"was": "NOTHING"}).status_code == 404
    assert page.post(f"/scan/not-recognised/{waiting['id']}", {"was": "NOTHING"}).status_code == 404
    assert len(api.get("/odd-scans").json["items"]) >= 1


def test_another_site_sees_none_of_them(here, app, api):
    api.get("/scan?raw=HELLO-1")
    (waiting,) = api.get("/odd-scans").json["items"]
    lyon = people.api(app, "technician", site_code="LYON")
    another_asks()

    assert lyon.get("/odd-scans").json["items"] == []
    assert lyon.post(f"/odd-scans/{waiting['id']}/settle", {}).status_code == 404


def test_a_scan_in_a_refused_act_is_kept_although_the_act_is_not(here):
    tube, by = SampleFactory(), people.actor("technician")

    def refused():
        scans.meant(tube.code.translate(US_TO_FRENCH), by)
        raise RuleViolation("position_taken")

    with pytest.raises(RuleViolation, match="position_taken"):
        unit_of_work(refused)

    assert [row.read for row in odd()] == [tube.code]


def test_an_unknown_code_in_an_act_is_kept_and_one_of_another_kind_is_not(here):
    patient, by = PatientFactory(), people.actor("technician")

    for raw in ("HELLO-1", patient.code):
        with pytest.raises(NotFound, match="unknown_code"):
            unit_of_work(lambda raw=raw: scans.meant(raw, by, kinds=("sample",)))

    assert [(row.raw, row.kind) for row in odd()] == [("HELLO-1", "unknown")]


def test_the_station_is_kept_with_the_scan(here, app, api):
    station = act(stations.make_station, site=SiteFactory(), name="Bench 2")

    api.get("/scan?raw=HELLO-1", headers=api.headers | {"X-Station": station.code})
    another_asks()
    api.get("/scan?raw=HELLO-2", headers=api.headers | {"X-Station": "J99999999"})

    assert {row.raw: row.station for row in odd()} == {"HELLO-1": station.code, "HELLO-2": None}


def test_a_void_code_says_so(here, api):
    site = SiteFactory()
    somebody = people.user("technician")
    old = act(badges.issue_badge, user=somebody)
    new = act(badges.issue_badge, user=somebody)

    assert api.get(f"/scan?raw={old}").json["code"] == "code_voided"
    assert api.get(f"/scan?raw={new}").json["card"]["name"] == somebody.name
    assert db.session.scalar(select(func.count()).select_from(OddScan)) == 0
    assert site.id


def test_a_researcher_sees_no_scan_field(app):
    assert "data-scan" not in people.browser(app, "researcher").get("/").text
    assert "data-scan" in people.browser(app, "technician").get("/samples").text


@pytest.mark.parametrize("raw", ["", " ", "\t\r\n", "A" * 300, "HA\x1d112", "HA\x01112", "\u200b"])
def test_what_no_scanner_sends_is_said_with_its_field(here, api, page, raw):
    assert api.get("/scan", query_string={"raw": raw}).status_code == 422
    assert page.get("/scan", query_string={"raw": raw}).status_code == 422
    assert odd() == []
