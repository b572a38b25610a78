"""Reads the SavedModel of `export_tflite_graph_tf2`: the post-processing composite is a function of its graph."""

from pathlib import Path
from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.files.anchors import convert_anchors
from edgeproof.ssd.files.labels import read_labels
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.graph.graph_cut import cut_network, evaluate, heads_module
from edgeproof.ssd.graph.input_range import stated_contract
from edgeproof.ssd.heads import probe_heads
from edgeproof.ssd.model import BoxScales, Source, SsdModel
from edgeproof.ssd.readers.saved_model import (
    digest_saved_model,
    freeze_saved_model,
    saved_model_folder,
    with_functions_kept,
)
from edgeproof.ssd.readers.tflite_graph import OPERATOR, SCALES
from edgeproof.ssd.source_options import AnchorFormat, SourceOptions
from edgeproof_agent.bundle.manifest import Coordinates

KIND = "odapi-tflite-saved-model"
_IMPLEMENTS = "_implements"
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def read_odapi_tflite_saved_model(
    path: Path, labels: Path | None = None, name: str | None = None, options: SourceOptions | None = None
) -> SsdModel:
    """The heads are the arguments of the composite's call, its attributes are the scales.

    The order of the outputs, which that exporter reverses, does not matter: `export` attaches its own composite.
    Raises NotAnSsdError when the call is not there as expected.
    """
    options, folder, file = options or SourceOptions(), saved_model_folder(path), str(path)
    with with_functions_kept(folder, _IMPLEMENTS) as copy:
        network, _ = freeze_saved_model(copy)
    graph = network.graph
    call, attributes = _find_call(graph, file)
    contract, words = stated_contract(graph, network.image, network.image_shape, options, Coordinates.ASYMMETRIC, file)
    function = cut_network(graph, network.image, (1, contract.height, contract.width, 3), graph.inputs(call), file)
    heads = probe_heads(heads_module(function, 0, 1), contract.height, contract.width, file)
    anchors = convert_anchors(evaluate(function, 2), f"{file}: the anchors", AnchorFormat.CENTRE)
    scales = options.box_scales or tuple(float(attributes[key].f) for key in SCALES)
    return SsdModel(
        name=name or folder.name,
        heads=heads,
        anchors=anchors.centres,
        box_scales=BoxScales(*scales),
        input=contract,
        labels=read_labels(labels, heads.class_scores_shape[-1] - 1),
        source=Source(KIND, f"SavedModel of export_tflite_graph_tf2, {words}", path.name, digest_saved_model(path)),
    )


def _find_call(graph: Graph, file: str) -> tuple[Any, Any]:
    """The node that calls the composite with boxes, scores and anchors, and the composite's attributes."""
    composites = {
        function.signature.name: function.attr[_IMPLEMENTS].func
        for function in graph.graph_def.library.function
        if function.attr[_IMPLEMENTS].func.name == OPERATOR
    }
    calls = [node for node in graph.nodes() if node.op in _CALLS and node.attr["f"].func.name in composites]
    calls += [node for node in graph.nodes() if node.op in composites]
    if len(calls) != 1 or len(graph.inputs(calls[0])) != 3:
        raise NotAnSsdError(
            f"{file}: it calls {OPERATOR} with boxes, scores and anchors {len(calls)} times, expected once. "
            "Give the SavedModel that export_tflite_graph_tf2 wrote, or that of exporter_main_v2."
        )
    attributes = composites[calls[0].attr["f"].func.name if calls[0].op in _CALLS else calls[0].op].attr
    missing = [key for key in SCALES if key not in attributes]
    if missing:
        raise NotAnSsdError(f"{file}: its {OPERATOR} does not say {', '.join(missing)}.")
    return calls[0], attributes
