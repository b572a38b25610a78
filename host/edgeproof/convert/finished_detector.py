"""What a .tflite that is converted already says of itself: its variant, input, outputs and labels."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.file_problems import file_problems, structure_problems
from edgeproof.convert.finished_heads import find_heads
from edgeproof.convert.output_map import DETECTIONS, OutputMap, map_outputs
from edgeproof.convert.tflite_file import TfliteFile, read_tflite
from edgeproof.convert.tflite_metadata import TfliteMetadata, read_metadata, read_packed_labels
from edgeproof.convert.trial import Anchors
from edgeproof.convert.variants import Variant
from edgeproof.errors import ModelError, NotAnSsdError
from edgeproof.ssd.label_files import LabelLines
from edgeproof.ssd.labels import Labels, fit_labels, read_labels
from edgeproof.ssd.source_options import InputRange, SourceOptions
from edgeproof.wording import counted
from edgeproof_agent.interpreters import Runtime
from edgeproof_agent.manifest import (
    ColourOrder,
    Coordinates,
    Decoder,
    InputContract,
    InputType,
    OutputContract,
    RawHeadsContract,
)


@dataclass(frozen=True)
class FinishedDetector:
    data: bytes
    file: TfliteFile
    variant: Variant
    input: InputContract
    output: OutputContract | RawHeadsContract
    labels: Labels
    anchors: Anchors | None
    """Of raw heads."""
    as_it_is: bool
    """Whether the file stays byte for byte: else it was given an activation, or the user says more than its metadata.
    """
    description: str
    doubt: str | None
    """A warning, when the range of the pixels is a default."""


def read_finished(path: Path, options: ExportOptions, runtime: Runtime | None) -> FinishedDetector:
    """Reads a .tflite with the post-processing operator or with raw heads. The latter are told by running it.

    Labels come from the options, else from the file's metadata. Raises NotAnSsdError when it cannot be used,
    UsageError when labels or options do not fit, ModelError when it is broken.
    """
    data, shown = path.read_bytes(), str(path)
    file, metadata = read_tflite(data, shown), read_metadata(data, shown)
    found = map_outputs(file)
    problems = list(file_problems(file, found) if file.postprocess else structure_problems(file))
    if problems:
        raise NotAnSsdError(f"{shown}: it cannot be used: {'; '.join(problems)}. Export it again from its source.")
    contract, doubt = input_contract(file, metadata, options.source)
    labels_fit = _labels_fit(data, metadata, options.labels, shown)
    output: OutputContract | RawHeadsContract
    if file.postprocess:
        assert found is not None, "a file with the operator and four outputs has a map"
        output, anchors, edited = _output_contract(file, found), None, False
        num_classes = int(file.postprocess[0].attributes["num_classes"])
        order = ", ".join(sorted(DETECTIONS, key=lambda meaning: found.positions[meaning]))
        words = f"outputs {order} by {found.evidence.value}"
    else:
        heads = find_heads(data, file, contract, labels_fit, options, shown, runtime)
        output, anchors, edited = heads.contract, heads.anchors, heads.edited
        data, file = heads.data, read_tflite(heads.data, shown)
        num_classes, words = heads.num_classes, heads.words
    labels = labels_fit(num_classes) if labels_fit is not None else read_labels(None, num_classes)
    size = f"{contract.height} x {contract.width}, {counted(num_classes, 'class', 'classes')}"
    variant = variant_of(file)
    says_more = options.labels is not None or options.source.input_range is not None
    return FinishedDetector(
        data=data,
        file=file,
        variant=variant,
        input=contract,
        output=output,
        labels=labels,
        anchors=anchors,
        as_it_is=not edited and not (says_more and _differs(data, metadata, contract, labels, shown)),
        description=", ".join(filter(None, [f"TFLite file, {variant.value}; {size}, {words}", labels.words])),
        doubt=doubt,
    )


def variant_of(file: TfliteFile) -> Variant:
    """What a file is, by what its layers read and what its weights are; uint8 of older converters counts as int8."""
    activations = {layer.activations for layer in file.weighted}
    weights = {layer.weights.dtype for layer in file.weighted}
    if "int16" in activations:
        return Variant.INT16X8
    if activations & {"int8", "uint8"}:
        return Variant.INT8
    if "int8" in weights:
        return Variant.DYNAMIC
    return Variant.FLOAT16 if "float16" in weights else Variant.FLOAT32


def input_contract(
    file: TfliteFile, metadata: TfliteMetadata, options: SourceOptions
) -> tuple[InputContract, str | None]:
    """By the options; else by the metadata; else an integer input gets the pixels as they are, a float one -1..1.

    The second is a warning when the range is a default.
    """
    tensor = file.inputs[0]
    _, height, width, _ = tensor.shape
    dtype, warning = InputType(tensor.dtype), None
    quantization = None if dtype is InputType.FLOAT32 else tensor.quantization
    if options.input_range is not None:
        mean, std = (options.input_range.mean,) * 3, (options.input_range.std,) * 3
    elif metadata.normalization is not None:
        mean, std = metadata.normalization.mean, metadata.normalization.std
    elif quantization is not None:
        # (pixel - mean) / std is then quantized to the pixel itself, less 128 for int8.
        shift = 128 if dtype is InputType.INT8 else 0
        mean, std = (float(quantization.zero_point + shift),) * 3, (1 / quantization.scale,) * 3
    else:
        mean, std = (InputRange.MINUS_ONE_TO_ONE.mean,) * 3, (InputRange.MINUS_ONE_TO_ONE.std,) * 3
        warning = (
            "it does not say what range of pixels it takes; -1..1 is taken. "
            "When nothing is detected, say --input-range 0..1 or 0..255"
        )
    return (
        InputContract(height, width, ColourOrder.RGB, Coordinates.HALF_PIXEL, mean, std, dtype, quantization),
        warning,
    )


def _output_contract(file: TfliteFile, found: OutputMap) -> OutputContract:
    attributes = file.postprocess[0].attributes
    classes_each = int(attributes.get("max_classes_per_detection", 1))
    boxes, classes, scores, count = (found.positions[name] for name in DETECTIONS)
    return OutputContract(
        decoder=Decoder.IN_GRAPH,
        boxes=boxes,
        classes=classes,
        scores=scores,
        count=count,
        # The shapes of the outputs may be unknown until the file runs.
        max_detections=int(attributes["max_detections"]) * classes_each,
        classes_per_detection=1 if attributes.get("use_regular_nms") else classes_each,
    )


def _labels_fit(
    data: bytes, metadata: TfliteMetadata, labels: Path | None, shown: str
) -> Callable[[int], Labels] | None:
    """Gives the labels of so many classes, or raises UsageError; None when there are no labels."""
    if labels is not None:
        return functools.partial(read_labels, labels)
    packed = read_packed_labels(data, metadata, shown)
    if packed is None:
        return None
    return functools.partial(fit_labels, packed, path=f"{shown}: {metadata.label_files[0]}")


def _differs(data: bytes, metadata: TfliteMetadata, contract: InputContract, labels: Labels, shown: str) -> bool:
    """Whether the file's metadata says something else, or nothing, of normalisation and labels."""
    said = metadata.normalization
    try:
        packed = read_packed_labels(data, metadata, shown)
    except ModelError:
        return True
    if not isinstance(packed, LabelLines) or said is None:
        return True
    same_range = np.allclose([*said.mean, *said.std], [*contract.mean, *contract.std], rtol=1e-6)
    names = labels.names[labels.label_offset :]
    return not same_range or packed.names[-len(names) :] != names
