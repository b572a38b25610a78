"""Detections of a stranger's model: the agent's own code makes them, of what the interpreter in the child gives out."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgeproof.convert.confined.process import ConfinedModelError
from edgeproof.convert.confined.runtime import ConfinedInterpreter
from edgeproof.record.detections import Detections
from edgeproof_agent.bundle.manifest import Manifest
from edgeproof_agent.detection.detector import Detector
from edgeproof_agent.detection.interpreters import default_threads


def detect(
    manifest: Manifest,
    interpreter: ConfinedInterpreter,
    anchors: npt.NDArray[np.float32] | None,
    pictures: Sequence[npt.NDArray[np.uint8]],
) -> list[Detections]:
    """Detections on each picture, uint8 [H, W, 3] in BGR; `anchors` are those of raw heads.

    Raises ConfinedModelError, also where what the model gives out are no detections.
    """
    detector = Detector(manifest, interpreter, default_threads(), 0, anchors)
    return [_checked(detector, picture) for picture in pictures]


def _checked(detector: Detector, picture: npt.NDArray[np.uint8]) -> Detections:
    try:
        with np.errstate(all="ignore"):
            found = detector.detect(picture)
    except (ValueError, ArithmeticError, IndexError) as error:
        raise ConfinedModelError("its outputs are no detections: they have other shapes, or no count") from error
    if not (np.isfinite(found.boxes).all() and np.isfinite(found.scores).all()) or (found.classes < 0).any():
        raise ConfinedModelError("its outputs are no detections: they hold numbers that are not finite")
    return Detections(found.boxes, found.classes, found.scores)
