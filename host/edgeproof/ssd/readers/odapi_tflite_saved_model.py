"""Reads the SavedModel of `export_tflite_graph_tf2`: the post-processing composite is a function of its graph."""

from pathlib import Path
from typing import Any

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.files.anchors import convert_anchors, read_anchors
from edgeproof.ssd.files.labels import read_labels
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.graph.graph_cut import cut_network, evaluate, heads_module
from edgeproof.ssd.graph.input_range import stated_contract
from edgeproof.ssd.heads import probe_heads
from edgeproof.ssd.model import BoxScales, Heads, Source, SsdModel
from edgeproof.ssd.readers.saved_model import (
    digest_saved_model,
    freeze_saved_model,
    saved_model_folder,
    with_functions_kept,
)
from edgeproof.ssd.readers.tflite_graph import OPERATOR, SCALES
from edgeproof.ssd.source_options import AnchorFormat, SourceOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow
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
    call, attributes, folded = _find_call(graph, file)
    contract, words = stated_contract(graph, network.image, network.image_shape, options, Coordinates.ASYMMETRIC, file)
    arguments = graph.inputs(call)
    plain = graph if len(arguments) == 3 else _without_composite(graph, [network.image, *arguments], folded)
    function = cut_network(plain, network.image, (1, contract.height, contract.width, 3), arguments, file)
    heads = probe_heads(heads_module(function, 0, 1), contract.height, contract.width, file)
    if options.anchors_file is not None:
        size = contract.height, contract.width
        anchors = read_anchors(options.anchors_file, options.anchor_format, options.anchor_order, size=size)
    else:
        values = evaluate(function, 2) if len(arguments) == 3 else _folded_anchors(folded, heads, file)
        anchors = convert_anchors(values, f"{file}: the anchors", AnchorFormat.CENTRE)
    if len(anchors.centres) != heads.box_encodings_shape[1]:
        raise UsageError(
            f"{file}: there are {len(anchors.centres)} anchors and heads for {heads.box_encodings_shape[1]}. "
            "Give the anchors that the model was trained with, with --anchors."
        )
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


def _without_composite(graph: Graph, kept: list[str], composite: Any) -> Graph:
    """What `kept` needs. The converter refuses a function that TensorFlow's optimiser folded constants into."""
    names = [name.split(":")[0] for name in kept]
    cut = import_tensorflow().compat.v1.graph_util.extract_sub_graph(graph.graph_def, names)
    functions = [item for item in cut.library.function if item.signature.name != composite.signature.name]
    del cut.library.function[:]
    cut.library.function.extend(functions)
    return Graph(cut)


def _folded_anchors(composite: Any, heads: Heads, file: str) -> Any:
    """The one constant of the composite's body with a row an anchor: TensorFlow folds constant arguments into it."""
    tensorflow = import_tensorflow()
    rows = (heads.box_encodings_shape[1], 4)
    constants = [
        tensorflow.make_ndarray(node.attr["value"].tensor) for node in composite.node_def if node.op == "Const"
    ]
    found = [values for values in constants if values.shape in (rows, (1, *rows)) and values.any()]
    if len(found) != 1:
        raise UsageError(
            f"{file}: its {OPERATOR} is called without anchors: they were a constant, which TensorFlow left out. "
            f"Give them with --anchors, as a .npy file {list(rows)}."
        )
    return found[0]


def _find_call(graph: Graph, file: str) -> tuple[Any, Any, Any]:
    """The node that calls the composite with boxes, scores and, mostly, anchors, the composite's attributes, and it."""
    functions = {
        function.signature.name: function
        for function in graph.graph_def.library.function
        if function.attr[_IMPLEMENTS].func.name == OPERATOR
    }
    composites = {name: function.attr[_IMPLEMENTS].func for name, function in functions.items()}
    calls = [node for node in graph.nodes() if node.op in _CALLS and node.attr["f"].func.name in composites]
    calls += [node for node in graph.nodes() if node.op in composites]
    if len(calls) != 1 or len(graph.inputs(calls[0])) not in (2, 3):
        raise NotAnSsdError(
            f"{file}: it calls {OPERATOR} with boxes, scores and anchors {len(calls)} times, expected once. "
            "Give the SavedModel that export_tflite_graph_tf2 wrote, or that of exporter_main_v2."
        )
    called = calls[0].attr["f"].func.name if calls[0].op in _CALLS else calls[0].op
    attributes = composites[called].attr
    missing = [key for key in SCALES if key not in attributes]
    if missing:
        raise NotAnSsdError(f"{file}: its {OPERATOR} does not say {', '.join(missing)}.")
    return calls[0], attributes, functions[called]
