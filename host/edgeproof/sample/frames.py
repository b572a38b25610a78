"""Single frames of a video as PNG pictures."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from edgeproof.errors import SampleError
from edgeproof_agent.pictures.opencv import cv2


def evenly_spaced_frames(
    video: bytes, count: int, on_frame: Callable[[int], None] | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yields `count` frames over the whole length of an MP4 video: index of the frame, and PNG.

    `on_frame` is told how many were yielded. Raises SampleError when the video has fewer frames or cannot be decoded.
    """
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as folder:
        path = Path(folder) / "video.mp4"
        path.write_bytes(video)
        capture = cv2.VideoCapture(str(path))
        try:
            total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            if total < count:
                raise SampleError(f"The sample's video has {total} frames that this OpenCV can read, expected {count}.")
            wanted = {position * total // count for position in range(count)}
            done = 0
            for index in range(total):
                if not capture.grab():
                    break
                if index not in wanted:
                    continue
                read, frame = capture.retrieve()
                if not read:
                    break
                yield index, cv2.imencode(".png", frame)[1].tobytes()
                done += 1
                if on_frame is not None:
                    on_frame(done)
            if done < count:
                raise SampleError(f"The sample's video broke off after {done} of {count} frames. Is OpenCV complete?")
        finally:
            capture.release()
