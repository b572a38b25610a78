"""What would stop a .tflite, or be read wrongly, in other programs that run detectors: rules written down from each.

docs/reference/other-readers.md says where each rule was read, and which were held to the program itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from edgeproof.inspection.inspection import Inspection
from edgeproof.ssd.postprocess import BOXES, CLASSES, COUNT, SCORES
from edgeproof.tflite.file import TfliteFile
from edgeproof.tflite.metadata_reader import TfliteMetadata
from edgeproof.tflite.output_arrangement import SIGNATURE_KEYS

_ORDER = (BOXES, CLASSES, SCORES, COUNT)
_REVERSED = (SCORES, BOXES, COUNT, CLASSES)
_INTEGERS = ("int8", "uint8")
_AGAIN = "export it again with edgeproof, which writes what this reader needs"


@dataclass(frozen=True)
class OtherReader:
    words: str
    problems: Callable[[Inspection], Iterator[str]]
    """What would stop it there, each as half a sentence with the remedy."""


def _order_problems(inspection: Inspection, wanted: tuple[str, ...] = _ORDER) -> Iterator[str]:
    """By index alone."""
    found = inspection.outputs
    if found is None or found.raw_heads:
        yield "it gives no detections, and this reader decodes no raw heads: export it with --post graph"
        return
    order = tuple(sorted(found.positions, key=lambda name: found.positions[name]))
    if order != wanted:
        yield f"its outputs come as {', '.join(order)}, and are read as {', '.join(wanted)}: {_AGAIN}"


def _uint8_problems(inspection: Inspection) -> Iterator[str]:
    for tensor in inspection.file.inputs:
        if tensor.dtype != "uint8":
            yield f"it is given bytes, and its input is {tensor.dtype}: export it with --variant int8"


def _edge_tpu(inspection: Inspection) -> Iterator[str]:
    """Coral's compiler: coral.ai/docs/edgetpu/models-intro, "Model requirements"."""
    file = inspection.file
    other = sorted({layer.weights.dtype for layer in file.weighted} - set(_INTEGERS))
    reads = sorted({layer.activations for layer in file.weighted} - set(_INTEGERS))
    if other or reads:
        kinds = ", ".join(dict.fromkeys([*other, *reads]))
        yield f"the Edge TPU computes with 8-bit integers alone, and its layers have {kinds}: export --variant int8"
    for tensor in file.inputs:
        if min(tensor.shape, default=0) < 1:
            yield f"its input's size is not fixed ({list(tensor.shape)}): export it for one size with --input-size"
        if tensor.dtype not in _INTEGERS:
            yield f"its input is {tensor.dtype}, which the Edge TPU does not take: export --variant int8"


def _pycoral(inspection: Inspection) -> Iterator[str]:
    """pycoral/adapters/detect.py, `get_objects`, of PyCoral 1 (by index) and 2 (by signature, else by index)."""
    yield from _edge_tpu(inspection)
    yield from _order_problems(inspection)
    signatures = inspection.file.signatures
    if not signatures or inspection.outputs is None or inspection.outputs.raw_heads:
        return
    if len(signatures) > 1:
        yield f"PyCoral 2 refuses a file with {len(signatures)} signatures: {_AGAIN}"
    places = inspection.outputs.positions
    if any(signatures[0].outputs.get(key) != places[meaning] for meaning, key in SIGNATURE_KEYS.items()):
        keys = ", ".join(signatures[0].outputs)
        wanted = ", ".join(f"{key} ({meaning})" for meaning, key in SIGNATURE_KEYS.items())
        yield f"PyCoral 2 reads the signature's {wanted}, and its has {keys}: {_AGAIN}"


def _frigate(inspection: Inspection) -> Iterator[str]:
    """frigate/detectors/plugins/cpu_tfl.py and edgetpu_tfl.py, `detect_raw`: by index, on bytes."""
    yield from _order_problems(inspection)
    yield from _uint8_problems(inspection)
    for tensor in inspection.file.inputs:
        if len(tensor.shape) == 4 and tensor.shape[1] != tensor.shape[2]:
            yield f"Frigate crops squares, and its input is {tensor.shape[1]} x {tensor.shape[2]}: train it on a square"


