"""Reads a frozen graph that the TensorFlow 1 Object Detection API exported (`frozen_inference_graph.pb`)."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.digests import sha256_of_file
from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.graph import Graph, read_graph
from edgeproof.ssd.heads import probe_heads
from edgeproof.ssd.labels import read_labels
from edgeproof.ssd.model import BoxScales, Source, SsdModel
from edgeproof.ssd.preprocessor import find_network_input, read_input_contract
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet

KIND = "tf1-frozen-graph"

# Node names of the Object Detection API's SSDMetaArch (meta_architectures/ssd_meta_arch.py).
_BOX_ENCODINGS = "Squeeze"
_CLASS_SCORES = "Postprocessor/convert_scores"
_ANCHORS = ("Concatenate/concat", "Postprocessor/ExpandDims")
_DECODE = "Postprocessor/Decode/"
_UNSTACK = _DECODE + "unstack"


def read_frozen_graph(path: Path, labels: Path | None = None, name: str | None = None) -> SsdModel:
    """Cuts the SSD out of a frozen graph: between the Preprocessor and the Postprocessor's non-maximum suppression.

    `labels` is a text file with one label a line. Raises NotAnSsdError when the file is no graph or lacks a part, and
    UsageError when the labels do not fit.
    """
    graph = read_graph(path)
    file_name = path.name
    anchors_node = _require_heads(graph, path)
    network_input = find_network_input(graph, str(path))
    contract = read_input_contract(graph, network_input, str(path))
    box_scales = _read_box_scales(graph, path)
    module, anchors_function = _cut(graph, network_input, (1, contract.height, contract.width, 3), anchors_node, path)
    heads = probe_heads(module, contract.height, contract.width, str(path))
    anchors = _evaluate_anchors(anchors_function, (1, contract.height, contract.width, 3), anchors_node, path)
    return SsdModel(
        name=name or path.stem,
        heads=heads,
        anchors=anchors,
        box_scales=box_scales,
        input=contract,
        labels=read_labels(labels, heads.class_scores_shape[-1] - 1),
        source=Source(
            kind=KIND,
            description=f"frozen graph of the TensorFlow 1 Object Detection API, {len(graph)} nodes",
            file_name=file_name,
            sha256=sha256_of_file(path),
        ),
    )


def _require_heads(graph: Graph, path: Path) -> str:
    """The name of the anchors' node. Raises NotAnSsdError naming the missing heads and what could be meant instead."""
    anchors = next((name for name in _ANCHORS if name in graph), None)
    missing = [
        f"{what} ('{name}')"
        for what, name, present in (
            ("box encodings", _BOX_ENCODINGS, _BOX_ENCODINGS in graph),
            ("class scores", _CLASS_SCORES, _CLASS_SCORES in graph),
            ("anchors", "' or '".join(_ANCHORS), anchors is not None),
        )
        if not present
    ]
    if anchors is not None and not missing:
        return anchors
    candidates = graph.head_candidates()
    listed = "".join(f"\n  {line}" for line in candidates) or " none"
    raise NotAnSsdError(
        f"{path}: it is a TensorFlow graph of {len(graph)} nodes, but not an SSD of the Object Detection API. "
        f"Missing: {', '.join(missing)}. Give the frozen_inference_graph.pb of an SSD.\n"
        f"Tensors in it that look like heads:{listed}"
    )


def _read_box_scales(graph: Graph, path: Path) -> BoxScales:
    """The constants by which the box coder divides ty, tx, th, tw (box_coders/faster_rcnn_box_coder.py, `_decode`)."""
    if _UNSTACK not in graph:
        raise NotAnSsdError(
            f"{path}: the box decoder ('{_UNSTACK}') is missing, so the scales of the box encodings are unknown. "
            "Give the frozen_inference_graph.pb that the Object Detection API exported, not a part of it."
        )
    scales = [1.0, 1.0, 1.0, 1.0]
    for node in graph.readers(_UNSTACK):
        inputs = graph.inputs(node)
        for position, output in enumerate(inputs):
            if output.split(":")[0] != _UNSTACK or node.op not in ("RealDiv", "Mul") or len(inputs) != 2:
                continue
            constant = graph.constant(inputs[1 - position])
            if constant is not None and constant.size == 1:
                coordinate = int(output.partition(":")[2] or 0)
                # A grappler pass may have turned the division into a multiplication.
                scales[coordinate] = float(constant.item()) if node.op == "RealDiv" else 1.0 / float(constant.item())
    return BoxScales(y=scales[0], x=scales[1], height=scales[2], width=scales[3])


def _cut(graph: Graph, network_input: str, shape: tuple[int, ...], anchors_node: str, path: Path) -> tuple[Any, Any]:
    """A module with the heads alone, and a function that gives the anchors; both of a float32 picture of `shape`."""
    tensorflow = import_tensorflow()
    outputs = [_BOX_ENCODINGS, _CLASS_SCORES, anchors_node]
    cut = tensorflow.compat.v1.GraphDef()
    cut.versions.CopyFrom(graph.graph_def.versions)
    cut.library.CopyFrom(graph.graph_def.library)
    for node in graph.nodes():
        copy = cut.node.add()
        if node.name != network_input:
            copy.CopyFrom(node)
            continue
        copy.name, copy.op = node.name, "Placeholder"
        copy.attr["dtype"].type = tensorflow.float32.as_datatype_enum
        copy.attr["shape"].shape.CopyFrom(tensorflow.TensorShape(shape).as_proto())
    try:
        with quiet():
            needed = tensorflow.compat.v1.graph_util.extract_sub_graph(cut, outputs)
            others = [node.name for node in needed.node if node.op == "Placeholder" and node.name != network_input]
            if others:
                raise NotAnSsdError(
                    f"{path}: the heads also read {', '.join(others)} beside the Preprocessor. edgeproof cannot cut it."
                )

            def heads_and_anchors(image: Any) -> Any:
                return tensorflow.graph_util.import_graph_def(
                    needed,
                    input_map={f"{network_input}:0": image},
                    return_elements=[f"{name}:0" for name in outputs],
                    name="",
                )

            signature = [tensorflow.TensorSpec(shape, tensorflow.float32, "image")]
            wrapped = tensorflow.compat.v1.wrap_function(heads_and_anchors, signature)
            boxes, scores, anchors = wrapped.outputs
            module = tensorflow.Module()
            module.heads = wrapped.prune(wrapped.inputs[0], (boxes, scores))
            return module, wrapped.prune(wrapped.inputs[0], anchors)
    except (ValueError, TypeError, KeyError, AssertionError, tensorflow.errors.OpError) as error:
        reason = str(error).strip().splitlines()[0]
        raise NotAnSsdError(f"{path}: TensorFlow cannot load the graph: {reason}") from error


def _evaluate_anchors(function: Any, shape: tuple[int, ...], anchors_node: str, path: Path) -> npt.NDArray[np.float32]:
    """The anchors as centre y, centre x, height, width; the graph holds ymin, xmin, ymax, xmax."""
    tensorflow = import_tensorflow()
    with quiet():
        corners = np.asarray(function(tensorflow.zeros(shape, tensorflow.float32)).numpy(), np.float32)
    if corners.ndim == 3 and corners.shape[0] == 1:
        corners = corners[0]
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise NotAnSsdError(f"{path}: '{anchors_node}' has shape {list(corners.shape)}, anchors are [anchors, 4].")
    ymin, xmin, ymax, xmax = corners.T
    centres = [(ymin + ymax) / 2, (xmin + xmax) / 2, ymax - ymin, xmax - xmin]
    return np.stack(centres, axis=1).astype(np.float32)
