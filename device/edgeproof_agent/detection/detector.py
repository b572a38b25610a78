"""A loaded bundle: pictures in, detections and nanoseconds a stage out."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from edgeproof_agent.bundle.manifest import (
    ANCHORS_FILE,
    LABELS_FILE,
    MANIFEST_FILE,
    MAX_LABELS_CHARACTERS,
    MODEL_FILE,
    Manifest,
    ManifestError,
    OutputContract,
    RawHeadsContract,
)
from edgeproof_agent.bundle.manifest_reader import parse_manifest
from edgeproof_agent.detection.box_decoding import BoxDecoder
from edgeproof_agent.detection.checks import DetectionError, check_detections, check_finite
from edgeproof_agent.detection.delegates import load_delegate
from edgeproof_agent.detection.interpreters import InterpreterError, Runtime, build_interpreter
from edgeproof_agent.detection.operator_threads import allowed_threads
from edgeproof_agent.detection.preprocess import prepare
from edgeproof_agent.pictures.decoding import decode_picture
from edgeproof_agent.pictures.opencv import MAX_PIXELS


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

    def __init__(
        self, manifest: Manifest, interpreter: Any, threads: int, load_ns: int, anchors: Optional[np.ndarray] = None
    ) -> None:
        """`anchors` are needed when the model has raw heads: float32 [A, 4] as centre y, centre x, height, width."""
        self.manifest = manifest
        self.threads = threads
        self.load_ns = load_ns
        self._interpreter = interpreter
        # A view of the interpreter's own memory, to be asked for each time: it must not run while one is held.
        self._input_view = interpreter.tensor(interpreter.get_input_details()[0]["index"])
        self._outputs = [item["index"] for item in interpreter.get_output_details()]
        self._box_decoder = None
        if isinstance(manifest.output, RawHeadsContract):
            assert anchors is not None
            self._box_decoder = BoxDecoder(anchors, manifest.output)

    def detect_encoded(self, data: bytes, max_pixels: int = MAX_PIXELS) -> Detection:
        """Detects on an encoded picture (JPEG, PNG ...). Raises `PictureError`, `DetectionError`."""
        start = time.monotonic_ns()
        picture = decode_picture(data, max_pixels)
        return self.detect(picture, {"decode": time.monotonic_ns() - start})

    def detect(self, picture: np.ndarray, stages_ns: Optional[dict[str, int]] = None) -> Detection:
        """Detects on pixels, uint8 [H, W, 3] in BGR. `stages_ns` holds the stages that came before.

        Raises `DetectionError` when the model gives something else than detections.
        """
        started = time.monotonic_ns()
        prepare(picture, self.manifest.input, out=self._input_view())
        stages = {**(stages_ns or {}), "preprocess": time.monotonic_ns() - started}
        return self._infer(picture.shape[0], picture.shape[1], stages)

    def prepare(self, picture: np.ndarray, out: Optional[np.ndarray] = None) -> np.ndarray:
        """The input tensor for uint8 [H, W, 3] in BGR, written into `out` when that is given. For any thread."""
        return prepare(picture, self.manifest.input, out)

    def detect_prepared(self, tensor: np.ndarray, height: int, width: int, stages_ns: dict[str, int]) -> Detection:
        """As `detect`, for what `prepare` made of a picture of that size; its time is among `stages_ns`."""
        started = time.monotonic_ns()
        np.copyto(self._input_view(), tensor)
        copied_ns = time.monotonic_ns() - started
        return self._infer(height, width, {**stages_ns, "preprocess": stages_ns["preprocess"] + copied_ns})

    def _infer(self, height: int, width: int, stages: dict[str, int]) -> Detection:
        """Runs the model on what its input tensor holds."""
        prepared = time.monotonic_ns()
        self._interpreter.invoke()
        invoked = time.monotonic_ns()
        boxes, classes, scores = self._read_outputs()
        finished = time.monotonic_ns()
        stages["invoke"] = invoked - prepared
        stages["postprocess"] = finished - invoked
        stages["total"] = sum(stages.values())
        return Detection(boxes, classes, scores, height, width, stages)

    @property
    def interpreter(self) -> Any:
        """For what looks into it. Running it is the detector's alone."""
        return self._interpreter

    def raw_outputs(self) -> list[np.ndarray]:
        """Copies of the model's output tensors of the last inference, which gave detections, in its order.

        The post-processing operator writes as many rows as it counts. What lay in memory behind them is zero here.
        """
        outputs = [np.array(self._interpreter.get_tensor(index)) for index in self._outputs]
        contract = self.manifest.output
        if isinstance(contract, OutputContract):
            rows = outputs[contract.scores].shape[1]
            written = _rows(self._output(contract.count, 0), contract.classes_per_detection, rows)
            for position in (contract.boxes, contract.classes, contract.scores):
                outputs[position][:, written:] = 0
        return outputs

    def _read_outputs(self) -> Any:
        output = self.manifest.output
        if isinstance(output, RawHeadsContract):
            assert self._box_decoder is not None
            encodings, class_scores = self._output(output.box_encodings, 2), self._output(output.class_scores, 2)
            check_finite("box encodings", encodings)
            check_finite("class scores", class_scores)  # decoding would drop what is no number without a word
            decoded = self._box_decoder.decode(encodings, class_scores)
            check_detections(decoded.boxes, decoded.classes, decoded.scores, output.max_rows)
            return decoded.boxes, decoded.classes, decoded.scores
        boxes, classes = self._output(output.boxes, 2), self._output(output.classes, 1)
        scores, count = self._output(output.scores, 1), self._output(output.count, 0)
        if boxes.shape != (len(scores), 4) or len(classes) != len(scores):
            raise DetectionError(f"the model gave {len(scores)} scores, {len(classes)} classes and {boxes.shape} boxes")
        valid = _rows(count, output.classes_per_detection, len(scores))
        boxes, classes, scores = boxes[:valid], classes[:valid], scores[:valid]
        check_detections(boxes, classes, scores, output.max_rows)
        return boxes, classes.astype(np.int32), scores

    def _output(self, position: int, dimensions: int) -> np.ndarray:
        """The output of a batch of one: a model may give another shape in each inference."""
        batch: np.ndarray = self._interpreter.get_tensor(self._outputs[position])
        if batch.ndim != dimensions + 1 or len(batch) != 1:
            raise DetectionError(f"the model's output {position} has the shape {list(batch.shape)}")
        output: np.ndarray = np.asarray(batch[0])
        return output


