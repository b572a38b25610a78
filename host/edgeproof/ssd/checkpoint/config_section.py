"""Typed values out of one message of a `pipeline.config`, with the certainty that no field of it was passed over."""

import enum
import math
import re
from collections.abc import Collection
from typing import TypeVar

import numpy as np

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.files.protobuf_text import Scalar, TextMessage

_Member = TypeVar("_Member", bound=enum.Enum)
_FLAGS = {"true": True, "True": True, "t": True, "1": True, "false": False, "False": False, "f": False, "0": False}
_LARGEST = 1 << 20


class Section:
    """A message by its path (`model.ssd`). Every reading method raises NotAnSsdError when the value is of another kind.

    A default is that of the Object Detection API's protos.
    """

    def __init__(self, message: TextMessage, path: str, file: str) -> None:
        self.path, self.file = path, file
        self._message = message
        self._read: set[str] = set()

    def has(self, name: str) -> bool:
        return name in self._message.fields

    def number(self, name: str, default: float) -> float:
        """A proto's float has 32 bits, and sizes that the API computes of it depend on the last."""
        scalar = self._scalar(name)
        return _float32(default) if scalar is None else self._number(scalar, name)

    def numbers(self, name: str) -> tuple[float, ...]:
        return tuple(self._number(scalar, name) for scalar in self._scalars(name))

    def integer(self, name: str, default: int, least: int = 0) -> int:
        scalar = self._scalar(name)
        value = default if scalar is None else self._integer(scalar, name)
        if not least <= value <= _LARGEST:
            raise self.error(f"{name} is {value}, expected {least} or more", scalar)
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        return tuple(self._integer(scalar, name) for scalar in self._scalars(name))

    def flag(self, name: str, default: bool) -> bool:
        scalar = self._scalar(name)
        if scalar is None:
            return default
        if scalar.quoted or scalar.text not in _FLAGS:
            raise self.error(f"{name} is {scalar.text!r}, expected true or false", scalar)
        return _FLAGS[scalar.text]

    def text(self, name: str) -> str | None:
        scalar = self._scalar(name)
        if scalar is not None and not scalar.quoted:
            raise self.error(f"{name} is {scalar.text}, expected a string in quotes", scalar)
        return None if scalar is None else scalar.text

    def member(self, name: str, default: _Member) -> _Member:
        """A member of an enumeration by its name in the proto."""
        scalar, kind = self._scalar(name), type(default)
        if scalar is None:
            return default
        found = kind.__members__.get(scalar.text)
        if found is None or scalar.quoted:
            known = ", ".join(kind.__members__)
            raise self.error(f"{name} is {scalar.text}, and edgeproof knows {known}", scalar)
        return found

    def section(self, name: str) -> "Section | None":
        found = self.sections(name)
        if len(found) > 1:
            raise self.error(f"{name} is there {len(found)} times, expected once")
        return found[0] if found else None

    def required_section(self, name: str) -> "Section":
        found = self.section(name)
        if found is None:
            raise self.error(f"it has no '{name}'")
        return found

    def sections(self, name: str) -> list["Section"]:
        values = self._values(name)
        wrong = next((value for value in values if isinstance(value, Scalar)), None)
        if wrong is not None:
            raise self.error(f"{name} is {wrong.text!r}, expected {{ ... }}", wrong)
        path = f"{self.path}.{name}" if self.path else name
        return [Section(value, path, self.file) for value in values if isinstance(value, TextMessage)]

    def only_section(self, supported: Collection[str], what: str) -> "Section":
        """The section that is there, when exactly one of `supported` and nothing else is."""
        names = list(self._message.fields)
        if len(names) != 1 or names[0] not in supported:
            known = " or ".join(supported)
            raise self.error(f"its {what} is {' and '.join(names) or 'not stated'}; edgeproof reads {known}")
        return self.required_section(names[0])

    def finish(self, irrelevant: Collection[str] = ()) -> None:
        """Raises NotAnSsdError for a field that was not read and is not `irrelevant` to what a network computes."""
        unknown = [name for name in self._message.fields if name not in self._read and name not in irrelevant]
        if unknown:
            raise self.error(
                f"edgeproof does not know {', '.join(unknown)}, and what it changes in the network. "
                "The Object Detection API's own exporter does: add --via-odapi",
                self._message.fields[unknown[0]][0],
            )

    def error(self, problem: str, at: Scalar | TextMessage | None = None) -> NotAnSsdError:
        line = (at or self._message).line
        return NotAnSsdError(f"{self.file}, line {line}: {f'{self.path}: ' if self.path else ''}{problem}.")

    def _values(self, name: str) -> list[Scalar | TextMessage]:
        self._read.add(name)
        return self._message.fields.get(name, [])

    def _scalars(self, name: str) -> list[Scalar]:
        values = self._values(name)
        wrong = next((value for value in values if isinstance(value, TextMessage)), None)
        if wrong is not None:
            raise self.error(f"{name} is {{ ... }}, expected a value", wrong)
        return [value for value in values if isinstance(value, Scalar)]

    def _scalar(self, name: str) -> Scalar | None:
        scalars = self._scalars(name)
        if len(scalars) > 1:
            raise self.error(f"{name} is there {len(scalars)} times, expected once", scalars[1])
        return scalars[0] if scalars else None

    def _number(self, scalar: Scalar, name: str) -> float:
        try:
            value = math.nan if scalar.quoted else _float32(float(re.sub(r"(?<=[\d.])[fF]$", "", scalar.text)))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(f"{name} is {scalar.text!r}, expected a number", scalar)
        return value

    def _integer(self, scalar: Scalar, name: str) -> int:
        if scalar.quoted or not re.fullmatch(r"-?\d{1,18}", scalar.text):
            raise self.error(f"{name} is {scalar.text!r}, expected a whole number", scalar)
        return int(scalar.text)


def _float32(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))
