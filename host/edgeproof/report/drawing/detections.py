"""Draws detections on a picture: boxes and labels with scores, legible at any picture size."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.record.pictures import Detection
from edgeproof.report.drawing.colours import BLACK, class_colour, text_colour
from edgeproof.report.drawing.label_layout import Place, place_label
from edgeproof_agent.pictures.opencv import cv2

Image = npt.NDArray[np.uint8]
"""[H, W, 3], BGR."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_HERSHEY_HEIGHT = 21.0  # pixels of a capital letter at font scale 1
_SMALLEST_TEXT = 8.0  # pixels of a capital letter; smaller ones cannot be read in this font


@dataclass(frozen=True)
class _Pen:
    line: int
    """Width of a box's line in pixels."""
    scale: float
    """OpenCV's font scale."""
    weight: int
    """Width of a letter's strokes in pixels."""
    padding: int

    @classmethod
    def fitting(cls, width: int, height: int) -> "_Pen":
        """Sizes by the geometric mean of the sides, so that a panorama is not written on in a banner's letters."""
        side = (width * height) ** 0.5
        capital = max(_SMALLEST_TEXT, side * 0.026)
        return cls(max(1, round(side / 200)), capital / _HERSHEY_HEIGHT, max(1, round(capital / 9)), round(capital / 3))

    def text_size(self, text: str) -> tuple[int, int]:
        """(width, height) of a label's background in pixels."""
        (width, height), below = cv2.getTextSize(text, _FONT, self.scale, self.weight)
        return width + 2 * self.padding, height + below // 2 + 2 * self.padding


def annotate(image: npt.NDArray[np.uint8], detections: Sequence[Detection]) -> Image:
    """Returns a copy of a picture, uint8 [H, W] grey or [H, W, 3] BGR, with its detections drawn.

    Large boxes are drawn first, so that small ones in them stay whole; labels come after all boxes, the best score last
    and therefore on top. OpenCV's fonts hold ASCII alone: letters lose their accents, others become `?`.
    """
    canvas: Image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else np.ascontiguousarray(image).copy()
    height, width = canvas.shape[:2]
    pen = _Pen.fitting(width, height)
    for detection in sorted(detections, key=lambda item: -item.box.width * item.box.height):
        _draw_box(canvas, _place(detection, width, height, pen), detection, pen)
    by_score = sorted(detections, key=lambda item: -item.score)
    labels: list[tuple[Detection, str, Place]] = []
    for detection in by_score:
        text = _shortened(_caption(detection), width, pen)
        place = place_label(
            _place(detection, width, height, pen),
            pen.text_size(text),
            (width, height),
            [place for _, _, place in labels],
            pen.line,
        )
        labels.append((detection, text, place))
    for detection, text, place in reversed(labels):
        _draw_label(canvas, place, text, detection, pen)
    return canvas


def encode_jpeg(image: Image, quality: int = 90) -> bytes:
    """Encodes uint8 [H, W, 3], BGR."""
    encoded: npt.NDArray[np.uint8] = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return encoded.tobytes()


def write_annotated(path: Path, image: npt.NDArray[np.uint8], detections: Sequence[Detection]) -> None:
    """Writes a picture with its detections drawn as JPEG, as a whole or not at all."""
    write_atomically(path, encode_jpeg(annotate(image, detections)))


def _place(detection: Detection, width: int, height: int, pen: _Pen) -> Place:
    """The box's corners, moved in where the picture's border would cut off half of the line."""
    box, margin = detection.box, pen.line // 2

    def inside(edge: float, size: int) -> int:
        return max(min(round(edge), size - 1 - margin), min(margin, size - 1))

    return Place(
        inside(box.x, width),
        inside(box.y, height),
        inside(box.x + box.width, width),
        inside(box.y + box.height, height),
    )


def _draw_box(canvas: Image, place: Place, detection: Detection, pen: _Pen) -> None:
    """A coloured line with a dark edge, which stands out from a bright and from a dark picture alike."""
    corners = (place.left, place.top), (place.right, place.bottom)
    cv2.rectangle(canvas, *corners, BLACK, pen.line + 2 * max(1, pen.line // 3))
    cv2.rectangle(canvas, *corners, class_colour(detection.class_index), pen.line)


def _draw_label(canvas: Image, place: Place, text: str, detection: Detection, pen: _Pen) -> None:
    background = class_colour(detection.class_index)
    cv2.rectangle(canvas, (place.left, place.top), (place.right - 1, place.bottom - 1), background, cv2.FILLED)
    cv2.rectangle(canvas, (place.left, place.top), (place.right - 1, place.bottom - 1), BLACK, 1)
    below = cv2.getTextSize(text, _FONT, pen.scale, pen.weight)[1]
    origin = (place.left + pen.padding, place.bottom - pen.padding - below // 2)
    cv2.putText(canvas, text, origin, _FONT, pen.scale, text_colour(background), pen.weight, cv2.LINE_AA)


def _caption(detection: Detection) -> str:
    plain = unicodedata.normalize("NFKD", detection.label)
    letters = "".join(letter if " " <= letter <= "~" else "?" for letter in plain if not unicodedata.combining(letter))
    return f"{letters} {detection.score:.2f}"


def _shortened(caption: str, width: int, pen: _Pen) -> str:
    """Takes letters from the label's end until the caption fits the picture; the score stays."""
    label, _, score = caption.rpartition(" ")
    while label and pen.text_size(caption)[0] > width:
        label = label[:-1]
        caption = f"{label}. {score}" if label else score
    return caption
