"""Data sets in COCO's JSON (https://cocodataset.org/#format-data)."""

import json
from pathlib import Path
from typing import Any

from edgeproof.datasets.labelled import LabelledDataSet, LabelledObject, LabelledPicture
from edgeproof.errors import DataSetError
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded, readable
from edgeproof.local_files.coco_dataset import coco_pictures
from edgeproof_agent.wire.fields import Fields

_MAX_BYTES = 1 << 30
_MOST_ITEMS = 10_000_000
_MOST_CATEGORIES = 100_000
_MAX_ID = 2**53
"""The largest whole number that a 64-bit float tells from its neighbours."""
_FARTHEST = 1e7
"""Pixels: no picture is as large."""


def read_coco(path: Path, images_root: Path | None = None) -> LabelledDataSet:
    """Raises `DataSetError` where labels are broken, `PictureFolderError` where pictures are missing."""
    ids = coco_pictures(path, images_root)
    with readable(path, DataSetError, "Give COCO's JSON with images, annotations and categories."):
        data = Fields(json.loads(read_bounded(path, _MAX_BYTES)))
        categories = _categories(data)
        named = {image.integer("id", high=_MAX_ID): image for image in data.objects("images", _MOST_ITEMS)}
        objects: dict[int, list[LabelledObject]] = {}
        for annotation in data.objects("annotations", _MOST_ITEMS):
            image_id = annotation.integer("image_id", high=_MAX_ID)
            if image_id not in named:
                raise UnreadableError(f"{annotation.path('image_id')} is {image_id}, which none of its images has")
            objects.setdefault(image_id, []).append(_object(annotation, categories))
        pictures = [
            LabelledPicture(
                file, named[number].text("file_name"), number, tuple(objects.get(number, ())), _size(named[number])
            )
            for file, number in ids.items()
        ]
    pictures.sort(key=lambda picture: picture.image_id)
    return LabelledDataSet(path.name, "COCO", categories, tuple(pictures))


def _categories(data: Fields) -> dict[int, str]:
    found: dict[int, str] = {}
    for category in data.objects("categories", _MOST_CATEGORIES):
        number = category.integer("id", high=_MAX_ID)
        if number in found:
            raise UnreadableError(f"two of its categories have the id {number}")
        found[number] = category.text("name", max_length=1000)
    return dict(sorted(found.items()))


def _object(annotation: Fields, categories: dict[int, str]) -> LabelledObject:
    category = annotation.integer("category_id", high=_MAX_ID)
    if category not in categories:
        raise UnreadableError(f"{annotation.path('category_id')} is {category}, which none of its categories has")
    x, y, width, height = annotation.numbers("bbox", 4)
    if min(width, height) < 0 or max(map(abs, (x, y, width, height))) > _FARTHEST:
        raise UnreadableError(f"{annotation.path('bbox')} is no box: {x:g}, {y:g}, {width:g} x {height:g}")
    area = annotation.number("area", low=0) if "area" in annotation else None
    return LabelledObject(category, (x, y, width, height), area, _is_crowd(annotation))


def _is_crowd(annotation: Fields) -> bool:
    """0 or 1 by COCO; some programs write true and false."""
    value: Any = annotation.value("iscrowd") if "iscrowd" in annotation else 0
    if value not in (0, 1):
        raise UnreadableError(f"{annotation.path('iscrowd')} must be 0 or 1")
    return bool(value)


def _size(image: Fields) -> tuple[int, int] | None:
    if "width" not in image or "height" not in image:
        return None
    return image.integer("width"), image.integer("height")
