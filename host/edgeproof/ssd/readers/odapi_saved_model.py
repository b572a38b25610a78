"""Reads the SavedModel of the TensorFlow 2 Object Detection API's `exporter_main_v2`, and cuts off its own NMS."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.graph.preprocessor import RESIZE, SCOPE, contract_of
from edgeproof.ssd.model import Source, SsdModel
from edgeproof.ssd.readers.graph_ssd import CLASS_SCORES, read_graph_ssd
from edgeproof.ssd.readers.saved_model import digest_saved_model, freeze_saved_model, saved_model_folder
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof_agent.bundle.manifest import InputContract

KIND = "odapi-saved-model"
# The loop over the pictures of a batch, lowered, gives the prepared pictures so.
_STACK = "TensorListStack"
_OUTSIDE = "signature/"
_PASSIVE = ("ExpandDims", "Squeeze", "Unpack", "Pack", "Identity", "StridedSlice", "Reshape")


def read_odapi_saved_model(
    path: Path, labels: Path | None = None, name: str | None = None, options: SourceOptions | None = None
) -> SsdModel:
    """The names of SSDMetaArch sit in nested functions; in line and without their prefix they are TensorFlow 1's.

    Raises NotAnSsdError when it is another architecture than an SSD.
    """
    folder, file = saved_model_folder(path), str(path)
    network, _ = freeze_saved_model(folder)
    graph = _without_prefix(network.graph, file)
    image = _network_input(graph, file)
    contract = _contract(graph, image, file)
    source = Source(
        KIND,
        "SavedModel of the TensorFlow 2 Object Detection API",
        path.name,
        digest_saved_model(path),
    )
    model = read_graph_ssd(graph, path, source, labels, name, options or SourceOptions(), (image, contract))
    return model if name else replace(model, name=path.name)


def _without_prefix(graph: Graph, file: str) -> Graph:
    """The graph with the names that the nodes have in the function that holds the SSD."""
    found = [node.name for node in graph.nodes() if f"/{node.name}".endswith(f"/{CLASS_SCORES}")]
    if len(found) != 1:
        raise NotAnSsdError(
            f"{file}: it is a model of the Object Detection API, but '{CLASS_SCORES}' is there {len(found)} times, not "
            "once: it is no SSD (CenterNet, Faster R-CNN and EfficientDet are other architectures)."
        )
    prefix = found[0].removesuffix(CLASS_SCORES)

    def renamed(name: str) -> str:
        return name.removeprefix(prefix) if name.startswith(prefix) else f"{_OUTSIDE}{name}"

    graph_def = import_tensorflow().compat.v1.GraphDef()
    graph_def.CopyFrom(graph.graph_def)
    for node in graph_def.node:
        node.name = renamed(node.name)
        for position, item in enumerate(node.input):
            node.input[position] = f"^{renamed(item[1:])}" if item.startswith("^") else renamed(item)
    return Graph(graph_def)


def _network_input(graph: Graph, file: str) -> str:
    """Where the way back from the class scores first meets a prepared picture."""
    found, waiting, seen = set(), [CLASS_SCORES], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in graph:
            continue
        seen.add(name)
        node = graph.node(name)
        if node.op == _STACK or f"/{name}".find(f"/{SCOPE}") >= 0:
            found.add(name)
            continue
        waiting += [item.split(":")[0] for item in graph.inputs(node)]
    if len(found) != 1:
        names = ", ".join(sorted(found)) or "none"
        raise NotAnSsdError(
            f"{file}: the network reads {names} for its picture, expected one node of its Preprocessor."
        )
    return str(found.pop())


def _contract(graph: Graph, image: str, file: str) -> InputContract:
    resizes = [node for node in graph.nodes(op=RESIZE) if f"/{node.name}".find(f"/{SCOPE}") >= 0]
    # TensorFlow 2's API normalises before it resizes; bilinear interpolation does not mind the order.
    ends = [image] if graph.node(image).op not in (_STACK, *_PASSIVE) else list(_before(graph, resizes))
    return contract_of(graph, ends[0] if ends else image, resizes, file)


def _before(graph: Graph, resizes: list[Any]) -> Iterator[str]:
    for resize in resizes:
        name = graph.inputs(resize)[0].split(":")[0]
        while name in graph and graph.node(name).op in _PASSIVE:
            name = graph.inputs(graph.node(name))[0].split(":")[0]
        yield name
