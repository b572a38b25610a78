"""Which of a model's layers a profiled operator is: XNNPACK's profiler tells kinds and an order, and no names.

The operators of a delegate run in the order of the graph's nodes, each as soon as what it reads has been made. So they
are followed through the graph; where that does not come out even for a kind of operator, none of its names is told.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
_KINDS: Mapping[str, "tuple[str, ...]"] = {
    "Convolution": _CONVOLUTIONS,
    "Fully Connected": _CONVOLUTIONS,  # what XNNPACK makes of a convolution of 1 x 1
    "Deconvolution": _CONVOLUTIONS,
    "Add": ("ADD",),
    "Multiply": ("MUL",),
    "Subtract": ("SUB",),
    "Sigmoid": ("LOGISTIC",),
    "Softmax": ("SOFTMAX",),
    "HardSwish": ("HARD_SWISH",),
    "Static Reshape": ("RESHAPE",),
    "Concatenate": ("CONCATENATION",),
    "Max Pooling": ("MAX_POOL_2D",),
    "Average Pooling": ("AVERAGE_POOL_2D",),
    "Resize Bilinear": ("RESIZE_BILINEAR",),
    "Convert": ("QUANTIZE", "DEQUANTIZE"),
}
"""By the beginning of XNNPACK's name (xnn_operator_type_to_string) the operators of TFLite that it is made of."""
_DEPTHWISE_TAG, _DEPTHWISE = "DWConv", "DEPTHWISE_CONV_2D"


@dataclass(frozen=True)
class Node:
    """An operator of the graph, in the graph's order."""

    operator: str
    name: str
    """Of its first output."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Ran:
    """A profiled operator."""

    tag: str
    place: int
    """In the graph; in its delegate where it ran in one."""
    delegated: bool


def read_nodes(interpreter: Any) -> list[Node]:
    """The graph of a loaded model; empty where the runtime does not tell it, which has no public way to do so."""
    try:
        tensors = {item["index"]: item["name"] for item in interpreter.get_tensor_details()}
        operators = interpreter._get_ops_details()
        return [
            Node(
                str(item["op_name"]),
                str(tensors.get(int(item["outputs"][0]), "")) if len(item["outputs"]) else "",
                tuple(int(index) for index in item["inputs"]),
                tuple(int(index) for index in item["outputs"]),
            )
            for item in operators
            if item["op_name"] != "DELEGATE"  # one that stands for nodes that are listed, too
        ]
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
        return []


def match_layers(
    operators: Sequence[Ran], nodes: Sequence[Node], graph_inputs: Collection[int]
) -> list[Optional[Node]]:
    """The node of each operator; None where it cannot be told. `graph_inputs` are the tensors that an inference is
    given."""
    found = [_own_node(ran, nodes) for ran in operators]
    own = {ran.place for ran, node in zip(operators, found) if node is not None}
    folded = _folded(nodes, graph_inputs)
    open_nodes = {place: node for place, node in enumerate(nodes) if place not in own | folded}
    unmade = {index for place, node in enumerate(nodes) if place not in folded for index in node.outputs}
    uncertain: set[str] = set()
    for position, ran in enumerate(operators):
        node = found[position]
        if ran.delegated:
            kind = _kind(ran.tag)
            place = _next_place(kind, open_nodes, unmade)
            if place is None or ((_DEPTHWISE_TAG in ran.tag) and open_nodes[place].operator != _DEPTHWISE):
                uncertain.update(kind)
            if place is not None:
                found[position] = node = open_nodes.pop(place)
        if node is not None:
            unmade.difference_update(node.outputs)
    uncertain.update(node.operator for node in open_nodes.values())
    return [
        None if ran.delegated and node is not None and node.operator in _with_kind(uncertain) else node
        for ran, node in zip(operators, found)
    ]


def _own_node(ran: Ran, nodes: Sequence[Node]) -> Optional[Node]:
    """That of an operator which the runtime itself ran, whose place is the node's."""
    if ran.delegated or ran.place >= len(nodes) or nodes[ran.place].operator != ran.tag:
        return None
    return nodes[ran.place]


def _folded(nodes: Sequence[Node], graph_inputs: Collection[int]) -> set[int]:
    """Places of the nodes that read constants alone, such as the weights of a float16 model: a delegate runs them
    once, as it is built."""
    varying = set(graph_inputs)
    folded = set()
    for place, node in enumerate(nodes):
        if varying.isdisjoint(node.inputs):
            folded.add(place)
        else:
            varying.update(node.outputs)
    return folded


def _next_place(kind: tuple[str, ...], open_nodes: Mapping[int, Node], unmade: set[int]) -> Optional[int]:
    ready = (place for place, node in open_nodes.items() if node.operator in kind and unmade.isdisjoint(node.inputs))
    return next(ready, None)


def _kind(tag: str) -> tuple[str, ...]:
    return next((kind for beginning, kind in _KINDS.items() if tag.startswith(beginning)), ())


def _with_kind(operators: Iterable[str]) -> set[str]:
    """With those that belong to the same kind: a name that is wrong for one is wrong for the next as well."""
    return {name for operator in operators for kind in _KINDS.values() if operator in kind for name in kind}
