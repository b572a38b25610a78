"""Cameras by what the kernel says of a node: capture devices alone, by number and name, busy and forbidden ones told.

No machine of the tests has a V4L2 device: a fake one answers as linux/videodev2.h has it. The emulated ARM board has a
real driver (vivid), on which tests/arm looks.
"""

import json
import os
from pathlib import Path

import pytest

from edgeproof_agent.machine import cameras as module
from edgeproof_agent.machine import v4l2
from edgeproof_agent.machine.cameras import CameraError, check_camera, find_camera, list_cameras, stable_names
from tests.support.fake_v4l2 import FakeDevice

WEBCAM = FakeDevice(sizes={"MJPG": [(1920, 1080, [30, 15]), (640, 480, [30])], "YUYV": [(640, 480, [30, 10])]})
DEVICES = {
    "video0": WEBCAM,
    "video1": FakeDevice(card="HD Pro Webcam C920", device_caps=0x04A0_0000),  # its metadata
    "video2": FakeDevice(card="bcm2835-codec-decode", driver="bcm2835-codec", device_caps=0x0420_4000),
    "video5": FakeDevice(card="an older codec", device_caps=0x0420_8001),
    "video3": FakeDevice(
        card="rkisp1_mainpath",
        driver="rkisp1",
        device_caps=0x0400_1000,
        sizes={"NV12": [(4416, 3312, [])]},
        stepwise=True,
    ),
    "video4": FakeDevice(card="bcm2835-isp", device_caps=0x0420_0002),  # takes pictures in
    "video10": FakeDevice(is_video=False),
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /dev with these nodes; which node an ioctl is for is told by what is open."""
    by_id = tmp_path / "dev/v4l/by-id"
    by_id.mkdir(parents=True)
    for name in DEVICES:
        (tmp_path / "dev" / name).touch()
    (by_id / "usb-046d_C920_ABC-video-index0").symlink_to("../../video0")
    (by_id / "usb-046d_C920_ABC-video-index1").symlink_to("../../video1")

    def ioctl(fd: int, request: int, argument: bytearray) -> int:
        return DEVICES[Path(os.readlink(f"/proc/self/fd/{fd}")).name].ioctl(fd, request, argument)

    monkeypatch.setattr(module, "DeviceNode", lambda path: v4l2.DeviceNode(path, ioctl))
    return tmp_path


def test_what_brings_pictures_is_listed_with_formats_sizes_and_rates(root: Path) -> None:
    found = json.loads(json.dumps(list_cameras(root)))  # as it travels
    assert [camera["node"].rpartition("/")[2] for camera in found["cameras"]] == ["video0", "video3"]
    webcam, isp = found["cameras"]
    assert webcam["names"] == ["usb-046d_C920_ABC-video-index0"]
    assert (webcam["name"], webcam["driver"]) == ("HD Pro Webcam C920", "uvcvideo")
    assert webcam["formats"][0] == {
        "format": "MJPG",
        "sizes": [
            {"width": 1920, "height": 1080, "fps": [30.0, 15.0], "any_up_to": False},
            {"width": 640, "height": 480, "fps": [30.0], "any_up_to": False},
        ],
    }
    assert [one["format"] for one in webcam["formats"]] == ["MJPG", "YUYV"]
    assert isp["formats"] == [
        {"format": "NV12", "sizes": [{"width": 4416, "height": 3312, "fps": [], "any_up_to": True}]}
    ]
    assert found["unreadable"] == []


@pytest.mark.parametrize("name", ["0", "usb-046d_C920_ABC-video-index0", "C920"])
def test_a_camera_is_found_by_number_by_name_and_by_a_part_that_one_capture_device_has(root: Path, name: str) -> None:
    assert find_camera(name, root) == root / "dev/video0"


@pytest.mark.parametrize(
    ("name", "words"), [("7", "there is no camera 7"), ("Logitech", "no camera is called Logitech")]
)
def test_a_camera_that_is_not_there_is_told_with_those_that_are(root: Path, name: str, words: str) -> None:
    with pytest.raises(CameraError, match=words) as caught:
        find_camera(name, root)
    assert "there are camera:0 (HD Pro Webcam C920), camera:3 (rkisp1_mainpath)" in str(caught.value)


def test_two_of_one_name_are_not_guessed_between(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEVICES, "video1", WEBCAM)
    with pytest.raises(CameraError, match="several cameras are called C920"):
        find_camera("C920", root)


def test_a_node_that_is_no_camera_and_one_that_is_busy_are_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_camera(root / "dev/video0", root) is not None
    with pytest.raises(CameraError, match="video2 brings no pictures"):
        check_camera(root / "dev/video2", root)
    monkeypatch.setattr(WEBCAM, "busy", True)
    process = root / "proc/4711/fd"
    process.mkdir(parents=True)
    (process.parent / "comm").write_text("motion\n")
    (process / "5").symlink_to(root / "dev/video0")
    with pytest.raises(CameraError, match=r"video0 is busy: motion \(process 4711\) has it open"):
        check_camera(root / "dev/video0", root)


def test_a_node_that_this_user_may_not_open_is_told_with_the_group_that_may(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path) -> v4l2.DeviceNode:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "DeviceNode", forbidden)
    found = list_cameras(root)
    assert found["cameras"] == []
    assert len(found["unreadable"]) == len(DEVICES)
    with pytest.raises(CameraError, match=r"may not read .*video0\. Once: sudo usermod -aG \w+ USER, then log in anew"):
        check_camera(root / "dev/video0", root)


def test_a_machine_without_cameras_has_none(tmp_path: Path) -> None:
    assert list_cameras(tmp_path) == {"cameras": [], "unreadable": []}
    assert stable_names(tmp_path / "dev/video0", tmp_path) == []
    with pytest.raises(CameraError, match="this board has no capture device"):
        find_camera("0", tmp_path)
