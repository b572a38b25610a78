"""A labelled data set, whatever kind of files it came from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LabelledObject:
    category: int
    """Its id in the data set."""
    box: tuple[float, float, float, float]
    """x, y, width, height: in pixels, or in 0..1 of the picture where the data set is `relative`."""
    area: float | None = None
    """In square pixels; None: that of the box."""
    crowd: bool = False
    """Whether detections there are neither right nor wrong: crowds of COCO, difficult objects of VOC."""


@dataclass(frozen=True)
class LabelledPicture:
    path: Path
    name: str
    """Below the data set's folder of pictures; no two are alike."""
    image_id: int
    """The data set's own, or the picture's number in the order of the names, from 1."""
    objects: tuple[LabelledObject, ...]
    size: tuple[int, int] | None = None
    """Width and height in pixels, where the labels tell them."""


@dataclass(frozen=True)
class LabelledDataSet:
    name: str
    kind: str
    """`COCO`, `VOC` or `YOLO`."""
    categories: dict[int, str]
    """Id to name, ids rising."""
    pictures: tuple[LabelledPicture, ...]
    """By their ids, rising."""
    relative: bool = False
    notes: tuple[str, ...] = ()
    """What was assumed of its files."""

    @property
    def used(self) -> set[int]:
        """Ids of the categories that have objects which count."""
        return {one.category for picture in self.pictures for one in picture.objects if not one.crowd}

    @property
    def digest(self) -> str:
        """SHA-256 of the labels, and of the names and sizes of the pictures' files as they are now.

        Raises OSError for one that is gone."""
        whole = hashlib.sha256()
        for picture in self.pictures:
            objects = [[one.category, *one.box, one.area, one.crowd] for one in picture.objects]
            line = [picture.name, picture.image_id, picture.path.stat().st_size, objects]
            whole.update(json.dumps(line).encode("utf-8", "surrogateescape"))
        whole.update(json.dumps(sorted(self.categories.items())).encode())
        return whole.hexdigest()


def numbered(
    pictures: Sequence[tuple[Path, str, tuple[LabelledObject, ...], tuple[int, int] | None]],
) -> tuple[LabelledPicture, ...]:
    """Of (path, name, objects, size), in the order of the names, with ids from 1."""
    ordered = sorted(pictures, key=lambda picture: picture[1])
    return tuple(
        LabelledPicture(path, name, number, objects, size)
        for number, (path, name, objects, size) in enumerate(ordered, start=1)
    )
