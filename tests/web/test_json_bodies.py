"""A key that stands twice in one object is named by its path, wherever it is; everything else is plain JSON."""

import pytest

from biobank.core.errors import Malformed
from biobank.web.json_bodies import read_json


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}', "1.5"])
def test_what_holds_each_key_once_is_read_as_ever(text):
    import json

    assert read_json(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('{"a": 1, "a": 1}', {"a"}),
        ('{"a": {"b": 1, "b": 2}}', {"a.b"}),
        ('[{"x": [{"b": 1, "b": 2}]}]', {"0.x.0.b"}),
        ('{"a": 1, "a": {"b": 1}, "c": {"d": 1, "d": 2}}', {"a", "c.d"}),
        ('{"a": {"b": 1, "b": 2}, "a": 1}', {"a"}),
        ('{"\\u0061": 1, "a": 2}', {"a"}),
    ],
)
def test_a_key_given_twice_is_named(text, paths):
    with pytest.raises(Malformed) as error:
        read_json(text)
    assert set(error.value.fields) == paths


def test_what_is_no_json_is_told_apart():
    with pytest.raises(ValueError, match="Expecting"):
        read_json("{")
