"""Runs an inspected model on a picture, with an interpreter of this machine, in a process of its own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeproof.bundle import Bundle, manifest_beside
from edgeproof.convert.confined.detector import detect
from edgeproof.convert.confined.process import ConfinedModelError
from edgeproof.convert.confined.runtime import ConfinedInterpreter, ConfinedRuntime
from edgeproof.convert.from_tflite.input import FinishedInput, resolve_input
from edgeproof.convert.from_tflite.labels import LabelsFit, find_labels
from edgeproof.convert.from_tflite.outputs import detections_contract
from edgeproof.errors import ModelError, UsageError
from edgeproof.inspection.inspection import Inspection
from edgeproof.record.detections import Detections
from edgeproof.ssd.postprocess import SCORES
from edgeproof.tflite.metadata_reader import TfliteMetadata, read_metadata, read_packed_labels
from edgeproof.tflite.output_map import DETECTIONS
from edgeproof_agent.bundle.manifest import ANCHORS_FILE, Manifest, RawHeadsContract
from edgeproof_agent.detection.preprocess import prepare


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


def run_file(inspection: Inspection, picture: npt.NDArray[np.uint8], runtime: ConfinedRuntime) -> FileRun:
    """Runs a sound model on `picture`, uint8 [H, W, 3] in BGR. Raises ModelError when it does not run."""
    try:
        interpreter = runtime.interpreter(inspection.model_path.read_bytes(), 1)
        if inspection.bundle is not None:
            return _run_bundle(inspection, inspection.bundle, picture, interpreter, runtime)
        return _run_alone(inspection, picture, interpreter, runtime)
    except ConfinedModelError as error:
        raise ModelError(f"{inspection.path}: the model does not run: {error}") from error


def _run_bundle(
    inspection: Inspection,
    bundle: Bundle,
    picture: npt.NDArray[np.uint8],
    interpreter: ConfinedInterpreter,
    runtime: ConfinedRuntime,
) -> FileRun:
    manifest = bundle.manifest
    raw = isinstance(manifest.output, RawHeadsContract)
    anchors = np.load(bundle.path / ANCHORS_FILE, allow_pickle=False) if raw else None
    names = tuple(bundle.labels()[manifest.label_offset :])
    (found,) = detect(manifest, interpreter, anchors, [picture])
    return FileRun(_words(runtime), inspection, names, (), found)


def _run_alone(
    inspection: Inspection, picture: npt.NDArray[np.uint8], interpreter: ConfinedInterpreter, runtime: ConfinedRuntime
) -> FileRun:
    data = inspection.path.read_bytes()
    metadata = _metadata(data, inspection.path)
    beside = manifest_beside(inspection.path, data)
    manifest = None if beside is None else beside.manifest
    prepared = resolve_input(inspection.file, metadata, manifest)
    prepare(picture, prepared.contract, out=interpreter.tensor(0)())
    interpreter.invoke()
    values = [interpreter.get_tensor(place) for place in range(len(interpreter.get_output_details()))]
    inspection = inspection.with_values(values)
    names = _class_names(inspection, find_labels(data, metadata, manifest, None, str(inspection.path)))
    preparation = tuple(filter(None, (prepared.words, prepared.doubt)))
    described = _described(inspection, prepared, values)
    found = None if described is None else detect(described, interpreter, None, [picture])[0]
    return FileRun(_words(runtime), inspection, names, preparation, found)


def _described(
    inspection: Inspection, prepared: FinishedInput, values: list[npt.NDArray[np.float32]]
) -> Manifest | None:
    """The file as a bundle's manifest would describe it, so that a detection is here what it is on a board."""
    outputs = inspection.outputs
    if outputs is None or set(outputs.positions) != set(DETECTIONS):
        return None
    scores = values[outputs.positions[SCORES]]
    return Manifest(
        name=inspection.path.stem,
        variant="",
        files={},
        input=prepared.contract,
        output=detections_contract(inspection.file, outputs, scores.shape[1] if scores.ndim == 2 else None),
        label_offset=0,
        category_offset=0,
        provenance={},
    )


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


def _words(runtime: ConfinedRuntime) -> str:
    return f"{runtime.name} {runtime.version}"
