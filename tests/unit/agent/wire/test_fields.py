"""A field that came from somebody else is of the right type and within its bounds, or is refused by name."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from edgeproof_agent.wire.fields import FieldError, Fields

DATA: dict[str, Any] = {
    "text": "abc",
    "number": 1.5,
    "whole": 3,
    "flag": True,
    "nothing": None,
    "list": [1, 2.5, 3],
    "object": {"inner": {"value": 7}},
    "objects": [{"a": 1}, {"a": "x"}],
}


@pytest.fixture
def fields() -> Fields:
    return Fields(DATA)


def test_values_are_read_as_what_they_are(fields: Fields) -> None:
    assert fields.text("text") == "abc"
    assert fields.number("number") == 1.5
    assert fields.number("whole") == 3.0
    assert fields.integer("whole") == 3
    assert fields.flag("flag") is True
    assert fields.numbers("list", 3) == [1.0, 2.5, 3.0]
    assert fields.items("list", 3) == [1, 2.5, 3]
    assert fields.choice("text", ["xyz", "abc"]) == "abc"
    assert fields.mapping("object") == {"inner": {"value": 7}}
    assert fields.nested("object").nested("inner").integer("value") == 7


@pytest.mark.parametrize("data", [None, [], "text", 1, True])
def test_only_an_object_has_fields(data: object) -> None:
    with pytest.raises(FieldError, match="the message must be a JSON object"):
        Fields(data)


@pytest.mark.parametrize(
    "read",
    [
        lambda fields, name: fields.text(name),
        lambda fields, name: fields.number(name),
        lambda fields, name: fields.integer(name),
        lambda fields, name: fields.flag(name),
        lambda fields, name: fields.items(name, 3),
        lambda fields, name: fields.mapping(name),
        lambda fields, name: fields.choice(name, ["a"]),
    ],
)
@pytest.mark.parametrize("name", ["absent", "nothing"])
def test_what_is_not_there_is_missing(fields: Fields, read: Callable[[Fields, str], object], name: str) -> None:
    assert name not in fields
    with pytest.raises(FieldError, match=f"{name} is missing"):
        read(fields, name)


def test_a_default_takes_the_place_of_what_is_not_there(fields: Fields) -> None:
    assert fields.text("absent", default="") == ""
    assert fields.integer("nothing", default=4) == 4
    assert fields.number("absent", default=0.0) == 0.0
    assert fields.flag("absent", default=False) is False


def test_a_default_does_not_hide_a_wrong_type(fields: Fields) -> None:
    with pytest.raises(FieldError, match="text must be an integer, got a string"):
        fields.integer("text", default=4)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda f: f.text("whole"), "whole must be a string, got a int"),
        (lambda f: f.text("list"), "list must be a string, got a list"),
        (lambda f: f.integer("number"), "number must be an integer, got a float"),
        (lambda f: f.integer("flag"), "flag must be an integer, got a boolean"),
        (lambda f: f.number("flag"), "flag must be a number, got a boolean"),
        (lambda f: f.number("text"), "text must be a number, got a string"),
        (lambda f: f.flag("whole"), "whole must be true or false, got a int"),
        (lambda f: f.items("object", 9), "object must be a list, got an object"),
        (lambda f: f.mapping("list"), "list must be a JSON object, got a list"),
        (lambda f: f.nested("list"), "list must be a JSON object, got a list"),
        (lambda f: f.nested("object").nested("inner").text("value"), "object.inner.value must be a string"),
        (lambda f: f.objects("objects", 2)[1].integer("a"), r"objects\[1\].a must be an integer"),
        (lambda f: f.objects("list", 3), r"list\[0\] must be a JSON object"),
    ],
)
def test_another_type_is_refused_by_the_fields_full_name(
    fields: Fields, read: Callable[[Fields], object], message: str
) -> None:
    with pytest.raises(FieldError, match=message):
        read(fields)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda f: f.text("text", max_length=2), "text is 3 characters long, at most 2 are allowed"),
        (lambda f: f.integer("whole", high=2), "whole must be between 0 and 2, got 3"),
        (lambda f: f.integer("whole", low=4), "whole must be between 4"),
        (lambda f: f.number("number", high=1.0), "number must be a finite number between"),
        (lambda f: f.items("list", 2), "list must have 0 to 2 items, got 3"),
        (lambda f: f.items("list", 9, min_items=4), "list must have 4 to 9 items, got 3"),
        (lambda f: f.numbers("list", 2), "list must have 2 to 2 items, got 3"),
        (lambda f: f.choice("text", ["x", "y"]), "text must be one of x, y, got 'abc'"),
    ],
)
def test_what_lies_outside_its_bounds_is_refused(
    fields: Fields, read: Callable[[Fields], object], message: str
) -> None:
    with pytest.raises(FieldError, match=message):
        read(fields)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -(10**400)])
def test_a_number_is_finite(value: float) -> None:
    with pytest.raises(FieldError, match="value must be a finite number"):
        Fields({"value": value}).number("value")
    with pytest.raises(FieldError, match="value must be a finite number"):
        Fields({"value": [value]}).numbers("value", 1)


@pytest.mark.parametrize("value", ["\ud800", "a\udfffb"])
def test_half_a_character_is_not_text(value: str) -> None:
    with pytest.raises(FieldError, match="value is not Unicode text"):
        Fields({"value": value}).text("value")
