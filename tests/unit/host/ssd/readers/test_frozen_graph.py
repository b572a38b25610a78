"""A TensorFlow 1 frozen graph is read into an SsdModel, and what is no SSD is refused with what is missing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.readers.frozen_graph import digest_frozen_graph, read_frozen_graph
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputType
from tests.support.networks import tiny_ssd

pytestmark = pytest.mark.tensorflow

Change = Callable[[Any], None]


@pytest.fixture
def changed_graph(tiny_frozen_graph: Path, tmp_path: Path) -> Callable[[Change], Path]:
    """Writes the tiny graph with each node passed through a function; a node whose name becomes empty is dropped."""

    def write(change: Change) -> Path:
        import tensorflow

        graph = tensorflow.compat.v1.GraphDef.FromString(tiny_frozen_graph.read_bytes())
        for node in graph.node:
            change(node)
        kept = [node for node in graph.node if node.name]
        del graph.node[:]
        graph.node.extend(kept)
        path = tmp_path / "changed.pb"
        path.write_bytes(graph.SerializeToString())
        return path

    return write


def test_everything_is_found_in_the_graph(tiny_frozen_graph: Path) -> None:
    model = read_frozen_graph(tiny_frozen_graph, name="tiny")
    assert (model.name, model.num_classes, model.num_anchors) == ("tiny", 2, tiny_ssd.NUM_ANCHORS)
    assert model.heads.box_encodings_shape == (1, 64, 4)
    assert model.heads.class_scores_shape == (1, 64, 3)
    assert (model.input.height, model.input.width) == (64, 64)
    assert model.input.colour_order is ColourOrder.RGB
    assert model.input.coordinates is Coordinates.ASYMMETRIC
    assert model.input.dtype is InputType.FLOAT32
    assert model.input.mean == model.input.std == (127.5, 127.5, 127.5)
    scales = (model.box_scales.y, model.box_scales.x, model.box_scales.height, model.box_scales.width)
    assert scales == (tiny_ssd.SCALE_Y, tiny_ssd.SCALE_X, tiny_ssd.SCALE_HEIGHT, tiny_ssd.SCALE_WIDTH)
    assert model.labels.names == ("class 1", "class 2")


def test_anchors_become_centres_and_sizes(tiny_frozen_graph: Path) -> None:
    anchors = read_frozen_graph(tiny_frozen_graph).anchors
    row, column = 2, 5
    expected = [(row + 0.5) / 8 + 0.02, (column + 0.5) / 8 - 0.01, tiny_ssd.ANCHOR_HEIGHT, tiny_ssd.ANCHOR_WIDTH]
    np.testing.assert_allclose(anchors[row * 8 + column], expected, atol=1e-6)


def test_the_heads_give_what_the_whole_graph_gives(tiny_frozen_graph: Path) -> None:
    import tensorflow

    from edgeproof_agent.detection.preprocess import prepare

    model = read_frozen_graph(tiny_frozen_graph)
    picture = tiny_ssd.draw_square("red", 4, 6, side=200)
    boxes, scores = model.heads.module.heads(tensorflow.constant(prepare(picture, model.input)))

    graph = tensorflow.compat.v1.GraphDef.FromString(tiny_frozen_graph.read_bytes())

    def whole(image: Any) -> Any:
        names = ["Squeeze:0", "Postprocessor/convert_scores:0"]
        return tensorflow.graph_util.import_graph_def(graph, {"image_tensor:0": image}, names)

    rgb = np.ascontiguousarray(picture[np.newaxis, :, :, ::-1])
    expected = tensorflow.compat.v1.wrap_function(whole, [tensorflow.TensorSpec(rgb.shape, tensorflow.uint8)])(
        tensorflow.constant(rgb)
    )
    np.testing.assert_allclose(boxes.numpy(), expected[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(scores.numpy(), expected[1].numpy(), atol=1e-5)
    assert scores.numpy()[0].argmax(axis=0)[2] == 4 * 8 + 6


@pytest.mark.parametrize(
    ("attribute", "coordinates"),
    [("half_pixel_centers", Coordinates.HALF_PIXEL), ("align_corners", Coordinates.ALIGN_CORNERS)],
)
def test_the_resize_s_coordinates_are_read_from_its_attributes(
    changed_graph: Callable[[Change], Path], attribute: str, coordinates: Coordinates
) -> None:
    def change(node: Any) -> None:
        if node.op == "ResizeBilinear":
            node.attr[attribute].b = True

    assert read_frozen_graph(changed_graph(change)).input.coordinates is coordinates


def test_a_normalisation_a_channel_is_read(changed_graph: Callable[[Change], Path]) -> None:
    import tensorflow

    def change(node: Any) -> None:
        if node.name in ("Preprocessor/Const_1", "Preprocessor/Const_2", "Preprocessor/Const"):
            value = tensorflow.make_ndarray(node.attr["value"].tensor)
            if value.shape == () and value == 1:
                means = np.array([1.0, 0.5, 0.25], np.float32)
                node.attr["value"].tensor.CopyFrom(tensorflow.make_tensor_proto(means))

    assert read_frozen_graph(changed_graph(change)).input.mean == (127.5, 63.75, 31.875)


def drop(*names: str) -> Change:
    def change(node: Any) -> None:
        if node.name in names:
            node.name = ""

    return change


def rename(old: str, new: str) -> Change:
    def change(node: Any) -> None:
        if node.name == old:
            node.name = new
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new

    return change


def test_the_boxes_of_a_head_that_all_feature_maps_share_are_found(
    tiny_frozen_graph: Path, changed_graph: Callable[[Change], Path]
) -> None:
    """SSD FPN-Lite and its like: the API squeezes nothing there."""
    shared = read_frozen_graph(changed_graph(rename("Squeeze", "concat")), name="tiny")
    assert shared.heads.box_encodings_shape == read_frozen_graph(tiny_frozen_graph).heads.box_encodings_shape


def test_a_graph_without_heads_lists_what_is_missing_and_what_could_be_meant(
    changed_graph: Callable[[Change], Path],
) -> None:
    path = changed_graph(rename("Postprocessor/convert_scores", "my_scores"))
    with pytest.raises(NotAnSsdError) as error:
        read_frozen_graph(path)
    message = str(error.value)
    assert "changed.pb: it is a TensorFlow graph" in message
    assert "Missing: class scores ('Postprocessor/convert_scores')." in message
    assert "\n  my_scores [?, 64, 3]" in message


def test_a_graph_without_box_decoder_is_refused(changed_graph: Callable[[Change], Path]) -> None:
    path = changed_graph(rename("Postprocessor/Decode/unstack", "elsewhere"))
    with pytest.raises(NotAnSsdError, match=r"the box decoder \('Postprocessor/Decode/unstack'\) is missing"):
        read_frozen_graph(path)


def test_a_graph_whose_nodes_lead_nowhere_is_refused(changed_graph: Callable[[Change], Path]) -> None:
    with pytest.raises(NotAnSsdError, match="TensorFlow cannot load the graph"):
        read_frozen_graph(changed_graph(drop("FeatureExtractor/Relu6")))


def test_a_graph_without_preprocessor_is_refused(changed_graph: Callable[[Change], Path]) -> None:
    path = changed_graph(rename("Preprocessor/sub", "elsewhere/sub"))
    with pytest.raises(NotAnSsdError, match="Preprocessor"):
        read_frozen_graph(path)


def test_logits_in_place_of_scores_are_refused(changed_graph: Callable[[Change], Path]) -> None:
    def change(node: Any) -> None:
        if node.name == "Postprocessor/convert_scores":
            node.op = "Identity"

    with pytest.raises(NotAnSsdError, match=r"these are logits"):
        read_frozen_graph(changed_graph(change))


def test_garbage_and_a_cut_graph_are_no_graphs(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pb"
    for data in (np.random.default_rng(0).bytes(5000), tiny_frozen_graph.read_bytes()[:-20], b"\x08\x01"):
        path.write_bytes(data)
        with pytest.raises(NotAnSsdError, match=r"model\.pb: it is not a TensorFlow graph"):
            read_frozen_graph(path)


def test_labels_that_do_not_fit_are_refused(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("only one\n")
    with pytest.raises(UsageError, match="it has 1 label, and the model has 2 classes"):
        read_frozen_graph(tiny_frozen_graph, tmp_path / "labels.txt")


def emptied(node: Any) -> None:
    if node.op == "Const":
        tensor = node.attr["value"].tensor
        tensor.tensor_content = b""
        for field in (tensor.float_val, tensor.int_val, tensor.int64_val):
            del field[:]


def test_a_graph_without_weights_is_told_where_they_may_be(changed_graph: Callable[[Change], Path]) -> None:
    with pytest.raises(NotAnSsdError, match=r"it has no weights: .* keeps them in weights_manifest\.json"):
        read_frozen_graph(changed_graph(emptied))


def test_weights_of_an_old_tensorflow_js_model_are_read_from_beside_it(
    tiny_frozen_graph: Path, changed_graph: Callable[[Change], Path]
) -> None:
    import tensorflow

    graph = tensorflow.compat.v1.GraphDef.FromString(tiny_frozen_graph.read_bytes())
    weights = {
        node.name: tensorflow.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"
    }
    kept = {name: value for name, value in weights.items() if value.dtype in (np.float32, np.int32)}
    bare = changed_graph(lambda node: emptied(node) if node.name in kept else None)
    (bare.parent / "group1-shard1of1").write_bytes(b"".join(value.tobytes() for value in kept.values()))
    entries = [{"name": name, "shape": list(value.shape), "dtype": value.dtype.name} for name, value in kept.items()]
    manifest = [{"paths": ["group1-shard1of1"], "weights": entries}]
    (bare.parent / "weights_manifest.json").write_text(json.dumps(manifest))
    found, expected = read_frozen_graph(bare), read_frozen_graph(tiny_frozen_graph)
    picture = tensorflow.random.stateless_uniform((1, 64, 64, 3), (1, 2))
    for one, other in zip(found.heads.module.heads(picture), expected.heads.module.heads(picture), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_array_equal(found.anchors, expected.anchors)
    digest = found.source.sha256
    (bare.parent / "group1-shard1of1").write_bytes(b"\0" * (bare.parent / "group1-shard1of1").stat().st_size)
    assert digest_frozen_graph(bare) != digest
