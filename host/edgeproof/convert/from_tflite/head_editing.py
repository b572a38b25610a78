"""Changes the graph of a finished file so that it ends in two heads as edgeproof takes them."""

import numpy as np
import numpy.typing as npt

from edgeproof.ssd.conventions import LARGEST_NORMALISED, BoxCoder
from edgeproof.ssd.graph.class_scores import ScoreTreatment
from edgeproof.ssd.head_layout import BOXES as JOINED_BOXES
from edgeproof.ssd.head_layout import SCORES as JOINED_SCORES
from edgeproof.ssd.head_layout import find_layout
from edgeproof.ssd.postprocess import BOX_ENCODINGS, CLASS_SCORES, IMAGE
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.tflite.editing import EditableModel
from edgeproof.tflite.file import TfliteFile, read_tflite
from edgeproof.tflite.graph import suppression_in
from edgeproof.tflite.read_budget import readable


def output_names(file: TfliteFile) -> list[str]:
    """Names of the outputs in their order: the signature's, where it has one for each, else the tensors'."""
    for signature in file.signatures:
        names = {position: name for name, position in signature.outputs.items()}
        if set(names) == set(range(len(file.outputs))):
            return [names[position] for position in sorted(names)]
    return [tensor.name for tensor in file.outputs]


def with_real_heads(data: bytes, file: TfliteFile, shown: str) -> tuple[bytes, TfliteFile, bool]:
    """The file with raw heads of real numbers where they are integers, and whether they were."""
    places = [place for place, tensor in enumerate(file.outputs) if tensor.dtype in ("int8", "uint8", "int16")]
    if file.postprocess or not places or not all(tensor.quantization for tensor in file.outputs):
        return data, file, False
    # Detections that are integers cannot be saved: class ids and the count among them have lost what they were.
    if len(places) != len(file.outputs) or any(len(tensor.shape) < 3 for tensor in file.outputs):
        return data, file, False
    with readable(shown):
        model = EditableModel(data)
        for place in places:
            model.dequantize(place)
        data = model.to_bytes()
    return data, read_tflite(data, shown), True


def before_suppression(
    data: bytes, file: TfliteFile, source: SourceOptions, shown: str
) -> tuple[bytes, TfliteFile, str | None]:
    """The file that ends in the boxes and scores which go into its own suppression, where it has one."""
    with readable(shown):
        inside = suppression_in(data)
    if inside is None or file.postprocess or source.boxes is not None or source.scores is not None:
        return data, file, None
    with readable(shown):
        model = EditableModel(data)
        model.cut_to([inside.boxes, inside.scores])
        model.join([0], [inside.rows], 4)
        model.join([1], [inside.rows], inside.columns)
        model.name([IMAGE], [JOINED_BOXES, JOINED_SCORES])
        data = model.to_bytes()
    return data, read_tflite(data, shown), f"its own {inside.operator} left out"


def joined_heads(
    data: bytes, file: TfliteFile, source: SourceOptions, shown: str
) -> tuple[bytes, TfliteFile, str | None]:
    """The file with one output for each head where they lie a level apart, or have sides of 1."""
    names = output_names(file)
    shapes = {name: tensor.shape for name, tensor in zip(names, file.outputs, strict=True)}
    layout = find_layout(shapes, [], source, shown) if len(shapes) == len(names) else None
    if layout is None:
        return data, file, None
    with readable(shown):
        model, firsts = EditableModel(data), []
        for head in (layout.boxes, layout.scores):
            places = [names.index(name) for name in head.parts]
            model.join(places, head.rows, head.columns)
            firsts.append(places[0])
        model.keep_outputs(firsts)
        model.name([IMAGE], [JOINED_BOXES, JOINED_SCORES])
        data = model.to_bytes()
    return data, read_tflite(data, shown), layout.words() or "reshaped to a row an anchor"


def decoded_in(
    source: SourceOptions, size: tuple[int, int], suppressed: bool, boxes: list[npt.NDArray[np.float32]]
) -> tuple[float, float] | None:
    """What divides boxes that are decoded already, for y and x; None where they are encodings. Those that go into a
    suppression are decoded: in 0..1 of the picture, or in pixels, as their values say."""
    coder = source.box_coder
    if coder is None and suppressed:
        reach = max(float(np.abs(values).max()) for values in boxes)
        coder = BoxCoder.PIXEL_BOXES if reach > LARGEST_NORMALISED else BoxCoder.BOXES
    if coder is BoxCoder.PIXEL_BOXES:
        return float(size[0]), float(size[1])
    return (1.0, 1.0) if coder is BoxCoder.BOXES else None


def edited_heads(
    data: bytes,
    places: tuple[int, int],
    treatment: ScoreTreatment,
    swapped: bool,
    columns: int,
    corners: tuple[float, float] | None,
) -> bytes:
    """The file with two outputs alone, box encodings y first and scores in 0..1 with the background first.

    `places` are those of box and class predictions, `columns` the latter's. `swapped` boxes are x first; `corners`
    divide, for y and x, boxes that are decoded already.
    """
    model = EditableModel(data)
    model.keep_outputs(places)
    if swapped:
        model.reorder(0, [1, 0, 3, 2])
    if corners is not None:
        model.encode_boxes(0, corners)
    model.name([IMAGE], [BOX_ENCODINGS, CLASS_SCORES])
    model.activate(1, treatment.converter)
    if treatment.background_last:
        model.reorder(1, [columns - 1, *range(columns - 1)])
    if treatment.add_background:
        model.add_background(1)
    return model.to_bytes()
