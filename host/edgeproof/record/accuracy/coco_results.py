"""Detections in COCO's results format (https://cocodataset.org/#format-results)."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.accuracy.samples import AccuracySamples
from edgeproof.record.boxes import pixel_box
from edgeproof.record.detections import PictureResult


def coco_results(
    pictures: Iterable[tuple[int, PictureResult]], category_id: Callable[[int], int]
) -> list[dict[str, Any]]:
    """One entry a detection, pictures in the order given and each picture's detections in the model's order.

    `pictures` come with their image ids: a data set's own, or numbers from 1. A picture that failed, or on which
    nothing was found, has no entries. `category_id` gives the data set's id of a class index; `bbox` is
    [x, y, width, height] in pixels of the decoded picture, clipped to it. `file_name` is ours, so that the file is of
    use without an annotations file. A detection whose box or score is not a finite number is left out: JSON cannot
    hold it.
    """
    entries: list[dict[str, Any]] = []
    for image_id, picture in pictures:
        found = picture.detections
        if found is None:
            continue
        for box, class_index, score in zip(found.boxes, found.classes, found.scores, strict=True):
            if not (np.isfinite(box).all() and np.isfinite(score)):
                continue
            entries.append(
                {
                    "image_id": image_id,
                    "category_id": category_id(int(class_index)),
                    "bbox": pixel_box(box, picture.width, picture.height).to_list(),
                    "score": round(float(score), 6),
                    "file_name": picture.name,
                }
            )
    return entries


def write_coco_results(
    path: Path, pictures: Iterable[tuple[int, PictureResult]], category_id: Callable[[int], int]
) -> None:
    """Writes `coco_results` as one JSON array, one detection a line, as a whole or not at all."""
    _write_lines(path, coco_results(pictures, category_id))


def write_found_objects(path: Path, samples: AccuracySamples) -> None:
    """What the board found, in COCO's results format with the data set's own ids."""
    found = samples.board
    rows = zip(
        found.pictures.tolist(), found.classes.tolist(), found.boxes.tolist(), found.scores.tolist(), strict=True
    )
    _write_lines(
        path,
        (
            {
                "image_id": samples.image_ids[picture],
                "category_id": samples.category_ids[number],
                "bbox": box,
                "score": score,
            }
            for picture, number, box, score in rows
        ),
    )


def write_labelled_objects(path: Path, samples: AccuracySamples, labels: Mapping[int, str]) -> None:
    """The labels that it was held against, as COCO's JSON: any program that reads it comes to the same figures."""
    truth = samples.truth
    columns = (truth.pictures, truth.classes, truth.boxes, truth.areas, truth.crowd)
    document = {
        "images": [{"id": number} for number in samples.image_ids],
        "categories": [{"id": number, "name": labels.get(number, str(number))} for number in samples.category_ids],
        "annotations": [
            {
                "id": place,
                "image_id": samples.image_ids[picture],
                "category_id": samples.category_ids[number],
                "bbox": box,
                "area": area,
                "iscrowd": int(crowd),
            }
            for place, (picture, number, box, area, crowd) in enumerate(
                zip(*(column.tolist() for column in columns), strict=True), start=1
            )
        ],
    }
    write_atomically(path, f"{json.dumps(document, ensure_ascii=False)}\n".encode())


def _write_lines(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """A JSON array, an entry a line, as a whole or not at all."""
    lines = ",\n".join(f"  {json.dumps(entry, ensure_ascii=False)}" for entry in entries)
    write_atomically(path, (f"[\n{lines}\n]\n" if lines else "[]\n").encode())
