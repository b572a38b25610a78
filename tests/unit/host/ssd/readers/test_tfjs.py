"""A TensorFlow.js graph model is the graph that it was made from, shards, fused operators and all."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.readers.frozen_graph import read_frozen_graph
from edgeproof.ssd.readers.tfjs import read_graph_def
from edgeproof_agent.detection.preprocess import prepare
from tests.support.networks import tiny_networks, tiny_ssd
from tests.support.reading import read_source

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("fused", [False, True])
def test_the_heads_are_those_of_the_frozen_graph(tiny_frozen_graph: Path, tmp_path: Path, fused: bool) -> None:
    import tensorflow

    folder = tiny_networks.write_tfjs(tiny_frozen_graph, tmp_path / "web", fused)
    assert len(list(folder.glob("group1-shard*"))) > 3
    model, expected = read_source(folder, name="tiny"), read_frozen_graph(tiny_frozen_graph)
    assert model.source.kind == "tfjs-graph-model"
    assert (model.input, model.box_scales) == (expected.input, expected.box_scales)
    np.testing.assert_array_equal(model.anchors, expected.anchors)
    image = tensorflow.constant(prepare(tiny_ssd.draw_square("red", 2, 3), model.input))
    for ours, theirs in zip(model.heads.module.heads(image), expected.heads.module.heads(image), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)


def test_model_json_itself_may_be_given(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    folder = tiny_networks.write_tfjs(tiny_frozen_graph, tmp_path / "web")
    given, whole = read_source(folder / "model.json"), read_source(folder)
    assert given.source.sha256 == whole.source.sha256


def change_node(folder: Path, name: str, **changes: Any) -> None:
    described = json.loads((folder / "model.json").read_text())
    for node in described["modelTopology"]["node"]:
        if node["name"] == name:
            node.update(changes)
    (folder / "model.json").write_text(json.dumps(described))


def test_bytes_may_be_lists_of_numbers_as_older_converters_wrote_them(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    folder = tiny_networks.write_tfjs(tiny_frozen_graph, tmp_path / "web")
    described = json.loads((folder / "model.json").read_text())
    (node,) = (node for node in described["modelTopology"]["node"] if node["name"] == "FeatureExtractor/Conv")
    node["attr"]["padding"] = {"s": list(base64.b64decode(node["attr"]["padding"]["s"]))}
    change_node(folder, "FeatureExtractor/Conv", attr=node["attr"])
    read = read_graph_def(folder / "model.json")
    assert next(item for item in read.node if item.name == "FeatureExtractor/Conv").attr["padding"].s == b"VALID"


def test_a_fusion_that_is_not_known_is_named(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    folder = tiny_networks.write_tfjs(tiny_frozen_graph, tmp_path / "web", fused=True)
    described = json.loads((folder / "model.json").read_text())
    for node in described["modelTopology"]["node"]:
        if node["op"] == "_FusedConv2D":
            node["attr"]["fused_ops"] = {"list": {"s": [base64.b64encode(b"Swish").decode()]}}
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(NotAnSsdError, match=r"'FeatureExtractor/Relu6' is a _FusedConv2D of Swish"):
        read_source(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"modelTopology": {"model_config": {}}, "weightsManifest": []}', "layers model.*tfjs_graph_model"),
        (b'{"modelTopology": {"node": [{"op": "Const"', "it is broken"),
        (b'{"modelTopology": {"node": [{"name": "x"}]}, "weightsManifest": []}', "its node 'x' cannot be read"),
        (b'{"modelTopology": {"node": []}, "weightsManifest": 5}', "no weightsManifest"),
    ],
)
def test_other_json_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(NotAnSsdError, match=words):
        read_source(tmp_path)


def test_a_two_input_add_n_is_cut_as_add(tmp_path: Path, tiny_frozen_graph: Path) -> None:
    """Left as it is, it stays in float in a quantized model, between two DEQUANTIZE."""
    import tensorflow

    graph_def = tensorflow.compat.v1.GraphDef.FromString(tiny_frozen_graph.read_bytes())
    for node in graph_def.node:
        if node.name == "Postprocessor/convert_scores":
            logits = node.input[0]
            added = graph_def.node.add(name="sum", op="AddN", input=[logits, logits])
            added.attr["T"].type = tensorflow.float32.as_datatype_enum
            added.attr["N"].i = 2
            node.input[0] = "sum"
    (tmp_path / "added.pb").write_bytes(graph_def.SerializeToString())
    heads = read_frozen_graph(tmp_path / "added.pb").heads.module.heads
    operators = {operation.type for operation in heads.graph.get_operations()}
    assert "AddV2" in operators
    assert "AddN" not in operators
