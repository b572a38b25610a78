"""One picture with the boxes of several hypotheses, beside each other."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgeproof.record.boxes import pixel_box
from edgeproof.report.drawing.colours import class_colour
from edgeproof_agent.pictures.opencv import cv2

_STRONGEST = 5
_GAP_PX = 8


def draw_side_by_side(
    picture: npt.NDArray[np.uint8], boxes: Sequence[npt.NDArray[np.float32]], scores: npt.NDArray[np.float32]
) -> bytes:
    """A PNG. `picture` is uint8 [H, W, 3] in BGR, `boxes` [N, 4] a hypothesis, `scores` [N] of both, best first."""
    height, width = picture.shape[:2]
    line = max(1, min(height, width) // 150)
    drawn: list[npt.NDArray[np.uint8]] = []
    for of_hypothesis in boxes:
        canvas = np.ascontiguousarray(picture).copy()
        for box in of_hypothesis[: min(_STRONGEST, len(scores))]:
            place = pixel_box([float(edge) for edge in box], width, height)
            low = round(place.x), round(place.y)
            high = round(place.x + place.width), round(place.y + place.height)
            cv2.rectangle(canvas, low, high, class_colour(0), line)
        drawn += [canvas, np.full((height, _GAP_PX, 3), 255, np.uint8)]
    joined = np.concatenate(drawn[:-1], axis=1)
    encoded: npt.NDArray[np.uint8] = cv2.imencode(".png", joined)[1]
    return encoded.tobytes()
