"""The input contract is read out of whatever arithmetic a graph's Preprocessor does."""

from collections.abc import Callable
from typing import Any

import pytest

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.graph.preprocessor import find_network_input, read_input_contract

pytestmark = pytest.mark.tensorflow

Normalise = Callable[[Any, Any], Any]


def build(normalise: Normalise, size: Any = (48, 32)) -> Graph:
    """A graph of a Preprocessor that resizes to `size` and ends in `normalise(tf, pixels)`, and a convolution."""
    import tensorflow

    tf = tensorflow.compat.v1
    graph = tensorflow.Graph()
    with graph.as_default():
        pixels = tf.placeholder(tf.float32, [None, None, None, 3], "image_tensor")
        with tf.name_scope("Preprocessor/"):
            wanted = tf.shape(pixels)[1:3] if size is None else tf.constant(size)
            resized = tf.image.resize_bilinear(pixels, wanted, name="ResizeBilinear")
            image = normalise(tf, resized)
        tf.shape(image, name="Shape")
        with tf.name_scope("Postprocessor/"):
            tf.cast(tf.shape(resized), tf.float32, name="ToFloat")
        tf.nn.conv2d(image, tf.ones([3, 3, 3, 4]), 1, "SAME", name="FeatureExtractor/Conv")
    return Graph(graph.as_graph_def())


@pytest.mark.parametrize(
    ("normalise", "mean", "std"),
    [
        (lambda tf, x: tf.subtract(2 / 255 * x, 1.0), 127.5, 127.5),
        (lambda tf, x: tf.subtract(x, 100.0) / 50.0, 100.0, 50.0),
        (lambda tf, x: tf.multiply(tf.subtract(x, 128.0), 1 / 128), 128.0, 128.0),
        (lambda tf, x: tf.add(tf.multiply(x, 0.5), -20.0), 40.0, 2.0),
        (lambda tf, x: tf.divide(x, 255.0), 0.0, 255.0),
        (lambda tf, x: tf.identity(x), 0.0, 1.0),
    ],
)
def test_mean_and_standard_deviation_come_out_of_any_order_of_steps(
    normalise: Normalise, mean: float, std: float
) -> None:
    graph = build(normalise)
    contract = read_input_contract(graph, find_network_input(graph, "model.pb"), "model.pb")
    assert contract.mean == (mean, mean, mean)
    assert contract.std == (std, std, std)
    assert (contract.height, contract.width) == (48, 32)


def test_means_a_channel_are_read() -> None:
    graph = build(lambda tf, x: tf.subtract(x, tf.constant([123.68, 116.779, 103.939])))
    contract = read_input_contract(graph, find_network_input(graph, "model.pb"), "model.pb")
    assert contract.mean == (123.68, 116.779, 103.939)
    assert contract.std == (1.0, 1.0, 1.0)


def test_a_size_that_depends_on_the_picture_is_refused() -> None:
    graph = build(lambda tf, x: tf.subtract(x, 1.0), size=None)
    with pytest.raises(NotAnSsdError, match=r"model\.pb: the size .* keep_aspect_ratio_resizer"):
        read_input_contract(graph, find_network_input(graph, "model.pb"), "model.pb")


def test_two_pictures_out_of_the_preprocessor_are_refused() -> None:
    import tensorflow

    graph = build(lambda tf, x: tf.subtract(x, 1.0, name="sub"))
    extra = graph.graph_def.node.add()
    extra.name, extra.op = "second", "Identity"
    extra.input.append("Preprocessor/ResizeBilinear")
    extra.attr["T"].type = tensorflow.float32.as_datatype_enum
    with pytest.raises(NotAnSsdError, match=r"2 nodes \(.*\) of the scope 'Preprocessor/', expected one"):
        find_network_input(Graph(graph.graph_def), "model.pb")
