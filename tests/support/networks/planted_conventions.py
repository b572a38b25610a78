"""A detector that finds a bright patch exactly, in a convention of choice: what a witness has to find out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIDE, GRID = 64, 8


def anchors() -> np.ndarray:
    """float32 [64, 4] as centre y, centre x, height, width."""
    centres = (np.arange(GRID) + 0.5) / GRID
    y, x = np.meshgrid(centres, centres, indexing="ij")
    sides = np.tile(np.array([0.3, 0.2], np.float32), (GRID * GRID, 1))
    return np.concatenate([np.stack([y.ravel(), x.ravel()], axis=1), sides], axis=1).astype(np.float32)


_PATCHES = [(8, 4, 40, 24), (20, 20, 44, 52), (4, 16, 60, 40), (12, 30, 50, 58), (24, 6, 58, 30), (6, 8, 30, 48)]
"""As top, left, bottom, right in pixels."""


def draw(folder: Path, colour: tuple[int, int, int] = (255, 255, 255), count: int = 3) -> Path:
    """Pictures with one patch each, in B, G, R."""
    folder.mkdir()
    for index in range(count):
        top, left, bottom, right = _PATCHES[index % len(_PATCHES)]
        picture = np.zeros((SIDE, SIDE, 3), np.uint8)
        picture[top:bottom, left:right] = colour
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


def label(pictures: Path, file: Path, names: Sequence[str]) -> Path:
    """COCO's JSON for what `draw` drew: each patch is of the first class."""
    files = sorted(pictures.iterdir())
    boxes = [_PATCHES[int(path.stem) % len(_PATCHES)] for path in files]
    data = {
        "images": [
            {"id": place, "file_name": path.name, "width": SIDE, "height": SIDE} for place, path in enumerate(files)
        ],
        "categories": [{"id": place, "name": name} for place, name in enumerate(names, start=1)],
        "annotations": [
            {
                "id": place,
                "image_id": place,
                "category_id": 1,
                "bbox": [left, top, right - left, bottom - top],
                "area": (right - left) * (bottom - top),
                "iscrowd": 0,
            }
            for place, (top, left, bottom, right) in enumerate(boxes)
        ],
    }
    file.write_text(json.dumps(data))
    return file


def save(
    folder: Path, x_first: bool = False, channel: int | None = None, background: str = "first", joined: str = ""
) -> Path:
    """A SavedModel that takes pixels in -1..1. `channel` is the only one that it sees.

    `background` is first, last or none.

    `joined`: one output, "scores first" with boxes, anchors and variances behind them, or "boxes first" with scores,
    anchors as corners and variances behind them: the two layouts of ssd_keras.
    """
    import tensorflow as tf

    given = anchors()
    centre_y, centre_x, height, width = (given[:, column] for column in range(4))

    weights = np.full((1, 1, 3, 1), 1 / 3, np.float32)
    if channel is not None:
        weights[0, 0, :, 0] = np.eye(3)[channel]

    class Detector(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([1, SIDE, SIDE, 3], tf.float32, "image")])
        def serve(self, image: Any) -> Any:
            seen = tf.nn.conv2d(image, tf.constant(weights), strides=1, padding="SAME")[..., 0]
            bright = tf.cast(seen > 0, tf.float32)[0]
            rows, columns = tf.reduce_max(bright, axis=1), tf.reduce_max(bright, axis=0)
            places = tf.range(SIDE, dtype=tf.float32)
            top, left = (tf.reduce_min(tf.where(item > 0, places, 99.0)) / SIDE for item in (rows, columns))
            bottom, right = (
                tf.reduce_max(tf.where(item > 0, places + 1, top_or_left * SIDE + 1)) / SIDE
                for item, top_or_left in ((rows, top), (columns, left))
            )
            encodings = [
                ((top + bottom) / 2 - centre_y) / height * 10,
                ((left + right) / 2 - centre_x) / width * 10,
                tf.math.log(tf.maximum(bottom - top, 0.01) / height) * 5,
                tf.math.log(tf.maximum(right - left, 0.01) / width) * 5,
            ]
            if x_first:
                encodings = [encodings[index] for index in (1, 0, 3, 2)]
            inside = (centre_y > top) & (centre_y < bottom) & (centre_x > left) & (centre_x < right)
            patch = tf.where(inside, 4.0, -4.0)
            columns_of = [-patch, patch, tf.zeros_like(patch) - 6.0]
            if background == "last":
                columns_of = [*columns_of[1:], columns_of[0]]
            boxes, scores = tf.stack(encodings, axis=1)[None], tf.nn.softmax(tf.stack(columns_of, axis=1))[None]
            if background == "none":
                scores = tf.sigmoid(tf.stack(columns_of[1:], axis=1))[None]
            if joined:
                own = given[:, [1, 0, 3, 2]] if x_first else given
                variances = np.tile(np.array([0.1, 0.1, 0.2, 0.2], np.float32), (len(given), 1))
                heads = [scores, boxes]
                if joined == "boxes first":
                    heads = [boxes, scores]
                    own = np.concatenate([own[:, :2] - own[:, 2:] / 2, own[:, :2] + own[:, 2:] / 2], axis=1)
                return {"all": tf.concat([*heads, own[None], variances[None]], axis=2)}
            return {"boxes": boxes, "scores": scores}

    detector = Detector()
    tf.saved_model.save(detector, str(folder), signatures={"serving_default": detector.serve})
    return folder


def write_anchors(path: Path, x_first: bool = False) -> Path:
    values = anchors()
    np.save(path, values[:, [1, 0, 3, 2]] if x_first else values)
    return path
