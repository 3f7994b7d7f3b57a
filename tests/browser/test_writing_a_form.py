"""A consent form is written in the browser: what is typed shows as the patient will read it, in both languages."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_what_is_typed_shows_at_once_as_the_patient_reads_it(desk):
    page = desk("manager")
    page.goto("/consent-forms/new")
    page.get_by_label("Form", exact=True).fill("WRITTEN")
    page.get_by_label("Version").fill("1")
    page.get_by_label("Title").fill("For research")
    page.locator("[name='clauses.0.key']").fill("research")
    page.locator("[name='clauses.0.text']").fill("My samples may serve research.")
    page.locator("[name='clauses.0.text_fr']").fill("Mes échantillons peuvent servir.")
    page.locator("[name='clauses.0.if_granted.0.term']").select_option("DS")
    page.locator("[name='clauses.0.if_granted.0.names']").fill("C50")

    english, french = page.locator("#preview [lang=en]").first, page.locator("#preview section[lang=fr]")
    expect(english).to_contain_text("My samples may serve research.")
    expect(english).to_contain_text("C50 Malignant neoplasm of breast")
    expect(french).to_contain_text("Mes échantillons peuvent servir.")
    expect(french).to_contain_text("oui")
    expect(page.locator("[name='clauses.0.if_granted.0.names']")).to_be_focused()

    page.locator("[name='clauses.0.if_granted.0.names']").fill("C99")
    page.get_by_role("button", name="Keep the draft").click()
    expect(page.get_by_text("C99 is no ICD-10 code; the nearest one is II.").first).to_be_visible()
    page.locator("[name='clauses.0.if_granted.0.names']").fill("C50")
    page.get_by_role("button", name="Keep the draft").click()
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_text("in force", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Make a new version")).to_be_visible()


def test_without_script_a_button_shows_the_same(desk):
    page = desk("manager", java_script_enabled=False)
    page.goto("/consent-forms/new")
    page.locator("[name='clauses.0.text']").fill("My samples may serve research.")
    expect(page.locator("#preview")).not_to_contain_text("My samples may serve research.")

    page.get_by_role("button", name="Look at it").click()

    expect(page.locator("#preview")).to_contain_text("My samples may serve research.")
    expect(page.locator("[name='clauses.0.text']")).to_have_value("My samples may serve research.")
