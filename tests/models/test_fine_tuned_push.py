"""A fine-tuned model, exported for real, costs a push a tenth of its bytes at most."""

import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.board.deploy import send_bundle
from edgeproof.board.link.local import LocalTransport
from edgeproof.board.store.client import open_store
from edgeproof.bundle import open_bundle
from edgeproof.sample.shapes import ShapesSample, fetch_shapes
from edgeproof_agent.store.objects import Kind

VARIANTS = ("float32", "int8")
# Stands for some more steps of training with everything but the last layer frozen.
_TUNE = """
import sys
import keras, numpy
model = keras.models.load_model(sys.argv[1])
random = numpy.random.default_rng(0)
tuned = [layer for layer in model.layers if layer.name.endswith("classes_predict")]
assert len(tuned) == 3, "a head for each of three scales"
for layer in tuned:
    layer.set_weights([weight + random.normal(0, 0.01, weight.shape) for weight in layer.get_weights()])
model.save(sys.argv[2])
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> ShapesSample:
    return fetch_shapes(tmp_path_factory.mktemp("shapes") / "sample")


@pytest.fixture(scope="module")
def bundles(sample: ShapesSample) -> dict[str, Path]:
    """The folders of bundles of the model as it was and as it is tuned."""
    tuned = sample.path / "tuned.keras"
    run("-c", _TUNE, sample.model, tuned)
    folders = {"before": sample.path / "before", "tuned": sample.path / "after"}
    for model, out in zip((sample.model, tuned), folders.values(), strict=True):
        command = ["-m", "edgeproof", "export", model, "--anchors", sample.anchors, "--labels", sample.labels]
        run(
            *command,
            "--name",
            "shapes",
            "--variant",
            "float32",
            "--variant",
            "int8",
            "--images",
            sample.calibration,
            "--calibration-size",
            "8",
            "--out",
            out,
        )
    return folders


def run(*arguments: object) -> None:
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_model_with_another_last_layer_travels_as_less_than_a_tenth(
    bundles: dict[str, Path], variant: str, tmp_path: Path
) -> None:
    before, tuned = (open_bundle(bundles[name] / variant) for name in ("before", "tuned"))
    assert before.digest != tuned.digest
    with LocalTransport("pi", tmp_path) as transport, open_store(transport, sys.executable) as store:
        first = send_bundle(store, before)
        second = send_bundle(store, tuned)
        stored = Path(store.path(Kind.BUNDLE, tuned.digest)) / "model.tflite"
    assert first.payload_bytes >= 0.8 * first.total_bytes  # packed where this machine is busy, so that it seems slow
    assert second.payload_bytes < 0.1 * second.total_bytes
    assert stored.read_bytes() == tuned.model_path.read_bytes()
