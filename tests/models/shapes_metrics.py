"""Mean average precision of detections on a data set of shapes, by COCO's own rules."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster


@dataclass(frozen=True)
class Precision:
    """COCO's metrics, in 0..1."""

    map: float
    """Mean over IoU .50 to .95 in steps of .05."""
    map_50: float
    map_75: float


def coco_precision(annotations: Path, results: list[dict[str, Any]]) -> Precision:
    """Metrics of `results` (COCO's results format) on the data set whose `annotations.json` is given."""
    if not results:
        return Precision(0.0, 0.0, 0.0)
    truth = COCO(str(annotations))
    evaluation = COCOeval_faster(truth, truth.loadRes(results), iouType="bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return Precision(*(float(value) for value in evaluation.stats[:3]))


def coco_results(
    image: dict[str, Any], boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray
) -> list[dict[str, Any]]:
    """Detections on one picture of a COCO data set in COCO's results format.

    `boxes` [N, 4] are ymin, xmin, ymax, xmax in 0..1; `classes` [N] count from 0 without background; `scores` [N].
    """
    size = np.array([image["height"], image["width"]] * 2)
    pixels = np.clip(boxes, 0.0, 1.0) * size
    return [
        {
            "image_id": image["id"],
            "category_id": int(index) + 1,
            "bbox": [float(left), float(top), float(right - left), float(bottom - top)],
            "score": float(score),
        }
        for (top, left, bottom, right), index, score in zip(pixels, classes, scores, strict=True)
    ]


def decode_and_suppress(
    encodings: np.ndarray, scores: np.ndarray, anchors: np.ndarray, max_detections: int = 10, max_iou: float = 0.6
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What TFLite_Detection_PostProcess does by default, for the heads of one picture.

    `encodings` [A, 4] with the scales 10, 10, 5, 5; `scores` [A, C + 1], background first; `anchors` [A, 4] as centre
    y, centre x, height, width. Gives boxes [N, 4] as ymin, xmin, ymax, xmax, classes [N] from 0, and scores [N].
    """
    scaled = encodings / np.array([10.0, 10.0, 5.0, 5.0])
    centre = scaled[:, :2] * anchors[:, 2:] + anchors[:, :2]
    half = np.exp(scaled[:, 2:]) * anchors[:, 2:] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    best = scores[:, 1:].max(axis=1)
    candidates = np.argsort(-best, kind="stable")[:200]
    kept: list[int] = []
    for candidate in candidates:
        if len(kept) < max_detections and all(_iou(boxes[candidate], boxes[other]) <= max_iou for other in kept):
            kept.append(int(candidate))
    return boxes[kept], scores[kept, 1:].argmax(axis=1), best[kept]


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    sides = np.maximum(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0.0)
    shared = float(sides.prod())
    return shared / float((first[2:] - first[:2]).prod() + (second[2:] - second[:2]).prod() - shared)
