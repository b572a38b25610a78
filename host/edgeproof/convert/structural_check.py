"""Checks that a converted file is what was asked for: TensorFlow converts a dead model without an error."""

from collections.abc import Iterator

from edgeproof.convert.variants import VariantSettings
from edgeproof.errors import ConversionError
from edgeproof.ssd.postprocess import (
    BOX_ENCODINGS,
    BOXES,
    CLASS_SCORES,
    CLASSES,
    COUNT,
    OPERATOR,
    SCORES,
    PostprocessOptions,
)
from edgeproof.tflite.file import Signature, TfliteFile
from edgeproof.tflite.layer_names import layers_named
from edgeproof.tflite.output_map import DETECTIONS, HEADS, Evidence, map_outputs
from edgeproof.tflite.problems import file_problems
from edgeproof_agent.bundle.manifest import Decoder, InputContract, OutputContract

_DEFAULTS = PostprocessOptions()


def check_structure(
    file: TfliteFile, settings: VariantSettings, contract: InputContract, postprocess: PostprocessOptions = _DEFAULTS
) -> None:
    """Raises ConversionError, with every problem found, when `file` is not a detector of the asked variant.

    `contract` is the float input contract of the model that was converted.
    """
    problems = list(structural_problems(file, settings, contract, postprocess))
    if problems:
        raise ConversionError(
            f"The {settings.variant.value} model that TensorFlow wrote cannot be used: {'; '.join(problems)}. "
            "Nothing was written. Please report this with the model's name and the TensorFlow version."
        )


def structural_problems(
    file: TfliteFile, settings: VariantSettings, contract: InputContract, postprocess: PostprocessOptions = _DEFAULTS
) -> Iterator[str]:
    """What is wrong with the file, each as half a sentence; nothing when it is as asked."""
    yield from file_problems(file, map_outputs(file))
    yield from variant_problems(file, settings)
    expected = (1, contract.height, contract.width, 3)
    if len(file.inputs) == 1 and file.inputs[0].shape != expected:
        yield f"its input has shape {list(file.inputs[0].shape)}, expected {list(expected)}"
    try:
        if postprocess.in_graph:
            if not file.postprocess and map_outputs(file) is not None:
                yield f"it has no {OPERATOR}"
            resolve_outputs(file)
        else:
            resolve_heads(file)
    except ConversionError as error:
        yield str(error)


def variant_problems(file: TfliteFile, settings: VariantSettings) -> Iterator[str]:
    """Where the file's types are not those that its variant promises."""
    kept = {layer.name for name in settings.keep_float for layer in layers_named(name, file.layers)}
    weighted = [layer for layer in file.weighted if layer.name not in kept]
    large = [layer for layer in weighted if layer.weights.elements >= settings.min_weight_elements]
    other = {layer.weights.dtype for layer in large} - {settings.weight_dtype}
    if other:
        yield f"its weights are {', '.join(sorted(other))}, expected {settings.weight_dtype}"
    if file.weighted and not large:
        yield f"none of its layers is large enough to be quantized ({settings.min_weight_elements} weights)"
    other = {layer.activations for layer in weighted} - {settings.activation_dtype}
    if other:
        yield f"its layers read {', '.join(sorted(other))}, expected {settings.activation_dtype}"
    yield from _kept_problems(file, settings)
    if len(file.inputs) == 1 and file.inputs[0].dtype != settings.input_type.value:
        yield f"its input is {file.inputs[0].dtype}, expected {settings.input_type.value}"


def _kept_problems(file: TfliteFile, settings: VariantSettings) -> Iterator[str]:
    """Where layers that were to stay float32 did not, with their weights and what they read."""
    for name in settings.keep_float:
        kept = layers_named(name, file.layers)
        if not kept:
            yield f"its layer {name}, which was to stay float32, is missing"
        names = {layer.name for layer in kept}
        dtypes = {layer.dtype for layer in kept}
        for layer in file.weighted:
            if layer.name in names:
                dtypes |= {layer.weights.dtype, layer.activations}
        other = dtypes - {"float32"}
        if other:
            yield f"its layer {name} is {', '.join(sorted(other))}, and was to stay float32"


def resolve_outputs(file: TfliteFile, classes_per_detection: int = 1) -> OutputContract:
    """Which output means what. Raises ConversionError when nothing tells, or the shapes are not those of detections."""
    found = map_outputs(file)
    if found is None or found.raw_heads or found.evidence is Evidence.SHAPES:
        names = ", ".join(name for item in file.signatures for name in item.outputs) or "none"
        raise ConversionError(f"nothing tells which output is which (they are named {names})")
    at = found.positions
    boxes, classes, scores, count = (file.outputs[at[name]].shape for name in DETECTIONS)
    rows = boxes[1] if len(boxes) == 3 else 0
    if (boxes, classes, scores, count) != ((1, rows, 4), (1, rows), (1, rows), (1,)) or not rows:
        shapes = ", ".join(str(list(shape)) for shape in (boxes, classes, scores, count))
        raise ConversionError(f"its outputs have shapes {shapes}, expected [1, N, 4], [1, N], [1, N], [1]")
    return OutputContract(
        decoder=Decoder.IN_GRAPH,
        boxes=at[BOXES],
        classes=at[CLASSES],
        scores=at[SCORES],
        count=at[COUNT],
        max_detections=rows,
        classes_per_detection=classes_per_detection,
    )


def resolve_heads(file: TfliteFile) -> tuple[int, int]:
    """Positions of box encodings and class scores. Raises ConversionError when they are not named, or do not fit."""
    signature = _signature(file, HEADS)
    boxes, scores = (file.outputs[signature.outputs[name]].shape for name in HEADS)
    anchors = boxes[1] if len(boxes) == 3 else 0
    if boxes != (1, anchors, 4) or scores[:2] != (1, anchors) or len(scores) != 3 or scores[2] < 2:
        raise ConversionError(f"its heads have shapes {list(boxes)}, {list(scores)}, expected [1, A, 4], [1, A, 1 + C]")
    return signature.outputs[BOX_ENCODINGS], signature.outputs[CLASS_SCORES]


def _signature(file: TfliteFile, names: tuple[str, ...]) -> Signature:
    signature = next((item for item in file.signatures if all(name in item.outputs for name in names)), None)
    if signature is None or len(file.outputs) != len(names):
        found = ", ".join(name for item in file.signatures for name in item.outputs) or "none"
        raise ConversionError(f"its outputs are not named {', '.join(names)} (found: {found})")
    return signature
