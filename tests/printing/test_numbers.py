"""Replaced numbers, numbers printed ahead and pair-scans, at the API and on the pages."""

from io import BytesIO
from urllib.parse import parse_qs, urlparse

import pytest

from biobank.core.db import db
from biobank.patients.models import Patient
from biobank.printing import checks
from biobank.procedures import kits
from biobank.samples.gate import donors_of
from biobank.samples.reading import find_sample, find_told
from tests import people
from tests.factories import BY, ConsentFactory, FormFactory, SampleFactory, StudyFactory, act

TUBES = [
    {"type": "WholeBlood", "label": "EDTA <1>", "count": 2, "volume_nl": 4_000_000},
    {"type": "Serum", "label": "Dry", "count": 1},
]


@pytest.fixture
def api(app_context):
    return people.api(app_context, "technician")


@pytest.fixture
def desk(app_context):
    return people.browser(app_context, "technician")


@pytest.fixture
def study(app_context):
    return StudyFactory()


@pytest.fixture
def kit(study):
    return act(kits.make_kit, code="V1", study=study, title="Visit <1>", visit="V1", tubes=TUBES)


def tube(app_context, **told):
    return SampleFactory(**told).code


# --- replaced


def test_a_program_replaces_a_number_and_meets_the_old_one_again(api, app_context):
    old = tube(app_context)

    answer = api.post(f"/samples/{old}/code-replacements", {"reason": "Label cannot be read"})

    assert answer.status_code == 201
    new = answer.json["new_code"]
    assert (answer.json["old_code"], answer.json["label"]["code"]) == (old, new)
    assert api.get(f"/samples/{new}").json["code"] == new
    for refused in (api.get(f"/samples/{old}"), api.get(f"/scan?raw={old}"), api.get(f"/labels/{old}.png")):
        assert (refused.status_code, refused.json["code"]) == (409, "code_replaced")
        assert (refused.json["new_code"], refused.json["why"]) == (new, "Label cannot be read")
    again = api.post(f"/samples/{old}/code-replacements", {"reason": "again"})
    assert again.json["code"] == "code_replaced"
    items = api.get(f"/samples/{new}/code-replacements").json["items"]
    assert [(each["old_code"], each["new_code"]) for each in items] == [(old, new)]
    assert [each["act"] for each in api.get(f"/samples/{new}/history").json["items"]][-1] == "code_replaced"


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 501}, {"reason": "x", "more": 1}]
)
def test_a_replacement_without_a_reason_is_malformed(api, app_context, body):
    assert api.post(f"/samples/{tube(app_context)}/code-replacements", body).status_code == 422


def test_the_page_of_the_old_number_is_red_and_leads_to_the_new_one(desk, app_context):
    old = tube(app_context, container_code="FD06299910")

    answer = desk.post(f"/samples/{old}/replace-code", {"reason": "<b>torn</b>", "sure": "true"})

    assert answer.status_code == 303
    assert parse_qs(urlparse(answer.location).query) == {"tube": ["FD06299910"]}
    new = find_sample("FD06299910", BY).code
    page = desk.get(f"/samples/{old}")
    assert page.status_code == 409
    assert 'class="alarm"' in page.text
    assert f'href="/samples/{new}"' in page.text
    assert "&lt;b&gt;torn" in page.text
    assert "<b>torn" not in page.text
    assert "not verified" in desk.get(f"/samples/{new}").text


def test_the_form_asks_for_a_reason_and_a_second_look(desk, app_context):
    code = tube(app_context)

    for fields in (
        {"reason": "torn"},
        {"sure": "true"},
        {"reason": "torn", "sure": "true", "new_code": "T1"},
    ):
        refused = desk.post(f"/samples/{code}/replace-code", fields)
        assert refused.status_code in (404, 422)
        assert "Replace the code" in refused.text
    assert find_sample(code, BY).code == code


# --- printed ahead


