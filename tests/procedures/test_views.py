"""Procedures and kits over the API and on their pages: write, bring into force, retire; what is wrong is named."""

import pytest

from tests import people
from tests.factories import StudyFactory
from tests.reading import visible


def words(page):
    """Everything that is read on a page, as one text."""
    return " ".join(visible(page))


STEPS = [
    {"key": "spin", "kind": "spin", "title": "Spin", "since": "collection", "start_within_min": 30, "min_minutes": 15},
    {"key": "aliquot", "kind": "aliquot", "title": "Aliquots",
     "parts": [{"count": 8, "volume_ul": 500.5, "type": "Plasma"}]},
]  # fmt: skip
PLASMA = {"code": "SOP-PLASMA", "title": "Plasma", "steps": STEPS}


@pytest.fixture
def api(app):
    return people.api(app, "manager")


@pytest.fixture
def study(app):
    with app.app_context():
        return StudyFactory(code="COLIBRI").code


def ok(response):
    assert response.status_code in (200, 201), response.get_data(as_text=True)
    return response.json


def test_a_procedure_comes_into_force_and_speaks_in_microlitres(api):
    made = ok(api.post("/procedures", PLASMA))

    assert (made["version"], made["state"], made["number"][0]) == (1, "in_force", "X")
    assert made["steps"][1]["parts"] == [{"count": 8, "volume_ul": 500.5, "type": "Plasma"}]
    assert ok(api.get(f"/procedures/{made['number']}")) == ok(api.get("/procedures/SOP-PLASMA")) == made
    assert ok(api.get("/procedures?code=SOP-PLASMA"))["items"] == [made]


def test_a_draft_is_edited_brought_into_force_and_retired(api):
    first = ok(api.post("/procedures", PLASMA))
    draft = ok(api.post("/procedures", PLASMA | {"draft": True}))["number"]
    assert ok(api.put(f"/procedures/{draft}", {"title": "Better", "steps": STEPS[:1]}))["title"] == "Better"

    assert ok(api.post(f"/procedures/{draft}/in-force"))["version"] == 2
    assert ok(api.get(f"/procedures/{first['number']}"))["state"] == "retired"
    assert ok(api.post(f"/procedures/{draft}/retire"))["state"] == "retired"
    refused = api.put(f"/procedures/{draft}", {"title": "Late", "steps": STEPS})
    assert (refused.status_code, refused.json["code"]) == (409, "procedure_not_draft")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [{"key": "a", "kind": "spin"}]}, "steps.0.title"),
        ({"steps": [STEPS[0] | {"max_minutes": 3}]}, "steps.0.max_minutes"),
        ({"steps": [STEPS[0] | {"min_minutes": "15"}]}, "steps.0.min_minutes"),
        ({"steps": [STEPS[1] | {"parts": [{"count": 1, "volume_ul": "much"}]}]}, "steps.0.parts"),
        ({"steps": [STEPS[0] | {"colour": "red"}]}, "steps.0.colour"),
        ({"code": "SOP/1"}, "code"),
        ({"title": "a\x00"}, "title"),
        ({"site": "NOWHERE"}, "site"),
    ],
)
def test_what_is_wrong_with_a_procedure_is_named(api, change, field):
    refused = api.post("/procedures", PLASMA | change)

    assert refused.status_code == 422, refused.text
    assert field in refused.json["errors"]
    assert ok(api.get("/procedures"))["items"] == []


def test_a_technician_reads_procedures_and_writes_none(app):
    api = people.api(app, "technician")

    assert ok(api.get("/procedures"))["items"] == []
    assert api.post("/procedures", PLASMA).status_code == 403
    assert api.get("/procedures/SOP-NONE").json["code"] == "procedure_unknown"


def test_a_kit_is_set_up_and_retired(api, study):
    ok(api.post("/procedures", PLASMA))
    told = {"code": "C1", "study": study, "title": "Inclusion", "visit": "V1", "procedure": "SOP-PLASMA",
            "tubes": [{"type": "WholeBlood", "label": "EDTA", "count": 2, "volume_ul": 4000}]}  # fmt: skip
    kit = ok(api.post("/kits", told))

    assert (kit["number"][0], kit["tubes"][0]["volume_ul"], kit["procedure"]) == ("Y", 4000, "SOP-PLASMA")
    assert ok(api.get(f"/kits?study={study}"))["items"] == [kit]
    assert ok(api.post(f"/kits/{kit['number']}/retire"))["retired_at"]
    assert api.post("/kits", told).json["code"] == "kit_code_taken"
    assert api.post("/kits", told | {"code": "C2", "tubes": [{"type": "Soup"}]}).json["errors"].keys() == {
        "tubes.0.type"
    }
    assert api.post("/kits", told | {"code": "C2", "procedure": "SOP-?"}).status_code == 404


