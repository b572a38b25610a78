"""`edgeproof board cameras`: what a board has said, bounded and printable, on 80 columns."""

import io
from contextlib import nullcontext
from typing import Any

import pytest

from edgeproof.board.cameras import read_cameras
from edgeproof.cli.board.cameras import _print
from edgeproof.cli.display.terminal import Terminal
from edgeproof_agent.wire.fields import FieldError, Fields

SIZES = [{"width": 1920, "height": 1080, "fps": [30.0, 15.0], "any_up_to": False}]
WEBCAM: dict[str, Any] = {
    "node": "/dev/video0",
    "name": "HD Pro\x1b[31m Webcam",
    "driver": "uvcvideo",
    "names": ["usb-046d_C920-video-index0", "platform-usb-1"],
    "formats": [{"format": "MJPG", "sizes": SIZES}],
}
ISP: dict[str, Any] = {
    "node": "/dev/video11",
    "name": "rkisp1",
    "driver": "rkisp1",
    "names": [],
    "formats": [{"format": "NV12", "sizes": [{"width": 4416, "height": 3312, "fps": [], "any_up_to": True}]}],
}
TOLD: dict[str, Any] = {
    "cameras": [WEBCAM, ISP],
    "unreadable": [{"node": "/dev/video2", "group": "video"}],
    "libcamera": {"cameras": [{"number": 0, "model": "imx708", "id": "/base/soc/i2c@1"}]},
}


class Store:
    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told

    def cameras(self) -> Fields:
        return Fields(self.told)

    def reading(self) -> Any:
        return nullcontext()


def printed(told: dict[str, Any]) -> str:
    store: Any = Store(told)
    output = io.StringIO()
    _print(read_cameras(store), "pi", Terminal(file=output, width=80, no_color=True))
    return output.getvalue()


def test_each_camera_is_listed_as_source_takes_it() -> None:
    assert printed(TOLD).splitlines() == [
        "camera:usb-046d_C920-video-index0",
        "  HD Pro[31m Webcam (uvcvideo), /dev/video0",
        "    MJPG: 1920x1080 (30/15 fps)",
        "camera:11",
        "  rkisp1 (rkisp1), /dev/video11",
        "    NV12: up to 4416x3312",
        "picamera:0",
        "  imx708, /base/soc/i2c@1",
        "/dev/video2 may not be opened by this user: sudo usermod -aG video USER there, then log in anew",
    ]


def test_a_board_without_cameras_says_so_and_why_libcameras_are_not_told() -> None:
    told = {"cameras": [], "unreadable": [], "libcamera": {"cameras": [], "trouble": "no picamera2"}}
    assert printed(told).splitlines() == [
        "pi has no camera that can be read",
        "libcamera: not available, no picamera2",
    ]


@pytest.mark.parametrize("change", [{"cameras": [WEBCAM] * 65}, {"unreadable": [{"node": "a" * 600, "group": ""}]}])
def test_what_is_too_much_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        printed({**TOLD, **change})
