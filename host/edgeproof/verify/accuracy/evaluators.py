"""Who works the metrics out: hotcoco where it is installed, else this package. Both follow pycocotools."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects
from edgeproof.verify.accuracy.average_precision import Metrics, metrics_of

_FIRST_KNOWN, _FIRST_UNKNOWN = (1, 3), (2,)
"""Releases of hotcoco that the tests have compared with pycocotools."""


@dataclass(frozen=True)
class Evaluator:
    name: str
    """With its version, where it is another's."""
    metrics: Callable[[LabelledObjects, FoundObjects, int], Metrics]


OWN = Evaluator("edgeproof", metrics_of)


def best_evaluator() -> Evaluator:
    """hotcoco (https://github.com/derekallman/hotcoco), if it is installed in a release that is known here."""
    try:
        version = metadata.version("hotcoco")
        release = tuple(int(part) for part in version.split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        return OWN
    if not _FIRST_KNOWN <= release < _FIRST_UNKNOWN:
        return OWN
    return Evaluator(f"hotcoco {version}", _by_hotcoco)


def _by_hotcoco(truth: LabelledObjects, found: FoundObjects, classes: int) -> Metrics:
    if not len(found):
        return metrics_of(truth, found, classes)  # hotcoco, like pycocotools, takes no empty list of results
    import hotcoco

    pictures = int(max(truth.pictures.max(initial=0), found.pictures.max())) + 1
    labelled = hotcoco.COCO(
        {
            "images": [{"id": number} for number in range(1, pictures + 1)],
            "categories": [{"id": number, "name": str(number)} for number in range(1, classes + 1)],
            "annotations": [
                {
                    "id": place,
                    "image_id": int(row[0]) + 1,
                    "category_id": int(row[1]) + 1,
                    "bbox": row[2:6],
                    "area": row[6],
                    "iscrowd": int(row[7]),
                }
                for place, row in enumerate(truth.rows().tolist(), start=1)
            ],
        }
    )
    results = labelled.load_res(
        np.column_stack([found.pictures + 1, found.boxes, found.scores, found.classes + 1]).astype(np.float64)
    )
    evaluation = hotcoco.COCOeval(labelled, results, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    told: Any = evaluation.eval
    precision, recall = (np.where(values < 0, np.nan, values) for values in (told["precision"], told["recall"]))
    # [T, R, K, A, M] and [T, K, A, M], where M are numbers of detections.
    return Metrics(precision[..., -1].transpose(3, 2, 0, 1), recall.transpose(2, 3, 1, 0))
