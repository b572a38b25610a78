"""Video4Linux devices as the kernel tells them: what a node can do, its pixel formats, sizes and rates.

Source of the numbers and layouts: linux/videodev2.h. All fields used here are 32 bits wide, so the layouts are the same
on 32- and 64-bit boards.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from edgeproof_agent.machine.camera_formats import MOST, FrameSize, PixelFormat

Ioctl = Callable[[int, int, bytearray], int]

_CAPTURE, _CAPTURE_MPLANE = 1, 9  # V4L2_BUF_TYPE_VIDEO_CAPTURE and ..._MPLANE
_MEMORY_MMAP = 1
_CAN_CAPTURE, _CAN_CAPTURE_MPLANE = 0x0000_0001, 0x0000_1000
_CAN_MEMORY_TO_MEMORY = 0x0000_8000 | 0x0000_4000  # codecs: they take pictures in before they give any
_CAN_STREAM_OR_READ = 0x0400_0000 | 0x0100_0000
_HAS_DEVICE_CAPABILITIES = 0x8000_0000
_DISCRETE = 1

_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_FORMAT = struct.Struct("=III32sI16x")
_FRAME_SIZE = struct.Struct("=III24x8x")
_FRAME_INTERVAL = struct.Struct("=IIIII24x8x")
_BUFFERS = struct.Struct("=IIII4x")


def _request(direction: int, number: int, layout: struct.Struct) -> int:
    """_IOR, _IOW and _IOWR of asm-generic/ioctl.h for the type 'V'."""
    return direction << 30 | layout.size << 16 | ord("V") << 8 | number


QUERY_CAPABILITY = _request(2, 0, _CAPABILITY)
ENUMERATE_FORMAT = _request(3, 2, _FORMAT)
REQUEST_BUFFERS = _request(3, 8, _BUFFERS)
ENUMERATE_FRAME_SIZE = _request(3, 74, _FRAME_SIZE)
ENUMERATE_FRAME_INTERVAL = _request(3, 75, _FRAME_INTERVAL)


@dataclass(frozen=True)
class CaptureDevice:
    """A node that brings pictures."""

    name: str
    driver: str
    formats: tuple[PixelFormat, ...]


def brings_pictures(capabilities: int) -> bool:
    """Whether a node with these capabilities (device_caps) is one to capture from: no codec, metadata or radio."""
    return bool(
        capabilities & _CAN_STREAM_OR_READ
        and capabilities & (_CAN_CAPTURE | _CAN_CAPTURE_MPLANE)
        and not capabilities & _CAN_MEMORY_TO_MEMORY
    )


class DeviceNode:
    """An open node. Use it as a context. Raises what opening raises; whoever opens it has to expect anything."""

    def __init__(self, path: Path, ioctl: Ioctl = fcntl.ioctl) -> None:
        self._ioctl = ioctl
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> "DeviceNode":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def capture_device(self) -> Optional[CaptureDevice]:
        """None for a node that brings no pictures: a codec, an image processor, metadata, a radio."""
        told = self._capability()
        if told is None:
            return None
        driver, card, can = told
        if not brings_pictures(can):
            return None
        kind = _CAPTURE if can & _CAN_CAPTURE else _CAPTURE_MPLANE
        return CaptureDevice(_text(card), _text(driver), tuple(self._formats(kind)))

    def capabilities(self) -> Optional[int]:
        """What this node does (device_caps), less than what its whole device does; None when it is not told."""
        told = self._capability()
        return None if told is None else told[2]

    def _capability(self) -> Optional[tuple[bytes, bytes, int]]:
        """Driver, card and what the node does."""
        answer = self._ask(QUERY_CAPABILITY, bytearray(_CAPABILITY.size))
        if answer is None:
            return None
        driver, card, _, _, of_device, of_node = _CAPABILITY.unpack(answer)
        return driver, card, of_node if of_device & _HAS_DEVICE_CAPABILITIES else of_device

    def is_busy(self) -> bool:
        """Whether another process streams from it: asking for no buffers changes nothing and is refused then."""
        try:
            self._ioctl(self._fd, REQUEST_BUFFERS, bytearray(_BUFFERS.pack(0, _CAPTURE, _MEMORY_MMAP, 0)))
        except OSError as error:
            return error.errno == errno.EBUSY
        return False

    def _formats(self, kind: int) -> Iterator[PixelFormat]:
        for index in range(MOST):
            answer = self._ask(ENUMERATE_FORMAT, bytearray(_FORMAT.pack(index, kind, 0, b"", 0)))
            if answer is None:
                return
            code = _FORMAT.unpack(answer)[4]
            yield PixelFormat(_text(struct.pack("<I", code)), tuple(self._sizes(code)))

    def _sizes(self, code: int) -> Iterator[FrameSize]:
        for index in range(MOST):
            answer = self._ask(ENUMERATE_FRAME_SIZE, bytearray(_FRAME_SIZE.pack(index, code, 0)))
            if answer is None:
                return
            (kind,) = struct.unpack_from("=I", answer, 8)
            if kind != _DISCRETE:  # least and largest width and their step, then height
                _, width, _, _, height, _ = struct.unpack_from("=6I", answer, 12)
                yield FrameSize(width, height, tuple(self._rates(code, width, height)), any_up_to=True)
                return
            width, height = struct.unpack_from("=II", answer, 12)
            yield FrameSize(width, height, tuple(self._rates(code, width, height)))

    def _rates(self, code: int, width: int, height: int) -> Iterator[float]:
        for index in range(MOST):
            answer = self._ask(ENUMERATE_FRAME_INTERVAL, bytearray(_FRAME_INTERVAL.pack(index, code, width, height, 0)))
            if answer is None:
                return
            kind, numerator, denominator = struct.unpack_from("=III", answer, 16)
            if numerator:
                yield round(denominator / numerator, 3)
            if kind != _DISCRETE:  # the shortest interval comes first
                return

    def _ask(self, request: int, argument: bytearray) -> Optional[bytearray]:
        """The answer; None when the device has none (EINVAL ends a list, ENOTTY is a device of another kind)."""
        try:
            self._ioctl(self._fd, request, argument)
        except OSError:
            return None
        return argument


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", errors="replace").strip()
