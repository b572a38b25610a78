"""Which of a network's outputs are box encodings, class scores and anchors: told by shapes, values and names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.source_options import SourceOptions

Outputs = Mapping[str, npt.NDArray[Any]]
"""A network's outputs for one picture, by name."""

BOX_WORDS = ("box", "loc", "reg", "delta", "encoding")
SCORE_WORDS = ("score", "class", "cls", "conf", "logit", "prob")
_ANCHOR_WORDS = ("anchor", "prior", "default_box")


@dataclass(frozen=True)
class HeadRoles:
    box_encodings: str
    class_scores: str
    anchors: str | None
    """None when they are not among the outputs."""


def find_head_roles(outputs: Outputs, other_outputs: Outputs, options: SourceOptions, file: str) -> HeadRoles:
    """Tells the heads among `outputs`; `other_outputs` are those of another picture, so that constants show.

    Raises NotAnSsdError listing what there is when a head is missing, or several could be meant.
    """
    constant = {name for name in outputs if np.array_equal(outputs[name], other_outputs[name])}
    anchors = _stated(options.anchors if options.anchors_file is None else None, outputs, "anchors", file)
    if anchors is None:
        anchors = _only([name for name in outputs if name in constant and _is_anchors(outputs[name])], _ANCHOR_WORDS)
    heads = {name: array for name, array in outputs.items() if name != anchors}
    boxes = _stated(options.boxes, outputs, "boxes", file)
    scores = _stated(options.scores, outputs, "scores", file)
    if boxes is None:
        boxes = _only([name for name in heads if name != scores and _is_head(heads[name], 4)], BOX_WORDS, SCORE_WORDS)
    if scores is None and options.boxes is None and _holds_detections(heads):
        raise NotAnSsdError(
            f"{file}: its outputs are final detections: non-maximum suppression is in its graph, which does not "
            "convert to TFLite. Save the model without that layer, with box predictions [1, anchors, 4] and class "
            "scores [1, anchors, classes] as outputs; --box-coder boxes says that the boxes are decoded already. "
            f"Its outputs:{listed(outputs)}"
        )
    if boxes is None:
        raise NotAnSsdError(_message(file, "box encodings [1, anchors, 4]", "--boxes", outputs))
    rows = outputs[boxes].shape[1] if outputs[boxes].ndim == 3 else 0
    if scores is None:
        fitting = [name for name in heads if name != boxes and _is_head(heads[name]) and heads[name].shape[1] == rows]
        scores = _only(fitting, SCORE_WORDS, BOX_WORDS)
    if scores is None:
        raise NotAnSsdError(_message(file, f"class scores [1, {rows}, classes]", "--scores", outputs))
    return HeadRoles(boxes, scores, anchors)


def listed(outputs: Outputs) -> str:
    """A line `name [shape]` an output, each after a line break."""
    return "".join(f"\n  {name} {list(array.shape)}" for name, array in outputs.items()) or " none"


def _is_head(array: npt.NDArray[Any], last: int | None = None) -> bool:
    return array.ndim == 3 and array.shape[0] == 1 and array.shape[1] > 1 and last in (None, array.shape[2])


def _holds_detections(heads: Outputs) -> bool:
    """Boxes [1, N, 4], a score and a class for each [1, N], and nothing with a column for each class."""
    rows = {array.shape[1] for array in heads.values() if _is_head(array, 4)}
    flat = [array.shape[1] for array in heads.values() if array.ndim == 2 and array.shape[0] == 1]
    wide = [array for array in heads.values() if _is_head(array) and array.shape[2] != 4]
    return len(rows) == 1 and not wide and sum(length in rows for length in flat) >= 2


def _is_anchors(array: npt.NDArray[Any]) -> bool:
    return array.ndim in (2, 3) and array.shape[-1] == 4 and (array.ndim == 2 or array.shape[0] == 1)


def _stated(name: str | None, outputs: Outputs, option: str, file: str) -> str | None:
    if name is None or name in outputs:
        return name
    raise NotAnSsdError(f"{file}: it has no output {name!r} (--{option}). Its outputs:{listed(outputs)}")


def _only(names: Sequence[str], words: Sequence[str], other_words: Sequence[str] = ()) -> str | None:
    """The single one; among several the single one that is called so, or the single one not called otherwise."""
    if len(names) > 1:
        called = [name for name in names if any(word in name.lower() for word in words)]
        clear = [name for name in called if not any(word in name.lower() for word in other_words)]
        names = clear or called or [n for n in names if not any(word in n.lower() for word in other_words)]
    return names[0] if len(names) == 1 else None


def _message(file: str, what: str, option: str, outputs: Outputs) -> str:
    unclear = f"{file}: it is not clear which of its outputs are the {what}"
    return f"{unclear}. Name them with {option}. Its outputs:{listed(outputs)}"
