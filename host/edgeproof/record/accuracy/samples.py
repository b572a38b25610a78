"""All boxes that an accuracy follows from, labelled and found: 64-bit floats beside report.json, packed by zlib."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded
from edgeproof.local_files.digests import sha256_of_bytes
from edgeproof_agent.wire.fields import Fields

_Floats = npt.NDArray[np.float64]
_Places = npt.NDArray[np.int64]
_OBJECT_COLUMNS, _FOUND_COLUMNS = 8, 7
_MOST_ROWS = 20_000_000
_MOST_SIDES = 16
_MOST_BYTES = 2 << 30


@dataclass(frozen=True, eq=False)
class LabelledObjects:
    """G objects of a data set, ordered by picture."""

    pictures: _Places
    """[G] places in `AccuracySamples.image_ids`."""
    classes: _Places
    """[G] places in `AccuracySamples.category_ids`."""
    boxes: _Floats
    """[G, 4] as x, y, width, height in pixels of the decoded picture."""
    areas: _Floats
    """[G] in square pixels, as labelled: that of an outline is less than that of its box."""
    crowd: npt.NDArray[np.bool_]
    """[G] Whether detections there are neither right nor wrong: crowds of COCO, difficult objects of VOC."""

    def __len__(self) -> int:
        return len(self.pictures)

    def rows(self) -> _Floats:
        """[G, 8], as they are kept."""
        return np.column_stack([self.pictures, self.classes, self.boxes, self.areas, self.crowd]).astype(np.float64)

    @classmethod
    def from_rows(cls, rows: _Floats) -> "LabelledObjects":
        return cls(_places(rows[:, 0]), _places(rows[:, 1]), rows[:, 2:6], rows[:, 6], rows[:, 7] != 0)


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """N detections on the pictures of a data set, ordered by picture, in each as the model gave them."""

    pictures: _Places
    """[N] places in `AccuracySamples.image_ids`."""
    classes: _Places
    """[N] places in `AccuracySamples.category_ids`."""
    boxes: _Floats
    """[N, 4] as x, y, width, height in pixels of the decoded picture."""
    scores: _Floats
    """[N] in 0..1."""

    def __len__(self) -> int:
        return len(self.pictures)

    def rows(self) -> _Floats:
        """[N, 7], as they are kept."""
        return np.column_stack([self.pictures, self.classes, self.boxes, self.scores]).astype(np.float64)

    def differing_pictures(self, other: "FoundObjects") -> int:
        """On how many pictures anything that was found differs, be it in the last digit of a score."""
        mine, theirs = self._of_each_picture(), other._of_each_picture()
        return sum(mine.get(picture) != theirs.get(picture) for picture in mine.keys() | theirs.keys())

    def _of_each_picture(self) -> dict[int, bytes]:
        rows = self.rows()
        begins = np.flatnonzero(np.diff(self.pictures, prepend=-1))
        return {int(part[0, 0]): part.tobytes() for part in np.split(rows, begins[1:]) if len(part)}

    @classmethod
    def from_rows(cls, rows: _Floats) -> "FoundObjects":
        return cls(_places(rows[:, 0]), _places(rows[:, 1]), rows[:, 2:6], rows[:, 6])


@dataclass(frozen=True, eq=False)
class AccuracySamples:
    """What was there, and what the board and each reference found."""

    image_ids: tuple[int, ...]
    """Of the data set, rising."""
    category_ids: tuple[int, ...]
    """Of the data set, those that were evaluated, rising."""
    truth: LabelledObjects
    board: FoundObjects
    references: tuple[FoundObjects, ...] = ()
    """In the order of `Accuracy.against`."""

    @property
    def sides(self) -> tuple[FoundObjects, ...]:
        return (self.board, *self.references)


def write_accuracy_samples(path: Path, samples: AccuracySamples) -> dict[str, Any]:
    """Writes them; returns what the report says of the file, but for its name."""
    parts = [
        np.array(samples.image_ids, np.float64),
        np.array(samples.category_ids, np.float64),
        samples.truth.rows(),
        *(side.rows() for side in samples.sides),
    ]
    data = zlib.compress(np.concatenate([part.ravel() for part in parts]).astype("<f8").tobytes(), 6)
    write_atomically(path, data)
    return {
        "sha256": sha256_of_bytes(data),
        "images": len(samples.image_ids),
        "categories": len(samples.category_ids),
        "objects": len(samples.truth),
        "found": [len(side) for side in samples.sides],
    }


def read_accuracy_samples(path: Path, told: Fields) -> AccuracySamples:
    """Raises OSError, `FieldError`, and `UnreadableError` when they are not those that the report tells of."""
    images, categories, objects = (told.integer(name, high=_MOST_ROWS) for name in ("images", "categories", "objects"))
    found = told.integers("found", _MOST_SIDES, high=_MOST_ROWS)
    if not found:
        raise UnreadableError("it does not tell how many detections its samples hold")
    counts = [images, categories, objects * _OBJECT_COLUMNS, *(number * _FOUND_COLUMNS for number in found)]
    size = 8 * sum(counts)
    if size > _MOST_BYTES:
        raise UnreadableError(f"its samples are over {_MOST_BYTES >> 20} MiB long")
    packed = read_bounded(path, size + size // 500 + 1024)  # zlib adds less to what it cannot shorten
    unpacking = zlib.decompressobj()
    data = (
        unpacking.decompress(packed, size + 1) if sha256_of_bytes(packed) == told.text("sha256", max_length=64) else b""
    )
    if len(data) != size:
        raise UnreadableError("its samples are not those that the report names (SHA-256 differs)")
    parts = np.split(np.frombuffer(data, "<f8").astype(np.float64), np.cumsum(counts)[:-1])
    samples = AccuracySamples(
        tuple(map(int, parts[0])),
        tuple(map(int, parts[1])),
        LabelledObjects.from_rows(parts[2].reshape(-1, _OBJECT_COLUMNS)),
        FoundObjects.from_rows(parts[3].reshape(-1, _FOUND_COLUMNS)),
        tuple(FoundObjects.from_rows(part.reshape(-1, _FOUND_COLUMNS)) for part in parts[4:]),
    )
    _require_sound(samples)
    return samples


def _require_sound(samples: AccuracySamples) -> None:
    sides: list[LabelledObjects | FoundObjects] = [samples.truth, *samples.sides]
    for side in sides:
        for places, count in ((side.pictures, len(samples.image_ids)), (side.classes, len(samples.category_ids))):
            if len(places) and not (places.min() >= 0 and places.max() < count):
                raise UnreadableError("its samples speak of pictures or classes that are not among them")
        if not np.isfinite(side.boxes).all() or (len(side) and side.boxes[:, 2:].min() < 0):
            raise UnreadableError("its samples hold boxes that are none")
        if np.any(np.diff(side.pictures) < 0):
            raise UnreadableError("its samples are not in the order of the pictures")
    numbers = [samples.truth.areas, *(side.scores for side in samples.sides)]
    if not all(np.isfinite(values).all() for values in numbers):
        raise UnreadableError("its samples hold what is no number")


def _places(column: _Floats) -> _Places:
    return np.nan_to_num(column, nan=-1.0, posinf=-1.0, neginf=-1.0).astype(np.int64)


def joined(parts: Sequence[FoundObjects]) -> FoundObjects:
    """One after the other."""
    rows = [part.rows() for part in parts if len(part)]
    return FoundObjects.from_rows(np.concatenate(rows) if rows else np.zeros((0, _FOUND_COLUMNS)))
