"""Reads the input contract out of a graph's `Preprocessor`: target size, interpolation, mean and standard deviation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.graph.graph import Graph
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract

SCOPE = "Preprocessor/"
RESIZE = "ResizeBilinear"
_POSTPROCESSOR = "Postprocessor/"


def find_network_input(graph: Graph, file_name: str) -> str:
    """The node in the Preprocessor's scope whose picture the network reads: where the graph is cut.

    Raises NotAnSsdError when there is no such node.
    """
    exits = [
        node.name
        for node in graph.nodes(SCOPE)
        # The Postprocessor reads the true sizes of the pictures; a Shape is no picture either.
        if any(
            reader.op != "Shape" and not reader.name.startswith((SCOPE, _POSTPROCESSOR))
            for reader in graph.readers(node.name)
        )
    ]
    if len(exits) != 1:
        found = f"{len(exits)} nodes ({', '.join(exits)})" if exits else "no node"
        raise NotAnSsdError(
            f"{file_name}: the network reads {found} of the scope '{SCOPE}', expected one. "
            "Give a frozen graph that the TensorFlow 1 Object Detection API exported."
        )
    return str(exits[0])


def read_input_contract(graph: Graph, network_input: str, file_name: str) -> InputContract:
    """Follows the normalisation back from `network_input`, and reads the resize before it.

    Raises NotAnSsdError when the pictures are prepared in a way that edgeproof does not know.
    """
    return contract_of(graph, network_input, list(graph.nodes(SCOPE, op=RESIZE)), file_name)


def contract_of(graph: Graph, normalised: str, resizes: Sequence[Any], file_name: str) -> InputContract:
    """The contract of a picture that the node `normalised` ends the normalisation of, and `resizes` resize.

    Raises NotAnSsdError when the pictures are prepared in a way that edgeproof does not know.
    """
    factor, offset = _normalisation(graph, normalised)
    height, width, coordinates = _resize(graph, resizes, file_name)
    std = np.float32(1) / factor
    mean = -offset / factor
    return InputContract(
        height=height,
        width=width,
        colour_order=ColourOrder.RGB,
        coordinates=coordinates,
        mean=_channels(mean),
        std=_channels(std),
    )


def _normalisation(graph: Graph, name: str) -> tuple[Any, Any]:
    """Factor and offset, float32 scalar or [3], of `pixel * factor + offset`, out of Mul, RealDiv, Add and Sub."""
    factor: Any = np.float32(1)
    offset: Any = np.float32(0)
    while True:
        node = graph.node(name)
        inputs = graph.inputs(node)
        if node.op not in ("Mul", "RealDiv", "Add", "AddV2", "Sub") or len(inputs) != 2:
            return factor, offset
        constants = [graph.constant(inputs[0]), graph.constant(inputs[1])]
        known = [index for index in (0, 1) if constants[index] is not None]
        if len(known) != 1:
            return factor, offset
        value = np.asarray(constants[known[0]], np.float32).reshape(-1)
        value = value[0] if value.size == 1 else value
        if node.op == "Mul":
            factor = factor * value
        elif node.op == "RealDiv" and known == [1]:
            factor = factor / value
        elif node.op == "Sub" and known == [1]:
            offset = offset - factor * value
        elif node.op in ("Add", "AddV2"):
            offset = offset + factor * value
        else:
            return factor, offset
        name = inputs[1 - known[0]]


def _resize(graph: Graph, resizes: Sequence[Any], file_name: str) -> tuple[int, int, Coordinates]:
    if len(resizes) != 1:
        raise NotAnSsdError(
            f"{file_name}: its Preprocessor has {len(resizes)} {RESIZE} operations, expected one. "
            "edgeproof reads models with a fixed_shape_resizer and bilinear interpolation."
        )
    resize = resizes[0]
    size = graph.constant(graph.inputs(resize)[1])
    if size is None or size.shape != (2,):
        raise NotAnSsdError(
            f"{file_name}: the size that '{resize.name}' resizes to is computed from the picture "
            "(a keep_aspect_ratio_resizer?). edgeproof reads models with a fixed_shape_resizer."
        )
    if resize.attr["align_corners"].b:
        coordinates = Coordinates.ALIGN_CORNERS
    elif resize.attr["half_pixel_centers"].b:
        coordinates = Coordinates.HALF_PIXEL
    else:
        coordinates = Coordinates.ASYMMETRIC
    return int(size[0]), int(size[1]), coordinates


def _channels(values: Any) -> tuple[float, float, float]:
    """Six digits a channel: 1 / float32(2 / 255) is meant to be 127.5, not 127.49999."""
    first, second, third = (float(f"{value:.6g}") + 0.0 for value in np.broadcast_to(values, (3,)))
    return first, second, third
