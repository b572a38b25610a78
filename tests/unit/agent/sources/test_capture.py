"""A camera brings pictures, also where its first pixel format is one that OpenCV hands on as bytes."""

from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from edgeproof_agent.sources.capture import CaptureError, is_live, open_capture

PICTURE, FLAT = np.zeros((480, 640, 3), np.uint8), np.zeros((1, 921_600), np.uint8)


class Camera:
    """Brings pictures in one pixel format, and flat bytes in all others."""

    opened: ClassVar[list["Camera"]] = []

    def __init__(self, source: Any) -> None:
        self.source = source
        self.formats: list[str] = []
        self.released = False
        Camera.opened.append(self)

    def isOpened(self) -> bool:  # noqa: N802
        return bool(self.source != 9)

    def set(self, setting: int, value: float) -> bool:
        assert setting == cv2.CAP_PROP_FOURCC
        self.formats.append(int(value).to_bytes(4, "little").decode())
        return True

    def read(self) -> tuple[bool, np.ndarray | None]:
        if self.source == 3:
            return False, None
        good = {0: [""], 1: ["YUYV"], 2: ["MJPG"]}.get(self.source, [])
        return True, PICTURE if [*[""], *self.formats][-1] in good else FLAT

    def release(self) -> None:
        self.released = True


@pytest.fixture(autouse=True)
def _camera(monkeypatch: pytest.MonkeyPatch) -> None:
    Camera.opened = []
    monkeypatch.setattr(cv2, "VideoCapture", Camera)


@pytest.mark.parametrize(("number", "tried"), [("0", []), ("1", ["YUYV"]), ("2", ["YUYV", "RGB3", "MJPG"])])
def test_pixel_formats_are_tried_until_pictures_come(number: str, tried: list[str]) -> None:
    camera: Any = open_capture(number)
    assert camera.formats == tried
    assert not camera.released


@pytest.mark.parametrize("number", ["3", "4"])
def test_a_camera_that_brings_no_picture_is_let_go(number: str) -> None:
    with pytest.raises(CaptureError, match=f"camera {number} has none of the pixel formats YUYV, RGB3, MJPG"):
        open_capture(number)
    assert Camera.opened[0].released


def test_a_camera_that_is_not_there_is_told() -> None:
    with pytest.raises(CaptureError, match="cannot open 9 as a video or a camera"):
        open_capture("9")


def test_a_video_is_opened_as_it_is_and_not_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/pi")
    for source, opened in {"~/a.mp4": "/home/pi/a.mp4", "http://camera/stream": "http://camera/stream"}.items():
        camera: Any = open_capture(source)
        assert (camera.source, camera.formats) == (opened, [])


@pytest.mark.parametrize(
    ("source", "frames", "live"),
    [
        ("0", -1, True),
        ("street.mp4", 100, False),
        ("street.mjpg", -1, False),
        ("RTSP://camera/1", -1, True),
        ("http://camera/stream", 0, True),
        ("https://host/street.mp4", 100, False),
    ],
)
def test_live_is_what_has_a_pace_of_its_own(source: str, frames: float, live: bool) -> None:
    class Opened:
        def get(self, setting: int) -> float:
            return frames if setting == cv2.CAP_PROP_FRAME_COUNT else 7

    capture: Any = Opened()
    assert is_live(source, capture) is live
