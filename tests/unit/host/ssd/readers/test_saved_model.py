"""SavedModels of all three kinds give the heads, anchors and scales of the network that was saved."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.source_options import InputRange, SourceOptions
from edgeproof_agent.bundle.manifest import Coordinates
from edgeproof_agent.detection.preprocess import prepare
from tests.support.networks import tiny_networks, tiny_ssd
from tests.support.reading import read_source

pytestmark = pytest.mark.tensorflow

PICTURE = tiny_ssd.draw_square("red", 4, 6, side=200)


def check_heads(model: SsdModel) -> None:
    """The reader's heads against the network itself, and the square where it is."""
    import tensorflow

    image = tensorflow.constant(prepare(PICTURE, model.input))
    boxes, scores = model.heads.module.heads(image)
    expected_boxes, logits = tiny_networks.heads(image)
    np.testing.assert_allclose(boxes.numpy(), expected_boxes.numpy(), atol=1e-4)
    np.testing.assert_allclose(scores.numpy(), tensorflow.sigmoid(logits).numpy(), atol=1e-5)
    assert scores.numpy()[0].argmax(axis=0)[2] == 4 * 8 + 6
    np.testing.assert_allclose(model.anchors, tiny_networks.centre_anchors(), atol=1e-6)


def scales(model: SsdModel) -> tuple[float, ...]:
    return (model.box_scales.y, model.box_scales.x, model.box_scales.height, model.box_scales.width)


@pytest.fixture(scope="module")
def raw_heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_networks.save_raw_heads(tmp_path_factory.mktemp("raw") / "detector")


def test_raw_heads_with_anchors_among_the_outputs(raw_heads: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("bright\nred\n")
    model = read_source(raw_heads, tmp_path / "labels.txt", options=SourceOptions(box_scales=tiny_networks.SCALES))
    check_heads(model)
    assert scales(model) == tiny_networks.SCALES
    assert (model.name, model.num_classes, model.labels.names) == ("detector", 2, ("bright", "red"))
    assert model.input.coordinates is Coordinates.HALF_PIXEL
    assert model.input.mean == model.input.std == (127.5, 127.5, 127.5)
    for words in (
        "box encodings 'locations'",
        "class scores 'classes'",
        "anchors as corners",
        "input -1..1 (the default",
    ):
        assert words in model.source.description


def test_what_was_said_goes_before_defaults(raw_heads: Path) -> None:
    model = read_source(raw_heads, options=SourceOptions(background=False, input_range=InputRange.ZERO_TO_ONE))
    assert (model.input.mean, model.input.std) == ((0.0,) * 3, (255.0,) * 3)
    assert model.num_classes == 3, "all three columns are classes, and a background column was added"
    assert model.heads.class_scores_shape == (1, 64, 4)
    assert scales(model) == (10, 10, 5, 5)
    assert "box scales 10, 10, 5, 5 (the default)" in model.source.description


def test_background_or_not_must_be_said_when_nothing_tells(raw_heads: Path) -> None:
    with pytest.raises(UsageError, match=r"3 columns, .* --labels, or say --background or --no-background"):
        read_source(raw_heads)


def test_without_anchors_they_are_asked_for_and_taken_from_a_file(tmp_path: Path) -> None:
    folder = tiny_networks.save_raw_heads(tmp_path / "detector", anchors=False)
    with pytest.raises(
        UsageError, match=r"no output with its anchors\. Give them with --anchors.*\n  classes \[1, 64, 3\]"
    ):
        read_source(folder, options=SourceOptions(background=True))
    np.save(tmp_path / "anchors.npy", tiny_ssd.anchors())
    check_heads(read_source(folder, options=SourceOptions(background=True, anchors=str(tmp_path / "anchors.npy"))))


@pytest.mark.parametrize("give", [Path, lambda folder: folder / "saved_model.pb"])
def test_the_post_processing_composite_is_found_in_a_nested_function(
    tmp_path: Path, give: Callable[[Path], Path]
) -> None:
    model = read_source(give(tiny_networks.save_with_composite(tmp_path / "detector")))
    assert model.source.kind == "odapi-tflite-saved-model"
    check_heads(model)
    assert scales(model) == tiny_networks.SCALES
    assert list(tmp_path.iterdir()) == [tmp_path / "detector"]


def test_the_object_detection_api_s_own_suppression_is_cut_off(tmp_path: Path) -> None:
    import tensorflow

    folder = tiny_networks.save_like_object_detection_api(tmp_path / "saved_model")
    model = read_source(tmp_path)
    assert model.source.kind == "odapi-saved-model"
    check_heads(model)
    assert scales(model) == pytest.approx(tiny_networks.SCALES)
    assert (model.input.height, model.input.width) == (64, 64)
    assert model.input.coordinates is Coordinates.ASYMMETRIC
    assert model.input.mean == model.input.std == (127.5, 127.5, 127.5)
    serve = tensorflow.saved_model.load(str(folder)).signatures["serving_default"]
    expected = serve(tensorflow.constant(np.ascontiguousarray(PICTURE[np.newaxis, :, :, ::-1])))
    _, scores = model.heads.module.heads(tensorflow.constant(prepare(PICTURE, model.input)))
    np.testing.assert_allclose(scores.numpy(), expected["raw_detection_scores"].numpy(), atol=1e-5)


def save(folder: Path, function: Any, *signature: Any) -> Path:
    import tensorflow as tf

    module = tf.Module()
    module.serve = tf.function(function, input_signature=signature)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return folder


def test_other_networks_are_refused_with_what_they_have(tmp_path: Path) -> None:
    import tensorflow as tf

    picture = tf.TensorSpec([1, 64, 64, 3], tf.float32, "image")
    classifier = save(tmp_path / "classifier", lambda image: {"scores": tf.reduce_mean(image, [1, 2])}, picture)
    with pytest.raises(NotAnSsdError, match=r"which of its outputs are the box encodings.*\n  scores \[1, 3\]"):
        read_source(classifier)
    two = save(tmp_path / "two", lambda a, b: {"x": a + b}, picture, tf.TensorSpec([1, 64, 64, 3], tf.float32, "b"))
    with pytest.raises(NotAnSsdError, match=r"it takes .*image \(float32\).*, expected one picture"):
        read_source(two)
    planes = save(tmp_path / "planes", lambda image: {"x": image}, tf.TensorSpec([1, 3, 64, 64], tf.float32, "image"))
    with pytest.raises(NotAnSsdError, match=r"\[1, 3, 64, 64\], expected one picture .* channels last"):
        read_source(planes)
    any_size = save(tmp_path / "any", lambda i: {"x": i}, tf.TensorSpec([None, None, None, 3], tf.float32, "image"))
    with pytest.raises(UsageError, match=r"--input-size 320x320"):
        read_source(any_size)


def test_a_broken_saved_model_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01garbage")
    with pytest.raises(NotAnSsdError, match="saved_model.pb: it is broken"):
        read_source(tmp_path)
