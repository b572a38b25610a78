"""A .tflite with nothing but `TFLite_Detection_PostProcess`, written without TensorFlow, and run by ai-edge-litert."""

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
import tflite
from flatbuffers import flexbuffers

from edgeproof_agent.bundle.manifest import NonMaxSuppression, RawHeadsContract


def attributes_of(contract: RawHeadsContract, num_classes: int) -> dict[str, int | float | bool]:
    scales = contract.box_scales
    return {
        "max_detections": contract.max_detections,
        "max_classes_per_detection": contract.classes_per_detection,
        "detections_per_class": contract.detections_per_class,
        "use_regular_nms": contract.nms is NonMaxSuppression.REGULAR,
        "nms_score_threshold": contract.score_threshold,
        "nms_iou_threshold": contract.iou_threshold,
        "num_classes": num_classes,
        "y_scale": scales.y,
        "x_scale": scales.x,
        "h_scale": scales.height,
        "w_scale": scales.width,
    }


def write_operator_model(
    attributes: Mapping[str, int | float | bool],
    shapes: Sequence[tuple[int, ...]],
    outputs: Sequence[int] = (0, 1, 2, 3),
) -> bytes:
    """The model's three inputs are the operator's; `outputs` is the order in which the file lists the operator's."""
    builder = flatbuffers.Builder(1024)
    code = builder.CreateString("TFLite_Detection_PostProcess")
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, tflite.BuiltinOperator.CUSTOM)
    tflite.OperatorCodeAddBuiltinCode(builder, tflite.BuiltinOperator.CUSTOM)
    tflite.OperatorCodeAddCustomCode(builder, code)
    codes = _vector(builder, [tflite.OperatorCodeEnd(builder)])
    tflite.BufferStart(builder)
    buffers = _vector(builder, [tflite.BufferEnd(builder)])
    rows = int(attributes["max_detections"]) * int(attributes["max_classes_per_detection"])
    tensors = [_tensor(builder, shape, f"in{i}") for i, shape in enumerate(shapes)]
    tensors += [_tensor(builder, s, f"out{i}") for i, s in enumerate([(1, rows, 4), (1, rows), (1, rows), (1,)])]
    options = builder.CreateByteVector(flexbuffers.Dumps(dict(attributes)))
    op_inputs, op_outputs = builder.CreateNumpyVector(_ints(range(3))), builder.CreateNumpyVector(_ints(range(3, 7)))
    tflite.OperatorStart(builder)
    tflite.OperatorAddInputs(builder, op_inputs)
    tflite.OperatorAddOutputs(builder, op_outputs)
    tflite.OperatorAddCustomOptions(builder, options)
    operators = _vector(builder, [tflite.OperatorEnd(builder)])
    all_tensors = _vector(builder, tensors)
    graph_inputs = builder.CreateNumpyVector(_ints(range(3)))
    graph_outputs = builder.CreateNumpyVector(_ints(3 + index for index in outputs))
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, all_tensors)
    tflite.SubGraphAddInputs(builder, graph_inputs)
    tflite.SubGraphAddOutputs(builder, graph_outputs)
    tflite.SubGraphAddOperators(builder, operators)
    graphs = _vector(builder, [tflite.SubGraphEnd(builder)])
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, codes)
    tflite.ModelAddSubgraphs(builder, graphs)
    tflite.ModelAddBuffers(builder, buffers)
    builder.Finish(tflite.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


class OperatorModel:
    """The operator itself, as a function of heads."""

    def __init__(self, contract: RawHeadsContract, anchors: np.ndarray, num_classes: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        count = len(anchors)
        shapes = [(1, count, 4), (1, count, num_classes + 1), (count, 4)]
        data = write_operator_model(attributes_of(contract, num_classes), shapes)
        # In several threads regular suppression leaves the order of equal scores to chance.
        self._interpreter = Interpreter(model_content=data, num_threads=1)
        self._interpreter.allocate_tensors()
        self._inputs = [item["index"] for item in self._interpreter.get_input_details()]
        self._outputs = [item["index"] for item in self._interpreter.get_output_details()]
        self._columns = contract.classes_per_detection
        self._interpreter.set_tensor(self._inputs[2], anchors)

    def give(self, box_encodings: np.ndarray, class_scores: np.ndarray) -> None:
        self._interpreter.set_tensor(self._inputs[0], box_encodings[np.newaxis])
        self._interpreter.set_tensor(self._inputs[1], class_scores[np.newaxis])

    def invoke(self) -> None:
        """The operator alone, on what it was given."""
        self._interpreter.invoke()

    def __call__(self, box_encodings: np.ndarray, class_scores: np.ndarray) -> tuple[np.ndarray, ...]:
        """Boxes [N, 4], classes [N] and scores [N]."""
        self.give(box_encodings, class_scores)
        self.invoke()
        *rows, count = (self._interpreter.get_tensor(index)[0] for index in self._outputs)
        return tuple(row[: int(count) * self._columns] for row in rows)


def _tensor(builder: Any, shape: tuple[int, ...], name: str) -> int:
    text, dimensions = builder.CreateString(name), builder.CreateNumpyVector(_ints(shape))
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, dimensions)
    tflite.TensorAddType(builder, tflite.TensorType.FLOAT32)
    tflite.TensorAddName(builder, text)
    return int(tflite.TensorEnd(builder))


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _ints(values: Any) -> np.ndarray:
    return np.array(list(values), np.int32)