def test_numbers_are_allotted_printed_used_returned_and_voided(api, kit, study):
    patient = ConsentFactory(form=FormFactory(study=study)).patient
    answer = api.post("/label-allotments", {"kit": kit.number, "sets": 2, "note": "Ward 3"})
    assert answer.status_code == 201
    first, second, dry, *others = [each["number"] for each in answer.json["numbers"]]
    jobs = api.get("/labels/jobs").json["items"]
    assert {job["code"] for job in jobs} == {first, second, dry, *others}

    body = {"patient": patient.code, "study": study.code, "collected_precision": "unknown"}
    made = api.post("/samples", body | {"type": "WholeBlood", "code": first})
    assert (made.status_code, made.json["code"]) == (201, first)
    used = api.post("/samples", body | {"type": "WholeBlood", "code": first})
    assert (used.status_code, used.json["code"]) == (409, "number_used")
    assert api.post("/samples", body | {"type": "Plasma", "code": second}).json["code"] == "number_other_type"
    child = {"type": "WholeBlood", "code": second, "parents": [first]}
    assert list(api.post("/samples", child).json["errors"]) == ["code"]

    assert api.post("/label-allotments/returns", {"numbers": [second, dry]}).status_code == 200
    assert api.post("/label-allotments/sendings", {"numbers": [second]}).status_code == 200
    voided = api.post("/label-allotments/voids", {"numbers": [second], "reason": "Label is damaged"})
    assert [each["state"] for each in voided.json["items"]] == ["voided"]
    key = answer.json["id"]
    assert api.get(f"/label-allotments/{key}").json["counts"] == {
        "out": 3, "returned": 1, "used": 1, "voided": 1,
    }  # fmt: skip
    assert [each["id"] for each in api.get("/label-allotments").json["items"]] == [key]
    card = api.get(f"/scan?raw={dry}").json
    assert (card["kind"], card["card"]["label"], card["card"]["place"]) == ("allotted", "Dry", 3)
    assert api.get(f"/scan?raw={second}").json["code"] == "number_void"


def of_the_bank(app):
    """The codes of a tube and a kit, made with no context left open: each answer asks anew who is there."""
    with app.app_context():
        study = StudyFactory()
        kit = act(kits.make_kit, code="V1", study=study, title="Visit 1", visit="V1", tubes=TUBES)
        return SampleFactory().code, kit.number


def test_another_site_sees_and_changes_nothing(app):
    code, kit = of_the_bank(app)
    api = people.api(app, "technician")
    key = api.post("/label-allotments", {"kit": kit}).json["id"]
    numbers = [each["number"] for each in api.get(f"/label-allotments/{key}").json["numbers"]]
    other = people.api(app, "technician", site_code="IUCT")

    assert other.get("/label-allotments").json["items"] == []
    assert other.get(f"/label-allotments/{key}").status_code == 404
    assert other.post("/label-allotments", {"kit": kit}).status_code == 404
    for path, body in (
        (f"/samples/{code}/code-replacements", {"reason": "x"}), (f"/samples/{code}/label-checks", {"read": code}),
        ("/label-checks", {"known_by": code, "read": code}),
    ):  # fmt: skip
        assert other.post(path, body).status_code == 404
    for path, more in (("returns", {}), ("voids", {"reason": "x"}), ("sendings", {})):
        answer = other.post(f"/label-allotments/{path}", {"numbers": numbers} | more)
        assert (answer.status_code, answer.json["code"]) == (404, "number_unknown")
    assert other.get(f"/scan?raw={numbers[0]}").status_code == 404


def test_labels_are_printed_ahead_on_the_pages(desk, kit):
    assert desk.get("/labels/allotments/new").status_code == 200
    for wrong in (
        {"kit": kit.number, "sets": "900"}, {"kit": kit.number, "sets": "x"}, {"kit": "nothing", "sets": "1"},
        {"count": "0"}, {},
    ):  # fmt: skip
        assert desk.post("/labels/allotments", wrong).status_code in (404, 422), wrong

    made = desk.post("/labels/allotments", {"kit": kit.number, "sets": "2", "note": "<i>Ward</i>"})

    assert made.status_code == 303
    page = desk.get(made.location).text
    assert "EDTA &lt;1&gt;" in page
    assert "EDTA <1>" not in page
    listed = desk.get("/labels/allotments").text
    assert "Visit &lt;1&gt;" in listed
    assert "&lt;i&gt;Ward" in listed


