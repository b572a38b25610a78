"""Draws labelled pictures of shapes and writes them as a COCO data set: detection data without end and licence."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof_agent.pictures.opencv import cv2

CATEGORIES = ("circle", "square", "triangle", "star")
"""In the order of the class indices; the COCO category id is the index + 1."""
PICTURE_HEIGHT, PICTURE_WIDTH = 256, 320
ANNOTATIONS_FILE = "annotations.json"
PICTURES_FOLDER = "images"

_MAX_SHAPES = 5
_ATTEMPTS_PER_SHAPE = 12
_MIN_RADIUS, _MAX_RADIUS = 34.0, 78.0
_MIN_VISIBLE = 0.7
"""Of a shape's own pixels: one that is covered more would have no certain box."""
_MIN_CONTRAST = 70
"""Between a shape's colour and what it lies on, in the channel where they differ most."""
_JPEG_QUALITY = 95
_SUBPIXEL_BITS = 4

_Pixels = npt.NDArray[np.uint8]
_Where = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""The y and the x of P pixels, intp [P] each."""


@dataclass(frozen=True)
class ShapePicture:
    """A picture and what is on it, N shapes from the lowest to the topmost one."""

    pixels: _Pixels
    """uint8 [256, 320, 3] in BGR."""
    instances: _Pixels
    """uint8 [256, 320]: 0 where the background shows, n + 1 where the shape n does."""
    classes: npt.NDArray[np.int32]
    """int32 [N], indices into `CATEGORIES`."""
    boxes: npt.NDArray[np.int32]
    """int32 [N, 4] as x, y, width, height in pixels: the tightest box around what is to be seen of each shape."""


def draw_shapes(seed: int, index: int) -> ShapePicture:
    """Picture number `index` of the endless series `seed`, with 1 to 5 shapes that lie wholly inside it."""
    random = np.random.default_rng([seed, index])
    pixels = _background(random)
    _draw_lines(random, pixels)
    instances = np.zeros((PICTURE_HEIGHT, PICTURE_WIDTH), np.uint8)
    classes: list[int] = []
    areas, seen = np.zeros((2, _MAX_SHAPES), np.intp)
    for _ in range(int(random.integers(1, _MAX_SHAPES + 1))):
        for _ in range(_ATTEMPTS_PER_SHAPE):
            class_index = int(random.integers(len(CATEGORIES)))
            where = _shape_pixels(random, class_index)
            hidden = np.bincount(instances[where], minlength=len(classes) + 1)[1:]
            if np.all(seen[: len(classes)] - hidden >= _MIN_VISIBLE * areas[: len(classes)]):
                _paint(random, pixels, where)
                seen[: len(classes)] -= hidden
                seen[len(classes)] = areas[len(classes)] = len(where[0])
                classes.append(class_index)
                instances[where] = len(classes)
                break
    boxes = [cv2.boundingRect((instances == number).astype(np.uint8)) for number in range(1, len(classes) + 1)]
    return ShapePicture(
        _as_from_a_camera(random, pixels), instances, np.array(classes, np.int32), np.array(boxes, np.int32)
    )


def write_shapes(folder: Path, seed: int, count: int, on_done: Callable[[int], None] | None = None) -> None:
    """Writes the first `count` pictures of the series as `images/*.jpg` with `annotations.json` (COCO) beside them.

    The same seed gives the same bytes with the same numpy and OpenCV. `on_done` is told how many pictures are written.
    Raises OSError.
    """
    pictures = folder / PICTURES_FOLDER
    pictures.mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(count):
        picture = draw_shapes(seed, index)
        name = f"{PICTURES_FOLDER}/shapes-{seed}-{index:04d}.jpg"
        (folder / name).write_bytes(encode_picture(picture.pixels))
        images.append({"id": index + 1, "file_name": name, "width": PICTURE_WIDTH, "height": PICTURE_HEIGHT})
        annotations += _annotations(picture, index + 1, len(annotations) + 1)
        if on_done is not None:
            on_done(index + 1)
    data = {
        "info": {"description": f"Generated pictures of shapes, seed {seed}", "version": "1"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": number, "name": name, "supercategory": "shape"} for number, name in enumerate(CATEGORIES, start=1)
        ],
    }
    (folder / ANNOTATIONS_FILE).write_text(json.dumps(data, indent=1) + "\n", "utf-8")


def encode_picture(pixels: _Pixels) -> bytes:
    """JPEG of a picture, uint8 [H, W, 3] in BGR."""
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1])


def _annotations(picture: ShapePicture, image_id: int, first_id: int) -> list[dict[str, Any]]:
    """COCO annotations, https://cocodataset.org/#format-data. `area` counts the pixels that are to be seen."""
    return [
        {
            "id": first_id + number,
            "image_id": image_id,
            "category_id": int(class_index) + 1,
            "bbox": [int(value) for value in box],
            "area": int(np.count_nonzero(picture.instances == number + 1)),
            "iscrowd": 0,
        }
        for number, (class_index, box) in enumerate(zip(picture.classes, picture.boxes, strict=True))
    ]


