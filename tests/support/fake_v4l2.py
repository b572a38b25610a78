"""V4L2 devices as the kernel answers for them, by linux/videodev2.h: an `ioctl` that fills in its structures.

The layouts are written here a second time, with ctypes, so that a mistake in the product's own shows.
"""

import ctypes
import errno
from dataclasses import dataclass, field

U32 = ctypes.c_uint32


class Capability(ctypes.Structure):
    _fields_ = [
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", U32),
        ("capabilities", U32),
        ("device_caps", U32),
        ("reserved", U32 * 3),
    ]


class FormatDescription(ctypes.Structure):
    _fields_ = [
        ("index", U32),
        ("type", U32),
        ("flags", U32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", U32),
        ("mbus_code", U32),
        ("reserved", U32 * 3),
    ]


class Stepwise(ctypes.Structure):
    _fields_ = [
        (name, U32) for name in ("min_width", "max_width", "step_width", "min_height", "max_height", "step_height")
    ]


class Discrete(ctypes.Structure):
    _fields_ = [("width", U32), ("height", U32)]


class SizeUnion(ctypes.Union):
    _fields_ = [("discrete", Discrete), ("stepwise", Stepwise)]


class FrameSizeEnumeration(ctypes.Structure):
    _fields_ = [("index", U32), ("pixel_format", U32), ("type", U32), ("size", SizeUnion), ("reserved", U32 * 2)]


class Fraction(ctypes.Structure):
    _fields_ = [("numerator", U32), ("denominator", U32)]


class IntervalUnion(ctypes.Union):
    _fields_ = [("discrete", Fraction), ("stepwise", Fraction * 3)]


class FrameIntervalEnumeration(ctypes.Structure):
    _fields_ = [
        ("index", U32),
        ("pixel_format", U32),
        ("width", U32),
        ("height", U32),
        ("type", U32),
        ("interval", IntervalUnion),
        ("reserved", U32 * 2),
    ]


class BuffersRequest(ctypes.Structure):
    _fields_ = [
        ("count", U32),
        ("type", U32),
        ("memory", U32),
        ("capabilities", U32),
        ("flags", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8 * 3),
    ]


def _number(direction: int, number: int, kind: type) -> int:
    return direction << 30 | ctypes.sizeof(kind) << 16 | 0x56 << 8 | number


# As in the header: VIDIOC_QUERYCAP is _IOR('V', 0, ...), the others _IOWR.
QUERYCAP = _number(2, 0, Capability)
ENUM_FMT = _number(3, 2, FormatDescription)
REQBUFS = _number(3, 8, BuffersRequest)
ENUM_FRAMESIZES = _number(3, 74, FrameSizeEnumeration)
ENUM_FRAMEINTERVALS = _number(3, 75, FrameIntervalEnumeration)
DEVICE_CAPS = 0x8000_0000


def fourcc(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


@dataclass
class FakeDevice:
    """A node. `sizes`: format to (width, height, frames a second)."""

    card: str = "HD Pro Webcam C920"
    driver: str = "uvcvideo"
    device_caps: int = 0x0420_0001  # capture, streaming, extended formats
    sizes: dict[str, list[tuple[int, int, list[int]]]] = field(default_factory=dict)
    stepwise: bool = False
    busy: bool = False
    is_video: bool = True

    def ioctl(self, fd: int, request: int, argument: bytearray) -> int:
        if not self.is_video:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        formats = list(self.sizes)
        if request == QUERYCAP:
            capability = Capability.from_buffer(argument)
            capability.driver, capability.card = self.driver.encode(), self.card.encode()
            capability.capabilities = DEVICE_CAPS | 0x0530_0001  # of the whole device: every node of it says so
            capability.device_caps = self.device_caps
        elif request == REQBUFS:
            assert BuffersRequest.from_buffer(argument).count == 0
            if self.busy:
                raise OSError(errno.EBUSY, "Device or resource busy")
        elif request == ENUM_FMT:
            description = FormatDescription.from_buffer(argument)
            self._require(description.type == (1 if self.device_caps & 1 else 9))
            self._require(description.index < len(formats))
            description.pixelformat = fourcc(formats[description.index])
        elif request == ENUM_FRAMESIZES:
            size = FrameSizeEnumeration.from_buffer(argument)
            listed = self._listed(size.pixel_format)
            self._require(size.index < (1 if self.stepwise else len(listed)))
            width, height, _ = listed[size.index]
            if self.stepwise:
                size.type = 3
                size.size.stepwise = Stepwise(16, width, 2, 8, height, 4)
            else:
                size.type, size.size.discrete = 1, Discrete(width, height)
        elif request == ENUM_FRAMEINTERVALS:
            interval = FrameIntervalEnumeration.from_buffer(argument)
            rates = next(
                r for w, h, r in self._listed(interval.pixel_format) if (w, h) == (interval.width, interval.height)
            )
            self._require(interval.index < len(rates))
            interval.type, interval.interval.discrete = 1, Fraction(1, rates[interval.index])
        else:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        return 0

    def _listed(self, code: int) -> list[tuple[int, int, list[int]]]:
        return self.sizes[code.to_bytes(4, "little").decode()]

    def _require(self, true: bool) -> None:
        if not true:
            raise OSError(errno.EINVAL, "Invalid argument")
