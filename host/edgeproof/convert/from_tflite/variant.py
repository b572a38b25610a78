"""The model and manifest of one variant of a finished .tflite."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgeproof.convert.confined.quantizer import quantize_confined
from edgeproof.convert.from_tensorflow.converter import Samples
from edgeproof.convert.from_tflite.detector import FinishedDetector
from edgeproof.convert.from_tflite.outputs import detections_contract
from edgeproof.convert.from_tflite.quantizer import TOOL
from edgeproof.convert.smoke_test import Anchors
from edgeproof.convert.structural_check import variant_problems
from edgeproof.convert.variants import VariantSettings
from edgeproof.errors import ConversionError
from edgeproof.ssd.model import BoxScales
from edgeproof.ssd.postprocess import (
    BOX_ENCODINGS,
    BOXES,
    CLASS_SCORES,
    CLASSES,
    COUNT,
    IMAGE,
    SCORES,
    PostprocessOptions,
)
from edgeproof.tflite.detection_operator import with_detection_operator
from edgeproof.tflite.editing import EditableModel
from edgeproof.tflite.file import TfliteFile, read_tflite
from edgeproof.tflite.metadata_writer import describe_detector
from edgeproof.tflite.output_map import DETECTIONS, HEADS, Evidence, OutputMap, map_outputs
from edgeproof.tflite.problems import file_problems
from edgeproof_agent.bundle.manifest import InputType, Manifest, OutputContract, RawHeadsContract


@dataclass(frozen=True)
class FinishedVariant:
    data: bytes
    file: TfliteFile
    manifest: Manifest
    anchors: Anchors | None


def as_it_is(detector: FinishedDetector, name: str, provenance: Mapping[str, Any]) -> FinishedVariant:
    """The file byte for byte; with new metadata where the user has said more than it does."""
    manifest = _manifest(detector, name, detector.variant.value, detector.file, detector.output, provenance)
    if detector.appended is not None:
        return _ending_in_operator(detector, detector.data, detector.file, manifest, detector.appended)
    data = detector.data
    if not detector.as_it_is:
        data = describe_detector(_whole(detector), name, manifest.input, manifest.output, detector.labels)
    return FinishedVariant(data, detector.file, manifest, detector.anchors)


def quantized(
    detector: FinishedDetector,
    settings: VariantSettings,
    name: str,
    provenance: Mapping[str, Any],
    samples: Samples | None = None,
) -> FinishedVariant:
    """Another variant of a float32 file, with names and metadata as every export has them.

    Raises ConversionError when it cannot be quantized, or what was written is not what was asked for.
    """
    variant = settings.variant.value
    data = quantize_confined(_named(detector), settings, detector.input, samples)
    file = read_tflite(data, f"{variant}/model.tflite")
    outputs = map_outputs(file)
    problems = [*file_problems(file, outputs), *variant_problems(file, settings)]
    if outputs is None or problems:
        raise ConversionError(
            f"The {variant} model that {TOOL} wrote cannot be used: {'; '.join(problems)}. Nothing was written. "
            "Export it from the model that the file was converted from, or ask for another --variant."
        )
    manifest = _manifest(detector, name, variant, file, _at(detector.output, outputs), provenance)
    if detector.appended is not None:
        return _ending_in_operator(detector, data, file, manifest, detector.appended)
    data = describe_detector(data, name, manifest.input, manifest.output, detector.labels)
    return FinishedVariant(data, file, manifest, detector.anchors)


def _ending_in_operator(
    detector: FinishedDetector, data: bytes, file: TfliteFile, manifest: Manifest, options: PostprocessOptions
) -> FinishedVariant:
    """A file with raw heads, and its manifest, with the post-processing operator behind them instead."""
    heads = manifest.output
    assert isinstance(heads, RawHeadsContract), "what has detections has the operator"
    assert detector.anchors is not None, "raw heads have anchors"
    places, scales = (heads.box_encodings, heads.class_scores), heads.box_scales
    columns = file.outputs[heads.class_scores].shape[2]
    divisors = BoxScales(scales.y, scales.x, scales.height, scales.width)
    data = with_detection_operator(data, places, detector.anchors, divisors, columns - 1, options)
    file = read_tflite(data, f"{manifest.variant}/model.tflite")
    outputs = map_outputs(file)
    problems = list(file_problems(file, outputs))
    if outputs is None or problems:
        raise ConversionError(
            f"The post-processing operator cannot be put behind the heads: {'; '.join(problems)}. Nothing was written. "
            "Say --post none: the agent then makes the detections."
        )
    manifest = replace(manifest, output=detections_contract(file, outputs))
    data = describe_detector(data, manifest.name, manifest.input, manifest.output, detector.labels)
    return FinishedVariant(data, file, manifest, None)


def _manifest(
    detector: FinishedDetector,
    name: str,
    variant: str,
    file: TfliteFile,
    output: OutputContract | RawHeadsContract,
    provenance: Mapping[str, Any],
) -> Manifest:
    dtype = InputType(file.inputs[0].dtype)
    quantization = None if dtype is InputType.FLOAT32 else file.inputs[0].quantization
    return Manifest(
        name=name,
        variant=variant,
        files={},
        input=replace(detector.input, dtype=dtype, quantization=quantization),
        output=output,
        label_offset=detector.labels.label_offset,
        category_offset=detector.labels.category_offset,
        provenance=provenance,
        category_ids=detector.labels.category_ids,
    )


def _named(detector: FinishedDetector) -> bytes:
    """The file with a signature that says which output is which, as far as it has none."""
    found = map_outputs(detector.file)
    if found is not None and found.evidence is Evidence.SIGNATURE:
        return detector.data
    output = detector.output
    if isinstance(output, OutputContract):
        places = dict(zip((output.boxes, output.classes, output.scores, output.count), DETECTIONS, strict=True))
    else:
        places = dict(zip((output.box_encodings, output.class_scores), HEADS, strict=True))
    model = EditableModel(detector.data)
    model.name([IMAGE], [places[place] for place in sorted(places)])
    return model.to_bytes()


def _at(output: OutputContract | RawHeadsContract, outputs: OutputMap) -> OutputContract | RawHeadsContract:
    """The contract with the places that the outputs have now."""
    at = outputs.positions
    if isinstance(output, OutputContract):
        return replace(output, boxes=at[BOXES], classes=at[CLASSES], scores=at[SCORES], count=at[COUNT])
    return replace(output, box_encodings=at[BOX_ENCODINGS], class_scores=at[CLASS_SCORES])


def _whole(detector: FinishedDetector) -> bytes:
    """The file with its weights inside the flatbuffer: those behind it would be lost when something is put in front."""
    return EditableModel(detector.data).to_bytes() if detector.file.weights_behind else detector.data