def _shape_pixels(random: np.random.Generator, class_index: int) -> _Where:
    """Where a new shape would lie: of any size, turned by any angle, anywhere inside."""
    radius = float(np.exp(random.uniform(math.log(_MIN_RADIUS), math.log(_MAX_RADIUS))))
    outline = radius * _unit_outline(random, CATEGORIES[class_index])
    # Two pixels to the edge, so that rounding cannot cut the shape.
    low, high = 2.0 - outline.min(axis=0), (PICTURE_WIDTH - 3.0, PICTURE_HEIGHT - 3.0) - outline.max(axis=0)
    outline += random.uniform(low, high)
    mask = np.zeros((PICTURE_HEIGHT, PICTURE_WIDTH), np.uint8)
    points = np.rint(outline * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [points], 1, cv2.LINE_8, _SUBPIXEL_BITS)
    y, x = np.nonzero(mask)
    return y, x


def _unit_outline(random: np.random.Generator, category: str) -> npt.NDArray[np.float64]:
    """Corners of a turned shape of about the size of a unit circle, float64 [corners, 2] as x, y."""
    corners, radii = {
        "circle": (64, (0.9,)),
        "square": (4, (1.1,)),
        "triangle": (3, (1.15,)),
        "star": (10, (1.1, random.uniform(0.42, 0.52))),
    }[category]
    angles = random.uniform(0, 2 * math.pi) + np.arange(corners) * (2 * math.pi / corners)
    radius = np.resize(np.array(radii), corners)
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)


def _background(random: np.random.Generator) -> _Pixels:
    """Clouds of colour: coarse or fine, faint or strong noise around one colour, uint8 [256, 320, 3]."""
    base = random.uniform(20, 235, 3)
    strength = random.uniform(5, 45)
    cells = int(random.integers(2, 24))
    noise = random.normal(0, strength, (cells, cells + 1, 3)).astype(np.float32)
    clouds = cv2.resize(noise, (PICTURE_WIDTH, PICTURE_HEIGHT), interpolation=cv2.INTER_LINEAR)
    clouds += base.astype(np.float32)
    return np.asarray(np.clip(clouds, 0, 255), np.uint8)


def _draw_lines(random: np.random.Generator, pixels: _Pixels) -> None:
    """Distraction: lines across the background."""
    for _ in range(int(random.integers(0, 9))):
        ends = random.integers(0, (PICTURE_WIDTH, PICTURE_HEIGHT), (2, 2))
        colour = random.integers(0, 256, 3)
        cv2.line(pixels, ends[0].tolist(), ends[1].tolist(), colour.tolist(), int(random.integers(1, 7)), cv2.LINE_AA)


def _paint(random: np.random.Generator, pixels: _Pixels, where: _Where) -> None:
    """Fills a shape with a texture that stands out from what it lies on."""
    below = pixels[where].mean(axis=0)
    colour = random.uniform(0, 255, 3)
    while np.abs(colour - below).max() < _MIN_CONTRAST:
        colour = random.uniform(0, 255, 3)
    tint = random.uniform(8, 30) * random.uniform(0.3, 1, 3)
    pixels[where] = np.clip(colour + _pattern(random, where)[:, np.newaxis] * tint, 0, 255).astype(np.uint8)


def _pattern(random: np.random.Generator, where: _Where) -> npt.NDArray[np.float64]:
    """Plain, a gradient, stripes, checks or noise in -1..1, float64 [P]."""
    y, x = where
    angle, period = random.uniform(0, 2 * math.pi), random.uniform(6, 24)
    along = math.cos(angle) * x + math.sin(angle) * y
    across = math.cos(angle) * y - math.sin(angle) * x
    kind = int(random.integers(5))
    if kind == 0:
        return np.zeros(len(x))
    if kind == 1:
        return np.interp(along, (along.min(), along.max()), (-1, 1))
    if kind == 2:
        return _square_wave(along, period)
    if kind == 3:
        return _square_wave(along, period) * _square_wave(across, period)
    return random.uniform(-1, 1, len(x))


def _square_wave(positions: npt.NDArray[np.float64], period: float) -> npt.NDArray[np.float64]:
    return np.asarray(np.sign(np.sin(positions * (2 * math.pi / period))), np.float64)


def _as_from_a_camera(random: np.random.Generator, pixels: _Pixels) -> _Pixels:
    """Softens the edges a little and adds sensor noise."""
    sigma = random.uniform(0.4, 0.9)
    soft = cv2.GaussianBlur(pixels, (5, 5), sigma).astype(np.float32)
    soft += random.standard_normal(soft.shape, np.float32) * np.float32(random.uniform(0, 9))
    return np.asarray(np.clip(np.rint(soft), 0, 255), np.uint8)
