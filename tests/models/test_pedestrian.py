"""The real pedestrian SSD: the float32 model sees what the source graph sees, and every variant the same people."""

import os
import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest

from edgeproof.board.deploy import send_bundle
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.provision import provision
from edgeproof.board.store.client import open_store
from edgeproof.bundle import Bundle, open_bundle
from edgeproof.convert.variants import Variant
from edgeproof.record.run import Report
from edgeproof.report.text.comparison import comparison_lines
from edgeproof.runs.comparison import Contender, compare
from edgeproof.sample.pedestrian import Sample, fetch_pedestrian
from edgeproof_agent.detection.preprocess import prepare
from tests.support.contracts import detections_of
from tests.support.places import BUILT

pytestmark = [pytest.mark.network, pytest.mark.tensorflow]
litert = pytest.importorskip("ai_edge_litert.interpreter")

FOLDER = BUILT / "pedestrian"

# Where the person is, as ymin, xmin, ymax, xmax; None where nobody is. Drawn and looked at.
PEOPLE = {
    "astronaut": (0.06, 0.01, 0.99, 0.74),
    "camera": (0.13, 0.00, 1.00, 0.59),
    "chelsea": None,
    "coffee": None,
}


@pytest.fixture(scope="module")
def sample() -> Sample:
    return fetch_pedestrian(FOLDER / "sample")


@pytest.fixture(scope="module")
def bundles(sample: Sample) -> dict[str, Bundle]:
    """Exported by the command; a second run of the tests finds them up to date."""
    command = [sys.executable, "-m", "edgeproof", "export", sample.model, "--labels", sample.labels]
    command += ["--images", sample.calibration, "--name", "pedestrian", "--out", FOLDER / "bundles"]
    command += ["--variant", "all"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=os.environ.copy())
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "TensorFlow's noise came through"
    return {path.name: open_bundle(path) for path in (FOLDER / "bundles").iterdir()}


def detect(bundle: Bundle, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes [N, 4] and scores [N]."""
    interpreter = litert.Interpreter(str(bundle.model_path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], prepare(picture, bundle.manifest.input))
    interpreter.invoke()
    outputs, contract = interpreter.get_output_details(), detections_of(bundle.manifest)
    boxes, scores, count = (
        interpreter.get_tensor(outputs[position]["index"])[0]
        for position in (contract.boxes, contract.scores, contract.count)
    )
    return boxes[: int(count)], scores[: int(count)]


def iou(first: Any, second: Any) -> float:
    """Intersection over union of two boxes as ymin, xmin, ymax, xmax."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    inner = np.prod(np.maximum(sides, 0))
    return float(inner / (np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]) - inner))


@pytest.mark.parametrize("variant", [variant.value for variant in Variant])
@pytest.mark.parametrize("photo", list(PEOPLE))
def test_people_are_found_where_they_are_and_nowhere_else(
    bundles: dict[str, Bundle], sample: Sample, variant: str, photo: str
) -> None:
    boxes, scores = detect(bundles[variant], cv2.imread(str(sample.path / "photos" / f"{photo}.png")))
    certain = boxes[scores >= 0.6]
    person = PEOPLE[photo]
    if person is None:
        assert scores.max() < 0.3
        return
    assert len(certain) == 1
    assert iou(certain[0], person) > 0.9
    assert scores[0] > 0.8


def test_quantized_files_are_as_small_as_they_should_be(bundles: dict[str, Bundle]) -> None:
    sizes = {name: bundle.model_path.stat().st_size / 1e6 for name, bundle in bundles.items()}
    assert 12 < sizes["float32"] < 12.5
    assert 6 < sizes["float16"] < 6.5
    assert 3 < sizes["dynamic"] < sizes["int8"] < sizes["int16x8"] < 4.5


