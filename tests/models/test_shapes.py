"""The committed shapes detector: a Keras source that converts in seconds, with an mAP that means something."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shapes_metrics import Precision, coco_precision, coco_results

from edgeproof.sample.shapes import INPUT, ShapesSample, fetch_shapes
from edgeproof_agent.manifest import InputType, Quantization
from edgeproof_agent.pictures import decode_picture
from edgeproof_agent.preprocess import prepare

litert = pytest.importorskip("ai_edge_litert.interpreter")

VARIANTS = ("float32", "int8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `sample/` and `models/<variant>.tflite`, converted by another process."""
    folder = tmp_path_factory.mktemp("shapes")
    program = Path(__file__).with_name("shapes_conversion.py")
    command = [sys.executable, str(program), str(folder / "sample"), str(folder / "models")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def sample(folder: Path) -> ShapesSample:
    return fetch_shapes(folder / "sample")


@pytest.fixture(scope="module")
def precision(folder: Path, sample: ShapesSample) -> dict[str, Precision]:
    """What each variant reaches on the held-out pictures."""
    return {variant: _precision(folder / "models" / f"{variant}.tflite", sample) for variant in VARIANTS}


def _precision(model: Path, sample: ShapesSample) -> Precision:
    interpreter = litert.Interpreter(str(model), num_threads=2)
    (tensor,) = interpreter.get_input_details()
    dtype = InputType(np.dtype(tensor["dtype"]).name)
    quantization = None if dtype is InputType.FLOAT32 else Quantization(*tensor["quantization"])
    contract = replace(INPUT, dtype=dtype, quantization=quantization)
    detect = interpreter.get_signature_runner()
    results = []
    for image in json.loads(sample.annotations.read_text("utf-8"))["images"]:
        picture = decode_picture((sample.test_set / image["file_name"]).read_bytes())
        found = detect(image=prepare(picture, contract))
        valid = int(found["num_detections"][0])
        boxes, classes, scores = (found[f"detection_{name}"][0][:valid] for name in ("boxes", "classes", "scores"))
        results += coco_results(image, boxes, classes, scores)
    return coco_precision(sample.annotations, results)


def test_the_float32_model_reaches_its_mean_average_precision(precision: dict[str, Precision]) -> None:
    assert precision["float32"].map >= 0.80
    assert precision["float32"].map_50 >= 0.97


def test_full_integer_quantization_loses_little(precision: dict[str, Precision]) -> None:
    assert precision["int8"].map >= precision["float32"].map - 0.02


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
