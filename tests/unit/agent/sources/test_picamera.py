"""picamera2 in a process of the system's Python: a stand-in for the package, with its documented calls, is asked there.

No machine of the tests has a Raspberry Pi camera.
"""

import sys
import time
from pathlib import Path

import pytest

from edgeproof_agent.machine.libcamera import list_libcamera
from edgeproof_agent.sources.frame import CaptureError, FramePlace
from edgeproof_agent.sources.picamera import open_picamera
from edgeproof_agent.sources.settings import CaptureSettings

FAKE = """
import sys, time
import numpy as np
print("[0:00:01] INFO Camera camera_manager.cpp:326 libcamera v0.5")
class Request:
    def __init__(self, camera): self.camera = camera
    def make_array(self, name):
        assert name == "main"
        width, height = self.camera.size
        picture = np.zeros((height, width, 3), np.uint8)
        picture[:, :] = (255, self.camera.number, 0)
        return picture
    def get_metadata(self): return {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 20_000_000}
    def release(self): self.camera.given += 1
class Picamera2:
    given = 0
    def __init__(self, number): self.number = number
    @staticmethod
    def global_camera_info(): return [{"Model": "imx708", "Location": 2, "Id": "/base/soc/i2c@1", "Num": 0}]
    def create_video_configuration(self, main, queue, **options):
        assert main["format"] == "RGB888" and queue is False, (main, queue)
        assert options in ({}, {"controls": {"FrameRate": 15.0}}), options
        return main
    def configure(self, main): self.size = main.get("size", (32, 24))
    def start(self): print("started")
    def capture_request(self):
        assert self.given < 4, "one is not given back"
        if self.given == 3: sys.exit("the sensor is gone")
        return Request(self)
"""


@pytest.fixture
def _picamera2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picamera2.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("_picamera2")
def test_frames_come_with_the_sensors_time_and_end_with_the_program() -> None:
    camera = open_picamera(0, CaptureSettings(64, 48, 15.0, rotate=90), sys.executable)
    assert (camera.facts.live, camera.facts.timestamps, camera.facts.fps) == (True, "libcamera", 15.0)
    place = FramePlace()
    frames = 0
    while camera.read(place):
        frames += 1
        assert place.picture is not None
        assert place.picture.shape == (64, 48, 3)
        assert place.picture[0, 0].tolist() == [255, 0, 0], "blue comes first"
        assert 20_000_000 <= time.monotonic_ns() - place.taken_at_ns < 30_000_000_000
    camera.release()
    assert frames == 3


@pytest.mark.usefixtures("_picamera2")
def test_a_camera_that_is_not_there_is_told() -> None:
    with pytest.raises(CaptureError, match="picamera:3 cannot be opened: there are 1 cameras"):
        open_picamera(3, CaptureSettings(), sys.executable)


@pytest.mark.usefixtures("_picamera2")
def test_libcameras_list_is_told() -> None:
    assert list_libcamera(sys.executable) == {"cameras": [{"number": 0, "model": "imx708", "id": "/base/soc/i2c@1"}]}


def test_a_system_without_picamera2_is_told_with_the_package() -> None:
    with pytest.raises(CaptureError, match="sudo apt install -y python3-picamera2"):
        open_picamera(0, CaptureSettings(), sys.executable)
    assert "no picamera2" in list_libcamera(sys.executable)["trouble"]
    with pytest.raises(CaptureError, match="cannot run /nowhere/python3"):
        open_picamera(0, CaptureSettings(), "/nowhere/python3")
