"""On an ARM board, real detectors find in real photos what they find on this machine."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgeproof.board.agent.streaming import StreamOptions
from edgeproof.board.cameras import read_cameras
from edgeproof.board.deploy import open_session, send_bundle
from edgeproof.board.open_board import open_board
from edgeproof.bundle import Bundle
from edgeproof.record.detections import Detections, PictureResult, StreamFrame
from edgeproof.sample.pedestrian import Sample
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.store.objects import Kind
from tests.support.boards.emulated import APP, VARIANTS, Command, ReadyBoard

CERTAIN = 0.5
MIN_IOU, MAX_SCORE_DELTA = 0.9, 0.05


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two boxes as ymin, xmin, ymax, xmax."""
    sides = np.maximum(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0)
    inner = np.prod(sides)
    return float(inner / (np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]) - inner))


def matched(here: PictureResult, there: PictureResult) -> int:
    """How many certain detections a picture has, each of which has its partner on the other side."""
    assert here.detections is not None
    assert there.detections is not None
    assert here.name == there.name
    for one, other in ((here.detections, there.detections), (there.detections, here.detections)):
        for box, label, score in rows(one.above(CERTAIN)):
            assert any(
                label == partner and abs(score - its_score) <= MAX_SCORE_DELTA and iou(box, its_box) >= MIN_IOU
                for its_box, partner, its_score in rows(other)
            ), f"{here.name}: class {label} with score {score:.3f} at {box} has no partner"
    return len(here.detections.above(CERTAIN))


def rows(detections: Detections) -> list[tuple[np.ndarray, int, float]]:
    return list(zip(detections.boxes, detections.classes, detections.scores, strict=True))


def test_photos_give_the_detections_of_this_machine_and_the_camera_works(
    board: ReadyBoard, bundles: dict[str, Bundle], sample: Sample, reference: dict[str, list[PictureResult]]
) -> None:
    """float32 takes seconds a picture under emulation, so it gets one photo. So does a userland of 32 bits."""
    counts = {"float32": 1, "int8": 3 if board.virtual.suite.architecture == "arm64" else 1}
    frames: list[StreamFrame] = []

    def on_frame(frame: StreamFrame) -> bool:
        frames.append(frame)
        return True

    found = {}
    with open_board(board.virtual.profile) as opened:
        digests = {variant: send_bundle(opened.store, bundles[variant]).digest for variant in VARIANTS}
        with open_session(opened) as session:
            assert session.runtime.name == board.runtime.name
            for variant, count in counts.items():
                session.load(opened.store.path(Kind.BUNDLE, digests[variant]), check_health=variant == "int8")
                results = list(session.detect((photo.name, photo.read_bytes()) for photo in sample.photos[:count]))
                found[variant] = [
                    matched(here, there) for here, there in zip(reference[variant], results, strict=False)
                ]
            turned = StreamOptions(CaptureSettings(640, 480, pixel_format="YUYV", rotate=90), jpeg_every=1)
            ended = session.stream("camera:0", 2, on_frame, turned)
        cameras = read_cameras(opened.store)
    people = [1, 1, 0]  # on the first three photos, the third of which shows a cat
    assert found == {variant: people[:count] for variant, count in counts.items()}
    assert [(frame.result.width, frame.result.height) for frame in frames] == [(480, 640)] * 2
    assert all(frame.jpeg is not None and len(frame.jpeg) > 5_000 for frame in frames), "colour bars, not one flat row"
    assert ended.source is not None
    assert (ended.source.live, ended.source.timestamps, ended.source.pixel_format) == (True, "driver", "YUYV")
    for frame in frames:
        assert frame.age_ns is not None
        assert frame.age_ns > frame.result.stages_ns["invoke"], "by the driver's own time stamp"
    (camera,) = cameras.cameras
    assert camera.driver == "vivid"
    assert "YUYV" in [one.format for one in camera.formats]
    sizes = [(size.width, size.height) for one in camera.formats for size in one.sizes if one.format == "YUYV"]
    assert (640, 480) in sizes


@pytest.mark.parametrize("virtual", ["trixie"], indirect=True)
def test_the_command_line_says_that_the_board_is_emulated(
    board: ReadyBoard, edgeproof: Command, tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    assert "pedestrian on virtual serves" in edgeproof("push", "virtual", tiny_bundles["int8"], "--app", APP)
    out = tmp_path / "out"
    printed = edgeproof("bench", "virtual", "--app", APP, "--runs", 1, "--warmup", 0, "--out", out)
    assert "Emulated: its latency says nothing about real hardware." in " ".join(printed.split())
    assert "latency says nothing about real hardware" in (out / "report.html").read_text()
    (run,) = json.loads((out / "report.json").read_text())["runs"]
    assert run["board"]["emulated"] is True
    assert run["latency"]["runs"] == 1
