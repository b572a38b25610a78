"""The real COCO SSD: the exported float32 model sees what the source graph is known to see, labels and all."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.sample.coco import fetch_coco
from edgeproof.sample.recipe import Sample
from edgeproof_agent.detection.preprocess import prepare
from tests.support.contracts import detections_of
from tests.support.places import BUILT

pytestmark = [pytest.mark.network, pytest.mark.tensorflow]
litert = pytest.importorskip("ai_edge_litert.interpreter")

FOLDER = BUILT / "coco"

# What the whole graph gives in TensorFlow 2.15, its own resize and non-maximum suppression included.
SEEN = {
    "chelsea": [("cat", 0.934)],
    "coffee": [("cup", 0.961), ("dining table", 0.824)],
    "astronaut": [("person", 0.686)],
}


@pytest.fixture(scope="module")
def sample() -> Sample:
    return fetch_coco(FOLDER / "sample")


@pytest.fixture(scope="module")
def bundle(sample: Sample) -> Bundle:
    """Exported by the command; a second run of the tests finds it up to date."""
    command = [sys.executable, "-m", "edgeproof", "export", sample.model, "--labels", sample.labels]
    command += ["--name", "coco", "--out", FOLDER / "bundles", "--variant", "float32"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=os.environ.copy())
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "TensorFlow's noise came through"
    return open_bundle(FOLDER / "bundles" / "float32")


@pytest.mark.parametrize("photo", list(SEEN))
def test_the_known_objects_are_found_with_their_scores(bundle: Bundle, sample: Sample, photo: str) -> None:
    interpreter = litert.Interpreter(str(bundle.model_path))
    interpreter.allocate_tensors()
    picture = cv2.imread(str(sample.path / "photos" / f"{photo}.png"))
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], prepare(picture, bundle.manifest.input))
    interpreter.invoke()
    outputs, contract, labels = interpreter.get_output_details(), detections_of(bundle.manifest), bundle.labels()
    classes, scores, count = (
        interpreter.get_tensor(outputs[position]["index"])[0]
        for position in (contract.classes, contract.scores, contract.count)
    )
    names = [labels[int(index) + bundle.manifest.label_offset] for index in classes[: int(count)]]
    found = [(name, score) for name, score in zip(names, scores, strict=False) if score >= 0.5]
    assert [name for name, _ in found] == [name for name, _ in SEEN[photo]]
    for (_, score), (_, known) in zip(found, SEEN[photo], strict=True):
        assert score == pytest.approx(known, abs=0.02)


def test_class_indices_are_coco_ids_less_one_gaps_and_all(bundle: Bundle) -> None:
    labels = bundle.labels()
    assert (len(labels), labels.count("???"), bundle.manifest.category_offset) == (90, 10, 1)
    assert (labels[0], labels[11], labels[16], labels[89]) == ("person", "???", "cat", "toothbrush")


def test_the_heads_give_what_the_source_graph_gives(sample: Sample) -> None:
    import tensorflow

    from edgeproof.ssd.readers.tfjs import read_graph_def, read_tfjs_model

    model = read_tfjs_model(sample.model, sample.labels)
    assert (model.num_anchors, model.num_classes) == (1917, 90)
    assert model.input.mean == model.input.std == (127.5, 127.5, 127.5)
    names = ["Squeeze:0", "Postprocessor/convert_scores:0", "Preprocessor/sub:0"]
    picture = cv2.imread(str(sample.photos[2]))
    with tensorflow.Graph().as_default() as whole, tensorflow.compat.v1.Session(graph=whole) as session:
        tensorflow.graph_util.import_graph_def(read_graph_def(sample.model), name="")
        # The graph's placeholder takes int32, as TensorFlow.js has no bytes.
        dtype = whole.get_tensor_by_name("image_tensor:0").dtype.as_numpy_dtype
        rgb = np.ascontiguousarray(picture[np.newaxis, :, :, ::-1]).astype(dtype)
        expected_boxes, expected_scores, expected_input = session.run(names, {"image_tensor:0": rgb})
    tensor = prepare(picture, model.input)
    np.testing.assert_allclose(tensor, expected_input, atol=1e-6)
    boxes, scores = model.heads.module.heads(tensorflow.constant(tensor))
    np.testing.assert_allclose(boxes.numpy(), expected_boxes, atol=1e-3)
    np.testing.assert_allclose(scores.numpy(), expected_scores, atol=1e-3)
