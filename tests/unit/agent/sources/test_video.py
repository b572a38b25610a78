"""Videos and network cameras through the real OpenCV; V4L2 cameras through a stand-in for its VideoCapture."""

import time
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from edgeproof_agent.sources import video as module
from edgeproof_agent.sources.frame import CaptureError, FramePlace
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.sources.video import open_camera, open_file, open_url
from tests.support.mjpeg_server import MjpegCamera

PICTURE, FLAT = np.zeros((480, 640, 3), np.uint8), np.zeros((1, 921_600), np.uint8)
PLAIN = CaptureSettings()
FPS = 10


def corner(index: int) -> np.ndarray:
    """A picture whose top left quarter is white; its shade elsewhere is its number."""
    picture = np.full((48, 64, 3), index % 100, np.uint8)
    picture[:24, :32] = 255
    return picture


def write(path: Path, frames: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 48))
    for index in range(frames):
        writer.write(corner(index))
    writer.release()
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("video") / "corner.avi", 5)


def test_a_video_tells_what_it_is_and_where_each_frame_lies(path: Path) -> None:
    capture = open_file(str(path), PLAIN)
    facts = capture.facts
    assert (facts.live, facts.width, facts.height, facts.fps, facts.pixel_format) == (False, 64, 48, 10.0, "MJPG")
    place = FramePlace()
    places = []
    while capture.read(place):
        places.append(place.media_ns)
        assert place.capture_ns > 0
        assert place.decode_ns > 0
    assert places == [index * 100_000_000 for index in range(5)]


@pytest.mark.parametrize(
    ("settings", "white"),
    [
        (PLAIN, (0, 0)),
        (CaptureSettings(rotate=90), (0, 1)),
        (CaptureSettings(rotate=180), (1, 1)),
        (CaptureSettings(rotate=270), (1, 0)),
        (CaptureSettings(flip="horizontal"), (0, 1)),
        (CaptureSettings(flip="vertical"), (1, 0)),
        (CaptureSettings(rotate=90, flip="vertical"), (1, 1)),
    ],
    ids=str,
)
def test_a_picture_is_turned_and_mirrored(path: Path, settings: CaptureSettings, white: tuple[int, int]) -> None:
    capture = open_file(str(path), settings)
    place = FramePlace()
    memory = set()
    while capture.read(place):
        assert place.picture is not None
        height, width = place.picture.shape[:2]
        assert (height, width) == ((64, 48) if settings.rotate in (90, 270) else (48, 64))
        quarters = place.picture.reshape(2, height // 2, 2, width // 2, 3).mean(axis=(1, 3, 4))
        assert np.unravel_index(quarters.argmax(), (2, 2)) == white
        assert (quarters > 150).sum() == 1
        memory.add(place.picture.ctypes.data)
    assert len(memory) == 1


def test_a_video_that_was_cut_off_ends_where_it_ends(tmp_path: Path) -> None:
    data = write(tmp_path / "whole.avi", 100).read_bytes()
    (tmp_path / "half.avi").write_bytes(data[: len(data) // 2])
    capture = open_file(str(tmp_path / "half.avi"), PLAIN)
    frames = 0
    while capture.read(FramePlace()):
        frames += 1
    assert 10 < frames < 60


@pytest.mark.parametrize(("name", "words"), [("gone.mp4", "there is no"), ("text.mp4", "cannot open")])
def test_what_is_no_video_is_told(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(CaptureError, match=words):
        open_file(str(tmp_path / name), PLAIN)


def test_a_network_camera_is_live_and_has_no_password_in_an_error() -> None:
    with MjpegCamera(corner) as camera:
        capture = open_url(camera.url, PLAIN)
        assert capture.facts.live
        assert capture.facts.timestamps == "arrival"
        place = FramePlace()
        assert capture.read(place)
        assert place.picture is not None
        assert place.picture[:20, :28].mean() > 240
        capture.release()
        address = camera.url.replace("http://", "http://admin:s3cret@")
    with pytest.raises(CaptureError, match="nobody answers") as caught:
        open_url(address, PLAIN)
    assert "s3cret" not in str(caught.value)


class Camera:
    """Brings pictures in one pixel format, and flat bytes in all others; its driver's clock says when."""

    good: ClassVar[str] = ""
    stamp_ms: ClassVar[float] = 0.0
    opened: ClassVar[list["Camera"]] = []

    def __init__(self, source: Any, api: int) -> None:
        assert api == cv2.CAP_V4L2
        self.source = source
        self.asked: list[tuple[int, float]] = []
        self.formats = [""]
        self.released = False
        Camera.opened.append(self)

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def set(self, setting: int, value: float) -> bool:
        self.asked.append((setting, value))
        if setting == cv2.CAP_PROP_FOURCC:
            self.formats.append(int(value).to_bytes(4, "little").decode())
        return True

    def get(self, setting: int) -> float:
        return self.stamp_ms if setting == cv2.CAP_PROP_POS_MSEC else 0.0

    def read(self) -> tuple[bool, np.ndarray]:
        return True, PICTURE if self.formats[-1] == self.good else FLAT

    def grab(self) -> bool:
        return True

    def retrieve(self, image: Any = None) -> tuple[bool, np.ndarray]:
        return True, PICTURE

    def release(self) -> None:
        self.released = True


@pytest.fixture
def _camera(monkeypatch: pytest.MonkeyPatch) -> None:
    Camera.opened, Camera.good, Camera.stamp_ms = [], "", 0.0
    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    monkeypatch.setattr(module, "find_camera", lambda name, _: Path(f"/dev/video{name}"))
    monkeypatch.setattr(module, "check_camera", lambda *_: None)


@pytest.mark.usefixtures("_camera")
@pytest.mark.parametrize(
    ("good", "tried"), [("", [""]), ("YUYV", ["", "YUYV"]), ("MJPG", ["", "YUYV", "RGB3", "MJPG"])]
)
def test_pixel_formats_are_tried_until_pictures_come(good: str, tried: list[str]) -> None:
    Camera.good = good
    open_camera("0", PLAIN)
    assert Camera.opened[0].formats == tried
    assert not Camera.opened[0].released


@pytest.mark.usefixtures("_camera")
def test_a_camera_that_brings_no_picture_is_let_go() -> None:
    Camera.good = "none"
    with pytest.raises(CaptureError, match="camera 0 gives no picture in the pixel format YUYV, RGB3, MJPG"):
        open_camera("0", PLAIN)
    assert Camera.opened[0].released


@pytest.mark.usefixtures("_camera")
def test_format_size_and_rate_are_asked_for_in_that_order() -> None:
    Camera.good = "MJPG"
    open_camera("0", CaptureSettings(1280, 720, 15, "MJPG"))
    assert Camera.opened[0].asked == [
        (cv2.CAP_PROP_FOURCC, float(cv2.VideoWriter.fourcc(*"MJPG"))),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 15),
    ]


@pytest.mark.usefixtures("_camera")
@pytest.mark.parametrize(("old_ms", "believed"), [(40.0, True), (-5.0, False), (1e9, False)])
def test_the_drivers_time_stamp_is_the_moment_unless_it_is_by_another_clock(
    monkeypatch: pytest.MonkeyPatch, old_ms: float, believed: bool
) -> None:
    now_ns = 5_000_000_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns)
    Camera.stamp_ms = now_ns / 1e6 - old_ms
    capture = open_camera("0", PLAIN)
    place = FramePlace()
    assert capture.read(place)
    assert capture.facts.timestamps == "driver"
    assert now_ns - place.taken_at_ns == pytest.approx(old_ms * 1e6 if believed else 0, abs=1000)
