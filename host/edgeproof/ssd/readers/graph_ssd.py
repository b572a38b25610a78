"""An SSD out of a frozen graph: by the node names of the Object Detection API's SSDMetaArch, or by stated names."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.box_reading import Reading
from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.files.anchors import Anchors, convert_anchors, read_anchors, require_count
from edgeproof.ssd.files.labels import read_labels
from edgeproof.ssd.graph.box_treatment import BoxTreatment
from edgeproof.ssd.graph.class_scores import ScoreTreatment, decide_treatment
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.graph.graph_cut import cut_network, evaluate, heads_module
from edgeproof.ssd.graph.input_range import stated_contract
from edgeproof.ssd.graph.preprocessor import SCOPE, find_network_input, read_input_contract
from edgeproof.ssd.heads import probe_heads
from edgeproof.ssd.model import BoxScales, Predictions, Source, SsdModel
from edgeproof.ssd.readers.signature_network import choose_box_scales
from edgeproof.ssd.source_options import INPUT_CONVENTIONS, AnchorFormat, SourceOptions
from edgeproof_agent.bundle.manifest import Coordinates, InputContract

# Node names of meta_architectures/ssd_meta_arch.py.
_BOX_ENCODINGS = ("Squeeze", "concat")
"""The second when all feature maps share a head, as those of a feature pyramid do."""
CLASS_SCORES = "Postprocessor/convert_scores"
_ANCHORS = ("Concatenate/concat", "Postprocessor/ExpandDims")
_DECODE = "Postprocessor/Decode/"
_UNSTACK = _DECODE + "unstack"


@dataclass(frozen=True)
class _Nodes:
    box_encodings: str
    class_scores: str
    anchors: str | None
    """None when they come from a file."""


def read_graph_ssd(
    graph: Graph,
    path: Path,
    source: Source,
    labels: Path | None,
    name: str | None,
    options: SourceOptions,
    network_input: tuple[str, InputContract] | None = None,
) -> SsdModel:
    """`network_input` is the node that the network reads its picture from; it is looked for when None.

    Raises NotAnSsdError with what is missing and what could be meant, UsageError when an option does not fit."""
    file = str(path)
    nodes = _find_nodes(graph, path, options)
    image, contract, range_words = (*network_input, "") if network_input else _find_input(graph, options, file)
    pixels_of = (contract.height, contract.width) if options.anchor_units is AnchorUnits.PIXELS else None
    anchors_from_file = None
    if options.anchors_file is not None:
        size = contract.height, contract.width
        anchors_from_file = read_anchors(
            options.anchors_file, options.anchor_format, options.anchor_order, pixels_of, size
        )
    box_scales = _find_box_scales(graph, options, anchors_from_file, path)
    outputs = [nodes.box_encodings, nodes.class_scores, *([nodes.anchors] if nodes.anchors else [])]
    network = cut_network(graph, image, (1, contract.height, contract.width, 3), outputs, file)
    treatment = ScoreTreatment()
    if (
        options.scores is not None
        or options.score_converter is not None
        or options.background is not None
        or options.background_last
    ):
        columns = evaluate(network, 1).shape[-1]
        treatment = decide_treatment(graph, [nodes.class_scores], columns, options, labels, file)
    if anchors_from_file is not None and options.anchors_file is not None:
        anchors = anchors_from_file
        require_count(anchors, options.anchors_file, evaluate(network, 0).shape)
    else:
        # The API's own are corners.
        form = options.anchor_format if options.anchors else AnchorFormat.CORNERS
        anchors = _graph_anchors(evaluate(network, 2), str(nodes.anchors), form, options.anchor_order, pixels_of, path)
    scales = (box_scales.y, box_scales.x, box_scales.height, box_scales.width)
    coder, order = options.box_coder or BoxCoder.CENTRE, options.box_order or CoordinateOrder.YX
    boxes_as = BoxTreatment(coder, order, scales, (contract.height, contract.width))
    treat = None if boxes_as.changes_nothing else functools.partial(boxes_as.apply, anchors=anchors.centres)
    module = heads_module(network, 0, 1, treatment, treat)
    heads = probe_heads(module, contract.height, contract.width, file)
    words = [source.description, treatment.words(), boxes_as.words(), range_words]
    reading = Reading(coder, boxes_as.order, anchors.format, anchors.order, scales)
    given = anchors.centres if anchors.values is None else anchors.values
    return SsdModel(
        name=name or path.stem,
        heads=heads,
        anchors=boxes_as.canonical_anchors(anchors.centres),
        box_scales=boxes_as.canonical_scales(),
        input=contract,
        labels=read_labels(labels, heads.class_scores_shape[-1] - 1),
        source=replace(source, description=", ".join(word for word in words if word)),
        predictions=Predictions(module, given, reading),
    )


def _find_nodes(graph: Graph, path: Path, options: SourceOptions) -> _Nodes:
    stated_anchors = options.anchors if options.anchors_file is None else None
    anchors = _first(graph, [stated_anchors] if stated_anchors else _ANCHORS)
    boxes = options.boxes or _first(graph, _BOX_ENCODINGS) or _BOX_ENCODINGS[0]
    scores = options.scores or CLASS_SCORES
    missing = [
        f"{what} ('{name}')"
        for what, name, present in (
            ("box encodings", boxes, boxes in graph),
            ("class scores", scores, scores in graph),
            ("anchors", stated_anchors or "' or '".join(_ANCHORS), anchors is not None or options.anchors_file),
        )
        if not present
    ]
    if missing:
        candidates = graph.head_candidates()
        listed = "".join(f"\n  {line}" for line in candidates) or " none"
        raise NotAnSsdError(
            f"{path}: it is a TensorFlow graph of {len(graph)} nodes, but not an SSD of the Object Detection API. "
            f"Missing: {', '.join(missing)}. Give the frozen_inference_graph.pb of an SSD, or name what is missing "
            f"with --boxes, --scores and --anchors.\nTensors in it that look like heads:{listed}"
        )
    return _Nodes(boxes, scores, None if options.anchors_file else anchors)


def _first(graph: Graph, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in graph), None)


def _find_input(graph: Graph, options: SourceOptions, file: str) -> tuple[str, InputContract, str]:
    """The node that the network reads the picture from, the contract, and the range in words when it was not read."""
    pictures = [node for node in graph.nodes(op="Placeholder") if len(graph.placeholder_shape(node)) == 4]
    if any(True for _ in graph.nodes(SCOPE)) or len(pictures) != 1:
        why = "its preprocessing is part of the graph, and says it"
        options.require_none_said(file, why, *INPUT_CONVENTIONS)
        network_input = find_network_input(graph, file)
        return network_input, read_input_contract(graph, network_input, file), ""
    image = str(pictures[0].name)
    shape = graph.placeholder_shape(pictures[0])
    # Graphs without a Preprocessor of their own come from TensorFlow 1, too.
    contract, words = stated_contract(graph, image, shape, options, Coordinates.ASYMMETRIC, file)
    return image, contract, words


def _find_box_scales(graph: Graph, options: SourceOptions, anchors: Anchors | None, path: Path) -> BoxScales:
    stated = options.box_scales is not None or options.boxes is not None or anchors is not None
    if options.box_scales is None and _UNSTACK in graph:
        return _read_box_scales(graph)
    if stated:
        return choose_box_scales(options, anchors, options.box_coder or BoxCoder.CENTRE)
    raise NotAnSsdError(
        f"{path}: the box decoder ('{_UNSTACK}') is missing, so the scales of the box encodings are unknown. "
        "Give the frozen_inference_graph.pb that the Object Detection API exported, not a part of it, or --box-scales."
    )


def _read_box_scales(graph: Graph) -> BoxScales:
    """The constants by which the box coder divides ty, tx, th, tw (box_coders/faster_rcnn_box_coder.py, `_decode`)."""
    scales = [1.0, 1.0, 1.0, 1.0]
    for node in graph.readers(_UNSTACK):
        inputs = graph.inputs(node)
        for position, output in enumerate(inputs):
            if output.split(":")[0] != _UNSTACK or node.op not in ("RealDiv", "Mul") or len(inputs) != 2:
                continue
            constant = graph.constant(inputs[1 - position])
            if constant is not None and constant.size == 1:
                coordinate = int(output.partition(":")[2] or 0)
                value = float(constant.item())
                # A grappler pass may have turned the division into a multiplication by the float32 reciprocal.
                scales[coordinate] = value if node.op == "RealDiv" else float(f"{1 / value:.6g}")
    return BoxScales(y=scales[0], x=scales[1], height=scales[2], width=scales[3])


def _graph_anchors(
    values: npt.NDArray[Any],
    node: str,
    form: AnchorFormat | None,
    order: CoordinateOrder | None,
    pixels_of: tuple[int, int] | None,
    path: Path,
) -> Anchors:
    rows = values[0] if values.ndim == 3 and values.shape[0] == 1 else values
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise NotAnSsdError(f"{path}: '{node}' has shape {list(rows.shape)}, anchors are [anchors, 4].")
    return convert_anchors(rows, f"{path}: {node}", form, None, order, pixels_of)
