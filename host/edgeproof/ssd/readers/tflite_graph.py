"""Reads `tflite_graph.pb` of `export_tflite_ssd_graph`: a TensorFlow 1 graph that ends in the post-processing op."""

from pathlib import Path
from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.files.anchors import convert_anchors
from edgeproof.ssd.files.labels import read_labels
from edgeproof.ssd.graph.fake_quantization import without_fake_quantization
from edgeproof.ssd.graph.graph import Graph, read_graph
from edgeproof.ssd.graph.graph_cut import cut_network, heads_module
from edgeproof.ssd.graph.input_range import stated_contract
from edgeproof.ssd.heads import probe_heads
from edgeproof.ssd.model import BoxScales, Source, SsdModel
from edgeproof.ssd.source_options import AnchorFormat, SourceOptions
from edgeproof.wording.counting import counted
from edgeproof_agent.bundle.manifest import Coordinates

KIND = "tf1-tflite-graph"
OPERATOR = "TFLite_Detection_PostProcess"
SCALES = ("y_scale", "x_scale", "h_scale", "w_scale")


def read_tflite_graph(
    path: Path, labels: Path | None = None, name: str | None = None, options: SourceOptions | None = None
) -> SsdModel:
    """The heads are the operator's inputs, its attributes are the scales; its own thresholds give way to `export`'s.

    Raises NotAnSsdError when the operator is not there as that exporter writes it.
    """
    options, file = options or SourceOptions(), str(path)
    plain, fake = without_fake_quantization(read_graph(path).graph_def)
    graph = Graph(plain)
    operator = _operator(graph, file)
    boxes, scores, anchors_node = graph.inputs(operator)
    pictures = [node for node in graph.nodes(op="Placeholder") if len(graph.placeholder_shape(node)) == 4]
    if len(pictures) != 1:
        raise NotAnSsdError(f"{file}: it has {len(pictures)} placeholders of a picture, expected one.")
    image, shape = str(pictures[0].name), graph.placeholder_shape(pictures[0])
    contract, words = stated_contract(graph, image, shape, options, Coordinates.ASYMMETRIC, file)
    values = graph.constant(anchors_node)
    if values is None:
        raise NotAnSsdError(f"{file}: its anchors ('{anchors_node}') are not a constant.")
    network = cut_network(graph, image, (1, contract.height, contract.width, 3), [boxes, scores], file)
    heads = probe_heads(heads_module(network, 0, 1), contract.height, contract.width, file)
    description = f"TensorFlow 1 graph with {OPERATOR}, {len(graph)} nodes, {words}"
    if fake:
        description += f", {counted(fake, 'fake quantization')} taken out"
    return SsdModel(
        name=name or path.stem,
        heads=heads,
        anchors=convert_anchors(values, f"{file}: {anchors_node}", AnchorFormat.CENTRE).centres,
        box_scales=BoxScales(*options.box_scales) if options.box_scales else _scales(operator),
        input=contract,
        labels=read_labels(labels, heads.class_scores_shape[-1] - 1),
        source=Source(KIND, description, path.name, sha256_of_file(path)),
    )


def _operator(graph: Graph, file: str) -> Any:
    operators = list(graph.nodes(op=OPERATOR))
    if len(operators) != 1 or len(graph.inputs(operators[0])) != 3:
        raise NotAnSsdError(
            f"{file}: it has {len(operators)} {OPERATOR} with boxes, scores and anchors, expected one. "
            "Give the tflite_graph.pb of export_tflite_ssd_graph, or the frozen_inference_graph.pb."
        )
    missing = [name for name in SCALES if name not in operators[0].attr]
    if missing:
        raise NotAnSsdError(f"{file}: its {OPERATOR} does not say {', '.join(missing)}.")
    return operators[0]


def _scales(operator: Any) -> BoxScales:
    y, x, height, width = (float(operator.attr[name].f) for name in SCALES)
    return BoxScales(y=y, x=x, height=height, width=width)
