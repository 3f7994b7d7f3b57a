"""The demonstration bank, read in French from page to page: no English sentence of the catalogue shows."""

import html
import re
from collections import defaultdict
from functools import cache

import pytest
from sqlalchemy import func, select

from biobank.access import recognition
from biobank.access import service as access
from biobank.bench import work
from biobank.consent.models import ConsentForm, Withdrawal
from biobank.core.db import db
from biobank.demo import plan
from biobank.demo import service as demo
from biobank.patients.models import Patient
from biobank.procedures import service as procedures
from biobank.racks import scans
from biobank.requests.models import Request
from biobank.samples.models import Hold, Sample
from biobank.storage.models import Container
from biobank.translations import catalogues
from biobank.web import sentences
from tests import people
from tests.conftest import close, make_app, migrate, new_database
from tests.factories import FormFactory, act
from tests.reading import visible

#: Pages that show names of the API or of the record, which are English words in every language.
OF_PROGRAMS = {"api_docs", "reports.audit_trail"}
#: Files, and the door, which whoever is inside does not see.
NOT_READ = {
    "bench.badge_card",
    "bench.command_sheet",
    "bench.station_card",
    "moves.route_sheet",
    "samples.due",
    "racks.file",
    "racks.picture",
    "printing.design_file",
    "printing.design_picture",
    "printing.label",
    "printing.print_css",
    "printing.sheet_file",
    "reports.throughput_file",
    "access.sign_in",
    "bootstrap.static",
    "static",
    "distribution.recall_letter",
    "withdrawal.destruction_certificate",
    "consent.document",
}
#: Shown as they are: our name, and what the demonstration's people are called.
NAMES = {"Biobank", *plan.USERS}
#: How many addresses of one kind somebody looks at, such as samples.
OF_EACH = 4


@pytest.fixture(scope="module")
def bank():
    """The demonstration bank with a draft of a consent form, once for this file: nothing here changes it."""
    with new_database("sqlite") as uri:
        migrate(uri)
        app = make_app(uri.render_as_string(hide_password=False))
        with app.app_context():
            demo.load()
            site = access.site_for(plan.SITES[0][0], people.TESTS)
            FormFactory(site=site, draft=True)
            work_at_the_bench(site.id)
            db.session.remove()
        yield app
        close(app)


def work_at_the_bench(site_id):
    """What the demonstration bank lacks: a file of a reader that nobody knows, a draft, the manager at the station."""
    manager = recognition.of_session(access.find_user("manager", people.TESTS).fs_uniquifier)
    worker = recognition.actor(manager, "session")
    box = db.session.scalars(select(Container).where(Container.name == "Plasma 1")).one()
    steps = [{"key": "01", "kind": "rest", "title": "Repos"}]
    act(scans.keep, content=b"x;y;z\n1;2;3\n", file_name="b.csv", source="upload", container=box, by=worker)
    act(procedures.draft, code="BROUILLON", title="Brouillon", steps=steps, site_id=site_id, by=worker)
    for key in ("one", "two"):
        act(work.heed, raw=box.code, key=key, by=worker)


def reader(app, name):
    """The browser of one of the bank's people, who reads French."""
    with app.app_context():
        browser = people.Browser(app, access.find_user(name, people.TESTS).fs_uniquifier)
    browser.get("/?lang=fr")
    return browser


@pytest.fixture
def starts(bank):
    """Where reading begins: home, and what no link leads to, or not soon."""
    with bank.app_context():
        samples = db.session.execute(select(Sample.status, func.max(Sample.code)).group_by(Sample.status))
        patient = db.session.scalars(select(Patient.code).join(Withdrawal)).first()
        things = [
            *(code for _status, code in samples),
            patient,
            db.session.scalars(select(Container.code)).first(),
            db.session.scalars(select(Request.code)).first(),
        ]
        held = db.session.scalars(select(Sample.code).join(Hold)).first()
        form = db.session.scalars(select(ConsentForm).where(ConsentForm.status == "draft")).one()
        db.session.remove()
    return [
        "/",
        *(f"/scan?raw={raw}" for raw in (*things, "NOTHING", "")),
        f"/samples/{held}",
        f"/patients/{patient}/consents",
        f"/patients/{patient}/withdrawals/confirm?scope=all&received_on=2026-01-02&fate=keep",
        f"/consent-forms/{form.code}/{form.version}",
    ]


@pytest.mark.parametrize("name", plan.USERS)
def test_nobody_meets_english_on_a_french_page(bank, starts, name):
    met = defaultdict(set)
    for endpoint, page in walk(bank, reader(bank, name), starts):
        assert '<html lang="fr"' in page
        met[endpoint] |= set() if endpoint in OF_PROGRAMS else english_of(page)
    assert {endpoint: texts for endpoint, texts in met.items() if texts} == {}


def test_somebody_is_led_to_every_page(bank, starts):
    """A page that nobody is led to would not be read above."""
    seen = {
        endpoint
        for name in ("administrator", "manager")
        for endpoint, _ in walk(bank, reader(bank, name), starts)
    }
    pages = {
        rule.endpoint
        for rule in bank.url_map.iter_rules()
        if "GET" in rule.methods and "." in rule.endpoint and not rule.rule.startswith("/api/")
    }
    assert pages - seen - NOT_READ == set()


