"""A .tflite of one graph as objects: its convolutions with their weights and biases, and the ranges of its tensors."""

import copy
import importlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import flatbuffers
import numpy as np
import numpy.typing as npt

from edgeproof.tflite.aligned_buffer import AlignedBuffer
from edgeproof.tflite.metadata_attachment import MODEL_IDENTIFIER

Array = npt.NDArray[Any]
_Number = TypeVar("_Number", bound=np.generic)

_CONVOLUTION, _DEPTHWISE = "CONV_2D", "DEPTHWISE_CONV_2D"


@dataclass(frozen=True)
class Convolution:
    """One operator with weights [O, kh, kw, I], or [1, kh, kw, C] when it is depthwise."""

    operator: int
    """Its position in the graph."""
    depthwise: bool
    input: int
    weights: int
    bias: int
    output: int
    """Tensors."""
    linear: bool
    """Whether no activation is fused into it."""
    capped_at_6: bool
    """Whether ReLU6 is."""
    stride: tuple[int, int]
    dilation: tuple[int, int]
    same_padding: bool

    @property
    def channel_axis(self) -> int:
        """The axis of the weights that counts output channels, which have a scale each."""
        return 3 if self.depthwise else 0


class Network:
    """The main graph of a file that our own conversion made, to be read and changed."""

    def __init__(self, data: bytes) -> None:
        self._schema = importlib.import_module("tensorflow.lite.python.schema_py_generated")
        utilities = importlib.import_module("tensorflow.lite.tools.flatbuffer_utils")
        self._names: dict[int, str] = {
            code: name for name, code in vars(self._schema.BuiltinOperator).items() if isinstance(code, int)
        }
        self._dtypes: dict[int, np.dtype[Any]] = {
            self._schema.TensorType.FLOAT32: np.dtype(np.float32),
            self._schema.TensorType.INT8: np.dtype(np.int8),
            self._schema.TensorType.INT32: np.dtype(np.int32),
            self._schema.TensorType.INT64: np.dtype(np.int64),
        }
        self._model = utilities.read_model_from_bytearray(bytearray(data))
        (self._graph,) = self._model.subgraphs
        self._separate_constants()

    @property
    def operators(self) -> list[Any]:
        return list(self._graph.operators)

    @property
    def inputs(self) -> list[int]:
        return [int(tensor) for tensor in self._graph.inputs]

    @property
    def producers(self) -> Mapping[int, int]:
        """Tensor -> the operator that computes it."""
        return {int(out): place for place, item in enumerate(self._graph.operators) for out in item.outputs}

    @property
    def consumers(self) -> Mapping[int, list[int]]:
        """Tensor -> the operators that read it."""
        found: dict[int, list[int]] = defaultdict(list)
        for place, item in enumerate(self._graph.operators):
            for tensor in item.inputs:
                found[int(tensor)].append(place)
        return found

    def kind(self, operator: int) -> str:
        """The name of an operator, as the schema has it; `CUSTOM` for one that is none of TensorFlow's."""
        code = self._model.operatorCodes[self._graph.operators[operator].opcodeIndex]
        return self._names[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def name(self, tensor: int) -> str:
        name = self._graph.tensors[tensor].name
        return name.decode() if isinstance(name, bytes) else str(name)

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(int(side) for side in self._graph.tensors[tensor].shape)

    @cached_property
    def convolutions(self) -> list[Convolution]:
        """Those with a bias, in the order of the graph."""
        found = []
        for place, operator in enumerate(self._graph.operators):
            if self.kind(place) not in (_CONVOLUTION, _DEPTHWISE) or len(operator.inputs) < 3 or operator.inputs[2] < 0:
                continue
            options, activation = operator.builtinOptions, self._schema.ActivationFunctionType
            found.append(
                Convolution(
                    place,
                    self.kind(place) == _DEPTHWISE,
                    input=int(operator.inputs[0]),
                    weights=int(operator.inputs[1]),
                    bias=int(operator.inputs[2]),
                    output=int(operator.outputs[0]),
                    linear=options.fusedActivationFunction == activation.NONE,
                    capped_at_6=options.fusedActivationFunction == activation.RELU6,
                    stride=(options.strideH, options.strideW),
                    dilation=(options.dilationHFactor, options.dilationWFactor),
                    same_padding=options.padding == self._schema.Padding.SAME,
                )
            )
        return found

    def adds_plainly(self, operator: int) -> bool:
        """Whether an ADD has no activation fused into it."""
        options = self._graph.operators[operator].builtinOptions
        return bool(options.fusedActivationFunction == self._schema.ActivationFunctionType.NONE)

    def is_float(self, tensor: int) -> bool:
        return self._dtypes.get(self._graph.tensors[tensor].type) == np.float32

    def is_constant(self, tensor: int) -> bool:
        data = self._model.buffers[self._graph.tensors[tensor].buffer].data
        return data is not None and len(data) > 0

    def values(self, tensor: int) -> Array:
        """A copy of a constant."""
        item = self._graph.tensors[tensor]
        data = self._model.buffers[item.buffer].data
        return np.frombuffer(bytes(data), self._dtypes[item.type]).reshape(self.shape(tensor)).copy()

    def set_values(self, tensor: int, values: Array) -> None:
        """`values` has the tensor's own shape; the numbers are converted to its type, integers rounded and clipped."""
        item = self._graph.tensors[tensor]
        dtype = self._dtypes[item.type]
        if values.shape != self.shape(tensor):
            raise ValueError(f"{self.name(tensor)} has shape {self.shape(tensor)}, not {values.shape}")
        if dtype.kind == "i" and values.dtype.kind == "f":
            limits = np.iinfo(dtype)
            # The nearest double of the largest int64 is one more than it.
            high = np.nextafter(float(limits.max), 0.0) if dtype.itemsize == 8 else float(limits.max)
            values = np.clip(np.rint(values), float(limits.min), high)
        self._model.buffers[item.buffer].data = np.frombuffer(
            np.ascontiguousarray(values.astype(dtype)).tobytes(), np.uint8
        )

    def range(self, tensor: int) -> tuple[float, float] | None:
        """What calibration found, before quantization."""
        quantization = self._graph.tensors[tensor].quantization
        if quantization is None or quantization.min is None or not len(quantization.min):
            return None
        return float(quantization.min[0]), float(quantization.max[0])

    def set_range(self, tensor: int, low: float, high: float) -> None:
        quantization = self._graph.tensors[tensor].quantization
        quantization.min, quantization.max = [low], [high]

    def scales(self, tensor: int) -> npt.NDArray[np.float64]:
        """Of a quantized tensor: one, or one a channel."""
        return np.asarray(self._graph.tensors[tensor].quantization.scale, np.float64)

    def set_scales(self, tensor: int, scales: npt.NDArray[np.float64]) -> None:
        self._graph.tensors[tensor].quantization.scale = [float(scale) for scale in scales.astype(np.float32)]

    def remove(self, operator: int) -> None:
        """Takes an operator out; nobody may need what it computes."""
        del self._graph.operators[operator]
        self.__dict__.pop("convolutions", None)

    def redirect_output(self, operator: int, tensor: int) -> None:
        """Lets an operator of one output write another tensor."""
        self._graph.operators[operator].outputs[0] = tensor
        self.__dict__.pop("convolutions", None)

    def to_bytes(self, also: Sequence[int] = ()) -> bytes:
        """The file, weights aligned; the same edits give the same bytes. `also` are tensors that are outputs, too."""
        buffers, outputs = self._model.buffers, self._graph.outputs
        self._graph.outputs = [*outputs, *also]
        self._model.buffers = [
            AlignedBuffer(None if buffer.data is None else bytes(buffer.data)) for buffer in self._model.buffers
        ]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self._model.Pack(builder), MODEL_IDENTIFIER)
        self._model.buffers, self._graph.outputs = buffers, outputs
        return bytes(builder.Output())

    def _separate_constants(self) -> None:
        """The converter stores equal constants once, one bias of zeros for many layers among them. Here each
        convolution has its own, so that it can be changed."""
        readers = Counter(int(tensor) for operator in self._graph.operators for tensor in operator.inputs)
        for place, operator in enumerate(self._graph.operators):
            if self.kind(place) not in (_CONVOLUTION, _DEPTHWISE):
                continue
            for position in range(1, len(operator.inputs)):
                tensor = int(operator.inputs[position])
                if tensor >= 0 and readers[tensor] > 1:
                    readers[tensor] -= 1
                    self._graph.tensors.append(copy.deepcopy(self._graph.tensors[tensor]))
                    operator.inputs[position] = len(self._graph.tensors) - 1
        users = Counter(tensor.buffer for graph in self._model.subgraphs for tensor in graph.tensors)
        for item in self._graph.tensors:
            if users[item.buffer] > 1 and self._model.buffers[item.buffer].data is not None:
                users[item.buffer] -= 1
                copied = self._schema.BufferT()
                copied.data = self._model.buffers[item.buffer].data
                item.buffer = len(self._model.buffers)
                self._model.buffers.append(copied)