def test_float32_gives_the_detections_of_the_source_graph(bundles: dict[str, Bundle], sample: Sample) -> None:
    """The graph is run whole: its own resize, its own anchors, its own non-maximum suppression."""
    import tensorflow

    graph = tensorflow.compat.v1.GraphDef.FromString(sample.model.read_bytes())
    names = ["detection_boxes:0", "detection_scores:0", "num_detections:0"]
    with tensorflow.Graph().as_default() as whole, tensorflow.compat.v1.Session(graph=whole) as session:
        tensorflow.graph_util.import_graph_def(graph, name="")
        compared = 0
        for photo in sample.photos:
            picture = cv2.imread(str(photo))
            rgb = np.ascontiguousarray(picture[np.newaxis, :, :, ::-1])
            boxes, scores, _ = session.run(names, {"image_tensor:0": rgb})
            ours, our_scores = detect(bundles["float32"], picture)
            for box, score in zip(boxes[0], scores[0], strict=True):
                if score < 0.3:
                    continue
                nearest = max(range(len(ours)), key=lambda row: iou(ours[row], np.clip(box, 0, 1)))
                assert our_scores[nearest] == pytest.approx(score, abs=1e-3)
                # The graph clips its boxes to the picture, the operator does not.
                assert iou(np.clip(ours[nearest], 0, 1), box) > 0.99
                compared += 1
        assert compared == 2


def test_the_heads_give_what_the_source_graph_gives(sample: Sample) -> None:
    import tensorflow

    from edgeproof.ssd.readers.frozen_graph import read_frozen_graph

    model = read_frozen_graph(sample.model, sample.labels)
    assert (model.num_anchors, model.num_classes) == (1917, 1)
    assert (model.box_scales.y, model.box_scales.x, model.box_scales.height, model.box_scales.width) == (10, 10, 5, 5)
    assert model.input.mean == model.input.std == (127.5, 127.5, 127.5)
    graph = tensorflow.compat.v1.GraphDef.FromString(sample.model.read_bytes())
    names = ["Squeeze:0", "Postprocessor/convert_scores:0", "Preprocessor/sub:0"]
    picture = cv2.imread(str(sample.photos[0]))
    with tensorflow.Graph().as_default() as whole, tensorflow.compat.v1.Session(graph=whole) as session:
        tensorflow.graph_util.import_graph_def(graph, name="")
        rgb = np.ascontiguousarray(picture[np.newaxis, :, :, ::-1])
        expected_boxes, expected_scores, expected_input = session.run(names, {"image_tensor:0": rgb})
    tensor = prepare(picture, model.input)
    np.testing.assert_allclose(tensor, expected_input, atol=1e-6)
    boxes, scores = model.heads.module.heads(tensorflow.constant(tensor))
    np.testing.assert_allclose(boxes.numpy(), expected_boxes, atol=1e-3)
    np.testing.assert_allclose(scores.numpy(), expected_scores, atol=1e-3)


def test_a_comparison_names_the_operator_that_makes_the_difference(
    bundles: dict[str, Bundle], sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else runs on this machine would void it, which is tested elsewhere."""
    monkeypatch.setattr("edgeproof.verify.comparison.void_reasons", lambda *_: ())
    home = BUILT / "boards" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    home.mkdir(parents=True, exist_ok=True)
    with LocalTransport("local", home) as transport, open_store(transport, sys.executable) as store:
        board = OpenBoard(transport, store)
        provision(board, ["ai-edge-litert"])
        a, b = (
            Contender(send_bundle(store, bundles[variant]).digest, "ai-edge-litert", 1)
            for variant in ("float32", "int8")
        )
        found = compare(board, (a, b), sample.photos[0].read_bytes(), 10)
    assert found.comparison.stages["total"].ratio < 1
    assert found.comparison.deciding_stage == "invoke"
    profiles = [run.profile for run in found.runs]
    assert all(profile is not None and len(profile.operators) > 50 for profile in profiles)
    (line,) = [line for line in comparison_lines(Report(found.runs), found.comparison) if line.startswith("of invoke")]
    # Most of a MobileNet is convolutions, of which those of 1 x 1 gain most by 8 bits.
    assert line.startswith("of invoke it is CONV_2D: ")
