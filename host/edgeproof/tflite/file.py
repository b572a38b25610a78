"""Reads the structure of a .tflite file, without TensorFlow and without running it."""

import math
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite
from flatbuffers import flexbuffers
from flatbuffers.number_types import Int32Flags

from edgeproof.errors import ModelError
from edgeproof.tflite.read_budget import ReadBudget, readable
from edgeproof_agent.bundle.manifest import Quantization

POSTPROCESS_OPERATOR = "TFLite_Detection_PostProcess"
_IDENTIFIER = b"TFL3"
# Of `builtin_code`, field 3 of an OperatorCode, in its table.
_NEWER_CODE = 4 + 2 * 3
# What an operator costs to look at.
_ITEMS_AN_OPERATOR = 4
_MAX_SCALE = 1e4
_DTYPES = {
    getattr(tflite.TensorType, name): name.lower()
    for name in (
        "FLOAT32",
        "FLOAT16",
        "FLOAT64",
        "INT8",
        "UINT8",
        "INT16",
        "INT32",
        "INT64",
        "BOOL",
        "STRING",
        "RESOURCE",
    )
}
_BUILTIN_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


@dataclass(frozen=True)
class TensorInfo:
    name: str
    shape: tuple[int, ...]
    dtype: str
    """numpy's name of the type, e.g. `float32`; `type N` for one that is not known."""
    quantization: Quantization | None
    """None when the tensor is not quantized, or is so channel by channel."""
    has_data: bool
    """Whether the file carries the tensor's values: it is a weight or another constant."""

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Signature:
    """Positions in the file's lists of inputs and outputs, by the names that the exporter gave."""

    key: str
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


@dataclass(frozen=True)
class Layer:
    """An operator of the main graph."""

    operator: str
    name: str
    """Of its first output; where the converter fused several nodes, their names with `;` between."""
    dtype: str
    """Of its first output."""


@dataclass(frozen=True)
class WeightedOperator:
    """A convolution or fully connected layer."""

    operator: str
    name: str
    """Of its output, as in `Layer`."""
    weights: TensorInfo
    """As the file stores them: where a DEQUANTIZE makes float32 of them while it runs, what that reads."""
    activations: str
    """The dtype that the layer reads."""


@dataclass(frozen=True)
class PostprocessOperator:
    """A `TFLite_Detection_PostProcess`."""

    attributes: Mapping[str, int | float | bool]
    """By their names in the operator's `Init`; empty when they cannot be read."""
    inputs: tuple[TensorInfo, ...]
    """Box encodings, class scores, anchors."""
    outputs: tuple[int | None, ...]
    """Which of the file's outputs boxes, classes, scores and count are; None for one that is not among them."""


@dataclass(frozen=True)
class TfliteFile:
    size_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: Mapping[str, int]
    """How often each operator occurs, over all subgraphs; a custom operator goes by its own name."""
    weighted: tuple[WeightedOperator, ...]
    postprocess: tuple[PostprocessOperator, ...]
    signatures: tuple[Signature, ...]
    broken_scales: tuple[str, ...] = ()
    """Names of the tensors that have a quantization scale which is not finite, not positive or over `_MAX_SCALE`."""
    layers: tuple[Layer, ...] = ()
    weights_behind: bool = False
    """Whether weights lie behind the flatbuffer, at offsets from the file's beginning."""


def read_tflite(data: bytes, name: str = "model.tflite") -> TfliteFile:
    """Reads the structure of a whole .tflite file. Raises ModelError, naming the file `name`, when it is not one."""
    if len(data) < 16 or data[4:8] != _IDENTIFIER:
        raise ModelError(f"{name}: it is not a TFLite file. Give a .tflite file or a bundle.")
    with readable(name):
        return _read(data, ReadBudget(len(data)))


