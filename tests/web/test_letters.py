"""Letters on paper: any text that a site can type, in the language asked for, and tables over several pages."""

import re

import pytest

from biobank.core.errors import Malformed
from biobank.web import letters
from tests import paper
from tests.conftest import make_app

TYPED = "L’œuvre d’Anne-Sophie, à Łódź: « źdźbło » – 3 µL ≥ 2 … Ωμέγα, Жизнь, ĳ, ẞ"


@pytest.fixture(scope="module")
def app():
    return make_app("sqlite://", bank_name="Biobanque de l’Institut")


def written(app, parts, address="/", title="A title", **told):
    with app.test_request_context(address), letters.in_language():
        return letters.make(title, parts, **told)


def test_what_people_type_stands_on_the_paper_to_the_letter(app):
    assert TYPED in paper.text(written(app, [TYPED]))


def test_letters_that_the_font_lacks_come_from_another_one(app):
    assert "☐ yes ▶ no" in paper.text(written(app, ["☐ yes ▶ no"]))


@pytest.mark.parametrize(
    "odd",
    [
        "日本語",
        "\N{PILE OF POO}",
        "مرحبا",
        "e\N{COMBINING ACUTE ACCENT}",
        "x" * 3000,
        "\n\n",
        "",
        "**a** __b__",
        "{nb}",
    ],
)
def test_nothing_that_can_be_typed_breaks_it(app, odd):
    table = letters.Table([odd, "Code"], [[odd[:300], "T1"]])
    assert "T1" in paper.text(written(app, [odd, table], title=odd or "-", to=odd))


def test_the_bank_the_day_and_the_number_of_the_page_stand_on_it(app, frozen_clock):
    said = paper.text(written(app, ["Hello"], to="Dr Recipient"))

    assert all(
        part in said
        for part in ("Biobanque de l’Institut", "14 March 2012", "Dr Recipient", "A title", "Page 1 of 1")
    )


def test_it_is_in_the_language_asked_for(app, frozen_clock):
    assert "14 mars 2012" in paper.text(written(app, ["x"], "/?language=fr"))
    assert "14 March 2012" in paper.text(written(app, ["x"], "/?language=en"))
    with pytest.raises(Malformed):
        written(app, ["x"], "/?language=xx")


def test_a_table_goes_on_over_pages_under_its_headings(app):
    rows = [
        [f"T{number:05d}", "a name that is too long for its column " * (number % 3)] for number in range(300)
    ]

    pdf = written(app, [letters.Table(["Code", "Who"], rows, widths=[1, 2])])

    said = paper.lines(pdf)
    pages = len(re.findall(rb"/Type /Page\n", pdf))
    assert pages > 3
    assert said.count("Code") == pages
    assert [line for line in said if line.startswith("T0")] == [row[0] for row in rows]


def test_there_is_a_line_for_each_to_sign_on(app):
    said = paper.lines(written(app, [letters.Signatures(["For the biobank", "Recipient"])]))
    assert {"For the biobank", "Recipient"} <= set(said)


def test_the_name_of_the_file_is_ours(app):
    with app.test_request_context("/"):
        answer = letters.answer(b"%PDF-1.3", "certificate-7")

    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="certificate-7.pdf"'
