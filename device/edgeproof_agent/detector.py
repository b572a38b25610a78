"""A loaded bundle: pictures in, detections and nanoseconds a stage out."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from edgeproof_agent.interpreters import InterpreterError, Runtime, build_interpreter
from edgeproof_agent.manifest import LABELS_FILE, MANIFEST_FILE, MODEL_FILE, Manifest, ManifestError, parse_manifest
from edgeproof_agent.pictures import decode_picture
from edgeproof_agent.preprocess import prepare

MAX_LABELS_CHARACTERS = 200_000
"""What is sent of labels.txt at the most; it fits into a frame's header."""


class BundleLoadError(Exception):
    """The bundle is not there, is broken, or its model is not what its manifest says."""


@dataclass(frozen=True)
class Detection:
    """Detections on one picture and what they took. Arrays hold only the rows that are valid."""

    boxes: np.ndarray
    """float32 [N, 4] as (ymin, xmin, ymax, xmax) in 0..1."""
    classes: np.ndarray
    """int32 [N], 0-based."""
    scores: np.ndarray
    """float32 [N]."""
    height: int
    width: int
    """Size of the decoded picture in pixels."""
    stages_ns: dict[str, int]

    def arrays(self) -> dict[str, np.ndarray]:
        return {"boxes": self.boxes, "classes": self.classes, "scores": self.scores}


class Detector:
    """One interpreter with its bundle's contract. Not for more than one thread."""

    def __init__(self, manifest: Manifest, interpreter: Any, threads: int, load_ns: int) -> None:
        self.manifest = manifest
        self.threads = threads
        self.load_ns = load_ns
        self._interpreter = interpreter
        self._input = interpreter.get_input_details()[0]["index"]
        self._outputs = [item["index"] for item in interpreter.get_output_details()]

    def detect_encoded(self, data: bytes, stages_ns: Optional[dict[str, int]] = None) -> Detection:
        """Detects on an encoded picture (JPEG, PNG ...). Raises `PictureError`."""
        start = time.monotonic_ns()
        picture = decode_picture(data)
        return self.detect(picture, {**(stages_ns or {}), "decode": time.monotonic_ns() - start})

    def detect(self, picture: np.ndarray, stages_ns: Optional[dict[str, int]] = None) -> Detection:
        """Detects on pixels, uint8 [H, W, 3] in BGR. `stages_ns` holds the stages that came before."""
        stages = dict(stages_ns or {})
        started = time.monotonic_ns()
        tensor = prepare(picture, self.manifest.input)
        self._interpreter.set_tensor(self._input, tensor)
        prepared = time.monotonic_ns()
        self._interpreter.invoke()
        invoked = time.monotonic_ns()
        boxes, classes, scores = self._read_outputs()
        finished = time.monotonic_ns()
        stages["preprocess"] = prepared - started
        stages["invoke"] = invoked - prepared
        stages["postprocess"] = finished - invoked
        stages["total"] = sum(stages.values())
        return Detection(boxes, classes, scores, picture.shape[0], picture.shape[1], stages)

    def _read_outputs(self) -> Any:
        output = self.manifest.output
        get = self._interpreter.get_tensor
        boxes, classes = get(self._outputs[output.boxes])[0], get(self._outputs[output.classes])[0]
        scores, count = get(self._outputs[output.scores])[0], get(self._outputs[output.count])
        valid = min(max(int(count[0]), 0), len(scores))
        return boxes[:valid], classes[:valid].astype(np.int32), scores[:valid]


def load_detector(bundle: Path, runtime: Runtime, threads: int) -> Detector:
    """Builds the interpreter of a bundle and checks it against the manifest. Raises `BundleLoadError`."""
    manifest = read_manifest(bundle)
    model = bundle / MODEL_FILE
    start = time.monotonic_ns()
    try:
        interpreter = build_interpreter(runtime, str(model), threads)
    except InterpreterError as error:
        raise BundleLoadError(str(error)) from error
    load_ns = time.monotonic_ns() - start
    _check(manifest, interpreter)
    return Detector(manifest, interpreter, threads, load_ns)


def read_manifest(bundle: Path) -> Manifest:
    """The manifest of a bundle on this machine. Raises `BundleLoadError`."""
    path = bundle / MANIFEST_FILE
    try:
        return parse_manifest(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BundleLoadError(f"{bundle} is no bundle: {error.strerror}: {MANIFEST_FILE}") from error
    except (ManifestError, ValueError) as error:
        raise BundleLoadError(f"{bundle} is no bundle: {error}") from error


def read_labels(bundle: Path) -> list[str]:
    """The lines of a bundle's labels.txt. Raises `BundleLoadError`."""
    try:
        with (bundle / LABELS_FILE).open(encoding="utf-8") as file:
            text = file.read(MAX_LABELS_CHARACTERS)
    except (OSError, ValueError) as error:
        raise BundleLoadError(f"{bundle} is no bundle: {error}: {LABELS_FILE}") from error
    return text.removesuffix("\n").split("\n")


def _check(manifest: Manifest, interpreter: Any) -> None:
    contract, output = manifest.input, manifest.output
    details = interpreter.get_input_details()
    wanted = [1, contract.height, contract.width, 3]
    if (
        len(details) != 1
        or list(details[0]["shape"]) != wanted
        or np.dtype(details[0]["dtype"]) != contract.dtype.value
    ):
        found = ", ".join(f"{np.dtype(item['dtype'])} {list(item['shape'])}" for item in details)
        raise BundleLoadError(f"the model's input is {found}; its manifest says {contract.dtype.value} {wanted}")
    outputs = interpreter.get_output_details()
    if max(output.boxes, output.classes, output.scores, output.count) >= len(outputs):
        raise BundleLoadError(f"the model has {len(outputs)} outputs; its manifest names four")
    if any(item["dtype"] != np.float32 for item in outputs):
        raise BundleLoadError("the model's outputs are not float32")
