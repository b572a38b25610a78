"""A model that does not end, gives no numbers or wants too much memory: one error, and the app stays as it was."""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproof.board.agent.loading import LoadingAgent
from edgeproof.board.deploy import push_bundle
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.store.client import open_store
from edgeproof.bundle import Bundle, open_bundle, write_bundle
from edgeproof.errors import DeploymentError
from edgeproof_agent.bundle.manifest import OutputContract
from tests.support.boards.local_board import LocalBoard
from tests.support.whole_bundles import served_digest

MakeBundle = Callable[[str], Bundle]


@pytest.fixture(scope="session")
def hostile_models() -> dict[str, bytes]:
    """Four outputs, as the post-processing operator has them: boxes, classes, scores, count."""
    import tensorflow as tf

    def converted(kind: str) -> bytes:
        kernel = tf.random.stateless_normal([3, 3, 3, 8], seed=(1, 2))

        @tf.function(input_signature=[tf.TensorSpec([1, 64, 64, 3], tf.float32)])
        def run(picture: tf.Tensor) -> tuple[tf.Tensor, ...]:
            features = tf.nn.conv2d(picture, kernel, 16, "SAME")
            values = tf.sigmoid(tf.reshape(features, [1, -1])[:, :40])
            dark = tf.cast(tf.reduce_mean(picture) < -0.9, tf.float32)
            if kind == "endless":
                loop = tf.while_loop(lambda value: value > -1.0, lambda value: [tf.abs(value) * 0.5], [dark])
                values = values + loop[0]
            if kind == "nan where it is light":
                values = values * (dark / dark)
            if kind == "huge":
                values = values + 1e-12 * tf.reduce_sum(tf.image.resize(picture, [50_000, 50_000]))
            count = tf.reduce_sum(values, axis=1) * 0.0 + 10.0
            return tf.reshape(values, [1, 10, 4]), values[:, :10] * 0.0, values[:, 10:20], count

        return bytes(tf.lite.TFLiteConverter.from_concrete_functions([run.get_concrete_function()], run).convert())

    return {kind: converted(kind) for kind in ("sound", "endless", "nan where it is light", "huge")}


@pytest.fixture
def make_bundle(tiny_bundles: dict[str, Path], hostile_models: dict[str, bytes], tmp_path: Path) -> MakeBundle:
    usual = open_bundle(tiny_bundles["float32"])
    assert isinstance(usual.manifest.output, OutputContract)
    output = replace(usual.manifest.output, boxes=0, classes=1, scores=2, count=3, max_detections=10)

    def make(kind: str) -> Bundle:
        manifest = replace(usual.manifest, output=output)
        return write_bundle(tmp_path / kind.replace(" ", "-"), manifest, hostile_models[kind], usual.labels())

    return make


REASONS = {
    "endless": "the model did not finish an inference on a black picture within 1 s",
    "nan where it is light": "not finite numbers",
    "huge": "MiB|ran out of memory",
}


@pytest.mark.tensorflow
@pytest.mark.parametrize("kind", REASONS)
def test_a_push_of_it_is_refused_with_the_reason(
    board: LocalBoard, make_bundle: MakeBundle, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LoadingAgent, "load", functools.partialmethod(LoadingAgent.load, inference_seconds=1.0))
    home = Path(board.bundle_path("float32")).parents[2]
    with open_store(board.transport, board.store.facts.python_executable) as store:
        sound = push_bundle(OpenBoard(board.transport, store), make_bundle("sound"), "hostile", board.runtime)
        assert served_digest(home, "hostile") == sound.sent.digest
        with pytest.raises(DeploymentError, match=REASONS[kind]):
            push_bundle(OpenBoard(board.transport, store), make_bundle(kind), "hostile", board.runtime)
    assert served_digest(home, "hostile") == sound.sent.digest