def _task_library(inspection: Inspection) -> Iterator[str]:
    """tflite-support, cc/task/vision/object_detector.cc: `CheckAndSetOutputs`, and utils/image_tensor_specs.cc."""
    file = inspection.file
    if inspection.metadata == TfliteMetadata():
        yield f"it has no metadata: {_AGAIN}"
    elif inspection.metadata.normalization is None and any(tensor.dtype == "float32" for tensor in file.inputs):
        yield f"its metadata does not say how pixels are normalised: {_AGAIN}"
    yield from _four_outputs(file)
    for tensor in file.inputs:
        if tensor.dtype not in ("uint8", "float32"):
            yield f"its input is {tensor.dtype}, expected uint8 or float32: export it with --input-type uint8"
    yield from _order_problems(inspection)


def _four_outputs(file: TfliteFile) -> Iterator[str]:
    if len(file.outputs) != len(_ORDER):
        yield f"it has {len(file.outputs)} outputs, expected four: export it with --post graph"


def _raspberry_pi(inspection: Inspection) -> Iterator[str]:
    """EdjeElectronics, TFLite_detection_image.py: the name of output 0 tells the order; (pixel - 127.5) / 127.5."""
    outputs = inspection.file.outputs
    tf2 = bool(outputs) and "StatefulPartitionedCall" in outputs[0].name
    yield from _order_problems(inspection, _REVERSED if tf2 else _ORDER)
    for tensor in inspection.file.inputs:
        if tensor.dtype == "int8":
            yield "its input is int8, and it is given bytes: export it with --input-type uint8"
    yield from _normalisation_problems(inspection)


def _normalisation_problems(inspection: Inspection) -> Iterator[str]:
    if inspection.bundle is None or inspection.file.inputs[0].dtype != "float32":
        return
    contract = inspection.bundle.manifest.input
    usual = (127.5,) * 3
    if (contract.mean, contract.std) != (usual, usual):
        yield "it is given pixels in -1..1, and was trained on others: export it as --variant int8, which takes bytes"


def _android(inspection: Inspection) -> Iterator[str]:
    """TensorFlow's example, TFLiteObjectDetectionAPIModel.java: by index, arrays of 10 detections."""
    yield from _order_problems(inspection)
    for operator in inspection.file.postprocess:
        most = int(operator.attributes.get("max_detections", 0))
        if most != 10:
            yield f"it has arrays for 10 detections, and it gives {most}: export it with --max-detections 10"
    yield from _normalisation_problems(inspection)


def _opencv(inspection: Inspection) -> Iterator[str]:
    """modules/dnn/src/tflite/tflite_importer.cpp, `parseDetectionPostProcess`, of 4.11 to 5.0."""
    for operator in inspection.file.postprocess:
        if len(operator.inputs) != 3 or not operator.inputs[1].shape:
            continue
        columns, classes = operator.inputs[1].shape[-1], int(operator.attributes.get("num_classes", 0))
        if columns > classes:
            yield (
                "OpenCV's importer takes every column of the scores for a class, so the background wins everywhere: "
                "run it with another reader"
            )


READERS: Mapping[str, OtherReader] = {
    "edgetpu": OtherReader("the Edge TPU's compiler", _edge_tpu),
    "pycoral": OtherReader("PyCoral's detect adapter, 1 and 2", _pycoral),
    "frigate": OtherReader("Frigate's TFLite detectors", _frigate),
    "task-library": OtherReader("the TFLite Task Library (tflite-support)", _task_library),
    "mediapipe": OtherReader("MediaPipe's ObjectDetector", _task_library),
    "raspberry-pi": OtherReader("the public Raspberry Pi scripts", _raspberry_pi),
    "android": OtherReader("TensorFlow's Android example", _android),
    "opencv": OtherReader("OpenCV's dnn module", _opencv),
    "script": OtherReader("a script that reads the outputs by index", _order_problems),
}
"""By the names that `edgeproof inspect --for` takes."""
