"""A flatbuffer table that is read by the positions of its fields, without generated code."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flatbuffers.number_types import Float32Flags, Uint8Flags
from flatbuffers.table import Table

from edgeproof.tflite.read_budget import ReadBudget


@dataclass(frozen=True)
class MetadataTable:
    """A flatbuffer table of whose schema only the positions of the fields are known."""

    raw: Any
    budget: ReadBudget

    @staticmethod
    def root(data: bytes, budget: ReadBudget) -> "MetadataTable":
        return MetadataTable(Table(data, struct.unpack_from("<I", data)[0]), budget)

    def tables(self, field: int) -> Iterator["MetadataTable"]:
        yield from (self._at(self.raw.Indirect(position)) for position in self._items(field))

    def table(self, field: int) -> "MetadataTable | None":
        offset = self._offset(field)
        return self._at(self.raw.Indirect(offset + self.raw.Pos)) if offset else None

    def floats(self, field: int) -> tuple[float, ...]:
        return tuple(float(self.raw.Get(Float32Flags, position)) for position in self._items(field))

    def text(self, field: int) -> str:
        offset = self._offset(field)
        return self.budget.text(self.raw.String(offset + self.raw.Pos)) if offset else ""

    def number(self, field: int) -> float:
        """Of a float field; 0, the format's default, when it is not there."""
        offset = self._offset(field)
        return float(self.raw.Get(Float32Flags, offset + self.raw.Pos)) if offset else 0.0

    def data(self, field: int) -> bytes:
        offset = self._offset(field)
        length = self.raw.VectorLen(offset) if offset else 0
        start = self.raw.Vector(offset) if offset else 0
        self.budget.spend_bytes(length)
        return bytes(self.raw.Bytes[start : start + length])

    def byte(self, field: int) -> int:
        offset = self._offset(field)
        return int(self.raw.Get(Uint8Flags, offset + self.raw.Pos)) if offset else 0

    def _at(self, position: int) -> "MetadataTable":
        return MetadataTable(Table(self.raw.Bytes, position), self.budget)

    def _offset(self, field: int) -> int:
        return int(self.raw.Offset(4 + 2 * field))

    def _items(self, field: int) -> Iterator[int]:
        """Where the items of a vector, four bytes each, begin."""
        offset = self._offset(field)
        length = self.raw.VectorLen(offset) if offset else 0
        for index in self.budget.places(length):
            yield self.raw.Vector(offset) + 4 * index
