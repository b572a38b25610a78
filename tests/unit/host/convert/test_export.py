"""`edgeproof export` of a source that does not say everything itself: options reach it, and belong to the bundle."""

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.cli.export import command
from edgeproof.errors import UsageError
from tests.support.contracts import detections_of
from tests.support.networks import tiny_networks, tiny_ssd

LABELS = '{"categories": [{"id": 1, "name": "bright"}, {"id": 2, "name": "red"}]}'


def run(source: Path, out: Path, *arguments: str | Path) -> Bundle:
    words = [source, "--out", out, "--variant", "float32", "--name", "tiny", *arguments]
    result = CliRunner().invoke(command, [str(word) for word in words])
    if result.exception is not None:
        raise result.exception
    return open_bundle(out / "float32")


@pytest.mark.tensorflow
def test_options_reach_the_source_and_are_part_of_the_provenance(tmp_path: Path) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    from edgeproof_agent.detection.preprocess import prepare

    source = tiny_networks.save_raw_heads(tmp_path / "detector", anchors=False)
    np.save(tmp_path / "anchors.npy", tiny_ssd.anchors())
    (tmp_path / "labels.json").write_text(LABELS)
    arguments: list[str | Path] = ["--anchors", tmp_path / "anchors.npy", "--labels", tmp_path / "labels.json"]
    bundle = run(source, tmp_path / "out", *arguments, "--box-scales", "10,8,5,4")
    assert bundle.labels() == ["bright", "red"]
    said = bundle.manifest.provenance["settings"]["source_options"]
    assert said["box_scales"] == [10, 8, 5, 4]
    assert len(said["anchors"]) == 64, "the digest of the file, not its path"

    interpreter = litert.Interpreter(str(bundle.model_path))
    interpreter.allocate_tensors()
    picture = tiny_ssd.draw_square("red", 3, 5)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], prepare(picture, bundle.manifest.input))
    interpreter.invoke()
    outputs, contract = interpreter.get_output_details(), detections_of(bundle.manifest)
    boxes, classes = (interpreter.get_tensor(outputs[at]["index"])[0] for at in (contract.boxes, contract.classes))
    assert classes[0] == tiny_ssd.CLASSES.index("red")
    np.testing.assert_allclose(boxes[0], tiny_ssd.square_box(3, 5), atol=0.02)

    other = run(source, tmp_path / "out", *arguments, "--box-scales", "10,10,5,5")
    assert other.digest != bundle.digest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--anchors", "nowhere.npy"], r"nowhere\.npy: there is no such file"),
        (["--box-scales", "10,10"], "four numbers"),
        (["--input-size", "0x0"], "between 1 and 8192"),
    ],
)
def test_mistakes_in_options_are_found_before_tensorflow_starts(
    tiny_frozen_graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed
    with pytest.raises(UsageError, match=words):
        run(tiny_frozen_graph, tmp_path / "out", *arguments)
