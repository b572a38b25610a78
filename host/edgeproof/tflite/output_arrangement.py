"""Orders and names a detector's four outputs so that all who read them by order, tensor or signature read them rightly.

By index: boxes, classes, scores, count, as PyCoral 1, Frigate, TensorFlow's Android example and most scripts do. By
tensor: the names of TensorFlow 1's exporter, which public scripts tell the order by. By signature: the keys that
TensorFlow 2's exporter got, the only ones that PyCoral 2 reads.
"""

import struct
from typing import Any

import tflite

from edgeproof.ssd.postprocess import BOXES, CLASSES, COUNT, SCORES
from edgeproof.tflite.file import POSTPROCESS_OPERATOR

ORDER = (BOXES, CLASSES, SCORES, COUNT)
SIGNATURE_KEYS = {COUNT: "output_0", SCORES: "output_1", CLASSES: "output_2", BOXES: "output_3"}
TENSOR_NAMES = {
    BOXES: POSTPROCESS_OPERATOR,
    CLASSES: f"{POSTPROCESS_OPERATOR}:1",
    SCORES: f"{POSTPROCESS_OPERATOR}:2",
    COUNT: f"{POSTPROCESS_OPERATOR}:3",
}
# Vtable offsets of fields of the schema's tables SubGraph, Tensor and TensorMap.
_SUBGRAPH_OUTPUTS, _TENSOR_NAME, _ENTRY_NAME = 8, 10, 4
_TEXT_ALIGNMENT = 4


def arrange_outputs(data: bytes) -> bytes:
    """A .tflite that ends in one post-processing operator, whose outputs are its own and no other graph's; else `data`.

    Nothing moves: numbers of the outputs are written over, and new names put behind the file.
    """
    edited = bytearray(data)
    model = tflite.Model.GetRootAs(edited, 0)
    graph = model.Subgraphs(0)
    made = _made_by_operator(model, graph)
    if model.SubgraphsLength() != 1 or made is None or set(graph.OutputsAsNumpy().tolist()) != set(made.values()):
        return data
    begin = graph._tab.Vector(graph._tab.Offset(_SUBGRAPH_OUTPUTS))
    struct.pack_into("<4i", edited, begin, *(made[meaning] for meaning in ORDER))
    for meaning, tensor in made.items():
        _rename(edited, graph.Tensors(tensor), _TENSOR_NAME, TENSOR_NAMES[meaning])
    meanings = {tensor: meaning for meaning, tensor in made.items()}
    for index in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(index)
        entries = [signature.Outputs(place) for place in range(signature.OutputsLength())]
        for entry in entries:
            if entry.TensorIndex() in meanings:
                _rename(edited, entry, _ENTRY_NAME, SIGNATURE_KEYS[meanings[entry.TensorIndex()]])
    return bytes(edited)


def _made_by_operator(model: Any, graph: Any) -> dict[str, int] | None:
    """Tensor by meaning; None when there is not one operator with four outputs."""
    found = []
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        name = model.OperatorCodes(operator.OpcodeIndex()).CustomCode()
        if name == POSTPROCESS_OPERATOR.encode() and operator.OutputsLength() == len(ORDER):
            found.append(operator.OutputsAsNumpy().tolist())
    return dict(zip(ORDER, found[0], strict=True)) if len(found) == 1 else None


def _rename(edited: bytearray, table: Any, field: int, name: str) -> None:
    """An offset points forward, so the new text may lie anywhere behind."""
    edited += bytes(-len(edited) % _TEXT_ALIGNMENT)
    place = table._tab.Pos + table._tab.Offset(field)
    struct.pack_into("<I", edited, place, len(edited) - place)
    text = name.encode()
    edited += struct.pack("<I", len(text)) + text + b"\0"
