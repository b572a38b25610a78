"""A Keras model with two heads gives what it gives, whatever its outputs are called and wherever its weights are."""

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.convert.from_tensorflow.converter import convert
from edgeproof.convert.variants import Variant
from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.source_options import InputRange, ScoreConverter, SourceOptions
from tests.support.reading import read_source

pytestmark = pytest.mark.tensorflow

SIDE, GRID, CLASSES = 32, 4, 5
ANCHORS = np.tile(np.array([[0.5, 0.5, 0.2, 0.3]], np.float32), (GRID * GRID, 1))
PICTURE = np.random.default_rng(5).uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)


def make_model(
    activation: str | None = "sigmoid", columns: int = CLASSES + 1, rescaling: float | None = None, **more: Any
) -> Any:
    """Batch normalisation with moments of its own: in training mode the model would give something else."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    layers = tf.keras.layers
    side = more.get("side", SIDE)
    image = tf.keras.Input((side, side, 3), name="image")
    features = image if rescaling is None else layers.Rescaling(rescaling, offset=-1.0)(image)
    features = layers.Conv2D(8, SIDE // GRID, SIDE // GRID, name="cells")(features)
    features = layers.ReLU(6.0)(layers.BatchNormalization(name="norm")(features))
    boxes = layers.Reshape((-1, 4), name="box_head")(layers.Conv2D(4, 1)(features))
    scores = layers.Reshape((-1, columns), name="class_logits")(layers.Conv2D(columns, 1)(features))
    if activation:
        scores = layers.Activation(activation, name="class_head")(scores)
    outputs = {"cls": scores, "loc": boxes} if more.get("named") else [scores, boxes]
    model = tf.keras.Model(image, outputs, name="mine")
    model.get_layer("norm").set_weights([np.full(8, value, np.float32) for value in (1.5, 0.5, 0.2, 0.7)])
    return model


@pytest.fixture
def options(tmp_path: Path) -> SourceOptions:
    np.save(tmp_path / "anchors.npy", ANCHORS)
    return SourceOptions(anchors=str(tmp_path / "anchors.npy"), background=True)


def run_heads(model: SsdModel) -> Any:
    import tensorflow as tf

    return model.heads.module.heads(tf.constant(PICTURE))


def save(model: Any, path: Path) -> Path:
    model.save(str(path))
    return path


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("named", [False, True])
def test_the_heads_give_what_the_model_gives(tmp_path: Path, options: SourceOptions, suffix: str, named: bool) -> None:
    keras = make_model(named=named)
    model = read_source(save(keras, tmp_path / f"model{suffix}"), options=options)
    boxes, scores = run_heads(model)
    given = keras(PICTURE, training=False)
    expected = (given["loc"], given["cls"]) if named else (given[1], given[0])
    np.testing.assert_allclose(boxes.numpy(), expected[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(scores.numpy(), expected[1].numpy(), atol=1e-5)
    assert (model.num_classes, model.num_anchors, model.name) == (CLASSES, GRID * GRID, "model")
    assert model.source.description.startswith("Keras model 'mine', box encodings ")


def test_the_weights_are_in_the_converted_file(tmp_path: Path, options: SourceOptions) -> None:
    """A tf.Module around a Keras 3 model converts with unbound variables, and without an error."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    model = read_source(save(make_model(), tmp_path / "model.keras"), options=options)
    runner = litert.Interpreter(model_content=convert(model, Variant.FLOAT32)).get_signature_runner()
    found = runner(image=PICTURE)
    _, scores = run_heads(model)
    foreground = scores.numpy()[0, :, 1:]
    assert found["detection_scores"][0, 0] == pytest.approx(foreground.max(), abs=1e-4)
    assert found["detection_classes"][0, 0] == foreground.max(axis=0).argmax()


@pytest.mark.parametrize("converter", [ScoreConverter.SIGMOID, ScoreConverter.SOFTMAX])
def test_logits_become_scores_when_it_is_said_how(
    tmp_path: Path, options: SourceOptions, converter: ScoreConverter
) -> None:
    import tensorflow as tf

    keras = make_model(activation=None)
    path = save(keras, tmp_path / "model.keras")
    with pytest.raises(NotAnSsdError, match=r"class_logits.*these are logits.*--score-converter sigmoid or softmax"):
        read_source(path, options=options)
    model = read_source(path, options=replace(options, score_converter=converter))
    _, scores = run_heads(model)
    activation = tf.sigmoid if converter is ScoreConverter.SIGMOID else tf.nn.softmax
    np.testing.assert_allclose(scores.numpy(), activation(keras(PICTURE)[0]).numpy(), atol=1e-5)
    assert f"{converter.value} added" in model.source.description


def test_a_background_column_is_added_when_the_labels_say_that_there_is_none(
    tmp_path: Path, options: SourceOptions
) -> None:
    keras = make_model(columns=CLASSES)
    path = save(keras, tmp_path / "model.keras")
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\ne\n")
    model = read_source(path, tmp_path / "labels.txt", options=replace(options, background=None))
    _, scores = run_heads(model)
    np.testing.assert_allclose(scores.numpy()[:, :, 1:], keras(PICTURE)[0].numpy(), atol=1e-5)
    assert not scores.numpy()[:, :, 0].any()
    assert (model.num_classes, model.labels.names) == (CLASSES, ("a", "b", "c", "d", "e"))
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    with pytest.raises(UsageError, match="it has 3 labels, and the model has 4 classes"):
        read_source(path, tmp_path / "labels.txt", options=replace(options, background=None))


def test_softmax_implies_a_background(tmp_path: Path, options: SourceOptions) -> None:
    path = save(make_model(activation="softmax"), tmp_path / "model.keras")
    assert read_source(path, options=replace(options, background=None)).num_classes == CLASSES


def test_a_model_that_normalises_its_input_takes_bytes(tmp_path: Path, options: SourceOptions) -> None:
    path = save(make_model(rescaling=1 / 127.5), tmp_path / "model.keras")
    model = read_source(path, options=options)
    assert (model.input.mean, model.input.std) == ((0.0,) * 3, (1.0,) * 3)
    assert "input 0..255 (it normalises them itself)" in model.source.description
    stated = read_source(path, options=replace(options, input_range=InputRange.ZERO_TO_ONE))
    assert stated.input.std == (255.0,) * 3


def test_a_model_for_any_size_needs_one(tmp_path: Path, options: SourceOptions) -> None:
    path = save(make_model(side=None), tmp_path / "model.keras")
    with pytest.raises(UsageError, match="--input-size 320x320"):
        read_source(path, options=options)
    model = read_source(path, options=replace(options, input_size=(SIDE, SIDE)))
    assert (model.input.height, model.input.width) == (SIDE, SIDE)


def test_what_keras_cannot_load_is_told_with_a_way_out(tmp_path: Path, options: SourceOptions) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as file:
        file.writestr("config.json", '{"module": "keras.layers", "class_name": "NoSuchLayer", "config": {}}')
        file.writestr("metadata.json", "{}")
    with pytest.raises(NotAnSsdError, match=r"model\.keras: Keras .* cannot load it.*SavedModel with model\.export"):
        read_source(tmp_path / "model.keras", options=options)
