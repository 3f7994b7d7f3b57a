"""Settings: three sources, one after the other, and every mistake named."""

import pytest

from biobank.core.settings import SettingsError, load


def test_every_setting_has_a_default():
    settings = load(environ={})

    assert (settings["host"], settings["port"]) == ("127.0.0.1", 8000)
    assert settings["codes"]["letters"]["sample"][0] == "T"


def test_a_file_overrides_the_defaults_and_a_variable_the_file(tmp_path):
    file = tmp_path / "bank.toml"
    file.write_text('bank_name = "Ours"\nport = 9000\n[codes]\nserial_digits = 8\n', encoding="utf-8")

    settings = load(environ={"BIOBANK_CONFIG": str(file), "BIOBANK_PORT": "9001"})

    assert (settings["bank_name"], settings["port"], settings["codes"]["serial_digits"]) == ("Ours", 9001, 8)


def test_two_underscores_enter_a_table():
    assert load(environ={"BIOBANK_CODES__SERIAL_DIGITS": "7"})["codes"]["serial_digits"] == 7


def test_lists_and_truths_are_read_from_variables():
    settings = load(environ={"BIOBANK_LANGUAGES": '["fr"]', "BIOBANK_SECURE_COOKIES": "true"})

    assert settings["languages"] == ["fr"]
    assert settings["secure_cookies"] is True


def test_a_text_setting_is_taken_as_it_stands():
    assert load(environ={"BIOBANK_BANK_NAME": "007"})["bank_name"] == "007"


def test_a_site_may_have_letters_of_its_own(tmp_path):
    file = tmp_path / "bank.toml"
    file.write_text('[codes.sites.LYON]\nsample = ["H"]\n', encoding="utf-8")

    assert load(environ={"BIOBANK_CONFIG": str(file)})["codes"]["sites"]["LYON"]["sample"] == ["H"]


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"BIOBANK_PORTS": "1"}, "ports"),
        ({"BIOBANK_PORT": "many"}, "BIOBANK_PORT"),
        ({"BIOBANK_PORT": '"8000"'}, "port"),
        ({"BIOBANK_SECURE_COOKIES": "1"}, "secure_cookies"),
        ({"BIOBANK_CODES": "1"}, "codes"),
        ({"BIOBANK_CODES__SERIAL_DIGITS": "5"}, "serial_digits"),
        ({"BIOBANK_CODES__SERIAL_DIGITS": "11"}, "serial_digits"),
        ({"BIOBANK_CONFIG": "/there/is/no/such.toml"}, "such.toml"),
        ({"BIOBANK_DATABASE_URI": "sqlite:///x"}, "BIOBANK_SECRET_KEY"),
    ],
)
def test_a_mistake_is_named(environ, named):
    with pytest.raises(SettingsError, match=named):
        load(environ=environ)


def test_a_file_that_is_not_toml_is_named(tmp_path):
    file = tmp_path / "bank.toml"
    file.write_text("port: 9000", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"bank\.toml"):
        load(environ={"BIOBANK_CONFIG": str(file)})


def test_a_misspelt_setting_in_a_file_is_named(tmp_path):
    file = tmp_path / "bank.toml"
    file.write_text("[codes]\nserial_digit = 7\n", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"codes\.serial_digit"):
        load(environ={"BIOBANK_CONFIG": str(file)})
