"""Which output of a .tflite means what: the order in the file is not stable, and foreign files have no names."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.ssd.postprocess import BOX_ENCODINGS, BOXES, CLASS_SCORES, CLASSES, COUNT, SCORES
from edgeproof.tflite.file import TfliteFile
from edgeproof.tflite.output_conventions import outputs_by_metadata, outputs_by_names

DETECTIONS = (BOXES, CLASSES, SCORES, COUNT)
HEADS = (BOX_ENCODINGS, CLASS_SCORES)


class Evidence(enum.Enum):
    """What the map was read from, the surest first."""

    SIGNATURE = "the signature's names"
    OPERATOR = "the post-processing operator's outputs"
    METADATA = "the metadata's names"
    NAMES = "the names that its producer gives"
    SHAPES = "shapes"
    VALUES = "values of a run"


@dataclass(frozen=True)
class OutputMap:
    positions: Mapping[str, int]
    """Position in the file's list of outputs by meaning: the four of `DETECTIONS`, or the two of `HEADS`."""
    evidence: Evidence

    @property
    def raw_heads(self) -> bool:
        return BOX_ENCODINGS in self.positions


def map_outputs(
    file: TfliteFile, values: Sequence[npt.NDArray[np.float32]] | None = None, metadata_names: Sequence[str] = ()
) -> OutputMap | None:
    """The map of a file. `values` are the outputs of a run, `metadata_names` what the metadata names them, each in the
    file's order. None when nothing tells enough."""
    for signature in file.signatures:
        for names in (DETECTIONS, HEADS):
            if all(name in signature.outputs for name in names):
                return OutputMap({name: signature.outputs[name] for name in names}, Evidence.SIGNATURE)
    if len(file.postprocess) == 1:
        outputs = file.postprocess[0].outputs
        made = [position for position in outputs if position is not None]
        if len(made) == len(DETECTIONS) == len(outputs):
            return OutputMap(dict(zip(DETECTIONS, made, strict=True)), Evidence.OPERATOR)
    named = outputs_by_metadata(file, metadata_names)
    if named is not None:
        return OutputMap(named, Evidence.METADATA)
    named = outputs_by_names(file)
    if named is not None:
        return OutputMap(named, Evidence.NAMES)
    if values is not None and len(values) == len(file.outputs):
        found = _by_shapes([value.shape for value in values]) or _by_values(values)
        return None if found is None else OutputMap(found, Evidence.VALUES)
    found = _by_shapes([tensor.shape for tensor in file.outputs])
    return None if found is None else OutputMap(found, Evidence.SHAPES)


def _by_shapes(shapes: Sequence[tuple[int, ...]]) -> dict[str, int] | None:
    """The two heads, unless there are three classes: scores and boxes then look alike."""
    if len(shapes) != 2 or any(len(shape) != 3 or shape[0] != 1 for shape in shapes):
        return None
    boxes = [position for position, shape in enumerate(shapes) if shape[2] == 4]
    if len(boxes) != 1 or shapes[0][1] != shapes[1][1]:
        return None
    return {BOX_ENCODINGS: boxes[0], CLASS_SCORES: 1 - boxes[0]}


def _by_values(values: Sequence[npt.NDArray[np.float32]]) -> dict[str, int] | None:
    """Class ids are whole numbers, and scores fall from one row to the next; of heads only scores lie in 0..1."""
    if not all(value.size for value in values):
        return None
    if len(values) == 2 and values[0].shape == values[1].shape and values[0].ndim == 3 and values[0].shape[2] == 4:
        scores = [position for position, value in enumerate(values) if value.min() >= 0 and value.max() <= 1]
        return {BOX_ENCODINGS: 1 - scores[0], CLASS_SCORES: scores[0]} if len(scores) == 1 else None
    if len(values) != len(DETECTIONS):
        return None
    boxes = [position for position, value in enumerate(values) if value.ndim == 3 and value.shape[2] == 4]
    counts = [position for position, value in enumerate(values) if value.size == 1 and value.ndim < 2]
    rows = [position for position, value in enumerate(values) if value.ndim == 2]
    if not (len(boxes) == len(counts) == 1 and len(rows) == 2):
        return None
    told = float(values[counts[0]].ravel()[0])
    if not 0 <= told <= min(values[row].shape[1] for row in rows):
        return None  # a count that is not finite, too
    valid = int(told)
    # One row alone, or whole numbers everywhere, would be a guess.
    scores = [row for row in rows if valid > 1 and not _whole(values[row][0, :valid])]
    if len(scores) != 1 or (np.diff(values[scores[0]][0, :valid]) > 0).any():
        return None
    classes = next(row for row in rows if row != scores[0])
    return {BOXES: boxes[0], CLASSES: classes, SCORES: scores[0], COUNT: counts[0]}


def _whole(values: npt.NDArray[np.float32]) -> bool:
    return bool((values == np.rint(values)).all())