def _rows(count: np.ndarray, classes_per_detection: int, rows: int) -> int:
    """How many of the outputs' rows hold detections. Raises `DetectionError` for a count that is none."""
    check_finite("a count of detections", count)
    counted = int(count)
    if not 0 <= counted * classes_per_detection <= rows:
        raise DetectionError(f"the model counted {counted} detections and has room for {rows // classes_per_detection}")
    return counted * classes_per_detection


def load_detector(bundle: Path, runtime: Runtime, threads: int, delegate_library: Optional[str] = None) -> Detector:
    """Builds the interpreter of a bundle and checks it against the manifest. Raises `BundleLoadError`,
    `DelegateError`.

    An external delegate's library takes of the model what it can.

    The detector's `threads` are fewer where the model would lose detections with so many.
    """
    manifest = read_manifest(bundle)
    model = bundle / MODEL_FILE
    threads = allowed_threads(str(model), threads)
    start = time.monotonic_ns()
    try:
        delegate = None if delegate_library is None else load_delegate(runtime, delegate_library)
        interpreter = build_interpreter(runtime, str(model), threads, delegate)
    except InterpreterError as error:
        raise BundleLoadError(str(error)) from error
    load_ns = time.monotonic_ns() - start
    anchors = _read_anchors(bundle) if isinstance(manifest.output, RawHeadsContract) else None
    _check(manifest, interpreter, anchors)
    return Detector(manifest, interpreter, threads, load_ns, anchors)


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
            text = file.read(MAX_LABELS_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        raise BundleLoadError(f"{bundle} is no bundle: {error}: {LABELS_FILE}") from error
    if len(text) > MAX_LABELS_CHARACTERS:
        raise BundleLoadError(f"{LABELS_FILE} has more than the {MAX_LABELS_CHARACTERS} characters that can be told")
    return text.removesuffix("\n").split("\n")


def _read_anchors(bundle: Path) -> np.ndarray:
    try:
        with (bundle / ANCHORS_FILE).open("rb") as file:
            anchors = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, MemoryError) as error:  # the header is Python literals
        raise BundleLoadError(f"{bundle} is no bundle: {error}: {ANCHORS_FILE}") from error
    if not isinstance(anchors, np.ndarray) or anchors.dtype != np.float32 or anchors.shape[1:] != (4,):
        raise BundleLoadError(f"{bundle} is no bundle: {ANCHORS_FILE} must hold float32 [anchors, 4]")
    return anchors


def _check(manifest: Manifest, interpreter: Any, anchors: Optional[np.ndarray]) -> None:
    contract = manifest.input
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
    if any(item["dtype"] != np.float32 for item in outputs):
        raise BundleLoadError("the model's outputs are not float32")
    output = manifest.output
    if isinstance(output, OutputContract):
        if max(output.boxes, output.classes, output.scores, output.count) >= len(outputs):
            raise BundleLoadError(f"the model has {len(outputs)} outputs; its manifest names four")
        return
    if max(output.box_encodings, output.class_scores) >= len(outputs):
        raise BundleLoadError(f"the model has {len(outputs)} outputs; its manifest names two heads")
    boxes, scores = (list(outputs[position]["shape"]) for position in (output.box_encodings, output.class_scores))
    count = 0 if anchors is None else len(anchors)
    if boxes != [1, count, 4] or len(scores) != 3 or scores[:2] != [1, count] or scores[2] < 2:
        raise BundleLoadError(f"the model's heads are {boxes} and {scores}, and there are {count} anchors")
