"""What edgeproof exports detects what the Object Detection API's own export detects, from each kind of source."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from edgeproof.bundle import Bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.errors import NotAnSsdError
from edgeproof.odapi.environment import api_release
from edgeproof.odapi.source import OdapiOptions
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof_agent.detection.preprocess import prepare
from tests.support.contracts import detections_of

# The first of the tests builds the models, and on a new machine their environment before.
pytestmark = [pytest.mark.network, pytest.mark.tensorflow, pytest.mark.timeout(1800)]
litert = pytest.importorskip("ai_edge_litert.interpreter")

BUILT_BY_EDGEPROOF = ("ssd_mobilenet_v1", "ssd_mobilenet_v2", "ssd_mobilenet_v2_fpnlite")
BUILT_BY_THE_API_ALONE = "ssd_efficientnet_b0"
# By the folder that holds them.
SOURCES = {"checkpoint": "odapi-checkpoint", "exported": "odapi-saved-model", "tflite": "odapi-tflite-saved-model"}
# As many as build_model.py has the API's exporter give.
MANY = PostprocessOptions(max_detections=100)
# `output_0` and so on: export_tflite_graph_tf2 reverses the operator's outputs.
COUNT, SCORES, CLASSES, BOXES = range(4)


@dataclass(frozen=True)
class Found:
    boxes: np.ndarray
    """[N, 4] as ymin, xmin, ymax, xmax; best score first."""
    classes: np.ndarray
    scores: np.ndarray


def detect(model: Path, tensor: np.ndarray, order: tuple[int, int, int, int]) -> Found:
    """`order` is the position of count, scores, classes and boxes among the outputs."""
    interpreter = litert.Interpreter(str(model))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensor)
    interpreter.invoke()
    outputs = interpreter.get_output_details()
    count, scores, classes, boxes = (np.squeeze(interpreter.get_tensor(outputs[item]["index"]), 0) for item in order)
    rows = slice(int(count))
    return Found(boxes[rows], classes[rows], scores[rows])


def reference(folder: Path, photo: str) -> Found:
    """The API's export, converted without edgeproof, on a picture that the API prepared."""
    model = folder / "reference.tflite"
    names = {
        item["name"]: position for position, item in enumerate(litert.Interpreter(str(model)).get_output_details())
    }
    order = [names[f"StatefulPartitionedCall:{number}"] for number in (COUNT, SCORES, CLASSES, BOXES)]
    with np.load(folder / "prepared.npz") as prepared:
        count, scores, classes, boxes = order
        return detect(model, prepared[photo], (count, scores, classes, boxes))


def detected(bundle: Bundle, photo: np.ndarray) -> Found:
    output = detections_of(bundle.manifest)
    order = (output.count, output.scores, output.classes, output.boxes)
    return detect(bundle.model_path, prepare(photo, bundle.manifest.input), order)


def iou(one: np.ndarray, many: np.ndarray) -> np.ndarray:
    low, high = np.maximum(one[:2], many[:, :2]), np.minimum(one[2:], many[:, 2:])
    common: np.ndarray = np.clip(high - low, 0, None).prod(axis=1)
    union: np.ndarray = (one[2:] - one[:2]).prod() + (many[:, 2:] - many[:, :2]).prod(axis=1) - common
    return np.asarray(common / union)


def check_same(found: Found, expected: Found) -> None:
    count = len(expected.scores)
    assert len(found.scores) == count >= 50
    assert len(np.unique(expected.classes)) > 1, "the reference's classes are all alike"
    assert np.ptp(expected.scores) > 0.05, "the reference's scores are all alike"
    left = list(range(count))
    for box, index, score in zip(expected.boxes, expected.classes, expected.scores, strict=True):
        overlaps = np.where(found.classes[left] == index, iou(box, found.boxes[left]), 0)
        best = left.pop(int(overlaps.argmax()))
        assert overlaps.max() >= 0.99
        assert found.scores[best] == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", BUILT_BY_EDGEPROOF)
def test_the_same_is_detected_from_each_source(
    models: dict[str, Path], photos: dict[str, np.ndarray], tmp_path: Path, name: str, source: str
) -> None:
    (bundle,) = export(models[name] / source, tmp_path, [Variant.FLOAT32], options=ExportOptions(postprocess=MANY))
    assert bundle.manifest.provenance["source"]["kind"] == SOURCES[source]
    for photo, picture in photos.items():
        check_same(detected(bundle, picture), reference(models[name], photo))


def test_via_odapi_the_same_is_detected_by_a_network_that_edgeproof_does_not_build(
    models: dict[str, Path], photos: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """With a preprocessing of its own, ImageNet's, that the exported SavedModel does not say."""
    folder = models[BUILT_BY_THE_API_ALONE]
    with pytest.raises(NotAnSsdError, match="--via-odapi"):
        export(folder / "checkpoint", tmp_path, [Variant.FLOAT32])
    options = ExportOptions(postprocess=MANY, odapi=OdapiOptions())
    (bundle,) = export(folder / "checkpoint", tmp_path, [Variant.FLOAT32], options=options)
    assert bundle.manifest.provenance["tools"]["object_detection_api"] == api_release()
    for photo, picture in photos.items():
        check_same(detected(bundle, picture), reference(folder, photo))


def test_via_odapi_or_not_the_checkpoint_gives_the_same_heads(
    models: dict[str, Path], photos: dict[str, np.ndarray], tmp_path: Path
) -> None:
    source = models["ssd_mobilenet_v2"] / "checkpoint"
    options = ExportOptions(postprocess=MANY)
    (own,) = export(source, tmp_path / "own", [Variant.FLOAT32], options=options)
    (via,) = export(source, tmp_path / "via", [Variant.FLOAT32], options=replace(options, odapi=OdapiOptions()))
    assert own.manifest.input == via.manifest.input
    for picture in photos.values():
        check_same(detected(via, picture), detected(own, picture))
