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
from edgeproof.convert.from_tflite.head_editing import (
    decoded_in,
    edited_heads,
    joined_heads,
    output_names,
)
from edgeproof.convert.from_tflite.labels import LabelsFit
from edgeproof.convert.smoke_test import generated_picture
from edgeproof.errors import ModelError, NotAnSsdError, UsageError
from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.files.anchors import Anchors, convert_anchors, read_anchors, require_count
from edgeproof.ssd.graph.class_scores import choose_treatment
from edgeproof.ssd.head_layout import joined_options
from edgeproof.ssd.head_roles import HeadRoles, find_head_roles, listed
from edgeproof.ssd.model import BoxScales
from edgeproof.ssd.readers.signature_network import choose_box_scales, scale_words
from edgeproof.ssd.source_options import AnchorFormat, ScoreConverter, SourceOptions
from edgeproof.tflite.detector_options import DetectorOptions
from edgeproof.tflite.file import POSTPROCESS_OPERATOR, TfliteFile
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
    inside: str | None = None,
) -> FoundHeads:
    """Runs the file on two pictures to tell its heads. What the metadata `described` stands where nothing was said.
    `inside` tells of the file's own suppression that was cut off.

    Raises NotAnSsdError or UsageError naming what helps.
    """
    data, file, joined_words = (data, file, inside) if inside else joined_heads(data, file, options.source, shown)
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
    if source.box_coder not in (None, BoxCoder.CENTRE, BoxCoder.BOXES, BoxCoder.PIXEL_BOXES):
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
    corners = decoded_in(source, size, inside is not None, [outputs[roles.box_encodings], others[roles.box_encodings]])
    if corners is None:
        anchors, scales = _anchors(outputs, roles, constants, source, described, shown, size), None
    else:
        whole = np.tile(np.array([0, 0, 1, 1], np.float32), (outputs[roles.box_encodings].shape[1], 1))
        anchors, scales = Anchors(whole, AnchorFormat.CENTRE), BoxScales(1.0, 1.0, 1.0, 1.0)
    changes = joined_words is not None or swapped or corners is not None or not treatment.changes_nothing
    edited = changes or len(file.outputs) != 2
    if edited:
        data, boxes, scores = edited_heads(data, (boxes, scores), treatment, swapped, columns, corners), 0, 1
    found = [
        f"raw heads: box encodings '{roles.box_encodings}'",
        f"class scores '{roles.class_scores}'",
        treatment.words(),
        joined_words or "",
        "x first" if swapped else "",
    ]
    if corners is not None:
        found.append("boxes that are decoded already")
    else:
        by_metadata = " by its metadata" if described is not None and options.source.anchors is None else ""
        found.append(f"{len(anchors.centres)} anchors as {anchors.format.value}{by_metadata}")
        found.append(scale_words(source, anchors))
    return FoundHeads(
        data=data,
        edited=edited,
        contract=raw_heads_contract(scales or choose_box_scales(source, anchors), options.postprocess, boxes, scores),
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