def test_the_cards_can_be_scanned(api, study):
    procedure = ok(api.post("/procedures", PLASMA))
    kit = ok(api.post("/kits", {"code": "C1", "study": study, "title": "I", "tubes": [{"type": "Serum"}]}))

    for number, expected in ((procedure["number"], "SOP-PLASMA"), (kit["number"], "C1")):
        card = api.get(f"/labels/{number}.svg")
        assert card.status_code == 200
        assert expected in card.text


# --- pages

TYPED = {
    "code": "SOP-PLASMA",
    "title": "Plasma",
    "steps.0.key": "spin", "steps.0.kind": "spin", "steps.0.title": "Spin", "steps.0.since": "collection",
    "steps.0.start_within_min": "30", "steps.0.min_minutes": "15", "steps.0.temperature_c": "−4",
    "steps.1.key": "aliquot", "steps.1.kind": "aliquot", "steps.1.title": "Aliquots",
    "steps.1.parts": "8 × 500 µL Plasma\n1 x 1000 uL",
    "steps.2.kind": "", "steps.2.title": "",
}  # fmt: skip


def test_a_procedure_is_written_on_its_page_and_put_in_force(app):
    browser = people.browser(app, "manager")
    assert browser.get("/procedures/new").status_code == 200

    kept = browser.post("/procedures", TYPED)
    assert kept.status_code == 303, kept.text
    page = kept.headers["Location"]
    browser.post(f"{page}/in-force")

    shown = words(browser.get(page).text)
    for expected in (
        "in force",
        "begins at most 30 min after the draw",
        "8 × 500 µL Plasma",
        "1 × 1000 µL",
        "at −4 °C",
    ):
        assert expected in shown
    assert "SOP-PLASMA" in browser.get("/procedures").text


def test_a_draft_is_corrected_and_what_was_typed_is_not_lost(app):
    browser = people.browser(app, "manager")
    refused = browser.post("/procedures", TYPED | {"steps.0.min_minutes": "soon", "steps.1.key": "spin"})
    assert refused.status_code == 422
    assert 'value="soon"' in refused.text

    page = browser.post("/procedures", TYPED).headers["Location"]
    edit = browser.get(f"{page}/edit").text
    assert "8 × 500 µL Plasma" in edit
    assert browser.post(f"{page}/edit", TYPED | {"title": "Other"}).status_code == 303
    assert "Other" in words(browser.get(page).text)
    assert browser.post(f"{page}/edit", {"title": "None"}).status_code == 422


def test_the_next_version_begins_with_the_steps_of_the_last(app):
    browser = people.browser(app, "manager")
    page = browser.post("/procedures", TYPED).headers["Location"]
    browser.post(f"{page}/in-force")

    assert 'value="Aliquots"' in browser.get(f"/procedures/new?like={page.rsplit('/', 1)[-1]}").text
    second = browser.post("/procedures", TYPED).headers["Location"]
    browser.post(f"{second}/in-force")
    browser.post(f"{second}/retire")
    assert words(browser.get(page).text).count("no longer followed") >= 2


def test_a_kit_is_set_up_on_its_page(app, study):
    browser = people.browser(app, "manager")
    browser.post(browser.post("/procedures", TYPED).headers["Location"] + "/in-force")
    typed = {
        "code": "C1", "title": "Inclusion", "study": study, "visit": "V1", "procedure": "SOP-PLASMA",
        "tubes.0.type": "WholeBlood", "tubes.0.count": "2", "tubes.0.label": "EDTA", "tubes.0.volume_ul": "4000",
        "tubes.0.vessel": "tube", "tubes.1.count": "1", "tubes.1.vessel": "tube",
    }  # fmt: skip
    assert browser.get("/kits/new").status_code == 200

    refused = browser.post("/kits", typed | {"tubes.0.count": "0"})
    assert (refused.status_code, 'value="EDTA"' in refused.text) == (422, True)
    page = browser.post("/kits", typed).headers["Location"]
    shown = words(browser.get(page).text)
    assert "EDTA" in shown
    assert "SOP-PLASMA" in shown
    browser.post(f"{page}/retire")
    assert "no longer used" in words(browser.get(page).text)
    assert "C1" in browser.get("/kits").text
