"""What a library's own network predicted and its own decoder made of it, and edgeproof's reading of the same heads."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.ssd.conventions import AnchorUnits
from edgeproof.ssd.families import Family, with_family
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.source_options import SourceOptions
from edgeproof_agent.detection.preprocess import prepare
from tests.support.networks import replayed_heads
from tests.support.reading import read_source

TOLERANCE = 1e-5


@dataclass(frozen=True)
class LibraryRecord:
    """As tests/families/record_library.py describes it."""

    picture: np.ndarray
    input: np.ndarray
    boxes: np.ndarray
    logits: np.ndarray
    anchors: np.ndarray
    decoded: np.ndarray
    scores: np.ndarray

    @classmethod
    def read(cls, file: Path) -> "LibraryRecord":
        with np.load(file) as values:
            return cls(**{name: np.asarray(values[name]) for name in values.files})

    @property
    def normalised(self) -> np.ndarray:
        """The library's boxes in 0..1 of the picture."""
        height, width = self.picture.shape[:2]
        return np.asarray(self.decoded / np.array([height, width, height, width], np.float32))

    def source(self, folder: Path) -> Path:
        """A SavedModel that predicts this where it is given exactly the tensor that the library gave its network."""
        return replayed_heads.save(folder, self.input, boxes=self.boxes, logits=self.logits)

    def options(self, family: Family, anchors: Path) -> SourceOptions:
        """Of the family, with what its users must say: the anchors, here in pixels as the libraries have them."""
        np.save(anchors, self.anchors.astype(np.float32))
        said = SourceOptions(boxes="boxes", scores="logits", anchors=str(anchors), anchor_units=AnchorUnits.PIXELS)
        return with_family(said, family)


def require_read_alike(record: LibraryRecord, family: Family, folder: Path, **said: Any) -> SsdModel:
    """Reads the record's heads under the preset, and what is `said` beside it. Input, boxes and scores must be the
    library's own."""
    import tensorflow

    options = replace(record.options(family, folder / "anchors.npy"), **said)
    model = read_source(record.source(folder / "network"), options=options)
    prepared = prepare(np.ascontiguousarray(record.picture[:, :, ::-1]), model.input)
    np.testing.assert_allclose(prepared[0], record.input, atol=1e-4)
    encodings, scores = (item.numpy()[0] for item in model.heads.module.heads(tensorflow.constant(prepared)))
    np.testing.assert_allclose(decode(encodings, model), record.normalised, atol=TOLERANCE)
    np.testing.assert_allclose(scores[:, 1:], record.scores, atol=TOLERANCE)
    return model


def decode(encodings: np.ndarray, model: SsdModel) -> np.ndarray:
    """As TFLite's operator does it: DecodeCenterSizeBoxes in tensorflow/lite/kernels/detection_postprocess.cc."""
    scales = model.box_scales
    centres, sides = model.anchors[:, :2], model.anchors[:, 2:]
    middle = encodings[:, :2] / np.array([scales.y, scales.x]) * sides + centres
    half = np.exp(encodings[:, 2:] / np.array([scales.height, scales.width])) * sides / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def require_detected_alike(record: LibraryRecord, boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> None:
    """Each detection is an anchor's of the library, with its box, class and score, and no anchor is detected twice."""
    left: list[Any] = list(range(len(record.scores)))
    best, values = record.scores.argmax(axis=1), record.scores.max(axis=1)
    for box, index, score in zip(boxes, classes, scores, strict=True):
        away = np.abs(record.normalised[left] - box).max(axis=1) + np.abs(values[left] - score)
        nearest = left.pop(int(away.argmin()))
        assert away.min() < 2 * TOLERANCE
        assert best[nearest] == index


def frozen_records(file: Path) -> dict[str, LibraryRecord]:
    """What tests/families/freeze.py wrote, by the family: pictures are tiles of the few pixels that are kept."""
    found = {}
    for family, kept in json.loads(file.read_text()).items():
        height, width = kept["size"]
        patches = {name: np.array(kept[name]) for name in ("picture", "input")}
        rows = {name: np.array(kept[name], np.float32) for name in ("boxes", "logits", "anchors", "decoded", "scores")}
        picture, image = (
            np.tile(patch, (height // 2 + 1, width // 2 + 1, 1))[:height, :width] for patch in patches.values()
        )
        found[family] = LibraryRecord(picture.astype(np.uint8), image.astype(np.float32), **rows)
    return found