def _read(data: bytes, budget: ReadBudget) -> TfliteFile:
    model = tflite.Model.GetRootAs(data, 0)
    codes = [operator_name(model.OperatorCodes(place), budget) for place in budget.places(model.OperatorCodesLength())]
    weights_behind = _weights_behind(model, budget)
    operators: Counter[str] = Counter()
    weighted: list[WeightedOperator] = []
    postprocess: list[PostprocessOperator] = []
    broken_scales: list[str] = []
    layers: list[Layer] = []
    for index in budget.places(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        dequantized: dict[int, int] = {}
        tensors = (graph.Tensors(position) for position in budget.places(graph.TensorsLength()))
        broken_scales += [budget.text(tensor.Name()) for tensor in tensors if _has_broken_scale(tensor, budget)]
        for position in budget.places(graph.OperatorsLength()):
            operator = graph.Operators(position)
            budget.spend_items(_ITEMS_AN_OPERATOR + operator.InputsLength() + operator.OutputsLength())
            name = codes[operator.OpcodeIndex()]
            operators[name] += 1
            if index == 0 and operator.OutputsLength():
                output = _tensor(model, graph, operator.Outputs(0), budget)
                layers.append(Layer(name, output.name, output.dtype))
            if name == "DEQUANTIZE":
                dequantized[operator.Outputs(0)] = operator.Inputs(0)
            elif name in _WEIGHTED and operator.InputsLength() > 1:
                weighted.append(_weighted(model, graph, operator, name, dequantized, budget))
            elif name == POSTPROCESS_OPERATOR:
                postprocess.append(_postprocess(model, graph, operator, budget))
    if not model.SubgraphsLength():
        raise ValueError("it has no graph")
    main = model.Subgraphs(0)
    inputs = [main.Inputs(index) for index in budget.places(main.InputsLength())]
    outputs = [main.Outputs(index) for index in budget.places(main.OutputsLength())]
    return TfliteFile(
        size_bytes=len(data),
        inputs=tuple(_tensor(model, main, index, budget) for index in inputs),
        outputs=tuple(_tensor(model, main, index, budget) for index in outputs),
        operators=dict(operators),
        weighted=tuple(weighted),
        postprocess=tuple(postprocess),
        signatures=tuple(
            _signature(model.SignatureDefs(index), inputs, outputs, budget)
            for index in budget.places(model.SignatureDefsLength())
            if model.SignatureDefs(index).SubgraphIndex() == 0
        ),
        broken_scales=tuple(broken_scales),
        layers=tuple(layers),
        weights_behind=weights_behind,
    )


def _weighted(
    model: Any, graph: Any, operator: Any, name: str, dequantized: Mapping[int, int], budget: ReadBudget
) -> WeightedOperator:
    weights, activations = (0, 2) if name == "TRANSPOSE_CONV" else (1, 0)
    stored = operator.Inputs(weights)
    return WeightedOperator(
        operator=name,
        name=_tensor(model, graph, operator.Outputs(0), budget).name,
        weights=_tensor(model, graph, dequantized.get(stored, stored), budget),
        activations=_tensor(model, graph, operator.Inputs(activations), budget).dtype,
    )


def _postprocess(model: Any, graph: Any, operator: Any, budget: ReadBudget) -> PostprocessOperator:
    places = _places([graph.Outputs(index) for index in budget.places(graph.OutputsLength())])
    made = [operator.Outputs(index) for index in budget.places(operator.OutputsLength())]
    return PostprocessOperator(
        attributes=_attributes(operator, budget),
        inputs=tuple(
            _tensor(model, graph, operator.Inputs(index), budget) for index in budget.places(operator.InputsLength())
        ),
        outputs=tuple(places.get(index) for index in made),
    )


def _attributes(operator: Any, budget: ReadBudget) -> dict[str, int | float | bool]:
    """A custom operator's options: a flexbuffer map, of which numbers alone are looked at."""
    budget.spend_bytes(operator.CustomOptionsLength())
    data = operator.CustomOptionsAsNumpy()
    if not isinstance(data, np.ndarray):
        return {}
    try:
        # Its own `Loads` follows what is nested, which may be nested into itself.
        options = flexbuffers.GetRoot(data.tobytes()).AsMap
        return dict(_numbers(options, budget))
    except (struct.error, IndexError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return {}


def _numbers(options: Any, budget: ReadBudget) -> Iterator[tuple[str, int | float | bool]]:
    names, values = options.Keys, options.Values
    for place in budget.places(len(names)):
        value = values[place]
        name = names[place].AsKeyBytes
        if value.IsBool or value.IsInt or value.IsFloat:
            yield budget.text(name), value.Value


def operator_name(code: Any, budget: ReadBudget) -> str:
    """What an OperatorCode of the flatbuffer stands for; a custom operator goes by its own name."""
    # Codes over 126 are in the newer field alone, and so are all that ai-edge-quantizer adds; older files have the
    # older field alone. The package's own `BuiltinCode` looks at the newer one only when the older one is 127.
    newer = code._tab.Offset(_NEWER_CODE)
    builtin = max(code._tab.Get(Int32Flags, newer + code._tab.Pos) if newer else 0, code.DeprecatedBuiltinCode())
    if builtin == tflite.BuiltinOperator.CUSTOM:
        return budget.text(code.CustomCode()) or "CUSTOM"
    return str(_BUILTIN_NAMES.get(builtin, f"operator {builtin}"))


def _tensor(model: Any, graph: Any, index: int, budget: ReadBudget) -> TensorInfo:
    if not 0 <= index < graph.TensorsLength():
        raise ValueError(f"there is no tensor {index}")
    tensor = graph.Tensors(index)
    if not 0 <= tensor.Buffer() < model.BuffersLength():
        raise ValueError(f"there is no buffer {tensor.Buffer()}")
    buffer = model.Buffers(tensor.Buffer())
    # Buffers of models over 2 GB lie behind the flatbuffer, at an offset.
    length = buffer.DataLength() or buffer.Size()
    return TensorInfo(
        name=budget.text(tensor.Name()),
        shape=tuple(int(tensor.Shape(axis)) for axis in budget.places(tensor.ShapeLength())),
        dtype=_DTYPES.get(tensor.Type(), f"type {tensor.Type()}"),
        quantization=_quantization(tensor.Quantization()),
        has_data=length > 0,
    )


def _weights_behind(model: Any, budget: ReadBudget) -> bool:
    """Whether any are. Raises ValueError where the buffers take more than the file: then some are one and the same."""
    behind, total = False, 0
    for index in budget.places(model.BuffersLength()):
        buffer = model.Buffers(index)
        behind = behind or bool(buffer.Offset())
        total += buffer.DataLength() or buffer.Size()
    if total > budget.file_bytes:
        raise ValueError(f"buffers of {total} bytes")
    return behind


def _has_broken_scale(tensor: Any, budget: ReadBudget) -> bool:
    parameters = tensor.Quantization()
    if parameters is None or not parameters.ScaleLength():
        return False
    budget.spend_bytes(4 * parameters.ScaleLength())
    scales = parameters.ScaleAsNumpy()
    return not bool(np.isfinite(scales).all() and scales.min() > 0 and scales.max() <= _MAX_SCALE)


def _quantization(parameters: Any) -> Quantization | None:
    if parameters is None or parameters.ScaleLength() != 1:
        return None
    zero_point = int(parameters.ZeroPoint(0)) if parameters.ZeroPointLength() else 0
    # The shortest decimal that is this float32, so that bundle.json reads well and loses nothing.
    return Quantization(float(str(np.float32(parameters.Scale(0)))), zero_point)


def _signature(signature: Any, inputs: list[int], outputs: list[int], budget: ReadBudget) -> Signature:
    def positions(length: int, item: Any, places: Mapping[int, int]) -> dict[str, int]:
        maps = [item(index) for index in budget.places(length)]
        return {budget.text(entry.Name()): places[entry.TensorIndex()] for entry in maps}

    return Signature(
        key=budget.text(signature.SignatureKey()),
        inputs=positions(signature.InputsLength(), signature.Inputs, _places(inputs)),
        outputs=positions(signature.OutputsLength(), signature.Outputs, _places(outputs)),
    )


def _places(tensors: Sequence[int]) -> dict[int, int]:
    """The first place of each tensor in a list."""
    return {tensor: place for place, tensor in reversed(list(enumerate(tensors)))}
