"""The committed shapes detector: a Keras source that converts in seconds, with an mAP that means something."""

import json
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from edgeproof.demo.embedded_board import EmbeddedBoard
from edgeproof.sample.shapes import ShapesSample, fetch_shapes
from edgeproof_agent.detection.detector import load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from tests.support.boards.ssh_servers import write_config
from tests.support.networks.shapes_metrics import Precision, coco_precision, coco_results
from tests.support.places import BUILT
from tests.support.report_schema import checked_report

if tuple(map(int, metadata.version("tensorflow").split(".")[:2])) < (2, 16):
    pytest.skip("shapes.keras is a file of Keras 3, which comes with TensorFlow 2.16", allow_module_level=True)

VARIANTS = ("float32", "float16", "dynamic", "int8", "int16x8")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> ShapesSample:
    return fetch_shapes(tmp_path_factory.mktemp("shapes") / "sample")


@pytest.fixture(scope="module")
def bundles(sample: ShapesSample) -> Path:
    """A bundle a variant, exported by the command line in a process of its own."""
    out = sample.path / "bundles"
    command = [sys.executable, "-m", "edgeproof", "export", str(sample.model), "--anchors", str(sample.anchors)]
    command += ["--labels", str(sample.labels), "--variant", "all", "--images", str(sample.calibration)]
    command += ["--input-range=-1..1", "--colour-order", "rgb"]
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stdout
    return out


@pytest.fixture(scope="module")
def precision(bundles: Path, sample: ShapesSample) -> dict[str, Precision]:
    """What each variant reaches on the held-out pictures, run by the agent's own detector."""
    reached = {variant: _precision(bundles / variant, sample) for variant in VARIANTS}
    for variant, one in reached.items():
        size_mb = (bundles / variant / "model.tflite").stat().st_size / 1e6
        print(f"{variant:8} {size_mb:5.2f} MB  mAP {one.map:.3f}  mAP@.5 {one.map_50:.3f}")  # noqa: T201
    return reached


def _precision(bundle: Path, sample: ShapesSample) -> Precision:
    detector = load_detector(bundle, import_runtime("ai-edge-litert"), threads=2)
    results = []
    for image in json.loads(sample.annotations.read_text("utf-8"))["images"]:
        found = detector.detect_encoded((sample.test_set / image["file_name"]).read_bytes())
        results += coco_results(image, found.boxes, found.classes, found.scores)
    return coco_precision(sample.annotations, results)


def test_the_float32_model_reaches_its_mean_average_precision(precision: dict[str, Precision]) -> None:
    assert precision["float32"].map >= 0.80
    assert precision["float32"].map_50 >= 0.97


@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_quantization_loses_little(precision: dict[str, Precision], variant: str) -> None:
    assert precision[variant].map >= precision["float32"].map - 0.02


def test_the_finished_float_file_is_quantized_as_well_as_its_source(
    bundles: Path, sample: ShapesSample, precision: dict[str, Precision], tmp_path: Path
) -> None:
    """By ai-edge-quantizer; the calibration pictures come from the COCO data set this time."""
    pytest.importorskip("ai_edge_quantizer", reason="ai-edge-quantizer is not installed")
    file = bundles / "float32" / "model.tflite"
    command = [sys.executable, "-m", "edgeproof", "export", str(file), "--variant", "int8", "--out", str(tmp_path)]
    done = subprocess.run([*command, "--images", str(sample.annotations)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert _precision(tmp_path / "int8", sample).map >= precision["float32"].map - 0.02


def test_the_model_fits_into_the_repository_and_loads_with_keras_alone(sample: ShapesSample) -> None:
    assert sample.model.stat().st_size < 2_000_000
    with zipfile.ZipFile(sample.model) as archive:
        config = json.loads(archive.read("config.json"))
    modules = {layer["module"] for layer in config["config"]["layers"]}
    assert modules == {"keras.layers"}
    assert not config["compile_config"], "it carries an optimizer"


def test_the_anchors_are_those_of_the_training(sample: ShapesSample) -> None:
    described = json.loads(sample.anchors.read_text("utf-8"))
    boxes = np.array(described["boxes"])
    assert described["format"] == "centre"
    assert described["box_scales"] == [10, 10, 5, 5]
    assert boxes.shape == (1175, 4)
    assert boxes[:, :2].min() > 0
    assert boxes[:, :2].max() < 1
    assert boxes[:, 2:].min() > 0


def test_accuracy_on_the_embedded_board_is_that_of_the_detector_itself(
    bundles: Path, sample: ShapesSample, precision: dict[str, Precision], tmp_path: Path
) -> None:
    """Through SSH, store, agent, matching by name and evaluation; the witness is another evaluation of another run."""
    folder = BUILT / "boards" / "ssh-embedded"
    folder.mkdir(parents=True, exist_ok=True)
    with EmbeddedBoard(folder) as board:
        write_config(tmp_path, board.profile)

        def edgeproof(*arguments: object) -> None:
            command = [sys.executable, "-m", "edgeproof", *map(str, arguments)]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr

        edgeproof("provision", "desk", "--runtime", "ai-edge-litert")
        runtime = ("--runtime", "ai-edge-litert", "--threads", 2)
        edgeproof(
            "accuracy", "desk", "--data", sample.annotations, "--bundle", bundles / "int8", "--out", "out", *runtime
        )
    (run,) = checked_report(tmp_path / "out" / "report.json")["runs"]
    accuracy = run["accuracy"]
    for name, value in (("map", precision["int8"].map), ("map50", precision["int8"].map_50)):
        assert accuracy[name]["value"] == pytest.approx(value, abs=1e-3)
        assert accuracy[name]["low"] < value < accuracy[name]["high"]
    same, float32 = accuracy["against"]
    assert (same["variant"], same["drop"]["value"]) == ("int8", 0.0)
    # Of 200 pictures none differs, which leaves open that up to so many of others do (Clopper and Pearson).
    assert [-same["drop"]["low"], same["drop"]["high"]] == pytest.approx([1 - 0.025 ** (1 / 200)] * 2)
    assert float32["drop"]["value"] == pytest.approx(precision["float32"].map - precision["int8"].map, abs=1e-3)
    assert [one["label"] for one in accuracy["classes"]] == ["circle", "square", "triangle", "star"]
    results = json.loads((tmp_path / "out" / "detections.json").read_text())
    again = coco_precision(sample.annotations, results)
    assert again.map == pytest.approx(accuracy["map"]["value"], abs=1e-9)
