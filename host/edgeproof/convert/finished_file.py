"""Makes a bundle of a .tflite that is converted already, as it is: without TensorFlow, byte for byte."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import edgeproof
from edgeproof.bundle import Bundle, require_replaceable, write_bundle
from edgeproof.convert.file_problems import file_problems, file_warnings
from edgeproof.convert.output_map import DETECTIONS, OutputMap, map_outputs
from edgeproof.convert.tflite_file import POSTPROCESS_OPERATOR, TfliteFile, read_tflite
from edgeproof.convert.tflite_metadata import TfliteMetadata, read_metadata, read_packed_labels
from edgeproof.convert.variants import Variant
from edgeproof.digests import sha256_of_file
from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.progress import Progress, ProgressKind, ProgressListener, silent
from edgeproof.ssd.labels import Labels, fit_labels, read_labels
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import InputRange, SourceOptions
from edgeproof.ssd.sources import RecognisedSource
from edgeproof_agent.manifest import (
    ColourOrder,
    Coordinates,
    Decoder,
    InputContract,
    InputType,
    Manifest,
    OutputContract,
)


def export_finished(
    source: RecognisedSource,
    out_dir: Path,
    variants: Sequence[Variant],
    name: str,
    labels: Path | None = None,
    options: SourceOptions | None = None,
    progress: ProgressListener = silent,
    postprocess: PostprocessOptions | None = None,
) -> list[Bundle]:
    """The bundle at `out_dir`/<variant>, of the one variant that the file is.

    Labels come from `labels`, else from the file's metadata. `postprocess` is warned about when it is not the default:
    the file's own stays. Raises UsageError when another variant is asked for or
    the labels do not fit, NotAnSsdError when the file has no post-processing or cannot be used, BundleError.
    """
    options = options or SourceOptions()
    data = source.path.read_bytes()
    file, shown = read_tflite(data, str(source.path)), str(source.path)
    if not file.postprocess:
        raise NotAnSsdError(
            f"{shown}: it has no {POSTPROCESS_OPERATOR}, so its outputs are no detections. Give the model that it was "
            "converted from: edgeproof then puts the operator behind its heads."
        )
    problems = list(file_problems(file, map_outputs(file)))
    if problems:
        raise NotAnSsdError(f"{shown}: it cannot be used: {'; '.join(problems)}. Export it again from its source.")
    variant = variant_of(file)
    if variant not in variants:
        asked = ", ".join(item.value for item in variants)
        raise UsageError(
            f"{shown}: it is converted already, to {variant.value}, and cannot become {asked}. Ask for --variant "
            f"{variant.value}, or give the model that it was converted from."
        )
    for other in variants:
        if other is not variant:
            progress(Progress(f"{other.value}: left out, the file is {variant.value}", ProgressKind.WARNING))
    if postprocess not in (None, PostprocessOptions()):
        words = "its post-processing is in the file and stays as it is, so options for it have no effect"
        progress(Progress(f"{source.path.name}: {words}", ProgressKind.WARNING))
    metadata = read_metadata(data, shown)
    contract, doubt = input_contract(file, metadata, options)
    if doubt is not None:
        progress(Progress(f"{source.path.name}: {doubt}", ProgressKind.WARNING))
    found = map_outputs(file)
    assert found is not None, "a file with the operator and four outputs has a map"
    fitting = _labels(data, file, metadata, labels, shown)
    manifest = Manifest(
        name=name,
        variant=variant.value,
        files={},
        input=contract,
        output=_output_contract(file, found),
        label_offset=fitting.label_offset,
        category_offset=fitting.category_offset,
        provenance=_provenance(source, variant, labels, options),
    )
    order = ", ".join(sorted(DETECTIONS, key=lambda meaning: found.positions[meaning]))
    classes = num_classes(file)
    described = f"TFLite file, {variant.value}, as it is; {contract.height} x {contract.width}, {classes} classes"
    progress(Progress(f"{source.path.name}: {described}, outputs {order} by {found.evidence.value}", ProgressKind.NOTE))
    for warning in file_warnings(file):
        progress(Progress(f"{source.path.name}: {warning}", ProgressKind.WARNING))
    target = out_dir / variant.value
    require_replaceable(target)
    return [write_bundle(target, manifest, data, fitting.names)]


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


def num_classes(file: TfliteFile) -> int:
    """Without background, as the operator's attribute says."""
    return int(file.postprocess[0].attributes["num_classes"])


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


def _labels(data: bytes, file: TfliteFile, metadata: TfliteMetadata, labels: Path | None, shown: str) -> Labels:
    classes = num_classes(file)
    if labels is None:
        packed = read_packed_labels(data, metadata, shown)
        if packed is not None:
            return fit_labels(packed, classes, f"{shown}: {metadata.label_files[0]}")
    return read_labels(labels, classes)


def _provenance(
    source: RecognisedSource, variant: Variant, labels: Path | None, options: SourceOptions
) -> dict[str, Any]:
    return {
        "source": {"kind": source.kind.kind, "file": source.path.name, "sha256": source.sha256},
        "settings": {
            "variant": variant.value,
            "labels_sha256": None if labels is None else sha256_of_file(labels),
            "source_options": dict(options.describe()),
        },
        "tools": {"edgeproof": edgeproof.__version__},
    }