def walk(app, browser, starts):
    """(endpoint, page) for every link that leads on from the start, a few of each kind."""
    urls = app.url_map.bind("localhost")
    waiting, known, visits = [*starts], {*starts}, defaultdict(int)
    while waiting:
        address = waiting.pop(0)
        endpoint, _values = urls.match(address.partition("?")[0])
        if endpoint in NOT_READ or (visits[endpoint] >= OF_EACH and address not in starts):
            continue
        visits[endpoint] += 1
        answer = browser.get(address)
        if answer.status_code in (302, 303):  # a page that leads on by itself
            waiting.insert(0, answer.location)
            continue
        if answer.mimetype != "text/html":
            continue
        yield endpoint, answer.text
        links = [
            html.unescape(link).partition("#")[0] for link in re.findall(r'href="(/[^"]*)"', answer.text)
        ]
        fresh = [link for link in dict.fromkeys(links) if link not in known]
        known.update(fresh)
        waiting += fresh


def english_of(page):
    """What of a page is English, though the catalogue has French for it. Codes of reasons are no words."""
    texts = set(visible(page)) - NAMES - sentences.known_codes()
    return {(text, said) for text in texts if (said := english_in(text))}


@cache
def messages():
    """What would be English on a French page: whole short texts, and sentences wherever they stand, with the longest
    stretch of each that nothing is put into."""
    short, long = {}, []
    for one in catalogues.messages(catalogues.read("fr")):
        for source, said in zip(catalogues.texts(one.id), catalogues.texts(one.string), strict=True):
            if source == said:
                continue
            literal = catalogues.PLACEHOLDER.sub("", source)
            if literal == source:
                short[source] = source
            if len(literal) > 18 and " " in literal.strip():
                stretch = max(catalogues.PLACEHOLDER.split(source), key=len)
                long.append((stretch.replace("%%", "%"), source))
    return short, long


@cache
def pattern_of(source):
    parts = (re.escape(part) for part in catalogues.PLACEHOLDER.split(source))
    return re.compile(".{1,80}?".join(parts).replace("%%", "%"))


@cache
def english_in(text):
    """The English message of the catalogue that shows in a text, or None."""
    short, long = messages()
    if text in short:
        return text
    found = (source for stretch, source in long if stretch in text and pattern_of(source).search(text))
    return next(found, None)


# --- refusals


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/samples/T00000000", 404, "L’échantillon T00000000 n’existe pas."),
        ("GET", "/nowhere", 404, "Il n’y a rien à l’adresse /nowhere."),
        ("GET", "/people", 403, "Vous ne pouvez pas faire cela"),
        ("POST", "/patients", 422, "Doit être l’une des valeurs"),
    ],
)
def test_a_refusal_is_a_page_in_french(bank, method, path, status, words):
    browser = reader(bank, "technician")
    answer = (
        browser.get(path)
        if method == "GET"
        else browser.post(path, {"code": "X-1", "sex": "?", "birth_year": "1950"})
    )

    assert answer.status_code == status
    assert words in answer.text
    assert english_of(answer.text) == set()


@pytest.mark.parametrize(
    "path",
    [
        "/account", "/consent-forms", "/containers", "/containers/{box}/fill", "/patients", "/people", "/pools",
        "/patients/{patient}/consents", "/patients/{patient}/withdrawals/check", "/requests/new", "/samples",
        "/samples/{sample}/aliquot", "/samples/{sample}/correct", "/samples/{sample}/derive",
        "/samples/{sample}/discard", "/samples/{sample}/hold", "/samples/{sample}/place", "/sites", "/studies",
        "/tokens",
    ],
)  # fmt: skip
def test_an_empty_form_is_sent_back_in_french(bank, path):
    with bank.app_context():
        sample = db.session.scalars(select(Sample).where(Sample.status == "available")).first()
        box = db.session.scalars(select(Container).where(Container.kind == "tube_box_9x9")).first()
        patient = db.session.scalars(select(Patient).where(Patient.site_id == sample.site_id)).first()
        address = path.format(sample=sample.code, box=box.code, patient=patient.code)
        db.session.remove()

    answer = reader(bank, "administrator").post(address)

    assert 400 <= answer.status_code < 500
    assert english_of(answer.text) == set()


def test_the_door_speaks_french_to_who_asks_for_it(bank):
    page = people.Browser(bank).get("/sign-in", headers={"Accept-Language": "fr-FR,fr;q=0.9"}).text

    assert '<html lang="fr"' in page
    assert "Mot de passe" in page
    assert english_of(page) == set()


def test_a_program_that_asks_for_french_is_told_in_french(bank):
    with bank.app_context():
        api = people.Api(bank, people.token("manager", site_code=plan.SITES[0][0]))
    french = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}

    missing = api.get("/samples/T00000000", headers=french)
    malformed = api.post(
        "/patients", {"sex": "female", "birth_year": "soon", "colour": 1, "code": "x" * 101}, headers=french
    )
    stranger = people.Api(bank, None).get("/samples/T00000000", headers=french)

    assert missing.json["detail"] == "L’échantillon T00000000 n’existe pas."
    assert missing.json["code"] == "sample_unknown"
    assert malformed.json["errors"] == {
        "birth_year": "Ce n’est pas un nombre entier valable.",
        "code": "Longueur supérieure au maximum de 100.",
        "colour": "Champ inconnu.",
    }
    assert stranger.json["detail"] == "Veuillez vous connecter."


def test_a_program_that_asks_for_nothing_is_told_in_english(bank):
    with bank.app_context():
        api = people.Api(bank, people.token("manager", site_code=plan.SITES[0][0]))

    assert api.get("/samples/T00000000").json["detail"] == "There is no sample T00000000."
