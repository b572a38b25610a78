"""Run by the system's Python, which has picamera2: frames of a libcamera camera on standard output.

    python3 picamera_program.py NUMBER WIDTH HEIGHT FPS     (0 leaves a value to the camera)

A frame is its header, `PREFIX`, and its pixels, uint8 [height, width, 3] in BGR. Errors are lines on standard error.
"""

import os
import struct
import sys
import time
from importlib import import_module
from typing import Any

PREFIX = struct.Struct("<4sIIq")
"""Magic, width, height in pixels, and when the sensor took it, in ns on the monotonic clock (0: not told)."""
MAGIC = b"EPF1"
NO_PICAMERA, NO_CAMERA = 3, 4
"""Exit statuses."""


def main(arguments: list[str]) -> int:
    output = os.dup(1)
    os.dup2(2, 1)  # what libcamera prints
    try:
        Picamera2: Any = import_module("picamera2").Picamera2  # noqa: N806  # there is one in the system's Python alone
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return NO_PICAMERA
    cameras = Picamera2.global_camera_info()
    number, width, height, fps = int(arguments[0]), int(arguments[1]), int(arguments[2]), float(arguments[3])
    if number >= len(cameras):
        sys.stderr.write(f"there are {len(cameras)} cameras\n")
        return NO_CAMERA
    camera = Picamera2(number)
    main_stream: dict[str, Any] = {"format": "RGB888"}  # B, G, R in memory
    if width and height:
        main_stream["size"] = (width, height)
    options: dict[str, Any] = {"controls": {"FrameRate": fps}} if fps else {}
    # With a queue a request is answered with a frame that lay ready: an old one.
    camera.configure(camera.create_video_configuration(main=main_stream, queue=False, **options))
    camera.start()
    while True:
        request = camera.capture_request()
        try:
            pixels = request.make_array("main")
            taken_ns = int(request.get_metadata().get("SensorTimestamp", 0))
        finally:
            request.release()
        if taken_ns:  # by a clock that counts sleep, too
            taken_ns += time.monotonic_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        _write(output, PREFIX.pack(MAGIC, pixels.shape[1], pixels.shape[0], taken_ns))
        _write(output, pixels.tobytes())


def _write(output: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(output, rest) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
