"""A camera is what says that it captures pictures, and not from memory."""

import pytest

from edgeproof.board.doctor.cameras import cameras
from edgeproof.board.doctor.examination import CameraNode

STREAMING = 0x4000000  # every real node that captures says so, too
CAPTURE, CAPTURE_MPLANE = STREAMING | 0x1, STREAMING | 0x1000
OUTPUT, M2M_MPLANE, M2M, META = (STREAMING | bit for bit in (0x2, 0x4000, 0x8000, 0x800000))


def node(name: str, capabilities: int | None = None, number: int = 0, bus: str = "", by_id: str = "") -> CameraNode:
    return CameraNode(f"video{number}", name, True, "video", capabilities, bus, by_id)


@pytest.mark.parametrize(
    "capabilities",
    [OUTPUT, M2M, M2M_MPLANE, CAPTURE | M2M, CAPTURE_MPLANE | M2M_MPLANE, META, 0, CAPTURE & ~STREAMING],
)
def test_what_does_not_capture_is_no_camera_whatever_its_name(capabilities: int) -> None:
    assert cameras([node("HD Webcam", capabilities)]) == []


@pytest.mark.parametrize("capabilities", [CAPTURE, CAPTURE_MPLANE, CAPTURE | 0x5200000])
def test_what_captures_is_one(capabilities: int) -> None:
    assert [camera.name for camera in cameras([node("some driver", capabilities)])] == ["some driver"]


def test_a_usb_camera_s_second_node_is_metadata() -> None:
    both = [node("Webcam", CAPTURE, 0, "1-1:1.0", "usb-Webcam-index0"), node("Webcam", META, 1, "1-1:1.0")]
    (camera,) = cameras(both)
    assert (camera.nodes, camera.by_id) == (("video0",), "usb-Webcam-index0")


def test_two_cameras_of_one_kind_are_two() -> None:
    found = cameras([node("Webcam", CAPTURE, 0, "1-1:1.0"), node("Webcam", CAPTURE, 2, "1-2:1.0")])
    assert [camera.nodes for camera in found] == [("video0",), ("video2",)]


def test_a_picture_processor_that_says_it_captures_is_none() -> None:
    assert cameras([node("bcm2835-isp", CAPTURE), node("rkcif_scale_ch0", CAPTURE_MPLANE)]) == []


def test_a_receiver_is_a_camera_where_no_processor_reads_from_it() -> None:
    receiver, path = node("stream_cif_mipi_id0", CAPTURE_MPLANE), node("rkisp_mainpath", CAPTURE_MPLANE, 1)
    assert [camera.name for camera in cameras([receiver])] == ["stream_cif_mipi_id0"]
    assert [camera.name for camera in cameras([receiver, path])] == ["rkisp_mainpath"]
