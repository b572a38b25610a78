"""Changes the graph of a .tflite: signature, heads, integer input, the last operator. Needs ai-edge-litert's schema."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np

from edgeproof.errors import ConversionError
from edgeproof.ssd.source_options import ScoreConverter
from edgeproof.tflite.aligned_buffer import AlignedBuffer
from edgeproof.tflite.metadata_attachment import MODEL_IDENTIFIER
from edgeproof_agent.bundle.manifest import InputType

SIGNATURE = "serving_default"
# The largest that fits into the field that older readers know.
_PLACEHOLDER_CODE = 127


class EditableModel:
    """A .tflite as objects. What is packed behind it, like its labels, is not kept."""

    def __init__(self, data: bytes) -> None:
        self._schema = _schema()
        # Also brings in the weights that ai-edge-quantizer puts behind the flatbuffer, where older runtimes miss them.
        self._model = importlib.import_module("ai_edge_litert.tools.flatbuffer_utils").read_model_from_bytearray(data)
        self._graph = self._model.subgraphs[0]

    def keep_outputs(self, positions: Sequence[int]) -> None:
        """Leaves only these of the outputs, in this order. The signature must be named anew."""
        self._graph.outputs = [self._graph.outputs[position] for position in positions]

    def name(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Makes a signature with these names, in the order of the graph, the only one."""
        signature = self._schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
        signature.inputs = self._named(inputs, self._graph.inputs)
        signature.outputs = self._named(outputs, self._graph.outputs)
        self._model.signatureDefs = [signature]

    def activate(self, position: int, converter: ScoreConverter) -> None:
        """Puts a sigmoid or softmax behind an output."""
        if converter is ScoreConverter.SOFTMAX:
            options = self._schema.SoftmaxOptionsT()
            options.beta = 1.0
            self._append(position, "SOFTMAX", [], ("SoftmaxOptions", options))
        elif converter is ScoreConverter.SIGMOID:
            self._append(position, "LOGISTIC", [])

    def add_background(self, position: int) -> None:
        """Puts a column of zeros in front of the class scores [1, A, C] that an output is."""
        paddings = self._constant("paddings", np.array([[0, 0], [0, 0], [1, 0]], np.int32))
        rows = self._append(position, "PAD", [paddings], ("PadOptions", self._schema.PadOptionsT()))
        rows.shape = [rows.shape[0], rows.shape[1], rows.shape[2] + 1]
        rows.shapeSignature = None

    def dequantize(self, position: int) -> None:
        """Makes real numbers of an output of integers."""
        self._append(position, "DEQUANTIZE", []).type = self._schema.TensorType.FLOAT32

    def reorder(self, position: int, columns: Sequence[int]) -> None:
        """Puts the columns of an output [1, A, C] into another order."""
        options = self._schema.GatherOptionsT()
        options.axis = 2
        order = self._constant("columns", np.array(columns, np.int32))
        rows = self._append(position, "GATHER", [order], ("GatherOptions", options))
        rows.shape = [rows.shape[0], rows.shape[1], len(columns)]
        rows.shapeSignature = None

    def join(self, positions: Sequence[int], rows: Sequence[int], columns: int) -> None:
        """Makes one output [1, A, columns] of several, each reshaped to so many rows. It takes the first's place; the
        others stay outputs, to be left out."""
        for position, count in zip(positions, rows, strict=True):
            shape = [1, count, columns]
            options = self._schema.ReshapeOptionsT()
            options.newShape = shape
            new_shape = self._constant("shape", np.array(shape, np.int32))
            reshaped = self._append(position, "RESHAPE", [new_shape], ("ReshapeOptions", options))
            reshaped.shape, reshaped.shapeSignature = shape, None
        if len(positions) > 1:
            options = self._schema.ConcatenationOptionsT()
            options.axis = 1
            others = [self._graph.outputs[position] for position in positions[1:]]
            joined = self._append(positions[0], "CONCATENATION", others, ("ConcatenationOptions", options))
            joined.shape, joined.shapeSignature = [1, sum(rows), columns], None

    def end_in(
        self, operator: str, options: bytes, constants: Sequence[np.ndarray[Any, Any]], shapes: Mapping[str, list[int]]
    ) -> None:
        """Puts a custom operator behind all outputs. It takes them and `constants`, its outputs are float32 of `shapes`
        by the names of their tensors. The signature must be named anew."""
        code = self._schema.OperatorCodeT()
        code.builtinCode, code.customCode, code.version = self._schema.BuiltinOperator.CUSTOM, operator, 1
        self._model.operatorCodes.append(code)
        added = self._schema.OperatorT()
        added.opcodeIndex = len(self._model.operatorCodes) - 1
        added.inputs = [*self._graph.outputs, *(self._constant("constant", values) for values in constants)]
        added.outputs = []
        added.customOptions = list(options)
        for name, shape in shapes.items():
            tensor = self._schema.TensorT()
            tensor.name, tensor.shape, tensor.type = name, shape, self._schema.TensorType.FLOAT32
            tensor.buffer = 0
            self._graph.tensors.append(tensor)
            added.outputs.append(len(self._graph.tensors) - 1)
        self._graph.operators.append(added)
        self._graph.outputs = list(added.outputs)

    def read_integers(self, dtype: InputType) -> None:
        """Lets a graph whose input is int8 read uint8, by a QUANTIZE as TensorFlow's converter puts there."""
        index = self._graph.inputs[0]
        tensor = self._graph.tensors[index]
        if dtype is not InputType.UINT8 or tensor.type != self._schema.TensorType.INT8:
            return
        bytes_in = self._copy_of(tensor, f"{_text(tensor.name)}_uint8")
        bytes_in.type = self._schema.TensorType.UINT8
        bytes_in.quantization.zeroPoint = [int(point) + 128 for point in tensor.quantization.zeroPoint]
        operator = self._operator("QUANTIZE", [len(self._graph.tensors) - 1], [index])
        self._graph.operators.insert(0, operator)
        new = len(self._graph.tensors) - 1
        self._graph.inputs = [new]
        for signature in self._model.signatureDefs or []:
            for entry in signature.inputs:
                entry.tensorIndex = new if entry.tensorIndex == index else entry.tensorIndex

    def to_bytes(self) -> bytes:
        """The file, its weights aligned as the schema wants it; the same edits give the same bytes."""
        for code in self._model.operatorCodes:
            # ai-edge-quantizer leaves the older field 0, which readers of it take for ADD.
            code.deprecatedBuiltinCode = min(code.builtinCode, _PLACEHOLDER_CODE)
        self._model.buffers = [
            AlignedBuffer(None if buffer.data is None else bytes(buffer.data)) for buffer in self._model.buffers
        ]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self._model.Pack(builder), MODEL_IDENTIFIER)
        return bytes(builder.Output())

    def _named(self, names: Sequence[str], tensors: Sequence[int]) -> list[Any]:
        entries = []
        for name, tensor in zip(names, tensors, strict=True):
            entry = self._schema.TensorMapT()
            entry.name, entry.tensorIndex = name, int(tensor)
            entries.append(entry)
        return entries

    def _append(self, position: int, operator: str, others: list[int], options: tuple[str, Any] | None = None) -> Any:
        """An operator behind an output, which takes its place in the graph and in the signature; its new tensor."""
        old = self._graph.outputs[position]
        tensor = self._copy_of(self._graph.tensors[old], f"{_text(self._graph.tensors[old].name)}_{operator.lower()}")
        new = len(self._graph.tensors) - 1
        appended = self._operator(operator, [old, *others], [new])
        if options is not None:
            appended.builtinOptionsType = getattr(self._schema.BuiltinOptions, options[0])
            appended.builtinOptions = options[1]
        self._graph.operators.append(appended)
        outputs = list(self._graph.outputs)
        outputs[position] = new
        self._graph.outputs = outputs
        for signature in self._model.signatureDefs or []:
            for entry in signature.outputs:
                entry.tensorIndex = new if entry.tensorIndex == old else entry.tensorIndex
        return tensor

    def _operator(self, name: str, inputs: list[int], outputs: list[int]) -> Any:
        builtin = getattr(self._schema.BuiltinOperator, name)
        codes = self._model.operatorCodes
        place = next((at for at, code in enumerate(codes) if code.builtinCode == builtin), len(codes))
        if place == len(codes):
            code = self._schema.OperatorCodeT()
            code.builtinCode, code.version = builtin, 1
            codes.append(code)
        operator = self._schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = place, inputs, outputs
        return operator

    def _copy_of(self, tensor: Any, name: str) -> Any:
        """A new tensor of that type, shape and quantization, without values."""
        copied, quantization = self._schema.TensorT(), self._schema.QuantizationParametersT()
        copied.name, copied.type = name, tensor.type
        copied.shape, copied.shapeSignature = list(tensor.shape), tensor.shapeSignature
        if tensor.quantization is not None and tensor.quantization.scale is not None:
            quantization.scale = [float(scale) for scale in tensor.quantization.scale]
            quantization.zeroPoint = [int(point) for point in tensor.quantization.zeroPoint]
            copied.quantization = quantization
        # Buffer 0 is the empty one by convention.
        copied.buffer = 0
        self._graph.tensors.append(copied)
        return copied

    def _constant(self, name: str, values: np.ndarray[Any, Any]) -> int:
        buffer, tensor = self._schema.BufferT(), self._schema.TensorT()
        buffer.data = values.tobytes()
        self._model.buffers.append(buffer)
        types = {"int32": self._schema.TensorType.INT32, "float32": self._schema.TensorType.FLOAT32}
        tensor.name, tensor.type, tensor.shape = name, types[values.dtype.name], list(values.shape)
        tensor.buffer = len(self._model.buffers) - 1
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1


def _schema() -> Any:
    try:
        return importlib.import_module("ai_edge_litert.schema_py_generated")
    except ImportError:
        raise ConversionError(
            "ai-edge-litert is not installed, and changing a .tflite needs it. "
            'Install it with: pip install "edgeproof[quantize]"'
        ) from None


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
