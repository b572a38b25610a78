"""Writes flatbuffer tables of whose schema only the positions of the fields are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flatbuffers.number_types import Int32Flags, Uint8Flags, Uint32Flags


@dataclass(frozen=True)
class Byte:
    value: int


@dataclass(frozen=True)
class Int:
    value: int


@dataclass(frozen=True)
class UInt:
    value: int


@dataclass(frozen=True)
class Offset:
    """Where a table, vector or string lies: bytes from the end of what is built."""

    value: int


_FLAGS = {Byte: Uint8Flags, Int: Int32Flags, UInt: Uint32Flags}

Field = Byte | Int | UInt | Offset


def add_table(builder: Any, fields: Mapping[int, Field]) -> Offset:
    """A table with these fields by their positions. A field that is zero is written, too."""
    builder.StartObject(max(fields, default=-1) + 1)
    for position, field in fields.items():
        if isinstance(field, Offset):
            builder.PrependUOffsetTRelative(field.value)
        else:
            builder.Prepend(_FLAGS[type(field)], field.value)
        builder.Slot(position)
    return Offset(int(builder.EndObject()))


def add_text(builder: Any, text: str | bytes) -> Offset:
    return Offset(int(builder.CreateString(text)))


def add_offsets(builder: Any, offsets: Sequence[Offset]) -> Offset:
    """A vector of what lies at `offsets`."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset.value)
    return Offset(int(builder.EndVector()))


def add_aligned_bytes(builder: Any, data: bytes, alignment: int) -> Offset:
    """A vector of bytes of which the first is at a multiple of `alignment`."""
    builder.Prep(alignment, len(data))
    return Offset(int(builder.CreateByteVector(data)))
