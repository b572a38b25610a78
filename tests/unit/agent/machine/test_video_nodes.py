"""Video nodes say of themselves what they can do; one that does not answer says nothing."""

import errno
import struct
from pathlib import Path
from typing import Any

import pytest

from edgeproof_agent.machine.v4l2 import DeviceNode
from edgeproof_agent.machine.video_nodes import video_nodes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    device = tmp_path / "sys/devices/usb/1-1:1.0"
    device.mkdir(parents=True)
    (tmp_path / "dev/v4l/by-id").mkdir(parents=True)
    for number in (0, 1):
        entry = tmp_path / f"sys/class/video4linux/video{number}"
        entry.mkdir(parents=True)
        (entry / "name").write_text("Webcam\n")
        (entry / "device").symlink_to(device)
        (tmp_path / f"dev/video{number}").touch()
    (tmp_path / "dev/v4l/by-id/usb-Webcam-index0").symlink_to("../../video0")
    return tmp_path


def answering(monkeypatch: pytest.MonkeyPatch, all_nodes: int, this_node: int) -> None:
    def ioctl(_: int, request: int, data: bytearray) -> int:
        assert (request, len(data)) == (0x80685600, 104), "_IOR('V', 0, struct v4l2_capability)"
        data[:] = struct.pack("=16s32s32sIII12x", b"uvcvideo", b"Webcam", b"usb", 0x60100, all_nodes, this_node)
        return 0

    monkeypatch.setattr(DeviceNode.__init__, "__defaults__", (ioctl,))


def test_a_node_tells_what_it_does_itself(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 0x84A00001, 0x04200001)
    first, second = video_nodes(root)
    assert first["capabilities"] == 0x04200001
    assert (first["bus"], first["by_id"]) == ("1-1:1.0", "usb-Webcam-index0")
    assert (second["bus"], second["by_id"]) == ("1-1:1.0", "")


def test_an_old_driver_tells_it_of_the_whole_device(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 0x05000001, 0)
    assert video_nodes(root)[0]["capabilities"] == 0x05000001


@pytest.mark.parametrize("error", [OSError(errno.ENOTTY, "no"), OSError(errno.EBUSY, "busy"), ValueError("odd")])
def test_a_node_that_does_not_answer_is_listed_all_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def ioctl(*_: Any) -> bytes:
        raise error

    monkeypatch.setattr(DeviceNode.__init__, "__defaults__", (ioctl,))
    found = video_nodes(root)
    assert [node["name"] for node in found] == ["Webcam", "Webcam"]
    assert all("capabilities" not in node for node in found)
