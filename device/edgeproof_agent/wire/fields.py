"""Typed, bounded reading of a JSON object that came from somebody else."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

_SURROGATE = re.compile("[\ud800-\udfff]")


class FieldError(ValueError):
    """A field is missing, has another type, or lies outside its bounds; the message names the field."""


class Fields:
    """Reads the fields of one decoded JSON object; every method raises `FieldError` when the field is not as asked."""

    def __init__(self, data: object, where: str = "") -> None:
        if not isinstance(data, dict):
            raise FieldError(f"{where or 'the message'} must be a JSON object, got {_kind(data)}")
        self._data: Mapping[str, Any] = data
        self._where = where

    def __contains__(self, name: str) -> bool:
        return self._data.get(name) is not None

    def path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    def text(self, name: str, default: Optional[str] = None, max_length: int = 4096) -> str:
        value = self._value(name, default)
        if not isinstance(value, str):
            raise FieldError(f"{self.path(name)} must be a string, got {_kind(value)}")
        if len(value) > max_length:
            raise FieldError(f"{self.path(name)} is {len(value)} characters long, at most {max_length} are allowed")
        if _SURROGATE.search(value):  # JSON can spell them; files and C++ libraries choke on them
            raise FieldError(f"{self.path(name)} is not Unicode text")
        return value

    def choice(self, name: str, allowed: Sequence[str], default: Optional[str] = None) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise FieldError(f"{self.path(name)} must be one of {', '.join(allowed)}, got {value!r}")
        return value

    def integer(self, name: str, default: Optional[int] = None, low: int = 0, high: int = 2**53) -> int:
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise FieldError(f"{self.path(name)} must be an integer, got {_kind(value)}")
        if not low <= value <= high:
            raise FieldError(f"{self.path(name)} must be between {low} and {high}, got {value}")
        return value

    def number(
        self, name: str, default: Optional[float] = None, low: float = -math.inf, high: float = math.inf
    ) -> float:
        return _number(self._value(name, default), self.path(name), low, high)

    def flag(self, name: str, default: Optional[bool] = None) -> bool:
        value = self._value(name, default)
        if not isinstance(value, bool):
            raise FieldError(f"{self.path(name)} must be true or false, got {_kind(value)}")
        return value

    def numbers(self, name: str, count: int) -> list[float]:
        """A list of exactly `count` finite numbers."""
        return [_number(item, self.path(name)) for item in self.items(name, max_items=count, min_items=count)]

    def numbers_up_to(self, name: str, max_items: int) -> list[float]:
        """A list of finite numbers."""
        return [_number(item, self.path(name)) for item in self.items(name, max_items)]

    def integers(self, name: str, max_items: int, low: int = 0, high: int = 2**53) -> list[int]:
        """A list of integers, each between `low` and `high`."""
        values = self.items(name, max_items)
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise FieldError(f"{self.path(name)} must hold integers between {low} and {high}, got {value!r:.40}")
        return values

    def items(self, name: str, max_items: int, min_items: int = 0) -> list[Any]:
        value = self._value(name, None)
        if not isinstance(value, list):
            raise FieldError(f"{self.path(name)} must be a list, got {_kind(value)}")
        if not min_items <= len(value) <= max_items:
            raise FieldError(f"{self.path(name)} must have {min_items} to {max_items} items, got {len(value)}")
        return value

    def objects(self, name: str, max_items: int) -> list["Fields"]:
        return [Fields(item, f"{self.path(name)}[{index}]") for index, item in enumerate(self.items(name, max_items))]

    def nested(self, name: str) -> "Fields":
        return Fields(self._value(name, None), self.path(name))

    def mapping(self, name: str) -> dict[str, Any]:
        value = self._value(name, None)
        if not isinstance(value, dict):
            raise FieldError(f"{self.path(name)} must be a JSON object, got {_kind(value)}")
        return value

    def value(self, name: str) -> Any:
        """Whatever is there, for a reader that checks it by other means."""
        return self._value(name, None)

    def _value(self, name: str, default: object) -> Any:
        value = self._data.get(name, default)
        if value is None:
            if default is None:
                raise FieldError(f"{self.path(name)} is missing")
            return default
        return value


def _number(value: object, path: str, low: float = -math.inf, high: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FieldError(f"{path} must be a number, got {_kind(value)}")
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not math.isfinite(number) or not low <= number <= high:
        raise FieldError(f"{path} must be a finite number between {low} and {high}, got {number}")
    return number


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "nothing"}
    return names.get(type(value), f"a {type(value).__name__}")
