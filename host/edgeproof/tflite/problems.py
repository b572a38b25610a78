"""What can be wrong with the .tflite of any SSD, ours or a foreign one, told from its structure alone."""

from collections.abc import Iterator

import numpy as np

from edgeproof.tflite.file import POSTPROCESS_OPERATOR, PostprocessOperator, TensorInfo, TfliteFile
from edgeproof.tflite.output_map import DETECTIONS, HEADS, OutputMap, map_outputs
from edgeproof.wording.counting import counted
from edgeproof_agent.detection.operator_threads import ONE_THREAD_WORDS

_VARIABLE_OPERATORS = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")
_FLEX_PREFIX = "Flex"
_TINY_THRESHOLD = 0.01


def file_problems(file: TfliteFile, outputs: OutputMap | None) -> Iterator[str]:
    """Why the file cannot be used, each as half a sentence; nothing when its structure is sound.

    `outputs` is what is known of its outputs.
    """
    yield from outputs_problems(file, outputs)
    yield from structure_problems(file)


def structure_problems(file: TfliteFile) -> Iterator[str]:
    """The same, whatever its outputs mean."""
    yield from _operator_problems(file)
    yield from _weight_problems(file)
    yield from _input_problems(file)
    yield from _output_problems(file)
    if file.broken_scales:
        more = f" and {len(file.broken_scales) - 1} more" if len(file.broken_scales) > 1 else ""
        yield f"the quantization scale of '{file.broken_scales[0]}'{more} is not a sane number"


def file_warnings(file: TfliteFile) -> Iterator[str]:
    """What works and will surprise."""
    for operator in file.postprocess:
        attributes = operator.attributes
        threshold = float(attributes.get("nms_score_threshold", 0))
        if attributes.get("use_regular_nms"):
            yield f"it runs with one thread, as {ONE_THREAD_WORDS}"
        if attributes.get("use_regular_nms") and threshold < _TINY_THRESHOLD:
            yield (
                f"regular non-maximum suppression with a score threshold of {threshold:.3g} sorts every anchor of "
                "every class, which takes long: export with --score-threshold 0.1 or more, or with --nms fast"
            )
    if file.weights_behind:
        yield (
            "its weights lie behind the flatbuffer, as ai-edge-quantizer writes them; tflite-runtime 2.13 does not "
            "find them there"
        )
    if not file.signatures:
        yield "it has no signature, so its outputs have no names"


def outputs_problems(file: TfliteFile, outputs: OutputMap | None) -> Iterator[str]:
    """Whether there are detections or raw heads, and which output is which."""
    shapes = ", ".join(str(list(tensor.shape)) for tensor in file.outputs) or "none"
    if file.operators.get(POSTPROCESS_OPERATOR):
        if outputs is None:
            yield f"its outputs ({shapes}) are not those of {POSTPROCESS_OPERATOR}"
    elif outputs is None and len(file.outputs) == len(DETECTIONS):
        yield (
            f"it has no {POSTPROCESS_OPERATOR} and no names for its outputs ({shapes}), so which is which cannot be "
            "told without running it: give a picture on which it finds several objects with --picture"
        )
    elif outputs is None:
        yield f"it has no {POSTPROCESS_OPERATOR}, and its outputs are not raw heads either ({shapes})"


def _operator_problems(file: TfliteFile) -> Iterator[str]:
    count = file.operators.get(POSTPROCESS_OPERATOR, 0)
    if count > 1:
        yield f"it has {count} {POSTPROCESS_OPERATOR} operators, expected one"
    for operator in file.postprocess:
        yield from _operator_input_problems(operator)
    for name in file.operators:
        if name in _VARIABLE_OPERATORS:
            yield f"it holds {name}, so its weights are missing"
        if name.startswith(_FLEX_PREFIX):
            yield f"it holds {name}, which boards cannot run"