def test_labels_that_come_back_are_scanned_one_after_the_other(api, desk, kit):
    numbers = [each["number"] for each in api.post("/label-allotments", {"kit": kit.number}).json["numbers"]]

    answer = desk.post("/labels/allotments/scan", {"way": "return", "raw": numbers[0]})
    asked = parse_qs(urlparse(answer.location).query)
    answer = desk.post(
        "/labels/allotments/scan", {"way": "return", "raw": numbers[1], "done": asked["done"][0]}
    )
    page = desk.get(answer.location).text
    assert numbers[0] in page
    assert numbers[1] in page
    again = desk.post("/labels/allotments/scan", {"way": "return", "raw": numbers[0]})
    assert (again.status_code, "came back already" in again.text) == (409, True)
    assert desk.post("/labels/allotments/scan", {"way": "return", "raw": "T99"}).status_code == 404

    assert desk.post("/labels/allotments/scan", {"way": "void", "raw": numbers[0]}).status_code == 422
    voided = desk.post("/labels/allotments/scan", {"way": "void", "raw": numbers[0], "reason": "Lost"})
    assert parse_qs(urlparse(voided.location).query)["reason"] == ["Lost"]
    for way in ("send", "void", "return", "nonsense"):
        assert desk.get(f"/labels/allotments/scan?way={way}").status_code == 200


# --- verified


def test_a_program_verifies_a_pair(api, app_context):
    right, wrong = (
        tube(app_context, container_code="FD06299910"), tube(app_context, container_code="FD06299911"),
    )  # fmt: skip

    swapped = api.post("/label-checks", {"known_by": "FD06299910", "read": wrong})
    assert (swapped.status_code, swapped.json["code"]) == (409, "label_mismatch")
    assert (swapped.json["expected"], swapped.json["read"]) == (right, wrong)

    answer = api.post("/label-checks", {"known_by": "FD06299910", "read": right})
    assert (answer.status_code, answer.json["sample"], answer.json["known_by"]) == (201, right, "FD06299910")
    assert api.post("/label-checks", {"known_by": wrong, "read": wrong}).json["code"] == "pair_label_first"
    other = api.post(f"/samples/{right}/label-checks", {"known_by": "FD06299911", "read": right})
    assert other.json["code"] == "pair_other_tube"
    assert api.get(f"/samples/{right}").status_code == 200
    assert checks.verified([find_sample(code, BY).id for code in (right, wrong)]) == {
        find_sample(right, BY).id
    }


def scan(desk, raw, **kept):
    """One scan on the page; gives the page that follows."""
    answer = desk.post("/labels/verify", {"raw": raw} | kept)
    if answer.status_code != 303:
        return answer, kept
    asked = {name: values[0] for name, values in parse_qs(urlparse(answer.location).query).items()}
    return desk.get(answer.location), {name: asked[name] for name in ("tube", "patient") if name in asked}


def test_a_tube_and_then_its_label_and_a_swap_is_red(desk, app_context):
    right, wrong = (
        tube(app_context, container_code="FD06299910"), tube(app_context, container_code="FD06299911"),
    )  # fmt: skip

    page, kept = scan(desk, "FD06299910")
    assert kept == {"tube": "FD06299910"}
    assert right in page.text

    page, _ = scan(desk, wrong, **kept)
    assert (page.status_code, 'class="alarm"' in page.text) == (409, True)
    assert "/samples/" + wrong + "/non-conformity" in page.text
    page, kept = scan(desk, right, **kept)
    assert (page.status_code, kept, 'class="alarm"' in page.text) == (200, {}, False)

    page, kept = scan(desk, "FD06299911", tube="FD06299910")  # another tube: the first one is left as it is
    assert kept == {"tube": "FD06299911"}


