"""Runs an inspected model on a picture, with an interpreter of this machine and without TensorFlow."""

import contextlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.convert.inspection import Inspection
from edgeproof.convert.output_map import DETECTIONS
from edgeproof.convert.provenance import tensorflow_version
from edgeproof.errors import ModelError
from edgeproof.results import Detections
from edgeproof.ssd.postprocess import BOXES, CLASSES, COUNT, SCORES
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof_agent.detector import BundleLoadError, load_detector
from edgeproof_agent.interpreters import InterpreterError, Runtime, build_interpreter, import_runtime
from edgeproof_agent.manifest import ColourOrder, Coordinates, InputContract, InputType
from edgeproof_agent.preprocess import prepare


@dataclass(frozen=True)
class FileRun:
    runtime: str
    """Name and version of the interpreter."""
    inspection: Inspection
    """With what the run told of the outputs."""
    detections: Detections | None
    """None when the outputs are not known, or are the raw heads of a file without anchors."""


def installed_runtime() -> Runtime | None:
    """The interpreter of this Python; None when there is none."""
    try:
        return import_runtime()
    except InterpreterError:
        return None


def runtime_for_files() -> Runtime | None:
    """What an export of a finished file runs it with; None when there is nothing.

    ai-edge-litert by preference, because ai-edge-quantizer runs on it and two interpreters in a process can crash each
    other; TensorFlow's own where there is no other.
    """
    with contextlib.suppress(InterpreterError):
        return import_runtime("ai-edge-litert")
    runtime = installed_runtime()
    if runtime is None and tensorflow_version() is not None:
        tensorflow = import_tensorflow()
        return Runtime("tensorflow", tensorflow.__version__, tensorflow.lite)
    return runtime


def run_file(inspection: Inspection, picture: npt.NDArray[np.uint8], runtime: Runtime) -> FileRun:
    """Runs a sound model on `picture`, uint8 [H, W, 3] in BGR. Raises ModelError when it does not run."""
    words = f"{runtime.name} {runtime.version}"
    try:
        if inspection.bundle is not None:
            found = load_detector(inspection.bundle.path, runtime, 1).detect(picture)
            return FileRun(words, inspection, Detections(found.boxes, found.classes, found.scores))
        values = _outputs(inspection, picture, runtime)
    except (BundleLoadError, InterpreterError, ValueError, RuntimeError) as error:
        raise ModelError(f"{inspection.path}: the model does not run: {error}") from error
    inspection = inspection.with_values(values)
    return FileRun(words, inspection, _detections(inspection, values))


def _outputs(inspection: Inspection, picture: npt.NDArray[np.uint8], runtime: Runtime) -> list[npt.NDArray[np.float32]]:
    """A file does not say how its pictures are normalised: floats are taken to span -1..1, integers all of them."""
    tensor = inspection.file.inputs[0]
    dtype = InputType(tensor.dtype)
    contract = InputContract(
        height=tensor.shape[1],
        width=tensor.shape[2],
        colour_order=ColourOrder.RGB,
        coordinates=Coordinates.ASYMMETRIC,
        mean=(127.5,) * 3 if dtype is InputType.FLOAT32 else (0.0,) * 3,
        std=(127.5,) * 3 if dtype is InputType.FLOAT32 else (1.0,) * 3,
    )
    pixels = prepare(picture, contract)
    if dtype is not InputType.FLOAT32:
        pixels = (np.rint(pixels) - (128 if dtype is InputType.INT8 else 0)).astype(dtype.value)
    interpreter = build_interpreter(runtime, str(inspection.path), 1)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
    interpreter.invoke()
    return [interpreter.get_tensor(item["index"]) for item in interpreter.get_output_details()]


def _detections(inspection: Inspection, values: list[npt.NDArray[np.float32]]) -> Detections | None:
    outputs = inspection.outputs
    if outputs is None or set(outputs.positions) != set(DETECTIONS):
        return None
    boxes, classes, scores, count = (values[outputs.positions[name]] for name in (BOXES, CLASSES, SCORES, COUNT))
    operator = inspection.file.postprocess
    columns = int(operator[0].attributes.get("max_classes_per_detection", 1)) if operator else 1
    valid = min(max(int(count.ravel()[0]), 0) * columns, scores.shape[1])
    return Detections(boxes[0, :valid], classes[0, :valid].astype(np.int32), scores[0, :valid])
