"""Pictures with a square, and whether a result sees it."""

from pathlib import Path

import cv2
import numpy as np

from edgeproof.record.detections import PictureResult
from tests.support.networks.tiny_ssd import draw_square, square_box


def png(picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", picture)[1])


def jpeg(picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".jpg", picture)[1])


def assert_sees_square(result: PictureResult, class_index: int, row: int, column: int) -> None:
    assert result.error is None
    assert result.detections is not None
    found = result.detections.above(0.6)
    assert len(found) == 1
    assert found.classes[0] == class_index
    np.testing.assert_allclose(found.boxes[0], square_box(row, column), atol=0.03)


def write_video(path: Path, frames: int) -> None:
    """A square that walks along the first row of cells, a cell a frame. Uncompressed enough to keep its colours."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (256, 256))
    for index in range(frames):
        writer.write(draw_square("bright", 0, index % 8))
    writer.release()
