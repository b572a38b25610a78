"""Runs an inspected model on a picture, with an interpreter of this machine and without TensorFlow."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.bundle import manifest_beside
from edgeproof.convert.finished_input import resolve_input
from edgeproof.convert.finished_labels import LabelsFit, find_labels
from edgeproof.convert.inspection import Inspection
from edgeproof.convert.output_map import DETECTIONS
from edgeproof.convert.provenance import tensorflow_version
from edgeproof.convert.tflite_metadata import TfliteMetadata, read_metadata, read_packed_labels
from edgeproof.errors import ModelError, UsageError
from edgeproof.results import Detections
from edgeproof.ssd.postprocess import BOXES, CLASSES, COUNT, SCORES
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof_agent.detector import BundleLoadError, load_detector
from edgeproof_agent.interpreters import InterpreterError, Runtime, build_interpreter, import_runtime
from edgeproof_agent.preprocess import prepare


@dataclass(frozen=True)
class FileRun:
    runtime: str
    """Name and version of the interpreter."""
    inspection: Inspection
    """With what the run told of the outputs."""
    class_names: tuple[str, ...]
    """By class index; empty when they are not known."""
    preparation: tuple[str, ...]
    """What a file does not say itself of how its pictures are prepared; empty for a bundle."""
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
    words, bundle = f"{runtime.name} {runtime.version}", inspection.bundle
    try:
        if bundle is not None:
            found = load_detector(bundle.path, runtime, 1).detect(picture)
            names = tuple(bundle.labels()[bundle.manifest.label_offset :])
            return FileRun(words, inspection, names, (), Detections(found.boxes, found.classes, found.scores))
        data = inspection.path.read_bytes()
        metadata = _metadata(data, inspection.path)
        beside = manifest_beside(inspection.path, data)
        manifest = None if beside is None else beside.manifest
        prepared = resolve_input(inspection.file, metadata, manifest)
        values = _outputs(data, prepare(picture, prepared.contract), runtime)
    except (BundleLoadError, InterpreterError, ValueError, RuntimeError) as error:
        raise ModelError(f"{inspection.path}: the model does not run: {error}") from error
    inspection = inspection.with_values(values)
    names = _class_names(inspection, find_labels(data, metadata, manifest, None, str(inspection.path)))
    preparation = tuple(filter(None, (prepared.words, prepared.doubt)))
    return FileRun(words, inspection, names, preparation, _detections(inspection, values))


def _metadata(data: bytes, path: Path) -> TfliteMetadata:
    """Broken metadata or labels count as none: the file runs without, and what was taken instead is told."""
    try:
        metadata = read_metadata(data, str(path))
        read_packed_labels(data, metadata, str(path))
    except (ModelError, UsageError):
        return TfliteMetadata()
    return metadata


def _class_names(inspection: Inspection, labels_fit: LabelsFit | None) -> tuple[str, ...]:
    operator = inspection.file.postprocess
    if labels_fit is None or not operator:
        return ()
    try:
        labels = labels_fit(int(operator[0].attributes["num_classes"]))
    except UsageError:
        return ()
    return labels.names[labels.label_offset :]


def _outputs(data: bytes, tensor: npt.NDArray[Any], runtime: Runtime) -> list[npt.NDArray[np.float32]]:
    interpreter = build_interpreter(runtime, data, 1)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensor)
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
