"""Checks that a converted file is what was asked for: TensorFlow converts a dead model without an error."""

from collections.abc import Iterator

from edgeproof.convert.tflite_file import TfliteFile
from edgeproof.convert.variants import VariantSettings
from edgeproof.errors import ConversionError
from edgeproof.ssd.postprocess import BOXES, CLASSES, COUNT, OPERATOR, SCORES
from edgeproof_agent.manifest import Decoder, InputContract, InputType, OutputContract

_VARIABLE_OPERATORS = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")
_FLEX_PREFIX = "Flex"


def check_structure(file: TfliteFile, settings: VariantSettings, contract: InputContract) -> None:
    """Raises ConversionError, with every problem found, when `file` is not a detector of the asked variant.

    `contract` is the float input contract of the model that was converted.
    """
    problems = list(structural_problems(file, settings, contract))
    if problems:
        raise ConversionError(
            f"The {settings.variant.value} model that TensorFlow wrote cannot be used: {'; '.join(problems)}. "
            "Nothing was written. Please report this with the model's name and the TensorFlow version."
        )


def structural_problems(file: TfliteFile, settings: VariantSettings, contract: InputContract) -> Iterator[str]:
    """What is wrong with the file, each as half a sentence; nothing when it is as asked."""
    count = file.operators.get(OPERATOR, 0)
    if count != 1:
        yield f"it has {count} {OPERATOR} operators, expected one"
    for name in file.operators:
        if name in _VARIABLE_OPERATORS:
            yield f"it holds {name}, so its weights are missing"
        if name.startswith(_FLEX_PREFIX):
            yield f"it holds {name}, which boards cannot run"
    yield from _weight_problems(file, settings)
    yield from _input_problems(file, settings, contract)
    try:
        resolve_outputs(file)
    except ConversionError as error:
        yield str(error)


def resolve_outputs(file: TfliteFile) -> OutputContract:
    """Which output means what, by the signature's names: the order in the file is not stable.

    Raises ConversionError when there is no signature with the four names, or their shapes are not those of detections.
    """
    names = (BOXES, CLASSES, SCORES, COUNT)
    signature = next((item for item in file.signatures if all(name in item.outputs for name in names)), None)
    if signature is None or len(file.outputs) != len(names):
        found = ", ".join(name for item in file.signatures for name in item.outputs) or "none"
        raise ConversionError(f"its outputs are not named {', '.join(names)} (found: {found})")
    boxes, classes, scores, count = (file.outputs[signature.outputs[name]] for name in names)
    for tensor, name in zip((boxes, classes, scores, count), names, strict=True):
        if tensor.dtype != "float32":
            raise ConversionError(f"its output {name} is {tensor.dtype}, expected float32")
    rows = boxes.shape[1] if len(boxes.shape) == 3 else 0
    if (boxes.shape, classes.shape, scores.shape, count.shape) != (
        (1, rows, 4),
        (1, rows),
        (1, rows),
        (1,),
    ) or not rows:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in (boxes, classes, scores, count))
        raise ConversionError(f"its outputs have shapes {shapes}, expected [1, N, 4], [1, N], [1, N], [1]")
    return OutputContract(
        decoder=Decoder.IN_GRAPH,
        boxes=signature.outputs[BOXES],
        classes=signature.outputs[CLASSES],
        scores=signature.outputs[SCORES],
        count=signature.outputs[COUNT],
        max_detections=rows,
    )


def _weight_problems(file: TfliteFile, settings: VariantSettings) -> Iterator[str]:
    if not file.weighted:
        yield "it has no convolution"
    empty = sum(1 for layer in file.weighted if not layer.weights.has_data)
    if empty:
        yield f"{empty} of {len(file.weighted)} layers have no weights"
    other = {layer.weights.dtype for layer in file.weighted} - {settings.weight_dtype}
    if other:
        yield f"its weights are {', '.join(sorted(other))}, expected {settings.weight_dtype}"


def _input_problems(file: TfliteFile, settings: VariantSettings, contract: InputContract) -> Iterator[str]:
    if len(file.inputs) != 1:
        yield f"it has {len(file.inputs)} inputs, expected one"
        return
    tensor, expected = file.inputs[0], (1, contract.height, contract.width, 3)
    if tensor.shape != expected:
        yield f"its input has shape {list(tensor.shape)}, expected {list(expected)}"
    if tensor.dtype != settings.input_type.value:
        yield f"its input is {tensor.dtype}, expected {settings.input_type.value}"
    quantized = settings.input_type is not InputType.FLOAT32
    if quantized and (tensor.quantization is None or not tensor.quantization.scale > 0):
        yield "its input has no quantization parameters"
