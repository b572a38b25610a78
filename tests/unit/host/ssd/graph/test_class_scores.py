"""The last activation is found behind whatever only moves numbers, and counts when all of them come from it."""

from types import SimpleNamespace

import pytest

from edgeproof.ssd.graph.class_scores import last_activation
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.source_options import ScoreConverter


def graph(**nodes: str) -> Graph:
    """Nodes as `name="Op input input"`."""
    made = []
    for name, words in nodes.items():
        op, *inputs = words.split()
        made.append(SimpleNamespace(name=name, op=op, input=inputs))
    return Graph(SimpleNamespace(node=made))


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({"out": "Identity s", "s": "Sigmoid x", "x": "Conv2D i w"}, ScoreConverter.SIGMOID),
        ({"out": "Reshape s shape", "shape": "Const", "s": "Softmax x", "x": "Conv2D i w"}, ScoreConverter.SOFTMAX),
        (
            {"out": "ConcatV2 a b axis", "axis": "Const", "a": "Sigmoid x", "b": "Reshape c n", "c": "Sigmoid y"},
            ScoreConverter.SIGMOID,
        ),
        ({"out": "ConcatV2 a b axis", "axis": "Const", "a": "Sigmoid x", "b": "BiasAdd y w"}, None),
        ({"out": "ConcatV2 a b axis", "axis": "Const", "a": "Sigmoid x", "b": "Softmax y"}, None),
        ({"out": "Reshape x shape", "shape": "Const", "x": "BiasAdd y w"}, None),
        ({"out": "Mul s two", "s": "Sigmoid x", "two": "Const"}, None),
    ],
)
def test_the_last_activation(nodes: dict[str, str], expected: ScoreConverter | None) -> None:
    assert last_activation(graph(**nodes), "out:0") is expected
