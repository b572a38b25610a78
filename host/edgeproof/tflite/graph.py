"""What the main graph of a .tflite says of its outputs' values: their last activation, and constants like anchors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from edgeproof.ssd.source_options import ScoreConverter
from edgeproof.tflite.file import operator_name
from edgeproof.tflite.read_budget import ReadBudget

# They move numbers, or round them, and leave them what they are; the first input alone is numbers.
_PASSIVE = (
    "RESHAPE",
    "TRANSPOSE",
    "SQUEEZE",
    "EXPAND_DIMS",
    "STRIDED_SLICE",
    "SLICE",
    "GATHER",
    "QUANTIZE",
    "DEQUANTIZE",
)
_SUPPRESSIONS = ("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")
# What chooses among the scores of an anchor, or hands them on.
_CHOOSING = (*_PASSIVE, "REDUCE_MAX", "SPLIT", "UNPACK")
_MOST_TRACED = 16
_JOINING = ("CONCATENATION", "PACK")
_ACTIVATIONS = {"LOGISTIC": ScoreConverter.SIGMOID, "SOFTMAX": ScoreConverter.SOFTMAX}


def last_activation(data: bytes, output: int) -> ScoreConverter | None:
    """The activation that all numbers of an output come from; None when they come from anything else.

    `data` is a whole file that could be read, `output` a position in its list of outputs.
    """
    model, budget = tflite.Model.GetRootAs(data, 0), ReadBudget(len(data))
    graph = model.Subgraphs(0)
    makers: dict[int, Any] = {}
    for position in budget.places(graph.OperatorsLength()):
        operator = graph.Operators(position)
        for place in budget.places(operator.OutputsLength()):
            makers[operator.Outputs(place)] = operator
    found: set[ScoreConverter | None] = set()
    waiting, seen = [graph.Outputs(output)], set()
    while waiting:
        tensor = waiting.pop()
        if tensor in seen or _has_data(model, graph, tensor):
            continue
        seen.add(tensor)
        operator = makers.get(tensor)
        name = None if operator is None else operator_name(model.OperatorCodes(operator.OpcodeIndex()), budget)
        if operator is not None and name in _JOINING:
            waiting += [operator.Inputs(place) for place in budget.places(operator.InputsLength())]
        elif operator is not None and name in _PASSIVE:
            waiting.append(operator.Inputs(0))
        else:
            found.add(_ACTIVATIONS.get(name or ""))
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True)
class SuppressionInFile:
    operator: str
    boxes: int
    """The tensor of all boxes, four numbers each."""
    rows: int
    scores: int
    """The tensor of all scores, a column a class."""
    columns: int


def suppression_in(data: bytes) -> SuppressionInFile | None:
    """The non-maximum suppression in the main graph, and the scores that it chooses from; None where there is none.

    Source of the operators' inputs: tensorflow/lite/kernels/non_max_suppression.cc.
    """
    model, budget = tflite.Model.GetRootAs(data, 0), ReadBudget(len(data))
    graph = model.Subgraphs(0)
    makers, found = {}, []
    for position in budget.places(graph.OperatorsLength()):
        operator = graph.Operators(position)
        name = operator_name(model.OperatorCodes(operator.OpcodeIndex()), budget)
        for place in budget.places(operator.OutputsLength()):
            makers[operator.Outputs(place)] = (name, operator)
        if name in _SUPPRESSIONS and operator.InputsLength() > 1:
            found.append((name, operator))
    if not found:
        return None
    name, operator = found[0]
    boxes, scores = int(operator.Inputs(0)), int(operator.Inputs(1))
    rows = int(np.prod(_shape(graph, boxes, budget), dtype=np.int64)) // 4
    for _ in range(_MOST_TRACED):
        shape = _shape(graph, scores, budget)
        size = int(np.prod(shape, dtype=np.int64))
        if len(shape) > 1 and shape[-1] * rows == size:
            return SuppressionInFile(name, boxes, rows, scores, shape[-1])
        maker, made_by = makers.get(scores, ("", None))
        if made_by is None or maker not in _CHOOSING:
            break
        scores = int(made_by.Inputs(1 if maker == "SPLIT" else 0))
    scores = int(operator.Inputs(1))
    return SuppressionInFile(name, boxes, rows, scores, 1)


def _shape(graph: Any, tensor: int, budget: ReadBudget) -> tuple[int, ...]:
    found = graph.Tensors(tensor)
    return tuple(int(found.Shape(axis)) for axis in budget.places(found.ShapeLength()))


def four_column_constants(data: bytes) -> Mapping[str, npt.NDArray[np.float32]]:
    """The float32 constants [A, 4] or [1, A, 4] by their names: among them are the anchors, if the file has them."""
    model, budget = tflite.Model.GetRootAs(data, 0), ReadBudget(len(data))
    graph = model.Subgraphs(0)
    found = {}
    for position in budget.places(graph.TensorsLength()):
        tensor = graph.Tensors(position)
        shape = tuple(int(tensor.Shape(axis)) for axis in budget.places(tensor.ShapeLength()))
        if tensor.Type() != tflite.TensorType.FLOAT32 or not _is_list_of_fours(shape):
            continue
        buffer = model.Buffers(tensor.Buffer())
        values = buffer.DataAsNumpy()
        if not isinstance(values, np.ndarray) and buffer.Size():
            values = np.frombuffer(data, np.uint8, buffer.Size(), buffer.Offset())
        budget.spend_bytes(values.nbytes if isinstance(values, np.ndarray) else 0)
        if isinstance(values, np.ndarray) and values.nbytes == 4 * int(np.prod(shape)):
            found[budget.text(tensor.Name())] = np.frombuffer(values.tobytes(), "<f4").reshape(shape)
    return found


def _is_list_of_fours(shape: tuple[int, ...]) -> bool:
    return len(shape) in (2, 3) and shape[-1] == 4 and shape[-2] > 1 and (len(shape) == 2 or shape[0] == 1)


def _has_data(model: Any, graph: Any, tensor: int) -> bool:
    buffer = model.Buffers(graph.Tensors(tensor).Buffer())
    return bool(buffer.DataLength() or buffer.Size())