def _operator_input_problems(operator: PostprocessOperator) -> Iterator[str]:
    if len(operator.inputs) != 3:
        yield f"{POSTPROCESS_OPERATOR} has {len(operator.inputs)} inputs, expected box encodings, class scores, anchors"
        return
    shapes = [tensor.shape for tensor in operator.inputs]
    boxes, scores, anchors = shapes
    if len(boxes) == 3 and boxes[0] != 1:
        batch = counted(boxes[0], "picture")
        yield f"{POSTPROCESS_OPERATOR} gets a batch of {batch} and takes one: export with batch 1"
    listed = f"box encodings {list(boxes)}, class scores {list(scores)}, anchors {list(anchors)}"
    if (len(boxes), len(scores), len(anchors)) != (3, 3, 2) or boxes[2] < 4 or anchors[1] != 4:
        yield f"{POSTPROCESS_OPERATOR} gets {listed}, expected [1, A, 4], [1, A, 1 + C], [A, 4]"
        return
    if not boxes[1] == scores[1] == anchors[0]:
        yield f"the number of anchors differs: {listed}"
    if not operator.attributes:
        yield f"the attributes of {POSTPROCESS_OPERATOR} cannot be read"
        return
    classes = int(operator.attributes.get("num_classes", 0))
    if not 0 <= scores[2] - classes <= 1:
        told = counted(classes, "class", "classes")
        yield f"{POSTPROCESS_OPERATOR} is set to {told} and gets class scores {list(scores)}"
    scales = [float(operator.attributes.get(f"{side}_scale", 0)) for side in "yxhw"]
    if not (np.isfinite(scales).all() and min(scales) > 0):
        yield f"the box scales of {POSTPROCESS_OPERATOR} are {scales}, and must be positive"
    threshold = float(operator.attributes.get("nms_iou_threshold", 0))
    if not 0 < threshold <= 1:
        yield f"the IoU threshold of {POSTPROCESS_OPERATOR} is {threshold:.3g}, and must be above 0 and at most 1"


def _weight_problems(file: TfliteFile) -> Iterator[str]:
    if not file.weighted:
        yield "it has no convolution"
    empty = sum(1 for layer in file.weighted if not layer.weights.has_data)
    if empty:
        yield f"{empty} of {len(file.weighted)} layers have no weights"


def _input_problems(file: TfliteFile) -> Iterator[str]:
    if len(file.inputs) != 1:
        yield f"it has {len(file.inputs)} inputs, expected one"
        return
    (tensor,) = file.inputs
    if len(tensor.shape) != 4 or tensor.shape[3] != 3 or min(tensor.shape) < 1:
        yield f"its input has shape {list(tensor.shape)}, expected [1, height, width, 3]"
    elif tensor.shape[0] != 1:
        batch = counted(tensor.shape[0], "picture")
        yield f"its input is a batch of {batch} ({list(tensor.shape)}): export with batch 1"
    if tensor.dtype not in ("float32", "uint8", "int8"):
        yield f"its input is {tensor.dtype}, expected float32, uint8 or int8"
    elif tensor.dtype != "float32":
        yield from _quantization_problems(tensor)


def _quantization_problems(tensor: TensorInfo) -> Iterator[str]:
    quantization = tensor.quantization
    if quantization is None or not quantization.scale > 0:
        yield "its input has no quantization parameters"
        return
    bounds = np.iinfo(tensor.dtype)
    if not bounds.min <= quantization.zero_point <= bounds.max:
        yield f"the zero point of its input is {quantization.zero_point}, outside of {tensor.dtype}"
    # Pixels after normalisation span -1..1, 0..1 or 0..255, and 256 steps cover that.
    if not 1e-4 <= quantization.scale <= 2:
        yield f"the quantization scale of its input is {quantization.scale:.3g}, which no range of pixels has"


def _output_problems(file: TfliteFile) -> Iterator[str]:
    quantized = sorted({tensor.dtype for tensor in file.outputs} - {"float32"})
    if quantized:
        outputs = map_outputs(file)
        raw = len(file.outputs) in (2, 3) or (outputs is not None and set(outputs.positions) == set(HEADS))
        if raw:
            yield (
                f"its raw heads are {', '.join(quantized)}, not real numbers: edgeproof export makes a bundle of it "
                "with those, or convert it again with converter.inference_output_type = tf.float32"
            )
        else:
            yield f"its outputs are {', '.join(quantized)}, class ids and the count too: export with float32 outputs"
