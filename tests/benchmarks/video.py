"""The agent's stream on a video against the script that a user would write: read, cv2.resize, invoke, read outputs."""

import functools
import importlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.sample.pedestrian import fetch_pedestrian

FOLDER = Path("build/bench")
VARIANTS = (Variant.FLOAT32, Variant.INT8)
WIDTH, HEIGHT, FRAMES, ROUNDS = 1280, 720, 150, 7
CODECS = {"MJPG": "avi", "avc1": "mp4", "mp4v": "mp4"}
"""avc1 is H.264, which the OpenCV of the package index reads but seldom writes; MPEG-4 stands in for it."""


def main() -> None:
    sample = fetch_pedestrian(FOLDER / "sample")
    options = ExportOptions(name=sample.name, labels=sample.labels)
    for bundle in export(sample.model, FOLDER / "bundles", VARIANTS, sample.calibration, options):
        # A process of its own: TensorFlow and another TFLite runtime do not go together.
        job = json.dumps({"bundle": str(bundle.path), "photo": str(sample.photos[0])})
        subprocess.run([sys.executable, "-m", "tests.benchmarks.video", job], check=True)


def compare(bundle: Path, photo: Path) -> None:
    for codec, ending in CODECS.items():
        video = write_video(photo, codec, FOLDER / f"video_{codec}.{ending}")
        if video is None:
            Console(width=110).print(f"{bundle.name}, {codec}: this OpenCV does not write it")
            continue
        for threads in (1, 2):
            compare_video(bundle, video, codec, threads)


def compare_video(bundle: Path, video: Path, codec: str, threads: int) -> None:
    """Prints the frames a second of each, the median over rounds in turn."""
    alternatives = {
        "script": script(bundle, video, threads),
        "in turn": agent(bundle, video, threads, overlap=False),
        "edgeproof": agent(bundle, video, threads, overlap=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in alternatives}
    for round_number in range(ROUNDS + 1):
        for name, run in alternatives.items():
            started = time.perf_counter()
            run()
            if round_number:  # the first one warms up
                seconds[name].append(time.perf_counter() - started)
    Console(width=110).print(
        f"{bundle.name}, {codec} {WIDTH}x{HEIGHT}, {threads} threads:",
        ", ".join(
            f"{name} {FRAMES / statistics.median(times):.1f}/s "
            f"({statistics.median(a / b for a, b in zip(seconds['script'], times, strict=True)):.2f})"
            for name, times in seconds.items()
        ),
    )


def script(bundle: Path, video: Path, threads: int) -> Callable[[], None]:
    """What users write: pixels go straight into an int8 model, shifted by its zero point."""
    import cv2
    import numpy as np

    module = importlib.import_module("ai_edge_litert.interpreter")
    interpreter = module.Interpreter(str(bundle / "model.tflite"), num_threads=threads)
    interpreter.allocate_tensors()
    details, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()
    height, width = details["shape"][1:3]

    def run() -> None:
        capture = cv2.VideoCapture(str(video))
        count = 0
        while True:
            arrived, picture = capture.read()
            if not arrived:
                break
            tensor = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), (width, height))
            if details["dtype"] == np.float32:
                tensor = tensor.astype(np.float32) / np.float32(127.5) - np.float32(1)
            elif details["dtype"] == np.int8:
                tensor = (tensor ^ 0x80).view(np.int8)
            interpreter.set_tensor(details["index"], tensor[np.newaxis])
            interpreter.invoke()
            for output in outputs:
                interpreter.get_tensor(output["index"])
            count += 1
        capture.release()
        assert count == FRAMES

    return run


def agent(bundle: Path, video: Path, threads: int, overlap: bool) -> Callable[[], None]:
    """The agent's own loop, with events that go nowhere."""

    from edgeproof_agent.detection.detector import load_detector
    from edgeproof_agent.detection.interpreters import import_runtime
    from edgeproof_agent.pipeline.capturing import frames_of
    from edgeproof_agent.pipeline.stream import Pace, detect_frame, stream_frames
    from edgeproof_agent.sources.settings import CaptureSettings
    from edgeproof_agent.sources.video import open_file

    detector = load_detector(bundle, import_runtime("ai-edge-litert"), threads)

    class Nowhere:
        def send_event(self, *_: object) -> None:
            pass

        def receive_control(self) -> str:
            return "more"

    nowhere: Any = Nowhere()
    detect = functools.partial(detect_frame, detector)

    def run() -> None:
        capture = open_file(str(video), CaptureSettings())
        with frames_of(capture, detector.prepare, overlap) as frames:
            assert stream_frames(nowhere, detect, frames, False, Pace(FRAMES + 1, window=4)) == FRAMES

    return run


def write_video(photo: Path, codec: str, path: Path) -> Path | None:
    """The photo, moving sideways; None when this OpenCV has no such encoder."""
    import cv2
    import numpy as np

    picture = cv2.resize(cv2.imread(str(photo)), (WIDTH, HEIGHT))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 30, (WIDTH, HEIGHT))
    if not writer.isOpened():
        return None
    for index in range(FRAMES):
        writer.write(np.roll(picture, index * 4, axis=1))
    writer.release()
    return path


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    compare(Path(job["bundle"]), Path(job["photo"]))
