"""A checkpoint of the Object Detection API becomes the network that the API builds, number for number.

Names, shapes and numbers are the API's own (odapi_network.py); tests/odapi compares with it live.
"""

import functools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgeproof.convert.from_tensorflow.converter import convert
from edgeproof.convert.variants import Variant
from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.checkpoint.config_file import read_config
from edgeproof.ssd.checkpoint.network import build_network
from edgeproof.ssd.checkpoint.pipeline_config import read_pipeline_config
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.source_options import ScoreConverter, SourceOptions
from edgeproof_agent.bundle.manifest import Coordinates
from tests.support.networks.odapi_checkpoint import write_checkpoint
from tests.support.networks.odapi_network import NAMES, RecordedNetwork, picture, weight
from tests.support.reading import read_source

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
Values = Mapping[str, npt.NDArray[np.float32]]
SMALL = RecordedNetwork("mobilenet_v1")


@functools.cache
def values(network: RecordedNetwork) -> Values:
    return {name: weight(name, shape) for name, shape in network.variables().items()}


def make_folder(folder: Path, network: RecordedNetwork, variables: Values | None = None, **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy(network.config, folder / "pipeline.config")
    write_checkpoint(folder, values(network) if variables is None else variables, **more)
    return folder


def run(model: SsdModel) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    import tensorflow as tf

    boxes, scores = model.heads.module.heads(tf.constant(picture(model.input.height, model.input.width)))
    return boxes.numpy(), scores.numpy()


class AskedWeights:
    """Gives zeros, and remembers what for."""

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}

    def take(self, name: str, shape: Any) -> npt.NDArray[np.float32]:
        self.shapes[name] = tuple(int(side) for side in shape)
        return np.zeros(self.shapes[name], np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_the_network_asks_for_exactly_the_variables_that_the_api_writes(name: str) -> None:
    network, asked = RecordedNetwork(name), AskedWeights()
    build_network(read_pipeline_config(read_config(network.config)), asked, name)
    written = network.variables()
    whole = {short: [full for full in written if f"/{full}".endswith(f"/{short}")] for short in asked.shapes}
    assert {short: len(found) for short, found in whole.items() if len(found) != 1} == {}
    assert {whole[short][0]: shape for short, shape in asked.shapes.items()} == written


@pytest.mark.parametrize("name", NAMES)
def test_the_heads_are_those_of_the_api(name: str, tmp_path: Path) -> None:
    network = RecordedNetwork(name)
    config = read_pipeline_config(read_config(network.config))
    model = read_source(make_folder(tmp_path / "model", network))
    boxes, scores = run(model)
    recorded = network.numbers
    assert list(boxes.shape) == recorded["boxes"]["shape"]
    assert list(scores.shape) == recorded["classes"]["shape"]
    np.testing.assert_allclose(
        boxes.reshape(-1)[recorded["boxes"]["positions"]], recorded["boxes"]["values"], atol=1e-3
    )
    assert boxes.std(dtype=np.float64) == pytest.approx(recorded["boxes"]["std"], rel=1e-4)

    positions = np.array(recorded["classes"]["positions"])
    logits = np.array(recorded["classes"]["values"]) / config.logit_scale
    if config.score_converter is ScoreConverter.SIGMOID:
        np.testing.assert_allclose(scores.reshape(-1)[positions], 1 / (1 + np.exp(-logits)), atol=1e-4)
    else:
        np.testing.assert_allclose(scores.sum(axis=-1), 1, atol=1e-5)


def test_the_rest_of_the_model_is_the_configurations(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "my_detector", RecordedNetwork("mobilenet_v2_ssdlite"))
    model = read_source(folder)
    assert (model.name, model.num_classes, model.num_anchors) == ("my_detector", 5, 630)
    assert (model.input.height, model.input.width, model.input.mean) == (192, 160, (127.5, 127.5, 127.5))
    assert model.input.coordinates is Coordinates.ASYMMETRIC
    assert model.source.kind == "odapi-checkpoint"
    assert "ckpt-1, ssd_mobilenet_v2_keras" in model.source.description
    assert "no labels (its label map is not there)" in model.source.description


def test_the_label_map_beside_the_configuration_gives_the_labels(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model", SMALL)
    items = "".join(f"item {{ id: {number} name: 'thing {number}' }}\n" for number in range(1, 6))
    (folder / "label_map.pbtxt").write_text(items)
    model = read_source(folder)
    assert model.labels.names == tuple(f"thing {number}" for number in range(1, 6))
    (folder / "other.txt").write_text("a\nb\nc\nd\ne\n")
    assert read_source(folder, folder / "other.txt").labels.names == tuple("abcde")


def test_slots_steps_and_other_scopes_change_nothing(tmp_path: Path) -> None:
    plain = run(read_source(make_folder(tmp_path / "plain", SMALL)))
    trained = read_source(make_folder(tmp_path / "trained", SMALL, training=True, prefix="ssd_meta_arch/"))
    for one, other in zip(plain, run(trained), strict=True):
        np.testing.assert_array_equal(one, other)
    assert "averages" not in trained.source.description


def test_moving_averages_of_the_weights_are_left_and_told_of(tmp_path: Path) -> None:
    model = read_source(make_folder(tmp_path / "model", SMALL, training=True, averages=True))
    assert "ckpt-1 without its moving averages" in model.source.description


def test_the_newest_checkpoint_is_read(tmp_path: Path) -> None:
    zeros = {name: np.zeros_like(value) for name, value in values(SMALL).items()}
    folder = make_folder(tmp_path / "model", SMALL, zeros, number=1)
    write_checkpoint(folder, values(SMALL), number=2)
    model = read_source(folder)
    assert "ckpt-2 (newest of 2)" in model.source.description
    assert run(model)[0].std() > 0.5
    assert run(read_source(folder / "ckpt-1"))[0].std() == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conv1/kernel": None}, r"1 of 199 variables are missing \(conv1/kernel\)"),
        ({"conv1/kernel": (3, 3, 3, 9)}, r"'conv1/kernel' is \[3, 3, 3, 9\], and the network needs \[3, 3, 3, 8\]"),
        ({"conv_pw_14/kernel": (1, 1, 2, 2)}, r"1 of its variables have no place in the network \(conv_pw_14/kernel\)"),
        ({"again/conv1/kernel": (1,)}, "'conv1/kernel' is there 2 times"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused_by_names(
    tmp_path: Path, change: dict[str, tuple[int, ...] | None], words: str
) -> None:
    variables = dict(values(SMALL))
    for name, shape in change.items():
        variables.pop(name, None)
        if shape is not None:
            variables[name] = np.zeros(shape, np.float32)
    with pytest.raises(NotAnSsdError, match=words):
        read_source(make_folder(tmp_path / "model", SMALL, variables))


def test_a_configuration_of_another_size_is_told_by_the_first_differences(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model", SMALL)
    text = (folder / "pipeline.config").read_text()
    (folder / "pipeline.config").write_text(text.replace("num_classes: 5", "num_classes: 7"))
    words = r"ClassPredictor/kernel' is \[1, 1, 128, 18\], and the network needs \[1, 1, 128, 24\].*and \d+ more"
    with pytest.raises(NotAnSsdError, match=words):
        read_source(folder)


def test_a_cut_data_file_is_told(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model", SMALL)
    shard = folder / "ckpt-1.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:10_000])
    with pytest.raises(NotAnSsdError, match="TensorFlow cannot read the checkpoint"):
        read_source(folder)
    (folder / "ckpt-1.index").write_bytes(b"no index")
    with pytest.raises(NotAnSsdError, match="TensorFlow cannot read the checkpoint"):
        read_source(folder)


def test_a_checkpoint_of_tensorflow_1_is_told(tmp_path: Path) -> None:
    import tensorflow as tf

    shutil.copy(SMALL.config, tmp_path / "pipeline.config")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.get_variable("a", [1])
        session.run(variable.initializer)
        tf.compat.v1.train.Saver([variable]).save(session, str(tmp_path / "model.ckpt"), 5)
    with pytest.raises(NotAnSsdError, match="a checkpoint of TensorFlow 1"):
        read_source(tmp_path)


def test_options_that_the_configuration_answers_are_refused(tmp_path: Path) -> None:
    options = SourceOptions(boxes="Squeeze", score_converter=ScoreConverter.SOFTMAX)
    with pytest.raises(UsageError, match="leave out --boxes, --score-converter"):
        read_source(make_folder(tmp_path / "model", SMALL), options=options)


def test_a_pyramid_on_sides_that_do_not_halve_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model", RecordedNetwork("mobilenet_v1_fpnlite"))
    text = (folder / "pipeline.config").read_text()
    (folder / "pipeline.config").write_text(text.replace("height: 160", "height: 150"))
    with pytest.raises(NotAnSsdError, match="must be multiples of 32"):
        read_source(folder)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("mobilenet_v2_fpnlite", {"ADD", "RESIZE_NEAREST_NEIGHBOR"}),
        # The picture is padded, the boxes are clipped, and swish multiplies.
        ("mobilenet_v2_every_setting", {"ADD", "MUL", "PAD", "MAXIMUM", "MINIMUM"}),
    ],
)
def test_batch_normalisation_is_folded_into_the_convolutions(name: str, more: set[str], tmp_path: Path) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    model = read_source(make_folder(tmp_path / "model", RecordedNetwork(name)))
    interpreter = litert.Interpreter(model_content=convert(model, Variant.FLOAT32))
    operators = {detail["op_name"] for detail in interpreter._get_ops_details()}
    usual = {"CONV_2D", "DEPTHWISE_CONV_2D", "CONCATENATION", "RESHAPE", "LOGISTIC", "TFLite_Detection_PostProcess"}
    assert operators - {"DELEGATE"} == usual | more
