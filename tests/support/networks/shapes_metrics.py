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
