"""Profiled operators get the names of the layers that they are, and none where that cannot be told."""

from typing import Any

import pytest

from edgeproof_agent.profiling.layers import Node, Ran, match_layers, read_nodes

INPUT = 0


def node(operator: str, name: str, inputs: tuple[int, ...], output: int) -> Node:
    return Node(operator, name, inputs, (output,))


def names(operators: list[Ran], nodes: list[Node]) -> list[str | None]:
    return [None if found is None else found.name for found in match_layers(operators, nodes, {INPUT})]


# Tensor 90 and above are constants. The second reshape of the graph waits for what the runtime itself runs.
SSD = [
    node("QUANTIZE", "quantize", (INPUT,), 1),
    node("CONV_2D", "conv", (1, 90), 2),
    node("DEPTHWISE_CONV_2D", "depthwise", (2, 91), 3),
    node("CONV_2D", "boxes", (3, 92), 4),
    node("CONCATENATION", "concat", (4, 93), 5),
    node("RESHAPE", "squeeze", (5, 94), 6),
    node("RESHAPE", "scores", (3, 95), 7),
    node("LOGISTIC", "sigmoid", (7,), 8),
    node("TFLite_Detection_PostProcess", "detections", (6, 8, 96), 9),
]
RAN = [
    Ran("QUANTIZE", 0, False),
    Ran("Convolution (NHWC, QC8) IGEMM", 0, True),
    Ran("Convolution (NHWC, QC8) DWConv", 1, True),
    Ran("Fully Connected (NC, QS8, QC8W) GEMM", 2, True),
    Ran("Static Reshape (NC)", 3, True),
    Ran("Sigmoid (NC)", 4, True),
    Ran("CONCATENATION", 4, False),
    Ran("Static Reshape (NC)", 0, True),
    Ran("TFLite_Detection_PostProcess", 8, False),
]


def test_a_second_delegate_runs_what_the_first_could_not_yet() -> None:
    expected = ["quantize", "conv", "depthwise", "boxes", "scores", "sigmoid", "concat", "squeeze", "detections"]
    assert names(RAN, SSD) == expected


def test_a_kind_that_does_not_come_out_even_has_no_names() -> None:
    """The delegate has left out a reshape: which one, nothing tells."""
    ran = [one for one in RAN if one != Ran("Static Reshape (NC)", 0, True)]
    found = names(ran, SSD)
    assert found[4] is None
    assert [name for place, name in enumerate(found) if place != 4] == [
        "quantize",
        "conv",
        "depthwise",
        "boxes",
        "sigmoid",
        "concat",
        "detections",
    ]


def test_one_convolution_too_many_leaves_all_of_them_without_a_name() -> None:
    ran = [*RAN[:4], Ran("Fully Connected (NC, F32) GEMM", 9, True), *RAN[4:]]
    found = names(ran, SSD)
    assert found[1:5] == [None] * 4
    assert found[5:7] == ["scores", "sigmoid"]


def test_a_depthwise_kernel_is_no_other_convolution() -> None:
    swapped = [RAN[0], RAN[2], RAN[1], *RAN[3:]]
    assert names(swapped, SSD)[1:4] == [None] * 3


def test_what_reads_constants_alone_has_been_run_ahead() -> None:
    """The weights of a float16 model are dequantized once, as the delegate is built."""
    half = [
        node("DEQUANTIZE", "weights", (90,), 1),
        node("CONV_2D", "conv", (INPUT, 1), 2),
        node("DEQUANTIZE", "output", (2,), 3),
    ]
    ran = [Ran("Convolution (NHWC, F32) IGEMM", 0, True), Ran("Convert (NC)", 1, True)]
    assert names(ran, half) == ["conv", "output"]


def test_an_unknown_kernel_has_no_name_and_takes_none() -> None:
    ran = [RAN[0], Ran("Copy (NC)", 7, True), *RAN[1:]]
    found = names(ran, SSD)
    assert found[1] is None
    assert None not in found[2:]


def test_a_place_of_the_graph_that_holds_another_operator_is_not_believed() -> None:
    assert names([Ran("QUANTIZE", 1, False), Ran("QUANTIZE", 99, False)], SSD) == [None, None]


class Interpreter:
    def __init__(self, operators: Any) -> None:
        self._operators = operators

    def get_tensor_details(self) -> list[dict[str, Any]]:
        return [{"index": 1, "name": "sum"}]

    def _get_ops_details(self) -> Any:
        if isinstance(self._operators, Exception):
            raise self._operators
        return self._operators


def test_the_graph_is_read_without_what_stands_for_a_delegate() -> None:
    add = {"op_name": "ADD", "inputs": [0, 2], "outputs": [1]}
    kernel = {"op_name": "DELEGATE", "inputs": [0], "outputs": [1]}
    assert read_nodes(Interpreter([add, kernel])) == [Node("ADD", "sum", (0, 2), (1,))]


@pytest.mark.parametrize("operators", [None, [{"op_name": "ADD"}], RuntimeError("no")])
def test_a_runtime_that_does_not_tell_its_graph_names_no_layer(operators: Any) -> None:
    assert read_nodes(Interpreter(operators)) == []
    assert read_nodes(object()) == []
    assert names(RAN, []) == [None] * len(RAN)
