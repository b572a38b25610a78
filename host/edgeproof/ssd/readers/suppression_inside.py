"""A network with non-maximum suppression in its graph: what goes into it are boxes and scores of all anchors.

Sources of the operators' inputs: tensorflow/core/ops/image_ops.cc.
"""

from dataclasses import dataclass

import numpy as np

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.conventions import BoxCoder
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.head_layout import BOXES
from edgeproof.ssd.head_roles import Outputs
from edgeproof.ssd.readers.probed_network import ProbedNetwork

_COMBINED = "CombinedNonMaxSuppression"
"""Boxes [batch, A, q, 4] and scores [batch, A, classes], a class a column."""
_ONE_BY_ONE = tuple(f"NonMaxSuppression{version}" for version in ("", "V2", "V3", "V4", "V5"))
"""Boxes [A, 4] and scores [A], of all classes at once or called class by class."""
# What chooses among the scores of an anchor, or hands them on.
_TRACED = (
    *("Identity", "Reshape", "Squeeze", "ExpandDims", "StridedSlice", "Slice", "Max", "GatherV2", "Gather"),
    *("Unpack", "Split", "Transpose", "TopKV2", "ConcatV2", "Cast"),
)
_RESHAPING = ("Identity", "Squeeze", "Reshape", "ExpandDims", "StridedSlice")
_MOST_TRACED = 16
# Boxes in 0..1 of the picture reach beyond it, but not that far.
_LARGEST_NORMALISED = 10.0


@dataclass(frozen=True)
class SuppressionInside:
    operator: str
    boxes: str
    """The tensor that the operator takes."""
    scores: tuple[str, ...]
    """Where the scores may be, all classes of them: the operator's own tensor, then what that was made of."""
    iou_threshold: float | None
    score_threshold: float | None

    @property
    def a_class_a_column(self) -> bool:
        return self.operator == _COMBINED

    def words(self) -> str:
        said = [
            f"{name} {value:g}"
            for name, value in (("--iou-threshold", self.iou_threshold), ("--score-threshold", self.score_threshold))
            if value is not None
        ]
        return f"its own {self.operator} left out" + (f" (it has {' '.join(said)})" if said else "")


def find_suppression(graph: Graph) -> SuppressionInside | None:
    """The suppression of a frozen graph; None where there is none, or several over different boxes."""
    nodes = [node for node in graph.nodes() if node.op in (_COMBINED, *_ONE_BY_ONE)]
    boxes = {_source(graph, graph.inputs(node)[0]) for node in nodes}
    if not nodes or len(boxes) != 1:
        return None
    node = nodes[0]
    inputs = graph.inputs(node)
    scores = (inputs[1],) if node.op == _COMBINED else _traced(graph, inputs[1])
    iou, score = (4, 5) if node.op == _COMBINED else (3, 4)
    return SuppressionInside(node.op, inputs[0], scores, _number(graph, inputs, iou), _number(graph, inputs, score))


def heads_before(found: SuppressionInside, probed: ProbedNetwork) -> tuple[ProbedNetwork, str]:
    """The network with boxes and scores of all anchors, and the tensor that the scores are.

    `probed` gives the tensors of `found` under their own names. Raises NotAnSsdError when they are not understood.
    """
    boxes = probed.outputs[found.boxes]
    if boxes.ndim == 4 and boxes.shape[2] != 1:
        raise NotAnSsdError(
            f"{probed.file}: its {found.operator} takes {boxes.shape[2]} boxes an anchor, one for each class, and "
            "TFLite's operator takes one for all classes. Train it with boxes that the classes share."
        )
    rows = boxes.size // 4
    for name in found.scores:
        scores = probed.outputs[name]
        columns = scores.shape[-1] if scores.ndim > 1 else 0
        if columns and columns * rows == scores.size and name not in probed.constant:
            return probed.reshaped(found.boxes, name, rows, columns), name
    if probed.outputs[found.scores[0]].size == rows:
        return probed.reshaped(found.boxes, found.scores[0], rows, 1), found.scores[0]
    raise NotAnSsdError(
        f"{probed.file}: the class scores that its {found.operator} chooses from are not found. Save the model without "
        "its suppression, with box predictions [1, anchors, 4] and class scores [1, anchors, classes] as outputs."
    )


def coder_of(outputs: Outputs, others: Outputs) -> BoxCoder:
    """Boxes that go into a suppression are decoded: in 0..1 of the picture, or in pixels, as their values say."""
    reach = max(float(np.abs(values[BOXES]).max()) for values in (outputs, others))
    return BoxCoder.PIXEL_BOXES if reach > _LARGEST_NORMALISED else BoxCoder.BOXES


def _source(graph: Graph, name: str) -> str:
    """The tensor behind those that reshape it or take its one picture."""
    while name.split(":")[0] in graph and graph.node(name).op in _RESHAPING:
        name = graph.inputs(graph.node(name))[0]
    return name


def _traced(graph: Graph, name: str) -> tuple[str, ...]:
    """The tensor and what it was chosen from, nearest first."""
    found = [name]
    while len(found) < _MOST_TRACED and name.split(":")[0] in graph and graph.node(name).op in _TRACED:
        node = graph.node(name)
        inputs = graph.inputs(node)
        name = inputs[1] if node.op == "Split" else inputs[0]
        found.append(name)
    return tuple(dict.fromkeys(found))


def _number(graph: Graph, inputs: list[str], place: int) -> float | None:
    value = graph.constant(inputs[place]) if place < len(inputs) else None
    return None if value is None or value.size != 1 else float(value.ravel()[0])
