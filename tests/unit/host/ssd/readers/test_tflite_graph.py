"""`tflite_graph.pb` gives up its heads, anchors and scales; stated names serve graphs that have others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.source_options import ScoreConverter, SourceOptions
from edgeproof_agent.bundle.manifest import Coordinates
from edgeproof_agent.detection.preprocess import prepare
from tests.support.networks import tiny_networks, tiny_ssd
from tests.support.reading import read_source

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_networks.write_tflite_graph(tmp_path_factory.mktemp("graph") / "tflite_graph.pb")


def test_the_operator_s_inputs_are_the_heads(graph: Path) -> None:
    import tensorflow

    model = read_source(graph)
    assert model.source.kind == "tf1-tflite-graph"
    assert (model.num_classes, model.num_anchors) == (2, 64)
    assert model.input.coordinates is Coordinates.ASYMMETRIC
    scales = (model.box_scales.y, model.box_scales.x, model.box_scales.height, model.box_scales.width)
    assert scales == pytest.approx(tiny_networks.SCALES)
    np.testing.assert_allclose(model.anchors, tiny_networks.centre_anchors())
    image = tensorflow.constant(prepare(tiny_ssd.draw_square("bright", 1, 2), model.input))
    boxes, scores = model.heads.module.heads(image)
    expected_boxes, logits = tiny_networks.heads(image)
    np.testing.assert_allclose(boxes.numpy(), expected_boxes.numpy(), atol=1e-4)
    np.testing.assert_allclose(scores.numpy(), tensorflow.sigmoid(logits).numpy(), atol=1e-5)


def test_an_operator_without_scales_is_refused(graph: Path, tmp_path: Path) -> None:
    import tensorflow

    graph_def = tensorflow.compat.v1.GraphDef.FromString(graph.read_bytes())
    del graph_def.node[-1].attr["h_scale"]
    (tmp_path / "graph.pb").write_bytes(graph_def.SerializeToString())
    with pytest.raises(NotAnSsdError, match="does not say h_scale"):
        read_source(tmp_path / "graph.pb")


@pytest.fixture
def other_names(graph: Path, tmp_path: Path) -> Path:
    """The same network in a frozen graph of its own making, ending in logits, without operator."""
    import tensorflow

    graph_def = tensorflow.compat.v1.GraphDef.FromString(graph.read_bytes())
    del graph_def.node[-1]
    for node in graph_def.node:
        node.op = "Identity" if node.op == "Sigmoid" else node.op
    (tmp_path / "mine.pb").write_bytes(graph_def.SerializeToString())
    return tmp_path / "mine.pb"


def test_stated_names_serve_a_frozen_graph_that_has_its_own(other_names: Path, tmp_path: Path) -> None:
    import tensorflow

    np.save(tmp_path / "anchors.npy", tiny_ssd.anchors())
    named: dict[str, Any] = {"boxes": "raw_outputs/box_encodings", "scores": "raw_outputs/class_predictions"}
    with pytest.raises(NotAnSsdError, match=r"Missing: class scores .*--scores(.|\n)*raw_outputs/class_pred"):
        read_source(other_names)
    with pytest.raises(NotAnSsdError, match=r"these are logits.*--score-converter sigmoid or softmax"):
        read_source(other_names, options=SourceOptions(**named, anchors=str(tmp_path / "anchors.npy")))
    options = SourceOptions(**named, anchors="anchors", score_converter=ScoreConverter.SIGMOID, background=True)
    model = read_source(other_names, options=options)
    np.testing.assert_allclose(model.anchors, tiny_networks.centre_anchors())
    image = tensorflow.constant(prepare(tiny_ssd.draw_square("bright", 1, 2), model.input))
    _, scores = model.heads.module.heads(image)
    np.testing.assert_allclose(scores.numpy(), tensorflow.sigmoid(tiny_networks.heads(image)[1]).numpy(), atol=1e-5)


def test_an_anchors_file_that_is_missing_is_told(other_names: Path, tmp_path: Path) -> None:
    options = SourceOptions(boxes="raw_outputs/box_encodings", scores="anchors", anchors=str(tmp_path / "a.npy"))
    with pytest.raises(UsageError, match=r"a\.npy: .*no such file"):
        read_source(other_names, options=options)
