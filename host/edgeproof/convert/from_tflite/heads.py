"""Raw heads of a finished .tflite: which outputs they are, their anchors, and what makes 0..1 scores of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeproof.convert.bundle_manifest import raw_heads_contract
from edgeproof.convert.confined.process import ConfinedModelError
from edgeproof.convert.confined.runtime import ConfinedRuntime
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.from_tflite.labels import LabelsFit
from edgeproof.convert.smoke_test import generated_picture
from edgeproof.errors import ModelError, NotAnSsdError, UsageError
from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.files.anchors import Anchors, convert_anchors, read_anchors, require_count
from edgeproof.ssd.graph.class_scores import ScoreTreatment, choose_treatment
from edgeproof.ssd.head_layout import BOXES as JOINED_BOXES
from edgeproof.ssd.head_layout import SCORES as JOINED_SCORES
from edgeproof.ssd.head_layout import find_layout, joined_options
from edgeproof.ssd.head_roles import HeadRoles, find_head_roles, listed
from edgeproof.ssd.postprocess import BOX_ENCODINGS, CLASS_SCORES, IMAGE
from edgeproof.ssd.readers.signature_network import choose_box_scales, scale_words
from edgeproof.ssd.source_options import AnchorFormat, ScoreConverter, SourceOptions
from edgeproof.tflite.detector_options import DetectorOptions
from edgeproof.tflite.editing import EditableModel
from edgeproof.tflite.file import POSTPROCESS_OPERATOR, TfliteFile, read_tflite
from edgeproof.tflite.graph import four_column_constants, last_activation
from edgeproof.tflite.read_budget import readable
from edgeproof_agent.bundle.manifest import InputContract, RawHeadsContract
from edgeproof_agent.detection.preprocess import prepare

Outputs = Mapping[str, npt.NDArray[np.float32]]

_MAX_ANCHOR = 10


@dataclass(frozen=True)
class FoundHeads:
    data: bytes
    """The file, with a sigmoid or softmax and a background column behind it where it had none."""
    edited: bool
    contract: RawHeadsContract
    anchors: npt.NDArray[np.float32]
    """[A, 4] as centre y, centre x, height, width."""
    num_classes: int
    """Without background."""
    words: str


def find_heads(
    data: bytes,
    file: TfliteFile,
    input_contract: InputContract,
    labels_fit: LabelsFit | None,
    options: ExportOptions,
    shown: str,
    runtime: ConfinedRuntime | None,
    described: DetectorOptions | None = None,
) -> FoundHeads:
    """Runs the file on two pictures to tell its heads. What the metadata `described` stands where nothing was said.

    Raises NotAnSsdError or UsageError naming what helps.
    """
    data, file, joined_words = _joined(data, file, options.source, shown)
    _require_heads(file, shown)
    if described is not None and not described.exponential:
        raise NotAnSsdError(
            f"{shown}: its metadata says that heights and widths of its boxes are no logarithms, and edgeproof decodes "
            "those alone. Train it with logarithms, as MediaPipe Model Maker does."
        )
    if runtime is None:
        raise ModelError(
            f"{shown}: it is run to tell its heads, and this machine has no interpreter. "
            "Install one with: pip install ai-edge-litert"
        )
    names = output_names(file)
    size = (input_contract.height, input_contract.width)
    pictures = (np.zeros((*size, 3), np.uint8), generated_picture(*size))
    outputs, others = (_run(data, names, picture, input_contract, runtime, shown) for picture in pictures)
    with readable(shown):
        constants = four_column_constants(data)
    source = options.source if joined_words is None else joined_options(options.source)
    source = source if described is None else _with_described(source, described)
    if source.box_coder not in (None, BoxCoder.CENTRE):
        raise UsageError(
            f"{shown}: --box-coder {source.box_coder.value} needs more of its graph changed than edgeproof changes in "
            "a finished file. Give the model that it was converted from, or leave the option out."
        )
    stated = source
    if stated.anchors in constants:
        stated = replace(stated, anchors=None)
    roles = find_head_roles(outputs, others, stated, shown)
    boxes, scores = names.index(roles.box_encodings), names.index(roles.class_scores)
    with readable(shown):
        activation = last_activation(data, scores)
    predictions = outputs[roles.class_scores]
    columns = predictions.shape[2]
    treatment = choose_treatment(
        activation, roles.class_scores, columns, stated, labels_fit, f"{shown}: {roles.class_scores}"
    )
    if treatment.converter is ScoreConverter.IDENTITY:
        _require_scores([predictions, others[roles.class_scores]], shown)
    num_classes = columns - (0 if treatment.add_background else 1)
    swapped = source.box_order is CoordinateOrder.XY
    options.postprocess.require_classes(num_classes)
    anchors = _anchors(outputs, roles, constants, source, described, shown, size)
    edited = joined_words is not None or swapped or not treatment.changes_nothing or len(file.outputs) != 2
    if edited:
        data, boxes, scores = _edited(data, boxes, scores, treatment, swapped, columns), 0, 1
    found = [
        f"raw heads: box encodings '{roles.box_encodings}'",
        f"class scores '{roles.class_scores}'",
        treatment.words(),
        joined_words or "",
        "x first" if swapped else "",
    ]
    by_metadata = " by its metadata" if described is not None and options.source.anchors is None else ""
    found += [f"{len(anchors.centres)} anchors as {anchors.format.value}{by_metadata}", scale_words(source, anchors)]
    scales = choose_box_scales(source, anchors)
    return FoundHeads(
        data=data,
        edited=edited,
        contract=raw_heads_contract(scales, options.postprocess, boxes, scores),
        anchors=anchors.centres,
        num_classes=num_classes,
        words=", ".join(word for word in found if word),
    )


def _with_described(source: SourceOptions, described: DetectorOptions) -> SourceOptions:
    converter = ScoreConverter.SIGMOID if described.sigmoid else None
    return replace(
        source,
        box_scales=source.box_scales or described.box_scales,
        score_converter=source.score_converter or converter,
    )


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
    if len(places) != len(file.outputs) or not any(len(tensor.shape) >= 3 for tensor in file.outputs):
        return data, file, False
    model = EditableModel(data)
    for place in places:
        model.dequantize(place)
    data = model.to_bytes()
    return data, read_tflite(data, shown), True


def _joined(data: bytes, file: TfliteFile, source: SourceOptions, shown: str) -> tuple[bytes, TfliteFile, str | None]:
    """The file with one output for each head where they lie a level apart, or have sides of 1."""
    names = output_names(file)
    shapes = {name: tensor.shape for name, tensor in zip(names, file.outputs, strict=True)}
    layout = find_layout(shapes, [], source, shown) if len(shapes) == len(names) else None
    if layout is None:
        return data, file, None
    model, firsts = EditableModel(data), []
    for head in (layout.boxes, layout.scores):
        places = [names.index(name) for name in head.parts]
        model.join(places, head.rows, head.columns)
        firsts.append(places[0])
    model.keep_outputs(firsts)
    model.name([IMAGE], [JOINED_BOXES, JOINED_SCORES])
    data = model.to_bytes()
    return data, read_tflite(data, shown), layout.words() or "reshaped to a row an anchor"


def _edited(data: bytes, boxes: int, scores: int, treatment: ScoreTreatment, swapped: bool, columns: int) -> bytes:
    """The file with two outputs alone, box encodings y first and scores in 0..1 with the background first."""
    model = EditableModel(data)
    model.keep_outputs([boxes, scores])
    model.name([IMAGE], [BOX_ENCODINGS, CLASS_SCORES])
    if swapped:
        model.reorder(0, [1, 0, 3, 2])
    model.activate(1, treatment.converter)
    if treatment.background_last:
        model.reorder(1, [columns - 1, *range(columns - 1)])
    if treatment.add_background:
        model.add_background(1)
    return model.to_bytes()


def _require_heads(file: TfliteFile, shown: str) -> None:
    shapes = [tensor.shape for tensor in file.outputs]
    lists = [shape for shape in shapes if len(shape) == 3 and shape[0] == 1 and shape[1] > 1]
    if any(shape[2] == 4 and sum(other[1] == shape[1] for other in lists) > 1 for shape in lists):
        return
    described = "".join(f"\n  {name} {list(shape)}" for name, shape in zip(output_names(file), shapes, strict=True))
    raise NotAnSsdError(
        f"{shown}: it has no {POSTPROCESS_OPERATOR}, and its outputs are not the raw heads of an SSD either, which are "
        f"box encodings [1, A, 4] and class scores [1, A, C]. Its outputs:{described or ' none'}"
    )


def _run(
    data: bytes,
    names: list[str],
    picture: npt.NDArray[np.uint8],
    contract: InputContract,
    runtime: ConfinedRuntime,
    shown: str,
) -> Outputs:
    try:
        interpreter = runtime.interpreter(data, 1)
        prepare(picture, contract, out=interpreter.tensor(0)())
        interpreter.invoke()
        places = range(len(interpreter.get_output_details()))
        return {name: interpreter.get_tensor(place) for name, place in zip(names, places, strict=True)}
    except ConfinedModelError as error:
        raise NotAnSsdError(f"{shown}: it does not run: {error}. Export it again from its source.") from error


def _require_scores(predictions: list[npt.NDArray[np.float32]], shown: str) -> None:
    low, high = min(float(array.min()) for array in predictions), max(float(array.max()) for array in predictions)
    if low < -1e-6 or high > 1 + 1e-6:
        raise NotAnSsdError(
            f"{shown}: the class scores lie between {low:.3g} and {high:.3g}: these are logits. "
            "Say --score-converter sigmoid or softmax."
        )


def _anchors(
    outputs: Outputs,
    roles: HeadRoles,
    constants: Mapping[str, npt.NDArray[np.float32]],
    stated: SourceOptions,
    described: DetectorOptions | None,
    shown: str,
    size: tuple[int, int],
) -> Anchors:
    """By the option; else by the metadata; else an output; else the one constant of the file that has as many rows as
    the heads.
    """
    shape = outputs[roles.box_encodings].shape
    form, order = stated.anchor_format, stated.anchor_order
    pixels_of = size if stated.anchor_units is AnchorUnits.PIXELS else None
    if stated.anchors_file is not None:
        anchors = read_anchors(stated.anchors_file, form, order, pixels_of, size)
        require_count(anchors, stated.anchors_file, shape)
        return anchors
    if described is not None and stated.anchors is None:
        anchors = convert_anchors(described.anchors, f"{shown}: its metadata", AnchorFormat.CENTRE)
        require_count(anchors, Path(shown), shape)
        return anchors
    if roles.anchors is not None:
        return convert_anchors(outputs[roles.anchors], f"{shown}: {roles.anchors}", form, None, order, pixels_of)
    rows = outputs[roles.box_encodings].shape[1]
    fitting = [name for name, values in constants.items() if _could_be_anchors(values, rows)]
    if stated.anchors is not None and stated.anchors in constants:
        fitting = [stated.anchors]
    if len(fitting) == 1:
        return convert_anchors(constants[fitting[0]], f"{shown}: {fitting[0]}", form, None, order, pixels_of)
    raise UsageError(
        f"{shown}: its anchors are not to be found. Give them with --anchors, as a .npy file [{rows}, 4], a JSON "
        f"description, or the name of one of its outputs or constants. Its outputs:{listed(outputs)}\n"
        f"Its constants of four columns:{listed(constants)}"
    )


def _could_be_anchors(values: npt.NDArray[np.float32], rows: int) -> bool:
    return values.shape[-2] == rows and bool(np.isfinite(values).all() and np.abs(values).max() <= _MAX_ANCHOR)