def test_the_labels_of_a_patient_are_counted_down_and_anothers_tube_is_stopped(desk, api, app_context):
    mine, other = SampleFactory(container_code="FD1"), SampleFactory(container_code="FD2")
    api.post("/labels/jobs", {"codes": [mine.code]})
    patient = db.session.get_one(Patient, next(iter(donors_of([mine.id])[mine.id])))

    page, kept = scan(desk, patient.code)
    assert kept == {"patient": patient.code}
    assert "1 label to verify" in page.text
    page, _ = scan(desk, "FD2", **kept)
    assert (page.status_code, "is not a tube of" in page.text) == (409, True)
    page, kept = scan(desk, "FD1", **kept)
    page, kept = scan(desk, mine.code, **kept)
    assert "Every label" in page.text
    assert other.code not in page.text


def test_a_tube_that_nothing_else_tells_is_verified_by_its_label(desk, app_context):
    code = tube(app_context)

    page, kept = scan(desk, code)

    assert (page.status_code, kept) == (200, {})
    assert checks.verified([find_sample(code, BY).id])


def test_the_old_label_tells_which_tube_it_is(desk, app_context):
    old = tube(app_context)
    answer = desk.post(f"/samples/{old}/replace-code", {"reason": "torn", "sure": "true"})

    page, kept = desk.get(answer.location), {"tube": old}
    new = find_told(old, BY).code
    assert new in page.text
    page, _ = scan(desk, old, **kept)
    assert page.status_code == 409
    page, kept = scan(desk, new, tube=old)
    assert (page.status_code, kept) == (200, {})


# --- who may


@pytest.mark.parametrize("role", ["researcher", "committee", "dpo"])
def test_who_may_not_print_labels_does_none_of_it(app, role):
    code, kit = of_the_bank(app)
    program, desk = people.api(app, role), people.browser(app, role)

    for path, body in (
        (f"/samples/{code}/code-replacements", {"reason": "x"}), ("/label-allotments", {"kit": kit}),
        ("/label-allotments/returns", {"numbers": ["T1"]}), ("/label-checks", {"known_by": code, "read": code}),
    ):  # fmt: skip
        assert program.post(path, body).status_code == 403
    for path in (
        "/labels/verify",
        "/labels/allotments",
        f"/samples/{code}/replace-code",
        "/labels/allotments/scan",
    ):
        assert desk.get(path).status_code == 403
        assert desk.post(path, {"raw": code}).status_code in (403, 405)


def test_a_form_that_is_not_ours_changes_nothing(desk, app_context):
    code = tube(app_context)
    for path in (
        f"/samples/{code}/replace-code",
        "/labels/allotments",
        "/labels/allotments/scan",
        "/labels/verify",
    ):
        answer = desk.client.post(path, data={"reason": "x", "sure": "true", "count": "1", "raw": code})
        assert answer.status_code == 400
    assert find_sample(code, BY).code == code


def test_a_rack_that_holds_a_tube_with_its_old_label_says_what_it_is_called_now(app):
    code, _kit = of_the_bank(app)
    api = people.api(app, "manager")
    box = api.post("/containers", {"kind": "tube_box_9x9", "name": "Box"}).json["code"]
    new = api.post(f"/samples/{code}/code-replacements", {"reason": "torn"}).json["new_code"]
    (ahead,) = api.post("/label-allotments", {"count": 1, "print": False}).json["numbers"]

    content = f"A1,{code}\nA2,{ahead['number']}\n".encode()
    answer = api.open("POST", f"/containers/{box}/rack-scans", data={"file": (BytesIO(content), "rack.csv")})

    assert answer.status_code in (200, 201)
    told = {each["position"]: each for each in answer.json["positions"] if each["state"] == "error"}
    assert (told["A01"]["reason"]["code"], new in told["A01"]["reason"]["text"]) == ("code_replaced", True)
    assert told["A02"]["reason"]["code"] == "number_on_no_tube"
