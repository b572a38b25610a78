"""Labelled and found boxes of a data set as arrays, for evaluation: in pixels of the decoded pictures."""

from collections.abc import Mapping, Sequence

import numpy as np

from edgeproof.datasets.class_mapping import ClassMapping
from edgeproof.datasets.labelled import LabelledDataSet
from edgeproof.record.accuracy.samples import FoundObjects, LabelledObjects
from edgeproof.record.detections import PictureResult

_DECIMALS = 3
_SCORE_DECIMALS = 6
Results = Mapping[str, PictureResult]
"""Of one side, by the name of the picture."""


def labelled_objects(
    data_set: LabelledDataSet, mapping: ClassMapping, sides: Sequence[Results]
) -> tuple[LabelledObjects, int]:
    """The objects of the classes that are evaluated, and how many pictures are of another size than labelled.

    Boxes in shares of a picture become pixels of it as it was decoded; one that no side could decode counts as labelled
    at one pixel, since only the number of its objects matters: nobody finds any.
    """
    places = {category: place for place, category in enumerate(mapping.labels)}
    rows: list[list[float]] = []
    resized = 0
    for number, picture in enumerate(data_set.pictures):
        size = _decoded_size(picture.name, sides)
        resized += size is not None and picture.size is not None and size != picture.size
        width, height = (size or (1, 1)) if data_set.relative else (1, 1)
        for one in picture.objects:
            if one.category not in places:
                continue
            x, y, across, down = one.box
            box = [x * width, y * height, across * width, down * height]
            area = box[2] * box[3] if one.area is None else one.area
            rows.append([number, places[one.category], *box, area, one.crowd])
    return LabelledObjects.from_rows(np.array(rows, np.float64).reshape(-1, 8)), resized


def found_objects(data_set: LabelledDataSet, mapping: ClassMapping, results: Results) -> FoundObjects:
    """Detections of the classes that are evaluated: clipped to the picture, thousandths of a pixel and millionths of a
    score kept, as detections.json has them."""
    places = {category: place for place, category in enumerate(mapping.labels)}
    of_index = {index: places[category] for index, category in mapping.categories.items()}
    parts = [np.zeros((0, 7))]
    for number, picture in enumerate(data_set.pictures):
        result = results.get(picture.name)
        if result is None or result.detections is None or not len(result.detections):
            continue
        found = result.detections
        classes = np.array([of_index.get(int(index), -1) for index in found.classes])
        sides = np.array([result.height, result.width] * 2)
        edges = np.clip(found.boxes.astype(np.float64), 0.0, 1.0) * sides
        top, left, bottom, right = np.round(edges, _DECIMALS).T
        size = np.round(np.maximum([right - left, bottom - top], 0.0), _DECIMALS)
        scores = np.round(found.scores.astype(np.float64), _SCORE_DECIMALS)
        whole = np.column_stack([np.full(len(classes), number), classes, left, top, *size, scores])
        parts.append(whole[(classes >= 0) & np.isfinite(whole).all(axis=1)])
    return FoundObjects.from_rows(np.concatenate(parts))


def _decoded_size(name: str, sides: Sequence[Results]) -> tuple[int, int] | None:
    for side in sides:
        result = side.get(name)
        if result is not None and result.width and result.height:
            return result.width, result.height
    return None
