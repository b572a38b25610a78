"""Reads the standard metadata of a .tflite: how its input is normalised, and the labels that are packed with it."""

import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite
from flatbuffers.number_types import Float32Flags, Uint8Flags
from flatbuffers.table import Table

from edgeproof.ssd.files.label_files import LabelFile, parse_labels
from edgeproof.tflite.metadata_schema import (
    METADATA_NAME,
    FileField,
    FileType,
    ModelField,
    NormalizationField,
    SubgraphField,
    TensorField,
    UnitField,
    UnitType,
)
from edgeproof.tflite.read_budget import ReadBudget, readable

_LABEL_TYPES = (FileType.AXIS_LABELS, FileType.VALUE_LABELS)
_MAX_LABEL_BYTES = 1 << 20


@dataclass(frozen=True)
class Normalization:
    """`(pixel - mean) / std` a channel."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class TfliteMetadata:
    normalization: Normalization | None = None
    label_files: tuple[str, ...] = ()
    """Names of the label files that are packed with the model, those of the outputs first."""
    output_names: tuple[str, ...] = ()
    """What it names the outputs, in the file's order."""


def read_metadata(data: bytes, name: str) -> TfliteMetadata:
    """The metadata of a whole file; without any, nothing is in it. Raises ModelError when it is broken."""
    with readable(name, "its metadata", "Give the labels with --labels."):
        model, budget = tflite.Model.GetRootAs(data, 0), ReadBudget(len(data))
        for index in budget.places(model.MetadataLength()):
            entry = model.Metadata(index)
            if budget.text(entry.Name()).encode() == METADATA_NAME:
                buffer = model.Buffers(entry.Buffer()).DataAsNumpy()
                return _parse(buffer.tobytes(), budget) if isinstance(buffer, np.ndarray) else TfliteMetadata()
    return TfliteMetadata()


def read_packed_labels(data: bytes, metadata: TfliteMetadata, name: str) -> LabelFile | None:
    """The labels that are packed with the model, as a ZIP behind it; None when there are none. Raises ModelError."""
    if not metadata.label_files:
        return None
    file = metadata.label_files[0]
    what, remedy = f"its packed labels '{file}'", "Give --labels."
    with readable(name, what, remedy), zipfile.ZipFile(io.BytesIO(data)) as archive:
        if archive.getinfo(file).file_size > _MAX_LABEL_BYTES:
            raise ValueError("it is too long")
        return parse_labels(archive.read(file).decode("utf-8-sig"), f"{name}: {file}")


def _parse(data: bytes, budget: ReadBudget) -> TfliteMetadata:
    root = _Table.root(data, budget)
    subgraph = next(root.tables(ModelField.SUBGRAPHS), None)
    if subgraph is None:
        return TfliteMetadata()
    files = [file for tensor in subgraph.tables(SubgraphField.OUTPUTS) for file in tensor.tables(TensorField.FILES)]
    files += subgraph.tables(SubgraphField.FILES)
    labels = dict.fromkeys(file.text(FileField.NAME) for file in files if file.byte(FileField.TYPE) in _LABEL_TYPES)
    first = next(subgraph.tables(SubgraphField.INPUTS), None)
    names = tuple(tensor.text(TensorField.NAME) for tensor in subgraph.tables(SubgraphField.OUTPUTS))
    return TfliteMetadata(None if first is None else _normalization(first), tuple(labels), names)


def _normalization(tensor: "_Table") -> Normalization | None:
    for unit in tensor.tables(TensorField.PROCESS_UNITS):
        options = unit.table(UnitField.OPTIONS)
        if unit.byte(UnitField.OPTIONS_TYPE) != UnitType.NORMALIZATION or options is None:
            continue
        mean, std = options.floats(NormalizationField.MEAN), options.floats(NormalizationField.STD)
        if len(mean) not in (1, 3) or len(std) not in (1, 3) or not np.isfinite([*mean, *std]).all() or 0.0 in std:
            raise ValueError(f"mean {mean} and std {std}")
        return Normalization(_channels(mean), _channels(std))
    return None


def _channels(values: tuple[float, ...]) -> tuple[float, float, float]:
    first, second, third = values * 3 if len(values) == 1 else values
    return first, second, third


@dataclass(frozen=True)
class _Table:
    """A flatbuffer table of whose schema only the positions of the fields are known."""

    raw: Any
    budget: ReadBudget

    @staticmethod
    def root(data: bytes, budget: ReadBudget) -> "_Table":
        return _Table(Table(data, struct.unpack_from("<I", data)[0]), budget)

    def tables(self, field: int) -> Iterator["_Table"]:
        yield from (self._at(self.raw.Indirect(position)) for position in self._items(field))

    def table(self, field: int) -> "_Table | None":
        offset = self._offset(field)
        return self._at(self.raw.Indirect(offset + self.raw.Pos)) if offset else None

    def floats(self, field: int) -> tuple[float, ...]:
        return tuple(float(self.raw.Get(Float32Flags, position)) for position in self._items(field))

    def text(self, field: int) -> str:
        offset = self._offset(field)
        return self.budget.text(self.raw.String(offset + self.raw.Pos)) if offset else ""

    def byte(self, field: int) -> int:
        offset = self._offset(field)
        return int(self.raw.Get(Uint8Flags, offset + self.raw.Pos)) if offset else 0

    def _at(self, position: int) -> "_Table":
        return _Table(Table(self.raw.Bytes, position), self.budget)

    def _offset(self, field: int) -> int:
        return int(self.raw.Offset(4 + 2 * field))

    def _items(self, field: int) -> Iterator[int]:
        """Where the items of a vector, four bytes each, begin."""
        offset = self._offset(field)
        length = self.raw.VectorLen(offset) if offset else 0
        for index in self.budget.places(length):
            yield self.raw.Vector(offset) + 4 * index
