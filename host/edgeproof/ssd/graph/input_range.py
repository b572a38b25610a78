"""The input contract of a network that comes without its preprocessing: what the options say, else a named default."""

from typing import Any

import numpy as np

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.source_options import InputRange, SourceOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract

INPUT_TOLD = frozenset({"mean", "std"})
"""Fields of `SourceOptions` that a graph says by taking bytes. It never says the order of the colours."""
_ARITHMETIC = ("Mul", "RealDiv", "Sub", "Add", "AddV2")
# 1 / 127.5 and 1 / 58 (ImageNet's standard deviation) are below it: such a factor is meant for bytes.
_MAX_FACTOR_OF_BYTES = 0.1


def stated_contract(
    graph: Graph,
    image: str,
    shape: tuple[int | None, ...],
    options: SourceOptions,
    coordinates: Coordinates,
    file: str,
) -> tuple[InputContract, str]:
    """The contract of the picture that the node `image`, of `shape`, holds, and its range in words.

    Without an option the range is 0..255 when the network takes bytes or begins by normalising them, else -1..1.
    Raises NotAnSsdError when it is no picture, UsageError when its size is not known.
    """
    if len(shape) != 4 or shape[0] not in (1, None) or shape[3] not in (3, None):
        sides = ", ".join("?" if side is None else str(side) for side in shape)
        raise NotAnSsdError(
            f"{file}: its input '{image}' is [{sides}], expected one picture [1, height, width, 3]. "
            "Export the model with batch 1 (or any) and the channels last."
        )
    height, width = _size(shape[1], shape[2], options, file)
    coordinates = options.coordinates or coordinates
    colours = options.colour_order or ColourOrder.RGB
    if options.normalisation is not None:
        mean, std = options.normalisation
        shown = f"input (pixel - {_listed(mean)}) / {_listed(std)}, {colours.value}"
        return InputContract(height, width, colours, coordinates, mean, std), shown
    if options.input_range is not None:
        chosen, words = options.input_range, f"input {options.input_range.value}"
    elif _takes_bytes(graph, image):
        chosen, words = InputRange.BYTES, "input 0..255 (it normalises them itself)"
    else:
        chosen = InputRange.MINUS_ONE_TO_ONE
        words = "input -1..1 (the default; --input-range says otherwise)"
    mean, std = (chosen.mean,) * 3, (chosen.std,) * 3
    if options.colour_order is not None:
        words = f"{words}, {colours.value}"
    return InputContract(height, width, colours, coordinates, mean, std), words


def is_assumed(options: SourceOptions, contract: InputContract) -> bool:
    """Whether the range in a `stated_contract` was neither said nor found in the graph."""
    said = options.normalisation is not None or options.input_range is not None
    return not said and contract.std != (InputRange.BYTES.std,) * 3


def _listed(values: tuple[float, float, float]) -> str:
    return f"[{', '.join(f'{value:g}' for value in values)}]"


def _size(height: int | None, width: int | None, options: SourceOptions, file: str) -> tuple[int, int]:
    if options.input_size is not None:
        stated_height, stated_width = options.input_size
        if height not in (None, stated_height) or width not in (None, stated_width):
            raise UsageError(f"{file}: it takes pictures of {height} x {width}, --input-size says otherwise.")
        return stated_height, stated_width
    if height is None or width is None:
        raise UsageError(
            f"{file}: it takes pictures of any size, and its anchors are for one. "
            "Say height and width that it was trained with: --input-size 320x320."
        )
    return height, width


def _takes_bytes(graph: Graph, image: str) -> bool:
    """Whether the picture is uint8, or what reads it first is an arithmetic that shrinks bytes."""
    current = image
    for _ in range(8):
        readers = [reader for reader in graph.readers(current) if reader.op not in ("Shape", "NoOp")]
        if len(readers) != 1:
            return False
        node, inputs = readers[0], graph.inputs(readers[0])
        if node.op == "Cast" and node.attr["SrcT"].type == import_tensorflow().uint8.as_datatype_enum:
            return True
        if node.op in _ARITHMETIC and len(inputs) == 2:
            values = [value for value in map(graph.constant, inputs) if value is not None]
            if not values or values[0].size not in (1, 3):
                return False
            if node.op in ("Mul", "RealDiv"):
                return _shrinks(node.op, values[0])
        elif node.op not in ("Identity", "Cast"):
            return False
        current = node.name
    return False


def _shrinks(op: str, value: Any) -> bool:
    largest = float(np.abs(np.asarray(value, np.float64)).max())
    factor = largest if op == "Mul" else 1 / largest if largest else 1.0
    return factor < _MAX_FACTOR_OF_BYTES
