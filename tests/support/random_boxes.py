"""Made-up data sets with detections on them: crowds, ties, empty pictures, objects of all sizes."""

from typing import Any

import numpy as np

from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects

SIDES = (12.0, 50.0, 160.0)
"""Of small, medium and large objects, in pixels, before they vary."""


def random_boxes(
    random: np.random.Generator,
    pictures: int = 6,
    classes: int = 3,
    *,
    objects: float = 3.0,
    crowds: float = 0.1,
    ties: bool = True,
    skill: float = 0.6,
) -> tuple[LabelledObjects, FoundObjects]:
    """`objects` a picture on average; `skill` is how often one is found, and how well."""
    labelled: list[list[float]] = []
    found: list[list[float]] = []
    for picture in range(pictures):
        rows: list[list[float]] = []
        for _ in range(int(random.poisson(objects)) if random.random() > 0.15 else 0):
            side = SIDES[int(random.integers(3))] * random.uniform(0.6, 1.6, 2)
            place = random.uniform(0, 300, 2)
            crowd = float(random.random() < crowds)
            area = side[0] * side[1] * random.uniform(0.5, 1.0)
            rows.append([picture, int(random.integers(classes)), *np.round([*place, *side, area], 1), crowd])
        labelled += rows
        for row in rows:
            for _ in range(int(random.poisson(1.3))):
                box = np.array(row[2:6])
                moved = box + random.normal(0, (1.05 - skill) * 0.35, 4) * np.array([box[2], box[3], box[2], box[3]])
                moved[2:] = np.maximum(moved[2:], 0)
                name = row[1] if random.random() < 0.85 else int(random.integers(classes))
                found.append([picture, name, *np.round(moved, 1), _score(random, ties)])
        for _ in range(int(random.poisson(1.0))):
            box = np.round([*random.uniform(0, 300, 2), *random.uniform(5, 150, 2)], 1)
            found.append([picture, int(random.integers(classes)), *box, _score(random, ties)])
    return (
        LabelledObjects.from_rows(np.array(labelled, np.float64).reshape(-1, 8)),
        FoundObjects.from_rows(np.array(found, np.float64).reshape(-1, 7)),
    )


def _score(random: np.random.Generator, ties: bool) -> float:
    return float(random.integers(1, 9)) / 10 if ties else float(random.random())


def coco_documents(
    truth: LabelledObjects, found: FoundObjects, pictures: int, classes: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same as COCO's annotations and results, ids one above the places."""
    annotations = [
        {
            "id": place,
            "image_id": int(row[0]) + 1,
            "category_id": int(row[1]) + 1,
            "bbox": row[2:6],
            "area": row[6],
            "iscrowd": int(row[7]),
        }
        for place, row in enumerate(truth.rows().tolist(), start=1)
    ]
    labels = {
        "images": [{"id": number + 1} for number in range(pictures)],
        "categories": [{"id": number + 1, "name": str(number)} for number in range(classes)],
        "annotations": annotations,
    }
    results = [
        {"image_id": int(row[0]) + 1, "category_id": int(row[1]) + 1, "bbox": row[2:6], "score": row[6]}
        for row in found.rows().tolist()
    ]
    return labels, results
