"""Raw heads to detections: box decoding and non-maximum suppression as `TFLite_Detection_PostProcess` does them.

Source: tensorflow/lite/kernels/detection_postprocess.cc of TensorFlow 2.9 and later. Ties are broken as there: by the
lower anchor, and where that kernel sorts the classes of a box with `std::partial_sort`, as that sorts them.
"""

from dataclasses import dataclass

import numpy as np

from edgeproof_agent.bundle.manifest import BoxScales, NonMaxSuppression, RawHeadsContract
from edgeproof_agent.detection.partial_sort import partial_argsort_rows
from edgeproof_agent.detection.suppression import suppress
from edgeproof_agent.pictures.opencv import cv2

_INFINITY = np.float32(np.inf)


@dataclass(frozen=True)
class DecodedBoxes:
    """What non-maximum suppression keeps, best score first."""

    boxes: np.ndarray
    """float32 [N, 4] as (ymin, xmin, ymax, xmax) in 0..1."""
    classes: np.ndarray
    """int32 [N], 0-based without background."""
    scores: np.ndarray
    """float32 [N]."""


class BoxDecoder:
    """Decodes the heads of one model."""

    def __init__(self, anchors: np.ndarray, contract: RawHeadsContract) -> None:
        """`anchors` is float32 [A, 4] as centre y, centre x, height, width."""
        self._contract = contract
        self._centres = np.ascontiguousarray(anchors[:, :2], np.float64)
        self._sides = np.ascontiguousarray(anchors[:, 2:], np.float64)
        self._centre_scales, self._side_scales = _divisors(contract.box_scales)
        self._score_threshold = np.float32(contract.score_threshold)
        self._iou_threshold = np.float32(contract.iou_threshold)

    def decode(self, box_encodings: np.ndarray, class_scores: np.ndarray) -> DecodedBoxes:
        """Detections of box encodings, float32 [A, 4], and class scores, float32 [A, 1 + C] with the background."""
        if self._contract.nms is NonMaxSuppression.REGULAR:
            return self._regular(box_encodings, class_scores)
        return self._fast(box_encodings, class_scores)

    def _fast(self, box_encodings: np.ndarray, class_scores: np.ndarray) -> DecodedBoxes:
        contract = self._contract
        best = _best_of_rows(class_scores[:, 1:])
        rows = np.flatnonzero(best >= self._score_threshold)
        rows = rows[_descending(best[rows])]
        chosen, boxes = self._keep(box_encodings, rows, contract.max_detections)
        count = min(contract.classes_per_detection, class_scores.shape[1] - 1)
        scores = class_scores[chosen, 1:]
        classes = partial_argsort_rows(scores, count).astype(np.int32)
        return DecodedBoxes(
            boxes=np.repeat(boxes, count, axis=0),
            classes=classes.ravel(),
            scores=np.take_along_axis(scores, classes, axis=1).ravel(),
        )

    def _regular(self, box_encodings: np.ndarray, class_scores: np.ndarray) -> DecodedBoxes:
        """Class after class; what is kept of each joins the best `max_detections` so far.

        Among equal scores of several classes the earlier class comes first, as in ai-edge-litert with one thread.
        tflite-runtime has the later one first, and with several threads both leave that order to chance.
        """
        contract = self._contract
        most = contract.max_detections
        most_of_class = min(contract.detections_per_class, most)
        best_of_class = class_scores.max(axis=0)
        scores, classes = np.empty(0, np.float32), np.empty(0, np.int32)
        boxes = np.empty((0, 4), np.float32)
        for column in range(1, class_scores.shape[1]):
            # A score joins a full list by being above its last one.
            bar = np.nextafter(scores[-1], _INFINITY) if len(scores) == most else self._score_threshold
            if not best_of_class[column] >= bar:
                continue
            of_class = class_scores[:, column]
            rows = np.flatnonzero(of_class >= bar)
            rows = rows[_descending(of_class[rows])]
            kept, kept_boxes = self._keep(box_encodings, rows, most_of_class)
            scores = np.concatenate([scores, of_class[kept]])
            order = _descending(scores)[:most]
            scores = scores[order]
            classes = np.concatenate([classes, np.full(len(kept), column - 1, np.int32)])[order]
            boxes = np.concatenate([boxes, kept_boxes])[order]
        return DecodedBoxes(boxes, classes, scores)

    def _keep(self, box_encodings: np.ndarray, rows: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Anchors and boxes that stay of `rows`, anchors in the order of their scores; at most `most`.

        The strongest are usually enough to fill the list, and a weaker box never suppresses a stronger one.
        """
        for enough in (64 + most, 64 + 16 * most, len(rows)):
            boxes = self._boxes(box_encodings, rows[:enough])
            kept = suppress(boxes, self._iou_threshold, most)
            if len(kept) == most or enough >= len(rows):
                break
        return rows[kept], boxes[kept]

    def _boxes(self, box_encodings: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """float32 [rows, 4] corners. In float64 with one rounding, as the kernel computes them."""
        encodings = box_encodings[rows].astype(np.float64)
        sides = self._sides[rows]
        centres = (encodings[:, :2] / self._centre_scales * sides + self._centres[rows]).astype(np.float32)
        with np.errstate(over="ignore"):
            halves = (0.5 * np.exp(encodings[:, 2:] / self._side_scales) * sides).astype(np.float32)
        return np.concatenate([centres - halves, centres + halves], axis=1)


def _divisors(scales: BoxScales) -> tuple[np.ndarray, np.ndarray]:
    """Of the centres and of the sides, float64 [2] each; the operator's attributes are float32."""
    values = np.array([scales.y, scales.x, scales.height, scales.width], np.float32).astype(np.float64)
    return values[:2], values[2:]


def _best_of_rows(scores: np.ndarray) -> np.ndarray:
    """The maximum of each row, float32 [A]. OpenCV takes half of NumPy's time for 90 columns, turned round first."""
    if not scores.size:
        return np.full(len(scores), -_INFINITY, np.float32)
    best: np.ndarray = cv2.reduce(cv2.transpose(scores), 0, cv2.REDUCE_MAX)
    return best.ravel()


def _descending(values: np.ndarray) -> np.ndarray:
    return np.argsort(-values, kind="stable")
