"""Planted faults: each is attributed to the step that it was planted in, by two real agents."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tflite

from edgeproof.board.agent.session import AgentSession
from edgeproof.bundle import open_bundle, write_bundle
from edgeproof.record.verdict.parity import ParityStage, PictureParity
from edgeproof.verify.parity import output_delta, outputs_needed, picture_parity
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, Manifest
from tests.support.boards.local_board import LocalBoard
from tests.support.contracts import heads_of
from tests.support.networks.tiny_ssd import draw_square

Change = Callable[[Manifest, bytearray], Manifest]


def bgr_for_rgb(manifest: Manifest, model: bytearray) -> Manifest:
    return replace(manifest, input=replace(manifest.input, colour_order=ColourOrder.BGR))


def another_resize(manifest: Manifest, model: bytearray) -> Manifest:
    other = Coordinates.ALIGN_CORNERS
    assert manifest.input.coordinates is not other
    return replace(manifest, input=replace(manifest.input, coordinates=other))


def a_changed_weight(manifest: Manifest, model: bytearray) -> Manifest:
    """The largest of the kernel that makes class scores, by a tenth."""
    read = tflite.Model.GetRootAs(bytes(model))
    graph = read.Subgraphs(0)
    tensors = [graph.Tensors(index) for index in range(graph.TensorsLength())]
    (kernel,) = [tensor for tensor in tensors if tensor.Name() == b"BoxPredictor_0/ClassPredictor"]
    data = read.Buffers(kernel.Buffer()).DataAsNumpy().tobytes()
    values = np.frombuffer(data, "<f4")
    largest = int(np.abs(values).argmax())
    place = bytes(model).index(data) + 4 * largest
    model[place : place + 4] = np.float32(values[largest] * 0.9).tobytes()
    return manifest


def a_higher_score_threshold(manifest: Manifest, model: bytearray) -> Manifest:
    return replace(manifest, output=replace(heads_of(manifest), score_threshold=0.9999))


def altered(path: Path, bundle: Path, change: Change) -> Path:
    """A whole bundle with a fault in it."""
    opened = open_bundle(bundle)
    model = bytearray(opened.model_path.read_bytes())
    manifest = change(opened.manifest, model)
    known = {"bundle.json", "model.tflite", "labels.txt"}
    others = {file.name: file.read_bytes() for file in bundle.iterdir() if file.name not in known}
    shutil.rmtree(path, ignore_errors=True)
    write_bundle(path, manifest, bytes(model), opened.labels(), others)
    return path


def held_against(host: AgentSession, board: AgentSession, picture: bytes, there: bytes | None = None) -> PictureParity:
    (one,) = host.detect([("a", picture)], digests=True)
    (other,) = board.detect([("a", there or picture)], digests=True)
    delta = output_delta(host.outputs(picture), board.outputs(picture)) if outputs_needed(one, other) else None
    return picture_parity(one, other, 0.5, delta)


def picture() -> bytes:
    noise = np.random.default_rng(1).integers(0, 90, (256, 256, 3), np.uint8)
    return bytes(cv2.imencode(".png", cv2.add(draw_square("red", 2, 5), cv2.GaussianBlur(noise, (5, 5), 0)))[1])


@pytest.mark.parametrize("variant", ["float32", "int8"])
def test_the_same_bundle_twice_is_the_same_in_every_step(board: LocalBoard, variant: str) -> None:
    with board.session() as host, board.session() as other:
        for session in (host, other):
            session.load(board.bundle_path(variant))
        found = held_against(host, other, picture())
    assert (found.parts_at, found.differing, found.output_delta) == (None, 0, None)


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        (bgr_for_rgb, ParityStage.INPUT),
        (another_resize, ParityStage.INPUT),
        (a_changed_weight, ParityStage.OUTPUTS),
        (a_higher_score_threshold, ParityStage.DETECTIONS),
    ],
)
def test_a_planted_fault_is_found_in_its_step(
    board: LocalBoard, tmp_path: Path, tiny_raw_bundles: dict[str, Path], change: Change, stage: ParityStage
) -> None:
    faulty = altered(tmp_path / "faulty", tiny_raw_bundles["float32"], change)
    with board.session() as host, board.session() as other:
        host.load(board.bundle_path("raw-float32"))
        other.load(str(faulty))
        assert held_against(host, other, picture()).parts_at is stage


def test_a_picture_that_decodes_to_other_pixels_parts_there(board: LocalBoard) -> None:
    """What another version of OpenCV does to a truncated JPEG, say."""
    image = cv2.imdecode(np.frombuffer(picture(), np.uint8), cv2.IMREAD_COLOR)
    image[0, 0] ^= 1
    with board.session() as host, board.session() as other:
        for session in (host, other):
            session.load(board.bundle_path("float32"))
        found = held_against(host, other, picture(), cv2.imencode(".png", image)[1].tobytes())
    assert found.parts_at is ParityStage.PIXELS
