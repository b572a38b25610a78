"""Runs a converted model on a few pictures, on this machine, against the detections of its source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeproof.convert.bundle_manifest import raw_heads_contract
from edgeproof.convert.calibration.representative import RepresentativeSet
from edgeproof.convert.confined.detector import detect
from edgeproof.convert.confined.process import ConfinedModelError
from edgeproof.convert.confined.runtime import ConfinedRuntime, tensorflow_runtime
from edgeproof.convert.variants import Variant
from edgeproof.errors import ConversionError
from edgeproof.local_files.bounded_files import MAX_PICTURE_BYTES, read_bounded
from edgeproof.record.detections import Detections
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet
from edgeproof.verify.deviation import Deviation, measure_deviation
from edgeproof_agent.bundle.manifest import Manifest
from edgeproof_agent.detection.box_decoding import BoxDecoder
from edgeproof_agent.detection.interpreters import default_threads
from edgeproof_agent.detection.preprocess import prepare
from edgeproof_agent.pictures.decoding import decode_picture
from edgeproof_agent.pictures.opencv import cv2

MAX_PICTURES = 8

Picture = npt.NDArray[np.uint8]
Anchors = npt.NDArray[np.float32]

_BETTER = "calibrate with more pictures like those that the detector will see (--images, --calibration-size)"
_ADVICE: Mapping[Variant, str] = {
    Variant.FLOAT32: "please report this with the model's name and the TensorFlow version",
    Variant.FLOAT16: "export it as float32",
    Variant.DYNAMIC: "export it as float16, or as int8 with calibration pictures",
    Variant.INT8: (
        f"{_BETTER}, let --debug-quantization show which layers to keep float, or export it as int16x8 or float16"
    ),
    Variant.INT16X8: f"{_BETTER}, or export it as float16",
}
_ADVICE_FOR_FILES: Mapping[Variant, str] = {
    Variant.INT8: (
        f"{_BETTER}, export it as int16x8 or float16, or export int8 from the model that the file was converted from, "
        "where --debug-quantization shows which layers to keep float"
    ),
}
# Largest score difference and smallest IoU that are as good as the source.
_LIMITS: Mapping[Variant, tuple[float, float]] = {
    Variant.FLOAT32: (0.002, 0.995),
    Variant.FLOAT16: (0.02, 0.97),
    Variant.DYNAMIC: (0.1, 0.85),
    Variant.INT8: (0.1, 0.85),
    Variant.INT16X8: (0.05, 0.9),
}


@dataclass(frozen=True)
class Trial:
    """A source's detections on the pictures that every variant is tried on."""

    pictures: Sequence[Picture]
    """uint8 [H, W, 3] in BGR."""
    anchors: Anchors | None
    """Of a model with raw heads."""
    expected: Sequence[Detections]
    runtime: ConfinedRuntime
    """One for all variants, so that they are compared by the same code."""

    def run(self, manifest: Manifest, model: bytes) -> Deviation:
        """Tries a converted model by the agent's own code. Raises ConversionError when it does not run."""
        found = detect_all(manifest, model, self.anchors, self.pictures, self.runtime)
        return measure_deviation(list(zip(self.expected, found, strict=True)))


def detect_all(
    manifest: Manifest, model: bytes, anchors: Anchors | None, pictures: Sequence[Picture], runtime: ConfinedRuntime
) -> list[Detections]:
    """A model's detections on each picture. Raises ConversionError when it does not run."""
    try:
        interpreter = runtime.interpreter(model, default_threads())
        return detect(manifest, interpreter, anchors, pictures)
    except ConfinedModelError as error:
        raise ConversionError(
            f"The {manifest.variant} model does not run on {runtime.name} {runtime.version}: {error}. Nothing was "
            "written. Please report this with the model's name."
        ) from error


def prepare_trial(model: SsdModel, postprocess: PostprocessOptions, pictures: RepresentativeSet | None) -> Trial:
    """Runs the source's heads on some of `pictures`, or on a generated one. Imports TensorFlow."""
    tensorflow = import_tensorflow()
    decoder = BoxDecoder(model.anchors, raw_heads_contract(model.box_scales, postprocess))
    expected = []
    with quiet():
        chosen = trial_pictures(pictures, model.input.height, model.input.width)
        for picture in chosen:
            heads = model.heads.module.heads(tensorflow.constant(prepare(picture, model.input)))
            boxes, scores = (np.asarray(head.numpy())[0] for head in heads)
            decoded = decoder.decode(boxes, scores)
            expected.append(Detections(decoded.boxes, decoded.classes, decoded.scores))
    return Trial(chosen, model.anchors, expected, tensorflow_runtime())


def complaint(variant: Variant, deviation: Deviation, finished: bool = False) -> str | None:
    """What to tell the user when a variant is too far from its source, and what to do; None when it is not.

    `finished`: the source is a .tflite, whose quantization cannot be debugged.
    """
    if not deviation.exceeds(*_LIMITS[variant]):
        return None
    advice = _ADVICE_FOR_FILES.get(variant, _ADVICE[variant]) if finished else _ADVICE[variant]
    return f"{variant.value} is not as good as its source: {deviation}. What helps: {advice}."


def trial_pictures(pictures: RepresentativeSet | None, height: int, width: int) -> list[Picture]:
    """Up to `MAX_PICTURES` that can be read, spread over the set; else a generated one."""
    return readable_pictures(pictures, MAX_PICTURES) or [generated_picture(height, width)]


def generated_picture(height: int, width: int) -> Picture:
    """Structure at several scales, the same at every call."""
    random = np.random.default_rng(0)
    picture = np.zeros((height, width, 3), np.float32)
    for cells in (4, 16, 64):
        coarse = random.uniform(0, 85, (cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return picture.astype(np.uint8)


def readable_pictures(pictures: RepresentativeSet | None, most: int) -> list[Picture]:
    """Up to `most` that can be read, uint8 [H, W, 3] in BGR, spread over the set."""
    if pictures is None:
        return []
    found: list[Picture] = []
    for path in pictures.files[:: -(-len(pictures) // most)]:
        try:
            found.append(decode_picture(read_bounded(path, MAX_PICTURE_BYTES)))
        except (OSError, ValueError):
            continue
    return found
