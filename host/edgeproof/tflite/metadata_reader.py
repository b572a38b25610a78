"""Reads the standard metadata of a .tflite: how its input is normalised, and the labels that are packed with it."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
import tflite

from edgeproof.ssd.files.label_files import LabelFile, parse_labels
from edgeproof.tflite.detector_options import DETECTOR_METADATA, DetectorOptions, parse_detector_options
from edgeproof.tflite.metadata_schema import (
    METADATA_NAME,
    CustomField,
    FileField,
    FileType,
    ModelField,
    NormalizationField,
    SubgraphField,
    TensorField,
    UnitField,
    UnitType,
)
from edgeproof.tflite.metadata_table import MetadataTable
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
    detector: DetectorOptions | None = None
    """How MediaPipe decodes its raw heads."""


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
    root = MetadataTable.root(data, budget)
    subgraph = next(root.tables(ModelField.SUBGRAPHS), None)
    if subgraph is None:
        return TfliteMetadata()
    files = [file for tensor in subgraph.tables(SubgraphField.OUTPUTS) for file in tensor.tables(TensorField.FILES)]
    files += subgraph.tables(SubgraphField.FILES)
    labels = dict.fromkeys(file.text(FileField.NAME) for file in files if file.byte(FileField.TYPE) in _LABEL_TYPES)
    first = next(subgraph.tables(SubgraphField.INPUTS), None)
    names = tuple(tensor.text(TensorField.NAME) for tensor in subgraph.tables(SubgraphField.OUTPUTS))
    normalization = None if first is None else _normalization(first)
    return TfliteMetadata(normalization, tuple(labels), names, _detector(subgraph, budget))


def _detector(subgraph: MetadataTable, budget: ReadBudget) -> DetectorOptions | None:
    for custom in subgraph.tables(SubgraphField.CUSTOM):
        if custom.text(CustomField.NAME) == DETECTOR_METADATA:
            return parse_detector_options(custom.data(CustomField.DATA), budget)
    return None


def _normalization(tensor: MetadataTable) -> Normalization | None:
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
